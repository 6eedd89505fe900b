"""What `scan --staged` searches: the next commit, whatever the working tree looks like."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from leakguard.cli import main

ROOT = Path(__file__).parent.parent
PROGRAMS = Path(sys.executable).parent
SECRET = "Vq7mZp2L" + "k9Rt4WxB"
HELD = f"key = {SECRET}\n"
Captured = pytest.CaptureFixture[str]


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository below the working directory of a test."""

    root: Path
    capture: Captured

    def git(self, *words: str | bytes, code: int = 0) -> str:
        """Run Git, which ends with `code`, and return what it prints."""
        done = subprocess.run(  # noqa: S603  # as the tests have it
            ["git", *words],  # noqa: S607  # any Git will do
            cwd=self.root,
            capture_output=True,
            check=False,
        )
        assert done.returncode == code, done.stderr.decode()
        return done.stdout.decode()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files, by name."""
        for name, content in files.items():
            file = self.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)

    def stage(self, files: Mapping[str, str | bytes]) -> None:
        """Write files, and stage all that has changed."""
        self.write(files)
        self.git("add", "--all")

    def commit(self, files: Mapping[str, str | bytes]) -> None:
        """Commit files without asking any hook."""
        self.stage(files)
        self.git("commit", "--quiet", "--no-verify", "--message", "as it was")

    def scan(self, *words: str) -> tuple[int, list[str], list[str]]:
        """Return exit code, paths of findings, and paths with reasons of skips."""
        self.capture.readouterr()
        code = main(["scan", "--staged", "--format", "json", *words])
        shown = self.capture.readouterr()
        assert shown.err == ""
        report = json.loads(shown.out)
        skips = [f"{skip['path']}: {skip['reason']}" for skip in report["skips"]]
        return code, [finding["path"] for finding in report["findings"]], skips

    def refusal(self, *words: str) -> str:
        """Return what is told about a search that does not take place."""
        assert main(["scan", "--staged", *words]) == 2
        shown = self.capture.readouterr()
        assert shown.out == ""
        return shown.err


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory outside of any repository, with an environment of its own."""
    for name in set(os.environ) - {
        "PATH",
        "HOME",
        "TMPDIR",
        "PYTEST_CURRENT_TEST",
        "HYPOTHESIS_PROFILE",
    }:
        monkeypatch.delenv(name)
    person = {f"GIT_{role}_{what}": "a@example.com" for role in ("AUTHOR", "COMMITTER")
              for what in ("NAME", "EMAIL")}  # fmt: skip
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    ours = {"DB_PASSWORD": SECRET, "GIT_CEILING_DIRECTORIES": str(tmp_path)}
    for name, value in (person | settings | ours).items():
        monkeypatch.setenv(name, value)
    place = tmp_path / "repository"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def repository(folder: Path, capsys: Captured) -> Repository:
    made = Repository(folder, capsys)
    made.git("init", "--quiet")
    return made


# What is searched.


def test_what_is_staged_is_searched_and_not_what_lies_there(repository: Repository) -> None:
    repository.stage({"staged": HELD, "clean": "clean"})
    repository.write({"staged": "mended", "clean": HELD, "new": HELD})
    assert repository.scan() == (1, ["staged"], [])


def test_what_the_last_commit_has_already_is_not_told_again(repository: Repository) -> None:
    repository.commit({"old": HELD, "changed": HELD})
    repository.stage({"changed": f"{HELD}more", "new": HELD})
    assert repository.scan() == (1, ["changed", "new"], [])


def test_a_commit_of_nothing_is_clean(repository: Repository) -> None:
    assert repository.scan() == (0, [], [])
    repository.commit({"old": HELD})
    assert repository.scan() == (0, [], [])


def test_archives_are_opened(repository: Repository) -> None:
    repository.stage({"a.gz": gzip.compress(HELD.encode())})
    assert repository.scan() == (1, ["a.gz!a"], [])


