"""Writes `docs/rules.md` from the rules that come with leakguard: `make docs`.

The page is never edited: what it says stands in `leakguard/ruleset`, and a test holds it to that.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from leakguard.rules import Rule, builtin_rules

PAGE = Path(__file__).parent / "rules.md"
_ANY = "Any vendor"
_HEAD = """# Rules

What leakguard finds without being told a value: {rules} rules for {vendors} vendors; those that
are for no single one stand at the end. `leakguard rules show ID` shows all of a rule, and
[rules-format.md](rules-format.md) tells how to change one, and how to add your own.

The confidence is the most that a finding is worth: `certain` when a checksum or a structure proves
it, `likely` when its shape is distinctive, `possible` when only what stands around it speaks for
it. A check needs no network; behind it stands what is left of a match when it fails. What is only
`possible` is shown with `--min-confidence possible`.

This page is made by `make docs` from the rules themselves.
"""


def page(rules: Sequence[Rule]) -> str:
    """Return the page about some rules."""
    ordered = sorted(rules, key=lambda rule: (not rule.vendor, rule.vendor.casefold(), rule.id))
    groups = itertools.groupby(ordered, key=lambda rule: rule.vendor)
    vendors = len({rule.vendor for rule in rules if rule.vendor})
    head = _HEAD.format(rules=len(rules), vendors=vendors)
    return "\n".join([head, *(_section(vendor, list(group)) for vendor, group in groups)])


def _section(vendor: str, rules: Sequence[Rule]) -> str:
    lines = [
        f"## {vendor or _ANY}",
        "",
        "| rule | finds | confidence | check |",
        "|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_row, rules), "", *_remediations(rules), ""])


def _row(rule: Rule) -> str:
    cells = (f"`{rule.id}`", _cell(rule.description), rule.best.label, _check(rule))
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _check(rule: Rule) -> str:
    if not rule.check:
        return ""
    left = f"`{rule.failed.label}`" if rule.failed else "nothing"
    return f"`{rule.check}`, else {left}"


def _remediations(rules: Sequence[Rule]) -> Iterator[str]:
    """Yield what to do about a leak: once, with the rules it is for where it is not for all."""
    by_text: dict[str, list[str]] = {}
    for rule in rules:
        by_text.setdefault(rule.remediation, []).append(f"`{rule.id}`")
    by_text.pop("", None)
    for text, ids in by_text.items():
        whose = "" if len(ids) == len(rules) else f"{', '.join(ids)}: "
        yield f"- {whose}{_cell(text)}"


if __name__ == "__main__":
    PAGE.write_text(page(builtin_rules()), encoding="utf-8")
