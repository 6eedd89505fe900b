"""leakguard masks secrets in what a CI job prints, and finds them in what it is about to publish.

    from leakguard import Masker, Matcher, Secret, builtin_rules, scan

A `Matcher` knows what must not be seen; a `Masker` keeps it out of a stream; `scan` says where it
sits in files, directories and archives. Nothing here prints.
"""

from leakguard.masker import Leak, Masker
from leakguard.matcher import Matcher
from leakguard.model import Confidence, Finding, Match, Secret, Skip
from leakguard.rules import Rule, builtin_rules

__all__ = [
    "Confidence",
    "Finding",
    "Leak",
    "Limits",
    "Masker",
    "Match",
    "Matcher",
    "Rule",
    "Secret",
    "Skip",
    "builtin_rules",
    "scan",
    "scan_images",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load the scanner when it is asked for: a masker starts quicker without it."""
    if name not in ("Limits", "scan", "scan_images"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from leakguard import scanner  # noqa: PLC0415  # see above

    return getattr(scanner, name)
