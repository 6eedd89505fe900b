"""What reports promise: the whole outcome, nothing that a terminal obeys, and no half file."""

from __future__ import annotations

import json
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard import reports
from leakguard.errors import LeakguardError, UsageError
from leakguard.model import Confidence, Finding, Skip
from leakguard.reports import Outcome


def finding(path: str = "app/.env", line: int = 3, name: str = "DB_PASSWORD") -> Finding:
    return Finding(
        path=path,
        line=line,
        column=7,
        offset=40,
        name=name,
        kind="secret",
        confidence=Confidence.KNOWN,
        encoding="base64",
        fingerprint="00ff" * 8,
        description="value of DB_PASSWORD",
        remediation="",
    )


RULE = Finding(
    path="app/.env",
    line=12,
    column=1,
    offset=400,
    name="acme-token",
    kind="rule",
    confidence=Confidence.LIKELY,
    encoding="raw",
    fingerprint="ff00" * 8,
    description="Acme deploy token",
    remediation="Revoke it.",
)
OUTCOME = Outcome(
    "1.2.3",
    (finding(), RULE),
    (Skip("dist.zip!a.bin", "encrypted", "needs a password"),),
    {"files": 214},
)


def rendered(name: str, outcome: Outcome) -> bytes:
    return b"".join(reports.named(name).render(outcome))


@pytest.mark.parametrize("name", reports.FORMATS)
def test_a_format_is_named_after_its_module(name: str) -> None:
    assert reports.named(name).name == name


@pytest.mark.parametrize("name", reports.FORMATS)
def test_the_same_outcome_gives_the_same_bytes(name: str) -> None:
    assert rendered(name, OUTCOME) == rendered(name, OUTCOME)


@pytest.mark.parametrize("name", reports.FORMATS)
def test_a_report_without_findings_is_not_empty(name: str) -> None:
    assert rendered(name, Outcome("1.2.3")).strip()


def test_an_unknown_format_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        reports.named("jsn")
    assert str(caught.value) == f"no report format 'jsn', only {', '.join(reports.FORMATS)}"


def test_json_has_every_field_in_a_fixed_order() -> None:
    document = json.loads(rendered("json", OUTCOME))
    assert document == {
        "version": 1,
        "tool": {"name": "leakguard", "version": "1.2.3"},
        "findings": [
            {
                "path": "app/.env",
                "line": 3,
                "column": 7,
                "offset": 40,
                "name": "DB_PASSWORD",
                "kind": "secret",
                "confidence": "known",
                "encoding": "base64",
                "fingerprint": "00ff" * 8,
                "description": "value of DB_PASSWORD",
                "remediation": "",
            },
            {
                "path": "app/.env",
                "line": 12,
                "column": 1,
                "offset": 400,
                "name": "acme-token",
                "kind": "rule",
                "confidence": "likely",
                "encoding": "raw",
                "fingerprint": "ff00" * 8,
                "description": "Acme deploy token",
                "remediation": "Revoke it.",
            },
        ],
        "skips": [{"path": "dist.zip!a.bin", "reason": "encrypted", "detail": "needs a password"}],
        "stats": {"files": 214},
    }
    assert list(document) == ["version", "tool", "findings", "skips", "stats"]


def test_text_groups_by_file_aligns_and_sums_up() -> None:
    assert rendered("text", OUTCOME).decode() == (
        "app/.env\n"
        "  3:7   known   DB_PASSWORD  base64  value of DB_PASSWORD\n"
        "  12:1  likely  acme-token   raw     Acme deploy token\n"
        "\n"
        "Not searched\n"
        "  dist.zip!a.bin  encrypted  needs a password\n"
        "\n"
        "2 findings in 1 file, 1 skip, 214 files searched\n"
    )


def test_text_of_nothing_is_one_line() -> None:
    assert (
        rendered("text", Outcome("1.2.3", stats={"files": 1}))
        == b"0 findings, 0 skips, 1 file searched\n"
    )


def test_a_terminal_gets_the_same_text_with_colors() -> None:
    report = reports.named("text")
    assert report.paint is not None
    painted = b"".join(report.paint(OUTCOME)).decode()
    assert "\x1b[31mknown \x1b[0m" in painted
    assert "\x1b[1mapp/.env\x1b[0m\n" in painted
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[33m"):
        painted = painted.replace(code, "")
    assert painted.encode() == rendered("text", OUTCOME)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("a\x1b[2Jb", r"a\x1b[2Jb", id="escape sequence"),
        pytest.param("a\n::error::b", r"a\x0a::error::b", id="newline"),
        pytest.param("a\u202eb", r"a\u202eb", id="right-to-left override"),
        pytest.param("a\udcffb", r"a\xffb", id="not UTF-8"),
        pytest.param("a\U000e0041b", r"a\U000e0041b", id="tag character"),
        pytest.param("größe", "größe", id="letters stay"),
    ],
)
def test_a_name_cannot_repaint_the_screen(name: str, shown: str) -> None:
    assert rendered("text", Outcome("1.2.3", (finding(name),))).decode().startswith(f"{shown}\n")


