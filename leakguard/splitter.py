"""Cut a byte stream into text that may leave and bytes that may still be part of a match.

The masker and the streaming scanner both stand on this module, and it is the only place that knows
a stream arrives in chunks. How the stream was cut never changes what comes out, and what comes out
is what `Matcher.find` says of the whole: `tests/test_splitter.py` holds it to both.

A word that has been found and not yet been decided on is an open candidate. Text is held from the
first byte of a secret that an open candidate may become; its context has left, and is remembered.

Readings of the stream (`leakguard.decoders`) are searched beside its bytes, from where they first
differ until they agree again. What they hold is held, and what they find is masked where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from leakguard.decoders import DECODERS, Decoder, Reading
from leakguard.matcher import Candidate, Matcher
from leakguard.model import Match, Secret
from leakguard.patterns import Followed, Tail
from leakguard.traces import without_covered

# A held end this short tells nothing of a secret, and a prompt may end in it.
_HARMLESS = 3

# How far back a match is remembered as told, so that what finds it later does not tell it again.
_REMEMBERED = 16 * 1024


@dataclass(frozen=True, slots=True)
class Cut:
    """What has been settled: text that leaves now, and the matches that begin in it or before it.

    Attributes:
        start: Offset in the stream of the first byte of `text`.
        text: The bytes that leave. A match may reach beyond them; the rest of it is yet to come.
        matches: Matches not told before, by start, with offsets in the stream.
        longer: Where a match that was told goes on, since its secret is longer than any window.
        window: The bytes at hand, a little more than `text`.
        window_start: Offset in the stream of the first byte of `window`.
    """

    start: int
    text: bytes
    matches: tuple[Match, ...]
    longer: tuple[Match, ...]
    window: bytes
    window_start: int

    def value(self, match: Match) -> bytes:
        """Return the bytes of one of `matches`."""
        return self.window[match.start - self.window_start : match.end - self.window_start]


class Splitter:
    """Feeds a matcher a stream in pieces."""

    def __init__(self, matcher: Matcher) -> None:
        self._bytes = _Search(matcher, 0)
        self._readings = [_ReadingSearch(decoder, matcher) for decoder in DECODERS]
        self._settled = 0  # offset in the stream of the first byte that has not left
        self._decided: list[Match] = []  # what begins behind that
        self._told: set[Match] = set()  # what was told and may be found by another reading yet

    @property
    def matcher(self) -> Matcher:
        """What is looked for by now."""
        return self._bytes.matcher

    @property
    def held(self) -> int:
        """How many bytes are held back."""
        return self._bytes.end - self._settled

    def feed(self, data: bytes) -> Cut:
        """Take the next bytes; return what they have settled."""
        return self._settle(self._advance(data, final=False))

    def flush(self) -> Cut:
        """Return the rest: the stream ends here."""
        self._advance(b"", final=True)
        return self._settle(self._bytes.end)

    def idle(self) -> Cut:
        """Return held bytes that are too few to tell anything: the stream has fallen silent.

        They are still looked back at when more text comes, so the rest of a secret is masked.
        """
        searches = [self._bytes, *(reading.search for reading in self._readings)]
        harmless = all(search.held <= _HARMLESS for search in searches if search)
        return self._settle(self._bytes.end if harmless else self._settled)

    def add(self, secret: Secret) -> None:
        """Look for `secret` too, in what is held and in what will come."""
        self._bytes.add(secret, self._settled)
        for reading in self._readings:
            reading.add(secret, self._bytes.matcher, self._settled)

    def _advance(self, data: bytes, *, final: bool) -> int:
        """Search what has come; return up to where the text may leave."""
        self._bytes.extend(data)
        hold = self._bytes.advance(final=final)
        for reading in self._readings:
            hold = min(hold, reading.advance(self._bytes, data, final=final))
        return max(hold, self._settled)

    def _settle(self, limit: int) -> Cut:
        """Let the text up to `limit` leave, and forget what no match can look back at."""
        window, window_start = self._bytes.text, self._bytes.start
        text = window[self._settled - window_start : limit - window_start]
        cut = Cut(self._settled, text, self._due(limit), self._longer(), window, window_start)
        self._settled = limit
        self._bytes.forget(limit)
        for reading in self._readings:
            reading.forget(limit, self._bytes.start)
        return cut

    def _due(self, limit: int) -> tuple[Match, ...]:
        """Return the decided matches that begin before `limit` and were not told before."""
        decided = self._decided + self._bytes.take_decided()
        for reading in self._readings:
            decided += reading.take_decided()
        if not decided:
            return ()
        due = {match for match in decided if match.start < limit} - self._told
        due = without_covered(due, self._told)
        self._decided = [match for match in decided if match.start >= limit]
        self._told = {match for match in self._told if match.end > limit - _REMEMBERED} | due
        return tuple(sorted(due, key=_precedence))

    def _longer(self) -> tuple[Match, ...]:
        longer = self._bytes.take_longer()
        for reading in self._readings:
            longer += reading.take_longer()
        return tuple(longer)


class _Search:
    """Looks for matches in a text that grows at its end and is forgotten at its front.

    Attributes:
        matcher: What to look for.
        start: Offset of `text` from the start of all of it.
        text: What is remembered, and what has just come.
        held: How many bytes at the end of the text may be part of a match yet.
    """

    def __init__(self, matcher: Matcher, start: int) -> None:
        self.matcher = matcher
        self.start = start
        self.text = b""
        self.held = 0
        self._sought = 0  # bytes of `text` in which words have been looked for
        # What begins in mid-stream cannot tell what is in front of its first bytes. A word that
        # begins there has been decided on before.
        self._blind = matcher.early + 1 if start else 0
        self._open: list[Candidate] = []
        self._tails: list[tuple[Tail, Match]] = []
        self._decided: list[Match] = []  # with offsets from the start of all, as all that leaves
        self._longer: list[Match] = []

    @property
    def end(self) -> int:
        """Offset behind the text."""
        return self.start + len(self.text)

    @property
    def following(self) -> bool:
        """Whether a secret that is longer than its window is being followed."""
        return bool(self._tails)

    def extend(self, data: bytes) -> None:
        """Take what comes next."""
        self.text += data

    def advance(self, *, final: bool) -> int:
        """Decide on what can be decided; return from where the text must be held."""
        text = self.text
        hold = len(text)
        for candidate in self._taken(final=final):
            pending = None if final else self.matcher.pending(text, candidate)
            if pending is None:
                self._decide(candidate)
            else:
                self._open.append(candidate)
                hold = min(hold, pending)
        hold = min(hold, self._follow_tails(final=final))
        self._sought = len(text)
        if not final:
            hold = min(hold, len(text) - self.matcher.held(text))
        self.held = len(text) - hold
        return self.start + hold

    def add(self, secret: Secret, since: int) -> None:
        """Look for `secret` too, in what has come from the offset `since` on."""
        self.matcher = self.matcher.with_secret(secret)
        for candidate in self.matcher.added_candidates(self.text, max(0, since - self.start)):
            if candidate not in self._open:
                self._open.append(candidate)

    def take_decided(self) -> list[Match]:
        """Return the matches decided since last time."""
        decided, self._decided = self._decided, []
        return decided

    def take_longer(self) -> list[Match]:
        """Return where matches go on, as far as is known since last time."""
        longer, self._longer = self._longer, []
        return longer

    def forget(self, limit: int) -> None:
        """Forget what lies before the offset `limit`, but for what a match can look back at."""
        needed = min(
            limit - self.start,
            len(self.text) - self.matcher.longest_word - self.matcher.early,
            *(candidate.start - self.matcher.early for candidate in self._open),
        )
        gone = needed - 1  # one byte of left context stays, for what looks behind
        if gone <= 0:
            return
        self.text = self.text[gone:]
        self.start += gone
        self._sought -= gone
        self._blind = max(0, self._blind - gone)
        self._open = [replace(c, start=c.start - gone, end=c.end - gone) for c in self._open]
        self._tails = [(tail, _moved(match, -gone)) for tail, match in self._tails]

    def _taken(self, *, final: bool) -> list[Candidate]:
        """Return the open candidates and those that the new text brings; none is open then."""
        start = max(0, self._sought - self.matcher.longest_word + 1)
        taken, self._open = self._open, []
        for candidate in self.matcher.candidates(self.text, start, final=final):
            if candidate.end > self._sought and candidate.start >= self._blind:
                taken.append(candidate)
        return taken

    def _decide(self, candidate: Candidate) -> None:
        for match in self.matcher.decided(self.text, candidate):
            self._decided.append(_moved(match, self.start))
            if tail := self.matcher.tail(candidate, match):
                self._tails.append((tail, replace(match, start=match.end)))

    def _follow_tails(self, *, final: bool) -> int:
        """Let secrets longer than their rule's window go on; return from where to hold for them."""
        hold = len(self.text)
        followed, runs = dict.fromkeys(self._tails), Followed()
        self._tails = []
        for tail, match in followed:
            end, ended = runs.follow(tail, self.text, match.end, final=final)
            if end > match.end:
                self._longer.append(_moved(replace(match, end=end), self.start))
            if not ended:
                self._tails.append((tail, replace(match, start=end, end=end)))
                hold = min(hold, end)
        return hold


