"""The masker beside a masker that cannot be wrong, over an alphabet that makes overlaps likely.

`LEAKGUARD_ORACLE_CASES` is how many cases are tried, over all seeds and both states of the sieve:
120,000 by default, and a million in `make nightly`.
"""

import os
import random
from collections.abc import Iterator

import pytest

from leakguard.masker import Masker
from leakguard.matcher import Matcher
from tests.streams import cut, literal, mask, oracle

CASES = int(os.environ.get("LEAKGUARD_ORACLE_CASES", "120000"))
TEXTS_FOR_EACH_SET = 40
ALPHABETS = (b"ab1", b"aab", b"abc")


def cases(seed: int, count: int) -> Iterator[tuple[list[bytes], Matcher, bytes, list[bytes]]]:
    """Yield secrets of 1 to 9 bytes, their matcher, a text of up to 200 bytes, and its chunks."""
    chance = random.Random(seed)  # noqa: S311  # cases, not keys
    for _ in range(count // TEXTS_FOR_EACH_SET):
        alphabet = chance.choice(ALPHABETS)
        secrets = [
            bytes(chance.choices(alphabet, k=chance.randint(1, 9)))
            for _ in range(chance.randint(1, 6))
        ]
        matcher = literal(secrets)
        for _ in range(TEXTS_FOR_EACH_SET):
            text = bytes(chance.choices(alphabet, k=chance.randint(0, 200)))
            lengths = [chance.randint(1, chance.choice((1, 3, 60))) for _ in range(8)]
            yield secrets, matcher, text, cut(text, lengths)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sieve", ["on", "off"])
def test_output_is_the_oracles_for_every_cut(
    seed: int, sieve: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKGUARD_SIEVE", sieve)
    for secrets, matcher, text, chunks in cases(seed, CASES // 8):
        assert mask(matcher, *chunks) == oracle(secrets, text), (secrets, text, chunks)


@pytest.mark.parametrize("length", range(100))
def test_no_sieve_passes_over_the_end_of_a_short_text(length: int) -> None:
    secrets = [b"babaaa", b"bb"]
    assert mask(literal(secrets), b"a" * length + b"bb") == b"a" * length + b"***"


@pytest.mark.parametrize("seed", range(2))
def test_only_bytes_that_may_still_match_are_held(seed: int) -> None:
    for secrets, matcher, text, chunks in cases(100 + seed, 2_000):
        masker, seen = Masker(matcher), b""
        for chunk in chunks:
            masker.feed(chunk)
            seen += chunk
            longest = max(
                (
                    length
                    for secret in secrets
                    for length in range(1, len(secret))
                    if seen.endswith(secret[:length])
                ),
                default=0,
            )
            assert masker._splitter.held == longest, (secrets, text, seen)
