"""Private keys in DER: PKCS#1, PKCS#8, SEC1 and DSA's own form, by how their numbers fit together.

Each number of an RSA key is bound to the others, so that a key in which one digit was changed is
seen. Of a key on a curve the scalar is below the order and the public point, if there is one, lies
on the curve. Nothing here takes longer than a few milliseconds, whatever the numbers are.
"""

from __future__ import annotations

from collections.abc import Sequence

from leakguard.checks.check import Proof
from leakguard.checks.curves import CURVES, EDWARDS, Curve
from leakguard.checks.der import INTEGER, OBJECT, OCTETS, SEQUENCE, Element, elements, sequence
from leakguard.checks.digits import drawn
from leakguard.checks.key import Key, fits, public_name, rsa_fits, rsa_name, string

_RSA = bytes.fromhex("2a864886f70d010101")
_DSA = bytes.fromhex("2a8648ce380401")
_EC = bytes.fromhex("2a8648ce3d0201")
_CURVE, _POINT = 0xA0, 0xA1
_ED25519_HEAD = bytes.fromhex("302e020100300506032b657004220420")

# Beyond these sizes a power takes long enough to be worth an attack.
_MOST_DSA_BITS = 3072
_MOST_DSA_SCALAR = 256


def read(raw: bytes) -> Key | None:
    """Return the key that `raw` is; None for a document that is none.

    Raises:
        ValueError: If it is no DER, or more or less than one document.
        IndexError: If it ends in the midst of it.
    """
    items = sequence(raw)
    tags = [item.tag for item in items]
    if tags == [SEQUENCE, OCTETS]:
        return _encrypted(items)
    if tags == [INTEGER] * 9:
        return _rsa([item.number for item in items], "PKCS#1")
    if tags == [INTEGER] * 6 and items[0].number == 0:
        return _dsa([item.number for item in items[1:]], "DSA")
    if tags[:2] == [INTEGER, OCTETS] and items[0].number == 1:
        return _sec1(items)
    return _pkcs8(items) if tags[:3] == [INTEGER, SEQUENCE, OCTETS] else None


def ed25519(seed: bytes) -> bytes:
    """Return a made-up key of Ed25519 in PKCS#8, which only `seed` decides."""
    return _ED25519_HEAD + drawn(seed, 32)


def _encrypted(items: Sequence[Element]) -> Key | None:
    if elements(items[0].content)[0].tag != OBJECT:
        return None
    return Key(Proof.OPEN, {"format": "PKCS#8", "encrypted": "yes"})


def _rsa(numbers: Sequence[int], form: str) -> Key:
    version, n, e, d, p, q, first, second, inverse = numbers
    proof = fits(
        version == 0,
        rsa_fits(n, d, (p, q), inverse),
        (p - 1) > 0 < (q - 1) and e * d % (p - 1) == 1 == e * d % (q - 1),
        (p - 1) > 0 < (q - 1) and (first, second) == (d % (p - 1), d % (q - 1)),
    )
    return Key(proof, _facts("RSA", form) | {"bits": n.bit_length(), "public_key": rsa_name(n, e)})


def _dsa(numbers: Sequence[int], form: str) -> Key:
    p, q, g, y, x = numbers
    if p.bit_length() > _MOST_DSA_BITS or x.bit_length() > _MOST_DSA_SCALAR:
        proof = Proof.OPEN
    else:
        proof = fits(0 < x < q, p > 2, q > 1 and p % q == 1, p > 2 and pow(g, x, p) == y)
    return Key(proof, _facts("DSA", form) | {"bits": p.bit_length()})


def _sec1(items: Sequence[Element]) -> Key:
    tagged = {item.tag: elements(item.content)[0] for item in items[2:]}
    return _ec(items[1].content, CURVES.get(tagged[_CURVE].content), tagged, "SEC1")


def _ec(scalar: bytes, curve: Curve | None, tagged: dict[int, Element], form: str) -> Key:
    facts = _facts("EC", form)
    if curve is None:
        return Key(Proof.OPEN, facts)
    point = tagged[_POINT].content.removeprefix(b"\0") if _POINT in tagged else b""
    value = int.from_bytes(scalar, "big")
    proof = fits(0 < value < curve.order, not point or curve.has(point))
    return Key(proof, facts | {"curve": curve.name, "public_key": _ec_name(curve, point)})


def _ec_name(curve: Curve, point: bytes) -> str:
    if not point or not curve.name.startswith("P-"):
        return ""
    name = b"nistp" + curve.name.removeprefix("P-").encode()
    return public_name(string(b"ecdsa-sha2-" + name) + string(name) + string(point))


def _pkcs8(items: Sequence[Element]) -> Key:
    algorithm = elements(items[1].content)
    kind, inner = algorithm[0].content, items[2].content
    if kind == _RSA:
        return _rsa([item.number for item in sequence(inner)], "PKCS#8")
    if kind == _EC:
        scalar, *more = sequence(inner)[1:]
        tagged = {item.tag: elements(item.content)[0] for item in more}
        return _ec(scalar.content, CURVES.get(algorithm[1].content), tagged, "PKCS#8")
    if kind == _DSA:
        return _dsa_pkcs8(algorithm[1], inner)
    return _edwards(kind, inner)


def _dsa_pkcs8(parameters: Element, inner: bytes) -> Key:
    p, q, g = (item.number for item in elements(parameters.content))
    x = elements(inner)[0].number
    small = p.bit_length() <= _MOST_DSA_BITS and x.bit_length() <= _MOST_DSA_SCALAR
    proof = fits(0 < x < q, q > 1 and p % q == 1, 1 < g < p) if small else Proof.OPEN
    return Key(proof, _facts("DSA", "PKCS#8") | {"bits": p.bit_length()})


def _edwards(kind: bytes, inner: bytes) -> Key:
    name, size = EDWARDS.get(kind, ("", 0))
    if not name:
        return Key(Proof.OPEN, _facts("", "PKCS#8"))
    (seed,) = elements(inner)
    return Key(fits(seed.tag == OCTETS, len(seed.content) == size), _facts(name, "PKCS#8"))


def _facts(kind: str, form: str) -> dict[str, str | int | None]:
    return {"key": kind, "format": form, "encrypted": "no"}
