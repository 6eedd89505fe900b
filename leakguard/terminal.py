"""Terminals: the ones that a command gets, and the one that leakguard itself runs at.

A command gets terminals of its own, in a session of its own, and has no way to ours. Ours is raw
meanwhile: keys go on as they are, and what the command's terminal shows comes out as it is. However
leakguard ends, ours is put back as it was: when it is killed, the process that leads the command's
session does it. Nothing here knows what a secret is; what is shown goes through a masker elsewhere.
"""

from __future__ import annotations

import math
import os
import select
import selectors
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn, Self, TypeAlias

if sys.platform != "win32":
    import fcntl
    import termios

READ_SIZE = 4096
LOOK_AGAIN = 0.1
"""Seconds until the next look at what no descriptor tells of."""

Place: TypeAlias = tuple[int, int]
"""Device and inode of a file."""
Size: TypeAlias = bytes
"""A `struct winsize`: rows, columns, and both in pixels."""

Settings: TypeAlias = list[Any]
"""The settings of a terminal, as `termios` has them."""

Launch: TypeAlias = Callable[[], "subprocess.Popen[bytes]"]

_SIZE = struct.Struct("HHHH")
_ROWS, _COLUMNS = 24, 80
_RECORD = struct.Struct("=ii")
_STARTED, _FAILED, _CHANGED = range(3)
_REPORTS = 3
# What a `list` of termios holds where.
_INPUT, _OUTPUT, _CONTROL, _LOCAL, _CHARACTERS = 0, 1, 2, 3, 6


def place_of(status: os.stat_result) -> Place:
    """Return what tells a file from others."""
    return status.st_dev, status.st_ino


def available() -> bool:
    """Return whether the system has a pseudo terminal for us."""
    if sys.platform == "win32":
        return False
    try:
        ends = os.openpty()
    except OSError:
        return False
    for end in ends:
        os.close(end)
    return True


def chosen_size(environ: Mapping[str, str]) -> Size:
    """Return the size that `COLUMNS` and `LINES` ask for; 80 columns and 24 lines without them."""
    asked = (environ.get("LINES", ""), environ.get("COLUMNS", ""))
    rows, columns = (int(text) if text.isascii() and text.isdecimal() else 0 for text in asked)
    return _SIZE.pack(min(rows or _ROWS, 0xFFFF), min(columns or _COLUMNS, 0xFFFF), 0, 0)


def _size_of(descriptor: int) -> Size | None:
    """Return how large a terminal is, None when it does not know."""
    with suppress(OSError):
        size = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(_SIZE.size))
        if all(_SIZE.unpack(size)[:2]):
            return size
    return None


class Pty:
    """A pseudo terminal.

    Attributes:
        ours: Our end, the master. What the command's end shows, its echo of what is typed included,
            is read here, and reading says `EIO` when nobody has the other end open any more.
        theirs: The command's end. We keep it open until the command has ended: a command may close
            its terminal and come back to it.
        place: What tells the command's end from other files.
    """

    def __init__(self, size: Size, like: int | None = None) -> None:
        """Open one of this size, with the settings of the terminal `like`.

        Raises:
            OSError: If the system has none left.
        """
        self.ours, self.theirs = os.openpty()
        self.place = place_of(os.fstat(self.theirs))
        os.set_blocking(self.ours, False)
        if like is not None:
            with suppress(termios.error):
                termios.tcsetattr(self.theirs, termios.TCSANOW, termios.tcgetattr(like))
        self.resize(size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        self.hang_up()

    def resize(self, size: Size) -> bool:
        """Give it a size; return whether that is news, of which the system tells its programs."""
        if self.ours < 0 or _size_of(self.ours) == size:
            return False
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, size)
        return True

    def leave(self) -> None:
        """Close the command's end here; from now on it is open only where the command left it."""
        if self.theirs >= 0:
            os.close(self.theirs)
            self.theirs = -1

    def hang_up(self) -> None:
        """Close our end: who has the other one open can no longer use it."""
        if self.ours >= 0:
            os.close(self.ours)
            self.ours = -1

    def type(self, text: bytes) -> int:
        """Type as much of `text` as there is room for by now; return how much that was."""
        if self.ours < 0:
            return len(text)
        try:
            return os.write(self.ours, text)
        except BlockingIOError:
            return 0
        except OSError:
            # Nobody has the other end any more.
            return len(text)

    def type_end(self) -> None:
        """Type the end of the input, unless what was typed is not read yet.

        A program that reads key by key knows no end, and gets none.
        """
        settings = termios.tcgetattr(self.theirs)
        if settings[_LOCAL] & termios.ICANON and not readable(self.theirs):
            self.type(settings[_CHARACTERS][termios.VEOF])


