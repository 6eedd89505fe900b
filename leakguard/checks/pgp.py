"""Private keys of OpenPGP: packets in an armor that ends in a CRC of 24 bits, where it has one."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from leakguard.checks.check import Proof
from leakguard.checks.digits import decoded, time
from leakguard.checks.key import Key, fits

_SECRET_KEY, _USER = 5, 13
_CRC_START = 0xB704CE
_CRC_POLYNOMIAL = 0x1864CFB

# By the number of an algorithm: its name, and how many numbers its public half has.
_ALGORITHMS = {
    1: ("RSA", 2),
    2: ("RSA", 2),
    3: ("RSA", 2),
    16: ("Elgamal", 3),
    17: ("DSA", 4),
    19: ("EC", 1),
    22: ("Ed25519", 1),
}
_WITH_CURVE = (19, 22)
_FIXED = {25: ("X25519", 32), 26: ("X448", 56), 27: ("Ed25519", 32), 28: ("Ed448", 57)}
_VERSIONS = (4, 6)


def begins(raw: bytes) -> bool:
    """Return whether bytes begin as the packet of a private key does."""
    return bool(raw) and raw[0] & 0xBC in (0x94, 0x84) and _kind(raw[0]) == _SECRET_KEY


def read(raw: bytes, checksum: bytes) -> Key | None:
    """Return the key that `raw` is.

    Args:
        raw: What the armor holds.
        checksum: The four digits of the armor's checksum; empty when it has none.

    Raises:
        ValueError: If it is damaged.
        IndexError: If it ends in the midst of a packet.
    """
    packets = list(_packets(raw))
    if packets[0][0] != _SECRET_KEY or packets[0][1][0] not in _VERSIONS:
        return None
    user = next((content for kind, content in packets if kind == _USER), b"")
    facts = _facts(packets[0][1]) | {"comment": user.decode("utf-8", "replace")}
    return Key(fits(decoded(checksum) == crc24(raw)) if checksum else Proof.OPEN, facts)


def crc24(raw: bytes) -> bytes:
    """Return the CRC of an armor."""
    state = _CRC_START
    table = _table()
    for byte in raw:
        state = state << 8 & 0xFFFFFF ^ table[state >> 16 ^ byte]
    return state.to_bytes(3, "big")


@functools.cache
def _table() -> tuple[int, ...]:
    return tuple(_shifted(byte << 16) for byte in range(256))


def _shifted(state: int) -> int:
    for _ in range(8):
        state <<= 1
        state ^= _CRC_POLYNOMIAL if state & 0x1000000 else 0
    return state


def _kind(head: int) -> int:
    return head & 0x3F if head & 0x40 else head >> 2 & 0x0F


def _packets(raw: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(raw):
        head = raw[place]
        if not head & 0x80:
            raise ValueError("not a packet")
        size, start = _new_size(raw, place + 1) if head & 0x40 else _old_size(raw, place)
        if start + size > len(raw):
            raise ValueError("a packet is longer than its message")
        yield _kind(head), raw[start : start + size]
        place = start + size


def _new_size(raw: bytes, place: int) -> tuple[int, int]:
    """Return the size of a packet, which is written at `place`, and where it begins."""
    first = raw[place]
    if first < 192:
        return first, place + 1
    if first < 224:
        return (first - 192 << 8) + raw[place + 1] + 192, place + 2
    if first == 255:
        return int.from_bytes(raw[place + 1 : place + 5], "big"), place + 5
    raise ValueError("a packet in parts")


def _old_size(raw: bytes, place: int) -> tuple[int, int]:
    width = 1 << (raw[place] & 3)
    if width > 4:
        raise ValueError("a packet without an end")
    start = place + 1 + width
    return int.from_bytes(raw[place + 1 : start], "big"), start


def _facts(packet: bytes) -> dict[str, str | int | None]:
    usage = _usage(packet)
    return {
        "key": _name(packet[5]),
        "format": "OpenPGP",
        "encrypted": None if usage is None else "no" if usage == 0 else "yes",
        "created": time(int.from_bytes(packet[1:5], "big")),
    }


def _name(algorithm: int) -> str:
    return (_ALGORITHMS.get(algorithm) or _FIXED.get(algorithm) or ("", 0))[0]


def _usage(packet: bytes) -> int | None:
    """Return the byte behind the public half, which says how the private one is encrypted."""
    algorithm = packet[5]
    place = 6 if packet[0] == 4 else 10
    if algorithm in _FIXED:
        return packet[place + _FIXED[algorithm][1]]
    if algorithm not in _ALGORITHMS:
        return None
    if algorithm in _WITH_CURVE:
        place += 1 + packet[place]
    for _ in range(_ALGORITHMS[algorithm][1]):
        bits = int.from_bytes(packet[place : place + 2], "big")
        place += 2 + (bits + 7) // 8
    return packet[place]
