"""Searches one file and all that is in it, and tells what is found and what is skipped."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from leakguard import artifacts, unpack
from leakguard.artifacts import Origin
from leakguard.matcher import Matcher
from leakguard.model import Finding, Match, Skip
from leakguard.scanner.findings import Found, Lines, Reporter, together
from leakguard.scanner.labels import Labels
from leakguard.splitter import Cut, Splitter
from leakguard.unpack import Blob, Limits, Readable, Row

# A blob up to this size is searched in one go; of a longer one only as much is held as is needed.
WHOLE = 8 << 20
_PIECE = 1 << 20

Excluded = Callable[[str], bool]
# Called with how many files or images are done, and how many there are.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Search:
    """How files are searched.

    Attributes:
        matcher: What to look for.
        reporter: Makes what is told.
        limits: How far archives are opened.
        excluded: Which members are left out.
    """

    matcher: Matcher
    reporter: Reporter
    limits: Limits
    excluded: Excluded

    def __call__(self, origin: Origin) -> list[Finding | Skip]:
        """Return what is in a file, and what of it could not be searched."""
        return list(self.of(origin))

    def of(self, origin: Origin) -> Iterator[Finding | Skip]:
        """Yield what is in a file, and what of it could not be searched."""
        try:
            data = origin.read(WHOLE)
        except OSError as error:
            reason = "unreadable" if error.errno else "not-regular"
            yield self.reporter.skip(Skip(origin.path, reason, artifacts.shown(error)))
            return
        try:
            yield from self.inside(origin.path, data)
        finally:
            if not isinstance(data, bytes) and origin.path != artifacts.STDIN:
                data.close()

    def inside(self, path: str, data: bytes | BinaryIO) -> Iterator[Finding | Skip]:
        """Yield what is in a blob and in all that it holds; its own name is not searched."""
        found = unpack.rows(path, data, self.limits, self.excluded)
        yield from (told for _, told in self.told(path, found))

    def told(
        self, path: str, found: Iterable[Blob | Row | Skip]
    ) -> Iterator[tuple[str, Finding | Skip]]:
        """Yield what is told of the blobs in the file at `path`, each with the blob's own path."""
        labels = Labels(self.matcher, self.reporter, path)
        sifted = Sifted(self.matcher)
        for each in found:
            if isinstance(each, Skip):
                yield each.path, self.reporter.skip(each)
                continue
            if isinstance(each, Row):
                for one in each.blobs:
                    labels.add(one.name, one.notes)
                touched = sifted.touched(each)
            else:
                if each.gap is None:
                    labels.add(each.path, each.notes)
                touched = [each]
            if labels.are_many:
                yield from labels.findings()
            for blob in touched:
                yield from ((blob.path, finding) for finding in self._in_blob(blob))
        yield from labels.findings()

    def _in_blob(self, blob: Blob) -> Iterator[Finding]:
        if isinstance(blob.data, bytes):
            yield from self._in_text(blob, blob.data)
            return
        beginning = _read(blob.data, WHOLE + 1)
        if len(beginning) > WHOLE:
            yield from self._in_stream(blob, beginning, blob.data)
        else:
            yield from self._in_text(blob, beginning)

    def _in_text(self, blob: Blob, text: bytes) -> Iterator[Finding]:
        if text and (matches := self.matcher.find(text)):
            lines, distinct = Lines(), self.reporter.distinct()
            for told in distinct.of(self.reporter.conditions.kept(matches, text, blob.path)):
                place = lines.place(text, 0, told.match.start)
                finding = self._finding(blob, Found.within(told.match, text), place)
                yield together(finding, told.also)

    def _in_stream(self, blob: Blob, beginning: bytes, rest: Readable) -> Iterator[Finding]:
        lines, distinct = Lines(), self.reporter.distinct()
        findings: dict[Match, Finding] = {}  # of what the text at hand may not decide yet
        for cut in _cuts(Splitter(self.matcher), beginning, rest):
            conditions, start = self.reporter.conditions, cut.window_start
            matches = conditions.kept(cut.matches, cut.window, blob.path, start)
            for match in matches:
                place = lines.place(cut.window, start, match.start)
                findings[match] = self._finding(blob, Found.within(match, cut.window, start), place)
            settled = cut.start + len(cut.text)
            lines.place(cut.text, cut.start, settled)
            for told in distinct.take(matches, settled):
                yield together(findings[told.match], told.also)
            findings = {match: findings[match] for match in distinct.undecided}
        for told in distinct.of(()):
            yield together(findings[told.match], told.also)

    def _finding(self, blob: Blob, found: Found, place: tuple[int, int]) -> Finding:
        if blob.gap is None:
            return self.reporter.finding(blob.path, found, place)
        start, end = found.match.start + blob.gap, found.match.end + blob.gap
        return self.reporter.finding(blob.path, found.moved(start, end), (0, 0))


class Sifted:
    """Tells which blobs of a row are worth a look, by one look at all of them."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._data = b""
        self._begins: list[int] = []
        self._ends: list[int] = []

    def touched(self, row: Row) -> list[Blob]:
        """Return the blobs of a row in which something may be."""
        if row.data is not self._data:  # rows of the same bytes come one after the other
            self._data = row.data
            windows = self._matcher.windows(row.data)
            self._begins = [begin for begin, _ in windows]
            self._ends = [end for _, end in windows]
        return [
            Blob(path, row.data[start:end], notes)
            for path, start, end, notes in (row.blobs if self._ends else ())
            if self._touches(start, end)
        ]

    def _touches(self, start: int, end: int) -> bool:
        """Say whether any window reaches into that part."""
        at = bisect_right(self._ends, start)
        return at < len(self._begins) and self._begins[at] < end


def _read(stream: Readable, size: int) -> bytes:
    """Return the next `size` bytes, fewer at the end only."""
    pieces: list[bytes] = []
    while size > 0 and (piece := stream.read(min(size, _PIECE))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _cuts(splitter: Splitter, beginning: bytes, rest: Readable) -> Iterator[Cut]:
    """Yield a text in cuts: what has been read of it, and then the rest."""
    for start in range(0, len(beginning), _PIECE):
        yield splitter.feed(beginning[start : start + _PIECE])
    while piece := rest.read(_PIECE):
        yield splitter.feed(piece)
    yield splitter.flush()
