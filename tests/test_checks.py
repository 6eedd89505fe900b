"""Checks, held to vectors that vendors published and to worked examples, all built at run time."""

import base64
import binascii
import json
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakguard.checks import CHECKS, COMPLETIONS, Check, Details, Proof, entropy
from leakguard.checks.microsoft import marvin32
from leakguard.checks.pgp import crc24
from leakguard.rules import Rule, builtin_rules
from leakguard.rules.examples import sample

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
    pytest.param(
        "entra-secret", joined("zzz", "8Q~", "z" * 31, "blP"), id="entra, Microsoft's own"
    ),
    pytest.param(
        "azure-devops-pat",
        joined("aaatoaqdaqc3cyiga4eascqlbqgq4dyq", "cejhaeyuculbogazdinq"),
        id="azure devops",
    ),
    pytest.param(
        "supabase",
        joined("sb", "_secret_", "leakguardSynthetic0000", "_OazkdFdo"),
        id="supabase, self-hosted",
    ),
    pytest.param(
        "base58check",
        joined("5Hue", "CGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"),
        id="bitcoin wiki",
    ),
    pytest.param(
        "base58check",
        joined(
            "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPP",
            "qjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
        ),
        id="BIP-32's first",
    ),
    pytest.param(
        "base58check-ripple", joined("snoPBrXt", "MeMyMHUVTgbuqAfg1SUTb"), id="ripple's master"
    ),
    pytest.param("luhn", b"4111 1111 1111 1111", id="a card"),
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


def test_the_checksums_themselves_have_their_published_values() -> None:
    assert marvin32(b"abc", (0xD53CD9CECD0893B7).to_bytes(8, "big")) == (
        0x22C74339 ^ 0x492769BF
    ).to_bytes(4, "little")
    assert crc24(b"123456789") == b"\x21\xcf\x02"
    assert binascii.crc_hqx(b"123456789", 0) == 0x31C3


HEADS = {
    "aws-bedrock": b"ABSKQmVkcm9ja0FQSUtleS",
    "azure-cask": b"A" * 52 + b"JQQJ99" + b"B" * 22,
    "azure-devops-pat": b"k3v",
    "azure-key": b"b" * 33 + b"AIoT",
    "base58check": b"5J" + b"3mDAr6",
    "base58check-ripple": b"s" + b"p6JS7",
    "bech32": b"AGE-SECRET-KEY-1" + AGE_SEED.encode(),
    "crc16-base32": b"SU" + b"A7K3" * 13,
    "crc32-hex-reversed": b"glsa_" + b"a" * 32 + b"_",
    "discord-bot": b"",
    "entra-secret": b"abc8Q~" + b"k3" * 15 + b"v",
    "gitlab-routable": b"glpat-" + ROUTABLE.encode() + b".01.",
    "grafana-api-key": b"eyJrIjoi",
    "grafana-cloud": b"glc_eyJ",
    "jfrog-reference": b"cmVmdGtuOj",
    "jwk": b"",
    "jwt": b"eyJhbGciOiJFUzM4NCJ9.",
    "jwt-bare": b"eyJhbGciOiJFUzM4NCJ9.",
    "jwt-used": b"eyJhbGciOiJFUzM4NCJ9.",
    "luhn": b"411111111111111",
    "macaroon": b"pypi-AgEIcHlwaS5vcmc",
    "mapbox": b"sk.",
    "minisign": b"RWQAAEIy",
    "private-key": b"-----BEGIN PRIVATE KEY-----\n",
    "private-key-base64": b"LS0tLS1CRUdJTiBQUklWQVRFIEtFW",
    "putty": b"Private-Lines: 1\n",
    "rclone-obscured": b"",
    "sentry": b"sntrys_eyJ",
    "supabase": b"sb_secret_" + b"a" * 22 + b"_",
    "swarm": b"SWMTKN-1-",
    "vault-batch": b"hvb.AAAAAQ",
    "vault-service": b"hvs.CAESI",
    "wireguard": b"",
}
HEADS |= {f"base64-of-{size}": b"x_" + b"Zq81mm92" * 20 for size in (16, 20, 32, 40, 64)}


