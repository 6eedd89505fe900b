"""Searches labels: what files are called, and what archives say of their members.

Many labels are searched in one go, since each by itself is short. What stands between them lets no
match reach from one to the next, so the outcome does not depend on which labels went together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from leakguard.matcher import Matcher
from leakguard.model import Finding, Match
from leakguard.scanner.findings import Found, Reporter, Told, raw, together

# Neither a dot nor white space goes across.
_BETWEEN = b"\n\0\n"
_MANY = 1 << 17
_NOWHERE = (0, 0)


@dataclass(frozen=True, slots=True)
class _Label:
    """A path, or notes on what is there.

    Attributes:
        path: Of what it is the label.
        text: What is searched.
        before: The path before it, None for notes.
    """

    path: str
    text: bytes
    before: bytes | None

    @property
    def shared(self) -> int:
        """How much of the text has been told with the path before."""
        return -1 if self.before is None else _shared(self.before, self.text)


class Labels:
    """Collects labels, and finds what is in them.

    What is in the name of a directory or of an archive is told with the first path below it only.
    """

    def __init__(self, matcher: Matcher, reporter: Reporter, above: str = "") -> None:
        """Begin.

        Args:
            matcher: What to look for.
            reporter: Makes the findings.
            above: The path of the file that all of them are in; it has been searched.
        """
        self._matcher = matcher
        self._reporter = reporter
        self._before = raw(above)
        self._labels: list[_Label] = []
        self._size = 0

    @property
    def are_many(self) -> bool:
        """Whether enough have been collected for one search."""
        return self._size > _MANY

    def add(self, path: str, notes: bytes = b"") -> None:
        """Collect a path, and what else is said of what is there."""
        text = raw(path)
        if text != self._before:
            self._labels.append(_Label(path, text, self._before))
            self._before = text
        if notes:
            self._labels.append(_Label(path, notes, None))
        self._size += len(path) + len(notes)

    def findings(self) -> Iterator[tuple[str, Finding]]:
        """Yield what is in the labels collected, by the path of the label; begin anew."""
        labels, self._labels, self._size = self._labels, [], 0
        told: set[tuple[str, str, bytes]] = set()
        yield from self._files(labels)
        for index, matches in self._matches(labels):
            label = labels[index]
            for each in _new_first(label, self._reporter.distinct().of(matches)):
                found = Found.within(each.match, label.text)
                fact = label.path, each.match.name, found.value
                if each.match.end > label.shared and fact not in told:
                    finding = self._reporter.finding(label.path, found.moved(0, 0), _NOWHERE)
                    yield label.path, together(finding, each.also)
                told.add(fact)

    def _files(self, labels: Sequence[_Label]) -> Iterator[tuple[str, Finding]]:
        """Yield the files that rules find by their path."""
        conditions = self._reporter.conditions
        paths = [label for label in labels if label.before is not None and conditions.of_names]
        for label in paths:
            for rule in conditions.names(label.path):
                match = Match(0, 0, rule.id, "rule", "raw", rule.confidence)
                found = Found(match, label.text)
                yield label.path, self._reporter.finding(label.path, found, _NOWHERE)

    def _matches(self, labels: Sequence[_Label]) -> Iterator[tuple[int, Sequence[Match]]]:
        """Yield the labels in which something was found, by index, and what."""
        starts = list(accumulate((len(one.text) + len(_BETWEEN) for one in labels), initial=0))
        touched: set[int] = set()
        for match in self._matcher.find(_BETWEEN.join(label.text for label in labels)):
            first, last = (bisect_right(starts, at) - 1 for at in (match.start, match.end - 1))
            touched.update(range(first, last + 1))
        for index in sorted(touched):
            matches = self._matcher.find(labels[index].text)
            conditions = self._reporter.conditions
            if kept := conditions.kept(matches, labels[index].text, labels[index].path):
                yield index, kept


def _new_first(label: _Label, told: Sequence[Told]) -> list[Told]:
    """Return what is told with what is new in front: notes repeat paths, and must not be first."""
    shared = label.shared
    return sorted(told, key=lambda each: each.match.end <= shared)


def _shared(before: bytes, path: bytes) -> int:
    """Return how much of `path` are names of directories and archives that `before` has as well."""
    differing = (
        at for at, pair in enumerate(zip(before, path, strict=False)) if pair[0] != pair[1]
    )
    length = next(differing, min(len(before), len(path)))
    if length == len(before) and path[length : length + 1] in (b"/", b"!"):
        return length
    return max(path.rfind(b"/", 0, length), path.rfind(b"!", 0, length))
