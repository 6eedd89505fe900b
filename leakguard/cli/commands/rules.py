"""`leakguard rules`: what unregistered credentials look like, and whether rules hold together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from typer import Argument

from leakguard import rules
from leakguard.cli import console
from leakguard.cli.command import application, command
from leakguard.cli.options import Ruleset, text_of
from leakguard.cli.tables import Tabular
from leakguard.cli.wording import hint
from leakguard.errors import ExitCode, UsageError
from leakguard.reports.text import counted
from leakguard.rules import Rule

_STATUS = {"0": "done", "2": "usage or configuration", "4": "leakguard failed"}
_CHECKED = {"0": "every rule holds", "2": "a rule does not, or usage", "4": "leakguard failed"}

app = application(help="Show and check rules.")


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
        str, Argument(metavar="[FILE]", help="Rules of your own; the built-in ones by default.")
    ] = "",
) -> int:
    """Hold rules against their own examples and counterexamples."""
    files = [(file, text_of(file))] if file else rules.ruleset()
    if problems := [problem for name, text in files for problem in rules.problems(text, name)]:
        console.write(f"{problem}\n".encode() for problem in problems)
        return ExitCode.USAGE
    loaded = [rule for name, text in files for rule in rules.load(text, name)]
    console.write([f"{_summary(loaded)}\n".encode()])
    return ExitCode.OK


def _fields(rule: Rule) -> Iterator[tuple[str, object]]:
    yield "id", rule.id
    yield "vendor", rule.vendor
    yield "description", rule.description
    yield "confidence", rule.best.label
    yield "check", rule.check or "none"
    yield "keywords", " ".join(word.decode() for word in rule.keywords)
    yield "regex", rule.regex.decode()
    yield "window", f"{rule.before} bytes before the keyword, {rule.reach} from it on"
    yield "entropy", rule.entropy
    yield "remediation", rule.remediation


def _summary(loaded: Sequence[Rule]) -> str:
    examples = sum(len(rule.examples) + len(rule.counterexamples) for rule in loaded)
    return f"{counted(len(loaded), 'rule')}, {counted(examples, 'example')}, ok"
