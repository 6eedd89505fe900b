"""The tables of encoders: a function enters one with a decorator, and is in use.

The order of functions in a module is the rank of their forms, and the first line of a function's
docstring is what users read about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from leakguard.encoders.parts import Reach

Forms: TypeAlias = Iterable[bytes]
Encode: TypeAlias = Callable[[bytes], Forms]
Spell: TypeAlias = Callable[[str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Encoder:
    """One way to write a value.

    Attributes:
        name: The word in labels and reports.
        about: What it stands for, in words.
        forms: From a value to what it looks like; pure, and without regard to what surrounds it.
        reach: The least reach of the parts that it is worth trying on.
        longest: A longer value, in bytes, is left out.
        touched: The bytes that it changes, if it leaves others alone.
    """

    name: str
    about: str
    forms: Encode
    reach: Reach
    longest: int | None = None
    touched: frozenset[int] | None = None

    def changes(self, value: bytes) -> bool:
        """Tell whether `value` may look different in this form, and is short enough for it."""
        if self.touched is not None:
            return not self.touched.isdisjoint(value)
        return self.longest is None or len(value) <= self.longest


def encoder(
    table: list[Encoder], name: str, reach: Reach = Reach.LINE, longest: int | None = None
) -> Callable[[Encode], Encode]:
    """Enter the decorated function into `table`."""

    def enter(forms: Encode) -> Encode:
        table.append(Encoder(name, _first_line(forms), forms, reach, longest))
        return forms

    return enter


def escape(
    table: list[Encoder], name: str, touched: Iterable[int], reach: Reach = Reach.LINE
) -> Callable[[Spell], Spell]:
    """Enter the decorated function, which changes no bytes but those `touched`, into `table`."""

    def enter(spell: Spell) -> Spell:
        def forms(value: bytes) -> Forms:
            return map(bytes_of, spell(text_of(value)))

        about = _first_line(spell)
        table.append(Encoder(name, about, forms, reach, touched=frozenset(touched)))
        return spell

    return enter


def text_of(value: bytes) -> str:
    """Return `value` as text; bytes that are no UTF-8 become lone surrogates, as Python has it."""
    return value.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """Undo `text_of`."""
    return text.encode("utf-8", "surrogateescape")


def _first_line(function: Encode | Spell) -> str:
    return (function.__doc__ or "").partition("\n")[0].removesuffix(".")
