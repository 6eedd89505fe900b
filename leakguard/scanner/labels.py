"""Searches labels: what files are called, and what archives say of their members.

Many labels are searched in one go, since each by itself is short. What stands between them lets no
match reach from one to the next, so the outcome does not depend on which labels went together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from leakguard.matcher import Matcher
from leakguard.model import Finding, Match
from leakguard.scanner.findings import Distinct, Reporter, raw

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
        for index, matches in self._matches(labels):
            label = labels[index]
            for match, value in _new_first(label, matches):
                fact = label.path, match.name, value
                if match.end > label.shared and fact not in told:
                    found = replace(match, start=0, end=0)
                    yield label.path, self._reporter.finding(label.path, found, value, _NOWHERE)
                told.add(fact)

    def _matches(self, labels: Sequence[_Label]) -> Iterator[tuple[int, list[Match]]]:
        """Yield the labels in which something was found, by index, and what."""
        starts = list(accumulate((len(one.text) + len(_BETWEEN) for one in labels), initial=0))
        touched: set[int] = set()
        for match in self._matcher.find(_BETWEEN.join(label.text for label in labels)):
            first, last = (bisect_right(starts, at) - 1 for at in (match.start, match.end - 1))
            touched.update(range(first, last + 1))
        for index in sorted(touched):
            if matches := self._matcher.find(labels[index].text):
                yield index, matches


def _new_first(label: _Label, matches: Sequence[Match]) -> list[tuple[Match, bytes]]:
    """Return matches and their values; notes repeat paths, and must not tell old ones as new."""
    shared = label.shared
    distinct = sorted(Distinct().of(matches), key=lambda match: match.end <= shared)
    return [(match, label.text[match.start : match.end]) for match in distinct]


def _shared(before: bytes, path: bytes) -> int:
    """Return how much of `path` are names of directories and archives that `before` has as well."""
    differing = (
        at for at, pair in enumerate(zip(before, path, strict=False)) if pair[0] != pair[1]
    )
    length = next(differing, min(len(before), len(path)))
    if length == len(before) and path[length : length + 1] in (b"/", b"!"):
        return length
    return max(path.rfind(b"/", 0, length), path.rfind(b"!", 0, length))
