"""Images in files and directories: which they are is seen by what they hold.

An archive that is compressed is decompressed into a temporary file without a name, because what
describes its layers may stand behind them.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedReader, BytesIO, IOBase
from pathlib import Path
from typing import BinaryIO

from leakguard import artifacts
from leakguard.artifacts import Origin
from leakguard.errors import UsageError
from leakguard.images import layout
from leakguard.images.archive import Archive, first_names
from leakguard.images.directory import Directory
from leakguard.images.layout import INDEX, LIST, MARKER, Selection
from leakguard.images.model import Layout, NotAnImageError, Store
from leakguard.images.stream import Contents
from leakguard.model import Skip
from leakguard.unpack import Limits, unpacker_of
from leakguard.unpack.base import HEAD, StoppedError
from leakguard.unpack.guard import spool
from leakguard.unpack.tarheaders import BLOCK, sound

DOCKER, OCI, OCI_DIRECTORY = "docker-archive", "oci-archive", "oci"

_WHOLE = 1 << 20
# Names that archives of images have, whoever wrote them, and how many others are put up with.
_NAMES = re.compile(
    rb"blobs(?:/.*)?|index\.json|manifest\.json|oci-layout|repositories|VERSION"
    rb"|(?:sha256:)?[0-9a-f]{64}(?:/.*|\.json|\.tar(?:\.gz)?)?"
)
_OTHERS = 8


@contextmanager
def path(name: str, selection: Selection, limits: Limits) -> Iterator[Layout]:
    """Open the images in a file or directory, whatever they are.

    Raises:
        UsageError: If there are none, or it cannot be read.
    """
    opened = directory if Path(name).is_dir() else archive
    with opened(name, selection, limits) as found:
        yield found


@contextmanager
def directory(name: str, selection: Selection, _limits: Limits) -> Iterator[Layout]:
    """Open an OCI layout.

    Raises:
        UsageError: If it is none.
    """
    if not Path(name).is_dir():
        raise NotAnImageError(f"{name}: no OCI layout: not a directory")
    yield layout.read(f"{OCI_DIRECTORY}:{name}", Directory(name), selection)


@contextmanager
def archive(name: str, selection: Selection, limits: Limits) -> Iterator[Layout]:
    """Open an archive of images, in the layout of Docker or of OCI.

    Raises:
        UsageError: If it is none, or cannot be read.
    """
    try:
        data = Origin(name, 0, named=True).read(_WHOLE)
    except OSError as error:
        raise UsageError(f"cannot read {name}: {artifacts.shown(error)}") from error
    with (
        BytesIO(data) if isinstance(data, bytes) else data as file,
        of_file(name, file, selection, limits) as found,
    ):
        yield found


@contextmanager
def of_file(
    name: str, file: BinaryIO, selection: Selection, limits: Limits, reference: str = ""
) -> Iterator[Layout]:
    """Open an archive of images that can be sought in, compressed or not.

    Args:
        name: What it is called in reports.
        file: Its bytes.
        selection: Which images of it.
        limits: How far to decompress it.
        reference: What the one image in it is called; by default, its name and contents tell.

    Raises:
        UsageError: If it is none.
    """
    file.seek(0)
    contents = Contents(file, limits)
    with spool() as copy:
        skips = []
        if contents.compressed:
            skips = list(_copied(contents, copy, name))
            file = copy
        store = Archive(name, file)
        store.skips += skips
        if not tuple(store.names()) and not store.skips:
            raise NotAnImageError(f"{name}: no image: not a tar archive")
        called = reference or f"{_kind(store)}:{name}"
        yield layout.read(called, store, selection, tags=not reference)


@contextmanager
def recognized(
    name: str, data: bytes | BinaryIO, limits: Limits
) -> Iterator[tuple[Layout | None, bytes | BinaryIO]]:
    """Open the images in what may be an archive of them, or None; and return the same data.

    Args:
        name: What it is called.
        data: Its bytes, or a stream of them that has not been read.
        limits: How far to decompress it.
    """
    if isinstance(data, bytes) and unpacker_of(data[:HEAD]) is None:
        yield None, data  # as most files are, so this is quick
        return
    with ExitStack() as stack:
        file = _file(data, stack, limits)
        layout = None
        with suppress(NotAnImageError, OSError):
            if file and _seems_image(file, limits):
                layout = stack.enter_context(of_file(name, file, Selection(), limits))
        if file and not isinstance(data, bytes):
            file.seek(0)
            data = file
        yield layout, data


def _file(data: bytes | BinaryIO, stack: ExitStack, limits: Limits) -> BinaryIO | None:
    """Return data as a file to seek in, None if that is not possible, and not worth a copy."""
    if isinstance(data, bytes):
        return BytesIO(data)
    if isinstance(data, IOBase) and data.seekable():
        return data
    if isinstance(data, BufferedReader) and _begins_image(Contents(BytesIO(data.peek()), limits)):
        copy = stack.enter_context(spool())
        while piece := data.read(_WHOLE):
            copy.write(piece)
        return copy
    return None


def _seems_image(file: BinaryIO, limits: Limits) -> bool:
    """Say whether a file is an archive of images, compressed or not.

    Most that are none are told by their first bytes, and other archives by their first names.
    """
    file.seek(0)
    contents = Contents(file, limits)
    if contents.compressed:
        return _begins_image(contents)
    if not sound(contents.head):
        return False
    others = 0
    for name in first_names(file):
        if name in (INDEX, LIST):
            return True
        others += not _NAMES.fullmatch(name.encode("utf-8", "surrogateescape"))
        if others > _OTHERS:
            return False
    return False


def is_layout(names: Container[str]) -> bool:
    """Say whether files of these names in a directory make an OCI layout of it."""
    return MARKER in names and INDEX in names


def is_of_layout(name: str) -> bool:
    """Say whether a file of that name helps to tell that a directory is an OCI layout."""
    return name in (MARKER, INDEX)


def _begins_image(contents: Contents) -> bool:
    """Say whether the first name in an archive is one of an image."""
    try:
        head = next(contents.pieces(), b"")[:BLOCK]
    except StoppedError:
        return False
    if not sound(head):
        return False
    name = head[:100].partition(b"\0")[0].removeprefix(b"./").rstrip(b"/")
    return _NAMES.fullmatch(name) is not None


def _copied(contents: Contents, copy: BinaryIO, name: str) -> Iterator[Skip]:
    """Decompress an archive into `copy`; yield what went wrong."""
    try:
        for piece in contents.pieces():
            copy.write(piece)
    except StoppedError as stopped:
        yield Skip(name, stopped.fault.reason, stopped.fault.detail)
    except OSError as error:
        yield Skip(name, "unreadable", artifacts.shown(error))


def _kind(store: Store) -> str:
    return DOCKER if store.has(LIST) else OCI
