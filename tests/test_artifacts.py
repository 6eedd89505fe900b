"""Which files are read, in which order, and what is told of those that are not."""

from __future__ import annotations

import io
import os
import socket
import sys
from pathlib import Path

import pytest

from leakguard.artifacts import STDIN, Origin, excluder, origins
from leakguard.errors import UsageError
from leakguard.model import Skip

WHOLE = 100


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b/2.txt", "b/10.txt", "a.txt", ".hidden", "b/.git/config", "c/d/e.pyc"):
        file = tmp_path / "tree" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path / "tree"


def paths(*named: str, exclude: tuple[str, ...] = ()) -> list[str]:
    return [found.path for found in origins(named, exclude)]


@pytest.mark.usefixtures("tree")
def test_files_below_a_directory_come_sorted_hidden_ones_included() -> None:
    assert paths("tree") == [
        "tree/.hidden",
        "tree/a.txt",
        "tree/b/.git/config",
        "tree/b/10.txt",
        "tree/b/2.txt",
        "tree/c/d/e.pyc",
    ]


def test_paths_begin_as_the_directory_was_named(tree: Path) -> None:
    assert paths("tree/c/") == ["tree/c/d/e.pyc"]
    assert paths(f"{tree}/c") == [f"{tree}/c/d/e.pyc"]
    os.chdir("tree/c")
    assert paths(".") == ["d/e.pyc"]
    assert paths("..")[0] == "../.hidden"


@pytest.mark.usefixtures("tree")
def test_paths_come_in_the_order_of_naming_and_once() -> None:
    assert paths("tree/c", "tree/a.txt", "tree/c", "tree/c/d/e.pyc") == [
        "tree/c/d/e.pyc",
        "tree/a.txt",
    ]


@pytest.mark.usefixtures("tree")
def test_an_origin_knows_its_size() -> None:
    assert list(origins(["tree/a.txt"])) == [Origin("tree/a.txt", 5, named=True)]
    assert list(origins([Path("tree/c")])) == [Origin("tree/c/d/e.pyc", 9)]


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("globs", "left"),
    [
        pytest.param(("*.txt",), [".hidden", "b/.git/config", "c/d/e.pyc"], id="by name"),
        pytest.param(("b",), [".hidden", "a.txt", "c/d/e.pyc"], id="a directory"),
        pytest.param(
            ("tree/b/*", "*/d/", ".hidden"), ["a.txt"], id="by path, several, with a slash"
        ),
        pytest.param(("tree",), [], id="what was named"),
        pytest.param(
            ("[ab]/*",),
            [".hidden", "a.txt", "b/.git/config", "b/10.txt", "b/2.txt", "c/d/e.pyc"],
            id="the whole path or the last part",
        ),
    ],
)
def test_globs_leave_out(globs: tuple[str, ...], left: list[str]) -> None:
    assert paths("tree", exclude=globs) == [f"tree/{path}" for path in left]


def test_globs_leave_out_members_of_archives() -> None:
    excluded = excluder(["*.pyc", "dist/a.tar!vendor/*"])
    assert [excluded(path) for path in ("a.tar!b.pyc", "dist/a.tar!vendor/x", "a.tar!b")] == [
        True,
        True,
        False,
    ]


def test_a_path_that_is_not_there_is_an_error(tree: Path) -> None:
    for missing in ("tree/none", "tree/a.txt/none", "tree/nul\0"):
        with pytest.raises(UsageError, match=r"^no such file or directory: tree/"):
            paths("tree", missing)
    assert tree.exists()


def test_a_link_is_followed_when_it_is_named_and_not_when_it_is_met(tree: Path) -> None:
    (tree / "c" / "file").symlink_to(tree / "a.txt")
    (tree / "c" / "directory").symlink_to(tree / "b")
    (tree / "c" / "loop").symlink_to(tree)
    assert paths("tree/c") == ["tree/c/d/e.pyc"]
    assert paths("tree/c/file", "tree/c/directory")[0] == "tree/c/file"
    (origin,) = origins(["tree/c/file"])
    assert isinstance(origin, Origin)
    assert origin.read(WHOLE) == b"a.txt"
    assert "tree/c/directory/2.txt" in paths("tree/c/directory")


def test_a_file_that_turns_into_a_link_is_not_read(tree: Path) -> None:
    (origin,) = origins(["tree/c"])
    (tree / "c/d/e.pyc").unlink()
    (tree / "c/d/e.pyc").symlink_to(tree / "a.txt")
    assert isinstance(origin, Origin)
    with pytest.raises(OSError, match="symbolic links"):
        origin.read(WHOLE)


def test_what_is_no_regular_file_is_told_and_never_waited_for(tree: Path) -> None:
    os.mkfifo(tree / "c" / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(tree / "c")
        listener.bind("socket")
        assert [found for found in origins(["."]) if isinstance(found, Skip)] == [
            Skip("pipe", "not-regular", "not a regular file"),
            Skip("socket", "not-regular", "not a regular file"),
        ]
    assert list(origins(["pipe"])) == [Skip("pipe", "not-regular", "not a regular file")]
    with pytest.raises(OSError, match="not a regular file"):
        Origin("pipe", 0).read(WHOLE)
    assert list(origins(["/dev/null"])) == [Skip("/dev/null", "not-regular", "not a regular file")]


def test_a_directory_that_cannot_be_listed_is_told(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = os.scandir

    def denied(path: str) -> object:
        if path.endswith("/b"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", denied)
    found = list(origins([str(tree)]))
    assert Skip(f"{tree}/b", "unreadable", "permission denied") in found
    assert found[-1].path == f"{tree}/c/d/e.pyc"


def test_a_short_file_is_bytes_and_a_long_one_a_stream(tree: Path) -> None:
    for size in (0, WHOLE, WHOLE + 1):
        (tree / "file").write_bytes(b"x" * size)
        data = Origin(f"{tree}/file", 0).read(WHOLE)
        if not isinstance(data, bytes):
            with data:
                assert size > WHOLE
                assert data.read(size + 1) == b"x" * size
        else:
            assert data == b"x" * size


def test_a_file_whose_size_is_not_known_is_read_to_its_end() -> None:
    data = Origin("/proc/self/status", 0).read(WHOLE)
    assert not isinstance(data, bytes)
    with data:
        assert data.read(5) == b"Name:"


def test_files_are_closed_when_they_cannot_be_read(tree: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="not a regular file"):
        Origin(str(tree), 0).read(WHOLE)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_names_that_are_no_text_are_read(tree: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.txt")
    Path(tree / "c" / name).write_bytes(b"text")
    origin = next(found for found in origins([f"{tree}/c"]) if found.path.endswith(".txt"))
    assert os.fsencode(origin.path).endswith(b"/\xff\xfe.txt")
    assert isinstance(origin, Origin)
    assert origin.read(WHOLE) == b"text"


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"text")))
    (origin,) = origins(["-"])
    assert origin == Origin(STDIN, 0, named=True)
    assert isinstance(origin, Origin)
    data = origin.read(WHOLE)
    assert not isinstance(data, bytes)
    assert data.read() == b"text"
