"""How long a backtracking engine may take, and whether that is too long.

The estimate follows the tree. A repeat can end in as many places as its range is wide, and what
follows is tried from each of them, unless it cannot begin with a byte that the repeat takes. A
repeat of variable things has to tell at each byte in which round it is, as Brüggemann-Klein's
one-unambiguous expressions do; otherwise the ways to read a text double with its length.
"""

from __future__ import annotations

import functools
import math
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

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
    alone,
    least_width,
    opened,
    source,
    walk,
    width,
)
from leakguard.patterns.writing import written

_LONGEST_SHOWN = 60
_MOST_STEPS = 500_000
_DENSEST = 5_000
_MOST_BEGINNINGS = 64

_Row: TypeAlias = tuple[int, ...]
_AMBIGUOUS_ROUNDS = 4
# A repeat of one set of bytes runs in a loop of its own, so much quicker than anything else.
_QUICK = 8
_LONGEST_LITERAL = 16


def refuse_what_is_slow(
    root: Series, reach: int, *, keywords: Sequence[bytes] = (), starts: int = 1
) -> None:
    """Raise if a regex could take too many steps, in one attempt or in many of them.

    Args:
        root: The regex.
        reach: Bytes of text that an attempt sees.
        keywords: What makes an attempt begin; without any, only one attempt is judged.
        starts: At how many places an attempt is made for each keyword.

    Raises:
        RuleError: If it could; it says which part, or how many.
    """
    for node in walk(root):
        if isinstance(node, Repeat) and _is_explosive(node):
            raise RuleError(f"may take exponential time: {_readable(node)}")
    if (taken := starts * steps(root, reach)) > _MOST_STEPS:
        raise RuleError(f"may take too long: some {taken:.0e} steps for one attempt")
    if keywords and (taken := starts * _steps_for_a_byte(root, reach, keywords)) > _DENSEST:
        raise RuleError(f"may take too long: some {taken:.0e} steps for each byte of a text")


def steps(root: Series, reach: int) -> int:
    """Return about how many steps one attempt of a regex may take on `reach` bytes."""
    return _steps(root.items, _Sight(reach), 0, 0)[0]


