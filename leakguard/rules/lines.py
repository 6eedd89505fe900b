"""Knows in which line of a TOML file a thing stands, and says so when something is wrong there."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass

from leakguard.errors import RuleError


@dataclass(frozen=True, slots=True)
class Lines:
    """A TOML file with tables `[[rules]]`.

    Attributes:
        origin: What messages call it.
        text: What it holds.
    """

    origin: str
    text: str

    def document(self) -> dict[str, object]:
        """Return what the file says.

        Raises:
            RuleError: If it is no TOML; it says where.
        """
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise self._undecodable(error) from error

    def place(self, rule: str, key: str) -> str:
        """Return file and line of `key` in the rule with that id, or nothing if it is not here."""
        tables = self.document().get("rules", [])
        ids = [table.get("id") for table in tables] if isinstance(tables, list) else []
        return f"{self.origin}:{self.line(ids.index(rule), key)}" if rule in ids else ""

    def error(self, index: int, key: str, message: str) -> RuleError:
        """Return an error about `key` in the rule at `index`, or above all rules if that is -1."""
        return RuleError(f"{self.origin}:{self.line(index, key)}: {message}")

    def line(self, index: int, key: str) -> int:
        """Return the line of `key` in the rule at `index` (-1: above all), or of the rule."""
        lines = self.text.splitlines()
        headers = [n for n, line in enumerate(lines) if re.match(r"\s*\[\[\s*rules\s*\]\]", line)]
        bounds = [0, *headers, len(lines)]
        if index + 2 >= len(bounds):
            return 1
        start, end = bounds[index + 1], bounds[index + 2]
        name = re.escape(key)
        named = re.compile(rf'\s*(?:"?{name}"?\s*=|\[+\s*(?:[\w-]+\s*\.\s*)*"?{name}"?\s*[\].])')
        places = [*range(start, end), *(range(end, len(lines)) if index < 0 else ())]
        return next((n for n in places if named.match(lines[n])), start) + 1

    def _undecodable(self, error: tomllib.TOMLDecodeError) -> RuleError:
        what, _, where = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", where)
        number = int(line[1]) if line else self.text.count("\n") + 1
        return RuleError(f"{self.origin}:{number}: not valid TOML: {what[:1].lower()}{what[1:]}")
