"""Reads rules from TOML, and says in one line, with file and line number, what is wrong.

Each key of a rule has one function in `_VALUES` that turns what TOML has into what `Rule` takes. To
add a key, add the field to `Rule` and the function here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from leakguard import patterns
from leakguard.checks import CHECKS
from leakguard.errors import RuleError
from leakguard.model import Confidence
from leakguard.rules.allow import OF_FILES, OF_RULES, Allow, allow
from leakguard.rules.lines import Lines
from leakguard.rules.rule import Requirement, Rule

_SHORTEST_KEYWORD = 3
_FARTHEST = 8192


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A TOML file of rules; knows in which line a thing stands.

    Attributes:
        origin: What messages call it.
        text: What it holds.
        trusted: Whether regexes and examples go unexamined.
        ignored: Keys above the rules that are for others.
    """

    origin: str
    text: str
    trusted: bool = False
    ignored: frozenset[str] = frozenset()

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules.

        Raises:
            RuleError: The first thing that is wrong.
        """
        return firm(self.items())

    def items(self) -> Iterator[Rule | RuleError]:
        """Yield each rule, after what is wrong with it."""
        lines = Lines(self.origin, self.text)
        try:
            document = lines.document()
        except RuleError as error:
            yield error
            return
        tables = document.pop("rules", None)
        document = {key: value for key, value in document.items() if key not in self.ignored}
        if not isinstance(tables, list) or not tables:
            yield RuleError(f"{self.origin}:1: there are no rules: no [[rules]] table")
            return
        yield from Tables(lines, document, tables, trusted=self.trusted).items()


def firm(items: Iterable[Rule | RuleError]) -> tuple[Rule, ...]:
    """Return rules, if there are no errors among them.

    Raises:
        RuleError: The first error.
    """
    rules = []
    for item in items:
        if isinstance(item, RuleError):
            raise item
        rules.append(item)
    return tuple(rules)


@dataclass(frozen=True, slots=True)
class Tables:
    """The `[[rules]]` of a TOML file, and what stands above them for all.

    Attributes:
        lines: The file.
        above: What stands above the rules.
        tables: The rules.
        trusted: Whether regexes and examples go unexamined.
    """

    lines: Lines
    above: dict[str, object]
    tables: list[object]
    trusted: bool = False

    def items(self) -> Iterator[Rule | RuleError]:
        """Yield each rule, after what is wrong with it."""
        for key in sorted(self.above.keys() - _COMMON):
            yield self.lines.error(-1, key, f"'{key}' is not known here")
        try:
            common = self._common()
        except _TableError as wrong:
            yield self.lines.error(-1, wrong.key, str(wrong))
            return
        seen: set[str] = set()
        for index, table in enumerate(self.tables):
            if not isinstance(table, dict):
                yield RuleError(f"{self.lines.origin}:1: 'rules' must be tables")
                continue
            built = self._rule(index, table, common, seen)
            if isinstance(built, Rule) and not self.trusted:
                yield from self._faults(index, built)
            yield built

    def _common(self) -> _Common:
        values = {key: value for key, value in self.above.items() if key in _COMMON - {"allow"}}
        return _Common(values, _allowed(self.above.get("allow", []), OF_FILES))

    def _rule(
        self, index: int, table: dict[str, object], common: _Common, seen: set[str]
    ) -> Rule | RuleError:
        try:
            rule = _built(common.values | table)
            if rule.id in seen:
                raise _TableError("id", "is used by a rule above")
        except _TableError as wrong:
            return self._error(index, wrong.key, table.get("id"), f"'{wrong.key}' {wrong}")
        seen.add(rule.id)
        shared = tuple(each for each in common.allow if each.is_for(rule.id))
        return replace(rule, allow=rule.allow + shared) if shared else rule

    def _faults(self, index: int, rule: Rule) -> Iterator[RuleError]:
        try:
            _judge(rule)
            faults = rule.faults() if rule.keywords else ()
        except RuleError as error:
            yield self._error(index, "regex", rule.id, str(error))
            return
        for fault in faults:
            yield self._error(index, _about(fault), rule.id, fault)

    def _error(self, index: int, key: str, identifier: object, message: str) -> RuleError:
        which = f"rule '{identifier}'" if isinstance(identifier, str) else f"rule {index + 1}"
        return self.lines.error(index, key, f"{which}: {message}")


def changed(table: dict[str, object]) -> Callable[[Rule], Rule]:
    """Return what changes those keys of a rule that are in a table.

    The rule that comes of it is looked at when it is made.

    Raises:
        RuleError: If a key or a value cannot be part of a rule.
    """
    try:
        for key in sorted(table.keys() - (_VALUES.keys() - {"id", "ignore_case"})):
            raise _TableError(key, "cannot be changed")
        values = {key: _converted(key, value) for key, value in table.items()}
    except _TableError as wrong:
        raise RuleError(f"'{wrong.key}' {wrong}") from wrong

    def change(rule: Rule) -> Rule:
        made: Rule = replace(rule, **values)  # type: ignore[arg-type]  # as in `_built`
        if not values.keys().isdisjoint({"regex", "keywords", "before", "reach"}):
            _judge(made)
        return made

    return change


@dataclass(frozen=True, slots=True)
class _Common:
    """What holds for all rules of a file."""

    values: dict[str, object]
    allow: tuple[Allow, ...]


def _judge(rule: Rule) -> None:
    """Raise if the regex of a rule cannot be used.

    Raises:
        RuleError: If it cannot.
    """
    if rule.keywords:
        patterns.check(rule.regex, reach=rule.reach, keywords=rule.keywords, before=rule.before)


class _TableError(ValueError):
    """A value that cannot be part of a rule; says which, and in what way."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def _about(fault: str) -> str:
    """Return the key that a fault is about."""
    kind = re.split(r"[ :]", fault)[0]
    return "keywords" if kind == "keyword" else f"{kind}s"


