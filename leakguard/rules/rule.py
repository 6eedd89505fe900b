"""A rule: what one kind of credential looks like, and what a match of it is worth.

A rule answers for the bytes at hand alone and holds no state. Where to ask it, and what bytes that
are yet to come may change, is for the matcher and for `leakguard.patterns` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from leakguard import patterns
from leakguard.checks import CHECKS, entropy
from leakguard.model import Confidence
from leakguard.patterns import Pattern
from leakguard.rules.examples import Sample, sample

PLACEHOLDERS = tuple(
    b"example placeholder changeme change-me change_me your- your_ redacted masked dummy insert "
    b"xxxx **** .... ${ {{ $( %( <% 123456789 abcdefgh deadbeef".split()
)
"""Stop words of a rule that names none: what people write where a secret would stand."""


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
        confidence: What a match is worth when there is no check.
        passed: What it is worth when the check passes.
        failed: What it is worth when the check fails; None is no match.
        stopwords: Lower-case words that a secret does not contain.
        vendor: Whose credential it is.
        remediation: What to do about a leak.
        examples: Templates of texts with one secret each.
        counterexamples: Templates of texts without any.
    """

    id: str
    description: str
    regex: bytes
    keywords: tuple[bytes, ...]
    before: int = 0
    reach: int = 512
    entropy: float = 0.0
    check: str = ""
    confidence: Confidence = Confidence.LIKELY
    passed: Confidence = Confidence.CERTAIN
    failed: Confidence | None = None
    stopwords: tuple[bytes, ...] = PLACEHOLDERS
    vendor: str = ""
    remediation: str = ""
    examples: tuple[bytes, ...] = field(default=(), repr=False)
    counterexamples: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def pattern(self) -> Pattern:
        """What the regex says about streams; worked out at the first use."""
        return patterns.analyse(self.regex)

    @property
    def best(self) -> Confidence:
        """The most that a match of this rule can be worth."""
        return self.passed if self.check else self.confidence

    def verdict(self, secret: bytes) -> Confidence | None:
        """Return what `secret` is worth, or None if it is none of this rule's."""
        verified = bool(self.check) and CHECKS[self.check](secret)
        if verified and self.passed is Confidence.CERTAIN:
            return self.passed  # a checksum ends the discussion, whatever words are in it
        if self._is_placeholder(secret):
            return None
        return self.best if verified or not self.check else self.failed

    def matches(self, text: bytes, at: int) -> Iterator[tuple[int, int, Confidence]]:
        """Yield (start, end, confidence) of each secret at the keyword that lies at `at`.

        The match ends with the window at the latest; `pattern.tail` says how it may go on.
        """
        for match in self._tried(text, at):
            start, end = match.span("secret" if "secret" in match.re.groupindex else 0)
            if 0 <= start < end and (confidence := self.verdict(text[start:end])) is not None:
                yield start, end, confidence

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
        found = regex.finditer(text, max(0, at - self.before), limit)
        behind = at + len(keyword)
        return (match for match in found if match.start() <= at and match.end() >= behind)

    def _is_placeholder(self, secret: bytes) -> bool:
        lowered = secret.lower()
        return entropy(secret) < self.entropy or any(word in lowered for word in self.stopwords)

    def _found(self, text: bytes) -> set[tuple[int, int, Confidence]]:
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
        texts = []
        for number, template in enumerate(self.examples, 1):
            try:
                example = self._sample(template)
            except ValueError as error:
                yield f"example {number} is no template: {error}"
                continue
            texts.append(example.text.lower())
            if fault := self._fault(example):
                yield f"example {number} {fault}"
        if len(texts) == len(self.examples) > 0:
            yield from self._untriggered(texts)

    def _fault(self, sample: Sample) -> str:
        found = self._found(sample.text)
        if not found:
            return "is not found"
        if {(start, end) for start, end, _ in found} != {(sample.start, sample.end)}:
            return "is found, but not exactly its secret"
        reached = max(confidence for _, _, confidence in found)
        return "" if reached is self.best else f"is {reached.label}, not {self.best.label}"

    def _mistaken(self) -> Iterator[str]:
        for number, template in enumerate(self.counterexamples, 1):
            try:
                found = self._found(self._sample(template).text)
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
        return sample(template, seed=self.id, check=self.check)


def _occurrences(word: bytes, text: bytes) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)
