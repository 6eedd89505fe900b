"""A rule: what one kind of credential looks like, and what a match of it is worth.

A rule answers for the bytes at hand alone and holds no state. Where to ask it, and what bytes that
are yet to come may change, is for the matcher and for `leakguard.patterns` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from leakguard import patterns
from leakguard.checks import CHECKS, Details, Proof, entropy
from leakguard.model import Confidence
from leakguard.patterns import Pattern
from leakguard.rules.allow import Allow
from leakguard.rules.examples import Sample, sample

PLACEHOLDERS = tuple(
    b"example placeholder changeme change-me change_me your- your_ redacted masked dummy insert "
    b"xxxx **** .... ${ {{ $( %( <% 123456789 abcdefgh deadbeef".split()
)
"""Stop words of a rule that names none: what people write where a secret would stand."""

_WORD = b"-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A match of another rule that must be near.

    Attributes:
        rules: Ids of the rules that will do.
        lines: How many lines apart the two may begin; None is any number.
        columns: How many columns apart they may begin; None is any number.
    """

    rules: tuple[str, ...]
    lines: int | None = None
    columns: int | None = None


# Two words joined, such as `api_key` of a vendor: seldom in a log but in front of a value.
_TELLING = re.compile(rb"(?=.{8,}).*[0-9A-Za-z][_.: /@=\"-].*|[a-z]{2,}[A-Z].{6,}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one kind of credential looks like.

    Attributes:
        id: Its name in reports, such as `github-pat`.
        description: What it is, in words.
        regex: What it looks like; the group `secret`, or else all of it, is the secret.
        keywords: Literals that make the rule look; one of them is where the regex begins.
        before: Bytes in front of the keyword where the regex may begin instead.
        reach: Bytes from the start of the keyword on that may decide.
        entropy: The least entropy of the secret, in bits for each byte.
        check: Name of a check in `leakguard.checks`, or nothing.
        preface: Bytes in front of the secret that its check sees, too.
        confidence: What a match is worth when there is no check, or one that cannot tell.
        passed: What it is worth when the check passes.
        failed: What it is worth when the check fails; None is no match.
        stopwords: Lower-case words that a secret does not contain.
        vendor: Whose credential it is.
        remediation: What to do about a leak.
        examples: Templates of texts with one secret each.
        counterexamples: Templates of texts without any.
        path: Regex found in the path of a file that the rule is for. A rule that has neither
            keywords nor a regex finds files by their path alone.
        lead: Bytes of the word in front of a match that `allow` sees as part of it.
        allow: What lets a match pass.
        requires: Matches of other rules without which there is none.
        silent: Whether matches only count for rules that require them.
        context: Fewest bytes in front of the secret, where that is known already; else -1.
        behind: Most bytes in front of a match that it looks at, where that is known; else -1.
    """

    id: str
    description: str
    regex: bytes
    keywords: tuple[bytes, ...]
    before: int = 0
    reach: int = 512
    entropy: float = 0.0
    check: str = ""
    preface: int = 0
    confidence: Confidence = Confidence.LIKELY
    passed: Confidence = Confidence.CERTAIN
    failed: Confidence | None = None
    stopwords: tuple[bytes, ...] = PLACEHOLDERS
    vendor: str = ""
    remediation: str = ""
    examples: tuple[bytes, ...] = field(default=(), repr=False)
    counterexamples: tuple[bytes, ...] = field(default=(), repr=False)
    path: bytes = b""
    lead: int = 0
    allow: tuple[Allow, ...] = ()
    requires: tuple[Requirement, ...] = ()
    silent: bool = False
    context: int = field(default=-1, repr=False, compare=False)
    behind: int = field(default=-1, repr=False, compare=False)

    def starts(self, text: bytes, at: int) -> bool:
        """Return whether what stands in front of a keyword at `at` lets the rule match there."""
        return self.before > 0 or at == 0 or text[at - 1] not in self.pattern.barred

    def held_opening(self, text: bytes, start: int) -> int | None:
        """Return what `Pattern.held_opening` does, if possible without looking at the regex."""
        if self.context < 0:
            return self.pattern.held_opening(text, start)
        if len(text) - start <= self.context:
            return None
        if self.context:
            return self.pattern.held(text, start)
        return patterns.opened(self.regex, text, start)

    @property
    def pattern(self) -> Pattern:
        """What the regex says about streams; worked out at the first use."""
        return patterns.analyse(self.regex)

    @property
    def behind_match(self) -> int:
        """Most bytes in front of a match that its regex looks at, and at least one if it looks."""
        if self.behind >= 0:
            return self.behind
        return self.pattern.behind if b"(?<" in self.regex else 0

    @property
    def looks_back(self) -> int:
        """How many bytes in front of its keyword it may look at."""
        return self.before + max(self.lead, self.preface, self.behind_match)

    @property
    def best(self) -> Confidence:
        """The most that a match of this rule can be worth."""
        return self.passed if self.check else self.confidence

    @property
    def is_for_streams(self) -> bool:
        """Whether it is asked in a stream: what asks for a path or other matches cannot be.

        Nor is a rule that goes by a common name alone: a log is full of vendors' names, and to look
        behind each would cost more than all the rest.
        """
        return not (self.path or self.requires or self.silent or self._goes_by_name)

    @property
    def _goes_by_name(self) -> bool:
        """Whether only words in front of it tell its secret, some of which are common."""
        in_context = bool(self.vendor) and b"(?P<secret>" in self.regex
        return in_context and not all(map(_TELLING.fullmatch, self.keywords))

    @property
    def specificity(self) -> tuple[bool, bool]:
        """How much the rule knows of what it finds: whose it is, and what it begins with.

        Of two rules that match at one place the one with more is told, if they are as sure.
        """
        return bool(self.vendor), b"(?P<secret>" not in self.regex

    def verdict(self, secret: bytes, before: bytes = b"") -> Confidence | None:
        """Return what `secret` is worth, or None if it is none of this rule's.

        Args:
            secret: What was found.
            before: What is in front of it, as far as `preface` goes.
        """
        proof = CHECKS[self.check].proof(before + secret) if self.check else Proof.OPEN
        if proof is Proof.HOLDS and self.passed is Confidence.CERTAIN:
            return self.passed  # a checksum ends the discussion, whatever words are in it
        if self._is_placeholder(secret):
            return None
        if proof is Proof.OPEN:
            return self.confidence
        return self.passed if proof is Proof.HOLDS else self.failed

    def details(self, secret: bytes, before: bytes = b"") -> Details:
        """Return what `secret` tells of itself: names and short texts, and nothing of use."""
        seen = before[max(0, len(before) - self.preface) :] + secret
        return CHECKS[self.check].details(seen) if self.check else ()

    def matches(self, text: bytes, at: int) -> Iterator[tuple[int, int, Confidence]]:
        """Yield (start, end, confidence) of each secret at the keyword that lies at `at`.

        The match ends with the window at the latest; `pattern.tail` says how it may go on.
        """
        for match in self._tried(text, at):
            start, end = match.span("secret" if "secret" in match.re.groupindex else 0)
            if not 0 <= start < end or self._passes(text, match, start, end):
                continue
            before = text[max(0, start - self.preface) : start] if self.preface else b""
            if (confidence := self.verdict(text[start:end], before)) is not None:
                yield start, end, confidence

    def matched(self, text: bytes, secret: tuple[int, int]) -> Iterator[bytes]:
        """Yield all that the regex matches, lead included, where the secret is in that place."""
        first, last = max(0, secret[0] - self.reach), secret[1] + self.before
        for word in self.keywords:
            for at in _occurrences(word, text[:last], first):
                for match in self._tried(text, at):
                    # A secret that is longer than its window ends earlier here.
                    if (
                        match.span("secret" if "secret" in match.re.groupindex else 0)[0]
                        == secret[0]
                    ):
                        yield self._with_lead(text, match)

    def faults(self) -> tuple[str, ...]:
        """Return in what way the rule falls short of its own examples; empty when it holds.

        Raises:
            RuleError: If the regex cannot be used at all.
        """
        return (*self._missed(), *self._mistaken())

    def _tried(self, text: bytes, at: int) -> Iterator[re.Match[bytes]]:
        regex, limit = self.pattern.regex, min(len(text), at + self.reach)
        if self.before == 0:
            match = regex.match(text, at, limit)
            return iter((match,) if match else ())
        keyword = max((word for word in self.keywords if text.startswith(word, at)), key=len)
        behind = at + len(keyword)
        starts = range(max(0, at - self.before), at + 1)
        found = (regex.match(text, start, limit) for start in starts)
        return (match for match in found if match and match.end() >= behind)

    def _passes(self, text: bytes, match: re.Match[bytes], start: int, end: int) -> bool:
        """Return whether something lets the match pass that asks for no more than is here."""
        return any(
            each.lets_match(text[start:end], self._with_lead(text, match))
            for each in self.allow
            if each.is_local
        )

    def _with_lead(self, text: bytes, match: re.Match[bytes]) -> bytes:
        start = match.start()
        first = max(0, start - self.lead)
        while start > first and text[start - 1] in _WORD:
            start -= 1
        return text[start : match.end()]

    def _is_placeholder(self, secret: bytes) -> bool:
        lowered = secret.lower()
        if any(word in lowered for word in self.stopwords):
            return True
        return self.entropy > 0 and entropy(secret) < self.entropy

    def found(self, text: bytes) -> set[tuple[int, int, Confidence]]:
        """Return what this rule alone finds in `text`, tried at every keyword."""
        places = {at for word in self.keywords for at in _occurrences(word, text)}
        return {
            self._followed(text, at, found) for at in places for found in self.matches(text, at)
        }

    def _followed(
        self, text: bytes, at: int, found: tuple[int, int, Confidence]
    ) -> tuple[int, int, Confidence]:
        """Return `found` with what lies behind the window."""
        start, end, confidence = found
        if tail := self.pattern.tail_behind(end, at + self.reach):
            end, _ = tail.follow(text, end, final=True)
        return start, end, confidence

    def _missed(self) -> Iterator[str]:
        texts, reached = [], []
        for number, template in enumerate(self.examples, 1):
            try:
                example = self._sample(template)
            except ValueError as error:
                yield f"example {number} is no template: {error}"
                continue
            texts.append(example.text.lower())
            worth, fault = self._worth(example)
            reached.append(worth)
            if fault:
                yield f"example {number} {fault}"
        if reached and self.best not in reached and min(reached) > 0:
            yield f"example that is {self.best.label} is missing: a <check> makes one"
        if len(texts) == len(self.examples) > 0:
            yield from self._untriggered(texts)

    def _worth(self, sample: Sample) -> tuple[int, str]:
        """Return what an example is worth, 0 for nothing, and what is wrong with it."""
        found = self.found(sample.text)
        if not found:
            return 0, "is not found"
        if {(start, end) for start, end, _ in found} != {(sample.start, sample.end)}:
            return 0, "is found, but not exactly its secret"
        reached = max(confidence for _, _, confidence in found)
        # One whose check cannot tell is one all the same.
        least = min(self.best, self.confidence)
        fault = "" if reached >= least else f"is {reached.label}, not {self.best.label}"
        return (0 if fault else reached), fault

    def _mistaken(self) -> Iterator[str]:
        for number, template in enumerate(self.counterexamples, 1):
            try:
                found = self.found(self._sample(template).text)
            except ValueError as error:
                yield f"counterexample {number} is no template: {error}"
                continue
            worth = max((confidence for _, _, confidence in found), default=None)
            if worth is not None and worth >= min(self.best, Confidence.LIKELY):
                yield f"counterexample {number} is found, as {worth.label}"

    def _untriggered(self, lowered: list[bytes]) -> Iterator[str]:
        for keyword in self.keywords:
            if not any(keyword.lower() in text for text in lowered):
                yield f"keyword '{keyword.decode()}' does not occur in any example"

    def _sample(self, template: bytes) -> Sample:
        return sample(template, seed=self.id, check=self.check, preface=self.preface)


def _occurrences(word: bytes, text: bytes, start: int = 0) -> Iterator[int]:
    at = text.find(word, start)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)
