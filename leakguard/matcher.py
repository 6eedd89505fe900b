"""What must not be seen, and where it is: the one matcher of masker and scanner.

The automaton holds the needles of all secrets and the keywords of all rules. A needle that occurs
is a match; a keyword that occurs makes its rule look at a bounded window. Every question asked here
is about the bytes at hand alone: `Matcher.find` answers it for a text that is complete, and
`leakguard.splitter` for one that arrives in pieces. Both give the same matches.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias, TypeVar

from leakguard import encoders, policy
from leakguard.automaton import Automaton, Prefixes
from leakguard.decoders import DECODERS, Reading
from leakguard.model import Confidence, Match, Needle, Secret
from leakguard.patterns import Followed, Tail
from leakguard.rules import Rule
from leakguard.sieves import Sieves
from leakguard.traces import (
    LONGEST_LEAD,
    Anchor,
    Approach,
    Trace,
    Walk,
    anchors,
    begun,
    traces,
    without_covered,
)

Known: TypeAlias = Needle | Trace
Source: TypeAlias = Known | Anchor | Rule
Each = TypeVar("Each", bound=Source)

# Of a needle only so many bytes are indexed, and the rest is compared: kilobytes of key would cost
# kilobytes of automaton. With many needles, fewer, so that the index stays within some 30 MB.
_LONGEST_HEAD = 32
_SHORTEST_HEAD = 8
_INDEXED = 400_000

_DIGITS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")

# At how many places of each secret it can be followed: at all, unless it is long or one of many.
_PLACES = 4_000
_FEWEST_PLACES = 6
_MOST_PLACES = 256

# So many indexes of one rank are kept beside the one that is about to come.
_SAME_RANK = 3
# No secret has been added yet.
_NOT_GROWN: tuple[Secret | None, Callable[[], Matcher | None]] = (None, lambda: None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where a needle or a rule may match: its word is there, the rest is to be seen.

    Attributes:
        start: Offset of the word in the text.
        end: Offset behind the word.
        source: Whose word it is.
        walk: How far a trace has been followed.
    """

    start: int
    end: int
    source: Source
    walk: Walk | Approach | None = field(default=None, compare=False, repr=False)


