"""The report for code scanning: SARIF 2.1.0, without snippets, times or random ids.

A location points at a file that exists, which for a member of an archive is the archive; a region
is told only where it is one of that file. What the format has no word for is in `properties`.
GitHub refuses a run of more than 25,000 results and keeps 5,000 of them, so beyond that many the
least confident are left out, and a notification says how many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from urllib.parse import quote

from leakguard.model import Confidence, Finding, ImagePlace, Skip
from leakguard.reports import Outcome, Report, shown
from leakguard.reports.json import encode
from leakguard.reports.markdown import inert
from leakguard.reports.text import counted, outermost, told

MOST_RESULTS = 25_000

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_TAGS = ["security", "secret", "external/cwe/cwe-798"]
_LEVELS = {
    Confidence.KNOWN: "error",
    Confidence.CERTAIN: "error",
    Confidence.LIKELY: "warning",
    Confidence.POSSIBLE: "note",
}
# GitHub calls 9.0 and more critical, 7.0 high, 4.0 medium.
_SEVERITIES = {
    Confidence.KNOWN: "9.5",
    Confidence.CERTAIN: "9.0",
    Confidence.LIKELY: "7.0",
    Confidence.POSSIBLE: "4.0",
}
_PRECISIONS = {
    Confidence.KNOWN: "very-high",
    Confidence.CERTAIN: "very-high",
    Confidence.LIKELY: "high",
    Confidence.POSSIBLE: "low",
}


def _text(text: str) -> dict[str, str]:
    """Return a message; SARIF makes a link of `[a](b)`, and a file may be called that."""
    return {"text": shown(text).replace("](", "] (")}


def _uri(path: str) -> str:
    """Return the reference of a path's outermost file, relative unless the path is not."""
    file = shown(outermost(path))
    return ("file://" if file.startswith("/") else "") + (quote(file) or ".")


def _physical(path: str) -> dict[str, object]:
    return {"artifactLocation": {"uri": _uri(path)}}


def _rule_id(finding: Finding) -> str:
    # A secret may be named as a rule is; the slash keeps them apart.
    name = shown(finding.name)
    return f"secret/{name}" if finding.kind == "secret" else name


def _rules(findings: Iterable[Finding]) -> dict[str, Finding]:
    """Return the most confident finding of each rule, in the order of first findings."""
    best: dict[str, Finding] = {}
    for finding in findings:
        known = best.setdefault(_rule_id(finding), finding)
        if finding.confidence > known.confidence:
            best[_rule_id(finding)] = finding
    return best


def _rule(name: str, finding: Finding) -> dict[str, object]:
    description = shown(finding.description) or name
    remedy = finding.remediation or "Rotate it where it was issued, and remove it from here."
    return {
        "id": name,
        "name": name,
        "shortDescription": {"text": description},
        "fullDescription": {"text": description},
        "help": {"text": shown(remedy), "markdown": inert(remedy)},
        "defaultConfiguration": {"level": _LEVELS[finding.confidence]},
        "properties": {
            "tags": _TAGS,
            "security-severity": _SEVERITIES[finding.confidence],
            "precision": _PRECISIONS[finding.confidence],
        },
    }


def _logical(finding: Finding) -> Iterator[dict[str, str]]:
    """Yield what is around a finding inside of its file: the image's part, the archive's member."""
    if image := finding.image:
        name = image.field if image.layer is None else f"layer {image.layer}"
        part = f"{image.reference}!{image.digest}"
        yield {"name": shown(name), "fullyQualifiedName": shown(part), "kind": "resource"}
    _, nested, member = finding.path.partition("!")
    if nested:
        path = shown(finding.path)
        yield {"name": shown(member), "fullyQualifiedName": path, "kind": "resource"}


def _has_region(finding: Finding) -> bool:
    return finding.line > 0 and finding.image is None and "!" not in finding.path


def _location(finding: Finding) -> dict[str, object]:
    physical = _physical(finding.path)
    if _has_region(finding):
        physical["region"] = {"startLine": finding.line}
        if finding.column > 0:
            physical["region"] = {"startLine": finding.line, "startColumn": finding.column}
    location: dict[str, object] = {"physicalLocation": physical}
    if logical := [*_logical(finding)]:
        location["logicalLocations"] = logical
    return location


