"""Opens tar archives of every dialect with a light walk from header to header.

The walk never ends in silence: behind a header that does not hold together it looks for the next
one that does, the bytes between are searched as a gap, and a fault is told. Nothing is expanded or
followed: of a sparse file the stored bytes are read, of a link its name and target. `tarfile` is
not used since it ends without a word at a bad header, takes any amount of memory for a long name,
and costs several times as much; the tests hold the walk to what `tarfile` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from leakguard.unpack.base import (
    LONGEST_HEADER,
    DamagedError,
    Event,
    Fault,
    Gap,
    Member,
    Source,
    Unpacker,
    text_of,
)
from leakguard.unpack.tape import Part, Tape, member

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_NUMBER, _LONG_NUMBER = rb"[0-7 ]{6}[0-7 \0]{2}", rb"[0-7 ]{10}[0-7 \0]{2}"
# Either dialect's magic, or the shape of the numbers of old archives, which have none.
_MAGIC = (
    rb".{257}ustar[ \0]|[^\0].{99}(?:"
    + _NUMBER
    + rb"){3}(?:"
    + _LONG_NUMBER
    + rb"){2}[0-7 ]{6}(?:\0[\0 ]|[0-7 ]\0)[\0 0-7A-Zgx]"
)
_CHECKSUM = re.compile(rb"[ \0]*[0-7]{1,7}[ \0]|[ \0]*[0-7]{8}")
_DATALESS = b"123456"
_SPARSE_GOES_ON, _SPARSE_MAP_GOES_ON = 482, 504


@dataclass(slots=True)
class _Header:
    """One header block, or several that describe one member."""

    name: bytes
    size: int
    kind: int
    notes: bytes


class _Extras:
    """What the headers before a member's own say of it."""

    def __init__(self) -> None:
        self.name = b""
        self.size: int | None = None
        self.notes: list[bytes] = []

    def take(self, kind: int, payload: bytes) -> None:
        """Remember what a long name or a pax header holds.

        Raises:
            DamagedError: If it does not hold together.
        """
        if kind == ord("L"):
            self.name = payload.rstrip(b"\0")
            return
        self.notes.append(payload)
        if kind in b"xX":
            self._take_records(payload)

    def apply(self, header: _Header) -> None:
        """Let them override what the member's own header says."""
        header.name = self.name or header.name
        header.size = header.size if self.size is None else self.size
        header.notes = b"\n".join([header.notes, *self.notes])

    def _take_records(self, payload: bytes) -> None:
        at = 0
        while at < len(payload) and payload[at]:
            length, _, _ = payload[at : at + 20].partition(b" ")
            if not length.isdigit() or not len(length) + 1 < int(length) <= len(payload) - at:
                raise DamagedError("a pax header does not hold together")
            key, _, value = payload[at + len(length) + 1 : at + int(length) - 1].partition(b"=")
            self._take_record(key, value)
            at += int(length)

    def _take_record(self, key: bytes, value: bytes) -> None:
        if key == b"GNU.sparse.name" or (key == b"path" and not self.name):
            self.name = value
        elif key == b"size":
            if not value.isdigit() or len(value.lstrip(b"0")) > 20:  # 2**64 has 20 digits
                raise DamagedError("a pax header gives a size that is no number")
            self.size = int(value)


