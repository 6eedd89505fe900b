r"""Reads RE2's regexes, as Go has them, into the same tree that Python's regexes are read into.

RE2 reads text and we read bytes. A character beyond ASCII is the bytes of its UTF-8; where a set
holds too many of them to be written out (`[^"]`, `\pL`, `.`), each of these bytes counts as one.
Case is folded in ASCII only. `^`, `$`, `\A` and `\z` become looks at a text's start and end.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from leakguard.errors import RuleError
from leakguard.patterns.syntax import (
    Chars,
    Choice,
    Edge,
    Look,
    Marked,
    Node,
    Repeat,
    Series,
    folded,
    series,
)

_ALL = (1 << 256) - 1
_ASCII = (1 << 128) - 1
_HIGH = _ALL & ~_ASCII
_NEWLINE = 1 << ord("\n")
_MOST_REPEATS = 1000
_MOST_CHARACTERS = 32
_DEEPEST = 100


def _mask(members: bytes | Iterable[int]) -> int:
    return sum(1 << member for member in members)


def _matching(regex: bytes) -> int:
    return _mask(byte for byte in range(128) if re.match(regex, bytes([byte])))


_PERL = {"d": rb"[0-9]", "s": rb"[\t\n\f\r ]", "w": rb"[0-9A-Za-z_]"}
_POSIX = {
    "alnum": rb"[0-9A-Za-z]",
    "alpha": rb"[A-Za-z]",
    "ascii": rb"[\x00-\x7f]",
    "blank": rb"[\t ]",
    "cntrl": rb"[\x00-\x1f\x7f]",
    "digit": rb"[0-9]",
    "graph": rb"[!-~]",
    "lower": rb"[a-z]",
    "print": rb"[ -~]",
    "punct": rb"[!-/:-@\[-`{-~]",
    "space": rb"[\t\n\v\f\r ]",
    "upper": rb"[A-Z]",
    "word": rb"[0-9A-Za-z_]",
    "xdigit": rb"[0-9A-Fa-f]",
}
_ESCAPES = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_REPEAT = re.compile(r"([*+?])|\{(\d+)(?:(,)(\d*))?\}")
_GROUP = re.compile(r"\?(?:P?<(?P<name>\w+)>|(?P<flags>[imsU]*(?:-[imsU]+)?)(?P<end>[:)]))")
_NUMBER = re.compile(r"x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]+)\}|([0-7]{3}|0[0-7]{0,2})")
_POSIX_NAME = re.compile(r"\[:(\^?)(\w+):\]")
_PROPERTY = re.compile(r"([pP])(?:([A-Z])|\{(\^?)(\w+)\})")

# Places between bytes: by the letter behind a backslash, or by `^` and `$` with the flag `m`.
_STREAM: dict[str, Node] = {
    "b": Edge(rb"\b", looks_ahead=True),
    "B": Edge(rb"\B", looks_ahead=True),
    "A": Look(Chars(_ALL), ahead=False, negative=True),
    "z": Look(Chars(_ALL), ahead=True, negative=True),
    "m^": Look(Chars(_ALL & ~_NEWLINE), ahead=False, negative=True),
    "m$": Look(Chars(_ALL & ~_NEWLINE), ahead=True, negative=True),
}
_WHOLE = _STREAM | {
    "A": Edge(rb"^", looks_ahead=False),
    "z": Edge(rb"\Z", looks_ahead=True),
}


def parse(regex: str, *, whole: bool = False) -> Series:
    """Return the tree of a regex in RE2's syntax; its groups are marked with their numbers.

    Args:
        regex: The regex.
        whole: Whether the text is all there; else its start and end are looked for.

    Raises:
        RuleError: If RE2 would not take it.
    """
    return _Parser(regex, _WHOLE if whole else _STREAM).parsed()


@dataclass(frozen=True, slots=True)
class _Flags:
    i: bool = False
    m: bool = False
    s: bool = False
    U: bool = False

    def changed(self, letters: str) -> _Flags:
        on, _, off = letters.partition("-")
        return replace(self, **dict.fromkeys(on, True) | dict.fromkeys(off, False))


@dataclass(frozen=True, slots=True)
class _Set:
    """Characters: those of ASCII as a mask, the others as a list, or all of them."""

    mask: int
    others: tuple[str, ...] = ()
    high: bool = False

    def joined(self, other: _Set) -> _Set:
        return _Set(self.mask | other.mask, (*self.others, *other.others), self.high or other.high)

    def inverted(self) -> _Set:
        return _Set(_ASCII & ~self.mask, (), high=True)

    def node(self, *, ignore_case: bool) -> Node:
        mask = folded(self.mask) if ignore_case else self.mask
        others = dict.fromkeys(_cases(self.others) if ignore_case else self.others)
        if self.high or len(others) > _MOST_CHARACTERS:
            return Chars(mask | _HIGH)
        branches: list[Node] = [Chars(mask)] if mask or not others else []
        branches += [Series(tuple(Chars(1 << byte) for byte in each.encode())) for each in others]
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))


def _cases(characters: Iterable[str]) -> Iterator[str]:
    for each in characters:
        yield from (each, each.lower(), each.upper()) if len(each.upper()) == 1 else (each,)


class _Parser:
    """A reader of one regex, from left to right."""

    def __init__(self, regex: str, edges: Mapping[str, Node]) -> None:
        self._text = regex
        self._edges = edges
        self._at = 0
        self._groups = 0
        self._depth = 0
        self._flags = _Flags()

    def parsed(self) -> Series:
        root = self._choice()
        if self._at < len(self._text):
            raise self._error("unexpected )")
        return series([root])

    def _choice(self) -> Node:
        branches = [self._series()]
        while self._taken("|"):
            branches.append(self._series())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _series(self) -> Node:
        nodes: list[Node] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            if self._taken("\\Q"):
                nodes += map(self._character, self._quoted())
                nodes[-1:] = map(self._repeated, nodes[-1:])
            elif (node := self._atom()) is not None:
                nodes.append(self._repeated(node))
        return series(nodes)

    def _quoted(self) -> str:
        end = self._text.find("\\E", self._at)
        end = len(self._text) if end < 0 else end
        quoted, self._at = self._text[self._at : end], end + 2
        return quoted

    def _atom(self) -> Node | None:
        """Return the next thing, or None where only flags are changed."""
        character = self._next()
        read: Callable[[], Node | None] | None = {
            "(": self._group,
            "[": self._class,
            "\\": self._escape,
            "^": lambda: self._edges["m^" if self._flags.m else "A"],
            "$": lambda: self._edges["m$" if self._flags.m else "z"],
            ".": lambda: Chars(_ALL if self._flags.s else _ALL & ~_NEWLINE),
        }.get(character)
        if read:
            return read()
        if character in "*+?":
            raise self._error(f"nothing to repeat before {character}")
        return self._character(character)

    def _character(self, character: str) -> Node:
        return _set_of(character).node(ignore_case=self._flags.i)

    def _group(self) -> Node | None:
        number, outer = 0, self._flags
        if self._text.startswith("?", self._at):
            opening = _GROUP.match(self._text, self._at)
            if opening is None:
                raise self._error("a group that RE2 does not know")
            self._at = opening.end()
            self._flags = outer.changed(opening["flags"] or "")
            if opening["end"] == ")":
                return None
            number = -1 if opening["end"] else 0
        if number == 0:
            self._groups += 1
            number = self._groups
        body = self._grouped()
        self._flags = outer
        return body if number < 0 else Marked(body, number)

    def _grouped(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error("too many groups inside each other")
        body = self._choice()
        self._depth -= 1
        if not self._taken(")"):
            raise self._error("missing )")
        return body

    def _repeated(self, node: Node) -> Node:
        """Return `node` as often as what follows it says."""
        repeat = _REPEAT.match(self._text, self._at)
        if repeat is None:
            return node
        self._at = repeat.end()
        least, most = _counts(repeat)
        if max(least, most or 0) > _MOST_REPEATS or (most is not None and least > most):
            raise self._error("a repeat must count up, to 1000 at the most")
        lazy = self._taken("?")
        if _REPEAT.match(self._text, self._at):
            raise self._error("a repeat of a repeat")
        return Repeat(node, least, most, lazy=lazy != self._flags.U)

    def _escape(self) -> Node:
        if edge := self._edge():
            return edge
        return self._escaped().node(ignore_case=self._flags.i)

    def _edge(self) -> Node | None:
        name = self._text[self._at : self._at + 1]
        return self._edges[name] if name in tuple("bBAz") and self._taken(name) else None

    def _escaped(self) -> _Set:
        """Return what follows a backslash, in a class or outside of one."""
        if number := _NUMBER.match(self._text, self._at):
            self._at = number.end()
            return self._numbered(number)
        if named := _PROPERTY.match(self._text, self._at):
            self._at = named.end()
            return self._property(named)
        letter = self._next()
        if letter.lower() in _PERL:
            found = _Set(_matching(_PERL[letter.lower()]))
            return found if letter.islower() else found.inverted()
        if letter in _ESCAPES:
            return _Set(1 << _ESCAPES[letter])
        if letter.isascii() and letter.isalnum():
            raise self._error(f"RE2 has no \\{letter}")
        return _set_of(letter)

    def _numbered(self, number: re.Match[str]) -> _Set:
        code = int(number[3], 8) if number[3] else int(number[1] or number[2], 16)
        if code > 0x10FFFF:
            raise self._error("no such character")
        return _set_of(chr(code))

    def _property(self, named: re.Match[str]) -> _Set:
        name = named[2] or named[4]
        mask = _property(name)
        if mask is None:
            raise self._error(f"no such property: {name}")
        found = _Set(mask, (), high=True)
        return found if (named[1] == "p") != bool(named[3]) else found.inverted()

    def _class(self) -> Node:
        negative = self._taken("^")
        found = _Set(0)
        first = True
        while first or not self._taken("]"):
            found = found.joined(self._member())
            first = False
        if negative:
            # Case is folded before the set is turned round.
            mask = folded(found.mask) if self._flags.i else found.mask
            return Chars(_ALL & ~mask)
        return found.node(ignore_case=self._flags.i)

    def _member(self) -> _Set:
        if posix := _POSIX_NAME.match(self._text, self._at):
            if posix[2] not in _POSIX:
                raise self._error(f"no such class: {posix[0]}")
            self._at = posix.end()
            found = _Set(_matching(_POSIX[posix[2]]))
            return found.inverted() if posix[1] else found
        low = self._end_of_range()
        if self._text.startswith("-]", self._at) or not self._taken("-"):
            return low
        return self._range(low, self._end_of_range())

    def _end_of_range(self) -> _Set:
        if self._at >= len(self._text):
            raise self._error("missing ]")
        return self._escaped() if self._taken("\\") else _set_of(self._next())

    def _range(self, low: _Set, high: _Set) -> _Set:
        first, last = _only(low), _only(high)
        if first is None or last is None or first > last:
            raise self._error("a range that runs from nowhere or backwards")
        mask = _mask(range(first, min(last, 127) + 1))
        others = range(max(first, 128), last + 1)
        if len(others) > _MOST_CHARACTERS:
            return _Set(mask, (), high=True)
        return _Set(mask, tuple(map(chr, others)))

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise self._error("ends in the middle")
        self._at += 1
        return self._text[self._at - 1]

    def _taken(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _error(self, message: str) -> RuleError:
        return RuleError(f"not a regex of RE2: {message}, at position {self._at}")


def _set_of(character: str) -> _Set:
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        return _Set(0, (), high=True)  # half of a pair is no text, so no bytes either
    return _Set(1 << code) if code < 128 else _Set(0, (character,))


def _only(found: _Set) -> int | None:
    """Return the one character of a set, or None."""
    if found.high or found.mask.bit_count() + len(found.others) != 1:
        return None
    return found.mask.bit_length() - 1 if found.mask else ord(found.others[0])


def _counts(repeat: re.Match[str]) -> tuple[int, int | None]:
    if repeat[1]:
        return int(repeat[1] == "+"), 1 if repeat[1] == "?" else None
    least = int(repeat[2])
    if not repeat[3]:
        return least, least
    return least, int(repeat[4]) if repeat[4] else None


_CATEGORIES = re.compile(r"L[ultmo]?|M[nce]?|N[dlo]?|P[cdsefio]?|S[mcko]?|Z[slp]?|C[cfos]?")


@cache
def _property(name: str) -> int | None:
    """Return what of ASCII has a property, or None if there is none of that name."""
    if name == "Any":
        return _ASCII
    if _CATEGORIES.fullmatch(name):
        return _mask(b for b in range(128) if unicodedata.category(chr(b)).startswith(name))
    if name == "Latin":
        return _matching(rb"[A-Za-z]")
    if name == "Common":
        return _ASCII & ~_matching(rb"[A-Za-z]")
    # The scripts of other languages have no character in ASCII.
    return 0 if re.fullmatch(r"[A-Z][a-z]+(?:_[A-Z][a-z]+)*", name) else None
