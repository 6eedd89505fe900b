"""A dotenv file: `NAME=value` lines as the usual loaders agree on them, in bytes and unexpanded.

Comments, `export`, single, double and backward quotes over any number of lines, a comment behind a
value, any line ending. Where loaders differ in what they make of a value, each of their readings is
a secret: protecting one too many costs nothing, and the one that the job uses must be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from leakguard.errors import ProviderError
from leakguard.model import Secret
from leakguard.providers import Provider, contents, wording

# Compiled on first use, by `re` itself: all of them here would cost every start 5 ms.
_SPACE = rb"[^\S\r\n]"
_END = rb"(?:\r\n?|\n|\Z)"
_COMMENT = _SPACE + rb"*+(?>(?:\#[^\r\n]*+)?)" + _END
_NAME = _SPACE + rb"*+(?:export" + _SPACE + rb"++)?(?P<name>[\w.-]++)" + _SPACE + rb"*+="
_QUOTES = (
    rb"(?:'(?P<literal>[^']*+)'|`(?P<ticked>[^`]*+)`"
    rb"|'(?P<single>[^'\\]*+(?>(?:\\.[^'\\]*+)*))'"
    rb'|"(?P<double>[^"\\]*+(?>(?:\\.[^"\\]*+)*))")'
)

_OPENED = _NAME + _SPACE + rb"*+['\"`]"
_CLOSED = rb"(?s)" + _NAME + _SPACE + rb"*+" + _QUOTES
_QUOTED = _CLOSED + _COMMENT
# A second `=` and nothing else is the end of a line of base64, which must not become a name.
_BARE = _NAME + rb"(?!=" + _END + rb")(?P<bare>[^\r\n]*+)" + _END
_BARE_COMMENT = _SPACE + rb"\#"

_ESCAPE = rb"\\([\\'\"`$abfnrtv])"
_SHELL_ESCAPE = rb"\\([\\\"`$])"
_QUOTE_ESCAPE = rb"\\([\\'])"
_CONTROLS = dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True))


def secrets(text: bytes, origin: str) -> Iterator[Secret]:
    """Yield the values of the dotenv file `text` that are not empty, in their order.

    Args:
        text: Its contents.
        origin: Where they are from, as errors say it.

    Raises:
        ProviderError: If a line is neither blank nor a comment nor an assignment.
    """
    position = 0
    while position < len(text):
        found = _match(_COMMENT, text, position) or _entry(text, position)
        if found is None:
            line = len(text[:position].splitlines()) + 1
            raise ProviderError(f"{origin}:{line}: {_complaint(text, position)}")
        if found.lastgroup is not None:
            yield from _read(found["name"].decode("ascii"), *_readings(found))
        position = found.end()


def _load(path: str, _environ: Mapping[str, str]) -> Iterator[Secret]:
    return secrets(contents.read_text(path), wording.path(path))


def _match(pattern: bytes, text: bytes, position: int) -> re.Match[bytes] | None:
    return re.compile(pattern).match(text, position)


def _entry(text: bytes, position: int) -> re.Match[bytes] | None:
    quoted = _match(_OPENED, text, position)
    return _match(_QUOTED if quoted else _BARE, text, position)


def _complaint(text: bytes, position: int) -> str:
    if not _match(_OPENED, text, position):
        return "expected NAME=value"
    if not _match(_CLOSED, text, position):
        return "quote is not closed"
    return "unexpected text behind the closing quote"


def _read(name: str, value: bytes, *others: bytes) -> Iterator[Secret]:
    if value:
        yield from (Secret(name, reading) for reading in dict.fromkeys((value, *others)))


def _readings(entry: re.Match[bytes]) -> tuple[bytes, ...]:
    """Return what loaders make of a value: first what most do."""
    written = entry[entry.lastgroup or "bare"]
    match entry.lastgroup:
        case "literal":  # in a shell; python-dotenv knows two escapes here
            return written, re.sub(_QUOTE_ESCAPE, _undone, written)
        case "single":
            return re.sub(_QUOTE_ESCAPE, _undone, written), written
        case "double":  # in most; in a shell; in Docker
            shell = re.sub(_SHELL_ESCAPE, _undone, written)
            return re.sub(_ESCAPE, _undone, written), shell, written
        case "bare":  # in most; in Docker, which knows no comment behind a value
            return re.split(_BARE_COMMENT, written, maxsplit=1)[0].strip(), written.strip()
    return (written,)


def _undone(escape: re.Match[bytes]) -> bytes:
    character = escape[1][0]
    return bytes((_CONTROLS.get(character, character),))


PROVIDER = Provider(
    name="dotenv",
    syntax="dotenv:FILE",
    summary="each NAME=value of a dotenv file",
    load=_load,
)
