"""How long one attempt of a backtracking engine may take, and whether that is too long.

The estimate follows the tree. A repeat can end in as many places as its range is wide, and what
follows is tried from each of them, unless it cannot begin with a byte that the repeat takes. A
repeat of variable things has to tell at each byte in which round it is, as Brüggemann-Klein's
one-unambiguous expressions do; otherwise the ways to read a text double with its length.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

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
    least_width,
    source,
    walk,
    width,
)

_MOST_STEPS = 250_000
_AMBIGUOUS_ROUNDS = 4


def refuse_what_is_slow(root: Series, reach: int) -> None:
    """Raise if one attempt of a regex on `reach` bytes could take too many steps.

    Raises:
        RuleError: If it could; it says which part.
    """
    for node in walk(root):
        if isinstance(node, Repeat) and _is_explosive(node):
            raise RuleError(f"may take exponential time: {_readable(node)}")
    steps, _ = _steps(root.items, reach, 0, 0)
    if steps > _MOST_STEPS:
        raise RuleError(f"may take too long: some {steps:.0e} steps for one attempt")


def _readable(node: Node) -> str:
    return source(node).decode("ascii")[:60]


def _steps(items: Sequence[Node], reach: int, after: int, begins: int) -> tuple[int, int]:
    """Return how many steps `items` may take, and the set of bytes that they may begin with.

    Args:
        items: What is tried, one after the other.
        reach: Most bytes there are.
        after: Steps of what follows.
        begins: Bytes that what follows may begin with.
    """
    steps = [after]  # of what follows each item, the last one first
    for place in range(len(items) - 1, -1, -1):
        far = _steps_behind_separator(items, place, steps)
        near = steps[-1] - far
        step, begins = _steps_of(items[place], reach, (near, far), begins)
        steps.append(step)
    return steps[-1], begins


def _steps_behind_separator(items: Sequence[Node], place: int, steps: Sequence[int]) -> int:
    """Return the steps that only one end of a repeat can get to, however many ends it has.

    A byte that the repeat cannot take, at a fixed distance behind it, stands in one place only.
    """
    item = items[place]
    taken = _taken(item) if isinstance(item, Repeat) else 0
    for at in range(place + 1, len(items) if taken else 0):
        node = items[at]
        first = node.body if isinstance(node, Repeat | Marked) and least_width(node) else node
        if isinstance(first, Chars | Series) and least_width(first) and not _taken(first) & taken:
            return steps[len(items) - 1 - at]
        if least_width(node) != width(node):
            return 0
    return 0


def _steps_of(node: Node, reach: int, after: tuple[int, int], begins: int) -> tuple[int, int]:
    """Return steps and first bytes of `node`; `after` is told apart by who can get there."""
    match node:
        case Chars():
            return sum(after) + 1, node.mask
        case Series():
            return _steps(node.items, reach, sum(after), begins)
        case Marked():
            return _steps_of(node.body, reach, after, begins)
        case Choice():
            return _steps_of_choice(node, reach, sum(after), begins)
        case Repeat():
            return _steps_of_repeat(node, reach, after, begins)
        case Look():
            return sum(after) + _steps_of(node.body, reach, (0, 0), 0)[0], begins
        case Edge():
            return sum(after) + 1, begins


def _steps_of_choice(node: Choice, reach: int, after: int, begins: int) -> tuple[int, int]:
    tried = [_steps_of(branch, reach, (after, 0), begins) for branch in node.branches]
    first = functools.reduce(lambda mask, each: mask | each[1], tried, 0)
    apart = sum(each[1].bit_count() for each in tried) == first.bit_count()
    steps = [each[0] for each in tried]
    return (max(steps) if apart else sum(steps)) + len(steps), first


def _steps_of_repeat(
    node: Repeat, reach: int, after: tuple[int, int], begins: int
) -> tuple[int, int]:
    near, far = after
    inner, first = _steps_of(node.body, reach, (0, 0), 0)
    fitting = reach // max(1, least_width(node.body))
    most = fitting if node.most is None else min(node.most, fitting)
    ends = most - min(node.least, most) + 1
    tried = ends if _taken(node.body) & begins else 1
    return most * inner + tried * near + far, first | (begins if node.least == 0 else 0)


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
