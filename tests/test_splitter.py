"""However a stream is cut, what comes out is what the matcher says of the whole."""

import base64
import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.masker import Masker
from leakguard.matcher import Matcher
from leakguard.model import Secret
from leakguard.rules import Rule, builtin_rules
from leakguard.rules.examples import sample
from leakguard.splitter import Splitter
from tests.streams import cut, cuttings, mask

SECRETS = (
    Secret("PLAIN", b"Vq7mZp2Lk9Rt4WxB"),
    Secret("BORDER", b"tok-tokQ7x9-Zm2"),
    Secret("LINES", b"first-Qx7-line-88\nsecond-Zp9-line-77"),
    Secret("LONG", base64.b64encode(bytes(range(200)))),
)


@contextmanager
def sieve_turned(state: str) -> Iterator[None]:
    """Turn the sieve on or off for matchers that are made meanwhile."""
    before = os.environ.get("LEAKGUARD_SIEVE")
    os.environ["LEAKGUARD_SIEVE"] = state
    try:
        yield
    finally:
        os.environ.pop("LEAKGUARD_SIEVE")
        if before is not None:
            os.environ["LEAKGUARD_SIEVE"] = before


@functools.cache
def matcher(sieve: str) -> Matcher:
    """Return a matcher for `SECRETS` and all built-in rules."""
    with sieve_turned(sieve):
        found = Matcher(SECRETS, builtin_rules())
    found.prepare()
    return found


@functools.cache
def samples() -> tuple[bytes, ...]:
    """Return text that matches, and text that nearly does."""
    found = [
        sample(template, seed=rule.id, check=rule.check, preface=rule.preface).text
        for rule in builtin_rules()
        for template in (*rule.examples, *rule.counterexamples)
    ]
    forms = [secret.value for secret in SECRETS]
    forms += [base64.b64encode(b"x:" + form) for form in forms]
    forms += [form.hex().encode() for form in forms[:4]]
    return (*dict.fromkeys(found), *forms)


