"""Configurations of gitleaks: what is translated, into what, and that it finds what it should."""

from __future__ import annotations

import os
import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard import rules
from leakguard.errors import RuleError
from leakguard.matcher import Matcher
from leakguard.model import Confidence
from leakguard.patterns import heads, re2, shape
from leakguard.patterns.syntax import (
    Chars,
    Choice,
    Edge,
    Look,
    Marked,
    Node,
    Repeat,
    Series,
    alone,
    parse,
    width,
)
from leakguard.patterns.writing import written
from leakguard.rules import Conditions, Rule, gitleaks

# RE2's syntax.


@pytest.mark.parametrize(
    ("regex", "found", "passed_by"),
    [
        pytest.param("(?i)ab", [b"ab", b"AB", b"aB"], [b"a"], id="case, from here on"),
        pytest.param("a(?i)b", [b"ab", b"aB"], [b"Ab"], id="case, in the middle"),
        pytest.param("a(?i:b)c", [b"aBc"], [b"abC"], id="case, in a group"),
        pytest.param("(?i)a(?-i:b)c", [b"AbC"], [b"aBc"], id="case, taken back in a group"),
        pytest.param(
            "(?:a(?i)b|c)d", [b"abd", b"Cd"], [b"abD"], id="flags last to the group's end"
        ),
        pytest.param("(?s)a.b", [b"a\nb"], [], id="a dot and line feeds"),
        pytest.param("a.b", [b"axb"], [b"a\nb"], id="a dot without line feeds"),
        pytest.param("(?s:.)a.", [b"\nab"], [b"\na\n"], id="a dot, in a group"),
        pytest.param("(?P<name>a)(?<other>b)", [b"ab"], [], id="names of groups"),
        pytest.param("[[:alnum:]]{2}", [b"a1", b"Z9"], [b"a_"], id="a POSIX class"),
        pytest.param("[[:^digit:][:digit:]]", [b"a", b"1"], [], id="a negated POSIX class"),
        pytest.param("[^[:space:]]", [b"a"], [b" "], id="no POSIX class"),
        pytest.param(r"\pL\pN", [b"a1"], [b"11", b"aa"], id="one letter's property"),
        pytest.param(r"\p{Lu}\P{Lu}\p{^Lu}", [b"Aaa"], [b"aaa", b"AAa"], id="properties"),
        pytest.param(r"\p{Greek}{2}", ["λ".encode()], [b"aa"], id="a script"),
        pytest.param(r"\x41\x{42}\103", [b"ABC"], [b"abc"], id="numbers"),
        pytest.param(r"\x{e9}", ["é".encode()], [b"\xe9"], id="a character beyond ASCII"),
        pytest.param("[éa]", ["é".encode(), b"a"], [b"e"], id="such a one in a class"),
        pytest.param("(?i)É", ["é".encode(), "É".encode()], [b"e"], id="and its case"),
        pytest.param("[^a]", [b"b", b"\xff"], [b"a"], id="any byte but one"),
        pytest.param(r"\s", [b" ", b"\t", b"\f"], [b"\v", b"a"], id="white space, as RE2 has it"),
        pytest.param(r"[\w.-]+", [b"a-b.c_d"], [b"a b"], id="a class in a class"),
        pytest.param(r"\D\S\W", [b"aa."], [b"1a.", b"a .", b"aaa"], id="negated classes"),
        pytest.param(r"\Qa.b\E+", [b"a.bbb"], [b"axb"], id="a quotation"),
        pytest.param(r"\Qa.b", [b"a.b"], [b"axb"], id="a quotation up to the end"),
        pytest.param("a{2,3}?", [b"aa", b"aaa"], [b"a"], id="counts, the fewest first"),
        pytest.param("a{1000}", [b"a" * 1000], [b"a" * 999], id="a thousand times"),
        pytest.param("{a}{,2}", [b"{a}{,2}"], [b"a"], id="braces that count nothing"),
        pytest.param("(?U)a+b", [b"aab"], [], id="the fewest first, by a flag"),
        pytest.param(r"\a\f\t\n\r\v", [b"\a\f\t\n\r\v"], [], id="control characters"),
        pytest.param(r"\-\/\@", [b"-/@"], [], id="signs with a backslash"),
        pytest.param("[]a]", [b"]", b"a"], [b"b"], id="a bracket that is first in a class"),
        pytest.param("[a-]", [b"a", b"-"], [b"b"], id="a dash that is last in a class"),
        pytest.param("a||b", [b"a", b"", b"b"], [b"c"], id="an empty branch"),
    ],
)
def test_a_regex_of_re2_keeps_its_meaning(
    regex: str, found: list[bytes], passed_by: list[bytes]
) -> None:
    translated = re.compile(written(shape.plain(re2.parse(regex))).encode())
    assert [text for text in found if not translated.fullmatch(text)] == []
    assert [text for text in passed_by if translated.fullmatch(text)] == []


