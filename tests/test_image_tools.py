"""The same image by every source gives the same findings: with the real tools, never skipped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from leakguard.cli import main
from leakguard.matcher import Matcher
from leakguard.model import Finding, Secret
from leakguard.scanner import scan, scan_images
from tests import daemons
from tests.daemons import DOCKER, run
from tests.images import Builder, entries, tagged

SECRETS = {
    name: f"Vq7m{name.title()}Zp2Lk9"
    for name in (
        "file", "deleted", "first", "hidden", "env", "label", "history", "note", "argument", "made",
    )
}  # fmt: skip
MATCHER = Matcher([Secret(name, value.encode()) for name, value in SECRETS.items()])

# Name, path in the layer, state, layer and field of a finding.
Told = tuple[str, str, str, int | None, str]


def found(reference: str, search: object = scan_images) -> list[Finding]:
    """Return what is found; nothing may be skipped."""
    items = list(search([reference], MATCHER, jobs=2))  # type: ignore[operator]  # one of two
    findings = [item for item in items if isinstance(item, Finding)]
    assert findings == items
    return findings


def told(reference: str, search: object = scan_images) -> set[Told]:
    """Return what all sources have in common of what is found."""
    return {
        (one.name, one.path.partition("!")[2], one.image.state, one.image.layer, one.image.field)
        for one in found(reference, search)
        if one.image
    }


@dataclass(frozen=True, slots=True)
class Sources:
    """One image in many places.

    Attributes:
        home: A directory with layouts and archives.
        host: Address of the Docker daemon.
        docker: Directory of the Docker daemon.
    """

    home: Path
    host: str
    docker: Path


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    daemons.require_tools()
    home = tmp_path_factory.mktemp("images")
    with daemons.docker() as docker:
        made = Sources(home, f"unix://{docker}/docker.sock", docker)
        _by_umoci(made)
        _by_docker(made)
        yield made


def _by_umoci(made: Sources) -> None:
    """Make an image in layers that hide what is below them, and copies of it by skopeo."""
    home = made.home
    for name, files in {
        "one": {"key": "deleted", "over": "first", "dir/a": "hidden", "kept": "file"},
        "two": {"over": ""},
        "three": {"new": ""},
    }.items():
        for file, secret in files.items():
            (home / name / file).parent.mkdir(parents=True, exist_ok=True)
            (home / name / file).write_text(f"key={SECRETS.get(secret, 'nothing')}\n")
    for command in (
        "init --layout lay",
        "new --image lay:base",
        "insert --image lay:base --tag a one /app",
        "insert --image lay:a --tag b two/over /app/over",
        "insert --image lay:b --tag c --whiteout /app/key",
        "insert --image lay:c --tag d --opaque three /app/dir",
        f"config --image lay:d --tag v1 --config.env TOKEN={SECRETS['env']}"
        f" --config.label org.example={SECRETS['label']}"
        f" --history.created_by login={SECRETS['history']}"
        f" --manifest.annotation note={SECRETS['note']}",
    ):
        run("umoci", *command.split(), cwd=home)
    shutil.rmtree(home / "one")
    for command in (
        "oci:lay:v1 docker-archive:docker.tar:fix:v1",
        "oci:lay:v1 oci-archive:oci.tar:v1",
        "--dest-compress --dest-compress-format zstd oci:lay:v1 oci:zstd:v1",
    ):
        run("skopeo", "copy", "-q", *command.split(), cwd=home)
    run(DOCKER, "load", "-q", "-i", home / "docker.tar", DOCKER_HOST=made.host)


def _by_docker(made: Sources) -> None:
    """Build an image with BuildKit, and save it as Docker did before and does since version 25."""
    context = made.home / "context"
    context.mkdir()
    busybox = shutil.which("busybox") or ""
    shutil.copy(busybox, context / "busybox")
    (context / "secret").write_text(SECRETS["deleted"])
    (context / "Dockerfile").write_text(
        "FROM scratch\n"
        "ARG TOKEN\n"
        f'LABEL org.example.token="{SECRETS["label"]}"\n'
        f"ENV API_KEY={SECRETS['env']}\n"
        "ADD busybox /bin/busybox\n"
        "COPY secret /app/.env\n"
        'RUN ["/bin/busybox", "rm", "/app/.env"]\n'
        f'RUN ["/bin/busybox", "sh", "-c", "echo {SECRETS["made"]} > /app/made"]\n'
        "COPY secret /app/again\n"
        "COPY secret /app/again\n"
    )
    argument = f"TOKEN={SECRETS['argument']}"
    build = ("build", "-q", "--network", "none", "--build-arg", argument, "-t", "built:1", context)
    run(DOCKER, *build, DOCKER_HOST=made.host, DOCKER_BUILDKIT="1")
    run(DOCKER, "save", "-o", made.home / "built.tar", "built:1", DOCKER_HOST=made.host)
    ctr = _ctr(made, "built")
    run(*ctr, "import", "--no-unpack", made.home / "built.tar")
    (name,) = run(*ctr, "ls", "-q").split()
    run(*ctr, "export", made.home / "docker25.tar", name)


def _ctr(made: Sources, namespace: str) -> tuple[str | Path, ...]:
    """Return the command that handles images in a namespace of Docker's own containerd."""
    address = made.docker / "exec/containerd/containerd.sock"
    return ("ctr", "-a", address, "-n", namespace, "images")


