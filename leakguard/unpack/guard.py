"""Streams that never raise: one ends where reading fails or a limit is met, and keeps why.

So whatever came before is searched, and whoever made the stream tells the rest as a skip.
"""

from __future__ import annotations

from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from leakguard.unpack.base import PIECE, Ending, Fault, Limits, Readable, StoppedError

_IN_MEMORY = 16 << 20


class Budget:
    """What one file may cost, at all depths together.

    Attributes:
        spent: Whether a limit was met that ends the walk through the file.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._taken = 0
        self._given = 0
        self._members = 0
        self.spent = False

    def take(self, size: int) -> None:
        """Count bytes of the file itself."""
        self._taken += size

    def give(self, size: int) -> Fault | None:
        """Count bytes that were unpacked; return which limit they are over, if any."""
        self._given += size
        limits = self._limits
        if self._given > limits.max_total_size:
            self.spent = True
            return Fault("too-large", f"unpacks to more than {limits.max_total_size} bytes in all")
        if self._given > limits.ratio_floor and self._given > limits.max_ratio * self._taken:
            self.spent = True
            return Fault("ratio", f"unpacks to more than {limits.max_ratio} times its size")
        return None

    def count_member(self) -> Fault | None:
        """Count a member; return the limit it is over, if any."""
        self._members += 1
        if self._members <= self._limits.max_members:
            return None
        self.spent = True
        return Fault("too-many-members", f"has more than {self._limits.max_members} members")


class Guard:
    """A stream that ends where reading fails, and keeps why.

    Attributes:
        fault: Why it ended early, unless a stream it is read from knows better.
        file: The same bytes, to seek in, if that is possible.
        limit: Bytes that may be read of it.
    """

    def __init__(
        self,
        stream: Readable,
        errors: tuple[type[Exception], ...],
        count: Callable[[int], Fault | None],
        above: Guard | None = None,
    ) -> None:
        """Guard a stream.

        Args:
            stream: What is read.
            errors: What its damage raises.
            count: Takes how many bytes were read, and says which limit that is over.
            above: The stream it is unpacked from.
        """
        self._stream = stream
        self._errors = errors
        self._count = count
        self._above = above
        self._ahead = b""
        self._ended = False
        self._given = 0
        self.fault: Fault | None = None
        self.file: BinaryIO | None = None
        self.limit: int | None = None

    @property
    def failed(self) -> bool:
        """Whether it, or a stream it is read from, ended early."""
        return self.fault is not None or (self._above is not None and self._above.failed)

    def peek(self, size: int) -> bytes:
        """Return the first bytes without taking them."""
        while len(self._ahead) < size and (more := self._pull(PIECE)):
            self._ahead += more
        return self._ahead[:size]

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            data = self._pull(size)
        self._given += len(data)
        if self.limit is not None and self._given > self.limit:
            return self._cut(data, self._given - self.limit)
        return data

    def _cut(self, data: bytes, over: int) -> bytes:
        self._ahead, self._given = b"", self._given - over
        self._fail(Fault("too-large", f"only the first {self.limit} bytes were searched"))
        return data[:-over]

    def _pull(self, size: int) -> bytes:
        if self._ended:
            return b""
        try:
            data = self._stream.read(size)
        except StoppedError as stopped:
            self._fail(stopped.fault)
            return b""
        except self._errors as error:
            self._fail(fault_of(error))
            return b""
        if fault := self._count(len(data)):
            self._fail(fault)
        return data

    def _fail(self, fault: Fault) -> None:
        self._ended = True
        if not self.failed:
            self.fault = fault


class Tee:
    """A stream that keeps what may be an archive behind the other data in it.

    It is kept from where one seems to begin, so nothing is kept of most streams.

    Attributes:
        fault: Why nothing could be kept.
    """

    def __init__(self, stream: Readable, ending: Ending) -> None:
        self._stream = stream
        self._ending = ending
        self._last = b""
        self._kept: BinaryIO | None = None
        self.fault: Fault | None = None

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""
        data = self._stream.read(size)
        if self.fault is None:
            try:
                self._keep(data)
            except OSError as error:
                self.fault = fault_of(error)
        return data

    def _keep(self, data: bytes) -> None:
        if self._kept is not None:
            self._kept.write(data)
            return
        joined = self._last + data
        if (at := joined.find(self._ending.begin)) >= 0:
            self._kept = spool()
            self._kept.write(joined[at:])
        self._last = joined[1 - len(self._ending.begin) :]

    def close(self) -> None:
        """Forget what was kept."""
        if self._kept is not None:
            self._kept.close()

    def archive(self) -> BinaryIO | None:
        """Return the archive once all is read, None if there is none."""
        kept = self._kept
        if kept is None or self.fault or not self._ending.is_sound(kept):
            return None
        kept.seek(0)
        return kept


def spool() -> BinaryIO:
    """Return a temporary file that is in memory while short, has no name, and goes when closed."""
    return cast("BinaryIO", SpooledTemporaryFile(max_size=_IN_MEMORY))


def fault_of(error: Exception) -> Fault:
    """Return what an error that reading raised comes to."""
    if isinstance(error, StoppedError):
        return error.fault
    if isinstance(error, OSError) and error.errno is not None:
        return Fault("unreadable", error.strerror or "")
    if isinstance(error, MemoryError):
        return Fault("too-large", "needs more memory than there is")
    return Fault("damaged", str(error).partition("\n")[0])
