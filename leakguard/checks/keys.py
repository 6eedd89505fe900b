"""Private keys as text: what the body of a PEM, OpenSSH or OpenPGP key proves and tells.

A key whose numbers fit each other holds. One that is encrypted, of a kind that is not known here,
or cut short, is open: a log may well show a part of a key, and a part is enough. What is short or
of few different characters, or has numbers that do not fit, is broken.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType

from leakguard.checks import pem, pgp, pkcs, ssh
from leakguard.checks.check import Check, Facts, Proof
from leakguard.checks.digits import canonical, decoded, drawn, encoded, entropy
from leakguard.checks.key import Key

_SHORTEST = 64
_LEAST_ENTROPY = 4.0
_ARMORED = re.compile(rb"([0-9A-Za-z+/]*={0,2})(?:=([0-9A-Za-z+/]{4}))?")
_HEADING64 = b"LS0tLS1CRUdJTi"


def _judge(secret: bytes) -> Proof:
    if key := _read(secret):
        return key.proof
    text = pem.text(secret)
    varied = len(text) >= _SHORTEST and entropy(text) >= _LEAST_ENTROPY
    return Proof.OPEN if varied else Proof.BROKEN


def _tell(secret: bytes) -> Facts:
    if cipher := pem.cipher(secret):
        return {"encrypted": "yes", "cipher": cipher}
    key = _read(secret)
    return key.facts if key else {}


def _read(secret: bytes) -> Key | None:
    """Return the key that a text holds; None when there is no whole one that is known here."""
    armored = _ARMORED.fullmatch(pem.text(secret))
    if armored is None:
        return None
    text, checksum = armored[1].rstrip(b"="), armored[2] or b""
    try:
        raw = decoded(text)
        if raw.startswith(ssh.MAGIC):
            return ssh.read(raw)
        return pgp.read(raw, checksum) if pgp.begins(raw) else pkcs.read(raw)
    except (ValueError, LookupError, ArithmeticError):
        return None


def _complete(head: bytes) -> bytes:
    """Return a body of one line behind a heading, or nothing where a body has begun."""
    return base64.b64encode(pkcs.ed25519(head)) if not pem.text(head) else b""


def _inner(secret: bytes) -> bytes:
    """Return the text of which `secret` holds the base64 from the heading on."""
    start = max(secret.find(_HEADING64), 0)
    text = secret[start:]
    return base64.b64decode(text[: len(text) // 4 * 4])


def _judge_base64(secret: bytes) -> Proof:
    proof = _judge(_inner(secret))
    # What is no text may have been cut off where base64 cannot go on: the rule's entropy decides.
    return proof if proof is Proof.HOLDS else Proof.OPEN


def _complete_base64(head: bytes) -> bytes:
    """Return the base64 of the rest of a key, of which `head` ends with some of the heading."""
    begun = head[head.find(_HEADING64) :]
    text = b"-----BEGIN PRIVATE KEY-----\n%b\n-----END PRIVATE KEY-----\n"
    whole = base64.b64encode(text % base64.b64encode(pkcs.ed25519(begun)))
    return whole[len(begun) :] if whole.startswith(begun) else b""


def _jwk(secret: bytes) -> bool:
    """Return whether a member of a JSON Web Key is the base64 of enough bytes."""
    return len(canonical(secret)) >= 16


# minisign and signify: the letters in front say how the key is made, and what is encrypted.

_MINISIGN = re.compile(rb"Ed(?P<kdf>Sc|\0\0)B2.{48}(?P<key>.{8}.{64})(?P<sum>.{32})", re.DOTALL)
_SIGNIFY = re.compile(rb"EdBK(?P<rounds>.{4}).{16}(?P<sum>.{8}).{8}(?P<key>.{64})", re.DOTALL)


def _minisign(secret: bytes) -> Proof | bool:
    raw = decoded(secret)
    if key := _MINISIGN.fullmatch(raw):
        digest = hashlib.blake2b(b"Ed" + key["key"], digest_size=32).digest()
        return Proof.OPEN if key["kdf"] == b"Sc" else digest == key["sum"]
    signify = _SIGNIFY.fullmatch(raw)
    if signify is None:
        return False
    digest = hashlib.sha512(signify["key"]).digest()[:8]
    return Proof.OPEN if any(signify["rounds"]) else digest == signify["sum"]


def _minisign_facts(secret: bytes) -> Facts:
    raw = decoded(secret)
    if key := _MINISIGN.fullmatch(raw):
        number = key["key"][7::-1].hex().upper()
        return {
            "format": "minisign",
            "encrypted": "yes" if key["kdf"] == b"Sc" else "no",
            "key_id": number if key["kdf"] != b"Sc" else None,
        }
    if signify := _SIGNIFY.fullmatch(raw):
        return {"format": "signify", "encrypted": "yes" if any(signify["rounds"]) else "no"}
    return {}


def _minisign_rest(head: bytes) -> bytes:
    key = drawn(head, 72)
    digest = hashlib.blake2b(b"Ed" + key, digest_size=32).digest()
    whole = base64.b64encode(b"Ed\0\0B2" + bytes(48) + key + digest)
    return whole[len(head) :] if whole.startswith(head) else b""


def _jwk_rest(head: bytes) -> bytes:
    return encoded(drawn(head, 32)) if not head else b""


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "jwk": Check(_jwk, complete=_jwk_rest),
        "minisign": Check(_minisign, _minisign_facts, _minisign_rest),
        "private-key": Check(_judge, _tell, _complete),
        "private-key-base64": Check(
            _judge_base64, lambda secret: _tell(_inner(secret)), _complete_base64
        ),
    }
)
