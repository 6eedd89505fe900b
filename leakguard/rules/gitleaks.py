"""Translates a gitleaks configuration into a file of rules of ours, with the same meaning.

gitleaks looks for a rule's regex wherever one of its keywords is in the file. We try a regex where
one of its literals lies, within a window. So the literals are derived from the regex itself; where
there are none, the keyword has to stand close in front of the match. A regex of which several
groups may be the secret becomes several rules. What cannot keep its meaning is refused, and what
keeps it within limits only says so above the rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count

from leakguard import patterns
from leakguard.errors import RuleError
from leakguard.patterns import heads, re2, shape
from leakguard.patterns.heads import Heads
from leakguard.patterns.shape import Shape
from leakguard.patterns.syntax import (
    Chars,
    Choice,
    Marked,
    Node,
    Repeat,
    Series,
    folded,
    series,
    width,
)
from leakguard.patterns.writing import written
from leakguard.rules import writing
from leakguard.rules.lines import Lines
from leakguard.rules.writing import Table, Value

NEAR = 256
"""How many bytes behind a keyword a match may begin, where the regex holds no literal itself."""

_FARTHEST = 8192
_REACHES = (_FARTHEST, 4096, 2048, 1024)
_BEHIND = 8
_ALL = (1 << 256) - 1
_TARGETS = {"": "values", "secret": "values", "match": "matches", "line": "lines"}
_OWN_KEYS = {"title", "minVersion", "allowlist", "allowlists", "extend"}
_OWN_RULE_KEYS = {"secretGroup", "allowlist", "allowlists", "required", "skipReport", "tags"}
_RULE_KEYS = {"id", "description", "regex", "path", "entropy", "keywords"} | _OWN_RULE_KEYS


@dataclass(frozen=True, slots=True)
class Extended:
    """What a configuration of gitleaks extends.

    Attributes:
        path: Another configuration; empty if none.
        default: Whether it extends the rules that come with gitleaks.
        disabled: Ids of rules that it takes from what it extends.
    """

    path: str
    default: bool
    disabled: tuple[str, ...]


def is_gitleaks(name: str, document: Mapping[str, object]) -> bool:
    """Return whether a TOML document is a configuration of gitleaks, and no file of ours."""
    if "gitleaks" in name.lower() or not _OWN_KEYS.isdisjoint(document):
        return True
    rules = document.get("rules")
    tables = rules if isinstance(rules, list) else []
    return any(isinstance(each, dict) and not _OWN_RULE_KEYS.isdisjoint(each) for each in tables)


def extended(document: Mapping[str, object]) -> Extended:
    """Return what a configuration extends."""
    table = document.get("extend")
    table = table if isinstance(table, dict) else {}
    disabled = table.get("disabledRules")
    return Extended(
        path=str(table.get("path", "")),
        default=table.get("useDefault") is True,
        disabled=tuple(map(_identifier, map(str, disabled))) if isinstance(disabled, list) else (),
    )


def translate(text: str, origin: str) -> str:
    """Return what a gitleaks configuration says as a file of rules.

    Args:
        text: The configuration.
        origin: What messages call it.

    Raises:
        RuleError: If it cannot be read, or a rule cannot keep its meaning.
    """
    lines = Lines(origin, text)
    return _Configuration(lines, lines.document()).translated()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A rule that requires others; the names of all are known in the end only."""

    index: int
    rule: Table
    requires: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class _Configuration:
    """A configuration that is being translated; errors name its lines."""

    lines: Lines
    document: dict[str, object]
    _names: dict[str, list[str]] = field(default_factory=dict)
    _waiting: list[_Waiting] = field(default_factory=list)

    def translated(self) -> str:
        listed = enumerate(self._listed())
        rules = [rule for index, table in listed for rule in self._rules(index, table)]
        for waiting in self._waiting:
            self._resolve(waiting)
        return writing.toml(Table(tables={"allow": list(self._shared()), "rules": rules}))

    def _listed(self) -> list[dict[str, object]]:
        try:
            return _tables(self.document, "rules")
        except _KeyError as wrong:
            raise self.lines.error(-1, "rules", f"'rules' {wrong}") from wrong

    def _rules(self, index: int, table: Mapping[str, object]) -> Iterator[Table]:
        identifier = str(table.get("id", ""))
        try:
            for rule in _translated(table, identifier):
                rule.values["id"] = self._name(identifier)
                if requires := _tables(table, "required"):
                    self._waiting.append(_Waiting(index, rule, requires))
                yield rule
        except _KeyError as wrong:
            which = f"rule '{identifier}'" if identifier else f"rule {index + 1}"
            raise self.lines.error(index, wrong.key, f"{which}: '{wrong.key}' {wrong}") from wrong

    def _name(self, identifier: str) -> str:
        """Return the id of the next rule that comes from one of gitleaks'."""
        taken = {name for names in self._names.values() for name in names}
        base = _identifier(identifier)
        names = (f"{base}-{number}" for number in count(2))
        name = next(name for name in chain([base], names) if name not in taken)
        self._names.setdefault(identifier, []).append(name)
        return name

    def _resolve(self, waiting: _Waiting) -> None:
        """Give a rule those of ours that it requires."""
        for required in waiting.requires:
            identifier = str(required.get("id", ""))
            if identifier not in self._names:
                name = waiting.rule.values["id"]
                message = f"rule '{name}': 'required': there is no rule '{identifier}'"
                raise self.lines.error(waiting.index, "required", message)
            values: dict[str, Value] = {"rules": self._names[identifier]}
            for theirs, ours in (("withinLines", "lines"), ("withinColumns", "columns")):
                if theirs in required:
                    values[ours] = int(_number(required, theirs))
            waiting.rule.tables.setdefault("requires", []).append(Table(values))

    def _shared(self) -> Iterator[Table]:
        """Yield what is allowed for all rules, or for several."""
        try:
            for table in _tables(self.document, "allowlist") + _tables(self.document, "allowlists"):
                targets = _texts(table, "targetRules")
                names = [name for each in targets for name in self._names.get(each, ())]
                only: dict[str, Value] = {"rules": names} if names else {}
                if names or not targets:
                    yield from (Table(only | each.values) for each in _allowed([table]))
        except _KeyError as wrong:
            message = f"allowlist: '{wrong.key}' {wrong}"
            raise self.lines.error(-1, wrong.key, message) from wrong


