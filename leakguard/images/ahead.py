"""A stream that is produced ahead of who reads it, by a thread, so that two processors have work.

What making it raises is raised to the reader, at the same place as without the thread. The thread
ends with the stream, or when it is closed: none is left behind.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import Full, Queue
from typing import TypeAlias

# How many pieces may wait to be read.
_WAITING = 4
_PATIENCE = 0.1  # seconds until a full queue is looked at again
# What makes pieces needs the interpreter for moments only, between calls that do without it: at
# Python's own 5 ms it would wait for its turn most of the time.
_TURN = 0.0002  # seconds
_Item: TypeAlias = bytes | BaseException | None


class Ahead:
    """The pieces of an iterator as a stream, made by a thread as long as there is room for them."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Begin to take `pieces`; a thread is started, so no process may be forked meanwhile."""
        self._pieces = pieces
        self._queue: Queue[_Item] = Queue(_WAITING)
        self._closed = threading.Event()
        self._ended = False
        self._piece = b""
        self._turn = sys.getswitchinterval()
        sys.setswitchinterval(min(_TURN, self._turn))
        self._thread = threading.Thread(target=self._produce, daemon=True)
        self._thread.start()

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""
        if not self._piece and not self._ended:
            self._piece = self._next()
        data = self._piece
        if len(data) <= size:
            self._piece = b""
            return data
        self._piece = data[size:]
        return data[:size]

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._thread.join()
        sys.setswitchinterval(self._turn)

    def _next(self) -> bytes:
        item = self._queue.get()
        if isinstance(item, bytes):
            return item
        self._ended = True
        if item is not None:
            raise item
        return b""

    def _produce(self) -> None:
        end: BaseException | None = None
        try:
            for piece in self._pieces:
                if not self._put(piece):
                    return
        except BaseException as error:  # noqa: BLE001  # whatever it is, the reader raises it
            end = error
        self._put(end)

    def _put(self, item: _Item) -> bool:
        """Hand over an item; say whether anyone still reads."""
        while not self._closed.is_set():
            with suppress(Full):
                self._queue.put(item, timeout=_PATIENCE)
                return True
        return False


class Inline:
    """The pieces of an iterator as a stream, made when they are read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = b""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end only."""
        if not self._piece:
            self._piece = next(self._pieces, b"")
        data, self._piece = self._piece[:size], self._piece[size:]
        return data

    def close(self) -> None:
        """Do nothing: there is no thread."""
