"""What the header blocks of a tar archive say, in every dialect; pure functions of their bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from leakguard.unpack.base import DamagedError

BLOCK = 512
# Kinds of headers that describe the next member: GNU's long names, and those of pax and Solaris.
DESCRIBING = b"LKxgX"
_DIRECTORY = ord("5")
_CHECKSUM = re.compile(rb"[ \0]*[0-7]{1,7}[ \0]|[ \0]*[0-7]{8}")


@dataclass(slots=True)
class Header:
    """One header block, or several that describe one member.

    Attributes:
        name: With a slash at its end if it is a directory.
        size: Of its data, as it says.
        kind: The byte for it.
        link: What it links to, if it is a link.
        notes: All else that is said of it.
    """

    name: bytes
    size: int
    kind: int
    link: bytes
    notes: bytes


class Extras:
    """What the headers before a member's own say of it.

    Attributes:
        name: Its name, empty if none was told.
        notes: What was said, to be searched.
    """

    def __init__(self) -> None:
        self.name = b""
        self.notes: list[bytes] = []
        self._link = b""
        self._size: int | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing was said."""
        return not (self.name or self.notes)

    def take(self, kind: int, payload: bytes) -> None:
        """Remember what a long name or a pax header holds.

        Raises:
            DamagedError: If it does not hold together.
        """
        if kind == ord("L"):
            self.name = payload.rstrip(b"\0")
            return
        self.notes.append(payload)
        if kind == ord("K"):
            self._link = payload.rstrip(b"\0")
        elif kind in b"xX":
            self._take_records(payload)

    def apply(self, header: Header) -> None:
        """Let them override what the member's own header says."""
        header.name = _named(self.name, header.kind) or header.name
        header.link = self._link or header.link
        header.size = header.size if self._size is None else self._size
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
        elif key == b"linkpath":
            self._link = value
        elif key == b"size":
            if not value.isdigit() or len(value.lstrip(b"0")) > 20:  # 2**64 has 20 digits
                raise DamagedError("a pax header gives a size that is no number")
            self._size = int(value)


def sound(block: bytes) -> bool:
    """Say whether a block is a header that holds together."""
    if len(block) < BLOCK or not (field := _CHECKSUM.match(block, 148, 156)):
        return False
    told = int(field[0].strip(b" \0"), 8)
    unsigned = sum(block) - sum(block[148:156]) + 256
    if told == unsigned:
        return True
    # Some old systems added the bytes as signed numbers.
    negative = sum(byte > 127 for byte in block[:148] + block[156:])
    return told == unsigned - 256 * negative


def number(field: bytes) -> int:
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


def parsed(block: bytes) -> Header:
    """Return what one header block says of its member.

    Raises:
        DamagedError: If its size makes no sense.
    """
    name, kind = block[:100].partition(b"\0")[0], block[156]
    posix = block[257:263] == b"ustar\0"
    if posix and (prefix := block[345:500].partition(b"\0")[0]):
        name = prefix + b"/" + name
    link = block[157:257].partition(b"\0")[0]
    return Header(_named(name, kind), number(block[124:136]), kind, link, block[157:])


def _named(name: bytes, kind: int) -> bytes:
    """Return a name with a slash at its end if it is a directory's: not every writer puts one."""
    return name + b"/" if name and kind == _DIRECTORY and name[-1:] != b"/" else name
