"""JSON Web Tokens: a header that names an algorithm, claims, and a signature of its size.

Whether one has expired is told and not judged: what is found today must be found tomorrow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from leakguard.checks.check import Check, Facts, Proof
from leakguard.checks.digits import decoded, document, drawn, encoded, text_of, time

_NO_SIGNATURE = "none"
_RSA = (128, 256, 384, 512, 1024)
_SIZES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        _NO_SIGNATURE: (0,),
        "HS256": (32,),
        "HS384": (48,),
        "HS512": (64,),
        "ES256": (64,),
        "ES256K": (64,),
        "ES384": (96,),
        "ES512": (132,),
        "EdDSA": (64, 114),
        "Ed25519": (64,),
        "RS256": _RSA,
        "RS384": _RSA,
        "RS512": _RSA,
        "PS256": _RSA,
        "PS384": _RSA,
        "PS512": _RSA,
    }
)
# A token that is in use says whose it is, what for or how long; one in a manual need not.
_TELLING = frozenset(
    b"iss sub aud exp nbf iat jti azp scope scopes scp sid tid oid cid uid id role roles ref name "
    b"email user username userid clientid accountid orgid tenantid sessionid permissions".split()
)
_CLAIMS = {
    "iss": "issuer",
    "sub": "subject",
    "aud": "audience",
    "role": "role",
    "ref": "project",
    "azp": "client",
    "scope": "scope",
}


def _judge(secret: bytes) -> Proof:
    """Return what a token proves: its claims and signature may have been cut short, or be none."""
    header, claims, signature = _parts(secret)
    algorithm = document(decoded(header)).get("alg")
    if not isinstance(algorithm, str):
        return Proof.BROKEN
    whole = _is_document(claims) and _size(signature) in _SIZES.get(algorithm, ())
    return Proof.HOLDS if whole else Proof.OPEN


def _judge_used(secret: bytes) -> Proof:
    """Return what a token proves, if it does not look like one of a manual."""
    return Proof.BROKEN if _is_bare(secret) else _judge(secret)


def _judge_bare(secret: bytes) -> Proof:
    """Return what a token proves of which no claim says whose it is, what for or how long."""
    return _judge(secret) if _is_bare(secret) else Proof.BROKEN


def _is_bare(secret: bytes) -> bool:
    claims = _parts(secret)[1]
    if not _is_document(claims):
        return False
    named = (name.lower().replace("_", "").encode() for name in document(decoded(claims)))
    return _TELLING.isdisjoint(name.rpartition(b"/")[2] for name in named)


def _parts(secret: bytes) -> tuple[bytes, bytes, bytes]:
    """Return header, claims and signature, of which the last ones may be missing."""
    parts = secret[max(secret.find(b"eyJ"), 0) :].split(b".")
    header, claims, signature = (*parts[:3], b"", b"")[:3]
    return header, claims, signature


def _is_document(part: bytes) -> bool:
    try:
        return bool(document(decoded(part)))
    except (ValueError, RecursionError):
        return False


def _size(part: bytes) -> int:
    try:
        return len(decoded(part))
    except ValueError:
        return -1


def _tell(secret: bytes) -> Facts:
    header, claims, _ = _parts(secret)
    told = {"algorithm": text_of(document(decoded(header)).get("alg"))}
    if not _is_document(claims):
        return told
    values = document(decoded(claims))
    told |= {name: text_of(values.get(claim)) for claim, name in _CLAIMS.items()}
    return told | {"issued": time(values.get("iat")), "expires": time(values.get("exp"))}


def _complete(head: bytes) -> bytes:
    """Return claims and signature for a header that is there, with the dot behind it."""
    return _completed(head, {"sub": drawn(head, 12).hex(), "iss": "ci", "exp": 1_900_000_000})


def _complete_bare(head: bytes) -> bytes:
    return _completed(head, {"some": drawn(head, 12).hex()})


def _completed(head: bytes, told: Mapping[str, str | int]) -> bytes:
    header = document(decoded(_parts(head)[0]))
    size = _SIZES[text_of(header.get("alg"))][0]
    claims = json.dumps(told).encode()
    rest = encoded(claims) + b"." + encoded(drawn(head + claims, size))
    return rest if head.endswith(b".") else b""


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "jwt": Check(_judge, _tell, _complete),
        "jwt-bare": Check(_judge_bare, _tell, _complete_bare),
        "jwt-used": Check(_judge_used, _tell, _complete),
    }
)
