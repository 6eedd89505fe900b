"""Opens Zstandard files, with all their frames, and is the one door to a Zstandard package."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from leakguard.unpack import compressed
from leakguard.unpack.base import DamagedError, Event, Source, Unpacker

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# A frame, or one that holds nothing but what a program notes for itself.
_MAGIC = rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"
_BEGINS = re.compile(_MAGIC)

ERRORS = (zstd.ZstdError, DamagedError, EOFError, OSError, ValueError, MemoryError)
decompressor = zstd.ZstdDecompressor


def members(source: Source) -> Iterator[Event]:
    """Yield what all frames of a Zstandard file hold, as one."""
    return compressed.contents(source, decompressor, lambda rest: _BEGINS.match(rest) is not None)


UNPACKER = Unpacker(
    label="zstd",
    magic=_MAGIC,
    members=members,
    errors=ERRORS,
    suffixes=((".tzst", ".tar"), (".zst", ""), (".zstd", "")),
)
