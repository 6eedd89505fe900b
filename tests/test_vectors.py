"""Known cases in which maskers leak, lose or garble: each whole, and cut into single bytes."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from leakguard.masker import Masker
from leakguard.matcher import Matcher
from leakguard.model import Secret
from leakguard.rules import builtin_rules
from tests.test_splitter import sieve_turned

VECTORS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data/mask_vectors.jsonl").read_text().splitlines()
]


def mask(vector: dict[str, Any], chunks: list[bytes]) -> bytes:
    """Return what a masker makes of a vector's stream when it arrives in `chunks`."""
    secrets = [Secret(f"S{i}", value.encode()) for i, value in enumerate(vector["secrets"])]
    rules = builtin_rules() if vector["level"] == "pattern" else ()
    masker = Masker(Matcher(secrets, rules), commands=vector.get("mode") == "commands")
    return b"".join([*map(masker.feed, chunks), masker.flush()])


@pytest.mark.parametrize("sieve", ["on", "off"])
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector: dict[str, Any], sieve: str) -> None:
    chunks = [base64.b64decode(chunk) for chunk in vector["chunks"]]
    raw = b"".join(chunks)
    with sieve_turned(sieve):
        masked = mask(vector, chunks)
        singly = mask(vector, [raw[i : i + 1] for i in range(len(raw))])
        whole = mask(vector, [raw])
    assert singly == whole == masked
    for forbidden in map(base64.b64decode, vector["must_not_contain"]):
        assert forbidden not in masked
    for required in map(base64.b64decode, vector["must_contain"]):
        assert required in masked
    if vector.get("exact_output"):
        assert masked == raw
