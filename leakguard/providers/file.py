"""A file that is one value, named as the file is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from leakguard.model import Secret
from leakguard.providers import Provider, contents


def _load(path: str, _environ: Mapping[str, str]) -> Iterator[Secret]:
    for value in contents.values(contents.read(path, contents.LARGEST_VALUE)):
        yield Secret(Path(path).name, value)


PROVIDER = Provider(
    name="file",
    syntax="file:FILE",
    summary="the whole file is one value",
    load=_load,
)