class _Index:
    """Words of needles, traces and rules, and how to find them: one Aho-Corasick automaton.

    Attributes:
        known: The needles and traces.
        rank: How often what was indexed apart was indexed anew together.
    """

    def __init__(
        self,
        known: Sequence[Known],
        rules: Sequence[Rule],
        rank: int = 0,
        *,
        beside: bool = False,
    ) -> None:
        self.rank = rank
        rules = [rule for rule in rules if rule.keywords]  # the others look at paths alone
        self.known = tuple(known)
        # Here and not with each secret: an anchor looks for all of them at once.
        followed = anchors(each for each in known if isinstance(each, Trace))
        self._sources: dict[bytes, tuple[Source, ...]] = {}
        _enter(self._sources, _words(known))
        _enter(self._sources, ((anchor.word, anchor) for anchor in followed))
        heads = list(self._sources)
        keywords: dict[bytes, tuple[Rule, ...]] = {}
        _enter(keywords, ((keyword, rule) for rule in rules for keyword in rule.keywords))
        _enter(self._sources, ((word, rule) for word in keywords for rule in keywords[word]))
        self._barred = _Barred(self._sources)
        self._automaton = Automaton(self._sources)
        self._prefixes = Prefixes(heads)
        self._inner = frozenset(b"".join(word[:-1] for word in self._sources))
        self._spills = any(isinstance(each, Needle) and each.spills[0] for each in known)
        self._early_rules = [rule for rule in rules if rule.before]
        self._by_keyword = keywords
        self._longest_opening = max(map(len, keywords), default=1) - 1
        self._sieves = Sieves(heads, keywords, rules, beside=beside)
        self.longest_word = max(map(len, self._sources), default=0)
        self._reach = max((rule.reach for rule in rules), default=0)
        self._early = max((rule.before for rule in rules), default=0)

    def candidates(self, text: bytes, start: int, *, final: bool) -> Iterator[Candidate]:
        """Yield where words lie in `text[start:]`; the sieve may leave out what cannot match.

        Nothing is left out that more text could still make a match of, unless `final`.
        """
        for begin, end in self._windows(text, start, final=final):
            for offset, word in self._automaton.occurrences(text, begin, end):
                if offset and text[offset - 1] in self._barred[word]:
                    continue
                for source in self._sources[word]:
                    if isinstance(source, Needle):
                        yield Candidate(offset, offset + len(word), source)
                    elif source.starts(text, offset):
                        walk = None if isinstance(source, Rule) else begun(source)
                        yield Candidate(offset, offset + len(word), source, walk)

    def windows(self, text: bytes) -> list[tuple[int, int]]:
        """Return the parts of `text`, which is complete, that are worth a look."""
        return self._windows(text, 0, final=True)

    def _windows(self, text: bytes, start: int, *, final: bool) -> list[tuple[int, int]]:
        if start >= len(text):
            return []
        sieves = self._sieves.at_hand(len(text) - start)
        if sieves is None:
            return [(start, len(text))]
        # Near the end of the text a rule may have its keyword and not yet the rest: there, and in
        # texts so short that all of it is near the end, every keyword counts.
        tail = len(text) if final else max(start, len(text) - self._reach)
        windows = sieves.needles.windows(text, start)
        if tail > start:
            windows += sieves.rules.windows(text, max(0, start - self._early))
        if tail < len(text):
            windows += sieves.keywords.windows(text, tail)
        return _merged(windows)

    def prepare(self) -> None:
        """Make the sieves now, so that processes forked from this one share them."""
        self._sieves.make()

    @cached_property
    def _openings(self) -> dict[bytes, tuple[Rule, ...]]:
        return _openings(self._by_keyword)

    def held(self, text: bytes) -> int:
        """Return how many bytes at the end of `text` may be the beginning of a match's word."""
        # No word goes on behind most line ends, so most lines cost one look.
        is_inner = bool(text) and text[-1] in self._inner
        held = max(self._held_words(text) if is_inner else 0, self._held_early(text))
        before = len(text) - held - 1
        return held + 1 if self._spills and before >= 0 and text[before] in _DIGITS else held

    def _held_words(self, text: bytes) -> int:
        """Return how much may be the beginning of a word, or a secret in front of its rest."""
        held = self._prefixes.longest(text)
        for length in range(min(self._longest_opening, len(text)), held, -1):
            start = len(text) - length
            for rule in self._openings.get(text[start:], ()):
                if (secret := rule.held_opening(text, start)) is not None:
                    held = max(held, len(text) - secret)
        return held

    def _held_early(self, text: bytes) -> int:
        """Return how much may be a secret that begins before its keyword, which is yet to come."""
        held = 0
        for rule in self._early_rules:
            farthest = rule.before + max(map(len, rule.keywords)) - 1
            for start in range(max(0, len(text) - farthest), len(text)):
                if (secret := rule.pattern.held(text, start)) is not None:
                    held = max(held, len(text) - secret)
        return held


class _Barred(dict[bytes, frozenset[int]]):
    """By word, the bytes behind which it is nobody's; worked out where a word first occurs.

    In a long row of one letter a word may begin at each, and be anybody's at the first alone.
    """

    def __init__(self, sources: Mapping[bytes, Sequence[Source]]) -> None:
        self._sources = sources

    def __missing__(self, word: bytes) -> frozenset[int]:
        found = [
            each.pattern.barred if isinstance(each, Rule) and not each.before else frozenset[int]()
            for each in self._sources[word]
        ]
        self[word] = barred = frozenset.intersection(*found)
        return barred


