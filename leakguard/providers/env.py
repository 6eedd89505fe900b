"""Environment variables by name or pattern; a name without wildcards must be set."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch

from leakguard.errors import ProviderError
from leakguard.model import Secret
from leakguard.providers import Provider, wording

_WILDCARDS = frozenset("*?[")


def _load(glob: str, environ: Mapping[str, str]) -> Iterator[Secret]:
    # `fnmatch` minds the case of letters where the environment does: not on Windows.
    names = sorted(name for name in environ if fnmatch(name, glob))
    if not names and _WILDCARDS.isdisjoint(glob):
        raise ProviderError(f"environment variable {wording.variable(glob)} is not set")
    for name in names:
        # Gives back the very bytes that the process got, be they UTF-8 or not.
        yield Secret(name, os.fsencode(environ[name]))


PROVIDER = Provider(
    name="env",
    syntax="env:GLOB",
    summary="environment variables, by name or pattern",
    load=_load,
)
