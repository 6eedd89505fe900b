"""What is protected, and what would only destroy a log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.policy import (
    PART_BITS,
    bare,
    information,
    is_token,
    looks_secret,
    names_public,
    names_secret,
    shown_key,
    strength,
    tells,
    weakness,
    worth,
    worthless,
)
from leakguard.policy.names import PARTS, SUFFIXES


@pytest.mark.parametrize("value", [b"", b" ", b"\n\r\n\t", b'""', b"' '"])
def test_blank_values_are_not_protected(value: bytes) -> None:
    assert weakness(value) == "blank"


@pytest.mark.parametrize("value", [b"a", b"12345", b" dev \n", b'"short"', "äö".encode() + b"x"])
def test_values_shorter_than_the_limit_are_not_protected(value: bytes) -> None:
    assert weakness(value) == "shorter than 6 bytes"


def test_the_limit_can_be_moved() -> None:
    assert weakness(b"Zq81", min_length=4) is None
    assert weakness(b"Zq81mm92", min_length=12) == "shorter than 12 bytes"


@pytest.mark.parametrize("word", [b"true", b"False", b"NULL", b"none", b"main", b"dev", b"8080"])
def test_common_short_words_stay_unprotected_when_the_limit_is_lowered(word: bytes) -> None:
    assert weakness(word, min_length=1) == "too guessable"


@pytest.mark.parametrize(
    "value",
    [
        b"aaaaaaaa",
        b"********",
        b"abababab",
        b"12345678",
        b"87654321",
        b"abcdefgh",
        b"0123456789abcdef",
        b"+-----+",
        b"100000",
        b"65536.25",
        b"120000ms",
        b"development",
        b"Production",
        b"localhost",
        b"password",
        b"ubuntu-latest",
        b"linux/amd64",
        b"application/json",
        b"eu-central-1",
        b"en_US.UTF-8",
        b"v1.24.3-rc1",
        b"127.0.0.1",
        b"localhost:5432",
        b"redis://localhost:6379/0",
        b"2024-01-31",
        b"2024-01-31T10:20:30.123Z",
        b"20240131",
        b"10:20:30",
        b"/usr/bin",
        b"/usr/local/bin:/usr/bin",
        b"/home/runner/work/app",
        b"~/.ssh/id_rsa",
        rb"C:\Users\runner\work",
        b"/var/run/secrets/kubernetes.io/serviceaccount/token",
        b"REDACTED",
        b"[MASKED]",
        b"asdfgh",
        b"abcabcabc",
        b"00000001",
        b"${DB_PASSWORD}",
        b"${{ secrets.TOKEN }}",
        b"$(DbPassword)",
        b"{{ vault_token }}",
        b"%API_TOKEN%",
    ],
)
def test_what_ordinary_output_is_full_of_is_not_protected(value: bytes) -> None:
    assert weakness(value) == "too guessable"


@pytest.mark.parametrize(
    "value",
    [
        b"password1",
        b"letmein",
        b"hunter22",
        b"changeme",
        b"493817",
        b"captcha-Q71",
        b"abaababaabaab",
        b"Kd9-Kd9-Kd9-Kd9-",
        b"!@#$%^&*",
        b"~~?>>k?>~?~>w?>",
        b"correct horse battery staple",
        b"203.0.113.7",
        b"db.internal.example",
        b"bob@example.com",
        b"/aB3kd/9fQxZ81/dk3",
        b"/home/app/Zq81-mm92-Kd7",
        b"https://intern.example/x",
        b"\x00\xff\xfe\x80\x01\x02",
    ],
)
def test_bad_passwords_and_private_names_are_protected_all_the_same(value: bytes) -> None:
    assert weakness(value) is None


@given(st.binary(max_size=40), st.integers(1, 12))
def test_a_reason_is_one_of_three_phrases_and_never_holds_the_value(
    value: bytes, limit: int
) -> None:
    reasons = {None, "blank", f"shorter than {limit} bytes", "too guessable"}
    assert weakness(value, min_length=limit) in reasons


@given(st.text("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=16))
def test_long_random_values_are_protected_unless_they_repeat_themselves(value: str) -> None:
    repeats = len(set(value)) < 3
    assert repeats or weakness(value.encode()) in {None, "too guessable"}
    assert weakness(f"{value}.Zq81-mm92-Kd7".encode()) is None


@pytest.mark.parametrize(
    ("value", "core"),
    [
        (b" Vq7mZp2L\n", b"Vq7mZp2L"),
        (b'"Vq7mZp2L"', b"Vq7mZp2L"),
        (b"' Vq7mZp2L '", b"Vq7mZp2L"),
        (b"'Vq7mZp2L\"", b"'Vq7mZp2L\""),
        (b"\"'Vq7mZp2L'\"", b"'Vq7mZp2L'"),
        (b'"', b'"'),
    ],
)
def test_blanks_and_one_pair_of_quotes_are_no_part_of_a_value(value: bytes, core: bytes) -> None:
    assert bare(value) == core


@pytest.mark.parametrize(
    "key",
    [
        "DB_PASSWORD",
        "dbPassword",
        "POSTGRES_PASSWORD_HASH",
        "apiKey",
        "client_secret",
        "private_key",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "//registry.example/:_authToken",
        "client-key-data",
        "SENTRY_DSN",
        "DATABASE_URL",
        "sig",
        "Proxy-Authorization",
        "secret_id",
        "pwd",
        "accesskey",
        "AzureWebJobsStorage",
        "kubeconfig_data",
    ],
)
def test_keys_that_name_a_secret(key: str) -> None:
    assert (names_secret(key), names_public(key)) == (True, False)


@pytest.mark.parametrize(
    "key",
    [
        "token_uri",
        "auth_provider_x509_cert_url",
        "private_key_id",
        "secretName",
        "token_type",
        "client_email",
        "public_key",
        "AWS_ACCESS_KEY_ID",
        "PASSWORD_FILE",
        "tokenTimeout",
        "secret_arn",
        "max_tokens",
    ],
)
def test_keys_that_only_point_at_a_secret(key: str) -> None:
    assert (names_secret(key), names_public(key)) == (False, True)


@pytest.mark.parametrize("key", ["author", "keyboard", "monkey", "cluster", "", "42"])
def test_keys_that_say_nothing(key: str) -> None:
    assert (names_secret(key), names_public(key)) == (False, False)


@pytest.mark.parametrize(
    "value",
    [
        b"Zq81-mm92-Kd7",
        b"c0ffee9f86d081884c7d659a2feaa0c5",
        b"3f2b8c1e-77aa-4d0e-9b61-0c5de1f0a942",
        b"hdKDjekqPWzHfGkqLmNbVc",
        b"p4ss=w0rd!",
    ],
)
def test_random_looking_values_are_tokens(value: bytes) -> None:
    assert is_token(value)
    assert worth(value, keyed=False)


@pytest.mark.parametrize(
    "value",
    [
        b"service_account",
        b"demo-project-41",
        b"us-central1-a",
        b"v1.2.3-rc1",
        b"Windows2022",
        b"serviceAccountUserRoleName",
        b"108293847561029384756",
        b"two words9 a1b2",
    ],
)
def test_names_are_no_tokens(value: bytes) -> None:
    assert not is_token(value)
    assert not worth(value, keyed=False)


@pytest.mark.parametrize(
    "value",
    [
        b"https://oauth2.googleapis.com/token",
        b"https://www.example.com/robot/v1/metadata/x509/bot%40demo-project.example.com",
        b"/etc/ssl/certs/ca-certificates.crt",
    ],
)
def test_a_plain_address_is_no_secret_whatever_its_key_says(value: bytes) -> None:
    assert not worth(value, keyed=True)


@pytest.mark.parametrize(
    "value",
    [
        b"https://app:hunter-blue@h.example/",
        b"https://hooks.example/services/T00/B00/9fK2mPq81ZbV0aHsXX",
        b"https://h.example/o?sig=9f86d081884c7d659a2f",
        b"hunter-blue",
        b"bob@example.com",
        b"http://[broken/Zq81mm92",
    ],
)
def test_a_key_that_names_a_secret_makes_its_value_one(value: bytes) -> None:
    assert worth(value, keyed=True)


@pytest.mark.parametrize(
    "value", [b"bot@demo-project-41.example", b"b0t9x2@h1.example", b"a1b2c3.db.example.com:5432"]
)
def test_addresses_and_hosts_without_such_a_key_are_names(value: bytes) -> None:
    assert not worth(value, keyed=False)


@pytest.mark.parametrize("name", [f"X{suffix}" for suffix in SUFFIXES if "__" not in suffix])
def test_a_variable_that_is_secret_is_so_as_a_key_of_a_document(name: str) -> None:
    assert looks_secret(name)
    assert names_secret(name)


@pytest.mark.parametrize("part", PARTS)
def test_a_word_that_makes_a_variable_secret_makes_a_key_secret(part: str) -> None:
    assert names_secret(f"MY_{part}")
    assert names_secret(f"my-{part.lower().replace('_', '-')}")


@pytest.mark.parametrize(
    ("value", "keyed", "reason"),
    [
        (b"https://example.com/token", True, "an address or a path"),
        (b"bot@example.com", False, "an address or a path"),
        (b"db.internal.example:5432", False, "an address or a path"),
        (b"demo-project-41", False, "looks like a name"),
        (b"a1a1a1a1a1", False, "tells too little"),
        (b"hunter-blue", True, None),
        (b"Zq81-mm92-Kd7", False, None),
    ],
)
def test_a_leaf_that_is_no_secret_has_a_reason(
    value: bytes,
    keyed: bool,  # noqa: FBT001  # a parameter of the table
    reason: str | None,
) -> None:
    assert worthless(value, keyed=keyed) == reason


@given(st.binary(max_size=60), st.booleans())
def test_a_reason_about_a_leaf_is_one_of_three_phrases(value: bytes, keyed: bool) -> None:  # noqa: FBT001  # drawn
    reasons = {None, "an address or a path", "looks like a name", "tells too little"}
    assert worthless(value, keyed=keyed) in reasons


@given(st.binary(max_size=24))
def test_a_value_tells_what_its_information_says(value: bytes) -> None:
    assert tells(value, PART_BITS) == (information(value) >= PART_BITS)


def test_a_long_value_is_judged_by_its_beginning() -> None:
    assert tells(b"Vq7mZp2L" + b"a" * 1_000_000, PART_BITS)
    assert not tells(b"a" * 1_000_000, PART_BITS)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (b"letmein1", "weak"),
        (b"hunter-blue", "weak"),
        (b"493817", "weak"),
        (b"Zq81-mm92-Kd7", "fair"),
        (b"correct horse battery staple", "fair"),
        (b"Vq7mZp2Lk9Rt4WxB", "strong"),
        (b"3f2b8c1e-77aa-4d0e-9b61-0c5de1f0a942", "strong"),
    ],
)
def test_strength_is_a_word(value: bytes, word: str) -> None:
    assert strength(value) == word


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("password", "password"),
        ("client_email", "client_email"),
        ("oauth2_token", "oauth2_token"),
        ("stripe", "stripe"),
        ("feature-flags", "feature-flags"),
        ("db", "db"),
        ("hunter2", "*"),
        ("QZXJVK", "*"),
        ("hdKDjekqPWzHfGkqLmNbVc", "*"),
        ("Zq81mm92Kd7", "*"),
        ("two words", "*"),
        ("", "*"),
        ("\x1b[2J", "*"),
    ],
)
def test_a_key_that_may_be_a_value_is_not_shown(key: str, shown: str) -> None:
    assert shown_key(key) == shown