def test_a_file_with_a_new_name_is_told_by_that_name(repository: Repository) -> None:
    repository.commit({"old": HELD})
    repository.git("mv", "old", "new")
    assert repository.scan() == (1, ["new"], [])


def test_what_is_removed_is_not_searched(repository: Repository) -> None:
    repository.commit({"old": HELD})
    repository.git("rm", "--quiet", "old")
    assert repository.scan() == (0, [], [])


def test_of_a_symbolic_link_what_it_points_to_is_searched(repository: Repository) -> None:
    (repository.root / "link").symlink_to(f"/nowhere/{SECRET}")
    repository.git("add", "link")
    assert repository.scan() == (1, ["link"], [])


def test_a_submodule_holds_nothing_to_search(repository: Repository) -> None:
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    assert repository.scan() == (0, [], [])


def test_a_name_that_holds_a_secret_is_found_and_masked(repository: Repository) -> None:
    repository.stage({f"{SECRET}.txt": "clean"})
    assert repository.scan() == (1, ["***.txt"], [])


NAMES = {
    "with space": "with space",
    "two\nlines": "two\nlines",
    'quote"d': 'quote"d',
    ":(glob)x*": ":(glob)x*",
    "-": "-",
    "--help": "--help",
    "caf\udce9": "caf\\xe9",
    "dir/é": "dir/é",
}


def test_any_name_will_do(repository: Repository) -> None:
    repository.stage(dict.fromkeys(NAMES, HELD))
    code, found, skips = repository.scan()
    assert (code, set(found), skips) == (1, set(NAMES.values()), [])


@pytest.mark.parametrize("jobs", ["1", "2", "5"])
def test_long_and_short_files_are_read_by_any_number_of_workers(
    jobs: str, repository: Repository
) -> None:
    long = b"clean text\n" * 900_000
    files = {f"{number:03}": HELD if number % 3 else "clean" for number in range(300)}
    repository.stage({"a": long + HELD.encode(), **files, "z": long})
    found = [name for name, text in files.items() if text == HELD]
    assert repository.scan("--jobs", jobs) == (1, [*found, "a"], [])


def test_a_long_file_that_is_left_half_read_disturbs_no_other(repository: Repository) -> None:
    long = b"clean text\n" * 900_000
    repository.stage({"a": long, "b": HELD})
    limit = ["--max-file-size", "9M", "--jobs", "1"]
    assert repository.scan(*limit) == (1, ["b"], ["a: too-large"])


# What is left out, or cannot be read.


