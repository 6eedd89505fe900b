"""The options of a search, and what becomes of its outcome: reports and an exit code."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypedDict

from typer import Argument, Option

from leakguard import __version__, artifacts, reports, staged
from leakguard.artifacts import Origin
from leakguard.cli import console, matching, reporting
from leakguard.cli.options import REPORT_HELP, choice, number, size
from leakguard.cli.progress import Progress
from leakguard.errors import ExitCode, UsageError
from leakguard.matcher import Matcher
from leakguard.model import Finding, Skip
from leakguard.reports import Outcome
from leakguard.unpack import Limits


class Options(TypedDict):
    """What `leakguard.scan` takes besides paths and matcher."""

    limits: Limits
    exclude: list[str]
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """What to search."""

    paths: Annotated[
        list[str],
        Argument(metavar="PATH", show_default=False, hidden=True),
    ] = field(default_factory=list)
    staged: Annotated[
        bool,
        Option("--staged", help="Search what is staged in Git, all of it or what is below PATH."),
    ] = False

    @contextmanager
    def open(self, exclude: Iterable[str], matcher: Matcher) -> Iterator[Sequence[Origin | Skip]]:
        """Yield the files to search, those of the current directory by default.

        Raises:
            UsageError: If a path does not exist, or nothing can be staged here.
        """
        with ExitStack() as stack:
            try:
                found = tuple(self._origins(exclude, stack))
            except UsageError as error:
                raise matching.told(error, matcher) from None  # the cause may quote a secret
            yield found

    def _origins(self, exclude: Iterable[str], stack: ExitStack) -> Iterator[Origin | Skip]:
        if not self.staged:
            return artifacts.origins(self.paths or ["."], exclude)
        objects = stack.enter_context(staged.Objects())
        return staged.origins(objects, self.paths, exclude)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanning:
    """How far a search goes."""

    exclude: Annotated[
        list[str],
        Option(
            "--exclude",
            metavar="GLOB",
            help="Leave out files, directories and members of that name or path. Repeatable.",
        ),
    ] = field(default_factory=list)
    jobs: Annotated[
        str, Option("--jobs", metavar="N", help="Search N files at a time. auto: one for each CPU.")
    ] = "auto"
    max_depth: Annotated[
        str, Option("--max-depth", metavar="N", help="Open archives in archives N deep.")
    ] = "8"
    max_file_size: Annotated[
        str, Option("--max-file-size", metavar="SIZE", help="Search so much of a file or member.")
    ] = "2G"
    max_total_size: Annotated[
        str, Option("--max-total-size", metavar="SIZE", help="Unpack so much of one file.")
    ] = "16G"
    max_ratio: Annotated[
        str, Option("--max-ratio", metavar="N", help="Unpack N bytes for each byte, and no more.")
    ] = "1000"

    def read(self) -> Options:
        """Return the options as `leakguard.scan` takes them.

        Raises:
            UsageError: If one is no number or size.
        """
        limits = Limits(
            max_depth=number("--max-depth", self.max_depth),
            max_file_size=size("--max-file-size", self.max_file_size),
            max_total_size=size("--max-total-size", self.max_total_size),
            max_ratio=number("--max-ratio", self.max_ratio, least=1),
        )
        jobs = cpus() if self.jobs == "auto" else number("--jobs", self.jobs, least=1)
        return {"limits": limits, "exclude": self.exclude, "jobs": jobs}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """What is told of a search, and where."""

    format: Annotated[
        str,
        Option("--format", metavar="FORMAT", help=f"One of {', '.join(reports.FORMATS)}."),
    ] = "text"
    output: Annotated[
        str, Option("--output", metavar="FILE", help="Write there instead of standard output.")
    ] = "-"
    report: Annotated[
        list[str], Option("--report", metavar="FORMAT=FILE", help=f"{REPORT_HELP} Repeatable.")
    ] = field(default_factory=list)
    allow_incomplete: Annotated[
        bool,
        Option("--allow-incomplete", help="Exit with 0 although something was not searched."),
    ] = False
    progress: Annotated[
        bool, Option("--progress/--no-progress", help="Show progress on a terminal.")
    ] = True

    def writer(self) -> Writer:
        """Return what writes the outcome.

        Raises:
            UsageError: If a format or a file will not do.
        """
        report = reports.named(choice("--format", self.format, reports.FORMATS))
        file = None if self.output == "-" else reporting.writable("--output", self.output)
        return Writer(report, file, reporting.targets(self.report))

    def exit_code(self, outcome: Outcome) -> ExitCode:
        """Return what the outcome means: findings come first, then what was not searched."""
        if outcome.findings:
            return ExitCode.FINDINGS
        skipped = bool(outcome.skips) and not self.allow_incomplete
        return ExitCode.INCOMPLETE if skipped else ExitCode.OK


@dataclass(frozen=True, slots=True)
class Writer:
    """Where the report of a search goes.

    Attributes:
        report: The format.
        file: Where it is written, standard output if None.
        targets: Reports to write besides.
    """

    report: reports.Report
    file: Path | None
    targets: Iterable[reporting.Target]

    def write(self, outcome: Outcome) -> None:
        """Write all reports.

        Raises:
            LeakguardError: If one cannot be written.
        """
        reporting.save(self.targets, outcome)
        if self.file is not None:
            reports.save(self.report.render_for(self.file, outcome), self.file)
        elif self.report.paint is not None and console.colorful():
            console.write(self.report.paint(outcome))
        else:
            console.write(self.report.render(outcome))


def outcome_of(found: Iterable[Finding | Skip], progress: Progress) -> Outcome:
    """Return all that was found, and how many files were searched by then."""
    items = list(found)
    return Outcome(
        __version__,
        tuple(item for item in items if isinstance(item, Finding)),
        tuple(item for item in items if isinstance(item, Skip)),
        {"files": progress.done},
    )


def cpus() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
