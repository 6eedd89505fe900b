"""Cut a byte stream into text that may leave and bytes that may still be part of a match.

The masker and the streaming scanner both stand on this module, and it is the only place that knows
a stream arrives in chunks. How the stream was cut never changes what comes out, and what comes out
is what `Matcher.find` says of the whole: `tests/test_splitter.py` holds it to both.

A word that has been found and not yet been decided on is an open candidate. Text is held from the
first byte of a secret that an open candidate may become; its context has left, and is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from leakguard.matcher import Candidate, Matcher
from leakguard.model import Match, Secret
from leakguard.patterns import Tail

# A held end this short tells nothing of a secret, and a prompt may end in it.
_HARMLESS = 3


@dataclass(frozen=True, slots=True)
class Cut:
    """What has been settled: text that leaves now, and the matches that begin in it or before it.

    Attributes:
        start: Offset in the stream of the first byte of `text`.
        text: The bytes that leave. A match may reach beyond them; the rest of it is yet to come.
        matches: Matches not told before, by start, with offsets in the stream.
        longer: Where a match that was told goes on, because its secret is longer than any window.
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
        self._matcher = matcher
        self._text = b""  # what is remembered, what is held, and what has just come, in this order
        self._base = 0  # offset of `_text` in the stream
        self._settled = 0  # bytes of `_text` that have left
        self._sought = 0  # bytes of `_text` in which words have been looked for
        self._open: list[Candidate] = []
        self._decided: list[Match] = []  # offsets in the stream, as everything that leaves has
        self._tails: list[tuple[Tail, Match]] = []
        self._longer: list[Match] = []

    @property
    def held(self) -> int:
        """How many bytes are held back."""
        return len(self._text) - self._settled

    def feed(self, data: bytes) -> Cut:
        """Take the next bytes; return what they have settled."""
        self._text += data
        return self._settle(self._advance(final=False))

    def flush(self) -> Cut:
        """Return the rest: the stream ends here."""
        self._advance(final=True)
        return self._settle(len(self._text))

    def idle(self) -> Cut:
        """Return held bytes that are too few to tell anything: the stream has fallen silent.

        They are still looked back at when more text comes, so the rest of a secret is masked.
        """
        return self._settle(len(self._text) if self.held <= _HARMLESS else self._settled)

    def add(self, secret: Secret) -> None:
        """Look for `secret` too, in what is held and in what will come."""
        self._matcher = self._matcher.with_secret(secret)
        for candidate in self._matcher.added_candidates(self._text, self._settled):
            if candidate not in self._open:
                self._open.append(candidate)

    def _advance(self, *, final: bool) -> int:
        """Decide on what can be decided; return up to where the text may leave."""
        text = self._text
        hold = len(text)
        for candidate in self._taken(final=final):
            pending = None if final else self._matcher.pending(text, candidate)
            if pending is None:
                self._decide(candidate)
            else:
                self._open.append(candidate)
                hold = min(hold, pending)
        hold = min(hold, self._follow_tails(final=final))
        self._sought = len(text)
        if not final:
            hold = min(hold, len(text) - self._matcher.held(text))
        return max(hold, self._settled)

    def _taken(self, *, final: bool) -> list[Candidate]:
        """Return the open candidates and those that the new text brings; none is open then."""
        start = max(0, self._sought - self._matcher.longest_word + 1)
        fresh = self._matcher.candidates(self._text, start, final=final)
        taken = self._open + [candidate for candidate in fresh if candidate.end > self._sought]
        self._open = []
        return taken

    def _decide(self, candidate: Candidate) -> None:
        for match in self._matcher.decided(self._text, candidate):
            self._decided.append(_moved(match, self._base))
            if tail := self._matcher.tail(candidate, match):
                self._tails.append((tail, replace(match, start=match.end)))

    def _follow_tails(self, *, final: bool) -> int:
        """Let secrets longer than their rule's window go on; return from where to hold for them."""
        hold = len(self._text)
        followed, self._tails = self._tails, []
        for tail, match in followed:
            end, ended = tail.follow(self._text, match.end, final=final)
            if end > match.end:
                self._longer.append(_moved(replace(match, end=end), self._base))
            if not ended:
                self._tails.append((tail, replace(match, start=end, end=end)))
                hold = min(hold, end)
        return hold

    def _settle(self, limit: int) -> Cut:
        """Let the text up to `limit` leave, and forget what no match can look back at."""
        start, horizon = self._base + self._settled, self._base + limit
        told = sorted({match for match in self._decided if match.start < horizon}, key=_precedence)
        self._decided = [match for match in self._decided if match.start >= horizon]
        longer, self._longer = tuple(self._longer), []
        text = self._text[self._settled : limit]
        cut = Cut(start, text, tuple(told), longer, self._text, self._base)
        self._settled = limit
        self._forget()
        return cut

    def _forget(self) -> None:
        needed = min(
            self._settled,
            len(self._text) - self._matcher.longest_word - self._matcher.early,
            *(candidate.start - self._matcher.early for candidate in self._open),
        )
        gone = needed - 1  # one byte of left context stays, for what looks behind
        if gone <= 0:
            return
        self._text = self._text[gone:]
        self._base += gone
        self._settled -= gone
        self._sought -= gone
        self._open = [replace(c, start=c.start - gone, end=c.end - gone) for c in self._open]
        self._tails = [(tail, _moved(match, -gone)) for tail, match in self._tails]


def _moved(match: Match, by: int) -> Match:
    return replace(match, start=match.start + by, end=match.end + by)


def _precedence(match: Match) -> tuple[int, bool, int, str, str]:
    """Order matches by start; among equals the one to name a mask by comes first."""
    return match.start, match.kind != "secret", -match.end, match.name, match.encoding
