"""Keystores in base64, PKCS#12 and Java's: whether there is a private key in them, or may be.

Where a store was cut short, or its list of contents is encrypted, the answer is open. One that
holds certificates alone is broken: they are public.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from leakguard.checks.check import Check, Proof
from leakguard.checks.digits import decoded

_BREAKS = re.compile(rb"\\[nr]|\s")

_DATA = rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
_PKCS12 = re.compile(
    rb"\x30(?:\x82..\x02\x01\x03\x30\x82..|\x80\x02\x01\x03\x30\x80)" + _DATA + rb"\xa0", re.DOTALL
)
_WITHOUT_LENGTHS = b"MIACAQMwgAYJ"
_KEY_BAG = re.compile(rb"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01[\x01\x02]")

_JAVA = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
_KEY, _CERTIFICATE, _SECRET = 1, 2, 3
_MOST_ENTRIES = 4096
_LONGEST_KEY = 1 << 20


def _raw(secret: bytes) -> bytes:
    """Return what the base64 is of, lines joined; the last digits are left out if they are few."""
    text = _BREAKS.sub(b"", secret).rstrip(b"=")
    return decoded(text[: len(text) // 4 * 4])


def _pkcs12(secret: bytes) -> Proof:
    """Return what a store proves; one of lengths that are not said begins behind what is seen."""
    raw = _raw(secret[max(secret.find(_WITHOUT_LENGTHS), 0) :])
    if not _PKCS12.match(raw):
        return Proof.BROKEN
    return Proof.HOLDS if _KEY_BAG.search(raw) else Proof.OPEN


def _java(secret: bytes) -> Proof:
    raw = _raw(secret)
    version, entries = _number(raw, 4, 4), _number(raw, 8, 4)
    if raw[:4] not in _JAVA or version not in (1, 2) or not 0 < entries < _MOST_ENTRIES:
        return Proof.BROKEN
    place = 12
    for _ in range(entries):
        kind, name_size = _number(raw, place, 4), _number(raw, place + 4, 2)
        place += 6 + name_size + 8
        if len(raw) < place + 4:
            return Proof.OPEN
        if kind in (_KEY, _SECRET):
            return _of_key(raw, kind, place)
        if kind != _CERTIFICATE:
            return Proof.BROKEN
        place += 2 + _number(raw, place, 2) if version == 2 else 0
        place += 4 + _number(raw, place, 4)
    return Proof.BROKEN


def _of_key(raw: bytes, kind: int, place: int) -> Proof:
    # A secret of JCEKS is a serialized object, whose length is not said.
    holds = kind == _SECRET or 0 < _number(raw, place, 4) < _LONGEST_KEY
    return Proof.HOLDS if holds else Proof.BROKEN


def _number(raw: bytes, place: int, size: int) -> int:
    return int.from_bytes(raw[place : place + size], "big")


CHECKS: Mapping[str, Check] = MappingProxyType(
    {"java-keystore": Check(_java), "pkcs12": Check(_pkcs12)}
)
