"""What `mask` and `run` have in common: maskers made from options, and what is told in the end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from leakguard import __version__, encoders, hosts, policy
from leakguard.cli import console, matching, reporting
from leakguard.cli.options import DEFAULT_MASK, Masking, Ruleset, Secrets, choice, key, number
from leakguard.commands import Dialect
from leakguard.errors import ExitCode, UsageError
from leakguard.masker import Leak, Masker
from leakguard.model import Finding, Secret
from leakguard.reports import Outcome, text

_ROTATE = "Rotate it where it was issued, and keep it out of what the job prints."
_MODES = ["auto", "on", "off"]
_STDOUT, _STDERR = 1, 2

# Commands of GitHub Actions and Azure Pipelines: a part of one completes it in the right place.
_COMMANDS = """
add-mask add-matcher add-path debug echo endgroup error group internal-set-repo-path notice
remove-matcher save-state set-env set-output stop-commands warning
artifact.associate artifact.upload build.addbuildtag build.updatebuildnumber build.uploadlog
codecoverage.disable codecoverage.enable codecoverage.publish release.updatereleasename
results.publish task.addattachment task.complete task.debug task.logdetail task.logissue
task.prependpath task.setendpoint task.setprogress task.setsecret task.setvariable
task.settaskvariable task.uploadfile task.uploadsummary telemetry.publish vso
"""


class Session:
    """The streams of one job, which share secrets, rules and options."""

    def __init__(self, secrets: Secrets, ruleset: Ruleset, masking: Masking) -> None:
        """Load what is to be masked, and say which secrets cannot be.

        Raises:
            UsageError: If an option is wrong; nothing has run then.
        """
        self._masking = masking
        self._targets = _targets(secrets, ruleset, masking)
        self._honored, self._forwarded = _commands(masking.commands)
        self._mask = _mask(masking)
        self._matcher = matching.matcher(secrets, ruleset, builtin=masking.rules, streams=True)
        if self._matcher.find(self._mask):
            raise UsageError("--mask: the mask holds a secret, or what looks like one")
        self._maskers: dict[str, Masker] = {}
        self._min_length = number("--min-length", secrets.min_length, least=1)
        self._added: set[bytes] = set()

    def masker(self, stream: str) -> Masker:
        """Return a masker for the stream that reports call `stream`."""
        masker = Masker(
            self._matcher,
            self._mask,
            label=self._masking.label,
            commands=self._honored,
            forward=self._forwarded,
            locate=bool(self._targets) or self._masking.stats,
            key=key(),
        )
        for other in self._maskers.values():
            masker.share(other)
        self._maskers[stream] = masker
        return masker

    def add(self, secret: Secret) -> str:
        """Mask `secret` in every stream from now on; return why it is not protected, or nothing."""
        if not encoders.needles(secret, min_length=self._min_length):
            weakness = policy.weakness(secret.value, min_length=self._min_length)
            return weakness or "nothing of it tells enough"
        # A job may add the same value in every step, and each would make the search slower.
        if secret.value not in self._added:
            self._added.add(secret.value)
            for masker in self._maskers.values():
                masker.add(secret)
        return ""

    def close(self, code: int) -> int:
        """Write reports and statistics; return `code`, or what takes its place.

        Raises:
            LeakguardError: If a report cannot be written.
        """
        findings = tuple(self._findings())
        masked = sum(finding.count for finding in findings)
        if self._masking.stats:
            self._tell(_table(findings, masked))
        reporting.save(self._targets, Outcome(__version__, findings, stats={"masked": masked}))
        return code or (ExitCode.FINDINGS if masked and self._masking.fail_on_leak else ExitCode.OK)

    def _tell(self, lines: Iterator[str]) -> None:
        """Write lines to standard error, which may end within one of the job's."""
        sinks = {"stderr"} | ({"stdout"} if _same(_STDOUT, _STDERR) else set())
        if any(self._maskers[stream].mid_line for stream in sinks & self._maskers.keys()):
            console.tell("")
        for line in lines:
            console.tell(f"leakguard: {line}")

    def _findings(self) -> Iterator[Finding]:
        for stream, masker in self._maskers.items():
            for leak in masker.leaks:
                yield self._finding(stream, leak, matching.masked(leak.name, masker.matcher))

    def _finding(self, stream: str, leak: Leak, name: str) -> Finding:
        """Return what is told of a leak, under a name that holds no secret."""
        rule = self._matcher.rule(leak.name) if leak.kind == "rule" else None
        return Finding(
            path=stream,
            line=leak.line,
            column=leak.column,
            offset=leak.offset,
            name=name,
            kind=leak.kind,
            confidence=leak.confidence,
            encoding=leak.encoding,
            fingerprint=leak.fingerprint,
            description=rule.description if rule else f"value of {name}",
            remediation=(rule and rule.remediation) or _ROTATE,
            stream=stream,
            count=leak.count,
        )


def _table(findings: Sequence[Finding], masked: int) -> Iterator[str]:
    """Yield one line for each name, form and stream, and one for all."""
    rows = [
        (each.name, each.kind, each.encoding, each.stream, text.place(each), str(each.count))
        for each in sorted(findings, key=lambda each: (each.kind != "secret", each.name))
    ]
    head = ("NAME", "KIND", "FORM", "STREAM", "FIRST", "MASKED")
    for cells in text.table([head, *rows, ("in all", "", "", "", "", str(masked))]):
        yield text.line(cells)


def _same(one: int, other: int) -> bool:
    """Return whether two descriptors are of one file or terminal."""
    try:
        return os.path.sameopenfile(one, other)
    except OSError:  # one of them is closed
        return False


def _targets(secrets: Secrets, ruleset: Ruleset, masking: Masking) -> tuple[reporting.Target, ...]:
    try:
        return reporting.targets(masking.report)
    except UsageError as error:
        # What was typed there may be a secret.
        known = matching.matcher(secrets, ruleset, builtin=masking.rules, streams=True)
        raise matching.told(error, known) from None


def _commands(mode: str) -> tuple[bool, Dialect | None]:
    """Return whether commands in the stream are honored, and which the host must see, too."""
    if choice("--commands", mode, _MODES) != "auto":
        return mode == "on", None
    host = hosts.detect()
    dialect = host.obeys if host else None
    return dialect is not None, dialect


def _mask(masking: Masking) -> bytes:
    """Return the bytes to mask with, which join nothing and begin no command."""
    if masking.label and masking.mask != DEFAULT_MASK:
        raise UsageError("--mask and --label contradict each other")
    if not masking.mask.strip():
        raise UsageError("--mask: an empty mask would join what stands around a secret")
    if not masking.mask.isprintable() or _obeyed(masking.mask):
        raise UsageError("--mask: no control characters, and nothing that a CI system may obey")
    return masking.mask.encode()


def _obeyed(mask: str) -> bool:
    """Return whether a mask may become a command, or part of one, by what stands around it."""
    if "::" in mask or mask.startswith(":") or mask.endswith(":") or {*"#%"} & {*mask}:
        return True
    # What ends in the middle of a command's name completes it: so does a blank, by its end.
    return mask[0].isspace() or mask.lower().split()[0] in _COMMANDS
