"""Keeps what was translated from a gitleaks file, named by the file and by the code that did it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from importlib import resources

from leakguard import cache


def kept(text: str, make: Callable[[], str]) -> str:
    """Return what `make` makes of `text`, from the cache if it was made before."""
    name = cache.name("translated", (_program(), text.encode()))
    made = cache.load(name)
    if made is None:
        made = make().encode()
        cache.keep(name, made)
    return made.decode()


@functools.cache
def _program() -> bytes:
    """Return what stands for the code that makes rules: another version makes others."""
    digest = hashlib.sha256()
    for package in ("leakguard.patterns", "leakguard.rules"):
        for file in sorted(resources.files(package).iterdir(), key=lambda each: each.name):
            if file.name.endswith(".py"):
                digest.update(file.read_bytes())
    return digest.digest()
