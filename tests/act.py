"""Runs a workflow for real: `act` is the runner, and this machine is what jobs run on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROGRAMS = Path(sys.executable).parent
SHARED = ("actions", "leakguard", "pyproject.toml", "README.md", "LICENSE")
_PREFIX = re.compile(r"^\[[^\]]*\] +(\| )?", re.MULTILINE)
_GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, slots=True)
class Run:
    """What is left of a run.

    Attributes:
        code: The exit code: 0 when all jobs succeeded.
        log: All that it printed, as it came.
    """

    code: int
    log: str

    @property
    def lines(self) -> list[str]:
        """Return the log without the names of jobs and the bars in front of what steps print."""
        return _PREFIX.sub("", self.log).splitlines()


def project(folder: Path, files: Mapping[str, str]) -> Path:
    """Make a repository that holds the actions, leakguard itself and `files`; return it."""
    for name in SHARED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "all")):
        subprocess.run([*_GIT, *words], cwd=folder, check=True)  # noqa: S603  # fixed commands
    return folder


def act(repository: Path, workflow: str, **secrets: str) -> Run:
    """Run a workflow in `repository` as if it had been pushed to, and return what is left."""
    file = repository / ".github" / "workflows" / "tested.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(workflow, encoding="utf-8")
    options = ["push", "-P", "ubuntu-latest=-self-hosted", "--no-cache-server"]
    for name in secrets:
        options += ["-s", name]  # its value is taken from the environment
    done = subprocess.run(  # noqa: S603  # fixed commands
        [PROGRAMS / "act", *options],
        cwd=repository,
        env=_environ(repository.parent) | secrets,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return Run(done.returncode, done.stdout.decode())


def _environ(folder: Path) -> dict[str, str]:
    """Return an environment in which nothing is left behind, and none of our settings counts."""
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": path, "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
