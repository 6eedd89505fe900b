"""Carries bytes from a descriptor through a masker to another, at once, and never unmasked.

What the masker lets go is written before more is read, and nothing waits for a newline. A `Stream`
is one such way; a relay moves several of them in one loop. When a masker fails, not one more byte
of its stream is written, while its source is still read to the end: the producer neither blocks nor
dies of it. A reader that went away is no failure. No write blocks the loop, so a signal is seen at
any time, and a stream whose reader is slow holds up no other.
"""

from __future__ import annotations

import errno
import math
import os
import queue
import select
import signal
import stat
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from types import FrameType, TracebackType
from typing import Protocol, Self, TypeVar

from leakguard.errors import ExitCode

if sys.platform != "win32":
    import fcntl
    import termios

T = TypeVar("T")

POLLABLE = hasattr(select, "poll")
"""Whether pipes can be waited for here; on Windows they cannot, and a thread reads each source."""

READ_SIZE = 256 * 1024
DRAIN_SIZE = 4 * 1024
"""How much is read of what is thrown away: it needs no memory of its own."""
PIPE_SIZE = 1024 * 1024
"""How much room a pipe behind us gets, so that a job need not wait for a reader that is slow."""
SOURCE_SIZE = 256 * 1024
"""How much room one in front gets: with more a line waits longer there for those in front of it.

It gets it once so much has passed: at first the search is slow, and waits for what speeds it.
"""
SILENCE = 0.02
"""Seconds without a byte after which a live stream counts as silent."""
ECHO = 0.05
"""Seconds within which a second interrupt is the first one again."""
GRACE = 1.0
"""Seconds that a reader has to take the last bytes when the end cannot wait."""
SIGNALED = 128
"""What a shell adds to a signal's number to make an exit code of it."""
STDERR = 2


class Masking(Protocol):
    """What a stream needs of its masker; `leakguard.masker.Masker` is one."""

    @property
    def holding(self) -> bool:
        """Whether bytes are held back that may yet become part of a match."""

    def feed(self, data: bytes, /) -> bytes:
        """Take more of the stream and return what may leave by now."""

    def flush(self) -> bytes:
        """Return what is left at the end of the stream."""

    def idle(self) -> bytes:
        """Return what may leave because the stream has fallen silent."""


def tell(message: str) -> None:
    """Write one line of leakguard's own to stderr, or nothing if stderr takes none.

    Args:
        message: What to say; control characters are escaped, so that it stays one line.
    """
    line = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in message)
    # A stderr that is closed, full or not read must not stop the streams.
    with suppress(OSError):
        if sys.platform == "win32" or select.select([], [STDERR], [], GRACE)[1]:
            os.write(STDERR, f"leakguard: {line}{_line_end()}".encode(errors="backslashreplace"))


def _line_end() -> str:
    """Return what ends a line on stderr: a terminal that we have made raw does not go back."""
    if sys.platform != "win32" and os.isatty(STDERR):
        with suppress(termios.error):
            raw = not termios.tcgetattr(STDERR)[1] & termios.OPOST
            return "\r\n" if raw else "\n"
    return "\n"


def reserve_standard() -> None:
    """Fill those of descriptors 0 to 2 that are closed; to read or write them still fails.

    A pipe of ours would take their place otherwise, and be taken for one of them.
    """
    for descriptor, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)


@dataclass(frozen=True, slots=True)
class Failure:
    """What is told of an exception: its type's name, for its message could quote a secret."""

    name: str

    def __str__(self) -> str:
        return f"output withheld: internal error ({self.name})"


def attempt(step: Callable[[], T]) -> T | Failure:
    """Return what `step` returns, or what may be told of its failure."""
    try:
        return step()
    except BaseException as error:  # noqa: BLE001  # whatever went wrong, nothing raw may pass (law 7)
        return Failure(type(error).__name__)


