"""Credentials that have a structure, made from nothing but chance."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from random import Random
from urllib.parse import quote

from leakguard.checks import COMPLETIONS

from .writing import ALPHABETS, drawn, maker

_XRP = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"


def b64(raw: bytes) -> str:
    """Return base64 with its padding."""
    return base64.b64encode(raw).decode()


def b64url(raw: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@maker("base64-of")
def _base64_of(chance: Random, size: str) -> str:
    return b64(chance.randbytes(int(size)))


@maker("unpadded-of")
def _unpadded_of(chance: Random, size: str) -> str:
    return _base64_of(chance, size).rstrip("=")


@maker("base64url-of")
def _base64url_of(chance: Random, size: str) -> str:
    return b64url(chance.randbytes(int(size)))


@maker("base64url-padded-of")
def _base64url_padded_of(chance: Random, size: str) -> str:
    return base64.urlsafe_b64encode(chance.randbytes(int(size))).decode()


@maker("percent-of")
def _percent_of(chance: Random, size: str) -> str:
    return quote(_base64_of(chance, size), safe="")


@maker("raw")
def _raw(chance: Random, size: str) -> str:
    return chance.randbytes(int(size)).decode("latin-1")


@maker("base64-text")
def _base64_text(_: Random, text: str) -> str:
    return b64(text.encode("latin-1"))


@maker("base64url-text")
def _base64url_text(_: Random, text: str) -> str:
    return b64url(text.encode("latin-1"))


@maker("basic")
def _basic(chance: Random, _: str) -> str:
    return b64(f"deploy:{drawn('base62', 20, chance)}".encode())


@maker("basic-git")
def _basic_git(chance: Random, _: str) -> str:
    body = drawn("base62", 30, chance)
    digits = COMPLETIONS["crc32-base62"](f"ghs_{body}".encode()).decode()
    return b64(f"x-access-token:ghs_{body}{digits}".encode())


@maker("fingerprint")
def _fingerprint(chance: Random, size: str) -> str:
    return chance.randbytes(int(size)).hex(":")


@maker("routable")
def _routable(chance: Random, argument: str) -> str:
    prefix, _, version = argument.partition(",")
    ids = f"o:{_base36(chance.randrange(10**6))}\nu:{_base36(chance.randrange(10**8))}".encode()
    payload = b64url(ids + chance.randbytes(16) + b"\x10")
    head = f"{prefix}{payload}{version}.{_base36(len(payload)):>02}"
    return head + _base36(zlib.crc32(head.encode())).rjust(7, "0")


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = ALPHABETS["base36"][digit] + digits
    return digits or "0"


@maker("cask")
def _cask(chance: Random, signature: str) -> str:
    where = f"B{drawn('month', 1, chance)}AC{'A' * 10}"
    head = f"{drawn('base62', 52, chance)}JQQJ99{where}{drawn('base62', 4, chance)}{signature}"
    return head + COMPLETIONS["azure-cask"](head.encode()).decode()


@maker("devops-pat")
def _devops_pat(chance: Random, _: str) -> str:
    head = drawn("base32-lower", 3, chance).encode()
    return (head + COMPLETIONS["azure-devops-pat"](head)).decode()


@maker("service-bus-key")
def _service_bus_key(chance: Random, _: str) -> str:
    head = f"{drawn('base64', 33, chance)}+ASb"
    return head + COMPLETIONS["azure-key"](head.encode()).decode()


@maker("functions-key")
def _functions_key(chance: Random, _: str) -> str:
    head = f"{drawn('base64url', 44, chance)}AzFu"
    return head + COMPLETIONS["azure-key"](head.encode()).decode()


@maker("redis-key")
def _redis_key(chance: Random, _: str) -> str:
    # Such a key has neither of these two, or it is made anew.
    while True:
        head = f"{drawn('base62', 33, chance)}AzCa"
        digits = COMPLETIONS["azure-key"](head.encode()).decode()
        if digits:
            return head + digits


@maker("base32-nuget")
def _nuget(chance: Random, count: str) -> str:
    # The bits of `oy2` go on into the digit behind it.
    return drawn("base32-lower", int(count), chance)


@maker("aws-session")
def _aws_session(chance: Random, _: str) -> str:
    return b64(b"!\n\torigin_ec" + b"\x10" + chance.randbytes(600))


@maker("bedrock-url")
def _bedrock_url(chance: Random, _: str) -> str:
    credential = f"ASIA{drawn('base32', 16, chance)}/20261124/us-east-1/bedrock/aws4_request"
    query = {
        "Action": "CallWithBearerToken",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": credential,
        "X-Amz-Date": "20261124T080000Z",
        "X-Amz-Expires": "43200",
        "X-Amz-Security-Token": _aws_session(chance, ""),
        "X-Amz-Signature": drawn("hex", 64, chance),
    }
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return b64(f"bedrock.amazonaws.com/?{text}&Version=1".encode())


@maker("tink-json")
def _tink_json(chance: Random, _: str) -> str:
    number = chance.randrange(1 << 31)
    material = {
        "typeUrl": "type.googleapis.com/google.crypto.tink.AesGcmKey",
        "value": b64(b"\x1a\x20" + chance.randbytes(32)),
        "keyMaterialType": "SYMMETRIC",
    }
    key = {"keyData": material, "status": "ENABLED", "keyId": number, "outputPrefixType": "TINK"}
    return json.dumps({"primaryKeyId": number, "key": [key]})


@maker("tink-base64")
def _tink_base64(chance: Random, _: str) -> str:
    url = b"type.googleapis.com/google.crypto.tink.AesGcmKey"
    value = b"\x1a\x20" + chance.randbytes(32)
    material = (
        b"\x0a" + bytes([len(url)]) + url + b"\x12" + bytes([len(value)]) + value + b"\x18\x01"
    )
    number = b"\xd5\xb2\xc1\x9a\x04"
    key = b"\x0a" + bytes([len(material)]) + material + b"\x10\x01\x18" + number + b"\x20\x01"
    return b64(
        b"\x08" + number + b"\x12" + struct.pack("<BB", len(key) & 127 | 128, len(key) >> 7) + key
    )


@maker("vault-service")
def _vault_service(chance: Random, _: str) -> str:
    token = b"\x0a\x04hvs." + drawn("base62", 24, chance).encode()
    body = b"\x08\x01\x12\x20" + chance.randbytes(32) + b"\x1a" + bytes([len(token)]) + token
    return b64url(body)


@maker("vault-batch")
def _vault_batch(chance: Random, _: str) -> str:
    return b64url(b"\0\0\0\x01\x02" + chance.randbytes(110))


@maker("macaroon")
def _macaroon(chance: Random, head: str) -> str:
    # The location's field begins the token, and is its prefix.
    location = base64.b64decode(head + "=" * (-len(head) % 4))
    identifier = _field(2, _uuid4(chance).encode())
    caveat = _field(2, json.dumps({"permissions": "user", "version": 1}).encode()) + b"\0"
    return b64url(location + identifier + b"\0" + caveat + b"\0" + _field(6, chance.randbytes(32)))


def _field(kind: int, content: bytes) -> bytes:
    return bytes([kind, len(content)]) + content


def _uuid4(chance: Random) -> str:
    digits = drawn("hex", 32, chance)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


@maker("swarm")
def _swarm(chance: Random, width: str) -> str:
    # Of the 50 digits all hold less than 256 bits, of the 25 less than 128.
    return _base36(chance.getrandbits(int(width) * 5)).rjust(int(width), "0")


@maker("discord")
def _discord(chance: Random, size: str) -> str:
    bot = b64(str(chance.randrange(10**17, 10**18)).encode()).rstrip("=")
    return f"{bot}.{b64url(b'e' + chance.randbytes(3))[:6]}.{b64url(chance.randbytes(int(size)))}"


@maker("cisco7")
def _cisco7(chance: Random, _: str) -> str:
    key = b"dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87"
    word, salt = drawn("base62", 10, chance).encode(), chance.randrange(16)
    hidden = bytes(byte ^ key[(salt + place) % len(key)] for place, byte in enumerate(word))
    return f"{salt:02d}{hidden.hex().upper()}"


# Of what a claim says nothing but its name and issuer is looked at by anybody.
_CLAIMS: Mapping[str, tuple[str, dict[str, object]]] = {
    "hs256": ("HS256", {"sub": "1234567890", "name": "ci", "iat": 1764000000}),
    "rs256": ("RS256", {"sub": "ci@example.com", "iss": "https://id.example.com"}),
    "es256": ("ES256", {"sub": "ci", "aud": "api"}),
    "github": ("RS256", {"iss": "123456", "iat": 1764000000, "exp": 1764003600}),
    "entra": (
        "RS256",
        {
            "aud": "https://management.azure.com",
            "iss": "https://sts.windows.net/5f1c2d3e-0a1b-4c2d-8e3f-9a0b1c2d3e4f/",
            "oid": "0b1c2d3e-4f5a-4b6c-8d7e-9f0a1b2c3d4e",
        },
    ),
    "supabase": (
        "HS256",
        {"iss": "supabase", "ref": "abcdefghijklmnopqrst", "role": "service_role"},
    ),
    "kubernetes": (
        "RS256",
        {
            "iss": "kubernetes/serviceaccount",
            "kubernetes.io/serviceaccount/namespace": "default",
            "kubernetes.io/serviceaccount/secret.name": "deployer-token-abcde",
            "kubernetes.io/serviceaccount/service-account.name": "deployer",
            "sub": "system:serviceaccount:default:deployer",
        },
    ),
    "turso": (
        "EdDSA",
        {"a": "rw", "iat": 1764000000, "id": "0b1c2d3e-4f5a-4b6c-8d7e-9f0a1b2c3d4e"},
    ),
    "temporal": ("ES256", {"account_id": "acme", "aud": ["temporal.io"], "iss": "temporal.io"}),
}
_SIGNATURES = {"HS256": 32, "RS256": 256, "ES256": 64, "EdDSA": 64}


@maker("jwt")
def _jwt(chance: Random, kind: str) -> str:
    algorithm, claims = _CLAIMS[kind]
    told = claims | {"exp": 1795536000, "jti": _uuid4(chance)}
    parts = ({"alg": algorithm, "typ": "JWT"}, told)
    texts = [b64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts]
    return ".".join((*texts, b64url(chance.randbytes(_SIGNATURES[algorithm]))))


@maker("wireguard")
def _wireguard(chance: Random, _: str) -> str:
    raw = bytearray(chance.randbytes(32))
    raw[0] &= 248
    raw[31] = raw[31] & 127 | 64
    return b64(bytes(raw))


@maker("nkey")
def _nkey(chance: Random, kind: str) -> str:
    role = {"SU": 20, "SA": 0, "SO": 14, "SN": 13, "SC": 2, "SX": 23}[kind] << 3
    head = bytes([18 << 3 | role >> 5, (role & 31) << 3])
    return _base32_with_crc(head + chance.randbytes(32))


@maker("stellar")
def _stellar(chance: Random, _: str) -> str:
    return _base32_with_crc(bytes([18 << 3]) + chance.randbytes(32))


def _base32_with_crc(raw: bytes) -> str:
    state = 0
    for byte in raw:
        state ^= byte << 8
        for _ in range(8):
            state = state << 1 ^ (0x1021 if state & 0x8000 else 0)
        state &= 0xFFFF
    return base64.b32encode(raw + state.to_bytes(2, "little")).decode().rstrip("=")


@maker("wif")
def _wif(chance: Random, kind: str) -> str:
    return _base58check(b"\x80" + chance.randbytes(32) + (b"\x01" if kind == "K" else b""))


@maker("xprv")
def _xprv(chance: Random, version: str) -> str:
    place = b"\x03" + chance.randbytes(8)
    return _base58check(
        bytes.fromhex(version) + place + chance.randbytes(32) + b"\0" + chance.randbytes(32)
    )


@maker("ripple")
def _ripple(chance: Random, _: str) -> str:
    return _base58check(b"\x21" + chance.randbytes(16), _XRP)


def _base58check(raw: bytes, alphabet: str = ALPHABETS["base58"]) -> str:
    number = int.from_bytes(raw + hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4], "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = alphabet[digit] + digits
    return digits


@maker("jks")
def _jks(chance: Random, _: str) -> str:
    head = struct.pack(">IIIIH", 0xFEEDFEED, 2, 1, 1, 7) + b"release" + struct.pack(">Q", 1 << 40)
    return b64(head + struct.pack(">I", 1200) + chance.randbytes(1200 + 20))


@maker("secret-manifest")
def _secret_manifest(chance: Random, _: str) -> str:
    value = b64(drawn("base62", 24, chance).encode())
    head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ntype: Opaque\ndata:\n"
    return f"{head}  password: {value}\n"