@pytest.mark.parametrize(
    ("regex", "places"),
    [
        ("^", [0]),
        ("$", [5]),
        (r"\A", [0]),
        (r"\z", [5]),
        ("(?m)^", [0, 3]),
        ("(?m)$", [2, 5]),
        (r"\b", [0, 2, 3, 5]),
        (r"\B", [1, 4]),
    ],
)
def test_edges_are_where_re2_has_them(regex: str, places: list[int]) -> None:
    text = b"ab\ncd"
    for whole in (False, True):
        edge = re.compile(written(shape.plain(re2.parse(f"{regex}", whole=whole))).encode())
        if whole and regex.startswith("(?m)"):
            continue
        assert [match.start() for match in edge.finditer(text)] == places


@pytest.mark.parametrize(
    ("regex", "message"),
    [
        ("(", "missing )"),
        ("a)", "unexpected )"),
        ("[a", "missing ]"),
        ("[b-a]", "a range that runs from nowhere or backwards"),
        ("*a", "nothing to repeat before *"),
        ("a**", "a repeat of a repeat"),
        ("a{1001}", "a repeat must count up, to 1000 at the most"),
        ("a{3,2}", "a repeat must count up, to 1000 at the most"),
        ("(?=a)", "a group that RE2 does not know"),
        (r"(a)\1", r"RE2 has no \1"),
        (r"\Z", r"RE2 has no \Z"),
        (r"\p{Klingon!}", r"RE2 has no \p"),
        (r"\p{nonsense}", "no such property: nonsense"),
        ("[[:vowel:]]", "no such class: [:vowel:]"),
        (r"\x{110000}", "no such character"),
        ("a\\", "ends in the middle"),
        ("(" * 200, "too many groups inside each other"),
    ],
)
def test_what_re2_does_not_take_is_refused(regex: str, message: str) -> None:
    with pytest.raises(RuleError) as refused:
        re2.parse(regex)
    assert str(refused.value).startswith(f"not a regex of RE2: {message}, at position ")


def regexes() -> st.SearchStrategy[str]:
    """Return regexes with groups that RE2 and Python read alike."""
    letters = st.sampled_from(["a", "b", ":", "[ab]", "[a:]", "[^a]", "."])
    counts = st.sampled_from(["", "", "", "?", "{2}", "{1,3}", "+", "*", "*?", "{0,2}?"])
    simple = st.tuples(letters, counts).map("".join)
    nested = st.recursive(
        simple,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map("".join),
            st.tuples(inner, inner).map(lambda both: f"(?:{both[0]}|{both[1]})"),
            inner.map(lambda body: f"({body})"),
            inner.map(lambda body: f"(?:{body})?"),
        ),
        max_leaves=6,
    )
    return st.lists(nested, min_size=1, max_size=3).map("".join)


