"""The files of a directory as a store; nothing outside of it is ever opened, nor any link."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from leakguard import artifacts
from leakguard.artifacts import Origin
from leakguard.model import Skip
from leakguard.unpack import Readable

# A file of at most this size is read at once.
_WHOLE = 1 << 20


class Directory:
    """A `Store` of the regular files in a directory.

    Attributes:
        path: The directory.
        skips: What in it is neither a file nor a directory, and what cannot be listed.
    """

    def __init__(self, path: str) -> None:
        """List the files in `path`."""
        self.path = path
        self.skips: list[Skip] = []
        self._files: dict[str, Origin] = {}
        # Below `.` the paths of origins have no prefix.
        prefix = 0 if path == "." else len(path.rstrip("/")) + 1
        for found in artifacts.origins([path]):
            if isinstance(found, Skip):
                self.skips.append(found)
            else:
                self._files[Path(found.path[prefix:]).as_posix()] = found

    def names(self) -> tuple[str, ...]:
        """Return the names of all files, in order."""
        return tuple(self._files)

    def has(self, name: str) -> bool:
        """Say whether there is a file of that name."""
        return name in self._files

    def location(self, name: str) -> str:
        """Return `name`: there are no links."""
        return name

    @contextmanager
    def open(self, name: str) -> Iterator[Readable]:
        """Open a file that is there.

        Raises:
            OSError: If it cannot be read.
        """
        data = self._files[name].read(_WHOLE)
        if isinstance(data, bytes):
            yield BytesIO(data)
            return
        with data:
            yield data
