"""What all rules cost beside the first forty, and how long a sieve for them takes to be there.

python bench/rules.py
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable

from measure import STDLIB

from leakguard import Confidence, Matcher, Rule, builtin_rules
from leakguard.scanner import scan

FIRST = 40
PACKAGES = "site-packages"
TURNS = 5


def seconds(action: Callable[..., object], *given: object) -> float:
    """Return the wall time of one call."""
    start = time.perf_counter()
    action(*given)
    return time.perf_counter() - start


def matcher(rules: tuple[Rule, ...]) -> Matcher:
    """Return a matcher that is ready to search."""
    made = Matcher((), rules, min_confidence=Confidence.LIKELY)
    made.prepare()
    return made


def beside_the_first(rules: tuple[Rule, ...]) -> None:
    """Print what matching and scanning cost with all rules and with the first of them."""
    files = [file for file in sorted(STDLIB.rglob("*.py")) if PACKAGES not in file.parts]
    modules = [file.read_bytes() for file in files]
    print(f"  {len(files)} modules, {sum(map(len, modules)) / 1e6:.1f} MB")
    few, many = matcher(rules[:FIRST]), matcher(rules)
    actions: dict[str, Callable[[Matcher], object]] = {
        "matching the library's modules": lambda made: [made.find(text) for text in modules],
        "scanning the library": lambda made: list(scan([STDLIB], made, exclude=[PACKAGES])),
    }
    for name, action in actions.items():
        turns = [[seconds(action, made) for made in (few, many)] for _ in range(TURNS)]
        first, all_of_them = map(statistics.median, zip(*turns, strict=True))
        print(
            f"  {name}: {first:.3f} s with {FIRST} rules, {all_of_them:.3f} s with {len(rules)},"
            f" ratio {all_of_them / first:.2f} (to reach: 1.5)"
        )


def start(rules: tuple[Rule, ...]) -> None:
    """Print how long sieves take to be there with an empty cache, and with a full one."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        cold = seconds(matcher, rules)
        cached = statistics.median(seconds(matcher, rules) for _ in range(TURNS))
    print(f"  sieves: {cold:.2f} s to compile (to reach: 3), {cached * 1000:.0f} ms from the cache")


if __name__ == "__main__":
    all_rules = builtin_rules()
    print(f"{len(all_rules)} rules")
    start(all_rules)
    beside_the_first(all_rules)
