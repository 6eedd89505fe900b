"""Reads rules from TOML, and says in one line, with file and line number, what is wrong.

Each key of a rule has one function in `_VALUES` that turns what TOML has into what `Rule` takes. To
add a key, add the field to `Rule` and the function here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from leakguard import patterns
from leakguard.checks import CHECKS
from leakguard.errors import RuleError
from leakguard.model import Confidence
from leakguard.rules.rule import Rule

_SHORTEST_KEYWORD = 3
_FARTHEST = 8192


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A TOML file of rules; knows in which line a thing stands.

    Attributes:
        origin: What messages call it.
        text: What it holds.
        trusted: Whether regexes and examples go unexamined.
    """

    origin: str
    text: str
    trusted: bool = False

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules.

        Raises:
            RuleError: The first thing that is wrong.
        """
        rules = []
        for item in self.items():
            if isinstance(item, RuleError):
                raise item
            rules.append(item)
        return tuple(rules)

    def items(self) -> Iterator[Rule | RuleError]:
        """Yield each rule, after what is wrong with it."""
        try:
            document = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            yield self._undecodable(error)
            return
        tables = document.pop("rules", None)
        if not isinstance(tables, list) or not tables:
            yield RuleError(f"{self.origin}:1: there are no rules: no [[rules]] table")
            return
        yield from self._each(document, tables)

    def _each(
        self, defaults: dict[str, object], tables: list[object]
    ) -> Iterator[Rule | RuleError]:
        for key in sorted(defaults.keys() - _COMMON):
            yield RuleError(f"{self.origin}:{self._line(-1, key)}: '{key}' is not known here")
        common = {key: value for key, value in defaults.items() if key in _COMMON}
        seen: set[str] = set()
        for index, table in enumerate(tables):
            if not isinstance(table, dict):
                yield RuleError(f"{self.origin}:1: 'rules' must be tables")
                continue
            built = self._rule(index, common | table, seen)
            if isinstance(built, Rule) and not self.trusted:
                yield from self._faults(index, built)
            yield built

    def _rule(self, index: int, table: dict[str, object], seen: set[str]) -> Rule | RuleError:
        try:
            rule = _built(table)
            if rule.id in seen:
                raise _TableError("id", "is used by a rule above")
        except _TableError as wrong:
            return self._error(index, wrong.key, table.get("id"), f"'{wrong.key}' {wrong}")
        seen.add(rule.id)
        return rule

    def _faults(self, index: int, rule: Rule) -> Iterator[RuleError]:
        try:
            patterns.check(rule.regex, reach=rule.reach)
            faults = rule.faults()
        except RuleError as error:
            yield self._error(index, "regex", rule.id, str(error))
            return
        for fault in faults:
            yield self._error(index, _about(fault), rule.id, fault)

    def _error(self, index: int, key: str, identifier: object, message: str) -> RuleError:
        which = f"rule '{identifier}'" if isinstance(identifier, str) else f"rule {index + 1}"
        return RuleError(f"{self.origin}:{self._line(index, key)}: {which}: {message}")

    def _line(self, index: int, key: str) -> int:
        """Return the line of `key` in the table at `index` (-1: above all), or of the table."""
        lines = self.text.splitlines()
        headers = [n for n, line in enumerate(lines) if re.match(r"\s*\[\[\s*rules\s*\]\]", line)]
        bounds = [0, *headers, len(lines)]
        if index + 2 >= len(bounds):
            return 1
        start, end = bounds[index + 1], bounds[index + 2]
        named = re.compile(rf'\s*"?{re.escape(key)}"?\s*=')
        return next((n for n in range(start, end) if named.match(lines[n])), start) + 1

    def _undecodable(self, error: tomllib.TOMLDecodeError) -> RuleError:
        what, _, where = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", where)
        number = int(line[1]) if line else self.text.count("\n") + 1
        return RuleError(f"{self.origin}:{number}: not valid TOML: {what[:1].lower()}{what[1:]}")


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
    for key in _NEEDED:
        if key not in table:
            raise _TableError(key, "is missing")
    values = {key: _converted(key, value) for key, value in table.items()}
    if values.pop("ignore_case", False):
        values["keywords"] = _in_every_case(_keywords(table["keywords"]))
    rule = Rule(**values)  # type: ignore[arg-type]  # `_VALUES` has converted each to its type
    if rule.reach < max(map(len, rule.keywords)):
        raise _TableError("reach", "must be at least as long as the longest keyword")
    return rule


def _converted(key: str, value: object) -> object:
    try:
        return _VALUES[key](value)
    except ValueError as error:
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
        "confidence": _confidence,
        "passed": _confidence,
        "failed": _confidence,
        "stopwords": _stopwords,
        "vendor": _string,
        "remediation": _string,
        "examples": _strings,
        "counterexamples": _strings,
    }
)
_NEEDED = ("id", "description", "keywords", "regex")
_COMMON = frozenset({"vendor", "remediation"})
