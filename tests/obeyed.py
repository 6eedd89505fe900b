"""The lines of a log that a CI system takes for commands, read as its runner reads them."""

from __future__ import annotations

import re
from collections import Counter

GITHUB = frozenset(
    re.findall(
        r"\S+",
        """add-mask add-matcher add-path debug echo endgroup error group notice remove-matcher
    save-state set-env set-output stop-commands warning""",
    )
)
AZURE = frozenset(
    re.findall(
        r"\S+",
        """artifact.associate artifact.upload build.addbuildtag build.updatebuildnumber
    build.uploadlog
    codecoverage.publish release.updatereleasename results.publish task.addattachment
    task.complete task.debug task.logdetail task.logissue task.prependpath task.setendpoint
    task.setprogress task.setsecret task.setvariable task.uploadfile task.uploadsummary""",
    )
)
_LINE_END = re.compile(rb"\r\n|\r|\n")


def commands(log: bytes) -> Counter[str]:
    """Return how often each command stands in `log`, by the runner that obeys it."""
    lines = [line.decode("latin-1") for line in _LINE_END.split(log)]
    found = [f"github {name}" for line in lines if (name := _github(line))]
    found += [f"azure {name}" for line in lines if (name := _azure(line))]
    return Counter(found)


def _github(line: str) -> str:
    """Return the command of a line for GitHub's runner: `::name …::`, else the first `##[name …]`.

    What has no name that the runner knows is text.
    """
    begun = line.lstrip()
    if begun.startswith("::") and (end := begun.find("::", 2)) >= 0:
        name = begun[2:end].split(" ")[0].lower()
        if name in GITHUB:
            return name
    name = _bracketed(line, "##[").lower()
    return name if name in GITHUB else ""


def _azure(line: str) -> str:
    """Return the command of a line for Azure's agent: the first `##vso[area.event …]`."""
    name = _bracketed(line, "##vso[").lower()
    return name if name in AZURE else ""


def _bracketed(line: str, opening: str) -> str:
    start = line.lower().find(opening)
    end = line.find("]", start)
    if start < 0 or end < 0:
        return ""
    return line[start + len(opening) : end].strip().split(" ")[0]
