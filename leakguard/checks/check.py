"""What a check is: from the bytes of a credential to what they prove and what they tell.

A check never raises, whatever it is given, and takes time that grows with the bytes only. What it
tells are facts about a credential, never the credential: each is short, printable, and of no use to
whoever does not hold the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

# From a name to a fact; a fact that is None or empty is not known, and not told.
Facts: TypeAlias = Mapping[str, str | int | None]
Details: TypeAlias = tuple[tuple[str, str], ...]
Digits: TypeAlias = Callable[[bytes], bytes]

_LONGEST_FACT = 120
# No credential is longer, and no time is lost on what looks like one and is.
_LONGEST_SECRET = 1 << 16
# In how many ways damaged input makes arithmetic and parsers stumble.
_STUMBLES = (ValueError, LookupError, ArithmeticError, RecursionError)


class Proof(Enum):
    """What the bytes of a credential prove."""

    HOLDS = "holds"  # they are what they look like
    OPEN = "open"  # they may be, or may be a part of it
    BROKEN = "broken"  # they are not


def _nothing(_: bytes) -> Facts:
    return {}


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one kind of credential.

    Attributes:
        judge: What the bytes prove; True is `HOLDS`, False is `BROKEN`.
        tell: What they tell, whether they hold or not.
        complete: From the head of a credential to the bytes with which it holds, or to nothing
            where none can follow; None when anything of the right shape holds.
    """

    judge: Callable[[bytes], Proof | bool]
    tell: Callable[[bytes], Facts] = _nothing
    complete: Digits | None = None

    def __call__(self, secret: bytes) -> bool:
        """Return whether `secret` holds."""
        return self.proof(secret) is Proof.HOLDS

    def proof(self, secret: bytes) -> Proof:
        """Return what `secret` proves."""
        try:
            judged = self.judge(secret[:_LONGEST_SECRET])
        except _STUMBLES:
            return Proof.BROKEN
        if isinstance(judged, Proof):
            return judged
        return Proof.HOLDS if judged else Proof.BROKEN

    def details(self, secret: bytes) -> Details:
        """Return what `secret` tells, by name, as short texts without control characters."""
        try:
            facts = self.tell(secret[:_LONGEST_SECRET])
        except _STUMBLES:
            return ()
        return tuple((name, _shown(str(fact))) for name, fact in facts.items() if _is_known(fact))

    def completion(self, head: bytes) -> bytes:
        """Return the bytes with which `head` holds, or nothing where none can follow."""
        try:
            return self.complete(head) if self.complete else b""
        except _STUMBLES:
            return b""


def _is_known(fact: str | int | None) -> bool:
    return fact is not None and fact != ""


def _shown(text: str) -> str:
    cut = text if len(text) <= _LONGEST_FACT else f"{text[: _LONGEST_FACT - 1]}…"
    return "".join(letter if letter.isprintable() else "?" for letter in cut)
