"""What a needle must tell at least: the information budget, in bits as `information` counts them.

A needle that tells less stands in ordinary output by chance, so that its mask destroys the log and
gives the value away by where the masks are.
"""

from __future__ import annotations

from leakguard.policy.information import information

WHOLE_BITS = 10.0
"""For a whole value, or a part that its key calls secret: someone chose to hide it."""

PART_BITS = 28.0
"""For any other part, which is a secret only by its looks: a line of a text, a string in a list."""

STRENGTHS = ("weak", "fair", "strong")
"""How hard a value is to guess, in ascending order."""

# A short beginning nearly always answers, and beyond the long one no more of the value counts.
_SHORT, _LONG = 24, 256
_FAIR_BITS, _STRONG_BITS = 40.0, 72.0


def tells(value: bytes, least: float) -> bool:
    """Tell whether `value` tells at least so many bits; only the beginning of a long one counts."""
    return any(information(value[:length]) >= least for length in (_SHORT, _LONG))


def strength(value: bytes) -> str:
    """Return how hard `value` is to guess, one of `STRENGTHS` and no more than that."""
    told = information(value[:_LONG])
    return STRENGTHS[(told >= _FAIR_BITS) + (told >= _STRONG_BITS)]


# --- What may be seen of a secret ---------------------------------------------------------------

BEGINNING_BITS = 32.0
"""What a beginning of a secret must tell to be masked."""
END_BITS = 32.0
"""What an end of a secret must tell: there is one, as there is one beginning."""
FRAGMENT_BITS = 44.0
"""What any other piece must tell: a long value has many, and one of them may occur by chance."""
# A beginning of so many bytes is no chance, even if most of them are a prefix that others have.
_NO_CHANCE, _NO_CHANCE_BITS = 12, 24.0


def least_of_beginning(length: int) -> float:
    """Return what a beginning of so many bytes must tell to be masked, in bits."""
    return BEGINNING_BITS if length < _NO_CHANCE else _NO_CHANCE_BITS
