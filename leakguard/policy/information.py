"""Estimate what a value tells: for each of its bytes, the bits that it adds to those before it.

A text of words tells little for its length, and random text nearly all that its alphabet can. The
estimate is the length of a short description: each run of letters and digits is divided into
stretches of digits, hex digits, words or anything, whichever takes fewest bits, and what a reader
would guess is capped: `https://`, `password`, `1234`, a repetition. What a byte adds depends on its
neighbors alone, repetitions aside, so that the sum over a part of a value estimates that part. The
time is linear in the length, some 3 ms for each kilobyte.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import TypeAlias

from leakguard.policy.words import BEGINNINGS, COMMON, ENDINGS

# What a letter tells behind another, in half bits, less one: a row for each letter in front, the
# first for none, and a column for each letter. Counted over the words of English documentation,
# each by the logarithm of its frequency, and lowered by 1.3 bits, since there are far fewer words
# than texts that have their pairs of letters.
_PAIRS = """
    463455775b965674b435787ccc f646fb7d7fa253f6f24189b98d 39872abf38f1ab39f4484def7f
    3f7a2ce35f55ce1df6726eff9f 4aa7089e1bf8aa4ae7575bdeaf 5a42888d9fe563b7a125c8a6bf
    3fa933bd1fe4aa2af4754efe7f 4b9a0a744ff6745bf25a5befad 19eb0cef2ff9892cf6757fcf6f
    6846676fffc55038f743f6faf7 2aa91bec5a8a8a1bee6919aebe 4ac90c8c2fb5866af7296c7b8c
    2bb71acf1fd3cd3afe6669ff3f 16db1cef2ffa6c32fb6c5effaf 4b43382b5d9ac85afc3288efcf
    9865ba7d8e944076f265576bdf 2eaa2bf65fd3af35e2657fff7f 6abbc9fcffc59afdb5690dccd9
    2b770a7e2f996839f64589cf8f 6e5b2ae52f989b55ac414dbf8f 3e8b1bf51ff8bb4bf3477ebf6d
    5458597f6fe342a5f333fdfcff 1fca0dbe1ffbbf5afc8efffcdf 1bd92be41fd9d43bf449fcbeff
    5b3838c82dd87a91c972a9e88e 7966578b4fd53461c734998de9 2fd90ac93fdbac4afe9dbbdb9a