@pytest.mark.parametrize("name", sorted(COMPLETIONS))
def test_what_completes_a_head_makes_it_pass(name: str) -> None:
    head = HEADS.get(name, b"abc_" + b"Zq81mm92Kd7xLp0a" * 2)
    trailing = b"01234567" if name == "github-fine-grained" else b""
    rest = COMPLETIONS[name](head)
    assert rest
    assert CHECKS[name].proof(head + rest + trailing) is Proof.HOLDS


COVERING = {name for name in COMPLETIONS if name.startswith(("crc", "base58", "azure", "bech"))}


@pytest.mark.parametrize("name", sorted(COVERING))
def test_a_completed_head_that_lost_its_last_character_does_not_pass(name: str) -> None:
    head = HEADS.get(name, b"abc_" + b"Zq81mm92Kd7xLp0a" * 2)
    assert not CHECKS[name]((head + COMPLETIONS[name](head)).rstrip(b"=")[:-1])


def test_what_cannot_be_completed_is_left_as_it_is() -> None:
    assert COMPLETIONS["azure-key"](b"no signature") == b""


def test_a_key_of_azure_is_completed_in_the_alphabet_of_its_service() -> None:
    heads = [f"{number:04}".encode() * 11 for number in range(200)]
    functions = [COMPLETIONS["azure-key"](head + b"AzFu") for head in heads]
    redis = [COMPLETIONS["azure-key"](head[:33] + b"AzCa") for head in heads]
    assert any(set(b"-_") & set(digits) for digits in functions)
    assert not any(set(b"+/") & set(digits) for digits in (*functions, *redis))
    assert {len(digits) for digits in redis} == {0, 7}


@pytest.mark.parametrize("digits", [b"a12UEL5L", b"A12uel5l"])
def test_bech32_has_one_case_only(digits: bytes) -> None:
    assert CHECKS["bech32"](digits.lower())
    assert CHECKS["bech32"](digits.upper())
    assert not CHECKS["bech32"](digits)


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


def mangled() -> st.SearchStrategy[bytes]:
    """Return bytes, and heads of tokens with anything behind them or in the midst of them."""
    whole = [head + COMPLETIONS[name](head) for name, head in HEADS.items()]
    pieces = st.sampled_from([*whole, *HEADS.values(), b".", b"_", b"="]) | st.binary(max_size=40)
    return st.lists(pieces, max_size=4).map(b"".join) | st.tuples(
        st.sampled_from(whole), st.integers(0, 300), st.binary(max_size=3)
    ).map(lambda each: each[0][: each[1]] + each[2] + each[0][each[1] + len(each[2]) :])


@pytest.mark.parametrize("name", sorted(CHECKS))
@settings(max_examples=200)  # for each check
@given(secret=mangled())
def test_a_check_never_raises_and_tells_only_what_may_be_printed(name: str, secret: bytes) -> None:
    assert CHECKS[name].proof(secret) in Proof
    for fact, detail in CHECKS[name].details(secret):
        assert fact.isidentifier()
        assert detail.isprintable()
        assert 0 < len(detail) <= 120
    COMPLETIONS.get(name, bytes)(secret)


