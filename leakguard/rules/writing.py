"""Writes rules as the TOML that `leakguard.rules` reads, so that a person can go on from there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Value: TypeAlias = str | float | bool | Sequence[str]

_LONGEST_LINE = 84


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a TOML document, or the document.

    Attributes:
        values: What stands in it.
        tables: Arrays of the tables below it.
        comments: What is said above it.
    """

    values: dict[str, Value] = field(default_factory=dict)
    tables: dict[str, list[Table]] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


def toml(document: Table) -> str:
    """Return a document as text."""
    return "\n".join([*_pairs(document), *_tables("", document)]).strip("\n") + "\n"


def _tables(above: str, table: Table) -> Iterator[str]:
    for key, tables in table.tables.items():
        for each in tables:
            yield ""
            yield from (f"# {comment}" for comment in each.comments)
            yield f"[[{above}{key}]]"
            yield from _pairs(each)
            yield from _tables(f"{above}{key}.", each)


def _pairs(table: Table) -> Iterable[str]:
    return (f"{key} = {_written(value)}" for key, value in table.values.items())


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    return str(value) if isinstance(value, int | float) else _list(map(_text, value))


def _list(items: Iterable[str]) -> str:
    items = list(items)
    line = f"[{', '.join(items)}]"
    if len(line) <= _LONGEST_LINE:
        return line
    return "".join(["[\n", *(f"    {item},\n" for item in items), "]"])


def _text(text: str) -> str:
    """Return a text as TOML: in single quotes where a backslash would have to be doubled else."""
    plain = text.isprintable() and "\\" in text
    if plain and "'" not in text:
        return f"'{text}'"
    if plain and "'''" not in text and not text.endswith("'"):
        return f"'''{text}'''"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
