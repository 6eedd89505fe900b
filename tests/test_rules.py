"""Rules: what they find, what they are held to when they load, and what is said when they fail."""

import string
import sysconfig
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard import rules
from leakguard.checks import CHECKS, COMPLETIONS
from leakguard.errors import RuleError
from leakguard.matcher import Matcher
from leakguard.model import Confidence
from leakguard.rules import Rule
from leakguard.rules.examples import sample

LIKELY, CERTAIN, POSSIBLE = Confidence.LIKELY, Confidence.CERTAIN, Confidence.POSSIBLE


def rule(identifier: str) -> Rule:
    return next(each for each in rules.builtin_rules() if each.id == identifier)


def found(text: bytes, *, least: Confidence = LIKELY) -> set[tuple[str, bytes]]:
    """Return id and secret of all that built-in rules find in `text`, whatever its path."""
    return {
        (each.id, text[start:end])
        for each in rules.builtin_rules()
        if each.best >= least and not each.path
        for keyword in each.keywords
        for at in occurrences(keyword, text)
        for start, end, confidence in each.matches(text, at)
        if confidence >= least
    }


def occurrences(word: bytes, text: bytes) -> list[int]:
    places, at = [], text.find(word)
    while at >= 0:
        places.append(at)
        at = text.find(word, at + 1)
    return places


# What ships.


@pytest.mark.parametrize("each", rules.builtin_rules(), ids=lambda each: each.id)
def test_a_built_in_rule_finds_its_examples_and_none_of_its_counterexamples(each: Rule) -> None:
    assert each.faults() == ()


@pytest.mark.parametrize("each", rules.builtin_rules(), ids=lambda each: each.id)
def test_a_built_in_rule_says_all_that_a_reader_needs(each: Rule) -> None:
    assert each.examples
    assert each.counterexamples
    assert each.description
    assert each.remediation.endswith(".")


@pytest.mark.parametrize("each", rules.builtin_rules(), ids=lambda each: each.id)
def test_a_built_in_secret_never_begins_before_its_keyword(each: Rule) -> None:
    assert each.before == 0


@pytest.mark.parametrize("each", rules.builtin_rules(), ids=lambda each: each.id)
def test_a_built_in_rule_looks_back_at_one_byte_at_the_most(each: Rule) -> None:
    assert each.pattern.behind <= 1


@pytest.mark.parametrize(
    ("name", "text"), rules.ruleset(), ids=[name for name, _ in rules.ruleset()]
)
def test_a_built_in_file_loads_as_strictly_as_a_users_own(name: str, text: str) -> None:
    assert rules.problems(text, name) == ()


def test_the_built_in_rules_are_at_least_forty_five_and_have_ids_of_their_own() -> None:
    identifiers = [each.id for each in rules.builtin_rules()]
    assert len(identifiers) >= 45
    assert len(set(identifiers)) == len(identifiers)


OFFERED = {
    "base58check", "base64-of-16", "base64-of-20", "base64-of-40",
    "grafana-api-key", "luhn",
}  # fmt: skip


def test_every_check_is_used_by_a_rule_or_offered_to_those_of_users() -> None:
    used = {each.check for each in rules.builtin_rules()} - {""}
    assert used <= set(CHECKS)
    assert set(CHECKS) - used <= OFFERED


def test_no_file_of_rules_holds_what_another_scanner_would_take_for_a_token() -> None:
    for name, text in rules.ruleset():
        assert {
            (name, identifier) for identifier, _ in found(text.encode(), least=CERTAIN)
        } == set()


def test_nothing_is_found_in_the_modules_of_the_standard_library() -> None:
    library = Path(sysconfig.get_path("stdlib"))
    sources = [file for folder in ("", "json", "http", "email", "urllib", "asyncio", "logging")
               for file in (library / folder).glob("*.py")]  # fmt: skip
    assert len(sources) > 200
    assert {(file.name, *find) for file in sources for find in found(file.read_bytes())} == set()


# What a match is worth.


CHECKED = [
    each
    for each in rules.builtin_rules()
    if each.check in COMPLETIONS
    and each.failed is None
    and each.passed is CERTAIN
    # These cannot tell of some, or do not cover all of their bytes.
    and each.check not in ("minisign", "private-key-base64", "supabase")
]


