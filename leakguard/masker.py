"""Mask a stream: bytes in, bytes out, no I/O.

What leaves is what came, with one mask for each run of bytes that matches cover. A run has one mask
however many matches it is made of, so that neither their number nor their order shows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice, takewhile

from leakguard.commands import Commands, Registration
from leakguard.fingerprint import fingerprint
from leakguard.matcher import Matcher
from leakguard.model import Confidence, Match, Secret
from leakguard.splitter import Cut, Splitter


@dataclass(frozen=True, slots=True)
class Leak:
    """How often one form of a secret was masked, and where first.

    Attributes:
        name: The secret's name, or the rule's id.
        kind: `secret` or `rule`.
        encoding: The form.
        confidence: How sure it is.
        count: How many times it was masked.
        line: Line of the first, from 1; 0 when lines are not counted.
        column: Byte in its line, from 1; 0 when lines are not counted.
        offset: Byte in the stream, from 0.
        fingerprint: Keyed HMAC of the first value, shortened; empty when lines are not counted.
    """

    name: str
    kind: str
    encoding: str
    confidence: Confidence
    count: int
    line: int
    column: int
    offset: int
    fingerprint: str


class _Command(bytes):
    """A command that leaves as it came."""


class Masker:
    """Masks one stream.

    Example:
        >>> matcher = Matcher([Secret("TOKEN", b"Vq7mZp2Lk9Rt4WxB")])
        >>> masker = Masker(matcher)
        >>> masker.feed(b"token=Vq7mZp2L") + masker.feed(b"k9Rt4WxB") + masker.flush()
        b'token=***'
    """

    def __init__(  # noqa: PLR0913  # options of a public class, each by keyword
        self,
        matcher: Matcher,
        mask: bytes = b"***",
        *,
        label: bool = False,
        commands: bool = False,
        forward: bool = False,
        locate: bool = False,
        key: bytes = b"",
    ) -> None:
        """Start a stream.

        Args:
            matcher: What to mask.
            mask: What replaces a run of matches.
            label: Say `[MASKED:NAME:encoding]` instead, with the name of the run's first match.
            commands: Honour commands such as `::add-mask::` in the stream, and leave them out.
            forward: Let such commands through as they are, for a CI system that reads them itself.
            locate: Count lines and take fingerprints, so that `leaks` can be reported.
            key: Key of the fingerprints in `leaks`.
        """
        self._splitter = Splitter(matcher)
        self._mask = mask
        self._label = label
        self._commands = Commands() if commands else None
        self._peers: list[Masker] = []
        self._last = b"\n"  # the last byte that left
        self._effects = _Effects()
        self._forward = forward
        self._key = key
        self._masked_until = -1  # where the last run ends; what touches it needs no mask of its own
        self._forwarded: deque[tuple[int, bytes]] = deque()
        self._received = 0
        self._place = _Place() if locate else None
        self._leaks: dict[tuple[str, str, str], Leak] = {}

    @property
    def holding(self) -> bool:
        """Whether bytes are held back because they may be part of a match."""
        return self._splitter.held > 0 or bool(self._commands and self._commands.held)

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """What has been masked so far: one for each name and form, in the order of appearance."""
        return tuple(self._leaks.values())

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return all that can leave."""
        if self._commands is None:
            return self._masked(self._splitter.feed(data))
        return b"".join(self._obeyed(self._commands.feed(data)))

    def flush(self) -> bytes:
        """Return the rest, masked: the stream ends here."""
        rest = b"".join(self._obeyed(self._commands.flush())) if self._commands else b""
        return rest + self._masked(self._splitter.flush())

    def idle(self) -> bytes:
        """Return what is held if it is too short to tell anything: the stream has fallen silent."""
        text = self._commands.idle() if self._commands else b""
        self._received += len(text)
        return self._masked(self._splitter.feed(text)) + self._masked(self._splitter.idle())

    def add(self, secret: Secret) -> None:
        """Mask `secret` too, from here on: in what is held and in what will come."""
        self._splitter.add(secret)

    def share(self, other: Masker) -> None:
        """Mask in both streams what a command in either registers: they are two of one job."""
        self._peers.append(other)
        other._peers.append(self)

    def _obeyed(self, parts: Iterator[bytes | Registration]) -> Iterator[bytes]:
        for part in parts:
            if isinstance(part, Registration):
                for masker in (self, *self._peers):
                    masker.add(Secret("add-mask", part.value))
                if self._forward:
                    self._forwarded.append((self._received, part.line))
            else:
                self._received += len(part)
                yield self._masked(self._splitter.feed(part))

    def _masked(self, cut: Cut) -> bytes:
        if not (cut.matches or cut.longer or self._forwarded or self._masked_until > cut.start):
            if self._place:
                self._place.pass_by(cut.text)
            masked = cut.text
        else:
            self._count(cut)
            masked = (
                self._joined(self._pieces(cut)) if self._forward else b"".join(self._pieces(cut))
            )
        self._last = masked[-1:] or self._last
        return masked

    def _joined(self, pieces: Iterator[bytes]) -> bytes:
        """Return pieces in a row; a command that stands in a run still begins a line.

        Behind a mask the host would take it for text, and show the value in it.
        """
        joined = b""
        for piece in pieces:
            in_mid_line = (joined[-1:] or self._last) not in b"\r\n"
            if isinstance(piece, _Command) and in_mid_line and piece.lstrip().startswith(b"::"):
                joined += b"\n"
            joined += piece
        return joined

    def _pieces(self, cut: Cut) -> Iterator[bytes]:
        """Yield the raw text between the runs, and a mask for each run that begins here."""
        position, end = cut.start, cut.start + len(cut.text)
        matches = sorted((*cut.longer, *cut.matches), key=lambda match: match.start)
        self._effects.note(matches, end)
        for match in matches:
            start = max(match.start, position)
            if match.end <= start:
                continue
            yield from self._raw(cut, position, start)
            if start > self._masked_until:
                yield self._mask_of(match)
            self._masked_until = max(self._masked_until, match.end)
            covered = max(start, min(self._masked_until, end))
            yield from self._effects.between(start, covered, cut)
            position = covered
        yield from self._raw(cut, position, end)

    def _raw(self, cut: Cut, start: int, end: int) -> Iterator[bytes]:
        """Yield the text from `start` to `end` that no run covers, and commands in their places."""
        if start < self._masked_until:
            yield from self._effects.between(start, min(self._masked_until, end), cut)
        start = min(max(start, self._masked_until), end)
        while self._forwarded and self._forwarded[0][0] <= end:
            place, line = self._forwarded.popleft()
            yield cut.text[start - cut.start : max(start, place) - cut.start]
            yield _Command(line)
            start = max(start, place)
        yield cut.text[start - cut.start : end - cut.start]

    def _mask_of(self, match: Match) -> bytes:
        if not self._label:
            return self._mask
        return f"[MASKED:{match.name}:{match.encoding}]".encode()

    def _count(self, cut: Cut) -> None:
        for match in cut.matches:
            if self._place:
                self._place.go_to(cut, match.start)
            known = self._leaks.get((match.kind, match.name, match.encoding))
            leak = replace(known, count=known.count + 1) if known else self._first(cut, match)
            self._leaks[match.kind, match.name, match.encoding] = leak
        if self._place:
            self._place.go_to(cut, cut.start + len(cut.text))

    def _first(self, cut: Cut, match: Match) -> Leak:
        return Leak(
            name=match.name,
            kind=match.kind,
            encoding=match.encoding,
            confidence=match.confidence,
            count=1,
            line=self._place.line if self._place else 0,
            column=match.start - self._place.line_start + 1 if self._place else 0,
            offset=match.start,
            fingerprint=fingerprint(cut.value(match), self._key) if self._place else "",
        )