def _fingerprints(finding: Finding) -> dict[str, str]:
    own = {"leakguardFingerprint/v1": f"{finding.fingerprint}:{shown(finding.name)}"}
    if _has_region(finding):
        return own
    # GitHub tells alerts of a file apart by the hash of a line, and for what has no line it makes
    # none: all findings of one rule in an archive would be one alert.
    place = (finding.path, finding.line, finding.column, finding.offset, finding.image)
    digest = hashlib.sha256(ascii((finding.fingerprint, place)).encode()).hexdigest()
    return own | {"primaryLocationLineHash": f"{digest[:16]}:1"}


def _image(image: ImagePlace) -> dict[str, object]:
    values = asdict(image).items()
    return {key: shown(value) if isinstance(value, str) else value for key, value in values}


def _properties(finding: Finding) -> dict[str, object]:
    properties: dict[str, object] = {
        "path": shown(finding.path),
        "line": finding.line,
        "column": finding.column,
        "offset": finding.offset,
        "kind": finding.kind,
        "confidence": finding.confidence.label,
        "encoding": finding.encoding,
    }
    if finding.details:
        properties["details"] = {name: shown(detail) for name, detail in finding.details}
    if finding.image:
        properties["image"] = _image(finding.image)
    if finding.stream:
        properties |= {"stream": shown(finding.stream), "count": finding.count}
    return properties


def _result(finding: Finding, index: int) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": _rule_id(finding),
        "ruleIndex": index,
        "level": _LEVELS[finding.confidence],
        "message": _text(told(finding)),
        "locations": [_location(finding)],
        "partialFingerprints": _fingerprints(finding),
        "properties": _properties(finding),
    }
    if finding.stream:
        result["occurrenceCount"] = finding.count
    return result


def _skip(skip: Skip) -> dict[str, object]:
    words = ": ".join(part for part in (skip.path, skip.reason, skip.detail) if part)
    return {
        "level": "warning",
        "descriptor": {"id": skip.reason},
        "message": _text(f"not searched: {words}"),
        "locations": [{"physicalLocation": _physical(skip.path)}],
        "properties": {"path": shown(skip.path)},
    }


def _left_out(count: int) -> dict[str, object]:
    message = f"{counted(count, 'finding')} of least confidence left out of this report"
    return {"level": "warning", "message": {"text": message}}


def _kept(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Return the most confident of `findings`, as many as GitHub takes, in their order."""
    if len(findings) <= MOST_RESULTS:
        return findings
    ranked = sorted(range(len(findings)), key=lambda at: -findings[at].confidence)
    return [findings[at] for at in sorted(ranked[:MOST_RESULTS])]


def _driver(outcome: Outcome, rules: dict[str, Finding]) -> dict[str, object]:
    return {
        "name": "leakguard",
        "version": outcome.version,
        "rules": [_rule(name, finding) for name, finding in rules.items()],
        "notifications": [{"id": reason} for reason in sorted({s.reason for s in outcome.skips})],
    }


def _invocation(outcome: Outcome, kept: int) -> dict[str, object]:
    # A warning is the standard's word for an analysis that may be incomplete; what was found holds.
    notifications = [_skip(skip) for skip in outcome.skips]
    if left := len(outcome.findings) - kept:
        notifications.append(_left_out(left))
    return {"executionSuccessful": True, "toolExecutionNotifications": notifications}


def _run(outcome: Outcome) -> dict[str, object]:
    findings = _kept(outcome.findings)
    rules = _rules(findings)
    indexes = {name: index for index, name in enumerate(rules)}
    return {
        "tool": {"driver": _driver(outcome, rules)},
        "invocations": [_invocation(outcome, len(findings))],
        # Columns count bytes, which the standard lacks: the same as code points in ASCII.
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, indexes[_rule_id(finding)]) for finding in findings],
    }


def _render(outcome: Outcome) -> Iterator[bytes]:
    yield encode({"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(outcome)]})


REPORT = Report("sarif", _render)