# One character of crates.io's checksum has 62 values, so chance may hit one, and the last digit of
# a base has bits that say nothing.
LENIENT = ("azure-key", "crates-publishing", "crc16-base32")


@pytest.mark.parametrize("each", CHECKED, ids=lambda each: each.id)
@given(data=st.data())
def test_a_token_with_a_changed_character_is_none(each: Rule, data: st.DataObject) -> None:
    made = sample(each.examples[0], seed=each.id, check=each.check, preface=each.preface)
    token = made.text[made.start : made.end]
    before = made.text[max(0, made.start - each.preface) : made.start]
    at = data.draw(st.integers(len(each.keywords[0]), len(token) - 1))
    letters = [
        letter for letter in string.ascii_uppercase + string.digits if ord(letter) != token[at]
    ]
    letter = data.draw(st.sampled_from(letters))
    changed = token[:at] + letter.encode() + token[at + 1 :]
    expected = CERTAIN if CHECKS[each.check](before + changed) else None
    assert each.verdict(token, before) is CERTAIN
    assert each.verdict(changed, before) is expected
    assert expected is None or each.check in LENIENT


@pytest.mark.parametrize(
    "template",
    [
        "hvs.<base64url:95>", "pypi-AgEIcHlwaS5vcmc<base64url:140>", "ghs_<base62:36>",
        "SG.<base64url:22>.<base64url:43>", "sntrys_eyJ<base64url:120>",
        "ABSKQmVkcm9ja0FQSUtleS<base64:100>", "github_pat_<base62:22>_<base62:59>",
    ],
)  # fmt: skip
def test_a_distinctive_prefix_is_likely_whatever_its_structure_says(template: str) -> None:
    made = sample(f"token = {template};".encode(), seed="a", check="", preface=0)
    token = made.text[len("token = ") : -1]
    assert token in {secret for _, secret in found(made.text)}


def plain(**changes: object) -> Rule:
    values = {"id": "acme", "description": "Acme", "regex": rb"acme_[0-9a-zA-Z]+"}
    return Rule(**(values | {"keywords": (b"acme_",)} | changes))  # type: ignore[arg-type]  # mixed


@pytest.mark.parametrize(
    ("each", "secret", "worth"),
    [
        pytest.param(plain(), b"acme_1", LIKELY, id="its shape"),
        pytest.param(plain(confidence=POSSIBLE), b"acme_1", POSSIBLE, id="its shape, less sure"),
        pytest.param(plain(entropy=3.0), b"acme_aaaaaa", None, id="too little entropy"),
        pytest.param(plain(), b"acme_Example", None, id="a stop word, in any case"),
        pytest.param(plain(stopwords=()), b"acme_Example", LIKELY, id="no stop words"),
        pytest.param(
            plain(check="letters-and-digits", passed=LIKELY, failed=POSSIBLE),
            b"acme_abc", POSSIBLE, id="a check that fails, told",
        ),
        pytest.param(plain(check="crc32-hex"), b"acme_abc", None, id="a check that fails"),
        pytest.param(
            plain(check="crc32-hex", entropy=8.0),
            b"acme_example" + COMPLETIONS["crc32-hex"](b"acme_example"), CERTAIN,
            id="a checksum ends the discussion",
        ),
    ],
)  # fmt: skip
def test_verdict(each: Rule, secret: bytes, worth: Confidence | None) -> None:
    assert each.verdict(secret) is worth


@pytest.mark.parametrize(
    ("each", "text", "at", "matches"),
    [
        pytest.param(plain(), b"x acme_ab y", 2, [(2, 9, LIKELY)], id="all of it is the secret"),
        pytest.param(
            plain(regex=rb"acme_(?P<secret>[a-z]+)"), b"acme_ab", 0, [(5, 7, LIKELY)], id="a group"
        ),
        pytest.param(plain(), b"x acme_ab y", 1, [], id="only where the keyword lies"),
        pytest.param(plain(reach=8), b"acme_abcdef", 0, [(0, 8, LIKELY)], id="cut by the window"),
        pytest.param(
            plain(regex=rb"[0-9]{3}acme_", before=3), b"123acme_", 3, [(0, 8, LIKELY)], id="before"
        ),
        pytest.param(
            plain(regex=rb"[0-9]+|acme_x", before=3), b"123acme_", 3, [], id="covers the keyword"
        ),
    ],
)
def test_matches(
    each: Rule, text: bytes, at: int, matches: list[tuple[int, int, Confidence]]
) -> None:
    assert list(each.matches(text, at)) == matches