PAINT = (
    b"\x1b[01;31m\x1b[K",
    b"\x1b[m",
    b"\x1b]0;title\x07",
    b"\x1b[",
    b"\xe2\x80\x8b",
    b"\xe2\x80",
)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Return a text in which samples, whole and cut off, stand among other things."""
    parts: list[bytes] = []
    for _ in range(draw(st.integers(1, 5))):
        whole = draw(st.sampled_from(samples()))
        begin = draw(st.integers(0, 3))
        end = draw(st.none() | st.integers(0, len(whole)))
        part = whole[begin:end] if draw(st.booleans()) else whole
        place = draw(st.integers(0, len(part)))
        put_in = draw(st.sampled_from([b"", b"", b"", *PAINT])) * draw(st.integers(1, 2))
        parts.append(part[:place] + put_in + part[place:])
        parts.append(draw(st.sampled_from([b"", b" ", b"\n", b'"', b"a", b"=", b"\0", *PAINT])))
    return b"".join(parts)


@given(texts(), cuttings())
def test_cuts_do_not_matter(text: bytes, lengths: list[int]) -> None:
    assert mask(matcher("on"), *cut(text, lengths)) == mask(matcher("on"), text)


@given(texts())
def test_single_bytes_come_out_as_the_whole(text: bytes) -> None:
    assert mask(matcher("on"), *cut(text[:300], [1])) == mask(matcher("on"), text[:300])


@given(texts(), cuttings())
def test_the_sieve_changes_nothing(text: bytes, lengths: list[int]) -> None:
    assert matcher("on").find(text) == matcher("off").find(text)
    chunks = cut(text, lengths)
    assert mask(matcher("on"), *chunks) == mask(matcher("off"), *chunks)


@given(texts(), cuttings())
def test_a_stream_has_the_matches_of_the_whole(text: bytes, lengths: list[int]) -> None:
    splitter = Splitter(matcher("on"))
    cuts = [*map(splitter.feed, cut(text, lengths)), splitter.flush()]
    covered = {
        place
        for each in cuts
        for match in (*each.matches, *each.longer)
        for place in range(match.start, match.end)
    }
    whole = matcher("on").find(text)
    assert covered == {place for match in whole for place in range(match.start, match.end)}
    assert b"".join(each.text for each in cuts) == text


@given(texts(), cuttings())
def test_a_cut_knows_the_value_of_its_matches(text: bytes, lengths: list[int]) -> None:
    splitter = Splitter(matcher("on"))
    for each in [*map(splitter.feed, cut(text, lengths)), splitter.flush()]:
        for match in each.matches:
            assert each.value(match) == text[match.start : match.end]


def test_what_is_held_is_bounded() -> None:
    held_most = max(rule.reach for rule in builtin_rules())
    for text in (b"eyJ", b"-----BEGIN RSA PRIVATE KEY-----\nMII", b"password = 'x", b"A"):
        masker = Masker(matcher("on"))
        masker.feed(text)
        for _ in range(300):
            masker.feed(b"Ab3" * 1000)
            assert masker._splitter.held <= held_most
            assert len(masker._splitter._bytes.text) <= 2 * held_most + 4096


def endless(regex: bytes) -> Rule:
    """Return a rule whose secret has no bound, with a small window."""
    return Rule(
        id="endless",
        description="x",
        regex=regex,
        keywords=(b"key_",),
        reach=32,
        stopwords=(),
        examples=(b"x",),
        counterexamples=(b"x",),
    )


@pytest.mark.parametrize(
    ("regex", "unit"),
    [(rb"key_[a-z]{8,}", b"abc"), (rb"key_(?:[a-z]{2,4}[ \n]{1,2}){3,}", b"abc \n")],
    ids=["of bytes", "of units"],
)
def test_a_secret_without_end_is_masked_as_it_goes(regex: bytes, unit: bytes) -> None:
    masker = Masker(Matcher((), [endless(regex)]))
    out = masker.feed(b"<key_")
    for _ in range(10_000):
        out += masker.feed(unit)
    assert out == b"<***"
    assert masker.feed(b">") + masker.flush() == b">"


def test_a_secret_that_is_all_there_waits_while_its_match_may_become_another() -> None:
    shifting = replace(
        endless(rb"key_[^\r\n]{0,60}?-u a:(?P<secret>[a-z0-9]{8,}) https"), reach=512
    )
    longest = replace(endless(rb"key_[^\r\n]{0,60}?-u a:(?P<secret>[a-z0-9]{8,})"), reach=512)
    for rule in (shifting, longest):
        for text in (b"key_ -u a:zq81mm92kd https", b"key_ -u a:zq81mm92kd https -u a:12345678"):
            for lengths in ([1], [5], [100]):
                assert b"zq81mm92kd" not in mask(Matcher((), [rule]), *cut(text, lengths))


@given(st.integers(0, 80), cuttings())
def test_a_secret_longer_than_its_window_is_masked_whole(length: int, lengths: list[int]) -> None:
    text = b"<key_abcdefgh" + b"x" * length + b"> key_short key_abcdefghij"
    found = Matcher((), [endless(rb"key_[a-z]{8,}")])
    assert mask(found, *cut(text, lengths)) == b"<***> key_short ***"


def test_the_sieve_loses_no_example_with_nothing_beside_it() -> None:
    """In short texts it is not asked, and in real ones another token nearby may hide its fault."""
    quiet = b"it is so far to go on by and by\n" * 16
    text = quiet.join([b"", *samples(), b""])
    found = matcher("on").find(text)
    assert found == matcher("off").find(text)
    assert len({match.name for match in found}) > len(builtin_rules()) / 2
    assert sum(end - start for start, end in matcher("on").windows(text)) < len(text) / 2


def test_the_sieve_gives_up_where_all_of_a_text_matches() -> None:
    rules = [Rule("runs", "x", b"key_key_[0-9a-f]{16}", (b"key_key_",), stopwords=())]
    dense, token = b"key_" * 20_000, b"key_key_0123456789abcdef"
    text = dense + token + b" " + SECRETS[0].value + b" " + dense + token
    found = []
    for state in ("on", "off"):
        with sieve_turned(state):
            both = Matcher(SECRETS, [*rules, Rule("key", "x", b"key_", (b"key_",), stopwords=())])
        both.prepare()
        found.append(both.find(text))
    assert found[0] == found[1]
    assert both.windows(text) == [(0, len(text))]
    assert {match.name for match in found[0]} == {"PLAIN", "runs", "key"}
