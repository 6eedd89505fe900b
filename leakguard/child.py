"""Runs a command and masks what it prints, stdout and stderr each through a masker of its own.

The command holds terminals or pipes of ours and never our stdout or stderr: when leakguard is
killed, nothing comes out unmasked, and on Linux the command is killed with it. It gets a terminal
when our stdout is one, or when it is asked for. Order is kept within each of the two streams; a
secret cut in halves over both is out of reach, unless they are merged. Everything happens in one
thread and one loop (on Windows two more threads read the pipes).
"""

from __future__ import annotations

import ctypes
import errno
import math
import os
import shutil
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Self, TypeAlias

from leakguard import control, terminal
from leakguard.errors import ExitCode, UsageError
from leakguard.pipe import (
    POLLABLE,
    SIGNALED,
    Failure,
    Interrupts,
    Masking,
    Signals,
    Stream,
    Watched,
    attempt,
    cut_off,
    relay_of,
    reserve_standard,
    tell,
)

Place: TypeAlias = terminal.Place
Step: TypeAlias = Callable[[], None]

STDIN, STDOUT, STDERR = range(3)
OWN_VARIABLES = frozenset({"LEAKGUARD_SECRETS", "LEAKGUARD_KEY"})
"""What the environment holds for leakguard alone; the command does not get it."""

DRAIN_SECONDS = 5.0
"""How long the command's background processes may go on printing after its end."""
KILL_WITHIN = 2.0
"""A second interrupt within so many seconds kills the command."""

