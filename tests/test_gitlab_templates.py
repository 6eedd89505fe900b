"""What the GitLab templates promise: no secret in a job's log, none in what it publishes."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import check_jsonschema  # type: ignore[import-untyped]  # it ships no types
import jsonschema
import pytest

from tests.gitlab import (
    PROGRAMS,
    ROOT,
    TEMPLATES,
    Ended,
    Pipeline,
    Template,
    container,
    documents,
    install_gitlab_ci_local,
    repository,
    run_pipeline,
    script,
)

SECRET = "Vq7mZp2L" + "k9Rt4WxB"
FORMS = (SECRET, base64.b64encode(SECRET.encode()).decode())
SYSTEM = "/usr/local/bin:/usr/bin:/bin"
ENVIRON = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "DB_PASSWORD": SECRET}
NAMES = sorted(file.name for file in TEMPLATES.glob("*.yml"))
MASKED = Template.read("mask.yml").jobs()[".leakguard-mask"]
NOT_MASKED = (
    "leakguard: this runner's log does not pass through the image's entrypoint: not masked, so the"
    " job ends here\n"
)
SCHEMAS = Path(__file__).parent / "data" / "schemas"
REPORT = "gl-secret-detection-report.json"


def schema(file: Path) -> jsonschema.protocols.Validator:
    """Return what validates against a schema."""
    loaded = json.loads(file.read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(loaded)(loaded)


def complaints(document: Any) -> list[str]:  # noqa: ANN401  # any YAML
    """Return what GitLab's editor would say of a document of a pipeline's configuration."""
    vendored = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
    return [error.message for error in schema(vendored / "gitlab-ci.json").iter_errors(document)]


# The files.


@pytest.mark.parametrize("name", NAMES)
def test_both_documents_of_a_template_are_valid(name: str) -> None:
    template = Template.read(name)
    assert complaints(template.header) == []
    assert complaints(template.body) == []
    assert complaints({"job": {"script": "true"}, **template.jobs()}) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_input_is_described_and_used(name: str) -> None:
    inputs = Template.read(name).inputs
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    assert set(re.findall(r"\$\[\[ inputs\.([a-z-]+) \]\]", text)) == set(inputs)
    assert [key for key, declared in inputs.items() if not declared.get("description")] == []


def scripts(name: str) -> Iterator[str]:
    """Yield the shell scripts of a template."""
    for job in Template.read(name).jobs().values():
        yield from job.get("before_script", [])
        yield from job.get("script", [])
        if len(entrypoint := job.get("image", {}).get("entrypoint", [])) > 1:
            yield entrypoint[2]


@pytest.mark.parametrize("name", NAMES)
def test_shellcheck_has_nothing_to_say_of_a_template(name: str) -> None:
    for text in scripts(name):
        done = subprocess.run(  # noqa: S603  # fixed
            [PROGRAMS / "shellcheck", "--shell=sh", "-"],
            input=text,
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.stdout == ""


def test_scan_jobs_leave_before_script_to_the_user() -> None:
    assert [
        job for job in Template.read("scan.yml").jobs().values() if "before_script" in job
    ] == []


def documented() -> list[Any]:
    """Return the pipelines that the documentation shows."""
    text = (ROOT / "docs" / "gitlab.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    return [document for block in blocks for document in documents(block)]


def test_the_documentation_shows_valid_pipelines_with_inputs_that_exist() -> None:
    for document in documented():
        assert complaints(document) == []
        for include in document.get("include", []):
            name = include["local"].removeprefix("gitlab-templates/")
            assert set(include.get("inputs", {})) <= set(Template.read(name).inputs)


def test_the_documentation_names_every_input() -> None:
    text = (ROOT / "docs" / "gitlab.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert [key for key in Template.read(name).inputs if f"`{key}`" not in text] == []


# The masked job, in a container.

CASES = {
    "succeeds": (['echo "one $DB_PASSWORD"', "echo two"], Ended(0, "one ***\ntwo\n")),
    "exits 7": (['echo "one $DB_PASSWORD"', "exit 7"], Ended(7, "one ***\n")),
    "errexit": (['echo "one $DB_PASSWORD"', "false", "echo three"], Ended(1, "one ***\n")),
    "EXIT trap": (
        ["""trap 'echo "trap $DB_PASSWORD"' EXIT""", "echo one", "exit 5"],
        Ended(5, "one\ntrap ***\n"),
    ),
    "exec": (['echo "$DB_PASSWORD"', 'exec echo "exec $DB_PASSWORD"'], Ended(0, "***\nexec ***\n")),
    "no newline": (['printf "end %s" "$DB_PASSWORD"'], Ended(0, "end ***")),
    "standard error": (['echo "$DB_PASSWORD" >&2'], Ended(0, "***\n")),
    "base64": (['printf %s "$DB_PASSWORD" | base64'], Ended(0, "***\n")),
    "background": (
        ['{ sleep 0.5; echo "late $DB_PASSWORD"; } &', 'echo "one $DB_PASSWORD"'],
        Ended(0, "one ***\nlate ***\n"),
    ),
}
cases = pytest.mark.parametrize(("commands", "ended"), CASES.values(), ids=CASES.keys())


@cases
def test_a_masked_job_loses_neither_a_line_nor_its_exit_code(
    commands: list[str], ended: Ended
) -> None:
    piped = script(*MASKED["before_script"], *commands)
    assert container(MASKED["image"]["entrypoint"], piped, ENVIRON) == ended


@cases
def test_a_naive_redirection_loses_all_that_the_job_prints(
    commands: list[str], ended: Ended
) -> None:
    piped = script("exec > >(leakguard mask) 2>&1", *commands)
    assert container([], piped, ENVIRON) == Ended(ended.code, "")


@cases
def test_without_leakguard_the_log_shows_the_secret(commands: list[str], ended: Ended) -> None:
    bare = container([], script(*commands), ENVIRON)
    assert bare.code == ended.code
    if "sleep 0.5" not in commands[0]:
        assert any(form in bare.log for form in FORMS)


def test_after_script_is_masked_without_a_script_before_it() -> None:
    # The runner starts the container anew for it, with the same entrypoint.
    after = container(MASKED["image"]["entrypoint"], script('echo "$DB_PASSWORD"'), ENVIRON)
    assert after == Ended(0, "***\n")


def test_a_job_may_set_options_of_leakguard() -> None:
    options = {"LEAKGUARD_OPTIONS": "--label --secrets env:DB_*"}
    ended = container(
        MASKED["image"]["entrypoint"], script('echo "$DB_PASSWORD"'), ENVIRON | options
    )
    assert ended == Ended(0, "[MASKED:DB_PASSWORD:raw]\n")


def test_a_job_does_not_begin_when_the_entrypoint_is_ignored() -> None:
    piped = script(*MASKED["before_script"], 'echo "$DB_PASSWORD"')
    assert container([], piped, ENVIRON) == Ended(1, NOT_MASKED)


def test_a_job_does_not_begin_when_its_log_goes_past_leakguard(tmp_path: Path) -> None:
    # So it is on Kubernetes: the script runs below the entrypoint, and writes its log to a file.
    log = tmp_path / "log"
    inner = script(*MASKED["before_script"], 'echo "$DB_PASSWORD"')
    piped = f"({inner}) 2>&1 | tee -a {log}\n"
    container(MASKED["image"]["entrypoint"], piped, ENVIRON)
    assert log.read_text(encoding="utf-8") == NOT_MASKED


def test_a_job_does_not_begin_when_its_image_lacks_leakguard() -> None:
    piped = script(*MASKED["before_script"], 'echo "$DB_PASSWORD"')
    ended = container(MASKED["image"]["entrypoint"], piped, ENVIRON | {"PATH": SYSTEM})
    assert ended.code == 127
    assert SECRET not in ended.log


# Whole pipelines.


@pytest.fixture(scope="session")
def gitlab_ci_local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return install_gitlab_ci_local(shared / "gitlab-ci-local")


JOB = r"""
trap 'echo "trap $DB_PASSWORD"' EXIT
echo "raw $DB_PASSWORD"
printf 'base64 '; printf %s "$DB_PASSWORD" | base64
printf '{"password": "%s"}\n' "$DB_PASSWORD"
printf 'last %s' "$DB_PASSWORD"
exit 3
"""
MASKING = """
include:
  - local: gitlab-templates/mask.yml