TEXTS = st.lists(st.sampled_from(list(b"ab:")), max_size=8).map(bytes)


@given(regexes(), TEXTS)
def test_what_is_read_and_written_again_matches_the_same(regex: str, text: bytes) -> None:
    again = re.compile(written(shape.plain(re2.parse(regex))).encode())
    once = re.compile(regex.encode())
    assert [match.span() for match in again.finditer(text)] == [
        match.span() for match in once.finditer(text)
    ]


@given(regexes(), TEXTS)
def test_shapes_find_every_secret_that_the_regex_finds(regex: str, text: bytes) -> None:
    found = {
        match.span("secret")
        for each in shape.shapes(re2.parse(regex), 0)
        for start in range(len(text) + 1)
        if (match := re.compile(written(each.root).encode()).match(text, start))
    }
    once = re.compile(regex.encode())
    for match in filter(None, (once.match(text, start) for start in range(len(text) + 1))):
        groups = [n for n in range(1, match.re.groups + 1) if match[n] is not None]
        if match[groups[0] if groups else 0]:
            assert match.span(groups[0] if groups else 0) in found


@given(st.tuples(regexes(), st.sampled_from(["aab", "ab:", ""]), regexes()).map("".join), TEXTS)
def test_every_match_has_one_of_its_literals_where_it_is_said_to_be(
    regex: str, text: bytes
) -> None:
    root = shape.plain(re2.parse(regex))
    found = heads.heads(Series((Marked(root),)))
    for start in range(len(text) + 1 if found else 0):
        if match := re.compile(written(root).encode()).match(text, start):
            assert found
            places = range(start, min(match.end(), start + found.before) + 1)
            assert any(text.startswith(found.words, place) for place in places)


# Rules.

CONFIGURATION = r"""
title = "Acme's"

[[allowlists]]
description = "What is in no rule of ours"
paths = ['''(?i)\.(?:png|lock)$''']
regexes = ['''^(?i:x+|y+)$''']
stopwords = ["abcdefghijklm"]

[[rules]]
id = "acme-token"
description = "A token of Acme"
regex = '''\b(acme_(?i)[a-z0-9]{16})(?:[\x60'"\s;]|\\[nr]|$)'''
entropy = 2.5
keywords = ["acme_"]

[[rules]]
id = "acme-key"
regex = '''(?i)[\w.-]{0,50}?(?:acme)(?:[ \t\w.-]{0,9})(?:=|:)[\s"]{0,5}([a-z0-9]{32})(?:[\s";]|$)'''
keywords = ["acme"]
[[rules.allowlists]]
regexTarget = "match"
regexes = ['''(?i)acme[_.-]?id''', '''^not''']
[[rules.allowlists]]
regexTarget = "line"
regexes = ['''# public''']
[[rules.allowlists]]
condition = "AND"
paths = ['''^docs/''']
regexes = ['''^0''']

[[rules]]
id = "acme-second"
regex = '''acme[_-](login|token)=((?:aq_)?[a-z0-9]{20})'''
secretGroup = 2
keywords = ["acme"]

[[rules]]
id = "acme-suffix"
regex = '''\b([A-Za-z0-9]{6}_[A-Za-z0-9]{12}_mmk)\b'''
keywords = ["_mmk"]

[[rules]]
id = "acme-number"
regex = '''\b(\d{15}\|[0-9a-z]{27})\b'''
keywords = ["acmebook"]

[[rules]]
id = "Acme Either"
regex = '''ac_me:([a-z]{12})|me_ac:([0-9]{12})'''
keywords = ["ac_me:", "me_ac:"]

[[rules]]
id = "acme-terraform"
regex = '''acme_pass\s*=\s*"([^"]{8,})"'''
path = '''(?i)\.(?:tf|hcl)$'''
keywords = ["acme_pass"]

[[rules]]
id = "acme-file"
path = '''(?i)(?:^|/)[^/]+\.ac(?:12|me)$'''

[[rules]]
id = "acme-id"
regex = '''acid-[0-9]{8}'''
keywords = ["acid-"]
skipReport = true

[[rules]]
id = "acme-pair"
regex = '''acsecret-[0-9a-f]{16}'''
keywords = ["acsecret-"]
[[rules.required]]
id = "acme-id"
withinLines = 2
withinColumns = 10
"""

