"""Reads DER as far as keys need it: elements one after the other, each of exactly its length."""

from __future__ import annotations

from dataclasses import dataclass, field

INTEGER, OCTETS, OBJECT, SEQUENCE = 0x02, 0x04, 0x06, 0x30

_LONG = 0x80
_MOST_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Element:
    """One element.

    Attributes:
        tag: Its tag, as the byte that stands in front of it.
        content: What is in it.
    """

    tag: int
    content: bytes = field(repr=False)

    @property
    def number(self) -> int:
        """What it says as an unsigned number, which all numbers of keys are."""
        return int.from_bytes(self.content, "big")


def elements(raw: bytes) -> list[Element]:
    """Return the elements that `raw` is made of, to its last byte.

    Raises:
        ValueError: If one reaches beyond.
        IndexError: If it ends in the midst of one.
    """
    found = []
    place = 0
    while place < len(raw):
        start, end = _content(raw, place)
        if end > len(raw):
            raise ValueError("an element is longer than what holds it")
        found.append(Element(raw[place], raw[start:end]))
        place = end
    return found


def sequence(raw: bytes) -> list[Element]:
    """Return what is in the one sequence that `raw` is.

    Raises:
        ValueError: If it is anything else.
        IndexError: If it ends in the midst of an element.
    """
    found = elements(raw)
    if len(found) != 1 or found[0].tag != SEQUENCE:
        raise ValueError("not a sequence")
    return elements(found[0].content)


def written(tag: int, content: bytes) -> bytes:
    """Return an element as DER has it."""
    length = len(content)
    if length < _LONG:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG | len(size)]) + size + content


def _content(raw: bytes, place: int) -> tuple[int, int]:
    """Return where the content of the element at `place` begins and ends."""
    first = raw[place + 1]
    if first < _LONG:
        return place + 2, place + 2 + first
    size = first & ~_LONG
    if not 1 <= size <= _MOST_LENGTH_BYTES:
        raise ValueError("not a length of DER")
    start = place + 2 + size
    return start, start + int.from_bytes(raw[place + 2 : start], "big")
