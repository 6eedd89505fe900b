"""What is staged in a Git repository, as origins to read: the next commit, not the working tree.

Git itself reads its index and its objects, and is kept from running anything that a repository
configures and from fetching anything. Paths are those of the repository, whatever bytes they hold.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from errno import EIO, ENOENT
from itertools import accumulate
from types import TracebackType
from typing import IO, BinaryIO, Self, cast

from leakguard.artifacts import STDIN, Origin, excluder
from leakguard.errors import UsageError
from leakguard.model import Skip

_GIT = ("git", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "diff.relative=false")
_LIST = ("diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-color")
_QUIET = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
_FILES = {b"100644", b"100755", b"120000"}  # of a symbolic link, what it points to is searched
_PIECE = 1 << 20


class Objects:
    """Reads the objects of a repository one after the other, by one Git for each of our processes.

    An object is read to its end, or dropped, when the next one is asked for.
    """

    def __init__(self) -> None:
        self._git: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._left = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._git is not None and self._owner == os.getpid():
            self._git.kill()
            self._git.communicate()

    def sizes(self, ids: Sequence[bytes]) -> list[int]:
        """Return the length of each object, 0 for one that is missing."""
        answers = _git("cat-file", "--batch-check", stdin=b"".join(b"%b\n" % one for one in ids))
        words = (line.split() for line in answers.splitlines())
        return [int(answer[2]) if len(answer) == 3 else 0 for answer in words]

    def open(self, object_id: bytes) -> int:
        """Begin to read an object, and return its length.

        Raises:
            OSError: If it is missing.
        """
        git = self._running()
        while self._left:
            self.read(_PIECE)
        questions, answers = cast("IO[bytes]", git.stdin), cast("IO[bytes]", git.stdout)
        questions.write(b"%b\n" % object_id)
        questions.flush()
        answer = answers.readline().split()
        if len(answer) != 3:
            raise OSError(ENOENT, "its object is missing from the repository")
        self._left = int(answer[2]) + 1  # Git adds the end of a line
        return self._left - 1

    def read(self, size: int) -> bytes:
        """Return the next bytes of the object that was opened last.

        Raises:
            OSError: If Git ends before the object does.
        """
        wanted = min(size, self._left)
        data = cast("IO[bytes]", self._running().stdout).read(wanted)
        if len(data) < wanted:
            raise OSError(EIO, "git ended early")
        self._left -= len(data)
        return data

    def _running(self) -> subprocess.Popen[bytes]:
        # A process that was forked off shares these pipes with others, and would mix up answers.
        if self._git is None or self._owner != os.getpid():
            self._git = subprocess.Popen(  # noqa: S603  # a fixed command
                [*_GIT, "cat-file", "--batch"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | _QUIET,
            )
            self._owner, self._left = os.getpid(), 0
        return self._git


class _Stream:
    """A long object."""

    def __init__(self, objects: Objects, size: int) -> None:
        self._objects = objects
        self._left = size

    def read(self, size: int, /) -> bytes:
        data = self._objects.read(min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Do nothing: what has not been read is dropped when the next object is asked for."""


@dataclass(frozen=True, slots=True)
class Staged(Origin):
    """A file as it is in the index.

    Attributes:
        object_id: What Git calls its contents.
        objects: Reads them.
    """

    object_id: bytes = b""
    objects: Objects = field(default_factory=Objects, repr=False, compare=False)

    def read(self, whole: int) -> bytes | BinaryIO:
        """Return the bytes of a file of at most `whole` bytes, and a stream of a longer one.

        Raises:
            OSError: If they cannot be read.
        """
        size = self.objects.open(self.object_id)
        if size > whole:
            return cast("BinaryIO", _Stream(self.objects, size))
        return self.objects.read(size)


def origins(
    objects: Objects, paths: Sequence[str] = (), exclude: Iterable[str] = ()
) -> Iterator[Origin | Skip]:
    """Yield the files that differ from the last commit, as they are in the index, sorted.

    Files that were deleted and submodules hold nothing to search.

    Args:
        objects: Reads the contents.
        paths: Only what is at and below these, relative to the working directory.
        exclude: Globs for what to leave out.

    Raises:
        UsageError: If there is no repository, or a path is not known in it.
    """
    _git("rev-parse", "--show-toplevel")  # fails with a clear line outside of a working tree
    listed = [entry for entry in _listed(paths) if not _left_out(entry.path, excluder(exclude))]
    for path in paths:
        _check(path)
    sizes = objects.sizes([entry.object_id for entry in listed])
    for entry, size in zip(listed, sizes, strict=True):
        if entry.mode in _FILES:
            yield Staged(entry.path, size, object_id=entry.object_id, objects=objects)
        elif entry.status == b"U":
            yield Skip(entry.path, "unmerged", "is in conflict: nothing of it is staged")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of Git's list."""

    path: str
    mode: bytes
    object_id: bytes
    status: bytes


def _listed(paths: Sequence[str]) -> list[_Entry]:
    fields = _git(*_LIST, "--", *paths).split(b"\0")
    entries = []
    for about, path in zip(fields[0::2], fields[1::2], strict=False):
        _, mode, _, object_id, status = about.split()
        entries.append(_Entry(os.fsdecode(path), mode, object_id, status))
    return sorted(entries, key=lambda entry: entry.path)


def _left_out(path: str, excluded: Callable[[str], bool]) -> bool:
    """Say whether a path, or a directory above it, is to be left out."""
    return any(map(excluded, accumulate(path.split("/"), "{}/{}".format)))


def _check(path: str) -> None:
    """Make sure that a path means something: a typing error must not look like a clean commit.

    Raises:
        UsageError: If it exists nowhere.
    """
    if path == STDIN:
        raise UsageError("--staged: standard input is never staged")
    if os.path.lexists(path):
        return
    if not any(_git(*words, "-z", "--", path) for words in (["ls-files"], _LIST)):
        text = path.encode("utf-8", "backslashreplace").decode()
        raise UsageError(f"no such file or directory: {text}")


def _git(*words: str, stdin: bytes = b"") -> bytes:
    try:
        done = subprocess.run(  # noqa: S603  # fixed commands, with paths behind --
            [*_GIT, *words],
            input=stdin,
            capture_output=True,
            check=False,
            env=os.environ | _QUIET,
        )
    except OSError as error:
        raise UsageError(f"--staged: cannot run git: {error.strerror}") from error
    if done.returncode:
        told = done.stderr.decode("utf-8", "backslashreplace").partition("\n")[0]
        raise UsageError(f"--staged: {told.removeprefix('fatal: ') or 'git failed'}")
    return done.stdout