class Stream:
    """One way from a source through its masker to a sink.

    Attributes:
        source: The descriptor that is read.
        ended: Nothing more will come, or nobody wants it.
        failed: leakguard could not do its work here, and has said so.
        owed: How many bytes must still be read whatever happens.
    """

    def __init__(self, source: int, sink: int, masker: Masking) -> None:
        self.source = source
        self.ended = False
        self.failed = False
        self.owed = 0
        self._sink = _Sink(sink)
        self._masker: Masking | None = masker
        self._pending = memoryview(b"")
        self._holding = False
        self._due = math.inf
        self._passed = 0

    @property
    def done(self) -> bool:
        """Whether the stream has ended and all of it is written."""
        return self.ended and not self._pending

    @property
    def settled(self) -> bool:
        """Whether the stream may be cut off here without losing what is owed."""
        return self.owed <= 0 and not self._pending

    @property
    def awaited(self) -> tuple[int, int]:
        """The descriptor and the event without which nothing can go on."""
        if self._pending:
            return self._sink.descriptor, select.POLLOUT
        return self.source, select.POLLIN

    @property
    def due(self) -> float:
        """When the stream will count as silent, if nothing comes until then."""
        return self._due

    def go_on(self) -> None:
        """Do the one thing that was awaited: write what is pending, or read more."""
        if self._pending:
            self._write()
        else:
            self.accept(self.read())

    def read(self) -> bytes | None:
        """Return what the source has, `b""` at its end, None when it has nothing after all."""
        try:
            data = os.read(self.source, READ_SIZE if self._masker else DRAIN_SIZE)
        except BlockingIOError:
            return None
        except OSError as error:
            if not self.is_end(error):
                self._fail(f"cannot read: {error.strerror}")
            return b""
        except MemoryError as error:
            # Once more with less, or else the source would stay readable and unread for ever.
            given_up = self._masker is None
            self.withhold(str(Failure(type(error).__name__)))
            return b"" if given_up else None
        self.owed -= len(data)
        before, self._passed = self._passed, self._passed + len(data)
        if before < SOURCE_SIZE <= self._passed:
            _enlarge(self.source, SOURCE_SIZE)
        return data

    def is_end(self, _error: OSError) -> bool:
        """Return whether this is how the source says that nothing will come; a pipe has `b""`."""
        return False

    def accept(self, data: bytes | None) -> None:
        """Mask what `read` returned, and write at once what the masker lets go."""
        if data is None or self.ended:
            return
        if not data:
            self.finish()
        elif (masker := self._masker) is not None:
            self._offer(masker, lambda: masker.feed(data))

    def finish(self) -> None:
        """End the stream here: what is held leaves, masked."""
        self.ended = True
        if self._masker is not None:
            self._offer(self._masker, self._masker.flush)

    def fall_silent(self) -> None:
        """Let go what may leave in a silence; once, for the next silence needs a byte first."""
        if self._masker is not None:
            self._offer(self._masker, self._masker.idle)
        self._holding = False
        self._due = math.inf

    def drop(self) -> None:
        """Forget what its reader has not taken in time."""
        self._abandon()

    def withhold(self, message: str) -> None:
        """Let nothing out any more, and say why; the source is still read to its end."""
        self._abandon()
        self._fail(message)

    def owe(self) -> None:
        """Owe whatever lies in the source's pipe now."""
        self.owed = _waiting(self.source)

    def close(self) -> None:
        """Give back what the stream itself has opened; source and sink stay open."""
        self._sink.close()

    def _offer(self, masker: Masking, step: Callable[[], bytes]) -> None:
        outcome = attempt(lambda: (memoryview(step()), masker.holding))
        if isinstance(outcome, Failure):
            self.withhold(str(outcome))
            return
        masked, self._holding = outcome
        # The end of a stream need not wait for its reader: then something may be pending already.
        self._pending = memoryview(bytes(self._pending) + masked) if self._pending else masked
        self._write()

    def _write(self) -> None:
        try:
            self._pending = self._sink.write(self._pending)
        except OSError as error:
            if self._sink.is_deserted(error):
                self._abandon()
                self.ended = True
            else:
                self.withhold(f"cannot write: {error.strerror}")
        waits = self._holding and not self._pending and not self.ended
        self._due = monotonic() + SILENCE if waits else math.inf

    def _fail(self, message: str) -> None:
        if not self.failed:
            self.failed = True
            tell(message)

    def _abandon(self) -> None:
        self._masker = None
        self._holding = False
        self._due = math.inf
        self._pending = memoryview(b"")


class _Sink:
    """A descriptor that is written without ever waiting for its reader."""

    def __init__(self, descriptor: int) -> None:
        self._private = _reopened(descriptor)
        self.descriptor = descriptor if self._private is None else self._private
        # Of a pipe that blocks no more than this much can be written without waiting.
        self._limit = select.PIPE_BUF if POLLABLE and self._blocks() else None
        _enlarge(descriptor, PIPE_SIZE)

    def write(self, pending: memoryview) -> memoryview:
        """Write what the reader takes by now and return the rest."""
        while pending and (self._limit is None or _writable(self.descriptor)):
            try:
                written = os.write(self.descriptor, pending[: self._limit])
            except BlockingIOError:
                break
            pending = pending[written:]
        return pending

    def is_deserted(self, error: OSError) -> bool:
        """Return whether this says that the reader went away; of a terminal, that it hung up."""
        if isinstance(error, (BrokenPipeError, ConnectionResetError)):
            return True
        return error.errno == errno.EIO and stat.S_ISCHR(os.fstat(self.descriptor).st_mode)

    def close(self) -> None:
        """Close what was opened here."""
        if self._private is not None:
            os.close(self._private)
            self._private = None

    def _blocks(self) -> bool:
        return _has_reader(self.descriptor) and os.get_blocking(self.descriptor)


