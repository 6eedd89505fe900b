r"""A first look at an escape: most escapes in a text stand for no part of a secret.

From three bytes it is known whether anything may go on there. An escape may stand for what begins
another one, as `%25` does in `%2520`: then what comes behind is undone once, too, and there is more
than one way to go on. Who is in doubt says yes: a closer look follows.
"""

from __future__ import annotations

import re

from leakguard.traces.breaks import MoreNeeded
from leakguard.traces.escapes import ESCAPE, MARKS, UNSHOWN, undone
from leakguard.traces.grams import GLANCE, Grams

_LONGEST = 14
_HARM = MARKS | UNSHOWN | frozenset(b"\b\x1b")
_QUOTES = frozenset(b"'\"$")
_TAKES_ANY = frozenset(b"\\^`")  # what quotes any byte behind it
# What may be an escape that `ESCAPE` does not know, or one within which others begin.
_BEGUN = rb"\\(?:x[0-9A-Fa-f]?|u[0-9A-Fa-f]{0,3}|U[0-9A-Fa-f]{0,7}|[0-7]{1,2})|%[0-9A-Fa-f]?"
_NAMED = rb"&#?\w{0,11}"
_MARK = b"[" + re.escape(bytes(MARKS)) + b"]"
_IN_DOUBT = re.compile(
    _MARK + _MARK + b"|(?:" + _BEGUN + rb"|=[0-9A-Fa-f])[\\%&=]|" + _NAMED + rb"[\\%&]"
    rb"|\\[xuU]\{|\\[\r\n]|%u|=[\r\n]|&#?\w{9,10};"
)
_CUT = re.compile(
    b"(?:" + _BEGUN + b"|" + _NAMED + rb"|\\u\{\w{0,6}|=[0-9A-Fa-f]|" + _MARK + rb")\Z"
)
_ILLEGIBLE = re.compile(b"[" + re.escape(bytes(UNSHOWN | frozenset(b"\b\x1b"))) + b"]")
# So many bytes are undone once, and so often is one of them undone again.
_WINDOW, _MOST_UNDONE = 48, 4
# From so many it is told, for nearly all escapes there are, that nothing goes on.
_BEGINNING = 12


class _InDoubtError(Exception):
    """What a look does not tell."""


def seems_known(grams: Grams, text: bytes, at: int, *, final: bool) -> bool:
    """Say whether anything of `grams` may go on at the escape at `at`.

    Raises:
        MoreNeeded: If the text at hand does not tell.
    """
    beginning = text[at : at + _BEGINNING]
    hopeless = grams.hopeless.get(beginning)
    if hopeless is None:
        hopeless = grams.hopeless[beginning] = _is_hopeless(grams, beginning)
    return not hopeless and _seems_known(grams, text, at, final=final)


def _is_hopeless(grams: Grams, beginning: bytes) -> bool:
    """Say whether nothing may go on at a beginning, whatever comes behind it."""
    try:
        return not _seems_known(grams, beginning, 0, final=False)
    except MoreNeeded:
        return False


def _seems_known(grams: Grams, text: bytes, at: int, *, final: bool) -> bool:
    read, place = b"", at
    while len(read) < GLANCE:
        byte = text[place : place + 1]
        if not byte or (byte[0] in MARKS and _is_cut(text, place)):
            if read and not grams.may_begin(read):
                return False
            if final:
                return True
            raise MoreNeeded
        if byte[0] in _HARM:
            escape = _escape(grams, read, text, place)
            if escape is None:
                return not read or grams.may_begin(read)
            byte, end = undone(escape), place + len(escape)
            if byte[0] in MARKS and not _stands_alone(byte, text, end):
                return _seems_known_inside(grams, read, text, place, final=final)
            place = end - 1
        read, place = read + byte, place + 1
    return grams.may_begin(read[:GLANCE])


def _is_cut(text: bytes, at: int) -> bool:
    """Say whether the text ends within what may become an escape."""
    return len(text) < at + _LONGEST and _CUT.match(text, at) is not None


def _escape(grams: Grams, read: bytes, text: bytes, at: int) -> bytes | None:
    """Return the escape that stands at `at`, None if it is in doubt."""
    mark = text[at : at + 1]
    # It may also be a sign that the secret has.
    if _IN_DOUBT.match(text, at) or (read and grams.may_begin(read + mark)):
        return None
    escape = ESCAPE.match(text, at)
    return escape[0] if escape and undone(escape[0]) else None


def _stands_alone(byte: bytes, text: bytes, end: int) -> bool:
    """Say whether a quote is just that: two of them, or one and an escape, may be another thing."""
    return byte[0] in _QUOTES and end < len(text) and text[end] not in _HARM


def _seems_known_inside(grams: Grams, read: bytes, text: bytes, at: int, *, final: bool) -> bool:
    """Say whether anything may go on behind what was read, where escapes stand for escapes."""
    window, is_cut = _undone_once(text, at, final=final)
    try:
        return _goes_on(grams, read, window)
    except _InDoubtError:
        return True
    except MoreNeeded:
        if final or not is_cut:
            return True
        raise


def _undone_once(text: bytes, at: int, *, final: bool) -> tuple[bytes, bool]:
    """Return some bytes from `at` on with their escapes undone, and whether the text ends there."""
    begun = text[at : at + _WINDOW]
    is_cut = len(begun) < _WINDOW
    if found := _ILLEGIBLE.search(begun) or _IN_DOUBT.search(begun):
        begun, is_cut = begun[: found.start()], False
    elif not (is_cut and final) and (found := _CUT.search(begun)):
        begun = begun[: found.start()]
    return ESCAPE.sub(_undone, begun), is_cut


def _undone(escape: re.Match[bytes]) -> bytes:
    return undone(escape[0])


def _goes_on(grams: Grams, read: bytes, window: bytes, times: int = 0) -> bool:
    """Say whether anything goes on with what was read and a window, whose escapes may be undone."""
    while not read or grams.may_begin(read):
        if len(read) == GLANCE:
            return True
        if not window:
            raise MoreNeeded
        if window[0] in MARKS:
            if _goes_on(grams, read + window[:1], window[1:], times):
                return True
            inner = _undone_first(window)
            if inner is None:
                return False
            window, times = inner, times + 1
            if times > _MOST_UNDONE:
                raise _InDoubtError
        else:
            read, window = read + window[:1], window[1:]
    return False


def _undone_first(window: bytes) -> bytes | None:
    """Return a window with the escape undone that it begins with, None if it begins with none.

    Raises:
        MoreNeeded: If bytes behind the window may change the answer.
        _InDoubtError: If it is an escape that is seldom met.
    """
    if _IN_DOUBT.match(window):
        raise _InDoubtError
    if _CUT.match(window):
        raise MoreNeeded
    if escape := ESCAPE.match(window):
        return undone(escape[0]) + window[escape.end() :]
    return undone(window[:2]) + window[2:] if window[0] in _TAKES_ANY else None
