"""Compiles regexes so that every Python finds what they stand for.

Before 3.11.5 a possessive repeat of a group that may match in more than one way went wrong: it
passed over matches, or began them a byte too late (python/cpython#106052). Debian 12 has such a
Python. An atomic group around a plain repeat stands for the same, and was right from the start.
"""

from __future__ import annotations

import re
import sys

_IS_WRONG = sys.version_info < (3, 11, 5)
# What a regex is made of, as far as its groups go: escapes, sets, and where groups begin and end.
_PIECE = re.compile(
    rb"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?#[^)]*\)|\("
    rb"|\)(?:(?P<count>[*+?]|\{[0-9]*,?[0-9]*\})(?P<possessive>\+)?)?|[^\\\[()]+|.",
    re.DOTALL,
)


def compiled(regex: bytes) -> re.Pattern[bytes]:
    """Return `regex`, compiled.

    Raises:
        re.error: If it is none.
    """
    return re.compile(with_atomic_groups(regex) if _IS_WRONG else regex)


def with_atomic_groups(regex: bytes) -> bytes:
    """Return a regex that stands for the same, without possessive repeats of groups."""
    pieces: list[bytes] = []
    begun: list[int] = []
    for piece in _PIECE.finditer(regex):
        text = piece[0]
        if text == b"(":
            begun.append(len(pieces))
        elif text.startswith(b")") and begun:
            start = begun.pop()
            if piece["possessive"]:
                pieces[start] = b"(?>" + pieces[start]
                text = text[:-1] + b")"
        pieces.append(text)
    return b"".join(pieces)
