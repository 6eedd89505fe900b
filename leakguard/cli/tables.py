"""Lists that commands show: a table for people, or JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from typer import Option

from leakguard.cli.options import choice
from leakguard.reports import json, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Tabular:
    """How a list is shown."""

    format: Annotated[
        str, Option("--format", metavar="text|json", help="A table, or a JSON array of objects.")
    ] = "text"

    @property
    def is_json(self) -> bool:
        """Whether a program reads the list.

        Raises:
            UsageError: If there is no such format.
        """
        return choice("--format", self.format, ["text", "json"]) == "json"

    def render(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
        """Yield `rows` under the names in `columns`.

        Raises:
            UsageError: If there is no such format.
        """
        if self.is_json:
            yield json.encode([dict(zip(columns, row, strict=True)) for row in rows])
            return
        head = [column.upper() for column in columns]
        for cells in text.table([head, *([_cell(value) for value in row] for row in rows)]):
            yield f"{text.line(cells)}\n".encode()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {count}" for key, count in value.items())
    return str(value)
