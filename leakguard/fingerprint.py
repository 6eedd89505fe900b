"""Names a value without telling it: equal values get equal fingerprints, and nobody can go back.

With a key (`LEAKGUARD_KEY`) a fingerprint is HMAC-SHA256 and says nothing to whoever lacks the key.
Without one it must still be the same in every run, or no baseline could be compared, so everybody
can compute it, and a short value can be found by trying them all. A graphics card tries some 10^9
plain HMACs a second: eight lower-case letters fall in four minutes. So a value shorter than 24
bytes is first stretched by scrypt (n=2^13, r=8, p=1), which takes 8 MiB and 20 ms for each try:
the same letters take a core 130 years and a card months, yet six digits still take a core six
hours. Who shows reports to others sets a key. From 24 bytes on a value is not stretched: that many
random characters are out of reach, and for a long value made of few words there is the key, too.
"""

from __future__ import annotations

import hashlib
import hmac
import os

LENGTH = 32
"""Hexadecimal digits in a fingerprint: 128 bits, so that two values never share one by chance."""

GUESSABLE = 24
"""Values shorter than this many bytes are stretched when there is no key."""

CACHED = 4096
"""Stretched values that a process remembers; each costs some 200 bytes."""

_PUBLIC_KEY = b"leakguard fingerprint 1"
_SALT = b"leakguard stretch 1"

_session = os.urandom(32)
_stretched: dict[bytes, bytes] = {}


def fingerprint(value: bytes, key: bytes) -> str:
    """Return 32 hexadecimal digits that stand for `value` under `key`.

    Args:
        value: The secret bytes.
        key: What only the readers who may compare fingerprints know; empty when there is none.
    """
    if not key and len(value) < GUESSABLE:
        value = _stretch(value)
    return hmac.digest(key or _PUBLIC_KEY, value, "sha256").hex()[:LENGTH]


def _stretch(value: bytes) -> bytes:
    """Return what takes 20 ms to get from `value`, or 3 us when it was asked for lately."""
    # The cache is keyed under this process's own random key: a memory dump of it gives no value,
    # not even to one who can guess.
    known = hashlib.blake2b(value, key=_session, digest_size=16).digest()
    if (stretched := _stretched.get(known)) is None:
        stretched = hashlib.scrypt(value, salt=_SALT, n=2**13, r=8, p=1, dklen=32)
        _remember(known, stretched)
    return stretched


def _remember(known: bytes, stretched: bytes) -> None:
    if len(_stretched) >= CACHED:
        # Two threads may pick the same oldest entry: the second finds it gone.
        _stretched.pop(next(iter(_stretched)), None)
    _stretched[known] = stretched
