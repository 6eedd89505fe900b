"""Reads what a zip archive says of its members: its central directory and its local headers.

What does not hold together is None or leaves an entry out, and the walk in `leakguard.unpack.zip`
tells it; nothing here raises for damage.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import BinaryIO

from leakguard.unpack.base import PIECE, text_of

LOCAL = b"PK\3\4"
END = b"PK\5\6"
STORED, DEFLATED, BZIP2, LZMA, ZSTD, XZ = 0, 8, 12, 14, 93, 95
_ENCRYPTED, _SIZES_BEHIND, _UTF8 = 1, 8, 0x800
_AES = 99

_CENTRAL, _END64, _LOCATOR64, _DESCRIPTOR = b"PK\1\2", b"PK\6\6", b"PK\6\7", b"PK\7\x08"
_LOCAL_FORMAT = struct.Struct("<4xHHH4xIIIHH")
_CENTRAL_FORMAT = struct.Struct("<8xHH4xIIIHHH8xI")
_END_FORMAT = struct.Struct("<10xHIIH")
_END64_FORMAT = struct.Struct("<32xQQQ")
_LOCATOR_FORMAT = struct.Struct("<8xQ4x")
_LONGEST_COMMENT = 0xFFFF
_IN_EXTRA = 0xFFFFFFFF
_NEWEST_VERSION = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """A member, as the central directory or its local header tells of it.

    Attributes:
        offset: Where its local header stands.
        flags: As the format defines them.
        method: How it is compressed.
        crc: Checksum of the unpacked data.
        packed: Length of the data.
        size: Length when unpacked.
        name: As it is stored.
        notes: Extra fields and comment.
    """

    offset: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    name: bytes
    notes: bytes

    @property
    def encrypted(self) -> bool:
        """Whether a password is needed."""
        return bool(self.flags & _ENCRYPTED) or self.method == _AES

    @property
    def sizes_behind(self) -> bool:
        """Whether its local header leaves the sizes open, and they stand behind the data."""
        return bool(self.flags & _SIZES_BEHIND)

    def shown(self) -> str:
        """Return the name as text; old archives have it in the code page of DOS."""
        try:
            return self.name.decode("utf-8")
        except UnicodeDecodeError:
            return text_of(self.name) if self.flags & _UTF8 else self.name.decode("cp437")


@dataclass(frozen=True, slots=True)
class Local:
    """A local header.

    Attributes:
        entry: The member it tells of.
        start: Where its data begins.
    """

    entry: Entry
    start: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The central directory, as the end record tells of it.

    Attributes:
        start: Where it begins.
        end: Where it ends.
        rest: Where the archive's comment begins, and whatever stands behind.
        count: How many entries it has, as far as 16 bits tell.
        shift: Bytes before the archive, which its offsets leave out.
    """

    start: int
    end: int
    rest: int
    count: int
    shift: int


def directory_of(file: BinaryIO, size: int) -> Directory | None:
    """Return where the central directory stands, by the last end record that fits one."""
    base = max(0, size - _END_FORMAT.size - _LONGEST_COMMENT)
    tail = read_at(file, base, size - base)
    at = tail.rfind(END)
    while at >= 0:
        if found := _directory_by(file, tail[at : at + _END_FORMAT.size], base + at):
            return found
        at = tail.rfind(END, 0, at)
    return None


def _directory_by(file: BinaryIO, record: bytes, position: int) -> Directory | None:
    if len(record) < _END_FORMAT.size:
        return None
    count, length, offset, _ = _END_FORMAT.unpack(record)
    end, rest = position, position + _END_FORMAT.size
    if record64 := _record64(file, position):
        end, (count, length, offset) = record64
    start = end - length
    if not 0 <= offset <= start or (count and read_at(file, start, 4) != _CENTRAL):
        return None
    return Directory(start, end, rest, count & 0xFFFF, start - offset)


def _record64(file: BinaryIO, position: int) -> tuple[int, tuple[int, int, int]] | None:
    """Return where the end record of a large archive stands, and what it tells, if there is one."""
    locator = read_at(file, position - _LOCATOR_FORMAT.size, _LOCATOR_FORMAT.size)
    if not locator.startswith(_LOCATOR64):
        return None
    usual = position - _LOCATOR_FORMAT.size - _END64_FORMAT.size
    for at in (*_LOCATOR_FORMAT.unpack(locator), usual):
        record = read_at(file, at, _END64_FORMAT.size)
        if record.startswith(_END64) and len(record) == _END64_FORMAT.size:
            return at, _END64_FORMAT.unpack(record)
    return None


