"""Reads a secrets file whole and without waiting, or says in one line why it cannot be read.

Only regular files are read: opening a pipe that nobody writes to would wait for ever or, worse,
look like a file without secrets.
"""

from __future__ import annotations

import codecs
import errno
import os
import stat
from pathlib import Path

from leakguard.errors import ProviderError
from leakguard.providers import wording

MIB = 1024 * 1024
LARGEST = 16 * MIB
"""Bytes that a file of many secrets may have."""
LARGEST_VALUE = MIB
"""Bytes that a file may have which is one secret; Kubernetes has the same limit."""

# Windows has no O_NONBLOCK, and opens as text unless told not to; POSIX has no O_BINARY.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read(path: str, largest: int = LARGEST) -> bytes:
    """Return the bytes of the regular file `path`.

    Raises:
        ProviderError: If it is none, cannot be read, or has more than `largest` bytes.
    """
    if path == "-":
        raise ProviderError("cannot read secrets from stdin: it carries the input to search")
    try:
        return _read(path, largest)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "not a path"
    # Out here, because the system's own error repeats the path even where it must not be shown.
    raise ProviderError(f"cannot read secrets file {wording.path(path)}: {reason}")


def read_text(path: str) -> bytes:
    """Return the bytes of a text file of many secrets, without a byte order mark.

    Raises:
        ProviderError: As `read` does, and if it is UTF-16: its values would be found nowhere.
    """
    return unmarked(read(path), wording.path(path))


def unmarked(raw: bytes, origin: str) -> bytes:
    """Return `raw` without the mark of UTF-8.

    Raises:
        ProviderError: If it has the mark of UTF-16.
    """
    if raw.startswith(_UTF_16):
        raise ProviderError(f"{origin}: is UTF-16, save it as UTF-8")
    return raw.removeprefix(codecs.BOM_UTF8)


def values(raw: bytes) -> tuple[bytes, ...]:
    """Return what a program may take for the value of a file that has the contents `raw`.

    A byte order mark is not a part of it: a log never shows the mark, so with it nothing matches.
    """
    if not raw.startswith(_UTF_16):
        return (raw.removeprefix(codecs.BOM_UTF8),)
    # A random key starts like this once in 32,768 times: keep the bytes too.
    text = raw.decode("utf-16", "replace").encode()
    return raw, text


def _read(path: str, largest: int) -> bytes:
    if Path(path).is_dir():  # asked first, since Windows denies to open one
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        # Files under /proc have no size until they are read: count what comes.
        raw = file.read(largest + 1)
    if len(raw) > largest:
        raise OSError(errno.EFBIG, f"larger than {largest // MIB} MiB")
    return raw
