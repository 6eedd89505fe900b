"""What the bytes of a credential prove without a network: checksums and structure, by name.

A check takes the bytes of a secret, says whether they hold together, and never raises, whatever it
is given. To add one, write a function and name it in `CHECKS`. A checksum is written once, as the
digits that must follow its head; the check and its inverse in `COMPLETIONS` both come from there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

Check: TypeAlias = Callable[[bytes], bool]
Digits: TypeAlias = Callable[[bytes], bytes]

_BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE36 = b"0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS_FIRST = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_LOW32 = 0xFFFFFFFF


def entropy(value: bytes) -> float:
    """Return the Shannon entropy of `value`, in bits for each byte; 0.0 for nothing at all."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares) if len(shares) > 1 else 0.0


# Checksums. Each function gives the digits that follow `head` in a well-formed credential.


def _crc32_base62(head: bytes) -> bytes:
    """GitHub, npm, Vercel, Polar: six base62 digits of the body's CRC, the prefix left out."""
    return _number(zlib.crc32(_body(head)), _BASE62, 6)


def _crc32_hex(head: bytes) -> bytes:
    """Cloudflare and Zuplo: the body's CRC in lower-case hex, the prefix left out."""
    return b"%08x" % zlib.crc32(_body(head))


def _crc32_hex_of_all(head: bytes) -> bytes:
    """Atlassian: the CRC of all that stands before, in upper-case hex."""
    return b"%08X" % zlib.crc32(head)


def _crc32_hex_reversed(head: bytes) -> bytes:
    """Grafana: the CRC of all up to the last underscore, low byte first, in lower-case hex."""
    return zlib.crc32(head.removesuffix(b"_")).to_bytes(4, "little").hex().encode()


def _crc32_base64(head: bytes) -> bytes:
    """Confluent: the body's CRC, low byte first, in base64 without its padding."""
    return base64.b64encode(zlib.crc32(head[4:]).to_bytes(4, "little"))[:6]


def _gitlab_routable(head: bytes) -> bytes:
    """GitLab: the payload's length, then the CRC of all before it, both in base36."""
    payload = re.sub(rb"\Agl[a-z]+-(?:t[0-9]_)?", b"", head.split(b".")[0])
    measured = head + _number(len(payload), _BASE36, 2)
    return measured[len(head) :] + _number(zlib.crc32(measured), _BASE36, 7)


def _github_fine_grained(head: bytes) -> bytes:
    """GitHub's fine-grained tokens: a hash of all before. GitHub does not document it."""
    return base64.b32encode(hashlib.sha256(head).digest())[:8]


def _crates_publishing(head: bytes) -> bytes:
    """crates.io: one character for the exclusive or of the body's bytes."""
    total = 0
    for byte in _body(head):
        total ^= byte
    return _LETTERS_FIRST[total % 62 : total % 62 + 1]


def _bech32(head: bytes) -> bytes:
    """Bech32 as BIP-173 has it: six digits, in the case of the head."""
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


def _body(head: bytes) -> bytes:
    """Return what follows the prefix; a separator in front of the digits is no part of it."""
    return head.removesuffix(b"_").rpartition(b"_")[2]


def _number(number: int, digits: bytes, width: int) -> bytes:
    """Return `number` in the base of `digits`, most significant first, at least `width` long."""
    written = b""
    while number:
        number, digit = divmod(number, len(digits))
        written = digits[digit : digit + 1] + written
    return written.rjust(width, digits[:1])


# Microsoft's identifiable keys. Their checksum is Marvin32, seeded with a name of eight letters.

_SEEDS = {
    b"+ASt": (b"Default0",),
    b"ACDb": (b"MastRO00", b"MastRW00", b"SysAll00", b"Resour00", b"SystRO00", b"SystRW00"),
    b"+ABa": (b"AbAcct00",),
    b"APIM": (b"Tenant00", b"IoTHub00", b"Gatewy00", b"GitKey00"),
    b"+ASb": (b"Send0000", b"Listen00", b"Manage00"),
    b"+AEh": (b"Send0000", b"Listen00", b"Manage00"),
    b"+ARm": (b"Send0000", b"Listen00", b"Manage00"),
    b"AIoT": (b"IoTHub00", b"DpsKey00", b"Device00"),
    b"AZEG": (b"Default0", b"EventGrd"),
}


def _azure_key(secret: bytes) -> bool:
    """Return whether a key of Azure Storage, Service Bus and the like carries its checksum."""
    raw = base64.b64decode(secret, validate=True)
    seeds = _SEEDS.get(secret.rstrip(b"=")[-10:-6], ())
    return any(_marvin32(raw[:-4], seed) == raw[-4:] for seed in seeds)