_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH")
_JOB_CONTROL = ("SIGTSTP", "SIGCONT")
_ENDING = {getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")}
# A terminal sends these to its whole foreground group, so the command has them already.
_FROM_TERMINAL = {getattr(signal, name, None) for name in ("SIGINT", "SIGQUIT", "SIGWINCH")}
_CHILD_ENDED = getattr(signal, "SIGCHLD", None)
_STOP, _CONTINUE = getattr(signal, "SIGTSTP", None), getattr(signal, "SIGCONT", None)
_RESIZED = getattr(signal, "SIGWINCH", None)
_KILL = getattr(signal, "SIGKILL", 9)
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_TERMINAL_HOLDS = 64 * 1024
"""More bytes than a pseudo terminal has room for."""
_NAMED = 3
"""How many of the processes that outlive the command are named."""
_SEARCH = 1.0
"""Seconds to look for them."""


def run(  # noqa: PLR0913  # options of a public function, each by keyword
    command: Sequence[str],
    masker_factory: Callable[[], Masking],
    *,
    environ: Mapping[str, str] | None = None,
    drain_seconds: float = DRAIN_SECONDS,
    pty: bool | None = None,
    merge: bool = False,
    register: control.Register | None = None,
) -> int:
    """Run `command`, mask its stdout and stderr into ours, and return the exit code to end with.

    Signals are forwarded to the command and all that it has started; a second interrupt within two
    seconds kills it. With a terminal of its own, the command gets what is typed at ours, which is
    raw meanwhile. With pipes, it reads our stdin itself. If that is a terminal that controls us,
    the command stays in our process group, else it could not read it; then what the terminal sends
    is not forwarded, for it has reached the command already, and other signals go to the command
    alone.

    Args:
        command: The program and its arguments.
        masker_factory: Makes a masker for each stream, before anything starts: first for stdout,
            then for stderr, if that is a stream of its own.
        environ: The command's environment, ours by default; leakguard's own secrets are left out.
        drain_seconds: How long what it left in the background may go on printing after its end.
        pty: Give the command a terminal, as stdin, stdout and stderr; or none. None: each of these
            is a terminal if ours is one, provided that our stdout is.
        merge: Have stderr in the same stream as stdout. They are also if ours lead to one place.
        register: Takes in secrets that the command adds while it runs.

    Returns:
        The command's own exit code, 128 and the number of the signal that killed it, 127 when it is
        not found, 126 when it cannot be executed, 125 when leakguard failed to mask or to write.

    Raises:
        UsageError: If a terminal is asked for, and the system has none.
    """
    reserve_standard()
    layout = _Layout.of(pty=pty, merge=merge)
    maskers = [masker_factory() for _ in range(layout.streams)]
    with Signals(layout.signals) as signals, control.opened(register) as listening:
        given = _given(os.environ if environ is None else environ)
        if register:
            given = control.told(given, listening)
        try:
            child = layout.start(_Order(command, given))
        except OSError as error:
            return _not_started(command[0], error, maskers[0])
        with child:
            watched = [*child.watched, *filter(None, [listening])]
            return _Supervision(child, maskers, signals, watched).code(drain_seconds)


def keep_private() -> None:
    """Let no other process of this user read our memory or environment, nor a core dump be made.

    A command that is run gets none of this: to execute a program ends it. Only Linux has it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)


@dataclass(frozen=True, slots=True)
class _Order:
    """What to run."""

    command: Sequence[str]
    environ: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which of the command's standard descriptors are a terminal, and what goes where.

    Attributes:
        terminal: Whether stdout is one; the others are not, if it is none.
        stdin: Whether stdin is that terminal.
        stderr: Whether stderr is one.
        merged: Whether stderr goes where stdout does.
    """

    terminal: bool
    stdin: bool
    stderr: bool
    merged: bool

    @classmethod
    def of(cls, *, pty: bool | None, merge: bool) -> Self:
        """Return how a command is to run.

        Raises:
            UsageError: If a terminal is asked for, and the system has none.
        """
        merged = merge or _same_place()
        wanted = os.isatty(STDOUT) if pty is None else pty
        if not (wanted and terminal.available()):
            if pty:
                raise UsageError("--pty: the system has no pseudo terminal to give")
            return cls(terminal=False, stdin=False, stderr=False, merged=merged)
        asked = bool(pty)
        return cls(
            terminal=True,
            stdin=asked or os.isatty(STDIN),
            stderr=asked or merged or os.isatty(STDERR),
            merged=merged,
        )

    @property
    def streams(self) -> int:
        """How many streams come from the command."""
        return 1 if self.merged else 2

    @property
    def shared(self) -> bool:
        """Whether the command stays in our process group, so that it may read our terminal."""
        return not self.terminal and _has_terminal()

    @property
    def signals(self) -> Sequence[str]:
        """The names of the signals to hear of."""
        job_control = () if self.shared else _JOB_CONTROL
        return (*_FORWARDED, *job_control, "SIGCHLD")

    def start(self, order: _Order) -> _Child:
        """Start the command.

        Raises:
            OSError: If that is not possible.
        """
        return _AtTerminal(order, self) if self.terminal else _Piped(order, self)


class _Pipe:
    """A pipe: `ours` is read, `theirs` is the command's."""

    def __init__(self) -> None:
        self.ours, self.theirs = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        # Where threads read it, closing would wait for the thread.
        if POLLABLE:
            self.hang_up()

    @property
    def place(self) -> Place:
        """What tells it from other files."""
        return terminal.place_of(os.fstat(self.ours))

    def leave(self) -> None:
        """Close the command's end here."""
        if self.theirs >= 0:
            os.close(self.theirs)
            self.theirs = -1

    def hang_up(self) -> None:
        """Close our end."""
        if self.ours >= 0:
            os.close(self.ours)
            self.ours = -1


_End: TypeAlias = _Pipe | terminal.Pty


class _Child(ABC):
    """The command: how it is started, signaled and waited for.

    Attributes:
        code: Its exit code, None while it runs.
        ends: What it prints to: stdout, and stderr if that is another.
        watched: What else there is to see to while it runs.
    """

    def __init__(self, ends: Sequence[_End], watched: Sequence[Watched] = ()) -> None:
        self.code: int | None = None
        self.ends = ends
        self.watched = watched

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(self, *_: object) -> None:
        """Leave nothing running: only a failure of ours gets here before the command's end."""

    @abstractmethod
    def look(self) -> None:
        """Learn whether it has ended; as the first process of a container, reap orphans too."""

    @abstractmethod
    def send(self, number: int) -> None:
        """Forward a signal, unless it has got there already."""

    @abstractmethod
    def kill(self) -> None:
        """End it whether it wants or not."""

    def let_go(self, end: _End) -> None:
        """Close an end that nobody reads: the command learns it as if we were not between."""
        end.hang_up()

    def note_end(self, code: int) -> None:
        """Note that it has ended; a negative code is the number of a signal."""
        self.code = SIGNALED - code if code < 0 else code


class _Piped(_Child):
    """A command that prints to pipes, and reads our stdin itself."""

    def __init__(self, order: _Order, layout: _Layout) -> None:
        self._shared = layout.shared
        with ExitStack() as stack:
            ends = [stack.enter_context(_Pipe()) for _ in range(layout.streams)]
            super().__init__(ends)
            stdin = _readable_terminal(STDIN) if os.isatty(STDIN) else None
            if stdin is not None:
                stack.callback(os.close, stdin)
            theirs = [stdin, ends[0].theirs, ends[-1].theirs]
            self._process = _started(
                order, theirs, group=None if self._shared else 0, first=_death_pact()
            )
            for end in ends:
                end.leave()
            self._opened = stack.pop_all()

    def __exit__(self, *_: object) -> None:
        if self.code is None:
            self.kill()
            self._process.wait()
        self._opened.close()

    def look(self) -> None:
        if sys.platform == "win32":
            self.code = self._process.poll()
            return
        for pid, status in _ended(self._process.pid):
            if pid == self._process.pid:
                # Without this, the process object would wait for it once more, and find none.
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self.note_end(self._process.returncode)

    def send(self, number: int) -> None:
        if not (self._shared and number in _FROM_TERMINAL):
            self._send(number)
        if number == _STOP:
            os.kill(os.getpid(), signal.SIGSTOP)

    def kill(self) -> None:
        if sys.platform == "win32":
            self._process.kill()
        else:
            self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        send = os.kill if self._shared else os.killpg
        # It may be a zombie by now, or belong to root as `sudo` does.
        with suppress(ProcessLookupError, PermissionError):
            send(self._process.pid, number)


class _AtTerminal(_Child):
    """A command that has a terminal of ours, and leads a group of its own there.

    What its stdout prints to is the terminal that controls it, and what is typed goes there. If its
    stdin is not that terminal, it reads ours itself, and only keys go to the terminal, as a pager
    wants them. A stderr that goes elsewhere and is a terminal is a second one.
    """

    def __init__(self, order: _Order, layout: _Layout) -> None:
        at = [number for number in (STDIN, STDOUT, STDERR) if os.isatty(number)]
        self._own = terminal.OwnTerminal(at, signals=not os.isatty(STDIN))
        self._asked = False
        with ExitStack() as stack:
            size = self._own.size or terminal.chosen_size(order.environ)
            like = at[0] if at else None
            self._pty = stack.enter_context(terminal.Pty(size, like))
            ends: list[_End] = [self._pty]
            if not layout.merged:
                second = terminal.Pty(size, like) if layout.stderr else _Pipe()
                stack.push(second)
                ends.append(second)
            stack.enter_context(self._own)
            theirs = [self._pty.theirs if layout.stdin else None, ends[0].theirs, ends[-1].theirs]
            launch = partial(_launch, order, theirs, self._pty.theirs, _death_pact(signal.SIGTERM))
            self._leader = terminal.Leader(self._pty, launch, self._own)
            stack.callback(self._leader.close)
            self._typing = _typing(stack, layout, self._pty, self._own)
            super().__init__(ends, [self._typing] if self._typing else [])
            self._opened = stack.pop_all()
        if isinstance(ends[-1], _Pipe):
            ends[-1].leave()

    def __exit__(self, *_: object) -> None:
        if self.code is None:
            self.kill()
        self._opened.close()

    def look(self) -> None:
        for status in self._leader.changes():
            self._note(status)
        for pid, status in _ended(self._leader.pid):
            if pid == self._leader.pid:
                # Somebody has killed it, and the kernel its command.
                self._leader.alive = False
                self.note_end(os.waitstatus_to_exitcode(status))

    def send(self, number: int) -> None:
        if number == _RESIZED and self._resize():
            return
        if number == _CONTINUE:
            self._own.take()
            self._resize()
        if number in (_STOP, _CONTINUE):
            self._asked = number == _STOP
        self._send(number)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def let_go(self, end: _End) -> None:
        # The kernel tells this only to who leads the session. First, for it ends the command before
        # that sees a strange error.
        if isinstance(end, terminal.Pty) and end.ours >= 0 and self.code is None:
            self._send(signal.SIGHUP)
        super().let_go(end)

    def note_end(self, code: int) -> None:
        if self.code is None:
            super().note_end(code)
            for end in self.ends:
                end.leave()
            if self._typing:
                self._typing.stop()
            self._own.allow_signals()

    def _note(self, status: int) -> None:
        if not os.WIFSTOPPED(status):
            self.note_end(os.waitstatus_to_exitcode(status))
        # Whoever stops it by another signal has a reason to stop it alone.
        elif os.WSTOPSIG(status) == signal.SIGTSTP:
            self._own.suspend(asked=self._asked)
            self._asked = False
            self._resize()
            self._send(signal.SIGCONT)

    def _resize(self) -> bool:
        """Make its terminals as large as ours; return whether it has been told so."""
        size = self._own.size
        if size is None:
            return False
        news = [end.resize(size) for end in self.ends if isinstance(end, terminal.Pty)]
        return news[0]

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._leader.command, number)


