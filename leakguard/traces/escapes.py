r"""How a byte may be written otherwise: one level for each family of escapes, to be stacked.

A level reads what the level below has read. So `["percent", "backslash"]` undoes percent signs
first, and then the backslashes that come out; nesting in any order is a sequence of levels. A level
leaves alone what is no escape of its family. A new family is a new entry of `LEVELS`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from leakguard.traces.breaks import BLANKS, MoreNeeded, behind

_SIMPLE = {
    b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"a": b"\a",
    b"e": b"\x1b",
}  # fmt: skip
_HEX = frozenset(b"0123456789abcdefABCDEF")
_OCTAL = frozenset(b"01234567")
_LONGEST_ENTITY = 12
_MOST_UNSHOWN = 3
_REMEMBERED = 4096
_QUOTED_QUOTES = (b"\\''", b"\"'\"'")  # what the shell puts behind a quote that stands for itself
UNSHOWN = frozenset((*range(32), 127)) - frozenset(b"\t\r\n\b\x1b")
"""What a terminal neither shows nor obeys."""

Take: TypeAlias = Callable[[int], tuple[bytes, int]]


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A family of escapes.

    Attributes:
        name: What it is called.
        marks: The bytes that its escapes begin with.
        undo: From a mark, and how to take what follows, to what they stand for and where it ends.
    """

    name: str
    marks: frozenset[int]
    undo: Callable[[bytes, Take, int], tuple[bytes, int]]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a text byte by byte through levels.

    What it has read it remembers for a while: escapes lie close together where they are dense, and
    each place is looked at from several in front of it, at several levels.

    Attributes:
        text: The bytes at hand.
        final: Whether nothing comes behind them.
        margin: Line ends are passed over, and so many units of the margin behind each; None where
            they are read.
        passed: The line ends that were passed over, in no order.
    """

    text: bytes
    final: bool
    margin: int | None = None
    passed: list[tuple[int, int]] = field(default_factory=list)
    _taken: dict[tuple[int, tuple[Level, ...]], tuple[bytes, int]] = field(
        default_factory=dict, repr=False
    )

    def take(self, at: int, levels: tuple[Level, ...]) -> tuple[bytes, int]:
        """Return what stands at `at`, nothing at the end of a final text, and where it ends.

        Raises:
            MoreNeeded: If the text at hand does not tell.
        """
        if not levels:
            return self._raw(at)
        if self.margin is not None:  # it notes what it passes, each time
            return self._undone(at, levels)
        taken = self._taken.get((at, levels))
        if taken is None:
            if len(self._taken) >= _REMEMBERED:
                self._taken.clear()
            taken = self._taken[at, levels] = self._undone(at, levels)
        return taken

    def _undone(self, at: int, levels: tuple[Level, ...]) -> tuple[bytes, int]:
        below, top = levels[:-1], levels[-1]
        first, end = self.take(at, below)
        if len(first) != 1 or first[0] not in top.marks:
            return first, end
        return top.undo(first, lambda place: self.take(place, below), end)

    def _raw(self, at: int) -> tuple[bytes, int]:
        # What nobody sees is passed over, such as the NULs of UTF-16.
        most = at + _MOST_UNSHOWN
        while at < min(len(self.text), most) and self.text[at] in UNSHOWN:
            at += 1
        if at < len(self.text):
            if self.margin is not None and self.text[at] in BLANKS:
                return self._unwrapped(at, self.margin)
            return self.text[at : at + 1], at + 1
        if not self.final:
            raise MoreNeeded
        return b"", at

    def _unwrapped(self, at: int, margin: int) -> tuple[bytes, int]:
        ends = behind(self.text, at, final=self.final)
        if len(ends) <= margin:
            return self.text[at : at + 1], at + 1
        self.passed.append((at, ends[margin][0]))
        return self._raw(ends[margin][0])


@lru_cache(1)
def reader_of(text: bytes, *, final: bool) -> Reader:
    """Return the reader of a text, without a margin; who asks for the same text shares it."""
    return Reader(text, final)


def _percent(first: bytes, take: Take, at: int) -> tuple[bytes, int]:
    """`%NN`, and the `%uNNNN` of old scripts."""
    mark, after = take(at)
    if mark == b"u":
        digits, end = _digits(take, after, 4)
        return (_encoded(int(digits, 16)), end) if len(digits) == 4 else (first, at)
    digits, end = _digits(take, at, 2)
    return (bytes([int(digits, 16)]), end) if len(digits) == 2 else (first, at)


def _quoted_printable(first: bytes, take: Take, at: int) -> tuple[bytes, int]:
    """`=NN`, and a line end behind `=` that is none."""
    mark, after = take(at)
    if mark == b"\r":
        mark, after = take(after)
    if mark == b"\n":
        return b"", after
    digits, end = _digits(take, at, 2)
    return (bytes([int(digits, 16)]), end) if len(digits) == 2 else (first, at)


def _entity(first: bytes, take: Take, at: int) -> tuple[bytes, int]:
    """`&#NN;`, `&#xNN;` and `&name;`."""
    name, end = b"", at
    while len(name) < _LONGEST_ENTITY:
        character, end = take(end)
        if character == b";":
            written = f"&{name.decode('latin-1')};"
            plain = html.unescape(written)
            return (
                (plain.encode("utf-8", "surrogatepass"), end) if plain != written else (first, at)
            )
        if not character.isalnum() and character != b"#":
            break
        name += character
    return first, at


def _backslash(first: bytes, take: Take, at: int) -> tuple[bytes, int]:
    r"""The escapes of C, JSON, Python and shells; before any other character `\` just quotes."""
    mark, after = take(at)
    if mark in _SIMPLE:
        return _SIMPLE[mark], after
    if mark in {b"x", b"u", b"U"}:
        return _numbered(mark, take, after) or (mark, after)
    if mark and mark[0] in _OCTAL:
        digits, end = _digits(take, at, 3, _OCTAL)
        return bytes([int(digits, 8) & 255]), end
    if mark == b"\r":
        mark, after = take(after)
    return (b"", after) if mark == b"\n" else (mark or first, after)


def _numbered(mark: bytes, take: Take, at: int) -> tuple[bytes, int] | None:
    brace, after = take(at)
    if brace == b"{":
        digits, end = _digits(take, after, 8)
        closing, end = take(end)
        return (_encoded(int(digits, 16)), end) if digits and closing == b"}" else None
    length = {b"x": 2, b"u": 4, b"U": 8}[mark]
    digits, end = _digits(take, at, length)
    if len(digits) < length:
        return None
    return (
        (bytes([int(digits, 16)]), end) if mark == b"x" else _character(int(digits, 16), take, end)
    )


def _character(code: int, take: Take, at: int) -> tuple[bytes, int]:
    """Return a character in UTF-8; the half of a pair takes its other half along."""
    if 0xD800 <= code < 0xDC00:
        slash, after = take(at)
        mark, after = take(after)
        digits, end = _digits(take, after, 4)
        if (slash, mark) == (b"\\", b"u") and len(digits) == 4:
            low = int(digits, 16)
            return _encoded(0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF)), end
    return _encoded(code), at


def _doubled(first: bytes, take: Take, at: int) -> tuple[bytes, int]:
    """Quotes that stand for one because there are two, or because a shell closed and reopened."""
    mark, after = take(at)
    if mark == first:
        return first, after
    if first == b"'" and mark in {b"\\", b'"'}:
        written, end = mark, after
        while len(written) < 3:
            more, end = take(end)
            if not more:
                break
            written += more
        if written in _QUOTED_QUOTES:
            return first, end
    return first, at


def _caret(first: bytes, take: Take, at: int) -> tuple[bytes, int]:
    """What `cmd` and PowerShell put in front of a character that they would obey."""
    mark, after = take(at)
    return (mark, after) if mark else (first, at)


def _digits(take: Take, at: int, most: int, allowed: frozenset[int] = _HEX) -> tuple[bytes, int]:
    """Return the digits that stand at `at`, at most so many, and where they end."""
    digits = b""
    while len(digits) < most:
        character, end = take(at)
        if len(character) != 1 or character[0] not in allowed:
            break
        digits, at = digits + character, end
    return digits, at


def _encoded(code: int) -> bytes:
    return chr(code).encode("utf-8", "surrogatepass") if code < 0x110000 else b"?"


LEVELS = (
    Level("percent", frozenset(b"%"), _percent),
    Level("backslash", frozenset(b"\\"), _backslash),
    Level("entity", frozenset(b"&"), _entity),
    Level("quoted-printable", frozenset(b"="), _quoted_printable),
    Level("doubled", frozenset(b"'\"$"), _doubled),
    Level("caret", frozenset(b"^`"), _caret),
)
"""The families that are known."""


