"""The matcher that a command line asks for; the names of what it cannot protect are told once."""

from __future__ import annotations

from leakguard.cli import console
from leakguard.cli.options import Ruleset, Secrets, number
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
