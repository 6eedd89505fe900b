"""The report for the log of a GitHub job: workflow commands, which become annotations.

Every line but the last is a command of ours, and the last begins with a number. What comes from
outside stands only where the runner takes it for text, so no file name becomes a command. GitHub
shows ten annotations of each kind for a step: the most confident come first, and what has no room
is counted in a notice. The job's step summary obeys no command: there it is the page that the
format `markdown` makes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from leakguard.model import Confidence, Finding, Skip
from leakguard.reports import Outcome, Report, markdown, shown
from leakguard.reports.text import by_confidence, counted, detailed, outermost, summary, told

_ROOM = 10

# The percent sign comes first: the others are written with it.
_TEXT = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_PROPERTY = (*_TEXT, (":", "%3A"), (",", "%2C"))


def _escaped(text: str, escapes: Iterable[tuple[str, str]]) -> str:
    for letter, escape in escapes:
        text = text.replace(letter, escape)
    return text


def _command(kind: str, message: str, properties: Iterable[tuple[str, str]]) -> str:
    pairs = (f"{name}={_escaped(value, _PROPERTY)}" for name, value in properties)
    return f"::{kind} {','.join(pairs)}::{_escaped(message, _TEXT)}"


def _location(finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield what points at a file of the repository; a line in an archive's member does not."""
    if finding.image or finding.stream:
        return
    yield "file", shown(outermost(finding.path))
    if finding.line and "!" not in finding.path:
        yield "line", str(finding.line)
        yield "col", str(finding.column)


def _finding(kind: str, finding: Finding) -> str:
    title = shown(f"{finding.name} ({finding.confidence.label})")
    details = f" ({detailed(finding)})" if finding.details else ""
    message = f"{told(finding)}{details}. {shown(finding.remediation)}".rstrip()
    return _command(kind, message, [*_location(finding), ("title", title)])


def _skip(skip: Skip) -> str:
    parts = (skip.path, skip.reason, skip.detail)
    message = ": ".join(shown(part) for part in parts if part)
    return _command("notice", message, [("title", "leakguard: not searched")])


def _left_out(findings: int, skips: int) -> str:
    counts = ((findings, "more finding"), (skips, "more skip"))
    parts = " and ".join(counted(count, noun) for count, noun in counts if count)
    verb = "is" if findings + skips == 1 else "are"
    return _command("notice", f"{parts} {verb} in the report", [("title", "leakguard")])


def _annotations(findings: Sequence[Finding], skips: Sequence[Skip]) -> Iterator[str]:
    errors = [finding for finding in findings if finding.confidence >= Confidence.CERTAIN]
    warnings = findings[len(errors) :]
    yield from (_finding("error", finding) for finding in errors[:_ROOM])
    yield from (_finding("warning", finding) for finding in warnings[:_ROOM])
    more = len(errors[_ROOM:]) + len(warnings[_ROOM:])
    room = _ROOM - 1 if more or len(skips) > _ROOM else _ROOM
    yield from map(_skip, skips[:room])
    if more or skips[room:]:
        yield _left_out(more, len(skips[room:]))


def _render(outcome: Outcome) -> Iterator[bytes]:
    for line in _annotations(by_confidence(outcome.findings), outcome.skips):
        yield f"{line}\n".encode()
    yield f"{summary(outcome)}\n".encode()


REPORT = Report("github", _render, page=markdown.render)
