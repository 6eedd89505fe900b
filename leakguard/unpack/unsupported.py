"""Recognizes the archives and compressed files that are not opened, so that none passes as read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakguard.unpack.base import HEAD, Event, Fault, Source, Unpacker

_FORMATS = {
    "7z": rb"7z\xbc\xaf\x27\x1c",
    "rar": rb"Rar!\x1a\x07",
    "lz4": rb"\x04\x22\x4d\x18|\x02\x21\x4c\x18",
    "lzip": rb"LZIP[\0\1]",
    "lzop": rb"\x89LZO\0\r\n\x1a\n",
    "compress": rb"\x1f\x9d[\x89-\x90]",
    "cabinet": rb"MSCF\0{4}",
    "cpio": rb"07070[12][0-9a-fA-F]{104}|070707[0-7]{70}",
    "rpm": rb"\xed\xab\xee\xdb",
    "xar": rb"xar!\0\x1c",
    "squashfs": rb"hsqs|sqsh",
    "snappy": rb"\xff\x06\0\0sNaPpY",
}


def members(source: Source) -> Iterator[Event]:
    """Yield nothing but what it is."""
    head = source.stream.read(HEAD)
    for label, magic in _FORMATS.items():
        if re.match(magic, head, re.DOTALL):
            yield Fault("unsupported", f"{label} files are not opened")
            return


UNPACKER = Unpacker(
    label="unsupported", magic=b"|".join(_FORMATS.values()), members=members, errors=(), raw=True
)
