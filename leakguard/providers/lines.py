"""A file of one value on each line, nothing in it special; named by file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from leakguard.model import Secret
from leakguard.providers import Provider, contents


def _load(path: str, _environ: Mapping[str, str]) -> Iterator[Secret]:
    name = Path(path).name
    for number, line in enumerate(contents.read_text(path).splitlines(), start=1):
        if line.strip():
            yield Secret(f"{name}:{number}", line)


PROVIDER = Provider(
    name="lines",
    syntax="lines:FILE",
    summary="each line of the file is one value",
    load=_load,
)
