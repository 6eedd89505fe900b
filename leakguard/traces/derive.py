"""Where traces start: at a few bytes of a secret, of its base64 and of its hexadecimal digits.

A trace needs so many bytes unharmed that chance seldom writes them. One at each place of a value
would find every part of it exactly; of a long one, or with many secrets, some places have to do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from leakguard.encoders.bases import own_base32, own_base64
from leakguard.encoders.markup import ENCODERS as MARKUP
from leakguard.encoders.parts import Part, parts
from leakguard.encoders.quoting import ENCODERS as QUOTING
from leakguard.model import Needle, Secret
from leakguard.policy.budget import BEGINNING_BITS
from leakguard.policy.information import bits
from leakguard.traces import spread
from leakguard.traces.escapes import LEVELS
from leakguard.traces.form import LONGEST_LEAD, Alphabet, Form, Trace

_SHORTEST, _LONGEST = 6, 32
_SHORTEST_RARE = 9  # of what is seldom met a longer word will do, and costs less to search for
# A longer value is a file: its lines are needles, and it is found as a whole.
_LONGEST_FOLLOWED = 16 * 1024
_LEAST_BITS = 20.0  # of the bytes at which a trace starts
_FEW, _SOME = 6, 16
_PLACES = 256  # at the most in one value, when there are few values
_PLENTY = 128  # so many, and what is in one base is looked for in all of them
_FOLLOWED = frozenset({"raw", "trimmed", "unquoted", "leaf", "password", "decoded"})
_INNER = frozenset({"leaf", "password"})
_ESCAPES = frozenset(encoder.name for encoder in (*MARKUP, *QUOTING))
# What many others have in common with a secret of the kind: where a URL leads, the frame of a key,
# whom a token is for.
_PUBLIC = re.compile(
    rb"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^/?#\s]{0,256}/?|-----[A-Z ]{1,64}-----\s?"
    rb"|eyJ[\w-]{1,4096}\.(?:eyJ[\w-]{1,16384}\.)?|(?:MII[\w+/]{0,10})?ANBgkqhkiG9w0BAQEFAA[\w+/]{0,16}"
)
_PUBLIC_BITS = 0.1
_SHORTEST_OPENED, _ENOUGH_PLAIN = 4, 3
_MARKS = tuple(bytes([mark]) for level in LEVELS for mark in sorted(level.marks))
# Of so many places, one behind the other, no row of a dump breaks more than one.
_ROWS = 2
# Of a form of which each byte stands for so little of the secret, so many bytes of that will do.
_WIDE, _APART = 1 / 2, 4
# For so many places of a value, one of its digits in base64 or hexadecimal is looked for, too, and
# of those in base32.
_RARER, _RAREST, _NEAR = 8, 16, 3
_OPENINGS = (
    *(b"\\%c" % mark for mark in b"xu01%&=\\"),
    *(b"%2", b"%3", b"%5", b"&#", b"&amp;", b"=3D"),
)
_UNTOUCHED = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-.~")


def traces(
    secret: Secret, needles: Sequence[Needle], *, min_length: int, places: int = _PLACES
) -> Iterator[Trace]:
    """Yield the traces of a secret, none if it tells too little to be told from chance.

    Args:
        secret: The value, and the name that matches carry.
        needles: Its needles.
        min_length: A value or part that is shorter, in bytes, is not protected.
        places: At how many places of a value traces start, at the most.
    """
    found = parts(secret.value, min_length=min_length)
    # Where only some fields of a document are secret, the document is full of what is not.
    inner = [part for part in found if part.label in _INNER]
    is_document = any(part.label == "leaf" for part in inner)
    for part in inner if is_document else found:
        if part.label in _FOLLOWED:
            yield from _of_part(secret.name, part, needles, places)


def _of_part(name: str, part: Part, needles: Sequence[Needle], places: int) -> Iterator[Trace]:
    value = part.value
    if len(value) > _LONGEST_FOLLOWED:
        return
    told = tuple(accumulate(_told(value), initial=0.0))
    if told[-1] < BEGINNING_BITS:
        return
    form = Form(name, value, told, Alphabet.TEXT)
    yield from _starts(form, places)
    beginnings = 1 + (places > _FEW) + (places > _SOME)
    yield from (Trace(word, form, 0) for word in _spelled(form, needles, beginnings))
    yield from _otherwise(form, beginnings, in_all=places >= _PLENTY)
    for digits in _in_base64(form):
        if len(digits.value) > 2 * _SHORTEST:
            yield from _starts(digits, max(beginnings, places // _RARER), apart=_NEAR)
    for digits in _in_base32(form):
        yield from _starts(digits, max(1, places // _RAREST), apart=_SHORTEST)
    in_hex = _in_hex(form)
    yield from _of_digits(in_hex, beginnings)
    yield from _in_capitals_too(_starts(in_hex, places // _RARER, apart=_SHORTEST))
    if beginnings > 1:
        yield from _of_bases(form, in_all=places >= _PLENTY)


def _in_base64(form: Form, *, is_needle: bool = True) -> Iterator[Form]:
    for lead, text in enumerate(own_base64(form.value)):
        yield _digits(form, text, Alphabet.BASE64, (6, lead), is_needle=is_needle)


def _in_base32(form: Form, *, is_needle: bool = True) -> Iterator[Form]:
    for lead, text in enumerate(own_base32(form.value)):
        yield _digits(form, text, Alphabet.BASE32, (5, lead), is_needle=is_needle)


def _in_hex(form: Form, *, is_needle: bool = True) -> Form:
    return _digits(form, form.value.hex().encode(), Alphabet.HEX, (4, 0), is_needle=is_needle)


def _digits(
    form: Form, text: bytes, alphabet: Alphabet, width: tuple[int, int], *, is_needle: bool = True
) -> Form:
    """Return digits of a width that stand for a form, at an alignment, as a form."""
    bits, lead = width
    first = -(-8 * lead // bits)
    origin = form.origin + form.step * (first * bits / 8 - lead)
    spelled = text.translate(alphabet.value)
    step = form.step * bits / 8
    bit = first * bits - 8 * lead
    return Form(form.name, spelled, form.told, alphabet, origin, step, is_needle, form, bit)


def _otherwise(form: Form, beginnings: int, *, in_all: bool) -> Iterator[Trace]:
    """Yield the traces of what else a value is written as, the rarer ones if there are few."""
    if beginnings == 1:
        yield from _openings(next(spread.cells(form)))
    else:
        for rows in (*spread.cells(form), *spread.octal_words(form)):
            yield from _openings(rows, _ROWS)
        yield from _apart(form)
        for size in (2, 4) if in_all else (2,):
            for rows in spread.hex_words(form, size):
                yield from _of_words(rows, size)
        for other in (*spread.lists(form), *spread.turned(form)):
            yield from _openings(other)
    for other in spread.rare(form) if in_all else ():
        yield from _openings(other)


def _openings(form: Form, count: int = 1) -> Iterator[Trace]:
    """Yield traces at the first places of a form that tell of the secret."""
    place = _private(form)
    for _ in range(count):
        # A prompt ends with a blank: no word begins with one, or it would wait.
        while form.value[place : place + 1].isspace():
            place += 1
        # Where characters stand apart, a few of them are rare enough.
        few = round(_APART / form.step)
        word = form.value[place : place + few] if form.step <= _WIDE else _word(form, place)
        if len(word) < _SHORTEST_RARE:
            return
        yield Trace(word, form, place)
        place += len(word)


def _of_words(form: Form, size: int) -> Iterator[Trace]:
    """Yield traces in the digits of a dump that stand in words of so many bytes."""
    width = 2 * size
    start = -(-_private(form) // width) * width
    for place in range(start, start + _ROWS * width, width):
        first, second = (form.value[at : at + width] for at in (place, place + width))
        if len(second) == width:
            yield Trace(b"%b %b" % (first, second), form, place)


def _private(form: Form) -> int:
    """Return the first place of a form that stands for what is not public."""
    told = form.told
    for at, (before, after) in enumerate(pairwise(told)):
        if after - before > 2 * _PUBLIC_BITS:  # sums of fractions are not exact
            return max(0, math.ceil((at - form.origin) / form.step))
    return len(form.value)


def _of_bases(form: Form, *, in_all: bool) -> Iterator[Trace]:
    """Yield the traces of what is written in base64 or hexadecimal digits twice, or in any base."""
    in_hex = _in_hex(form)
    inners = [in_hex, *_in_base64(form)]
    if in_all:
        capitals = replace(in_hex, value=in_hex.value.upper(), alphabet=Alphabet.TEXT, of=None)
        inners += [capitals, *_in_base32(form)]
    for inner in inners:
        yield from _in_capitals_too(_openings(_in_hex(inner, is_needle=False)))
        in_base32 = _in_base32(inner, is_needle=False) if in_all else ()
        for twice in (*_in_base64(inner, is_needle=False), *in_base32):
            yield from _openings(twice)


def _told(value: bytes) -> list[float]:
    """Return what each byte tells to those who have seen others of the kind."""
    told = list(bits(value))
    for public in _PUBLIC.finditer(value):
        for place in range(*public.span()):
            told[place] = min(told[place], _PUBLIC_BITS)
    return told


def _starts(form: Form, places: int, *, apart: int = 1) -> Iterator[Trace]:
    """Yield traces at places all over a form, no more of them, and so far apart at least."""
    last = len(form.value) - _SHORTEST
    apart = max(apart, -(-last // max(places, 1)))
    for place in range(0, min(last, apart * places - 1) + 1, apart):
        if word := _word(form, place):
            lead = form.value[place - apart : place] if apart <= LONGEST_LEAD else b""
            yield Trace(word, form, place, lead)


def _word(form: Form, place: int) -> bytes:
    """Return the fewest bytes at a place that chance seldom writes; none if there are none."""
    is_common = form.is_needle and form.alphabet is not Alphabet.BASE32
    shortest = _SHORTEST if is_common else _SHORTEST_RARE
    for end in range(place + shortest, min(place + _LONGEST, len(form.value)) + 1):
        if form.bits(place, end) >= _LEAST_BITS:
            return form.value[place:end]
    return b""


def _apart(form: Form) -> Iterator[Trace]:
    """Yield the traces at its first characters, one or a few at a time in a line or in many."""
    start = _private(form)
    value, plain = form.value[start:], _word(form, start)
    groups = [[letter.encode() for letter in value.decode("utf-8", "replace")[:_APART]]]
    for size in range(1 if not value.isascii() else 2, len(plain)):
        end = max(len(plain), size + 2) if size > 1 else _APART
        groups.append([value[at : min(at + size, end)] for at in range(0, end, size)])
    for joint in (b" ", b"\n", b"\r\n"):
        yield from (Trace(joint.join(each), form, start) for each in groups)


def _spelled(form: Form, needles: Sequence[Needle], beginnings: int) -> Iterator[bytes]:
    """Yield the beginning wide, bold, underlined, and with its first escapes."""
    value = form.value
    head = value[:4]
    if len(head) == 4 and head.isascii():
        yield head.decode().encode("utf-16-le")
        yield head.decode().encode("utf-16-be")
    if beginnings > 1:
        letters = [letter.encode() for letter in value.decode("utf-8", "replace")[:3]]
        yield b"".join(b"%b\b%b" % (letter, letter) for letter in letters)
        yield b"".join(b"_\b%b" % letter for letter in letters)
        yield from (b"\b" + value[place : place + 4] for place in range(1, _SHORTEST))
    if not _UNTOUCHED.issuperset(value[:_SHORTEST]):
        escaped = (needle.value for needle in needles if needle.encoding in _ESCAPES)
        heads = (_opening(each, value) for each in escaped)
        yield from dict.fromkeys((*heads, *(_opened(value) if beginnings > 1 else ())))


def _opening(form: bytes, value: bytes) -> bytes:
    """Return an escaped form of a value up to where its first escape begins, or a little more."""
    pairs = zip(form[:_SHORTEST], value, strict=False)
    same = next((at for at, (a, b) in enumerate(pairs) if a != b), _SHORTEST)
    return form[: max(same + 1, _SHORTEST_OPENED if same >= _ENOUGH_PLAIN else _SHORTEST)]


def _opened(value: bytes) -> Iterator[bytes]:
    """Yield the beginning up to where escapes begin, with what may begin them there."""
    place = next(at for at, byte in enumerate(value) if byte not in _UNTOUCHED)
    if place:
        marks = _MARKS if place >= _ENOUGH_PLAIN else _OPENINGS
        yield from (value[:place] + mark for mark in marks)


def _in_capitals_too(starts: Iterable[Trace]) -> Iterator[Trace]:
    for start in starts:
        yield start
        if not start.word.isdigit():
            yield replace(start, word=start.word.upper(), lead=start.lead.upper())


def _of_digits(form: Form, beginnings: int) -> Iterator[Trace]:
    """Yield traces in the digits of a dump, which stand apart in ones or twos of bytes."""
    start = -(-_private(form) // 2) * 2
    for place in range(start, start + 6 * min(beginnings, _ROWS), 6):
        digits = form.value[place : place + 6]
        if len(digits) < 6:
            return
        first, second, third = digits[:2], digits[2:4], digits[4:]
        spellings = [
            digits,
            b"%b %b %b" % (first, second, third),
            b"%b%b %b" % (first, second, third),
            b"%b %b%b" % (first, second, third),
        ]
        if beginnings > 1:
            listed = (b", ", b",", b":", b" 0x", b", 0x", b",0x")
            spellings += [joint.join((first, second, third)) for joint in listed]
        in_capitals = (spelling.upper().replace(b"X", b"x") for spelling in spellings)
        for word in dict.fromkeys((*spellings, *in_capitals)):
            yield Trace(word, form, place)
