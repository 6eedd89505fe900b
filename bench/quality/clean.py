"""What is found in code that everybody has: how much, by which rules, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from .downloads import trees
from .scanners import Found


def measure(scanners: Mapping[str, Callable[[Path], list[Found]]]) -> Iterator[str]:
    """Yield the lines of a report: counts at default and at `possible`, then our findings."""
    there = trees()
    found = {
        name: {tree: scan(path) for tree, path in there.items()} for name, scan in scanners.items()
    }
    yield "findings at default and at `possible`"
    yield f"  {'':24}" + "".join(f"{name:>16}" for name in found)
    for tree, path in there.items():
        counts = (_counts(each[tree]) for each in found.values())
        yield f"  {tree:10}{_size(path):>14}" + "".join(f"{low:9} {high:6}" for low, high in counts)
    for name, by_tree in found.items():
        yield f"{name}, by rule"
        yield from _by_rule(
            [each for tree, all_ in by_tree.items() if tree != "archives" for each in all_]
        )
    yield "leakguard, each"
    for tree, all_ in found["leakguard"].items():
        for each in sorted(
            all_, key=lambda each: (not each.default, each.rule, each.path, each.line)
        ):
            level = "default" if each.default else "possible"
            yield f"  {level:8} {each.rule:28} {tree}/{each.path}:{each.line}"


def _counts(findings: Sequence[Found]) -> tuple[int, int]:
    return sum(each.default for each in findings), len(findings)


def _size(tree: Path) -> str:
    sizes = [file.stat().st_size for file in tree.rglob("*") if file.is_file()]
    return f"{len(sizes)}, {sum(sizes) / 1e6:.0f} MB"


def _by_rule(findings: Sequence[Found]) -> Iterator[str]:
    default = Counter(each.rule for each in findings if each.default)
    possible = Counter(each.rule for each in findings)
    for rule, count in possible.most_common():
        yield f"  {default[rule]:6} {count:6}  {rule}"
