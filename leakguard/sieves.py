"""The sieves of an index: one for its needles, one for its rules, one for their keywords.

They are made when it is worth it. A stream goes on without them while a thread makes them, unless
it comes faster than it is searched: what is found is the same without, so nothing but speed tells
when they came.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from leakguard import sieve
from leakguard.rules import Rule
from leakguard.rules.stored import ship, shipped
from leakguard.sieve import Sieve, Sought

# A sieve costs more than the automaton takes for so many bytes: for a short log, all of its start.
_WORTH_A_SIEVE = 32 * 1024
# Where a pipe is full, all that comes is through sooner if the search rests until the sieves are
# there: both would go on at half their speed. So many seconds are the most.
_BULK = 48 * 1024
_PATIENCE = 0.5
_SHIPPED = "sought.json"


@dataclass(frozen=True, slots=True)
class Made:
    """Sieves that are ready.

    Attributes:
        needles: Finds what needles and traces begin with.
        rules: Finds where rules match.
        keywords: Finds the keywords of rules, be there the rest of a match or not.
    """

    needles: Sieve
    rules: Sieve
    keywords: Sieve


class Sieves:
    """Makes the sieves of an index when they are worth it."""

    def __init__(
        self,
        heads: Sequence[bytes],
        keywords: Iterable[bytes],
        rules: Sequence[Rule],
        *,
        beside: bool,
    ) -> None:
        """Take what to look for.

        Args:
            heads: What needles and traces begin with.
            keywords: The keywords of the rules.
            rules: The rules.
            beside: Whether to make them in a thread.
        """
        self._heads = heads
        self._keywords = list(keywords)
        self._rules = rules
        self._beside = beside
        self._wanted = sieve.wanted()
        self._walked = 0
        self._made: Made | None = None
        self._maker: threading.Thread | None = None

    def at_hand(self, length: int) -> Made | None:
        """Return the sieves to search the next `length` bytes with, or None to do without."""
        if self._wanted:
            self._walked += length
            if self._walked >= _WORTH_A_SIEVE:
                self._begin()
        elif self._maker and length >= _BULK:
            self._maker.join(_PATIENCE)
            self._maker = None
        return self._made

    def make(self) -> None:
        """Make them now, if they can be made and nobody has turned them off."""
        if self._wanted:
            self._wanted = False
            self._make()

    def _begin(self) -> None:
        if not self._beside:
            self.make()
            return
        self._wanted = False
        maker = threading.Thread(target=self._make_beside, name="sieves")
        with suppress(RuntimeError):  # no more threads: without sieves it is slower, and the same
            maker.start()
            self._maker = maker

    def _make_beside(self) -> None:
        with suppress(Exception):  # as above
            self._make()

    def _make(self) -> None:
        if sieve.available():
            self._made = Made(
                sieve.of_literals(self._heads),
                sieve.of_patterns(map(_seed, self._rules), partial(all_sought, self._rules)),
                sieve.of_keywords(self._keywords),
            )


def _seed(rule: Rule) -> bytes:
    return repr((rule.regex, rule.keywords, rule.before, rule.reach)).encode()


def all_sought(rules: Iterable[Rule]) -> list[Sought]:
    """Return what a sieve looks for of some rules; what several look for is there once."""
    known = _shipped()
    found: dict[bytes, Sought] = {}
    for rule in rules:
        for each in known.get(_name(rule)) or _sought(rule):
            other = found.get(each.pattern)
            found[each.pattern] = _joint(other, each) if other else each
    return list(found.values())


def ship_sought(rules: Iterable[Rule], folder: Path) -> None:
    """Write into `folder` what a wheel brings along: it takes long to derive from the regexes."""
    rows = {_name(rule): [_row(each) for each in _sought(rule)] for rule in rules if rule.keywords}
    ship(_SHIPPED, json.dumps(rows).encode(), folder)


def _shipped() -> dict[str, list[Sought]]:
    """Return by the names of rules what a wheel knows that a sieve looks for of them."""
    rows = json.loads(shipped(_SHIPPED) or b"{}")
    return {
        name: [Sought(pattern.encode("latin-1"), *rest) for pattern, *rest in sought]
        for name, sought in rows.items()
    }


def _name(rule: Rule) -> str:
    """Return what tells a rule from one that its sieve would be another for."""
    return hashlib.sha256(_seed(rule)).hexdigest()[:16]


def _row(sought: Sought) -> list[object]:
    return [sought.pattern.decode("latin-1"), sought.behind, sought.ahead, sought.token_within]


def _joint(one: Sought, other: Sought) -> Sought:
    """Return what fits for both."""
    both = one.token_within and other.token_within
    return Sought(
        one.pattern,
        max(one.behind, other.behind),
        max(one.ahead, other.ahead),
        max(one.token_within, other.token_within) if both else 0,
    )


def _sought(rule: Rule) -> Iterator[Sought]:
    pattern = rule.pattern
    ahead = rule.before + max(map(len, rule.keywords))
    within = 0 if rule.before else pattern.token_within(sieve.LEAST_TOKEN) or 0
    if pattern.names_only and pattern.sieve_least <= min(map(len, rule.keywords)) + 2:
        # Its keywords tell as much as what is left of the regex, and many rules share them.
        for each in sieve.sought_for(rule.keywords):
            yield replace(each, behind=rule.before + each.behind, ahead=ahead, token_within=within)
    else:
        width = rule.reach if pattern.width is None else pattern.width
        yield Sought(pattern.sieve, rule.before + width, ahead, within)
