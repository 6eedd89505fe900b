"""Tokens that end in a CRC of what stands before: 32 bits in several notations, or 16 bits.

Each function gives the digits that must follow `head`; a check and its completion both are made of
it, so that a checksum is written once.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from leakguard.checks.check import Check, Digits, Facts
from leakguard.checks.digits import BASE36, BASE62, decoded, decoded32, number

# GitLab appends 16 random bytes to what it routes by, and one byte for how many they are.
_GITLAB_RANDOM = 17
_GITLAB_PREFIX = re.compile(rb"\Agl[a-z]+-(?:t[0-9]_)?")
_GITLAB_FIELDS = {
    b"c": "cell",
    b"g": "group",
    b"o": "organization",
    b"p": "project",
    b"u": "user",
}
_NKEY_ROLES = {
    b"O": "operator",
    b"A": "account",
    b"U": "user",
    b"N": "server",
    b"C": "cluster",
    b"X": "curve",
}
_NKEY_LENGTH = 58


def checksum(
    digits: Digits,
    width: int,
    *,
    trailing: int = 0,
    tell: Callable[[bytes], Facts] | None = None,
) -> Check:
    """Return the check that `width` digits stand where they must, `trailing` bytes from the end."""

    def judge(secret: bytes) -> bool:
        at = len(secret) - trailing - width
        return at > 0 and secret[at : at + width] == digits(secret[:at])

    return Check(judge, complete=digits) if tell is None else Check(judge, tell, digits)


def _base62(head: bytes) -> bytes:
    """GitHub, npm, Vercel, Polar: six digits for the body, the prefix left out."""
    return number(zlib.crc32(body(head)), BASE62, 6)


def _base62_either_case(secret: bytes) -> bool:
    """Review Board: the same, and one release swapped the case of the digits."""
    digits = _base62(secret[:-6])
    return len(secret) > 6 and secret[-6:] in (digits, digits.swapcase())


def _hex(head: bytes) -> bytes:
    """Cloudflare and Zuplo: the body in lower-case hex, the prefix left out."""
    return b"%08x" % zlib.crc32(body(head))


def _hex_of_all(head: bytes) -> bytes:
    """Atlassian: all that stands before, in upper-case hex."""
    return b"%08X" % zlib.crc32(head)


def _hex_reversed(head: bytes) -> bytes:
    """Grafana: all up to the last underscore, low byte first, in lower-case hex."""
    return zlib.crc32(head.removesuffix(b"_")).to_bytes(4, "little").hex().encode()


def _base64(head: bytes) -> bytes:
    """Confluent: the body, low byte first, in base64 without its padding."""
    return base64.b64encode(zlib.crc32(head[4:]).to_bytes(4, "little"))[:6]


def _gitlab(head: bytes) -> bytes:
    """GitLab: the payload's length, then the CRC of all before it, both in base36."""
    measured = head + number(len(_gitlab_payload(head)), BASE36, 2)
    return measured[len(head) :] + number(zlib.crc32(measured), BASE36, 7)


def _gitlab_payload(token: bytes) -> bytes:
    return _GITLAB_PREFIX.sub(b"", token.split(b".")[0])


def _gitlab_facts(secret: bytes) -> Facts:
    lines = decoded(_gitlab_payload(secret))[:-_GITLAB_RANDOM].split(b"\n")
    fields = dict(line.split(b":") for line in lines if line.count(b":") == 1)
    numbers = {key: value for key, value in fields.items() if len(value) < 20}
    return {name: int(numbers[key], 36) for key, name in _GITLAB_FIELDS.items() if key in numbers}


def _base32_crc16(head: bytes) -> bytes:
    """NATS and Stellar: CRC-16 of all bytes, low byte first, as the last two bytes in base32."""
    bits = 5 * len(head)
    raw = decoded32(head + b"A" * (-len(head) % 8))[: -(-bits // 8)]
    whole = raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")
    return base64.b32encode(whole).rstrip(b"=")[len(head) :]


def _crc16_holds(secret: bytes) -> bool:
    raw = decoded32(secret)
    return len(raw) > 2 and binascii.crc_hqx(raw[:-2], 0).to_bytes(2, "little") == raw[-2:]


def _nkey_facts(secret: bytes) -> Facts:
    return {"role": _NKEY_ROLES.get(secret[1:2]) if len(secret) == _NKEY_LENGTH else None}


def body(head: bytes) -> bytes:
    """Return what follows the prefix; a separator in front of the digits is no part of it."""
    return head.removesuffix(b"_").rpartition(b"_")[2]


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "crc16-base32": Check(_crc16_holds, _nkey_facts, _base32_crc16),
        "crc32-base62": checksum(_base62, 6),
        "crc32-base62-either-case": Check(_base62_either_case, complete=_base62),
        "crc32-base64": checksum(_base64, 6),
        "crc32-hex": checksum(_hex, 8),
        "crc32-hex-of-all": checksum(_hex_of_all, 8),
        "crc32-hex-reversed": checksum(_hex_reversed, 8),
        "gitlab-routable": checksum(_gitlab, 9, tell=_gitlab_facts),
    }
)
