r"""Readings of a text: what a person or a program sees in it, and where in the bytes that stands.

A value that other bytes were put into is in no needle's form: `grep --color` paints in the middle
of it, a chat tool breaks it with a space of no width. A decoder drops such bytes, and its reading
maps every byte that is left to where it came from.

A decoder is data: what it drops, and what may become that. Where nothing is dropped a reading is
the text itself, so most texts never get one.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain

from leakguard.model import Match


@dataclass(frozen=True, slots=True)
class Mark:
    """What a reading leaves out, of one kind; its first byte finds it at memory speed.

    Attributes:
        lead: The byte that it begins with.
        dropped: All of it. What its group `kept` takes is no text but has an effect of its own,
            such as a color, and stays where a secret around it is masked.
        begun: What at the end of a text may be the beginning of it.
        longest: The most bytes that such a beginning has.
    """

    lead: bytes
    dropped: re.Pattern[bytes]
    begun: re.Pattern[bytes]
    longest: int

    def occurs(self, text: bytes, start: int) -> bool:
        """Return whether it stands in `text[start:]`, or may with what comes behind."""
        first = text.find(self.lead, start)
        return first >= 0 and (
            self.dropped.search(text, first) is not None or self.end(text, first) < len(text)
        )

    def end(self, text: bytes, start: int) -> int:
        """Return where in `text[start:]` the end begins that may be the beginning of it."""
        near = text.find(self.lead, max(start, len(text) - self.longest))
        begun = self.begun.search(text, near) if near >= 0 else None
        return begun.start() if begun else len(text)


@dataclass(frozen=True, slots=True)
class Decoder:
    """A kind of reading.

    Attributes:
        name: What it is called.
        marks: What it leaves out.
    """

    name: str
    marks: tuple[Mark, ...]

    @property
    def longest(self) -> int:
        """The most bytes that may be undecided."""
        return max(mark.longest for mark in self.marks)

    def differs(self, text: bytes, start: int) -> bool:
        """Return whether the reading of `text` differs from it from `start` on, or yet may."""
        return any(mark.occurs(text, start) for mark in self.marks)

    def decided(self, text: bytes) -> int:
        """Return up to where `text` can be read, whatever comes behind it."""
        return min(mark.end(text, 0) for mark in self.marks)

    def dropped(self, text: bytes, limit: int) -> list[re.Match[bytes]]:
        """Return what is left out of `text[:limit]`, in order and apart."""
        found = [
            list(mark.dropped.finditer(text, first, limit))
            for mark in self.marks
            if (first := text.find(mark.lead)) >= 0
        ]
        return found[0] if len(found) == 1 else _apart(chain.from_iterable(found))


def _apart(found: Iterable[re.Match[bytes]]) -> list[re.Match[bytes]]:
    """Return matches in order, without what is part of another one."""
    apart: list[re.Match[bytes]] = []
    for each in sorted(found, key=re.Match.start):
        if not apart or each.start() >= apart[-1].end():
            apart.append(each)
    return apart


TERMINAL = Decoder(
    name="terminal",
    marks=(
        Mark(
            lead=b"\x1b",
            dropped=re.compile(
                rb"\x1b(?P<kept>\[[0-?]{0,64}[ -/]{0,8}[@-~]"
                rb"|\][^\x07\x1b\r\n]{0,256}(?:\x07|\x1b\\)"
                rb"|[()][0-9A-Za-z]|[=>78@-Z\\^_])"
            ),
            begun=re.compile(
                rb"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|\][^\x07\x1b\r\n]{0,256}\x1b?|[()])?\Z"
            ),
            longest=260,
        ),
        Mark(
            lead=b"\xe2",
            dropped=re.compile(rb"\xe2(?:\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0-\xaf])"),
            begun=re.compile(rb"\xe2[\x80\x81]?\Z"),
            longest=2,
        ),
        Mark(
            lead=b"\xef",
            dropped=re.compile(rb"\xef\xbb\xbf"),
            begun=re.compile(rb"\xef\xbb?\Z"),
            longest=2,
        ),
        Mark(
            lead=b"\xc2",
            dropped=re.compile(rb"\xc2\xad"),
            begun=re.compile(rb"\xc2\Z"),
            longest=1,
        ),
    ),
)
"""What a terminal shows: no escape sequences (ECMA-48), and no characters of no width."""

DECODERS = (TERMINAL,)


@dataclass(slots=True)
class Reading:
    """Text as a decoder reads it, as far as it has come. Offsets count from the stream's start.

    Attributes:
        decoder: Who reads.
        start: Offset in the stream at which the reading begins; its own offsets begin there too.
    """

    decoder: Decoder
    start: int
    _undecided: bytes = b""
    _read: int = 0  # bytes that the reading has yielded
    _places: list[int] = field(default_factory=list)  # where in the reading bytes are missing,
    _missing: list[int] = field(default_factory=list)  # how many are missing up to there,
    _gaps: list[tuple[int, int, bool]] = field(default_factory=list)  # and where they stood

    def feed(self, data: bytes, *, final: bool) -> bytes:
        """Take the next bytes of the stream; return what they add to the reading."""
        text = self._undecided + data
        limit = len(text) if final else self.decoder.decided(text)
        dropped = self.decoder.dropped(text, limit)
        self._leave_out(dropped, self.start + self._read + self._all_missing)
        edges = chain((0,), chain.from_iterable(each.span() for each in dropped), (limit,))
        parts = [text[start:end] for start, end in zip(edges, edges, strict=True)]
        self._read += sum(map(len, parts))
        self._undecided = text[limit:]
        return b"".join(parts)

    def place(self, offset: int) -> int:
        """Return where in the stream the byte of the reading at `offset` stands."""
        passed = bisect_right(self._places, offset)
        return offset + (self._missing[passed - 1] if passed else 0)

    def offset(self, place: int) -> int:
        """Return how far the reading has come where the stream has come to `place`."""
        passed = bisect_left(self._gaps, (place, 0))
        if not passed:
            return place
        return max(place, self._gaps[passed - 1][1]) - self._missing[passed - 1]

    def placed(self, match: Match) -> Match:
        """Return a match in the reading as it stands in the stream."""
        start, end = self.place(match.start), self.place(match.end - 1) + 1
        effects = [(a, b) for a, b, kept in self._gaps if kept and start < a and b < end]
        breaks = [(self.place(a), self.place(b - 1) + 1) for a, b in match.kept]
        return replace(match, start=start, end=end, kept=_united(effects + breaks))

    def is_plain(self, place: int) -> bool:
        """Return whether nothing that came from `place` on in the stream is left out."""
        return not self._undecided and (not self._gaps or self._gaps[-1][1] <= place)

    def forget(self, offset: int) -> None:
        """Forget what lies before `offset` in the reading."""
        passed = bisect_right(self._places, offset)
        if passed > 1:
            # The last one that has been passed still says how far the rest has moved.
            del self._places[: passed - 1], self._missing[: passed - 1], self._gaps[: passed - 1]

    @property
    def _all_missing(self) -> int:
        return self._missing[-1] if self._missing else 0

    def _leave_out(self, dropped: list[re.Match[bytes]], base: int) -> None:
        """Note what is left out of a piece that stands at `base` in the stream.

        A screen of colors has one for each few bytes: so they are noted all at once.
        """
        spans = [each.span() for each in dropped]
        missing = list(accumulate((end - start for start, end in spans), initial=self._all_missing))
        self._gaps += [
            (base + start, base + end, each.lastgroup == "kept")
            for (start, end), each in zip(spans, dropped, strict=True)
        ]
        self._places += [
            base + start - gone for (start, _), gone in zip(spans, missing, strict=False)
        ]
        self._missing += missing[1:]


def _united(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return ranges in order; those that meet become one."""
    united: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return tuple(united)
