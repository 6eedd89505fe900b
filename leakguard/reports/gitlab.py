"""The report for GitLab's vulnerability pages: its secret detection format, schema 15.2.1.

GitLab takes two findings of one rule for the same when file and line are the same, so `file` is the
whole path, with the members of archives. The format wants times; none is measured, or no report
would equal another. They are `SOURCE_DATE_EPOCH`, else when the CI job or its pipeline began, else
the start of 1970: within a job, the same input gives the same report.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from leakguard.model import Confidence, Finding, ImagePlace, Skip
from leakguard.reports import Outcome, Report, shown
from leakguard.reports.json import encode
from leakguard.reports.markdown import inert
from leakguard.reports.text import times

_SCHEMA = "15.2.1"
_SCHEMA_URL = (
    "https://gitlab.com/gitlab-org/security-products/security-report-schemas"
    f"/-/raw/v{_SCHEMA}/dist/secret-detection-report-format.json"
)
_NAMESPACE = uuid5(NAMESPACE_URL, "urn:leakguard:finding")
_NO_COMMIT = "0000000"
_MOST_NAME = 255
_MOST_SOLUTION = 7000

_SEVERITIES = {
    Confidence.KNOWN: "Critical",
    Confidence.CERTAIN: "Critical",
    Confidence.LIKELY: "High",
    Confidence.POSSIBLE: "Medium",
}
_CWE = {
    "type": "cwe",
    "name": "CWE-798",
    "value": "798",
    "url": "https://cwe.mitre.org/data/definitions/798.html",
}
_IMAGE_NAMES = {
    "reference": "Reference",
    "platform": "Platform",
    "layer": "Layer",
    "digest": "Digest",
    "diff_id": "Diff ID",
    "created_by": "Created by",
    "state": "State",
    "field": "Field",
}


@dataclass(frozen=True, slots=True)
class _Job:
    """What the format wants to know of the CI job.

    Attributes:
        commit: What was checked out.
        time: When the job began, in UTC.
    """

    commit: str
    time: str


def _job(variables: Mapping[str, str]) -> _Job:
    commit = variables.get("CI_COMMIT_SHA", "")
    known = re.fullmatch("[0-9a-f]{7,64}", commit)
    time = next(_times(variables), datetime(1970, 1, 1, tzinfo=UTC))
    # The schema takes no zone, and means UTC.
    bare = time.replace(tzinfo=None).isoformat(timespec="seconds")
    return _Job(commit if known else _NO_COMMIT, bare)


def _times(variables: Mapping[str, str]) -> Iterator[datetime]:
    """Yield the times that the variables tell, the best one first; what is no time tells none."""
    with suppress(ValueError, OverflowError, OSError):
        yield datetime.fromtimestamp(int(variables.get("SOURCE_DATE_EPOCH", "")), UTC)
    for name in ("CI_JOB_STARTED_AT", "CI_PIPELINE_CREATED_AT"):
        with suppress(ValueError, OverflowError):
            time = datetime.fromisoformat(variables.get(name, ""))
            yield time.astimezone(UTC) if time.tzinfo else time


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _tool(version: str) -> dict[str, object]:
    return {
        "id": "leakguard",
        "name": "leakguard",
        "version": version,
        "vendor": {"name": "leakguard"},
    }


def _message(skip: Skip) -> dict[str, str]:
    parts = (skip.path, skip.reason, skip.detail)
    words = ": ".join(shown(part) for part in parts if part)
    return {"level": "warn", "value": f"not searched: {words}"}


def _scan(outcome: Outcome, job: _Job) -> dict[str, object]:
    return {
        "analyzer": _tool(outcome.version),
        "scanner": _tool(outcome.version),
        "type": "secret_detection",
        "status": "success",
        "start_time": job.time,
        "end_time": job.time,
        "messages": [_message(skip) for skip in outcome.skips],
    }


def _id(finding: Finding) -> str:
    """Return what is the same for the same finding in every run, and for no other finding."""
    place = (finding.path, finding.line, finding.column, finding.offset, finding.image)
    match = (finding.kind, finding.name, finding.encoding, finding.fingerprint)
    return str(uuid5(_NAMESPACE, ascii((match, place))))


def _identifiers(finding: Finding) -> list[dict[str, str]]:
    name = shown(finding.name)
    rule = {
        "type": f"leakguard_{finding.kind}",
        "name": _cut(f"leakguard {finding.kind} {name}", _MOST_NAME),
        "value": _cut(name, _MOST_NAME) or finding.kind,
    }
    value = {
        "type": "leakguard_fingerprint",
        "name": f"leakguard fingerprint {finding.fingerprint}",
        "value": finding.fingerprint,
    }
    return [rule, value, _CWE]


def _location(finding: Finding, job: _Job) -> dict[str, object]:
    file = shown(finding.path).removeprefix("./")
    location: dict[str, object] = {"file": file, "commit": {"sha": job.commit}}
    if finding.line:
        location["start_line"] = location["end_line"] = finding.line
    return location


def _text(name: str, value: object) -> dict[str, object]:
    return {"name": name, "type": "text", "value": shown(str(value))}


def _image(image: ImagePlace) -> dict[str, object]:
    items = {
        key: _text(_IMAGE_NAMES[key], value)
        for key, value in asdict(image).items()
        if value not in ("", None)
    }
    return {"name": "Image", "type": "named-list", "items": items}


def _credential(finding: Finding) -> dict[str, object]:
    names = {name: name.replace("_", " ").capitalize() for name, _ in finding.details}
    items = {name: _text(names[name], detail) for name, detail in finding.details}
    return {"name": "Credential", "type": "named-list", "items": items}


def _details(finding: Finding) -> dict[str, object]:
    file, nested, member = finding.path.partition("!")
    details: dict[str, object] = {"confidence": _text("Confidence", finding.confidence.label)}
    details["encoding"] = _text("Encoding", finding.encoding)
    if finding.line:
        details["column"] = _text("Column", finding.column)
    details["offset"] = _text("Offset", finding.offset)
    if nested:
        details["archive"] = _text("Archive", file)
        details["member"] = _text("Path in archive", member)
    if finding.details:
        details["credential"] = _credential(finding)
    if finding.image:
        details["image"] = _image(finding.image)
    if finding.stream:
        details["count"] = _text("Masked", times(finding.count))
    return details


def _vulnerability(finding: Finding, job: _Job) -> dict[str, object]:
    words = finding.description or finding.name
    vulnerability: dict[str, object] = {
        "id": _id(finding),
        "name": _cut(shown(words), _MOST_NAME),
        # GitLab takes this for Markdown, and the name for text.
        "description": f"{inert(words)} ({finding.confidence.label}, {finding.encoding})",
        "severity": _SEVERITIES[finding.confidence],
        "identifiers": _identifiers(finding),
        "location": _location(finding, job),
        "details": _details(finding),
    }
    if finding.remediation:
        vulnerability["solution"] = _cut(shown(finding.remediation), _MOST_SOLUTION)
    return vulnerability


def _render(outcome: Outcome) -> Iterator[bytes]:
    job = _job(os.environ)
    yield encode(
        {
            "version": _SCHEMA,
            "schema": _SCHEMA_URL,
            "scan": _scan(outcome, job),
            "vulnerabilities": [_vulnerability(finding, job) for finding in outcome.findings],
        }
    )


REPORT = Report("gitlab", _render)
