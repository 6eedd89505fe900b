"""Searches whatever an origin is: a file, an archive of images, or a directory that is a layout.

Which it is, its contents tell. What is searched as images is not searched as an archive, too.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

from leakguard import images
from leakguard.artifacts import Origin
from leakguard.images import Layout, Selection
from leakguard.model import Finding, Skip
from leakguard.scanner.layers import ImageSearch
from leakguard.scanner.search import Search


@dataclass(frozen=True, slots=True)
class Directory(Origin):
    """A directory that is an OCI layout.

    Attributes:
        files: What was found in it.
    """

    files: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class Everything(Search):
    """A search that knows images.

    Attributes:
        ahead: Whether a thread may decompress what is searched.
    """

    ahead: bool = False

    def of(self, origin: Origin) -> Iterator[Finding | Skip]:
        """Yield what is in a file or a layout, and what of it could not be searched."""
        if not isinstance(origin, Directory):
            yield from Search.of(self, origin)
            return
        with ExitStack() as stack:
            opened = images.directory(origin.path, Selection(), self.limits)
            try:
                layout = stack.enter_context(opened)
            except images.NotAnImageError:
                for file in origin.files:
                    yield from Search.of(self, file)
                return
            yield from self._in_images(layout)

    def inside(self, path: str, data: bytes | BinaryIO) -> Iterator[Finding | Skip]:
        """Yield what is in a blob and in all that it holds; its own name is not searched."""
        with images.recognized(path, data, self.limits) as (layout, rewound):
            if layout:
                yield from self._in_images(layout)
            else:
                yield from Search.inside(self, path, rewound)

    def _in_images(self, layout: Layout) -> Iterator[Finding | Skip]:
        return ImageSearch(self, ahead=self.ahead).of(layout)


def grouped(found: Sequence[Origin | Skip]) -> tuple[Origin | Skip, ...]:
    """Return what was found with the files of each OCI layout as one, where its first one was."""
    layouts = _layouts(found)
    if not layouts:
        return tuple(found)
    files: dict[str, list[Origin]] = {path: [] for path in layouts}
    remaining: list[Origin | str | Skip] = []
    for item in found:
        above = _above(item.path, layouts)
        if above is None or isinstance(item, Skip):
            remaining.append(item)
            continue
        if not files[above]:
            remaining.append(above)
        files[above].append(item)
    return tuple(_directory(one, files[one]) if isinstance(one, str) else one for one in remaining)


def _layouts(found: Sequence[Origin | Skip]) -> set[str]:
    """Return the directories that are a layout, by the files in them."""
    names: dict[str, set[str]] = {}
    for item in found:
        if isinstance(item, Origin) and type(item) is Origin:
            above, slash, name = item.path.rpartition("/")
            if images.is_of_layout(name):
                names.setdefault(above or slash or ".", set()).add(name)
    return {above for above, present in names.items() if images.is_layout(present)}


def _above(path: str, layouts: Container[str]) -> str | None:
    """Return the layout that a file is in: none is in another."""
    at = path.find("/")
    if "." in layouts and not path.startswith("/"):
        return "."
    while at >= 0:
        if (above := path[:at] or "/") in layouts:
            return above
        at = path.find("/", at + 1)
    return None


def _directory(path: str, files: Sequence[Origin]) -> Directory:
    return Directory(path, sum(file.size for file in files), files=tuple(files))
