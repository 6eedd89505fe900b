"""Standard output and standard error: whole lines, safe for a terminal, deaf to a closed pipe."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

import typer

from leakguard.errors import UsageError
from leakguard.reports import shown

_HINT = re.compile(r"\(Possible options: (.+)\)")
_EXTRA = re.compile(r"(Got unexpected extra argument).*", re.DOTALL)


def tell(message: str) -> None:
    """Write one line to standard error, if anyone listens."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.buffer.write(f"{shown(message)}\n".encode())
        sys.stderr.flush()


def write(chunks: Iterable[bytes]) -> None:
    """Write `chunks` to standard output; whoever has heard enough may hang up.

    Raises:
        UsageError: If standard output is closed from the start.
        OSError: If it takes no more, as on a full disk.
    """
    if sys.stdout is None:
        raise UsageError("standard output is closed")
    try:
        sys.stdout.buffer.writelines(chunks)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        hang_up()


def hang_up() -> None:
    """Point standard output at nothing, or Python's last flush would fail on the closed pipe."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def colorful() -> bool:
    """Return whether standard output shows colors; NO_COLOR and FORCE_COLOR have the last word."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout is not None and sys.stdout.isatty())


def usage(error: typer.TyperException, given: Sequence[str]) -> str:
    """Return one line for a command line that was not understood, without the values in it."""
    context = getattr(error, "ctx", None)
    where = context.command_path if context else " ".join(["leakguard", *given[:1]])
    text = _HINT.sub(r"(did you mean \1?)", error.format_message())
    # What was typed in the wrong place may be a secret.
    text = " ".join(_EXTRA.sub(r"\1", text).split()).rstrip(".")
    return f"{where}: {text[:1].lower()}{text[1:]}"
