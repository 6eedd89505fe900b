"""The built-in rules as they were read before: their hundreds of files take long to parse.

What is stored is plain JSON, read back field by field: nothing in it is ever run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from leakguard import cache
from leakguard.model import Confidence
from leakguard.rules.rule import Rule

_SURE = {each.label: each for each in Confidence}
_BETWEEN = "\0"  # parts the texts of a list; a built-in rule has none of it, as its test says


def stored(parse: Callable[[], tuple[Rule, ...]]) -> tuple[Rule, ...]:
    """Return the built-in rules, parsed anew if they or this code have changed meanwhile."""
    name = _name()
    if name is None:
        return parse()
    content = cache.load(name)
    rules = None if content is None else _read(content)
    if rules is None:
        rules = tuple(map(_known, parse()))
        if not any(rule.allow or rule.requires for rule in rules):
            cache.keep(name, json.dumps([_written(rule) for rule in rules]).encode())
    return rules


def _name() -> str | None:
    """Return the name under which they are stored; None where files have no state, as in a zip."""
    package = Path(__file__).parents[1]
    try:
        folders = [(package / "ruleset", ".toml"), *((package / each, ".py") for each in _CODE)]
        states = [state for folder, kind in folders for state in _states(folder, kind)]
    except OSError:
        return None
    return cache.name("rules", states)


_CODE = ("rules", "patterns")


def _states(folder: Path, kind: str) -> list[bytes]:
    """Return what tells the files of one kind apart from those that they were."""
    with os.scandir(folder) as entries:
        return sorted(
            cache.state(entry.path, entry.stat()) for entry in entries if entry.name.endswith(kind)
        )


def _known(rule: Rule) -> Rule:
    """Return `rule` with what its regex says of its surroundings, which is long to work out."""
    if not rule.keywords:
        return replace(rule, behind=0)
    return replace(rule, context=rule.pattern.least_context, behind=rule.behind_match)


def _written(rule: Rule) -> dict[str, object]:
    """Return the fields of a rule that are not as they are by default."""
    values = ((each, getattr(rule, each.name)) for each in fields(Rule))
    return {each.name: _plain(value) for each, value in values if value != each.default}


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, tuple):
        return _BETWEEN.join(each.decode("latin-1") for each in value)
    return value.label if isinstance(value, Confidence) else value


def _read(content: bytes) -> tuple[Rule, ...] | None:
    try:
        return tuple(map(_rule, json.loads(content)))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _rule(row: dict[str, Any]) -> Rule:
    for name, read in _READ.items():
        if name in row:
            row[name] = read(row[name])
    return Rule(**row)


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _list(text: str) -> tuple[bytes, ...]:
    return tuple(text.encode("latin-1").split(_BETWEEN.encode())) if text else ()


_READ: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("regex", "path"), _bytes),
    **dict.fromkeys(("keywords", "stopwords", "examples", "counterexamples"), _list),
    **dict.fromkeys(("confidence", "passed", "failed"), _SURE.get),
}