file:
  extends: .leakguard-mask-script
  variables: {LEAKGUARD_SCRIPT: ci/job.sh}
none:
  extends: .leakguard-mask-script
entrypoint:
  extends: .leakguard-mask
  script:
    - echo "$DB_PASSWORD"
bare:
  script:
    - bash ci/job.sh
"""


def test_a_job_of_a_shell_runner_is_masked_or_does_not_begin(
    gitlab_ci_local: Path, tmp_path: Path
) -> None:
    folder = repository(tmp_path, MASKING, {"ci/job.sh": JOB})
    pipeline = run_pipeline(gitlab_ci_local, folder, ENVIRON)
    assert pipeline.jobs == {"file": 3, "none": 1, "entrypoint": 1, "bare": 3}
    assert pipeline.log("file").partition("\n")[2] == (
        'raw ***\nbase64 ***\n{"password": "***"}\nlast ***trap ***\n'
    )
    assert pipeline.log("none").endswith("LEAKGUARD_SCRIPT: names no script to run\n")
    assert pipeline.log("entrypoint").endswith(NOT_MASKED)
    assert not any(form in pipeline.log("file") for form in FORMS)
    assert all(form in pipeline.log("bare") for form in FORMS)


IMAGE = """
import hashlib, io, json, os, sys, tarfile

