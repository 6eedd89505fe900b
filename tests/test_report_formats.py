"""What the formats for other programs promise: valid documents, whatever a file is called."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from leakguard import Matcher, Secret, reports
from leakguard.model import Confidence, Finding, ImagePlace, Skip
from leakguard.reports import Outcome, markdown, sarif, shown
from leakguard.scanner import scan
from tests.archives import tar

SCHEMAS = Path(__file__).parent / "data" / "schemas"
SARIF = jsonschema.Draft202012Validator(
    json.loads((SCHEMAS / "sarif-2.1.0.json").read_bytes()),
)
GITLAB = jsonschema.Draft7Validator(
    json.loads((SCHEMAS / "gitlab-secret-detection-15.2.1.compact.json").read_bytes()),
)

IMAGE = ImagePlace(
    reference="docker-archive:app.tar (app:1)",
    platform="linux/amd64",
    layer=2,
    digest="sha256:" + "ab" * 32,
    diff_id="sha256:" + "cd" * 32,
    created_by="RUN make && rm .env",
    state="deleted",
)
FIELD = replace(
    IMAGE, layer=None, diff_id="", created_by="", state="metadata", field="config.Env[1]"
)
RULE = Finding(
    path="app/.env",
    line=3,
    column=7,
    offset=40,
    name="acme-token",
    kind="rule",
    confidence=Confidence.CERTAIN,
    encoding="raw",
    fingerprint="00ff" * 8,
    description="Acme deploy token",
    remediation="Revoke it.",
)
SECRET = replace(
    RULE,
    path="dist.tar.gz!app/a.bin!b",
    line=1,
    name="DB_PASSWORD",
    kind="secret",
    confidence=Confidence.KNOWN,
    encoding="base64",
    description="value of DB_PASSWORD",
)
MASKED = replace(SECRET, path="stderr", line=4, stream="stderr", count=1200, fingerprint="ff00" * 8)
MASKED_BY_RULE = replace(RULE, path="stdout", stream="stdout")
LIKELY = replace(RULE, confidence=Confidence.LIKELY, line=9)
POSSIBLE = replace(RULE, confidence=Confidence.POSSIBLE, line=10)
SKIP = Skip("dist.zip!a.bin", "encrypted", "needs a password")
OUTCOME = Outcome("1.2.3", (RULE, SECRET), (SKIP,), {"files": 214})

HOSTILE = [
    "::error::x",
    "\n::set-output name=a::b",
    "##[add-matcher]x",
    "##vso[task.setvariable variable=a]b",
    "a%0A::error::b",
    "a\x00\x1b[2J\x7f\x85",
    "a\u202eb\u2066",
    "\ud800\udcff\ufffe\uffff",
    "]]><!--&lt;\"'",
    "| `a` | <script>alert(1)</script>",
    "[x](javascript:alert)",
    "![x](http://a.example/b.png)",
    "@everyone #1 www.example.com https://example.com *a* _b_ $c$",
    "a,line=1:b",
    "\u2028\r\n\t ",
    "",
]
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=()), max_size=8),
)
images = st.builds(
    ImagePlace,
    reference=texts,
    platform=texts,
    layer=st.none() | st.integers(0, 300),
    digest=texts,
    diff_id=texts,
    created_by=texts,
    state=st.sampled_from(["present", "overwritten", "deleted", "metadata"]),
    field=texts,
)
findings = st.builds(
    Finding,
    path=texts,
    line=st.integers(0, 3),
    column=st.integers(0, 3),
    offset=st.integers(0, 3),
    name=texts,
    kind=st.sampled_from(["secret", "rule"]),
    confidence=st.sampled_from(Confidence),
    encoding=st.sampled_from(["raw", "base64"]),
    fingerprint=st.sampled_from(["00ff" * 8, "ff00" * 8]),
    description=texts,
    remediation=texts,
    image=st.none() | images,
    stream=st.sampled_from(["", "", "stdout"]),
    count=st.integers(1, 3),
    details=st.lists(st.tuples(st.sampled_from(["account", "also"]), texts), max_size=2).map(tuple),
)
skips = st.builds(Skip, path=texts, reason=st.sampled_from(["damaged", "too-deep"]), detail=texts)
outcomes = st.builds(
    Outcome,
    version=st.just("1.2.3"),
    findings=st.lists(findings, max_size=3).map(tuple),
    skips=st.lists(skips, max_size=2).map(tuple),
    stats=st.just({"files": 3}),
)

# A document takes milliseconds to make and to validate.
few = settings(max_examples=min(settings().max_examples, 300))


def rendered(name: str, *found: Finding, skips: tuple[Skip, ...] = ()) -> str:
    return render(name, Outcome("1.2.3", found, skips))


def render(name: str, outcome: Outcome) -> str:
    return b"".join(reports.named(name).render(outcome)).decode()


def sarif_run(*found: Finding, skips: tuple[Skip, ...] = ()) -> Any:  # noqa: ANN401  # JSON
    return json.loads(rendered("sarif", *found, skips=skips))["runs"][0]


def gitlab_report(*found: Finding, skips: tuple[Skip, ...] = ()) -> Any:  # noqa: ANN401  # JSON
    return json.loads(rendered("gitlab", *found, skips=skips))


def junit_suite(*found: Finding, skips: tuple[Skip, ...] = ()) -> ET.Element:
    text = rendered("junit", *found, skips=skips)
    (suite,) = ET.fromstring(text)  # noqa: S314  # we wrote it
    return suite


# All formats


@few
@given(outcomes)
def test_no_byte_of_a_report_is_obeyed_by_a_terminal(outcome: Outcome) -> None:
    for name in {*reports.FORMATS} - {"json"}:  # which tells paths as they are
        text = render(name, outcome)
        assert all(letter.isprintable() or letter == "\n" for letter in text)


@few
@given(outcomes)
def test_no_line_of_a_report_is_a_command_that_came_from_a_file_name(outcome: Outcome) -> None:
    for name in {*reports.FORMATS} - {"github"}:
        text = render(name, outcome)
        assert not re.search(r"(?m)^\s*::|##\[|##vso\[", text)


def test_no_report_tells_a_secret_that_was_found(tmp_path: Path) -> None:
    value = "".join(("Tr0ub4dor", "&3-horse", "-staple"))
    inner = tar({f"conf-{value}.txt": value.encode()})
    (tmp_path / "dist.tar").write_bytes(inner + b"\0" * 7)
    matcher = Matcher(secrets=[Secret("DB_PASSWORD", value.encode())])
    found = [*scan([tmp_path], matcher)]
    outcome = Outcome("1.2.3", tuple(item for item in found if isinstance(item, Finding)))
    assert {finding.name for finding in outcome.findings} == {"DB_PASSWORD"}
    for name in reports.FORMATS:
        assert not matcher.find(render(name, outcome).encode())


DETAILED = replace(RULE, details=(("public_key", "SHA256:ab"), ("also", "other-token")))


def test_what_a_credential_tells_is_in_every_report_for_programs_and_people() -> None:
    told = dict(DETAILED.details)
    assert json.loads(rendered("json", DETAILED))["findings"][0]["details"] == told
    assert sarif_run(DETAILED)["results"][0]["properties"]["details"] == told
    (vulnerability,) = gitlab_report(DETAILED)["vulnerabilities"]
    assert vulnerability["details"]["credential"] == {
        "name": "Credential",
        "type": "named-list",
        "items": {
            "public_key": {"name": "Public key", "type": "text", "value": "SHA256:ab"},
            "also": {"name": "Also", "type": "text", "value": "other-token"},
        },
    }
    line = "public_key: SHA256:ab, also: other-token"
    assert f"\n    {line}\n" in rendered("text", DETAILED)
    assert f" ({line}). Revoke it." in rendered("github", DETAILED)


def test_what_tells_nothing_has_no_details() -> None:
    assert "details" not in json.loads(rendered("json", RULE))["findings"][0]
    assert "details" not in sarif_run(RULE)["results"][0]["properties"]
    assert "credential" not in gitlab_report(RULE)["vulnerabilities"][0]["details"]


# What was masked in a stream


def test_what_was_masked_is_told_with_its_count_in_every_format() -> None:
    outcome = Outcome("1.2.3", (MASKED, MASKED_BY_RULE), stats={"masked": 1201})
    told = {name: render(name, outcome) for name in reports.FORMATS}
    summary = "masked 1,201 times: 2 names, 2 forms"
    assert told["text"] == (
        "stderr\n"
        "  4:7  known  DB_PASSWORD  base64  value of DB_PASSWORD, masked 1,200 times\n"
        "\n"
        "stdout\n"
        "  3:7  certain  acme-token  raw  Acme deploy token, masked once\n"
        "\n"
        f"{summary}\n"
    )
    assert told["github"] == (
        "::error title=DB_PASSWORD (known)::value of DB_PASSWORD in stderr (line 4), as base64, "
        "masked 1,200 times. Revoke it.\n"
        "::error title=acme-token (certain)::Acme deploy token in stdout (line 3), masked once. "
        "Revoke it.\n"
        f"{summary}\n"
    )
    assert told["markdown"] == (
        f"## leakguard\n\n{summary}\n\n"
        "| Stream | First | Name | Form | Confidence | Masked |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| <code>stderr</code> | <code>4&#58;7</code> | <code>DB&#95;PASSWORD</code> "
        "| <code>base64</code> | <code>known</code> | <code>1,200 times</code> |\n"
        "| <code>stdout</code> | <code>3&#58;7</code> | <code>acme-token</code> "
        "| <code>raw</code> | <code>certain</code> | <code>once</code> |\n"
    )
    assert "    - masked 1,200 times\n" in told["junit"]
    known, _ = json.loads(told["gitlab"])["vulnerabilities"]
    assert known["location"]["file"] == "stderr"
    assert known["details"]["count"] == {"name": "Masked", "type": "text", "value": "1,200 times"}
    known, _ = json.loads(told["sarif"])["runs"][0]["results"]
    assert known["occurrenceCount"] == known["properties"]["count"] == 1200
    assert known["properties"]["stream"] == "stderr"
    known, by_rule = json.loads(told["json"])["findings"]
    assert list(known)[-2:] == ["stream", "count"]
    assert (known["stream"], known["count"]) == ("stderr", 1200)
    assert (by_rule["stream"], by_rule["count"]) == ("stdout", 1)


@pytest.mark.parametrize("name", sorted({*reports.FORMATS} - {"json", "sarif", "gitlab", "junit"}))
def test_nothing_masked_is_told_in_words(name: str) -> None:
    assert "nothing masked\n" in render(name, Outcome("1.2.3", stats={"masked": 0}))


def test_what_a_scan_found_has_no_stream_and_no_count() -> None:
    (told,) = json.loads(rendered("json", RULE))["findings"]
    assert {"stream", "count"} & told.keys() == set()
    (result,) = sarif_run(RULE)["results"]
    assert "occurrenceCount" not in result


# SARIF


@few
@given(outcomes)
def test_sarif_is_valid_whatever_was_found(outcome: Outcome) -> None:
    SARIF.validate(json.loads(render("sarif", outcome)))


def test_sarif_tells_a_finding_by_rule_place_and_fingerprint() -> None:
    assert sarif_run(RULE)["results"] == [
        {
            "ruleId": "acme-token",
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": "Acme deploy token in app/.env (line 3)"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "app/.env"},
                        "region": {"startLine": 3, "startColumn": 7},
                    }
                }
            ],
            "partialFingerprints": {"leakguardFingerprint/v1": "00ff" * 8 + ":acme-token"},
            "properties": {
                "path": "app/.env",
                "line": 3,
                "column": 7,
                "offset": 40,
                "kind": "rule",
                "confidence": "certain",
                "encoding": "raw",
            },
        }
    ]


def test_sarif_points_at_the_archive_and_names_the_member() -> None:
    (result,) = sarif_run(SECRET)["results"]
    assert result["locations"] == [
        {
            "physicalLocation": {"artifactLocation": {"uri": "dist.tar.gz"}},
            "logicalLocations": [
                {
                    "name": "app/a.bin!b",
                    "fullyQualifiedName": "dist.tar.gz!app/a.bin!b",
                    "kind": "resource",
                }
            ],
        }
    ]
    assert result["properties"]["path"] == "dist.tar.gz!app/a.bin!b"
    assert result["message"]["text"] == (
        "value of DB_PASSWORD in dist.tar.gz!app/a.bin!b (line 1), as base64"
    )


def test_sarif_has_no_region_for_what_has_no_line() -> None:
    (result,) = sarif_run(replace(RULE, line=0, column=0, offset=0))["results"]
    assert "region" not in result["locations"][0]["physicalLocation"]
    assert result["message"]["text"] == "Acme deploy token in app/.env (in its name)"


def test_sarif_keeps_findings_in_one_archive_apart() -> None:
    found = (SECRET, replace(SECRET, offset=41), replace(SECRET, path="dist.tar.gz!c"))
    hashes = [
        result["partialFingerprints"]["primaryLocationLineHash"]
        for result in sarif_run(*found)["results"]
    ]
    assert len(set(hashes)) == 3
    assert all(re.fullmatch("[0-9a-f]{16}:1", one) for one in hashes)


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/c#d?.env", "a%20b/c%23d%3F.env"),
        ("größe", "gr%C3%B6%C3%9Fe"),
        ("./dist/a", "dist/a"),
        ("/opt/app/a", "file:///opt/app/a"),
        ("oci:app!etc/x", "oci%3Aapp"),
        ("a\udcff\n", "a%5Cxff%5Cx0a"),
        ("100%", "100%25"),
    ],
)
def test_sarif_writes_a_path_as_a_relative_reference(path: str, uri: str) -> None:
    (result,) = sarif_run(replace(RULE, path=path))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": uri}


@few
@given(texts)
def test_sarif_names_no_file_in_another_way_than_people_see_it(path: str) -> None:
    (result,) = sarif_run(replace(RULE, path=f"d/{path}"))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"[A-Za-z0-9%/_.~-]+", uri)
    assert unquote(uri) == shown(f"d/{path}".partition("!")[0])


def test_sarif_has_a_rule_for_each_name_with_what_to_do_about_it() -> None:
    run = sarif_run(LIKELY, SECRET, RULE, replace(SECRET, name="acme-token"))
    rules = run["tool"]["driver"]["rules"]
    ids = [rule["id"] for rule in rules]
    assert ids == ["acme-token", "secret/DB_PASSWORD", "secret/acme-token"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 1, 0, 2]
    assert rules[0] == {
        "id": "acme-token",
        "name": "acme-token",
        "shortDescription": {"text": "Acme deploy token"},
        "fullDescription": {"text": "Acme deploy token"},
        "help": {"text": "Revoke it.", "markdown": "Revoke it."},
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "tags": ["security", "secret", "external/cwe/cwe-798"],
            "security-severity": "9.0",
            "precision": "very-high",
        },
    }


@pytest.mark.parametrize(
    ("confidence", "level", "severity"),
    [
        (Confidence.KNOWN, "error", "9.5"),
        (Confidence.CERTAIN, "error", "9.0"),
        (Confidence.LIKELY, "warning", "7.0"),
        (Confidence.POSSIBLE, "note", "4.0"),
    ],
)
def test_sarif_ranks_by_confidence(confidence: Confidence, level: str, severity: str) -> None:
    run = sarif_run(replace(RULE, confidence=confidence))
    (rule,) = run["tool"]["driver"]["rules"]
    assert run["results"][0]["level"] == rule["defaultConfiguration"]["level"] == level
    assert rule["properties"]["security-severity"] == severity


def test_sarif_tells_what_was_not_searched() -> None:
    run = sarif_run(skips=(SKIP,))
    assert run["invocations"] == [
        {
            "executionSuccessful": True,
            "toolExecutionNotifications": [
                {
                    "level": "warning",
                    "descriptor": {"id": "encrypted"},
                    "message": {
                        "text": "not searched: dist.zip!a.bin: encrypted: needs a password"
                    },
                    "locations": [{"physicalLocation": {"artifactLocation": {"uri": "dist.zip"}}}],
                    "properties": {"path": "dist.zip!a.bin"},
                }
            ],
        }
    ]
    assert run["tool"]["driver"]["notifications"] == [{"id": "encrypted"}]
    assert run["results"] == []


def test_sarif_says_where_in_an_image_a_finding_is() -> None:
    run = sarif_run(
        replace(SECRET, path="app.tar!etc/x", image=IMAGE),
        replace(SECRET, path="app.tar", image=FIELD),
    )
    layer, field = run["results"]
    assert layer["properties"]["image"] == {
        "reference": "docker-archive:app.tar (app:1)",
        "platform": "linux/amd64",
        "layer": 2,
        "digest": "sha256:" + "ab" * 32,
        "diff_id": "sha256:" + "cd" * 32,
        "created_by": "RUN make && rm .env",
        "state": "deleted",
        "field": "",
    }
    assert [one["name"] for one in layer["locations"][0]["logicalLocations"]] == [
        "layer 2",
        "etc/x",
    ]
    assert layer["message"]["text"] == (
        "value of DB_PASSWORD in app.tar!etc/x (line 1), as base64, "
        "layer 2 (sha256:abababababab), linux/amd64, deleted, RUN make && rm .env"
    )
    assert [one["name"] for one in field["locations"][0]["logicalLocations"]] == ["config.Env[1]"]
    assert "region" not in field["locations"][0]["physicalLocation"]


def test_sarif_beyond_what_github_takes_leaves_out_the_least_confident_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sarif, "MOST_RESULTS", 2)
    run = sarif_run(POSSIBLE, LIKELY, POSSIBLE, RULE)
    assert [result["level"] for result in run["results"]] == ["warning", "error"]
    assert run["invocations"][0]["toolExecutionNotifications"] == [
        {
            "level": "warning",
            "message": {"text": "2 findings of least confidence left out of this report"},
        }
    ]


def test_sarif_makes_no_link_of_a_path() -> None:
    (result,) = sarif_run(replace(RULE, path="a[x](javascript:y)"))["results"]
    assert result["message"]["text"] == "Acme deploy token in a[x] (javascript:y) (line 3)"


# GitLab


@few
@given(outcomes)
def test_gitlab_is_valid_whatever_was_found(outcome: Outcome) -> None:
    GITLAB.validate(json.loads(render("gitlab", outcome)))


def test_gitlab_tells_a_finding_by_rule_place_and_solution() -> None:
    (vulnerability,) = gitlab_report(RULE)["vulnerabilities"]
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-.*", vulnerability.pop("id"))
    assert vulnerability == {
        "name": "Acme deploy token",
        "description": "Acme deploy token (certain, raw)",
        "severity": "Critical",
        "identifiers": [
            {
                "type": "leakguard_rule",
                "name": "leakguard rule acme-token",
                "value": "acme-token",
            },
            {
                "type": "leakguard_fingerprint",
                "name": "leakguard fingerprint " + "00ff" * 8,
                "value": "00ff" * 8,
            },
            {
                "type": "cwe",
                "name": "CWE-798",
                "value": "798",
                "url": "https://cwe.mitre.org/data/definitions/798.html",
            },
        ],
        "location": {
            "file": "app/.env",
            "commit": {"sha": "0000000"},
            "start_line": 3,
            "end_line": 3,
        },
        "details": {
            "confidence": {"name": "Confidence", "type": "text", "value": "certain"},
            "encoding": {"name": "Encoding", "type": "text", "value": "raw"},
            "column": {"name": "Column", "type": "text", "value": "7"},
            "offset": {"name": "Offset", "type": "text", "value": "40"},
        },
        "solution": "Revoke it.",
    }


@pytest.fixture(autouse=True)
def job(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return what sets variables of a job in which none is set that counts."""
    for name in (
        "SOURCE_DATE_EPOCH",
        "CI_JOB_STARTED_AT",
        "CI_PIPELINE_CREATED_AT",
        "CI_COMMIT_SHA",
    ):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("variables", "time"),
    [
        ({}, "1970-01-01T00:00:00"),
        ({"SOURCE_DATE_EPOCH": "1700000000"}, "2023-11-14T22:13:20"),
        ({"CI_JOB_STARTED_AT": "2026-01-02T03:04:05Z"}, "2026-01-02T03:04:05"),
        ({"CI_JOB_STARTED_AT": "2026-01-02T03:04:05.678+02:00"}, "2026-01-02T01:04:05"),
        ({"CI_PIPELINE_CREATED_AT": "2026-01-02T03:04:05"}, "2026-01-02T03:04:05"),
        ({"SOURCE_DATE_EPOCH": "x", "CI_JOB_STARTED_AT": "y"}, "1970-01-01T00:00:00"),
        ({"SOURCE_DATE_EPOCH": "9" * 30}, "1970-01-01T00:00:00"),
        ({"SOURCE_DATE_EPOCH": "-60000000000"}, "0068-09-03T13:20:00"),
        (
            {
                "SOURCE_DATE_EPOCH": "0",
                "CI_JOB_STARTED_AT": "2026-01-02T03:04:05Z",
                "CI_PIPELINE_CREATED_AT": "2025-01-02T03:04:05Z",
            },
            "1970-01-01T00:00:00",
        ),
        (
            {
                "CI_JOB_STARTED_AT": "2026-01-02T03:04:05Z",
                "CI_PIPELINE_CREATED_AT": "2025-01-02T03:04:05Z",
            },
            "2026-01-02T03:04:05",
        ),
    ],
)
def test_gitlab_takes_its_times_from_the_job_and_never_from_a_clock(
    variables: dict[str, str], time: str, job: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        job.setenv(name, value)
    report = gitlab_report()
    GITLAB.validate(report)
    assert (report["scan"]["start_time"], report["scan"]["end_time"]) == (time, time)


@pytest.mark.parametrize(
    ("sha", "told"), [("0123456789abcdef" * 2, "0123456789abcdef" * 2), ("main", "0000000")]
)
def test_gitlab_names_the_commit_of_the_job(sha: str, told: str, job: pytest.MonkeyPatch) -> None:
    job.setenv("CI_COMMIT_SHA", sha)
    (vulnerability,) = gitlab_report(RULE)["vulnerabilities"]
    assert vulnerability["location"]["commit"] == {"sha": told}


def test_gitlab_gives_each_finding_an_id_of_its_own_and_always_the_same() -> None:
    found = [
        RULE,
        replace(RULE, offset=41),
        replace(RULE, path="b"),
        replace(RULE, fingerprint="ff00" * 8),
        replace(RULE, image=IMAGE),
    ]
    ids = [one["id"] for one in gitlab_report(*found)["vulnerabilities"]]
    assert len(set(ids)) == len(found)
    reworded = [replace(one, description="", remediation="") for one in reversed(found)]
    assert [one["id"] for one in gitlab_report(*reworded)["vulnerabilities"]] == ids[::-1]


def test_gitlab_cuts_what_the_schema_limits() -> None:
    long = replace(RULE, name="n" * 300, description="d" * 300, remediation="r" * 9000)
    report = gitlab_report(long)
    GITLAB.validate(report)
    (vulnerability,) = report["vulnerabilities"]
    assert vulnerability["name"] == "d" * 254 + "…"
    assert vulnerability["solution"] == "r" * 6999 + "…"
    assert vulnerability["identifiers"][0]["value"] == "n" * 254 + "…"


def test_gitlab_has_no_line_or_solution_where_there_is_none() -> None:
    (vulnerability,) = gitlab_report(replace(RULE, line=0, remediation=""))["vulnerabilities"]
    assert vulnerability["location"] == {"file": "app/.env", "commit": {"sha": "0000000"}}
    assert "solution" not in vulnerability
    assert "column" not in vulnerability["details"]


def test_gitlab_details_the_archive_and_the_image() -> None:
    (vulnerability,) = gitlab_report(replace(SECRET, image=IMAGE))["vulnerabilities"]
    details = vulnerability["details"]
    assert vulnerability["location"]["file"] == "dist.tar.gz!app/a.bin!b"
    assert details["archive"]["value"] == "dist.tar.gz"
    assert details["member"]["value"] == "app/a.bin!b"
    assert details["image"]["type"] == "named-list"
    assert {key: item["value"] for key, item in details["image"]["items"].items()} == {
        "reference": "docker-archive:app.tar (app:1)",
        "platform": "linux/amd64",
        "layer": "2",
        "digest": "sha256:" + "ab" * 32,
        "diff_id": "sha256:" + "cd" * 32,
        "created_by": "RUN make && rm .env",
        "state": "deleted",
    }


def test_gitlab_is_told_what_was_not_searched() -> None:
    assert gitlab_report(skips=(SKIP,))["scan"]["messages"] == [
        {
            "level": "warn",
            "value": "not searched: dist.zip!a.bin: encrypted: needs a password",
        }
    ]


@few
@given(findings)
def test_gitlab_gets_no_extract_of_what_was_found(finding: Finding) -> None:
    (vulnerability,) = gitlab_report(finding)["vulnerabilities"]
    assert "raw_source_code_extract" not in vulnerability


# JUnit


@few
@given(outcomes)
def test_junit_has_one_case_for_each_path_whatever_it_is_called(outcome: Outcome) -> None:
    suite = junit_suite(*outcome.findings, skips=outcome.skips)
    failed = [
        case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None
    ]
    unread = [case.get("name") for case in suite.iter("testcase") if case.find("error") is not None]
    assert failed == [*dict.fromkeys(shown(finding.path) for finding in outcome.findings)]
    assert unread == [*dict.fromkeys(shown(skip.path) for skip in outcome.skips)]
    keys = [(case.get("classname"), case.get("name")) for case in suite.iter("testcase")]
    assert len(set(keys)) == len(keys) == int(suite.get("tests", ""))
    assert int(suite.get("failures", "")) == len(failed)
    assert int(suite.get("errors", "")) == len(unread)


def test_junit_fails_a_path_with_all_that_was_found_in_it() -> None:
    suite = junit_suite(RULE, replace(SECRET, path="app/.env", image=IMAGE), LIKELY)
    (case,) = suite
    assert case.attrib == {
        "classname": "leakguard",
        "name": "app/.env",
        "file": "app/.env",
        "time": "0",
    }
    (failure,) = case
    assert failure.attrib == {"message": "3 findings: acme-token, DB_PASSWORD", "type": "secret"}
    assert failure.text == (
        "3 findings: acme-token, DB_PASSWORD\n"
        "line 3: acme-token (certain, raw)\n"
        "    - Acme deploy token\n"
        "    - Revoke it.\n"
        f"    - fingerprint {'00ff' * 8}\n"
        "line 1: DB_PASSWORD (known, base64)\n"
        "    - value of DB_PASSWORD\n"
        "    - layer 2 (sha256:abababababab), linux/amd64, deleted, RUN make && rm .env\n"
        "    - Revoke it.\n"
        f"    - fingerprint {'00ff' * 8}\n"
        "line 9: acme-token (likely, raw)\n"
        "    - Acme deploy token\n"
        "    - Revoke it.\n"
        f"    - fingerprint {'00ff' * 8}"
    )


def test_junit_has_an_error_for_what_was_not_searched() -> None:
    suite = junit_suite(RULE, skips=(SKIP, replace(SKIP, reason="damaged", detail="")))
    _, case = suite
    (error,) = case
    assert case.get("classname") == "leakguard.incomplete"
    assert case.get("name") == "dist.zip!a.bin"
    assert case.get("file") == "dist.zip"
    assert error.attrib == {
        "message": "not searched: encrypted: needs a password",
        "type": "incomplete",
    }
    assert error.text == "not searched\nencrypted: needs a password\ndamaged"


def test_junit_has_a_case_that_passed_where_nothing_was_found() -> None:
    (case,) = junit_suite()
    assert (case.get("name"), len(case)) == ("no secret found", 0)


# GitHub


def obeyed(line: str) -> tuple[str, dict[str, str], str]:
    """Return kind, properties and message as the runner reads them."""
    match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
    assert match
    pairs = (pair.split("=", 1) for pair in match[2].split(","))
    properties = {name: unescaped(value, "%3A:", "%2C,") for name, value in pairs}
    return match[1], properties, unescaped(match[3])


def unescaped(text: str, *more: str) -> str:
    for escape in ("%0D\r", "%0A\n", *more, "%25%"):
        text = text.replace(escape[:3], escape[3:])
    return text


@few
@given(outcomes)
def test_github_reads_back_what_was_meant(outcome: Outcome) -> None:
    *lines, last = render("github", outcome).splitlines()
    ranked = sorted(outcome.findings, key=lambda finding: -finding.confidence)
    commands = [obeyed(line) for line in lines]
    assert len(commands) == len(ranked) + len(outcome.skips)
    for finding, (kind, properties, message) in zip(ranked, commands, strict=False):
        certain = finding.confidence >= Confidence.CERTAIN
        assert kind == ("error" if certain else "warning")
        assert properties["title"] == shown(f"{finding.name} ({finding.confidence.label})")
        assert shown(finding.path) in message
    assert re.fullmatch(r"\d+ findings?.*, \d+ skips?, 3 files searched", last)


def test_github_annotates_lines_of_files_and_archives_as_a_whole() -> None:
    assert rendered("github", LIKELY, SECRET, RULE, skips=(SKIP,)).splitlines() == [
        "::error file=dist.tar.gz,title=DB_PASSWORD (known)::"
        "value of DB_PASSWORD in dist.tar.gz!app/a.bin!b (line 1), as base64. Revoke it.",
        "::error file=app/.env,line=3,col=7,title=acme-token (certain)::"
        "Acme deploy token in app/.env (line 3). Revoke it.",
        "::warning file=app/.env,line=9,col=7,title=acme-token (likely)::"
        "Acme deploy token in app/.env (line 9). Revoke it.",
        "::notice title=leakguard%3A not searched::dist.zip!a.bin: encrypted: needs a password",
        "3 findings in 2 files, 1 skip",
    ]


def test_github_escapes_what_would_end_a_property_or_a_line() -> None:
    name = "a,line=1:b%0A\n::error::c"
    line = rendered("github", replace(RULE, path=name)).splitlines()[0]
    assert line == (
        "::error file=a%2Cline=1%3Ab%250A\\x0a%3A%3Aerror%3A%3Ac,line=3,col=7,"
        "title=acme-token (certain)::"
        "Acme deploy token in a,line=1:b%250A\\x0a::error::c (line 3). Revoke it."
    )


def test_github_points_at_no_file_for_what_is_in_an_image() -> None:
    line = rendered("github", replace(SECRET, path="app.tar", image=FIELD)).splitlines()[0]
    assert line == (
        "::error title=DB_PASSWORD (known)::value of DB_PASSWORD in app.tar (line 1), as base64, "
        "config.Env[1] (sha256:abababababab), linux/amd64, metadata. Revoke it."
    )


def kinds(*found: Finding, skips: tuple[Skip, ...] = ()) -> Iterator[str]:
    for line in rendered("github", *found, skips=skips).splitlines()[:-1]:
        yield obeyed(line)[0]


def test_github_gets_no_more_of_a_kind_than_it_shows() -> None:
    found = [*kinds(*[RULE] * 13, *[LIKELY] * 11, skips=(SKIP,) * 12)]
    assert found == ["error"] * 10 + ["warning"] * 10 + ["notice"] * 10
    assert [*kinds(skips=(SKIP,) * 10)] == ["notice"] * 10


@pytest.mark.parametrize(
    ("found", "skipped", "notice"),
    [
        ([RULE] * 13 + [LIKELY] * 9, 0, "3 more findings are in the report"),
        ([LIKELY] * 11, 0, "1 more finding is in the report"),
        ([], 11, "2 more skips are in the report"),
        ([POSSIBLE] * 11, 10, "1 more finding and 1 more skip are in the report"),
    ],
)
def test_github_counts_what_it_does_not_show(
    found: list[Finding], skipped: int, notice: str
) -> None:
    lines = rendered("github", *found, skips=(SKIP,) * skipped).splitlines()
    assert lines[-2] == f"::notice title=leakguard::{notice}"


def test_github_is_told_that_nothing_was_found_without_an_annotation() -> None:
    outcome = Outcome("1.2.3", stats={"files": 2})
    assert render("github", outcome) == "0 findings, 0 skips, 2 files searched\n"


# Markdown


class Cells(HTMLParser):
    """Collects the cells of tables, and all tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.feed(MarkdownIt("commonmark").enable("table").render(text))

    def handle_starttag(  # noqa: D102  # of the base class
        self, tag: str, attrs: list[tuple[str, str | None]]
    ) -> None:
        assert not attrs
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:  # noqa: D102  # of the base class
        if self.rows and self.rows[-1] and data.strip("\n"):
            self.rows[-1][-1] += data


MARKUP = {"h2", "p", "table", "thead", "tbody", "tr", "th", "td", "code"}


@few
@given(outcomes)
def test_markdown_shows_names_as_they_stand_and_obeys_none(outcome: Outcome) -> None:
    cells = Cells(render("markdown", outcome))
    assert cells.tags <= MARKUP
    bodies = [row for row in cells.rows if row[0] not in ("Stream", "Path", "Not searched")]
    ranked = sorted(outcome.findings, key=lambda each: (not each.stream, -each.confidence))
    seen = [(row[0], row[2]) for row in bodies[: len(ranked)]]
    assert seen == [(shown(one.path), shown(one.name)) for one in ranked]
    unread = [tuple(row) for row in bodies[len(ranked) :]]
    assert unread == [(shown(one.path), one.reason, shown(one.detail)) for one in outcome.skips]


def test_markdown_is_a_table_of_findings_and_one_of_skips() -> None:
    assert render("markdown", OUTCOME) == (
        "## leakguard\n"
        "\n"
        "2 findings in 2 files, 1 skip, 214 files searched\n"
        "\n"
        "| Path | Place | Name | Confidence |\n"
        "| --- | --- | --- | --- |\n"
        "| <code>dist.tar.gz!app/a.bin!b</code> | <code>1&#58;7</code> "
        "| <code>DB&#95;PASSWORD</code> | <code>known</code> |\n"
        "| <code>app/.env</code> | <code>3&#58;7</code> "
        "| <code>acme-token</code> | <code>certain</code> |\n"
        "\n"
        "| Not searched | Reason | Detail |\n"
        "| --- | --- | --- |\n"
        "| <code>dist.zip!a.bin</code> | <code>encrypted</code> "
        "| <code>needs a password</code> |\n"
    )


def test_markdown_has_a_column_for_images_where_there_is_one() -> None:
    rows = Cells(rendered("markdown", RULE, replace(SECRET, image=IMAGE))).rows
    assert [row[4] for row in rows] == [
        "In the image",
        "layer 2 (sha256:abababababab), linux/amd64, deleted, RUN make && rm .env",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("[x](javascript:y)", "&#91;x&#93;(javascript&#58;y)"),
        ("<b>|`@a", "&#60;b&#62;&#124;&#96;&#64;a"),
        ("WWW.a.b", "WWW&#46;a.b"),
        ("a\nb\\", "a&#92;x0ab&#92;"),
        ("&amp;", "&#38;amp;"),
        ("größe - ok", "größe - ok"),
    ],
)
def test_markdown_writes_what_could_be_markup_as_entities(text: str, inert: str) -> None:
    assert markdown.inert(text) == inert


def test_markdown_stays_far_below_what_github_takes_and_counts_what_it_left_out() -> None:
    found = [replace(RULE, path=f"{'@' * 500}/{at}") for at in range(2000)]
    text = rendered("markdown", *found, SECRET, skips=(Skip("|" * 500, "damaged"),) * 2000)
    assert len(text.encode()) < 384 << 10
    told, untold = text.count("\n| <code>&#64;") + 1, text.count("\n| <code>&#124;")
    assert text.index("dist.tar.gz") < text.index("&#64;")
    assert f"\n{2001 - told:,} more findings left out here.\n" in text
    assert f"\n{2000 - untold:,} more skips left out here.\n" in text


# Text and JSON


def test_text_says_where_in_an_image_a_finding_is() -> None:
    found = (
        replace(SECRET, path="app.tar!etc/x", image=replace(IMAGE, created_by="RUN " + "x" * 200)),
        replace(SECRET, path="app.tar", line=0, image=FIELD),
    )
    assert rendered("text", *found) == (
        "app.tar!etc/x\n"
        "  1:7  known  DB_PASSWORD  base64  value of DB_PASSWORD\n"
        "    in layer 2 (sha256:abababababab), linux/amd64, deleted, RUN "
        f"{'x' * 76}…\n"
        "\n"
        "app.tar\n"
        "  metadata  known  DB_PASSWORD  base64  value of DB_PASSWORD\n"
        "    in config.Env[1] (sha256:abababababab), linux/amd64, metadata\n"
        "\n"
        "2 findings in 2 files, 0 skips\n"
    )


def test_json_tells_the_place_in_an_image_and_of_others_none() -> None:
    inside, outside = json.loads(rendered("json", replace(RULE, image=IMAGE), RULE))["findings"]
    assert inside["image"] == {
        "reference": "docker-archive:app.tar (app:1)",
        "platform": "linux/amd64",
        "layer": 2,
        "digest": "sha256:" + "ab" * 32,
        "diff_id": "sha256:" + "cd" * 32,
        "created_by": "RUN make && rm .env",
        "state": "deleted",
        "field": "",
    }
    assert "image" not in outside


@few
@given(outcomes)
def test_json_reads_back_whatever_a_file_is_called(outcome: Outcome) -> None:
    document = json.loads(render("json", outcome))
    assert len(document["findings"]) == len(outcome.findings)
    for told, finding in zip(document["findings"], outcome.findings, strict=True):
        if not any("\ud800" <= letter <= "\udfff" for letter in finding.path):
            assert told["path"] == finding.path
