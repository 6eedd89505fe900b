"""Mask a stream: bytes in, bytes out, no I/O.

What leaves is what came, with one mask for each run of bytes that matches cover. A run has one mask
however many matches it is made of, so that neither their number nor their order shows; matches with
nothing but colors between them are one run. A mask never makes a command to a CI system of what was
none.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice, takewhile

from leakguard.commands import Commands, Dialect, Forwarded, Part, Registration
from leakguard.decoders import TERMINAL, Reading
from leakguard.fingerprint import fingerprint
from leakguard.matcher import Matcher
from leakguard.model import Confidence, Match, Secret
from leakguard.splitter import Cut, Splitter

# What takes the place of a mask that will not do where it would stand.
_PLAIN = b"***"

# Of a name, a label shows letters, digits and these: nothing in it ends the label, closes a string
# around it, joins what stands beside it to a command, or is obeyed by a terminal.
_UNSAFE = re.compile(r"[^\w./@+-]")
_LONGEST_NAME = 64

# Colors, and the erasing that `grep` puts behind them, do not part two matches.
_COLORS = re.compile(rb"(?:\x1b\[[0-9;:]*[mK])*")
_COLORS_BEGUN = re.compile(rb"(?:\x1b\[[0-9;:]*[mK])*(?:\x1b(?:\[[0-9;:]*)?)?")
_LONGEST_GAP = 256

_LINE_END = re.compile(rb"[\r\n]")
_HASHES = re.compile(rb"##(?:vso)?\[", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Leak:
    """How often one form of a secret was masked, and where first.

    An occurrence counts once. Where several forms of a secret are found in the same bytes, the one
    that covers most counts; what a surer match covers whole, as a known value covers the credential
    that it looks like, does not count by itself. Secrets that overlap count each.

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
    """A command that leaves as it came, and has to begin a line."""


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
        forward: Dialect | None = None,
        locate: bool = False,
        key: bytes = b"",
    ) -> None:
        """Start a stream.

        Args:
            matcher: What to mask.
            mask: What replaces a run of matches.
            label: Say `[MASKED:NAME:encoding]` instead, with the name of the run's first match.
            commands: Honour commands such as `::add-mask::` in the stream, and leave them out.
            forward: The CI system that reads this itself: commands that it obeys go through to it.
            locate: Count lines and take fingerprints, so that `leaks` can be reported.
            key: Key of the fingerprints in `leaks`.
        """
        self._splitter = Splitter(matcher)
        self._mask = mask
        self._label = label
        self._commands = Commands(forward) if commands else None
        self._peers: list[Masker] = []
        self._registered: set[bytes] = set()
        self._labels: dict[tuple[str, str], bytes] = {}
        self._line = _Line()
        self._run = _Run()
        self._effects = _Effects()
        self._forward = forward
        self._forwarded: deque[tuple[int, bytes]] = deque()
        self._received = 0
        self._tally = _Tally(_Place() if locate else None, key)

    @property
    def holding(self) -> bool:
        """Whether bytes are held back because they may be part of a match."""
        return self._splitter.held > 0 or bool(self._commands and self._commands.held)

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """What has been masked so far: one for each name and form, in the order of appearance."""
        return self._tally.leaks()

    @property
    def mid_line(self) -> bool:
        """Whether what has left ends within a line."""
        return self._line.begun

    @property
    def matcher(self) -> Matcher:
        """What is masked by now: what was given, and what was added since."""
        return self._splitter.matcher

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return all that can leave."""
        if self._commands is None or self._commands.passes(data):
            self._received += len(data)
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
        self._labels.clear()
        if self._mask != _PLAIN and self.matcher.find(self._mask):
            self._mask = _PLAIN

    def share(self, other: Masker) -> None:
        """Mask in both streams what a command in either registers: they are two of one job."""
        self._peers.append(other)
        other._peers.append(self)
        if self._commands and other._commands:
            self._commands.share(other._commands)

    def _obeyed(self, parts: Iterator[Part]) -> Iterator[bytes]:
        for part in parts:
            if isinstance(part, Registration):
                self._register(part)
            elif isinstance(part, Forwarded):
                line = _Command(part.text) if part.begins else part.text
                self._forwarded.append((self._received, line))
                yield self._masked(self._splitter.feed(b""))  # it waits for nothing but its turn
            else:
                self._received += len(part)
                yield self._masked(self._splitter.feed(part))

    def _register(self, registered: Registration) -> None:
        """Mask the value in all streams of the job; colors in it are seldom printed with it."""
        plain = Reading(TERMINAL, 0).feed(registered.value, final=True)
        # A job may register the same value in every step, and each would make the search slower.
        new = {registered.value, plain} - self._registered
        self._registered |= new
        for value in sorted(new):
            for masker in (self, *self._peers):
                masker.add(Secret(registered.name, value))

    def _masked(self, cut: Cut) -> bytes:
        if cut.matches or cut.longer or self._forwarded or self._run.end > cut.start:
            self._tally.note(cut)
            return b"".join(self._spoken(self._pieces(cut)))
        self._tally.pass_by(cut.text)
        self._run.follow(cut.text)
        self._line.note(cut.text)
        return cut.text

    def _spoken(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield pieces in a row; a command that stands in a run still begins a line.

        Behind a mask the host would take it for text, and show the value in it.
        """
        for piece in pieces:
            if isinstance(piece, _Command) and self._line.begun:
                self._line.note(b"\n")
                yield b"\n"
            self._line.note(piece)
            yield piece

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
            if not self._run.touches(start):
                yield self._begun(match)
            self._run.extend(match.end)
            covered = max(start, min(self._run.end, end))
            yield from self._covered(cut, start, covered)
            position = covered
        yield from self._raw(cut, position, end)

    def _raw(self, cut: Cut, start: int, end: int) -> Iterator[bytes]:
        """Yield the text from `start` to `end` that no run covers, and commands in their places."""
        if start < self._run.end:
            yield from self._covered(cut, start, min(self._run.end, end))
        start = min(max(start, self._run.end), end)
        while self._forwarded and self._forwarded[0][0] <= end:
            place, line = self._forwarded.popleft()
            yield cut.text[start - cut.start : max(start, place) - cut.start]
            yield line
            start = max(start, place)
        text = cut.text[start - cut.start : end - cut.start]
        self._run.follow(text)
        yield text

    def _covered(self, cut: Cut, start: int, end: int) -> Iterator[bytes]:
        """Yield what stays of the bytes from `start` to `end` that a run covers.

        A run that swallowed a line end could complete a command that was only begun in front of it
        with what stands behind it, in another line. There the line ends, and the run goes on.
        """
        line_end = _LINE_END.search(cut.text, start - cut.start, end - cut.start)
        if self._run.parts and line_end:
            self._run.parts = False
            place = cut.start + line_end.start()
            yield from self._effects.between(start, place, cut)
            yield b"\n" + self._run.mask
            start = place
        yield from self._effects.between(start, end, cut)

    def _begun(self, match: Match) -> bytes:
        """Return the mask of the run that begins with `match`."""
        mask = self._labeled(match) if self._label else self._mask
        if self._line.takes_brackets and (b"[" in mask or b"]" in mask):
            mask = _PLAIN
        self._run.mask, self._run.parts = mask, self._line.begins_command
        return mask

    def _labeled(self, match: Match) -> bytes:
        label = self._labels.get((match.name, match.encoding))
        if label is None:
            label = _label(match)
            if self.matcher.find(label):  # the name of one secret may hold the value of another
                label = self._mask
            self._labels[match.name, match.encoding] = label
        return label


