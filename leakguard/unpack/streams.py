"""Streams that unpackers are built from; none of them reads more than it was asked to hold.

A stream raises where it finds damage or meets a limit, after it has handed out every byte before.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import SEEK_END, BytesIO
from typing import BinaryIO, Protocol

from leakguard.unpack.base import PIECE, DamagedError, Limits, Readable, StoppedError


class Decompressor(Protocol):
    """The interface that the decompressors of `bz2`, `lzma` and `zstd` share."""

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed stream was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes without more input."""

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond the end of the compressed stream."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes of output."""


class Inflater:
    """A `Decompressor` for what zlib reads."""

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed stream was reached."""
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond the end of the compressed stream."""
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes of output."""
        tail = self._zlib.unconsumed_tail
        out = self._zlib.decompress(tail + data if tail else data, max_length)
        # A full output may mean that zlib still holds some, even with all input taken.
        self.needs_input = len(out) < max_length and not self._zlib.unconsumed_tail
        return out


class Decompressed:
    """What one compressed stream, or several in a row, hold.

    Attributes:
        rest: After the end: what was read from the source and belongs to no compressed stream.
    """

    def __init__(
        self,
        source: Readable,
        begin: Callable[[], Decompressor],
        limits: Limits,
        goes_on: Callable[[bytes], bool] | None = None,
    ) -> None:
        """Begin to decompress.

        Args:
            source: The compressed bytes.
            begin: Makes the decompressor for each stream in turn.
            limits: For `max_ratio`.
            goes_on: Whether bytes behind the end of a stream, of which there are a few, begin
                another one; by default nothing does.
        """
        self._source = source
        self._begin = begin
        self._limits = limits
        self._goes_on = goes_on
        self._decompressor = begin()
        self._taken = 0
        self._given = 0
        self._ahead = b""
        self.rest = b""
        self.ended = False

    @property
    def consumed(self) -> int:
        """How many bytes of the source the compressed streams themselves take up, after the end."""
        return self._taken - len(self.rest)

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""
        self._weigh()
        while not self.ended:
            if self._decompressor.eof and not self._next():
                break
            data = self._decompressor.decompress(self._input(), size)
            if data:
                self._given += len(data)
                return data
        return b""

    def remains(self) -> bytes:
        """Return more bytes from behind the end, none when the source has ended too."""
        rest, self.rest = self.rest, b""
        return rest or self._source.read(PIECE)

    def _input(self) -> bytes:
        if not self._decompressor.needs_input or self._decompressor.eof:
            return b""
        if self._ahead:
            data, self._ahead = self._ahead, b""
            return data
        data = self._source.read(PIECE)
        self._taken += len(data)
        if not data:
            raise DamagedError("ends in the middle of the compressed data")
        return data

    def _next(self) -> bool:
        """Begin the next compressed stream, if there is one."""
        rest = self._decompressor.unused_data
        if self._goes_on:
            rest = self._filled(rest)
            while rest and not rest.strip(b"\0"):  # padding, such as that of tapes and of xz
                rest = self._filled(b"")
            if rest and self._goes_on(rest.lstrip(b"\0")):
                self._ahead = rest.lstrip(b"\0")
                self._decompressor = self._begin()
                return True
        self.rest, self.ended = rest, True
        return False

    def _filled(self, rest: bytes) -> bytes:
        """Return `rest` and more, enough to see what it begins."""
        while len(rest.lstrip(b"\0")) < 16 and (more := self._source.read(PIECE)):
            self._taken += len(more)
            rest = rest.lstrip(b"\0") + more
        return rest

    def _weigh(self) -> None:
        if self._given > self._limits.ratio_floor:
            ratio = self._given // max(self._taken, 1)
            if ratio >= self._limits.max_ratio:
                raise StoppedError("ratio", f"unpacks to more than {ratio} times its size")


class Section:
    """A range of a file that others seek in as well."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file = file
        self._position = start
        self._left = length

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""
        self._file.seek(self._position)
        data = self._file.read(min(size, self._left))
        self._position += len(data)
        self._left -= len(data)
        return data


def size_of(file: BinaryIO) -> int:
    """Return the size of a file that can be sought in."""
    return file.seek(0, SEEK_END)


def stream_of(data: bytes | Readable) -> Readable:
    """Return `data` as a stream."""
    return BytesIO(data) if isinstance(data, bytes) else data
