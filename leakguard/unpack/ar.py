"""Opens ar archives, which static libraries and Debian packages are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakguard.unpack.base import (
    LONGEST_HEADER,
    DamagedError,
    Event,
    Fault,
    Gap,
    Source,
    Unpacker,
    literal,
)
from leakguard.unpack.tape import Tape, member

_MAGIC = b"!<arch>\n"
_HEADER = re.compile(rb"(?s)(.{16}).{32}([0-9]+) *`\n")
_HEADER_SIZE = 60


def members(source: Source) -> Iterator[Event]:
    """Yield the members of an ar archive, in order, and what does not belong to one."""
    tape = Tape(source.stream)
    tape.skip(len(_MAGIC))
    names = b""
    while header := tape.peek(_HEADER_SIZE):
        if (fields := _HEADER.fullmatch(header)) is None:
            yield Gap(tape.offset, tape)
            yield Fault("damaged", "has a member without a header")
            return
        tape.skip(_HEADER_SIZE)
        name, size = fields[1].rstrip(b" "), int(fields[2])
        if name == b"//" and size <= LONGEST_HEADER:
            names = tape.peek(size)
        length = int(name[3:]) if re.fullmatch(rb"#1/[0-9]{1,6}", name) else 0
        name = tape.take(min(length, size)) if length else _long_name(name, names)
        yield from member(tape, name.strip(b"\0"), size - min(length, size))
        tape.skip(size % 2)


def _long_name(name: bytes, names: bytes) -> bytes:
    """Return a name; one that is longer than its field stands in a member of its own."""
    if name[:1] == b"/" and name[1:].isdigit():
        return names[int(name[1:]) :].partition(b"\n")[0].rstrip(b"/")
    return name.rstrip(b"/") or name


UNPACKER = Unpacker(
    label="ar",
    magic=literal(_MAGIC),
    members=members,
    errors=(DamagedError, MemoryError),
    expands=False,
)