def _label(match: Match) -> bytes:
    name = _UNSAFE.sub("_", match.name) or match.kind
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 3]}..."
    return f"[MASKED:{name}:{_UNSAFE.sub('_', match.encoding)}]".encode()


class _Line:
    """The line that is being written, as far as it may be a command."""

    def __init__(self) -> None:
        self._colons = False  # whether it holds what begins a command of one kind or the other
        self._hashes = False
        self._end = b""  # its last bytes; either may be cut in two

    @property
    def begun(self) -> bool:
        """Whether something stands in it."""
        return bool(self._end)

    @property
    def begins_command(self) -> bool:
        """Whether what comes next may be part of a command."""
        return self._colons or self._hashes

    @property
    def takes_brackets(self) -> bool:
        """Whether a bracket might begin a command here, or end one."""
        return self._hashes or self._end.lower().endswith((b"##", b"##vso"))

    def note(self, text: bytes) -> None:
        """Take note of what is written."""
        start = text.rfind(b"\n") + 1
        start = text.rfind(b"\r", start) + 1 or start
        if start:
            self._colons, self._hashes, self._end = False, False, b""
        if start < len(text):
            rest = self._end + text[start:]
            self._colons = self._colons or b"::" in rest
            self._hashes = self._hashes or bool(_HASHES.search(rest))
            self._end = rest[-len(b"##vso") :]


