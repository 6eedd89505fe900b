"""What the host CI is told: each form that it lacks, nothing common, and nobody else is told."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakguard import hosts
from leakguard.cli import main
from leakguard.commands import Commands, Registration
from leakguard.encoders import needles
from leakguard.errors import LeakguardError
from leakguard.hosts import Host
from leakguard.model import Secret
from leakguard.policy import weakness

TOKEN = "Vq7mZp2L" + "k9Rt4WxB"
GITHUB = {"GITHUB_ACTIONS": "true"}
AZURE = {"TF_BUILD": "True"}
Captured = pytest.CaptureFixture[str]


def host(environ: dict[str, str]) -> Host:
    found = hosts.detect(environ)
    assert found is not None
    return found


def told(environ: dict[str, str], value: str) -> list[bytes]:
    """Return the forms that a host would be told, read from its commands the way it reads them."""
    commands = Commands()
    text = hosts.registration(host(environ), [Secret("S", value.encode())]).text
    parts = [*commands.feed(text), *commands.flush()]
    assert all(isinstance(part, Registration) for part in parts)
    return [part.value for part in parts if isinstance(part, Registration)]


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"PATH", "HOME", "TMPDIR", "PYTEST_CURRENT_TEST", "HYPOTHESIS_PROFILE"}
    for name in set(os.environ) - kept:
        monkeypatch.delenv(name)


# Which host it is.


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        (GITHUB, "GitHub Actions"),
        (GITHUB | {"ACT": "true"}, "act"),
        (GITHUB | {"FORGEJO_ACTIONS": "true"}, "Forgejo Actions"),
        (GITHUB | {"GITEA_ACTIONS": "true"}, "Gitea Actions"),
        (AZURE, "Azure Pipelines"),
        ({"BUILDKITE": "true"}, "Buildkite"),
        ({"GITLAB_CI": "true", "CI": "true"}, "GitLab CI"),
        ({"CIRCLECI": "true"}, "CircleCI"),
        ({"JENKINS_URL": "https://ci.example.com/"}, "Jenkins"),
        ({"BITBUCKET_BUILD_NUMBER": "7"}, "Bitbucket Pipelines"),
    ],
)
def test_a_host_is_known_by_its_variables(environ: dict[str, str], name: str) -> None:
    assert host(environ).name == name


@pytest.mark.parametrize("environ", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": "false"}, {"ACT": "1"}])
def test_elsewhere_there_is_no_host(environ: dict[str, str]) -> None:
    assert hosts.detect(environ) is None


# What it is told.


def test_github_is_told_the_value_and_what_its_own_masker_lacks() -> None:
    forms = told(GITHUB, TOKEN)
    assert forms[0] == TOKEN.encode()
    assert TOKEN.encode().hex().encode() in forms
    assert b64encode(b"x" + TOKEN.encode())[2:-2] in forms
    assert b64encode(TOKEN.encode()) not in forms  # this one it makes itself


def test_a_runner_that_derives_nothing_is_told_all() -> None:
    awkward = "pa ss\"w'or&d%<1>"
    itself = {quote(awkward, safe="").encode(), awkward.replace("'", "''").encode()}
    assert itself.isdisjoint(told(GITHUB, awkward))
    assert itself <= set(told(GITHUB | {"ACT": "true"}, awkward))


@pytest.mark.parametrize("environ", [GITHUB, AZURE], ids=["github", "azure"])
@settings(max_examples=50)  # each makes all forms
@given(value=st.text(st.characters(codec="utf-8"), min_size=6, max_size=40))
def test_every_form_in_one_line_is_masked_by_the_host(environ: dict[str, str], value: str) -> None:
    forms = set(told(environ, value))
    derived = {made.encode() for form in forms for made in host(environ).derive(form.decode())}
    for needle in needles(Secret("S", value.encode())):
        in_lines = re.search(rb"[\r\n]", needle.value)
        is_text = needle.value == needle.value.decode(errors="replace").encode()
        if is_text and not in_lines and not weakness(needle.value):
            assert needle.value in forms | derived


@pytest.mark.parametrize("environ", [GITHUB, AZURE], ids=["github", "azure"])
@settings(max_examples=50)  # each makes all forms
@given(value=st.text(st.characters(codec="utf-8"), min_size=6, max_size=40))
def test_nothing_common_and_no_line_end_is_ever_told(environ: dict[str, str], value: str) -> None:
    for form in told(environ, value):
        assert weakness(form) is None
        assert not re.search(rb"[\r\n]", form)


def test_of_a_document_the_values_are_told_and_no_frame() -> None:
    document = json.dumps({"user": "deploy", "password": TOKEN}, indent=1)
    forms = told(GITHUB, document)
    assert TOKEN.encode() in forms
    assert not {b"{", b"}", b"user", b"deploy", b'"user": "deploy",'} & set(forms)


def test_of_a_key_each_line_is_told_also_when_it_is_wrapped_base64() -> None:
    rows = [f"{number:02}{TOKEN * 4}"[:64] for number in range(4)]
    kind = "PRIVATE KEY"
    key = "\n".join([f"-----BEGIN {kind}-----", *rows, f"-----END {kind}-----", ""])
    forms = told(GITHUB, key)
    assert {row.encode() for row in rows} <= set(forms)
    assert not [form for form in forms if form.startswith(b"-----") and len(form) < 40]
    encoded = b64encode(key.encode())
    wrapped = [encoded[start : start + 76] for start in range(0, len(encoded) - 76, 76)]
    assert set(wrapped) <= set(forms)


def test_of_fields_in_lines_only_the_values_are_told() -> None:
    forms = told(GITHUB, f"username=deployment\npassword={TOKEN}\n")
    assert TOKEN.encode() in forms
    assert not {b"username=deployment", b"deployment"} & set(forms)


def test_a_value_that_is_no_text_is_told_only_in_forms_that_are() -> None:
    binary = Secret("S", bytes(range(128, 160)))
    commands = hosts.registration(host(GITHUB), [binary]).text
    assert binary.value not in commands
    assert binary.value.hex().encode() in commands


def test_a_weak_value_is_not_told() -> None:
    assert hosts.registration(host(GITHUB), [Secret("S", b"true"), Secret("T", b"")]).text == b""


def test_what_is_told_twice_is_told_once() -> None:
    one, two = Secret("A", TOKEN.encode()), Secret("B", TOKEN.encode())
    both = hosts.registration(host(GITHUB), [one, two])
    assert both == hosts.registration(host(GITHUB), [one])


def test_a_host_without_a_way_is_an_error() -> None:
    with pytest.raises(LeakguardError, match="CircleCI cannot be told"):
        hosts.registration(host({"CIRCLECI": "true"}), [Secret("S", TOKEN.encode())])


def test_a_registration_does_not_show_its_values() -> None:
    assert TOKEN not in repr(hosts.registration(host(GITHUB), [Secret("S", TOKEN.encode())]))


# Buildkite, through its agent.


def agent(folder: Path, script: str) -> None:
    """Put a program into `folder` that plays the agent."""
    program = folder / "buildkite-agent"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_buildkite_is_told_through_its_agent_and_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    agent(tmp_path, f'echo "$@" >"{tmp_path}/words"; tee "{tmp_path}/input"')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("BUILDKITE", "true")
    monkeypatch.setenv("DB_PASSWORD", f"{TOKEN}\nand more")
    assert main(["register"]) == 0
    assert (tmp_path / "words").read_text() == "redactor add --format json\n"
    forms = json.loads((tmp_path / "input").read_text())
    assert f"{TOKEN}\nand more" in forms.values()
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err == f"leakguard: Buildkite masks {len(forms)} forms from now on\n"


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("cat; exit 3", "leakguard: buildkite-agent redactor add --format json failed with status"
         " 3"),
        (None, "leakguard: cannot run buildkite-agent redactor add --format json: No such file or"
         " directory"),
    ],
    ids=["fails", "absent"],
)  # fmt: skip
def test_an_agent_that_fails_is_told_without_the_value(
    script: str | None,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if script is not None:
        agent(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    monkeypatch.setenv("BUILDKITE", "true")
    monkeypatch.setenv("DB_PASSWORD", TOKEN)
    assert main(["register"]) == 4
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", f"{line}\n")


# The command.


def test_register_writes_commands_and_counts_them(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("DB_PASSWORD", TOKEN)
    monkeypatch.setenv("API_TOKEN", "true")
    assert main(["register"]) == 0
    shown = capfd.readouterr()
    lines = shown.out.splitlines()
    assert lines[0] == f"::add-mask::{TOKEN}"
    assert all(line.startswith("::add-mask::") for line in lines)
    assert shown.err == (
        "leakguard: not protected: API_TOKEN (shorter than 6 bytes)\n"
        f"leakguard: GitHub Actions masks {len(lines)} forms from now on\n"
    )


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        ("CI", "register: this is no job of a CI system that can be told what to mask"),
        ("GITLAB_CI", "register: GitLab CI cannot be told by a job; use 'leakguard run' there"),
        ("JENKINS_URL", "register: Jenkins cannot be told by a job; use 'leakguard run' there"),
    ],
)
def test_where_nobody_can_be_told_register_refuses(
    variable: str, line: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv(variable, "true")
    monkeypatch.setenv("DB_PASSWORD", TOKEN)
    assert main(["register"]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"leakguard: {line}\n")


def test_on_a_terminal_register_refuses() -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "leakguard", "register"],
        env=os.environ | GITHUB | {"DB_PASSWORD": TOKEN},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.set_blocking(ours, False)
    os.close(theirs)
    with open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123  # a descriptor
        assert shown_on(terminal) == b""
    assert done.returncode == 2
    assert done.stderr == (
        b"leakguard: register: standard output is a terminal, which would show the values\n"
    )


def shown_on(terminal: io.FileIO) -> bytes:
    """Return what a terminal has got; one that nobody holds any more fails to be read."""
    try:
        return terminal.read(1 << 16) or b""
    except OSError:
        return b""


def test_below_run_the_host_still_gets_what_is_registered() -> None:
    register = f"{sys.executable} -m leakguard register | head -n 2"
    done = subprocess.run(  # noqa: S603  # as above
        [sys.executable, "-m", "leakguard", "run", "--", "/bin/sh", "-c", register],
        env=os.environ | GITHUB | {"DB_PASSWORD": TOKEN},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    alone = hosts.registration(host(GITHUB), [Secret("S", TOKEN.encode())]).text
    assert done.stdout.splitlines() == alone.splitlines()[:2]