"""
_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
# In bits: a sign by its kind, and a letter or digit by what its stretch is made of.
_JOINT, _SIGN, _CONTROL, _WIDE, _BYTE = 2.0, 5.0, 7.0, 4.5, 8.0
_DIGIT, _HEX, _ONE_CASE, _ONE_CASE_AND_DIGITS, _ANY = 3.3, 4.0, 4.7, 5.2, 5.95
# What a stretch adds that is unlike the one before it, and a letter of another case.
_SWITCH, _RISE, _FALL = 2.5, 2.5, 0.5
# What a reader would guess, at most: all of a word, an opening or a year; each byte of the others.
_WORD, _OPENING, _YEAR = 9.0, 1.0, 6.5
_REPEATED, _NEXT, _SAME = 0.05, 0.8, 0.5
_REPETITION = 4
_SHORTEST, _CASE, _NINE = 3, 32, ord("9")
# What is so long is no piece of random text, wherever it stands and in whatever case.
_UNMISTAKABLE = 8

_RUN = re.compile(rb"[A-Za-z0-9]+")
_YEARS = re.compile(rb"(?<!\d)(?:19|20)\d\d(?!\d)")
_JOINTS = frozenset(b"-_.:/ ,=@\"'{}[]\t\r\n")
_ROWS = (_LETTERS, _LETTERS.upper(), b"qwertyuiop", b"asdfghjkl", b"zxcvbnm", b"01234567890")
_STEPS = frozenset(
    row[at : at + 3] for line in _ROWS for row in (line, line[::-1]) for at in range(len(row) - 2)
)


def bits(value: bytes) -> tuple[float, ...]:
    """Return for each byte of `value` how many bits it adds to those before it, estimated."""
    caps = _guessed(value)
    told = [_SIGNS[byte] for byte in value]
    if not value.isascii() and _is_text(value):
        told = [_WIDE if byte >= 0x80 else bit for byte, bit in zip(value, told, strict=True)]
    at_random = _at_random(value)
    for run in _RUN.finditer(value):
        start, end = run.span()
        told[start:end] = _described(run[0], caps[start:end], at_random)
    return tuple(map(min, told, caps))


def information(value: bytes) -> float:
    """Return how many bits `value` tells, estimated."""
    return sum(bits(value))


def _sign(byte: int) -> float:
    if byte in _JOINTS:
        return _JOINT
    if byte >= 0x80:
        return _BYTE
    return _SIGN if 0x20 < byte < 0x7F else _CONTROL


_SIGNS = tuple(map(_sign, range(256)))


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


# --- A run of letters and digits ---------------------------------------------------------------


# What a byte tells as a digit, a hex digit, a letter of a word, and at random.
_Row: TypeAlias = tuple[float, float, float, float]
# The least that all bytes so far tell, and what they do if the last of them is of each kind.
_Path: TypeAlias = tuple[float, _Row]


def _word_letters() -> dict[tuple[int, int], float]:
    """Return what a letter tells in a word, behind another letter, or behind 0 for none."""
    table, rows = {}, _PAIRS.split()
    for before, row in zip(b"\0" + _LETTERS, rows, strict=True):
        for first, letter, digit in zip(rows[0], _LETTERS, row, strict=True):
            told, capital = (int(digit, 16) + 1) / 2, letter - _CASE
            table[before, letter] = told
            table[max(before - _CASE, 0), capital] = told
            if before:
                table[before - _CASE, letter] = told + _FALL
                table[before, capital] = (int(first, 16) + 1) / 2 + _RISE
    return table


_WORD_LETTERS = _word_letters()


def _at_random(value: bytes) -> float:
    """Return what a letter or digit tells if it is any of the kinds that `value` has."""
    if value.upper() != value and value.lower() != value:
        return _ANY
    return _ONE_CASE_AND_DIGITS if re.search(rb"\d", value) else _ONE_CASE


def _described(run: bytes, caps: Sequence[float], at_random: float) -> list[float]:
    """Return what each byte of a run tells in its shortest description."""
    if run.isdigit():
        return [_DIGIT] * len(run)
    costs = _costs(run, caps, at_random)
    paths: list[_Path] = []
    digit, hex_digit, letter, anything = 0.0, 0.0, 0.0, 0.0
    for row in costs:
        totals = (digit, hex_digit, letter, anything)
        best = min(totals)
        # Which of the stretches go on; the others begin behind the best of them.
        paths.append((best, totals))
        enter = best + _SWITCH
        digit = (digit if digit < enter else enter) + row[0]
        hex_digit = (hex_digit if hex_digit < enter else enter) + row[1]
        letter = (letter if letter < enter else enter) + row[2]
        anything = (anything if anything < enter else enter) + row[3]
    totals = (digit, hex_digit, letter, anything)
    return _traced(costs, paths, totals.index(min(totals)))


def _traced(costs: Sequence[_Row], paths: Sequence[_Path], kind: int) -> list[float]:
    """Return what each byte tells along the path that ends in a stretch of `kind`."""
    told = []
    for row, (best, totals) in zip(reversed(costs), reversed(paths), strict=True):
        bit = row[kind]
        if totals[kind] >= best + _SWITCH:
            bit, kind = bit + _SWITCH, totals.index(best)
        told.append(bit)
    return told[::-1]


def _costs(run: bytes, caps: Sequence[float], at_random: float) -> list[_Row]:
    hex_digits = b"0123456789abcdef" if run.upper() != run else b"0123456789ABCDEF"
    rows, before = [], 0
    for byte, cap in zip(run, caps, strict=True):
        row = _row(before, byte, hex_digits, at_random)
        if cap < at_random:
            row = min(row[0], cap), min(row[1], cap), min(row[2], cap), cap
        rows.append(row)
        before = byte
    return rows


@cache
def _row(before: int, byte: int, hex_digits: bytes, at_random: float) -> _Row:
    """Return what a byte tells as a digit, a hex digit, a letter of a word, and at random."""
    digit = _DIGIT if byte <= _NINE else inf
    hex_digit = _HEX if byte in hex_digits else inf
    letter = _WORD_LETTERS.get((before if before > _NINE else 0, byte), inf)
    return digit, hex_digit, letter, at_random


# --- What a reader would guess -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """What a reader knows, in lower case, and what each of its bytes tells.

    Attributes:
        leads: Whether it counts only where no letter or digit stands in front of it.
        ends: Whether it counts only where none stands behind it.
    """

    text: bytes
    told: float
    leads: bool = False
    ends: bool = False

    def stands(self, value: bytes, at: int) -> bool:
        """Tell whether it stands in `value`, as a person would write it, and not by chance."""
        end = at + len(self.text)
        if self.leads and value[at - 1 : at].isalnum():
            return False
        if self.ends and value[end : end + 1].isalnum():
            return False
        # A short word in mixed case is more likely a piece of random text.
        rest = value[at + 1 : end]
        is_long = self.leads or len(self.text) >= _UNMISTAKABLE
        return is_long or rest == rest.lower() or value[at:end].isupper()


def _known() -> dict[bytes, list[_Known]]:
    """Return what is known by its first bytes, the longest first."""
    known = [_Known(word, _WORD / len(word)) for word in COMMON]
    known += [
        _Known(text, _OPENING / len(text), leads=len(text) < _UNMISTAKABLE) for text in BEGINNINGS
    ]
    known += [_Known(text, _OPENING / len(text), ends=True) for text in ENDINGS]
    found = defaultdict(list)
    for each in sorted(known, key=lambda each: (-len(each.text), each.told)):
        found[each.text[:_SHORTEST]].append(each)
    return dict(found)


_KNOWN = _known()


def _guessed(value: bytes) -> list[float]:
    """Return for each byte what it tells at most: eight bits if no reader would guess it."""
    caps = [_BYTE] * len(value)
    for start, end, most in _guesses(value):
        caps[start:end] = [min(cap, most) for cap in caps[start:end]]
    return caps


def _guesses(value: bytes) -> Iterator[tuple[int, int, float]]:
    folded, seen, free = value.lower(), set(), 0
    for at in range(len(value) - 2):
        three = value[at : at + 3]
        if three in _STEPS:
            yield at + 2, at + 3, _NEXT
        elif three[0] == three[2] and (three[1] == three[0] or not three[0]):
            yield at + 2, at + 3, _SAME
        four = value[at : at + _REPETITION]
        if four in seen:
            yield at, at + _REPETITION, _REPEATED
        seen.add(four)
        if at >= free and (known := _known_at(value, folded, at)):
            free = at + len(known.text)
            yield at, free, known.told
    for year in _YEARS.finditer(value):
        yield *year.span(), _YEAR / 4


def _known_at(value: bytes, folded: bytes, at: int) -> _Known | None:
    for known in _KNOWN.get(folded[at : at + _SHORTEST], ()):
        if folded.startswith(known.text, at) and known.stands(value, at):
            return known
    return None
