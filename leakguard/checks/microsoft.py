"""Microsoft's identifiable keys: a signature at a fixed place, and Marvin32 over what is before it.

Marvin32 is seeded with a name of eight letters, so that the seed that fits tells what a key is for.
Entra's secrets and the older personal access tokens of Azure DevOps have checks of their own.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from leakguard.checks.check import Check, Facts, Proof
from leakguard.checks.digits import BASE62, LETTERS_FIRST, decoded32, drawn, number

_LOW32 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Service:
    """A service that issues keys with a signature.

    Attributes:
        name: What it is called.
        roles: What a key may do, by the seed of its checksum.
    """

    name: str
    roles: Mapping[bytes, str]


_BUS = {b"Send0000": "send", b"Listen00": "listen", b"Manage00": "manage"}
_SERVICES = {
    b"+ASt": _Service("Azure Storage", {b"Default0": ""}),
    b"ACDb": _Service(
        "Azure Cosmos DB",
        {
            b"MastRO00": "read",
            b"MastRW00": "read and write",
            b"SysAll00": "system",
            b"Resour00": "resource",
            b"SystRO00": "system, read",
            b"SystRW00": "system, read and write",
            b"Encryp00": "encryption",
        },
    ),
    b"+ABa": _Service("Azure Batch", {b"AbAcct00": ""}),
    b"+AMC": _Service("Azure, classic", {b"Classic0": ""}),
    b"APIM": _Service(
        "Azure API Management",
        {b"Tenant00": "tenant", b"IoTHub00": "", b"Gatewy00": "gateway", b"GitKey00": "git"},
    ),
    b"+ASb": _Service("Azure Service Bus", _BUS),
    b"+AEh": _Service("Azure Event Hubs", _BUS),
    b"+ARm": _Service("Azure Relay", _BUS),
    b"AIoT": _Service(
        "Azure IoT", {b"IoTHub00": "hub", b"DpsKey00": "provisioning", b"Device00": "device"}
    ),
    b"AZEG": _Service("Azure Event Grid", {b"Default0": "", b"EventGrd": ""}),
    b"AzCa": _Service("Azure Cache for Redis", {b"Access00": ""}),
    b"AzSe": _Service("Azure AI Search", {b"Query000": "query", b"PAdmin00": "admin"}),
    b"+ACR": _Service("Azure Container Registry", {b"ACRDflt0": ""}),
    b"AzFu": _Service(
        "Azure Functions",
        {b"Functi00": "function", b"System00": "system", b"Master00": "master"},
    ),
    b"+SQL": _Service("Azure SQL", {b"UsrPwd00": ""}),
}

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_SIGNS = re.compile(rb"[+/]")

_CASK_HEAD = 80
_CASK_PROVIDERS = {
    b"AZDO": "Azure DevOps",
    b"ACOG": "Azure AI services",
    b"AZEG": "Azure Event Grid",
    b"AZAC": "Azure App Configuration",
    b"AZMP": "Azure Maps",
    b"AZCS": "Azure Communication Services",
    b"AZFR": "Azure Fluid Relay",
    b"AZMR": "Azure Mixed Reality",
    b"msql": "Azure SQL",
}
_CASK_FIRST_YEAR = 2024
_MONTHS = b"ABCDEFGHIJKL"

_ENTRA_DIGITS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890.-_~"
_ENTRA_LENGTH = 40

_PAT_LENGTH = 52
_PAT_ISSUERS = {0xE0B9692D: "user", 0x1019F92E: "app"}
_PAT_FREE = 3  # digits of a head that lie in front of the first byte of the checksum


def marvin32(data: bytes, seed: bytes) -> bytes:
    """Return the Marvin32 checksum of `data`, low byte first."""
    high, low = int.from_bytes(seed[:4], "big"), int.from_bytes(seed[4:], "big")
    padded = data + b"\x80" + b"\0" * (-(len(data) + 1) % 4) + b"\0" * 4
    for place in range(0, len(padded), 4):
        low = low + int.from_bytes(padded[place : place + 4], "little") & _LOW32
        low, high = _round(low, high)
    return (low ^ high).to_bytes(4, "little")


def _round(low: int, high: int) -> tuple[int, int]:
    high ^= low
    low = _rotated(low, 20) + high & _LOW32
    high = _rotated(high, 9) ^ low
    low = _rotated(low, 27) + high & _LOW32
    return low, _rotated(high, 19)


def _rotated(word: int, by: int) -> int:
    return (word << by | word >> 32 - by) & _LOW32


def _roles(secret: bytes) -> Iterator[tuple[str, str]]:
    """Yield service and role of each seed with which the checksum of a key fits."""
    service = _SERVICES.get(secret.rstrip(b"=")[-10:-6])
    raw = _raw(secret) if service else b""
    for seed, role in service.roles.items() if service else ():
        if marvin32(raw[:-4], seed) == raw[-4:]:
            yield service.name if service else "", role


def _raw(secret: bytes) -> bytes:
    standard = secret.replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    return base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)


def _key_holds(secret: bytes) -> bool:
    return next(_roles(secret), None) is not None


def _key_facts(secret: bytes) -> Facts:
    service, role = next(_roles(secret), ("", ""))
    return {"service": service, "role": role}


def _key_rest(head: bytes) -> bytes:
    """Return the rest of a key of which all but the checksum is there, its signature included.

    Keys of Functions are of base64url. A key of Redis with a sign in it is made anew by its issuer.
    """
    raw = _raw(head + b"A" * (-len(head) % 4))[: -(-len(head) * 6 // 8)]
    seed = next(iter(_SERVICES[head[-4:]].roles))
    digits = base64.b64encode(raw + marvin32(raw, seed))[len(head) :]
    if head.endswith(b"AzFu"):
        return digits.translate(_URL_SAFE)
    return b"" if head.endswith(b"AzCa") and _SIGNS.search(digits) else digits


def _cask_holds(secret: bytes) -> bool:
    """Return whether a key with `JQQJ9` at offset 52 ends in the checksum of its first 60 bytes."""
    head = secret[:_CASK_HEAD]
    given = secret[_CASK_HEAD:].removesuffix(b"==")
    rests = (_cask_rest(head), base64.b64encode(_cask_checksum(head)))
    # Of six digits only five are compared: the last keeps two bits of no meaning.
    return len(given) in (4, 6) and any(rest[: min(len(given), 5)] == given[:5] for rest in rests)


def _cask_rest(head: bytes) -> bytes:
    value = int.from_bytes(_cask_checksum(head), "big")
    return number(value, BASE62, 1).ljust(6, b"0") if len(head) == _CASK_HEAD else b""


def _cask_checksum(head: bytes) -> bytes:
    return marvin32(base64.b64decode(head, validate=True), b"Default0")


def _cask_facts(secret: bytes) -> Facts:
    year = _CASK_FIRST_YEAR + LETTERS_FIRST.index(secret[58:59])
    month = _MONTHS.index(secret[59:60]) + 1
    provider = secret[76:80]
    named = _CASK_PROVIDERS.get(provider) or provider.decode("ascii")
    return {"service": named, "created": f"{year}-{month:02}"}


def _entra(secret: bytes) -> Proof | bool:
    """Return what a client secret proves; only the form with `8Q~` is known to have a checksum."""
    if secret[3:6] != b"8Q~":
        return Proof.OPEN
    return len(secret) == _ENTRA_LENGTH and secret[-3:] == _entra_rest(secret[:-3])


def _entra_rest(head: bytes) -> bytes:
    value = int.from_bytes(marvin32(head, b"AadPwd00"), "little")
    return number(value, _ENTRA_DIGITS, 6)[:3]


def _pat_issuer(secret: bytes) -> str:
    """Return who issued a token of Azure DevOps; four of its bytes are the CRC of the others."""
    raw = decoded32(secret)
    told = int.from_bytes(bytes([raw[22], raw[8], raw[7], raw[2]]), "little")
    covered = raw[0:2] + raw[3:7] + raw[9:22] + raw[23:32]
    return _PAT_ISSUERS.get(zlib.crc32(covered) ^ told, "")


def _pat_holds(secret: bytes) -> bool:
    return len(secret) == _PAT_LENGTH and bool(_pat_issuer(secret))


def _pat_facts(secret: bytes) -> Facts:
    return {"issuer": _pat_issuer(secret)}


def _pat_rest(head: bytes) -> bytes:
    """Return the rest of a token of which at most three digits are there."""
    if len(head) > _PAT_FREE:
        return b""
    first = decoded32(head + b"A" * (8 - len(head)))[:2]
    covered = first + drawn(head, 26)
    told = (zlib.crc32(covered) ^ next(iter(_PAT_ISSUERS))).to_bytes(4, "little")
    raw = (
        covered[:2] + told[3:4] + covered[2:6] + told[2:3] + told[1:2] + covered[6:19] + told[:1]
    ) + covered[19:]
    return base64.b32encode(raw).rstrip(b"=").lower()[len(head) :]


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "azure-cask": Check(_cask_holds, _cask_facts, lambda head: _cask_rest(head)[:4]),
        "azure-devops-pat": Check(_pat_holds, _pat_facts, _pat_rest),
        "azure-key": Check(_key_holds, _key_facts, _key_rest),
        "entra-secret": Check(_entra, complete=_entra_rest),
    }
)
