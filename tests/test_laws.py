"""Laws that no single module keeps: linear time, no value anywhere, nothing written."""

import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from leakguard import reports
from leakguard.matcher import Matcher
from leakguard.model import Finding, Secret, Skip
from leakguard.reports import FORMATS, Outcome
from leakguard.rules import Rule, builtin_rules
from leakguard.scanner import scan
from leakguard.traces import Anchor, Trace
from tests.test_splitter import matcher, texts

VALUE = b"Vq7m-Zp2L-k9Rt-4WxB"
KNOWN = Matcher([Secret("CANARY", VALUE)], builtin_rules())


@given(texts())
def test_linear_because_a_match_depends_on_its_window_alone(text: bytes) -> None:
    found = matcher("off")
    for candidate in found.candidates(text, 0, final=True):
        source = candidate.source
        if isinstance(source, Trace | Anchor):
            continue  # it has a bound of its own: see `tests/test_traces.py`
        reach = source.reach if isinstance(source, Rule) else len(source.value) + 1
        lead = min(candidate.start, found.early)
        shift = candidate.start - lead
        window = text[shift : candidate.start + reach]
        alone = replace(candidate, start=lead, end=candidate.end - shift)
        spans = {(match.start + shift, match.end + shift) for match in found.decided(window, alone)}
        whole = {(match.start, match.end) for match in found.decided(text, candidate)}
        assert spans == whole


def planted(directory: Path) -> None:
    """Put the value into files, names, archives and their comments below `directory`."""
    (directory / f"name-{VALUE.decode()}.txt").write_text("x")
    (directory / "plain.env").write_bytes(b"A=" + VALUE + b"\nB=" + VALUE.hex().encode())
    with zipfile.ZipFile(directory / "a.zip", "w") as archive:
        archive.comment = VALUE
        archive.writestr("inner.txt", VALUE)
        archive.writestr(f"dir/{VALUE.decode()}", "x")
    with tarfile.open(directory / "b.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo(f"{VALUE.decode()}/x")
        member.size = len(VALUE)
        archive.addfile(member, io.BytesIO(VALUE))
    (directory / "cut.zip").write_bytes((directory / "a.zip").read_bytes()[:-40])


def rendered(findings: list[Finding | Skip]) -> Iterator[bytes]:
    """Yield what was found in every report format, for people and for programs."""
    outcome = Outcome(
        "1.0",
        tuple(item for item in findings if isinstance(item, Finding)),
        tuple(item for item in findings if isinstance(item, Skip)),
        {"files": 5},
    )
    for name in FORMATS:
        report = reports.named(name)
        yield b"".join(report.render(outcome))
        if report.paint:
            yield b"".join(report.paint(outcome))


def test_no_value_in_any_report_in_any_form(tmp_path: Path) -> None:
    planted(tmp_path)
    items = list(scan([tmp_path], KNOWN))
    assert len([item for item in items if isinstance(item, Finding)]) >= 7
    for report in rendered(items):
        assert KNOWN.find(report) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", "nowhere", "--secrets", "env:CANARY"],
        ["scan", VALUE.decode(), "--secrets", "env:CANARY"],
        ["image", VALUE.decode(), "--secrets", "env:CANARY"],
        ["image", f"oci:{VALUE.decode()}", "--secrets", "env:CANARY"],
        ["scan", ".", "--secrets", "json:broken.json"],
        ["scan", ".", "--secrets", "dotenv:broken.env"],
        ["mask", "--secrets", "env:CANARY", "--min-length", "x"],
        ["run", "--secrets", "env:CANARY", "--", "./no-such-command"],
        ["secrets", "list", "--secrets", "env:CANARY"],
        ["mask", "--secrets", VALUE.decode()],
        ["mask", VALUE.decode()],
        ["scan", "--config", VALUE.decode()],
    ],
    ids=lambda arguments: " ".join(arguments).replace(VALUE.decode(), "VALUE"),
)
def test_no_value_in_any_message(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_bytes(b'{"a": "' + VALUE + b'", "b": ')
    (tmp_path / "broken.env").write_bytes(b"A=1\nB='" + VALUE + b"\n")
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "leakguard", *arguments],
        cwd=tmp_path,
        input=b"",
        capture_output=True,
        check=False,
        env={"CANARY": VALUE.decode(), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert KNOWN.find(done.stdout + done.stderr) == []
    assert b"Traceback" not in done.stderr


def test_a_scan_writes_nothing_and_extracts_nothing(tmp_path: Path) -> None:
    planted(tmp_path)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    list(scan([tmp_path], KNOWN))
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before
