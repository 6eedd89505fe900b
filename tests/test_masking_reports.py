"""What `mask` and `run` tell when they are done: the same in every format, and no secret in any."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_cli import ENVIRON, SECRET, leakguard, shell
from tests.test_docs import ROOT, blocks, expected, steps, transcript

HEX = SECRET.encode().hex()
LOG = f"one\ntwo {SECRET}\n{SECRET}{SECRET} {HEX}\n".encode()
STATS = """\
leakguard: NAME       KIND    FORM  STREAM  FIRST  MASKED
leakguard: API_TOKEN  secret  raw   stdin   2:5    3
leakguard: API_TOKEN  secret  hex   stdin   3:34   1
leakguard: in all                                  4
"""


def masked(*options: str | Path, log: bytes = LOG, **environ: str) -> tuple[int, str]:
    """Return how `mask` ends, and what it says."""
    done = leakguard("mask", *options, stdin=log, API_TOKEN=SECRET, **environ)
    return done.returncode, done.stderr.decode()


def ran(script: str, *options: str | Path, **environ: str) -> tuple[int, str]:
    """Return how `run` ends for a shell script, and what stands on standard error."""
    words = ["--", "sh", "-c", script]
    done = leakguard("run", *options, *words, stdin=b"", API_TOKEN=SECRET, **environ)
    return done.returncode, done.stderr.decode()


# What is told.


def test_statistics_tell_each_name_form_and_stream_and_the_sum() -> None:
    assert masked("--stats") == (0, STATS)


def test_statistics_of_nothing_are_a_zero() -> None:
    _, told = masked("--stats", log=b"nothing\n")
    assert told.splitlines()[-1].split() == ["leakguard:", "in", "all", "0"]


def test_statistics_begin_a_line_of_their_own() -> None:
    _, told = ran("printf 'no line end' >&2", "--stats")
    assert told.splitlines()[0] == "no line end"
    assert told.splitlines()[-1].split() == ["leakguard:", "in", "all", "0"]


def told_by_json(file: Path) -> list[tuple[object, ...]]:
    keys = ("name", "kind", "encoding", "stream", "line", "column", "count")
    return [tuple(one[key] for key in keys) for one in json.loads(file.read_bytes())["findings"]]


def told_by_sarif(file: Path) -> list[tuple[object, ...]]:
    keys = ("kind", "encoding", "stream", "line", "column")
    return [
        (
            result["ruleId"].removeprefix("secret/"),
            *(result["properties"][key] for key in keys),
            result["occurrenceCount"],
        )
        for result in json.loads(file.read_bytes())["runs"][0]["results"]
    ]


def told_by_table(text: str) -> list[tuple[object, ...]]:
    rows = [line.split()[1:] for line in text.splitlines() if line.startswith("leakguard: ")][1:-1]
    return [
        (name, kind, form, stream, *map(int, first.split(":")), int(count))
        for name, kind, form, stream, first, count in rows
    ]


def test_every_format_tells_the_same(tmp_path: Path) -> None:
    formats = {name: tmp_path / name for name in ("json", "sarif", "github", "markdown", "text")}
    options = [f"--report={name}={file}" for name, file in formats.items()]
    script = f"echo $API_TOKEN; echo {HEX} >&2; echo x $API_TOKEN $API_TOKEN >&2"
    code, stats = ran(script, "--stats", *options)
    told = [
        ("API_TOKEN", "secret", "raw", "stdout", 1, 1, 1),
        ("API_TOKEN", "secret", "hex", "stderr", 1, 1, 1),
        ("API_TOKEN", "secret", "raw", "stderr", 2, 3, 2),
    ]
    assert code == 0
    assert told_by_json(formats["json"]) == told
    assert told_by_sarif(formats["sarif"]) == told
    assert told_by_table(stats) == told
    assert json.loads(formats["json"].read_bytes())["stats"] == {"masked": 4}
    for name in ("github", "markdown", "text"):
        text = formats[name].read_text()
        assert "masked 4 times: 1 name, 2 forms" in text
        assert re.findall(r"once|2 times", text) == ["once", "once", "2 times"]


def test_a_rule_is_told_by_its_id(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        '[[rules]]\nid = "acme"\ndescription = "Acme"\nkeywords = ["acme_"]\n'
        'regex = "acme_[0-9]{8}"\n'
    )
    _, told = masked("--stats", "--add-rules", tmp_path / "own.toml", log=b"a acme_83719462\n")
    assert told_by_table(told) == [("acme", "rule", "raw", "stdin", 1, 3, 1)]


def test_no_report_tells_a_secret_by_the_name_of_another(tmp_path: Path) -> None:
    name = f"{SECRET}_TOKEN"
    files = [tmp_path / name for name in ("json", "sarif", "gitlab", "junit", "github", "text")]
    options = [f"--report={file.name}={file}" for file in files]
    other = "Hu3bYw8Qn5Ts1JcD"
    environ = {name: other, "API_TOKEN": SECRET}
    done = leakguard("mask", "--stats", "--label", *options, stdin=other.encode(), **environ)
    assert done.stdout == b"***"
    assert b" ***_TOKEN  secret  raw " in done.stderr
    assert not [file for file in files if SECRET in file.read_text()]


def test_an_error_about_a_report_tells_no_secret(tmp_path: Path) -> None:
    code, told = masked("--report", f"json={tmp_path}/{SECRET}/report")
    assert (code, told) == (2, f"leakguard: --report: there is no directory {tmp_path}/***\n")


# How it ends.


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("echo $API_TOKEN", 1),
        ("echo nothing", 0),
        ("echo $API_TOKEN; exit 7", 7),
        ("echo $API_TOKEN; kill -KILL $$", 137),
        ("echo $API_TOKEN; exec ./none", 127),
    ],
)
def test_a_leak_fails_only_what_has_not_failed(script: str, code: int) -> None:
    assert ran(script, "--fail-on-leak")[0] == code


def test_a_leak_fails_no_masking_that_has_failed() -> None:
    done = shell(f"echo {SECRET} | $lg mask --fail-on-leak > /dev/full; echo $?", API_TOKEN=SECRET)
    assert done.stdout == b"125\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_a_report_is_written_when_a_signal_has_ended_the_command(
    number: signal.Signals, tmp_path: Path
) -> None:
    report = tmp_path / "report"
    script = f"ulimit -c 0; echo $API_TOKEN; kill -{number.value} $$"
    assert ran(script, f"--report=json={report}")[0] == 128 + number
    assert [count for *_, count in told_by_json(report)] == [1]


def test_a_report_is_written_when_a_signal_has_ended_mask(tmp_path: Path) -> None:
    report = tmp_path / "report"
    process = subprocess.Popen(  # noqa: S603  # ourselves
        [sys.executable, "-m", "leakguard", "mask", f"--report=json={report}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=ENVIRON | {"API_TOKEN": SECRET},
    )
    with process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(LOG)
        process.stdin.flush()
        assert process.stdout.readline() == b"one\n"
        process.terminate()
        assert process.wait(60) == 128 + signal.SIGTERM
    assert [count for *_, count in told_by_json(report)] == [3, 1]


# Where it goes.


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))


@contextlib.contextmanager
def full_disk(directory: Path) -> Iterator[bool]:
    """Mount a disk without room at `directory`; yield whether that is allowed here."""
    mounted = subprocess.run(  # noqa: S603  # a fixed command
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", directory],  # noqa: S607  # the system's
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        yield False
        return
    try:
        with contextlib.suppress(OSError), (directory / "filler").open("wb", 0) as filler:
            while True:
                filler.write(b"x" * 4096)
        yield True
    finally:
        subprocess.run(["umount", directory], check=True)  # noqa: S603, S607  # as above


@pytest.mark.parametrize("command", ["mask", "run"])
def test_a_full_disk_fails_and_leaves_no_part_of_a_report(command: str, tmp_path: Path) -> None:
    with full_disk(tmp_path) as mounted:
        before = sorted(tmp_path.iterdir())
        words = ["--", "echo", SECRET] if command == "run" else []
        report = tmp_path / "report"
        done = subprocess.run(  # noqa: S603  # ourselves
            [sys.executable, "-m", "leakguard", command, f"--report=json={report}", *words],
            input=LOG,
            capture_output=True,
            check=False,
            env=ENVIRON | {"API_TOKEN": SECRET},
            # Where nothing can be mounted, a limit stops the file as a disk would.
            preexec_fn=None if mounted else limited,
        )
        why = "No space left on device" if mounted else "File too large"
        assert done.stderr.decode() == f"leakguard: cannot write {report}: {why}\n"
        assert done.returncode == 125
        assert sorted(tmp_path.iterdir()) == before


def test_a_report_that_cannot_be_written_does_not_stop_the_others(tmp_path: Path) -> None:
    report = tmp_path / "report"
    code, told = masked("--report=json=/dev/full", f"--report=text={report}")
    assert (code, told) == (125, "leakguard: cannot write /dev/full: No space left on device\n")
    assert report.read_text().endswith("masked 4 times: 1 name, 2 forms\n")


def test_a_report_replaces_a_link_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "report"
    victim.write_bytes(b"precious")
    link.symlink_to(victim)
    assert masked(f"--report=json={link}")[0] == 0
    assert victim.read_bytes() == b"precious"
    assert stat.S_IMODE(link.lstat().st_mode) == 0o600
    assert sorted(tmp_path.iterdir()) == [link, victim]


PAGE = "masked 4 times: 1 name, 2 forms"


@pytest.mark.parametrize("option", ["github=-", "markdown=-", "github={}", "markdown={}"])
def test_the_step_summary_keeps_what_others_have_put_there(option: str, tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    summary.write_text("theirs, without a line end")
    options = ["--report", option.format(summary)]
    assert masked(*options, GITHUB_STEP_SUMMARY=str(summary), TF_BUILD="") == (0, "")
    assert summary.read_text().startswith(
        f"theirs, without a line end\n## leakguard\n\n{PAGE}\n\n| Stream | First |"
    )


def test_annotations_go_to_any_other_file(tmp_path: Path) -> None:
    file = tmp_path / "annotations"
    file.write_text("old")
    assert masked(f"--report=github={file}", GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))[0] == 0
    assert file.read_text().startswith("::error title=API_TOKEN (known)::value of API_TOKEN in")


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("github=-", "github=- is the step summary, and GITHUB_STEP_SUMMARY is not set"),
        ("json=-", "json=- names no file; /dev/stderr is one"),
    ],
)
def test_a_dash_is_the_step_summary_and_nothing_else(option: str, told: str) -> None:
    assert masked("--report", option) == (2, f"leakguard: --report: {told}\n")


def test_a_step_summary_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "summary"
    victim.write_text("precious")
    link.symlink_to(victim)
    code, told = masked("--report=github=-", GITHUB_STEP_SUMMARY=str(link))
    assert (code, told.split(": ")[-1]) == (2, f"{link} is a link, and links are not followed\n")
    assert victim.read_text() == "precious"


# What the page of reports shows.


def test_the_page_of_reports_shows_what_happens(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    told = steps(blocks(page, "console"))
    printed = transcript([command for command, _ in told], tmp_path, tmp_path)
    assert len(printed) == len(told)
    for (command, output), actual in zip(told, printed, strict=True):
        assert expected(output).fullmatch(actual), f"{command}\n{actual}"


def test_the_page_of_reports_names_every_key(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    report = tmp_path / "report"
    masked(f"--report=json={report}")
    document = json.loads(report.read_bytes())
    for key in (*document["findings"][0], *(f"stats.{key}" for key in document["stats"])):
        assert re.search(rf"^\|[^|]*`{key}`", page, re.MULTILINE), key
    assert os.fspath(report) not in page
