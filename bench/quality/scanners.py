"""Three scanners, each run over a tree by its own command, and what each says it found there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# What kingfisher calls a finding that it does not show unless one asks for it.
_LOW = "low"
# The codes with which one of them says that it is done: nothing, something, not all of it.
_DONE = (0, 1, 3, 200)


@dataclass(frozen=True, slots=True)
class Found:
    """What a scanner found.

    Attributes:
        path: Of the file, from the tree on.
        line: The line it is told for, from 1 on.
        rule: What the scanner calls it.
        default: Whether it is found without asking for more than usual.
        offset: Where in the file it begins; unknown to some scanners, -1 then.
        value: The secret, where the scanner tells it.
    """

    path: str
    line: int
    rule: str
    default: bool
    offset: int = -1
    value: str = field(default="", repr=False)


def scanners(peers: Path) -> Mapping[str, Callable[[Path], list[Found]]]:
    """Return the scanners that are there, by name; ours is beside this interpreter."""
    ours = _command("leakguard", Path(sys.executable).parent)
    found: dict[str, Callable[[Path], list[Found]]] = {}
    if ours:
        found["leakguard"] = lambda tree: list(_leakguard(ours, tree))
    if kingfisher := _command("kingfisher", peers):
        found["kingfisher"] = lambda tree: list(_kingfisher(kingfisher, tree))
    if betterleaks := _command("betterleaks", peers):
        found["betterleaks"] = lambda tree: list(_betterleaks(betterleaks, tree))
    return found


def _command(name: str, directory: Path) -> str:
    return shutil.which(name, path=str(directory)) or ""


def _leakguard(command: str, tree: Path) -> Iterator[Found]:
    options = ("--no-secrets", "--min-confidence", "possible", "--format", "json")
    for told in json.loads(_run(tree, command, "scan", *options, "."))["findings"]:
        path, default = _from(told["path"], tree), told["confidence"] != "possible"
        yield Found(path, told["line"], told["name"], default, told["offset"])


def _kingfisher(command: str, tree: Path) -> Iterator[Found]:
    options = ("--no-validate", "--git-history=none", "--no-update-check", "--no-dedup")
    report = _run(tree, command, "scan", *options, "--confidence", _LOW, "--format", "json", ".")
    for each in json.loads(report.splitlines()[0])["findings"]:
        told, rule = each["finding"], each["rule"]["id"]
        path, default = _from(told["path"], tree), told["confidence"] != _LOW
        yield Found(path, told["line"], rule, default, value=told["snippet"])


def _betterleaks(command: str, tree: Path) -> Iterator[Found]:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "report.json"
        # It passes over a tree whose path has a hidden directory in it, so it is run inside.
        _run(tree, command, "--no-color", "--output", str(file), ".")
        findings = json.loads(file.read_bytes())["findings"]
    for told in findings:
        place = told["location"]
        # It shows all that it has, of whatever confidence, unless one asks for less.
        path, value = _from(place["path"], tree), told["match"]["value"]
        yield Found(path, place["start_line"], told["rule_id"], default=True, value=value)


def _run(tree: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=tree, capture_output=True, check=False)
    if done.returncode not in _DONE:
        told = done.stderr.decode("utf-8", "replace").strip()
        raise SystemExit(f"{Path(command[0]).name} ends with {done.returncode}: {told}")
    return done.stdout.decode("utf-8", "replace")


def _from(path: str, tree: Path) -> str:
    """Return the path of a file from `tree` on, however it was told."""
    return path.removeprefix("./").removeprefix(f"{tree}/")
