"""The built-in rules as they were read before: their hundreds of files take long to parse.

What is stored is plain JSON, read back field by field: nothing in it is ever run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from leakguard import cache
from leakguard.model import Confidence
from leakguard.rules.rule import Rule

_WORDS = frozenset({"id", "description", "check", "vendor", "remediation"})
_SURE = frozenset({"confidence", "passed", "failed"})
_NUMBERS = frozenset({"before", "reach", "entropy", "preface", "lead", "silent", "context"})
_BYTES = frozenset({"regex", "path"})
_LISTS = frozenset({"keywords", "stopwords", "examples", "counterexamples"})
_PLAIN = _WORDS | _SURE | _NUMBERS | _BYTES | _LISTS


def stored(parse: Callable[[], tuple[Rule, ...]]) -> tuple[Rule, ...]:
    """Return the built-in rules, parsed anew if they or this code have changed meanwhile."""
    name = _name()
    if name is None:
        return parse()
    content = cache.load(name)
    rules = None if content is None else _read(content)
    if rules is None:
        rules = tuple(replace(rule, context=_context(rule)) for rule in parse())
        if not any(rule.allow or rule.requires for rule in rules):
            cache.keep(name, json.dumps([_written(rule) for rule in rules]).encode())
    return rules


def _name() -> str | None:
    """Return the name under which they are stored; None where files have no state, as in a zip."""
    package = resources.files("leakguard")
    if not isinstance(package, Path):
        return None
    try:
        files = sorted(
            [
                file
                for glob in ("ruleset/*.toml", "rules/*.py", "patterns/*.py")
                for file in package.glob(glob)
            ]
        )
        return cache.name("rules", cache.states(files))
    except OSError:
        return None


def _context(rule: Rule) -> int:
    return rule.pattern.least_context if rule.keywords else -1


def _written(rule: Rule) -> dict[str, object]:
    return {name: _plain(getattr(rule, name)) for name in _PLAIN}


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.label if isinstance(value, Confidence) else value


def _read(content: bytes) -> tuple[Rule, ...] | None:
    try:
        return tuple(
            Rule(**{name: _field(name, value) for name, value in row.items()})
            for row in json.loads(content)
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _field(name: str, value: Any) -> Any:  # noqa: ANN401  # of any field of `Rule`
    if name in _LISTS and isinstance(value, list):
        return tuple([each.encode("latin-1") for each in value])
    if name in _BYTES and isinstance(value, str):
        return value.encode("latin-1")
    return Confidence.of(value) if name in _SURE and isinstance(value, str) else value