def test_a_rule_never_shows_its_examples() -> None:
    shown = repr(plain(examples=(b"acme_Zq81mm92",), counterexamples=(b"acme_Kd7xLp0a",)))
    assert "Zq81mm92" not in shown
    assert "Kd7xLp0a" not in shown


# What logs and files look like.

PEM_BODY = "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDk0V6Tomu5Zq81"] * 3)


@pytest.mark.parametrize(
    ("text", "identifier", "secret"),
    [
        pytest.param(
            b"step -----BEGIN RSA PRIVATE KEY-----\n%b" % PEM_BODY.encode(),
            "private-key", PEM_BODY.encode(), id="a key that was cut short",
        ),
        pytest.param(
            b"-----BEGIN RSA PRIVATE KEY-----\n%b\nstep: deploy finished" % PEM_BODY.encode(),
            "private-key", PEM_BODY.encode() + b"\nstep", id="a key that was cut short, then words",
        ),
        pytest.param(
            b"https://ci:%b@git.example/a" % b"Zq81mm92Kd", "url-password", b"Zq81mm92Kd", id="URL"
        ),
        pytest.param(
            b"mongodb://a:%b@h1,b@h2/" % b"Zq81mm92Kd", "url-password", b"Zq81mm92Kd",
            id="URL with several hosts",
        ),
        pytest.param(
            b"AUTHORIZATION: basic " + b"dTpacTgxbW05MktkN3g=",
            "http-basic-authorization", b"dTpacTgxbW05MktkN3g=", id="header of git",
        ),
        pytest.param(
            b"tool=" + b"glpat-" + b"Zq81mm92Kd7xLp0aQw3e", "gitlab-pat",
            b"glpat-" + b"Zq81mm92Kd7xLp0aQw3e", id="at the end of the text",
        ),
    ],
)  # fmt: skip
def test_what_is_found(text: bytes, identifier: str, secret: bytes) -> None:
    assert (identifier, secret) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        b"-----BEGIN PUBLIC KEY-----\n%b\n-----END PUBLIC KEY-----" % PEM_BODY.encode(),
        b"-----BEGIN CERTIFICATE-----\n%b\n-----END CERTIFICATE-----" % PEM_BODY.encode(),
        b"sha512-ZQ/akr6VoAVyL5oFBZ1p2rRv7+lgvGUoSEsjM41M/yhrh+hIrfUFnmbqmJR0zXfg8nnneflq4m0yJDFPjw",
        b"postgres://user:password@localhost/db redis://:${REDIS_PASSWORD}@cache http://h:8080/@x",
        b"Authorization: Bearer <token>, Authorization: Basic YOUR_CREDENTIALS",
        b"AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        b"//registry.example/:_authToken=${NPM_TOKEN}",
        b"password = os.environ['PASSWORD'] secret_key: ref:vault/path",
        b'curl -u "$USER:$PASS" https://x.example machine x login y password z',
        b"'eyJhbGciOiJIUzI1NiJ9' sk-learn disk-0123456789abcdef0123456789abcdef task-force",
    ],
)
def test_what_is_left_alone(text: bytes) -> None:
    assert found(text) == set()


# Files of users.

GOOD = """\
[[rules]]
id = "acme-token"
description = "Acme token"
keywords = ["acme_"]
regex = 'acme_[0-9a-f]{32}'
examples = ["acme_<hex:32>"]
counterexamples = ["acme_<hex:31>"]
"""


def test_a_file_gives_its_rules_in_order() -> None:
    second = GOOD.replace("acme-token", "other-token").replace("acme_", "other_")
    assert [each.id for each in rules.load(GOOD + second, "f")] == ["acme-token", "other-token"]


