"""A fingerprint stands for a value and leads nobody back to it."""

import hashlib
import hmac
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakguard import fingerprint as module
from leakguard.fingerprint import CACHED, GUESSABLE, fingerprint

KEY = b"a key that only the readers of reports know"
LONG = b"0123456789abcdefghijklmn"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_stretched", {})


@given(st.binary(), st.binary(min_size=1))
def test_a_fingerprint_is_128_bits_of_keyed_hmac_sha256(value: bytes, key: bytes) -> None:
    assert fingerprint(value, key) == hmac.new(key, value, hashlib.sha256).hexdigest()[:32]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"", "6ab86069758b00816015aa453ddd8bdc", id="empty"),
        pytest.param(b"hunter2", "178c3e0ad0db8c73ca3944ea731bfd7a", id="short"),
        pytest.param(LONG, "de33fc8f8acd6a5ef6202c1da1bdf620", id="long"),
    ],
)
def test_without_a_key_every_process_and_version_agrees(value: bytes, expected: str) -> None:
    assert fingerprint(value, b"") == expected


@given(st.binary(min_size=GUESSABLE), st.binary(min_size=GUESSABLE))
def test_equal_values_have_equal_fingerprints_and_different_ones_have_not(
    one: bytes, other: bytes
) -> None:
    assert (fingerprint(one, b"") == fingerprint(other, b"")) == (one == other)


@given(st.binary(min_size=GUESSABLE), st.binary(min_size=1, max_size=16))
def test_two_keys_never_agree(value: bytes, key: bytes) -> None:
    assert len({fingerprint(value, k) for k in (b"", key, key + b"'")}) == 3


@given(st.binary())
@settings(max_examples=20)
def test_it_is_no_plain_hash_of_the_value(value: bytes) -> None:
    plain = {hashlib.new(name, value).hexdigest()[:32] for name in ("md5", "sha1", "sha256")}
    for key in (b"", KEY):
        assert re.fullmatch("[0-9a-f]{32}", fingerprint(value, key))
        assert fingerprint(value, key) not in plain


@pytest.mark.parametrize(
    ("value", "key", "stretched"),
    [
        pytest.param(LONG[:-1], b"", 1, id="short, no key"),
        pytest.param(LONG, b"", 0, id="long, no key"),
        pytest.param(LONG[:-1], KEY, 0, id="short, a key"),
    ],
)
def test_what_can_be_guessed_is_made_dear_to_guess(
    value: bytes, key: bytes, stretched: int
) -> None:
    fingerprint(value, key)
    assert len(module._stretched) == stretched


def test_a_value_is_stretched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = fingerprint(b"hunter2", b"")
    monkeypatch.delattr(hashlib, "scrypt")
    assert fingerprint(b"hunter2", b"") == first


def test_the_memory_of_stretched_values_is_bounded_and_drops_the_oldest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hashlib, "scrypt", lambda value, **_: value)
    for number in range(CACHED + 5):
        fingerprint(b"%d" % number, b"")
    assert list(module._stretched.values()) == [b"%d" % n for n in range(5, CACHED + 5)]


def test_the_memory_of_stretched_values_holds_no_value_nor_a_plain_hash_of_it() -> None:
    fingerprint(b"hunter2", b"")
    known = hashlib.blake2b(b"hunter2", digest_size=16).digest()
    assert not {b"hunter2", known} & {*module._stretched, *module._stretched.values()}
