"""Checks, held to vectors that vendors published and to worked examples, all built at run time."""

import base64
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.checks import CHECKS, COMPLETIONS, entropy

# In pieces, so that no push protection takes this file for a leak.
BODY = "leakguardSyntheticExampleBody0"
ROUTABLE = "bzoxCnU6MQABAgMEBQYHCAkKCwwNDg8Q"
FINE_GRAINED = "11AAAAAAI0leakguardXmp_leakguardSyntheticFineGrainedBodyExample000"
AGE_SEED = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN"


def joined(*pieces: str) -> bytes:
    return "".join(pieces).encode()


VECTORS = [
    pytest.param("crc32-base62", joined("gh", "p_", BODY, "3MI9y5"), id="github"),
    pytest.param("crc32-base62", joined("np", "m_", BODY, "3MI9y5"), id="npm"),
    pytest.param(
        "crc32-base62",
        joined("vc", "p_", "leakguardSyntheticExampleBodyForVercelTokensABCDE0", "0MEiao"),
        id="vercel",
    ),
    pytest.param(
        "crc32-base62",
        joined("polar", "_oat_", "leakguardSyntheticExampleBodyPolar000", "1V3yYJ"),
        id="polar",
    ),
    pytest.param(
        "github-fine-grained",
        joined("github_", "pat_", FINE_GRAINED, "IYM3XZMC", "00000000"),
        id="github, fine-grained",
    ),
    pytest.param(
        "crc32-hex",
        joined("cfu", "t_", "leakguardSyntheticExampleBodyCloudflare0", "290e9b85"),
        id="cloudflare",
    ),
    pytest.param(
        "crc32-hex",
        joined("zpk", "a_", "leakguardsyntheticexamplezuplo00", "_a90aecac"),
        id="zuplo",
    ),
    pytest.param(
        "crc32-hex-reversed",
        joined("gls", "a_", "leakguardSyntheticGrafanaExample", "_138e0cbf"),
        id="grafana",
    ),
    pytest.param(
        "crc32-hex-of-all",
        joined("AT", "BB", "leakguardSynthExample000", "6018E8EB"),
        id="atlassian",
    ),
    pytest.param(
        "crc32-base64",
        joined("cf", "lt", "leakguardSyntheticExampleBodyForConfluentApiSecrets000", "tCbR/Q"),
        id="confluent",
    ),
    pytest.param(
        "gitlab-routable", joined("gl", "pat-", ROUTABLE, ".01.0w", "1wlk8x2"), id="gitlab"
    ),
    pytest.param(
        "gitlab-routable", joined("gl", "pat-", ROUTABLE, ".0w", "1yff5u8"), id="gitlab, older form"
    ),
    pytest.param("crates-publishing", joined("cio", "_tp_", "0" * 31, "w"), id="crates.io's own"),
    pytest.param("azure-key", joined("a" * 76, "+A", "St5mnCaw=="), id="azure, 64 bytes"),
    pytest.param("azure-key", joined("b" * 33, "AZ", "EGLiQbng="), id="azure, 32 bytes"),
    pytest.param(
        "azure-cask",
        joined("A" * 52, "JQQ", "J99AG", "A" * 17, "BCDTZJ9JA=="),
        id="azure cask, Microsoft's own",
    ),
    pytest.param(
        "azure-cask",
        joined(
            "leakguard0SyntheticExampleKeyNeverIssuedByAnyone0000",
            "JQQ",
            "J99BAAC" + "A" * 13 + "SAZDO",
            "Wdbe",
        ),
        id="azure cask, short form",
    ),
    pytest.param("bech32", b"a12uel5l", id="BIP-173's shortest"),
    pytest.param(
        "bech32", b"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", id="BIP-173's alphabet"
    ),
]


@pytest.mark.parametrize(("name", "token"), VECTORS)
def test_a_published_vector_passes(name: str, token: bytes) -> None:
    assert CHECKS[name](token)


@pytest.mark.parametrize(("name", "token"), VECTORS)
def test_a_vector_with_one_character_changed_fails(name: str, token: bytes) -> None:
    place = len(token) // 3
    other = b"b" if token[place : place + 1] != b"b" else b"c"
    assert not CHECKS[name](token[:place] + other + token[place + 1 :])


HEADS = {
    "azure-cask": b"A" * 52 + b"JQQJ99" + b"B" * 22,
    "azure-key": b"b" * 33 + b"AIoT",
    "bech32": b"AGE-SECRET-KEY-1" + AGE_SEED.encode(),
    "crc32-hex-reversed": b"glsa_" + b"a" * 32 + b"_",
    "gitlab-routable": b"glpat-" + ROUTABLE.encode() + b".01.",
    "macaroon": b"pypi-AgEIcHlwaS5vcmc",
}


@pytest.mark.parametrize("name", sorted(COMPLETIONS))
def test_what_completes_a_head_makes_it_pass(name: str) -> None:
    head = HEADS.get(name, b"abc_" + b"Zq81mm92Kd7xLp0a" * 2)
    trailing = b"01234567" if name == "github-fine-grained" else b""
    token = head + COMPLETIONS[name](head) + trailing
    assert (CHECKS[name](token), CHECKS[name](token[:-1])) == (True, False)


