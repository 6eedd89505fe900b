"""The report for a page, such as a GitHub step summary: tables in which nothing found is markup.

File names come from strangers. Each stands in a `<code>`, with what could be markup written as
entities, so that it is no link, no image, no mention, no tag and no end of a cell. The page stays
below 384 KiB, since GitHub drops a summary of more than 1 MiB and other commands may add to it;
what has no room is counted, and the most confident findings come first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from leakguard.model import Finding, Skip
from leakguard.reports import Outcome, Report, shown
from leakguard.reports.text import by_confidence, counted, place, placed, summary, times

_FINDINGS_SIZE = 256 << 10
_SKIPS_SIZE = 64 << 10
_CELL = 400
"""Characters of a cell: a name may have thousands, and the other reports tell it whole."""

_MARKUP = re.compile(r"[]&<>[\\`*_{}|~$@#:]|(?<=www)\.", re.IGNORECASE)


def inert(text: str) -> str:
    """Return `text` as Markdown and HTML that show it as it stands, on one line."""
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", shown(text))


def _code(text: str) -> str:
    if len(text) > _CELL:
        text = f"{text[:_CELL]}…"
    # GitHub finds mentions and issue numbers in what a page says, but not in code.
    return f"<code>{inert(text)}</code>" if text else ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _head(names: Sequence[str]) -> str:
    return _row(names) + _row(["---"] * len(names))


def _table(names: Sequence[str], rows: Sequence[str], size: int, noun: str) -> Iterator[str]:
    """Yield a table of as many rows as fit into `size` bytes, and how many did not."""
    yield f"\n{_head(names)}"
    for index, row in enumerate(rows):
        size -= len(row.encode())
        if size < 0:
            yield f"\n{counted(len(rows) - index, f'more {noun}')} left out here.\n"
            return
        yield row


def _masked(finding: Finding) -> str:
    cells = (finding.name, finding.encoding, finding.confidence.label, times(finding.count))
    return _row([_code(cell) for cell in (finding.path, place(finding), *cells)])


def _streams(findings: Sequence[Finding]) -> Iterator[str]:
    names = ["Stream", "First", "Name", "Form", "Confidence", "Masked"]
    return _table(names, [*map(_masked, findings)], _FINDINGS_SIZE, "form")


def _finding(finding: Finding) -> list[str]:
    cells = [finding.path, place(finding), finding.name, finding.confidence.label]
    return [_code(cell) for cell in cells]


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    names = ["Path", "Place", "Name", "Confidence"]
    rows = [_finding(finding) for finding in findings]
    if any(finding.image for finding in findings):
        names.append("In the image")
        for row, finding in zip(rows, findings, strict=True):
            row.append(_code(placed(finding.image)) if finding.image else "")
    return _table(names, [_row(row) for row in rows], _FINDINGS_SIZE, "finding")


def _skips(skips: Sequence[Skip]) -> Iterator[str]:
    rows = [_row([_code(cell) for cell in (skip.path, skip.reason, skip.detail)]) for skip in skips]
    return _table(["Not searched", "Reason", "Detail"], rows, _SKIPS_SIZE, "skip")


def _pieces(outcome: Outcome) -> Iterator[str]:
    yield f"## leakguard\n\n{summary(outcome)}\n"
    found = by_confidence(outcome.findings)
    if masked := [finding for finding in found if finding.stream]:
        yield from _streams(masked)
    if others := [finding for finding in found if not finding.stream]:
        yield from _findings(others)
    if outcome.skips:
        yield from _skips(outcome.skips)


def render(outcome: Outcome) -> Iterator[bytes]:
    """Yield the page."""
    return (piece.encode() for piece in _pieces(outcome))


REPORT = Report("markdown", render, page=render)
