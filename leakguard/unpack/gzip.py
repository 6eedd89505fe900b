"""Opens gzip files, with all their members and the name and comment that their header may hold."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from leakguard.unpack import compressed
from leakguard.unpack.base import HEAD, DamagedError, Event, Readable, Source, Unpacker, literal
from leakguard.unpack.streams import Inflater

_MAGIC = b"\x1f\x8b\x08"
_FIXED = 10
_EXTRA, _NAME, _COMMENT = 4, 8, 16


class _Headed:
    """A stream whose first bytes have been looked at."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.head = stream.read(HEAD)
        self._unread = self.head

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""
        if not self._unread:
            return self._stream.read(size)
        data, self._unread = self._unread[:size], self._unread[size:]
        return data


def _notes(head: bytes) -> bytes:
    """Return the header's optional fields, as far as they lie in `head`."""
    flags = head[3] if len(head) > _FIXED else 0
    start = end = _FIXED
    if flags & _EXTRA:
        end += 2 + int.from_bytes(head[end : end + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            end = (head.find(b"\0", end) + 1) or len(head)
    return head[start:end]


def members(source: Source) -> Iterator[Event]:
    """Yield what all members of a gzip file hold, as one."""
    headed = _Headed(source.stream)
    return compressed.contents(
        Source(headed, None, source.limits),
        lambda: Inflater(16 + zlib.MAX_WBITS),
        lambda rest: rest.startswith(_MAGIC),
        _notes(headed.head),
    )


UNPACKER = Unpacker(
    label="gzip",
    magic=literal(_MAGIC),
    members=members,
    errors=(zlib.error, DamagedError, EOFError, OSError, MemoryError),
    suffixes=((".tgz", ".tar"), (".svgz", ".svg"), (".gz", "")),
)
