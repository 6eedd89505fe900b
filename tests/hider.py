"""A masker of a few lines, for tests of what carries the bytes to and from it."""

from __future__ import annotations

SECRET = b"SECRET-VALUE"
SHORT = 3


class Hider:
    """Masks `SECRET`, and holds back what may become it."""

    def __init__(self) -> None:
        self._held = b""

    @property
    def holding(self) -> bool:
        """Whether something is held back."""
        return bool(self._held)

    def feed(self, data: bytes) -> bytes:
        """Return what may leave by now."""
        text = (self._held + data).replace(SECRET, b"***")
        held = next(n for n in range(len(SECRET) - 1, -1, -1) if text.endswith(SECRET[:n]))
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def flush(self) -> bytes:
        """Return what is left."""
        held, self._held = self._held, b""
        return held

    def idle(self) -> bytes:
        """Return what is held if it is short."""
        return self.flush() if len(self._held) <= SHORT else b""


class Faulty(Hider):
    """Raises at its n-th call, whichever that is."""

    def __init__(self, healthy_calls: int, error: BaseException | None = None) -> None:
        super().__init__()
        self._calls_left = healthy_calls
        self._error = error or ValueError(SECRET.decode())

    @property
    def holding(self) -> bool:
        """Whether something is held back, or raise."""
        self._count()
        return super().holding

    def feed(self, data: bytes) -> bytes:
        """Return what may leave by now, or raise."""
        self._count()
        return super().feed(data)

    def flush(self) -> bytes:
        """Return what is left, or raise."""
        self._count()
        return super().flush()

    def idle(self) -> bytes:
        """Return what is held if it is short, or raise."""
        self._count()
        return super().idle()

    def _count(self) -> None:
        if self._calls_left == 0:
            raise self._error
        self._calls_left -= 1