def _reopened(descriptor: int) -> int | None:
    """Open what `descriptor` leads to once more, without blocking; None where that is not possible.

    To unblock `descriptor` itself would unblock it for every process that shares it. Only Linux
    opens it anew; elsewhere such paths are absent, or lead to the same open file once more.
    """
    if sys.platform != "linux" or not _has_reader(descriptor) or not os.get_blocking(descriptor):
        return None
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
    with suppress(OSError):
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    return None


def _has_reader(descriptor: int) -> bool:
    """Return whether writing may have to wait for somebody: a pipe, a socket, a terminal."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)


def _writable(descriptor: int) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLOUT)
    return bool(poller.poll(0))


def _enlarge(descriptor: int, size: int) -> None:
    """Give a pipe more room, so that both sides are woken less often; nothing else is changed."""
    if sys.platform == "linux":
        with suppress(OSError):
            if fcntl.fcntl(descriptor, fcntl.F_GETPIPE_SZ) < size:
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, size)


def _waiting(descriptor: int) -> int:
    """Return how many bytes lie in a pipe."""
    if sys.platform == "win32":
        return 0
    count = fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4))
    return int.from_bytes(count, sys.byteorder)


class Signals:
    """The signals that came, in order, and a descriptor that wakes a poll when one comes.

    Only the main thread can have them. A signal that was ignored before stays ignored, as `nohup`
    and background jobs want it, except `SIGCHLD`: ignored, it would lose a child's exit code.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        self._arrived: deque[int] = deque()
        self._previous: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
        self._wake, self._waker = os.pipe()
        self._outer_waker = -1

    def __enter__(self) -> Self:
        if POLLABLE:
            os.set_blocking(self._wake, False)
            os.set_blocking(self._waker, False)
            self._outer_waker = signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for number in self._numbers:
            if signal.getsignal(number) is not signal.SIG_IGN or number == _CHILD_ENDED:
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            # None stands for a handler that Python has not set and cannot put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if POLLABLE:
            signal.set_wakeup_fd(self._outer_waker)
        os.close(self._wake)
        os.close(self._waker)

    def fileno(self) -> int:
        """Return the descriptor that can be read when a signal has come."""
        return self._wake

    def arrived(self) -> Iterator[int]:
        """Yield the numbers of the signals that came since last time."""
        if self._arrived and POLLABLE:
            with suppress(BlockingIOError):
                os.read(self._wake, PIPE_SIZE)
        while self._arrived:
            yield self._arrived.popleft()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._arrived.append(number)


_CHILD_ENDED = getattr(signal, "SIGCHLD", None)


class Interrupts:
    """Tells a second interrupt from an echo: some signal a process, and then its whole group."""

    def __init__(self) -> None:
        self._last: float | None = None

    def repeated(self, within: float) -> bool:
        """Note an interrupt; return whether it is the second one in `within` seconds."""
        now, last = monotonic(), self._last
        if last is not None and now - last < ECHO:
            return False
        self._last = now
        return last is not None and now - last <= within


class Watched(Protocol):
    """What is seen to between two turns of the streams, in their thread.

    Should that fail, all streams are withheld: what it was to do for them has not been done.
    """

    @property
    def due(self) -> float:
        """When there is something to do even if nothing comes until then."""

    def fileno(self) -> int:
        """Return the descriptor that can be read when there is something to do."""

    def go_on(self) -> None:
        """Do what there is to do, without waiting."""


class Relay(Protocol):
    """Moves streams, one turn after the other."""

    def turn(self, until: float = math.inf) -> None:
        """Wait for a stream, a signal or the time `until`, and do what there is to do."""


