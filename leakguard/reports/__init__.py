"""Turns the outcome of a search into bytes for people and programs; nothing here has seen a secret.

A format is one module of this package that assigns a `Report` to `REPORT` and is named after it.
"""

from __future__ import annotations

import io
import os
import pkgutil
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from leakguard import plugins
from leakguard.errors import LeakguardError, UsageError
from leakguard.model import Finding, Skip

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable that names the file with a GitHub job's step summary, which all its commands share.
A report is put behind what is in it."""

# What begins a command to a CI system: `::` at the start of a line, `##[` and `##vso[` anywhere.
_COMMAND = re.compile(r"^:(?=:)|(?<= ):(?=:)|(?<=#)#")

FORMATS = tuple(module.name for module in pkgutil.iter_modules(__path__))


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a report may tell.

    Attributes:
        version: Of the leakguard that searched.
        findings: Where secrets were found, in the order of the search.
        skips: What was not searched, in the order of the search.
        stats: Counts by name, such as `files`; the same for the same input.
    """

    version: str
    findings: tuple[Finding, ...] = ()
    skips: tuple[Skip, ...] = ()
    stats: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """A format.

    Attributes:
        name: What `--format` calls it.
        render: Yields the report as bytes, the same bytes for the same outcome.
        paint: Yields it for a terminal with colors, if it looks different there.
        page: Yields it for the step summary of a GitHub job, if it belongs there.
    """

    name: str
    render: Callable[[Outcome], Iterator[bytes]]
    paint: Callable[[Outcome], Iterator[bytes]] | None = None
    page: Callable[[Outcome], Iterator[bytes]] | None = None

    def render_for(self, file: Path, outcome: Outcome) -> Iterator[bytes]:
        """Yield the report as `file` wants it."""
        return (self.page if self.page and is_summary(file) else self.render)(outcome)


def named(name: str) -> Report:
    """Return the format called `name`.

    Raises:
        UsageError: If there is none.
    """
    formats = plugins.constants(sys.modules[__name__], "REPORT", Report)
    for report in formats:
        if report.name == name:
            return report
    raise UsageError(f"no report format {name!r}, only {', '.join(FORMATS)}")


def shown(text: str) -> str:
    r"""Return `text` with all that a terminal would obey or cannot show escaped, as in `\x1b`.

    File names come from strangers: one with an escape sequence in it must not repaint the screen.
    """
    text = _COMMAND.sub(lambda match: _escaped(match[0]), text)
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, the way Python carries it
        code -= 0xDC00
    width, kind = (2, "x") if code < 0x100 else (4, "u") if code < 0x10000 else (8, "U")
    return f"\\{kind}{code:0{width}x}"


def save(chunks: Iterable[bytes], file: Path) -> None:
    """Write `chunks` to `file`, wholly or not at all; a device or a pipe is written as it stands.

    A link is replaced, not followed, so that a report never lands where someone else points to. The
    step summary of a GitHub job is written behind what others have put there.

    Raises:
        LeakguardError: If it cannot be written.
    """
    try:
        if is_stream(file):
            with file.open("wb") as stream:
                stream.writelines(chunks)
        elif is_summary(file):
            _append(chunks, file)
        else:
            _replace(chunks, file)
    except OSError as error:
        raise LeakguardError(f"cannot write {shown(str(file))}: {error.strerror}") from error


def is_stream(file: Path) -> bool:
    """Return whether `file` is a device, a pipe or a descriptor, which must not be replaced."""
    parts = file.absolute().parts
    if parts[1:2] in (("dev",), ("proc",)) and parts[2:3] not in (("shm",), ("mqueue",)):
        return True  # links stand for descriptors there
    with suppress(OSError):
        mode = file.lstat().st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode))
    return False


def is_summary(file: Path) -> bool:
    """Return whether `file` is the step summary of the GitHub job that this runs in."""
    summary = os.environ.get(SUMMARY, "")
    return bool(summary) and file.absolute() == Path(summary).absolute()


def _append(chunks: Iterable[bytes], file: Path) -> None:
    # Whole before it begins to be written: only the disk can fail then.
    text = b"".join(chunks)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(file, flags | getattr(os, "O_BINARY", 0), 0o600), "r+b", 0) as stream:
        size = stream.seek(0, os.SEEK_END)
        try:
            _write(stream, _break(stream, size) + text)
        except OSError:
            # Unless somebody has written behind it meanwhile.
            if os.fstat(stream.fileno()).st_size == stream.tell():
                stream.truncate(size)
            raise


def _break(stream: io.RawIOBase, size: int) -> bytes:
    """Return what must come first for a text behind `size` bytes to begin a line."""
    if not size:
        return b""
    stream.seek(size - 1)
    return b"" if stream.read(1) == b"\n" else b"\n"


def _write(stream: io.RawIOBase, text: bytes) -> None:
    left = memoryview(text)
    while left:
        left = left[stream.write(left) or 0 :]


def _replace(chunks: Iterable[bytes], file: Path) -> None:
    # `mkstemp` opens with O_EXCL and mode 0600; the same directory makes the rename atomic.
    descriptor, name = tempfile.mkstemp(prefix=".leakguard-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(chunks)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
