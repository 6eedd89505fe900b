"""Walk along a form in a text, on all paths that the text may be read by.

A path reads the text at some levels of escapes, and has come to some byte of the form. Where it
cannot go on, other paths begin: at one level more, from the start; behind a line end, at each place
where the margin may end. Paths that come to the end of the text wait there, and the next look goes
on where they wait, so that a walk costs the same however its text was cut. There are few paths, for
each must read every byte of the form right.
"""

from __future__ import annotations

import re
from bisect import insort
from dataclasses import dataclass, field, replace

from leakguard.model import Confidence, Match
from leakguard.patterns import analyse
from leakguard.traces import bases, breaks
from leakguard.traces.breaks import MoreNeeded
from leakguard.traces.escapes import LEVELS, MARKS, Level, Reader, reader_of
from leakguard.traces.form import FRAGMENT, MIXED, Alphabet, Form, Trace

MOST_LEVELS = 4
"""How many escapes are undone, one inside the other."""
_MOST_PATHS = 256
# What goes on behind a break for less than this may do so by chance, and is no part of a fragment.
_CHANCE_BITS = 16.0
_LONGEST_ESCAPED_MARGIN = 64
_MOST_ERASED = 4
# As many characters, and as many steps back: what was typed there is gone.
_ERASED = re.compile(rb"|".join(rb"[^\x00-\x1f\x7f]{%d}\x08{%d}" % (n, n) for n in range(1, 5)))
_MAYBE_ERASED = re.compile(rb"[^\x00-\x1f\x7f]{1,4}\x08{0,3}\Z")
# ECMA-48: what a control sequence is made of, and what ends it.
_PARAMETERS = frozenset(range(0x20, 0x40))
_FINALS = frozenset(range(0x40, 0x7F))
_LONGEST_SEQUENCE = 64
_CUT_ESCAPE = analyse(
    rb"(?:[%=][0-9A-Fa-fu]{0,3}|\\{1,2}[0-9A-Fa-fxuU{]{0,9}|&#?\w{0,10}|['\"$^`])[ \t]*[\r\n]"
)
_ESCAPED_ERASURE = analyse(rb"[^\x00-\x1f\x7f]{1,4}?(?:%08|=08|\\(?:x08|b|u0008|010)|&#x?0{0,2}8;)")
_WIDEST_GAP = 3
_QUOTES = frozenset({b"'", b'"'})
_SHORT = 64
_FEW_DIGITS = 256
# No text that writes a form in so many bytes is followed any farther.
_WIDEST = 24
_LONGEST_MARGIN = 1024


def _erased(text: bytes, at: int, *, final: bool) -> int:
    """Return how many bytes were typed at `at` and erased.

    Raises:
        MoreNeeded: If bytes behind `text` could change the answer.
    """
    if found := _ERASED.match(text, at):
        return found.end() - at
    if not final and _MAYBE_ERASED.match(text, at):
        raise MoreNeeded
    return 0


@dataclass(frozen=True, slots=True)
class _Path:
    """How far one reading of the text has come. Places in the text count from the walk's start.

    Attributes:
        levels: The escapes that it undoes.
        margin: Line ends are passed over before the escapes are undone, each with so many units of
            the margin behind it; None where they are read.
        at: Where in the text it stands.
        reached: Where in the form it stands.
        kept: The breaks that it has passed.
        end: Where in the text the last byte of the form ends that it has read.
        stages: For each break, where it was in the form, and `end`.
        in_rows: Whether it has passed from one row of a dump to the next.
        struck: Whether a byte was written over.
    """

    levels: tuple[Level, ...]
    at: int
    reached: int
    end: int = 0
    kept: tuple[tuple[int, int], ...] = ()
    stages: tuple[tuple[int, int], ...] = ()
    in_rows: bool = False
    margin: int | None = None
    struck: bool = False

    def sure(self, form: Form) -> _Path:
        """Return the path without the end that may have gone on behind a break by chance."""
        if not self.stages or form.bits(self.stages[-1][0], self.reached) >= _CHANCE_BITS:
            return self
        reached, end = self.stages[-1]
        before = replace(self, end=end, reached=reached, stages=self.stages[:-1])
        return before.sure(form)


def _without_blanks(path: _Path, form: Form, text: bytes, start: int) -> _Path:
    """Return a path without the blanks that it has read last: they may be anybody's."""
    while (
        path.end > 0
        and form.value[path.reached - 1] in breaks.BLANKS
        and text[start + path.end - 1] in breaks.BLANKS
    ):
        path = replace(path, end=path.end - 1, reached=path.reached - 1)
    return path


