"""The report for test widgets, as JUnit XML: what holds a secret is a test that failed.

Each path is one case, since GitLab ignores a second one of the same name. What was not searched is
an error, as a test that could not run is. Where nothing was found one case passes, so that a widget
has something to show and to compare with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from leakguard.model import Finding, Skip
from leakguard.reports import Outcome, Report, shown
from leakguard.reports.text import counted, masked, outermost, placed, where

T = TypeVar("T", Finding, Skip)


def _by_path(items: Iterable[T]) -> dict[str, list[T]]:
    grouped: dict[str, list[T]] = {}
    for item in items:
        grouped.setdefault(shown(item.path), []).append(item)
    return grouped


def _case(suite: Element, group: str, path: str) -> Element:
    file = outermost(path)
    return SubElement(suite, "testcase", classname=group, name=path, file=file, time="0")


def _lines(finding: Finding) -> Iterator[str]:
    yield f"{where(finding)}: {finding.name} ({finding.confidence.label}, {finding.encoding})"
    yield finding.description
    yield placed(finding.image) if finding.image else ""
    yield masked(finding) if finding.stream else ""
    yield finding.remediation
    yield f"fingerprint {finding.fingerprint}"


def _words(finding: Finding) -> str:
    # The dash keeps what comes from outside from beginning a line: `::` there commands GitHub.
    return "\n    - ".join(shown(line) for line in _lines(finding) if line)


def _failure(case: Element, findings: Sequence[Finding]) -> None:
    names = ", ".join(dict.fromkeys(shown(finding.name) for finding in findings))
    message = f"{counted(len(findings), 'finding')}: {names}"
    failure = SubElement(case, "failure", message=message, type="secret")
    # GitLab shows the text and not the message.
    failure.text = "\n".join([message, *map(_words, findings)])


def _error(case: Element, skips: Sequence[Skip]) -> None:
    reasons = [
        ": ".join(shown(part) for part in (skip.reason, skip.detail) if part) for skip in skips
    ]
    message = f"not searched: {reasons[0]}"
    error = SubElement(case, "error", message=message, type="incomplete")
    error.text = "\n".join(["not searched", *reasons])


def _fill(suite: Element, outcome: Outcome) -> None:
    failed, unread = _by_path(outcome.findings), _by_path(outcome.skips)
    for path, findings in failed.items():
        _failure(_case(suite, "leakguard", path), findings)
    if not failed:
        SubElement(suite, "testcase", classname="leakguard", name="no secret found", time="0")
    for path, skips in unread.items():
        _error(_case(suite, "leakguard.incomplete", path), skips)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(failed)))
    suite.set("errors", str(len(unread)))
    suite.set("skipped", "0")


def _render(outcome: Outcome) -> Iterator[bytes]:
    root = Element("testsuites", name="leakguard")
    _fill(SubElement(root, "testsuite", name="leakguard", time="0"), outcome)
    indent(root)
    text = tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
    # CI systems obey `##[command]` and `##vso[command]` anywhere in a log, in a file's name, too.
    yield text.replace(b"##", b"#&#35;")


REPORT = Report("junit", _render)
