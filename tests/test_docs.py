"""What the documents show is what happens: their transcripts and their code are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOKEN = "Vq7mZp2L" + "k9Rt4WxB"


def sections() -> Iterator[tuple[str, str]]:
    """Yield the heading and the text of each section of the README."""
    for part in re.split(r"^## ", README, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        yield heading, text


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def environ(directory: Path) -> dict[str, str]:
    """Return an environment in which `leakguard` and `python` are those that run this test."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return kept | {"PATH": path, "API_TOKEN": TOKEN, "TMPDIR": str(directory), "COLUMNS": "80"}


def steps(transcripts: list[str]) -> list[tuple[str, str]]:
    """Return each command of some transcripts, and what it prints."""
    lines = "".join(transcripts)
    found = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", lines, flags=re.MULTILINE)
    return [(command, output) for command, output in found]


def expected(output: str) -> re.Pattern[str]:
    """Return a pattern for an output in which `...` is anything and `===` a rule of any width."""
    pattern = re.escape(output.rstrip("\n")).replace(re.escape("..."), r"[\s\S]*?")
    return re.compile(pattern.replace("===", "=+") + r"\n*")


def transcript(commands: list[str], directory: Path, cwd: Path) -> list[str]:
    """Return what each command prints, run one after the other in one shell."""
    mark = "--next--"
    script = f"\nstatus=$?; echo {mark}; (exit $status)\n".join(commands)
    done = subprocess.run(  # noqa: S603  # the README's own commands
        ["bash", "-c", script],  # noqa: S607  # any bash will do
        cwd=cwd,
        env=environ(directory),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )
    return done.stdout.split(f"{mark}\n")


SHOWN = [section for section in sections() if blocks(section[1], "console")]


@pytest.mark.parametrize("section", SHOWN, ids=lambda section: section[0])
def test_a_transcript_of_the_readme_is_what_happens(
    section: tuple[str, str], tmp_path: Path
) -> None:
    heading, text = section
    told = steps(blocks(text, "console"))
    cwd = ROOT if heading == "On real input" else tmp_path
    printed = transcript([command for command, _ in told], tmp_path, cwd)
    assert len(printed) == len(told)
    for (command, output), actual in zip(told, printed, strict=True):
        assert expected(output).fullmatch(actual), f"{command}\n{actual}"
        assert TOKEN not in actual


def test_the_code_of_the_readme_runs(tmp_path: Path) -> None:
    archive = f"mkdir a && echo {TOKEN} > a/b && tar czf dist.tar.gz a"
    transcript([archive], tmp_path, tmp_path)
    (code,) = blocks(README, "python")
    done = subprocess.run(  # noqa: S603  # the README's own code
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_first_command_does_the_main_job(tmp_path: Path) -> None:
    (install, _) = blocks(README.partition("\n## ")[0], "sh")
    command = install.partition(" && ")[2].partition(" && ")[2].replace(".venv/bin/", "")
    (printed,) = transcript([command], tmp_path, tmp_path)
    assert printed == "token: ***\nZGVwbG95Ol***\n"
