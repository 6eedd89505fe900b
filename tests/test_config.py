"""The configuration: where it is looked for, what it can say, and what it cannot."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest

from leakguard import Masker, Matcher, config, rules
from leakguard.cli import main
from leakguard.config.files import KEYS
from leakguard.errors import UsageError
from leakguard.model import Confidence, Finding
from leakguard.rules.allow import OF_ALL
from leakguard.rules.files import KEYS as RULE_KEYS

TOKEN = "acme_" + "k3" * 8
RULE = """
[[rules]]
id = "acme-token"
description = "Acme token"
keywords = ["acme_"]
regex = 'acme_[0-9a-z]{16}'
stopwords = []
"""
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in a repository of its own, with no other secrets or configuration, and a cache."""
    for name in [each for each in os.environ if each.startswith("LEAKGUARD")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "work" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")


def write(name: str, text: str) -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def ids(loaded: config.Config) -> set[str]:
    return set(loaded.rules(rules.builtin_rules()))


def scanned(capsys: Captured, *arguments: str, code: int) -> list[str]:
    """Return the names of what a scan finds."""
    assert main(["scan", "--no-secrets", "--format", "json", "--no-progress", *arguments]) == code
    return [finding["name"] for finding in json.loads(capsys.readouterr().out)["findings"]]


# Where it is.


def test_it_is_found_upward_to_the_root_of_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    write("leakguard.toml", RULE)
    Path("a/b").mkdir(parents=True)
    monkeypatch.chdir("a/b")
    assert config.load().origin == str(Path.cwd().parents[1] / "leakguard.toml")


def test_it_is_not_looked_for_above_the_repository(tmp_path: Path) -> None:
    write(str(tmp_path / "leakguard.toml"), RULE)
    assert config.load().origin == ""


def test_without_a_repository_only_the_working_directory_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(str(tmp_path / "leakguard.toml"), RULE)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert config.load().origin == ""
    monkeypatch.chdir(tmp_path)
    assert config.load().origin == str(tmp_path / "leakguard.toml")


def test_it_is_never_taken_from_what_is_scanned(capsys: Captured) -> None:
    write("tree/leakguard.toml", 'disable = ["*"]\n')
    write("tree/a.txt", TOKEN)
    write("mine.toml", RULE)
    assert scanned(capsys, "tree", "--config", "mine.toml", code=1) == ["acme-token"]
    assert scanned(capsys, "tree", "--add-rules", "mine.toml", code=1) == ["acme-token"]


def test_the_environment_names_one_and_an_option_another(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.txt", TOKEN)
    write("one.toml", RULE)
    write("other.toml", RULE.replace("acme-token", "other-token"))
    monkeypatch.setenv("LEAKGUARD_CONFIG", "one.toml")
    assert scanned(capsys, "a.txt", code=1) == ["acme-token"]
    assert scanned(capsys, "a.txt", "--config", "other.toml", code=1) == ["other-token"]


# Rules.


def test_it_adds_rules_to_the_built_in_ones() -> None:
    write("leakguard.toml", RULE)
    assert ids(config.load()) == {rule.id for rule in rules.builtin_rules()} | {"acme-token"}


def test_a_rule_of_a_known_id_takes_its_place() -> None:
    write("leakguard.toml", RULE.replace("acme-token", "github-pat"))
    known = config.load().rules(rules.builtin_rules())
    assert known["github-pat"][0].regex == b"acme_[0-9a-z]{16}"


def test_it_disables_rules_by_globs_of_their_ids() -> None:
    write("leakguard.toml", 'disable = ["gitlab-*", "npm-token"]\n')
    gone = {rule.id for rule in rules.builtin_rules()} - ids(config.load())
    assert gone >= {"npm-token", "gitlab-pat"}
    assert all(name.startswith("gitlab-") or name == "npm-token" for name in gone)


def test_it_changes_some_keys_of_a_rule() -> None:
    write("leakguard.toml", '[override.github-pat]\nconfidence = "possible"\nstopwords = ["no"]\n')
    rule, origin = config.load().rules(rules.builtin_rules())["github-pat"]
    before = next(each for each in rules.builtin_rules() if each.id == "github-pat")
    assert (rule.confidence, rule.stopwords) == (Confidence.POSSIBLE, (b"no",))
    assert rule.regex == before.regex
    assert origin == f"built in, changed in {Path.cwd() / 'leakguard.toml'}"


def test_it_extends_others_in_order_and_has_the_last_word() -> None:
    write("base/one.toml", RULE + 'vendor = "One"\n')
    write("two.toml", 'extends = ["base/one.toml"]\n[override.acme-token]\nvendor = "Two"\n')
    write("leakguard.toml", 'extends = ["two.toml"]\nbuiltin = false\n')
    known = config.load().rules(rules.builtin_rules())
    assert [(name, rule.vendor) for name, (rule, _) in known.items()] == [("acme-token", "Two")]


GITLEAKS = """
title = "ours"
[extend]
useDefault = true
[allowlist]
stopwords = ["zq81mm"]
[[rules]]
id = "github-pat"
regex = '''(ghp|ght)_[0-9a-z]{16}'''
keywords = ["ghp_", "ght_"]
[[rules]]
id = "acme-token"
regex = '''acme_[0-9a-z]{16}'''
keywords = ["acme_"]
"""


def test_it_extends_a_configuration_of_gitleaks_beside_the_built_in_rules() -> None:
    write("gitleaks.toml", GITLEAKS)
    write("leakguard.toml", 'extends = ["gitleaks.toml"]\n')
    for _ in range(2):  # from the file, and then from the cache
        known = config.load().rules(rules.builtin_rules())
        assert {"github-pat", "gitleaks-github-pat", "acme-token"} <= set(known)
        assert known["gitleaks-github-pat"][0].keywords == (b"ghp_", b"ght_")


def test_what_gitleaks_allows_beside_its_default_is_allowed_for_ours() -> None:
    write("gitleaks.toml", GITLEAKS)
    write("leakguard.toml", 'extends = ["gitleaks.toml"]\n')
    rule, _ = config.load().rules(rules.builtin_rules())["url-password"]
    found = b"https://ci:Zq81mm92Kd@git.example/a"
    at = found.index(b"://")
    assert list(rule.matches(found, at)) == []
    assert [each[:2] for each in rule.matches(found.replace(b"Zq8", b"Rq8"), at)] == [(11, 21)]


@pytest.mark.parametrize("damage", [b"", b"x" * 100, b"\0" * 32 + b"[[rules]]\nid = 'x'\n"])
def test_a_cache_that_somebody_damaged_is_not_read(damage: bytes, tmp_path: Path) -> None:
    write("gitleaks.toml", GITLEAKS)
    write("leakguard.toml", 'extends = ["gitleaks.toml"]\n')
    before = ids(config.load())
    (cached,) = (tmp_path / "cache" / "leakguard").glob("translated-*")
    cached.write_bytes(damage)
    assert ids(config.load()) == before


def test_a_cache_that_others_can_write_is_not_read(tmp_path: Path) -> None:
    write("gitleaks.toml", GITLEAKS)
    write("leakguard.toml", 'extends = ["gitleaks.toml"]\n')
    config.load()
    (cached,) = (tmp_path / "cache" / "leakguard").glob("translated-*")
    cached.chmod(0o666)
    config.load()
    assert cached.stat().st_mode & 0o077 == 0


# What is allowed.


@pytest.mark.parametrize(
    ("entry", "left"),
    [
        pytest.param('rules = ["acme-*"]', [], id="a rule"),
        pytest.param('rules = ["other"]', ["acme-token"], id="another rule"),
        pytest.param('paths = ["tests"]', [], id="a directory"),
        pytest.param('paths = ["*.txt"]', [], id="a name"),
        pytest.param('paths = ["tests/a.*"]', [], id="a path"),
        pytest.param('paths = ["a"]', ["acme-token"], id="another path"),
        pytest.param("path_regexes = ['^tests/']", [], id="a path by regex"),
        pytest.param("values = ['^acme_k3']", [], id="a value"),
        pytest.param("values = ['k3k4']", ["acme-token"], id="another value"),
        pytest.param('stopwords = ["3K3"]', [], id="a word in the value"),
        pytest.param("matches = ['^acme']", [], id="a match"),
        pytest.param("lines = ['# fake$']", [], id="a line"),
        pytest.param("lines = ['other']", ["acme-token"], id="another line"),
        pytest.param("values = ['k3']\npaths = ['lib']", ["acme-token"], id="all of it must hold"),
        pytest.param("values = ['k3']\nrules = ['other']", ["acme-token"], id="for another rule"),
    ],
)
def test_what_is_allowed_is_not_found(entry: str, left: list[str], capsys: Captured) -> None:
    write("tests/a.txt", f"token = {TOKEN}  # fake\nother\n")
    write("leakguard.toml", f"[[allow]]\nreason = 'a fixture'\n{entry}\n{RULE}")
    assert scanned(capsys, "tests/a.txt", code=1 if left else 0) == left


def test_a_fingerprint_allows_the_value_wherever_it_is(capsys: Captured) -> None:
    write("a.txt", TOKEN)
    write("b.txt", f"x {TOKEN} {TOKEN[:-1]}4")
    write("leakguard.toml", RULE)
    main(["scan", "a.txt", "--no-secrets", "--format", "json"])
    fingerprint = json.loads(capsys.readouterr().out)["findings"][0]["fingerprint"]
    write("leakguard.toml", f'[[allow]]\nfingerprints = ["{fingerprint}"]\n{RULE}')
    assert scanned(capsys, "a.txt", "--config", "leakguard.toml", code=0) == []
    assert scanned(capsys, "b.txt", "--config", "leakguard.toml", code=1) == ["acme-token"]


def test_how_much_is_allowed_is_told(capsys: Captured) -> None:
    write("a.txt", f"{TOKEN}\n{TOKEN}")
    write("leakguard.toml", f'[[allow]]\npaths = ["a.txt"]\n{RULE}')
    assert main(["scan", "a.txt", "--no-secrets"]) == 0
    told = capsys.readouterr().err
    assert told == f"leakguard: allowed by {Path.cwd() / 'leakguard.toml'}: 2 findings\n"


def test_a_known_value_is_allowed_by_no_rule_and_no_pattern() -> None:
    write("leakguard.toml", "[[allow]]\nrules = ['*']\n[[allow]]\nvalues = ['.']\n")
    finding = Finding("a", 1, 1, 0, "DB", "secret", Confidence.KNOWN, "raw", "0" * 32, "", "")
    assert not config.load().allows(finding)


@pytest.mark.parametrize(
    ("entry", "allowed"),
    [('paths = ["a"]', True), (f'fingerprints = ["{"0" * 32}"]', True), ('paths = ["b"]', False)],
)
def test_a_known_value_is_allowed_by_its_place_and_its_fingerprint(
    entry: str,
    allowed: bool,  # noqa: FBT001  # a column of the table
) -> None:
    write("leakguard.toml", f"[[allow]]\n{entry}\n")
    finding = Finding("a", 1, 1, 0, "DB", "secret", Confidence.KNOWN, "raw", "0" * 32, "", "")
    assert config.load().allows(finding) is allowed


@pytest.mark.parametrize(
    ("entry", "masked"),
    [
        ("values = ['k3']", f"a={TOKEN};"),
        ("matches = ['^acme']", f"a={TOKEN};"),
        ("rules = ['acme-token']", f"a={TOKEN};"),
        ("lines = ['a=']", "a=***;"),
        ("paths = ['*']", "a=***;"),
    ],
)
def test_a_stream_lets_values_pass_and_knows_no_places(entry: str, masked: str) -> None:
    file = write("c.toml", f"[[allow]]\n{entry}\n{RULE}")
    loaded = config.load(str(file)).rules(rules.builtin_rules())
    masker = Masker(Matcher((), [rule for rule, _ in loaded.values()]))
    assert masker.feed(f"a={TOKEN};".encode()) + masker.flush() == masked.encode()


# What is wrong.


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('disabel = ["x"]', "1: 'disabel' is not known here (did you mean 'disable'?)"),
        ("[[rule]]\nid = 'x'", "1: 'rule' is not known here (did you mean 'rules'?)"),
        ("builtin = 1", "1: 'builtin' must be true or false"),
        ('extends = "a.toml"', "1: 'extends' must be a list of texts, none of them empty"),
        ('disable = ["github-pta"]', "1: 'disable': there is no rule 'github-pta' (did you mean"
         " 'github-pat'?)"),
        ("[override.github-pta]\nvendor = 'x'", "1: 'override': there is no rule 'github-pta' (did"
         " you mean 'github-pat'?)"),
        ("[override.github-pat]\nid = 'x'", "1: override 'github-pat': 'id' cannot be changed"),
        ("\n[override.github-pat]\nentropy = 9", "2: override 'github-pat': 'entropy' must be a"
         " number of bits from 0 to 8"),
        ("[[allow]]\nvalue = ['x']", "1: 'value' is no key of [[allow]]: there are fingerprints,"
         " rules, values, matches, lines, stopwords, paths, path_regexes, reason"),
        ("[[allow]]\nreason = 'x'", "1: [[allow]] must say what is allowed"),
        ("[[allow]]\nvalues = ['(']", "1: 'values': not a regex: missing ), unterminated subpattern"
         " at position 0"),
        ("[[allow]]\nvalues = ['(?:a+)+b']", "1: 'values': may take exponential time: (?:a+)+"),
        ("[[allow]]\nfingerprints = ['x']", "1: 'fingerprints' must be fingerprints as reports have"
         " them: 32 digits of 0-9a-f"),
        ("builtin = false", " no rules are left"),
        ("disable = ['*']", " no rules are left"),
        ("builtin", "1: not valid TOML: expected '=' after a key in a key/value pair"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_line(text: str, message: str, capsys: Captured) -> None:
    write("c.toml", text)
    assert main(["rules", "list", "--config", "c.toml"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"leakguard: c.toml:{message}\n"


def test_a_file_that_is_not_there_is_told(capsys: Captured) -> None:
    assert main(["rules", "list", "--config", "none.toml"]) == 2
    assert capsys.readouterr().err == (
        "leakguard: cannot read what --config or LEAKGUARD_CONFIG names: no such file\n"
    )


def test_a_configuration_that_extends_itself_is_told() -> None:
    write("a.toml", 'extends = ["b.toml"]')
    write("b.toml", 'extends = ["a.toml"]')
    with pytest.raises(UsageError, match=r"^b\.toml:1: 'extends': a\.toml extends itself$"):
        config.load("a.toml")


def test_one_that_was_found_reads_nothing_outside_of_its_repository(tmp_path: Path) -> None:
    outside = write(str(tmp_path / "outside.toml"), RULE)
    write("leakguard.toml", f'extends = ["{outside}"]\n')
    with pytest.raises(UsageError, match="lies outside of the repository"):
        config.load()
    assert "acme-token" in ids(config.load("leakguard.toml"))


def test_a_link_does_not_lead_it_outside(tmp_path: Path) -> None:
    Path("link.toml").symlink_to(write(str(tmp_path / "outside.toml"), RULE))
    write("leakguard.toml", 'extends = ["link.toml"]\n')
    with pytest.raises(UsageError, match="lies outside of the repository"):
        config.load()


# Options.


def test_options_have_defaults_for_all_commands_and_for_one(capsys: Captured) -> None:
    write("a.txt", TOKEN)
    text = '[options]\nmin-confidence = "certain"\n[options.scan]\nallow-incomplete = true\n'
    write("c.toml", text + RULE)
    assert scanned(capsys, "a.txt", "--config", "c.toml", code=0) == []
    over = ("--min-confidence", "likely")
    assert scanned(capsys, "a.txt", "--config", "c.toml", *over, code=1) == ["acme-token"]


def test_an_option_for_one_command_wins(capsys: Captured) -> None:
    write("a.txt", TOKEN)
    options = '[options]\nmin-confidence = "certain"\n[options.scan]\nmin-confidence = "likely"\n'
    write("leakguard.toml", options + RULE)
    assert scanned(capsys, "a.txt", code=1) == ["acme-token"]


def test_options_that_are_given_often_have_lists(capsys: Captured) -> None:
    write("a.txt", TOKEN)
    write("leakguard.toml", f'[options]\nexclude = ["*.txt"]\n{RULE}')
    assert scanned(capsys, ".", code=0) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("[options]\nmin-confidance = 'x'", "2: there is no option 'min-confidance' (did you mean"
         " min-confidence?)"),
        ("[options.scam]\njobs = 2", "1: there is no option 'scam' (did you mean scan?)"),
        ("[options.scan]\nlabel = true", "2: there is no option 'label'"),
        ("[options]\nexclude = 'x'", "2: option 'exclude' must be a list of texts"),
        ("[options]\nallow-incomplete = 1", "2: option 'allow-incomplete' must be true or false"),
        ("[options]\njobs = true", "2: option 'jobs' must be a text or a number"),
        ("options = 1", "1: 'options' must be a table: [options]"),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_is_told(options: str, message: str, capsys: Captured) -> None:
    write("c.toml", options)
    assert main(["scan", "--config", "c.toml"]) == 2
    assert capsys.readouterr().err.startswith(f"leakguard: c.toml:{message}")


@pytest.mark.parametrize(
    "option",
    ['output = "x"', 'report = ["json=x"]', 'secrets = ["env:X"]', "no-secrets = true",
     "min-length = 99", 'add-rules = ["x"]'],
)  # fmt: skip
def test_one_that_was_found_has_no_say_in_secrets_and_places(option: str, capsys: Captured) -> None:
    name = option.split()[0]
    write("leakguard.toml", f"[options]\n{option}\n")
    assert main(["scan"]) == 2
    assert capsys.readouterr().err == (
        f"leakguard: {Path.cwd() / 'leakguard.toml'}:2: option '{name}' counts only in a"
        " configuration that --config names\n"
    )
    assert not Path("x").exists()


# Commands.


def test_show_tells_where_each_part_comes_from(capsys: Captured) -> None:
    write("base.toml", RULE)
    write("c.toml", 'extends = ["base.toml"]\ndisable = ["npm-*"]\n[options]\njobs = 2\n')
    assert main(["config", "show", "--config", "c.toml"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:3] == ["configuration: c.toml", "  base.toml (named)", "  c.toml (named)"]
    assert "  1 base.toml" in shown
    assert "  disabled in c.toml: npm-*" in shown
    assert shown[-2:] == ["options:", "  jobs = 2 (c.toml)"]


def test_show_tells_that_there_is_none(capsys: Captured) -> None:
    assert main(["config", "show"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "configuration: none"
    assert shown[1] == f"rules: {len(rules.builtin_rules())}"


def test_the_schema_takes_what_is_read_and_nothing_else(capsys: Captured) -> None:
    assert main(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    valid = jsonschema.Draft202012Validator(schema).is_valid
    assert valid({"extends": ["x"], "options": {"jobs": 2, "scan": {"exclude": ["x"]}}})
    assert valid({"rules": [{"id": "a", "description": "b", "regex": "c", "keywords": ["abc"]}]})
    assert valid({"allow": [{"paths": ["a"]}], "override": {"a": {"entropy": 3}}})
    assert not valid({"colour": 1})
    assert not valid({"options": {"jbos": 2}})
    assert not valid({"allow": [{"path": ["a"]}]})
    assert not valid({"override": {"a": {"id": "b"}}})
    assert not valid({"rules": [{"id": "A", "description": "b"}]})


def test_the_schema_knows_every_key_of_a_rule(capsys: Captured) -> None:
    main(["config", "schema"])
    known = json.loads(capsys.readouterr().out)["properties"]["rules"]["items"]["properties"]
    assert set(known) == RULE_KEYS


def test_rules_of_gitleaks_are_imported_as_a_file_that_loads(capsys: Captured) -> None:
    write("gitleaks.toml", GITLEAKS)
    assert main(["rules", "import", "gitleaks.toml", "--output", "ours.toml"]) == 0
    assert main(["rules", "import", "gitleaks.toml"]) == 0
    text = Path("ours.toml").read_text(encoding="utf-8")
    assert capsys.readouterr().out == text
    assert [rule.id for rule in rules.load(text, "ours.toml")] == ["github-pat", "acme-token"]


EXAMPLE = 'examples = ["acme_<base36:16>"]\ncounterexamples = ["acme_"]\n'


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        pytest.param(RULE + EXAMPLE, 0, "1 rule, 2 examples, ok\n", id="all is well"),
        pytest.param(
            RULE.replace('"acme_"]', '"acme_", "amce_"]'), 2,
            "c.toml:5: rule 'acme-token': keyword 'amce_' is where no match can begin\n",
            id="a keyword in vain",
        ),
        pytest.param(
            RULE + RULE.replace("acme-token", "acme-again"), 2,
            "c.toml:13: rule 'acme-again': the regex is that of rule 'acme-token'\n",
            id="a rule that is there twice",
        ),
        pytest.param(
            RULE.replace("{16}", "{8,}") + EXAMPLE + RULE.replace("acme-token", "acme-other")
            + EXAMPLE, 0,
            "c.toml:17: rule 'acme-other': note: example 1 is found by rule 'acme-token', too\n"
            "2 rules, 4 examples, ok\n",
            id="a rule that another one overlaps",
        ),
        pytest.param(
            RULE.replace("[0-9a-z]{16}", "(?:a+)+b"), 2,
            "c.toml:6: rule 'acme-token': may take exponential time: (?:a+)+\n",
            id="a regex that takes too long",
        ),
    ],
)  # fmt: skip
def test_check_tells_what_is_wrong_with_rules(
    text: str, code: int, told: str, capsys: Captured
) -> None:
    write("c.toml", text)
    assert main(["rules", "check", "c.toml"]) == code
    assert capsys.readouterr().out == told


def test_check_reads_a_configuration_and_one_of_gitleaks(capsys: Captured) -> None:
    write("gitleaks.toml", GITLEAKS)
    write("c.toml", 'extends = ["gitleaks.toml"]\n' + RULE)
    assert main(["rules", "check", "c.toml"]) == 0
    assert main(["rules", "check", "gitleaks.toml"]) == 0
    assert capsys.readouterr().out.endswith("2 rules, 0 examples, ok\n")
    write("c.toml", 'extends = ["none.toml"]\n' + RULE)
    assert main(["rules", "check", "c.toml"]) == 2


@pytest.mark.parametrize("words", [["rules", "import"], ["config", "show"], ["config", "schema"]])
def test_help_ends_with_the_exit_status(words: list[str], capsys: Captured) -> None:
    assert main([*words, "--help"]) == 0
    assert "\n  Exit status:\n    0  done\n" in capsys.readouterr().out


DOCUMENT = Path(__file__).parent.parent / "docs" / "rules-format.md"
BLOCKS = re.findall(r"^```toml\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_what_the_document_shows_is_read(block: str) -> None:
    write("security/base.toml", RULE)
    write("gitleaks.toml", GITLEAKS.replace("acme-token", "generic-token"))
    write("leakguard.toml", block)
    assert "jwt" in ids(config.load())


def test_the_document_names_every_key() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [key for key in (*RULE_KEYS, *OF_ALL) if f"`{key}`" not in text] == []
    assert [key for key in KEYS if key not in text] == []
