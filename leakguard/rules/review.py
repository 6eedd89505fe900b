"""Reviews rules beyond what each of them is held to: keywords in vain, doubles, and overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from leakguard.rules.examples import sample
from leakguard.rules.rule import Rule

_ANY_BYTE = (b"", *(bytes([byte]) for byte in range(256)))


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said of a rule.

    Attributes:
        rule: Its id.
        key: The key that it is about.
        text: The remark.
        is_fault: Whether it is more than something to know.
    """

    rule: str
    key: str
    text: str
    is_fault: bool


def review(rules: Iterable[Rule], known: Iterable[Rule] = ()) -> Iterator[Remark]:
    """Yield what is to be said of each of `rules`, given the rules that are `known` already."""
    others = list(known)
    for rule in rules:
        yield from _unreachable(rule)
        yield from _doubles(rule, others)
        yield from _overlaps(rule, [other for other in others if other.id != rule.id])
        others.append(rule)


def _unreachable(rule: Rule) -> Iterator[Remark]:
    """Yield the keywords that no match can begin with."""
    for keyword in rule.keywords if rule.before == 0 else ():
        fronts = _ANY_BYTE if b"(?<=" in rule.regex else (b"",)
        if not any(_begins(rule, front, keyword) for front in fronts):
            text = f"keyword '{keyword.decode()}' is where no match can begin"
            yield Remark(rule.id, "keywords", text, is_fault=True)


def _begins(rule: Rule, front: bytes, keyword: bytes) -> bool:
    text = front + keyword
    pattern = rule.pattern
    return bool(pattern.regex.match(text, len(front))) or pattern.open(text, len(front))


def _doubles(rule: Rule, others: Iterable[Rule]) -> Iterator[Remark]:
    for other in others:
        if other.id == rule.id:
            text = "there is a rule of that id already; this one takes its place"
            yield Remark(rule.id, "id", text, is_fault=False)
        elif rule.regex and (other.regex, other.path) == (rule.regex, rule.path):
            text = f"the regex is that of rule '{other.id}'"
            yield Remark(rule.id, "regex", text, is_fault=True)


def _overlaps(rule: Rule, others: Iterable[Rule]) -> Iterator[Remark]:
    """Yield the rules that find the secrets of a rule's examples, too."""
    finders: dict[str, int] = {}
    for number, template in enumerate(rule.examples, 1):
        example = sample(template, seed=rule.id, check=rule.check, preface=rule.preface)
        for other in others:
            places = other.found(example.text)
            if any(start < example.end and end > example.start for start, end, _ in places):
                finders.setdefault(other.id, number)
    for name, number in finders.items():
        text = f"example {number} is found by rule '{name}', too"
        yield Remark(rule.id, "examples", text, is_fault=False)