KEY = "k3" * 16


def translated(text: str = CONFIGURATION) -> tuple[Rule, ...]:
    return rules.load(gitleaks.translate(text, "gitleaks.toml"), "gitleaks.toml")


def found(text: str | bytes, path: str = "a.txt") -> set[tuple[str, str]]:
    """Return id and secret of all that the configuration finds in a file."""
    data = text if isinstance(text, bytes) else text.encode()
    loaded = translated()
    matcher, conditions = Matcher((), loaded), Conditions(loaded)
    matches = conditions.kept(matcher.find(data), data, path)
    names = {(rule.id, "") for rule in conditions.names(path)}
    return names | {(match.name, data[match.start : match.end].decode()) for match in matches}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "x=acme_Zq81mm92Kd7xLp0a;", {("acme-token", "acme_Zq81mm92Kd7xLp0a")}, id="a group"
        ),
        pytest.param(
            "acme_Zq81mm92Kd7xLp0a", {("acme-token", "acme_Zq81mm92Kd7xLp0a")},
            id="at the end of the text",
        ),
        pytest.param("x=acme_Zq81mm92Kd7xLp0a-", set(), id="what must follow does not"),
        pytest.param("x=acme_aaaaaaaaaaaaaaaa;", set(), id="too little entropy"),
        pytest.param(f"my.acme_key = {KEY}\n", {("acme-key", KEY)}, id="context in front"),
        pytest.param(f"MY-ACME KEY: '{KEY}'"[:13] + f'"{KEY}"', {("acme-key", KEY)}, id="any case"),
        pytest.param(
            "acme_token=aq_" + KEY[:20], {("acme-second", "aq_" + KEY[:20])}, id="secretGroup"
        ),
        pytest.param(
            "a Zq81mm_92Kd7xLp0aQw_mmk b", {("acme-suffix", "Zq81mm_92Kd7xLp0aQw_mmk")},
            id="its literal is at the end",
        ),
        pytest.param(
            "AcmeBook: 123456789012345|" + "z9" * 13 + "z",
            {("acme-number", "123456789012345|" + "z9" * 13 + "z")},
            id="its keyword is in front of it",
        ),
        pytest.param("id 123456789012345|" + "z9" * 13 + "z", set(), id="its keyword is nowhere"),
        pytest.param(
            "ac_me:zqmmkdxlpaqw me_ac:123412341234",
            {("acme-either", "zqmmkdxlpaqw"), ("acme-either-2", "123412341234")},
            id="either of two groups",
        ),
    ],
)  # fmt: skip
def test_a_rule_finds_what_it_does_in_gitleaks(text: str, expected: set[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        pytest.param(f"acme={KEY};", "a.png", set(), id="a path, for all rules"),
        pytest.param(f"acme={KEY};", "b.zip!a.LOCK", set(), id="a path in an archive"),
        pytest.param(f"acme={'y' * 32};", "a", set(), id="a regex, for all rules"),
        pytest.param("acme=abcdefghijklm" + KEY[:19], "a", set(), id="a stop word, for all rules"),
        pytest.param(f"acme_id={KEY};", "a", set(), id="a regex on the match"),
        pytest.param(f"not.acme={KEY};", "a", set(), id="a regex on what is in front of it, too"),
        pytest.param(f"acme={KEY}; # public", "a", set(), id="a regex on the line"),
        pytest.param(f"acme={KEY};\n# public", "a", {("acme-key", KEY)}, id="on another line"),
        pytest.param(f"acme=0{KEY[1:]};", "docs/a", set(), id="path and regex both"),
        pytest.param(f"acme={KEY};", "docs/a", {("acme-key", KEY)}, id="the path alone"),
        pytest.param(f"acme=0{KEY[1:]};", "a", {("acme-key", f"0{KEY[1:]}")}, id="regex alone"),
        pytest.param('acme_pass = "Zq81mm92"', "m.tf", {("acme-terraform", "Zq81mm92")}, id="path"),
        pytest.param('acme_pass = "Zq81mm92"', "m.py", set(), id="another path"),
        pytest.param("", "a/key.AC12", {("acme-file", "")}, id="nothing but a path"),
        pytest.param("", "a.zip!key.acme", {("acme-file", "")}, id="nothing but one in an archive"),
        pytest.param("key.acme", "a", set(), id="a path is not looked for in texts"),
        pytest.param("acid-12345678", "a", set(), id="what only counts for others"),
        pytest.param(f"acsecret-{'a3' * 8}", "a", set(), id="what it requires is not there"),
        pytest.param(
            f"acid-12345678\n\nacsecret-{'a3' * 8}", "a", {("acme-pair", f"acsecret-{'a3' * 8}")},
            id="what it requires is near",
        ),
        pytest.param(f"acid-12345678\n\n\nacsecret-{'a3' * 8}", "a", set(), id="too many lines"),
        pytest.param(f"acid-12345678  acsecret-{'a3' * 8}", "a", set(), id="too many columns"),
    ],
)  # fmt: skip
def test_what_gitleaks_lets_pass_passes(
    text: str, path: str, expected: set[tuple[str, str]]
) -> None:
    assert found(text, path) == expected


