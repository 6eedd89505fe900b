"""`leakguard rules`: what unregistered credentials look like, and whether rules hold together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from leakguard import config, reports, rules
from leakguard.cli import console, reporting
from leakguard.cli.command import application, command
from leakguard.cli.options import Ruleset, text_of
from leakguard.cli.tables import Tabular
from leakguard.cli.wording import hint
from leakguard.config.files import KEYS
from leakguard.errors import ExitCode, UsageError
from leakguard.reports.text import counted
from leakguard.rules import Rule, gitleaks
from leakguard.rules.lines import Lines
from leakguard.rules.review import Remark, review

_STATUS = {"0": "done", "2": "usage or configuration", "4": "leakguard failed"}
_OTHER_KEYS = frozenset(KEYS) - {"allow", "rules"}
_CHECKED = {"0": "every rule holds", "2": "a rule does not, or usage", "4": "leakguard failed"}

app = application(help="Show, check and import rules.")


@command(app, _STATUS, name="list")
def list_(ruleset: Ruleset, tabular: Tabular) -> int:
    """List the rules in use."""
    rows = [(rule.id, rule.vendor, rule.best.label, rule.description) for rule in ruleset.load()]
    console.write(tabular.render(("id", "vendor", "confidence", "description"), rows))
    return ExitCode.OK


@command(app, _STATUS)
def show(
    identifier: Annotated[str, Argument(metavar="ID", help="The id of a rule.")], ruleset: Ruleset
) -> int:
    """Show all of one rule."""
    known = {rule.id: rule for rule in ruleset.load()}
    if identifier not in known:
        raise UsageError(f"no rule {identifier!r}{hint(identifier, known)}")
    console.write(f"{name:<14}{value}\n".encode() for name, value in _fields(known[identifier]))
    return ExitCode.OK


@command(app, _CHECKED)
def check(
    file: Annotated[
        str,
        Argument(
            metavar="[FILE]",
            help="Rules of your own, a configuration, or one of gitleaks; the built-in rules by "
            "default.",
        ),
    ] = "",
) -> int:
    """Hold rules against their own examples and counterexamples.

    Told as well are regexes that could take too long, keywords where no match can begin, rules that
    are there twice, and, as a note, other rules that find the same examples.
    """
    texts = [_rules_of(file)] if file else rules.ruleset()
    ignored = _OTHER_KEYS if file else ()
    told = [each for name, text in texts for each in rules.problems(text, name, ignored=ignored)]
    if told:
        console.write(f"{problem}\n".encode() for problem in told)
        return ExitCode.USAGE
    loaded = [rule for name, text in texts for rule in rules.load(text, name, ignored=ignored)]
    remarks = list(review(loaded, rules.builtin_rules() if file else ()))
    console.write(f"{_remark(each, texts)}\n".encode() for each in remarks if file or each.is_fault)
    if any(each.is_fault for each in remarks):
        return ExitCode.USAGE
    console.write([f"{_summary(loaded)}\n".encode()])
    return ExitCode.OK


@command(app, _STATUS, name="import")
def import_(
    file: Annotated[str, Argument(metavar="FILE", help="A configuration of gitleaks.")],
    output: Annotated[
        str, Option("--output", metavar="FILE", help="Write there instead of standard output.")
    ] = "-",
) -> int:
    """Write the rules of a gitleaks configuration as a file of rules for leakguard.

    What it extends is not written with it. Limits that were put to a rule are told above it.
    """
    made = gitleaks.translate(text_of(file), file).encode()
    if output == "-":
        console.write([made])
    else:
        reports.save([made], reporting.writable("--output", output))
    return ExitCode.OK


def _rules_of(file: str) -> tuple[str, str]:
    """Return name and text of a file with rules, in our words.

    Raises:
        UsageError: If it cannot be read, or is a configuration that does not hold together.
    """
    text = text_of(file)
    document = Lines(file, text).document()
    if gitleaks.is_gitleaks(Path(file).name, document):
        return file, gitleaks.translate(text, file)
    if not _OTHER_KEYS.isdisjoint(document):
        config.load(file)
    return file, text


def _remark(remark: Remark, texts: Sequence[tuple[str, str]]) -> str:
    places = (Lines(name, text).place(remark.rule, remark.key) for name, text in texts)
    note = "" if remark.is_fault else "note: "
    return f"{next(filter(None, places), '')}: rule '{remark.rule}': {note}{remark.text}"


def _fields(rule: Rule) -> Iterator[tuple[str, object]]:
    yield "id", rule.id
    yield "vendor", rule.vendor
    yield "description", rule.description
    yield "confidence", rule.best.label
    yield "check", rule.check or "none"
    yield "keywords", " ".join(word.decode() for word in rule.keywords)
    yield "regex", rule.regex.decode()
    if rule.path:
        yield "path", rule.path.decode()
    yield "window", f"{rule.before} bytes before the keyword, {rule.reach} from it on"
    yield "entropy", rule.entropy
    yield "remediation", rule.remediation


def _summary(loaded: Sequence[Rule]) -> str:
    examples = sum(len(rule.examples) + len(rule.counterexamples) for rule in loaded)
    return f"{counted(len(loaded), 'rule')}, {counted(examples, 'example')}, ok"