class _Run:
    """The run of matches that was masked last: where it ends, and what still belongs to it.

    Attributes:
        end: Offset behind it.
        mask: What stands in its place.
        parts: Whether the line must end where it swallows a line end.
    """

    def __init__(self) -> None:
        self.end = -1
        self.mask = b""
        self.parts = False
        self._gap: bytes | None = None  # what has come behind it, if it is colors and nothing else

    def extend(self, end: int) -> None:
        """Let it reach to `end`, if it does not reach so far."""
        self.end = max(self.end, end)
        self._gap = b""

    def follow(self, text: bytes) -> None:
        """Take note of text that comes behind it."""
        if self._gap is None or not text:
            return
        gap = self._gap + text[: _LONGEST_GAP + 1]
        belongs = len(gap) <= _LONGEST_GAP and _COLORS_BEGUN.fullmatch(gap)
        self._gap = gap if belongs else None

    def touches(self, start: int) -> bool:
        """Return whether a match that begins at `start` needs no mask of its own."""
        return start <= self.end or (self._gap is not None and bool(_COLORS.fullmatch(self._gap)))


@dataclass(slots=True)
class _Occurrence:
    """Matches of one name that overlap, and stand for one of them.

    Attributes:
        match: The widest.
        end: Offset behind all of them.
        value: The bytes of the widest; empty when lines are not counted.
        line: Its line, from 1; 0 when lines are not counted.
        column: Byte in its line, from 1; 0 when lines are not counted.
    """

    match: Match
    end: int
    value: bytes = field(repr=False)
    line: int
    column: int


@dataclass(slots=True)
class _Count:
    """How often, and the first of them."""

    first: _Occurrence
    count: int


