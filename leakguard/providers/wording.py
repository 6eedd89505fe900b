"""How an error names a variable or a file: so that it prints anywhere, and is not a value itself.

A shell expands `env:$TOKEN` before we see it, and people paste: what an argument names may be a
secret that nobody meant to show.
"""

from __future__ import annotations

import re

_NOT_SHOWN = "(not shown, it may be a value)"

_MAX_PATH = 1024
_NO_PATH = r'[\x00-\x1f{}"=]|://'
_UPPER_CASE_WORDS = r"[A-Z]{1,16}[0-9]{0,3}(?:_[A-Z]{0,16}[0-9]{0,3})*"


def printable(text: str) -> str:
    """Return `text` with everything escaped that could move a cursor or end a line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def path(text: str) -> str:
    """Return how to show the path `text`, unless it reads like a document, a setting or a URL."""
    if len(text) > _MAX_PATH or re.search(_NO_PATH, text):
        return _NOT_SHOWN
    return printable(text)


def variable(text: str) -> str:
    """Return how to show the name of a variable, if it is made of words in capitals as usual."""
    return text if re.fullmatch(_UPPER_CASE_WORDS, text) else _NOT_SHOWN