def _azure_key_rest(head: bytes) -> bytes:
    """Return the rest of a key of which all but the checksum is there, its signature included."""
    padded = head + b"A" * (-len(head) % 4)
    raw = base64.b64decode(padded)[: -(-len(head) * 6 // 8)]
    whole = base64.b64encode(raw + _marvin32(raw, _SEEDS[head[-4:]][0]))
    return whole[len(head) :]


def _azure_cask(secret: bytes) -> bool:
    """Return whether a key with `JQQJ9` at offset 52 ends in the checksum of its first 60 bytes."""
    given = secret[80:].removesuffix(b"==")
    rests = (_azure_cask_rest(secret[:80]), _plain_cask_rest(secret[:80]))
    # Of six digits only five are compared: the last keeps two bits of no meaning.
    return len(given) in (4, 6) and any(rest[: min(len(given), 5)] == given[:5] for rest in rests)


def _azure_cask_rest(head: bytes) -> bytes:
    number = int.from_bytes(_cask_checksum(head), "big")
    return _number(number, _BASE62, 1).ljust(6, b"0") if len(head) == 80 else b""


def _plain_cask_rest(head: bytes) -> bytes:
    return base64.b64encode(_cask_checksum(head))


def _cask_checksum(head: bytes) -> bytes:
    return _marvin32(base64.b64decode(head, validate=True), b"Default0")


def _marvin32(data: bytes, seed: bytes) -> bytes:
    """Return the Marvin32 checksum of `data`, low byte first."""
    high, low = int.from_bytes(seed[:4], "big"), int.from_bytes(seed[4:], "big")
    padded = data + b"\x80" + b"\0" * (-(len(data) + 1) % 4) + b"\0" * 4
    for place in range(0, len(padded), 4):
        low = low + int.from_bytes(padded[place : place + 4], "little") & _LOW32
        low, high = _marvin_round(low, high)
    return (low ^ high).to_bytes(4, "little")


def _marvin_round(low: int, high: int) -> tuple[int, int]:
    high ^= low
    low = _rotated(low, 20) + high & _LOW32
    high = _rotated(high, 9) ^ low
    low = _rotated(low, 27) + high & _LOW32
    return low, _rotated(high, 19)


def _rotated(word: int, by: int) -> int:
    return (word << by | word >> 32 - by) & _LOW32


# Structure: what decodes, and into what.


def _jwt(secret: bytes) -> bool:
    """Return whether the part before the first dot is a JSON object that names an algorithm."""
    header = json.loads(_decoded(secret[secret.find(b"eyJ") :].split(b".")[0]))
    return isinstance(header, dict) and isinstance(header.get("alg"), str)


def _macaroon(secret: bytes) -> bool:
    """Return whether a PyPI token is a macaroon: fields, and a signature of 32 bytes at the end."""
    raw = _decoded(secret.removeprefix(b"pypi-"))
    place, kind, size = 1, 0, 0
    while place < len(raw):
        kind, place = _varint(raw, place)
        size = 0
        if kind:
            size, place = _varint(raw, place)
            place += size
    return raw[0] == 2 and (kind, size, place) == (6, 32, len(raw))


def _macaroon_rest(head: bytes) -> bytes:
    """Return what makes a macaroon of `head`, which ends with its location."""
    raw = _decoded(head.removeprefix(b"pypi-"))
    identifier = hashlib.sha256(head).hexdigest()[:36].encode()
    fields = b"\x02\x24" + identifier + b"\0\0\x06\x20" + hashlib.sha256(identifier).digest()
    whole = base64.urlsafe_b64encode(raw + fields).rstrip(b"=")
    return whole[len(head) - len(b"pypi-") :]


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    """Return the number written from `place`, seven bits to a byte, and the place behind it."""
    number = shift = 0
    while True:
        byte = raw[place]
        place += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, place


def _sendgrid(secret: bytes) -> bool:
    """Return whether both parts are what an encoder writes for 16 and for 32 bytes."""
    _, identifier, key = secret.split(b".")
    return len(_canonical(identifier)) == 16 and len(_canonical(key)) == 32


def _basic_auth(secret: bytes) -> bool:
    """Return whether it decodes to printable text of the form `user:password`."""
    text = _decoded(secret)
    user, colon, password = text.partition(b":")
    text.decode()
    printable = all(byte >= 0x20 and byte != 0x7F for byte in text)
    return bool(printable and colon and len(user + password) >= 4 and password)


def _base64_of_32(secret: bytes) -> bool:
    """Return whether it is the base64 of 32 bytes, percent signs undone."""
    plain = secret.replace(b"%2B", b"+").replace(b"%2F", b"/").replace(b"%3D", b"=")
    plain = plain.replace(b"%2b", b"+").replace(b"%2f", b"/").replace(b"%3d", b"=")
    return len(_decoded(plain)) == 32


def _private_key(secret: bytes) -> bool:
    """Return whether this is the body of a key: long, varied, no row of one character.

    The DER inside is not looked at: a log or a test may well show a key that was cut short.
    """
    body = re.sub(rb"\\[nrt]|[^A-Za-z0-9+/=]", b"", secret)
    return len(body) >= 64 and entropy(body) >= 4.0


def _vault_service(secret: bytes) -> bool:
    """Return whether a `hvs.` token is the message that Vault writes: version, HMAC, token."""
    raw = _decoded(secret.removeprefix(b"hvs."))
    return raw[0] == 8 and raw[2:4] == b"\x12\x20" and raw[36:37] == b"\x1a"


def _discord_bot(secret: bytes) -> bool:
    """Return whether the first part is the base64 of a numeric account id."""
    return 15 <= len(_decoded(secret.split(b".")[0])) <= 20 and (
        _decoded(secret.split(b".")[0]).isdigit()
    )


def _password(secret: bytes) -> bool:
    """Return whether somebody seems to have meant this as a password, not as a word to replace.

    At least eight bytes, a digit beside letters or both cases within a word, and not called one.
    """
    if re.search(rb"(?i)pass(?:word|wd|phrase)|passw0rd|secret|token", secret):
        return False
    letters, digits = re.search(rb"[A-Za-z]", secret), re.search(rb"[0-9]", secret)
    mixed = re.search(rb"[a-z][A-Z]|[A-Z]{2}[a-z]", secret)
    return len(secret) >= 8 and bool(letters and (digits or mixed))


def _mixed(secret: bytes) -> bool:
    """Return whether letters and digits both occur, as chance would have it in a random string."""
    return bool(re.search(rb"[A-Za-z]", secret) and re.search(rb"[0-9]", secret))


def _decoded(text: bytes) -> bytes:
    """Return what `text` is the base64 of; either alphabet, with or without padding."""
    standard = text.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    return base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)


def _canonical(text: bytes) -> bytes:
    """Return what `text` decodes to, or nothing if an encoder would have written it otherwise."""
    raw = _decoded(text)
    return raw if base64.urlsafe_b64encode(raw).rstrip(b"=") == text else b""


def _total(check: Check) -> Check:
    """Return `check` with every way in which damaged input makes it stumble meaning "no"."""

    def passes(secret: bytes) -> bool:
        try:
            return check(secret)
        except (ValueError, IndexError, RecursionError):
            return False

    return passes


def _tried(digits: Digits) -> Digits:
    """Return `digits`, giving nothing where none can follow."""

    def completed(head: bytes) -> bytes:
        try:
            return digits(head)
        except (ValueError, LookupError):
            return b""

    return completed


def _checksum(digits: Digits, width: int, *, trailing: int = 0) -> Check:
    """Return the check that `width` digits stand where they must, `trailing` bytes from the end."""

    def passes(secret: bytes) -> bool:
        at = len(secret) - trailing - width
        return at > 0 and secret[at : at + width] == digits(secret[:at])

    return passes


COMPLETIONS: Mapping[str, Digits] = MappingProxyType(
    {
        name: _tried(digits)
        for name, digits in {
            "azure-cask": lambda head: _azure_cask_rest(head)[:4],
            "azure-key": _azure_key_rest,
            "bech32": _bech32,
            "crates-publishing": _crates_publishing,
            "crc32-base62": _crc32_base62,
            "crc32-base64": _crc32_base64,
            "crc32-hex": _crc32_hex,
            "crc32-hex-of-all": _crc32_hex_of_all,
            "crc32-hex-reversed": _crc32_hex_reversed,
            "github-fine-grained": _github_fine_grained,
            "gitlab-routable": _gitlab_routable,
            "macaroon": _macaroon_rest,
        }.items()
    }
)
"""By check: from the head of a secret to the bytes that follow it, or nothing where none can."""

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        name: _total(check)
        for name, check in {
            "azure-cask": _azure_cask,
            "azure-key": _azure_key,
            "base64-of-32": _base64_of_32,
            "basic-auth": _basic_auth,
            "bech32": _checksum(_bech32, 6),
            "crates-publishing": _checksum(_crates_publishing, 1),
            "crc32-base62": _checksum(_crc32_base62, 6),
            "crc32-base64": _checksum(_crc32_base64, 6),
            "crc32-hex": _checksum(_crc32_hex, 8),
            "crc32-hex-of-all": _checksum(_crc32_hex_of_all, 8),
            "crc32-hex-reversed": _checksum(_crc32_hex_reversed, 8),
            "discord-bot": _discord_bot,
            "github-fine-grained": _checksum(_github_fine_grained, 8, trailing=8),
            "gitlab-routable": _checksum(_gitlab_routable, 9),
            "jwt": _jwt,
            "letters-and-digits": _mixed,
            "macaroon": _macaroon,
            "password": _password,
            "private-key": _private_key,
            "sendgrid": _sendgrid,
            "vault-service": _vault_service,
        }.items()
    }
)
"""Every check by the name that rules use."""