class _Lost:
    """Blocks up to the next header that holds together, as a stream."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def read(self, _size: int, /) -> bytes:
        """Return some blocks; none at the end only."""
        ahead = self._tape.peek(1 << 16)
        for at in range(0, len(ahead), _BLOCK):
            if _sound(ahead[at : at + _BLOCK]):
                return self._tape.take(at)
        return self._tape.take(len(ahead))


def _sound(block: bytes) -> bool:
    """Say whether a block is a header that holds together."""
    if len(block) < _BLOCK or not (field := _CHECKSUM.match(block, 148, 156)):
        return False
    told = int(field[0].strip(b" \0"), 8)
    unsigned = sum(block) - sum(block[148:156]) + 256
    if told == unsigned:
        return True
    # Some old systems added the bytes as signed numbers.
    negative = sum(byte > 127 for byte in block[:148] + block[156:])
    return told == unsigned - 256 * negative


def _number(field: bytes) -> int:
    """Return a number in octal, or in the binary form for what octal cannot hold.

    Raises:
        DamagedError: If it is neither, or negative.
    """
    if field[0] == 0x80:  # marks a positive binary number
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip()
    if not digits:
        return 0
    if digits.strip(b"01234567"):
        raise DamagedError("a header gives a size that is no number")
    return int(digits, 8)


def _parsed(block: bytes) -> _Header:
    name = block[:100].partition(b"\0")[0]
    posix = block[257:263] == b"ustar\0"
    if posix and (prefix := block[345:500].partition(b"\0")[0]):
        name = prefix + b"/" + name
    return _Header(name, _number(block[124:136]), block[156], block[157:])


def members(source: Source) -> Iterator[Event]:
    """Yield the members of a tar stream, in order, and the bytes that belong to none."""
    tape = Tape(source.stream)
    extras = _Extras()
    while block := tape.peek(_BLOCK):
        if block == _ZEROS:
            # An end, but not for archives that were put one behind the other.
            tape.skip_zeros(_BLOCK)
        elif not _sound(block):
            yield from _lost(tape)
        elif block[156] in b"LKxgX":
            yield from _extra(tape, extras)
        else:
            yield from _member(tape, extras)
            extras = _Extras()
    if extras.name or extras.notes:
        fault = Fault("damaged", "ends before the member that a header describes")
        yield Member(text_of(extras.name), b"", b"\n".join(extras.notes), fault)


def _lost(tape: Tape) -> Iterator[Event]:
    offset = tape.offset
    if not tape.peek(_BLOCK).strip(b"\0"):
        tape.skip_zeros(_BLOCK)  # the end, cut short
        return
    yield Gap(offset, _Lost(tape))
    yield Fault("damaged", f"no header at offset {offset}")


def _extra(tape: Tape, extras: _Extras) -> Iterator[Event]:
    """Read a header that describes the next member; one that is too long is only searched."""
    offset = tape.offset
    block = tape.take(_BLOCK)
    try:
        size = _number(block[124:136])
        if size > LONGEST_HEADER:
            yield from _overlong(tape, size)
            return
        payload = tape.take(size)
        if len(payload) < size:
            yield Gap(offset + _BLOCK, payload)
            yield Fault("damaged", "ends in the middle of a header")
            return
        tape.skip(-size % _BLOCK)
        extras.take(block[156], payload)
    except DamagedError as error:
        yield Fault("damaged", f"{error}, at offset {offset}")


def _overlong(tape: Tape, size: int) -> Iterator[Event]:
    part = Part(tape, size)
    yield Gap(tape.offset, part)
    yield Fault("too-large", f"a header of {size} bytes was not read as one")
    part.pass_over()
    tape.skip(-size % _BLOCK)


def _member(tape: Tape, extras: _Extras) -> Iterator[Event]:
    offset = tape.offset
    block = tape.take(_BLOCK)
    try:
        header = _parsed(block)
    except DamagedError as error:
        # Its data is searched as blocks without a header.
        yield Fault("damaged", f"{error}, at offset {offset}")
        return
    extras.apply(header)
    if header.kind == ord("S") and block[_SPARSE_GOES_ON]:
        while tape.take(_BLOCK)[_SPARSE_MAP_GOES_ON:][:1].strip(b"\0"):
            pass
    if header.kind in _DATALESS and not _has_data(tape, header.size):
        header.size = 0
    yield from member(tape, header.name, header.size, header.notes)
    tape.skip(-header.size % _BLOCK)


def _has_data(tape: Tape, size: int) -> bool:
    """Say whether data follows a link or a directory: most writers give it a size and none."""
    following = tape.peek(_BLOCK)
    return bool(size and following.strip(b"\0")) and not _sound(following)


UNPACKER = Unpacker(
    label="tar", magic=_MAGIC, members=members, errors=(DamagedError, MemoryError), expands=False
)
