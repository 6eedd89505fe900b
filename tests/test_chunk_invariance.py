"""The masker as a package sees it that tests nothing but this: cuts change nothing."""

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import pytest
from chunk_invariance import ChunkInvarianceError, assert_chunk_invariant

from leakguard.masker import Masker
from leakguard.matcher import Matcher
from leakguard.model import Secret
from leakguard.rules import builtin_rules
from tests.test_vectors import VECTORS

SECRETS = (Secret("PLAIN", b"Vq7mZp2Lk9Rt4WxB"), Secret("QUOTED", b"p\"w'7 &Kq<9%zT"))
# Each place of a text makes a stream of its own.
LONGEST = 400
Filter: TypeAlias = Callable[[Iterable[bytes]], Iterator[bytes]]


def streamed(matcher: Matcher, *, commands: bool = False) -> Filter:
    """Return what masks the chunks of one stream after the other."""

    def masked(chunks: Iterable[bytes]) -> Iterator[bytes]:
        masker = Masker(matcher, commands=commands)
        for chunk in chunks:
            yield masker.feed(chunk)
        yield masker.flush()

    return masked


def check(text: bytes, matcher: Matcher, *, commands: bool, splits: str | int) -> int:
    """Return at how many splits a masker was the same as on the whole."""
    masked = streamed(matcher, commands=commands)
    return assert_chunk_invariant(
        masked, lambda whole: b"".join(masked([whole])), text, splits=splits
    )


def inputs() -> Iterator[object]:
    """Yield the vectors that are short enough to be cut everywhere."""
    for vector in VECTORS:
        text = b"".join(map(base64.b64decode, vector["chunks"]))
        if len(text) <= LONGEST:
            yield pytest.param(vector, text, id=vector["name"])


@pytest.mark.parametrize(("vector", "text"), list(inputs()))
def test_a_vector_is_masked_alike_for_every_cut(vector: dict[str, object], text: bytes) -> None:
    values = vector["secrets"]
    assert isinstance(values, list)
    secrets = [Secret(f"S{at}", value.encode()) for at, value in enumerate(values)]
    rules = builtin_rules() if vector["level"] == "pattern" else ()
    commands = vector.get("mode") == "commands"
    count = check(text, Matcher(secrets, rules), commands=commands, splits="all-two-part")
    assert count == max(1, len(text))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"a Vq7mZp2Lk9Rt4WxB b", id="plain"),
        pytest.param(b"%56q7mZp2Lk%39Rt4WxB.", id="mixed escapes"),
        pytest.param(b"Vq7mZp2L\n> k9Rt4WxB", id="broken by a margin"),
        pytest.param(b"Vq7m\x1b[1mZp2L\x1b[mk9Rt4WxB", id="painted"),
        pytest.param(b"Vq7\bmZ\b\bmZp2Lk9Rt4WxB", id="typed over"),
        pytest.param(b"::add-mask::Zq81mmKd\nZq81mmKd", id="a command"),
        pytest.param(b"Vq7mZp2Lk9R...", id="a part"),
        pytest.param(b"\xff\x00\r\n\r\r\n\xe2\x80\x1b[", id="no secret"),
    ],
)
def test_a_short_text_is_masked_alike_for_any_two_cuts(text: bytes) -> None:
    places = len(text) - 1
    count = check(text, Matcher(SECRETS), commands=True, splits=3)
    assert count == 1 + places + places * (places - 1) // 2


def test_a_filter_that_forgets_is_seen() -> None:
    matcher = Matcher(SECRETS)

    def forgetful(chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            masker = Masker(matcher)
            yield masker.feed(chunk) + masker.flush()

    with pytest.raises(ChunkInvarianceError):
        assert_chunk_invariant(
            forgetful,
            lambda whole: b"".join(forgetful([whole])),
            b"a Vq7mZp2Lk9Rt4WxB b",
        )
