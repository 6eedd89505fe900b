"""Tokens with something in them that can be read: a macaroon, a message, a JSON document, a text.

What is read holds when it has the form that its issuer gives it. That is a structure and no
checksum, so the rules say `passed = "likely"` for most of these.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from leakguard.checks.check import Check, Facts, Proof
from leakguard.checks.digits import (
    canonical,
    decoded,
    document,
    drawn,
    encoded,
    rest,
    text_of,
    time,
    unpadded,
    varint,
)
from leakguard.checks.identifiers import account

# PyPI

_LOCATION, _IDENTIFIER, _SIGNATURE = 1, 2, 6
_SIGNATURE_SIZE = 32


def _fields(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of each field of a macaroon; kind 0 ends a section."""
    place = 1
    while place < len(raw):
        kind, place = varint(raw, place)
        size = 0
        if kind:
            size, place = varint(raw, place)
            if place + size > len(raw):
                raise ValueError("a field is longer than its macaroon")
        yield kind, raw[place : place + size]
        place += size


def _macaroon_bytes(secret: bytes) -> bytes:
    return decoded(secret.removeprefix(b"pypi-"))


def _macaroon(secret: bytes) -> bool:
    """Return whether a PyPI token is a macaroon: fields, and a signature of 32 bytes at the end."""
    raw = _macaroon_bytes(secret)
    kind, content = list(_fields(raw))[-1]
    return raw[0] == 2 and (kind, len(content)) == (_SIGNATURE, _SIGNATURE_SIZE)


def _macaroon_facts(secret: bytes) -> Facts:
    fields = list(_fields(_macaroon_bytes(secret)))
    location = next((content for kind, content in fields if kind == _LOCATION), b"")
    told: dict[str, str | int | None] = {"service": location.decode("ascii", "replace")}
    for _, content in [field for field in fields if field[0] == _IDENTIFIER][1:]:
        told |= _caveat(json.loads(content))
    return told


def _caveat(caveat: object) -> Facts:
    """Return what a caveat tells, in its old form, an object, or its new one, a list."""
    if isinstance(caveat, dict):
        scope = caveat.get("permissions")
        if isinstance(scope, dict):
            return {"project": text_of(scope.get("projects"))}
        return {"scope": text_of(scope)}
    kind, *values = caveat if isinstance(caveat, list) and len(caveat) > 1 else (None, None)
    names = {1: "project", 2: "project_id", 3: "user"}
    if kind == 0:
        return {"expires": time(values[0])}
    return {names[kind]: text_of(values[0])} if kind in names else {}


def _macaroon_rest(head: bytes) -> bytes:
    """Return what makes a macaroon of `head`, which ends with its location."""
    identifier = hashlib.sha256(head).hexdigest()[:36].encode()
    fields = b"\x02\x24" + identifier + b"\0\0\x06\x20" + hashlib.sha256(identifier).digest()
    return encoded(_macaroon_bytes(head) + fields)[len(head) - len(b"pypi-") :]


# HashiCorp Vault


def _vault_service(secret: bytes) -> bool:
    """Return whether a `hvs.` token is the message that Vault writes: version, HMAC, token."""
    raw = decoded(secret.removeprefix(b"hvs."))
    return raw[0] == 8 and raw[2:4] == b"\x12\x20" and raw[36:37] == b"\x1a"


def _vault_service_facts(secret: bytes) -> Facts:
    return {"version": varint(decoded(secret.removeprefix(b"hvs.")), 1)[0]}


def _vault_service_rest(head: bytes) -> bytes:
    raw = b"\x08\x01\x12\x20" + drawn(head, 32) + b"\x1a\x1c" + drawn(head + b"2", 28)
    return rest(b"hvs." + encoded(raw), head)


def _vault_batch(secret: bytes) -> Proof | bool:
    """Return what a `hvb.` token proves, which is the term of a key, then AES-GCM; others none."""
    if not secret.startswith(b"hvb."):
        return Proof.OPEN
    raw = decoded(secret.removeprefix(b"hvb."))
    return raw[0] == 0 and raw[4] == 2


