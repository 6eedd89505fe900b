"""The laws of masking, each held by a test that names it."""

import base64
import json
import random
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.masker import Leak, Masker
from leakguard.matcher import Matcher
from leakguard.model import Confidence, Needle, Secret
from leakguard.rules import Rule, builtin_rules
from tests.obeyed import commands
from tests.streams import cut, cuttings, literal, mask
from tests.test_splitter import matcher, samples

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
    assert mask(PLAIN, TOKEN[:6]) == TOKEN[:6]
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


# One mask for one run.

RED, RESET = b"\x1b[01;31m\x1b[K", b"\x1b[m\x1b[K"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param(b"-abcdef-", b"-***-", id="neighbors"),
        pytest.param(b"-abccde-", b"-***-", id="neighbors of two"),
        pytest.param(b"-abcde-", b"-***-", id="overlap"),
        pytest.param(
            b"-" + RED + b"abc" + RESET + RED + b"abc" + RESET + b"-",
            b"-" + RED + b"***" + RESET + RED + RESET + b"-",
            id="colors between",
        ),
        pytest.param(b"abc\x1b[2Aabc", b"***\x1b[2A***", id="a cursor that moves"),
        pytest.param(b"abc\x1b[31mxabc", b"***\x1b[31mx***", id="more than colors"),
        pytest.param(b"abc\x1b[31", b"***\x1b[31", id="a color that never ends"),
        pytest.param(
            b"abc" + 99 * b"\x1b[m" + b"abc",
            b"***" + 99 * b"\x1b[m" + b"***",
            id="more colors than are remembered",
        ),
        pytest.param(b"abc def", b"*** ***", id="a blank between"),
    ],
)
def test_matches_that_nothing_visible_parts_share_a_mask(text: bytes, masked: bytes) -> None:
    found = Matcher.of_needles(
        Needle(value, "N", form)
        for value, form in ((b"abc", "raw"), (b"cde", "hex"), (b"def", "json"))
    )
    for lengths in ([1], [2], [3, 1], [5, 9], [1000]):
        assert mask(found, *cut(text, lengths)) == masked


def test_a_run_that_is_cut_has_one_mask_also_when_its_parts_come_from_two_forms() -> None:
    masker = Masker(literal([b"abc", b"def"]))
    parts = [b"-abc", b"de", b"f", RESET[:3], RESET[3:], b"abc", b"-"]
    assert [masker.feed(part) for part in parts] == [
        b"-***", b"", b"", RESET[:3], RESET[3:], b"", b"-",
    ]  # fmt: skip


alphanumeric = st.text(string.ascii_letters + string.digits, min_size=8, max_size=60)


@given(alphanumeric, alphanumeric, st.binary(max_size=30), st.binary(max_size=30), cuttings())
def test_the_output_tells_nothing_of_a_secret_not_even_its_length(
    one: str, other: str, front: bytes, back: bytes, lengths: list[int]
) -> None:
    outputs = []
    for value in (one.encode(), other.encode()):
        found = Matcher.of_needles(
            [Needle(value, "S", "raw"), Needle(value.hex().encode(), "S", "hex")]
        )
        text = front + b"<" + value + b"> <" + value.hex().encode() + b">" + back
        if value in front + back:
            return
        outputs.append(mask(found, *cut(text, lengths)))
    assert outputs == [front + b"<***> <***>" + back] * 2


@given(st.lists(st.sampled_from([b"abcd", b"cdab", b"dcb"]), min_size=1), st.text("abcd\n\x1b[m"))
def test_masking_what_is_masked_changes_nothing(values: list[bytes], text: str) -> None:
    found = literal(values)
    for label in (False, True):
        masker = Masker(found, label=label)
        once = masker.feed(text.encode()) + masker.flush()
        again = Masker(found, label=label)
        assert again.feed(once) + again.flush() == once


def lines_of_samples() -> st.SearchStrategy[bytes]:
    """Return texts whose lines are what rules find, and what looks like it."""
    printable = [text for text in samples() if text.isascii() and text.decode().isprintable()]
    return st.lists(st.sampled_from(printable), min_size=1, max_size=4).map(b"\n".join)


@given(lines_of_samples(), st.booleans())
def test_no_rule_finds_anything_in_what_is_masked(text: bytes, labeled: bool) -> None:  # noqa: FBT001  # drawn
    masker = Masker(matcher("on"), label=labeled)
    once = masker.feed(text) + masker.flush()
    again = Masker(matcher("on"), label=labeled)
    assert again.feed(once) + again.flush() == once


# No command that was not there.

