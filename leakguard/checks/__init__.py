"""What the bytes of a credential prove without a network: checksums and structure, by name.

A check is an entry in the table `CHECKS` of a module of this package, one module for each family;
to add one, add an entry. Rules name it, and it says whether the bytes hold, what they tell offline
(an account, when it expires, whose it is), and, for examples, with which bytes a head would hold.

What is told has one of these names, so that reports can be searched for them: `account`,
`algorithm`, `app`, `audience`, `bits`, `bot`, `cell`, `cipher`, `client`, `cluster`, `comment`,
`created`, `curve`, `encrypted`, `expires`, `format`, `group`, `issued`, `issuer`, `key`, `key_id`,
`name`, `organization`, `owner`, `permissions`, `project`, `project_id`, `public_key`, `region`,
`resource`, `role`, `scope`, `service`, `subject`, `user`, `version`, `workspace`.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from leakguard.checks.check import Check, Details, Digits, Facts, Proof
from leakguard.checks.digits import entropy

__all__ = ["CHECKS", "COMPLETIONS", "Check", "Details", "Digits", "Facts", "Proof", "entropy"]

T = TypeVar("T")


class _OnDemand(Mapping[str, T]):
    """A table that is made when it is first looked into: in most streams no rule ever asks."""

    def __init__(self, entries: Callable[[], Iterator[tuple[str, T]]]) -> None:
        self._table = functools.cache(lambda: dict(entries()))

    def __getitem__(self, name: str) -> T:
        return self._table()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table())

    def __len__(self) -> int:
        return len(self._table())


def _checks() -> Iterator[tuple[str, Check]]:
    for info in pkgutil.iter_modules(__path__, f"{__name__}."):
        table: Mapping[str, Check] = getattr(importlib.import_module(info.name), "CHECKS", {})
        yield from table.items()


def _completions() -> Iterator[tuple[str, Digits]]:
    return ((name, check.completion) for name, check in CHECKS.items() if check.complete)


CHECKS: Mapping[str, Check] = _OnDemand(lambda: iter(sorted(_checks())))
"""Every check by the name that rules use."""

COMPLETIONS: Mapping[str, Digits] = _OnDemand(_completions)
"""By check: from the head of a secret to the bytes that follow it, or nothing where none can."""
