"""Writes a tree out as a regex that a person can read, and that finds what the tree stands for.

Letters that stand for both of their cases become one `(?i:…)`, and sets get back their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from leakguard.patterns.syntax import (
    Chars,
    Choice,
    Edge,
    Look,
    Marked,
    Node,
    Repeat,
    Series,
    alone,
)

_ALL = (1 << 256) - 1
_WHOLE = {_ALL & ~(1 << ord("\n")): ".", _ALL: r"[\s\S]"}
_PAIRS = {1 << upper | 1 << upper + 32: chr(upper + 32) for upper in range(ord("A"), ord("Z") + 1)}
_SHORT = {0x09: r"\t", 0x0A: r"\n", 0x0B: r"\v", 0x0C: r"\f", 0x0D: r"\r"}
_COUNTS: dict[tuple[int, int | None], str] = {(0, 1): "?", (0, None): "*", (1, None): "+"}


def _mask(members: Iterable[int]) -> int:
    return sum(1 << member for member in members)


_SETS = {
    r"\w": _mask(byte for byte in range(128) if re.match(rb"\w", bytes([byte]))),
    r"\s": _mask(b" \t\n\v\f\r"),
}


def written(node: Node) -> str:
    """Return `node` as a regex in ASCII; the secret is its group `secret`."""
    match node:
        case Chars():
            return _chars(node.mask)
        case Series():
            return _series(node.items)
        case Choice():
            return f"(?:{_inner(node)})"
        case Repeat():
            return _repeat(node)
        case Marked():
            return f"(?P<secret>{_inner(node.body)})"
        case Look():
            sign = ("" if node.ahead else "<") + ("!" if node.negative else "=")
            return f"(?{sign}{_inner(node.body)})"
        case Edge():
            return node.source.decode()


def _inner(node: Node) -> str:
    """Return `node` where parentheses stand around it already."""
    node = alone(node)
    return "|".join(map(written, node.branches)) if isinstance(node, Choice) else written(node)


def _series(items: Iterable[Node]) -> str:
    text = ""
    for caseless, row in groupby(items, _is_caseless):
        nodes = list(row)
        text += f"(?i:{_letters(nodes)})" if caseless else "".join(map(written, nodes))
    return text


def _is_caseless(node: Node) -> bool:
    return isinstance(node, Chars) and node.mask in _PAIRS


def _letters(nodes: Iterable[Node]) -> str:
    return "".join(_PAIRS[node.mask] for node in nodes if isinstance(node, Chars))


def _repeat(node: Repeat) -> str:
    body = alone(node.body)
    once = written(body)
    if not isinstance(body, Chars | Choice):
        once = f"(?:{once})"
    mode = "?" if node.lazy else "+" if node.possessive else ""
    return f"{once}{_count(node.least, node.most)}{mode}"


def _count(least: int, most: int | None) -> str:
    if (least, most) in _COUNTS:
        return _COUNTS[least, most]
    if least == most:
        return f"{{{least}}}"
    return f"{{{least},{'' if most is None else most}}}"


def _chars(mask: int) -> str:
    if mask in _WHOLE:
        return _WHOLE[mask]
    if mask.bit_count() == 1:
        return _literal(mask.bit_length() - 1)
    if mask.bit_count() > 128:
        return f"[^{_members(_ALL & ~mask)}]"
    return f"[{_members(mask)}]"


def _literal(byte: int) -> str:
    if not 0x20 <= byte < 0x7F:
        return _SHORT.get(byte, f"\\x{byte:02x}")
    # A space needs no backslash, and neither does a dash outside of a class.
    return chr(byte) if chr(byte) in " -#&~" else re.escape(chr(byte))


def _members(mask: int) -> str:
    """Return what stands between the brackets of a class."""
    text = ""
    for name, members in _SETS.items():
        if mask & members == members:
            text, mask = text + name, mask & ~members
    byte = 0
    while mask >> byte:
        byte += (mask >> byte & -(mask >> byte)).bit_length() - 1  # on to the next member
        end = byte + 1
        while mask >> end & 1:
            end += 1
        text, byte = text + _range(byte, end - 1), end
    return text


def _range(first: int, last: int) -> str:
    if last - first < 2:
        return "".join(map(_member, range(first, last + 1)))
    return f"{_member(first)}-{_member(last)}"


def _member(byte: int) -> str:
    if not 0x20 <= byte < 0x7F:
        return _SHORT.get(byte, f"\\x{byte:02x}")
    return f"\\{chr(byte)}" if chr(byte) in "\\]^-[" else chr(byte)
