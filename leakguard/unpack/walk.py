"""Opens archives inside archives, down to the blobs that hold nothing further.

Every byte of a file comes out as part of a blob, or a skip says why not: that is the promise, and
`tests/test_unpack.py` holds the walk to it by damaging archives at random.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from io import BytesIO, IOBase
from typing import BinaryIO, TypeAlias, cast

from leakguard import plugins, unpack
from leakguard.model import Skip
from leakguard.unpack.base import (
    HEAD,
    PIECE,
    Ending,
    Event,
    Fault,
    Gap,
    Limits,
    Member,
    Readable,
    Run,
    Short,
    Source,
    Unpacker,
)
from leakguard.unpack.guard import Budget, Guard, Tee, fault_of, spool
from leakguard.unpack.streams import size_of

_DEFAULT = Limits()


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes to search, that hold nothing further to open.

    Attributes:
        path: Origin, with `!` between an archive and its member. Bytes that are no text in UTF-8
            are surrogate escapes, and nothing in it is masked yet.
        data: The bytes, or a stream that is read to its end before the next blob is asked for.
        notes: What its archive says of it beside its name: comment, link target, owner.
        gap: Where in the archive at `path` the bytes stand, when they belong to no member of it.
    """

    path: str
    data: bytes | Readable
    notes: bytes = b""
    gap: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Blobs that stand one behind the other in one piece of bytes, to be searched in one go.

    Attributes:
        data: The bytes, with those that are between the blobs and of which their paths and notes
            were made.
        blobs: What is in it, in order: each with its path as its name.
    """

    data: bytes
    blobs: Sequence[Short]

    def singly(self) -> Iterator[Blob]:
        """Yield each blob by itself."""
        for path, start, end, notes in self.blobs:
            yield Blob(path, self.data[start:end], notes)


Found: TypeAlias = Iterator[Blob | Row | Skip]


def blobs(
    path: str,
    data: bytes | BinaryIO | Readable,
    limits: Limits = _DEFAULT,
    excluded: Callable[[str], bool] = lambda _: False,
) -> Iterator[Blob | Skip]:
    """Yield the innermost blobs of a file, each by itself; all else is as in `rows`."""
    for found in rows(path, data, limits, excluded):
        if isinstance(found, Row):
            yield from found.singly()
        else:
            yield found


def rows(
    path: str,
    data: bytes | BinaryIO | Readable,
    limits: Limits = _DEFAULT,
    excluded: Callable[[str], bool] = lambda _: False,
) -> Found:
    """Yield the innermost blobs of a file, and a skip for whatever of it cannot be read.

    An archive's member is named `path!member`. What a compressed file holds is named by its own
    name without the ending, `a.gz!a`, unless it is an archive, which is opened as if it were not
    compressed: `a.tar.gz!member`. A blob without data stands for a directory, a link or an archive
    whose members follow: it has a name to search, and notes.

    Args:
        path: What the file is called.
        data: Its bytes, or a stream of them; one that can seek is not copied to be sought in.
        limits: How far to go.
        excluded: Whether to leave out the member of that path.
    """
    walk = _Walk(limits, excluded)
    if isinstance(data, bytes):
        walk.budget.take(len(data))
        yield from walk.open(_Place(path, _base(path), 0), data)
        return
    guard = Guard(data, (OSError, ValueError), walk.budget.take)
    guard.file = _seekable(data)
    yield from walk.open(_Place(path, _base(path), 0), guard)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the walk something is.

    Attributes:
        path: What it is called in full.
        name: What it is called by itself.
        depth: How many archives it is in.
        notes: What its archive says of it.
    """

    path: str
    name: str
    depth: int
    notes: bytes = b""