def test_what_stands_above_the_first_table_holds_for_all() -> None:
    above = 'vendor = "Acme"\nremediation = "Revoke it."\n'
    own = GOOD.replace("regex", 'remediation = "Ask Bo."\nregex', 1)
    loaded = rules.load(above + GOOD, "f") + rules.load(above + own, "f")
    assert [(each.vendor, each.remediation) for each in loaded] == [
        ("Acme", "Revoke it."),
        ("Acme", "Ask Bo."),
    ]


def test_ignore_case_adds_the_cases_that_people_write() -> None:
    text = """
[[rules]]
id = "acme-key"
description = "Acme key"
keywords = ["acMe-key"]
ignore_case = true
regex = '(?i:acme-key)=[0-9]{8}'
"""
    assert rules.load(text, "f")[0].keywords == (b"acMe-key", b"acme-key", b"ACME-KEY", b"Acme-Key")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[rules]]", "[[rules]", "my.toml:1: not valid TOML: expected ']]' at the end of an array"
         " declaration"),
        ('"acme-token"', '"acme-token', "my.toml:2: not valid TOML: illegal character '\\n'"),
        (GOOD, "", "my.toml:1: there are no rules: no [[rules]] table"),
        (GOOD, "rules = 1", "my.toml:1: there are no rules: no [[rules]] table"),
        (GOOD, "rules = [1]", "my.toml:1: 'rules' must be tables"),
        ("[[rules]]", "colour = 1\n[[rules]]", "my.toml:1: 'colour' is not known here"),
        ("regex", "rgex", "my.toml:5: rule 'acme-token': 'rgex' is no key of a rule"),
        ('id = "acme-token"\n', "", "my.toml:1: rule 1: 'id' is missing"),
        ("regex = 'acme_[0-9a-f]{32}'\n", "", "my.toml:1: rule 'acme-token': 'regex' is missing"),
        ("acme-token", "Acme Token", "my.toml:2: rule 'Acme Token': 'id' must be lower-case letters"
         " and digits, in words joined by '-'"),
        ('"Acme token"', "3", "my.toml:3: rule 'acme-token': 'description' must be a text that is"
         " not blank"),
        ('["acme_"]', '"acme_"', "my.toml:4: rule 'acme-token': 'keywords' must be a list of texts,"
         " none of them empty"),
        ('["acme_"]', "[]", "my.toml:4: rule 'acme-token': 'keywords' must hold a keyword, and none"
         " shorter than 3 bytes"),
        ('["acme_"]', '["ac"]', "my.toml:4: rule 'acme-token': 'keywords' must hold a keyword, and"
         " none shorter than 3 bytes"),
        ('["acme_"]', '["acme_", "acmf_"]', "my.toml:4: rule 'acme-token': keyword 'acmf_' does not"
         " occur in any example"),
        ("examples", "reach = 4\nexamples", "my.toml:6: rule 'acme-token': 'reach' must be at least"
         " as long as the longest keyword"),
        ("examples", "reach = true\nexamples", "my.toml:6: rule 'acme-token': 'reach' must be a"
         " number of bytes from 0 to 8192"),
        ("examples", "entropy = 9\nexamples", "my.toml:6: rule 'acme-token': 'entropy' must be a"
         " number of bits from 0 to 8"),
        ("examples", 'confidence = "known"\nexamples', "my.toml:6: rule 'acme-token': 'confidence'"
         " must be one of certain, likely, possible"),
        ("examples", "ignore_case = 1\nexamples", "my.toml:6: rule 'acme-token': 'ignore_case' must"
         " be true or false"),
        ('"acme_<hex:32>"', '"acme_<hex:31>"', "my.toml:6: rule 'acme-token': example 1 is not"
         " found"),
        ('"acme_<hex:32>"', '"a acme_<hex:32>"', "my.toml:6: rule 'acme-token': example 1 is found,"
         " but not exactly its secret"),
        ('"acme_<hex:31>"', '"acme_<hex:32>"', "my.toml:7: rule 'acme-token': counterexample 1 is"
         " found, as likely"),
        ('"acme_<hex:32>"', '"acme_<hax:32>"', "my.toml:6: rule 'acme-token': example 1 is no"
         " template: there is no alphabet 'hax'; there are " + ", ".join(rules.ALPHABETS)),
        ('"acme_<hex:31>"', '"acme_<b>"', "my.toml:7: rule 'acme-token': counterexample 1 is no"
         " template: a '<' begins nothing that is known; for the character write '<<'"),
        ('"acme_<hex:32>"', '"<secret>acme_<hex:32>"', "my.toml:6: rule 'acme-token': example 1 is"
         " no template: it needs one <secret> and one </secret>, or neither"),
        ('"acme_<hex:32>"', '"acme_<hex:24><check>"', "my.toml:6: rule 'acme-token': example 1 is"
         " no template: <check> cannot be made for the check '' from what stands before it"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        rules.load(GOOD.replace(old, new, 1), "my.toml")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("regex", ["acme_[", "acme_$", r"(a)cme_\1", "acme_(?:a+)+b"])
def test_a_regex_that_cannot_be_used_is_told_with_its_line(regex: str) -> None:
    text = GOOD.replace("acme_[0-9a-f]{32}", regex, 1)
    assert [each for each in rules.problems(text, "my.toml") if each.startswith("my.toml:5: ")]


def test_an_id_is_used_once() -> None:
    assert rules.problems(GOOD + GOOD, "my.toml") == (
        "my.toml:9: rule 'acme-token': 'id' is used by a rule above",
    )


def test_an_unknown_check_is_told_with_those_that_there_are() -> None:
    (problem,) = rules.problems(GOOD + 'check = "crc"\n', "my.toml")
    assert problem == (
        f"my.toml:8: rule 'acme-token': 'check' must be one of {', '.join(sorted(CHECKS))}"
    )


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = GOOD.replace("32>", "30>").replace("31>", "32>")
    assert rules.problems(text, "my.toml") == (
        "my.toml:6: rule 'acme-token': example 1 is not found",
        "my.toml:7: rule 'acme-token': counterexample 1 is found, as likely",
    )


def test_a_rule_needs_no_examples() -> None:
    text = "\n".join(line for line in GOOD.splitlines() if "examples" not in line)
    assert rules.load(text, "f")[0].examples == ()


# Templates.


@pytest.mark.parametrize(
    ("template", "text", "secret"),
    [
        pytest.param(b"plain", b"plain", b"plain", id="all of it is the secret"),
        pytest.param(b"a <secret>b</secret> c", b"a b c", b"b", id="marks"),
        pytest.param(b"if a << b", b"if a < b", b"if a < b", id="the character itself"),
        pytest.param(b"<digits:0>", b"", b"", id="none of an alphabet"),
    ],
)
def test_a_template_is_written_out(template: bytes, text: bytes, secret: bytes) -> None:
    made = sample(template, seed="s", check="")
    assert (made.text, made.text[made.start : made.end]) == (text, secret)


def test_a_template_draws_the_same_at_every_run_and_another_for_another_seed() -> None:
    drawn = [sample(b"<base62:20>", seed=seed, check="").text for seed in ("a", "a", "b")]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("alphabet", sorted(rules.ALPHABETS))
def test_an_alphabet_gives_its_own_characters(alphabet: str) -> None:
    made = sample(f"<{alphabet}:300>".encode(), seed="s", check="").text
    assert len(made) == 300
    assert set(made) <= set(rules.ALPHABETS[alphabet])


def test_a_checked_template_passes_its_check() -> None:
    made = sample(b"token=<secret>ghp_<base62:30><check></secret>;", seed="s", check="crc32-base62")
    assert CHECKS["crc32-base62"](made.text[made.start : made.end])


def test_a_sample_is_not_shown() -> None:
    assert "Zq81mm92" not in repr(sample(b"Zq81mm92", seed="s", check=""))


# What takes long.

# Each regex with the keyword that makes it be tried, and what it is tried on: a megabyte of it.
EVIL = [
    (r"aaa(?:a+)+b", "aaa", b"a"),
    (r"aaa(?:a|a)*b", "aaa", b"a"),
    (r"aaa(?:a|aa)+b", "aaa", b"a"),
    (r"aaa(?:a*)*b", "aaa", b"a"),
    (r"aaa(?:a|a?)+b", "aaa", b"a"),
    (r"aaa(?:.*a){20}b", "aaa", b"a"),
    (r"aaa(?:[a-zA-Z]+)*b", "aaa", b"a"),
    (r"aaaa+a+a+b", "aaa", b"a"),
    (r"aaaa*a*b", "aaa", b"a"),
    (r"aaa.*.*=.*", "aaa", b"a"),
    (r"aaa(?:a?){30}a{30}b", "aaa", b"a"),
    (r"key.*y.*k.*;", "key", b"key"),
    (r"key.{0,200}y.{0,200};", "key", b"key"),
    (r"key\s*\s*\s*=\s*;", "key", b"key "),
    (r"key(?:\s+\w+)*\s*;", "key", b"key a"),
    (r"key(?:\w+\s?)*;", "key", b"key "),
    (r"key=(?:[^;]*;)*[^;]*,", "key", b"key=;"),
    (r"key(?:x+x+)+y", "key", b"key" + b"x" * 40),
    (r"key(?:(?:[a-z])+.)+[A-Z](?:[a-z])+;", "key", b"key" + b"a" * 30),
    (r'key"(?:\\.|[^"])*"', "key", b'key"\\\\'),
    (r'key"(?:[^"\\]|\\?.)*"', "key", b'key"' + b"a" * 20),
    (r"key(?:a|b|ab)*c", "key", b"key" + b"ab" * 20),
    (r"key(?:\d+)+[.]", "key", b"key" + b"1" * 30),
    (r"key(?:[\w.-]+)+@", "key", b"key"),
    (r"key(?:[\w-]+[.]?)+@[a-z]+[.][a-z]+", "key", b"key"),
    (r"key[\s\S]*end[\s\S]*stop", "key", b"key end "),
    (r"key(?=.*x)(?=.*y).*z", "key", b"key"),
    (r"key(?:(?:a{1,30}){1,30}){1,30}b", "key", b"key" + b"a" * 30),
    (r"key[^=]*=[^=]*=[^=]*;", "key", b"key="),
    (r"key.*\n.*\n.*;", "key", b"key\n"),
    (r"key(?:a{0,60}b{0,60}){0,9}c", "key", b"key" + b"ab" * 20),
]
TAKEN = {
    r"key=(?:[^;]*;)*[^;]*,",
    r"key(?=.*x)(?=.*y).*z",
    r"key[^=]*=[^=]*=[^=]*;",
    r"key.*\n.*\n.*;",
}


@pytest.mark.parametrize(("regex", "keyword", "unit"), EVIL, ids=[each[0] for each in EVIL])
def test_a_regex_is_refused_or_takes_no_time_on_a_megabyte(
    regex: str, keyword: str, unit: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = f"[[rules]]\nid = 'x'\ndescription = 'x'\nkeywords = ['{keyword}']\nregex = '{regex}'\n"
    problems = rules.problems(table, "f")
    assert [each[: len("f:5: rule 'x': may take ")] for each in problems] == (
        [] if regex in TAKEN else ["f:5: rule 'x': may take "]
    )
    if not problems:
        monkeypatch.setenv("LEAKGUARD_SIEVE", "off")
        text = (unit * (1 << 20))[: 1 << 20]
        before = time.process_time()
        assert Matcher((), rules.load(table, "f")).find(text) == []
        # Less than one, and here as much again as a busy machine may need.
        assert time.process_time() - before < 10


def test_a_text_full_of_a_keyword_takes_time_that_grows_with_its_length() -> None:
    run = plain(regex=rb"acme_[a-z_]{4,}", reach=32, stopwords=())
    before = time.process_time()
    found = Matcher((), (run,)).find(b"acme_" * 40_000)
    assert {match.end for match in found} == {200_000}
    assert len(found) == 39_999
    # Each of them goes on to the end: gone through each time, it would take minutes.
    assert time.process_time() - before < 20
