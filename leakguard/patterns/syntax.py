"""The syntax tree of a regex over bytes: small, frozen, and free of flags.

Python's own parser reads the regex. Its tree is turned into one whose leaves are sets of bytes, so
that case, `.` and classes are settled once, and whoever walks the tree need not know of them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from re import _constants as op  # type: ignore[attr-defined]  # private, and the same since 3.11
from re import _parser  # type: ignore[attr-defined]  # as above
from typing import Any, TypeAlias

from leakguard.errors import RuleError

_ALL = (1 << 256) - 1


@dataclass(frozen=True, slots=True)
class Chars:
    """One byte of a set; bit N of `mask` stands for byte N."""

    mask: int


@dataclass(frozen=True, slots=True)
class Series:
    """One thing after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several things."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A thing several times; `most` is None when there is no end.

    `lazy` says that fewer are tried first, which decides what match is found, and never whether
    there is one. `possessive` says that fewer are never tried, so that there may be none.
    """

    body: Node
    least: int
    most: int | None
    lazy: bool = False
    possessive: bool = False


@dataclass(frozen=True, slots=True)
class Marked:
    """The part that is the secret; `number` tells groups apart where there may be several."""

    body: Node
    number: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """A look ahead or behind."""

    body: Node
    ahead: bool
    negative: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """A place between bytes: a word's edge, or a line's start."""

    source: bytes
    looks_ahead: bool


Node: TypeAlias = Chars | Series | Choice | Repeat | Marked | Look | Edge


def parse(regex: bytes, *, whole: bool = False) -> Series:
    """Return the tree of a regex, with the secret at its top.

    Args:
        regex: Its group `secret` is the secret, or else the whole match.
        whole: Whether the text is all there, so that it has a start and an end.

    Raises:
        RuleError: If it is no regex, or uses what a stream cannot answer.
    """
    try:
        tree = _parser.parse(regex)
    except re.error as error:
        raise RuleError(f"not a regex: {error}") from error
    root = _Reader(tree.state.flags, tree.state.groupdict.get("secret"), whole=whole).root(tree)
    if any(width(body) != least_width(body) for body in looks_behind(root)):
        raise RuleError("not a regex: look-behind requires fixed-width pattern")
    return root


def source(node: Node) -> bytes:
    """Return `node` as a regex without flags, names or lazy repeats."""
    match node:
        case Chars():
            return charset(node.mask)
        case Series():
            return b"".join(map(source, node.items))
        case Choice():
            return b"(?:%b)" % b"|".join(map(source, node.branches))
        case Repeat():
            return b"(?:%b)%b" % (source(node.body), count(node.least, node.most))
        case Marked():
            return source(node.body)
        case Look():
            sign = (b"" if node.ahead else b"<") + (b"!" if node.negative else b"=")
            return b"(?%b%b)" % (sign, source(node.body))
        case Edge():
            return node.source


def count(least: int, most: int | None) -> bytes:
    """Return the suffix of a regex that repeats it `least` to `most` times."""
    if least == most:
        return b"{%d}" % least
    return b"{%d,}" % least if most is None else b"{%d,%d}" % (least, most)


@functools.cache
def charset(mask: int) -> bytes:
    """Return a set of bytes as a character class of ranges."""
    ranges: list[tuple[int, int]] = []
    for byte in range(256):
        if mask >> byte & 1:
            joins = bool(ranges) and ranges[-1][1] == byte - 1
            first = ranges.pop()[0] if joins else byte
            ranges.append((first, byte))
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return b"\\x%02x" % ranges[0][0]
    return b"[%b]" % b"".join(b"\\x%02x-\\x%02x" % each for each in ranges)


def width(node: Node) -> int | None:
    """Return the most bytes that `node` can take; None when there is no limit."""
    match node:
        case Chars():
            return 1
        case Series():
            return _total(map(width, node.items))
        case Choice():
            widths = [width(branch) for branch in node.branches]
            return None if None in widths else max(filter(None, widths), default=0)
        case Repeat():
            body = width(node.body)
            if body == 0 or node.most == 0:
                return 0
            return None if body is None or node.most is None else body * node.most
        case Marked():
            return width(node.body)
        case Look() | Edge():
            return 0


def least_width(node: Node) -> int:
    """Return the fewest bytes that `node` can take."""
    match node:
        case Chars():
            return 1
        case Series():
            return sum(map(least_width, node.items))
        case Choice():
            return min(map(least_width, node.branches))
        case Repeat():
            return node.least * least_width(node.body)
        case Marked():
            return least_width(node.body)
        case Look() | Edge():
            return 0


def looks_behind(root: Node) -> Iterator[Node]:
    """Yield what the looks behind in `root` look for."""
    return (node.body for node in walk(root) if isinstance(node, Look) and not node.ahead)


def _total(widths: Iterable[int | None]) -> int | None:
    total = 0
    for width in widths:
        if width is None:
            return None
        total += width
    return total


def alone(node: Node) -> Node:
    """Return what a series of one thing is made of, else `node` itself."""
    while isinstance(node, Series) and len(node.items) == 1:
        node = node.items[0]
    return node


def opened(root: Series) -> tuple[Node, ...]:
    """Return the items of `root`, with those of the secret among them."""
    return series(item.body if isinstance(item, Marked) else item for item in root.items).items


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and all that is in it, outside in."""
    yield node
    match node:
        case Series():
            inner: tuple[Node, ...] = node.items
        case Choice():
            inner = node.branches
        case Repeat() | Marked() | Look():
            inner = (node.body,)
        case _:
            inner = ()
    for each in inner:
        yield from walk(each)


