"""What a source of images is: a prefix of references, and how the rest of one is opened.

To add a source, such as a registry, add a module that assigns `SOURCE`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from leakguard.errors import UsageError
from leakguard.images.layout import Selection
from leakguard.images.model import Layout
from leakguard.unpack import Limits


@dataclass(frozen=True, slots=True)
class Source:
    """A place that images come from.

    Attributes:
        prefix: What its references begin with.
        syntax: What people are told to write.
        open: Opens the reference without its prefix; the layout is there until the context ends.
        bare: Whether it takes names without a prefix, too, that are no path.
    """

    prefix: str
    syntax: str
    open: Callable[[str, Limits], AbstractContextManager[Layout]]
    bare: bool = False


def located(text: str) -> tuple[str, Selection]:
    """Return the path in `PATH`, `PATH:TAG` or `PATH@DIGEST`, and what is selected of it.

    The longest path that exists counts, since a path may have a colon in it.

    Raises:
        UsageError: If there is no such path.
    """
    if os.path.lexists(text):
        return text, Selection()
    for at in reversed([at for at, letter in enumerate(text) if letter in ":@"]):
        path, rest = text[:at], text[at + 1 :]
        if path and rest and os.path.lexists(path):
            return path, Selection(digest=rest) if text[at] == "@" else Selection(tag=rest)
    raise UsageError(f"no such file or directory: {text}")
