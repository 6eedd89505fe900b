"""Judge a part of a value: most are names that logs are full of, so in doubt it is no needle.

Project ids, addresses, regions and types are left alone. A part is a needle if its key says that
it is secret, or if it looks drawn at random and tells enough.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from leakguard.policy.budget import PART_BITS, tells

ADDRESS = "an address or a path"
NAME = "looks like a name"
LITTLE = "tells too little"
STRUCTURE = "only structure"

_SHORTEST_TOKEN = 8
_LONG_TOKEN = 16
_TURN = re.compile(rb"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_CASE_TURN = re.compile(rb"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[a-z])")
_WEB = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_MAIL = re.compile(rb"[\w.+%-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}")
_HOST = re.compile(rb"(?:\*\.)?(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z]{2,24}\.?(?::\d+)?")
_UUID = re.compile(rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_ROOTS = (
    rb"app|applications|bin|boot|builds?|dev|etc|github|home|lib|lib64|library|media|mnt|nix|opt"
    rb"|private|proc|root|run|sbin|snap|srv|sys|tmp|users|usr|var|volumes|workspace|workspaces"
)
_PATH = re.compile(
    rb"(?:(?:~|\.{1,2}|/(?:" + _ROOTS + rb"))(?:/[\w.+@ -]*)*|[a-z]:[\\/][\w.+@ \\/()-]*)"
    rb"(?:[:;](?:~|\.{1,2}|/[\w.+@-]+)(?:/[\w.+@ -]*)*)*",
    re.IGNORECASE,
)


def worth(value: bytes, *, keyed: bool) -> bool:
    """Tell whether a leaf of a structured value is a secret of its own.

    It is if its key says so (`keyed`) and it is more than a plain address, or else if it looks like
    a token and tells enough.
    """
    return worthless(value, keyed=keyed) is None


def worthless(value: bytes, *, keyed: bool) -> str | None:
    """Return why a leaf is no secret of its own, or None if it is; the reason holds no value."""
    if _is_plain_address(value):
        return ADDRESS
    if keyed:
        return None
    if _MAIL.fullmatch(value) or _HOST.fullmatch(value):
        return ADDRESS
    if not is_token(value):
        return NAME
    return None if tells(value, PART_BITS) else LITTLE


def is_token(value: bytes) -> bool:
    """Tell whether `value` looks drawn at random: letters and digits, or cases, in quick turns.

    `us-central1-a`, `demo-project-41` and `v1.2.3-rc1` do not; `Zq81-mm92-Kd7` and a UUID do.
    """
    if len(value) < _SHORTEST_TOKEN or len(value.split()) != 1:
        return False
    turns = len(_TURN.findall(value))
    if turns >= 3:
        return True
    if turns and re.search(rb"[!#$%^&*+=|~<>?]", value) and not _WEB.match(value):
        return True
    return len(value) >= _LONG_TOKEN and len(_CASE_TURN.findall(value)) * 3 >= len(value)


def is_uuid(value: bytes) -> bool:
    """Tell whether `value` is a UUID, which as often names something as it opens it."""
    return bool(_UUID.fullmatch(value))


def is_path(value: bytes) -> bool:
    """Tell whether `value` is a path, or several, with nothing drawn at random in it."""
    return bool(_PATH.fullmatch(value)) and not any(map(is_token, re.split(rb"[/\\:;]", value)))


def _is_plain_address(value: bytes) -> bool:
    """Tell whether it is a URL that holds no password and nothing drawn at random, or a path."""
    if not _WEB.fullmatch(value):
        return is_path(value)
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    if b"@" in parts.netloc:
        return False
    return not any(map(_is_long_token, re.split(rb"[/&=?]", b"/".join(parts[2:]))))


def _is_long_token(word: bytes) -> bool:
    is_long = len(word) >= _LONG_TOKEN and is_token(word)
    return is_long and not _HOST.fullmatch(word.replace(b"%40", b"."))