class _Reader:
    """Turns the tree of Python's own parser into ours: sets of bytes, and no flags any more."""

    def __init__(self, flags: int, secret_group: int | None, *, whole: bool) -> None:
        self._whole = whole
        self._flags = flags
        self._secret_group = secret_group

    def root(self, tree: Any) -> Series:  # noqa: ANN401  # Python's private tree has no types
        """Return the whole regex as a series in which the secret stands at the top."""
        root = self._series(tree, self._flags)
        if self._secret_group is None:
            return Series((Marked(root),))
        if not any(isinstance(item, Marked) for item in root.items):
            raise RuleError("the group 'secret' must always take part: not in a choice or a repeat")
        return root

    def _series(self, tree: Any, flags: int) -> Series:  # noqa: ANN401
        return series(self._node(code, value, flags) for code, value in tree)

    def _node(self, code: Any, value: Any, flags: int) -> Node:  # noqa: ANN401
        if code in (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN):
            return Chars(_mask(code, value, flags))
        read = {
            op.SUBPATTERN: self._group,
            op.BRANCH: self._choice,
            op.MAX_REPEAT: self._repeat,
            op.MIN_REPEAT: self._lazy_repeat,
            op.POSSESSIVE_REPEAT: self._possessive_repeat,
            op.ATOMIC_GROUP: self._series,
            op.ASSERT: self._look,
            op.ASSERT_NOT: self._look_not,
            op.AT: self._edge,
        }.get(code)
        if read is None:
            raise RuleError(f"a rule's regex cannot use {str(code).lower().replace('_', ' ')}")
        return read(value, flags)

    def _group(self, value: Any, flags: int) -> Node:  # noqa: ANN401
        number, on, off, tree = value
        body = self._series(tree, (flags | on) & ~off)
        return Marked(body) if number is not None and number == self._secret_group else body

    def _choice(self, value: Any, flags: int) -> Node:  # noqa: ANN401
        return Choice(tuple(self._series(branch, flags) for branch in value[1]))

    def _repeat(self, value: Any, flags: int) -> Repeat:  # noqa: ANN401
        least, most, tree = value
        body = self._series(tree, flags)
        return Repeat(body, least, None if most is op.MAXREPEAT else most)

    def _lazy_repeat(self, value: Any, flags: int) -> Node:  # noqa: ANN401
        return replace(self._repeat(value, flags), lazy=True)

    def _possessive_repeat(self, value: Any, flags: int) -> Node:  # noqa: ANN401
        return replace(self._repeat(value, flags), possessive=True)

    def _look(self, value: Any, flags: int) -> Node:  # noqa: ANN401
        return Look(self._series(value[1], flags), ahead=value[0] > 0, negative=False)

    def _look_not(self, value: Any, flags: int) -> Node:  # noqa: ANN401
        return Look(self._series(value[1], flags), ahead=value[0] > 0, negative=True)

    def _edge(self, value: Any, flags: int) -> Node:  # noqa: ANN401
        if value is op.AT_BOUNDARY:
            return Edge(rb"\b", looks_ahead=True)
        if value is op.AT_NON_BOUNDARY:
            return Edge(rb"\B", looks_ahead=True)
        if value is op.AT_BEGINNING and flags & re.MULTILINE:
            return Edge(rb"(?m:^)", looks_ahead=False)
        if self._whole:
            return Edge(_EDGES[value], looks_ahead=value is not op.AT_BEGINNING)
        raise RuleError("a stream has no start or end: use (?m)^ or a look-ahead, not ^ $ \\A \\Z")


def series(nodes: Iterable[Node]) -> Series:
    """Return nodes one after the other, series among them taken apart."""
    items: list[Node] = []
    for node in nodes:
        items += node.items if isinstance(node, Series) else [node]
    return Series(tuple(items))


_EDGES = {
    op.AT_BEGINNING: rb"\A",
    op.AT_BEGINNING_STRING: rb"\A",
    op.AT_END: rb"$",
    op.AT_END_STRING: rb"\Z",
}

_CATEGORIES = {
    op.CATEGORY_DIGIT: rb"\d",
    op.CATEGORY_NOT_DIGIT: rb"\D",
    op.CATEGORY_SPACE: rb"\s",
    op.CATEGORY_NOT_SPACE: rb"\S",
    op.CATEGORY_WORD: rb"\w",
    op.CATEGORY_NOT_WORD: rb"\W",
}


def _mask(code: Any, value: Any, flags: int) -> int:  # noqa: ANN401
    """Return the set of bytes that a leaf of Python's tree takes."""
    if code is op.ANY:
        return _ALL if flags & re.DOTALL else _ALL & ~(1 << ord("\n"))
    if code is op.LITERAL:
        return _folded(1 << value, flags)
    if code is op.NOT_LITERAL:
        return _ALL & ~_folded(1 << value, flags)
    negative, mask = False, 0
    for kind, detail in value:
        if kind is op.NEGATE:
            negative = True
        elif kind is op.CATEGORY:
            mask |= _category(_CATEGORIES[detail])
        elif kind is op.RANGE:
            mask |= (1 << detail[1] + 1) - (1 << detail[0])
        else:
            mask |= 1 << detail
    mask = _folded(mask, flags)
    return _ALL & ~mask if negative else mask


@functools.cache
def _category(source: bytes) -> int:
    return sum(1 << byte for byte in range(256) if re.match(source, bytes([byte])))


def _folded(mask: int, flags: int) -> int:
    return folded(mask) if flags & re.IGNORECASE else mask


def folded(mask: int) -> int:
    """Return a set of bytes with the other case of each ASCII letter in it."""
    upper = mask >> ord("A") & (1 << 26) - 1
    lower = mask >> ord("a") & (1 << 26) - 1
    return mask | (upper | lower) << ord("A") | (upper | lower) << ord("a")
