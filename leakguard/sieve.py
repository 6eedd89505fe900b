"""The one door to Vectorscan: says "nothing here" at gigabytes a second, or points at windows.

A sieve may point where nothing is; it never passes over a place where something is. What a window
holds, the automaton and the rules decide, so every result is the same without a sieve: with
`LEAKGUARD_SIEVE=off`, without the `hyperscan` package, or where a database does not compile.

Needles are compiled into memory only. Rules hold no secret: their database is kept on disk, named
by all that it depends on, because compiling it costs more than the rest of a start.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any


class Sieve:
    """Finds the windows of a text in which one of its patterns ends."""

    def __init__(
        self,
        database: Any,  # noqa: ANN401  # no stubs
        behind: Sequence[int],
        ahead: Sequence[int],
    ) -> None:
        """Take a compiled `database`, and how far a window reaches from where a pattern ends.

        A database that is None has no pattern in it.
        """
        self._database = database
        self._behind = behind
        self._ahead = ahead

    def windows(self, text: bytes, start: int) -> list[tuple[int, int]]:
        """Return the parts of `text[start:]` worth a look: ascending, apart, as (start, end)."""
        behind, ahead = self._behind, self._ahead
        found: list[tuple[int, int]] = []

        def widen(pattern: int, _from: int, end: int, _flags: int, _context: object) -> None:
            # Merged at once: a text that is all matches must not cost memory for each.
            begin = max(start, start + end - behind[pattern])
            stop = min(len(text), start + end + ahead[pattern])
            while found and found[-1][1] >= begin:
                last = found.pop()
                begin, stop = min(begin, last[0]), max(stop, last[1])
            found.append((begin, stop))

        if self._database is not None and start < len(text):
            self._database.scan(memoryview(text)[start:], match_event_handler=widen)
        return found


class _Open(Sieve):
    """Lets everything through: what stands in for a database that does not compile."""

    def __init__(self) -> None:
        super().__init__(None, (), ())

    def windows(self, text: bytes, start: int) -> list[tuple[int, int]]:
        return [(start, len(text))] if start < len(text) else []


def of_literals(words: Sequence[bytes]) -> Sieve:
    """Return a sieve for `words` themselves."""
    # Escaped as a regex: the binding measures pure literals with strlen, and UTF-16 holds NULs.
    patterns = [b"".join(b"\\x%02x" % byte for byte in word) for word in words]
    return _sieve(patterns, _compiled, [len(word) for word in words], [0] * len(words))


def of_patterns(patterns: Sequence[bytes], widths: Sequence[int], ahead: Sequence[int]) -> Sieve:
    """Return a sieve for regexes in Vectorscan's syntax.

    Args:
        patterns: The regexes; they hold no secret, since their database is kept on disk.
        widths: For each, the most bytes between the start of a match and its end.
        ahead: For each, how many bytes behind that end are worth a look too.
    """
    return _sieve(patterns, _kept, widths, ahead)


def _sieve(
    patterns: Sequence[bytes],
    compile_: Callable[[Sequence[bytes]], Any],
    behind: Sequence[int],
    ahead: Sequence[int],
) -> Sieve:
    if not patterns or not available():
        return Sieve(None, (), ()) if not patterns else _Open()
    database = compile_(patterns)
    return _Open() if database is None else Sieve(database, behind, ahead)


def wanted() -> bool:
    """Return whether nobody has turned sieves off."""
    return os.environ.get("LEAKGUARD_SIEVE", "").lower() != "off"


def available() -> bool:
    """Return whether there is what makes a sieve; loads it."""
    return _package() is not None


@cache
def _package() -> Any:  # noqa: ANN401  # a module, or None
    try:
        return importlib.import_module("hyperscan")
    except ImportError:  # no wheel for this platform: slower, and the same results
        return None


def _compiled(patterns: Sequence[bytes]) -> Any:  # noqa: ANN401  # no stubs
    hyperscan = _package()
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            expressions=list(patterns),
            ids=list(range(len(patterns))),
            elements=len(patterns),
            flags=hyperscan.HS_FLAG_DOTALL,
        )
    except hyperscan.error:
        return None
    return database


def _kept(patterns: Sequence[bytes]) -> Any:  # noqa: ANN401  # no stubs
    file = _cache() / f"sieve-{_key(patterns)}.db"
    if (database := _loaded(file)) is None and (database := _compiled(patterns)) is not None:
        _keep(file, _package().dumpb(database))
    return database


def _loaded(file: Path) -> Any:  # noqa: ANN401  # no stubs
    """Return the database in `file`, or None if it is absent, damaged or somebody else's."""
    hyperscan = _package()
    try:
        with file.open("rb") as stream:
            if hasattr(os, "getuid") and os.fstat(stream.fileno()).st_uid != os.getuid():
                return None
            seal, content = stream.read(32), stream.read()
        if seal != hashlib.sha256(content).digest():
            return None
        database = hyperscan.loadb(content, mode=hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
    except (OSError, hyperscan.error):
        return None
    return database


def _keep(file: Path, content: bytes) -> None:
    """Write `content` to `file` in one step; a cache that cannot be written is no failure."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as stream:
            stream.write(hashlib.sha256(content).digest() + content)
        Path(stream.name).replace(file)
    except OSError:
        return


def _cache() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home()
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "leakguard"


def _key(patterns: Sequence[bytes]) -> str:
    parts = [repr(patterns), str(_package().__file__), platform.machine(), _processor()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _processor() -> str:
    """Return the processor's features: a database is compiled for them, and crashes without."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
