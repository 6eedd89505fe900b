"""Turns matches into findings, and the paths of findings and skips into text that tells no secret.

Of matches in one place one remains, and the others stand in its details. A finding with line 0 is
not in the contents of a file: it is in its name, in what an archive says of it, or between the
members of an archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from leakguard.fingerprint import fingerprint
from leakguard.matcher import Matcher
from leakguard.model import Finding, Match, Skip
from leakguard.rules import Conditions

_MASK = b"***"
_ROTATE = "Rotate it where it was issued, then remove it from here and build again."
# Bytes in front of a secret that are kept for what its check sees.
_PREFACE = 1024
# Matches that overlap one another are weighed against each other, so many at a time.
_MOST_WEIGHED = 256
_ALSO = "also"


@dataclass(frozen=True, slots=True)
class Told:
    """A match that is told for all that are in its place.

    Attributes:
        match: The match.
        also: Names of the rules that found the same, in alphabetical order.
    """

    match: Match
    also: tuple[str, ...] = ()


class Distinct:
    """Leaves one match of each secret: the most confident, of equals the most specific.

    Matches are of one secret when one is within the other, or when they overlap and have one name.
    A known value is always told, and no rule beside it. What is told does not depend on the parts
    in which matches come, nor on their order among those that begin at one place.
    """

    def __init__(self, specificity: Callable[[str], tuple[bool, bool]]) -> None:
        """Begin.

        Args:
            specificity: How much the rule of that name knows of what it finds.
        """
        self._specificity = specificity
        self._weighed: list[Match] = []
        self._end = 0  # of the farthest of them
        self._told: list[Match] = []  # before, where they may reach into what comes

    def of(self, matches: Iterable[Match]) -> list[Told]:
        """Return what is told of all matches in a text."""
        return [*self.take(matches, 0), *self._decided()]

    def take(self, matches: Iterable[Match], settled: int) -> list[Told]:
        """Return what is to be told, by start, when these matches are all up to `settled`.

        Args:
            matches: All that begin before `settled` and were not given before.
            settled: Where the next match begins at the earliest.
        """
        told: list[Told] = []
        for match in sorted(matches, key=_standing):
            if match.start >= self._end or len(self._weighed) >= _MOST_WEIGHED:
                told += self._decided()
            self._weighed.append(match)
            self._end = max(self._end, match.end)
        return told + self._decided() if self._end <= settled else told

    @property
    def undecided(self) -> tuple[Match, ...]:
        """The matches that are yet to be told, or not."""
        return tuple(self._weighed)

    def _decided(self) -> list[Told]:
        """Return what is told of the matches at hand, and begin anew."""
        weighed, self._weighed = self._weighed, []
        if not weighed:
            return []
        self._told = [told for told in self._told if told.end > weighed[0].start]
        also: dict[Match, set[str]] = {}
        for match in sorted(weighed, key=self._rank):
            better = [told for told in (*self._told, *also) if _is_same(told, match)]
            for told in better:
                also.get(told, set()).update({match.name} - {told.name})
            if not better:
                also[match] = set()
        self._told += also
        return [Told(match, tuple(sorted(also[match]))) for match in sorted(also, key=_standing)]

    def _rank(self, match: Match) -> tuple[object, ...]:
        known, shaped = self._specificity(match.name) if match.kind == "rule" else (True, True)
        length = match.end - match.start
        return -match.confidence, not known, not shaped, -length, _standing(match)


def _standing(match: Match) -> tuple[int, int, int, str, str]:
    return match.start, -match.end, -match.confidence, match.name, match.encoding


def _is_same(told: Match, match: Match) -> bool:
    """Say whether `match`, which is no better than `told`, is of the secret that `told` is of."""
    if told.end <= match.start or match.end <= told.start:
        return False
    if (told.kind, told.name) == (match.kind, match.name):
        return True
    within = told.start <= match.start and match.end <= told.end
    around = match.start <= told.start and told.end <= match.end
    return match.kind == "rule" and (within or around)


class Lines:
    """Counts the lines of a text that goes by in pieces."""

    def __init__(self) -> None:
        self._line = 1
        self._begin = 0  # offset of the line's first byte
        self._at = 0

    def place(self, text: bytes, start: int, offset: int) -> tuple[int, int]:
        """Return line and column of `offset`, no smaller than in the last call, and go there.

        Args:
            text: Bytes from the last offset or before up to the new one or beyond.
            start: Offset of the first byte of `text`.
            offset: The byte that is asked for.
        """
        if offset > self._at:
            seen, end = self._at - start, offset - start
            if newlines := text.count(b"\n", seen, end):
                self._line += newlines
                self._begin = start + text.rindex(b"\n", seen, end) + 1
            self._at = offset
        return self._line, offset - self._begin + 1


@dataclass(frozen=True, slots=True)
class Found:
    """A match with the bytes that it is of.

    Attributes:
        match: The match.
        value: Its bytes.
        before: Bytes in front of them, as many as a check may want to see.
    """

    match: Match
    value: bytes = field(repr=False)
    before: bytes = field(default=b"", repr=False)

    @classmethod
    def within(cls, match: Match, text: bytes, start: int = 0) -> Found:
        """Return a match with its bytes, of which `text`, that begins at `start`, has all."""
        begin = match.start - start
        value = text[begin : match.end - start]
        return cls(match, value, text[max(0, begin - _PREFACE) : begin])

    def moved(self, start: int, end: int) -> Found:
        """Return the same in another place."""
        return replace(self, match=replace(self.match, start=start, end=end))


class Reporter:
    """Makes findings and skips that may be shown.

    Attributes:
        conditions: What rules ask of the place where they match.
    """

    def __init__(self, matcher: Matcher, key: bytes) -> None:
        self.conditions = Conditions(matcher.rules)
        self._matcher = matcher
        self._key = key
        # Findings of one file come together, and most paths have none: a few are enough.
        self.masked = lru_cache(64)(self._masked)

    def distinct(self) -> Distinct:
        """Return what leaves one match of each secret in one text."""
        return Distinct(self._specificity)

    def finding(self, path: str, found: Found, place: tuple[int, int]) -> Finding:
        """Return what is told of a match: where, and never what."""
        match, (line, column) = found.match, place
        description, remediation = self._words(match)
        return Finding(
            path=self.masked(path),
            line=line,
            column=column,
            offset=match.start,
            name=match.name,
            kind=match.kind,
            confidence=match.confidence,
            encoding=match.encoding,
            fingerprint=fingerprint(found.value, self._key),
            description=description,
            remediation=remediation,
            details=tuple(self._details(found)),
        )

    def skip(self, skip: Skip) -> Skip:
        """Return a skip whose path may be shown."""
        return replace(skip, path=self.masked(skip.path))

    def _specificity(self, name: str) -> tuple[bool, bool]:
        rule = self._matcher.rule(name)
        return rule.specificity if rule else (False, False)

    def _details(self, found: Found) -> Iterator[tuple[str, str]]:
        """Yield what a credential tells of itself; what is known to be secret is masked in it."""
        rule = self._matcher.rule(found.match.name) if found.match.kind == "rule" else None
        for name, detail in rule.details(found.value, found.before) if rule else ():
            yield name, self._masked(detail)

    def _words(self, match: Match) -> tuple[str, str]:
        rule = self._matcher.rule(match.name) if match.kind == "rule" else None
        if rule is None:
            return f"value of {match.name}", _ROTATE
        return rule.description, rule.remediation or _ROTATE

    def _masked(self, path: str) -> str:
        r"""Return a path with its secrets masked, and bytes that are no text as `\xNN`."""
        return b"".join(self._pieces(raw(path))).decode("utf-8", "backslashreplace")

    def _pieces(self, path: bytes) -> Iterator[bytes]:
        at = 0
        matches = self._matcher.find(path)
        for match in self.conditions.kept(matches, path, path.decode("utf-8", "surrogateescape")):
            if match.start >= at:
                yield path[at : match.start]
                yield _MASK
            at = max(at, match.end)
        yield path[at:]


def together(finding: Finding, also: tuple[str, ...]) -> Finding:
    """Return a finding that stands for those of other rules, too."""
    told = ((_ALSO, ", ".join(also)),) if also else ()
    return replace(finding, details=finding.details + told)


def raw(path: str) -> bytes:
    """Return the bytes of a path, which may hold some that are no text."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # on systems where names are UTF-16, half of a pair
        return path.encode("utf-8", "backslashreplace")
