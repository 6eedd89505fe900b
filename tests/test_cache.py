"""What is kept is read back as it was, and what others could have written is not."""

import importlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from leakguard import cache, sieve
from leakguard.rules import Allow, Rule, parsed
from leakguard.rules.rule import Requirement
from leakguard.rules.stored import read, rows, ship, shipped

CONTENT = b"worked out \0 once"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path / "leakguard"


def test_what_is_kept_is_read_back() -> None:
    cache.keep("sieve-1", CONTENT)
    assert cache.load("sieve-1") == CONTENT
    assert cache.load("sieve-2") is None


def test_what_is_kept_later_takes_the_place_of_what_was(folder: Path) -> None:
    cache.keep("sieve-1", b"before")
    cache.keep("sieve-1", CONTENT)
    assert cache.load("sieve-1") == CONTENT
    assert [file.name for file in folder.iterdir()] == ["sieve-1"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_nobody_else_can_read_or_write_what_is_kept(folder: Path) -> None:
    cache.keep("sieve-1", CONTENT)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "sieve-1").stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666], ids=oct)
def test_what_others_can_write_is_not_read(folder: Path, mode: int) -> None:
    cache.keep("sieve-1", CONTENT)
    (folder / "sieve-1").chmod(mode)
    assert cache.load("sieve-1") is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give")
def test_what_belongs_to_another_is_not_read(folder: Path) -> None:
    cache.keep("sieve-1", CONTENT)
    os.chown(folder / "sieve-1", 65534, 65534)
    assert cache.load("sieve-1") is None


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda raw: raw[:-1], id="cut short"),
        pytest.param(lambda raw: raw + b"x", id="longer"),
        pytest.param(lambda raw: bytes([raw[0] ^ 1]) + raw[1:], id="another seal"),
        pytest.param(lambda raw: raw[:40] + bytes([raw[40] ^ 1]) + raw[41:], id="another byte"),
        pytest.param(lambda _: b"", id="empty"),
    ],
)
def test_what_is_damaged_is_not_read(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    cache.keep("sieve-1", CONTENT)
    file = folder / "sieve-1"
    file.write_bytes(damage(file.read_bytes()))
    assert cache.load("sieve-1") is None


def test_a_cache_that_cannot_be_written_is_no_failure(folder: Path) -> None:
    folder.write_bytes(b"a file where the folder belongs")
    cache.keep("sieve-1", CONTENT)
    assert cache.load("sieve-1") is None


def test_what_is_old_goes_when_something_new_of_its_kind_comes(folder: Path) -> None:
    for name in ("sieve-old", "sieve-young", "rules-old"):
        cache.keep(name, CONTENT)
    for name in ("sieve-old", "rules-old"):
        os.utime(folder / name, (0, 0))
    cache.keep("sieve-new", CONTENT)
    left = {file.name for file in folder.iterdir()}
    assert left == {"sieve-young", "sieve-new", "rules-old"}


def test_a_name_tells_all_that_something_depends_on() -> None:
    seeds = [[b"ab", b"c"], [b"a", b"bc"], [b"abc"], [b"abc", b""], []]
    names = {cache.name(kind, seed) for kind in ("sieve", "rules") for seed in seeds}
    assert len(names) == 2 * len(seeds)
    assert cache.name("sieve", seeds[0]) == cache.name("sieve", iter(seeds[0]))


def test_a_file_that_was_edited_is_another(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_bytes(b"one")
    before = cache.state(str(file), file.stat())
    file.write_bytes(b"another")
    assert cache.state(str(file), file.stat()) != before


def test_what_is_stored_of_rules_is_what_was_parsed() -> None:
    more = Rule(
        "acme-token",
        "",
        b"acme_[0-9a-f]{32}",
        (b"acme_",),
        stopwords=(),
        allow=(Allow(values=(b"^x", b"\xff"), paths=("a/*", "b")), Allow(rules=("acme-*",))),
        requires=(Requirement(("one", "two"), lines=3), Requirement(("three",), columns=0)),
    )
    rules = [*parsed(), more]
    assert read(rows(rules)) == tuple(rules)


def test_a_database_is_named_by_the_code_that_derives_it() -> None:
    named = b" ".join(sieve._surroundings()).decode()
    code = ("sieve.py", "sieves.py", "patterns/__init__.py", "patterns/stream.py")
    assert [file for file in code if f"leakguard/{file} " not in named] == []


def test_what_a_wheel_brings_along_is_used_while_it_is_whole_and_of_its_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("leakguard.rules.stored"), "_PACKAGE", tmp_path)
    ruleset = tmp_path / "ruleset"
    ruleset.mkdir()
    (ruleset / "acme.toml").write_bytes(b"rules")
    ship("sought.json", CONTENT, ruleset)
    assert shipped("sought.json") == CONTENT
    whole = (ruleset / "sought.json").read_bytes()
    for damaged in (whole[:-1], whole.replace(b"once", b"then"), b""):
        (ruleset / "sought.json").write_bytes(damaged)
        assert shipped("sought.json") == b""
    (ruleset / "sought.json").write_bytes(whole)
    (ruleset / "acme.toml").write_bytes(b"other rules")
    assert shipped("sought.json") == b""
    assert shipped("nothing.json") == b""