class _Walk:
    """One walk through one file."""

    def __init__(self, limits: Limits, excluded: Callable[[str], bool]) -> None:
        self._limits = limits
        self._excluded = excluded
        self.budget = Budget(limits)

    def open(self, place: _Place, data: bytes | Guard) -> Found:
        """Yield what is in `data`, or itself when nothing is."""
        unpacker = _unpacker_for(data)
        if unpacker is None:
            yield from self._plain(place, data)
        elif place.depth >= self._limits.max_depth:
            yield from self._plain(place, data)
            yield _too_deep(place)
        else:
            yield from self._inside(place, data, unpacker)
        if isinstance(data, Guard) and data.fault:
            yield _skip(place.path, data.fault)

    def _plain(self, place: _Place, data: bytes | Guard) -> Found:
        """Yield a blob as it is, and then what may stand behind other data in it."""
        if isinstance(data, bytes):
            yield from self._whole(place, data)
            return
        ending, unpacker = _ending()
        data.limit = self._limits.max_file_size
        with closing(Tee(data, ending)) as tee:
            yield Blob(place.path, tee, place.notes)
            if tee.fault:
                yield _skip(place.path, tee.fault)
            if archive := tee.archive():
                yield from self._behind(place, archive, unpacker)

    def _whole(self, place: _Place, data: bytes) -> Found:
        limit = self._limits.max_file_size
        yield Blob(place.path, data[:limit], place.notes)
        if len(data) > limit:
            yield Skip(place.path, "too-large", f"only the first {limit} bytes were searched")
        ending, unpacker = _ending()
        if _seems_behind(data, ending) and ending.is_sound(archive := BytesIO(data)):
            yield from self._behind(place, archive, unpacker)

    def _behind(self, place: _Place, archive: BinaryIO, unpacker: Unpacker) -> Found:
        """Open an archive that stands behind other data, all of which has been searched."""
        if place.depth >= self._limits.max_depth:
            yield _too_deep(place)
        elif not self.budget.spent:
            source = Source(archive, archive, self._limits)
            above = Guard(archive, (), _uncounted)
            for event in self._events(place, source, above, unpacker):
                if not isinstance(event, Blob) or event.gap is None or event.path != place.path:
                    yield event

    def _inside(self, place: _Place, data: bytes | Guard, unpacker: Unpacker) -> Found:
        """Yield what an archive holds."""
        if place.depth:
            yield Blob(place.path, b"", place.notes)
        if unpacker.raw:
            head = BytesIO(_head(data))
            above = Guard(head, (), _uncounted)
            yield from self._events(place, Source(head, None, self._limits), above, unpacker)
            yield from self._plain(place, data)
            return
        above = Guard(BytesIO(data), (), _uncounted) if isinstance(data, bytes) else data
        if not unpacker.seeks:
            yield from self._events(place, Source(above, None, self._limits), above, unpacker)
            return
        with spool() as copy:
            try:
                file = self._file(data, copy)
            except OSError as error:
                yield _skip(place.path, fault_of(error))
                return
            yield from self._events(place, Source(above, file, self._limits), above, unpacker)

    def _file(self, data: bytes | Guard, copy: BinaryIO) -> BinaryIO:
        """Return a file to seek in: the data itself, the file it is, or `copy`, which gets it.

        Raises:
            OSError: If it cannot be copied.
        """
        if isinstance(data, bytes):
            return BytesIO(data)
        if data.file is not None:
            self.budget.take(size_of(data.file))
            return data.file
        while piece := data.read(PIECE):
            copy.write(piece)
        return copy

    def _events(self, place: _Place, source: Source, above: Guard, unpacker: Unpacker) -> Found:
        """Yield what an unpacker finds; what fails because reading failed above is told there."""
        try:
            for event in unpacker.members(source):
                yield from self._event(place, event, above, unpacker)
                if self.budget.spent:
                    return
        except unpacker.errors as error:
            if not above.failed:
                yield _skip(place.path, fault_of(error))

    def _event(self, place: _Place, event: Event, above: Guard, unpacker: Unpacker) -> Found:
        if isinstance(event, Member):
            yield from self._member(place, event, above, unpacker)
        elif isinstance(event, Run):
            yield from self._run(place, event, above, unpacker)
        elif isinstance(event, Gap):
            yield from self._gap(place, event, above, unpacker)
        elif not above.failed:
            yield _skip(place.path, event)

    def _gap(self, place: _Place, gap: Gap, above: Guard, unpacker: Unpacker) -> Found:
        if isinstance(gap.data, bytes):
            yield Blob(place.path, gap.data, gap=gap.offset)
            return
        guard = Guard(gap.data, unpacker.errors, _uncounted, above)
        yield Blob(place.path, guard, gap=gap.offset)
        if guard.fault:
            yield _skip(place.path, guard.fault)

    def _member(self, place: _Place, member: Member, above: Guard, unpacker: Unpacker) -> Found:
        count = self.budget.give if unpacker.expands else _uncounted
        data = member.data
        size = len(data) if isinstance(data, bytes) else 0
        if fault := self.budget.count_member() or count(size):
            yield _skip(place.path if member.name is None else f"{place.path}!{member.name}", fault)
            return
        if not isinstance(data, bytes):
            data = Guard(data, unpacker.errors, count, above)
        inner = self._placed(place, member, data, unpacker)
        if self._excluded(inner.path):
            return
        yield from self.open(inner, data)
        if member.fault and not above.failed:
            yield _skip(inner.path, member.fault)

    def _run(self, place: _Place, run: Run, above: Guard, unpacker: Unpacker) -> Found:
        """Yield members in rows, but for those that are more than plain bytes."""
        row: list[Short] = []
        special = self._special(run)
        for member in run.members:
            if special(member):
                yield from _row(run, row)
                row = []
                data = run.data[member.start : member.end]
                whole = Member(member.name, data, member.notes)
                yield from self._member(place, whole, above, unpacker)
            elif fault := self.budget.count_member():
                yield from _row(run, row)
                yield _skip(f"{place.path}!{member.name}", fault)
            elif not self._excluded(path := f"{place.path}!{member.name}"):
                row.append(member._replace(name=path))
            if self.budget.spent:
                return
        yield from _row(run, row)

    def _special(self, run: Run) -> Callable[[Short], bool]:
        """Return what says of a member whether it may hold another archive, or is too large."""
        begins, limit = _magics().match, self._limits.max_file_size
        behind = _seems_behind(run.data, _ending()[0])

        def special(member: Short) -> bool:
            _, start, end, _ = member
            if end - start > limit:
                return True
            if start == end:
                return False
            if begins(run.data, start, min(end, start + HEAD)):
                return True
            return behind and _seems_behind(run.data[start:end], _ending()[0])

        return special

    def _placed(
        self, place: _Place, member: Member, data: bytes | Guard, unpacker: Unpacker
    ) -> _Place:
        """Return where a member is; an archive that was compressed has no name of its own."""
        depth, name = place.depth + 1, member.name
        if name is not None:
            return _Place(f"{place.path}!{name}", _base(name), depth, member.notes)
        name = unpacker.inner_name(place.name)
        opened = _unpacker_for(data) is not None and depth < self._limits.max_depth
        path = place.path if opened else f"{place.path}!{name}"
        return _Place(path, name, depth, member.notes)


