"""Reads `leakguard.toml` and the files that it extends, and says in one line what is wrong there.

A configuration may extend others, and they may be gitleaks'. Each file becomes a `Part`, the ones
that are extended first, so that whoever goes through them in order lets the later ones win.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from leakguard.config.cache import kept
from leakguard.config.part import Change, Part, hint
from leakguard.errors import RuleError, UsageError
from leakguard.rules import Allow, Rule, gitleaks
from leakguard.rules.allow import OF_ALL, allow
from leakguard.rules.files import Tables, changed, firm
from leakguard.rules.lines import Lines

KEYS = ("extends", "builtin", "disable", "override", "options", "allow", "rules")
"""What a configuration can say, besides what it says for all of its rules."""

_OF_RULES = ("vendor", "remediation")
_BIGGEST = 4 << 20


def parts(file: Path, *, within: Path | None) -> Iterator[Part]:
    """Yield what a file and those that it extends say, the ones that are extended first.

    Args:
        file: The file.
        within: The directory outside of which nothing is read; None for a file that is trusted.

    Raises:
        UsageError: If one cannot be read, or what it says is not understood.
    """
    yield from _parts(file, within, ())


def _parts(file: Path, within: Path | None, above: tuple[Path, ...]) -> Iterator[Part]:
    lines = Lines(str(file), _text(file))
    document = lines.document()
    if gitleaks.is_gitleaks(file.name, document):
        yield from _of_gitleaks(file, lines, within, (*above, file.resolve()))
        return
    reader = _Reader(lines, document, within is None)
    for name in reader.texts("extends"):
        yield from _parts(
            _extended(file, name, lines, within, above), within, (*above, file.resolve())
        )
    yield reader.part()


def _extended(
    file: Path, name: str, lines: Lines, within: Path | None, above: tuple[Path, ...]
) -> Path:
    """Return the path of a file that is extended.

    Raises:
        UsageError: If it may not be.
    """
    path = file.parent / name
    resolved = path.resolve()
    if within is not None and not resolved.is_relative_to(within.resolve()):
        raise lines.error(
            -1, "extends", f"'extends': {name} lies outside of the repository; name this"
            " configuration with --config to allow that",
        )  # fmt: skip
    if resolved in (*above, file.resolve()):
        raise lines.error(-1, "extends", f"'extends': {name} extends itself")
    return path


def _of_gitleaks(
    file: Path, lines: Lines, within: Path | None, above: tuple[Path, ...]
) -> Iterator[Part]:
    extended = gitleaks.extended(lines.document())
    if extended.path:
        base = _extended(file, extended.path, lines, within, above[:-1])
        yield from _parts(base, within, above)
    text = kept(lines.text, partial(gitleaks.translate, lines.text, lines.origin))
    document = tomllib.loads(text)
    # What has been translated has been checked on the way.
    tables = Tables(lines, document, document.pop("rules", []), trusted=True)
    shared = tuple(allow(each, keys=OF_ALL) for each in document.get("allow", ()))
    yield Part(
        lines,
        within is None,
        rules=firm(tables.items()),
        disable=extended.disabled,
        # Ours stand for the rules that gitleaks comes with, and are let pass as those would be.
        allow=shared if extended.default or extended.path else (),
        is_foreign=True,
    )


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(_BIGGEST + 1)
        if len(content) > _BIGGEST:
            raise UsageError(f"cannot read configuration {file}: larger than {_BIGGEST >> 20} MiB")
        return content.decode()
    except OSError as error:
        raise UsageError(f"cannot read configuration {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read configuration {file}: not UTF-8") from error


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one file."""

    lines: Lines
    document: dict[str, object]
    trusted: bool

    def part(self) -> Part:
        known = (*KEYS, *_OF_RULES)
        for key in self.document:
            if key not in known:
                raise self._error(key, f"'{key}' is not known here{hint(key, known)}")
        return Part(
            self.lines,
            self.trusted,
            rules=self._rules(),
            builtin=self._builtin(),
            disable=self.texts("disable"),
            overrides=tuple(self._overrides()),
            allow=self._allow(),
            options=self._table("options"),
        )

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.document.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise self._error(key, f"'{key}' must be a list of texts, none of them empty")
        return tuple(value)

    def _rules(self) -> tuple[Rule, ...]:
        tables = self.document.get("rules", [])
        if not isinstance(tables, list):
            raise self._error("rules", "'rules' must be tables: [[rules]]")
        above = {key: self.document[key] for key in _OF_RULES if key in self.document}
        return firm(Tables(self.lines, above, tables).items())

    def _builtin(self) -> bool:
        value = self.document.get("builtin", True)
        if not isinstance(value, bool):
            raise self._error("builtin", "'builtin' must be true or false")
        return value

    def _overrides(self) -> Iterator[tuple[str, Change]]:
        for identifier, table in self._table("override").items():
            if not isinstance(table, dict):
                raise self._error("override", f"'override' must be tables: [override.{identifier}]")
            try:
                yield identifier, changed(table)
            except RuleError as error:
                raise self._error(identifier, f"override '{identifier}': {error}") from error

    def _allow(self) -> tuple[Allow, ...]:
        tables = self.document.get("allow", [])
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            raise self._error("allow", "'allow' must be tables: [[allow]]")
        try:
            return tuple(allow(each, keys=OF_ALL) for each in tables)
        except RuleError as error:
            raise self._error("allow", str(error)) from error

    def _table(self, key: str) -> dict[str, object]:
        value = self.document.get(key, {})
        if not isinstance(value, dict):
            raise self._error(key, f"'{key}' must be a table: [{key}]")
        return value

    def _error(self, key: str, message: str) -> RuleError:
        return self.lines.error(-1, key, message)