def readable(descriptor: int) -> bool:
    """Return whether there is something to read by now; unlike a count, that is exact."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


class OwnTerminal:
    """The terminal that leakguard runs at: raw while the command has one of its own.

    It is touched only in the foreground; in the background it belongs to somebody else.
    """

    def __init__(self, descriptors: Sequence[int], *, signals: bool) -> None:
        """Leave it as it is until it is taken.

        Args:
            descriptors: What is open on it, or on each if there are several. None: do nothing.
            signals: Let its keys still send signals to our group, as other members of it need.
        """
        self._descriptors = list({place_of(os.fstat(each)): each for each in descriptors}.values())
        self._signals = signals
        self._before: list[tuple[int, Settings]] = []

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()

    @property
    def taken(self) -> bool:
        """Whether it is raw by our doing, or there is none."""
        return bool(self._before) or not self._descriptors

    @property
    def size(self) -> Size | None:
        """How large it is, None when there is none that knows."""
        return next(filter(None, map(_size_of, self._descriptors)), None)

    @property
    def settings(self) -> Sequence[tuple[str, Settings]]:
        """What to put back, and the path of the terminal; for who has no descriptor of it."""
        found = []
        for descriptor, before in self._before:
            with suppress(OSError):
                found.append((os.ttyname(descriptor), before))
        return found

    def allow_signals(self) -> None:
        """Let its keys send signals from now on: the command, whose they were, has ended."""
        self._signals = True
        for descriptor, before in self._before:
            with suppress(termios.error):
                termios.tcsetattr(descriptor, termios.TCSANOW, _raw(before, signals=True))

    def take(self) -> bool:
        """Make it raw if it is not, and is ours to change; return whether it is raw now."""
        if not self.taken and all(map(_in_foreground, self._descriptors)):
            for descriptor in self._descriptors:
                with suppress(termios.error):
                    before = termios.tcgetattr(descriptor)
                    self._before.append((descriptor, before))
                    raw = _raw(before, signals=self._signals)
                    termios.tcsetattr(descriptor, termios.TCSANOW, raw)
        return self.taken

    def give_back(self) -> None:
        """Put it back as it was."""
        while self._before:
            descriptor, before = self._before.pop()
            if _in_foreground(descriptor):
                with suppress(termios.error):
                    termios.tcsetattr(descriptor, termios.TCSANOW, before)

    def suspend(self, *, asked: bool) -> None:
        """Put it back, stop, and return when we are continued.

        Args:
            asked: Somebody wants us to stop. Else a key was pressed, and as for any other program
                our whole group stops, unless nobody is there who could continue it.
        """
        self.give_back()
        if asked:
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(0, signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, handler)
        self.take()


def _in_foreground(descriptor: int) -> bool:
    """Return whether we may use a terminal; of one that controls nobody here, nobody else does."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return True


