"""Takes defaults of options from the configuration: `[options]`, and `[options.COMMAND]` for one.

A key is the name of an option without its dashes. What a configuration that was only found may not
say shows by what an option is for: which values are protected, and what is read or written.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import typer

from leakguard.cli.wording import hint
from leakguard.config import Config, Part
from leakguard.errors import UsageError

_COMMANDS = "leakguard.cli.commands"
_NOT_HERE = frozenset({"config", "help"})
_PROTECTING = frozenset({"secrets", "no-secrets", "min-length", "commands"})
_PLACES = re.compile(r"FILE|SPEC|DIR|PATH|SOCKET")


def apply(context: typer.Context, config: Config) -> None:
    """Give the options of the command at hand the defaults that a configuration has for them.

    Raises:
        UsageError: If it has what an option cannot take.
    """
    options = _options_of(context.command)
    found: dict[str, object] = {}
    for part, table in config.options():
        for key, value in _for_command(part, table, context.command_path.split()[1], options):
            found[options[key].name] = _value(part, key, value, options[key])
    context.default_map = {**(context.default_map or {}), **found}


def defaults(config: Config) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and file of each default of an option."""
    for part, table in config.options():
        for key, value in table.items():
            inner = value.items() if isinstance(value, dict) else ()
            named = [(f"{key}.{name}", each) for name, each in inner]
            for name, each in named if isinstance(value, dict) else [(key, value)]:
                yield name, json.dumps(each, default=str), part.origin


def schema(names: Iterable[str]) -> dict[str, object]:
    """Return the JSON schema of `[options]`, for the commands with those names."""
    commands = {name: _options_in(name) for name in names}
    every = {key: option for options in commands.values() for key, option in options.items()}
    tables = {name: _table({key: _typed(option) for key, option in options.items()})
              for name, options in commands.items() if options}  # fmt: skip
    # A key may be both: `secrets` is an option and a command.
    properties = {key: _typed(option) for key, option in every.items()}
    for name, table in tables.items():
        properties[name] = {"anyOf": [properties[name], table]} if name in properties else table
    return _table(properties)


def _for_command(
    part: Part, table: Mapping[str, object], command: str, options: Mapping[str, Any]
) -> Iterator[tuple[str, object]]:
    """Yield the defaults in a table that are for a command: its own ones last."""
    for key, value in table.items():
        if isinstance(value, dict):
            _know(part, key, _names())
        elif key in options:
            yield key, value
        else:
            _know(part, key, {key for name in _names() for key in _options_in(name)})
    own = table.get(command)
    for key, value in own.items() if isinstance(own, dict) else ():
        if key in options:
            yield key, value
        else:
            _know(part, key, _options_in(command))


def _know(part: Part, key: str, known: Iterable[str]) -> None:
    known = sorted(known)
    if key not in known:
        where = f"{part.origin}:{part.lines.line(-1, key)}"
        raise UsageError(f"{where}: there is no option '{key}'{hint(key, known)}")


def _value(part: Part, key: str, value: object, option: Any) -> object:  # noqa: ANN401  # Typer's
    """Return the value of an option as if it had been typed."""
    wrong = _wrong(value, option)
    if not part.trusted and (key in _PROTECTING or _PLACES.search(option.metavar or "")):
        wrong = "counts only in a configuration that --config names"
    if wrong:
        where = f"{part.origin}:{part.lines.line(-1, key)}"
        raise UsageError(f"{where}: option '{key}' {wrong}")
    return value if option.is_flag or option.multiple else str(value)


def _wrong(value: object, option: Any) -> str:  # noqa: ANN401  # as above
    if option.is_flag:
        return "" if isinstance(value, bool) else "must be true or false"
    if option.multiple:
        texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
        return "" if texts else "must be a list of texts"
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return "" if plain else "must be a text or a number"


def _names() -> tuple[str, ...]:
    from leakguard.cli.app import NAMES  # noqa: PLC0415  # which imports the options, and so this

    return NAMES


def _options_in(name: str) -> dict[str, Any]:
    """Return the options of a command, or of all commands in a group, by their keys."""
    command: Any = typer.main.get_command(importlib.import_module(f"{_COMMANDS}.{name}").app)
    found: dict[str, Any] = {}
    for each in getattr(command, "commands", {"": command}).values():
        found |= _options_of(each)
    return found


def _options_of(command: Any) -> dict[str, Any]:  # noqa: ANN401  # as above
    return {
        key: option
        for option in command.params
        for key in (option.opts[0].lstrip("-"),)
        if option.opts[0].startswith("--") and key not in _NOT_HERE
    }


def _typed(option: Any) -> dict[str, object]:  # noqa: ANN401  # as above
    said = {"description": option.help} if option.help else {}
    if option.is_flag:
        return {"type": "boolean", **said}
    if option.multiple:
        return {"type": "array", "items": {"type": "string"}, **said}
    return {"type": ["string", "number"], **said}


def _table(properties: Mapping[str, object]) -> dict[str, object]:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}
