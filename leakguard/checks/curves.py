"""The elliptic curves of keys: their names and numbers, and whether a point is one of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_UNCOMPRESSED = 4


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve in the form of Weierstrass, over a prime.

    Attributes:
        name: What it is called.
        prime: The prime.
        a: The first coefficient.
        b: The second one.
        order: How many points its generator reaches.
    """

    name: str
    prime: int
    a: int
    b: int
    order: int

    @property
    def size(self) -> int:
        """Bytes of a coordinate."""
        return (self.prime.bit_length() + 7) // 8

    def has(self, point: bytes) -> bool:
        """Return whether an uncompressed point is on the curve."""
        if len(point) != 1 + 2 * self.size or point[0] != _UNCOMPRESSED:
            return False
        x = int.from_bytes(point[1 : 1 + self.size], "big")
        y = int.from_bytes(point[1 + self.size :], "big")
        return (y * y - (x * x + self.a) * x - self.b) % self.prime == 0


_P256 = Curve(
    "P-256",
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    -3,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
)
_P384 = Curve(
    "P-384",
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    -3,
    int(
        "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe814112"
        "0314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
        16,
    ),
    int(
        "ffffffffffffffffffffffffffffffffffffffffffffffff"
        "c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        16,
    ),
)
_P521 = Curve(
    "P-521",
    2**521 - 1,
    -3,
    int(
        "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e1"
        "56193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
        16,
    ),
    int(
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
        "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
        16,
    ),
)
_K256 = Curve(
    "secp256k1",
    2**256 - 2**32 - 977,
    0,
    7,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
)

CURVES: Mapping[bytes, Curve] = MappingProxyType(
    {
        bytes.fromhex("2a8648ce3d030107"): _P256,
        bytes.fromhex("2b81040022"): _P384,
        bytes.fromhex("2b81040023"): _P521,
        bytes.fromhex("2b8104000a"): _K256,
    }
)
"""The curves by their object identifiers, as DER has them."""

BY_SIZE: Mapping[int, Curve] = MappingProxyType({32: _P256, 48: _P384, 66: _P521})
"""The curves of NIST by the size of a number."""

EDWARDS: Mapping[bytes, tuple[str, int]] = MappingProxyType(
    {
        bytes.fromhex("2b656e"): ("X25519", 32),
        bytes.fromhex("2b656f"): ("X448", 56),
        bytes.fromhex("2b6570"): ("Ed25519", 32),
        bytes.fromhex("2b6571"): ("Ed448", 57),
    }
)
"""Name of the keys of the newer curves and their bytes, by object identifier."""