def _row(run: Run, members: Sequence[Short]) -> Iterator[Row]:
    """Yield members as a row, if there are any."""
    if members:
        yield Row(run.data, members)


def _skip(path: str, fault: Fault) -> Skip:
    return Skip(path, fault.reason, fault.detail)


def _too_deep(place: _Place) -> Skip:
    return Skip(place.path, "too-deep", f"is inside {place.depth} archives already")


def _base(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _uncounted(_size: int) -> Fault | None:
    """Count nothing: the bytes were counted before."""
    return None


def _seekable(data: BinaryIO | Readable) -> BinaryIO | None:
    seeks = isinstance(data, IOBase) and data.seekable()
    return cast("BinaryIO", data) if seeks else None


def _head(data: bytes | Guard) -> bytes:
    return data[:HEAD] if isinstance(data, bytes) else data.peek(HEAD)


def _seems_behind(data: bytes, ending: Ending) -> bool:
    # One byte is looked for ten times as fast as four, and few texts have this one.
    if ending.end[-1:] not in data:
        return False
    begin = data.find(ending.begin)
    return begin >= 0 and data.find(ending.end, begin) >= 0


@cache
def unpackers() -> tuple[Unpacker, ...]:
    """Return all unpackers, each the constant `UNPACKER` of a module beside this one."""
    return plugins.constants(unpack, "UNPACKER", Unpacker)


@cache
def _ending() -> tuple[Ending, Unpacker]:
    """Return the unpacker whose archives may stand behind other data."""
    (found,) = [(unpacker.ending, unpacker) for unpacker in unpackers() if unpacker.ending]
    return found


@cache
def _magics() -> re.Pattern[bytes]:
    return re.compile(b"|".join(b"(%b)" % one.magic for one in unpackers()), re.DOTALL)


def _unpacker_for(data: bytes | Guard) -> Unpacker | None:
    return unpacker_of(_head(data))


def unpacker_of(head: bytes) -> Unpacker | None:
    """Return the unpacker that recognizes the first bytes, None for what is no archive."""
    match = _magics().match(head)
    return unpackers()[match.lastindex - 1] if match and match.lastindex else None
