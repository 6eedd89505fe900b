"""Opens zip archives from front to back, so that each byte is read once and none goes unseen.

The central directory says where members begin and how long they are; what it does not name is found
between them by its local header, and all other bytes are searched as gaps. Members that claim bytes
of one another are told and not read twice, which takes the sting out of overlapping bombs.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import BinaryIO

from leakguard.unpack import xz, zipindex, zstd
from leakguard.unpack.base import (
    PIECE,
    WHOLE,
    DamagedError,
    Ending,
    Event,
    Fault,
    Gap,
    Limits,
    Member,
    Readable,
    Source,
    Unpacker,
    literal,
)
from leakguard.unpack.streams import Decompressed, Decompressor, Inflater, Section, size_of
from leakguard.unpack.zipindex import Directory, Entry, Local

_ENCRYPTED = Fault("encrypted", "needs a password")


class _LzmaDecompressor:
    """A `Decompressor` for LZMA as zip has it: version, length and properties before the data."""

    def __init__(self) -> None:
        self._lzma = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=xz.MEMORY)
        self._head: bytes | None = b""

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed stream was reached."""
        return self._lzma.eof

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes without more input."""
        return self._head is not None or self._lzma.needs_input

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond the end of the compressed stream."""
        return self._lzma.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes of output."""
        if self._head is not None:
            self._head += data
            if len(self._head) < 9:  # version, length, properties
                return b""
            # The same properties, then a size that is not known, make the older file format.
            data = self._head[4:9] + b"\xff" * 8 + self._head[9:]
            self._head = None
        return self._lzma.decompress(data, max_length)


_DECOMPRESSORS: dict[int, Callable[[], Decompressor]] = {
    zipindex.DEFLATED: lambda: Inflater(-zlib.MAX_WBITS),
    zipindex.BZIP2: bz2.BZ2Decompressor,
    zipindex.LZMA: _LzmaDecompressor,
    zipindex.ZSTD: zstd.decompressor,
    zipindex.XZ: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=xz.MEMORY),
}


class _Checked:
    """A member's data, which must have the length and the checksum that were told."""

    def __init__(self, stream: Readable, entry: Entry) -> None:
        self._stream = stream
        self._told = entry.size, entry.crc
        self._size = 0
        self._crc = 0

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""
        wanted = min(size, self._told[0] - self._size + 1)
        data = self._stream.read(wanted)
        self._size += len(data)
        self._crc = zlib.crc32(data, self._crc)
        over = self._size > self._told[0]
        if over or (not data and (self._size, self._crc) != self._told):
            raise DamagedError("is not what its length and checksum tell")
        return data


