"""The benchmark of quality brings no credentials of its own."""

from __future__ import annotations

from pathlib import Path

from leakguard import Matcher, builtin_rules

QUALITY = Path(__file__).parent.parent / "bench" / "quality"


def test_what_samples_are_made_from_looks_like_no_credential() -> None:
    texts = [
        file.read_bytes()
        for file in sorted(QUALITY.rglob("*"))
        if file.suffix != ".pyc" and file.is_file()
    ]
    matcher = Matcher(rules=builtin_rules())
    assert [match.name for text in texts for match in matcher.find(text)] == []