def _vault_batch_rest(head: bytes) -> bytes:
    return rest(b"hvb." + encoded(b"\0\0\0\x01\x02" + drawn(head, 100)), head)


# JSON in base64


def _sentry(secret: bytes) -> Proof | bool:
    """Return what a token of an organization proves; one of a user, `sntryu_`, says nothing."""
    if not secret.startswith(b"sntrys_"):
        return Proof.OPEN
    body, _, key = secret.removeprefix(b"sntrys_").rpartition(b"_")
    return len(key) == 43 and {"iat", "url", "region_url", "org"} <= document(decoded(body)).keys()


def _sentry_facts(secret: bytes) -> Facts:
    values = document(decoded(secret.removeprefix(b"sntrys_").rpartition(b"_")[0]))
    return {
        "organization": text_of(values.get("org")),
        "region": text_of(values.get("region_url")),
        "issued": time(values.get("iat")),
    }


def _sentry_rest(head: bytes) -> bytes:
    values = {
        "iat": 1_700_000_000.25,
        "url": "https://sentry.example",
        "region_url": "https://us.sentry.example",
        "org": f"team-{drawn(head, 4).hex()}",
    }
    body = base64.b64encode(json.dumps(values).encode())
    return rest(b"sntrys_" + body + b"_" + unpadded(drawn(head, 32)), head)


def _grafana_cloud(secret: bytes) -> bool:
    return {"o", "n", "k"} <= document(decoded(secret.removeprefix(b"glc_"))).keys()


def _grafana_cloud_facts(secret: bytes) -> Facts:
    values = document(decoded(secret.removeprefix(b"glc_")))
    more = values.get("m")
    region = more.get("r") if isinstance(more, dict) else None
    return {
        "organization": text_of(values.get("o")),
        "name": text_of(values.get("n")),
        "region": text_of(region),
    }


def _grafana_cloud_rest(head: bytes) -> bytes:
    key = unpadded(drawn(head, 18)).decode()
    values = {"o": "123456", "n": "stack-ci", "k": key, "m": {"r": "us"}}
    text = json.dumps(values, separators=(",", ":")).encode()
    return rest(b"glc_" + base64.b64encode(text), head)


def _grafana_key(secret: bytes) -> bool:
    return {"k", "n", "id"} <= document(decoded(secret)).keys()


def _grafana_key_facts(secret: bytes) -> Facts:
    values = document(decoded(secret))
    return {"name": text_of(values.get("n")), "organization": text_of(values.get("id"))}


def _grafana_key_rest(head: bytes) -> bytes:
    values = {"k": unpadded(drawn(head, 24)).decode(), "n": "ci", "id": 1}
    text = json.dumps(values, separators=(",", ":")).encode()
    return rest(base64.b64encode(text), head)


def _mapbox(secret: bytes) -> bool:
    _, claims, signature = secret.split(b".")
    return len(canonical(signature)) == 16 and {"u", "a"} <= document(decoded(claims)).keys()


def _mapbox_facts(secret: bytes) -> Facts:
    return {"user": text_of(document(decoded(secret.split(b".")[1])).get("u"))}


def _mapbox_rest(head: bytes) -> bytes:
    claims = json.dumps({"u": "ci", "a": drawn(head, 12).hex()}, separators=(",", ":")).encode()
    return rest(head[:3] + encoded(claims) + b"." + encoded(drawn(head, 16)), head)


# Texts in base64

_REFERENCE = re.compile(rb"reftkn:01:([0-9]{10}):")
_BEDROCK_USER = re.compile(rb"(BedrockAPIKey-[0-9a-z]+)(?:-at-([0-9]{12}))?:")
_BEDROCK_SIGNED = re.compile(
    rb"X-Amz-Credential=(?P<key>A[0-9A-Z]{19})%2F[0-9]{8}%2F(?P<region>[0-9a-z-]+)%2F"
    rb"[^&]{0,200}&X-Amz-Date=(?P<date>[0-9TZ]{16})&X-Amz-Expires=(?P<expires>[0-9]{1,6})"
)
_BEDROCK_URL = (
    b"bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Credential=%b%%2F20250101%%2F"
    b"us-east-1%%2Fbedrock%%2Faws4_request&X-Amz-Date=20250101T000000Z&X-Amz-Expires=43200"
)
_AMZ_DATE = "%Y%m%dT%H%M%SZ"
_SESSION = b"origin_ec"