class _Polled:
    """Waits for all streams at once, in the one thread that there is."""

    def __init__(
        self, streams: Sequence[Stream], signals: Signals, watched: Iterable[Watched]
    ) -> None:
        self._streams = streams
        self._signals = signals
        self._watched = list(watched)

    def turn(self, until: float = math.inf) -> None:
        going = [stream for stream in self._streams if not stream.done]
        dues = [*(stream.due for stream in going), *(watched.due for watched in self._watched)]
        ready = self._ready(going, min([until, *dues]))
        # Before the streams: what comes of it may concern the bytes that are there by now.
        for watched in self._watched[:]:
            if watched.fileno() in ready or watched.due <= monotonic():
                self._see_to(watched)
        for stream in going:
            if stream.awaited[0] in ready:
                stream.go_on()
            elif stream.due <= monotonic():
                stream.fall_silent()

    def _ready(self, going: Iterable[Stream], until: float) -> set[int]:
        poller = select.poll()
        poller.register(self._signals, select.POLLIN)
        for watched in self._watched:
            poller.register(watched, select.POLLIN)
        for stream in going:
            poller.register(*stream.awaited)
        wait = None if until == math.inf else math.ceil(max(0.0, until - monotonic()) * 1000)
        return {descriptor for descriptor, _ in poller.poll(wait)}

    def _see_to(self, watched: Watched) -> None:
        outcome = attempt(watched.go_on)
        if isinstance(outcome, Failure):
            self._watched.remove(watched)
            for stream in self._streams:
                stream.withhold(str(outcome))


class _Threaded:
    """Reads each source in a thread of its own, where pipes cannot be polled.

    Only reading is done there: masking and writing stay in the one thread that calls `turn`.
    """

    POLL = 0.05

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._streams = streams
        self._arrivals: queue.Queue[tuple[Stream, bytes | Failure | None]] = queue.Queue(maxsize=8)
        for stream in streams:
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def turn(self, until: float = math.inf) -> None:
        """Take what one thread has read; return soon in any case, for no signal ends this wait."""
        soonest = min([until, monotonic() + self.POLL, *(stream.due for stream in self._streams)])
        try:
            stream, data = self._arrivals.get(timeout=max(0.0, soonest - monotonic()))
        except queue.Empty:
            pass
        else:
            if isinstance(data, Failure):
                stream.withhold(str(data))
            stream.accept(b"" if isinstance(data, Failure) else data)
        if self._arrivals.empty():
            self._rest()

    def _rest(self) -> None:
        for stream in self._streams:
            if stream.due <= monotonic():
                stream.fall_silent()

    def _read(self, stream: Stream) -> None:
        data: bytes | Failure | None = None
        # A thread that died would leave everybody waiting for the end.
        while data != b"" and not isinstance(data, Failure):
            data = attempt(stream.read)
            self._arrivals.put((stream, data))


def relay_of(streams: Sequence[Stream], signals: Signals, watched: Iterable[Watched] = ()) -> Relay:
    """Return what moves `streams` on this system.

    Args:
        streams: What to move.
        signals: What ends a wait at once, if pipes can be polled.
        watched: What else to see to; nothing is where pipes cannot be polled.
    """
    return _Polled(streams, signals, watched) if POLLABLE else _Threaded(streams)


def pump(source_fd: int, sink_fd: int, masker: Masking) -> int:
    """Mask everything from `source_fd` to `sink_fd` and return the exit code to end with.

    An interrupt does not end it, unless the source is a terminal: whoever pressed Ctrl-C has sent
    it to the producer too, whose last words are still masked. A second one, SIGTERM and SIGHUP do
    end it; what is held then leaves masked.

    Returns:
        0 at the end of the source or when the reader went away, 125 when leakguard failed, 128 and
        the number of the signal that came.
    """
    reserve_standard()
    stream = Stream(source_fd, sink_fd, masker)
    try:
        with Signals(("SIGINT", "SIGTERM", "SIGHUP")) as signals:
            code = _pumped(stream, relay_of([stream], signals), signals)
    except MemoryError:
        if not stream.failed:
            raise
        code = ExitCode.MASKING_FAILED  # there is not even enough to drain the source
    finally:
        stream.close()
    return ExitCode.MASKING_FAILED if stream.failed else code


def _pumped(stream: Stream, relay: Relay, signals: Signals) -> int:
    code = int(ExitCode.OK)
    interrupts = Interrupts()
    while not stream.done:
        relay.turn()
        for number in signals.arrived():
            code = SIGNALED + number
            if number != signal.SIGINT or interrupts.repeated(math.inf) or os.isatty(stream.source):
                cut_off([stream], relay)
    return code


def cut_off(streams: Sequence[Stream], relay: Relay) -> None:
    """End streams now; their readers have a moment to take what is left, masked."""
    for stream in streams:
        if not stream.ended:
            stream.finish()
    end = monotonic() + GRACE
    while monotonic() < end and not all(stream.done for stream in streams):
        relay.turn(end)
    for stream in streams:
        stream.drop()