@pytest.mark.parametrize("name", sorted(CHECKS))
@pytest.mark.parametrize(
    "unit",
    [b"A", b"\\", b"\n", b"+\n", b"9:", b"eyJ.", b"=", b"[", b"\x30\x80", b"-----BEGIN A-----",
     b"X-Amz-Credential=", b"sig=", b"MA==\n"],
)  # fmt: skip
def test_a_check_takes_no_longer_than_its_bytes_are_many(name: str, unit: bytes) -> None:
    check, seen = CHECKS[name], unit * (400_000 // len(unit))
    begun = time.process_time()
    check.proof(seen)
    check.details(seen)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "raising", [ValueError, KeyError, IndexError, OverflowError, ZeroDivisionError, RecursionError]
)
def test_what_makes_a_check_stumble_is_broken_and_tells_nothing(raising: type[Exception]) -> None:
    def stumble(_: bytes) -> bool:
        raise raising

    check = Check(stumble, stumble, stumble)  # type: ignore[arg-type]  # what it gives is not seen
    assert (check.proof(b"x"), check.details(b"x"), check.completion(b"x")) == (
        Proof.BROKEN, (), b"",
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_nothing_at_all_passes_no_check(name: str) -> None:
    assert not CHECKS[name](b"")


def encoded(text: bytes) -> bytes:
    return base64.urlsafe_b64encode(text).rstrip(b"=")


KEY_BAG = bytes.fromhex("2a864886f70d010c0a0102")


def pkcs12(content: bytes) -> bytes:
    head = bytes.fromhex("308209000201033082082006092a864886f70d010701a082")
    return base64.b64encode(head + bytes(40) + content + bytes(400))


def keystore(kind: int) -> bytes:
    """Return a keystore of Java with one entry."""
    head = b"\xfe\xed\xfe\xed" + b"".join(each.to_bytes(4, "big") for each in (2, 1, kind))
    content = b"\0\5X.509" if kind == 2 else b""
    content += (300).to_bytes(4, "big") + bytes(300)
    return base64.b64encode(head + b"\0\1a" + bytes(8) + content)


def jwt(header: object, claims: bytes = b'{"sub":"bot"}', size: int = 32) -> bytes:
    return b".".join([encoded(json.dumps(header).encode()), encoded(claims), encoded(bytes(size))])


@pytest.mark.parametrize(
    ("name", "secret", "passes"),
    [
        pytest.param("jwt", jwt({"alg": "HS256"}), True, id="a JWT"),
        pytest.param(
            "jwt", b"ghs_12345_" + jwt({"alg": "RS256"}, size=256), True, id="a JWT with prefix"
        ),
        pytest.param("jwt", jwt({"alg": "none"}, size=0), True, id="a JWT that is not signed"),
        pytest.param("jwt", jwt({"alg": "none"}), False, id="a JWT signed with nothing"),
        pytest.param("jwt", jwt({"alg": "HS256"}, size=31), False, id="a JWT cut short"),
        pytest.param("jwt", jwt({"alg": "HS256"}, b"no claims"), False, id="a JWT of no claims"),
        pytest.param("jwt", jwt({"typ": "JWT"}), False, id="a JWT without an algorithm"),
        pytest.param("jwt", jwt(["alg"]), False, id="a JWT whose header is a list"),
        pytest.param("jwt", encoded(b"[" * 3000), False, id="a JWT that nests too deep"),
        pytest.param("basic-auth", base64.b64encode(b"u:Zq81mm92"), True, id="user and password"),
        pytest.param("basic-auth", base64.b64encode(b"no colon here"), False, id="no colon"),
        pytest.param("basic-auth", base64.b64encode(b"user:"), False, id="no password"),
        pytest.param("basic-auth", base64.b64encode(b"u:\x00\x01\x02\x03"), False, id="not text"),
        pytest.param("basic-auth", base64.b64encode(b"foo:Password1"), False, id="a sample's"),
        pytest.param("basic-auth", base64.b64encode(b"foo:Zq81mm92x"), True, id="no sample's"),
        pytest.param(
            "basic-auth", base64.b64encode(b"Zq81mm92Kd7xLp0aQw:"), True, id="a key for a user"
        ),
        pytest.param("base64-of-32", base64.b64encode(bytes(32)), True, id="32 bytes"),
        pytest.param("base64-of-32", b"%2B" + b"A" * 42 + b"%3D", True, id="32 bytes in a URL"),
        pytest.param("base64-of-32", base64.b64encode(bytes(31)), False, id="31 bytes"),
        pytest.param("base64-of-32", b"x_" + b"A" * 42 + b"B", False, id="bits of no byte"),
        pytest.param("azure-sas", b"?se=2030&sig=" + b"A" * 43 + b"%3D", True, id="a signature"),
        pytest.param("azure-sas", b"?sig=" + b"A" * 42, False, id="a shorter signature"),
        pytest.param("wireguard", base64.b64encode(bytes(31) + b"\x40"), True, id="clamped"),
        pytest.param("wireguard", base64.b64encode(bytes(32)), False, id="not clamped"),
        pytest.param("aws-access-key-id", b"AKIA" + b"A7" * 8, True, id="of base32"),
        pytest.param("aws-access-key-id", b"AKIA" + b"A1" * 8, False, id="of no base32"),
        pytest.param("telegram-bot", b"/bot12345678:A" + b"A" * 34, True, id="a bot"),
        pytest.param("telegram-bot", b":A" + b"A" * 34, False, id="no bot"),
        pytest.param("luhn", b"4111111111111112", False, id="no card"),
        pytest.param("luhn", b"0" * 40, False, id="too long for a card"),
        pytest.param("swarm", b"SWMTKN-1-" + b"z" * 50 + b"-" + b"0" * 25, False, id="too large"),
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
            "discord-bot",
            encoded(b"1234567890123456789") + b".aaaaaa." + b"b" * 38,
            True,
            id="discord",
        ),
        pytest.param(
            "discord-bot", encoded(b"not a number here") + b".a.b", False, id="no snowflake"
        ),
        pytest.param("private-key", base64.b64encode(bytes(range(60))), False, id="no key"),
        pytest.param("private-key", b"A" * 200, False, id="a row of one character"),
        pytest.param("password", b"Zq81mm92", True, id="digits beside letters"),
        pytest.param("password", b"correctHorse", True, id="both cases"),
        pytest.param("password", b"postgres", False, id="a plain word"),
        pytest.param("password", b"12345678", False, id="digits alone"),
        pytest.param("password", b"Password1", False, id="what it is called"),
        pytest.param("password", b"Zq81%40mm92", True, id="digits that are no escape"),
        pytest.param("password", b"pa%40e%20f%3Ax", False, id="no digits but of escapes"),
        pytest.param("assigned-value", b"a = 'Zq81mm92Kd", True, id="a value"),
        pytest.param("assigned-value", b"pageToken: 'Zq81mm92Kd", False, id="a place in a list"),
        pytest.param("assigned-value", b"exchangeToken: 'Zq81mm92Kd", True, id="no place"),
        pytest.param("assigned-value", b"a = 'shop.RegionalOrders", False, id="a class's name"),
        pytest.param("assigned-value", b"a = 'kXqBtZwPdRvLm", True, id="letters that chance drew"),
        pytest.param("assigned-value", b"a = 'Zq81mm92Kd...", False, id="a value cut short"),
        pytest.param("unquoted-value", b"API_TOKEN=Zq81mm92Kd", True, id="a value drawn"),
        pytest.param("unquoted-value", b"password: kXqBtZwPdRvLmAe", True, id="letters drawn"),
        pytest.param("unquoted-value", b"page_token: Zq81mm92Kd", False, id="a place, unquoted"),
        pytest.param("unquoted-value", b"key: Ed25519PrivateKey", False, id="a type's name"),
        pytest.param("unquoted-value", b"key = load_key_v2_now", False, id="a function's name"),
        pytest.param("unquoted-value", b"token=%5BFiltered%5D", False, id="a word in a URL"),
        pytest.param("unquoted-value", b"Zq81mm92Kd", False, id="nothing it is assigned to"),
        pytest.param("rclone-obscured", encoded(bytes(range(40, 76))), True, id="obscured"),
        pytest.param("rclone-obscured", encoded(bytes(range(40, 54))), False, id="too short"),
        pytest.param("rclone-obscured", b"PasswordFromEnvironment2", False, id="a name"),
        pytest.param("pkcs12", pkcs12(KEY_BAG), True, id="a keystore"),
        pytest.param("pkcs12", base64.b64encode(bytes(300)), False, id="no keystore"),
        pytest.param("java-keystore", keystore(1), True, id="a key of Java"),
        pytest.param("java-keystore", keystore(3), True, id="a secret of Java"),
        pytest.param("java-keystore", keystore(2), False, id="a certificate of Java"),
        pytest.param("java-keystore", keystore(9), False, id="what Java has not"),
        pytest.param("jwt-used", jwt({"alg": "HS256"}), True, id="a JWT of somebody"),
        pytest.param("jwt-used", jwt({"alg": "HS256"}, b'{"a":1}'), False, id="a JWT of nobody"),
        pytest.param("jwt-bare", jwt({"alg": "HS256"}), False, id="a JWT of somebody, not bare"),
        pytest.param("jwt-bare", jwt({"alg": "HS256"}, b'{"a":1}'), True, id="a bare JWT"),
        pytest.param("letters-and-digits", b"abc1", True, id="letters and a digit"),
        pytest.param("letters-and-digits", b"abcd", False, id="letters alone"),
    ],
)
def test_structure(name: str, secret: bytes, *, passes: bool) -> None:
    assert CHECKS[name](secret) is passes


