"""The matcher that a command line asks for; the names of what it cannot protect are told once."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from leakguard.cli import console
from leakguard.cli.options import Ruleset, Secrets, number
from leakguard.errors import UsageError
from leakguard.masker import Masker
from leakguard.matcher import Matcher

# How long the thread that makes sieves waits for its turn, in seconds. With Python's own 5 ms it is
# through after 0.4 s instead of 0.1 s: the stream goes on meanwhile, and never rests by itself.
_TURN = 0.0005


def matcher(
    secrets: Secrets, ruleset: Ruleset, *, builtin: bool = True, streams: bool = False
) -> Matcher:
    """Return what finds the secrets and the rules asked for, and name what it does not protect.

    Args:
        secrets: Which values are protected.
        ruleset: Which rules there are.
        builtin: Whether the built-in rules are among them.
        streams: Whether it is for streams, which rules that ask for a path cannot be asked about.

    Raises:
        UsageError: If an option is wrong, or a source cannot be read.
    """
    if streams:
        sys.setswitchinterval(_TURN)
    with _kept():
        rules = ruleset.load(builtin=builtin)
        found = Matcher(
            secrets.load(),
            [rule for rule in rules if rule.is_for_streams or not streams],
            min_length=number("--min-length", secrets.min_length, least=1),
            min_confidence=ruleset.confidence(),
            beside=streams,
        )
    for name, reason in found.unprotected:
        console.tell(f"leakguard: not protected: {name} ({reason})")
    return found


@contextmanager
def _kept() -> Iterator[None]:
    """Let the garbage collector pass over all that is made: it stays as long as the process.

    With a thousand secrets it would look at half a million objects time and again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def told(error: UsageError, matcher: Matcher) -> UsageError:
    """Return an error without the secrets in it: a value may stand where a path belongs."""
    return UsageError(masked(str(error), matcher))


def masked(text: str, matcher: Matcher) -> str:
    """Return `text` with its secrets masked."""
    masker = Masker(matcher)
    message = masker.feed(text.encode("utf-8", "surrogateescape")) + masker.flush()
    return message.decode("utf-8", "surrogateescape")
