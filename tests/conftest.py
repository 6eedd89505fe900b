"""Settings that every test shares."""

import os
import signal

from hypothesis import HealthCheck, settings

# What started the tests may ignore signals, as `nohup` does, and processes inherit that.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTSTP", "SIGCONT")
for _number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)

# A property is tried 100 times, in CI 500 times and with the same cases each time, so that what
# fails there is the change; `make nightly` tries it 2,000 times.
settings.register_profile("dev", max_examples=100, deadline=None)
settings.register_profile("ci", max_examples=500, deadline=None, derandomize=True)
settings.register_profile(
    "nightly",
    max_examples=2_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))