@pytest.mark.parametrize(
    "secret",
    [b"password", b"P@ssw0rd!", b"my_secret", b"secretpass", b"user%20name", b"Password123"],
)
def test_what_only_says_what_should_stand_there_is_broken(secret: bytes) -> None:
    assert CHECKS["password"].proof(secret) is Proof.BROKEN


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        pytest.param("jwt", jwt({"alg": "HS256"}, size=9), id="a JWT with another signature"),
        pytest.param("jwt", jwt({"alg": "HS256"})[:30], id="the beginning of a JWT"),
        pytest.param("jwt", jwt({"alg": "mine"}), id="a JWT of another algorithm"),
        pytest.param("supabase", b"sb_secret_" + b"a" * 22 + b"_" + b"b" * 8, id="another salt"),
        pytest.param("entra-secret", b"abc7Q~" + b"a" * 31, id="the form before"),
        pytest.param("slack", b"xoxb-123456789012-abc", id="an older form"),
        pytest.param("password", b"postgres", id="a word that may be meant"),
        pytest.param("pkcs12", pkcs12(b""), id="a keystore whose contents are encrypted"),
        pytest.param("java-keystore", keystore(1)[:28], id="a keystore cut short"),
        pytest.param("basic-auth", base64.b64encode(b"root:postgres"), id="a word in a header"),
        pytest.param("private-key", b"Zq81mD92Kn7xLp0aR3" * 8, id="what may be a part of a key"),
    ],
)
def test_what_cannot_be_told_is_left_open(name: str, secret: bytes) -> None:
    assert CHECKS[name].proof(secret) is Proof.OPEN