ESCAPED_BY = {
    "backslash": (
        *(b"\\x%d" % digit for digit in range(2, 8)),
        *(b"\\u{", b"\\u004", b"\\u005", b"\\u006", b"\\u007", b"\\u0026#", b"\\u0025"),
        *(b"\\u003%d" % digit for digit in range(10)),
        *(b"\\04", b"\\05", b"\\06", b"\\07", b"\\1"),
    ),
    "percent": (
        *(b"%4", b"%6", b"%7", b"%26%23", b"%26amp%3", b"%252", b"%253", b"%255"),
        *(slash + digit for slash in (b"%5C", b"%5c") for digit in (b"u", b"x", b"0", b"1")),
    ),
    "entity": (b"&#", *(b"&amp;%b" % name for name in (b"#", b"amp;", b"lt;", b"gt;", b"quot;"))),
}
"""What an escape begins with that is seldom anything else in a text, for each family.

What stands for signs that many URLs hold is not among them: each would be looked at.
"""

ESCAPE = re.compile(
    rb"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|U[0-9a-fA-F]{8}|[0-7]{1,3})"
    rb"|%[0-9a-fA-F]{2}|&(?:#[0-9]{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z]{2,8});|=[0-9A-Fa-f]{2}"
)
"""One of the escapes that are no more than a sign and what it stands for."""


@lru_cache(1024)
def undone(escape: bytes) -> bytes:
    """Return what such an escape stands for."""
    family = next(level for level in LEVELS if escape[0] in level.marks)
    return Reader(escape, final=True).take(0, (family,))[0]


MARKS = frozenset[int]().union(*(level.marks for level in LEVELS))
"""What an escape of any family may begin with."""
