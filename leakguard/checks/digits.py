"""Numbers, bytes and times in the ways in which credentials write them."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections import Counter
from datetime import UTC, datetime

BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE36 = b"0123456789abcdefghijklmnopqrstuvwxyz"
LETTERS_FIRST = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

_YEAR_10000 = 253_402_300_800
_WIDEST_VARINT = 63


def entropy(value: bytes) -> float:
    """Return the Shannon entropy of `value`, in bits for each byte; 0.0 for nothing at all."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares) if len(shares) > 1 else 0.0


def number(value: int, digits: bytes, width: int) -> bytes:
    """Return `value` in the base of `digits`, most significant first, at least `width` long."""
    written = b""
    while value:
        value, digit = divmod(value, len(digits))
        written = digits[digit : digit + 1] + written
    return written.rjust(width, digits[:1])


def decoded(text: bytes) -> bytes:
    """Return what `text` is the base64 of; either alphabet, with or without padding.

    Raises:
        ValueError: If it is not base64.
    """
    standard = text.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    return base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)


def canonical(text: bytes) -> bytes:
    """Return what `text` decodes to, or nothing if an encoder would have written it otherwise."""
    raw = decoded(text)
    return raw if text.rstrip(b"=") in (encoded(raw), unpadded(raw)) else b""


def encoded(raw: bytes) -> bytes:
    """Return `raw` in base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def unpadded(raw: bytes) -> bytes:
    """Return `raw` in base64 without padding."""
    return base64.b64encode(raw).rstrip(b"=")


def decoded32(text: bytes) -> bytes:
    """Return what `text` is the base32 of, in either case, with or without padding.

    Raises:
        ValueError: If it is not base32.
    """
    bare = text.rstrip(b"=").upper()
    return base64.b32decode(bare + b"=" * (-len(bare) % 8))


def unquoted(text: bytes) -> bytes:
    """Return `text` with the percent signs of a URL undone."""
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), text)


def varint(raw: bytes, place: int) -> tuple[int, int]:
    """Return the number written from `place`, seven bits to a byte, and the place behind it.

    Raises:
        ValueError: If it does not end within 64 bits.
        IndexError: If the bytes end before it does.
    """
    value = 0
    for shift in range(0, _WIDEST_VARINT + 1, 7):
        byte = raw[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("number without an end")


def document(text: bytes) -> dict[str, object]:
    """Return the JSON object that `text` is.

    Raises:
        ValueError: If it is none.
        RecursionError: If it nests too deep.
    """
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def text_of(value: object) -> str:
    """Return a JSON value as a fact: a text or a number as it is, a list of them in a row."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(text_of, value[:8])))
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def time(seconds: object) -> str:
    """Return a Unix time as ISO 8601 in UTC; nothing for what is none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return ""
    if not 0 < seconds < _YEAR_10000:
        return ""
    moment = datetime.fromtimestamp(int(seconds), UTC)
    return moment.isoformat().replace("+00:00", "Z")


def drawn(seed: bytes, count: int) -> bytes:
    """Return `count` bytes that only `seed` decides, for what an example lacks."""
    return hashlib.shake_256(seed).digest(count)


def rest(whole: bytes, head: bytes) -> bytes:
    """Return what follows `head` in `whole`; nothing when `whole` begins otherwise."""
    return whole[len(head) :] if whole.startswith(head) else b""
