"""A stream that is taken in pieces of exact size, for formats that put member behind member."""

from __future__ import annotations

from collections.abc import Iterator

from leakguard.unpack.base import (
    PIECE,
    WHOLE,
    DamagedError,
    Event,
    Fault,
    Member,
    Readable,
    text_of,
)


class Tape:
    """A stream read in pieces of exact size, with a look ahead."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._buffer = b""
        self._at = 0
        self._base = 0
        self._ended = False

    @property
    def offset(self) -> int:
        """Bytes taken so far."""
        return self._base + self._at

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes without taking them, fewer at the end only."""
        if len(self._buffer) - self._at < size:
            self._fill(size)
        return self._buffer[self._at : self._at + size]

    def at_hand(self, size: int) -> tuple[bytes, int]:
        """Return bytes that are at hand, and from which offset in them on they are not taken.

        There are at least half of `size`, fewer at the end only.
        """
        # Filling what is half empty costs the same for each byte, however little is taken at once.
        if not self._ended and len(self._buffer) - self._at < size // 2:
            self._fill(size)
        return self._buffer, self._at

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end only."""
        data = self.peek(size)
        self._at += len(data)
        return data

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""
        return self.take(min(size, PIECE))

    def skip(self, size: int) -> int:
        """Take `size` bytes that nobody wants; return how many there were."""
        left = size
        while left and (data := self.read(left)):
            left -= len(data)
        return size - left

    def skip_zeros(self, unit: int) -> None:
        """Take zeros as far as they reach, in whole units."""
        while ahead := self.peek(PIECE):
            zeros = len(ahead) - len(ahead.lstrip(b"\0"))
            self._at += zeros if zeros == len(ahead) else zeros // unit * unit
            if zeros < len(ahead):
                return

    def _fill(self, size: int) -> None:
        pieces = [self._buffer[self._at :]]
        self._base += self._at
        self._at = 0
        have = len(pieces[0])
        while have < size and not self._ended:
            piece = self._source.read(max(PIECE, size - have))
            self._ended = not piece
            pieces.append(piece)
            have += len(piece)
        self._buffer = b"".join(pieces)


class Part:
    """The next bytes of a tape, as a stream that must not end before they do."""

    def __init__(self, tape: Tape, size: int) -> None:
        self._tape = tape
        self._left = size
        self._told = False

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""
        data = self._tape.read(min(size, self._left))
        self._left -= len(data)
        if not data and size and self._left:
            self._told = True
            raise DamagedError(_cut_short(self._left))
        return data

    def pass_over(self) -> int:
        """Take what was not read; return how many bytes are missing, unless a reader was told."""
        self._left -= self._tape.skip(self._left)
        return 0 if self._told else self._left


def member(tape: Tape, name: bytes, size: int, notes: bytes = b"") -> Iterator[Event]:
    """Yield the member whose data the next `size` bytes are, and tell if some are missing."""
    if size <= WHOLE:
        whole = tape.take(size)
        missing = size - len(whole)
        fault = Fault("damaged", _cut_short(missing)) if missing else None
        yield Member(text_of(name), whole, notes, fault)
        return
    part = Part(tape, size)
    yield Member(text_of(name), part, notes)
    if missing := part.pass_over():
        yield Fault("damaged", _cut_short(missing))


def _cut_short(missing: int) -> str:
    return f"ends {missing} bytes before a member does"