def _in_order(stopped: tuple[_Path, list[_Path]]) -> tuple[object, ...]:
    """Order the paths that go no farther, by where that is."""
    path, _ = stopped
    names = [level.name for level in path.levels]
    margin = -1 if path.margin is None else path.margin
    return path.at, names, margin, path.reached, path.end, path.kept, path.stages


def _shortest(path: _Path) -> tuple[object, ...]:
    """Order the paths on which all was found: of those that end first, what keeps most lines."""
    names = [level.name for level in path.levels]
    return path.end, -len(path.kept), len(names), names, path.margin or -1, path.kept


def _longest(path: _Path) -> tuple[object, ...]:
    """Order the paths on which some was found, by how much, and by what they leave."""
    names = [level.name for level in path.levels]
    return path.reached, -path.end, len(path.kept), -len(names), names, path.margin or -1, path.kept


@dataclass(frozen=True, slots=True)
class _Found:
    """What a walk has found.

    Attributes:
        end: Where it ends, from the walk's start.
        is_all: Whether it is all of the secret.
        kept: What in it is left as it stands.
    """

    end: int
    is_all: bool
    kept: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True, eq=False)
class Walk:
    """One trace from one place in a text on; it remembers how far it has come.

    Attributes:
        trace: What is followed.
        levels: The escapes that are undone from the start.
    """

    trace: Trace
    levels: tuple[Level, ...] = ()
    _waiting: list[_Path] = field(init=False)
    _stopped: list[tuple[_Path, list[_Path]]] = field(default_factory=list)
    _whole: list[_Path] = field(default_factory=list)
    _best: _Path | None = None
    _begun: set[tuple[object, ...]] = field(default_factory=set)
    _inner: _Inner | None = None

    def __post_init__(self) -> None:
        self._waiting = [_Path(self.levels, 0, self.trace.place)]

    def advance(self, text: bytes, start: int, *, final: bool) -> bool:
        """Go on in `text`, where the walk starts at `start`.

        Returns:
            Whether bytes that come behind `text` may change what the walk finds.
        """
        going, self._waiting = self._waiting, []
        while True:
            while going:
                step = _Step(self.trace, text, start, final)
                path = step.along(going.pop())
                if step.waits:
                    self._waiting.append(path)
                else:
                    insort(self._stopped, (path, step.others), key=_in_order)
            if not self._can_resume():
                break
            path, others = self._stopped.pop(0)
            if path.reached == len(self.trace.form.value):
                self._whole.append(path)
            else:
                self._note(_without_blanks(path, self.trace.form, text, start))
                going += filter(self._is_new, others)
        if not self._whole and not self._waiting:
            self._go_within(text, start, final=final)
        return self.waits

    def _can_resume(self) -> bool:
        """Say whether it is the turn of the path that has stopped first.

        Their number has a bound, so their order must not depend on how the text was cut: no path
        that waits may yet stop farther in front. What is found whole first is found.
        """
        if not self._stopped:
            return False
        first = self._stopped[0][0].at
        if self._whole:
            return first <= self._whole[0].at
        return all(first < path.at for path in self._waiting)

    def _go_within(self, text: bytes, start: int, *, final: bool) -> None:
        """Go on in what digits of a base stand for, where all other ways have ended."""
        if self._inner is None and not self.levels:
            self._inner = _inner(self.trace)
        if self._inner:
            self._inner.advance(text, start, final=final)

    @property
    def waits(self) -> bool:
        """Whether it goes no farther because the text ends."""
        if self._whole or self._waiting:
            return not self._whole
        return self._inner is not None and self._inner.walk.waits

    def match(self, start: int) -> Match | None:
        """Return what was found by a walk that starts at `start`, once nothing can change it."""
        found = None if self._is_plain() else self.found()
        if found is None:
            return None
        kept = tuple((start + a, start + b) for a, b in found.kept)
        encoding = MIXED if found.is_all else FRAGMENT
        name, end = self.trace.form.name, start + found.end
        return Match(start, end, name, "secret", encoding, Confidence.KNOWN, kept)

    def found(self) -> _Found | None:
        """Return what goes farthest of what tells enough."""
        form, place = self.trace.form, self.trace.place
        found = [self._inner.found()] if self._inner else []
        path = min(self._whole, key=_shortest) if self._whole else self._best
        if path and form.is_over_budget(place, path.reached):
            kept = tuple(each for each in path.kept if each[1] <= path.end)
            found.append(_Found(path.end, bool(self._whole) and not place, kept))
        return max(filter(None, found), key=lambda each: each.end, default=None)

    def _is_plain(self) -> bool:
        """Say whether all of the form stands there as it is: then it is a needle's."""
        form, size = self.trace.form, len(self.trace.form.value)
        if not self._whole or not form.is_needle or self.trace.place:
            return False
        return min(self._whole, key=_shortest).end == size

    def _note(self, path: _Path) -> None:
        sure = path.sure(self.trace.form)
        if self._best is None or _longest(sure) > _longest(self._best):
            self._best = sure

    def _is_new(self, path: _Path) -> bool:
        key = path.levels, path.margin, path.at, path.reached
        most = _MOST_PATHS * (1 + len(self.trace.form.value) // _SHORT)
        if key in self._begun or len(self._begun) >= most:
            return False
        self._begun.add(key)
        return True


@dataclass(slots=True, eq=False)
class _Inner:
    """A walk goes on in what the digits stand for that it has come along.

    Attributes:
        walk: Goes on there.
        digits: Which digits they are.
    """

    walk: Walk
    digits: bases.Digits
    _most: int = _FEW_DIGITS
    _decoded: bases.Decoded | None = None

    def advance(self, text: bytes, start: int, *, final: bool) -> None:
        """Go on, as `Walk.advance` does; no more is decoded than the walk asks for."""
        while self.walk.waits:
            found = self.digits.decoded(text, start, self._most, final=final)
            self._decoded = found
            self.walk.advance(found.text, 0, final=found.final)
            if not found.cut:
                return
            self._most *= 2

    def found(self) -> _Found | None:
        """Return what `Walk.found` does, with its end in the text that the digits stand in."""
        found = self.walk.found()
        if found is None or self._decoded is None:
            return None
        return _Found(self._decoded.end(found.end), found.is_all)


def _inner(trace: Trace) -> _Inner | None:
    """Return what goes on where digits of a base stand for something else than the form has."""
    form = trace.form
    if form.of is None:
        return None
    place, digits = bases.digits_from(form.alphabet, form.bit, trace.place)
    if place >= len(form.of.value):
        return None
    return _Inner(Walk(Trace(b"", form.of, place)), digits)


class _Step:
    """One look at the text at hand: moves a path as far as it goes.

    Attributes:
        waits: Whether it goes no farther because the text ends.
        others: The paths that begin where it could not go on.
    """

    def __init__(self, trace: Trace, text: bytes, start: int, final: bool) -> None:  # noqa: FBT001  # as `Walk.advance` has it
        self._text = text
        self._start = start
        self._final = final
        self._place = trace.place
        self._form = trace.form
        self._reader = reader_of(text, final=final)
        self._longest = _LONGEST_MARGIN + _WIDEST * len(trace.form.value)
        self.waits = False
        self.others: list[_Path] = []

    def along(self, path: _Path) -> _Path:
        """Return how far the path goes."""
        try:
            while (moved := self._moved(path)) is not None:
                path = moved
            if path.reached == len(self._form.value):
                path = replace(path, end=self._end(path))
        except MoreNeeded:
            self.waits = True
        return path

    def _end(self, path: _Path) -> int:
        """Return where the text ends that belongs to all of the form."""
        place = self._start + path.at
        if path.in_rows:
            return breaks.end_of_row(self._text, place, final=self._final) - self._start
        if path.struck and self._reader.take(place, ())[0] == b"\b":
            return self._reader.take(place + 1, ())[1] - self._start
        return path.at

    def _moved(self, path: _Path) -> _Path | None:
        """Return the path one step farther, or None where it ends."""
        value = self._form.value
        if path.reached == len(value) or path.at > self._longest:
            return None
        if not path.levels and path.margin is None and (same := self._same(path)):
            return self._read(path, path.at + same, same)
        place = self._start + path.at
        reader = (
            self._reader if path.margin is None else Reader(self._text, self._final, path.margin)
        )
        read, end = reader.take(place, path.levels)
        behind = end - self._start
        if reader.passed:
            path = self._unwrapped(path, reader.passed, end)
        if not read:
            return self._past_soft_break(path, behind) if end > place else None
        spelled = read.translate(self._form.alphabet.value)
        if value.startswith(spelled, path.reached):
            return self._read(path, behind, len(spelled))
        return self._around(path, read, behind)

    def _past_soft_break(self, path: _Path, behind: int) -> _Path:
        """Go past a line end that an escape undoes; it stays as a line end."""
        passed = self._text[self._start + path.at : self._start + behind]
        kept = behind - len(passed.lstrip(b"=\\"))
        return replace(path, at=behind, kept=(*path.kept, (kept, behind)))

    @staticmethod
    def _read(path: _Path, end: int, length: int) -> _Path:
        return replace(path, at=end, end=end, reached=path.reached + length)

    def _unwrapped(self, path: _Path, passed: list[tuple[int, int]], end: int) -> _Path:
        """Return the path with the line ends noted that it passes on its way to `end`."""
        moved = {(a - self._start, b - self._start) for a, b in passed if b <= end}
        stages = [(path.reached, path.end)] * len(moved)
        return replace(path, kept=(*path.kept, *sorted(moved)), stages=(*path.stages, *stages))

    def _around(self, path: _Path, read: bytes, behind: int) -> _Path | None:
        """Return the path past what is no part of the form, or None, with others to try."""
        if read == b"\b" and path.reached > self._place:
            return self._struck(path, behind)
        if read == b"\x1b":
            return self._past_sequence(path, behind)
        if self._form.alphabet is Alphabet.HEX:
            self._between_digits(path)
            return None
        if read in _QUOTES and path.margin is None and not path.levels:
            place = self._start + path.at
            self._offer(path, breaks.joined(self._text, place, final=self._final))
        if path.margin is None and (gone := self._erased(path, read, behind)):
            return replace(path, at=path.at + gone)
        if read in breaks.BLANKS_SET or self._form.value[path.reached] in breaks.BLANKS:
            return self._past_blanks(path, read, behind)
        self._deeper(path, read)
        return None

    def _struck(self, path: _Path, behind: int) -> _Path:
        """Go one character back."""
        reached = path.reached - 1
        while reached > self._place and self._form.value[reached] & 0xC0 == 0x80:
            reached -= 1  # a byte of UTF-8 that is no character by itself
        return replace(path, at=behind, reached=reached, struck=True)

    def _past_sequence(self, path: _Path, behind: int) -> _Path | None:
        """Go past a control sequence, which stays; it may itself be escaped."""
        reader = Reader(self._text, self._final, path.margin)
        mark, end = reader.take(self._start + behind, path.levels)
        if mark != b"[":
            return None
        for _ in range(_LONGEST_SEQUENCE):
            mark, end = reader.take(end, path.levels)
            if len(mark) != 1 or mark[0] not in _PARAMETERS:
                break
        if len(mark) != 1 or mark[0] not in _FINALS:
            return None
        end -= self._start
        return replace(path, at=end, kept=(*path.kept, (path.at, end)))

    def _same(self, path: _Path) -> int:
        """Return how many bytes stand in the text just as in the form."""
        same = self._alike(path, 0, _SHORT)
        return same if same < _SHORT else same + self._alike(path, same, len(self._form.value))

    def _alike(self, path: _Path, passed: int, most: int) -> int:
        wanted = self._form.value[path.reached + passed : path.reached + passed + most]
        place = self._start + path.at + passed
        found = self._text[place : place + len(wanted)].translate(self._form.alphabet.value)
        if found == wanted[: len(found)]:
            return len(found)
        differing = int.from_bytes(found) ^ int.from_bytes(wanted[: len(found)])
        return len(found) - (differing.bit_length() + 7) // 8

    def _past_blanks(self, path: _Path, read: bytes, behind: int) -> _Path | None:
        """Go past blanks of the form, or of the text if a line ends there.

        A blank without a line end ends a word: where the form has none, what goes on behind it must
        tell so much that it is no chance.
        """
        value, reached = self._form.value, path.reached
        while value[reached] in breaks.BLANKS:
            reached += 1
        in_form = reached > path.reached or value[reached - 1 : reached].isspace()
        if read not in breaks.BLANKS_SET:
            return replace(path, reached=reached)
        if self._text[self._start + path.at] not in breaks.BLANKS:  # it was escaped
            if not in_form and read in {b"\r", b"\n"}:
                self._offer_unescaped(path, read, behind)
                return None
            return replace(path, at=behind, reached=reached) if in_form else None
        return self._past_break(replace(path, reached=reached), in_form=in_form)

    def _past_break(self, path: _Path, *, in_form: bool) -> _Path | None:
        place = self._start + path.at
        ends = breaks.behind(self._text, place, final=self._final)
        if ends:
            self._offer(path, ends)
            return None
        behind = breaks.blanks_end(self._text, place)
        if in_form:
            return replace(path, at=behind - self._start)
        if behind - place <= _WIDEST_GAP:
            stages = (*path.stages, (path.reached, path.end))
            self.others.append(replace(path, at=behind - self._start, stages=stages))
        return None

    def _offer_unescaped(self, path: _Path, read: bytes, behind: int) -> None:
        """Offer to go on behind a break that is escaped itself, and behind the margin there."""
        places = [behind]
        while len(read) < _LONGEST_ESCAPED_MARGIN:
            more, end = self._reader.take(self._start + places[-1], path.levels)
            if not more:
                break
            read += more
            places += [end - self._start] * len(more)
        stages = (*path.stages, (path.reached, path.end))
        ends = [end for end, _ in breaks.behind(read, 0, final=True) if end < len(read)]
        for end in ends or [1]:
            kept = [(places[ends[0] - 1], places[end - 1])] if end > (ends or [1])[0] else []
            further = replace(path, at=places[end - 1], stages=stages, kept=(*path.kept, *kept))
            self.others.append(further)

    def _between_digits(self, path: _Path) -> None:
        ends = breaks.between_digits(self._text, self._start + path.at, final=self._final)
        self._offer(path, ends)

    def _offer(self, path: _Path, ends: list[tuple[int, int]]) -> None:
        """Offer to go on behind a break, at each of its ends; what of it is kept begins there."""
        for end, kept in ends:
            further = replace(path, at=end - self._start)
            if kept < end:
                further = replace(
                    further,
                    kept=(*path.kept, (kept - self._start, end - self._start)),
                    stages=(*path.stages, (path.reached, path.end)),
                    in_rows=self._form.alphabet is Alphabet.HEX,
                )
            self.others.append(further)

    def _erased(self, path: _Path, read: bytes, behind: int) -> int:
        """Return how many bytes were typed and erased here."""
        if not path.levels:
            return _erased(self._text, self._start + path.at, final=self._final)
        place, typed = self._start + behind, 0
        while typed < _MOST_ERASED and len(read) == 1 and read[0] >= 32:
            read, place = self._reader.take(place, path.levels)
            typed += 1
        for _ in range(typed - 1):
            if read == b"\b":
                read, place = self._reader.take(place, path.levels)
        return place - self._start - path.at if typed and read == b"\b" else 0

    def _is_cut_escape(self, place: int) -> bool:
        """Say whether a line ends in the middle of what may be an escape."""
        if not self._final and _CUT_ESCAPE.open(self._text, place):
            raise MoreNeeded
        return _CUT_ESCAPE.regex.match(self._text, place) is not None

    def _erasing_mark(self, path: _Path) -> bytes:
        """Return what an escape begins with that erases what was typed here; nothing if none does.

        Raises:
            MoreNeeded: If bytes behind the text could change the answer.
        """
        place = self._start + path.at
        if path.levels or path.margin is not None:
            return b""
        if not self._final and _ESCAPED_ERASURE.open(self._text, place):
            raise MoreNeeded
        found = _ESCAPED_ERASURE.regex.match(self._text, place)
        return bytes(set(found[0][1:]) & MARKS) if found else b""

    def _deeper(self, path: _Path, read: bytes) -> None:
        """Offer to read the text anew with the escapes undone of which one begins here.

        It may have begun before, with a byte that the form has, too. Or, where a line ends in the
        middle of an escape, with the lines joined before.
        """
        is_cut = path.margin is None and self._is_cut_escape(self._start + path.at)
        if len(path.levels) < MOST_LEVELS:
            passed = self._form.value[max(path.reached - 2, self._place) : path.reached]
            passed += self._erasing_mark(path)
            self.others += [
                _Path((*path.levels, level), 0, self._place, margin=path.margin)
                for level in LEVELS
                if not level.marks.isdisjoint(passed + read[:1])
            ]
        if is_cut:
            self.others += [
                _Path(path.levels, 0, self._place, margin=units)
                for units in range(breaks.MOST_UNITS + 1)
            ]
