"""What the compressed formats share: one file without a name, in one stream or several in a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from leakguard.unpack.base import Event, Fault, Gap, Member, Source
from leakguard.unpack.streams import Decompressed, Decompressor

_TRAILING = Fault("damaged", "what stands behind the end of the compressed data is none of it")


def contents(
    source: Source,
    begin: Callable[[], Decompressor],
    goes_on: Callable[[bytes], bool],
    notes: bytes = b"",
) -> Iterator[Event]:
    """Yield what a compressed file holds, and then whatever stands behind it.

    Bytes behind the end are searched as they are, and told: they may be another stream whose first
    bytes are damaged.
    """
    inner = Decompressed(source.stream, begin, source.limits, goes_on)
    yield Member(None, inner, notes)
    if not inner.ended:
        return
    offset = inner.consumed
    if rest := inner.remains():
        yield Gap(offset, _Remains(rest, inner))
        yield _TRAILING


class _Remains:
    """The bytes behind the end, of which the first are at hand."""

    def __init__(self, first: bytes, inner: Decompressed) -> None:
        self._first = first
        self._inner = inner

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""
        data = self._first or self._inner.remains()
        self._first = data[size:]
        return data[:size]
