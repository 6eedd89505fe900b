"""What a terminal shows is searched too, and what it obeys stays."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leakguard.decoders import TERMINAL, Reading
from leakguard.masker import Masker
from leakguard.matcher import Matcher
from leakguard.model import Secret
from tests.streams import cut, cuttings, mask

VALUE = b"tok_live_8f3Kd92LmQx71ZbV0aHs"
KNOWN = Matcher([Secret("TOKEN", VALUE)])
PAINT = (b"\x1b[31m", b"\x1b[0m", b"\x1b[K", b"\x1b]8;;http://x\x1b\\", b"\x1b(B", b"\x1b[38;5;0m")


@example([(12, PAINT[0])] * 2, [1])
@given(st.lists(st.tuples(st.integers(0, 29), st.sampled_from(PAINT)), max_size=8), cuttings())
def test_paint_in_a_secret_stays_and_the_secret_goes(
    paint: list[tuple[int, bytes]], lengths: list[int]
) -> None:
    painted, at = b"", 0
    for place, color in sorted(paint):
        painted += VALUE[at:place] + color
        at = place
    painted += VALUE[at:]
    effects = b"".join(color for _, color in sorted(paint))
    masked = mask(KNOWN, *cut(b"key " + painted + b" end", lengths))
    assert masked.count(b"***") == 1
    assert masked.replace(b"***", b"") == b"key " + effects + b" end"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (b"tok_live_\x1b[01;31m\x1b[K8f3K\x1b[m\x1b[Kd92LmQx71ZbV0aHs\n",
         b"***\x1b[01;31m\x1b[K\x1b[m\x1b[K\n"),
        (b"\x1b[2K" + VALUE[:9] + b"\x1b[K" + VALUE[9:] + b"\r", b"\x1b[2K***\x1b[K\r"),
        (VALUE[:7] + b"\xe2\x80\x8b" + VALUE[7:], b"***"),
        (VALUE[:7] + b"\x1b[" + VALUE[7:], VALUE[:7] + b"\x1b[e***"),
        (VALUE[:7] + b"\x1b[31m no \x1b[0m", VALUE[:7] + b"\x1b[31m no \x1b[0m"),
        (b"a\x1b[31mb\xe2\x80\x8bc", b"a\x1b[31mb\xe2\x80\x8bc"),
    ],
    ids=["grep", "erase", "no width", "no sequence", "no secret", "nothing"],
)  # fmt: skip
def test_what_is_shown_is_masked(text: bytes, masked: bytes) -> None:
    for lengths in ([1], [2], [5], [1000]):
        assert mask(KNOWN, *cut(text, lengths)) == masked


def test_a_painted_prompt_is_not_delayed() -> None:
    masker = Masker(KNOWN)
    assert masker.feed(b"\x1b[1mPassword:\x1b[0m ") == b"\x1b[1mPassword:\x1b[0m "
    assert masker.feed(b"\x1b[1mgo t") == b"\x1b[1mgo "
    assert masker.feed(b"\x1b[0m") == b""
    assert masker.idle() == b"t\x1b[0m"


@given(st.lists(st.sampled_from([b"ab", b"c", *PAINT, b"\x1b", b"\xe2\x80", b"\x8b"]), max_size=12))
def test_a_reading_maps_each_byte_to_where_it_stands(parts: list[bytes]) -> None:
    text = b"".join(parts)
    reading = Reading(TERMINAL, 0)
    read = b"".join(reading.feed(text[i : i + 1], final=False) for i in range(len(text)))
    read += reading.feed(b"", final=True)
    left_out = [match.span() for match in TERMINAL.dropped(text, len(text))]
    assert read == bytes(
        byte for at, byte in enumerate(text) if not any(a <= at < b for a, b in left_out)
    )
    for offset in range(len(read)):
        assert text[reading.place(offset)] == read[offset]
        assert reading.offset(reading.place(offset)) == offset
