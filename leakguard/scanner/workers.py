"""Does independent work in forked processes, and gives the results in the order of the work.

Forked, since what they search with holds secrets and cannot be pickled: they inherit it. This takes
no threads. A worker that dies takes nothing along: what it was given is done again piece by piece,
and the one piece that kills a worker is told.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Generic, TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")

_STOP = None


@dataclass(frozen=True, slots=True)
class Died:
    """What remains of a piece of work whose worker died.

    Attributes:
        detail: How it died.
    """

    detail: str


@dataclass(slots=True)
class _Worker:
    """A process, and the numbers of the pieces it is doing."""

    process: ForkProcess
    pipe: Connection
    doing: Sequence[int] = ()


def can_fork() -> bool:
    """Whether processes can be forked: not on Windows, and not safely on macOS."""
    return "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"


class Workers(Generic[Piece, Result]):
    """Processes that do pieces of work."""

    def __init__(
        self,
        work: Callable[[Piece], Result],
        pieces: Sequence[Piece],
        batches: Sequence[Sequence[int]],
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            work: Does one piece; its results can be pickled.
            pieces: All there is to do.
            batches: Numbers of pieces to be given out together, in the order to give them out.
        """
        self._work = work
        self._pieces = pieces
        self._batches = deque(batches)
        self._results: dict[int, Result | Died] = {}
        self._workers: dict[Connection, _Worker] = {}

    def results(self, jobs: int) -> Generator[Result | Died, None, None]:
        """Yield the result of each piece, in the order of pieces; end the workers when closed."""
        try:
            for _ in range(min(jobs, len(self._batches))):
                self._start()
            for number in range(len(self._pieces)):
                while number not in self._results:
                    self._receive()
                yield self._results.pop(number)
        finally:
            self._end()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        others = [*self._workers, ours]
        process = context.Process(target=self._serve, args=(theirs, others), daemon=True)
        with warnings.catch_warnings():
            # A thread of the caller, such as one that shows progress, may hold a lock at the fork.
            # It is none that a worker takes: a worker prints nothing and imports nothing.
            warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
            process.start()
        theirs.close()  # so that the pipe ends when the process does
        worker = _Worker(process, ours)
        self._workers[ours] = worker
        self._give(worker)

    def _give(self, worker: _Worker) -> None:
        worker.doing = self._batches.popleft() if self._batches else ()
        try:
            worker.pipe.send(worker.doing or _STOP)
        except OSError:
            self._bury(worker)

    def _receive(self) -> None:
        ready = wait(list(self._workers))
        for worker in [one for pipe, one in self._workers.items() if pipe in ready]:
            try:
                results = worker.pipe.recv()
            except (EOFError, OSError):
                self._bury(worker)
                continue
            self._results.update(zip(worker.doing, results, strict=True))
            self._give(worker)

    def _bury(self, worker: _Worker) -> None:
        """Account for a worker that ended: what it was doing is done again, each piece alone."""
        del self._workers[worker.pipe]
        worker.pipe.close()
        worker.process.join()
        if len(worker.doing) == 1:
            self._results[worker.doing[0]] = Died(_how(worker.process.exitcode))
        else:
            self._batches.extendleft([number] for number in reversed(worker.doing))
        if self._batches:
            self._start()

    def _end(self) -> None:
        for worker in self._workers.values():
            worker.process.terminate()
        for worker in self._workers.values():
            worker.process.join()
            worker.pipe.close()
        self._workers.clear()

    def _serve(self, pipe: Connection, others: Sequence[Connection]) -> None:
        """Do what comes through `pipe` until there is no more; this runs in the worker."""
        # Inherited ends would keep the pipes of other workers open after their parent's death.
        for other in others:
            other.close()
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        # A traceback could quote what was searched.
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115  # for as long as the worker lives
        with suppress(EOFError):
            while doing := pipe.recv():
                pipe.send([self._work(self._pieces[number]) for number in doing])


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"the worker was killed by signal {-code}"
    return f"the worker ended with status {code}"
