"""How long a byte stays inside: a line's own delay, a prompt's, and the first one's after a start.

python bench/latency.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence

from measure import leakguard, secrets

LINES = 1_000_000
A_SECOND = 50_000
TURNS = 9
CAT = ["cat"]
MASK = [leakguard(), "mask", "--secrets", "env:BENCH_SECRET_*"]
RUN = [leakguard(), "run", "--secrets", "env:BENCH_SECRET_*", "--"]
# Each line says when it was written. The clock is the same in all processes.
WRITER = """
import os, sys, time
count, rate = int(sys.argv[1]), float(sys.argv[2])
now, write, started = time.monotonic_ns, os.write, time.monotonic()
for number in range(count):
    if rate and number % 10 == 0:
        time.sleep(max(0.0, started + number / rate - time.monotonic()))
    write(1, b"%020d step 7 of 12: compiling module, no warnings, done in a bit\\n" % now())
"""
PROMPT = """
import os, sys, time
for number in range(50):
    time.sleep(0.1)
    os.write(1, b"%020d Password: " % time.monotonic_ns() + os.fsencode(sys.argv[1]))
"""


STAMPED = len("00000000000000000000 Password: ")


def delays(command: Sequence[str], count: int, rate: float) -> list[int]:
    """Return how many nanoseconds each line takes from its write to the read behind `command`."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(count), str(rate)], stdout=subprocess.PIPE
    )
    filtered = subprocess.Popen(
        command,
        stdin=writer.stdout,
        stdout=subprocess.PIPE,
        bufsize=0,
        env={**os.environ, **secrets(10)},
    )
    if writer.stdout is None or filtered.stdout is None:
        raise SystemExit("no pipe")
    writer.stdout.close()
    found = [now - int(line[:20]) for line, now in arrivals(filtered.stdout.fileno())]
    writer.wait()
    filtered.wait()
    return found


def arrivals(descriptor: int) -> Iterator[tuple[bytes, int]]:
    """Yield each line and when it was there."""
    rest = b""
    while text := os.read(descriptor, 1 << 20):
        now = time.monotonic_ns()
        *whole, rest = (rest + text).split(b"\n")
        for line in whole:
            yield line, now


def percentiles(name: str, found: Sequence[int], note: str = "") -> None:
    """Print the median, the 99th percentile and the longest of nanoseconds."""
    ordered = sorted(found)
    shares = (len(ordered) // 2, len(ordered) * 99 // 100, len(ordered) - 1)
    middle, late, last = (ordered[share] / 1e6 for share in shares)
    print(f"  {name:20} p50 {middle:.2f} ms, p99 {late:.2f} ms, longest {last:.0f} ms{note}")


def lines() -> None:
    """Print the delay of a line, written as fast as it goes and at a steady rate."""
    for rate in (0, A_SECOND):
        pace = f"at {rate:,} a second" if rate else "as fast as they go"
        print(f"{LINES:,} writes of 80 bytes, {pace}: a line's own delay")
        for name, command in (("cat", CAT), ("leakguard mask", MASK)):
            started = time.monotonic()
            found = delays(command, LINES, rate)
            speed = len(found) / (time.monotonic() - started)
            percentiles(name, found, f", {speed:,.0f} lines/s")


def prompts() -> None:
    """Print the delay of a prompt without a newline, alone and with a beginning of a secret."""
    beginning = secrets(10)["BENCH_SECRET_0"][:2]
    print("a prompt without a newline, through `run`")
    for name, rest in (("as it is", ""), ("2 bytes of a secret", beginning)):
        percentiles(name, prompt_delays(rest))


def prompt_delays(rest: str) -> list[int]:
    """Return how many nanoseconds prompts that end in `rest` take."""
    child = subprocess.Popen(
        [*RUN, sys.executable, "-c", PROMPT, rest],
        stdout=subprocess.PIPE,
        bufsize=0,
        env={**os.environ, **secrets(10)},
    )
    if child.stdout is None:
        raise SystemExit("no pipe")
    found, text = [], b""
    while more := os.read(child.stdout.fileno(), 4096):
        text += more
        if len(text) >= STAMPED + len(rest):
            found.append(time.monotonic_ns() - int(text[:20]))
            text = text[STAMPED + len(rest) :]
    child.wait()
    return found


def start(environ: Mapping[str, str]) -> float:
    """Return the seconds from a start to the first masked byte."""
    started = time.perf_counter()
    masker = subprocess.Popen(
        MASK,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env={**os.environ, **secrets(10), **environ},
    )
    if masker.stdin is None or masker.stdout is None:
        raise SystemExit("no pipe")
    masker.stdin.write(secrets(10)["BENCH_SECRET_0"].encode() + b"\n")
    if masker.stdout.read(1) != b"*":
        raise SystemExit("not masked")
    passed = time.perf_counter() - started
    masker.communicate()
    return passed


def starts() -> None:
    """Print the time from a start to the first masked byte, without and with a cache."""
    print("from the start to the first masked byte, 10 secrets, all rules")
    with tempfile.TemporaryDirectory() as warm:
        fill(warm)
        cached = [start({"XDG_CACHE_HOME": warm}) for _ in range(TURNS)]
    colds = [cold() for _ in range(TURNS)]
    for name, found in (("cold cache", colds), ("warm cache", cached)):
        print(f"  {name:22} {statistics.median(found) * 1000:.0f} ms")


def cold() -> float:
    """Return what `start` does, with an empty cache."""
    with tempfile.TemporaryDirectory() as empty:
        return start({"XDG_CACHE_HOME": empty})


def fill(cache: str) -> None:
    """Have leakguard fill its cache, which it does once a log is long enough."""
    subprocess.run(
        MASK,
        input=bytes(range(256)) * 1000,
        stdout=subprocess.DEVNULL,
        env={**os.environ, **secrets(10), "XDG_CACHE_HOME": cache},
        check=True,
    )


if __name__ == "__main__":
    starts()
    prompts()
    lines()
