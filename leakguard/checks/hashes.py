"""Tokens that end in a piece of a hash, or in the check digits of an alphabet of their own."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from leakguard.checks.check import Check, Facts, Proof
from leakguard.checks.crc import body, checksum
from leakguard.checks.digits import LETTERS_FIRST, decoded32, number, rest

_BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
# Reading a number takes time that grows with the square of its length.
_LONGEST_BASE58 = 128
_LONGEST_CARD = 32

# By how a key in base58 begins: what it is, and how long it is.
_BITCOIN = {
    b"5": ("Bitcoin private key", 51),
    b"K": ("Bitcoin private key", 52),
    b"L": ("Bitcoin private key", 52),
    b"9": ("Bitcoin private key, test network", 51),
    b"c": ("Bitcoin private key, test network", 52),
    b"xprv": ("extended private key", 111),
    b"yprv": ("extended private key", 111),
    b"zprv": ("extended private key", 111),
    b"tprv": ("extended private key, test network", 111),
}
_SEEDS = {b"sEd": ("Ed25519 seed", 31), b"s": ("secp256k1 seed", 29)}

_OWNER = slice(13, 20)
_SUPABASE = re.compile(rb"(sb_(?:secret|publishable)_[0-9A-Za-z_-]{22})_([0-9A-Za-z_-]{8})")


def _github(head: bytes) -> bytes:
    """GitHub's fine-grained tokens: a hash of all before. GitHub does not document it."""
    return base64.b32encode(hashlib.sha256(head).digest())[:8]


def _github_facts(secret: bytes) -> Facts:
    return {"owner": int.from_bytes(decoded32(secret[_OWNER] + b"="), "big")}


def _supabase(secret: bytes) -> Proof:
    """Return whether it is of a project that hosts itself; others have a salt of their own."""
    parts = _SUPABASE.fullmatch(secret)
    if parts is None:  # a personal token, `sbp_`, has no checksum
        return Proof.OPEN if secret.startswith(b"sbp_") else Proof.BROKEN
    return Proof.HOLDS if _supabase_digits(parts[1]) == parts[2] else Proof.OPEN


def _supabase_digits(head: bytes) -> bytes:
    salted = b"supabase-self-hosted|" + head.removesuffix(b"_")
    return base64.urlsafe_b64encode(hashlib.sha256(salted).digest())[:8]


def _crates(head: bytes) -> bytes:
    """crates.io: one character for the exclusive or of the body's bytes."""
    total = 0
    for byte in body(head):
        total ^= byte
    return LETTERS_FIRST[total % 62 : total % 62 + 1]


def _bech32(head: bytes) -> bytes:
    """Bech32 as BIP-173 has it: six digits, in the case of the head, which has one only."""
    if head not in (head.lower(), head.upper()):
        raise ValueError("of both cases")
    prefix, _, digits = head.lower().rpartition(b"1")
    values = [byte >> 5 for byte in prefix] + [0] + [byte & 31 for byte in prefix]
    values += [_BECH32.index(digit) for digit in digits] + [0] * 6
    state = _bech32_state(values) ^ 1
    check = bytes(_BECH32[state >> 5 * (5 - place) & 31] for place in range(6))
    return check.upper() if head.isupper() else check


def _bech32_state(values: Iterable[int]) -> int:
    generators = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(generators):
            state ^= generator if top >> place & 1 else 0
    return state


def _base58check(alphabet: bytes, kinds: Mapping[bytes, tuple[str, int]]) -> Check:
    """Return the check of keys in base58, which end in a hash of all before, hashed twice."""

    def kind(head: bytes) -> tuple[str, int]:
        return next((kinds[start] for start in kinds if head.startswith(start)), ("", 0))

    def judge(secret: bytes) -> bool:
        if len(secret) != kind(secret)[1]:
            return False
        value = _number58(secret, alphabet)
        return value & 0xFFFFFFFF == _hashed(value >> 32)

    def tell(secret: bytes) -> Facts:
        return {"key": kind(secret)[0]}

    def complete(head: bytes) -> bytes:
        free = kind(head)[1] - len(head)
        if free <= 0:
            return b""
        payload = (_number58(head, alphabet) * 58**free >> 32) + 1
        return rest(number(payload << 32 | _hashed(payload), alphabet, 0), head)

    return Check(judge, tell, complete)


def _number58(text: bytes, alphabet: bytes) -> int:
    if len(text) > _LONGEST_BASE58:
        raise ValueError("longer than any key")
    value = 0
    for letter in text:
        value = value * 58 + alphabet.index(letter)
    return value


def _hashed(payload: int) -> int:
    """Return the first four bytes of a payload's hash; no payload here begins with a zero byte."""
    raw = payload.to_bytes((payload.bit_length() + 7) // 8, "big")
    return int.from_bytes(hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4], "big")


def _luhn(secret: bytes) -> bool:
    """Return whether the digits of a card number, apart or not, add up."""
    text = secret.replace(b" ", b"").replace(b"-", b"")
    if not 12 <= len(text) <= _LONGEST_CARD or not text.isdigit():
        return False
    return sum(_luhn_digits(text)) % 10 == 0


def _luhn_digits(text: bytes) -> Iterable[int]:
    for place, digit in enumerate(reversed(text)):
        value = (digit - ord("0")) << (place & 1)
        yield value - 9 if value > 9 else value


def _luhn_rest(head: bytes) -> bytes:
    return next((digit for digit in map(b"%d".__mod__, range(10)) if _luhn(head + digit)), b"")


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "base58check": _base58check(_BASE58, _BITCOIN),
        "base58check-ripple": _base58check(_RIPPLE, _SEEDS),
        "bech32": checksum(_bech32, 6),
        "crates-publishing": checksum(_crates, 1),
        "github-fine-grained": checksum(_github, 8, trailing=8, tell=_github_facts),
        "luhn": Check(_luhn, complete=_luhn_rest),
        "supabase": Check(_supabase, complete=_supabase_digits),
    }
)
