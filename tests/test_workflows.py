"""Workflows, actions and shell scripts hold together, say four checkers that ask no network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROGRAMS = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / "actions").glob("*/action.yml"))
SCRIPTS = [*sorted((ROOT / "actions").glob("*/*.sh")), ROOT / ".ci" / "run"]
GUIDE = ROOT / "docs" / "github-actions.md"
PATH = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"


def complaints(program: str, *words: str | Path) -> str:
    """Return what a checker has to say; nothing if it is content."""
    done = subprocess.run(  # noqa: S603  # programs of our own environment
        [PROGRAMS / program, *words],
        cwd=ROOT,
        env=os.environ | {"PATH": PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode() if done.returncode else ""


def snippets() -> list[str]:
    """Return the workflows that the guide shows."""
    text = GUIDE.read_text(encoding="utf-8")
    return re.findall(r"^```yaml\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def test_there_is_something_to_check() -> None:
    assert [file.parent.name for file in ACTIONS] == ["mask", "scan", "setup"]
    assert len(WORKFLOWS) > 0
    assert len(snippets()) > 0
    assert all(file.exists() for file in SCRIPTS)


def test_actionlint_has_no_complaint() -> None:
    assert complaints("actionlint", "-no-color", *WORKFLOWS) == ""


def test_zizmor_has_no_complaint() -> None:
    options = ("--offline", "--no-progress", "--quiet", "--persona", "auditor")
    assert complaints("zizmor", *options, *WORKFLOWS, *ACTIONS) == ""


def test_shellcheck_has_no_complaint() -> None:
    assert complaints("shellcheck", *SCRIPTS) == ""


@pytest.mark.parametrize(
    ("schema", "files"),
    [("vendor.github-workflows", WORKFLOWS), ("vendor.github-actions", ACTIONS)],
    ids=["workflows", "actions"],
)
def test_the_schemas_are_met(schema: str, files: list[Path]) -> None:
    assert complaints("check-jsonschema", "--builtin-schema", schema, *files) == ""


def test_the_workflows_of_the_guide_have_no_complaint(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.yml" for number in range(len(snippets()))]
    for file, text in zip(files, snippets(), strict=True):
        file.write_text(text, encoding="utf-8")
    assert complaints("actionlint", "-no-color", *files) == ""
    assert (
        complaints("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files) == ""
    )


@pytest.mark.parametrize("file", ACTIONS, ids=lambda file: file.parent.name)
def test_no_script_holds_a_template(file: Path) -> None:
    runs = re.findall(r"^ +(?:- )?run:(.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(runs) > 0
    for run in runs:
        assert re.fullmatch(r' bash "\$GITHUB_ACTION_PATH/[\w./-]+\.sh"', run)


@pytest.mark.parametrize("file", [*WORKFLOWS, *ACTIONS], ids=lambda file: file.parent.name)
def test_foreign_actions_are_pinned_by_their_commit(file: Path) -> None:
    for used in re.findall(r"uses: *(\S+)", file.read_text(encoding="utf-8")):
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", used)


def test_our_own_ci_calls_the_gate_and_nothing_else() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert re.findall(r"run: *(.*)", text) == ["make check"]
