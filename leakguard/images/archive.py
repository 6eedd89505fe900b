"""The files of a tar archive as a store: where each begins is known, and links lead to files.

The archive is gone through once from header to header, without its data. Nothing ends in silence:
what lies behind a header that does not hold together is looked for, and told.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import BinaryIO

from leakguard.model import Skip
from leakguard.unpack import Readable
from leakguard.unpack.base import LONGEST_HEADER, DamagedError, text_of
from leakguard.unpack.streams import Section, size_of
from leakguard.unpack.tarheaders import BLOCK, DESCRIBING, Extras, Header, number, parsed, sound

_PIECE = 1 << 16
_SYMBOLIC = ord("2")
_LINKS = b"12"
_FILES = b"0\0007S"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A member.

    Attributes:
        header: What its headers say.
        offset: Where its data begins.
        size: How much of its data is there.
    """

    header: Header
    offset: int
    size: int


class Archive:
    """A `Store` of the regular files in a tar archive.

    Attributes:
        path: What the archive is called.
        skips: Where it does not hold together.
    """

    def __init__(self, path: str, file: BinaryIO) -> None:
        """Go through an archive; nobody else reads `file` at the same time."""
        self.path = path
        self.skips: list[Skip] = []
        self._file = file
        self._files: dict[str, _Entry] = {}
        self._links: dict[str, str] = {}
        for entry in _Walk(file, self._tell).entries():
            self._take(entry)

    def names(self) -> tuple[str, ...]:
        """Return the names of all files, in order."""
        return tuple(self._files)

    def has(self, name: str) -> bool:
        """Say whether there is a file of that name, or a link that leads to one."""
        return self.location(name) in self._files

    def location(self, name: str) -> str:
        """Return the name of the file that `name` leads to, or `name` if it leads to none."""
        seen: set[str] = set()
        at = _plain(name)
        while at not in self._files:
            seen.add(at)
            at = self._links.get(at, "")
            if not at or at in seen:  # links may lead around in a circle
                return name
        return at

    def open(self, name: str) -> nullcontext[Readable]:
        """Open a file that is there."""
        entry = self._files[self.location(name)]
        return nullcontext(Section(self._file, entry.offset, entry.size))

    def _take(self, entry: _Entry) -> None:
        header = entry.header
        name = _plain(text_of(header.name))
        if header.kind in _FILES:
            if older := self._files.pop(name, None):
                # The last one counts; the one before it must not go unread all the same.
                self._files[f"{name}@{older.offset}"] = older
            self._files[name] = entry
        elif header.kind in _LINKS:
            target = text_of(header.link)
            within = posixpath.dirname(name) if header.kind == _SYMBOLIC else ""
            self._links[name] = _plain(posixpath.join(within, target))

    def _tell(self, detail: str) -> None:
        self.skips.append(Skip(self.path, "damaged", detail))


def first_names(file: BinaryIO) -> Iterator[str]:
    """Yield the names in an archive as they are met, so that no more of it is gone through."""
    for entry in _Walk(file, lambda _detail: None).entries():
        yield _plain(text_of(entry.header.name))


class _Walk:
    """Goes from header to header."""

    def __init__(self, file: BinaryIO, tell: Callable[[str], None]) -> None:
        self._file = file
        self._size = size_of(file)
        self._tell = tell

    def entries(self) -> Iterator[_Entry]:
        """Yield the members, and tell where there are none."""
        at, extras = 0, Extras()
        while block := self._read(at, BLOCK):
            if not sound(block):
                at = self._next_header(at)
            elif block[156] in DESCRIBING:
                at = self._describe(at, block, extras)
            else:
                at += BLOCK
                if entry := self._entry(at, block, extras):
                    yield entry
                    at += entry.header.size + -entry.header.size % BLOCK
                extras = Extras()

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        return self._file.read(size)

    def _entry(self, at: int, block: bytes, extras: Extras) -> _Entry | None:
        """Return the member whose header is `block`, None if it makes no sense."""
        try:
            header = parsed(block)
        except DamagedError as error:
            self._tell(f"{error}, at offset {at - BLOCK}")
            return None
        extras.apply(header)
        if header.kind not in _FILES:
            header.size = 0
        there = max(0, min(header.size, self._size - at))
        if there < header.size:
            self._tell(f"ends {header.size - there} bytes before a member does")
        return _Entry(header, at, there)

    def _describe(self, at: int, block: bytes, extras: Extras) -> int:
        """Take a header that describes the next member; return where that one begins."""
        try:
            size = number(block[124:136])
            if size > LONGEST_HEADER:
                self._tell(f"a header of {size} bytes was not read as one")
            else:
                extras.take(block[156], self._read(at + BLOCK, size))
        except DamagedError as error:
            self._tell(f"{error}, at offset {at}")
            return at + BLOCK
        return at + BLOCK + size + -size % BLOCK

    def _next_header(self, start: int) -> int:
        """Return where the next header is that holds together, or the end."""
        at, lost = start, False
        while piece := self._read(at, _PIECE):
            for within in range(0, len(piece), BLOCK):
                block = piece[within : within + BLOCK]
                if sound(block):
                    break
                lost = lost or bool(block.strip(b"\0"))
            else:
                at += len(piece)
                continue
            at += within
            break
        if lost:
            self._tell(f"no header at offset {start}")
        return at


def _plain(name: str) -> str:
    """Return a name without `./`, `..` and a slash at its beginning."""
    return posixpath.normpath("/" + name).lstrip("/")
