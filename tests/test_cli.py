"""What the command line promises: exit codes, one clear line for each error, no value in any."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from leakguard import __version__, pipe
from leakguard.cli import main
from leakguard.cli.app import NAMES
from leakguard.reports import FORMATS

SECRET = "Vq7mZp2L" + "k9Rt4WxB"
KEPT = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT")
ENVIRON = {name: os.environ[name] for name in KEPT if name in os.environ}
LEAVES = [["mask"], ["register"], ["run"], ["scan"], ["secrets", "list"]]
LEAVES += [["rules", "list"], ["rules", "show"], ["rules", "check"]]
Done = subprocess.CompletedProcess[bytes]
Captured = pytest.CaptureFixture[str]


def leakguard(*arguments: str | Path, stdin: bytes = b"", **environ: str) -> Done:
    """Run leakguard in a process of its own, with no other secrets than those named here."""
    return subprocess.run(  # noqa: S603  # ourselves
        [sys.executable, "-m", "leakguard", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env=ENVIRON | environ,
    )


def shell(script: str, **environ: str) -> Done:
    """Run a script in which `$lg` is leakguard."""
    program = {"lg": f"{sys.executable} -m leakguard"}
    return subprocess.run(  # noqa: S603  # as written below
        ["/bin/bash", "-c", script],
        capture_output=True,
        check=False,
        env=ENVIRON | environ | program,
    )


@pytest.fixture(autouse=True)
def _only_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(os.environ) - {*KEPT, "PYTEST_CURRENT_TEST", "HYPOTHESIS_PROFILE"}:
        monkeypatch.delenv(name)


# Help.


def test_the_version_is_told(capsys: Captured) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"leakguard {__version__}\n"


def test_help_names_every_command(capsys: Captured) -> None:
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out.split("Commands:\n")[1].split("\n\n")[0]
    assert tuple(line.split()[0] for line in listed.splitlines()) == NAMES


@pytest.mark.parametrize("command", LEAVES, ids=" ".join)
def test_help_ends_with_the_exit_status(command: list[str], capsys: Captured) -> None:
    assert main([*command, "--help"]) == 0
    help_, status = capsys.readouterr().out.split("\n  Exit status:\n")
    assert help_.startswith(f"Usage: leakguard {' '.join(command)} [OPTIONS]")
    assert all(line.startswith("    ") for line in status.rstrip().splitlines())
    assert status.split()[0] in {"0", "0-255"}


# Usage.


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "leakguard: missing command"),
        (["msk"],
         f"leakguard: no such command: msk, only {', '.join(NAMES)} (did you mean mask?)"),
        (["rules"], "leakguard rules: missing command"),
        (["rules", "shw"], "leakguard rules: no such command 'shw'. Did you mean 'show'?"),
        (["rules", "show"], "leakguard rules show: missing ID"),
        (["run"], "leakguard run: missing COMMAND"),
        (["run", "--"], "leakguard run: missing COMMAND"),
        (["scan", "--job", "x"],
         "leakguard scan: no such option: --job (did you mean --jobs?)"),
        (["mask", "--mask"], "leakguard mask: option '--mask' requires an argument"),
        (["mask", "--commands", "of"], "leakguard: --commands: 'of' is not one of auto, on, off"
         " (did you mean off?)"),
        (["mask", "--min-confidence", "sure"], "leakguard: --min-confidence: 'sure' is not one of"
         " known, certain, likely, possible"),
        (["mask", "--min-length", "0"],
         "leakguard: --min-length: '0' is not a whole number from 1"),
        (["mask", "--mask", ""],
         "leakguard: --mask: an empty mask would join what stands around a secret"),
        (["mask", "--mask", "a\nb"],
         "leakguard: --mask: no control characters, and nothing that a CI system may obey"),
        (["mask", "--mask", "::x"],
         "leakguard: --mask: no control characters, and nothing that a CI system may obey"),
        *(
            (["mask", "--mask", mask],
             "leakguard: --mask: no control characters, and nothing that a CI system may obey")
            for mask in ("a:", ":a", "#", "a#b", "50%", " a", "MASK", "error x", "vso", ".", "-")
        ),
        (["mask", "--mask", " "],
         "leakguard: --mask: an empty mask would join what stands around a secret"),
        (["mask", "--mask", "x", "--label"], "leakguard: --mask and --label contradict each other"),
        (["mask", "--no-secrets", "--secrets", "auto"],
         "leakguard: --no-secrets and --secrets contradict each other"),
        (["mask", "--report", "json"], "leakguard: --report: 'json' is not FORMAT=FILE"),
        (["mask", "--report", "jsn=x"],
         f"leakguard: --report: 'jsn' is not one of {', '.join(FORMATS)} (did you mean json?)"),
        (["mask", "--report", "json=none/x"], "leakguard: --report: there is no directory none"),
        (["mask", "--report", "json=."], "leakguard: --report: . is a directory"),
        (["mask", "--report", "json=x", "--report", "text=./x"],
         "leakguard: --report: two reports cannot go to one file"),
        (["mask", "--add-rules", "none"],
         "leakguard: cannot read rules none: No such file or directory"),
        (["mask", "--secrets", "dotenv:none"],
         "leakguard: cannot read secrets file none: No such file or directory"),
        (["scan", "none"], "leakguard: no such file or directory: none"),
        (["scan", "--format", "xml"],
         f"leakguard: --format: 'xml' is not one of {', '.join(FORMATS)}"),
        (["scan", "--output", "none/x"], "leakguard: --output: there is no directory none"),
        (["scan", "--jobs", "0"], "leakguard: --jobs: '0' is not a whole number from 1"),
        (["scan", "--max-file-size", "10Q"],
         "leakguard: --max-file-size: '10Q' is not a size such as 512, 10M or 2G"),
        (["rules", "list", "--format", "xml"],
         "leakguard: --format: 'xml' is not one of text, json"),
        (["rules", "show", "githubpat"],
         "leakguard: no rule 'githubpat' (did you mean github-pat?)"),
        (["rules", "check", "."], "leakguard: cannot read rules .: Is a directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_wrong_command_line_is_told_in_one_line(
    arguments: Sequence[str],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.err == f"{line}\n"
    assert told.out == ""
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["mask", SECRET],
        ["mask", "--secrets", SECRET],
        ["mask", "--secrets", f"{SECRET}:x"],
        ["scan", f"--{SECRET}=x"],
        ["mask", "--secrets", "env:LOST", SECRET],
    ],
    ids=lambda arguments: " ".join(arguments).replace(SECRET, "VALUE"),
)
def test_a_value_in_the_wrong_place_is_not_repeated(
    arguments: Sequence[str], capsys: Captured
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    if arguments[0] == "mask":
        assert SECRET not in told


def test_a_mask_that_is_a_secret_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("API_TOKEN", SECRET)
    assert main(["mask", "--mask", f"<{SECRET}>"]) == 2
    assert capsys.readouterr().err == (
        "leakguard: --mask: the mask holds a secret, or what looks like one\n"
    )


# Failures.


class CanaryError(Exception):
    """An error whose message is a secret."""

    def __str__(self) -> str:
        return SECRET


@pytest.mark.parametrize(("command", "code"), [("mask", 125), ("scan", 4)])
def test_a_failure_of_ours_is_one_line_without_traceback_or_value(
    command: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def fail(*_: object) -> None:
        raise CanaryError

    monkeypatch.setenv("LEAKGUARD_DEBUG", "1")
    monkeypatch.setattr("leakguard.providers.load", fail)
    assert main([command]) == code
    assert capsys.readouterr().err == "leakguard: internal error (CanaryError)\n"


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("leakguard.scanner.scan_origins", interrupt)
    assert main(["scan"]) == 130
    assert capsys.readouterr().err == ""


def test_a_disk_without_room_is_a_failure() -> None:
    done = shell("$lg rules list > /dev/full; echo $?; echo x | $lg mask > /dev/full; echo $?")
    assert done.stdout == b"4\n125\n"
    assert done.stderr == (
        b"leakguard: No space left on device\nleakguard: cannot write: No space left on device\n"
    )


def test_a_reader_that_goes_away_is_no_failure() -> None:
    done = shell("$lg rules list | true; echo ${PIPESTATUS[0]}; yes | $lg mask | head -1; "
                 "echo ${PIPESTATUS[1]}")  # fmt: skip
    assert done.stdout == b"0\ny\n0\n"
    assert done.stderr == b""


def test_a_closed_output_is_a_usage_error() -> None:
    done = shell("$lg rules list >&-; echo $? >&2")
    assert done.stderr == b"leakguard: standard output is closed\n2\n"


# Mask.


def test_mask_masks_every_form_and_leaves_the_rest_as_it_is() -> None:
    text = f"a {SECRET}\r\n\x00\xff {SECRET.encode().hex()} ".encode("latin-1")
    done = leakguard("mask", stdin=text, API_TOKEN=SECRET)
    assert (done.stdout, done.stderr, done.returncode) == (b"a ***\r\n\x00\xff *** ", b"", 0)


@pytest.mark.parametrize(
    ("options", "masked"),
    [
        ([], b"-***-"),
        (["--mask", "[gone]"], b"-[gone]-"),
        (["--label"], b"-[MASKED:API_TOKEN:raw]-"),
        (["--no-secrets"], b"-" + SECRET.encode() + b"-"),
        (["--secrets", "env:OTHER"], b"-" + SECRET.encode() + b"-"),
        (["--secrets", "env:API_*"], b"-***-"),
        (["--min-length", "17"], b"-" + SECRET.encode() + b"-"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mask_does_as_its_options_say(options: list[str], masked: bytes) -> None:
    done = leakguard(
        "mask", *options, stdin=f"-{SECRET}-".encode(), API_TOKEN=SECRET, OTHER="Hu3b" * 5
    )
    assert (done.stdout, done.returncode) == (masked, 0)


def test_mask_masks_unregistered_credentials_unless_told_not_to() -> None:
    body = "MC4CAQAwBQYDK2VwBCIEIJ" + "kWq0Zt7LxR5sVb2nYc8Hf3" * 2
    text = ("-----BEGIN " + f"PRIVATE KEY-----\n{body}\n-----END " + "PRIVATE KEY-----\n").encode()
    assert body.encode()[:8] not in leakguard("mask", stdin=text).stdout
    assert leakguard("mask", "--no-rules", stdin=text).stdout == text


ACME = (
    '[[rules]]\nid = "acme"\ndescription = "Acme"\nkeywords = ["acme_"]\nregex = "acme_[0-9]{8}"\n'
)


@pytest.mark.parametrize("options", [[], ["--no-rules"]], ids=["with built-in", "alone"])
def test_mask_takes_rules_of_your_own(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(ACME)
    done = leakguard(
        "mask", "--add-rules", tmp_path / "own.toml", *options, stdin=b"acme_83719462 acme_8"
    )
    assert done.stdout == b"*** acme_8"


def test_mask_names_what_it_does_not_protect_once() -> None:
    done = leakguard("mask", stdin=b"Vq7 Vq7", API_TOKEN=SECRET[:3])
    assert done.stdout == b"Vq7 Vq7"
    assert done.stderr == b"leakguard: not protected: API_TOKEN (shorter than 6 bytes)\n"


def test_mask_counts_by_name_and_form() -> None:
    text = f"{SECRET} {SECRET} {SECRET.encode().hex()}".encode()
    done = leakguard("mask", "--stats", stdin=text, API_TOKEN=SECRET)
    assert done.stderr.decode().splitlines() == [
        "leakguard: NAME       KIND    FORM  STREAM  FIRST  MASKED",
        "leakguard: API_TOKEN  secret  raw   stdin   1:1    2",
        "leakguard: API_TOKEN  secret  hex   stdin   1:35   1",
        "leakguard: in all                                  3",
    ]


@pytest.mark.parametrize(("text", "code"), [(SECRET, 1), ("nothing", 0)])
def test_mask_fails_on_a_leak_when_asked_to(text: str, code: int) -> None:
    done = leakguard("mask", "--fail-on-leak", stdin=text.encode(), API_TOKEN=SECRET)
    assert done.returncode == code


def test_mask_reports_what_it_masked_and_where(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    text = f"one\ntwo {SECRET}\n{SECRET}\n".encode()
    done = leakguard(
        "mask", "--report", f"json={report}", stdin=text, API_TOKEN=SECRET, LEAKGUARD_KEY="k" * 32
    )
    assert done.returncode == 0
    document = json.loads(report.read_bytes())
    [finding] = document["findings"]
    assert SECRET not in report.read_text()
    assert document["stats"] == {"masked": 2}
    assert (finding["path"], finding["line"], finding["column"]) == ("stdin", 2, 5)
    assert (finding["name"], finding["kind"], finding["encoding"]) == ("API_TOKEN", "secret", "raw")
    assert (finding["confidence"], finding["description"]) == ("known", "value of API_TOKEN")


ADD_MASK = b"::add-mask::" + SECRET.encode() + b"\n" + SECRET.encode() + b"\n"


@pytest.mark.parametrize(
    ("options", "environ", "masked"),
    [
        pytest.param([], {}, ADD_MASK, id="auto elsewhere"),
        pytest.param([], {"GITHUB_ACTIONS": "true"}, ADD_MASK[:29] + b"***\n", id="auto GitHub"),
        pytest.param([], {"TF_BUILD": "True"}, b"***\n", id="auto Azure, which would print it"),
        pytest.param(["--commands", "on"], {}, b"***\n", id="on"),
        pytest.param(["--commands", "off"], {"GITHUB_ACTIONS": "true"}, ADD_MASK, id="off"),
    ],
)
def test_mask_honors_commands_in_the_stream(
    options: list[str], environ: dict[str, str], masked: bytes
) -> None:
    assert leakguard("mask", *options, stdin=ADD_MASK, **environ).stdout == masked


def test_mask_starts_without_what_it_does_not_need() -> None:
    script = (
        "import sys; from leakguard.cli import main; main(['mask', '--label'])\n"
        "heavy = 'pydantic rich orjson docker leakguard.scanner leakguard.unpack'.split()\n"
        "print(*(name for name in heavy if name in sys.modules))"
    )
    done = subprocess.run(  # noqa: S603  # as written above
        [sys.executable, "-c", script], input=b"", capture_output=True, check=True, env=ENVIRON
    )
    assert done.stdout == b"\n"


# Run.


def test_run_masks_both_streams_apart_and_returns_the_code_of_the_command() -> None:
    script = "echo out $API_TOKEN; echo err $API_TOKEN >&2; exit 37"
    done = leakguard("run", "--", "sh", "-c", script, API_TOKEN=SECRET)
    assert (done.stdout, done.stderr, done.returncode) == (b"out ***\n", b"err ***\n", 37)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["--", "printf", "%s ", "--label", "--", "-x"], b"--label -- -x "),
        (["printf", "%s ", "--label", "--", "-x"], b"--label -- -x "),
        (["--label", "printf", "%s ", "--help"], b"--help "),
    ],
)
def test_run_leaves_the_words_of_the_command_alone(arguments: list[str], printed: bytes) -> None:
    assert leakguard("run", *arguments).stdout == printed


@pytest.mark.parametrize(
    ("script", "options", "code"),
    [
        ("echo $API_TOKEN", ["--fail-on-leak"], 1),
        ("echo $API_TOKEN >&2; exit 5", ["--fail-on-leak"], 5),
        ("echo nothing", ["--fail-on-leak"], 0),
        ("echo $API_TOKEN", [], 0),
        ("kill -TERM $$", [], 143),
    ],
)
def test_run_returns_the_code_that_tells_most(script: str, options: list[str], code: int) -> None:
    done = leakguard("run", *options, "--", "sh", "-c", script, API_TOKEN=SECRET)
    assert done.returncode == code


def test_run_returns_what_a_shell_would_when_there_is_nothing_to_run(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    assert leakguard("run", "no-such-command").returncode == 127
    assert leakguard("run", tmp_path / "text").returncode == 126


def test_run_starts_nothing_when_secrets_cannot_be_loaded(tmp_path: Path) -> None:
    done = leakguard("run", "--secrets", "json:none", "--", "touch", tmp_path / "ran")
    assert done.returncode == 2
    assert not (tmp_path / "ran").exists()


def test_run_reports_each_stream(tmp_path: Path) -> None:
    script = "echo $API_TOKEN; echo x $API_TOKEN >&2"
    report = tmp_path / "report"
    leakguard("run", f"--report=json={report}", "--", "sh", "-c", script, API_TOKEN=SECRET)
    found = json.loads(report.read_bytes())["findings"]
    assert [(one["path"], one["column"]) for one in found] == [("stdout", 1), ("stderr", 3)]


# Scan.


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a directory with a secret in a file and in an archive, and a file without any."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "config.env").write_text(f"A=1\nB={SECRET}\n")
    (tmp_path / "clean.txt").write_text("nothing to see")
    with tarfile.open(tmp_path / "dist.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "app" / "config.env", "config.env")
    return tmp_path


TREE_REPORT = """\
app/config.env
  2:3  known  API_TOKEN  raw  value of API_TOKEN

