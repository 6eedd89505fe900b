"""One report for one secret, and what it says of the secret without saying the secret."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.checks import COMPLETIONS
from leakguard.matcher import Matcher
from leakguard.model import Confidence, Finding, Match, Secret
from leakguard.rules import Rule, builtin_rules
from leakguard.scanner import scan, scan_images
from leakguard.scanner.findings import Distinct, Found, Reporter, Told
from leakguard.scanner.search import WHOLE
from tests.images import Builder, entries, tagged

KNOWN, CERTAIN, LIKELY = Confidence.KNOWN, Confidence.CERTAIN, Confidence.LIKELY
KEY = b"key"
VALUE = b"Vq7mZp2Lk9Rt4WxB"

# How much each rule knows of what it finds: whose it is, and what it begins with.
SPECIFICITY = {"vendor": (True, True), "context": (True, False), "shape": (False, True)}


def specificity(name: str) -> tuple[bool, bool]:
    return SPECIFICITY.get(name, (False, False))


def match(start: int, end: int, name: str, worth: Confidence = LIKELY, form: str = "raw") -> Match:
    return Match(start, end, name, "secret" if worth is KNOWN else "rule", form, worth)


def told(*matches: Match) -> list[tuple[Match, tuple[str, ...]]]:
    return [(one.match, one.also) for one in Distinct(specificity).of(matches)]


# One report for one secret.


@pytest.mark.parametrize(
    ("best", "other"),
    [
        pytest.param(match(4, 44, "a", CERTAIN), match(0, 50, "vendor"), id="the surer one"),
        pytest.param(match(0, 50, "a", CERTAIN), match(4, 44, "vendor"), id="the surer, around"),
        pytest.param(match(4, 44, "context"), match(4, 44, "shape"), id="the one of a vendor"),
        pytest.param(match(4, 40, "vendor"), match(0, 50, "a"), id="within a general one"),
        pytest.param(match(0, 50, "vendor"), match(4, 40, "a"), id="around a general one"),
        pytest.param(match(4, 44, "vendor"), match(0, 44, "context"), id="the one with a shape"),
        pytest.param(match(0, 50, "b"), match(0, 40, "a"), id="the longer one"),
        pytest.param(match(0, 50, "a"), match(0, 50, "b"), id="the first one by name"),
    ],
)
def test_of_rules_in_one_place_one_is_told_and_the_other_stands_beside_it(
    best: Match, other: Match
) -> None:
    assert told(best, other) == told(other, best) == [(best, (other.name,))]


def test_rules_that_only_overlap_are_both_told() -> None:
    one, other = match(0, 30, "a"), match(20, 50, "b")
    assert told(one, other) == [(one, ()), (other, ())]


def test_a_rule_around_two_secrets_stands_beside_each() -> None:
    first, second = match(5, 20, "vendor"), match(30, 50, "shape")
    assert told(match(0, 60, "a"), first, second) == [(first, ("a",)), (second, ("a",))]


def test_a_secret_within_what_gave_way_is_told() -> None:
    around, sure, other = match(0, 60, "b"), match(5, 20, "a", CERTAIN), match(30, 50, "c")
    assert told(around, sure, other) == [(sure, ("b",)), (other, ())]


@pytest.mark.parametrize(("start", "end"), [(0, 60), (12, 30), (10, 40)])
def test_a_known_value_is_told_and_no_rule_in_its_place(start: int, end: int) -> None:
    known, rule = match(10, 40, "DB", KNOWN), match(start, end, "vendor", CERTAIN)
    assert told(known, rule) == [(known, ("vendor",))]


def test_known_values_are_all_told() -> None:
    one, other = match(0, 40, "A", KNOWN), match(10, 20, "B", KNOWN)
    assert told(one, other) == [(one, ()), (other, ())]


def test_several_forms_of_a_secret_in_one_place_are_one() -> None:
    longest = match(0, 30, "A", KNOWN, "base64")
    other, beyond = match(20, 40, "B", KNOWN), match(25, 50, "rule")
    assert told(
        longest,
        match(0, 20, "A", KNOWN),
        match(5, 35, "A", KNOWN, "base64url"),
        match(2, 28, "rule"),
        other,
        beyond,
    ) == [(longest, ("rule",)), (other, ()), (beyond, ())]


places = st.tuples(st.integers(0, 300), st.integers(1, 40))
names = st.sampled_from([*SPECIFICITY, "a", "b", "A", "B"])
matches = st.lists(
    st.builds(
        lambda place, name, worth: match(
            place[0], sum(place), name, KNOWN if name.isupper() else worth
        ),
        places, names, st.sampled_from([LIKELY, CERTAIN]),
    ),
    max_size=40,
)  # fmt: skip


def in_parts(found: list[Match], settled: list[int]) -> Iterator[Told]:
    distinct, begin = Distinct(specificity), 0
    for limit in [*sorted(settled), 1000]:
        yield from distinct.take([one for one in found if begin <= one.start < limit], limit)
        begin = limit
    yield from distinct.of(())


@given(matches, st.lists(st.integers(0, 340), max_size=6))
def test_what_is_told_does_not_depend_on_parts_or_order(
    found: list[Match], settled: list[int]
) -> None:
    whole = Distinct(specificity).of(found)
    assert Distinct(specificity).of(reversed(found)) == whole
    assert list(in_parts(found, settled)) == whole


@given(matches)
def test_nothing_is_lost_and_nothing_told_twice(found: list[Match]) -> None:
    kept = Distinct(specificity).of(found)
    for one in found:
        assert any(
            each.match == one
            or (one.name == each.match.name and one.start < each.match.end > each.match.start)
            or one.name in each.also
            for each in kept
        )
    rules = [each.match for each in kept if each.match.kind == "rule"]
    for each in rules:
        for other in kept:
            nested = other.match.start <= each.start and each.end <= other.match.end
            assert other.match == each or not nested


def test_matches_without_end_are_told_as_they_come_and_all_the_same_in_parts() -> None:
    chain = [match(start, start + 30, "ab"[start % 2]) for start in range(0, 60_001, 7)]
    whole = Distinct(specificity).of(chain)
    assert len(whole) > 2_000
    distinct, parts = Distinct(specificity), []
    for one in chain:
        parts += distinct.take([one], one.start + 1)
        assert len(distinct.undecided) <= 256
    assert parts + distinct.of(()) == whole


# From end to end.


def completed(head: bytes, check: str) -> bytes:
    return head + COMPLETIONS[check](head)


TOKEN = completed(b"gh" + b"p_" + b"k3v9x1q7m2z8p4w6Tn5Yb0Rd8Lc2Hs", "crc32-base62")
CLAIMS = completed(b"eyJhbGciOiJIUzI1NiJ9.", "jwt")
MATCHER = Matcher(rules=builtin_rules(), min_confidence=Confidence.POSSIBLE)
TEXT = b"token = '%b'\nAuthorization: Bearer %b\n" % (TOKEN, CLAIMS)
EXPECTED = [
    ("github-pat", CERTAIN, (("also", "assigned-secret"),)),
    (
        "jwt", LIKELY,
        (
            ("algorithm", "HS256"), ("issuer", "ci"), ("expires", "2030-03-17T17:46:40Z"),
            ("also", "http-bearer-authorization"),
        ),
    ),
]  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def findings(found: Iterator[object]) -> list[Finding]:
    return [one for one in found if isinstance(one, Finding)]


def summary(found: list[Finding]) -> list[tuple[str, Confidence, tuple[tuple[str, str], ...]]]:
    """Return name, confidence and details of findings, but for a subject that was drawn."""
    return [
        (one.name, one.confidence, tuple(fact for fact in one.details if fact[0] != "subject"))
        for one in found
    ]


def test_a_scan_reports_one_secret_once_with_what_it_tells() -> None:
    Path("a").write_bytes(TEXT)
    assert summary(findings(scan(["a"], MATCHER, key=KEY))) == EXPECTED


def test_a_large_file_tells_the_same_as_a_small_one() -> None:
    Path("a").write_bytes(b"x" * 99 + b"\n" + TEXT)
    Path("b").write_bytes((b"x" * 99 + b"\n") * (WHOLE // 100 + 1) + TEXT)
    small, large = (findings(scan([name], MATCHER, key=KEY)) for name in "ab")
    assert [(one.fingerprint, one.details, one.column) for one in small] == [
        (one.fingerprint, one.details, one.column) for one in large
    ]
    assert summary(large) == EXPECTED


def test_an_image_reports_one_secret_once_with_what_it_tells() -> None:
    builder = Builder()
    config = {"config": {"Env": [TEXT.split(b"\n")[0].decode()]}}
    image = builder.image([entries(("app/.env", TEXT))], config)
    builder.layout(tagged(image, "v1")).archive(Path("app.tar"))
    found = findings(scan_images(["app.tar"], MATCHER, key=KEY))
    assert summary(found) == [EXPECTED[0], *EXPECTED]


def test_a_label_reports_one_secret_once() -> None:
    Path(f"token='{TOKEN.decode()}'").write_bytes(b"")
    assert summary(findings(scan(["."], MATCHER, key=KEY))) == [EXPECTED[0]]


def test_what_stands_in_front_of_a_secret_tells_of_it() -> None:
    query = b"https://a.blob.core.windows.net/c?sv=2023-11-03&se=2030-01-01&sp=r&sig=%b%%3D"
    Path("a").write_bytes(query % (b"k3v9x1q7m2z8p4w6Tn5Yb0Rd8Lc2HsX6Ju3Vg9Qz1W" + b"A"))
    (finding,) = findings(scan(["a"], MATCHER, key=KEY))
    assert finding.details == (
        ("expires", "2030-01-01"), ("permissions", "r"), ("version", "2023-11-03"),
    )  # fmt: skip


def test_a_known_value_in_the_details_is_masked() -> None:
    matcher = Matcher([Secret("NAME", VALUE)], [rule("docker-registry-auth")])
    login = base64.b64encode(VALUE + b":Zq81mm92Kd")
    found = Found(match(0, len(login), "docker-registry-auth"), login)
    finding = Reporter(matcher, KEY).finding("a", found, (1, 1))
    assert finding.details == (("user", "***"),)


def rule(identifier: str) -> Rule:
    return next(each for each in builtin_rules() if each.id == identifier)


@pytest.mark.parametrize(
    "value",
    [
        b"gh" + b"p_" + b"k3v9x1q7m2z8p4w6Tn5Yb0Rd8Lc2Hs0AAAAA",
        b"npm" + b"_" + b"k3v9x1q7m2z8p4w6Tn5Yb0Rd8Lc2HsZZZZZZ",
        b"eyJhbGciOiJIUzI1NiJ9.eyJub3QiOi.k3v9x1q7m2z8p4w6Tn5Yb0Rd8",
        b"AKIA" + b"1111888899990000",
    ],
)
def test_a_check_never_suppresses_a_known_value(value: bytes) -> None:
    matcher = Matcher([Secret("MINE", value)], builtin_rules())
    Path("a").write_bytes(b"x = " + value + b"\n")
    found = findings(scan(["a"], matcher, key=KEY))
    assert [(one.name, one.confidence) for one in found] == [("MINE", KNOWN)]
