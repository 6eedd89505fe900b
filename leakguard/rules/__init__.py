"""What unregistered credentials look like: rules, read from TOML, one table each.

A rule is data, so a new one touches no code. Its regex is tried exactly where one of its keywords
lies, in a window of bounded size; its check, stop words and entropy decide what the match is worth:

    [[rules]]
    id = "acme-token"                          # lower-case words joined by "-"
    description = "Acme deploy token"
    keywords = ["acme_"]                       # literal, case counts; `ignore_case = true` adds
                                               # each in lower, UPPER and Title case
    regex = 'acme_(?P<secret>[0-9a-f]{32})'    # begins with the keyword (look-behinds may stand
                                               # in front); without the group, all is the secret
    before = 0                                 # bytes in front of the keyword to begin at instead
    reach = 512                                # bytes from the keyword on that may decide
    entropy = 3.0                              # bits for each byte of the secret, at least
    check = "crc32-hex"                        # a name from `leakguard.checks`; what it tells is
                                               # in the details of findings by itself
    preface = 0                                # bytes in front of the secret that it sees, too
    confidence = "likely"                      # what a match is worth when there is no check, or
                                               # one that cannot tell; what it is worth
    passed = "certain"                         # when its check holds,
    failed = "possible"                        # and when it does not; left out: no match
    stopwords = ["example"]                    # in lower case; left out: `PLACEHOLDERS`
    vendor = "Acme"                            # these two may also stand above the first table,
    remediation = "Revoke it in Acme."         # for all rules of the file
    examples = ["token=<secret>acme_<hex:24><check></secret>"]
    counterexamples = ["acme_<hex:31>"]

Examples are templates, so that no file holds what looks like a token. `<NAME:N>` stands for N
characters of an alphabet (`ALPHABETS`), the same at every run; `<check>` for the characters with
which the secret so far passes the rule's check; `<=f7ff>` for those bytes; `<secret>` and
`</secret>` mark the secret, which is the whole example when they are left out; `<<` is a `<`. An
example must give exactly its secret, at `confidence` or better, and one of them at the best that
the rule can reach; a counterexample must stay below `likely`, and out of sight if that is all that
the rule can reach.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from leakguard.errors import RuleError
from leakguard.rules.allow import Allow
from leakguard.rules.conditions import Conditions
from leakguard.rules.examples import ALPHABETS
from leakguard.rules.rule import PLACEHOLDERS, Rule
from leakguard.rules.stored import stored

__all__ = [
    "ALPHABETS",
    "PLACEHOLDERS",
    "Allow",
    "Conditions",
    "Rule",
    "builtin_rules",
    "load",
    "problems",
    "ruleset",
]


def load(text: str, origin: str, *, ignored: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Return the rules of a TOML file, each held against its own examples.

    Args:
        text: What the file holds.
        origin: What messages call it.
        ignored: Keys above the rules that are for others.

    Raises:
        RuleError: The first thing that is wrong, with its line.
    """
    from leakguard.rules.files import RuleFile  # noqa: PLC0415  # seldom: see `stored`

    return RuleFile(origin, text, ignored=frozenset(ignored)).rules()


def problems(text: str, origin: str, *, ignored: Iterable[str] = ()) -> tuple[str, ...]:
    """Return all that `load` has to say against a TOML file; empty when it would load."""
    from leakguard.rules.files import RuleFile  # noqa: PLC0415  # as above

    items = RuleFile(origin, text, ignored=frozenset(ignored)).items()
    return tuple(str(item) for item in items if isinstance(item, RuleError))


@functools.cache
def builtin_rules() -> tuple[Rule, ...]:
    """Return the rules that come with leakguard, by vendor.

    They are not held against their examples at every start: the tests have done so.
    """
    return stored(parsed)


def parsed() -> tuple[Rule, ...]:
    """Return the rules that come with leakguard, read from their files now."""
    from leakguard.rules.files import RuleFile  # noqa: PLC0415  # as above

    files = [RuleFile(origin, text, trusted=True) for origin, text in ruleset()]
    return tuple(rule for file in files for rule in file.rules())


def ruleset() -> tuple[tuple[str, str], ...]:
    """Return name and text of each file with built-in rules, in the order of their names."""
    from importlib import resources  # noqa: PLC0415  # a start reads what is stored instead

    folder = resources.files("leakguard") / "ruleset"
    files = {file.name: file for file in folder.iterdir() if file.name.endswith(".toml")}
    return tuple((name, files[name].read_text(encoding="utf-8")) for name in sorted(files))