def completed(name: str, head: bytes | None = None) -> bytes:
    head = HEADS[name] if head is None else head
    return head + COMPLETIONS[name](head)


CLAIMS = {
    "iss": "https://ci.example", "sub": "bot", "aud": ["a", "b"], "iat": 1516239022,
    "exp": 1516242622, "role": "service_role", "ref": "proj",
}  # fmt: skip
FINE = joined("github_", "pat_", FINE_GRAINED, "IYM3XZMC", "00000000")
SIGNED = (
    b"bedrock.amazonaws.com/?X-Amz-Credential=ASIA"
    b"QNZGKIQY56JQ7WML%2F20250101%2Fus-east-1%2F"
    b"bedrock%2Faws4_request&X-Amz-Date=20250101T000000Z&X-Amz-Expires=43200"
)


@pytest.mark.parametrize(
    ("name", "secret", "details"),
    [
        pytest.param(
            "aws-access-key-id", b"ASIA" + b"QNZGKIQY56JQ7WML", (("account", "029608264753"),),
            id="account of AWS",
        ),
        pytest.param(
            "aws-access-key-id", b"AKIA" + b"IOSFODNN7EXAMPLE", (), id="an old key of AWS"
        ),
        pytest.param("github-fine-grained", FINE, (("owner", "1"),), id="owner at GitHub"),
        pytest.param(
            "gitlab-routable", joined("gl", "pat-", ROUTABLE, ".01.0w", "1wlk8x2"),
            (("organization", "1"), ("user", "1")), id="user at GitLab",
        ),
        pytest.param(
            "azure-key", completed("azure-key"), (("service", "Azure IoT"), ("role", "hub")),
            id="role of an Azure key",
        ),
        pytest.param(
            "azure-cask", joined("A" * 52, "JQQ", "J99AG", "A" * 16, "AZDO", "TZJ9"),
            (("service", "Azure DevOps"), ("created", "2024-07")), id="month of an Azure key",
        ),
        pytest.param(
            "azure-devops-pat", completed("azure-devops-pat"), (("issuer", "user"),),
            id="issuer of a PAT",
        ),
        pytest.param(
            "azure-sas", b"/c?sv=2023-11-03&ss=b&srt=co&se=2030-01-01T00%3A00%3A00Z&sp=rl&sig=AA",
            (
                ("expires", "2030-01-01T00:00:00Z"), ("permissions", "rl"), ("resource", "co"),
                ("service", "b"), ("version", "2023-11-03"),
            ),
            id="what a SAS permits",
        ),
        pytest.param(
            "jwt", jwt({"alg": "HS256"}, json.dumps(CLAIMS).encode()),
            (
                ("algorithm", "HS256"), ("issuer", "https://ci.example"), ("subject", "bot"),
                ("audience", "a, b"), ("role", "service_role"), ("project", "proj"),
                ("issued", "2018-01-18T01:30:22Z"), ("expires", "2018-01-18T02:30:22Z"),
            ),
            id="claims of a JWT",
        ),
        pytest.param(
            "jwt", jwt({"alg": "none"}, b'{"iss":"a\\u001b[2J\\u202eb","exp":1e300}', 0),
            (("algorithm", "none"), ("issuer", "a?[2J?b")), id="a JWT with signs that command",
        ),
        pytest.param(
            "jwt", jwt({"alg": "HS256"}, b'{"iss":{"a":1},"sub":true,"exp":"soon"}'),
            (("algorithm", "HS256"),), id="claims of other types",
        ),
        pytest.param(
            "macaroon", completed("macaroon"), (("service", "pypi" ".org"),), id="macaroon"
        ),
        pytest.param(
            "sentry", completed("sentry"),
            (
                ("organization", "team-ba3fec8d"), ("region", "https://us.sentry.example"),
                ("issued", "2023-11-14T22:13:20Z"),
            ),
            id="organization at Sentry",
        ),
        pytest.param(
            "grafana-cloud", completed("grafana-cloud"),
            (("organization", "123456"), ("name", "stack-ci"), ("region", "us")),
            id="stack of Grafana",
        ),
        pytest.param(
            "grafana-api-key", completed("grafana-api-key"),
            (("name", "ci"), ("organization", "1")), id="name of a key of Grafana",
        ),
        pytest.param(
            "jfrog-reference", completed("jfrog-reference"), (("expires", "2030-03-17T17:46:40Z"),),
            id="when a token of JFrog expires",
        ),
        pytest.param("vault-service", completed("vault-service"), (("version", "1"),), id="vault"),
        pytest.param(
            "discord-bot", encoded(b"1102567890123456789") + b".aaaaaa." + b"b" * 38,
            (("bot", "1102567890123456789"), ("created", "2023-05-01T12:11:09Z")), id="bot",
        ),
        pytest.param(
            "slack", b"xoxb-123456789012-1234567890123-" + b"k3v9x1q7m2z8p4w6" + b"k3v9x1q7",
            (("workspace", "123456789012"), ("user", "1234567890123")), id="workspace of Slack",
        ),
        pytest.param(
            "telegram-bot", b"bot12345678:A" + b"A" * 34, (("bot", "12345678"),), id="telegram"
        ),
        pytest.param(
            "aws-bedrock", completed("aws-bedrock"),
            (("user", "BedrockAPIKey-ee8b"), ("account", "012345678901")), id="user of Bedrock",
        ),
        pytest.param(
            "aws-bedrock", b"bedrock-api-key-" + base64.b64encode(SIGNED),
            (
                ("account", "029608264753"), ("region", "us-east-1"),
                ("expires", "2025-01-01T12:00:00Z"),
            ),
            id="signed for Bedrock",
        ),
        pytest.param(
            "basic-auth", base64.b64encode(b"deployer:Zq81mm92"), (("user", "deployer"),),
            id="user of a login",
        ),
        pytest.param(
            "crc16-base32", completed("crc16-base32"), (("role", "user"),), id="role of an nkey"
        ),
        pytest.param(
            "base58check", completed("base58check"), (("key", "Bitcoin private key"),), id="coin"
        ),
        pytest.param(
            "minisign", completed("minisign")[:60], (), id="a damaged key tells nothing"
        ),
    ],
)  # fmt: skip
def test_what_is_told(name: str, secret: bytes, details: Details) -> None:
    assert CHECKS[name].details(secret) == details


