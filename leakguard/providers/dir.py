"""A directory of one file for each value, as Kubernetes, Docker and systemd mount secrets.

Only files directly inside are read, symbolic links followed. A name that starts with two dots is
how Kubernetes keeps its versions (`..data`, `..2024_05_01...`) and no key can have one; a name with
one dot is a key like any other, such as `.dockerconfigjson`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from leakguard.errors import ProviderError
from leakguard.model import Secret
from leakguard.providers import Provider, contents, wording


def _load(path: str, _environ: Mapping[str, str]) -> Iterator[Secret]:
    for file in _files(path):
        for value in contents.values(contents.read(str(file), contents.LARGEST_VALUE)):
            yield Secret(file.name, value)


def _files(path: str) -> list[Path]:
    try:
        entries = sorted(Path(path).iterdir())
        return [each for each in entries if not each.name.startswith("..") and not each.is_dir()]
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "not a path"
    raise ProviderError(f"cannot read secrets directory {wording.path(path)}: {reason}")


PROVIDER = Provider(
    name="dir",
    syntax="dir:DIR",
    summary="each file in the directory is one value (Kubernetes, Docker)",
    load=_load,
)
