"""Opens bzip2 files, with all their streams."""

from __future__ import annotations

import bz2
import re
from collections.abc import Iterator

from leakguard.unpack import compressed
from leakguard.unpack.base import DamagedError, Event, Source, Unpacker

# The block size, and then pi for a block or its square root for an end: a text may begin with BZh.
_MAGIC = rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)"
_BEGINS = re.compile(rb"BZh[1-9]")


def members(source: Source) -> Iterator[Event]:
    """Yield what all streams of a bzip2 file hold, as one."""
    return compressed.contents(
        source, bz2.BZ2Decompressor, lambda rest: _BEGINS.match(rest) is not None
    )


UNPACKER = Unpacker(
    label="bzip2",
    magic=_MAGIC,
    members=members,
    errors=(OSError, DamagedError, EOFError, ValueError, MemoryError),
    suffixes=((".tbz2", ".tar"), (".tbz", ".tar"), (".bz2", "")),
)
