"""What lets a match pass: everything that an entry names must hold, each by one of its words.

An entry that asks for the secret and the match alone is answered wherever a rule is. One that asks
for lines or paths is answered where there are some: by a scan, and never in a stream.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from leakguard import patterns
from leakguard.errors import RuleError
from leakguard.patterns import possessive

SEEN = 4096
"""Longer texts are not let pass by a regex, which might not see all of them in time."""


@dataclass(frozen=True, slots=True)
class Allow:
    """When a match passes; what is left empty is not asked.

    Attributes:
        values: Regexes, found in the secret.
        matches: Regexes, found in all that the rule's regex matched.
        lines: Regexes, found in the lines that the secret is in.
        stopwords: Words in lower case, in the secret.
        paths: Globs of a file, or of a directory above it.
        path_regexes: Regexes, found in the path, in which `/` stands between all levels.
        rules: Globs of the ids of the rules that this is for; all rules if empty.
        fingerprints: Fingerprints of values.
    """

    values: tuple[bytes, ...] = ()
    matches: tuple[bytes, ...] = ()
    lines: tuple[bytes, ...] = ()
    stopwords: tuple[bytes, ...] = ()
    paths: tuple[str, ...] = ()
    path_regexes: tuple[bytes, ...] = ()
    rules: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether the match alone decides."""
        return not (self.lines or self.paths or self.path_regexes or self.fingerprints)

    @property
    def is_of_findings(self) -> bool:
        """Whether a finding in a report is enough to decide, and the secret is not needed."""
        return not (self.values or self.matches or self.lines or self.stopwords)

    @property
    def is_of_rules_alone(self) -> bool:
        """Whether all that some rules find is let pass."""
        return self == Allow(rules=self.rules)

    def shown(self) -> str:
        """Return what is asked, as one line."""
        said = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return "; ".join(f"{name}: {', '.join(map(_shown, each))}" for name, each in said if each)

    def is_for(self, rule: str) -> bool:
        """Return whether this is for the rule with that id."""
        return not self.rules or any(fnmatch.fnmatchcase(rule, glob) for glob in self.rules)

    def lets_match(self, secret: bytes, match: bytes) -> bool:
        """Return whether secret and match are as they are asked to be."""
        return (
            _found(self.values, secret)
            and _found(self.matches, match)
            and (not self.stopwords or any(word in secret.lower() for word in self.stopwords))
        )

    def lets_place(self, line: bytes, path: str) -> bool:
        """Return whether line and path are as they are asked to be."""
        return (
            _found(self.lines, line)
            and (not self.paths or _globbed(self.paths)(path))
            and _found(self.path_regexes, leveled(path))
        )


def _shown(word: str | bytes) -> str:
    return word.decode("utf-8", "backslashreplace") if isinstance(word, bytes) else word


def leveled(path: str) -> bytes:
    """Return a path as regexes see it: `/` stands between archives and members, too."""
    return re.sub(r"[\\!]", "/", path).encode("utf-8", "surrogateescape")


def found(regex: bytes, text: bytes) -> bool:
    """Return whether a regex finds something in a text that is not too long."""
    return len(text) <= SEEN and compiled(regex).search(text) is not None


@functools.cache
def compiled(regex: bytes) -> re.Pattern[bytes]:
    """Return a regex that looks at a text as a whole, compiled."""
    return possessive.compiled(regex)


def _found(regexes: Iterable[bytes], text: bytes) -> bool:
    regexes = tuple(regexes)
    return not regexes or any(found(regex, text) for regex in regexes)


@functools.cache
def _globbed(globs: tuple[str, ...]) -> Callable[[str], bool]:
    """Return what says of a path whether a glob fits it, a directory above it, or its last part."""
    matching = re.compile("|".join(fnmatch.translate(glob.rstrip("/")) for glob in globs)).match

    def fits(path: str) -> bool:
        ends = [*(level.start() for level in re.finditer("[/!]", path)), len(path)]
        starts = [0, *(end + 1 for end in ends)]
        return any(
            matching(path[:end]) or matching(path[start:end])
            for start, end in zip(starts, ends, strict=False)
        )

    return fits


def allow(table: Mapping[str, object], *, keys: Iterable[str]) -> Allow:
    """Return what a table of a TOML file says.

    Args:
        table: The table.
        keys: What may be in it here.

    Raises:
        RuleError: If it says nothing, or what nobody understands.
    """
    known = dict.fromkeys(keys)
    for key in table:
        if key not in known and key != "reason":
            raise RuleError(f"'{key}' is no key of [[allow]]: there are {', '.join(known)}, reason")
    values = {key: _READ[key](key, value) for key, value in table.items() if key != "reason"}
    made = Allow(**values)  # type: ignore[arg-type]  # `_READ` has converted each to its type
    if not any(values.values()):
        raise RuleError("[[allow]] must say what is allowed")
    return made


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise RuleError(f"'{key}' must be a list of texts, none of them empty")
    return tuple(value)


def _regexes(key: str, value: object) -> tuple[bytes, ...]:
    regexes = tuple(text.encode() for text in _texts(key, value))
    for regex in regexes:
        try:
            patterns.check_search(regex)
        except RuleError as error:
            raise RuleError(f"'{key}': {error}") from error
    return regexes


def _words(key: str, value: object) -> tuple[bytes, ...]:
    return tuple(text.lower().encode() for text in _texts(key, value))


def _fingerprints(key: str, value: object) -> tuple[str, ...]:
    found = _texts(key, value)
    if not all(re.fullmatch(r"[0-9a-f]{32}", text) for text in found):
        raise RuleError(f"'{key}' must be fingerprints as reports have them: 32 digits of 0-9a-f")
    return found


_READ: Mapping[str, Callable[[str, object], object]] = MappingProxyType(
    {
        "fingerprints": _fingerprints,
        "lines": _regexes,
        "matches": _regexes,
        "path_regexes": _regexes,
        "paths": _texts,
        "rules": _texts,
        "stopwords": _words,
        "values": _regexes,
    }
)

OF_RULES = ("values", "matches", "lines", "stopwords", "paths", "path_regexes")
"""Keys of an `[[allow]]` that belongs to a rule."""

OF_FILES = ("rules", *OF_RULES)
"""Keys of an `[[allow]]` above the rules of a file."""

OF_ALL = ("fingerprints", *OF_FILES)
"""Keys of an `[[allow]]` that belongs to all that is found."""
