r"""How tools escape: for each a table of characters, all of them tried at the cost of a few.

Tables differ in characters that most values do not hold. Those that do the same to the value at
hand are applied once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_NOT_ASCII = re.compile("[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class Style:
    """How one tool escapes.

    Attributes:
        table: What becomes of a character, by its code point.
        beyond: What becomes of any other that is not ASCII: a format for its code point, or, if it
            begins with a backslash, for each of its UTF-16 units; empty to keep it.
    """

    table: Mapping[int, str]
    beyond: str = ""

    def __call__(self, text: str) -> str:
        """Return `text`, escaped."""
        escaped = text.translate(self.table)
        if not self.beyond or escaped.isascii():
            return escaped
        return _NOT_ASCII.sub(self._spell, escaped)

    def _spell(self, found: re.Match[str]) -> str:
        if not self.beyond.startswith("\\"):
            return self.beyond % ord(found[0])
        units = found[0].encode("utf-16-be", "surrogatepass")
        pairs = zip(units[::2], units[1::2], strict=True)
        return "".join([self.beyond % (high << 8 | low) for high, low in pairs])


class Styles:
    """Several styles of the same kind of escape."""

    def __init__(self, *styles: Style) -> None:
        """Remember `styles`, and which characters any of them changes."""
        self._styles = styles
        self._touched = frozenset[int]().union(*(style.table for style in styles))

    @classmethod
    def of(cls, *tables: Mapping[int, str]) -> Styles:
        """Return styles that change nothing but what is in their tables."""
        return cls(*map(Style, tables))

    def spellings(self, text: str) -> Iterator[str]:
        """Yield what the styles make of `text`; those that have the same effect on it, once."""
        present = self._touched.intersection(map(ord, text))
        is_ascii = text.isascii()
        seen = set()
        for style in self._styles:
            effect = (*map(style.table.get, present), "" if is_ascii else style.beyond)
            if effect not in seen:
                seen.add(effect)
                yield style(text)


def distinct(texts: Iterable[str]) -> Iterable[str]:
    """Return `texts` in order, each once."""
    return dict.fromkeys(texts)


def backslashed(characters: str) -> dict[int, str]:
    """Return the table that puts a backslash before each of `characters`."""
    return {ord(character): "\\" + character for character in characters}