@given(st.text(), st.text())
def test_text_has_no_byte_that_a_terminal_obeys(path: str, name: str) -> None:
    outcome = Outcome("1.2.3", (finding(path, name=name),), (Skip(path, "damaged", name),))
    text = rendered("text", outcome).decode()
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert text.count("\n") == 7


@pytest.mark.parametrize("path", ["a\udcffb", "a\x00\x1b\n", 'a"\\'])
def test_json_is_valid_whatever_a_file_is_called(path: str) -> None:
    document = json.loads(
        rendered("json", Outcome("1.2.3", (finding(path),), (Skip(path, "damaged"),)))
    )
    assert document["findings"][0]["path"] == path.replace("\udcff", r"\xff")
    assert document["skips"][0]["path"] == path.replace("\udcff", r"\xff")


def test_a_report_is_saved_whole_and_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(b"old")
    file.chmod(0o644)
    reports.save([b"new ", b"report"], file)
    assert file.read_bytes() == b"new report"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [*tmp_path.iterdir()] == [file]


def test_a_report_replaces_a_link_and_spares_what_it_points_to(tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "report"
    victim.write_bytes(b"precious")
    link.symlink_to(victim)
    reports.save([b"report"], link)
    assert victim.read_bytes() == b"precious"
    assert not link.is_symlink()
    assert link.read_bytes() == b"report"


@pytest.mark.parametrize("name", ["report", "r" * 250], ids=["short", "as long as may be"])
def test_a_report_replaces_a_link_to_what_is_written_as_it_stands(
    name: str, tmp_path: Path
) -> None:
    link = tmp_path / name
    os.mkfifo(tmp_path / "pipe")
    link.symlink_to(tmp_path / "pipe")
    reports.save([b"report"], link)
    assert link.read_bytes() == b"report"
    assert not link.is_symlink()


def test_memory_that_looks_like_a_device_is_a_place_for_files() -> None:
    assert reports.is_stream(Path("/dev/stderr"))
    assert reports.is_stream(Path("/proc/self/fd/2"))
    assert not reports.is_stream(Path("/dev/shm/report"))  # noqa: S108  # not written


# The step summary of a GitHub job.


@pytest.fixture
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that a job would share."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    return tmp_path / "summary"


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", b"page"), (b"theirs\n", b"theirs\npage"), (b"theirs", b"theirs\npage")],
)
def test_a_summary_is_added_to(before: bytes, after: bytes, summary: Path) -> None:
    summary.write_bytes(before)
    reports.save([b"pa", b"ge"], summary)
    assert summary.read_bytes() == after
    assert [*summary.parent.iterdir()] == [summary]


def test_a_summary_that_is_not_there_is_made_for_its_owner(summary: Path) -> None:
    reports.save([b"page"], summary)
    assert stat.S_IMODE(summary.stat().st_mode) == 0o600


def test_a_summary_is_known_by_any_name(summary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(summary.parent)
    assert reports.is_summary(Path("summary"))
    assert reports.is_summary(summary)
    assert not reports.is_summary(Path("summary.md"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "")
    assert not reports.is_summary(summary)


def test_a_summary_that_is_a_link_is_not_followed(summary: Path) -> None:
    victim = summary.parent / "victim"
    victim.write_bytes(b"precious")
    summary.symlink_to(victim)
    with pytest.raises(LeakguardError):
        reports.save([b"page"], summary)
    assert victim.read_bytes() == b"precious"


def test_a_failed_summary_leaves_what_others_have_written(summary: Path) -> None:
    summary.write_bytes(b"theirs\n")
    with pytest.raises(LeakguardError):
        reports.save(failing(OSError(28, "No space left on device")), summary)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit[1]))
    try:
        with pytest.raises(LeakguardError) as caught:
            reports.save([b"x" * 8192], summary)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert str(caught.value) == f"cannot write {summary}: File too large"
    assert summary.read_bytes() == b"theirs\n"


def test_the_summary_gets_a_page_where_a_format_has_one(summary: Path, tmp_path: Path) -> None:
    page = rendered("markdown", OUTCOME)
    for name in ("github", "markdown"):
        assert b"".join(reports.named(name).render_for(summary, OUTCOME)) == page
    for name in ("github", "text"):
        other = b"".join(reports.named(name).render_for(tmp_path / "other", OUTCOME))
        assert other == rendered(name, OUTCOME)


def failing(error: BaseException) -> Iterator[bytes]:
    yield b"half"
    raise error


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_save_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    file = tmp_path / "report"
    file.write_bytes(b"old")
    with pytest.raises((LeakguardError, KeyboardInterrupt)):
        reports.save(failing(error), file)
    assert file.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [file]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(LeakguardError) as caught:
        reports.save([b""], tmp_path / "missing" / "report")
    assert str(caught.value) == (
        f"cannot write {tmp_path / 'missing' / 'report'}: No such file or directory"
    )


def test_a_device_or_pipe_is_written_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    reports.save([b"report"], pipe)
    assert os.read(reader, 100) == b"report"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(reader)
    reports.save([b"report"], Path(os.devnull))
    assert Path(os.devnull).is_char_device()
