"""CI systems as the masker sees them: what they take for a command, and what they print.

Each is written from the behavior of its runner, not from ours, and keeps what it was told to mask
apart from the lines that its log shows.
"""

from __future__ import annotations

import re
from typing import Protocol

_SPACES = "".join(map(chr, range(0x2000, 0x200B)))
_BLANKS = f"\t\v\f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000{_SPACES}"
_UNIX_LINE = re.compile(r"[^\n]*\n|[^\n]+")


class Runner(Protocol):
    """A CI system that reads what a job prints."""

    masks: set[str]
    log: list[str]

    def read(self, stream: bytes) -> None:
        """Take all that a job prints to one stream."""


def dotnet_lines(stream: bytes) -> list[str]:
    """Return the lines of a stream as .NET reads them."""
    text = stream.decode("utf-8-sig", "replace")
    lines = re.split("\r\n|\r|\n", text)
    return lines if lines[-1] else lines[:-1]


class GithubRunner:
    """actions/runner."""

    def __init__(self) -> None:
        self.masks: set[str] = set()
        self.log: list[str] = []
        self._token: str | None = None

    def read(self, stream: bytes) -> None:
        """Take all that a job prints to one stream."""
        for line in dotnet_lines(stream):
            if not self._obeys(line):
                self.log.append(line)

    def _obeys(self, line: str) -> bool:
        known = {"add-mask", "stop-commands", "set-output", "error", (self._token or "").lower()}
        found = self._new(line)
        if found is None or found[0].lower() not in known - {""}:
            found = self._old(line)
        if found is None or found[0].lower() not in known - {""}:
            return False
        name, value = found[0].lower(), found[1]
        if self._token is not None:
            if name != self._token.lower():
                return False
            self._token = None
            self.log.append(line)
        elif name == "stop-commands":
            self._token = value
            self.log.append(line)
        elif name == "add-mask" and value.strip():
            self.masks.add(value)
        return True

    def _new(self, line: str) -> tuple[str, str] | None:
        line = line.lstrip(_BLANKS)
        end = line.find("::", 2)
        if not line.startswith("::") or end < 0:
            return None
        value = line[end + 2 :].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        return line[2:end].split(" ")[0], value

    def _old(self, line: str) -> tuple[str, str] | None:
        start = line.find("##[")
        end = line.find("]", start)
        if start < 0 or end < 0:
            return None
        value = line[end + 1 :].replace("%3B", ";").replace("%0D", "\r").replace("%0A", "\n")
        value = value.replace("%5D", "]").replace("%25", "%")
        return line[start + 3 : end].split(" ")[0], value


class ActRunner:
    """nektos/act: greedy regexes on lines that end in a line feed, and what is no command shows."""

    _new = re.compile(r"::([^ ]+)( (.+))?::([^\r\n]*)[\r\n]+")
    _old = re.compile(r"##\[([^ ]+)( (.+))?]([^\r\n]*)[\r\n]+")

    def __init__(self) -> None:
        self.masks: set[str] = set()
        self.log: list[str] = []
        self._token = ""

    def read(self, stream: bytes) -> None:
        """Take all that a job prints to one stream."""
        for line in _UNIX_LINE.findall(stream.decode("utf-8", "replace")):
            self._take(line)

    def _take(self, line: str) -> None:
        found = self._new.fullmatch(line) or self._old.fullmatch(line)
        if found is None or (self._token and found[1] != self._token):
            self.log.append(line)
        elif found[1] == "add-mask":
            value = found[4].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
            self.masks.add(value)
        else:
            self._token = found[4] if found[1] == "stop-commands" else ""
            self.log.append(line)


class GiteaRunner(ActRunner):
    """Forgejo's runner and Gitea's older ones: act inside, and a reporter that undoes no escape."""

    _told = re.compile(r"::([^ :]+)( .*)?::(.*)")

    def __init__(self) -> None:
        super().__init__()
        self._reporter_token = ""

    def _take(self, line: str) -> None:
        super()._take(line)
        line = line.rstrip("\r\n")
        found = self._told.fullmatch(line)
        if found is None or (self._reporter_token and found[1] != self._reporter_token):
            self.log.append(line)
        elif found[1] == "add-mask":
            self.masks.add(found[3])
        else:
            self._reporter_token = found[3] if found[1] == "stop-commands" else ""


class AzureAgent:
    """The agent of Azure Pipelines.

    Args:
        lines: Whether it takes secrets of several lines.
        percents: Whether it undoes `%AZP25`.
    """

    def __init__(self, *, lines: bool = False, percents: bool = True) -> None:
        self.masks: set[str] = set()
        self.log: list[str] = []
        self._lines = lines
        self._percents = percents

    def read(self, stream: bytes) -> None:
        """Take all that a job prints to one stream."""
        for line in dotnet_lines(stream):
            start = line.find("##vso[")
            end = line.find("]", start)
            if start < 0 or end < 0:
                self.log.append(line)
            else:
                self._obey(line, line[start + 6 : end], line[end + 1 :])

    def _obey(self, line: str, command: str, value: str) -> None:
        name, _, rest = command.partition(" ")
        fields = dict(field.split("=", 1) for field in rest.split(";") if "=" in field)
        fields = {key.lower(): self._plain(text) for key, text in fields.items()}
        value = self._plain(value)
        if name.lower() == "task.setsecret":
            self.masks |= {value} - {""}
        elif name.lower() != "task.setvariable" or not fields.get("variable"):
            self.log.append(line)
        elif fields.get("issecret", "").strip().lower() == "true":
            if re.search("[\r\n]", value) and not self._lines:
                self.log.append(line)  # with an error that quotes it
            else:
                self.masks.add(value)

    def _plain(self, text: str) -> str:
        for escaped, plain in (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]")):
            text = text.replace(escaped, plain)
        return text.replace("%AZP25", "%") if self._percents else text