def _translated(table: Mapping[str, object], identifier: str) -> Iterator[Table]:
    """Yield the rules that find what one of gitleaks' finds; their ids are still to come."""
    if not identifier:
        raise _KeyError("id", "is missing")
    values: dict[str, Value] = {"id": "", "description": _text(table, "description") or identifier}
    path = _text(table, "path")
    values |= {"path": _whole("path", path)} if path else {}
    allow = list(_allowed(_tables(table, "allowlist") + _tables(table, "allowlists")))
    leads = any("matches" in each.values for each in allow)
    ending: dict[str, Value] = {"silent": True} if table.get("skipReport") is True else {}
    if entropy := _number(table, "entropy"):
        ending["entropy"] = entropy
    ignored = [f"Ignored: {key}" for key in sorted(table.keys() - _RULE_KEYS)]
    for each in _parts(table, leads=leads):
        made = {"allow": allow} if allow else {}
        yield Table({**values, **each.values, **ending}, made, [*each.comments, *ignored])


def _parts(table: Mapping[str, object], *, leads: bool) -> Iterator[Table]:
    """Yield regex, keywords and window of each rule that one of gitleaks' becomes."""
    regex = _text(table, "regex")
    if not regex and table.get("path"):
        yield Table()
        return
    if not regex:
        raise _KeyError("regex", "is missing, and so is a path")
    keywords = [word.lower() for word in _texts(table, "keywords")]
    try:
        for each in shape.shapes(re2.parse(regex), int(_number(table, "secretGroup"))):
            yield from _fitted(each, keywords, leads=leads)
    except RuleError as error:
        raise _KeyError("regex", f"cannot be used: {error}") from error


