"""Derives from a regex the literals by which to look for it, and says where in a match they lie.

Every match has one of the literals in it, no further from its start than is said. All of this is
read off the tree, so a literal can be no more wrong than the tree is.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from leakguard.patterns.syntax import Chars, Choice, Marked, Node, Repeat, Series, opened, width

SHORTEST = 3
"""Fewest bytes of a literal: shorter ones are everywhere."""

COMMON = 1e-3
"""Literals that are met more often than once in so many bytes, roughly, are better avoided."""

_MOST_WORDS = 96
_TOO_MANY_WORDS = 800
_FARTHEST = 512
_LONGEST = 16
_RARE = 1e-4
_RARE_IN_CASES = 3e-6


@dataclass(frozen=True, slots=True)
class Heads:
    """Literals, one of which is in every match.

    Attributes:
        words: The literals, ascending; none is the beginning of another.
        before: Most bytes of a match in front of them.
    """

    words: tuple[bytes, ...]
    before: int

    @property
    def weight(self) -> float:
        """How often they are met in a byte of ordinary text, roughly."""
        return sum(map(_weight, self.words))


def heads(root: Series) -> Heads | None:
    """Return the rarest literals that a match of `root` cannot be without; None if there are none.

    Literals at the start of a match are taken unless they are common: a rule is tried nowhere else
    then, and its secret is not held before its literal has come.
    """
    items, found = opened(root), list[Heads]()
    for place in range(len(items)):
        before = width(Series(tuple(items[:place])))
        if before is None or before > _FARTHEST:
            break
        if words := _words(items[place:]):
            found.append(Heads(tuple(sorted(words)), before))
        if before == 0 and found and found[-1].weight <= COMMON:
            break
    return min(found, key=lambda each: each.weight) if found else None


def contains(root: Series, words: Iterable[str]) -> bool:
    """Return whether every match of `root` has one of `words` in it, whatever the case.

    It may say no too often, and never says yes too often.
    """
    return _contains(tuple(opened(root)), frozenset(word.lower().encode() for word in words))


def _words(items: Sequence[Node]) -> set[bytes] | None:
    """Return what every match of `items` begins with one of, or None if that is too much."""
    growing: list[tuple[int, int, bytes, tuple[Node, ...]]] = [(0, 0, b"", tuple(items))]
    words: set[bytes] = set()
    count = 0
    while growing:
        _, _, word, rest = heapq.heappop(growing)
        grown = _grown(word, rest)
        if len(word) >= SHORTEST and _is_rare(word, len(grown)):
            grown = []
        many = len(growing) + len(words) + len(grown)
        if grown and many <= (_MOST_WORDS if len(word) >= SHORTEST else _TOO_MANY_WORDS):
            for longer, remaining in grown:
                count += 1
                heapq.heappush(growing, (len(longer), count, longer, remaining))
        elif len(word) < SHORTEST:
            return None
        else:
            words.add(word)
    return {word for word in words if not any(word[:n] in words for n in range(len(word)))}


def _is_rare(word: bytes, choices: int) -> bool:
    """Return whether a word is rare enough, given into how many longer ones it would fall apart."""
    if choices < 2:
        return len(word) >= _LONGEST
    return _weight(word) < (_RARE_IN_CASES if choices == 2 else _RARE)


def _grown(word: bytes, items: tuple[Node, ...]) -> list[tuple[bytes, tuple[Node, ...]]]:
    """Return `word` with each byte that may be next, and what comes then.

    Nothing, if it may be the end: then `word` stands for all that is longer, too.
    """
    following = list(_next(items))
    if any(mask == 0 for mask, _ in following):
        return []
    return [
        (word + bytes([byte]), rest)
        for mask, rest in following
        for byte in range(256)
        if mask >> byte & 1
    ]


def _next(items: tuple[Node, ...]) -> Iterator[tuple[int, tuple[Node, ...]]]:
    """Yield the sets of bytes that may come first in `items`, each with what follows it then.

    An end is an empty row: it yields the set of no byte, so that nobody takes it for impossible.
    """
    if not items:
        yield 0, ()
        return
    first, rest = items[0], items[1:]
    match first:
        case Chars():
            yield first.mask, rest
        case Repeat():
            yield from _next_of_repeat(first, rest)
        case _:
            for branch in _branches(first):
                yield from _next((*branch, *rest))


def _branches(node: Node) -> tuple[tuple[Node, ...], ...]:
    """Return the rows of nodes that may stand for `node`."""
    match node:
        case Choice():
            return tuple((branch,) for branch in node.branches)
        case Series():
            return (node.items,)
        case Marked():
            return ((node.body,),)
        case _:
            return ((),)  # looks and edges take nothing


def _next_of_repeat(
    repeat: Repeat, rest: tuple[Node, ...]
) -> Iterator[tuple[int, tuple[Node, ...]]]:
    if repeat.least == 0:
        yield from _next(rest)
    if repeat.most != 0 and width(repeat.body) != 0:
        most = None if repeat.most is None else repeat.most - 1
        again = Repeat(repeat.body, max(0, repeat.least - 1), most)
        yield from _next((repeat.body, *((again,) if most != 0 else ()), *rest))


def _weight(word: bytes) -> float:
    """Return how often a word is met in ordinary text, roughly: lower-case letters abound."""
    weight = 1.0
    for byte in word:
        letter = chr(byte)
        weight *= 0.04 if letter.islower() else 0.02 if letter.isdigit() else 0.01
    return weight


def _contains(items: tuple[Node, ...], words: frozenset[bytes]) -> bool:
    return any(
        _begins(items[place:], words) or _has_inside(items[place], words)
        for place in range(len(items))
    )


def _has_inside(node: Node, words: frozenset[bytes]) -> bool:
    match node:
        case Series():
            return _contains(node.items, words)
        case Marked():
            return _has_inside(node.body, words)
        case Choice():
            return all(_contains((branch,), words) for branch in node.branches)
        case Repeat():
            return node.least > 0 and _has_inside(node.body, words)
        case _:
            return False


def _begins(items: tuple[Node, ...], words: frozenset[bytes]) -> bool:
    """Return whether all that `items` stand for begins with one of `words`."""
    if b"" in words:
        return True
    for mask, rest in _next(items):
        letters = {byte for byte in range(256) if mask >> byte & 1}
        lowered = {ord(chr(byte).lower()) if byte < 128 else byte for byte in letters}
        for byte in lowered:
            later = frozenset(word[1:] for word in words if word[0] == byte)
            if not later or not _begins(rest, later):
                return False
        if not lowered:
            return False
    return True
