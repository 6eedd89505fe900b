"""Report files named on the command line: checked before the work, written when it is done."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from leakguard import reports
from leakguard.cli.options import choice
from leakguard.errors import LeakguardError, UsageError
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
    """Return what `FORMAT=FILE` options ask for; `-` is the step summary of a GitHub job.

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
    report = reports.named(choice("--report", name, reports.FORMATS))
    return Target(report, writable("--report", _summary(report, spec) if file == "-" else file))


def _summary(report: Report, spec: str) -> str:
    if report.page is None:
        raise UsageError(f"--report: {spec} names no file; /dev/stderr is one")
    if summary := os.environ.get(reports.SUMMARY):
        return summary
    raise UsageError(f"--report: {spec} is the step summary, and {reports.SUMMARY} is not set")


def writable(option: str, file: str) -> Path:
    """Return `file` as a path that can be written, as far as that shows now.

    Raises:
        UsageError: If it is a directory, or lies where nothing can be written.
    """
    path = Path(file)
    if path.is_dir():
        raise UsageError(f"{option}: {file} is a directory")
    if reports.is_summary(path) and path.is_symlink():
        raise UsageError(f"{option}: {file} is a link, and links are not followed")
    if not path.parent.is_dir():
        raise UsageError(f"{option}: there is no directory {path.parent}")
    added_to = reports.is_summary(path) and path.exists()
    if not reports.is_stream(path) and not os.access(path if added_to else path.parent, os.W_OK):
        raise UsageError(f"{option}: cannot write into {path.parent}")
    return path


def save(wanted: Iterable[Target], outcome: Outcome) -> None:
    """Write every report, those behind one that fails, too.

    Raises:
        LeakguardError: If one or more cannot be written; nothing of them is left then.
    """
    failures = []
    for target in wanted:
        try:
            reports.save(target.report.render_for(target.file, outcome), target.file)
        except LeakguardError as error:
            failures.append(str(error))
    if failures:
        raise LeakguardError("; ".join(failures))
