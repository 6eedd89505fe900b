"""What is derived from a regex, held against what the regex does on every continuation."""

import itertools
import re

import hyperscan
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from leakguard.errors import RuleError
from leakguard.patterns import Pattern, analyse, check
from leakguard.patterns.possessive import compiled, with_atomic_groups
from leakguard.patterns.syntax import least_width, parse
from leakguard.rules import builtin_rules

ALPHABET = b"ab:"
FARTHER = 4  # bytes of continuation that are tried


def small_regexes(*, looks: bool = False) -> st.SearchStrategy[bytes]:
    """Return regexes over a, b and `:` with a context, a secret and something behind it."""
    chars = st.sampled_from([rb"a", rb"b", rb":", rb"[ab]", rb"[a:]", rb"[^a]"])
    counts = st.sampled_from([b"", b"", b"?", b"{2}", b"{1,3}", b"+", b"*", b"{2,}?", b"{0,2}"])
    simple = st.tuples(chars, counts).map(b"".join)
    choices = st.tuples(simple, simple).map(lambda both: b"(?:%b|%b)" % both)
    parts: st.SearchStrategy[bytes] = simple | choices
    if looks:
        parts |= st.sampled_from([rb"(?=a)", rb"(?!b)", rb"(?!ab)", rb"\b", rb"(?<![a:])", rb"\B"])
    series = st.lists(parts, min_size=1, max_size=3).map(b"".join)
    behind = st.just(b"") | series
    return st.tuples(behind, series, behind).map(lambda each: b"%b(?P<secret>%b)%b" % each)


def texts() -> st.SearchStrategy[bytes]:
    """Return short texts of the same alphabet."""
    return st.lists(st.sampled_from(list(ALPHABET)), max_size=6).map(bytes)


def analysed(regex: bytes) -> Pattern:
    """Return the analysis of a regex, or give up on an example that is refused."""
    try:
        check(regex, reach=64)
    except RuleError:
        reject()
    return analyse(regex)


def outcome(regex: re.Pattern[bytes], text: bytes) -> tuple[int, int] | None:
    """Return the span of the secret of a match at the start of `text`."""
    match = regex.match(text)
    return match.span("secret") if match else None


def continuations() -> list[bytes]:
    """Return every text of 1 to `FARTHER` bytes."""
    lengths = range(1, FARTHER + 1)
    return [bytes(each) for n in lengths for each in itertools.product(ALPHABET, repeat=n)]


CONTINUATIONS = continuations()


@given(small_regexes(looks=True), texts())
def test_a_match_that_may_change_is_open(regex: bytes, text: bytes) -> None:
    pattern = analysed(regex)
    now = outcome(pattern.regex, text)
    if any(outcome(pattern.regex, text + more) != now for more in CONTINUATIONS):
        assert pattern.open(text, 0)


@given(small_regexes(looks=True), texts())
def test_all_of_a_secret_that_may_come_is_held(regex: bytes, text: bytes) -> None:
    pattern = analysed(regex)
    now = outcome(pattern.regex, text)
    for more in CONTINUATIONS:
        later = outcome(pattern.regex, text + more)
        if later != now:
            secrets = [each[0] for each in (now, later) if each and each[0] < len(text)]
        else:
            secrets = []
        for secret in secrets:
            held = pattern.held(text, 0)
            assert held is not None
            assert held <= secret


@given(small_regexes(), texts())
def test_what_is_open_can_be_finished(regex: bytes, text: bytes) -> None:
    pattern = analysed(regex)
    assume(least_width(parse(regex)) <= FARTHER - 2)  # so that no unfinished part needs more
    if pattern.open(text, 0):
        assert any(pattern.regex.fullmatch(text + more) for more in CONTINUATIONS)


@given(small_regexes(looks=True), texts(), st.integers(0, 6))
def test_the_sieve_passes_over_no_match(regex: bytes, text: bytes, limit: int) -> None:
    pattern = analysed(regex)
    if match := pattern.regex.match(text, 0, limit):
        relaxed = re.compile(pattern.sieve, re.DOTALL)
        assert any(relaxed.fullmatch(text, 0, end) for end in range(1, match.end() + 1))


@given(small_regexes(), texts())
def test_vectorscan_reads_the_sieve_as_python_does(regex: bytes, text: bytes) -> None:
    pattern = analysed(regex)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[pattern.sieve], ids=[0], elements=1, flags=hyperscan.HS_FLAG_DOTALL
    )
    ends: set[int] = set()
    database.scan(text + b".", match_event_handler=lambda *match: ends.add(match[2]))
    relaxed = re.compile(pattern.sieve, re.DOTALL)
    spans = itertools.combinations(range(len(text) + 2), 2)
    assert ends == {end for start, end in spans if relaxed.fullmatch(text + b".", start, end)}


TOKEN = rb"(?<![A-Za-z0-9])tok_[A-Za-z0-9]{6}(?![A-Za-z0-9])"
ASSIGNED = rb"(?i)secret[\w.-]{0,20}\s{0,3}[:=]\s{0,3}\"(?P<secret>[^\"\s]{4,16})\""


@pytest.mark.parametrize(
    ("regex", "text", "held"),
    [
        pytest.param(TOKEN, b"to", 0, id="the beginning of a token"),
        pytest.param(TOKEN, b"tok_ab12", 0, id="a token that has not ended"),
        pytest.param(TOKEN, b"tok_ab12cd", 0, id="a token that may not have ended"),
        pytest.param(TOKEN, b"tok_ab12cd ", None, id="a token that has ended"),
        pytest.param(TOKEN, b"tok_ab-", None, id="no token"),
        pytest.param(ASSIGNED, b"secret", None, id="context alone is not held"),
        pytest.param(ASSIGNED, b'SECRET_KEY = "', 14, id="a secret could begin just here"),
        pytest.param(ASSIGNED, b'secret="abcd', 8, id="only the secret is held"),
        pytest.param(ASSIGNED, b'secret="abcd"', None, id="a secret that has ended"),
        pytest.param(ASSIGNED, b'secret="ab"', None, id="too short"),
    ],
)
def test_held_from(regex: bytes, text: bytes, held: int | None) -> None:
    assert analyse(regex).held(text, 0) == held


