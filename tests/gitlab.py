"""Stands in for GitLab: fills in templates, is the runner's container, and runs whole pipelines.

A container is a session of processes here. What counts is kept: the runner pipes one script into
the shell that the image's entrypoint starts, and when that process ends, all others are killed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "gitlab-templates"
LOCAL = Path(__file__).parent / "data" / "gitlab-ci-local"
PROGRAMS = Path(sys.executable).parent
"""Where leakguard is."""

_INPUT = re.compile(r"\$\[\[ inputs\.([a-z-]+) \]\]")
_ENDED = re.compile(r"^(\S+) +finished in .*?(?:(?:FAIL|WARN) (\d+))? *$", re.MULTILINE)
_OPTIONS = ("--force-shell-executor", "--shell-isolation", "--no-artifacts-to-source")
# How the runner finds a shell in an image; it comes behind the entrypoint.
_SHELL = ("sh", "-c", "if [ -x /bin/bash ]; then exec /bin/bash; else exec /bin/sh; fi")


# Templates.


class _Loader(yaml.SafeLoader):
    """Reads a pipeline; what GitLab's `!reference` points at is left as a path."""


def _reference(loader: _Loader, node: yaml.SequenceNode) -> list[str]:
    return [str(part) for part in loader.construct_sequence(node)]


_Loader.add_constructor("!reference", _reference)


def documents(text: str) -> list[Any]:
    """Return the documents of a pipeline's configuration."""
    return list(yaml.load_all(text, Loader=_Loader))


@dataclass(frozen=True, slots=True)
class Template:
    """A file of `gitlab-templates/`.

    Attributes:
        header: Its first document, which declares the inputs.
        body: Its second document, as it is written.
    """

    header: dict[str, Any]
    body: dict[str, Any]

    @classmethod
    def read(cls, name: str) -> Template:
        """Return the template in the file `name`."""
        header, body = documents((TEMPLATES / name).read_text(encoding="utf-8"))
        return cls(header, body)

    @property
    def inputs(self) -> dict[str, Any]:
        """The declared inputs."""
        inputs: dict[str, Any] = self.header["spec"]["inputs"]
        return inputs

    def jobs(self, **given: object) -> dict[str, Any]:
        """Return the jobs, the inputs filled in."""
        defaults = {name: declared["default"] for name, declared in self.inputs.items()}
        jobs: dict[str, Any] = _filled(self.body, defaults | given)
        return jobs


def _filled(node: object, inputs: Mapping[str, object]) -> Any:  # noqa: ANN401  # any YAML
    if isinstance(node, dict):
        return {_filled(key, inputs): _filled(value, inputs) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(item, inputs) for item in node]
    if isinstance(node, str):
        return _INPUT.sub(lambda match: str(inputs[match[1]]), node)
    return node


# The runner.


@dataclass(frozen=True, slots=True)
class Ended:
    """A job's end.

    Attributes:
        code: Its exit code.
        log: All that it printed.
    """

    code: int
    log: str


def script(*commands: str) -> str:
    """Return what the runner pipes into the shell to have these commands run."""
    body = "\n".join(["export CI_JOB_STATUS=running", *commands, ""])
    return (
        "trap 'exit 1' TERM\n"
        "set -o pipefail; set -o errexit; set +o noclobber\n"
        f"(trap 'exit 1' TERM; eval {shlex.quote(body)}) </dev/null\n"
        "exit 0\n"
    )


def container(entrypoint: Sequence[str], piped: str, environ: Mapping[str, str]) -> Ended:
    """Start a container with `entrypoint`, pipe a script into it, and stay until it ends."""
    with TemporaryFile() as log:
        main = subprocess.Popen(  # noqa: S603  # written in the tests
            [*entrypoint, *_SHELL],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(environ),
            start_new_session=True,
        )
        main.communicate(piped.encode())
        _kill_session(main.pid)
        log.seek(0)
        return Ended(main.returncode, log.read().decode())


def _kill_session(session: int) -> None:
    """Do what the kernel does to a container whose first process has ended."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(ProcessLookupError):
                if os.getsid(int(entry.name)) == session:
                    os.kill(int(entry.name), signal.SIGKILL)


# Pipelines.


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline that has run.

    Attributes:
        code: The exit code of the whole.
        told: What was shown while it ran.
        jobs: The exit code of each job.
        folder: Where logs and artifacts are.
    """

    code: int
    told: str
    jobs: Mapping[str, int]
    folder: Path

    def log(self, job: str) -> str:
        """Return the raw log of a job."""
        return (self.folder / "output" / f"{job}.log").read_text(encoding="utf-8")

    def artifact(self, job: str, name: str) -> str:
        """Return a file that a job has handed over."""
        return (self.folder / "artifacts" / job / name).read_text(encoding="utf-8")

    def everything(self, *jobs: str) -> str:
        """Return the logs and artifacts of jobs, and what was shown."""
        files = [file for job in jobs for file in (self.folder / "artifacts" / job).rglob("*.*")]
        texts = [file.read_text(encoding="utf-8") for file in files]
        return "\n".join([self.told, *map(self.log, jobs), *texts])


def install_gitlab_ci_local(folder: Path) -> Path:
    """Install the pinned gitlab-ci-local, once for all workers, and return its program."""
    program = folder / "node_modules" / ".bin" / "gitlab-ci-local"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _npm_ci(folder)
    return program


def _npm_ci(folder: Path) -> None:
    for file in LOCAL.iterdir():
        shutil.copy(file, folder)
    npm = (needed("npm", "Node.js 20 or newer, with npm"), "ci", "--ignore-scripts", "--no-audit")
    done = subprocess.run(  # noqa: S603  # fixed
        npm, cwd=folder, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr


def needed(program: str, package: str) -> str:
    """Return where a program is; the test fails when it is nowhere."""
    found = shutil.which(program)
    if found is None:
        pytest.fail(f"these tests need {program}; install {package}")
    return found


def repository(folder: Path, pipeline: str, files: Mapping[str, str]) -> Path:
    """Make a Git repository that holds the templates, `files`, and a pipeline."""
    shutil.copytree(TEMPLATES, folder / TEMPLATES.name)
    for name, text in {".gitlab-ci.yml": pipeline, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "remote", "add", "origin", "https://gitlab.example.com/group/project.git")
    _git(folder, "config", "user.name", "Nobody")
    _git(folder, "config", "user.email", "nobody@example.com")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message=Start")
    return folder


def _git(folder: Path, *arguments: str) -> None:
    git = needed("git", "git")
    subprocess.run([git, *arguments], cwd=folder, check=True)  # noqa: S603  # fixed


def run_pipeline(
    program: Path, folder: Path, environ: Mapping[str, str], *options: str
) -> Pipeline:
    """Run the pipeline of a repository, its jobs in shells of this machine."""
    needed("rsync", "rsync")
    done = subprocess.run(  # noqa: S603  # fixed
        [program, *_OPTIONS, *options],
        cwd=folder,
        env={**environ, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )
    ended = {job: int(code or 0) for job, code in _ENDED.findall(done.stdout)}
    jobs = {job: code for job, code in ended.items() if job != "pipeline"}
    return Pipeline(done.returncode, done.stdout, jobs, folder / ".gitlab-ci-local")