def test_what_cannot_be_completed_is_left_as_it_is() -> None:
    assert COMPLETIONS["azure-key"](b"no signature") == b""


@given(
    st.text(string.ascii_letters + string.digits, min_size=30, max_size=30),
    st.integers(0, 35),
    st.sampled_from(string.ascii_letters + string.digits),
)
def test_no_single_change_survives_a_crc(body: str, place: int, letter: str) -> None:
    head = joined("gh", "p_", body)
    token = head + COMPLETIONS["crc32-base62"](head)
    at = len("ghp_") + place
    changed = token[:at] + letter.encode() + token[at + 1 :]
    assert CHECKS["crc32-base62"](changed) is (changed == token)


@pytest.mark.parametrize("name", sorted(CHECKS))
@given(secret=st.binary(max_size=200))
def test_a_check_never_raises(name: str, secret: bytes) -> None:
    assert CHECKS[name](secret) in (True, False)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_nothing_at_all_passes_no_check(name: str) -> None:
    assert not CHECKS[name](b"")


def encoded(text: bytes) -> bytes:
    return base64.urlsafe_b64encode(text).rstrip(b"=")


def jwt(header: object) -> bytes:
    return b".".join([encoded(json.dumps(header).encode()), encoded(b'{"sub":"bot"}'), b"c2ln"])


@pytest.mark.parametrize(
    ("name", "secret", "passes"),
    [
        pytest.param("jwt", jwt({"alg": "HS256"}), True, id="a JWT"),
        pytest.param(
            "jwt", b"ghs_12345_" + jwt({"alg": "RS256"}), True, id="a JWT behind a prefix"
        ),
        pytest.param("jwt", jwt({"typ": "JWT"}), False, id="a JWT without an algorithm"),
        pytest.param("jwt", jwt(["alg"]), False, id="a JWT whose header is a list"),
        pytest.param("jwt", encoded(b"[" * 3000), False, id="a JWT that nests too deep"),
        pytest.param("basic-auth", base64.b64encode(b"u:Zq81mm92"), True, id="user and password"),
        pytest.param("basic-auth", base64.b64encode(b"no colon here"), False, id="no colon"),
        pytest.param("basic-auth", base64.b64encode(b"user:"), False, id="no password"),
        pytest.param("basic-auth", base64.b64encode(b"u:\x00\x01\x02\x03"), False, id="not text"),
        pytest.param("base64-of-32", base64.b64encode(bytes(32)), True, id="32 bytes"),
        pytest.param("base64-of-32", b"%2B" + b"A" * 42 + b"%3D", True, id="32 bytes in a URL"),
        pytest.param("base64-of-32", base64.b64encode(bytes(33)), False, id="33 bytes"),
        pytest.param(
            "sendgrid", b"SG." + b"A" * 21 + b"Q." + b"B" * 42 + b"k", True, id="sendgrid"
        ),
        pytest.param(
            "sendgrid",
            b"SG." + b"A" * 21 + b"R." + b"B" * 42 + b"k",
            False,
            id="sendgrid, other bits",
        ),
        pytest.param(
            "vault-service",
            b"hvs." + encoded(b"\x08\x01\x12\x20" + bytes(32) + b"\x1a\x18" + bytes(24)),
            True,
            id="vault",
        ),
        pytest.param(
            "vault-service", b"hvs." + encoded(bytes(60)), False, id="vault, other message"
        ),
        pytest.param(
            "discord-bot", encoded(b"123456789012345678") + b".aaaaaa.bb", True, id="discord"
        ),
        pytest.param(
            "discord-bot", encoded(b"not a number here") + b".a.b", False, id="no snowflake"
        ),
        pytest.param("private-key", base64.b64encode(bytes(range(60))), True, id="a key's body"),
        pytest.param("private-key", b"A" * 200, False, id="a row of one character"),
        pytest.param("password", b"Zq81mm92", True, id="digits beside letters"),
        pytest.param("password", b"correctHorse", True, id="both cases"),
        pytest.param("password", b"postgres", False, id="a plain word"),
        pytest.param("password", b"12345678", False, id="digits alone"),
        pytest.param("password", b"Password1", False, id="what it is called"),
        pytest.param("letters-and-digits", b"abc1", True, id="letters and a digit"),
        pytest.param("letters-and-digits", b"abcd", False, id="letters alone"),
    ],
)
def test_structure(name: str, secret: bytes, *, passes: bool) -> None:
    assert CHECKS[name](secret) is passes


@pytest.mark.parametrize(
    ("value", "bits"),
    [(b"", 0.0), (b"aaaa", 0.0), (b"abab", 1.0), (bytes(range(256)), 8.0)],
)
def test_entropy_is_in_bits_for_each_byte(value: bytes, bits: float) -> None:
    assert entropy(value) == bits