def test_rules_that_ask_for_a_place_are_not_for_streams() -> None:
    assert {rule.id for rule in translated() if not rule.is_for_streams} == {
        "acme-terraform", "acme-file", "acme-id", "acme-pair",
    }  # fmt: skip


def test_what_is_written_says_to_what_limits_a_rule_was_put() -> None:
    text = gitleaks.translate(CONFIGURATION, "f")
    number = text.index('id = "acme-number"')
    assert text[:number].endswith(
        "# A keyword must stand up to 256 bytes in front of a match.\n[[rules]]\n"
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("regex = '''a('''", "f.toml:3: rule 'x': 'regex' cannot be used: not a regex of RE2"),
        ("regex = '''[a-z]{40}'''", "f.toml:3: rule 'x': 'regex' cannot be used: it holds no"
         " literal of 3 bytes, and neither do the keywords"),
        ("regex = '''key(?:[a-z]+)+;'''", "f.toml:3: rule 'x': 'regex' cannot be used: may take"
         " exponential time: (?:[a-z]+)+"),
        ("entropy = 'much'\nregex = 'abcd'", "f.toml:3: rule 'x': 'entropy' must be a number"),
        ("keywords = 'abc'\nregex = 'abcd'", "f.toml:3: rule 'x': 'keywords' must be a list of"),
        ("description = 'nothing'", "f.toml:1: rule 'x': 'regex' is missing, and so is a path"),
        ("regex = 'abcd'\n[[rules.required]]\nid = 'y'", "f.toml:4: rule 'x': 'required': there is"
         " no rule 'y'"),
        ("regex = 'abcd'\n[[rules.allowlists]]\nregexTarget = 'file'\nregexes = ['a']",
         "f.toml:5: rule 'x': 'regexTarget' must be one of secret, match, line"),
        ("regex = 'abcd'\n[[rules.allowlists]]\npaths = ['(']", "f.toml:5: rule 'x': 'paths' not"),
    ],
)  # fmt: skip
def test_what_cannot_be_translated_is_told_with_its_line(rule: str, message: str) -> None:
    with pytest.raises(RuleError) as refused:
        gitleaks.translate(f'[[rules]]\nid = "x"\n{rule}\n', "f.toml")
    assert str(refused.value).startswith(message)