def _raw(settings: Settings, *, signals: bool) -> Settings:
    raw = settings.copy()
    raw[_INPUT] &= ~(termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP)
    raw[_INPUT] &= ~(termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON)
    raw[_OUTPUT] &= ~termios.OPOST
    raw[_CONTROL] = raw[_CONTROL] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    raw[_LOCAL] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN)
    if not signals:
        raw[_LOCAL] &= ~termios.ISIG
    raw[_CHARACTERS] = raw[_CHARACTERS].copy()
    raw[_CHARACTERS][termios.VMIN], raw[_CHARACTERS][termios.VTIME] = 1, 0
    return raw


class Typing:
    """What comes to a command's terminal: keys from ours, or whatever our stdin holds.

    Somebody has to call `go_on` when `fileno` can be read, or at `due`.
    """

    def __init__(self, source: int, pty: Pty, own: OwnTerminal) -> None:
        self._source = source
        self._pty = pty
        # What is no key can be read in the background as well.
        self._own = own if os.isatty(source) else OwnTerminal((), signals=True)
        self._pending = b""
        self._ended = False
        self._awaited: int | None = None
        self._selector = selectors.DefaultSelector()
        self.due = math.inf
        self._wait()

    def fileno(self) -> int:
        """Return the descriptor that can be read when there is something to do."""
        return self._selector.fileno()

    def go_on(self) -> None:
        """Do what there is to do, without waiting for anybody."""
        if self._pending:
            self._pending = self._pending[self._pty.type(self._pending) :]
        elif self._ended:
            self._pty.type_end()
        # In the background, keys are for somebody else; just come to the front, there may be none.
        elif self._own.take() and readable(self._source):
            self._pending = self._read()
            self._ended = not self._pending
        self._wait()

    def stop(self) -> None:
        """Take in no more: nobody is there to read it."""
        self._await(None, 0)
        self.due = math.inf

    def close(self) -> None:
        """Give back what was opened here."""
        self._selector.close()

    def _read(self) -> bytes:
        # A terminal that was hung up says EIO.
        with suppress(OSError):
            return os.read(self._source, READ_SIZE)
        return b""

    def _wait(self) -> None:
        """Have `fileno` tell when to go on; what it cannot tell of is looked at in a while."""
        self.due = math.inf
        if self._pending:
            self._await(self._pty.ours, selectors.EVENT_WRITE)
        elif self._ended or not self._own.taken:
            self._await(None, 0)
            self.due = monotonic() + LOOK_AGAIN
        # A file can always be read, and so cannot be waited for.
        elif not self._await(self._source, selectors.EVENT_READ):
            self.due = 0.0

    def _await(self, descriptor: int | None, event: int) -> bool:
        if self._awaited == descriptor:
            return True
        if self._awaited is not None:
            self._selector.unregister(self._awaited)
        self._awaited = None
        try:
            if descriptor is not None:
                self._selector.register(descriptor, event)
        except PermissionError:
            return False
        self._awaited = descriptor
        return True


class Leader:
    """The process that leads the command's session, and is the command's parent.

    The kernel stops nobody whose parent is in another session, for nobody there could tell that it
    has stopped. Without a parent in its own, Ctrl-Z would do nothing to the command. The leader
    tells us by `SIGCHLD` when the command stops or ends, and stays until we close it: the end of a
    leader hangs up its terminal, also for what the command has left in the background. It does not
    outlive us, and then puts our terminal back.

    Attributes:
        pid: The leader.
        command: The command, and the number of its group.
        alive: Whether it is there; whoever waits for it says when it is not.
    """

    def __init__(self, pty: Pty, launch: Launch, own: OwnTerminal) -> None:
        """Start a session on `pty`, and the command in it.

        Args:
            pty: The terminal that controls the session.
            launch: Starts the command, in a group of its own. It runs in the leader.
            own: What to put back if we are killed.

        Raises:
            OSError: If the command cannot be started.
        """
        self.alive = True
        self._reports, reports = os.pipe()
        parent, settings = os.getpid(), own.settings
        self.pid = os.fork()
        if self.pid == 0:
            _lead(_Session(pty.theirs, launch, reports, parent, settings))
        os.close(reports)
        self.command = self._started()
        os.set_blocking(self._reports, False)

    def changes(self) -> Iterator[int]:
        """Yield how the command has changed since last time, each as `os.waitpid` has it."""
        with suppress(BlockingIOError):
            while record := os.read(self._reports, _RECORD.size):
                yield _RECORD.unpack(record)[1]

    def close(self) -> None:
        """End it."""
        os.close(self._reports)
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def _started(self) -> int:
        record = os.read(self._reports, _RECORD.size)
        kind, number = _RECORD.unpack(record) if record else (_FAILED, 0)
        if kind == _STARTED:
            return int(number)
        self.close()
        raise OSError(number, os.strerror(number) if number else "its session cannot be led")