@pytest.mark.parametrize(
    ("regex", "text", "followed"),
    [
        pytest.param(rb"tok_[a-z]{4,}", b"abc def", (3, True), id="a run ends"),
        pytest.param(rb"tok_[a-z]{4,}", b"abcdef", (6, False), id="a run reaches the end"),
        pytest.param(rb"key(?:\n[a-z]{2,4}){2,}", b"\nabc\nde -", (7, True), id="units end"),
        pytest.param(rb"key(?:\n[a-z]{2,4}){2,}", b"\nabc\nde", (4, False), id="a unit is open"),
    ],
)
def test_a_secret_longer_than_its_window_goes_on(
    regex: bytes, text: bytes, followed: tuple[int, bool]
) -> None:
    tail = analyse(regex).tail
    assert tail is not None
    assert tail.follow(text, 0, final=False) == followed


@pytest.mark.parametrize("regex", [rb"tok_[a-z]{4,9}", rb'tok="(?P<secret>[a-z]{4,})"'])
def test_a_secret_with_an_end_has_no_tail(regex: bytes) -> None:
    assert analyse(regex).tail is None


@pytest.mark.parametrize(
    ("regex", "message"),
    [
        (rb"a(", "not a regex: missing ), unterminated subpattern at position 1"),
        (rb"a*", "the regex matches empty text"),
        (rb"(a)\1b", "a rule's regex cannot use groupref"),
        (rb"ab$", "a stream has no start or end: use (?m)^ or a look-ahead, not ^ $ \\A \\Z"),
        (rb"^ab", "a stream has no start or end: use (?m)^ or a look-ahead, not ^ $ \\A \\Z"),
        (
            rb"x(?P<secret>a)?",
            "the group 'secret' must always take part: not in a choice or a repeat",
        ),
        (
            rb"x(?P<secret>(?:a[bc]+)+)",
            "what is repeated at the end of the secret must be of bounded length",
        ),
    ],
)
def test_a_regex_that_a_stream_cannot_answer_is_refused(regex: bytes, message: str) -> None:
    with pytest.raises(RuleError) as refused:
        check(regex, reach=512)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "regex",
    [
        rb"(a+)+b",
        rb"(a|a)*b",
        rb"(.*)*x",
        rb"(?:a?){30}a{30}",
        rb"x.*y.*z.*w.*v",
        rb"(?:[a-z]{4,76}\s{0,8}){2,}x",
        rb"(?:a|b|ab)*c",
    ],
)
def test_a_regex_that_could_explode_is_refused(regex: bytes) -> None:
    with pytest.raises(RuleError, match="may take"):
        check(regex, reach=512)


@pytest.mark.parametrize(
    "regex",
    [
        ASSIGNED,
        TOKEN,
        rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
        rb"[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,64}:(?P<secret>[^\s@/]{3,128})@",
        rb"-----BEGIN[A-Z ]{0,24} KEY-----(?P<secret>(?:\s{1,8}[A-Za-z0-9+/=]{4,76}){2,})",
        rb"(?:ab|cd)*e",
    ],
)
def test_an_ordinary_regex_is_taken(regex: bytes) -> None:
    check(regex, reach=4096)
    assert analyse(regex).regex.pattern == regex


@pytest.mark.parametrize(
    ("regex", "written"),
    [
        (rb"(?:a|b){0,60}+c", rb"(?>(?:a|b){0,60})c"),
        (rb"(?:a(?:b|c)++d)*+", rb"(?>(?:a(?>(?:b|c)+)d)*)"),
        (rb"(?P<secret>a)?+b", rb"(?>(?P<secret>a)?)b"),
        (rb"[a(]++\(?+\)++[)\]]*+", rb"[a(]++\(?+\)++[)\]]*+"),  # of one byte they are right
        (rb"(?:a)+(b)*(c)?", rb"(?:a)+(b)*(c)?"),
        (rb"(?#:)+)([])])++", rb"(?#:)+)(?>([])])+)"),
        (rb"a)++(", rb"a)++("),
    ],
)
def test_a_possessive_repeat_of_a_group_becomes_an_atomic_one(regex: bytes, written: bytes) -> None:
    assert with_atomic_groups(regex) == written


def test_repeats_find_the_same_however_they_are_written() -> None:
    regex = rb"X(?:[\s\"]|\\[nr])*+(?:[A-Z]: \w{0,9}+(?:\\n|\n){1,4}+){0,4}+(?P<secret>[A-Z]{4})"
    for text in (b"X\nMIIC", b"X\n\nMIIC", b"X\nP: abc\n\nMIIC", b"X\\nP: a\\nMIIC", b"XMIIC"):
        for found in (compiled(regex).match(text), re.match(with_atomic_groups(regex), text)):
            assert found
            assert found["secret"] == b"MIIC"


def test_atomic_groups_are_regexes_wherever_there_is_a_possessive_repeat() -> None:
    regexes = [rule.regex for rule in builtin_rules()]
    changed = [with_atomic_groups(regex) for regex in regexes if regex != with_atomic_groups(regex)]
    assert changed
    for regex in changed:
        re.compile(regex)
