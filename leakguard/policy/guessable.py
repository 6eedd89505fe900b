"""Judge a whole value: refused only when ordinary output holds it anyway.

That is `true`, `development`, `12345678`, a date, a path. A bad password such as `letmein1` or
`changeme` is still a password that no log prints by itself, so it stays protected; in doubt,
everything here decides for the secret.
"""

from __future__ import annotations

import re

from leakguard.policy.budget import WHOLE_BITS, tells
from leakguard.policy.tokens import is_path
from leakguard.policy.words import COMMON

BLANK = "blank"
GUESSABLE = "too guessable"

_SEQUENCES = tuple(
    run[::step]
    for run in (b"01234567890123456789", b"0123456789abcdef", b"abcdefghijklmnopqrstuvwxyz")
    for step in (1, -1)
)
_LOOPBACK = rb"(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[?::1\]?)"
# What ordinary output is full of; each is matched against the whole value, in lower case.
_ORDINARY = re.compile(
    rb"[+-]?\d{1,5}"  # counts, ports, years
    rb"|[+-]?[1-9]\d?0+|(?:65536|131072|262144|524288|1048576|16777216|2147483647|4294967295)"
    rb"|[+-]?\d{1,9}\.\d{1,9}%?"
    rb"|\d{1,7} ?(?:ms|s|sec|m|min|h|d|k|kb|mb|gb|kib|mib|gib|mi|gi|%)"
    rb"|v?\d{1,4}(?:\.\d{1,5}){1,2}(?:[-+._]?(?:a|b|alpha|beta|rc|dev|post|pre|final|lts|slim)[.\d]*)?"
    rb"|\d{4}([-/.])\d\d\1\d\d(?:[t ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:z|[+-]\d\d:?\d\d)?)?"
    rb"|\d\d?([-/.])\d\d?\2\d{4}|\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?"
    rb"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    rb"|(?:[a-z][a-z0-9+.-]*://)?" + _LOOPBACK + rb"(?::\d+)?(?:/[a-z0-9_.-]{0,12})?/?"
    rb"|[a-z]{2,3}_[a-z]{2}(?:\.utf-?8)?"
    # What was to be replaced by a value, and was not.
    rb"|\$\{\{?[\w. -]{1,64}\}?\}|\$\([\w.-]{1,64}\)|\{\{[\w. -]{1,64}\}\}|%[a-z_]{1,64}%"
)
_SEPARATORS = re.compile(rb"[-_/:, +@\\]+")
# A key of few words may be joined of common words; more of them may be a passphrase.
_MOST_WORDS = 4
_LONG = 64
# So many different bytes tell enough, unless they are a word or sequence, which is looked up.
_VARIED = 8


def weakness(value: bytes, *, min_length: int = 6) -> str | None:
    """Return why `value` is not protected, or None if it is.

    White space around it and one pair of quotes do not count. The reason never holds the value.
    """
    core = bare(value)
    if not core:
        return BLANK
    if len(core) < min_length:
        return f"shorter than {min_length} bytes"
    return GUESSABLE if _is_guessable(core) else None


def bare(value: bytes) -> bytes:
    """Return `value` without the white space and the one pair of quotes around it."""
    core = value.strip()
    if len(core) > 1 and core[0] == core[-1] and core[0] in b"\"'`":
        return core[1:-1].strip()
    return core


def _is_guessable(core: bytes) -> bool:
    if core[2:] == core[:-2]:
        return True  # one character, or two in turn
    if len(set(core)) < _VARIED and len(core) < _LONG and not tells(core, WHOLE_BITS):
        return True
    folded = core.lower()
    if _ORDINARY.fullmatch(folded) or any(folded in run for run in _SEQUENCES):
        return True
    if len(core) < _LONG and (_is_common(folded) or _is_ruler(core)):
        return True
    return is_path(core)


def _is_common(folded: bytes) -> bool:
    """Tell whether it is a common word, or a few of them and small numbers joined."""
    words = _SEPARATORS.split(folded.strip(b"[](){}<>*\"'%$"))
    if len(words) > _MOST_WORDS:
        return False
    known = [word in COMMON or (len(word) < _MOST_WORDS and word.isdigit()) for word in words]
    return all(known) and not all(word.isdigit() for word in words)


def _is_ruler(core: bytes) -> bool:
    """Tell whether it is drawn of a few signs, such as `+----+` or `=== >`."""
    return core.isascii() and len(set(core)) <= 3 and not re.search(rb"\w", core)
