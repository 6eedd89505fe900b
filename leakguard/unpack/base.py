"""What an unpacker is, and what it may say: a member, a gap between members, or a fault.

To open another format, add a module that assigns `UNPACKER`. It is chosen by the first bytes of a
blob, never by its name, and it may raise anything it declares in `errors`: damage shows on read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol, TypeAlias

# How many bytes at the start of a blob an unpacker may ask for: one tar header.
HEAD = 512
# A member up to this size is handed over as bytes, a longer one as a stream.
WHOLE = 8 << 20
# Streams are read in pieces of this size.
PIECE = 256 << 10
# Header fields, names and comments of one member: more than this is an attack, not a name.
LONGEST_HEADER = 1 << 20


class Readable(Protocol):
    """Bytes to be read once, in order."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far unpacking goes; whatever lies beyond is a skip.

    Attributes:
        max_depth: Archives inside archives that are opened, the outermost included.
        max_file_size: Bytes that are searched of one file or member.
        max_total_size: Bytes that are unpacked of one file, at all depths together.
        max_ratio: Bytes unpacked for each byte read, once `ratio_floor` bytes were unpacked.
        max_members: Members of one file, at all depths together.
        ratio_floor: Bytes that may be unpacked at any ratio.
    """

    max_depth: int = 8
    max_file_size: int = 2 << 30
    max_total_size: int = 16 << 30
    max_ratio: int = 1000
    max_members: int = 1_000_000
    ratio_floor: int = 16 << 20


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that cannot be searched.

    Attributes:
        reason: The word for `Skip.reason`.
        detail: One line for people.
    """

    reason: str
    detail: str = ""


class StoppedError(Exception):
    """Reading went over a limit."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(reason, detail)


class DamagedError(Exception):
    """An archive does not hold together."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside an archive; of a directory or a link, only its name.

    Attributes:
        name: As the archive has it; None for what a compressed file holds.
        data: Its bytes, or a stream that is read before the next event is asked for.
        notes: What else the archive says of it (comment, link target, owner), to be searched.
        fault: What is wrong with it, told after its data has been searched.
    """

    name: str | None
    data: bytes | Readable
    notes: bytes = b""
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes of an archive that belong to no member.

    Attributes:
        offset: Where in the archive they begin.
        data: The bytes, or a stream that is read before the next event is asked for.
    """

    offset: int
    data: bytes | Readable


class Short(NamedTuple):
    """A member among others in one piece of an archive.

    Attributes:
        name: As the archive has it.
        start: Where in the piece its data begins.
        end: Where its data ends.
        notes: What else the archive says of it.
    """

    name: str
    start: int
    end: int
    notes: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """Members that stand one behind the other: told in one go, since each by itself is short.

    Attributes:
        data: A piece of the archive, headers and all.
        members: What is in it, in order.
    """

    data: bytes
    members: Sequence[Short]


Event: TypeAlias = Member | Run | Gap | Fault


@dataclass(frozen=True, slots=True)
class Source:
    """An archive to unpack.

    Attributes:
        stream: Its bytes from the first on.
        file: The same, to seek in; only for an unpacker that asks for it.
        limits: How far to go.
    """

    stream: Readable
    file: BinaryIO | None
    limits: Limits


@dataclass(frozen=True, slots=True)
class Ending:
    """How an archive is recognized that stands behind other data, as in a self-extracting program.

    Attributes:
        begin: A literal in its first bytes.
        end: A literal near its end.
        is_sound: Whether a file in which both were seen holds such an archive.
    """

    begin: bytes
    end: bytes
    is_sound: Callable[[BinaryIO], bool]


@dataclass(frozen=True, slots=True)
class Unpacker:
    """A format that is opened.

    Attributes:
        label: What people call it.
        magic: Regex over the first `HEAD` bytes of a blob, from its start, that recognizes it. No
            two unpackers may match the same bytes.
        members: Yields what is inside, in order.
        errors: What damage makes `members` or the streams it yields raise.
        seeks: Whether it needs `Source.file`.
        expands: Whether its members may be longer than it is itself, so that they are counted. One
            that does yields no `Run`.
        raw: Whether its bytes are searched as they are, too.
        ending: How it is recognized behind other data, if it may stand there.
        suffixes: How names of such files end, and what they end in when unpacked. Names are made by
            this, formats are not recognized by it.
    """

    label: str
    magic: bytes
    members: Callable[[Source], Iterator[Event]]
    errors: tuple[type[Exception], ...]
    seeks: bool = False
    expands: bool = True
    raw: bool = False
    ending: Ending | None = None
    suffixes: tuple[tuple[str, str], ...] = ()

    def inner_name(self, name: str) -> str:
        """Return the name of what a compressed file of that name holds: `a.tgz` holds `a.tar`."""
        for suffix, instead in self.suffixes:
            if name.lower().endswith(suffix) and len(name) > len(suffix):
                return name[: -len(suffix)] + instead
        return name


def text_of(name: bytes) -> str:
    """Return a member's name as text that can be turned back into its bytes."""
    return name.decode("utf-8", "surrogateescape")


def literal(*magics: bytes) -> bytes:
    """Return a `magic` for formats that begin with one of these literals."""
    return b"|".join(re.escape(magic) for magic in magics)
