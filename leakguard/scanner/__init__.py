"""Searches files, archives and images, and gives the same report for any number of workers.

Whatever could not be searched comes out as a skip, in its place among the findings.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from leakguard.artifacts import STDIN, Origin, excluder, origins
from leakguard.errors import LeakguardError
from leakguard.matcher import Matcher
from leakguard.model import Finding, Skip
from leakguard.scanner.everything import Everything, grouped
from leakguard.scanner.findings import Reporter
from leakguard.scanner.labels import Labels
from leakguard.scanner.references import scan_images
from leakguard.scanner.search import Progress, Search
from leakguard.scanner.workers import Died, Workers, can_fork
from leakguard.unpack import Limits

__all__ = ["Limits", "Progress", "scan", "scan_images", "scan_origins"]

_DEFAULT = Limits()
# Files up to so many bytes together are given to a worker at a time, and no more than so many.
_BATCH_BYTES = 1 << 20
_BATCH_FILES = 128
# Names that are searched together: many, but a few at a time, so that findings come early.
_NAMES = 1024


def scan(  # noqa: PLR0913  # the options of a public function, each by keyword
    paths: Iterable[str | os.PathLike[str]],
    matcher: Matcher,
    *,
    limits: Limits = _DEFAULT,
    exclude: Iterable[str] = (),
    jobs: int = 1,
    key: bytes = b"",
    progress: Progress | None = None,
) -> Iterator[Finding | Skip]:
    """Search files, directories and archives, and all that is in them.

    Findings and skips come in the order of `paths`, sorted below directories. A finding with line 0
    is in a name, or in what an archive says of a member; with an offset besides, it stands in the
    archive at that offset, between members. A secret in a path is masked.

    Args:
        paths: What to search; `-` is standard input.
        matcher: What to look for.
        limits: How far archives are opened; what lies beyond is a skip.
        exclude: Globs of names and paths to leave out, in archives as well.
        jobs: Processes that search. They are forked: where that is not possible, there is one.
        key: Key of the fingerprints.
        progress: Called each time a file is done.

    Raises:
        UsageError: If a path does not exist; before anything is searched.
    """
    exclude = tuple(exclude)
    return scan_origins(
        tuple(origins(paths, exclude)),
        matcher,
        limits=limits,
        exclude=exclude,
        jobs=jobs,
        key=key,
        progress=progress,
    )


def scan_origins(  # noqa: PLR0913  # as above
    found: Sequence[Origin | Skip],
    matcher: Matcher,
    *,
    limits: Limits = _DEFAULT,
    exclude: Iterable[str] = (),
    jobs: int = 1,
    key: bytes = b"",
    progress: Progress | None = None,
) -> Iterator[Finding | Skip]:
    """Search files that have been found already; all else is as in `scan`."""
    reporter = Reporter(matcher, key)
    search = Everything(matcher, reporter, limits, excluder(exclude), ahead=jobs > 1)
    return _scan(grouped(found), search, jobs, progress or _silent)


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def _scan(
    found: Sequence[Origin | Skip], search: Search, jobs: int, progress: Progress
) -> Iterator[Finding | Skip]:
    files = [origin for origin in found if isinstance(origin, Origin)]
    contents = _contents(files, search, jobs)
    done = 0
    for start in range(0, len(found), _NAMES):
        part = found[start : start + _NAMES]
        in_names = _in_names(part, search)
        for item in part:
            yield from in_names.get(item.path, ())
            if isinstance(item, Skip):
                yield search.reporter.skip(item)
                continue
            yield from next(contents)
            done += 1
            progress(done, len(files))


def _in_names(found: Iterable[Origin | Skip], search: Search) -> dict[str, list[Finding]]:
    """Return the findings in the names of files, by path."""
    labels = Labels(search.matcher, search.reporter)
    for item in found:
        labels.add(item.path)
    findings: dict[str, list[Finding]] = {}
    for path, finding in labels.findings():
        findings.setdefault(path, []).append(finding)
    return findings


def _contents(
    files: Sequence[Origin], search: Search, jobs: int
) -> Iterator[Iterable[Finding | Skip]]:
    """Yield what is in each file, in order."""
    batches = _batches(files)
    if min(jobs, len(batches)) < 2 or not can_fork():
        return map(search.of, files)
    return _by_workers(files, search, batches, jobs)


def _by_workers(
    files: Sequence[Origin], search: Search, batches: Sequence[Sequence[int]], jobs: int
) -> Iterator[Iterable[Finding | Skip]]:
    search.matcher.prepare()
    results = Workers(search, files, batches).results(jobs)
    try:
        for origin, result in zip(files, results, strict=True):
            if origin.path == STDIN:
                yield search.of(origin)  # a worker has no standard input
            elif isinstance(result, Died):
                yield [search.reporter.skip(Skip(origin.path, "crashed", result.detail))]
            else:
                yield result
    except OSError as error:
        raise LeakguardError(f"cannot run workers: {error.strerror}") from error
    finally:
        results.close()


def _batches(files: Sequence[Origin]) -> list[list[int]]:
    """Return the numbers of files that go together: large files first, small ones with others."""
    batches: list[list[int]] = []
    room = 0
    for number in sorted(range(len(files)), key=lambda number: -files[number].size):
        size = files[number].size
        if not batches or size > room or len(batches[-1]) >= _BATCH_FILES:
            batches.append([])
            room = _BATCH_BYTES
        batches[-1].append(number)
        room -= size
    return batches
