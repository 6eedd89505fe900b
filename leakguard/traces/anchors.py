r"""Start in the middle of a secret: at an escape that stands for one of its bytes.

Where every few bytes are harmed, no word of a secret stands in the text as it is. But what harms
them is plain to see, and the same for all secrets: `\x6`, `&#`, `%5Cu`. From there a few bytes are
read, at one level of escapes and at more where that gives marks again, and looked up
among the bytes of all forms at once. So an *anchor* costs a word for all secrets, not for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

from leakguard.model import Match
from leakguard.traces.breaks import MoreNeeded
from leakguard.traces.escapes import (
    ESCAPED_BY,
    LEVELS,
    Level,
    Reader,
    reader_of,
)
from leakguard.traces.form import LONGEST_LEAD, Alphabet, Form, Trace
from leakguard.traces.glance import seems_known
from leakguard.traces.grams import LONGEST, Grams
from leakguard.traces.walk import MOST_LEVELS, Walk

_MOST_LEADS = 4
_BY_NAME = {level.name: level for level in LEVELS}

_BEYOND_ASCII = {
    "backslash": (b"\\x", b"\\u", b"\\U000", b"\\2", b"\\3"),
    "percent": tuple(b"%%%c" % digit for digit in b"CDEFcdef"),
    "quoted-printable": tuple(b"=%c" % digit for digit in b"CDEF"),
}
_PADDED = {"quoted-printable": (b"=3D",)}
# Not those that many a tool escapes in all that it writes.
_SIGNS = frozenset(b"!#$()*+,-./:;=?@[\\]^_`{|}~")

Start: TypeAlias = tuple[tuple[Level, ...], Form, int]


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """What an escape begins with: any of several forms may go on there.

    Attributes:
        word: Its bytes.
        level: The family of escapes that it belongs to.
        grams: The bytes of the forms.
    """

    word: bytes
    level: Level
    grams: Grams = field(repr=False)

    def starts(self, text: bytes, at: int) -> bool:
        """Say whether a form may go on at `at`, as far as the text tells."""
        try:
            return bool(self.found(text, at, final=False))
        except MoreNeeded:
            return True

    def found(self, text: bytes, at: int, *, final: bool) -> list[Start]:
        """Return the forms that go on at `at`, from which place, and at which levels of escapes.

        Raises:
            MoreNeeded: If the text at hand does not tell.
        """
        if not seems_known(self.grams, text, at, final=final):
            return []
        reader = reader_of(text, final=final)
        seen: set[tuple[Level, ...]] = set()
        starts = self._read(reader, at, (self.level,), seen)
        return [start for start in starts if not _is_led(reader, at, start)]

    def _read(
        self, reader: Reader, at: int, levels: tuple[Level, ...], seen: set[tuple[Level, ...]]
    ) -> Iterator[Start]:
        """Yield what goes on at `at`, read at these levels and, where that gives marks, at more."""
        seen.add(levels)
        read = _beginning(reader, at, levels, self.grams)
        if len(levels) < MOST_LEVELS:
            for level in LEVELS:
                deeper = (*levels, level)
                if not level.marks.isdisjoint(read) and deeper not in seen:
                    yield from self._read(reader, at, deeper, seen)
        yield from ((levels, form, place) for form, place in self.grams.at(read))

    def __reduce__(self) -> NoReturn:
        raise TypeError("Anchor holds secrets and cannot be pickled")


def _beginning(reader: Reader, at: int, levels: tuple[Level, ...], grams: Grams) -> bytes:
    """Return what is read from `at` on, as much of it as tells whether it is known."""
    read, end = b"", at
    while len(read) < LONGEST:
        more, end = reader.take(end, levels)
        read += more
        if not more or (len(read) > 1 and not grams.may_begin(read[:2])):
            break
    return read


def anchors(traces: Iterable[Trace]) -> Iterator[Anchor]:
    """Yield the anchors of all forms that are followed by traces, but for bases in bases."""
    forms = list({id(trace.form): trace.form for trace in traces if trace.form.is_needle}.values())
    grams = Grams(forms)
    texts = [form.value for form in forms if form.alphabet is Alphabet.TEXT]
    signs = dict.fromkeys(word for text in texts for word in _of_signs(text))
    tables: list[Mapping[str, tuple[bytes, ...]]] = [ESCAPED_BY, {"backslash": tuple(signs)}]
    tables += [_BEYOND_ASCII] if any(map(_is_international, texts)) else []
    tables += [_PADDED] if any(b"=" in text for text in texts) else []
    for table in tables if forms else ():
        for name, words in table.items():
            yield from (Anchor(word, _BY_NAME[name], grams) for word in words)


def _is_international(text: bytes) -> bool:
    try:
        return not text.isascii() and bool(text.decode())
    except UnicodeDecodeError:
        return False


def _of_signs(text: bytes) -> Iterator[bytes]:
    for sign in sorted(_SIGNS.intersection(text) if text.isascii() else ()):
        yield from (b"\\u%04x" % sign, b"\\u%04X" % sign)


_ANCHORED = re.compile(
    b"|".join(
        re.escape(word)
        for table in (ESCAPED_BY, _BEYOND_ASCII, _PADDED)
        for words in table.values()
        for word in words
    )
)


def _is_led(reader: Reader, at: int, start: Start) -> bool:
    """Say whether the same form goes on at an anchor farther in front: it comes by here, then."""
    levels, form, place = start
    front = max(0, at - LONGEST_LEAD)
    leads = [found.start() for found in _ANCHORED.finditer(reader.text, front, at)]
    for lead in reversed(leads[-_MOST_LEADS:]):
        read, end = b"", lead
        while end < at:
            more, end = reader.take(end, levels)
            read += more
        if end == at and read:
            # What is read from farther in front ends with the same: it goes on if this does.
            before = place - len(read)
            spelled = read.translate(form.alphabet.value)
            return before >= 0 and form.value.startswith(spelled, before)
    return False


@dataclass(slots=True, eq=False)
class Approach:
    """All that goes on at one anchor in a text; it remembers how far it has come.

    Attributes:
        anchor: Where it starts.
    """

    anchor: Anchor
    _walks: list[Walk] | None = None

    def advance(self, text: bytes, start: int, *, final: bool) -> bool:
        """Go on in `text`, as `Walk.advance` does."""
        if self._walks is None:
            try:
                found = self.anchor.found(text, start, final=final)
            except MoreNeeded:
                return True
            word = self.anchor.word
            self._walks = [Walk(Trace(word, form, place), levels) for levels, form, place in found]
        going = [walk.advance(text, start, final=final) for walk in self._walks]
        return any(going)

    def match(self, start: int) -> Match | None:
        """Return what was found that goes farthest, once nothing can change it."""
        found = [match for walk in self._walks or () if (match := walk.match(start))]
        return max(found, key=lambda each: (each.end, each.name, each.encoding), default=None)


def begun(source: Trace | Anchor) -> Walk | Approach:
    """Return what follows a source from one place in a text on."""
    return Walk(source) if isinstance(source, Trace) else Approach(source)