class _Archive:
    """One walk through a zip archive."""

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._size = size_of(file)
        self._at = 0  # everything before has been told

    def events(self) -> Iterator[Event]:
        """Yield members, gaps and faults, by offset."""
        directory = zipindex.directory_of(self._file, self._size)
        if directory is None:
            yield Fault("damaged", "has no central directory")
            yield from self._unnamed(self._size)
            return
        yield from self._named(directory)
        yield from self._unnamed(directory.start)
        self._at = max(self._at, directory.rest)
        yield from self._unnamed(self._size)

    def _named(self, directory: Directory) -> Iterator[Event]:
        """Tell the members that the central directory names, and what lies between them."""
        most = self._limits.max_members + 1  # enough to see that there are too many
        entries, sound = zipindex.entries_of(self._file, directory, most)
        if not sound or (directory.start and not entries):
            yield Fault("damaged", "has a central directory that does not hold together")
        overlapping = 0
        for entry in sorted(entries, key=lambda entry: entry.offset):
            if entry.offset < self._at:
                overlapping += 1
                yield Member(entry.shown(), b"", entry.notes)
            else:
                yield from self._unnamed(min(entry.offset, directory.start))
                yield from self._entry(entry, directory.start)
        if overlapping:
            yield Fault("damaged", f"has {overlapping} members that overlap others")

    def _entry(self, entry: Entry, end: int) -> Iterator[Event]:
        local = zipindex.local_at(self._file, entry.offset, end)
        if local is None:
            fault = Fault("damaged", "is not where the central directory says")
            yield Member(entry.shown(), b"", entry.notes, fault)
            return
        notes = local.entry.notes + entry.notes
        if local.entry.name != entry.name:
            notes = b"\n".join([local.entry.name, notes])
        member = self._member(entry, local.start, notes)
        told = local.entry.sizes_behind or local.entry.packed == entry.packed
        if not told and member.fault is None:
            member = _faulty(member, "has two headers that differ")
        yield member
        self._pass_over(entry, min(local.start + entry.packed, end))

    def _pass_over(self, entry: Entry, end: int) -> None:
        behind = zipindex.behind_descriptor(self._file, end) if entry.sizes_behind else end
        self._at = max(self._at, behind)

    def _unnamed(self, end: int) -> Iterator[Event]:
        """Tell the bytes up to `end`: members by their local headers, all else as gaps."""
        while self._at < end:
            local = zipindex.next_local(self._file, self._at, end)
            yield from self._gap(local.entry.offset if local else end)
            if local:
                yield from self._orphan(local, end)

    def _orphan(self, local: Local, end: int) -> Iterator[Event]:
        """Tell a member that no directory names."""
        entry = local.entry
        if not entry.sizes_behind or entry.packed:
            yield self._member(entry, local.start, entry.notes)
            self._pass_over(entry, local.start + entry.packed)
        elif entry.encrypted or entry.method not in _DECOMPRESSORS:
            # Where it ends is told behind it: its bytes are searched as they are.
            fault = _ENCRYPTED if entry.encrypted else Fault("damaged", "has no length")
            self._at = local.start
            yield Member(entry.shown(), b"", entry.notes, fault)
        else:
            packed = Section(self._file, local.start, end - local.start)
            data = Decompressed(packed, _DECOMPRESSORS[entry.method], self._limits)
            yield Member(entry.shown(), data, entry.notes)
            self._at = local.start
            if data.ended:
                self._pass_over(entry, local.start + data.consumed)

    def _gap(self, end: int) -> Iterator[Event]:
        start, self._at = self._at, max(self._at, end)
        if end - start > PIECE:
            yield Gap(start, Section(self._file, start, end - start))
        elif (data := zipindex.read_at(self._file, start, end - start)).strip(b"\0"):
            yield Gap(start, data)

    def _member(self, entry: Entry, start: int, notes: bytes) -> Member:
        name = entry.shown()
        if entry.encrypted:
            return Member(name, b"", notes, _ENCRYPTED)
        if entry.method != zipindex.STORED and entry.method not in _DECOMPRESSORS:
            fault = Fault("unsupported", f"is compressed by method {entry.method}")
            return Member(name, b"", notes, fault)
        data = self._whole(entry, start)
        return Member(name, self._stream(entry, start) if data is None else data, notes)

    def _whole(self, entry: Entry, start: int) -> bytes | None:
        """Return the data if it is short and nothing is wrong with it."""
        if max(entry.size, entry.packed) > WHOLE:
            return None
        data = zipindex.read_at(self._file, start, entry.packed)
        if entry.method == zipindex.DEFLATED:
            try:
                data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, entry.size + 1)
            except zlib.error:
                return None
        elif entry.method != zipindex.STORED:
            return None
        sound = len(data) == entry.size and zlib.crc32(data) == entry.crc
        return data if sound else None

    def _stream(self, entry: Entry, start: int) -> Readable:
        packed: Readable = Section(self._file, start, entry.packed)
        if entry.method == zipindex.STORED:
            return _Checked(packed, entry)
        return _Checked(Decompressed(packed, _DECOMPRESSORS[entry.method], self._limits), entry)


def _faulty(member: Member, detail: str) -> Member:
    return Member(member.name, member.data, member.notes, Fault("damaged", detail))


def members(source: Source) -> Iterator[Event]:
    """Yield what a zip archive holds, by offset."""
    file = source.file or BytesIO()
    return _Archive(file, source.limits).events()


def _is_sound(file: BinaryIO) -> bool:
    directory = zipindex.directory_of(file, size_of(file))
    return directory is not None and directory.count > 0


UNPACKER = Unpacker(
    label="zip",
    magic=literal(zipindex.LOCAL, zipindex.END, b"PK\7\x08PK\3\4", b"PK00PK\3\4"),
    members=members,
    errors=(
        zlib.error,
        lzma.LZMAError,
        *zstd.ERRORS,
        struct.error,
        OverflowError,
    ),
    seeks=True,
    ending=Ending(zipindex.LOCAL, zipindex.END, _is_sound),
)