def add(archive, name, data):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))

layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w") as archive:
    add(archive, "app/config.env", os.environ["DB_PASSWORD"].encode())
digest = hashlib.sha256(layer.getvalue()).hexdigest()
config = {"os": "linux", "architecture": "amd64", "config": {},
          "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}
manifest = [{"Config": "config.json", "RepoTags": ["app:1"], "Layers": ["layer.tar"]}]
with tarfile.open(sys.argv[1], "w") as archive:
    add(archive, "layer.tar", layer.getvalue())
    add(archive, "config.json", json.dumps(config).encode())
    add(archive, "manifest.json", json.dumps(manifest).encode())
"""
SCANNING = """
stages: [build, scan]
include:
  - local: gitlab-templates/scan.yml
    inputs: {stage: scan, job-prefix: all-}
  - local: gitlab-templates/scan.yml
    inputs: {stage: scan, job-prefix: clean-, paths: clean ci/*.sh}
  - local: gitlab-templates/scan.yml
    inputs: {stage: scan, job-prefix: warn-, paths: dist, allow-failure: true}
  - local: gitlab-templates/scan.yml
    inputs: {stage: scan, job-prefix: strict-, paths: broken}
  - local: gitlab-templates/scan.yml
    inputs: {stage: scan, job-prefix: lenient-, paths: broken, fail-on: findings}
  - local: gitlab-templates/scan.yml
    inputs: {stage: scan, job-prefix: excluding-, paths: dist, options: --exclude *.env}
  - local: gitlab-templates/scan.yml
    inputs: {stage: scan, job-prefix: only-, paths: "", images: images/*.tar}
build:
  stage: build
  script:
    - mkdir dist clean broken images
    - python ci/image.py images/app.tar
    - printf %s "$DB_PASSWORD" | base64 > dist/app.env
    - gzip -c dist/app.env | head -c 20 > broken/app.gz
    - echo fine > clean/app.env
  artifacts:
    paths: [dist, clean, broken, images]
"""


@pytest.fixture(scope="module")
def scanned(gitlab_ci_local: Path, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    files = {"ci/job.sh": JOB, "ci/image.py": IMAGE}
    folder = repository(tmp_path_factory.mktemp("scan"), SCANNING, files)
    return run_pipeline(gitlab_ci_local, folder, ENVIRON)


def test_a_scan_job_fails_as_it_was_told_to(scanned: Pipeline) -> None:
    assert scanned.jobs == {
        "build": 0,
        "all-leakguard-scan": 1,
        "only-leakguard-image": 1,
        "clean-leakguard-scan": 0,
        "warn-leakguard-scan": 1,
        "strict-leakguard-scan": 3,
        "lenient-leakguard-scan": 0,
        "excluding-leakguard-scan": 0,
    }
    assert re.findall(r"^(\S+) +finished in .* WARN", scanned.told, re.MULTILINE) == [
        "warn-leakguard-scan"
    ]


def test_a_scan_job_hands_over_a_valid_report_for_gitlab(scanned: Pipeline) -> None:
    report = json.loads(scanned.artifact("all-leakguard-scan", REPORT))
    schema(SCHEMAS / "gitlab-secret-detection-15.2.1.compact.json").validate(report)
    places = [finding["location"] for finding in report["vulnerabilities"]]
    assert [(place["file"], place["start_line"]) for place in places] == [
        ("dist/app.env", 1),
        ("images/app.tar!app/config.env", 1),
    ]
    clean = json.loads(scanned.artifact("clean-leakguard-scan", REPORT))
    schema(SCHEMAS / "gitlab-secret-detection-15.2.1.compact.json").validate(clean)
    assert clean["vulnerabilities"] == []


def test_an_image_job_says_in_which_layer_a_secret_is(scanned: Pipeline) -> None:
    report = json.loads(scanned.artifact("only-leakguard-image", REPORT))
    schema(SCHEMAS / "gitlab-secret-detection-15.2.1.compact.json").validate(report)
    [finding] = report["vulnerabilities"]
    assert finding["location"]["file"].endswith("app/config.env")
    assert finding["details"]["image"]["items"]["layer"]["value"] == "0"


def test_a_scan_job_hands_over_a_failed_test_for_each_file(scanned: Pipeline) -> None:
    text = scanned.artifact("all-leakguard-scan", "leakguard-junit.xml")
    root = ElementTree.fromstring(text)  # noqa: S314  # our own
    failed = [
        case.get("name") for case in root.iter("testcase") if case.find("failure") is not None
    ]
    assert failed == ["dist/app.env", "images/app.tar!app/config.env"]


def test_nothing_that_a_scan_job_shows_or_hands_over_holds_the_secret(scanned: Pipeline) -> None:
    jobs = [job for job in scanned.jobs if job != "build"]
    everything = scanned.everything(*jobs)
    assert "dist/app.env" in everything
    assert not any(form in everything for form in FORMS)


def test_what_a_scan_job_hands_over_is_for_developers_only() -> None:
    artifacts = Template.read("scan.yml").jobs()[".leakguard"]["artifacts"]
    assert artifacts["access"] == "developer"
    assert artifacts["when"] == "always"
    assert artifacts["reports"] == {"secret_detection": REPORT, "junit": "leakguard-junit.xml"}


def test_the_checkout_s_own_git_directory_is_left_out_and_no_other(tmp_path: Path) -> None:
    for folder in (".git", "site/.git"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "config").write_text(SECRET, encoding="utf-8")
    jobs = Template.read("scan.yml").jobs()
    variables = jobs[".leakguard"]["variables"] | jobs["leakguard-scan"]["variables"]
    done = subprocess.run(  # noqa: S603  # the template's own
        ["/bin/sh", "-ec", *jobs[".leakguard"]["script"]],
        cwd=tmp_path,
        env=ENVIRON | variables,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if "config" in line] == ["site/.git/config"]


MERGING = """
include:
  - local: gitlab-templates/scan.yml
    inputs: {images: app.tar}
  - local: gitlab-templates/scan.yml
    inputs: {job-prefix: merge-, merge-requests: true}
"""


@pytest.mark.parametrize(
    ("source", "listed"),
    [
        ("push", ["leakguard-scan", "leakguard-image", "merge-leakguard-scan"]),
        ("merge_request_event", ["merge-leakguard-scan"]),
    ],
)
def test_merge_request_pipelines_are_searched_when_asked_for(
    source: str, listed: list[str], gitlab_ci_local: Path, tmp_path: Path
) -> None:
    folder = repository(tmp_path, MERGING, {})
    options = ("--list", "--variable", f"CI_PIPELINE_SOURCE={source}")
    pipeline = run_pipeline(gitlab_ci_local, folder, ENVIRON, *options)
    assert re.findall(r"^(\S*leakguard-\S+) ", pipeline.told, re.MULTILINE) == listed


def test_a_prefix_that_could_be_more_than_a_name_is_refused(
    gitlab_ci_local: Path, tmp_path: Path
) -> None:
    text = """
include:
  - local: gitlab-templates/scan.yml
    inputs: {job-prefix: a/b}
"""
    pipeline = run_pipeline(gitlab_ci_local, repository(tmp_path, text, {}), ENVIRON)
    assert pipeline.code == 1
    assert pipeline.jobs == {}
    assert "does not match required regex" in pipeline.told
