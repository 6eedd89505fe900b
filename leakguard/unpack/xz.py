"""Opens xz files, with all their streams, and the older lzma files, within a fixed memory."""

from __future__ import annotations

import lzma
from collections.abc import Iterator

from leakguard.unpack import compressed
from leakguard.unpack.base import DamagedError, Event, Source, Unpacker, literal

# xz -9 needs 65 MB to decompress. A file may claim to need 4 GB.
MEMORY = 128 << 20
_XZ = b"\xfd7zXZ\0"
# Properties as every encoder writes them, a dictionary in whole 64 KiB, a plausible size or none,
# and the first byte of a range coder, which is always zero.
_LZMA = rb"\x5d(?:\0\0(?:[^\0]\0|.[\x01-\x80])|\xff{4})(?:\xff{8}|.{5}\0{3})\0"


def members(source: Source) -> Iterator[Event]:
    """Yield what all streams of an xz or lzma file hold, as one."""
    return compressed.contents(
        source,
        lambda: lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=MEMORY),
        lambda rest: rest.startswith(_XZ),
    )


UNPACKER = Unpacker(
    label="xz",
    magic=literal(_XZ) + b"|" + _LZMA,
    members=members,
    errors=(lzma.LZMAError, DamagedError, EOFError, OSError, ValueError, MemoryError),
    suffixes=((".txz", ".tar"), (".tlz", ".tar"), (".xz", ""), (".lzma", "")),
)