def test_a_long_fact_is_cut() -> None:
    secret = jwt({"alg": "HS256"}, json.dumps({"iss": "x" * 500}).encode())
    assert dict(CHECKS["jwt"].details(secret))["issuer"] == "x" * 119 + "…"


CAVEATS = {
    b'{"version": 1, "permissions": "user"}': ("scope", "user"),
    b'{"version": 1, "permissions": {"projects": ["app", "lib"]}}': ("project", "app, lib"),
    b"[0, 1516242622, 1516239022]": ("expires", "2018-01-18T02:30:22Z"),
    b'[1, ["app"]]': ("project", "app"),
    b'[2, ["c0ffee"]]': ("project_id", "c0ffee"),
    b'[3, "someone"]': ("user", "someone"),
}


@pytest.mark.parametrize(("caveat", "told"), CAVEATS.items())
def test_a_caveat_of_a_macaroon_is_told(caveat: bytes, told: tuple[str, str]) -> None:
    fields = b"\x02\x01\x04host\x02\x01i\0\x02" + bytes([len(caveat)]) + caveat + b"\0\0"
    secret = b"pypi-" + encoded(fields + b"\x06\x20" + bytes(32))
    assert CHECKS["macaroon"](secret)
    assert CHECKS["macaroon"].details(secret) == (("service", "host"), told)


# Digits of a number in the open, such as a workspace.
LONGEST_SHOWN = 19


def longest_common(one: bytes, other: bytes) -> bytes:
    parts = (one[at : at + size] for size in range(len(one), 0, -1) for at in range(len(one)))
    return next((part for part in parts if part in other), b"")


@pytest.mark.parametrize("each", builtin_rules(), ids=lambda each: each.id)
def test_details_hold_no_part_of_the_secret_that_matters(each: Rule) -> None:
    for template in each.examples:
        made = sample(template, seed=each.id, check=each.check, preface=each.preface)
        secret = made.text[made.start : made.end]
        for _, detail in each.details(secret, made.text[: made.start]):
            assert len(longest_common(detail.encode(), secret)) <= LONGEST_SHOWN


@pytest.mark.parametrize(
    ("value", "bits"),
    [(b"", 0.0), (b"aaaa", 0.0), (b"abab", 1.0), (bytes(range(256)), 8.0)],
)
def test_entropy_is_in_bits_for_each_byte(value: bytes, bits: float) -> None:
    assert entropy(value) == bits
