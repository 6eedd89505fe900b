"""Runs a command and masks what it prints, stdout and stderr each through a masker of its own.

The command holds pipes of ours and never our stdout or stderr: when leakguard is killed, nothing
comes out unmasked, and on Linux the command is killed with it. It reads our stdin itself. Order is
kept within each of the two streams; a secret cut in halves over both is out of reach. Everything
happens in one thread and one loop (on Windows two more threads read the pipes).
"""

from __future__ import annotations

import ctypes
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Self

from leakguard.errors import ExitCode
from leakguard.pipe import (
    POLLABLE,
    SIGNALED,
    Failure,
    Interrupts,
    Masking,
    Signals,
    Stream,
    attempt,
    cut_off,
    relay_of,
    reserve_standard,
    tell,
)

STDOUT, STDERR = 1, 2
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
_STOP = getattr(signal, "SIGTSTP", None)
_PR_SET_PDEATHSIG = 1


def run(
    command: Sequence[str],
    masker_factory: Callable[[], Masking],
    *,
    environ: Mapping[str, str] | None = None,
    drain_seconds: float = DRAIN_SECONDS,
) -> int:
    """Run `command`, mask its stdout and stderr into ours, and return the exit code to end with.

    Signals are forwarded to the command and all that it has started. With a controlling terminal
    the command stays in our process group, else it could not read the terminal; then what the
    terminal sends is not forwarded, for it has reached the command already, and other signals go to
    the command alone. A second interrupt within two seconds kills it.

    Args:
        command: The program and its arguments.
        masker_factory: Makes a masker for each stream; called twice, before anything starts.
        environ: The command's environment, ours by default; leakguard's own secrets are left out.
        drain_seconds: How long what it left in the background may go on printing after its end.

    Returns:
        The command's own exit code, 128 and the number of the signal that killed it, 127 when it is
        not found, 126 when it cannot be executed, 125 when leakguard failed to mask or to write.
    """
    reserve_standard()
    maskers = masker_factory(), masker_factory()
    shared = _has_terminal()
    names = (*_FORWARDED, "SIGCHLD") if shared else (*_FORWARDED, *_JOB_CONTROL, "SIGCHLD")
    with Signals(names) as signals:
        try:
            child = _Child(command, os.environ if environ is None else environ, shared=shared)
        except OSError as error:
            return _not_started(command[0], error, maskers[0])
        with child:
            return _Supervision(child, maskers, signals, drain_seconds).code()


class _Child:
    """The command: how it is started, signaled and waited for.

    Attributes:
        code: Its exit code, None while it runs.
        pipes: Our ends of its stdout and its stderr.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], *, shared: bool) -> None:
        self._shared = shared
        self.code: int | None = None
        self._process = subprocess.Popen(  # noqa: S603  # to run what the user says is the purpose
            list(command),
            bufsize=0,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={name: value for name, value in environ.items() if name not in OWN_VARIABLES},
            process_group=None if shared else 0,
            # Threads would make this unsafe; where it is used there are none.
            preexec_fn=_death_pact(),
        )
        ends = self._process.stdout, self._process.stderr
        self.pipes = [pipe for pipe in ends if pipe is not None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running: only a failure of ours gets here before the command's end."""
        if self.code is None:
            self.kill()
            self._process.wait()
        # Where threads read them, closing would wait for the thread.
        if POLLABLE:
            for pipe in self.pipes:
                pipe.close()

    def look(self) -> None:
        """Learn whether it has ended; as the first process of a container, reap orphans too."""
        if sys.platform == "win32":
            self.code = self._process.poll()
            return
        with suppress(ChildProcessError):
            while self.code is None or _is_init():
                pid, status = os.waitpid(-1 if _is_init() else self._process.pid, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._process.pid:
                    self._ended(os.waitstatus_to_exitcode(status))

    def send(self, number: int) -> None:
        """Forward a signal, unless the terminal has done so."""
        if not (self._shared and number in _FROM_TERMINAL):
            self._send(number)

    def kill(self) -> None:
        """End it whether it wants or not."""
        if sys.platform == "win32":
            self._process.kill()
        else:
            self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        send = os.kill if self._shared else os.killpg
        # It may be a zombie by now, or belong to root as `sudo` does.
        with suppress(ProcessLookupError, PermissionError):
            send(self._process.pid, number)

    def _ended(self, code: int) -> None:
        # Without this, the process object would wait for it once more, and find none.
        self._process.returncode = code
        self.code = SIGNALED - code if code < 0 else code


class _Supervision:
    """Moves the streams and forwards the signals until the command and its output have ended."""

    def __init__(
        self, child: _Child, maskers: Sequence[Masking], signals: Signals, drain_seconds: float
    ) -> None:
        self._child = child
        self._signals = signals
        self._drain_seconds = drain_seconds
        self._streams = [
            Stream(pipe.fileno(), sink, masker)
            for pipe, sink, masker in zip(child.pipes, (STDOUT, STDERR), maskers, strict=True)
        ]
        self._relay = relay_of(self._streams, signals)
        self._interrupts = Interrupts()
        self._deadline = math.inf

    def code(self) -> int:
        """Stay until everything is written, and return the exit code to end with."""
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
        """Close what nobody reads any more: the command learns it as if we were not between."""
        for stream, pipe in zip(self._streams, self._child.pipes, strict=True):
            if stream.done and POLLABLE:
                pipe.close()

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
        if number == _STOP:
            os.kill(os.getpid(), signal.SIGSTOP)

    def _look(self) -> None:
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
        if not all(stream.done for stream in self._streams):
            cut_off(self._streams, self._relay)
            tell("output cut off: something in the background has outlived the command")
        for stream in self._streams:
            stream.close()


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


def _is_init() -> bool:
    return os.getpid() == 1


def _death_pact() -> Callable[[], None] | None:
    """Return what makes a process die with this one; None where the system cannot do that."""
    if sys.platform != "linux":
        return None
    return partial(_die_with, os.getpid(), ctypes.CDLL(None).prctl)


def _die_with(parent: int, prctl: Callable[[int, int], int]) -> None:
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Too late if the parent is dead already.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
