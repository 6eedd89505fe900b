"""The wheel holds all that leakguard needs, and works in an empty environment of each Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from leakguard import __version__

ROOT = Path(__file__).parent.parent
SUPPORTED = ("3.11", "3.12", "3.13")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def candidates(version: str) -> Iterator[Path]:
    """Yield where a Python of that version may be."""
    if found := which(f"python{version}"):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))


def works(python: Path) -> bool:
    """Return whether `python` starts; a shim of pyenv may not."""
    tried = subprocess.run([python, "-c", "import venv"], capture_output=True, check=False)  # noqa: S603  # found above
    return tried.returncode == 0


def pythons() -> dict[str, Path]:
    """Return the running Python, and in CI every other supported one that is installed."""
    found = {RUNNING: Path(sys.executable)}
    for version in SUPPORTED if "CI" in os.environ else ():
        usable = [python for python in candidates(version) if works(python)]
        if usable and version != RUNNING:
            found[version] = usable[0]
    return found


def run(*command: str | Path, stdin: bytes = b"") -> bytes:
    """Run `command` far from this repository, and return what it prints."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environ["CANARY"] = SECRET
    done = subprocess.run(  # noqa: S603  # fixed commands
        command, input=stdin, capture_output=True, check=False, cwd=ROOT.anchor, env=environ
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


SECRET = "Kw8" + "vTq2" * 4
PYTHONS = pythons()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_holds_code_rules_types_and_license_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    info = f"leakguard_ci-{__version__}.dist-info/"
    rules = {f"leakguard/ruleset/{file.name}" for file in ROOT.glob("leakguard/ruleset/*.toml")}
    code = {str(file.relative_to(ROOT)) for file in ROOT.glob("leakguard/**/*.py")}
    rules |= {"leakguard/ruleset/rules.json", "leakguard/ruleset/sought.json"}
    extra = {"leakguard/py.typed", *(info + part for part in METADATA)}
    assert set(names) == rules | code | extra


# A new machine has no cache: a wheel brings what its rules come to, and what sieves look for.
SHIPPED = """
from leakguard import sieves
from leakguard.rules import parsed
from leakguard.rules.stored import read, shipped
rules = parsed()
assert read(shipped("rules.json")) == rules
brought = sieves.all_sought(rules)
sieves.shipped = lambda name: b""
assert sieves.all_sought(rules) == brought
print("all as derived")
"""
METADATA = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")


@pytest.mark.parametrize("python", PYTHONS.values(), ids=PYTHONS.keys())
def test_the_wheel_works_in_an_empty_environment(python: Path, wheel: Path, tmp_path: Path) -> None:
    run(python, "-m", "venv", tmp_path / "venv")
    programs = tmp_path / "venv" / "bin"
    run(programs / "python", "-m", "pip", "install", "--quiet", wheel)
    leakguard = programs / "leakguard"
    assert run(leakguard, "--version") == f"leakguard {__version__}\n".encode()
    assert run(programs / "python", "-c", SHIPPED) == b"all as derived\n"
    masked = run(leakguard, "mask", "--secrets", "env:CANARY", stdin=f"a {SECRET} b".encode())
    assert masked == b"a *** b"
    (tmp_path / "clean.txt").write_bytes(b"nothing to see")
    report = run(leakguard, "scan", "--format", "json", "--no-secrets", tmp_path / "clean.txt")
    assert json.loads(report)["stats"]["files"] == 1