def _steps_for_a_byte(root: Series, reach: int, keywords: Sequence[bytes]) -> int:
    """Return about how many steps a text can cost that is full of keywords."""
    rows = [tuple(1 << byte for byte in keyword) for keyword in keywords]
    # An attempt that gets anywhere has seen more than its keyword.
    shift = max(_least_shift(rows), _least_shift(_beginnings(root.items)[0]))
    gaps = [gap for gap in (shift << power for power in range(0, 16, 2)) if gap < reach] or [shift]
    confined = _confined(root)
    sights = {gap: _Sight(reach, gap, confined) for gap in gaps}
    return max(_steps(root.items, sight, 0, 0)[0] // gap for gap, sight in sights.items())


def _confined(root: Series) -> frozenset[Repeat]:
    """Return the repeats that cannot go on beyond where the next attempt gets as far as they do."""
    items = opened(root)
    beginnings, _ = _beginnings(items)
    repeats: set[Repeat] = set()
    crossing: set[Repeat] = set()
    for at, item in enumerate(items):
        behind = tuple(items[at + 1 :])
        ended = bool(behind) and any(
            tuple(items[start : start + len(behind)]) == behind for start in range(at)
        )
        for node in walk(item):
            if isinstance(node, Repeat):
                repeats.add(node)
                fits = not ended and all(_fits(before, _taken(node)) for before in items[:at])
                if fits and any(_crosses(node, row) for row in beginnings):
                    crossing.add(node)
    return frozenset(repeats - crossing)


def _crosses(loop: Repeat, row: _Row) -> bool:
    """Return whether rounds of a repeat can take what a regex begins with, and go on."""
    taken = _taken(loop)
    if isinstance(alone(loop.body), Chars) or not row:
        return all(mask & taken for mask in row)
    beginning = bytes(_lowest(mask & taken or mask) for mask in row)
    rounds = re.compile(source(Repeat(loop.body, 1, None)))
    around = [bytes([byte]) for byte in (_lowest(taken), *b"a0 \n,") if taken >> byte & 1]
    texts = (filler * 3 + beginning + filler for filler in around)
    return any(
        found.end() >= len(text) - 1
        for text in texts
        for start in range(3)
        if (found := rounds.match(text, start))
    )


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _fits(node: Node, mask: int) -> bool:
    """Return whether something that `node` stands for is made of the bytes in `mask`."""
    match node:
        case Chars():
            return bool(node.mask & mask)
        case Series():
            return all(_fits(item, mask) for item in node.items)
        case Choice():
            return any(_fits(branch, mask) for branch in node.branches)
        case Repeat():
            return node.least == 0 or _fits(node.body, mask)
        case Marked():
            return _fits(node.body, mask)
        case Look() | Edge():
            return True


def _beginnings(items: Sequence[Node]) -> tuple[list[_Row], int]:
    """Return the rows of sets that `items` begin with, and how many of the items these are.

    They end where a repeat may take more or less, or where there are too many of them.
    """
    rows: list[_Row] = [()]
    for at, item in enumerate(items):
        more = _rows(item)
        if more is None or len(rows) * len(more) > _MOST_BEGINNINGS:
            return rows, at
        rows = _joined(rows, more)
    return rows, len(items)


def _rows(node: Node) -> list[_Row] | None:
    """Return the rows of sets that `node` stands for, or None if there are too many."""
    match node:
        case Chars():
            return [(node.mask,)]
        case Series():
            rows, count = _beginnings(node.items)
            return rows if count == len(node.items) else None
        case Choice():
            found = [_rows(branch) for branch in node.branches]
            return None if None in found else [row for rows in found for row in rows or ()]
        case Marked():
            return _rows(node.body)
        case Repeat():
            few = node.least == node.most and node.least <= _LONGEST_LITERAL
            return _rows(Series((node.body,) * node.least)) if few else None
        case Look() | Edge():
            return [()]


def _joined(rows: Sequence[_Row], others: Sequence[_Row]) -> list[_Row]:
    return [(*row, *other) for row in rows for other in others]


def _least_shift(rows: Sequence[_Row]) -> int:
    """Return how soon after the start of one row the start of a row can come, at least 1."""
    return min(_shift(one, other) for one in rows for other in rows)


def _shift(one: _Row, other: _Row) -> int:
    fits = (all(map(operator.and_, one[at:], other)) for at in range(1, len(one)))
    return next((at for at, each in enumerate(fits, 1) if each), max(1, len(one)))


@dataclass(frozen=True, slots=True)
class _Sight:
    """How far an attempt sees.

    Attributes:
        reach: Most bytes there are.
        gap: Bytes from one keyword to the next.
        confined: Repeats that see no farther than to the next keyword.
    """

    reach: int
    gap: int = 0
    confined: frozenset[Repeat] = frozenset()

    def of(self, node: Node) -> int:
        """Return how many bytes a repeat can go on for."""
        return min(self.reach, self.gap) if node in self.confined else self.reach


def _readable(node: Node) -> str:
    text = written(node)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _steps(items: Sequence[Node], sight: _Sight, after: int, begins: int) -> tuple[int, int]:
    """Return how many steps `items` may take, and the set of bytes that they may begin with.

    Args:
        items: What is tried, one after the other.
        sight: How far the attempt sees.
        after: Steps of what follows.
        begins: Bytes that what follows may begin with.
    """
    steps = [after]  # of what follows each item, the last one first
    for place in range(len(items) - 1, -1, -1):
        node = items[place]
        if isinstance(node, Repeat):
            behind = _Behind(items[place + 1 :], steps)
            step, begins = _steps_of_repeat(node, sight, behind, begins)
        else:
            step, begins = _steps_of(node, sight, steps[-1], begins)
        steps.append(step)
    return steps[-1], begins


@dataclass(frozen=True, slots=True)
class _Behind:
    """What follows a repeat.

    Attributes:
        items: The items.
        steps: The steps from the end on, from the last item on, and so forth.
    """

    items: Sequence[Node]
    steps: Sequence[int]

    def from_item(self, place: int) -> int:
        """Return the steps from the item at `place` on."""
        return self.steps[len(self.items) - place]


def _steps_of(node: Node, sight: _Sight, after: int, begins: int) -> tuple[int, int]:
    """Return steps and first bytes of `node` and what follows."""
    match node:
        case Chars():
            return after + 1, node.mask
        case Series():
            return _steps(node.items, sight, after, begins)
        case Marked():
            return _steps((node.body,), sight, after, begins)
        case Choice():
            return _steps_of_choice(node, sight, after, begins)
        case Repeat():
            return _steps((node,), sight, after, begins)
        case Look():
            return after + _steps((node.body,), sight, 0, 0)[0], begins
        case Edge():
            return after + 1, begins


def _steps_of_choice(node: Choice, sight: _Sight, after: int, begins: int) -> tuple[int, int]:
    """Return the steps of those branches that one byte can lead to, where they are the most."""
    tried = [_steps_of(branch, sight, after, begins) for branch in node.branches]
    first = functools.reduce(lambda mask, each: mask | each[1], tried, 0)
    together = [
        sum(step for step, mask in tried if mask >> byte & 1)
        for byte in range(256)
        if first >> byte & 1
    ]
    return max(together, default=sum(step for step, _ in tried)) + len(tried) // _QUICK, first


def _steps_of_repeat(node: Repeat, sight: _Sight, behind: _Behind, begins: int) -> tuple[int, int]:
    inner, first = _steps((node.body,), sight, 0, 0)
    fitting = sight.of(node) // max(1, least_width(node.body))
    rounds = fitting if node.most is None else min(node.most, fitting)
    single = isinstance(alone(node.body), Chars)
    taken = rounds // _QUICK + 1 if single else rounds * inner
    ends = rounds - min(node.least, rounds) + 1
    once = node.possessive or not _given_back(node) & begins
    tried = behind.steps[-1] if once else _tried(node, sight, behind, ends)
    return taken + tried, first | (begins if node.least == 0 else 0)


def _given_back(node: Repeat) -> int:
    """Return the set of bytes that can stand where a repeat ends when it could have gone on."""
    return _first(node.body) | _last_given_back(node.body)


def _last_given_back(node: Node) -> int:
    """Return the set of bytes that `node` gives back at its end when it takes less."""
    match node:
        case Series():
            mask = 0
            for item in reversed(node.items):
                mask |= _last_given_back(item)
                if least_width(item):
                    break
            return mask
        case Choice():
            return _taken(node) if least_width(node) != width(node) else 0
        case Repeat():
            last = _last_given_back(node.body)
            return last if node.least == node.most else last | _first(node.body)
        case Marked():
            return _last_given_back(node.body)
        case Chars() | Look() | Edge():
            return 0


def _tried(node: Repeat, sight: _Sight, behind: _Behind, ends: int) -> int:
    """Return the steps of all that is tried from each of the places where a repeat can end."""
    whole = ends * behind.steps[-1]
    if (at := _separator(node, behind.items)) is not None:
        between = tuple(behind.items[:at])
        near, _ = _steps_between(between, sight, _first(behind.items[at]))
        ways = math.prod(_spread(item, sight, ends) for item in between)
        return min(whole, ends * near + ways * behind.from_item(at))
    rows, count = _beginnings(behind.items[:_LONGEST_LITERAL])
    if not count:
        return whole
    # Where a literal does not overlap itself, most attempts at it fail with their first byte.
    shift = _least_shift(rows)
    each = len(rows) + (1 if shift > 1 else max(map(len, rows)))
    return min(whole, ends * each + (ends // shift + 1) * behind.from_item(count))


@functools.lru_cache(4096)
def _steps_between(items: tuple[Node, ...], sight: _Sight, begins: int) -> tuple[int, int]:
    return _steps(items, sight, 0, begins)


def _separator(node: Repeat, items: Sequence[Node]) -> int | None:
    """Return the place of the first item that can stand in one place only, wherever `node` ends.

    It begins with a byte that nothing from the start of the repeat up to it can take.
    """
    taken = _taken(node)
    for at, item in enumerate(items):
        if least_width(item) and not _first(item) & taken:
            return at
        taken |= _taken(item)
    return None


def _spread(node: Node, sight: _Sight, ends: int) -> int:
    """Return in how many ways `node` can share a text with a repeat that has so many ends."""
    most, seen = width(node), sight.of(node)
    most = seen if most is None else min(most, seen)
    return min(max(1, most - least_width(node) + 1), ends)


def _first(node: Node) -> int:
    """Return the set of bytes that `node` can begin with."""
    match node:
        case Chars():
            return node.mask
        case Series():
            first = 0
            for item in node.items:
                first |= _first(item)
                if least_width(item):
                    break
            return first
        case Choice():
            return functools.reduce(lambda mask, branch: mask | _first(branch), node.branches, 0)
        case Repeat() | Marked():
            return _first(node.body)
        case Look() | Edge():
            return 0


def _taken(node: Node) -> int:
    """Return the set of all bytes that `node` may take."""
    return functools.reduce(lambda mask, each: mask | _mask_of(each), walk(node), 0)


def _mask_of(node: Node) -> int:
    return node.mask if isinstance(node, Chars) else 0


def _is_explosive(loop: Repeat) -> bool:
    """Return whether many rounds of `loop` can take the same bytes in many ways."""
    if loop.most is not None and loop.most <= _AMBIGUOUS_ROUNDS:
        return False
    return least_width(loop.body) == 0 or _Places(loop).ambiguous


class _Places:
    """Which byte of a repeat can follow which, after Glushkov.

    Two that take the same byte, or one that is reached in two ways, make the repeat ambiguous.
    """

    def __init__(self, loop: Repeat) -> None:
        self.ambiguous = False
        self._masks: list[int] = []
        self._follow: list[set[int]] = []
        first, last, _ = self._walk(loop.body)
        self._connect(last, first)
        starts = [first, *self._follow]
        self.ambiguous = self.ambiguous or any(map(self._overlap, starts))

    def _walk(self, node: Node) -> tuple[set[int], set[int], bool]:
        """Return the places where `node` can begin and end, and whether it can be empty."""
        match node:
            case Chars():
                self._masks.append(node.mask)
                self._follow.append(set())
                place = {len(self._masks) - 1}
                return place, place, False
            case Series():
                return self._walk_series(node.items)
            case Choice():
                walks = [self._walk(branch) for branch in node.branches]
                first = set[int]().union(*(each[0] for each in walks))
                last = set[int]().union(*(each[1] for each in walks))
                empty = sum(each[2] for each in walks)
                self.ambiguous = self.ambiguous or empty > 1
                return first, last, empty > 0
            case Repeat():
                first, last, empty = self._walk(node.body)
                if node.most is None or node.most > 1:
                    self._connect(last, first)
                return first, last, empty or node.least == 0
            case Marked():
                return self._walk(node.body)
            case Look() | Edge():
                return set(), set(), True

    def _walk_series(self, items: Sequence[Node]) -> tuple[set[int], set[int], bool]:
        first: set[int] = set()
        last: set[int] = set()
        empty = True
        for item in items:
            begins, ends, nothing = self._walk(item)
            self._connect(last, begins)
            first |= begins if empty else set()
            last = last | ends if nothing else ends
            empty = empty and nothing
        return first, last, empty

    def _connect(self, last: set[int], first: set[int]) -> None:
        for place in last:
            # The same step in two ways: within an inner repeat, or by a new round of the outer.
            self.ambiguous = self.ambiguous or bool(self._follow[place] & first)
            self._follow[place] |= first

    def _overlap(self, places: set[int]) -> bool:
        seen = 0
        for place in places:
            if seen & self._masks[place]:
                return True
            seen |= self._masks[place]
        return False