class _Tally:
    """Counts what is masked: an occurrence once, whatever forms and rules are found in it.

    Matches come by start, in as many parts as there are, and how they were parted does not show.
    """

    def __init__(self, place: _Place | None, key: bytes) -> None:
        self._place = place
        self._key = key
        self._open: list[_Occurrence] = []  # may overlap with what comes next
        self._counts: dict[tuple[str, str, str], _Count] = {}

    def pass_by(self, text: bytes) -> None:
        """Go on behind text in which nothing is."""
        if self._place:
            self._place.pass_by(text)

    def note(self, cut: Cut) -> None:
        """Count what is told by `cut`."""
        for match in cut.longer:
            if known := self._same(match):
                known.end = max(known.end, match.end)
        for match in cut.matches:
            self._take(cut, match)
        if self._place:
            self._place.go_to(cut, cut.start + len(cut.text))

    def leaks(self) -> tuple[Leak, ...]:
        """Return what was counted, by the first of each."""
        counts = {key: _Count(known.first, known.count) for key, known in self._counts.items()}
        for occurrence in self._open:
            _add(counts, occurrence)
        ordered = sorted(counts.items(), key=lambda item: (item[1].first.match.start, item[0]))
        return tuple(self._leak(known.first, known.count) for _, known in ordered)

    def _take(self, cut: Cut, match: Match) -> None:
        self._close(match.start)
        known = self._same(match)
        if known is None:
            if not any(_covers(other, match) for other in self._open):
                self._open.append(self._occurrence(cut, match, match.end))
            return
        known.end = max(known.end, match.end)
        if match.end - match.start > known.match.end - known.match.start:
            self._open[self._open.index(known)] = self._occurrence(cut, match, known.end)

    def _close(self, start: int) -> None:
        """Count what no match that begins at `start` or later overlaps."""
        for occurrence in self._open:
            if occurrence.end <= start:
                _add(self._counts, occurrence)
        self._open = [occurrence for occurrence in self._open if occurrence.end > start]

    def _same(self, match: Match) -> _Occurrence | None:
        """Return the open occurrence of the same name."""
        name = match.kind, match.name
        return next((one for one in self._open if (one.match.kind, one.match.name) == name), None)

    def _occurrence(self, cut: Cut, match: Match, end: int) -> _Occurrence:
        line, column = self._place.of(cut, match.start) if self._place else (0, 0)
        value = cut.value(match) if self._place else b""
        return _Occurrence(match, end, value, line, column)

    def _leak(self, first: _Occurrence, count: int) -> Leak:
        return Leak(
            name=first.match.name,
            kind=first.match.kind,
            encoding=first.match.encoding,
            confidence=first.match.confidence,
            count=count,
            line=first.line,
            column=first.column,
            offset=first.match.start,
            # In the end, for a short value takes 20 ms and the stream should not wait for it.
            fingerprint=fingerprint(first.value, self._key) if self._place else "",
        )


def _add(counts: dict[tuple[str, str, str], _Count], occurrence: _Occurrence) -> None:
    match = occurrence.match
    counts.setdefault((match.kind, match.name, match.encoding), _Count(occurrence, 0)).count += 1


def _covers(known: _Occurrence, match: Match) -> bool:
    """Return whether a surer match tells all that `match` does."""
    return known.end >= match.end and known.match.confidence > match.confidence


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
    passed = place = 0
    for begin, end in kept:
        while passed < len(taken) and taken[passed][1] <= begin:
            passed += 1
        # Two ways of reading the same bytes may keep them in other pieces.
        place = max(place, begin)
        for first, last in takewhile(partial(_begins_before, end), islice(taken, passed, None)):
            if first > place:
                yield place, first
            place = max(place, last)
        if place < end:
            yield place, end
            place = end


def _begins_before(end: int, piece: tuple[int, int]) -> bool:
    return piece[0] < end


class _Place:
    """Keeps count of lines as the stream goes by."""

    def __init__(self) -> None:
        self._line = 1
        self._line_start = 0
        self._offset = 0

    def pass_by(self, text: bytes) -> None:
        """Go on behind `text`."""
        if lines := text.count(b"\n"):
            self._line += lines
            self._line_start = self._offset + text.rindex(b"\n") + 1
        self._offset += len(text)

    def go_to(self, cut: Cut, offset: int) -> None:
        """Go on to an offset in the stream that lies within `cut`, or stay if it lies behind."""
        if offset > self._offset:
            self.pass_by(cut.text[self._offset - cut.start : offset - cut.start])

    def of(self, cut: Cut, offset: int) -> tuple[int, int]:
        """Return line and column of an offset in `cut` or shortly before, and go on there."""
        self.go_to(cut, offset)
        if offset >= self._line_start:
            return self._line, offset - self._line_start + 1
        # A match is told late when its first bytes had been let go in a silence.
        front = cut.window[: offset - cut.window_start]
        passed = cut.window[len(front) : self._offset - cut.window_start]
        return self._line - passed.count(b"\n"), len(front) - front.rfind(b"\n")