UMOCI = {
    ("deleted", "app/key", "deleted", 0, ""),
    ("first", "app/over", "overwritten", 0, ""),
    ("hidden", "app/dir/a", "deleted", 0, ""),
    ("file", "app/kept", "present", 0, ""),
    ("env", "", "metadata", None, "config.Env[0]"),
    ("label", "", "metadata", None, "config.Labels.org.example"),
    ("history", "", "metadata", None, "history[4].created_by"),
}
NOTE = ("note", "", "metadata", None, "annotations.note")


def test_what_umoci_and_skopeo_make_gives_the_same_by_every_source(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sources.home)
    monkeypatch.setenv("DOCKER_HOST", sources.host)
    with_note = ("oci:lay:v1", "oci-archive:oci.tar", "oci.tar:v1", "oci:zstd:v1", "zstd")
    assert [told(reference) for reference in with_note] == [UMOCI | {NOTE}] * len(with_note)
    without = ("docker-archive:docker.tar:fix:v1", "docker.tar", "docker://fix:v1", "fix:v1")
    assert [told(reference) for reference in without] == [UMOCI] * len(without)
    (made,) = {one.image.reference for one in found("fix:v1") if one.image}
    assert made == "docker://fix:v1"
    assert told("docker.tar", search=scan) == UMOCI
    assert told("zstd", search=scan) == told("oci.tar", search=scan) == UMOCI | {NOTE}


def test_what_docker_builds_gives_the_same_however_it_is_saved(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sources.home)
    monkeypatch.setenv("DOCKER_HOST", sources.host)
    built = told("docker://built:1")
    # The same layer twice is told once; where a second has passed in between, they are two.
    *_, fourth, fifth = run(
        DOCKER, "image", "inspect", "-f", "{{range .RootFS.Layers}}{{.}} {{end}}", "built:1"
    ).split()
    below = {("deleted", "app/again", "overwritten", 4, "")} if fourth != fifth else set()
    assert {one for one in built if one[0] != "argument"} == {
        ("label", "", "metadata", None, "config.Labels.org.example.token"),
        ("env", "", "metadata", None, "config.Env[1]"),
        ("label", "", "metadata", None, "history[1].created_by"),
        ("env", "", "metadata", None, "history[2].created_by"),
        ("made", "", "metadata", None, "history[6].created_by"),
        ("deleted", "app/.env", "deleted", 1, ""),
        ("made", "app/made", "present", 3, ""),
        ("deleted", "app/again", "present", 5, ""),
    } | below
    assert {one[4] for one in built if one[0] == "argument"} == {
        "history[5].created_by",
        "history[6].created_by",
    }
    assert told("built.tar") == told("docker25.tar") == built
    assert told("built.tar", search=scan) == told("docker25.tar", search=scan) == built


def test_all_platforms_of_a_pulled_index_are_searched(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two platforms, the list of an archive names one."""
    monkeypatch.chdir(sources.home)
    builder = Builder()
    images = [
        builder.image(
            [entries((name, SECRETS[name].encode()))],
            {"architecture": machine},
            platform={"os": "linux", "architecture": machine},
        )
        for name, machine in (("file", "amd64"), ("hidden", "arm64"))
    ]
    builder.layout(tagged(builder.index(*images), "1")).directory(Path("two"))
    ctr = (
        "ctr",
        "-a",
        sources.docker / "exec/containerd/containerd.sock",
        "-n",
        "pulled",
        "images",
    )
    with daemons.registry() as address:
        name = f"{address}/two:1"
        copy = ("copy", "-q", "--all", "--dest-tls-verify=false", "oci:two:1", f"docker://{name}")
        run("skopeo", *copy)
        run(*ctr, "pull", "--plain-http", "--all-platforms", name)
    run(*ctr, "export", "--all-platforms", "two.tar", name)
    items = [one for one in scan_images(["two.tar"], MATCHER) if isinstance(one, Finding)]
    assert {(one.name, one.image.platform) for one in items if one.image} == {
        ("file", "linux/amd64"),
        ("hidden", "linux/arm64"),
    }


def test_an_unknown_image_is_one_line_and_so_is_no_daemon(
    sources: Sources, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", sources.host)
    assert main(["image", "--no-secrets", "none:1"]) == 2
    unknown = "leakguard: docker://none:1: the Docker daemon has no such image\n"
    assert capfd.readouterr() == ("", unknown)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert main(["image", "--no-secrets", "docker://none:1"]) == 2
    silent = "no Docker daemon answers: is it running, and is DOCKER_HOST right?\n"
    assert capfd.readouterr() == ("", f"leakguard: docker://none:1: {silent}")


def test_images_of_a_daemon_leave_nothing_behind(
    sources: Sources, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", sources.host)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("leakguard.unpack.guard._IN_MEMORY", 1)
    assert told("docker://fix:v1") == UMOCI
    assert list(tmp_path.iterdir()) == []
