"""What `leakguard.toml` says: which rules there are, and what of what they find is let pass.

A configuration can add, change and take away rules, allow findings, and set defaults of options. It
is looked for from the working directory upward, and never in what is scanned. One that was found
that way may have come with somebody's pull request: so it reads nothing outside of its repository,
and cannot say where secrets are or where reports go. To trust a file further, name it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from leakguard.config.part import FILE, Part, found
from leakguard.errors import UsageError
from leakguard.model import Finding
from leakguard.rules import Allow, Rule

__all__ = ["FILE", "Config", "Part", "load"]

BUILT_IN = "built in"
"""What stands for the rules that come with leakguard where others have a file."""


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration: its files, the ones that are extended first.

    Attributes:
        parts: What each file says.
    """

    parts: tuple[Part, ...] = ()

    @property
    def origin(self) -> str:
        """The file, or nothing when there is none."""
        return self.parts[-1].origin if self.parts else ""

    def rules(self, builtin: Iterable[Rule]) -> dict[str, tuple[Rule, str]]:
        """Return the rules in use and where each comes from, by id.

        Args:
            builtin: The rules that come with leakguard.

        Raises:
            UsageError: If something is changed that is not there, or no rules are left.
        """
        wanted = all(part.builtin for part in self.parts)
        rules = {rule.id: (rule, BUILT_IN) for rule in (builtin if wanted else ())}
        for part in self.parts:
            _add(rules, part)
        for rule, origin in list(rules.values()):
            rules[rule.id] = (self.allowing(rule), origin)
        if not rules:
            raise UsageError(f"{self.origin}: no rules are left")
        return rules

    def allowing(self, rule: Rule) -> Rule:
        """Return `rule` with what is allowed for it by its values."""
        more = tuple(each for each in self._allow() if not each.is_of_findings)
        more = tuple(each for each in more if each.is_for(rule.id))
        return replace(rule, allow=rule.allow + more) if more else rule

    def allows(self, finding: Finding) -> bool:
        """Return whether a finding is let pass by where it is, by its fingerprint or its rule."""
        return any(_lets(each, finding) for each in self._allow() if each.is_of_findings)

    def options(self) -> Iterator[tuple[Part, Mapping[str, object]]]:
        """Yield the defaults of options in each file."""
        return ((part, part.options) for part in self.parts if part.options)

    def _allow(self) -> Iterator[Allow]:
        return (each for part in self.parts for each in part.allow)


def load(file: str = "", *, start: Path | None = None) -> Config:
    """Return the configuration in `file`, or in the one that is found.

    Args:
        file: A file that the user trusts; empty to look for one.
        start: Where to look, the working directory by default.

    Raises:
        UsageError: If it cannot be read, or what it says is not understood.
    """
    if file:
        if not os.path.exists(file):  # noqa: PTH110  # a name that is too long is none either
            # A secret may stand where a path belongs, so the message does not repeat it.
            raise UsageError("cannot read what --config or LEAKGUARD_CONFIG names: no such file")
        return _read(Path(file), within=None)
    path, root = found(start or Path.cwd())
    return _read(path, within=root) if path else Config()


def _read(file: Path, *, within: Path | None) -> Config:
    from leakguard.config.files import parts  # noqa: PLC0415  # most starts have nothing to read

    return Config(tuple(parts(file, within=within)))


def _add(rules: dict[str, tuple[Rule, str]], part: Part) -> None:
    """Add the rules of a file, then take away and change what it says."""
    for rule in _renamed(part.rules, rules) if part.is_foreign else part.rules:
        rules[rule.id] = (rule, part.origin)
    for key, change in part.overrides:
        if key not in rules:
            raise UsageError(part.unknown("override", key, rules))
        rule, origin = rules[key]
        rules[key] = (change(rule), f"{origin}, changed in {part.origin}")
    for name in set(_disabled(rules, part)):
        del rules[name]


def _disabled(rules: Collection[str], part: Part) -> Iterator[str]:
    """Yield the ids of rules that a file takes away, or of which it lets everything pass."""
    for each in part.allow:
        yield from (name for name in rules if each.is_of_rules_alone and each.is_for(name))
    for glob in part.disable:
        gone = [name for name in rules if fnmatchcase(name, glob)]
        if not gone and not part.is_foreign:
            raise UsageError(part.unknown("disable", glob, rules))
        yield from gone


def _renamed(rules: Iterable[Rule], known: Container[str]) -> Iterator[Rule]:
    """Yield rules of gitleaks, under other ids where theirs are taken: these are other rules."""
    rules = tuple(rules)
    names = {rule.id: f"gitleaks-{rule.id}" for rule in rules if rule.id in known}
    for rule in rules:
        requires = tuple(
            replace(each, rules=tuple(names.get(name, name) for name in each.rules))
            for each in rule.requires
        )
        yield replace(rule, id=names.get(rule.id, rule.id), requires=requires)


def _lets(allow: Allow, finding: Finding) -> bool:
    if allow.rules and (finding.kind != "rule" or not allow.is_for(finding.name)):
        return False
    if allow.fingerprints and finding.fingerprint not in allow.fingerprints:
        return False
    return allow.lets_place(b"", finding.path)