def _reference(secret: bytes) -> Proof | bool:
    """Return what a token of Artifactory proves; an API key, `AKCp`, says nothing."""
    if not secret.startswith(b"cmVmdGtu"):
        return Proof.OPEN
    return _REFERENCE.match(decoded(secret)) is not None


def _reference_facts(secret: bytes) -> Facts:
    found = _REFERENCE.match(decoded(secret))
    return {"expires": time(int(found[1])) or "never"} if found else {}


def _reference_rest(head: bytes) -> bytes:
    key = base64.b64encode(drawn(head, 21), b"AA")[:27]
    return rest(base64.b64encode(b"reftkn:01:1900000000:" + key), head)


def _bedrock(secret: bytes) -> bool:
    """Return whether it names a key of Bedrock and its owner, or is a signed URL of Bedrock."""
    if secret.startswith(b"ABSK"):
        return _BEDROCK_USER.match(_bedrock_text(secret)) is not None
    return _bedrock_text(secret).startswith(b"bedrock.amazonaws.com/")


def _bedrock_text(secret: bytes) -> bytes:
    text = secret.removeprefix(b"ABSK").removeprefix(b"bedrock-api-key-").rstrip(b"=")
    return decoded(text if len(text) % 4 != 1 else text[:-1])


def _bedrock_facts(secret: bytes) -> Facts:
    text = _bedrock_text(secret)
    if named := _BEDROCK_USER.match(text):
        return {"user": named[1].decode(), "account": (named[2] or b"").decode()}
    signed = _BEDROCK_SIGNED.search(text)
    if signed is None:
        return {}
    begun = datetime.strptime(signed["date"].decode(), _AMZ_DATE).replace(tzinfo=UTC)
    ends = begun + timedelta(seconds=int(signed["expires"]))
    return {
        "account": account(signed["key"]),
        "region": signed["region"].decode(),
        "expires": time(ends.timestamp()),
    }


def _bedrock_rest(head: bytes) -> bytes:
    if head.startswith(b"bedrock"):
        text = _BEDROCK_URL % (b"ASIA" + base64.b32encode(drawn(head, 10)))
        return rest(b"bedrock-api-key-" + base64.b64encode(text), head)
    key = base64.b64encode(drawn(head, 33), b"AA")
    text = b"BedrockAPIKey-%b-at-012345678901:" % drawn(head, 2).hex().encode() + key
    return rest(b"ABSK" + base64.b64encode(text), head)


def _session(secret: bytes) -> bool:
    return _SESSION in decoded(secret[: len(secret) // 4 * 4])[:16]


def _session_facts(secret: bytes) -> Facts:
    raw = decoded(secret[: len(secret) // 4 * 4])[:512]
    region = re.search(rb"[\x08-\x10]([a-z]{2}(?:-[a-z]{2,9}){1,2}-[0-9])", raw)
    owner = re.search(rb"\x0c([0-9]{12})", raw)
    return {
        "account": owner[1].decode() if owner else None,
        "region": region[1].decode() if region else None,
    }


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "aws-bedrock": Check(_bedrock, _bedrock_facts, _bedrock_rest),
        "aws-session-token": Check(_session, _session_facts),
        "grafana-api-key": Check(_grafana_key, _grafana_key_facts, _grafana_key_rest),
        "grafana-cloud": Check(_grafana_cloud, _grafana_cloud_facts, _grafana_cloud_rest),
        "jfrog-reference": Check(_reference, _reference_facts, _reference_rest),
        "macaroon": Check(_macaroon, _macaroon_facts, _macaroon_rest),
        "mapbox": Check(_mapbox, _mapbox_facts, _mapbox_rest),
        "sentry": Check(_sentry, _sentry_facts, _sentry_rest),
        "vault-batch": Check(_vault_batch, complete=_vault_batch_rest),
        "vault-service": Check(_vault_service, _vault_service_facts, _vault_service_rest),
    }
)