class _KeyError(ValueError):
    """A value that cannot be translated; says which, and why."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def _fitted(each: Shape, keywords: list[str], *, leads: bool) -> Iterator[Table]:
    """Yield the parts of rules that find what a tree finds.

    Raises:
        RuleError: If there is no literal to look for, or a regex could take too long.
    """
    if _has_literal(each.root, keywords):
        yield _part(each, leads=leads)
        return
    several = shape.branches(each.root)
    if len(several) > 1 and any(_has_literal(root, keywords) for root in several):
        for root in several:
            yield from _fitted(Shape(root, each.lead), keywords, leads=leads)
        return
    if min(map(len, keywords), default=0) < heads.SHORTEST:
        raise RuleError(
            f"it holds no literal of {heads.SHORTEST} bytes, and neither do the keywords: every"
            " byte of every file would have to be looked at"
        )
    part = _part(_behind(each.root, keywords), leads=False)
    part.comments.insert(0, f"A keyword must stand up to {NEAR} bytes in front of a match.")
    yield part


def _has_literal(root: Series, keywords: Iterable[str]) -> bool:
    """Return whether a regex can be looked for by itself: where keywords are, or rare literals."""
    found = heads.heads(root)
    if found is None:
        return False
    return found.weight <= heads.COMMON or heads.contains(root, keywords)


def _behind(root: Series, keywords: Iterable[str]) -> Shape:
    """Return a tree that finds what `root` finds when a keyword is close in front of it."""
    words = [_caseless(word) for word in keywords]
    word: Node = words[0] if len(words) == 1 else Choice(tuple(words))
    gap = Repeat(Chars(_ALL), 0, NEAR, lazy=True)
    return Shape(Series((*(word.items if isinstance(word, Series) else (word,)), gap, *root.items)))


def _caseless(word: str) -> Series:
    return Series(tuple(Chars(folded(1 << byte)) for byte in word.encode()))


# What is tried, one after the other, until a regex is quick enough, and what is said of it.
_LOOSER: tuple[tuple[str, Callable[[Series], Series]], ...] = (
    ("", lambda root: root),
    ("Repeats without a limit stop at 256.", partial(shape.capped, most=256)),
    (
        "Repeats take all they can, and without a limit they stop at 256.",
        lambda root: shape.settled(shape.capped(root, 256)),
    ),
    (
        "In front of the secret, up to 256 bytes may be anything.",
        lambda root: shape.capped(shape.blurred(root, 256), 256),
    ),
    (
        "In front of the secret, up to 256 bytes may be anything; repeats take all they can.",
        lambda root: shape.settled(shape.capped(shape.blurred(root, 256), 256)),
    ),
    (
        "Repeats take all they can, and what may be anything ends as soon as it can.",
        lambda root: shape.settled(shape.capped(root, 256), at_once=True),
    ),
)


def _part(each: Shape, *, leads: bool) -> Table:
    """Return regex, keywords and window of a rule, in the first form that is quick enough.

    Raises:
        RuleError: What is wrong with the first form, if none is.
    """
    first: RuleError | None = None
    for note, looser in _LOOSER:
        root = looser(each.root)
        found = heads.heads(root)
        for reach in _reaches(root) if found else ():
            try:
                return _checked(root, found, reach, note, each.lead if leads else 0)
            except RuleError as error:
                first = first or error
    raise first or RuleError("it holds no literal to look for")


def _checked(root: Series, found: Heads | None, reach: int, note: str, lead: int) -> Table:
    words, before = (found.words, found.before) if found else ((), 0)
    # Without a group, all of it is the secret.
    alone = (
        root.items[0].body if isinstance(root.items[0], Marked) and len(root.items) == 1 else root
    )
    regex = written(alone)
    patterns.check(regex.encode(), reach=reach, keywords=words, before=before)
    values: dict[str, Value] = {"keywords": [_text_of(word) for word in words], "regex": regex}
    values |= {"before": before} if before else {}
    values |= {"lead": lead} if lead else {}
    return Table(values | {"reach": reach, "stopwords": []}, comments=[note] if note else [])


def _reaches(root: Series) -> Iterable[int]:
    """Return windows to try: one that holds all of a match, or large ones."""
    wide = width(root)
    if wide is None or wide + _BEHIND > _FARTHEST:
        return _REACHES
    return (wide + _BEHIND,)


def _text_of(word: bytes) -> str:
    try:
        return word.decode()
    except UnicodeDecodeError as error:
        raise RuleError("its literal is no text") from error


def _allowed(tables: Iterable[Mapping[str, object]]) -> Iterator[Table]:
    """Yield an entry for each thing that allows; things that must go together are one entry."""
    for table in tables:
        target = _text(table, "regexTarget")
        if target not in _TARGETS:
            raise _KeyError("regexTarget", f"must be one of {', '.join(filter(None, _TARGETS))}")
        values: dict[str, Value] = {
            _TARGETS[target]: [_whole("regexes", regex) for regex in _texts(table, "regexes")],
            "stopwords": [word.lower() for word in _texts(table, "stopwords")],
            "path_regexes": [_whole("paths", path) for path in _texts(table, "paths")],
        }
        values = {key: value for key, value in values.items() if value}
        if (_text(table, "condition") or "OR").upper() in ("OR", "||"):
            yield from (Table({key: value}) for key, value in values.items())
        elif values and not table.get("commits"):
            yield Table(values)  # with commits among them, not all of it can hold for a file


def _whole(key: str, regex: str) -> str:
    """Return a regex for a text that is all there in Python's syntax."""
    try:
        root = shape.plain(re2.parse(regex, whole=True))
        return _searched(root)
    except RuleError as error:
        raise _KeyError(key, str(error)) from error


def _searched(root: Node) -> str:
    for each in (root, shape.settled(series([root]))):
        text = written(each)
        with suppress(RuleError):
            patterns.check_search(text.encode())
            return text
    patterns.check_search(written(root).encode())
    return written(root)


def _identifier(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _tables(table: Mapping[str, object], key: str) -> list[dict[str, object]]:
    value = table.get(key, [])
    tables = [value] if isinstance(value, dict) else value
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise _KeyError(key, "must be tables")
    return tables


def _texts(table: Mapping[str, object], key: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _KeyError(key, "must be a list of texts")
    return [each for each in value if each]


def _text(table: Mapping[str, object], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise _KeyError(key, "must be a text")
    return value


def _number(table: Mapping[str, object], key: str) -> float:
    value = table.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise _KeyError(key, "must be a number")
    return value
