"""What a job can be expected to hold: variables whose name looks secret, and `LEAKGUARD_SECRETS`.

The names are in `leakguard.providers.names`; `LEAKGUARD_SECRETS` is a JSON object whose leaves are
secrets, the way to hand over what has no variable of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from leakguard.model import Secret
from leakguard.policy import looks_secret
from leakguard.providers import Provider, json_file

VARIABLE = "LEAKGUARD_SECRETS"


def _load(_argument: str, environ: Mapping[str, str]) -> Iterator[Secret]:
    for name in sorted(filter(looks_secret, environ)):
        if value := environ[name]:
            yield Secret(name, os.fsencode(value))
    if document := environ.get(VARIABLE):
        yield from json_file.secrets(os.fsencode(document), VARIABLE)


PROVIDER = Provider(
    name="auto",
    syntax="auto",
    summary=f"variables whose name looks secret, and {VARIABLE} (a JSON object)",
    load=_load,
)
