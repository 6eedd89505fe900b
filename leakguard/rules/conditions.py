"""Decides on matches where it takes a whole text and its path: after the matcher, in scans only.

A stream has no path, and its lines are not all there. So rules with such conditions are not asked
about streams at all, and what allows matches by line or path lets nothing pass in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from leakguard.model import Match
from leakguard.rules.allow import SEEN, Allow, found, leveled
from leakguard.rules.rule import Requirement, Rule


class Conditions:
    """What rules ask of the place where they match.

    Attributes:
        of_names: Rules that look at nothing but the path of a file.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        rules = tuple(rules)
        self.of_names = tuple(rule for rule in rules if not rule.keywords)
        self._rules = {rule.id: rule for rule in rules if _has_conditions(rule)}

    def kept(
        self, matches: Sequence[Match], text: bytes, path: str, start: int = 0
    ) -> Sequence[Match]:
        """Return those of `matches` that stand, given where they are.

        Args:
            matches: All that was found in the text.
            text: The text.
            path: Of the file that it is in.
            start: Offset of the first byte of `text`, as matches have it.
        """
        if not self._rules or not matches:
            return matches
        standing = [match for match in matches if self._stands(match, text, path, start)]
        return [
            match
            for match in standing
            if not (rule := self._rules.get(match.name))
            or match.kind != "rule"
            or (not rule.silent and _has_company(match, rule.requires, standing, text, start))
        ]

    def names(self, path: str) -> Iterable[Rule]:
        """Yield the rules that match a file by its path."""
        for rule in self.of_names:
            if found(rule.path, leveled(path)) and not _allowed(rule, b"", path):
                yield rule

    def _stands(self, match: Match, text: bytes, path: str, start: int) -> bool:
        rule = self._rules.get(match.name) if match.kind == "rule" else None
        if rule is None:
            return True
        if rule.path and not found(rule.path, leveled(path)):
            return False
        place = match.start - start, match.end - start
        return not any(
            each.lets_place(_lines(text, *place), path) and _lets_match(each, rule, text, place)
            for each in rule.allow
            if not each.is_local
        )


def _has_conditions(rule: Rule) -> bool:
    return not rule.is_for_streams or any(not each.is_local for each in rule.allow)


def _allowed(rule: Rule, line: bytes, path: str) -> bool:
    return any(each.lets_place(line, path) and each.lets_match(b"", b"") for each in rule.allow)


def _lets_match(each: Allow, rule: Rule, text: bytes, place: tuple[int, int]) -> bool:
    if each.is_of_findings:
        return True
    secret = text[place[0] : place[1]]
    return any(each.lets_match(secret, match) for match in rule.matched(text, place))


def _lines(text: bytes, start: int, end: int) -> bytes:
    """Return the lines that a place is in, as far as a regex looks at them."""
    begin = text.rfind(b"\n", max(0, start - SEEN), start) + 1 or max(0, start - SEEN)
    stop = text.find(b"\n", end, end + SEEN)
    return text[begin : stop if stop >= 0 else end + SEEN]


def _has_company(
    match: Match,
    requires: Iterable[Requirement],
    standing: Sequence[Match],
    text: bytes,
    start: int,
) -> bool:
    """Return whether there is a match of each rule that is required, near enough."""
    return all(
        any(
            other.name in required.rules
            and other.kind == "rule"
            and _is_near(match.start - start, other.start - start, required, text)
            for other in standing
        )
        for required in requires
    )


def _is_near(here: int, there: int, required: Requirement, text: bytes) -> bool:
    first, last = sorted((here, there))
    if required.lines is not None and text.count(b"\n", first, last) > required.lines:
        return False
    return required.columns is None or (
        abs(_column(text, here) - _column(text, there)) <= required.columns
    )


def _column(text: bytes, offset: int) -> int:
    return offset - text.rfind(b"\n", 0, offset)
