r"""What may stand between two bytes of a secret: a line end and the margin of the line behind it.

Loggers and pagers begin each line with a margin of their own: a time, `web_1 |`, `> `, a line
number, a sign of a diff. Where a margin ends is not always clear, so all ends are offered. In a
dump the text at the right of a row and the offset at the left of the next one are a break, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakguard.patterns import analyse

BLANKS = b" \t\r\n"
BLANKS_SET = frozenset({b" ", b"\t", b"\r", b"\n"})
MOST_UNITS = 4
"""Of how many units a margin consists, at the most."""

_BREAK = re.compile(
    rb"[ \t]{0,200}(?:\r{0,2}\n|\r)(?:[ \t]{0,200}\r{0,2}\n){0,4}(?:[ \t\r]{0,200})"
)
_LONGEST_RUN = 400
_BLANK_RUN = re.compile(rb"[ \t\r\n]{0,%d}" % _LONGEST_RUN)
_UNIT = analyse(
    rb"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:]{5,8}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9:]{4,6})?)?"
    rb"|[A-Z][a-z]{2} {1,2}[0-9]{1,2} [0-9:]{8}(?: [\w.-]{1,64} [\w./-]{1,48}(?:\[[0-9]{1,7}\])?:)?"
    rb"|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|stdout [FP]|stderr [FP])(?=[ \t:]):?"
    rb"|[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
    rb"|\[[^\]\r\n]{1,48}\]:?"
    rb"|[0-9]{1,7}[:.|)]?"
    rb"|#[0-9]{1,4}(?: [0-9]{1,5}\.[0-9]{1,3})?"
    rb"|[A-Za-z][\w.-]{0,40}[ \t]{0,20}[|:>](?=[ \t])"
    rb"|[>|+#*-]{1,3}|//|<<|\xe2\x94[\x82\x83])[ \t]{0,40}"
)
# A table's right edge. Where a long string is broken, a program's source joins its parts.
_EDGE = analyse(rb"(?:\||\xe2\x94[\x82\x83])[ \t]{0,40}(?=[\r\n])")
_JOINT = rb"[ \t]{0,8}[+.&,\\]?[ \t\r\n]{0,200}(?:[+.&][ \t]{1,8})?[A-Za-z]?"
_JOINED = analyse(b"'(?!')" + _JOINT + b'\'|"(?!")' + _JOINT + b'"')
_MARGIN_OF_ROW = analyse(rb"(?:0x)?[0-9A-Fa-f]{4,16}:?[ \t]{1,4}")
_APART = analyse(rb"[ \t,:-]{1,4}(?:0x|\\{1,2}x)?|0x|\\{1,2}x")
_EDGES = (b"|", b"\xe2")
_LINE_END = re.compile(rb"\r{0,2}\n")
_LONGEST_ROW = 140


class MoreNeeded(Exception):  # noqa: N818  # it is no error: what comes behind the text decides
    """The text ends where it would have to go on for an answer."""


def behind(text: bytes, at: int, *, final: bool) -> list[tuple[int, int]]:
    """Return where a secret may go on behind the break at `at`, and where its line begins.

    Nothing if there is no break.

    Raises:
        MoreNeeded: If bytes behind `text` could change the answer.
    """
    end = blanks_end(text, at)
    if end - at == _LONGEST_RUN:
        return []
    if not final and end == len(text):
        raise MoreNeeded
    edge = None
    if text[end : end + 1] in _EDGES and b"\n" not in text[at:end]:
        if not final and _EDGE.open(text, end):
            raise MoreNeeded
        edge = _EDGE.regex.match(text, end)
    found = _BREAK.match(text, edge.end() if edge else at)
    return [(end, at) for end in _margins(text, found.end(), final=final)] if found else []


def _margins(text: bytes, at: int, *, final: bool) -> Iterator[int]:
    """Yield where the margin that begins at `at` may end: at once, or behind some units of it."""
    yield at
    for _ in range(MOST_UNITS):
        if not final and _UNIT.open(text, at):
            raise MoreNeeded
        unit = _UNIT.regex.match(text, at)
        if unit is None or unit.end() == at:
            return
        at = unit.end()
        yield at


def joined(text: bytes, at: int, *, final: bool) -> list[tuple[int, int]]:
    """Return what `behind` does, where a string ends and the next one is joined to it."""
    if not final and _JOINED.open(text, at):
        raise MoreNeeded
    found = _JOINED.regex.match(text, at)
    return [(found.end(), at)] if found else []


def between_digits(text: bytes, at: int, *, final: bool) -> list[tuple[int, int]]:
    """Return what `behind` does, for the hexadecimal digits of a dump or a list."""
    if not final and _APART.open(text, at):
        raise MoreNeeded
    apart = _APART.regex.match(text, at)
    ends = [(apart.end(), apart.end())] if apart and apart.end() > at else []
    return ends + _next_row(text, at, final=final)


def _next_row(text: bytes, at: int, *, final: bool) -> list[tuple[int, int]]:
    if text[at] not in b" \t\r\n|":
        return []
    found = _LINE_END.search(text, at, at + _LONGEST_ROW)
    if found is None:
        if not final and len(text) < at + _LONGEST_ROW:
            raise MoreNeeded
        return []
    start = blanks_end(text, found.end())
    if not final and start == len(text):
        raise MoreNeeded
    ends: list[tuple[int, int]] = []
    for end in _margins(text, start, final=final):
        if not final and _MARGIN_OF_ROW.open(text, end):
            raise MoreNeeded
        margin = _MARGIN_OF_ROW.regex.match(text, end)
        ends += [(end, found.start()), *([(margin.end(), found.start())] if margin else [])]
    return ends


def end_of_row(text: bytes, at: int, *, final: bool) -> int:
    """Return where the row ends that `at` is in, with the text that it shows at its right.

    Raises:
        MoreNeeded: If bytes behind `text` could change the answer.
    """
    found = _LINE_END.search(text, at, at + _LONGEST_ROW)
    if found:
        return found.start()
    if not final and len(text) < at + _LONGEST_ROW:
        raise MoreNeeded
    return min(len(text), at + _LONGEST_ROW) if final else at


def blanks_end(text: bytes, at: int) -> int:
    """Return where the blanks that stand at `at` end."""
    return _BLANK_RUN.match(text, at).end()  # type: ignore[union-attr]  # it matches always