def _typing(
    stack: ExitStack, layout: _Layout, pty: terminal.Pty, own: terminal.OwnTerminal
) -> terminal.Typing | None:
    """Return what brings keys to the command's terminal, None where there are none."""
    if layout.stdin:
        return stack.enter_context(closing(terminal.Typing(STDIN, pty, own)))
    keys = _readable_terminal(STDOUT) if _controls_us(STDOUT) else None
    if keys is None:
        return None
    stack.callback(os.close, keys)
    return stack.enter_context(closing(terminal.Typing(keys, pty, own)))


class _Screen(Stream):
    """What a terminal shows: it ends by an error, and says less than there is of what waits."""

    @property
    def settled(self) -> bool:
        """Whether the stream may be cut off here without losing what is owed."""
        written = self.awaited[0] == self.source
        return written and (self.owed <= 0 or not terminal.readable(self.source))

    def owe(self) -> None:
        """Owe whatever may lie in the terminal now."""
        self.owed = _TERMINAL_HOLDS

    def is_end(self, error: OSError) -> bool:
        """Return whether this says that nobody has the terminal open any more."""
        return error.errno == errno.EIO


class _Supervision:
    """Moves the streams and forwards the signals until the command and its output have ended."""

    def __init__(
        self,
        child: _Child,
        maskers: Sequence[Masking],
        signals: Signals,
        watched: Sequence[Watched],
    ) -> None:
        self._child = child
        self._maskers = maskers
        self._signals = signals
        self._streams = [
            _stream(end, sink, masker)
            for end, sink, masker in zip(child.ends, (STDOUT, STDERR), maskers, strict=False)
        ]
        self._relay = relay_of(self._streams, signals, watched)
        self._interrupts = Interrupts()
        self._drain_seconds = math.inf
        self._deadline = math.inf

    def code(self, drain_seconds: float) -> int:
        """Stay until everything is written, and return the exit code to end with."""
        self._drain_seconds = drain_seconds
        while not self._over():
            self._relay.turn(self._next_look())
            self._let_go()
            self._heed()
        self._cut_off()
        failed = any(stream.failed for stream in self._streams)
        return ExitCode.MASKING_FAILED if failed else self._child.code or 0

    def _over(self) -> bool:
        if self._child.code is None:
            return False
        late = monotonic() >= self._deadline
        return all(stream.done or (late and stream.settled) for stream in self._streams)

    def _next_look(self) -> float:
        """Return when to stop waiting: past the deadline, only a slow reader is waited for."""
        return self._deadline if self._deadline > monotonic() else math.inf

    def _let_go(self) -> None:
        """Close what nobody reads any more."""
        for stream, end in zip(self._streams, self._child.ends, strict=True):
            if stream.done and POLLABLE:
                self._child.let_go(end)

    def _heed(self) -> None:
        for number in self._signals.arrived():
            if number == _CHILD_ENDED:
                self._look()
            elif self._child.code is None:
                self._forward(number)
            elif number in _ENDING:
                self._deadline = monotonic()
        if _CHILD_ENDED is None:
            self._look()

    def _forward(self, number: int) -> None:
        if number == signal.SIGINT and self._interrupts.repeated(KILL_WITHIN):
            self._child.kill()
            return
        self._child.send(number)

    def _look(self) -> None:
        # Should it have stopped, what it has shown so far comes before what the shell says to that.
        self._relay.turn(monotonic())
        if self._child.code is None:
            self._child.look()
            if self._child.code is not None:
                self._begin_drain()
        else:
            self._child.look()

    def _begin_drain(self) -> None:
        """Give the background its time; what lies in the pipes by now is still the command's."""
        self._deadline = monotonic() + self._drain_seconds
        for stream in self._streams:
            if not stream.done:
                stream.owe()

    def _cut_off(self) -> None:
        """End what the command's background processes keep open."""
        ends = zip(self._streams, self._child.ends, strict=True)
        if places := {end.place for stream, end in ends if not stream.done}:
            cut_off(self._streams, self._relay)
            tell(f"output cut off: the command was outlived by {self._who_holds(places)}")
        for stream in self._streams:
            stream.close()

    def _who_holds(self, places: Set[Place]) -> str:
        """Name the processes that still have the command's output open."""
        found = attempt(lambda: [self._shown(*process) for process in _holders(places)])
        if isinstance(found, Failure) or not found:
            return "something in the background"
        more = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
        return ", ".join([*found[:_NAMED], *more])

    def _shown(self, pid: int, name: str) -> str:
        masker = self._maskers[0]
        return f"{os.fsdecode(masker.feed(os.fsencode(name)) + masker.flush())} ({pid})"


