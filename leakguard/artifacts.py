"""Files, directories and standard input, as origins to read, in an order that is always the same.

Only regular files are opened, without blocking and without following a link that was not named;
what is met and not opened is a skip. Names that are no text in UTF-8 stay as they are, as surrogate
escapes, until a report shows them.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import FileIO
from typing import BinaryIO

from leakguard.errors import UsageError
from leakguard.model import Skip

STDIN = "-"
_NOT_REGULAR = "not a regular file"
# Flags that some systems lack: there, what they are for cannot be met or is checked by `fstat`.
_FLAGS = sum(getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY", "O_CLOEXEC"))
_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class Origin:
    """A file that may be read.

    Attributes:
        path: How it was named or found; `-` is standard input.
        size: Its length when it was found; a hint.
        named: Whether the user named it, and not a directory it is in: then a link is followed.
    """

    path: str
    size: int
    named: bool = False

    def read(self, whole: int) -> bytes | BinaryIO:
        """Return the bytes of a file of at most `whole` bytes, and a stream of a longer one.

        Raises:
            OSError: If it cannot be read; without `errno` if it is no regular file.
        """
        if self.path == STDIN:
            return sys.stdin.buffer
        descriptor = os.open(self.path, os.O_RDONLY | _FLAGS | (0 if self.named else _NO_FOLLOW))
        try:
            return _contents(descriptor, whole)
        except BaseException:
            os.close(descriptor)
            raise


def origins(
    paths: Iterable[str | os.PathLike[str]], exclude: Iterable[str] = ()
) -> Iterator[Origin | Skip]:
    """Yield the files at and below `paths`, each once, in the order of paths and sorted below them.

    Args:
        paths: Files, directories, and `-` for standard input.
        exclude: Globs for what to leave out (see `excluder`).

    Raises:
        UsageError: If a path does not exist.
    """
    seen: set[str] = set()
    excluded = excluder(exclude)
    for path in paths:
        for found in _named(os.fspath(path), excluded):
            if found.path not in seen:
                seen.add(found.path)
                yield found


def excluder(globs: Iterable[str]) -> Callable[[str], bool]:
    """Return what says of a path whether one of `globs` leaves it out.

    A glob is compared with the last part of a path, and with all of it; `*` matches `/` too. What
    leaves out a directory leaves out everything below it.
    """
    patterns = [fnmatch.translate(glob.rstrip("/")) for glob in globs]
    if not patterns:
        return _none
    matching = re.compile("|".join(patterns)).match
    return lambda path: bool(matching(path) or matching(re.split("[/!]", path)[-1]))


def shown(error: OSError) -> str:
    """Return an error of the system as one line."""
    return (error.strerror or str(error)).lower()


def _none(_path: str) -> bool:
    return False


def _contents(descriptor: int, whole: int) -> bytes | BinaryIO:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(_NOT_REGULAR)
    if status.st_size > whole:
        return FileIO(descriptor)
    data = os.read(descriptor, status.st_size + 1)
    if len(data) > status.st_size:  # it is growing, or one that the system makes up
        os.lseek(descriptor, 0, os.SEEK_SET)
        return FileIO(descriptor)
    os.close(descriptor)
    return data


def _named(path: str, excluded: Callable[[str], bool]) -> Iterator[Origin | Skip]:
    """Yield what a path that the user named stands for."""
    if path == STDIN:
        yield Origin(STDIN, 0, named=True)
        return
    try:
        status = os.stat(path)  # noqa: PTH116  # a path may be any bytes, and is reported as given
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        text = path.encode("utf-8", "backslashreplace").decode()
        raise UsageError(f"no such file or directory: {text}") from error
    except OSError as error:
        yield Skip(path, "unreadable", shown(error))
        return
    if excluded(path):
        return
    if stat.S_ISDIR(status.st_mode):
        yield from _below(path, excluded)
    elif stat.S_ISREG(status.st_mode):
        yield Origin(path, status.st_size, named=True)
    else:
        yield Skip(path, "not-regular", _NOT_REGULAR)


def _below(directory: str, excluded: Callable[[str], bool]) -> Iterator[Origin | Skip]:
    """Yield the files below a directory, depth first and sorted; links are not followed."""
    pending: list[str | Origin | Skip] = [directory]
    while pending:
        found = pending.pop()
        if isinstance(found, str):
            pending.extend(reversed(list(_listed(found, excluded))))
        else:
            yield found


def _listed(directory: str, excluded: Callable[[str], bool]) -> Iterator[str | Origin | Skip]:
    """Yield what a directory holds, sorted: the path of a directory, and files."""
    try:
        with os.scandir(directory) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield Skip(directory, "unreadable", shown(error))
        return
    prefix = "" if directory == os.curdir else directory.rstrip("/") + "/"
    for entry in entries:
        path = prefix + entry.name
        if excluded(path) or entry.is_symlink():
            continue
        if entry.is_dir(follow_symlinks=False):
            yield path
        elif entry.is_file(follow_symlinks=False):
            yield Origin(path, _size(entry))
        else:
            yield Skip(path, "not-regular", _NOT_REGULAR)


def _size(entry: os.DirEntry[str]) -> int:
    """Return a file's length, 0 if it has just gone: reading it will tell."""
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0
