"""What the tests of streams share: cuttings, and a masker that is slow, simple and right."""

from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from leakguard.masker import Masker
from leakguard.matcher import Matcher
from leakguard.model import Needle


def cuttings() -> st.SearchStrategy[list[int]]:
    """Return lists of chunk lengths; the last one is taken for the rest of a text."""
    return st.lists(st.integers(1, 40), min_size=1, max_size=12)


def cut(text: bytes, lengths: Sequence[int]) -> list[bytes]:
    """Return `text` in chunks of these lengths, over and over."""
    chunks, turn = [], 0
    while text:
        length = lengths[turn % len(lengths)]
        chunks.append(text[:length])
        text, turn = text[length:], turn + 1
    return chunks


def mask(matcher: Matcher, *chunks: bytes) -> bytes:
    """Return what a masker makes of a stream that arrives in `chunks`."""
    masker = Masker(matcher)
    return b"".join([*map(masker.feed, chunks), masker.flush()])


def literal(values: Iterable[bytes]) -> Matcher:
    """Return a matcher for these bytes as they are, however short."""
    matcher = Matcher.of_needles(Needle(v, f"S{i}", "raw") for i, v in enumerate(values))
    matcher.prepare()  # or else a short text would not see a sieve
    return matcher


def oracle(values: Iterable[bytes], text: bytes, mask: bytes = b"***") -> bytes:
    """Return `text` with one mask for each run of bytes that occurrences of `values` cover."""
    covered = bytearray(len(text))
    for value in values:
        start = text.find(value)
        while start >= 0:
            covered[start : start + len(value)] = b"\1" * len(value)
            start = text.find(value, start + 1)
    masked = bytearray()
    for place, byte in enumerate(text):
        if not covered[place]:
            masked.append(byte)
        elif place == 0 or not covered[place - 1]:
            masked += mask
    return bytes(masked)
