"""What is derived from a regex for a stream: its unfinished matches, its sieve, its tail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeGuard

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
    count,
    least_width,
    series,
    source,
    walk,
    width,
)

# Vectorscan needs a state for each byte of a counted repeat, and time to compile each: so many
# bytes of a match tell it from other text as well as all of them would.
_WIDEST_COUNT = 16
_TELLING = 16
# A name of so many bytes in front of a gap is enough to look for, and one of so many in front of
# a value itself.
_NAMING, _NAMING_ALONE = 4, 6
_WIDEST_GAP = 4


def pending(node: Node) -> bytes | None:
    """Return a regex of the unfinished matches of `node` up to the end of the text; None: never."""
    match node:
        case Chars():
            return rb"\Z"
        case Series():
            return _pending_series(node.items)
        case Choice():
            return _either(map(pending, node.branches))
        case Repeat():
            return _pending_repeat(node)
        case Marked():
            return pending(node.body)
        case Look():
            return pending(node.body) if node.ahead else None
        case Edge():
            return rb"\Z" if node.looks_ahead else None


def _pending_repeat(repeat: Repeat) -> bytes | None:
    unfinished = pending(repeat.body)
    if unfinished is None or repeat.most == 0:
        return None
    rounds = count(0, None if repeat.most is None else repeat.most - 1)
    return b"(?:%b)%b(?:%b)" % (passed(repeat.body), rounds, unfinished)


def _pending_series(items: Sequence[Node]) -> bytes | None:
    if not items:
        return None
    later = _pending_series(items[1:])
    behind = None if later is None else b"%b(?:%b)" % (passed(items[0]), later)
    return _either([pending(items[0]), behind])


def _either(sources: Iterable[bytes | None]) -> bytes | None:
    present = [source for source in sources if source is not None]
    return b"(?:%b)" % b"|".join(present) if present else None


def passed(node: Node) -> bytes:
    """Return `node` as a regex that also passes where the end of the text hides the truth."""
    match node:
        case Series():
            return b"".join(map(passed, node.items))
        case Choice():
            return b"(?:%b)" % b"|".join(map(passed, node.branches))
        case Repeat():
            return b"(?:%b)%b" % (passed(node.body), count(node.least, node.most))
        case Marked():
            return passed(node.body)
        case Look() if node.ahead:
            return _passed_look(node)
        case Edge() if node.looks_ahead:
            return rb"(?:%b|\Z)" % node.source
        case _:
            return source(node)


def _passed_look(look: Look) -> bytes:
    if not look.negative:
        unfinished = pending(look.body)
        return b"(?=%b)" % b"|".join(filter(None, (passed(look.body), unfinished)))
    # Whether its body has matched is certain only if nothing in the body looks further ahead.
    certain = not any(isinstance(node, Look | Edge) for node in walk(look.body))
    return source(look) if certain else b""


def sieve(root: Series) -> tuple[Node | None, bool]:
    """Return the relaxed regex of `root` as short as it can be, and whether a gap has cut it short.

    None if nothing is left of it.
    """
    items: list[Node] = []
    is_cut = False
    for item in relaxed(root).items:
        told = sum(map(least_width, items))
        is_cut = _is_gap(item) and told >= (_NAMING if item.least < 2 else _NAMING_ALONE)
        if is_cut or told >= _TELLING:
            break
        items.append(item)
    return _shortest(Series(tuple(items))), is_cut


def _is_gap(node: Node) -> TypeGuard[Repeat]:
    """Say whether it is a wide repeat, such as the gap between a name and its value.

    What stands behind one costs an engine that counts more than all the rest.
    """
    return isinstance(node, Repeat) and (node.most is None or node.most > _WIDEST_GAP)


# Farther than any rule looks.
_FAR = 1 << 20
# What tokens are made of, whatever their kind.
_TOKEN = sum(
    1 << byte for byte in b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/=_-"
)


def token_within(root: Series, least: int) -> int | None:
    """Return within how many bytes every match has a token of so many bytes; None: it may not."""
    passed = 0
    for item in root.items:
        if _token_run(item) >= least:
            return passed + _token_reach(item, least)
        if (wide := width(item)) is None:
            return None
        passed += wide
    return None


def _token_reach(node: Node, least: int) -> int:
    """Return within how many bytes of `node` a token lies that it is known to have."""
    node = _only(node)
    if isinstance(node, Repeat) and isinstance(_only(node.body), Chars):
        return least  # its beginning is one
    if isinstance(node, Series) and (reach := token_within(node, least)) is not None:
        return reach
    wide = width(node)
    return _FAR if wide is None else wide


def _only(node: Node) -> Node:
    """Return what a node consists of, if that is a single thing."""
    while True:
        if isinstance(node, Marked):
            node = node.body
        elif isinstance(node, Series) and len(node.items) == 1:
            node = node.items[0]
        else:
            return node


def _token_run(node: Node) -> int:
    """Return how many bytes of a token every match has in a row, at least."""
    match _only(node):
        case Series(items):
            return max(map(_token_run, items), default=0)
        case Choice(branches):
            return min(map(_token_run, branches))
        case Repeat(body=body, least=least):
            of_one = _only(body)
            if isinstance(of_one, Chars):
                return least if _is_token(of_one) else 0
            return _token_run(body) if least else 0
        case Chars() as chars:
            return int(_is_token(chars))
        case _:
            return 0


def _is_token(chars: Chars) -> bool:
    return chars.mask & ~_TOKEN == 0


def relaxed(root: Series) -> Series:
    """Return `root` without what only looks, and with wide counts left open."""
    kept = (item for item in root.items if not isinstance(item, Look | Edge))
    return series(map(_relaxed, kept))


def _relaxed(node: Node) -> Node:
    match node:
        case Series():
            return relaxed(node)
        case Choice():
            return Choice(tuple(map(_relaxed, node.branches)))
        case Repeat():
            wide = node.most is None or node.most > 4 * _WIDEST_COUNT
            least = min(node.least, _WIDEST_COUNT)
            return Repeat(_relaxed(node.body), least, None if wide else node.most)
        case Marked():
            return _relaxed(node.body)
        case Look() | Edge():
            return Series(())
        case Chars():
            return node


def _shortest(node: Node) -> Node | None:
    """Return `node` without what may be missing at its end; None when nothing is left of it."""
    match node:
        case Series():
            for length in range(len(node.items), 0, -1):
                if (last := _shortest(node.items[length - 1])) is not None:
                    return series((*node.items[: length - 1], last))
            return None
        case Choice():
            branches = [_shortest(branch) for branch in node.branches]
            present = tuple(branch for branch in branches if branch is not None)
            return Choice(present) if len(present) == len(branches) else None
        case Repeat():
            if node.least == 0 or (last := _shortest(node.body)) is None:
                return None
            before = Repeat(node.body, node.least - 1, node.least - 1)
            return last if node.least == 1 else Series((before, last))
        case _:
            return node


def tail_unit(items: Sequence[Node]) -> Node | None:
    """Return the thing that an unbounded secret is made of at its end, or None if it is bounded.

    Only a secret that is the last thing a match must have goes on beyond a window.

    Raises:
        RuleError: If the thing itself has no bound, so that it could not be held.
    """
    last = next((item for item in reversed(items) if not _may_be_missing(item)), None)
    if not isinstance(last, Marked):
        return None
    while isinstance(last, Marked | Series):
        inner = last.items if isinstance(last, Series) else (last.body,)
        last = next((item for item in reversed(inner) if not isinstance(item, Look | Edge)), None)
    if not isinstance(last, Repeat) or last.most is not None:
        return None
    if width(last.body) is None:
        raise RuleError("what is repeated at the end of the secret must be of bounded length")
    single = isinstance(last.body, Series) and len(last.body.items) == 1
    return last.body.items[0] if single and isinstance(last.body, Series) else last.body


def _may_be_missing(item: Node) -> bool:
    return isinstance(item, Look | Edge) or (isinstance(item, Repeat) and item.least == 0)
