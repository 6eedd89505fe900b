"""What a private key says of itself, and its public half as `ssh-keygen -l` names it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from leakguard.checks.check import Facts, Proof


@dataclass(frozen=True, slots=True)
class Key:
    """A private key that could be read.

    Attributes:
        proof: Whether its numbers fit each other; open where nothing binds them.
        facts: What it tells.
    """

    proof: Proof
    facts: Facts


def fits(*conditions: bool) -> Proof:
    """Return what a key proves of which all these would be so."""
    return Proof.HOLDS if all(conditions) else Proof.BROKEN


def public_name(blob: bytes) -> str:
    """Return the name of a public key in the wire format of SSH."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).rstrip(b"=")
    return f"SHA256:{digest.decode()}"


def string(content: bytes) -> bytes:
    """Return a string in the wire format of SSH."""
    return len(content).to_bytes(4, "big") + content


def mpint(value: int) -> bytes:
    """Return a number that is not negative in the wire format of SSH."""
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")


def rsa_name(modulus: int, exponent: int) -> str:
    """Return the name of a public RSA key."""
    return public_name(string(b"ssh-rsa") + mpint(exponent) + mpint(modulus))


def rsa_fits(modulus: int, private: int, primes: tuple[int, int], inverse: int) -> bool:
    """Return whether the numbers of an RSA key are of one key."""
    p, q = primes
    return p > 1 < q and modulus == p * q and 0 < private < modulus and inverse * q % p == 1
