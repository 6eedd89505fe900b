"""What a regex says about a byte stream, read off its syntax tree.

A rule's regex is written for a text that is all there. A stream is not, so three more things are
derived from it, none of them by hand:

* *pending*: could bytes that are yet to come still begin, lengthen or change a match? It is the
  regex of the unfinished matches: of `abc` those are nothing, `a` and `ab`, each up to the end of
  the text; of a repeat, some whole rounds and an unfinished one; of a choice, an unfinished branch.
  It may say yes too often where a look-ahead hides the truth. It never says no too often.
* *sieve*: a relaxed regex without look-around, cut to its shortest, for an engine that only points
  at places. Wherever the regex matches, a match of the sieve begins there and ends no later.
* *tail*: how a secret that ends in an unbounded repeat goes on behind a bounded window.

Regexes whose backtracking could explode are refused (`leakguard.patterns.cost`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from leakguard.errors import RuleError
from leakguard.patterns import stream, syntax
from leakguard.patterns.possessive import compiled
from leakguard.patterns.syntax import Chars, Look, Marked, Node, Series

_SEARCHED = 512


@dataclass(frozen=True, slots=True)
class Tail:
    """How an unbounded secret goes on: unit after unit.

    Attributes:
        unit: A run of bytes of one set, or something of bounded width.
        pending: An unfinished unit; None when every part of a unit is one.
        width: Most bytes that an unfinished unit can have, and one more.
    """

    unit: re.Pattern[bytes]
    pending: re.Pattern[bytes] | None
    width: int

    def follow(self, text: bytes, start: int, *, final: bool) -> tuple[int, bool]:
        """Return up to where the secret goes on from `start`, and whether it ends there.

        Args:
            text: The bytes at hand.
            start: Where the secret has come to.
            final: Whether nothing comes behind `text`.
        """
        while start < len(text):
            if self.pending and not final and self.pending.match(text, start):
                return start, False
            unit = self.unit.match(text, start)
            if unit is None:
                return start, True
            start = unit.end()
        return start, final


class Followed:
    """Follows tails in one text; a run of bytes is gone through once, whatever secrets end in it.

    Without this a text full of keywords that are part of each other's secrets would take time that
    grows with its square.
    """

    def __init__(self) -> None:
        self._runs: dict[Tail, tuple[int, int, bool]] = {}

    def follow(self, tail: Tail, text: bytes, start: int, *, final: bool) -> tuple[int, bool]:
        """Return what `tail.follow` does."""
        first, end, ended = self._runs.get(tail, (0, -1, False))
        if tail.pending is None and first <= start <= end:
            return end, ended
        end, ended = tail.follow(text, start, final=final)
        self._runs[tail] = (start, end, ended)
        return end, ended


@dataclass(frozen=True)
class Pattern:
    """A regex, and what it says about a stream. What is seldom needed is derived when it is.

    Attributes:
        source: The regex as given.
        sieve: The relaxed regex, in the syntax that Vectorscan and `re` share.
        width: Most bytes that a match of the sieve spans, or None.
        names_only: Whether the sieve is no more than a name, since a wide gap follows.
        sieve_least: Fewest bytes that a match of the sieve spans.
    """

    source: bytes
    sieve: bytes
    width: int | None
    names_only: bool
    sieve_least: int
    _root: Series = field(repr=False, compare=False)

    @functools.cached_property
    def regex(self) -> re.Pattern[bytes]:
        """The regex as given, compiled."""
        return compiled(self.source)

    @functools.cached_property
    def tail(self) -> Tail | None:
        """How the secret goes on beyond a window, or None when it is bounded."""
        unit = stream.tail_unit(self._root.items)
        if unit is None:
            return None
        if isinstance(unit, Chars):
            return Tail(re.compile(syntax.source(unit) + b"+"), None, 1)
        width = syntax.width(unit) or 1
        return Tail(re.compile(syntax.source(unit)), _unfinished(unit), width)

    def tail_behind(self, end: int, edge: int) -> Tail | None:
        """Return how a secret that ends at `end` goes on if its window's `edge` cut it short."""
        return self.tail if self.tail and end + self.tail.width > edge else None

    def token_within(self, least: int) -> int | None:
        """Return within how many bytes every match has a token of so many; None: it may not."""
        return stream.token_within(self._root, least)

    @functools.cached_property
    def behind(self) -> int:
        """Most bytes in front of a match that a look-behind asks for, and at least one."""
        return max(map(syntax.least_width, syntax.looks_behind(self._root)), default=1)

    @functools.cached_property
    def barred(self) -> frozenset[int]:
        """The bytes that nothing matches behind."""
        mask = 0
        for item in syntax.opened(self._root):
            if not isinstance(item, Look):
                break
            if item.negative and not item.ahead:
                body = syntax.alone(item.body)
                mask |= body.mask if isinstance(body, Chars) else 0
        return frozenset(byte for byte in range(256) if mask >> byte & 1)

    def open(self, text: bytes, start: int) -> bool:
        """Return whether bytes behind `text` could change what the regex matches at `start`."""
        return self._pending.match(text, start) is not None

    def held(self, text: bytes, start: int) -> int | None:
        """Return where the secret of an undecided match at `start` begins, at the earliest.

        A secret that is all there is not decided either while the match may still become another.
        None when no secret has begun; `len(text)` when one could begin just there.
        """
        if not self.open(text, start):
            return None
        if self._context is None:
            return start
        for secret in range(start, len(text) + 1):
            begun = self._rest.match(text, secret) or self._finished.match(text, secret)
            if begun and self._context.fullmatch(text, start, secret):
                return secret
        return None

    def held_opening(self, text: bytes, start: int) -> int | None:
        """Return what `held` does, where all that has come is the beginning of a keyword.

        Most streams end in a letter that begins some keyword, and few go on with it: this answers
        for most rules without a regex that would first have to be compiled.
        """
        if len(text) - start <= self.least_context:
            return None
        return self.held(text, start) if self.least_context else opened(self.source, text, start)

    @property
    def least_context(self) -> int:
        """Fewest bytes in front of a secret."""
        return self._lead

    @functools.cached_property
    def _lead(self) -> int:
        """Fewest bytes in front of a secret."""
        return syntax.least_width(Series(self._root.items[: self._secret_place]))

    @functools.cached_property
    def _pending(self) -> re.Pattern[bytes]:
        return _unfinished(self._root)

    @functools.cached_property
    def _secret_place(self) -> int:
        items = enumerate(self._root.items)
        return next(place for place, item in items if isinstance(item, Marked))

    @functools.cached_property
    def _context(self) -> re.Pattern[bytes] | None:
        """What may stand in front of a secret; None when nothing may."""
        context = stream.relaxed(Series(self._root.items[: self._secret_place]))
        return None if syntax.width(context) == 0 else re.compile(syntax.source(context))

    @functools.cached_property
    def _rest(self) -> re.Pattern[bytes]:
        """The unfinished matches of the secret and what is behind it."""
        return _unfinished(Series(self._root.items[self._secret_place :]))

    @functools.cached_property
    def _finished(self) -> re.Pattern[bytes]:
        """The secret and what is behind it, when all of it is there."""
        return re.compile(stream.passed(Series(self._root.items[self._secret_place :])))


