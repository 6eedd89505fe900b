"""The report for programs: one JSON document whose keys never move; the only importer of orjson."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import orjson

from leakguard.model import Finding, ImagePlace, Skip
from leakguard.reports import Outcome, Report

VERSION = 1


def encode(value: object) -> bytes:
    """Return `value` as indented JSON that ends with a newline."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    # CI systems obey `##[command]` and `##vso[command]` anywhere in a log, in a file's name, too.
    return text.replace(b"##", b"#\\u0023")


def unicode(text: str) -> str:
    r"""Return `text` with bytes that are not UTF-8 written out, as in `\xff`: JSON has none."""
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a pair, which stands for no byte
        raw = text.encode("utf-8", "backslashreplace")
    return raw.decode("utf-8", "backslashreplace")


def _image(image: ImagePlace) -> dict[str, object]:
    values = asdict(image).items()
    return {key: unicode(value) if isinstance(value, str) else value for key, value in values}


def _finding(finding: Finding) -> dict[str, object]:
    told: dict[str, object] = {
        "path": unicode(finding.path),
        "line": finding.line,
        "column": finding.column,
        "offset": finding.offset,
        "name": unicode(finding.name),
        "kind": finding.kind,
        "confidence": finding.confidence.label,
        "encoding": finding.encoding,
        "fingerprint": finding.fingerprint,
        "description": unicode(finding.description),
        "remediation": unicode(finding.remediation),
    }
    if finding.details:
        told["details"] = {name: unicode(detail) for name, detail in finding.details}
    if finding.image:
        told["image"] = _image(finding.image)
    if finding.stream:
        told |= {"stream": unicode(finding.stream), "count": finding.count}
    return told


def _skip(skip: Skip) -> dict[str, object]:
    return {"path": unicode(skip.path), "reason": skip.reason, "detail": unicode(skip.detail)}


def _render(outcome: Outcome) -> Iterator[bytes]:
    yield encode(
        {
            "version": VERSION,
            "tool": {"name": "leakguard", "version": outcome.version},
            "findings": [_finding(finding) for finding in outcome.findings],
            "skips": [_skip(skip) for skip in outcome.skips],
            "stats": dict(sorted(outcome.stats.items())),
        }
    )


REPORT = Report("json", _render)
