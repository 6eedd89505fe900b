"""Which samples are found, by format and by surrounding, and which are missed."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .samples import Sample, samples, write
from .scanners import Found
from .surroundings import SURROUNDINGS

_DEFAULT, _POSSIBLE = "default", "possible"


@dataclass(frozen=True, slots=True)
class Score:
    """What one scanner found of some samples.

    Attributes:
        samples: All of them.
        found: The paths of those that it finds, by how much is asked for.
    """

    samples: Sequence[Sample]
    found: Mapping[str, frozenset[str]]

    def of(self, level: str, kinds: frozenset[str]) -> float:
        """Return the share of samples of some kinds that are found, in percent."""
        paths = [sample.path for sample in self.samples if sample.format.kind in kinds]
        return 100 * sum(path in self.found[level] for path in paths) / len(paths)


_ALL = frozenset({"distinct", "context", "text"})
_ROWS = {
    "all formats": _ALL,
    "distinctive formats": frozenset({"distinct"}),
    "formats that need context": frozenset({"context"}),
    "lines and documents": frozenset({"text"}),
}


def measure(
    scanners: Mapping[str, Callable[[Path], list[Found]]], count: int, seed: str
) -> Iterator[str]:
    """Yield the lines of a report on `count` samples of each format in each surrounding."""
    made = list(samples(count, seed))
    with tempfile.TemporaryDirectory() as directory:
        write(Path(directory), made)
        scores = {name: _score(made, scan(Path(directory))) for name, scan in scanners.items()}
    yield f"{len(made)} samples, percent found at default and at `possible`"
    yield from _table(scores)
    yield from _missed(scores["leakguard"])


def _score(made: Sequence[Sample], findings: Sequence[Found]) -> Score:
    by_path: dict[str, list[Found]] = defaultdict(list)
    for found in findings:
        by_path[found.path].append(found)
    hits = {each.path: [f for f in by_path[each.path] if each.is_found(f)] for each in made}
    default = {path for path, found in hits.items() if any(f.default for f in found)}
    possible = {path for path, found in hits.items() if found}
    return Score(made, {_DEFAULT: frozenset(default), _POSSIBLE: frozenset(possible)})


def _table(scores: Mapping[str, Score]) -> Iterator[str]:
    yield f"  {'':26}" + "".join(f"{name:>16}" for name in scores)
    for title, kinds in _ROWS.items():
        shares = (
            (score.of(_DEFAULT, kinds), score.of(_POSSIBLE, kinds)) for score in scores.values()
        )
        yield f"  {title:26}" + "".join(f"{low:9.1f} {high:6.1f}" for low, high in shares)


def _missed(score: Score) -> Iterator[str]:
    """Yield a line for each format that is not always found: how often, and where it is missed."""
    yield "missed by leakguard, samples at `possible` and at default, with the surroundings"
    totals = Counter(sample.format.title for sample in score.samples)
    for level, kinds in ((_POSSIBLE, _ALL), (_DEFAULT, frozenset({"distinct"}))):
        lost: dict[str, Counter[str]] = defaultdict(Counter)
        for sample in score.samples:
            if sample.format.kind in kinds and sample.path not in score.found[level]:
                lost[sample.format.title][sample.surrounding] += 1
        for title, where in sorted(lost.items(), key=lambda each: -each[1].total()):
            yield f"  {level:8} {where.total():3} of {totals[title]:3}  {title}: {_places(where)}"


def _places(where: Counter[str]) -> str:
    if len(where) == len(SURROUNDINGS):
        return "everywhere"
    return ", ".join(f"{name} {count}" for name, count in where.items())