dist.tar.gz!config.env
  2:3  known  API_TOKEN  raw  value of API_TOKEN

2 findings in 2 files, 0 skips, 3 files searched
"""


@pytest.mark.parametrize("arguments", [[], ["."], ["--jobs", "1"], ["--jobs", "3"]])
def test_scan_tells_where_secrets_are(
    arguments: list[str], tree: Path, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    monkeypatch.setenv("API_TOKEN", SECRET)
    monkeypatch.chdir(tree)
    assert main(["scan", *arguments]) == 1
    assert capfd.readouterr() == (TREE_REPORT, "")


def test_scan_reads_standard_input(tree: Path) -> None:
    done = leakguard("scan", "-", stdin=(tree / "dist.tar.gz").read_bytes(), API_TOKEN=SECRET)
    assert done.returncode == 1
    assert done.stdout.startswith(b"-!config.env\n  2:3  known  API_TOKEN  raw")


@pytest.mark.parametrize(
    ("paths", "options", "code"),
    [
        pytest.param(["clean.txt"], [], 0, id="clean"),
        pytest.param(["app"], [], 1, id="findings"),
        pytest.param(["cut.gz", "app"], [], 1, id="findings and incomplete"),
        pytest.param(["cut.gz"], [], 3, id="incomplete"),
        pytest.param(["cut.gz"], ["--allow-incomplete"], 0, id="allowed"),
        pytest.param(["app"], ["--exclude", "*.env"], 0, id="excluded"),
        pytest.param(["clean.tgz"], [], 0, id="clean archive"),
        pytest.param(["clean.tgz"], ["--max-depth", "1"], 3, id="too deep"),
        pytest.param(["clean.txt"], ["--max-file-size", "4"], 3, id="too large"),
        pytest.param(["app"], ["--no-secrets"], 0, id="no secrets"),
    ],
)
def test_scan_ends_with_the_code_of_what_it_found(
    paths: list[str],
    options: list[str],
    code: int,
    tree: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tarfile.open(tree / "clean.tgz", "w:gz") as archive:
        archive.add(tree / "clean.txt", "clean.txt")
    (tree / "cut.gz").write_bytes((tree / "clean.tgz").read_bytes()[:-20])
    monkeypatch.setenv("API_TOKEN", SECRET)
    monkeypatch.chdir(tree)
    assert main(["scan", *paths, *options]) == code


def test_scan_writes_all_the_reports_that_it_is_asked_for(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    monkeypatch.setenv("API_TOKEN", SECRET)
    monkeypatch.chdir(tree)
    arguments = ["--format", "json", "--output", "out.json", "--report", "text=out.txt"]
    assert main(["scan", "app", *arguments]) == 1
    assert capfd.readouterr() == ("", "")
    assert json.loads(Path("out.json").read_bytes())["findings"][0]["line"] == 2
    assert Path("out.txt").read_text().startswith("app/config.env\n")


def test_scan_colors_only_what_a_terminal_shows(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    monkeypatch.setenv("API_TOKEN", SECRET)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["scan", str(tree / "app")]) == 1
    assert "\x1b[31mknown\x1b[0m" in capfd.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["scan", str(tree / "app")]) == 1
    assert "\x1b" not in capfd.readouterr().out


# Secrets and rules.


def test_secrets_list_tells_forms_and_reasons_and_never_a_value(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("API_TOKEN", SECRET)
    monkeypatch.setenv("DB_PASSWORD", "abc")
    assert main(["secrets", "list", "--format", "json"]) == 0
    told = capsys.readouterr().out
    protected, short = json.loads(told)
    assert (protected["name"], protected["protected"], protected["reason"]) == (
        "API_TOKEN",
        True,
        "",
    )
    assert (protected["strength"], protected["parts"]) == ("strong", [])
    assert {"raw", "base64", "hex"} < protected["forms"].keys()
    assert short == {
        "name": "DB_PASSWORD",
        "protected": False,
        "strength": "",
        "reason": "shorter than 6 bytes",
        "forms": {},
        "parts": [],
    }
    assert main(["secrets", "list"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["NAME", "PROTECTED", "STRENGTH", "REASON", "FORMS"]
    assert table[2] == "DB_PASSWORD  no                   shorter than 6 bytes"
    assert SECRET not in told
    assert SECRET not in table[1]


def test_secrets_list_tells_the_parts_of_a_secret_below_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://app:hunter-blue@db.internal.example/orders")
    assert main(["secrets", "list"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows[0][:3] == ["DATABASE_URL", "yes", "weak"]
    assert rows[1:] == [["password", "yes"], ["user", "no", "looks", "like", "a", "name"]]


def test_secrets_list_says_what_its_formats_are(capsys: Captured) -> None:
    assert main(["secrets", "list", "--format", "yaml"]) == 2
    assert "'yaml' is not one of text, json" in capsys.readouterr().err


def test_rules_list_tells_every_rule(capsys: Captured) -> None:
    assert main(["rules", "list", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    known = {rule["id"]: rule for rule in listed}
    assert len(listed) == len(known) >= 40
    assert known["github-pat"] == {
        "id": "github-pat",
        "vendor": "GitHub",
        "confidence": "certain",
        "description": "GitHub personal access token (classic)",
    }


def test_rules_show_tells_all_of_one(capsys: Captured) -> None:
    assert main(["rules", "show", "github-pat"]) == 0
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert shown["id"] == "github-pat"
    assert shown["keywords"] == "ghp_"
    assert shown["check"] == "crc32-base62"


def test_rules_check_holds_the_built_in_rules_against_their_examples(capsys: Captured) -> None:
    assert main(["rules", "check"]) == 0
    assert re.fullmatch(r"[\d,]+ rules, [\d,]+ examples, ok\n", capsys.readouterr().out)


def test_rules_check_tells_every_fault_with_its_line(tmp_path: Path, capsys: Captured) -> None:
    own = tmp_path / "own.toml"
    own.write_text(ACME + 'examples = ["acme_<digits:7>"]\n\n[[rules]]\nid = "b"\n')
    assert main(["rules", "check", str(own)]) == 2
    assert capsys.readouterr().out.splitlines() == [
        f"{own}:6: rule 'acme': example 1 is not found",
        f"{own}:8: rule 'b': 'description' is missing",
    ]
    own.write_text(ACME + 'examples = ["acme_<digits:8>"]\n')
    assert main(["rules", "check", str(own)]) == 0
    assert capsys.readouterr().out == "1 rule, 1 example, ok\n"


def test_a_rule_that_does_not_compile_stops_everything(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(ACME.replace("{8}", "{8" + "}("))
    done = leakguard("mask", "--add-rules", own, stdin=SECRET.encode())
    assert (done.stdout, done.returncode) == (b"", 2)
    assert done.stderr.decode().startswith(f"leakguard: {own}:5: rule 'acme': ")


# Reading from a terminal.


def test_mask_says_that_it_reads_from_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(os, "isatty", lambda descriptor: descriptor == 0)
    monkeypatch.setattr(pipe, "pump", lambda *_: 0)
    assert main(["mask"]) == 0
    assert capsys.readouterr().err == "leakguard: reading from the terminal; end it with Ctrl-D\n"
