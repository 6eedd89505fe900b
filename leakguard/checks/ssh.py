"""Private keys of SSH: OpenSSH's own format, and PuTTY's.

An OpenSSH key that is not encrypted holds two equal numbers, made for this, and ends in its comment
and a row of bytes that count up. PuTTY keeps of an RSA key what one can divide.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from types import MappingProxyType

from leakguard.checks import pem
from leakguard.checks.check import Check, Facts, Proof
from leakguard.checks.digits import decoded, drawn
from leakguard.checks.key import Key, fits, mpint, public_name, rsa_fits, string

MAGIC = b"openssh-key-v1\0"

# By the name of a kind of key: what it is, and how many strings stand in front of the comment.
_KINDS = {
    b"ssh-rsa": ("RSA", 6),
    b"ssh-dss": ("DSA", 5),
    b"ssh-ed25519": ("Ed25519", 2),
    b"ecdsa-sha2-nistp256": ("EC", 3),
    b"ecdsa-sha2-nistp384": ("EC", 3),
    b"ecdsa-sha2-nistp521": ("EC", 3),
}
_UNENCRYPTED = b"none"
_PADDING = bytes(range(1, 256))

_PUTTY_KIND = re.compile(rb"PuTTY-User-Key-File-([123]): ([0-9a-z-]{4,32})")
_PUTTY_CIPHER = re.compile(rb"Encryption: ([0-9a-z-]{3,32})")
_PUTTY_COMMENT = re.compile(rb"Comment: ([^\r\n\\]{1,200})")
_PUTTY_BODY = re.compile(rb"Private-Lines: [0-9]{1,3}")
_CIPHER_BLOCK = 16


class _Wire:
    """Reads strings in the wire format of SSH, one after the other."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._place = 0

    @property
    def rest(self) -> bytes:
        """What has not been read."""
        return self._raw[self._place :]

    @property
    def is_read(self) -> bool:
        """Whether nothing is left."""
        return self._place == len(self._raw)

    def number(self) -> int:
        """Return the next four bytes as a number."""
        return int.from_bytes(self._taken(4), "big")

    def string(self) -> bytes:
        """Return the next string."""
        return self._taken(self.number())

    def _taken(self, count: int) -> bytes:
        piece = self._raw[self._place : self._place + count]
        if len(piece) < count:
            raise ValueError("a string is longer than what holds it")
        self._place += count
        return piece


def read(raw: bytes) -> Key:
    """Return the key that `raw`, which begins with `MAGIC`, is.

    Raises:
        ValueError: If it ends too early, or is of another version.
    """
    wire = _Wire(raw[len(MAGIC) :])
    cipher, _, _ = wire.string(), wire.string(), wire.string()
    if wire.number() != 1:
        raise ValueError("not one key")
    public, private = wire.string(), wire.string()
    facts = _public_facts(public, cipher)
    if cipher != _UNENCRYPTED:
        return Key(Proof.OPEN, facts)
    return _private(_Wire(private), public, facts)


def _public_facts(public: bytes, cipher: bytes) -> dict[str, str | int | None]:
    kind = _Wire(public).string()
    encrypted = cipher != _UNENCRYPTED
    return {
        "key": _KINDS.get(kind, (kind.decode("ascii", "replace"), 0))[0],
        "format": "OpenSSH",
        "encrypted": "yes" if encrypted else "no",
        "cipher": cipher.decode("ascii", "replace") if encrypted else None,
        "public_key": public_name(public),
    }


def _private(wire: _Wire, public: bytes, facts: Facts) -> Key:
    first, second = wire.number(), wire.number()
    kind = wire.string()
    if kind not in _KINDS:
        return Key(fits(first == second), facts)
    parts = [wire.string() for _ in range(_KINDS[kind][1])]
    comment, padding = wire.string(), wire.rest
    proof = fits(
        first == second,
        padding == _PADDING[: len(padding)],
        _agrees(kind, parts, public),
    )
    return Key(proof, {**facts, "comment": comment.decode("utf-8", "replace")})


def _agrees(kind: bytes, parts: list[bytes], public: bytes) -> bool:
    """Return whether the private half of a key goes with its public half."""
    if kind == b"ssh-rsa":
        n, _, d, inverse, p, q = (int.from_bytes(part, "big") for part in parts)
        return public.endswith(string(parts[0])) and rsa_fits(n, d, (p, q), inverse)
    if kind == b"ssh-ed25519":
        return public.endswith(string(parts[0])) and parts[1][32:] == parts[0]
    return public.endswith(b"".join(map(string, parts[:-1])))


def _putty(secret: bytes) -> Proof:
    """Return what the private half of a PuTTY key proves; of an encrypted one, nothing."""
    raw = decoded(_putty_text(secret))
    try:
        parts = _putty_parts(raw)
    except ValueError:
        return Proof.OPEN if raw and len(raw) % _CIPHER_BLOCK == 0 else Proof.BROKEN
    if len(parts) != 4:
        return Proof.OPEN
    _, p, q, inverse = (int.from_bytes(part, "big") for part in parts)
    return fits(p > 1, p > 1 and inverse * q % p == 1)


def _putty_text(secret: bytes) -> bytes:
    found = list(_PUTTY_BODY.finditer(secret))
    return pem.text(secret[found[-1].end() if found else 0 :])


def _putty_parts(raw: bytes) -> list[bytes]:
    wire, parts = _Wire(raw), []
    while not wire.is_read:
        parts.append(wire.string())
    return parts


def _putty_facts(secret: bytes) -> Facts:
    kind, cipher = _PUTTY_KIND.search(secret), _PUTTY_CIPHER.search(secret)
    comment = _PUTTY_COMMENT.search(secret)
    name = kind[2] if kind else b""
    encrypted = bool(cipher and cipher[1] != _UNENCRYPTED)
    return {
        "key": _KINDS.get(name, (name.decode(), 0))[0],
        "format": f"PuTTY {kind[1].decode()}" if kind else "PuTTY",
        "encrypted": None if cipher is None else "yes" if encrypted else "no",
        "cipher": cipher[1].decode() if cipher and encrypted else None,
        "comment": comment[1].decode("utf-8", "replace") if comment else None,
    }


def _putty_rest(head: bytes) -> bytes:
    """Return the private half of a key of two well-known primes, where none has begun."""
    p, q = 2**521 - 1, 2**607 - 1
    private = int.from_bytes(drawn(head, 140), "big")
    numbers = (private, p, q, pow(q, -1, p))
    return b"" if _putty_text(head) else base64.b64encode(b"".join(map(mpint, numbers)))


CHECKS: Mapping[str, Check] = MappingProxyType({"putty": Check(_putty, _putty_facts, _putty_rest)})