def test_a_configuration_of_gitleaks_is_told_from_one_of_ours() -> None:
    assert gitleaks.is_gitleaks(".gitleaks.toml", {"rules": [{"id": "x"}]})
    assert gitleaks.is_gitleaks("a.toml", {"allowlist": {}})
    assert gitleaks.is_gitleaks("a.toml", {"rules": [{"id": "x", "secretGroup": 1}]})
    assert not gitleaks.is_gitleaks("a.toml", {"rules": [{"id": "x"}], "allow": []})


# Samples: what a regex stands for, drawn at random.


def drawn(node: Node, dice: random.Random) -> bytes:
    """Return a text that `node` matches, without regard for what it looks at."""
    match node:
        case Chars():
            members = [byte for byte in range(256) if node.mask >> byte & 1]
            letters = [byte for byte in members if byte < 128 and chr(byte).isalnum()]
            plain = [byte for byte in members if 0x20 < byte < 0x7F]
            pool = letters if len(letters) >= 10 else plain or members
            return bytes([dice.choice(pool)])
        case Series():
            return b"".join(drawn(item, dice) for item in node.items)
        case Choice():
            return drawn(dice.choice(node.branches), dice)
        case Repeat():
            return b"".join(drawn(node.body, dice) for _ in range(times(node, dice)))
        case Marked():
            return drawn(node.body, dice)
        case Look() | Edge():
            return b""


def times(repeat: Repeat, dice: random.Random) -> int:
    inner = alone(repeat.body)
    is_context = isinstance(inner, Chars) and inner.mask.bit_count() > 200
    most = repeat.least + 6 if repeat.most is None else min(repeat.most, repeat.least + 30)
    return repeat.least if repeat.lazy or is_context else dice.randint(repeat.least, most)


def samples(table: dict[str, object]) -> Iterator[tuple[bytes, str]]:
    """Yield texts that a rule of gitleaks finds something in, and paths for them."""
    dice = random.Random(str(table["id"]))  # noqa: S311  # samples, the same at every run
    paths = ["a.txt", "a.php", "a.tf", "a.yaml", "nuget.config", "key.p12", "key.ac12"]
    root = re2.parse(str(table.get("regex", "")))
    keywords = [str(each) for each in table.get("keywords", [])]  # type: ignore[attr-defined]  # a list
    for _ in range(40):
        text = drawn(root, dice)
        if not any(word in text.lower().decode("latin-1") for word in keywords):
            text = f"{[*keywords, ''][0]} ".encode() + text
        yield from ((text, path) for path in paths)


def test_every_rule_of_a_configuration_finds_a_sample_of_itself() -> None:
    """LEAKGUARD_TEST_GITLEAKS names another configuration, such as the one gitleaks comes with."""
    file = os.environ.get("LEAKGUARD_TEST_GITLEAKS")
    text = Path(file).read_text(encoding="utf-8") if file else CONFIGURATION
    loaded = translated(text)
    matcher = Matcher((), loaded, min_confidence=Confidence.POSSIBLE)
    conditions = Conditions(loaded)
    missing = []
    for table in tomllib.loads(text)["rules"]:
        name = re.sub(r"[^a-z0-9]+", "-", table["id"].lower())
        if table.get("skipReport") or table.get("required"):
            continue
        own = re.compile(rf"{re.escape(name)}(?:-[0-9]+)?")
        if not any(
            own.fullmatch(each)
            for data, path in samples(table)
            for each in (
                *(match.name for match in conditions.kept(matcher.find(data), data, path)),
                *(rule.id for rule in conditions.names(path)),
            )
        ):
            missing.append(name)
    assert missing == []


def test_a_translated_regex_is_within_its_window() -> None:
    for rule in translated():
        if rule.regex and (wide := width(parse(rule.regex))) is not None:
            assert wide < rule.reach
