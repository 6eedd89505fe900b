"""What the documents show is what happens: their transcripts and their code are run."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leakguard.cli import main
from leakguard.encoders import ENCODINGS
from leakguard.policy import PART_BITS, WHOLE_BITS, budget
from leakguard.rules import builtin_rules
from leakguard.traces.form import FRAGMENT, MIXED

ROOT = Path(__file__).parent.parent
PAGES = (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
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
    assert printed == "token: ***\nZGVwbG95O***\n"


@functools.cache
def anchors(page: Path) -> set[str]:
    """Return what links may name in a page: its headings, as code hosts write them in addresses."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_rule_of_contributing_holds_and_finds_no_fault_in_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (rule,) = re.findall(r"^ +```toml\n(.*?)^ +```", text, flags=re.MULTILINE | re.DOTALL)
    file = tmp_path / "acme.toml"
    file.write_text(re.sub("^   ", "", rule, flags=re.MULTILINE), encoding="utf-8")
    assert main(["rules", "check", str(file)]) == 0, capsys.readouterr().out


def test_there_are_as_many_rules_as_the_readme_says() -> None:
    rules, vendors = re.findall(r"More than (\d+) built-in rules, for more than (\d+) v", README)[0]
    assert len(builtin_rules()) > int(rules)
    assert len({rule.vendor for rule in builtin_rules()}) > int(vendors)


def test_the_budget_that_is_told_is_the_one_that_holds() -> None:
    text = (ROOT / "docs" / "security-model.md").read_text(encoding="utf-8")
    table = text.partition("| what | must tell |")[2].partition("\n\n")[0]
    least = budget.least_of_beginning
    bounds = [WHOLE_BITS, PART_BITS, least(11), least(12), budget.END_BITS, budget.FRAGMENT_BITS]
    assert [float(bits) for bits in re.findall(r"\b(\d+)(?: bits|(?= when))", table)] == bounds


def test_every_form_has_its_line() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## The forms of a value")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([\w-]+)`", section, flags=re.MULTILINE)) == set(ENCODINGS)
    assert f"`{MIXED}`" in section
    assert f"`{FRAGMENT}`" in section