def test_paths_limit_the_search_and_are_those_of_the_working_directory(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.stage({"top": HELD, "dir/one": HELD, "dir/two": HELD, "dir/deep/three": HELD})
    assert repository.scan("dir/one", "top") == (1, ["dir/one", "top"], [])
    monkeypatch.chdir(repository.root / "dir")
    assert repository.scan("deep", "two") == (1, ["dir/deep/three", "dir/two"], [])
    assert repository.scan("../top") == (1, ["top"], [])
    assert len(repository.scan()[1]) == 4


def test_a_path_is_no_pattern(repository: Repository) -> None:
    repository.stage({"*": "clean", "held": HELD})
    assert repository.scan("*") == (0, [], [])


def test_a_path_whose_file_is_gone_is_still_known(repository: Repository) -> None:
    repository.stage({"staged": HELD})
    (repository.root / "staged").unlink()
    assert repository.scan("staged") == (1, ["staged"], [])


def test_excluded_files_and_directories_are_left_out(repository: Repository) -> None:
    repository.stage({"a/deep/x": HELD, "b/x": HELD, "c.lock": HELD})
    assert repository.scan("--exclude", "a", "--exclude", "*.lock") == (1, ["b/x"], [])


def test_a_file_in_conflict_is_a_skip(repository: Repository) -> None:
    repository.commit({"file": "one\n"})
    repository.git("checkout", "--quiet", "-b", "other")
    repository.commit({"file": "two\n"})
    repository.git("checkout", "--quiet", "-")
    repository.commit({"file": "three\n"})
    repository.git("merge", "other", code=1)
    assert repository.scan() == (3, [], ["file: unmerged"])


def test_an_object_that_is_missing_is_a_skip(repository: Repository) -> None:
    repository.stage({"gone": "clean", "held": HELD})
    name = repository.git("rev-parse", ":gone").strip()
    file = repository.root / ".git" / "objects" / name[:2] / name[2:]
    file.chmod(0o600)
    file.unlink()
    assert repository.scan() == (1, ["held"], ["gone: unreadable"])


def test_nothing_that_the_repository_configures_is_run(repository: Repository) -> None:
    trap = f"touch {repository.root / 'trapped'}; false"
    for name in ("core.fsmonitor", "diff.external", "diff.trap.textconv", "filter.trap.clean"):
        repository.git("config", name, trap)
    repository.write({"held": HELD, ".gitattributes": "* diff=trap\n"})
    repository.git("-c", "core.fsmonitor=false", "add", "--all")
    assert repository.scan() == (1, ["held"], [])
    assert not (repository.root / "trapped").exists()


def test_settings_of_the_user_change_nothing(repository: Repository) -> None:
    for name in ("diff.noprefix", "diff.relative", "diff.renames", "diff.mnemonicPrefix"):
        repository.git("config", name, "true")
    repository.git("config", "color.ui", "always")
    repository.commit({"old": HELD})
    repository.stage({"copy": HELD, "dir/é": HELD})
    assert repository.scan() == (1, ["copy", "dir/é"], [])


# Where nothing can be staged.


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["none"], "leakguard: no such file or directory: none\n"),
        (["-"], "leakguard: --staged: standard input is never staged\n"),
    ],
)
def test_a_path_that_means_nothing_is_an_error(
    words: list[str], line: str, repository: Repository
) -> None:
    repository.stage({"held": HELD})
    assert repository.refusal(*words) == line


def test_a_path_outside_is_an_error(repository: Repository) -> None:
    assert repository.refusal("/").startswith("leakguard: --staged: /: '/' is outside repository")


def test_outside_of_a_repository_there_is_nothing_staged(folder: Path, capsys: Captured) -> None:
    line = Repository(folder, capsys).refusal()
    assert line.startswith("leakguard: --staged: not a git repository")
    assert line.count("\n") == 1


def test_in_a_bare_repository_there_is_nothing_staged(folder: Path, capsys: Captured) -> None:
    bare = Repository(folder, capsys)
    bare.git("init", "--quiet", "--bare")
    line = "leakguard: --staged: this operation must be run in a work tree\n"
    assert bare.refusal() == line


def test_without_git_there_is_nothing_staged(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository.root))
    line = "leakguard: --staged: cannot run git: No such file or directory\n"
    assert repository.refusal() == line


# As a hook.


@pytest.fixture
def hooked(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Return a repository with a hook that runs what `.pre-commit-hooks.yaml` says."""
    [line] = [line for line in hooks() if line.strip().startswith("entry: ")]
    hook = repository.root / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\n{line.strip().removeprefix('entry: ')}\n")
    hook.chmod(0o755)
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
    return repository


def hooks() -> list[str]:
    return (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8").splitlines()


def commits(repository: Repository) -> int:
    return len(repository.git("log", "--oneline", "--all").splitlines())


def test_the_hook_blocks_a_commit_that_holds_a_secret(hooked: Repository) -> None:
    hooked.stage({"held": HELD})
    hooked.git("commit", "--message", "leaks", code=1)
    assert commits(hooked) == 0
    hooked.stage({"held": "mended"})
    hooked.git("commit", "--message", "does not")
    assert commits(hooked) == 1


def test_the_hook_looks_at_what_commit_all_takes(hooked: Repository) -> None:
    hooked.commit({"one": "clean", "two": "clean"})
    hooked.write({"one": HELD, "two": "clean, too"})
    hooked.git("commit", "--all", "--message", "leaks", code=1)
    hooked.git("commit", "two", "--message", "does not")
    assert commits(hooked) == 2
