"""The built-in rules as they were read before: their hundreds of files take long to parse.

A wheel brings along what its rules come to, for a new machine has nothing in its cache; a checkout
keeps it in the cache of its user. It is plain JSON, read back field by field: nothing in it is ever
run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from leakguard import cache
from leakguard.model import Confidence
from leakguard.rules.allow import Allow
from leakguard.rules.rule import Requirement, Rule

_PACKAGE = Path(__file__).parents[1]
_SURE = {each.label: each for each in Confidence}


def stored(parse: Callable[[], tuple[Rule, ...]]) -> tuple[Rule, ...]:
    """Return the built-in rules, parsed anew if they or this code have changed meanwhile."""
    rules = read(shipped("rules.json"))
    if rules is not None:
        return rules
    name = _name()
    if name is None:
        return parse()
    content = cache.load(name)
    rules = None if content is None else read(content)
    if rules is None:
        rules = tuple(map(_known, parse()))
        cache.keep(name, rows(rules))
    return rules


def shipped(name: str) -> bytes:
    """Return what a wheel brings along under a name; nothing if it is damaged or of other rules.

    Rules are told by the names and sizes of their files: a wheel is not there to be edited.
    """
    try:
        seal, _, content = (_PACKAGE / "ruleset" / name).read_bytes().partition(b"\n")
        return content if seal == _seal(content) else b""
    except OSError:
        return b""


def ship(name: str, content: bytes, folder: Path) -> None:
    """Write into `folder` what a wheel that is being built brings along under a name."""
    (folder / name).write_bytes(_seal(content) + b"\n" + content)


def ship_rules(rules: Iterable[Rule], folder: Path) -> None:
    """Write into `folder` the rules that a wheel brings along, as they were parsed."""
    ship("rules.json", rows(map(_known, rules)), folder)


def _seal(content: bytes) -> bytes:
    """Return what tells what is derived from the rules that there are, and is whole."""
    with os.scandir(_PACKAGE / "ruleset") as entries:
        sizes = sorted(
            f"{each.name} {each.stat().st_size}" for each in entries if each.name.endswith(".toml")
        )
    return hashlib.sha256("\n".join(sizes).encode() + content).hexdigest().encode()


def _name() -> str | None:
    """Return the name under which they are stored; None where files have no state, as in a zip."""
    try:
        folders = [(_PACKAGE / "ruleset", ".toml"), *((_PACKAGE / each, ".py") for each in _CODE)]
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


def rows(rules: Iterable[Rule]) -> bytes:
    """Return rules as they are stored."""
    return json.dumps([_written(rule) for rule in rules]).encode()


def _written(one: Rule | Allow | Requirement) -> dict[str, object]:
    """Return the fields that are not as they are by default."""
    values = ((each, getattr(one, each.name)) for each in fields(one))
    return {each.name: _plain(value) for each, value in values if value != each.default}


def _plain(value: object) -> object:
    match value:
        case bytes():
            return value.decode("latin-1")
        case Allow() | Requirement():
            return _written(value)
        case tuple():
            return [_plain(each) for each in value]
        case Confidence():
            return value.label
        case _:
            return value


def read(content: bytes) -> tuple[Rule, ...] | None:
    """Return the rules that are stored as `content`, or None if it is damaged."""
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


def _list(texts: list[str]) -> tuple[bytes, ...]:
    return tuple([each.encode("latin-1") for each in texts])


def _allow(rows: list[dict[str, list[str]]]) -> tuple[Allow, ...]:
    return tuple(Allow(**{name: _ALLOW[name](row[name]) for name in row}) for row in rows)


def _requires(rows: list[dict[str, Any]]) -> tuple[Requirement, ...]:
    return tuple(Requirement(**{**row, "rules": tuple(row["rules"])}) for row in rows)


_ALLOW: dict[str, Callable[[list[str]], Any]] = {
    **dict.fromkeys(("values", "matches", "lines", "stopwords", "path_regexes"), _list),
    **dict.fromkeys(("paths", "rules", "fingerprints"), tuple),
}
_READ: dict[str, Callable[[Any], object]] = {
    **dict.fromkeys(("regex", "path"), _bytes),
    **dict.fromkeys(("keywords", "stopwords", "examples", "counterexamples"), _list),
    **dict.fromkeys(("confidence", "passed", "failed"), _SURE.get),
    "allow": _allow,
    "requires": _requires,
}