def entries_of(file: BinaryIO, directory: Directory, most: int) -> tuple[list[Entry], bool]:
    """Return the entries of the central directory, at most `most`, and whether it is sound."""
    entries: list[Entry] = []
    at = directory.start
    file.seek(at)
    while at < directory.end and len(entries) < most:
        entry, length = _next_entry(file)
        at += length
        if entry is None or at > directory.end:
            return entries, False
        entries.append(replace(entry, offset=entry.offset + directory.shift))
    return entries, len(entries) >= most or len(entries) & 0xFFFF == directory.count


def _next_entry(file: BinaryIO) -> tuple[Entry | None, int]:
    fixed = file.read(_CENTRAL_FORMAT.size)
    if len(fixed) < _CENTRAL_FORMAT.size or not fixed.startswith(_CENTRAL):
        return None, 0
    fields = _CENTRAL_FORMAT.unpack(fixed)
    flags, method, crc, packed, size, name_length, extra_length, comment_length, offset = fields
    length = name_length + extra_length + comment_length
    rest = file.read(length)
    extra = rest[name_length : name_length + extra_length]
    size, packed, offset = _from_extra(extra, size, packed, offset)
    name, notes = rest[:name_length], rest[name_length:]
    return Entry(offset, flags, method, crc, packed, size, name, notes), len(fixed) + length


def _from_extra(extra: bytes, *fields: int) -> list[int]:
    """Return `fields`, those that do not fit in 32 bits as the extra field has them."""
    found = list(fields)
    while len(extra) >= 4:  # tag and length
        tag, length = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        if tag == 1:
            values = [extra[at : at + 8] for at in range(4, 4 + length, 8)]
            for at, field in enumerate(fields):
                if field == _IN_EXTRA and values:
                    found[at] = int.from_bytes(values.pop(0), "little")
            break
        extra = extra[4 + length :]
    return found


def local_at(file: BinaryIO, offset: int, size: int) -> Local | None:
    """Return the local header at `offset` of a file of `size` bytes, None if there is none."""
    if not 0 <= offset < size:
        return None
    fixed = read_at(file, offset, _LOCAL_FORMAT.size)
    if len(fixed) < _LOCAL_FORMAT.size or not fixed.startswith(LOCAL):
        return None
    version, flags, method, crc, packed, length, name_length, extra_length = _LOCAL_FORMAT.unpack(
        fixed
    )
    rest = file.read(name_length + extra_length)
    if len(rest) < name_length + extra_length or version & 0xFF > _NEWEST_VERSION:
        return None
    name, extra = rest[:name_length], rest[name_length:]
    length, packed = _from_extra(extra, length, packed)
    entry = Entry(offset, flags, method, crc, packed, length, name, extra)
    return Local(entry, offset + len(fixed) + len(rest))


def next_local(file: BinaryIO, start: int, end: int) -> Local | None:
    """Return the first local header between two offsets that a member seems to follow."""
    at = start
    while (at := _find(file, LOCAL, at, end)) < end:
        local = local_at(file, at, end)
        if local and local.entry.name and local.start + local.entry.packed <= end:
            return local
        at += len(LOCAL)
    return None


def behind_descriptor(file: BinaryIO, at: int) -> int:
    """Return where the sizes that stand behind a member's data end; `at` if there are none."""
    ahead = read_at(file, at, 26)
    lengths = (16, 24) if ahead.startswith(_DESCRIPTOR) else (0, 12, 20)
    for length in lengths:
        if ahead[length : length + 2] == b"PK":
            return at + length
    return at


def read_at(file: BinaryIO, start: int, size: int) -> bytes:
    """Return at most `size` bytes from `start`; none when that is not in the file."""
    if not 0 <= start < 1 << 62:
        return b""
    file.seek(start)
    return file.read(size)


def _find(file: BinaryIO, word: bytes, start: int, end: int) -> int:
    """Return the offset of `word` between two others, `end` if it is not there."""
    at = start
    while at < end:
        piece = read_at(file, at, min(PIECE, end - at))
        if (found := piece.find(word)) >= 0:
            return at + found
        if len(piece) <= len(word):
            break
        at += len(piece) - len(word) + 1
    return end
