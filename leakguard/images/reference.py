"""Chooses where an image comes from: by the prefix of its reference, or by what a path holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

from leakguard import images, plugins
from leakguard.errors import UsageError
from leakguard.images import files
from leakguard.images.model import Layout
from leakguard.images.source import Source, located
from leakguard.unpack import Limits


@cache
def sources() -> tuple[Source, ...]:
    """Return all sources, each the constant `SOURCE` of a module beside this one."""
    return plugins.constants(images, "SOURCE", Source)


def syntaxes() -> tuple[str, ...]:
    """Return how references are written, one for each source."""
    return tuple(source.syntax for source in sources())


@contextmanager
def opened(reference: str, limits: Limits) -> Iterator[Layout]:
    """Open what a reference names; the layout can be used until the context ends.

    A reference without a prefix is a path if there is such a file or directory, else a name.

    Raises:
        UsageError: If there is no such thing, it is no image, or nothing of it can be read.
    """
    with _chosen(reference, limits) as layout:
        if not layout.images:
            first = layout.skips[-1]
            why = f"{first.path.rpartition('!')[2]} {first.detail}"
            raise UsageError(f"{layout.store.path}: no image can be read: {why}")
        yield layout


def _chosen(reference: str, limits: Limits) -> AbstractContextManager[Layout]:
    for source in sources():
        if reference.startswith(source.prefix):
            return source.open(reference.removeprefix(source.prefix), limits)
    try:
        path, selection = located(reference)
    except UsageError:
        if reference.startswith((".", "/")):  # no name begins so
            raise
        (source,) = (source for source in sources() if source.bare)
        return source.open(reference, limits)
    return files.path(path, selection, limits)
