"""Keeps what takes long to work out, under a name that tells all that it depends on.

What is kept holds no secret. What belongs to somebody else, what others can write, and what is
damaged is not read; a cache that cannot be written is no failure.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import time
from collections.abc import Iterable
from pathlib import Path

_SEAL = 32
_OLD = 30 * 24 * 3600.0


def name(kind: str, seed: Iterable[bytes]) -> str:
    """Return the name of what is made from `seed`, which is all that it depends on."""
    digest = hashlib.sha256(sys.version.encode())
    for piece in seed:
        digest.update(b"%d:%b" % (len(piece), piece))
    return f"{kind}-{digest.hexdigest()[:32]}"


def load(kept: str) -> bytes | None:
    """Return what is kept under a name, or None."""
    try:
        with (_folder() / kept).open("rb") as stream:
            if not _is_ours(os.fstat(stream.fileno())):
                return None
            seal, content = stream.read(_SEAL), stream.read()
    except OSError:
        return None
    return content if seal == hashlib.sha256(content).digest() else None


def keep(kept: str, content: bytes) -> None:
    """Keep `content` under a name, in one step."""
    import tempfile  # noqa: PLC0415  # seldom needed: a start finds what was kept before

    folder = _folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as stream:
            stream.write(hashlib.sha256(content).digest() + content)
        Path(stream.name).replace(folder / kept)
        _clear_away(folder, kept.partition("-")[0])
    except OSError:
        return


def _clear_away(folder: Path, kind: str) -> None:
    """Delete what other versions of something have left, once it is old."""
    for left in folder.glob(f"{kind}-*"):
        if left.stat().st_mtime < time.time() - _OLD:
            left.unlink()


def state(file: str, status: os.stat_result) -> bytes:
    """Return what tells a file apart from the one that it was, be it only edited."""
    return f"{file} {status.st_size} {status.st_mtime_ns}".encode()


def _folder() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home()
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "leakguard"


def _is_ours(status: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
