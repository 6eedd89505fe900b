"""How a value is written otherwise as a whole: in the rows of a dump, as a list, turned around.

Each is a form of its own that can be followed. None is a needle: what a program prints of a file
begins somewhere in a row, and a list may be of a part of the value.
"""

from __future__ import annotations

import base64
import codecs
import json
from binascii import b2a_uu
from collections.abc import Iterator
from itertools import accumulate, pairwise

from leakguard.traces.form import Alphabet, Form

_LONGEST = 1024  # of more, nobody prints each byte
_JOINTS = (",", "-", ".", "|", ":", "/", "_")
_LINE_OF_UU = 45
_CALLED = (
    b"nul soh stx etx eot enq ack bel bs ht nl vt ff cr so si "
    b"dle dc1 dc2 dc3 dc4 nak syn etb can em sub esc fs gs rs us sp"
).split()
_NAMED = dict(zip(b"\0\a\b\t\n\v\f\r", (b"\\%c" % name for name in b"0abtnvfr"), strict=True))


def cells(form: Form) -> Iterator[Form]:
    """Yield what `od` prints of characters and bytes: each has a cell, four columns wide."""
    value = form.value[:_LONGEST]
    named = (_called,) if min(value) <= ord(" ") or not value.isascii() else ()
    for cell in (_shown, b"%d".__mod__, b"%03o".__mod__, *named):
        written = b"".join(b"%4b" % cell(byte) for byte in value)
        text = written.lstrip()
        yield _form(form, text, (len(written) - len(text)) / 4, 1 / 4)


def octal_words(form: Form) -> Iterator[Form]:
    """Yield what `od` prints if it is told nothing: words of two bytes, the second one in front."""
    for lead in range(2):
        words = _words(form.value[:_LONGEST], lead, 2)
        text = b" ".join(b"%06o" % int.from_bytes(word) for word in words)
        yield _form(form, text, lead, 2 / 7)


def hex_words(form: Form, size: int) -> Iterator[Form]:
    """Yield the digits of what `hexdump` prints: words of some bytes, the last one in front."""
    for lead in range(size):
        digits = b"".join(_words(form.value[:_LONGEST], lead, size)).hex().encode()
        yield _form(form, digits, lead, 1 / 2, Alphabet.HEX)


def lists(form: Form) -> Iterator[Form]:
    """Yield its characters with something between each two of them."""
    characters = form.value[:_LONGEST].decode("utf-8", "replace")
    strings = [
        json.dumps(list(characters), separators=(joint, ""), ensure_ascii=is_ascii)[2:-2]
        for joint in (", ", ",")
        for is_ascii in (True, False)
    ]
    written = [
        repr(list(characters))[2:-2],
        *strings,
        ", ".join(characters),
        # What works line by line sees no line end.
        *("".join(_followed(characters, joint)).removesuffix(joint) for joint in _JOINTS),
    ]
    for text in dict.fromkeys(written):
        yield _form(form, text.encode(), 0, min(len(form.value), _LONGEST) / len(text))


def _followed(characters: str, joint: str) -> Iterator[str]:
    return (each if each == "\n" else each + joint for each in characters)


def turned(form: Form) -> Iterator[Form]:
    """Yield each line from its end to its beginning, as `rev` prints it."""
    told = [after - before for before, after in pairwise(form.told)]
    lines = form.value.split(b"\n")
    told_turned: list[float] = []
    for line in lines:
        start = len(told_turned)
        end = start + len(line)
        told_turned += [*told[start:end][::-1], *told[end : end + 1]]
    known = tuple(accumulate(told_turned, initial=0.0))
    yield Form(form.name, b"\n".join(map(_reversed, lines)), known, form.alphabet, is_needle=False)


def _reversed(line: bytes) -> bytes:
    return line.decode("utf-8", "surrogateescape")[::-1].encode("utf-8", "surrogateescape")


def rare(form: Form) -> Iterator[Form]:
    """Yield what becomes of it by ROT13, by bases of 85, by `uuencode`, in bits and in UTF-32."""
    value = form.value[:_LONGEST]
    rotated = codecs.encode(value.decode("latin-1"), "rot13").encode("latin-1")
    if rotated != value:
        yield _form(form, rotated, 0, 1)
    whole = value[: len(value) // 4 * 4]
    for encode in (base64.a85encode, base64.b85encode):
        yield _form(form, encode(whole), 0, 4 / 5)
    lines = (value[at : at + _LINE_OF_UU] for at in range(0, len(value), _LINE_OF_UU))
    yield _form(form, b"".join(map(b2a_uu, lines))[1:-1], 0, _LINE_OF_UU / 62)
    yield _form(form, b" ".join(b"%b" % f"{byte:08b}".encode() for byte in value), 0, 1 / 9)
    for wide in ("utf-32-le", "utf-32-be"):
        text = value.decode("utf-8", "replace").encode(wide)
        yield _form(form, text, 0, len(value) / len(text))


def _form(
    form: Form, text: bytes, origin: float, step: float, alphabet: Alphabet = Alphabet.TEXT
) -> Form:
    return Form(form.name, text, form.told, alphabet, origin, step, is_needle=False)


def _shown(byte: int) -> bytes:
    return _NAMED.get(byte) or (bytes([byte]) if 32 <= byte < 127 else b"%03o" % byte)


def _called(byte: int) -> bytes:
    seen = byte & 0x7F  # so `od -a` has it
    return _CALLED[seen] if seen < len(_CALLED) else _shown(seen)


def _words(value: bytes, lead: int, size: int) -> Iterator[bytes]:
    """Yield the words of so many bytes that a machine reads behind some others."""
    for start in range(lead, len(value) - size + 1, size):
        yield value[start : start + size][::-1]