TRAPS = [
    Needle(b"Vq7mZp2Lk9", "a.b", "raw"),
    Needle(b"first-Qx7\nsecond-Zp9", "x::error::]", "raw"),
    Needle(b"::q7Zk", "##vso[task.debug]", "raw"),
    Needle(b"]w:Yx", "", "raw"),
    Needle(b"zz\r\nxx", "c\n", "raw"),
]
PIECES = [
    *(b":", b"::", b"#", b"##", b"[", b"]", b"%", b"%0A", b"\n", b"\r", b" ", b"\xa0"),
    *(b"add-mask", b"error", b"::error ", b"::group::", b"##[", b"##[error ", b"##vso["),
    *(b"vso[", b"task.", b"debug", b"##vso[task.debug", b"##vso[task.debug "),
    *(needle.value for needle in TRAPS * 3),
]


@pytest.mark.parametrize(
    ("mask", "label"), [(b"***", False), (b"***", True), (b"[gone]", False), (b"X a]", False)]
)
def test_masking_creates_no_command_that_was_not_there(mask: bytes, label: bool) -> None:  # noqa: FBT001  # a parameter
    found = Matcher.of_needles(TRAPS)
    choose = random.Random(str((mask, label)))  # noqa: S311  # the same in every run
    for _ in range(2_500):
        text = b"".join(choose.choices(PIECES, k=choose.randint(1, 10)))
        masker = Masker(found, mask, label=label)
        lengths = [choose.randint(1, 9), choose.randint(1, 99)]
        masked = b"".join([*map(masker.feed, cut(text, lengths)), masker.flush()])
        assert commands(masked) <= commands(text), text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param(
            b"::error zz\r\nxx::x", b"::error ***\n***::x", id="a line end that parts a command"
        ),
        pytest.param(b"##[error zz\r\nxx]x", b"##[error ***\n***]x", id="of the old kind"),
        pytest.param(b"a zz\r\nxx b", b"a *** b", id="else the mask takes it"),
        pytest.param(b"##Vq7mZp2Lk9error]x", b"##***error]x", id="a bracket would begin a command"),
        pytest.param(b"# Vq7mZp2Lk9", b"# [MASKED:a.b:raw]", id="a heading is none"),
    ],
)
def test_where_a_mask_could_make_a_command_it_does_not(text: bytes, masked: bytes) -> None:
    label = b"MASKED" in masked or text.startswith(b"##V")
    for lengths in ([1], [2], [7], [100]):
        masker = Masker(Matcher.of_needles(TRAPS), label=label)
        assert b"".join([*map(masker.feed, cut(text, lengths)), masker.flush()]) == masked


# Labels.


def test_a_label_names_the_secret_and_the_form() -> None:
    masker = Masker(PLAIN, label=True)
    out = masker.feed(b"a " + TOKEN + b" b " + TOKEN.hex().encode() + b" c") + masker.flush()
    assert out == b"a [MASKED:TOKEN:raw] b [MASKED:TOKEN:hex] c"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("db.prod/PASS-1@x+y", "db.prod/PASS-1@x+y"),
        ("größe", "größe"),
        ("a]b[c", "a_b_c"),
        ("::error::x", "__error__x"),
        ("##vso[task.debug]", "__vso_task.debug_"),
        ("a\x1b[2J\r\n\x00b%0A", "a__2J___b_0A"),
        ('{"a": "b\\"}', "__a____b___"),
        ("\udcff\u202e", "__"),
        ("", "secret"),
        ("n" * 64, "n" * 64),
        ("n" * 65, "n" * 61 + "..."),
    ],
)
def test_a_label_holds_nothing_of_a_name_that_is_obeyed(name: str, label: str) -> None:
    masker = Masker(Matcher.of_needles([Needle(b"abc", name, "raw")]), label=True)
    assert masker.feed(b"abc").decode() == f"[MASKED:{label}:raw]"


def test_a_label_holds_no_secret() -> None:
    names = [Needle(b"abc", "the-XYZ-key", "raw"), Needle(b"XYZ", "other", "raw")]
    masker = Masker(Matcher.of_needles(names), label=True)
    assert masker.feed(b"abc XYZ ") == b"*** [MASKED:other:raw] "


def test_a_mask_gives_way_to_a_secret_that_it_holds() -> None:
    masker = Masker(Matcher(), b"<hunter2-Qx7Zp9>")
    masker.add(Secret("LATER", b"hunter2-Qx7Zp9"))
    assert masker.feed(b"a hunter2-Qx7Zp9 b") + masker.flush() == b"a *** b"
    labeled = Masker(Matcher([Secret("key-hunter2-Qx7Zp9", TOKEN)]), label=True)
    assert labeled.feed(TOKEN + b" ") == b"[MASKED:key-hunter2-Qx7Zp9:raw] "
    labeled.add(Secret("LATER", b"hunter2-Qx7Zp9"))
    assert labeled.feed(TOKEN + b" ") == b"*** "


# What is counted.