class Matcher:
    """Finds secrets and unregistered credentials in bytes. Immutable, and free of I/O.

    Attributes:
        rules: The rules in use: those that can be as sure as is asked for.
        unprotected: Name of each secret that is not protected, and why.
        early: Bytes before a keyword that a rule may look at.
    """

    def __init__(
        self,
        secrets: Iterable[Secret] = (),
        rules: Iterable[Rule] = (),
        *,
        min_length: int = 6,
        min_confidence: Confidence = Confidence.LIKELY,
        beside: bool = False,
    ) -> None:
        """Build the index; cost grows with the number of secrets, about 0.5 ms each.

        Args:
            secrets: The values to find, in every form.
            rules: What unregistered credentials look like.
            min_length: A shorter value, in bytes, is not protected.
            min_confidence: What is less sure is no match.
            beside: Whether sieves, which are made when a text is long, are made in a thread beside
                the search, so that no byte of a stream waits for them that comes alone.
        """
        self.rules = tuple(rule for rule in rules if rule.best >= min_confidence)
        self.unprotected: tuple[tuple[str, str], ...] = ()
        self.min_confidence = min_confidence
        self._min_length = min_length
        self._by_id = {rule.id: rule for rule in self.rules}
        self._grown = _NOT_GROWN
        self._beside = beside
        self._indexes: tuple[_Index, ...] = (
            _Index(self._known(secrets), self.rules, beside=beside),
        )
        self.early = max([LONGEST_LEAD, *(rule.looks_back for rule in self.rules)])

    @classmethod
    def of_needles(cls, needles: Iterable[Needle], rules: Iterable[Rule] = ()) -> Matcher:
        """Return a matcher for exactly these needles: no other form, and none is too weak."""
        matcher = cls((), rules)
        matcher._indexes = (_Index(tuple(needles), matcher.rules),)
        return matcher

    def with_secret(self, secret: Secret) -> Matcher:
        """Return a matcher that finds `secret` too; it shares what is indexed already.

        Whoever adds the same secret to the same matcher gets the same one: the streams of a job
        share it.
        """
        known, grown = self._grown
        if known is secret and (matcher := grown()):
            return matcher
        matcher = object.__new__(Matcher)
        matcher.__dict__ |= self.__dict__
        matcher._grown = _NOT_GROWN
        matcher._indexes = _merged_in(self._indexes, matcher._known([secret]), beside=self._beside)
        self._grown = secret, weakref.ref(matcher)
        return matcher

    def prepare(self) -> None:
        """Make now what else is made when it is worth it, before processes are forked from this."""
        for index in self._indexes:
            index.prepare()

    def rule(self, identifier: str) -> Rule | None:
        """Return the rule with that id, or None."""
        return self._by_id.get(identifier)

    @property
    def longest_word(self) -> int:
        """The length in bytes of the longest word in the index."""
        return max(index.longest_word for index in self._indexes)

    def find(self, text: bytes) -> list[Match]:
        """Return every match in `text`, which is complete, by start; matches may overlap."""
        found = set(self._found(text))
        for decoder in DECODERS:
            if decoder.differs(text, 0):
                reading = Reading(decoder, 0)
                found.update(map(reading.placed, self._found(reading.feed(text, final=True))))
        distinct = without_covered(found)
        return sorted(distinct, key=lambda each: (each.start, -each.end, each.name, each.encoding))

    def windows(self, text: bytes) -> list[tuple[int, int]]:
        """Return the parts of `text` outside of which nothing is: ascending and apart.

        That holds for each part of `text` as well, as if it were a text by itself: where no window
        touches it, nothing is in it.
        """
        found = [window for index in self._indexes for window in index.windows(text)]
        for decoder in DECODERS:
            # Where nothing is left out, a reading is the text itself.
            found += [dropped.span() for dropped in decoder.dropped(text, len(text))]
        return _merged(found)

    def candidates(self, text: bytes, start: int, *, final: bool) -> Iterator[Candidate]:
        """Yield the places in `text[start:]` to decide on.

        Args:
            text: The bytes at hand.
            start: Where to begin; words that begin before it are not found.
            final: Whether the text ends here, so that nothing can still grow.
        """
        for index in self._indexes:
            yield from index.candidates(text, start, final=final)

    def added_candidates(self, text: bytes, start: int) -> Iterator[Candidate]:
        """Yield the places in `text[start:]` to decide on for the secret that was added last."""
        yield from self._indexes[-1].candidates(text, start, final=False)

    def pending(self, text: bytes, candidate: Candidate) -> int | None:
        """Return from where `text` must be held until this candidate is decided, or None if it is.

        `len(text)` says that only context is pending: the candidate is open, and no byte of the
        secret has come yet.
        """
        start, source = candidate.start, candidate.source
        if candidate.walk:
            return start if candidate.walk.advance(text, start, final=False) else None
        if isinstance(source, Needle):
            return self._needle_pending(text, start, source)
        if isinstance(source, Trace | Anchor) or len(text) >= start + source.reach:
            return None
        return _pending(source, text, start)

    def decided(self, text: bytes, candidate: Candidate) -> Iterator[Match]:
        """Yield the matches that this candidate is, now that no more text can change them."""
        start, source = candidate.start, candidate.source
        if isinstance(source, Rule):
            yield from self._rule_matches(text, start, source)
        elif candidate.walk:
            candidate.walk.advance(text, start, final=True)
            if match := candidate.walk.match(start):
                yield match
        elif isinstance(source, Needle) and text.startswith(source.value, start):
            end = start + len(source.value)
            start -= _has_spilled(text, start - 1, source.spills[0])
            end += _has_spilled(text, end, source.spills[1])
            yield Match(start, end, source.name, "secret", source.encoding, Confidence.KNOWN)

    def tail(self, candidate: Candidate, match: Match) -> Tail | None:
        """Return how the secret goes on if its rule's window has cut it short, else None."""
        rule = candidate.source
        if not isinstance(rule, Rule):
            return None
        return rule.pattern.tail_behind(match.end, candidate.start + rule.reach)

    def held(self, text: bytes) -> int:
        """Return how many bytes at the end of `text` may be the beginning of a word."""
        return max(index.held(text) for index in self._indexes)

    def _found(self, text: bytes) -> Iterator[Match]:
        """Yield every match in one reading of a text."""
        followed = Followed()
        for candidate in self.candidates(text, 0, final=True):
            for match in self.decided(text, candidate):
                tail, end = self.tail(candidate, match), match.end
                if tail:
                    end, _ = followed.follow(tail, text, end, final=True)
                yield replace(match, end=end)

    def _needle_pending(self, text: bytes, start: int, needle: Needle) -> int | None:
        rest = len(text) - start - needle.spills[1]  # what spills over may be yet to come
        if rest >= len(needle.value) or not needle.value.startswith(text[start:]):
            return None
        return start - _has_spilled(text, start - 1, needle.spills[0])

    def _rule_matches(self, text: bytes, start: int, rule: Rule) -> Iterator[Match]:
        for begin, end, confidence in rule.matches(text, start):
            if confidence >= self.min_confidence:
                yield Match(begin, end, rule.id, "rule", "raw", confidence)

    def _known(self, secrets: Iterable[Secret]) -> tuple[Known, ...]:
        """Return what to look for of `secrets`, and note which of them are not protected."""
        secrets = tuple(secrets)
        places = max(_FEWEST_PLACES, min(_MOST_PLACES, _PLACES // max(len(secrets), 1)))
        found: list[Known] = []
        for secret in secrets:
            needles = encoders.needles(secret, min_length=self._min_length)
            if not needles:
                why = policy.weakness(secret.value, min_length=self._min_length)
                self.unprotected += ((secret.name, why or "nothing of it tells enough"),)
            found += needles
            found += traces(secret, needles, min_length=self._min_length, places=places)
        return tuple(found)


def _words(known: Sequence[Known]) -> Iterator[tuple[bytes, Known]]:
    """Yield the word of each needle and trace."""
    head = max(_SHORTEST_HEAD, min(_LONGEST_HEAD, _INDEXED // max(len(known), 1)))
    for source in known:
        yield (source.value[:head] if isinstance(source, Needle) else source.word), source


def _enter(sources: dict[bytes, tuple[Each, ...]], words: Iterable[tuple[bytes, Each]]) -> None:
    """Enter sources by their words. Most words are of one alone, and there are a great many."""
    for word, source in words:
        sources[word] = (*sources.get(word, ()), source)


def _merged_in(
    indexes: Sequence[_Index], known: tuple[Known, ...], *, beside: bool
) -> tuple[_Index, ...]:
    """Return indexes with one more secret: a few of one rank become one of the next.

    So there are few to ask, and a thousand secrets added one by one are each indexed five times and
    not a thousand times. The first index is that of the rules, and stays.
    """
    first, *kept = indexes
    rank = 0
    while len(kept) >= _SAME_RANK and kept[-_SAME_RANK].rank == rank:
        known = (*(each for index in kept[-_SAME_RANK:] for each in index.known), *known)
        del kept[-_SAME_RANK:]
        rank += 1
    return first, *kept, _Index(known, (), rank, beside=beside)


def _has_spilled(text: bytes, at: int, spills: bool) -> bool:  # noqa: FBT001  # of `Needle.spills`
    """Say whether the character at `at` is a digit of base64 that tells of the secret beside it."""
    return spills and 0 <= at < len(text) and text[at] in _DIGITS


def _openings(keywords: Mapping[bytes, Sequence[Rule]]) -> dict[bytes, tuple[Rule, ...]]:
    """Return, for each beginning of a keyword, the rules that it may be the beginning of."""
    openings: dict[bytes, dict[str, Rule]] = defaultdict(dict)
    for keyword, rules in keywords.items():
        for length in range(1, len(keyword)):
            openings[keyword[:length]] |= {rule.id: rule for rule in rules}
    return {opening: tuple(rules.values()) for opening, rules in openings.items()}


def _merged(windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return windows apart from each other and ascending, so that each word is found once."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(windows):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _pending(rule: Rule, text: bytes, start: int) -> int | None:
    """Return where a secret of `rule` begins that is not all there, as `Matcher.pending` does."""
    pattern = rule.pattern
    if rule.before == 0:
        held = pattern.held(text, start)
        if held is not None:
            return held
        return len(text) if pattern.open(text, start) else None
    begins = range(max(0, start - rule.before), start + 1)
    held_from = [held for at in begins if (held := pattern.held(text, at)) is not None]
    if held_from:
        return min(held_from)
    return len(text) if any(pattern.open(text, at) for at in begins) else None
