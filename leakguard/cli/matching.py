"""The matcher that a command line asks for; the names of what it cannot protect are told once."""

from __future__ import annotations

from leakguard.cli import console
from leakguard.cli.options import Ruleset, Secrets, number
from leakguard.errors import UsageError
from leakguard.masker import Masker
from leakguard.matcher import Matcher


def matcher(secrets: Secrets, ruleset: Ruleset, *, builtin: bool = True) -> Matcher:
    """Return what finds the secrets and the rules asked for, and name what it does not protect.

    Raises:
        UsageError: If an option is wrong, or a source cannot be read.
    """
    found = Matcher(
        secrets.load(),
        ruleset.load(builtin=builtin),
        min_length=number("--min-length", secrets.min_length, least=1),
        min_confidence=ruleset.confidence(),
    )
    for name, reason in found.unprotected:
        console.tell(f"leakguard: not protected: {name} ({reason})")
    return found


def told(error: UsageError, matcher: Matcher) -> UsageError:
    """Return an error without the secrets in it: a value may stand where a path belongs."""
    masker = Masker(matcher)
    message = masker.feed(str(error).encode("utf-8", "surrogateescape")) + masker.flush()
    return UsageError(message.decode("utf-8", "surrogateescape"))
