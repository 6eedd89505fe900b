"""The formats that are looked for: what each looks like, and what people call it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

_TABLE = Path(__file__).parent / "data" / "formats.csv"
_OR = " ;; "


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of credential.

    Attributes:
        vendor: Whose it is.
        name: What it is.
        kind: `distinct` when its own text gives it away, `context` when only what stands around it
            does, `text` when it is a whole line or document, `none` when it is no secret.
        values: Templates of it.
        names: What it is called where it is assigned to something, as words joined by `_`.
        beside: What is assigned beside it: its other half, the account it belongs to.
    """

    vendor: str
    name: str
    kind: str
    values: tuple[str, ...]
    names: tuple[str, ...]
    beside: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """Return vendor and name."""
        return f"{self.vendor}: {self.name}"


def formats() -> list[Format]:
    """Return all formats, in the order of the table."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return [_format(row) for row in csv.DictReader(file)]


def _format(row: dict[str, str]) -> Format:
    beside = (pair.partition("=") for pair in row["beside"].split(", ") if pair)
    return Format(
        row["vendor"],
        row["format"],
        row["kind"],
        tuple(row["value"].split(_OR)),
        tuple(row["names"].split(", ")),
        tuple((name, value) for name, _, value in beside),
    )
