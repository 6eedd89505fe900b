"""The page about the rules says what the rules say."""

from __future__ import annotations

import runpy
from pathlib import Path

from leakguard.rules import Rule, builtin_rules, load

DOCS = Path(__file__).parent.parent / "docs"
RULES = """
vendor = "Acme"
remediation = "Revoke it | rotate it."

[[rules]]
id = "acme-token"
description = "Acme <deploy> token"
keywords = ["acme_"]
regex = 'acme_[0-9a-f]{32}'

[[rules]]
id = "acme-key"
description = "Acme key"
keywords = ["ackey_"]
regex = 'ackey_[0-9A-Za-z]{36}'
check = "crc32-base62"
failed = "possible"
remediation = "Delete it."
"""
SECTION = """## Acme

| rule | finds | confidence | check |
|---|---|---|---|
| `acme-key` | Acme key | certain | `crc32-base62`, else `possible` |
| `acme-token` | Acme &lt;deploy> token | likely |  |

- `acme-key`: Delete it.
- `acme-token`: Revoke it \\| rotate it.
"""


def page(rules: tuple[Rule, ...]) -> str:
    """Return what the script beside the page writes."""
    written: str = runpy.run_path(str(DOCS / "rules_page.py"))["page"](rules)
    return written


def test_the_page_about_the_rules_is_current() -> None:
    told = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert told == page(builtin_rules()), "run `make docs`"


def test_a_vendor_has_a_table_and_says_what_to_do_about_a_leak() -> None:
    assert page(load(RULES, "acme.toml")).endswith(SECTION)
