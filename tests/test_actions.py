"""The actions, run for real: what the log shows, what the job ends with, what is installed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import tomllib
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

import pytest

from leakguard import __version__
from tests.act import PROGRAMS, ROOT, Run, act, project
from tests.test_workflows import snippets

VALUE = 'Vq7m"Zp2L' + "k9Rt4WxB"
UNREGISTERED = "Hn5cYb8D" + "w3Fj6KvT"
PLAIN = """\
#!/bin/sh
echo "here $DEPLOY_PASSWORD there"
printf 'user:%s' "$DEPLOY_PASSWORD" | base64
printf %s "$DEPLOY_PASSWORD" | od -An -v -tx1 | tr -d ' \\n'; echo
printf '{"value": "%s"}\\n' "$(printf %s "$DEPLOY_PASSWORD" | sed 's/"/\\\\"/')"
echo 'the end'
"""
BUILD = """\
#!/bin/sh
mkdir -p dist docs
printf '%s' "$1" | gzip >dist/app.gz
echo clean >'dist/::error::x.txt'
: | gzip >docs/site.tar.gz
"""
KEEP = '#!/bin/sh\ntest -s "$1" && echo "kept with $2 findings"\n'


def local(snippet: str) -> str:
    """Return a workflow of the guide, with the actions and the leakguard that are at hand."""
    ours = re.compile(r"uses: OWNER/leakguard/(actions/\w+)@SHA\n(\s+)with:\n")
    return ours.sub(r"uses: ./\1\n\2with:\n\2  install: false\n", snippet)


MASKING, SEARCHING = (local(snippet) for snippet in snippets())


def shown(run: Run) -> set[str]:
    """Return in which forms a log shows the value."""
    raw = VALUE.encode()
    forms = {
        "raw": VALUE,
        "json": json.dumps(VALUE)[1:-1],
        "hex": raw.hex(),
        "base64": b64encode(b"user:" + raw).decode()[8:-4],
    }
    return {name for name, form in forms.items() if form in run.log}


# Masking.


@pytest.fixture(scope="module")
def masking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wrapped = f"{PLAIN}echo postgres://app:{UNREGISTERED}@db.example.com/app\nexit 7\n"
    files = {"plain.sh": PLAIN, "wrapped.sh": wrapped}
    return project(tmp_path_factory.mktemp("act") / "repository", files)


@pytest.fixture(scope="module")
def masked(masking: Path) -> Run:
    return act(masking, MASKING, DEPLOY_PASSWORD=VALUE)


def test_a_registered_secret_is_in_no_form_in_the_log(masked: Run) -> None:
    assert shown(masked) == set()
    assert masked.lines.count("here *** there") == 2
    assert masked.lines.count('{"value": "***"}') == 2
    assert masked.lines.count("the end") == 2


def test_the_exit_code_of_a_wrapped_step_is_its_own(masked: Run) -> None:
    assert masked.code == 1
    assert "exit status 7" in masked.lines


def test_without_the_actions_the_same_log_shows_it(masking: Path) -> None:
    bare = re.sub(r" +- uses: \./actions/mask\n(?: {8,}.*\n)+", "", MASKING)
    bare = bare.replace("leakguard run -- ", "")
    assert shown(act(masking, bare, DEPLOY_PASSWORD=VALUE)) >= {"hex", "base64"}


def test_a_wrapped_step_needs_no_registration(masking: Path) -> None:
    setup = MASKING.replace("actions/mask", "actions/setup").replace("secrets: auto", "python: ''")
    run = act(masking, setup.replace("run: ./plain.sh", "run: 'true'"), DEPLOY_PASSWORD=VALUE)
    assert shown(run) == set()
    assert run.lines.count("here *** there") == 1
    assert "exit status 7" in run.lines


def test_a_wrapped_step_shows_no_credential_that_nobody_registered(masked: Run) -> None:
    assert UNREGISTERED not in masked.log
    assert "postgres://app:***@db.example.com/app" in masked.lines


def test_secrets_come_from_files_and_from_an_object(masking: Path) -> None:
    (masking / ".env").write_text(f"OTHER={UNREGISTERED}\n")
    workflow = MASKING.replace(
        "secrets: auto", "secrets: |\n            dotenv:.env\n            auto"
    )
    workflow = workflow.replace(
        "          DEPLOY_PASSWORD: ${{ secrets.DEPLOY_PASSWORD }}\n      - run",
        '          LEAKGUARD_SECRETS: "${{ toJSON(secrets) }}"\n      - run',
    ).replace("run: ./wrapped.sh", "run: cat .env; ./plain.sh")
    workflow = workflow.replace("run: ./plain.sh", "run: base64 .env; ./plain.sh")
    run = act(masking, workflow, DEPLOY_PASSWORD=VALUE)
    assert run.code == 0
    assert shown(run) == set()
    assert b64encode(UNREGISTERED.encode()).decode()[4:-6] not in run.log
    assert "OTHER=***" in run.lines


# Searching.


@pytest.fixture(scope="module")
def searching(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {"build.sh": BUILD, "keep.sh": KEEP}
    return project(tmp_path_factory.mktemp("act") / "repository", files)


def search(repository: Path, workflow: str = SEARCHING, *, held: str = VALUE) -> Run:
    given = f"run: ./build.sh '{b64encode(held.encode()).decode()}'"
    return act(repository, workflow.replace("run: ./build.sh", given), DEPLOY_PASSWORD=VALUE)


def test_a_job_whose_artifact_holds_a_secret_fails(searching: Path) -> None:
    run = search(searching)
    assert run.code == 1
    assert "exit status 1" in run.lines
    assert VALUE not in run.log
    assert "kept with 1 findings" in run.lines
    assert [line for line in run.lines if "::error file=dist/app.gz," in line]
    assert [line for line in run.lines if "Summary - ## leakguard" in line]


def test_a_job_whose_artifact_is_clean_succeeds(searching: Path) -> None:
    run = search(searching, held="clean")
    assert run.code == 0
    assert "kept with 0 findings" in run.lines


def test_a_job_that_shall_not_fail_goes_on(searching: Path) -> None:
    workflow = SEARCHING.replace("install: false", "install: false\n          fail-on: never")
    run = search(searching, workflow)
    assert run.code == 0
    assert "kept with 1 findings" in run.lines


def test_a_search_that_did_not_take_place_fails_always(searching: Path) -> None:
    never = SEARCHING.replace("install: false", "install: false\n          fail-on: never")
    run = search(searching, never.replace("docs/site.tar.gz", "docs/none"))
    assert run.code == 1
    assert "exit status 2" in run.lines
    assert "leakguard: no such file or directory: docs/none" in run.lines


# Their scripts, alone.


@dataclass(frozen=True, slots=True)
class Step:
    """What is left of a step."""

    code: int
    log: str
    outputs: dict[str, str]
    path: str


def step(script: str, folder: Path, **environ: str) -> Step:
    """Run a script of the actions the way a runner does."""
    files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_PATH")}
    for file in files.values():
        file.write_text("")
    given = {name: str(file) for name, file in files.items()} | {"RUNNER_TEMP": str(folder)}
    kept = {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "HOME": str(Path.home())}
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    done = subprocess.run(  # noqa: S603  # our own scripts
        ["/bin/bash", ROOT / "actions" / script],
        cwd=folder,
        env=kept | pip | given | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    return Step(done.returncode, done.stdout.decode(), outputs, files["GITHUB_PATH"].read_text())


SETUP = {"LG_INSTALL": "true", "LG_PYTHON": "", "LG_VERSION": ""}
SCAN = {
    "LG_BIN": str(PROGRAMS),
    "LG_PATHS": ".",
    "LG_IMAGES": "",
    "LG_SPECS": "auto",
    "LG_ARGS": "",
    "LG_FORMAT": "json",
    "LG_SARIF": "",
    "LG_FAIL_ON": "incomplete",
}


def test_setup_installs_from_hashes_and_the_checkout_and_does_so_once(tmp_path: Path) -> None:
    first = step("setup/install.sh", tmp_path, **SETUP)
    assert first.code == 0, first.log
    programs = Path(first.path.strip())
    assert first.outputs == {"bin-dir": str(programs), "version": __version__}
    assert programs.parent == tmp_path / "leakguard"
    masked = subprocess.run(  # noqa: S603  # what has just been installed
        [programs / "leakguard", "mask"],
        input=f"a {VALUE} b".encode(),
        env={"API_TOKEN": VALUE},
        capture_output=True,
        check=False,
    )
    assert masked.stdout == b"a *** b"
    second = step("setup/install.sh", tmp_path, **SETUP | {"LG_PYTHON": "none"})
    assert (second.code, second.outputs, second.path) == (0, first.outputs, first.path)


def test_setup_can_take_what_is_there(tmp_path: Path) -> None:
    done = step("setup/install.sh", tmp_path, **SETUP | {"LG_INSTALL": "false"})
    assert done.outputs == {"bin-dir": str(PROGRAMS), "version": __version__}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"LG_INSTALL": "yes"}, "'install' is neither true nor false"),
        ({"LG_VERSION": "1.0; true"}, "'version' is no version"),
        ({"LG_PYTHON": "none"}, "needs Python 3.11 or newer with venv"),
        ({"PATH": "/usr/bin:/bin", "LG_INSTALL": "false"}, "there is no leakguard on the PATH"),
    ],
    ids=["install", "version", "python", "absent"],
)
def test_setup_says_what_is_wrong(given: dict[str, str], said: str, tmp_path: Path) -> None:
    done = step("setup/install.sh", tmp_path, **SETUP | given)
    assert done.code == 2
    assert done.log.startswith(f"::error title=leakguard::{said}")
    assert done.log.count("\n") == 1
    assert (done.outputs, done.path) == ({}, "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"LG_FAIL_ON": "always"}, "'fail-on' is none of findings, incomplete, never"),
        ({"LG_IMAGES": "app:1"}, "'paths' and 'image' are two searches: use two steps"),
    ],
    ids=["fail-on", "both"],
)
def test_scan_says_what_is_wrong(given: dict[str, str], said: str, tmp_path: Path) -> None:
    done = step("scan/scan.sh", tmp_path, **SCAN | given)
    assert (done.code, done.outputs) == (2, {"exit-code": "2"})
    assert done.log == f"::error title=leakguard::{said}\n"


def test_an_option_is_one_line_whatever_it_holds(tmp_path: Path) -> None:
    (tmp_path / "with space $(x)").write_text(VALUE)
    (tmp_path / "-n").write_text(VALUE)
    given = {"LG_PATHS": "with space $(x)\r\n\n-n\n", "LG_ARGS": "--exclude\n*.md", "TOKEN": VALUE}
    done = step("scan/scan.sh", tmp_path, **SCAN | given | {"LG_SARIF": "out.sarif"})
    assert done.code == 0, done.log
    assert (done.outputs["exit-code"], done.outputs["findings"]) == ("1", "2")
    report = json.loads(Path(done.outputs["report"]).read_text())
    assert [found["path"] for found in report["findings"]] == ["with space $(x)", "-n"]
    assert json.loads((tmp_path / "out.sarif").read_text())["version"] == "2.1.0"


def archive(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def test_an_image_is_searched_layer_by_layer(tmp_path: Path) -> None:
    layer = archive({"app/config.env": VALUE.encode()})
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    config: dict[str, object] = {"architecture": "amd64", "os": "linux"}
    config |= {"rootfs": {"type": "layers", "diff_ids": [digest]}, "config": {}}
    manifest = [{"Config": "config.json", "RepoTags": ["app:1"], "Layers": ["layer.tar"]}]
    documents = {"config.json": config, "manifest.json": manifest}
    files = {name: json.dumps(document).encode() for name, document in documents.items()}
    (tmp_path / "app.tar").write_bytes(archive(files | {"layer.tar": layer}))
    given = {"LG_PATHS": "", "LG_IMAGES": "docker-archive:app.tar", "TOKEN": VALUE}
    done = step("scan/scan.sh", tmp_path, **SCAN | given)
    assert done.code == 0, done.log
    assert (done.outputs["exit-code"], done.outputs["findings"]) == ("1", "1")
    [found] = json.loads(Path(done.outputs["report"]).read_text())["findings"]
    assert found["image"]["diff_id"] == digest


def test_what_a_file_is_called_is_no_command(tmp_path: Path) -> None:
    name = "::set-env name=A::b"
    (tmp_path / name).write_text(VALUE)
    done = step("scan/scan.sh", tmp_path, **SCAN | {"TOKEN": VALUE, "LG_PATHS": name})
    lines = done.log.splitlines()
    [stopped] = [line for line in lines if line.startswith("::stop-commands::")]
    resumed = lines.index(f"::{stopped.removeprefix('::stop-commands::')}::")
    assert [line for line in lines[:resumed] if line.endswith("set-env name=A::b")]
    assert [line.split(" ")[0] for line in lines[resumed + 1 :]] == ["::error"]


@pytest.mark.parametrize(
    ("code", "fail_on", "ends"),
    [
        (0, "incomplete", 0),
        (1, "incomplete", 1),
        (3, "incomplete", 3),
        (1, "findings", 1),
        (3, "findings", 0),
        (1, "never", 0),
        (3, "never", 0),
        (2, "never", 2),
        (4, "never", 4),
    ],
)
def test_the_step_ends_as_fail_on_wants(code: int, fail_on: str, ends: int, tmp_path: Path) -> None:
    given = {"LG_CODE": str(code), "LG_FAIL_ON": fail_on}
    assert step("scan/verdict.sh", tmp_path, **given).code == ends


# What is pinned.


def pins() -> dict[str, str]:
    """Return the version of each package that the actions install."""
    text = (ROOT / "actions" / "setup" / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w-]+)==([\w.]+)", text, flags=re.MULTILINE))


def wanted() -> dict[str, str]:
    """Return the least version of each package that leakguard needs, to be built as well."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    specs = project["project"]["dependencies"] + project["build-system"]["requires"]
    specs += project["project"]["optional-dependencies"]["docker"]
    found = [re.match(r"([\w.-]+)>=([\d.]+)", spec) for spec in specs]
    return {match[1].replace(".", "-"): match[2] for match in found if match}


def parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_the_pins_are_as_new_as_leakguard_needs_them() -> None:
    assert len(wanted()) > 5
    for name, least in wanted().items():
        assert parts(pins()[name]) >= parts(least)


def test_every_pin_has_its_hashes() -> None:
    text = (ROOT / "actions" / "setup" / "requirements.txt").read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=[a-z])", text)[1:]:
        assert "--hash=sha256:" in entry
