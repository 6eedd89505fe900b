"""Tokens that are the base64 of so many bytes: an encoder leaves the last bits of it zero.

`base64-of-N` holds for a token whose last characters are what an encoder writes for N bytes, with
or without padding, behind any prefix; percent signs are undone first.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from leakguard.checks.check import Check, Facts
from leakguard.checks.digits import canonical, decoded, drawn, encoded, unquoted

# Of a size that three divides the last characters say nothing.
_SIZES = (16, 20, 32, 40, 64)
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SENDGRID = (16, 32)
_BLOCK = 16
# Three words in a row, joined in one of the usual ways.
_WORDS = re.compile(rb"(?:[A-Z]?[a-z]{3,}[_-]?){3}")


def _ending(text: bytes, size: int) -> bytes:
    """Return the characters of `size` bytes that `text` ends in; nothing if there are too few."""
    length = -(-size * 8 // 6)
    return text[-length:] if len(text) >= length else b""


def _base64_of(size: int) -> Check:
    def judge(secret: bytes) -> bool:
        return len(canonical(_ending(unquoted(secret).rstrip(b"="), size))) == size

    def complete(head: bytes) -> bytes:
        # Of the last character only the bits in front are of the bytes.
        ending = -(-size * 8 // 6) * 6 - size * 8
        letter = drawn(head, 1)[0] % 64 >> ending << ending
        return _ALPHABET[letter : letter + 1]

    return Check(judge, complete=complete)


def _sendgrid(secret: bytes) -> bool:
    """Return whether both parts are what an encoder writes for 16 and for 32 bytes."""
    _, identifier, key = secret.split(b".")
    return (len(canonical(identifier)), len(canonical(key))) == _SENDGRID


def _azure_sas(secret: bytes) -> bool:
    """Return whether a signature is one of 32 bytes; what is in front of it is a URL's query."""
    text = unquoted(secret.rpartition(b"sig=")[2]).rstrip(b"=")
    return len(canonical(text)) == 32


def _azure_sas_facts(secret: bytes) -> Facts:
    query = secret.rpartition(b"sig=")[0].rpartition(b"?")[2]
    fields = dict(_fields(query))
    return {
        "expires": fields.get(b"se", ""),
        "permissions": fields.get(b"sp", ""),
        "resource": fields.get(b"sr", "") or fields.get(b"srt", ""),
        "service": fields.get(b"ss", ""),
        "version": fields.get(b"sv", ""),
    }


def _fields(query: bytes) -> Iterator[tuple[bytes, str]]:
    for field in query.split(b"&"):
        name, _, value = field.partition(b"=")
        yield name, unquoted(value).decode("ascii", "replace")


def _wireguard(secret: bytes) -> bool:
    """Return whether a key of 32 bytes is clamped, as one in thirty-two is by chance."""
    raw = decoded(secret)
    return len(raw) == 32 and raw[0] & 7 == 0 and raw[31] & 0xC0 == 0x40


def _wireguard_whole(head: bytes) -> bytes:
    """Return a clamped key; none follows a part of one."""
    raw = bytearray(drawn(head, 32))
    raw[0] &= 0xF8
    raw[31] = raw[31] & 0x3F | 0x40
    return b"" if head else base64.b64encode(raw)


def _rclone(secret: bytes) -> bool:
    """Return whether it is the base64 of a block of 16 bytes and a text, and no name."""
    varied = all(re.search(kind, secret) for kind in (rb"[a-z]", rb"[A-Z]", rb"[0-9]"))
    return varied and len(canonical(secret)) > _BLOCK and not _WORDS.search(secret)


def _rclone_whole(head: bytes) -> bytes:
    """Return an obscured text of which nothing is there; none follows a part of one."""
    return b"" if head else encoded(drawn(head, _BLOCK + 10))


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "azure-sas": Check(_azure_sas, _azure_sas_facts),
        "rclone-obscured": Check(_rclone, complete=_rclone_whole),
        "sendgrid": Check(_sendgrid),
        "wireguard": Check(_wireguard, complete=_wireguard_whole),
        **{f"base64-of-{size}": _base64_of(size) for size in _SIZES},
    }
)
