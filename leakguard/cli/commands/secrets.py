"""`leakguard secrets`: which values are protected, in which forms; never a value or its length."""

from __future__ import annotations

import sys
from getpass import getpass
from itertools import chain
from typing import Annotated

from typer import Argument, Option

from leakguard import control
from leakguard.cli import console, decisions
from leakguard.cli.command import application, command
from leakguard.cli.options import Secrets, number
from leakguard.cli.tables import Tabular
from leakguard.errors import ExitCode, UsageError
from leakguard.model import Secret
from leakguard.providers import contents, wording

_STATUS = {"0": "done", "2": "usage, or secrets that cannot be loaded", "4": "leakguard failed"}
_ADDED = {
    "0": "masked from now on, in every form",
    "1": "not protected: the value is too short or too guessable",
    "2": "usage, no value that can be read, or no running leakguard",
    "4": "the running leakguard has not confirmed it; print nothing of it",
}

app = application(help="Show which secrets are protected, and add one while a job runs.")


@app.callback()
def secrets() -> None:
    """Show which secrets are protected, and add one while a job runs."""


@command(app, _STATUS, name="list")
def list_(secrets: Secrets, tabular: Tabular) -> int:
    """List the names of secrets, the forms in which each is masked, or why it is not.

    Below each are its parts that may be seen alone: lines, leaves of a document, the password of a
    URL; whether each is masked as well, and if not, why. Forms are counted by their encoding.
    Strength is a rough word for how hard a value is to guess: weak, fair or strong. No value is
    shown and no length, but weak names are better kept out of a log that strangers read.
    """
    least = number("--min-length", secrets.min_length, least=1)
    told = [decisions.of(secret, least) for secret in secrets.load()]
    if tabular.is_json:
        console.write(tabular.render((*decisions.COLUMNS, "parts"), map(decisions.nested, told)))
    else:
        console.write(
            tabular.render(decisions.COLUMNS, chain.from_iterable(map(decisions.rows, told)))
        )
    return ExitCode.OK


@command(app, _ADDED)
def add(
    name: Annotated[str, Argument(metavar="NAME", help="What labels and reports call it.")],
    file: Annotated[
        str, Option("--file", metavar="FILE", help="Read the value here and not on standard input.")
    ] = "",
) -> int:
    """Mask one more value in this job from now on.

    For commands that `leakguard run` runs. Standard input is the value, all of it, without one line
    end behind it; at most 1 MiB. When this ends with 0, whatever the job writes from then on is
    masked, to either stream and in every form:

      vault read -field=token kv/ci | leakguard secrets add VAULT_TOKEN
    """
    control.check(Secret(name, b""))
    given = contents.read(file, control.LARGEST + 2) if file else _typed(name)
    reasons = [control.add(Secret(name, value)) for value in contents.values(_without_end(given))]
    if reason := next(filter(None, reasons), ""):
        console.tell(f"leakguard: not protected: {wording.variable(name)} ({reason})")
        return ExitCode.FINDINGS
    return ExitCode.OK


def _typed(name: str) -> bytes:
    """Return what standard input holds; a terminal does not show what is typed, one line there."""
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    if sys.stdin.isatty():
        return getpass(f"{name}: ").encode("utf-8", "surrogateescape")
    # One byte more than can be right, and a line end of two.
    return sys.stdin.buffer.read(control.LARGEST + 3)


def _without_end(text: bytes) -> bytes:
    return text.removesuffix(b"\n").removesuffix(b"\r") if text.endswith(b"\n") else text
