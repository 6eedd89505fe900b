"""What the matcher finds in a text that is all there."""

import pickle
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard import model
from leakguard.automaton import Automaton, Prefixes
from leakguard.matcher import Matcher
from leakguard.model import Confidence, Match, Needle, Secret
from leakguard.rules import Rule

VALUE = b"Vq7mZp2Lk9Rt4WxB"


def test_every_form_of_a_secret_is_a_known_match() -> None:
    found = Matcher([Secret("DB", VALUE)]).find(b"a " + VALUE + b" b " + VALUE.hex().encode())
    assert [(m.start, m.end, m.name, m.encoding) for m in found] == [
        (2, 18, "DB", "raw"),
        (21, 53, "DB", "hex"),
    ]
    assert {m.kind for m in found} == {"secret"}
    assert {m.confidence for m in found} == {Confidence.KNOWN}


def rule(**changes: object) -> Rule:
    """Return a rule for `acme_` tokens, with some fields changed."""
    settings: dict[str, object] = {
        "id": "acme-token",
        "description": "Acme token",
        "regex": rb"acme_[a-z]{8}(?![a-z])",
        "keywords": (b"acme_",),
        "stopwords": (),
    }
    return Rule(**(settings | changes))  # type: ignore[arg-type]  # settings are what a Rule takes


def test_a_rule_matches_at_its_keyword() -> None:
    found = Matcher((), [rule()]).find(b"x acme_abcdefgh acme_abcdefghi acme_short")
    assert found == [Match(2, 15, "acme-token", "rule", "raw", Confidence.LIKELY)]


def test_what_one_rule_does_not_follow_another_may() -> None:
    strict = rule(id="strict", regex=rb"(?<![a-z])acme_[a-z]{8}(?![a-z])")
    loose = rule(id="loose", regex=rb"acme_[a-z]{8}(?![a-z])")
    early = rule(id="early", regex=rb"(?<![a-z])xx?acme_[a-z]{8}(?![a-z])", before=2)
    secret = Secret("KEYWORD", b"acme_")
    matcher = Matcher([secret], [strict, loose, early], min_length=5)
    found = {(match.name, match.start) for match in matcher.find(b"xacme_abcdefgh acme_abcdefgh")}
    told = {("loose", 1), ("early", 0), ("KEYWORD", 1), ("strict", 15), ("loose", 15)}
    assert found == {*told, ("KEYWORD", 15)}
    assert [match.start for match in Matcher((), [early]).find(b"xacme_abcdefgh")] == [0]


def test_what_is_less_sure_than_asked_for_is_no_match() -> None:
    text = b"acme_abcdefgh"
    doubtful = rule(confidence=Confidence.POSSIBLE)
    assert Matcher((), [doubtful]).find(text) == []
    (match,) = Matcher((), [doubtful], min_confidence=Confidence.POSSIBLE).find(text)
    assert match.confidence is Confidence.POSSIBLE


def test_a_keyword_behind_the_start_of_a_match_is_looked_back_from() -> None:
    url = rule(
        regex=rb"[a-z]{2,9}://[a-z]{1,9}:(?P<secret>[^@\s]{4,40})@", keywords=(b"://",), before=9
    )
    found = Matcher((), [url]).find(b"see https://user:pass-word@host now")
    assert [(m.start, m.end) for m in found] == [(17, 26)]


def test_a_kilobyte_needle_is_compared_whole() -> None:
    value = bytes(i * i % 251 + i % 5 for i in range(2000))
    found = Matcher.of_needles([Needle(value, "LONG", "raw")])
    assert [(m.start, m.end) for m in found.find(b"x" + value + value[:-1])] == [
        (1, len(value) + 1)
    ]


def test_no_repr_shows_a_secret_and_no_pickle_takes_one() -> None:
    for held in (Secret("NAME", VALUE), Needle(VALUE, "NAME", "raw")):
        assert VALUE.decode() not in repr(held)
        assert "NAME" in repr(held)
        with pytest.raises(TypeError, match="holds a secret and cannot be pickled"):
            pickle.dumps(held)


def test_what_leaves_the_process_has_no_field_for_a_value() -> None:
    types = [each for each in vars(model).values() if isinstance(each, type) and is_dataclass(each)]
    holders = {each.__name__ for each in types for field in fields(each) if field.type == "bytes"}
    assert holders == {"Secret", "Needle"}


def test_the_automaton_finds_overlapping_words() -> None:
    words = [b"abc", b"bc", b"c\xff", b"abcde", b"aa"]
    found = list(Automaton(words).occurrences(b"xxabcdeaaa c\xff", 2, 13))
    assert found == [(2, b"abc"), (3, b"bc"), (2, b"abcde"), (7, b"aa"), (8, b"aa"), (11, b"c\xff")]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        (b"zabc", 3),
        (b"abcde", 0),
        (b"abcd", 4),
        (b"xcd", 0),
        (b"xc", 1),
        (b"", 0),
        (b"zz", 0),
    ],
)
def test_the_longest_end_that_begins_a_word(text: bytes, length: int) -> None:
    assert Prefixes([b"abcde", b"cd"]).longest(text) == length


def test_a_word_that_begins_another_is_still_held() -> None:
    assert Prefixes([b"ab", b"abcd"]).longest(b"xab") == 2
    assert Prefixes([]).longest(b"xab") == 0


FEW_LETTERS = st.text("ab\xff", max_size=6).map(lambda text: text.encode("latin-1"))


@given(st.lists(FEW_LETTERS.filter(bool)), FEW_LETTERS)
def test_no_longer_end_begins_a_word(words: list[bytes], text: bytes) -> None:
    ends = [text[at:] for at in range(len(text))]
    begun = [end for end in ends if any(word != end and word.startswith(end) for word in words)]
    assert Prefixes(words).longest(text) == max(map(len, begun), default=0)
