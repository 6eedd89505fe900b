"""What is followed: a form of a secret, what each of its bytes tells, and where a trace starts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import NoReturn

from leakguard.policy import budget

MIXED, FRAGMENT = "mixed", "fragment"
KINDS = {
    MIXED: "all of it, escaped in several ways, dumped, listed, or with line ends or margins in it",
    FRAGMENT: "a part of it that tells more than the budget, such as its beginning",
}
"""The encodings that a trace may find, and what each stands for."""

LONGEST_LEAD = 64
"""How many bytes in front of a trace are looked at, at the most."""


class Alphabet(Enum):
    """How bytes are compared: each with what its byte stands for."""

    TEXT = bytes(range(256))
    BASE64 = bytes.maketrans(b"-_", b"+/")
    BASE32 = bytes.maketrans(b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    HEX = bytes.maketrans(b"ABCDEF", b"abcdef")


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """A form of a secret that can be followed.

    Attributes:
        name: The secret's name.
        value: The form's bytes, each in its alphabet's canonical spelling.
        told: How many bits the first n bytes of the secret tell, for each n from 0 to all.
        alphabet: How its bytes are compared.
        origin: Where in the secret it begins, in bytes.
        step: How much of the secret each of its bytes stands for, in bytes.
        is_needle: Whether a needle finds all of it where it stands as it is.
        of: The form that it stands for in a base; None if it is no base's.
        bit: The bit of that form at which its first digit begins.
    """

    name: str
    value: bytes = field(repr=False)
    told: tuple[float, ...] = field(repr=False)
    alphabet: Alphabet
    origin: float = 0.0
    step: float = 1.0
    is_needle: bool = True
    of: Form | None = None
    bit: int = 0

    def bits(self, start: int, end: int) -> float:
        """Return what its bytes from `start` to `end` tell, in bits."""
        if self.step == 1.0:  # the secret itself
            return self.told[end] - self.told[start]
        return self._told(end) - self._told(start)

    def _told(self, place: int) -> float:
        told, at = self.told, self.origin + place * self.step
        first = int(at)
        if first >= len(told) - 1:
            return told[-1]
        return told[first] + (at - first) * (told[first + 1] - told[first])

    def is_over_budget(self, start: int, end: int) -> bool:
        """Say whether its bytes from `start` to `end` tell so much that they must not be seen."""
        if start == 0:
            least = budget.least_of_beginning(end)
        else:
            least = budget.END_BITS if end == len(self.value) else budget.FRAGMENT_BITS
        return self.bits(start, end) >= least


# The parameters of a control sequence (ECMA-48), as far as the bytes looked at reach.
_LONGEST_SEQUENCE = 24
_OPEN_SEQUENCE = re.compile(rb"\x1b\[[0-?]*\Z")


def _ends_sequence(text: bytes, at: int) -> bool:
    begun = text[max(0, at - _LONGEST_SEQUENCE) : at]
    return b"\x1b" in begun and _OPEN_SEQUENCE.search(begun) is not None


@dataclass(frozen=True, slots=True)
class Trace:
    """A place in a form from which it can be followed.

    Attributes:
        word: The bytes that stand there in the text.
        form: What is followed.
        place: Where in the form it starts.
        lead: The form's bytes in front of it, as far as another trace starts among them. In a text
            that holds these too there is nothing to start here.
    """

    word: bytes = field(repr=False)
    form: Form
    place: int
    lead: bytes = field(default=b"", repr=False)

    def starts(self, text: bytes, at: int) -> bool:
        """Say whether it starts at `at`, where its word stands.

        It does not where the word's first byte ends an escape sequence, nor where the same form has
        started farther in front.
        """
        if _ends_sequence(text, at):
            return False
        before = at - len(self.lead)
        return not (self.lead and text.startswith(self.lead, max(before, 0), at)) or _ends_sequence(
            text, before
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError("Trace holds a secret and cannot be pickled")
