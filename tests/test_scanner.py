"""What is reported of files, directories and archives, and that nothing else depends on how."""

from __future__ import annotations

import gzip
import io
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.artifacts import Origin
from leakguard.errors import UsageError
from leakguard.fingerprint import fingerprint
from leakguard.matcher import Matcher
from leakguard.model import Confidence, Finding, Match, Secret, Skip
from leakguard.rules import Rule
from leakguard.scanner import Limits, scan
from leakguard.scanner.findings import Lines, Reporter
from leakguard.scanner.labels import Labels
from leakguard.scanner.search import WHOLE, Search
from leakguard.scanner.workers import Died, Workers
from tests.archives import Pipe, encrypted, noise, tar, zipped

VALUE = b"Vq7mZp2Lk9Rt4WxB"
KEY = b"key"
RULE = Rule(
    id="toy-token",
    description="Token of a toy",
    regex=rb"toy_[a-z0-9]{16}",
    keywords=(b"toy_",),
    remediation="Throw the toy away.",
)
TOKEN = b"toy_" + b"k3v9x1q7m2z8p4w6"
MATCHER = Matcher([Secret("DB", VALUE)], [RULE])


def found(*paths: str | Path, **options: object) -> list[Finding | Skip]:
    return list(scan(paths, MATCHER, key=KEY, **options))  # type: ignore[arg-type]  # by keyword


def places(*paths: str | Path, **options: object) -> list[tuple[str, int, int, int]]:
    """Return path, line, column and offset of each finding; there must be no skip."""
    all_of_it = found(*paths, **options)
    findings = [one for one in all_of_it if isinstance(one, Finding)]
    assert findings == all_of_it
    return [(one.path, one.line, one.column, one.offset) for one in findings]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_secret_is_reported_with_its_place_and_never_its_value() -> None:
    Path("a.txt").write_bytes(b"one\ntwo " + VALUE + b"\n" + VALUE)
    first, second = found("a.txt")
    assert first == Finding(
        path="a.txt",
        line=2,
        column=5,
        offset=8,
        name="DB",
        kind="secret",
        confidence=Confidence.KNOWN,
        encoding="raw",
        fingerprint=fingerprint(VALUE, KEY),
        description="value of DB",
        remediation="Rotate it where it was issued, then remove it from here and build again.",
    )
    assert isinstance(second, Finding)
    assert (second.line, second.column, second.offset) == (3, 1, 25)


def test_a_rule_is_reported_in_its_own_words() -> None:
    Path("a.txt").write_bytes(TOKEN)
    (finding,) = found("a.txt")
    assert isinstance(finding, Finding)
    assert (finding.name, finding.kind, finding.confidence) == (
        "toy-token",
        "rule",
        Confidence.LIKELY,
    )
    assert finding.description == "Token of a toy"
    assert finding.remediation == "Throw the toy away."
    assert finding.fingerprint == fingerprint(TOKEN, KEY)


def test_a_known_value_is_not_also_a_credential() -> None:
    matcher = Matcher([Secret("TOY", TOKEN)], [RULE])
    Path("a.txt").write_bytes(b"token " + TOKEN)
    assert [one.name for one in scan(["a.txt"], matcher) if isinstance(one, Finding)] == ["TOY"]


def test_lines_are_counted_across_pieces() -> None:
    text = b"a\nbc\n\ndef\n"
    lines = Lines()
    assert [lines.place(text[max(at - 1, 0) : at], max(at - 1, 0), at) for at in range(10)] == [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 2),
        (2, 3),
        (3, 1),
        (4, 1),
        (4, 2),
        (4, 3),
        (4, 4),
    ]


