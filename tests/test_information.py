"""What a value tells, estimated: little for words and repetitions, nearly all for random text."""

import base64
import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.policy import bits, information

BASE62 = string.ascii_letters + string.digits


DRAW = random.Random(1)  # noqa: S311  # the same values each time


def drawn(alphabet: str, length: int) -> bytes:
    return "".join(DRAW.choices(alphabet, k=length)).encode()


@given(st.binary(max_size=200))
def test_each_byte_tells_something_between_nothing_and_what_a_byte_can(value: bytes) -> None:
    told = bits(value)
    assert len(told) == len(value)
    assert all(0 < bit <= 8 for bit in told)
    assert information(value) == sum(told)
    assert bits(value) == told


@pytest.mark.parametrize(
    ("alphabet", "least", "most"),
    [
        pytest.param(BASE62, 5.2, 5.95, id="base62"),
        pytest.param(BASE62 + "+/", 5.1, 6.0, id="base64"),
        pytest.param("0123456789abcdef", 3.7, 4.0, id="hex"),
        pytest.param("0123456789ABCDEF", 3.7, 4.0, id="hex in capitals"),
        pytest.param(string.digits, 3.0, 3.32, id="digits"),
        pytest.param(string.ascii_lowercase, 4.1, 4.7, id="one case"),
        pytest.param(string.ascii_uppercase + "234567", 4.5, 5.2, id="base32"),
    ],
)
def test_random_text_tells_nearly_all_that_its_alphabet_can(
    alphabet: str, least: float, most: float
) -> None:
    value = drawn(alphabet, 400)
    assert least <= information(value) / len(value) <= most


@pytest.mark.parametrize(
    ("value", "most"),
    [
        (b"", 0),
        (b"password", 10),
        (b"PostgreSQL", 10),
        (b"kubernetes", 10),
        (b"https://", 1.1),
        (b"ghp_", 1.1),
        (b"sk_live_", 1.1),
        (b"https://example.com/", 16),
        (b"-----BEGIN RSA PRIVATE KEY-----", 16),
        (b"12345678", 12),
        (b"qwertyuiop", 17),
        (b"aaaaaaaaaaaaaaaaaaaa", 15),
        (b"1998", 7),
        (b'{"user":"","user":"","user":"","user":""}', 40),
        (b"Kd9-" * 40, 100),
    ],
)
def test_what_a_reader_would_guess_tells_little(value: bytes, most: float) -> None:
    assert information(value) <= most


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        pytest.param(b"tok_live_8f3Kd92LmQx71ZbV0aHs", 105, 125, id="a token behind its prefix"),
        pytest.param(b"correct horse battery staple", 45, 70, id="words"),
        pytest.param(b"hunter-blue", 20, 32, id="two words"),
        pytest.param(b"3f2b8c1e-77aa-4d0e-9b61-0c5de1f0a942", 115, 145, id="a UUID"),
        pytest.param(b"493817", 18, 20, id="six digits"),
        pytest.param("密码密码".encode(), 20, 60, id="another script"),
    ],
)
def test_an_estimate_is_near_what_is_known(value: bytes, least: float, most: float) -> None:
    assert least <= information(value) <= most


@given(st.text(BASE62, min_size=8, max_size=60), st.integers(2, 5))
def test_what_was_there_before_adds_nearly_nothing(text: str, times: int) -> None:
    value = text.encode()
    again = sum(bits(value * times)[len(value) + 3 :])
    assert again <= 0.8 * len(value) * times


def test_the_sum_over_a_part_estimates_the_part() -> None:
    value = b"tok_live_" + drawn(BASE62, 40) + b"@db.internal.example"
    told = bits(value)
    for start, end in ((0, 12), (9, 20), (15, 31), (20, 49), (40, 60), (49, 69)):
        assert abs(sum(told[start:end]) - information(value[start:end])) < 16


def test_utf_16_tells_about_as_much_as_its_text() -> None:
    value = drawn(BASE62, 40)
    wide = value.decode().encode("utf-16-le")
    assert abs(information(wide) - information(value)) < 60


def test_a_large_key_is_judged_at_once() -> None:
    value = base64.b64encode(DRAW.randbytes(2304))
    start = time.monotonic()
    assert information(value) > 5 * len(value)
    assert time.monotonic() - start < 2
