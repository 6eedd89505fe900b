"""The strings in a JSON document, each with the path of its field and as itself, not as JSON.

Keys are strings too. What is base64 of another document in it, as BuildKit's inline cache is, is
read as well. Of an object that says the same key twice, both values are read.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

_ENCODED = ("moby.buildkit.cache.v0",)


class Pairs(tuple[tuple[str, object], ...]):
    """A JSON object as it stands: with every pair, in order."""

    __slots__ = ()


Json: TypeAlias = object


@dataclass(frozen=True, slots=True)
class Field:
    """A string in a document.

    Attributes:
        name: Such as `config.Env[1]`; keys are in it as the document has them.
        value: The string.
        key: The last key in its name, empty if it has none.
    """

    name: str = field(repr=False)
    value: bytes = field(repr=False)
    key: bytes = field(default=b"", repr=False)


def of(content: bytes, name: str = "") -> Iterator[Field]:
    """Yield the strings in a document, or the document itself if it is no JSON.

    Args:
        content: All of it.
        name: What it is called; its fields are `name.field`.
    """
    try:
        document = parsed(content)
    except ValueError:
        yield Field(name, content)
        return
    yield from _fields(document, name)


def parsed(content: bytes) -> Json:
    """Return a JSON document with objects as `Pairs` and numbers as they are written.

    Raises:
        ValueError: If it is none, or nests too deep.
    """
    try:
        return json.loads(
            content, object_pairs_hook=Pairs, parse_int=str, parse_float=str, parse_constant=str
        )
    except RecursionError as error:
        raise ValueError("nests too deep") from error


def _fields(document: Json, name: str) -> Iterator[Field]:
    pending: list[tuple[Json, str, str]] = [(document, name, "")]
    while pending:  # no recursion: documents nest deep
        value, name, key = pending.pop()
        if isinstance(value, Field):
            yield value
        elif isinstance(value, str):
            yield Field(name, _bytes(value), _bytes(key))
        else:
            pending += reversed(list(_inside(value, name)))


def _inside(value: Json, name: str) -> Iterator[tuple[Json, str, str]]:
    """Yield what an object or a list holds: with the path of each, and its key."""
    if isinstance(value, Pairs):
        for key, inner in value:
            path = f"{name}.{key}" if name else key
            yield Field(path, _bytes(key)), path, ""
            if key in _ENCODED and isinstance(inner, str):
                yield _decoded(inner, path), path, ""
            yield inner, path, key
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield inner, f"{name}[{index}]", ""


def _decoded(text: str, name: str) -> Json:
    """Return what a string is base64 of: a document, a field, or nothing."""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    try:
        return parsed(content)
    except ValueError:
        return Field(name, content)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