class _Session:
    """What a leader needs; all of this is run in it."""

    def __init__(
        self,
        terminal: int,
        launch: Launch,
        reports: int,
        parent: int,
        settings: Sequence[tuple[str, Settings]],
    ) -> None:
        self._terminal = terminal
        self._launch = launch
        self._reports = reports
        self._parent = parent
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the session and the command, and say so."""
        self._hear()
        os.setsid()
        fcntl.ioctl(self._terminal, termios.TIOCSCTTY, 0)
        try:
            self._process = self._launch()
        except OSError as error:
            self._report(_FAILED, error.errno or 0)
            raise
        self._close_all()
        self._report(_STARTED, self._process.pid)

    def follow(self) -> None:
        """Tell how the command changes, to its end, and then stay."""
        stopped = True
        while self._process and stopped:
            _, status = os.waitpid(self._process.pid, os.WUNTRACED)
            stopped = os.WIFSTOPPED(status)
            self._report(_CHANGED, status)
            self._ring()
        while True:
            signal.pause()

    def _hear(self) -> None:
        """Hear of our parent's end only; what is ignored here the command would ignore as well."""
        signal.set_wakeup_fd(-1)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
            if callable(signal.getsignal(number)):
                signal.signal(number, _nothing)
        for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _nothing)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # When our parent ends, its end of the terminal does, and the kernel hangs up.
        for number in (signal.SIGHUP, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._hung_up)

    def _hung_up(self, *_: object) -> None:
        if os.getppid() == self._parent:
            return
        for path, before in self._settings:
            with suppress(OSError, termios.error):
                _put_back(path, before)
        if self._process:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        os._exit(1)

    def _report(self, kind: int, number: int) -> None:
        with suppress(OSError):
            os.write(self._reports, _RECORD.pack(kind, number))

    def _ring(self) -> None:
        if os.getppid() == self._parent:
            os.kill(self._parent, signal.SIGCHLD)

    def _close_all(self) -> None:
        """Keep nothing open but the way to report: what we have here is not the leader's."""
        os.dup2(self._reports, _REPORTS)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(_REPORTS):
            os.dup2(nothing, descriptor)
        for descriptor in _open_descriptors():
            if descriptor > _REPORTS:
                with suppress(OSError):
                    os.close(descriptor)
        self._reports = _REPORTS


def _lead(session: _Session) -> NoReturn:
    # Whatever happens here, this process must not go on as if it were its parent.
    with suppress(BaseException):
        session.start()
        session.follow()
    os._exit(1)


def _nothing(*_: object) -> None:
    """Hear a signal, and do nothing about it."""


def _put_back(path: str, before: Settings) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
    termios.tcsetattr(descriptor, termios.TCSANOW, before)
    os.close(descriptor)


def _open_descriptors() -> list[int]:
    try:
        return [int(entry.name) for entry in Path("/dev/fd").iterdir()]
    except OSError:
        return list(range(256))


def to_foreground(terminal: int) -> None:
    """Make the group of this process the one that `terminal` listens to."""
    # Not being that group yet, it would be stopped for doing so.
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
    os.tcsetpgrp(terminal, os.getpgrp())
    signal.pthread_sigmask(signal.SIG_SETMASK, masked)
