"""What reports promise: the whole outcome, nothing that a terminal obeys, and no half file."""

from __future__ import annotations

import json
import os
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
