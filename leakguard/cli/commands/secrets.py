"""`leakguard secrets`: which values are protected, in which forms; never a value or its length."""

from __future__ import annotations

from collections import Counter

from leakguard import encoders, policy
from leakguard.cli import console
from leakguard.cli.command import application, command
from leakguard.cli.options import Secrets, number
from leakguard.cli.tables import Tabular
from leakguard.errors import ExitCode
from leakguard.model import Secret

_STATUS = {"0": "done", "2": "usage, or secrets that cannot be loaded", "4": "leakguard failed"}

app = application(help="Show which secrets are protected.")


@app.callback()
def secrets() -> None:
    """Show which secrets are protected."""


@command(app, _STATUS, name="list")
def list_(secrets: Secrets, tabular: Tabular) -> int:
    """List the names of secrets, the forms in which each is masked, or why it is not."""
    least = number("--min-length", secrets.min_length, least=1)
    rows = [_row(secret, least) for secret in secrets.load()]
    console.write(tabular.render(("name", "protected", "reason", "forms"), rows))
    return ExitCode.OK


def _row(secret: Secret, least: int) -> tuple[object, ...]:
    needles = encoders.needles(secret, min_length=least)
    forms = dict(sorted(Counter(needle.encoding for needle in needles).items()))
    reason = "" if needles else policy.weakness(secret.value, min_length=least)
    return secret.name, bool(needles), reason, forms
