"""A first look at an escape lets nothing pass that a closer look would find."""

import pytest

from leakguard.traces.breaks import MoreNeeded
from leakguard.traces.form import Alphabet, Form
from leakguard.traces.glance import seems_known
from leakguard.traces.grams import Grams

SECRET = b"Kd9&m2%4Q\\x7=e5$L"
GRAMS = Grams([Form("S", SECRET, (0.0,) * (len(SECRET) + 1), Alphabet.TEXT)])
SPELLINGS = {
    "backslash": b"\\x%02x", "octal": b"\\%03o", "wide": b"\\u%04x", "percent": b"%%%02X",
    "number": b"&#%d;", "hexadecimal": b"&#x%x;", "quoted-printable": b"=%02X",
}  # fmt: skip
BEHIND = b" and so on, until there is no doubt left of it"


def spelled(text: bytes, spelling: bytes, few: bytes = b"") -> bytes:
    """Return `text` with each byte spelled, or only those that are in `few`."""
    return b"".join(spelling % byte if not few or byte in few else b"%c" % byte for byte in text)


@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize("outer", [None, *SPELLINGS.values()])
@pytest.mark.parametrize("inner", SPELLINGS.values())
@pytest.mark.parametrize("place", range(len(SECRET) - 4))
def test_what_is_known_seems_known(
    place: int, inner: bytes, outer: bytes | None, *, final: bool
) -> None:
    text = spelled(SECRET[place : place + 4], inner)
    for few in (b"", b"\\%&=") if outer else ():
        twice = spelled(text, outer or b"", few)
        assert seems_known(GRAMS, twice + BEHIND, 0, final=final)
    assert seems_known(GRAMS, text + BEHIND, 0, final=final)


@pytest.mark.parametrize("outer", [b"", *SPELLINGS.values()])
@pytest.mark.parametrize("inner", SPELLINGS.values())
@pytest.mark.parametrize("other", [b"DRSN", b"KdDRSN", b" d9&", b"mP24"])
def test_what_is_not_known_seems_not(other: bytes, inner: bytes, outer: bytes) -> None:
    text = spelled(other, inner)
    text = spelled(text, outer, b"\\%&=") if outer else text
    assert not seems_known(GRAMS, text + BEHIND, 0, final=False)


@pytest.mark.parametrize("spelling", SPELLINGS.values())
def test_how_a_text_was_cut_does_not_matter(spelling: bytes) -> None:
    text = spelled(b"Kd9&", spelling) + b" " + spelled(b"9&mx", b"%%%02X", b"%") + BEHIND
    whole = seems_known(GRAMS, text, 0, final=False)
    for end in range(1, len(text)):
        try:
            assert seems_known(GRAMS, text[:end], 0, final=False) == whole
        except MoreNeeded:
            continue


def test_answers_are_forgotten_when_there_are_very_many() -> None:
    grams = Grams([])
    for number in range(20_000):
        assert not seems_known(grams, b"\\x61%05d" % number, 0, final=False)
    assert len(grams.hopeless) < 10_000
