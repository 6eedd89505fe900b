"""Code that everybody has: fetched once, by the ordinary clients, and unpacked."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

CACHE = Path(tempfile.gettempdir()) / "leakguard-bench" / "clean"
_STDLIB = Path(sysconfig.get_path("stdlib"))
# Pinned, so that only rules change what is found.
_WHEELS = (
    "azure-storage-blob==12.31.1", "boto3==1.44.5", "botocore==1.44.5", "cryptography==50.0.2",
    "django==5.2.19", "google-auth==2.62.2", "numpy==2.4.6", "scrapy==2.19.0", "setuptools==84.2.1",
    "sqlalchemy==2.1.9",
)  # fmt: skip
_SDISTS = (
    "aiohttp==3.14.5", "ansible-core==2.19.14", "flask==3.1.3", "httpx==0.28.1", "paramiko==5.1.0",
    "pyjwt==2.15.1", "requests==2.34.2", "sentry-sdk==2.75.0", "twine==7.0.0", "urllib3==2.8.0",
)  # fmt: skip
_NPM = (
    "aws-sdk@2.1693.0", "axios@1.21.1", "eslint@10.15.0", "express@5.3.0", "firebase@13.2.0",
    "jsonwebtoken@9.0.3", "lodash@4.18.1", "react-dom@19.3.1", "stripe@23.1.0", "webpack@5.112.2",
)  # fmt: skip
_WORDS = "mnemonic==0.21"


def trees() -> dict[str, Path]:
    """Return the trees to scan, by name: as installed, unpacked, and as they were fetched."""
    fetch: Mapping[str, tuple[Callable[[str, Path], None], Sequence[str]]] = {
        "wheels": (_wheel, _WHEELS),
        "sdists": (_sdist, _SDISTS),
        "npm": (_package, _NPM),
    }
    found = {"stdlib": _made(CACHE / "stdlib", _library)}
    for kind, (fetched, names) in fetch.items():
        archives = CACHE / "archives" / kind
        for name in names:
            _once(archives, name, fetched)
        found[kind] = _made(CACHE / kind, functools.partial(_unpacked, archives))
    return found | {"archives": CACHE / "archives"}


@functools.cache
def bip39_words() -> list[str]:
    """Return the words of BIP-39, which the package `mnemonic` brings."""
    directory = CACHE.parent / "words"
    _once(directory, _WORDS, _wheel)
    with zipfile.ZipFile(next(directory.glob("*.whl"))) as wheel:
        return wheel.read("mnemonic/wordlist/english.txt").decode().split()


def _once(directory: Path, name: str, fetched: Callable[[str, Path], None]) -> None:
    mark = CACHE.parent / "fetched" / name
    if not mark.exists():
        mark.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(parents=True, exist_ok=True)
        fetched(name, directory)
        mark.touch()


def _pip(name: str, directory: Path, *options: str) -> None:
    pip = (
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(directory),
    )
    subprocess.run([*pip, *options, name], check=True)


def _wheel(name: str, directory: Path) -> None:
    _pip(name, directory, "--only-binary", ":all:")


def _sdist(name: str, directory: Path) -> None:
    _pip(name, directory, "--no-binary", ":all:")


def _package(name: str, directory: Path) -> None:
    command = ["npm", "pack", "--silent", "--pack-destination", str(directory), name]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _made(tree: Path, write: Callable[[Path], None]) -> Path:
    """Return a tree, written at the first time."""
    if not tree.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as directory:
            write(Path(directory) / "tree")
            (Path(directory) / "tree").rename(tree)
    return tree


def _library(tree: Path) -> None:
    shutil.copytree(_STDLIB, tree, ignore=shutil.ignore_patterns("site-packages"), symlinks=True)


def _unpacked(archives: Path, tree: Path) -> None:
    for archive in _files(archives):
        place = tree / archive.name.removesuffix(".tgz").removesuffix(".whl").removesuffix(
            ".tar.gz"
        )
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(place)  # noqa: S202  # it keeps inside of its place
        else:
            with tarfile.open(archive) as package:
                package.extractall(place, filter="data")


def _files(directory: Path) -> Iterator[Path]:
    yield from sorted(file for file in directory.iterdir() if file.is_file())
