"""Progress on standard error: drawn on a terminal only, and never by a thread, since scans fork."""

from __future__ import annotations

import sys
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

_EVERY = 0.1  # seconds


class Progress:
    """Counts files that are done.

    Attributes:
        done: How many there were.
    """

    def __init__(self, *, shown: bool) -> None:
        """Begin at none.

        Args:
            shown: Whether to draw, if standard error is a terminal.
        """
        self.done = 0
        self._drawn = 0.0
        self._bar: Bar | None = None
        if shown and sys.stderr is not None and sys.stderr.isatty():
            columns = (TextColumn("searching"), BarColumn(), MofNCompleteColumn())
            self._bar = Bar(
                *columns,
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
                auto_refresh=False,
            )
            self._task = self._bar.add_task("searching")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """Note that so many of so many files are done."""
        self.done = done
        if self._bar is not None and monotonic() - self._drawn > _EVERY:
            self._drawn = monotonic()
            self._bar.update(self._task, completed=done, total=total, refresh=True)
