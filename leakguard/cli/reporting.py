"""Report files named on the command line: checked before the work, written when it is done."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from leakguard import reports
from leakguard.cli.options import choice
from leakguard.errors import UsageError
from leakguard.reports import Outcome, Report


@dataclass(frozen=True, slots=True)
class Target:
    """A report to write.

    Attributes:
        report: The format.
        file: Where it goes.
    """

    report: Report
    file: Path


def targets(specs: Sequence[str]) -> tuple[Target, ...]:
    """Return what `FORMAT=FILE` options ask for.

    Raises:
        UsageError: If a format is unknown, or a file cannot be written.
    """
    found = tuple(_target(spec) for spec in specs)
    if len({target.file.absolute() for target in found}) < len(found):
        raise UsageError("--report: two reports cannot go to one file")
    return found


def _target(spec: str) -> Target:
    name, equals, file = spec.partition("=")
    if not (name and equals and file):
        raise UsageError(f"--report: {spec!r} is not FORMAT=FILE")
    return Target(
        reports.named(choice("--report", name, reports.FORMATS)), writable("--report", file)
    )


def writable(option: str, file: str) -> Path:
    """Return `file` as a path that can be written, as far as that shows now.

    Raises:
        UsageError: If it is a directory, or lies where nothing can be written.
    """
    path = Path(file)
    if path.is_dir():
        raise UsageError(f"{option}: {file} is a directory")
    if not path.parent.is_dir():
        raise UsageError(f"{option}: there is no directory {path.parent}")
    if not reports.is_stream(path) and not os.access(path.parent, os.W_OK):
        raise UsageError(f"{option}: cannot write into {path.parent}")
    return path


def save(wanted: Iterable[Target], outcome: Outcome) -> None:
    """Write every report.

    Raises:
        LeakguardError: If one cannot be written; none of it is left then.
    """
    for target in wanted:
        reports.save(target.report.render(outcome), target.file)
