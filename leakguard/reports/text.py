"""The report for people: findings by file, what was not searched, and one line that sums it up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from leakguard.model import Finding, ImagePlace, Skip
from leakguard.reports import Outcome, Report, shown

# Puts color on a text by its role: `heading`, `detail`, or the label of a confidence.
Ink = Callable[[str, str], str]

_RESET = "\x1b[0m"
_COLORS = {
    "heading": "\x1b[1m",
    "detail": "\x1b[2m",
    "known": "\x1b[31m",
    "certain": "\x1b[31m",
    "likely": "\x1b[33m",
    "possible": "\x1b[36m",
}

_SHORT_DIGEST = len("sha256:") + 12
_SHORT_INSTRUCTION = 80


def table(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return `rows` with cells padded to the width of their column and safe for a terminal."""
    safe = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    return [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in safe]


def line(cells: Iterable[str], indent: str = "") -> str:
    """Return the cells of one row as a line without blanks at its end."""
    return indent + "  ".join(cells).rstrip()


def counted(count: int, noun: str) -> str:
    """Return `count` and its noun, as in `1 file` and `2,000 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _plain(text: str, _role: str) -> str:
    return text


def _colored(text: str, role: str) -> str:
    return f"{_COLORS[role]}{text}{_RESET}"


def place(finding: Finding) -> str:
    """Return where in its file a finding is; line 0 is in the name, or between archive members."""
    if finding.line:
        return f"{finding.line}:{finding.column}"
    if finding.image and finding.image.field:
        return "metadata"
    return f"@{finding.offset}" if finding.offset else "name"


def where(finding: Finding) -> str:
    """Return the same in words, as in `line 3`."""
    if finding.line:
        return f"line {finding.line}"
    if finding.image and finding.image.field:
        return "in its metadata"
    return f"offset {finding.offset}" if finding.offset else "in its name"


def masked(finding: Finding) -> str:
    """Return how often it was masked, as in `masked 3 times`."""
    return f"masked {times(finding.count)}"


def times(count: int) -> str:
    """Return `once`, or as in `2,000 times`."""
    return "once" if count == 1 else f"{count:,} times"


def outermost(path: str) -> str:
    """Return the file that a path begins with, without the members of archives in it."""
    return path.partition("!")[0].removeprefix("./")


def placed(image: ImagePlace) -> str:
    """Return where in its image something sits: in which layer or field, and whose work it is."""
    spot = image.field if image.layer is None else f"layer {image.layer}"
    if image.digest:
        spot += f" ({image.digest[:_SHORT_DIGEST]})"
    made = image.created_by
    if len(made) > _SHORT_INSTRUCTION:
        made = f"{made[:_SHORT_INSTRUCTION]}…"
    return shown(", ".join(part for part in (spot, image.platform, image.state, made) if part))


def detailed(finding: Finding) -> str:
    """Return what a credential tells of itself, as in `account: 029608264753, owner: 1`."""
    return shown(", ".join(f"{name}: {detail}" for name, detail in finding.details))


def told(finding: Finding) -> str:
    """Return a finding as a line: what it is, where it is, and in which form."""
    words = (
        f"{shown(finding.description or finding.name)} in {shown(finding.path)} ({where(finding)})"
    )
    if finding.encoding != "raw":
        words += f", as {finding.encoding}"
    if finding.stream:
        return f"{words}, {masked(finding)}"
    return f"{words}, {placed(finding.image)}" if finding.image else words


def by_confidence(findings: Iterable[Finding]) -> list[Finding]:
    """Return `findings`, the most confident ones first, else in their order."""
    return sorted(findings, key=lambda finding: -finding.confidence)


def _row(finding: Finding) -> tuple[str, ...]:
    words = f"{finding.description}, {masked(finding)}" if finding.stream else finding.description
    return (place(finding), finding.confidence.label, finding.name, finding.encoding, words)


def _file(path: str, findings: Sequence[Finding], ink: Ink) -> Iterator[str]:
    yield ink(shown(path), "heading")
    for finding, cells in zip(findings, table([*map(_row, findings)]), strict=True):
        cells[1] = ink(cells[1], finding.confidence.label)
        yield line(cells, "  ")
        if finding.image:
            yield f"    in {placed(finding.image)}"
        if finding.details:
            yield ink(f"    {detailed(finding)}", "detail")
    yield ""


def _skips(skips: Sequence[Skip], ink: Ink) -> Iterator[str]:
    yield ink("Not searched", "heading")
    for cells in table([(skip.path, skip.reason, skip.detail) for skip in skips]):
        yield line(cells, "  ")
    yield ""


def summary(outcome: Outcome) -> str:
    """Return how much was found, not searched, and searched; or how often something was masked."""
    if "masked" in outcome.stats:
        return _masked(outcome.findings, outcome.stats["masked"])
    parts = [counted(len(outcome.findings), "finding"), counted(len(outcome.skips), "skip")]
    if files := len({finding.path for finding in outcome.findings}):
        parts[0] += f" in {counted(files, 'file')}"
    if "files" in outcome.stats:
        parts.append(f"{counted(outcome.stats['files'], 'file')} searched")
    return ", ".join(parts)


def _masked(findings: Sequence[Finding], count: int) -> str:
    if not count:
        return "nothing masked"
    names = {(finding.kind, finding.name) for finding in findings}
    forms = {(finding.kind, finding.name, finding.encoding) for finding in findings}
    return f"masked {times(count)}: {counted(len(names), 'name')}, {counted(len(forms), 'form')}"


def _lines(outcome: Outcome, ink: Ink) -> Iterator[str]:
    for path, findings in groupby(outcome.findings, key=lambda finding: finding.path):
        yield from _file(path, [*findings], ink)
    if outcome.skips:
        yield from _skips(outcome.skips, ink)
    yield ink(summary(outcome), "heading")


def _render(outcome: Outcome) -> Iterator[bytes]:
    return (f"{text}\n".encode() for text in _lines(outcome, _plain))


def _paint(outcome: Outcome) -> Iterator[bytes]:
    return (f"{text}\n".encode() for text in _lines(outcome, _colored))


REPORT = Report("text", _render, _paint)