class _Effects:
    """What a run covers and yet has to stay: colors and the like that no match takes as text."""

    def __init__(self) -> None:
        self._kept: set[tuple[int, int]] = set()
        self._taken: set[tuple[int, int]] = set()
        self._staying: deque[tuple[int, int]] = deque()

    def note(self, matches: Sequence[Match], horizon: int) -> None:
        """Take note of what matches keep and take; behind `horizon` it is asked for later."""
        if self._kept or any(match.kept for match in matches):
            self._kept.update(*(match.kept for match in matches))
            self._taken.update(*map(_taken, matches))
            self._staying = deque(_without(sorted(self._kept), sorted(self._taken)))
            self._kept = {each for each in self._kept if each[1] > horizon}
            self._taken = {each for each in self._taken if each[1] > horizon}
        else:
            reaching = {(match.start, match.end) for match in matches if match.end > horizon}
            self._taken = reaching | {each for each in self._taken if each[1] > horizon}

    def between(self, start: int, end: int, cut: Cut) -> Iterator[bytes]:
        """Yield what stays of the covered bytes between two offsets, which only ascend."""
        while self._staying and self._staying[0][0] < end:
            begin, stop = self._staying.popleft()
            if max(begin, start) < min(stop, end):
                yield cut.text[max(begin, start) - cut.start : min(stop, end) - cut.start]
            if stop > end:
                self._staying.appendleft((end, stop))


def _taken(match: Match) -> list[tuple[int, int]]:
    """Return the ranges that a match takes as text."""
    edges = [match.start, *chain.from_iterable(match.kept), match.end]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _without(
    kept: Sequence[tuple[int, int]], taken: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Yield what is left of sorted ranges when other sorted ranges are taken from them."""
    passed = 0
    for begin, end in kept:
        while passed < len(taken) and taken[passed][1] <= begin:
            passed += 1
        place = begin
        for first, last in takewhile(partial(_begins_before, end), islice(taken, passed, None)):
            if first > place:
                yield place, first
            place = max(place, last)
        if place < end:
            yield place, end


def _begins_before(end: int, piece: tuple[int, int]) -> bool:
    return piece[0] < end


class _Place:
    """Keeps count of lines as the stream goes by."""

    def __init__(self) -> None:
        self.line = 1
        self.line_start = 0
        self._offset = 0

    def pass_by(self, text: bytes) -> None:
        """Go on behind `text`."""
        if lines := text.count(b"\n"):
            self.line += lines
            self.line_start = self._offset + text.rindex(b"\n") + 1
        self._offset += len(text)

    def go_to(self, cut: Cut, offset: int) -> None:
        """Go on to an offset in the stream that lies within `cut`, or stay if it lies behind."""
        if offset > self._offset:
            self.pass_by(cut.text[self._offset - cut.start : offset - cut.start])