def _stream(end: _End, sink: int, masker: Masking) -> Stream:
    kind = _Screen if isinstance(end, terminal.Pty) else Stream
    return kind(end.ours, sink, masker)


def _holders(places: Set[Place]) -> Iterator[tuple[int, str]]:
    """Yield number and name of the processes that have one of these open, where that is known."""
    end = monotonic() + _SEARCH
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) != os.getpid() and monotonic() < end:
            # What ends meanwhile, or belongs to others, is passed over.
            with suppress(OSError):
                if not places.isdisjoint(_open_files(process)):
                    yield (
                        int(process.name),
                        (process / "comm").read_text("utf-8", "replace").strip(),
                    )


def _open_files(process: Path) -> Iterator[Place]:
    for file in (process / "fd").iterdir():
        with suppress(OSError):
            yield terminal.place_of(file.stat())


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the command gets of an environment."""
    return {name: value for name, value in environ.items() if name not in OWN_VARIABLES}


def _started(
    order: _Order, theirs: Sequence[int | None], *, group: int | None, first: Step | None
) -> subprocess.Popen[bytes]:
    """Start the command, with these as its standard descriptors; None is ours.

    Raises:
        OSError: If that is not possible.
    """
    stdin, stdout, stderr = theirs
    return subprocess.Popen(  # noqa: S603  # to run what the user says is the purpose
        list(order.command),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=order.environ,
        process_group=group,
        # Threads would make this unsafe; where it is used there are none.
        preexec_fn=first,
    )


def _launch(
    order: _Order, theirs: Sequence[int | None], controlling: int, pact: Step | None
) -> subprocess.Popen[bytes]:
    """Start the command in the process that leads its session."""
    if pact:
        pact()
    return _started(
        order, theirs, group=0, first=partial(_come_forward, controlling, _death_pact())
    )


def _come_forward(controlling: int, pact: Step | None) -> None:
    terminal.to_foreground(controlling)
    if pact:
        pact()


def _not_started(name: str, error: OSError, masker: Masking) -> int:
    """Say why, and return the exit code that a shell would."""
    shown = attempt(lambda: os.fsdecode(masker.feed(os.fsencode(name)) + masker.flush()))
    if isinstance(shown, Failure):
        tell(str(shown))
        return ExitCode.MASKING_FAILED
    # A script whose interpreter is missing is there, and still not found.
    if isinstance(error, FileNotFoundError) and shutil.which(name) is None:
        tell(f"command not found: {shown}")
        return ExitCode.NOT_FOUND
    tell(f"cannot execute: {shown}: {error.strerror}")
    return ExitCode.CANNOT_EXECUTE


def _has_terminal() -> bool:
    """Return whether there is a controlling terminal, which only its foreground group may read."""
    if sys.platform == "win32":
        return True
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return os.isatty(0)
    return True


def _same_place() -> bool:
    """Return whether our stdout and stderr lead to one file, pipe or terminal."""
    # On Windows, pipes have no numbers to tell them apart by.
    return sys.platform != "win32" and os.path.sameopenfile(STDOUT, STDERR)


def _controls_us(descriptor: int) -> bool:
    """Return whether a terminal is the one that controls us."""
    with suppress(OSError):
        return os.tcgetpgrp(descriptor) > 0
    return False


def _readable_terminal(descriptor: int) -> int | None:
    """Open a terminal once more, to read only: what can be written there would not be masked."""
    if sys.platform == "win32":
        return None
    with suppress(OSError):
        return os.open(os.ttyname(descriptor), os.O_RDONLY | os.O_NOCTTY)
    return None


def _ended(child: int) -> Iterator[tuple[int, int]]:
    """Yield number and status of our child if it has ended, and of orphans that fell to us."""
    whom = -1 if _is_init() else child
    with suppress(ChildProcessError):
        while (ended := os.waitpid(whom, os.WNOHANG))[0]:
            yield ended


def _is_init() -> bool:
    return os.getpid() == 1


def _death_pact(number: int = _KILL) -> Step | None:
    """Return what makes a process die with this one; None where the system cannot do that."""
    if sys.platform != "linux":
        return None
    return partial(_die_with, os.getpid(), ctypes.CDLL(None).prctl, number)


def _die_with(parent: int, prctl: Callable[[int, int], int], number: int) -> None:
    prctl(_PR_SET_PDEATHSIG, number)
    # Too late if the parent is dead already.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
