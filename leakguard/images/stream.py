"""The tar of a layer as a stream: decompressed by its magic bytes, and hashed on the way.

A stream raises where a layer is damaged, after it has handed out every byte before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from leakguard.images.ahead import Ahead, Inline
from leakguard.images.model import Part
from leakguard.unpack import Limits, Readable, unpacker_of
from leakguard.unpack.base import HEAD, Fault, Run, Source, StoppedError, Unpacker
from leakguard.unpack.guard import fault_of
from leakguard.unpack.streams import stream_of

_PIECE = 1 << 20


class Contents:
    """What a layer holds, in pieces.

    Attributes:
        digest: Of the bytes as they are stored, once all are read; empty until then.
        diff_id: Of the bytes that came out, once all are read; empty until then.
    """

    def __init__(self, stored: Readable, limits: Limits) -> None:
        """Prepare to read a layer as it is stored."""
        self._stored = _Hashed(stored)
        self._limits = limits
        self.digest = ""
        self.diff_id = ""

    @property
    def head(self) -> bytes:
        """The first bytes as they are stored.

        Raises:
            OSError: If they cannot be read.
        """
        return self._stored.peek(HEAD)

    @property
    def compressed(self) -> bool:
        """Whether the bytes are compressed.

        Raises:
            OSError: If they cannot be read.
        """
        return self._unpacker() is not None

    def pieces(self) -> Iterator[bytes]:
        """Yield what comes out.

        Raises:
            StoppedError: If it is damaged, or goes over a limit.
        """
        out, size = hashlib.sha256(), 0
        for piece in self._unpacked():
            out.update(piece)
            size += len(piece)
            if size > self._limits.max_total_size:
                yield piece[: self._limits.max_total_size - size]
                detail = f"unpacks to more than {self._limits.max_total_size} bytes in all"
                raise StoppedError("too-large", detail)
            yield piece
        self.digest = f"sha256:{self._stored.hash.hexdigest()}"
        self.diff_id = f"sha256:{out.hexdigest()}"

    def _unpacked(self) -> Iterator[bytes]:
        try:
            unpacker = self._unpacker()
            if unpacker is None:
                yield from _pieces(self._stored)
                return
        except OSError as error:
            raise _stopped(error) from error
        yield from self._decompressed(unpacker)
        for _ in _pieces(self._stored):
            """Nothing is left, but the digest is that of all."""

    def _unpacker(self) -> Unpacker | None:
        unpacker = unpacker_of(self.head)
        # Only of what is compressed is it known what its name is without.
        return unpacker if unpacker and unpacker.suffixes else None

    def _decompressed(self, unpacker: Unpacker) -> Iterator[bytes]:
        """Yield what a compressed layer holds, and then what stands behind its end."""
        try:
            for event in unpacker.members(Source(self._stored, None, self._limits)):
                if isinstance(event, Fault):
                    raise StoppedError(event.reason, event.detail)
                if not isinstance(event, Run):  # which is of archives with many members
                    yield from _pieces(stream_of(event.data))
        except OSError as error:
            raise _stopped(error) from error
        except unpacker.errors as error:
            raise _stopped(error) from error


class _Hashed:
    """A stream that is hashed as it is read, with a look ahead."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._ahead = b""
        self.hash = hashlib.sha256()

    def peek(self, size: int) -> bytes:
        """Return the first bytes without taking them."""
        while len(self._ahead) < size and (more := self._stream.read(_PIECE)):
            self._ahead += more
        return self._ahead[:size]

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        data = data or self._stream.read(size)
        self.hash.update(data)
        return data


@contextmanager
def contents(part: Part, limits: Limits, *, ahead: bool) -> Iterator[tuple[Readable, Contents]]:
    """Open a layer; its digests are known when the stream has ended.

    Args:
        part: The layer as it is stored.
        limits: How far to decompress.
        ahead: Whether a thread decompresses ahead of who reads.

    Raises:
        OSError: If it cannot be opened.
    """
    with part.store.open(part.name) as stored:
        found = Contents(stored, limits)
        pieces = found.pieces()
        stream = Ahead(pieces) if ahead else Inline(pieces)
        try:
            yield stream, found
        finally:
            stream.close()


def _pieces(stream: Readable) -> Iterator[bytes]:
    return iter(partial(stream.read, _PIECE), b"")


def _stopped(error: Exception) -> StoppedError:
    fault = fault_of(error)
    return StoppedError(fault.reason, fault.detail)