def test_a_large_file_is_searched_in_pieces_as_a_small_one_is(here: Path) -> None:
    line = b"x" * 99 + b"\n"
    text = line * (WHOLE // 100) + b"12 " + VALUE + b"\n" + line + TOKEN + b"\n" + line
    Path("large").write_bytes(text)
    at = WHOLE // 100 * 100
    lines = WHOLE // 100
    expected = [
        ("large", lines + 1, 4, at + 3),
        ("large", lines + 3, 1, at + 3 + len(VALUE) + 1 + 100),
    ]
    assert places("large") == expected
    Path("small").write_bytes(text[at:])
    small = found("small")
    large = found("large")
    assert [one.fingerprint for one in small if isinstance(one, Finding)] == [
        one.fingerprint for one in large if isinstance(one, Finding)
    ]
    assert here.is_dir()


def test_a_secret_across_every_border_of_pieces_is_found() -> None:
    for shift in (0, 1, 8, len(VALUE) - 1, len(VALUE)):
        with Path("large").open("wb") as file:
            for border in range(1, 10):
                file.seek((border << 20) - shift)
                file.write(VALUE)
        assert [offset for *_, offset in places("large")] == [
            (border << 20) - shift for border in range(1, 10)
        ]


def test_findings_in_archives_name_each_level() -> None:
    inner = zipped({"config.env": b"\nDB=" + VALUE})
    Path("dist.tar.gz").write_bytes(gzip.compress(tar({"app/inner.zip": inner, "b": VALUE})))
    assert places("dist.tar.gz") == [
        ("dist.tar.gz!app/inner.zip!config.env", 2, 4, 4),
        ("dist.tar.gz!b", 1, 1, 0),
    ]


def test_what_stands_between_members_is_reported_with_its_offset_and_without_a_line() -> None:
    data = zipped({"a": b"1"}, comment=b"built with " + VALUE)
    Path("a.zip").write_bytes(data)
    assert places("a.zip") == [("a.zip", 0, 0, len(data) - len(VALUE))]


def test_a_skip_stands_in_the_report_and_the_rest_is_searched() -> None:
    Path("a.zip").write_bytes(encrypted(zipped({"a": VALUE})))
    Path("b.txt").write_bytes(VALUE)
    skip, finding = found("a.zip", "b.txt")
    assert skip == Skip("a.zip!a", "encrypted", "needs a password")
    assert finding.path == "b.txt"


def test_a_file_that_cannot_be_read_is_a_skip() -> None:
    search = Search(MATCHER, Reporter(MATCHER, KEY), Limits(), lambda _: False)
    assert search(Origin("gone", 0)) == [Skip("gone", "unreadable", "no such file or directory")]
    os.mkfifo("pipe")
    assert search(Origin("pipe", 0)) == [Skip("pipe", "not-regular", "not a regular file")]


def test_a_missing_path_is_an_error_before_anything_is_searched() -> None:
    Path("a").write_bytes(VALUE)
    with pytest.raises(UsageError, match=r"^no such file or directory: none$"):
        scan(["a", "none"], MATCHER)


def test_limits_reach_the_archives() -> None:
    Path("a.gz").write_bytes(gzip.compress(b"x" * 100 + VALUE))
    assert found("a.gz", limits=Limits(max_file_size=100)) == [
        Skip("a.gz!a", "too-large", "only the first 100 bytes were searched")
    ]


def test_globs_leave_out_files_and_members() -> None:
    Path("a.txt").write_bytes(VALUE)
    Path("b.tar").write_bytes(tar({"a.txt": VALUE, "c": VALUE}))
    assert [path for path, *_ in places("a.txt", "b.tar", exclude=["*.txt"])] == ["b.tar!c"]


def test_standard_input_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (zipped({"a": VALUE}), b"text " + VALUE):
        stdin = io.TextIOWrapper(io.BytesIO(data))
        monkeypatch.setattr(sys, "stdin", stdin)
        member, column = ("-!a", 1) if data.startswith(b"PK") else ("-", 6)
        assert places("-") == [(member, 1, column, column - 1)]
        assert not stdin.buffer.closed


# Names


def test_a_secret_in_a_name_is_reported_without_a_line_and_masked() -> None:
    name = f"a-{VALUE.decode()}.txt"
    Path(name).write_bytes(b"..." + VALUE)
    assert places(".") == [("a-***.txt", 0, 0, 0), ("a-***.txt", 1, 4, 3)]


def test_a_secret_in_the_name_of_a_directory_is_reported_once() -> None:
    directory = Path("d-" + VALUE.decode())
    directory.mkdir()
    for name in "abc":
        (directory / name).write_bytes(b"")
    (directory / f"z-{VALUE.decode()}").write_bytes(b"")
    assert places(".") == [("d-***/a", 0, 0, 0), ("d-***/z-***", 0, 0, 0)]


def test_every_name_with_a_secret_is_reported() -> None:
    for ending in ("a", "b"):
        Path(VALUE.decode() + ending).write_bytes(b"")
    assert places(".") == [("***a", 0, 0, 0), ("***b", 0, 0, 0)]


def test_names_in_archives_are_searched() -> None:
    name = VALUE.decode()
    Path("t").write_bytes(tar({f"{name}/a": b"1", f"{name}/b": b"2", f"c/{name}": b"3"}))
    Path("z").write_bytes(zipped({f"{name}.zip": zipped({"in": b"1"})}))
    assert places("t", "z") == [
        ("t!***/a", 0, 0, 0),
        ("t!c/***", 0, 0, 0),
        ("z!***.zip", 0, 0, 0),
    ]


def test_a_secret_in_notes_is_reported_at_the_member_once() -> None:
    labels = Labels(MATCHER, Reporter(MATCHER, KEY))
    labels.add("a!b", b"comment " + VALUE + b" " + VALUE)
    labels.add("a!" + VALUE.decode(), b"path=" + VALUE)
    labels.add("a!c", TOKEN)
    assert [(path, one.path, one.name, one.line) for path, one in labels.findings()] == [
        ("a!b", "a!b", "DB", 0),
        ("a!" + VALUE.decode(), "a!***", "DB", 0),
        ("a!c", "a!c", "toy-token", 0),
    ]
    assert list(labels.findings()) == []


def test_nothing_is_found_across_two_labels() -> None:
    labels = Labels(MATCHER, Reporter(MATCHER, KEY))
    for at in range(len(VALUE)):
        labels.add(VALUE[:at].decode(), VALUE[at:])
    found = [(path, finding.encoding) for path, finding in labels.findings()]
    assert [path for path, encoding in found if encoding != "fragment"] == [""]


def test_a_path_that_is_no_text_is_shown_with_its_bytes() -> None:
    name = os.fsdecode(b"\xff" + VALUE)
    Path(name).write_bytes(VALUE)
    assert [path for path, *_ in places(".")] == ["\\xff***", "\\xff***"]


# Workers


def plant(count: int) -> list[Path]:
    """Return directories with many files of all kinds, some with a secret."""
    for number in range(count):
        directory = Path(f"d{number % 3}")
        directory.mkdir(exist_ok=True)
        body = noise(number, 50) + (VALUE if number % 7 == 0 else b"")
        forms = (body, zipped({"a": body}), gzip.compress(body)[: 60 + number], tar({"b": body}))
        (directory / f"{number}").write_bytes(forms[number % len(forms)])
    Path("large").write_bytes(noise(0, WHOLE) + VALUE)
    return [Path("large"), Path("d2"), Path("d0"), Path("d1")]


def test_any_number_of_workers_gives_the_same_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leakguard.scanner._BATCH_FILES", 5)
    roots = plant(60)
    alone = found(*roots)
    assert {type(one) for one in alone} == {Finding, Skip}
    assert alone[0].path == "large"
    for jobs in (2, 3, 64):
        assert found(*roots, jobs=jobs) == alone


def test_standard_input_is_searched_beside_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leakguard.scanner._BATCH_FILES", 1)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(VALUE)))
    Path("a").write_bytes(VALUE)
    assert [path for path, *_ in places("a", "-", jobs=2)] == ["a", "-"]


def test_progress_counts_every_file() -> None:
    for name in "abc":
        Path(name).write_bytes(b"")
    for jobs in (1, 2):
        told: list[tuple[int, int]] = []
        found(".", jobs=jobs, progress=lambda done, total, told=told: told.append((done, total)))
        assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_file_that_kills_its_worker_is_told_and_the_others_are_searched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = Matcher.find

    def deadly(self: Matcher, text: bytes) -> list[Match]:
        if text == b"poison":
            os.kill(os.getpid(), signal.SIGKILL)
        return find(self, text)

    monkeypatch.setattr(Matcher, "find", deadly)
    monkeypatch.setattr("leakguard.scanner._BATCH_FILES", 4)
    for number in range(12):
        Path(f"{number:02}").write_bytes(VALUE if number != 5 else b"poison")
    report = found(".", jobs=2)
    assert [one.path for one in report] == [f"{number:02}" for number in range(12)]
    assert [one for one in report if isinstance(one, Skip)] == [
        Skip("05", "crashed", "the worker was killed by signal 9")
    ]


def test_an_error_in_a_worker_is_told_without_a_word_of_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def work(piece: int) -> int:
        if piece == 1:
            raise ValueError(VALUE)
        return piece * 10

    workers = Workers(work, [0, 1, 2], [[0, 1], [2]])
    assert list(workers.results(2)) == [0, Died("the worker ended with status 1"), 20]
    assert capfd.readouterr() == ("", "")


def test_workers_end_when_nobody_waits_for_results() -> None:
    workers = Workers(lambda piece: piece, range(100), [[number] for number in range(100)])
    results = workers.results(3)
    assert next(results) == 0
    started = [one.process for one in workers._workers.values()]
    results.close()
    assert [process.is_alive() for process in started] == [False] * len(started)


def test_where_nothing_can_be_forked_one_process_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leakguard.scanner._BATCH_FILES", 1)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delattr(os, "fork")
    for name in "ab":
        Path(name).write_bytes(VALUE)
    assert [path for path, *_ in places(".", jobs=4)] == ["a", "b"]


# Laws


@given(st.binary(max_size=300), st.integers(0, 300))
def test_a_planted_secret_is_reported_where_it_is(text: bytes, at: int) -> None:
    """And its value is nowhere in what is told."""
    at = min(at, len(text))
    whole = text[:at] + VALUE + text[at:]
    search = Search(MATCHER, Reporter(MATCHER, KEY), Limits(), lambda _: False)
    told = list(search.inside("a", whole))
    offsets = [one.offset for one in told if isinstance(one, Finding) and one.name == "DB"]
    assert at in offsets
    assert VALUE.decode() not in repr(told)


@given(st.integers(1, 5), st.integers(0, 100))
def test_a_stream_gives_what_the_whole_gives(piece: int, seed: int) -> None:
    text = noise(seed, 40) + VALUE + b"\n" + TOKEN + noise(seed, 40)
    search = Search(MATCHER, Reporter(MATCHER, KEY), Limits(), lambda _: False)
    pipe: object = Pipe(text, piece)
    assert list(search.inside("a", pipe)) == list(search.inside("a", text))  # type: ignore[arg-type]  # a stream that cannot seek


def test_nothing_is_written_anywhere(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = here / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    big = zipped({"../../escape": VALUE, "/absolute": noise(1, 20 << 20)}, 0)
    Path("a.gz").write_bytes(gzip.compress(big, 1))
    before = sorted(here.rglob("*"))
    assert [path for path, *_ in places("a.gz")] == ["a.gz!../../escape"]
    assert sorted(here.rglob("*")) == before
