"""A JSON object, each leaf a value named by its key path, such as `db.password` or `hosts[0].key`.

Numbers count as they are written; `true`, `false` and `null` are nobody's secret. A key that occurs
twice keeps both values: which one a program takes is not ours to guess.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from leakguard.errors import ProviderError
from leakguard.model import Secret
from leakguard.providers import Provider, contents, wording

DEEPEST = 100
"""Levels that may be nested; Python's own limit differs from version to version."""

_LONGEST_NAME = 256

# As the hooks of `json` make them: an object is a tuple of pairs, an array a list, a number its
# text, and nothing else is of interest.


def secrets(raw: bytes, origin: str) -> list[Secret]:
    """Return the leaves of the JSON object in `raw`, in their order.

    Args:
        raw: The document, in UTF-8.
        origin: Where it is from, as errors say it.

    Raises:
        ProviderError: If it is not UTF-8, not JSON, not an object, or nested too deeply.
    """
    try:
        document = _parsed(_decoded(raw, origin), origin)
        if isinstance(document, tuple):
            return [Secret(name, value) for name, value in _leaves(document, "", 0)]
        problem = "expected a JSON object"
    except RecursionError:
        problem = f"nested deeper than {DEEPEST} levels"
    raise ProviderError(f"{origin}: {problem}")


def _load(path: str, _environ: Mapping[str, str]) -> list[Secret]:
    return secrets(contents.read(path), wording.path(path))


def _decoded(raw: bytes, origin: str) -> str:
    text = contents.unmarked(raw, origin)
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        offset = len(raw) - len(text) + error.start
    # Out here, because the codec's error carries the whole document.
    raise ProviderError(f"{origin}: not UTF-8 at byte offset {offset}")


def _parsed(text: str, origin: str) -> object:
    try:
        return json.loads(
            text,
            object_pairs_hook=tuple,
            parse_int=str,
            parse_float=str,
            parse_constant=_ignored,
        )
    except json.JSONDecodeError as error:
        where = f"{origin}:{error.lineno}:{error.colno}"
        what = _complaint(error)
    # Out here, because the parser's error carries the whole document.
    raise ProviderError(f"{where}: not valid JSON: {what}")


def _complaint(error: json.JSONDecodeError) -> str:
    # What follows a colon is quoted from the document; "at" leads to a position that comes first.
    what = error.msg.partition(":")[0]
    return what.removesuffix(" at").removesuffix(" starting")


def _ignored(_constant: str) -> None:
    """Make nothing of `NaN` and `Infinity`."""


def _leaves(node: object, path: str, depth: int) -> Iterator[tuple[str, bytes]]:
    if depth > DEEPEST:
        raise RecursionError
    if isinstance(node, str):
        # Half of a surrogate pair is valid JSON and has no UTF-8: it must not stop the rest.
        yield path, node.encode(errors="surrogatepass")
    for name, child in _children(node, path):
        yield from _leaves(child, name, depth + 1)


def _children(node: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(node, tuple):
        for key, child in node:
            # Cut, or one long key over many leaves would take the file's size squared.
            yield f"{path}.{key}".removeprefix(".")[:_LONGEST_NAME], child
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield f"{path}[{index}]"[:_LONGEST_NAME], child


PROVIDER = Provider(
    name="json",
    syntax="json:FILE",
    summary="each leaf of the JSON object, named by its key path",
    load=_load,
)
