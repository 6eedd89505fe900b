r"""What the digits of a base stand for: a text of its own, in which a secret goes on as in any.

A secret may have been broken, escaped or cut before somebody encoded it. Then its own base64 stands
in the text up to there, and no farther. From the digits at which a trace starts all that follow are
decoded, and the trace goes on in what comes out.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, unhexlify
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from leakguard.traces.form import Alphabet


@dataclass(frozen=True, slots=True)
class _Base:
    """How bytes are written in a base.

    Attributes:
        bits: What a digit stands for.
        digits: Some digits.
        group: So many digits are decoded at once.
        zero: The digit that stands for nothing but zeros.
        decode: From digits in the alphabet's spelling to bytes.
    """

    bits: int
    digits: re.Pattern[bytes]
    group: int
    zero: bytes
    decode: Callable[[bytes], bytes]


_AS_PYTHON_COUNTS = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghijklmnopqrstuv"
)


def _from_base32(digits: bytes) -> bytes:
    """Decode groups of eight digits; `b32decode` takes thirty times as long, at each new digit."""
    return int(digits.translate(_AS_PYTHON_COUNTS), 32).to_bytes(len(digits) * 5 // 8)


_BASES: Mapping[Alphabet, _Base] = {
    Alphabet.BASE64: _Base(6, re.compile(rb"[A-Za-z0-9+/_-]+"), 4, b"A", a2b_base64),
    Alphabet.BASE32: _Base(5, re.compile(rb"[A-Za-z2-7]+"), 8, b"A", _from_base32),
    Alphabet.HEX: _Base(4, re.compile(rb"[0-9A-Fa-f]+"), 2, b"0", unhexlify),
}
# Long rows of digits are broken into lines, which may stand in a JSON document.
_BREAK = re.compile(rb"(?:\r?\n|(?:\\r)?\\n)[ \t]{0,64}")
_MAYBE_BREAK = re.compile(rb"(?:\r?\n?|\\?|\\r\\?|(?:\\r)?\\n)[ \t]{0,64}\Z")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The bytes that some digits of a text stand for.

    Attributes:
        text: The bytes.
        final: Whether the digits end there, so that nothing comes behind the bytes.
        cut: Whether they do not, and there are more of them at hand.
        digits: Which ones.
        counts: Of each piece that no line end breaks, how many digits there are up to its end,
        ends: and where in the digits' text that is.
    """

    text: bytes = field(repr=False)
    final: bool
    cut: bool
    digits: Digits
    counts: list[int]
    ends: list[int]

    def end(self, length: int) -> int:
        """Return behind how many bytes of the digits' text the first `length` bytes end."""
        count = -(-(self.digits.skipped + 8 * length) // _BASES[self.digits.alphabet].bits)
        piece = bisect_left(self.counts, count)
        return self.ends[piece] - (self.counts[piece] - count)


@dataclass(frozen=True, slots=True)
class Digits:
    """Digits of a base, from one of them on.

    Attributes:
        alphabet: The base.
        skipped: How many bits of the first ones belong to a byte in front of the first whole one.
    """

    alphabet: Alphabet
    skipped: int

    def decoded(self, text: bytes, start: int, most: int, *, final: bool) -> Decoded:
        """Return what they stand for.

        Args:
            text: The text that they stand in.
            start: Where they begin.
            most: So many of them are decoded, at the most.
            final: Whether `text` ends there, so that no digit can come.
        """
        pieces, counts, ends = self._pieces(text, start, most)
        behind = start + (ends[-1] if ends else 0)
        is_cut = bool(counts) and counts[-1] == most
        is_final = final or _MAYBE_BREAK.match(text, behind) is None
        shown = self._undone(b"".join(pieces))
        return Decoded(shown, is_final and not is_cut, is_cut, self, counts, ends)

    def _pieces(
        self, text: bytes, start: int, most: int
    ) -> tuple[list[bytes], list[int], list[int]]:
        pieces: list[bytes] = []
        counts: list[int] = []
        ends: list[int] = []
        at, count = start, 0
        while run := _BASES[self.alphabet].digits.match(text, at, at + most - count):
            count += len(run[0])
            pieces.append(run[0])
            counts.append(count)
            ends.append(run.end() - start)
            broken = _BREAK.match(text, run.end())
            if count == most or broken is None:
                break
            at = broken.end()
        return pieces, counts, ends

    def _undone(self, digits: bytes) -> bytes:
        """Return the whole bytes that digits stand for, what is skipped apart."""
        base = _BASES[self.alphabet]
        # Zeros in front, so that the first whole byte begins where bytes do.
        lead = next(n for n in range(8) if (base.bits * n + self.skipped) % 8 == 0)
        filled = base.zero * lead + digits.translate(self.alphabet.value)
        decoded = base.decode(filled + base.zero * (-len(filled) % base.group))
        return decoded[(base.bits * lead + self.skipped) // 8 : len(filled) * base.bits // 8]


def digits_from(alphabet: Alphabet, first: int, place: int) -> tuple[int, Digits]:
    """Return the first whole byte behind where a digit begins, and the digits from it on.

    Args:
        alphabet: Their base.
        first: The bit at which the first digit of all begins.
        place: Which digit it is, from 0.
    """
    bit = first + _BASES[alphabet].bits * place
    byte = -(-bit // 8)
    return byte, Digits(alphabet, 8 * byte - bit)
