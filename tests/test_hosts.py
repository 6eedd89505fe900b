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
from collections.abc import Callable
from pathlib import Path
from typing import IO
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
from tests.act import act, project
from tests.runners import ActRunner, AzureAgent, GiteaRunner, GithubRunner, Runner

TOKEN = "Vq7mZp2L" + "k9Rt4WxB"
GITHUB = {"GITHUB_ACTIONS": "true"}
ACT = GITHUB | {"ACT": "true"}
GITEA = GITHUB | {"GITEA_ACTIONS": "true"}
FORGEJO = GITHUB | {"FORGEJO_ACTIONS": "true"}
AZURE = {"TF_BUILD": "True"}
AZURE_LINES = AZURE | {"SYSTEM_UNSAFEALLOWMULTILINESECRET": "TRUE"}
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
        (ACT, "act"),
        (FORGEJO, "Forgejo Actions"),
        (GITEA, "Gitea Actions"),
        (AZURE, "Azure Pipelines"),
        (AZURE_LINES, "Azure Pipelines"),
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
    assert itself <= set(told(ACT, awkward))


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


READERS: list[tuple[dict[str, str], Callable[[], Runner]]] = [
    (GITHUB, GithubRunner),
    (ACT, ActRunner),
    (GITEA, GiteaRunner),
    (FORGEJO, ActRunner),  # what is in it, and reads the same lines
    (AZURE, AzureAgent),
    (AZURE, lambda: AzureAgent(percents=False)),
]
NAMES = ["github", "act", "gitea", "forgejo", "azure", "azure without percents"]
# What the languages of the hosts are made of.
PIECES = ["::", ":", "]", "%", "%25", "%0A", "%3B", "%AZP25", ";", "##[", "Zq8", "mm9", "Kd7", " "]


@pytest.mark.parametrize(("environ", "reader"), READERS, ids=NAMES)
@settings(max_examples=25)  # each makes all forms
@given(value=st.lists(st.sampled_from(PIECES), min_size=4, max_size=8).map("".join))
def test_a_host_learns_each_form_and_prints_none(
    environ: dict[str, str], reader: Callable[[], Runner], value: str
) -> None:
    text = hosts.registration(host(environ), [Secret("S", value.encode())]).text
    runner = reader()
    runner.read(text)
    assert runner.log == []
    everything = hosts.registration(host({"BUILDKITE": "true"}), [Secret("S", value.encode())]).text
    in_lines = {form for form in json.loads(everything).values() if re.search("[\r\n]", form)}
    known = set(json.loads(everything).values()) - in_lines
    derived = {made for form in known for made in host(environ).derive(form)}
    missing = known - runner.masks - derived
    if reader in {ActRunner, GiteaRunner}:
        # Of these, no way to write them is obeyed.
        missing = {form for form in missing if "::" not in form and not form.startswith(":")}
    if environ is AZURE and reader is not AzureAgent:
        missing = {form for form in missing if not re.search("%(25|0A|3B|5D|AZP25)", form)}
    assert missing == set()


def test_what_a_host_has_no_way_to_be_told_is_counted_and_not_written() -> None:
    awkward = Secret("S", b"Zq81::mm92]Kd7x")
    to_act, to_github = (hosts.registration(host(each), [awkward]) for each in (ACT, GITHUB))
    assert to_act.untold > 0
    assert to_act.count + to_act.untold >= to_github.count
    assert awkward.value not in to_act.text
    assert b"::add-mask::" + awkward.value.hex().encode() in to_act.text.splitlines()


def test_a_token_has_some_fifty_forms_and_a_key_some_hundreds() -> None:
    rows = [f"{number:02}{TOKEN * 4}"[:64] for number in range(27)]
    key = "\n".join(["-----BEGIN PRIVATE" + " KEY-----", *rows, "-----END PRIVATE" + " KEY-----"])
    for environ in (GITHUB, ACT, AZURE, {"BUILDKITE": "true"}):
        assert 40 < hosts.registration(host(environ), [Secret("S", TOKEN.encode())]).count < 70
        assert 100 < hosts.registration(host(environ), [Secret("S", key.encode())]).count < 600


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


