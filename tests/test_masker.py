"""The laws of masking, each held by a test that names it."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.masker import Masker
from leakguard.matcher import Matcher
from leakguard.model import Confidence, Needle, Secret
from leakguard.rules import builtin_rules
from tests.streams import cut, cuttings, literal, mask

TOKEN = b"tok_live_8f3Kd92LmQx71ZbV0aHs"
PLAIN = Matcher([Secret("TOKEN", TOKEN)])
RULES = Matcher([Secret("TOKEN", TOKEN)], builtin_rules())


@given(st.binary(max_size=400), cuttings())
def test_silence_where_nothing_matches_output_equals_input(text: bytes, lengths: list[int]) -> None:
    assert mask(PLAIN, *cut(text, lengths)) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"bin \x00\x01\x80\xff\xfe\xc0 end\r\nx\ry", id="bytes that are no text"),
        pytest.param(b"\r 10%\r 20%\r 30%\n", id="progress"),
        pytest.param(b"\x1b[31mred\x1b[0m\x1b[2K", id="colours"),
        pytest.param(b"no newline", id="no final newline"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfel\x00o\x00g\x00", id="UTF-16"),
    ],
)
def test_silence_with_every_rule(text: bytes) -> None:
    assert mask(RULES, *cut(text, [1])) == text


@pytest.mark.parametrize(
    ("secrets", "text", "masked"),
    [
        pytest.param([b"abcdefgh", b"efghijkl"], b"-abcdefghijkl-", b"-***-", id="overlap"),
        pytest.param([b"ababac"], b"abababac", b"ab***", id="overlaps itself"),
        pytest.param([b"abab"], b"-abababab-", b"-***-", id="chain of itself"),
        pytest.param(
            [b"abc", b"abcdef"], b"-abcdef-abcde-", b"-***-***de-", id="prefix of another"
        ),
        pytest.param([b"abc"], b"abcabc", b"***", id="neighbours share a mask"),
        pytest.param([b"xaa", b"aby"], b"xaabyxaab", b"******b"[3:], id="GitLab's xaa|aby"),
        pytest.param([b"abcab", b"cabd"], b"abcabd", b"***", id="GitLab's abcab|cabd"),
        pytest.param([b"abc", b"cde"], b"abcde", b"***", id="GitLab's abc|cde"),
        pytest.param([b"aaab1234"], b"aaaab1234", b"a***", id="Dagger's border"),
        pytest.param([b"tok-tokQ7x9-Zm2"], b"tok-tok-tokQ7x9-Zm2", b"tok-***", id="deep border"),
        pytest.param([b"xyzw1234", b"abcd"], b"abxyzw1234 cd", b"ab*** cd", id="no false join"),
        pytest.param([b"short", b"shorter"], b"shorter", b"***", id="no tail of the longer"),
    ],
)
def test_union_of_all_matches(secrets: list[bytes], text: bytes, masked: bytes) -> None:
    for lengths in ([1], [2], [3, 1], [1000]):
        assert mask(literal(secrets), *cut(text, lengths)) == masked


@given(st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=4), st.binary(max_size=60))
def test_nothing_comes_back(values: list[bytes], text: bytes) -> None:
    text = text + values[0] + text
    out = mask(literal([v for v in values if v not in b"***"]), text)
    left = out.split(b"***")
    assert not any(value in part for value in values if value not in b"***" for part in left)


def test_at_once_what_cannot_match_leaves_before_the_next_read() -> None:
    masker = Masker(RULES)
    assert masker.feed(b"Continue? [y/N] ") == b"Continue? [y/N] "
    assert masker.feed(b"Password: ") == b"Password: "
    assert masker.feed(b"go to the market!") == b"go to the market!"
    assert masker.feed(b"\rprogress 10 ") == b"\rprogress 10 "
    assert not masker.holding


def test_at_once_context_leaves_and_is_remembered() -> None:
    masker = Masker(RULES)
    assert masker.feed(b"> authorization: Basic ") == b"> authorization: Basic "
    value = base64.b64encode(b"u:Zq81mm92Kd7x")
    assert masker.feed(value) == b""
    assert masker.feed(b"\n") == b"***\n"


def test_idle_lets_three_bytes_go_and_no_more() -> None:
    masker = Masker(PLAIN)
    assert masker.feed(b"say tok") == b"say "
    assert masker.idle() == b"tok"
    assert masker.feed(b"_") == b""
    assert masker.idle() == b""  # or else who types slowly would have it shown byte by byte
    assert masker.feed(TOKEN[len(b"tok_") :]) + masker.flush() == b"***"


def test_a_prefix_that_idle_let_go_still_begins_a_secret() -> None:
    masker = Masker(PLAIN)
    masker.feed(b"tok")
    masker.idle()
    assert masker.feed(TOKEN[3:]) == b"***"


def test_an_unfinished_secret_at_the_end_is_told_raw_only_if_it_is_none() -> None:
    assert mask(PLAIN, TOKEN[:12]) == TOKEN[:12]
    assert mask(PLAIN, b"x " + TOKEN) == b"x ***"


@given(cuttings(), st.integers(0, 40))
def test_a_secret_added_on_the_way_is_masked_from_there_on(lengths: list[int], before: int) -> None:
    masker = Masker(Matcher())
    out = masker.feed(b"." * before)
    masker.add(Secret("LATER", TOKEN))
    text = b"a " + TOKEN + b" " + base64.b64encode(b"user:" + TOKEN) + b" z"
    for chunk in cut(text, lengths):
        out += masker.feed(chunk)
    out += masker.flush()
    assert out.startswith(b"." * before + b"a *** ")
    assert base64.b64encode(b"user:" + TOKEN)[12:-4] not in out


def test_a_thousand_secrets_can_be_added() -> None:
    masker = Masker(PLAIN)
    values = [f"value-{i:04}-{i * 7919 % 9973:04}".encode() for i in range(60)]
    for number, value in enumerate(values):
        masker.add(Secret(f"S{number}", value))
    assert masker.feed(b" ".join(values)) + masker.flush() == b" ".join([b"***"] * len(values))


def test_a_label_names_the_secret_and_the_form() -> None:
    masker = Masker(PLAIN, label=True)
    out = masker.feed(b"a " + TOKEN + b" b " + TOKEN.hex().encode() + b" c") + masker.flush()
    assert out == b"a [MASKED:TOKEN:raw] b [MASKED:TOKEN:hex] c"


def test_leaks_are_counted_by_name_and_form() -> None:
    masker = Masker(PLAIN, locate=True)
    masker.feed(b"one\ntwo " + TOKEN + b"\n" + TOKEN)
    masker.feed(b"\n" + json.dumps({"t": TOKEN.hex()}).encode())
    masker.flush()
    raw, hexed = masker.leaks
    assert (raw.name, raw.encoding, raw.count, raw.line, raw.column) == ("TOKEN", "raw", 2, 2, 5)
    assert (hexed.encoding, hexed.count, hexed.line, hexed.column) == ("hex", 1, 4, 8)
    assert raw.confidence is Confidence.KNOWN
    assert raw.fingerprint != hexed.fingerprint


def test_without_locate_nothing_is_fingerprinted() -> None:
    masker = Masker(PLAIN)
    masker.feed(TOKEN)
    masker.flush()
    assert [(leak.count, leak.line, leak.fingerprint) for leak in masker.leaks] == [(1, 0, "")]


def test_a_needle_of_kilobytes_is_masked_in_any_pieces() -> None:
    value = base64.b64encode(bytes(i * 7 % 256 for i in range(6000)))
    found = Matcher.of_needles([Needle(value, "LONG", "raw")])
    text = b"<" + value[:4000] + value + b">"
    assert mask(found, *cut(text, [1000, 7])) == b"<" + value[:4000] + b"***>"
    assert mask(found, *cut(text[:5000], [64])) == text[:5000]


def test_a_periodic_needle_costs_no_square() -> None:
    value = b"ab" * 2000
    found = Matcher.of_needles([Needle(value, "PERIODIC", "raw")])
    assert mask(found, *cut(b"ab" * 20_000 + b"-", [4096])) == b"***-"


@pytest.mark.parametrize("value", [b"", b"a", b"true", b"12345", b"      ", b"aaaaaaaa"])
def test_a_value_that_would_destroy_the_log_is_not_protected(value: bytes) -> None:
    found = Matcher([Secret("WEAK", value)])
    text = b"a true Step 1/15 12345 aaaaaaaa       "
    assert mask(found, text) == text
    assert [name for name, _ in found.unprotected] == ["WEAK"]