def counted(found: Matcher, *chunks: bytes) -> list[tuple[str, str, int, int, int, int]]:
    """Return name, form, count, line, column and offset of all that is masked."""
    masker = Masker(found, locate=True)
    for chunk in chunks:
        masker.feed(chunk)
    masker.flush()
    return [
        (leak.name, leak.encoding, leak.count, leak.line, leak.column, leak.offset)
        for leak in masker.leaks
    ]


FORMS = [
    Needle(b"abcdefgh", "ONE", "raw"),
    Needle(b"abcd", "ONE", "fragment"),
    Needle(b"efgh", "ONE", "mixed"),
    Needle(b"ghij", "ONE", "line"),
    Needle(b"cdefg", "TWO", "raw"),
]
ACME = Rule(
    id="acme",
    description="x",
    regex=rb"k=[a-z]{8}",
    keywords=(b"k=",),
    examples=(b"x",),
    counterexamples=(b"x",),
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            b"x\nabcdefgh",
            [("ONE", "raw", 1, 2, 1, 2), ("TWO", "raw", 1, 2, 3, 4)],
            id="the widest form once, and another secret",
        ),
        pytest.param(
            b"abcdefghij",
            [("ONE", "raw", 1, 1, 1, 0), ("TWO", "raw", 1, 1, 3, 2)],
            id="forms that overlap in a chain",
        ),
        pytest.param(
            b"ghijabcd efgh",
            [
                ("ONE", "line", 1, 1, 1, 0),
                ("ONE", "fragment", 1, 1, 5, 4),
                ("ONE", "mixed", 1, 1, 10, 9),
            ],
            id="forms apart, or side by side",
        ),
        pytest.param(b"efghij", [("ONE", "mixed", 1, 1, 1, 0)], id="of equals the first"),
        pytest.param(b"abcdabcd\nabcd", [("ONE", "fragment", 3, 1, 1, 0)], id="neighbors"),
    ],
)  # fmt: skip
def test_an_occurrence_counts_once_for_each_secret(
    text: bytes, told: list[tuple[str, str, int, int, int, int]]
) -> None:
    for lengths in ([1], [2], [3, 1], [7], [100]):
        assert counted(Matcher.of_needles(FORMS), *cut(text, lengths)) == told


def test_what_overlaps_itself_counts_once() -> None:
    assert counted(literal([b"abab"]), b"-abababab-abab") == [("S0", "raw", 2, 1, 2, 1)]


def test_a_known_value_is_not_a_credential_besides() -> None:
    found = Matcher.of_needles([Needle(b"k=abcdefgh", "KNOWN", "raw")], [ACME])
    assert counted(found, b"k=abcdefgh k=zyxwvuts") == [
        ("KNOWN", "raw", 1, 1, 1, 0),
        ("acme", "raw", 1, 1, 12, 11),
    ]


def test_a_credential_that_reaches_beyond_a_known_value_counts_too() -> None:
    found = Matcher.of_needles([Needle(b"zyxw", "KNOWN", "raw")], [ACME])
    assert counted(found, b"k=zyxwvuts") == [
        ("acme", "raw", 1, 1, 1, 0),
        ("KNOWN", "raw", 1, 1, 3, 2),
    ]


def test_a_credential_longer_than_its_window_counts_once() -> None:
    endless = replace(ACME, regex=rb"k=[a-z=]{8,}", reach=32)
    found = Matcher((), [endless])
    for lengths in ([1], [40], [1000]):
        assert counted(found, *cut(b"k=" + b"abcdek=" * 30, lengths)) == [
            ("acme", "raw", 1, 1, 1, 0)
        ]


@given(st.lists(st.sampled_from([b"abcd", b"efgh", b"gh", b"ij", b"cdefg", b"\n"])), cuttings())
def test_counts_do_not_depend_on_cuts(parts: list[bytes], lengths: list[int]) -> None:
    text, found = b"".join(parts), Matcher.of_needles(FORMS)
    assert counted(found, *cut(text, lengths)) == counted(found, text)


def test_the_place_of_a_match_that_idle_let_begin_is_that_of_its_first_byte() -> None:
    masker = Masker(literal([b"a\nbcdefgh"]), locate=True)
    masker.feed(b"x\nxxa\nb")
    assert masker.idle() == b"a\nb"
    masker.feed(b"cdefgh")
    assert [(leak.line, leak.column, leak.offset) for leak in masker.leaks] == [(2, 3, 4)]


def test_a_leak_holds_no_value() -> None:
    masker = Masker(PLAIN, locate=True)
    masker.feed(TOKEN + b" ")
    (leak,) = masker.leaks
    assert isinstance(leak, Leak)
    assert TOKEN.decode() not in repr(leak)
    assert TOKEN.decode() not in repr(masker._tally._open) + repr(masker._tally._counts)


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
