"""Brings a tree with groups into the shape that rules have: one secret, at the top, and no ballast.

What is left out in front of a secret or behind it changes neither whether there is a match nor what
its secret is. Where a secret stands in a choice, there will be a tree for each branch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, takewhile

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
    least_width,
    series,
    walk,
    width,
)

_MOST_TREES = 16
_WIDE = 8
_WIDEST_END = 4
_ALL = (1 << 256) - 1
_MOST_OF_ALL = 200
_TELLING = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """A tree as rules have it.

    Attributes:
        root: The tree.
        lead: Bytes in front of a match that were part of one before.
    """

    root: Series
    lead: int = 0


def shapes(root: Series, group: int) -> tuple[Shape, ...]:
    """Return the trees that find what `root` finds.

    Args:
        root: A tree with groups in it.
        group: Number of the group that is the secret; 0 is the first that takes part, and the
            whole match where none does.
    """
    found = tuple(islice(_with_secret(root.items, group), _MOST_TREES + 1))
    if len(found) > _MOST_TREES:
        found = ((Marked(Series(tuple(map(plain, root.items)))),),)
    return tuple(dict.fromkeys(_trimmed(items) for items in found))


def capped(root: Series, most: int) -> Series:
    """Return `root` with a limit to what is repeated without one, but for the end of the secret."""
    return Series(tuple(_capped(item, most) for item in root.items))


def _capped(node: Node, most: int) -> Node:
    match node:
        case Marked():
            inner = node.body.items if isinstance(node.body, Series) else (node.body,)
            kept = 1 if inner and isinstance(inner[-1], Repeat) else 0
            front = (_capped(each, most) for each in inner[: len(inner) - kept])
            return Marked(Series((*front, *inner[len(inner) - kept :])))
        case Series():
            return Series(tuple(_capped(item, most) for item in node.items))
        case Choice():
            return Choice(tuple(_capped(branch, most) for branch in node.branches))
        case Repeat() if node.most is None:
            return replace(node, body=_capped(node.body, most), most=max(most, node.least))
        case Repeat():
            return replace(node, body=_capped(node.body, most))
        case _:
            return node


def settled(root: Series, *, at_once: bool = False) -> Series:
    """Return `root` with repeats of single bytes that never give back what they took.

    What is skipped up to a literal is skipped up to the first one. A match that needs one of the
    repeats to take fewer, or a later literal, is not found any more.

    Args:
        root: The tree.
        at_once: Whether that goes for what is skipped up to anything else, too.
    """
    items: list[Node] = []
    rest = list(map(_settled, root.items))
    while rest:
        item = rest.pop(0)
        if _repeats_anything(item):
            literal = list(takewhile(lambda node: isinstance(node, Chars | Edge), rest))
            if len(literal) < _TELLING and at_once:
                literal = rest[: len(literal) + 1]
            if len(literal) >= _TELLING or (at_once and least_width(Series(tuple(literal)))):
                item = Repeat(Series((item, *literal)), 1, 1, possessive=True)
                del rest[: len(literal)]
        items.append(item)
    return Series(tuple(items))


def _settled(node: Node) -> Node:
    match node:
        case Series():
            return Series(tuple(map(_settled, node.items)))
        case Choice():
            return Choice(tuple(map(_settled, node.branches)))
        case Marked():
            return Marked(_settled(node.body))
        case Repeat() if isinstance(alone(node.body), Chars):
            return replace(node, possessive=not node.lazy)
        case Repeat():
            return replace(node, body=_settled(node.body))
        case _:
            return node


def blurred(root: Series, most: int) -> Series:
    """Return `root` with less said of what lies in front of the secret.

    What repeats nearly any byte, and says more of it than that, becomes any such bytes.
    """
    secret = next(at for at, item in enumerate(root.items) if isinstance(item, Marked))
    front = (_blurred(item, most) for item in root.items[:secret])
    return Series((*front, *root.items[secret:]))


def _blurred(item: Node, most: int) -> Node:
    if isinstance(item, Chars | Look | Edge) or not any(map(_repeats_anything, walk(item))):
        return item
    mask = 0
    for node in walk(item):
        mask |= node.mask if isinstance(node, Chars) else 0
    return Repeat(Chars(mask), least_width(item), most, lazy=True)


def _repeats_anything(node: Node) -> bool:
    return isinstance(node, Repeat) and any(
        isinstance(each, Chars) and each.mask.bit_count() > _MOST_OF_ALL for each in walk(node)
    )


def branches(root: Series) -> tuple[Series, ...]:
    """Return a tree for each branch of the choice that the secret is; `root` if it is none."""
    secret = next(at for at, item in enumerate(root.items) if isinstance(item, Marked))
    body = root.items[secret]
    inner = series([body.body]).items if isinstance(body, Marked) else ()
    choices = [at for at, item in enumerate(inner) if isinstance(item, Choice)]
    if len(choices) != 1:
        return (root,)
    at, choice = choices[0], inner[choices[0]]
    return tuple(
        Series(
            (
                *root.items[:secret],
                Marked(series((*inner[:at], branch, *inner[at + 1 :]))),
                *root.items[secret + 1 :],
            )
        )
        for branch in (choice.branches if isinstance(choice, Choice) else ())
    )


def _with_secret(items: tuple[Node, ...], group: int) -> Iterator[tuple[Node, ...]]:
    """Yield rows of nodes with the secret marked among them."""
    for place, item in enumerate(items):
        before, behind = items[:place], items[place + 1 :]
        if not _has_group(item, group):
            continue
        match item:
            case Marked() if group in (0, item.number):
                yield (*map(plain, before), Marked(plain(item.body)), *map(plain, behind))
                return
            case Marked() | Series():
                inner = item.body if isinstance(item, Marked) else item
                yield from _with_secret(series((*before, inner, *behind)).items, group)
                return
            case Choice():
                for branch in item.branches:
                    yield from _with_secret(series((*before, branch, *behind)).items, group)
                return
            case Repeat() if (item.least, item.most) == (0, 1):
                yield from _with_secret(series((*before, item.body, *behind)).items, group)
                yield from _with_secret((*before, *behind), group)
                return
            case _:
                continue  # of what is repeated no one round is the secret
    yield (Marked(series(map(plain, items))),)


def _has_group(node: Node, group: int) -> bool:
    return any(isinstance(each, Marked) and group in (0, each.number) for each in walk(node))


def plain(node: Node) -> Node:
    """Return `node` without groups."""
    match node:
        case Series():
            return series(map(plain, node.items))
        case Choice():
            return Choice(tuple(map(plain, node.branches)))
        case Repeat() | Look():
            return replace(node, body=plain(node.body))
        case Marked():
            return plain(node.body)
        case _:
            return node


def _trimmed(items: tuple[Node, ...]) -> Shape:
    secret = next(place for place, item in enumerate(items) if isinstance(item, Marked))
    front, lead = list(items[:secret]), 0
    while front and isinstance(front[0], Repeat) and front[0].least == 0:
        lead += width(front.pop(0)) or 0
    if front:
        front[0] = _looked_behind(front[0])
    back = list(items[secret + 1 :])
    while back and isinstance(back[-1], Repeat) and back[-1].least == 0:
        back.pop()
    return Shape(Series((*front, items[secret], *_looked_ahead(back))), lead)


def _looked_behind(first: Node) -> Node:
    """Return a look behind where a match begins with one byte of context, else `first` itself."""
    if isinstance(first, Repeat) and first.least == 1 and isinstance(first.body, Chars):
        first = first.body  # one of them is there or several: at least one is
    if isinstance(first, Chars) and first.mask.bit_count() > _WIDE:
        return Look(first, ahead=False, negative=False)
    if isinstance(first, Choice) and (mask := _mask_or_edge(first)) is not None:
        return Look(Chars(_ALL & ~mask), ahead=False, negative=True)
    return first


def _mask_or_edge(choice: Choice) -> int | None:
    """Return the set of bytes that may stand in front, where the start of the text may as well."""
    mask, starts = 0, False
    for branch in choice.branches:
        node = alone(branch)
        if isinstance(node, Chars):
            mask |= node.mask
        elif isinstance(node, Look) and not node.ahead and node.negative:
            starts = True
            mask |= _ALL & ~node.body.mask if isinstance(node.body, Chars) else 0
        else:
            return None
    return mask if starts else None


def _looked_ahead(back: list[Node]) -> list[Node]:
    """Return a look ahead for what ends a secret, so that a secret may be longer than a window."""
    end = Series(tuple(back))
    wide = width(end)
    if not wide or wide > _WIDEST_END:
        return back
    return [Look(end.items[0] if len(back) == 1 else end, ahead=True, negative=False)]
