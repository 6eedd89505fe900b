r"""The base64 text of a key, freed from what programs and logs put around its lines.

Lines may be escaped (`\n`), indented, quoted and concatenated, numbered, or marked as in a mail or
a diff. What stands in front of a key's text, its heading and its fields, is left out.
"""

from __future__ import annotations

import re

_HEADING = re.compile(rb"-----BEGIN [0-9A-Z ]{1,40}-----")
_END = re.compile(rb"-----END ")
_ESCAPE = re.compile(rb"\\[nrt]")
_FIELD = re.compile(rb"[^0-9A-Za-z]*[A-Z][A-Za-z-]{2,20}: ")
_NUMBERED = re.compile(rb"[^0-9A-Za-z+/=]*[0-9]{1,6}[ \t]*[\t:|.)]")
_RUN = re.compile(rb"[0-9A-Za-z+/=]+")
_SIGN = re.compile(rb"[+/]{1,2}")
_CIPHER = re.compile(rb"DEK-Info: ([0-9A-Za-z-]{3,30})")


def text(secret: bytes) -> bytes:
    """Return the base64 characters of a key, those of all of its lines in a row."""
    lines = _lines(secret)
    if lines and lines[0].startswith(b"+"):  # the first letter of no key: a diff
        lines = [line.removeprefix(b"+") for line in lines]
    return b"".join(run for line in lines for run in _runs(line))


def cipher(secret: bytes) -> str | None:
    """Return the cipher of a key whose fields say that it is encrypted."""
    found = list(_CIPHER.finditer(_behind_heading(secret)))
    return found[0][1].decode() if found else None


def _behind_heading(secret: bytes) -> bytes:
    """Return what follows the last heading, up to where the key ends."""
    headings = list(_HEADING.finditer(secret))
    start = headings[-1].end() if headings else 0
    end = _END.search(secret, start)
    return secret[start : end.start() if end else len(secret)]


def _lines(secret: bytes) -> list[bytes]:
    pieces = re.split(rb"[\r\n]+", _ESCAPE.sub(b"\n", _behind_heading(secret)))
    return [line for line in pieces if line.strip() and not _FIELD.match(line)]


def _runs(line: bytes) -> list[bytes]:
    """Return the base64 of a line; a sign that joins or comments on lines is not of it."""
    number = _NUMBERED.match(line)
    runs = _RUN.findall(line, number.end() if number else 0)
    return [run for run in runs if not _SIGN.fullmatch(run)]
