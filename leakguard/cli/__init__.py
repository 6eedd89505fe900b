"""The command line: reads options, calls the library, and turns what comes back into an exit code.

Whatever goes wrong ends here as one line on standard error that shows no secret and no traceback. A
failure of leakguard itself never looks like a finding, and under `mask` and `run` it is 125.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from typing import Protocol

import typer

from leakguard.cli import console
from leakguard.cli.app import app
from leakguard.errors import ExitCode, LeakguardError

_INTERRUPTED = 130
_MASKING = (["mask"], ["run"])


class _Uncaught(Protocol):
    """What Python tells of an error that ends a thread."""

    @property
    def exc_type(self) -> type[BaseException]:
        """The error's type."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `arguments`, those of the process by default, and return the exit code."""
    if arguments is None:
        # Python would print tracebacks, and what they quote, of errors that no caller can catch.
        sys.unraisablehook, threading.excepthook = _pass_over, _tell_uncaught
    given = list(sys.argv[1:] if arguments is None else arguments)
    failed = ExitCode.MASKING_FAILED if given[:1] in _MASKING else ExitCode.FAILED
    try:
        return _invoke(given)
    except (typer.TyperException, LeakguardError, OSError) as error:
        return _explain(error, failed, given)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the one place; a traceback could show a secret
        console.tell(f"leakguard: internal error ({type(error).__name__})")
        return failed


def _pass_over(_: object) -> None:
    """Say nothing of an error in what Python only clears away, such as a generator nobody needs."""


def _tell_uncaught(uncaught: _Uncaught) -> None:
    console.tell(f"leakguard: internal error ({uncaught.exc_type.__name__})")


def _invoke(arguments: list[str]) -> int:
    root = typer.main.get_command(app)
    try:
        with root.make_context("leakguard", arguments) as context:
            return int(root.invoke(context) or ExitCode.OK)
    except typer.Exit as leaving:
        return leaving.exit_code


def _explain(
    error: typer.TyperException | LeakguardError | OSError, failed: ExitCode, given: list[str]
) -> int:
    if isinstance(error, OSError):
        return _explain_system(error, failed)
    if isinstance(error, LeakguardError):
        console.tell(f"leakguard: {error}")
        return failed if error.exit_code is ExitCode.FAILED else error.exit_code
    console.tell(console.usage(error, given))
    return ExitCode.USAGE


def _explain_system(error: OSError, failed: ExitCode) -> int:
    console.hang_up()
    if isinstance(error, BrokenPipeError):
        return ExitCode.OK
    where = f": {os.fsdecode(error.filename)}" if error.filename else ""
    console.tell(f"leakguard: {error.strerror or type(error).__name__}{where}")
    return failed