def _built(table: dict[str, object]) -> Rule:
    """Return the rule that a table describes.

    Raises:
        _TableError: If it describes none.
    """
    for key in sorted(table.keys() - _VALUES.keys()):
        raise _TableError(key, "is no key of a rule")
    of_path = "path" in table and "regex" not in table and "keywords" not in table
    for key in _NEEDED_BY_ALL if of_path else _NEEDED:
        if key not in table:
            raise _TableError(key, "is missing")
    values = {key: _converted(key, value) for key, value in table.items()}
    if values.pop("ignore_case", False):
        values["keywords"] = _in_every_case(_keywords(table["keywords"]))
    if of_path:
        values |= {"regex": b"", "keywords": ()}
    rule = Rule(**values)  # type: ignore[arg-type]  # `_VALUES` has converted each to its type
    if rule.reach < max(map(len, rule.keywords), default=0):
        raise _TableError("reach", "must be at least as long as the longest keyword")
    return rule


def _allowed(value: object, keys: Iterable[str]) -> tuple[Allow, ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _TableError("allow", "must be tables: [[allow]]")
    try:
        return tuple(allow(item, keys=keys) for item in value)
    except RuleError as error:
        raise _TableError("allow", str(error)) from error


def _converted(key: str, value: object) -> object:
    try:
        return _VALUES[key](value)
    except (ValueError, RuleError) as error:
        raise _TableError(key, str(error)) from error


def _in_every_case(keywords: tuple[bytes, ...]) -> tuple[bytes, ...]:
    cases = [case for word in keywords for case in (word, word.lower(), word.upper(), word.title())]
    return tuple(dict.fromkeys(cases))


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text that is not blank")
    return value


def _identifier(value: object) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", _string(value)):
        raise ValueError("must be lower-case letters and digits, in words joined by '-'")
    return _string(value)


def _bytes(value: object) -> bytes:
    return _string(value).encode()


def _strings(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError("must be a list of texts, none of them empty")
    return tuple(item.encode() for item in value)


def _keywords(value: object) -> tuple[bytes, ...]:
    keywords = _strings(value)
    if not keywords or min(map(len, keywords)) < _SHORTEST_KEYWORD:
        raise ValueError(f"must hold a keyword, and none shorter than {_SHORTEST_KEYWORD} bytes")
    return keywords


def _stopwords(value: object) -> tuple[bytes, ...]:
    return tuple(word.lower() for word in _strings(value))


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _FARTHEST:
        raise ValueError(f"must be a number of bytes from 0 to {_FARTHEST}")
    return value


def _bits(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 8:
        raise ValueError("must be a number of bits from 0 to 8")
    return float(value)


def _check(value: object) -> str:
    name = _string(value)
    if name not in CHECKS:
        raise ValueError(f"must be one of {', '.join(sorted(CHECKS))}")
    return name


def _confidence(value: object) -> Confidence:
    reachable = {level.label: level for level in Confidence if level is not Confidence.KNOWN}
    label = _string(value)
    if label not in reachable:
        raise ValueError(f"must be one of {', '.join(sorted(reachable))}")
    return reachable[label]


def _path(value: object) -> bytes:
    regex = _bytes(value)
    patterns.check_search(regex)
    return regex


def _allow(value: object) -> tuple[Allow, ...]:
    return _allowed(value, OF_RULES)


def _requires(value: object) -> tuple[Requirement, ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("must be tables: [[rules.requires]]")
    return tuple(map(_requirement, value))


def _requirement(table: dict[str, object]) -> Requirement:
    if not {"rules"} <= table.keys() <= {"rules", "lines", "columns"}:
        raise ValueError("must say 'rules', and may say 'lines' and 'columns'")
    near = {key: _count(table[key]) for key in ("lines", "columns") if key in table}
    rules = tuple(rule.decode() for rule in _strings(table["rules"]))
    return Requirement(rules, **near)


_VALUES: Mapping[str, Callable[[object], object]] = MappingProxyType(
    {
        "id": _identifier,
        "description": _string,
        "regex": _bytes,
        "keywords": _keywords,
        "ignore_case": _boolean,
        "before": _count,
        "reach": _count,
        "entropy": _bits,
        "check": _check,
        "preface": _count,
        "confidence": _confidence,
        "passed": _confidence,
        "failed": _confidence,
        "stopwords": _stopwords,
        "vendor": _string,
        "remediation": _string,
        "examples": _strings,
        "counterexamples": _strings,
        "path": _path,
        "lead": _count,
        "allow": _allow,
        "requires": _requires,
        "silent": _boolean,
    }
)
_NEEDED_BY_ALL = ("id", "description")
_NEEDED = (*_NEEDED_BY_ALL, "keywords", "regex")
_COMMON = frozenset({"vendor", "remediation", "allow"})

KEYS = frozenset(_VALUES)
"""What a table of a rule may say."""