# The one look that most regexes begin with.
_LOOKS_BEHIND = re.compile(rb"\(\?<!(\[[^\\\]]+\])\)(?!\(\?<?[=!])")


def opened(regex: bytes, text: bytes, start: int) -> int | None:
    """Return where a secret that a regex begins with is held from, where a keyword has begun."""
    looks = _LOOKS_BEHIND.match(regex)
    if looks is None:
        return analyse(regex).held(text, start) if regex.startswith(b"(?") else start
    return None if start and _set(looks[1]).match(text, start - 1) else start


@functools.cache
def _set(chars: bytes) -> re.Pattern[bytes]:
    return re.compile(chars)


@functools.cache
def analyse(regex: bytes) -> Pattern:
    """Return what a regex says about a stream. How long it may take is not looked at (`check`).

    Args:
        regex: The group `secret` is the secret, or else the whole match.

    Raises:
        RuleError: If it is no regex, or cannot be judged on a stream.
    """
    root = syntax.parse(regex)
    sieve, is_cut = stream.sieve(root)
    if sieve is None:
        raise RuleError("the regex matches empty text")
    return Pattern(
        regex, syntax.source(sieve), syntax.width(sieve), is_cut, syntax.least_width(sieve), root
    )


def check(regex: bytes, *, reach: int, keywords: Sequence[bytes] = (), before: int = 0) -> None:
    """Raise if a regex cannot be used on a stream of anybody's making.

    Args:
        regex: As in `analyse`.
        reach: How many bytes of text an attempt sees at the most.
        keywords: What makes an attempt begin.
        before: How many bytes in front of a keyword an attempt is made, too.

    Raises:
        RuleError: If it is no regex, cannot be judged on a stream, or could take too long.
    """
    from leakguard.patterns import cost  # noqa: PLC0415  # what is stored has been checked

    root = syntax.parse(regex)
    cost.refuse_what_is_slow(root, reach, keywords=keywords, starts=before + 1)
    stream.tail_unit(root.items)
    _ = analyse(regex).regex


def check_search(regex: bytes) -> None:
    """Raise if a regex cannot be looked for in a short text that is all there.

    Raises:
        RuleError: If it is no regex, or could take too long.
    """
    from leakguard.patterns import cost  # noqa: PLC0415  # as above

    cost.refuse_what_is_slow(syntax.parse(regex, whole=True), _SEARCHED)
    compiled(regex)


def _unfinished(node: Node) -> re.Pattern[bytes]:
    return re.compile(stream.pending(node) or rb"(?!)")