def registered(environ: dict[str, str], stdout: int | IO[bytes]) -> tuple[int, bytes, bytes]:
    """Run the command in a job of its own; return exit code and both outputs."""
    done = subprocess.run(
        [sys.executable, "-m", "leakguard", "register"],
        env=os.environ | environ,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
    )
    return done.returncode, done.stdout or b"", done.stderr


def test_register_writes_commands_and_counts_them() -> None:
    job = GITHUB | {"DB_PASSWORD": TOKEN, "API_TOKEN": "true"}
    code, out, err = registered(job, subprocess.PIPE)
    lines = out.decode().splitlines()
    assert code == 0
    assert lines[0] == f"::add-mask::{TOKEN}"
    assert all(line.startswith("::add-mask::") for line in lines)
    assert err.decode() == (
        "leakguard: not protected: API_TOKEN (shorter than 6 bytes)\n"
        f"leakguard: GitHub Actions masks {len(lines)} forms from now on\n"
    )


def test_register_counts_what_the_host_cannot_be_told() -> None:
    code, out, err = registered(ACT | {"DB_PASSWORD": "Zq81::mm92]Kd7x"}, subprocess.PIPE)
    alone = hosts.registration(host(ACT), [Secret("S", b"Zq81::mm92]Kd7x")])
    assert (code, out) == (0, alone.text)
    assert err.decode().splitlines() == [
        f"leakguard: act masks {alone.count} forms from now on",
        f"leakguard: act has no way to be told {alone.untold} forms",
    ]


def test_into_a_file_register_refuses(tmp_path: Path) -> None:
    with (tmp_path / "kept").open("wb") as file:
        code, _, err = registered(GITHUB | {"DB_PASSWORD": TOKEN}, file)
    assert code == 2
    assert (tmp_path / "kept").read_bytes() == b""
    assert err == (b"leakguard: register: standard output is a file, which would keep the values\n")


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
    code, _, err = registered(GITHUB | {"DB_PASSWORD": TOKEN}, theirs)
    os.set_blocking(ours, False)
    os.close(theirs)
    with open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123  # a descriptor
        assert shown_on(terminal) == b""
    assert code == 2
    assert err == (
        b"leakguard: register: standard output is a terminal, which would keep the values\n"
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


def test_a_command_of_a_masked_step_reaches_the_host_and_counts_in_both_streams() -> None:
    script = f"printf 'a '; echo '::add-mask::{TOKEN}' >&2; sleep 0.5; echo {TOKEN}"
    done = subprocess.run(  # noqa: S603  # as above
        [sys.executable, "-m", "leakguard", "run", "--", "/bin/sh", "-c", script],
        env=os.environ | GITHUB,
        capture_output=True,
        check=False,
    )
    assert done.stdout == b"a ***\n"
    assert done.stderr == f"::add-mask::{TOKEN}\n".encode()


# A runner, for real.

WORKFLOW = """\
on: push
jobs:
  job:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: leakguard register | cat
        env:
          DB_PASSWORD: ${{ secrets.DB_PASSWORD }}
      - run: leakguard run -- sh add.sh
      - run: cat shown.txt
"""


def test_act_masks_what_it_is_told_and_what_a_masked_step_registers(tmp_path: Path) -> None:
    late = "Hn5cYb8D" + "w3Fj6KvT"
    forms = told(ACT, TOKEN)
    shown = [form.decode() for form in forms if b"\0" not in form and b"%" not in form]
    files = {
        "add.sh": f"echo a; echo '::add-mask::{late}'; echo b {late}\n",
        "shown.txt": "".join(f"c {form} d\n" for form in [*shown, late]),
    }
    repository = project(tmp_path / "repository", files)
    run = act(repository, WORKFLOW, DB_PASSWORD=TOKEN)
    assert run.code == 0
    assert run.lines.count("b ***") == 1
    assert sum(line.startswith("c ***") for line in run.lines) == len(shown) + 1
    assert [form for form in [*shown, late] if form in run.log] == []
    assert f"leakguard: act masks {len(forms)} forms from now on" in run.lines
