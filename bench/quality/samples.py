"""Samples: every format, in every surrounding, in several spellings, each a file of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from . import keys, tokens  # noqa: F401  # they make themselves known to templates
from .formats import Format, formats
from .scanners import Found
from .surroundings import SURROUNDINGS
from .writing import written

# So many bytes in front of a secret its finding may begin: a quote, a scheme, a prefix.
_EARLIER = 16
# So many characters that a scanner tells stand in a sample: it means this secret and no other.
_TOLD = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """A file with one credential in it.

    Attributes:
        path: Of the file, from the tree of samples on.
        format: What is in it.
        surrounding: The name of the surrounding.
        text: All of the file.
        spans: Where the credential stands, and its other half.
    """

    path: str
    format: Format
    surrounding: str
    text: str
    spans: tuple[tuple[int, int], ...]

    def is_found(self, found: Found) -> bool:
        """Return whether a finding in this file is one of the credential."""
        if found.offset >= 0:
            return any(start - _EARLIER <= found.offset < end for start, end in self.spans)
        secret = "".join(self.text[start:end] for start, end in self.spans)
        told = found.value.splitlines()[0] if found.value else ""
        pieces = (told[place : place + _TOLD] for place in range(max(1, len(told) - _TOLD + 1)))
        return any(piece in secret for piece in pieces)


def samples(count: int, seed: str) -> Iterator[Sample]:
    """Yield `count` samples of each format that is a secret, in each surrounding."""
    for number, form in enumerate(form for form in formats() if form.kind != "none"):
        for place, surrounding in enumerate(SURROUNDINGS):
            for turn in range(count):
                path = f"{number:03}-{turn}/{surrounding}"
                chance = Random(f"{seed}/{path}")  # noqa: S311  # nothing is protected by it
                yield _sample(form, path, place * count + turn, chance)


def _sample(form: Format, path: str, turn: int, chance: Random) -> Sample:
    # As many names as values: each has its own. Else every name meets every value in turn.
    paired = len(form.names) == len(form.values)
    name = form.names[(turn if paired else turn // len(form.values)) % len(form.names)]
    value = written(form.values[turn % len(form.values)], chance)
    beside = [(other, written(template, chance)) for other, template in form.beside]
    assigned = [(name, value), *beside]
    surrounding = path.rpartition("/")[2]
    text = SURROUNDINGS[surrounding](assigned, chance)
    spans = tuple(_span(text, each) for _, each in assigned)
    return Sample(path, form, surrounding, text, spans)


def _span(text: str, value: str) -> tuple[int, int]:
    """Return where a value stands; all of its lines, where it is escaped or indented."""
    if value in text:
        return text.index(value), text.index(value) + len(value)
    # What no surrounding changes are runs of letters and digits.
    runs = "".join(letter if letter.isalnum() else " " for letter in value).split()
    first, last = max(runs[:3], key=len), max(runs[-3:], key=len)
    return text.rfind("\n", 0, text.index(first)) + 1, text.index("\n", text.rindex(last))


def write(tree: Path, made: Iterable[Sample]) -> None:
    """Write samples into a tree."""
    for sample in made:
        file = tree / sample.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(sample.text.encode())
