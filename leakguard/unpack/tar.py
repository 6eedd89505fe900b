"""Opens tar archives of every dialect with a light walk from header to header.

The walk never ends in silence: behind a header that does not hold together it looks for the next
one that does, the bytes between are searched as a gap, and a fault is told. Nothing is expanded or
followed: of a sparse file the stored bytes are read, of a link its name and target. `tarfile` is
not used since it ends without a word at a bad header, takes any amount of memory for a long name,
and costs several times as much; the tests hold the walk to what `tarfile` reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from leakguard.unpack.base import (
    LONGEST_HEADER,
    DamagedError,
    Event,
    Fault,
    Gap,
    Member,
    Run,
    Short,
    Source,
    Unpacker,
    text_of,
)
from leakguard.unpack.tape import Part, Tape, member
from leakguard.unpack.tarheaders import BLOCK, DESCRIBING, Extras, number, parsed, sound

_ZEROS = bytes(BLOCK)
_NUMBER, _LONG_NUMBER = rb"[0-7 ]{6}[0-7 \0]{2}", rb"[0-7 ]{10}[0-7 \0]{2}"
# Either dialect's magic, or the shape of the numbers of old archives, which have none.
_MAGIC = (
    rb".{257}ustar[ \0]|[^\0].{99}(?:"
    + _NUMBER
    + rb"){3}(?:"
    + _LONG_NUMBER
    + rb"){2}[0-7 ]{6}(?:\0[\0 ]|[0-7 ]\0)[\0 0-7A-Zgx]"
)
# Members that have no data, and those that have; all else is looked at with more care.
_DATALESS, _FILES = b"123456", b"0\0007"
_SHORT = _FILES + _DATALESS
_SPARSE_GOES_ON, _SPARSE_MAP_GOES_ON = 482, 504
# So much of an archive is looked at in one go.
_RUN = 2 << 20


class _Lost:
    """Blocks up to the next header that holds together, as a stream."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def read(self, _size: int, /) -> bytes:
        """Return some blocks; none at the end only."""
        ahead = self._tape.peek(1 << 16)
        for at in range(0, len(ahead), BLOCK):
            if sound(ahead[at : at + BLOCK]):
                return self._tape.take(at)
        return self._tape.take(len(ahead))


def members(source: Source) -> Iterator[Event]:
    """Yield the members of a tar stream, in order, and the bytes that belong to none."""
    tape = Tape(source.stream)
    extras = Extras()
    while block := tape.peek(BLOCK):
        if extras.empty and (run := _run(tape)):
            yield run
        elif block == _ZEROS:
            # An end, but not for archives that were put one behind the other.
            tape.skip_zeros(BLOCK)
        elif not sound(block):
            yield from _lost(tape)
        elif block[156] in DESCRIBING:
            yield from _extra(tape, extras)
        else:
            yield from _member(tape, extras)
            extras = Extras()
    if extras.name or extras.notes:
        fault = Fault("damaged", "ends before the member that a header describes")
        yield Member(text_of(extras.name), b"", b"\n".join(extras.notes), fault)


def _run(tape: Tape) -> Run | None:
    """Take the members that are short, plain and whole at hand; None if the next one is not."""
    data, begin = tape.at_hand(_RUN)
    at = begin
    found: list[Short] = []
    while one := _short(data, at, begin):
        short, at = one
        found.append(short)
    return Run(tape.take(at - begin), found) if found else None


def _short(data: bytes, at: int, begin: int) -> tuple[Short, int] | None:
    """Return the member whose headers stand at `at`, and where it ends.

    It is None wherever anything is not as it should be: then all that can be said of it is left to
    those who take their time.
    """
    extras: Extras | None = None
    while sound(block := data[at : at + BLOCK]):
        at += BLOCK
        try:
            if block[156] not in DESCRIBING:
                return _whole(data, at, block, extras, begin)
            extras = extras or Extras()
            at = _described(data, at, block, extras)
        except DamagedError:
            return None
    return None


def _described(data: bytes, at: int, block: bytes, extras: Extras) -> int:
    """Take a header that describes the next member; return where that one begins.

    Raises:
        DamagedError: If it does not hold together, or is not all there.
    """
    size = number(block[124:136])
    if size > min(LONGEST_HEADER, len(data) - at):
        raise DamagedError
    extras.take(block[156], data[at : at + size])
    return at + size + -size % BLOCK


def _whole(
    data: bytes, at: int, block: bytes, extras: Extras | None, begin: int
) -> tuple[Short, int] | None:
    header = parsed(block)
    if extras:
        extras.apply(header)
    if header.kind not in (_FILES if header.size else _SHORT):
        return None
    end = at + header.size
    if (behind := end + -header.size % BLOCK) > len(data):
        return None
    return Short(text_of(header.name), at - begin, end - begin, header.notes), behind


def _lost(tape: Tape) -> Iterator[Event]:
    offset = tape.offset
    if not tape.peek(BLOCK).strip(b"\0"):
        tape.skip_zeros(BLOCK)  # the end, cut short
        return
    yield Gap(offset, _Lost(tape))
    yield Fault("damaged", f"no header at offset {offset}")


def _extra(tape: Tape, extras: Extras) -> Iterator[Event]:
    """Read a header that describes the next member; one that is too long is only searched."""
    offset = tape.offset
    block = tape.take(BLOCK)
    try:
        size = number(block[124:136])
        if size > LONGEST_HEADER:
            yield from _overlong(tape, size)
            return
        payload = tape.take(size)
        if len(payload) < size:
            yield Gap(offset + BLOCK, payload)
            yield Fault("damaged", "ends in the middle of a header")
            return
        tape.skip(-size % BLOCK)
        extras.take(block[156], payload)
    except DamagedError as error:
        yield Fault("damaged", f"{error}, at offset {offset}")


def _overlong(tape: Tape, size: int) -> Iterator[Event]:
    part = Part(tape, size)
    yield Gap(tape.offset, part)
    yield Fault("too-large", f"a header of {size} bytes was not read as one")
    part.pass_over()
    tape.skip(-size % BLOCK)


def _member(tape: Tape, extras: Extras) -> Iterator[Event]:
    offset = tape.offset
    block = tape.take(BLOCK)
    try:
        header = parsed(block)
    except DamagedError as error:
        # Its data is searched as blocks without a header.
        yield Fault("damaged", f"{error}, at offset {offset}")
        return
    extras.apply(header)
    if header.kind == ord("S") and block[_SPARSE_GOES_ON]:
        while tape.take(BLOCK)[_SPARSE_MAP_GOES_ON:][:1].strip(b"\0"):
            pass
    if header.kind in _DATALESS and not _has_data(tape, header.size):
        header.size = 0
    yield from member(tape, header.name, header.size, header.notes)
    tape.skip(-header.size % BLOCK)


def _has_data(tape: Tape, size: int) -> bool:
    """Say whether data follows a link or a directory: most writers give it a size and none."""
    following = tape.peek(BLOCK)
    return bool(size and following.strip(b"\0")) and not sound(following)


UNPACKER = Unpacker(
    label="tar", magic=_MAGIC, members=members, errors=(DamagedError, MemoryError), expands=False
)