class _ReadingSearch:
    """Looks for matches in a reading of the stream, while the reading differs from it.

    Attributes:
        search: The search; None while the reading is the stream itself.
    """

    def __init__(self, decoder: Decoder, matcher: Matcher) -> None:
        self.search: _Search | None = None
        self._decoder = decoder
        self._matcher = matcher
        self._reading = Reading(decoder, 0)

    def advance(self, stream: _Search, data: bytes, *, final: bool) -> int:
        """Read what has come; return from where in the stream it must be held."""
        if self.search is None:
            data = self._begin(stream, data)
        if self.search is None:
            return stream.end
        self.search.extend(self._reading.feed(data, final=final))
        hold = self.search.advance(final=final)
        return self._reading.place(hold) if hold < self.search.end else stream.end

    def add(self, secret: Secret, matcher: Matcher, since: int) -> None:
        """Look for `secret` too, as `matcher` does, from an offset in the stream on."""
        self._matcher = matcher
        if self.search:
            self.search.add(secret, self._reading.offset(since))

    def take_decided(self) -> list[Match]:
        """Return the matches decided since last time, where they stand in the stream."""
        decided = self.search.take_decided() if self.search else ()
        return list(map(self._reading.placed, decided))

    def take_longer(self) -> list[Match]:
        """Return where matches go on in the stream, as far as is known since last time."""
        longer = self.search.take_longer() if self.search else ()
        return list(map(self._reading.placed, longer))

    def forget(self, limit: int, remembered: int) -> None:
        """Forget what lies before an offset in the stream; end where nothing differs any more.

        What of the stream is `remembered` will be read again when this begins again: so nothing in
        it may be left out now, or it would be read without what is in front of it.
        """
        if self.search is None:
            return
        self.search.forget(self._reading.offset(limit))
        self._reading.forget(self.search.start)
        first = min(remembered, self._reading.place(self.search.start))
        if self._reading.is_plain(first) and not self.search.following:
            self.search = None

    def _begin(self, stream: _Search, data: bytes) -> bytes:
        """Begin to search if the new text is read otherwise; return what is to be read first."""
        fresh = len(stream.text) - len(data)
        if not self._decoder.differs(stream.text, max(0, fresh - self._decoder.longest)):
            return data
        self.search = _Search(self._matcher, stream.start)
        self._reading = Reading(self._decoder, stream.start)
        return stream.text


def _moved(match: Match, by: int) -> Match:
    kept = tuple((start + by, end + by) for start, end in match.kept)
    return replace(match, start=match.start + by, end=match.end + by, kept=kept)


def _precedence(match: Match) -> tuple[int, bool, int, str, str]:
    """Order matches by start; among equals the one to name a mask by comes first."""
    return match.start, match.kind != "secret", -match.end, match.name, match.encoding
