"""What `mask` and `run` have in common: maskers made from options, and what is told in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from leakguard import __version__, hosts
from leakguard.cli import console, matching, reporting
from leakguard.cli.options import DEFAULT_MASK, Masking, Ruleset, Secrets, choice, key
from leakguard.errors import ExitCode, UsageError
from leakguard.masker import Leak, Masker
from leakguard.model import Finding
from leakguard.reports import Outcome

_ROTATE = "Rotate it where it was issued, and keep it out of what the job prints."
_MODES = ["auto", "on", "off"]


class Session:
    """The streams of one job, which share secrets, rules and options."""

    def __init__(self, secrets: Secrets, ruleset: Ruleset, masking: Masking) -> None:
        """Load what is to be masked, and say which secrets cannot be.

        Raises:
            UsageError: If an option is wrong; nothing has run then.
        """
        self._masking = masking
        self._targets = reporting.targets(masking.report)
        self._honored, self._forwarded = _commands(masking.commands)
        self._mask = _mask(masking)
        self._matcher = matching.matcher(secrets, ruleset, builtin=masking.rules)
        if self._matcher.find(self._mask):
            raise UsageError("--mask: the mask holds a secret, or what looks like one")
        self._maskers: dict[str, Masker] = {}

    def masker(self, stream: str) -> Masker:
        """Return a masker for the stream that reports call `stream`."""
        masker = Masker(
            self._matcher,
            self._mask,
            label=self._masking.label,
            commands=self._honored,
            forward=self._forwarded,
            locate=bool(self._targets),
            key=key(),
        )
        for other in self._maskers.values():
            masker.share(other)
        self._maskers[stream] = masker
        return masker

    def close(self, code: int) -> int:
        """Write reports and statistics; return `code`, or what takes its place.

        Raises:
            LeakguardError: If a report cannot be written.
        """
        if self._masking.stats:
            self._tell_stats()
        if self._targets:
            reporting.save(self._targets, self._outcome())
        leaked = any(masker.leaks for masker in self._maskers.values())
        return code or (ExitCode.FINDINGS if leaked and self._masking.fail_on_leak else ExitCode.OK)

    def _tell_stats(self) -> None:
        counts: Counter[tuple[str, str]] = Counter()
        for masker in self._maskers.values():
            for leak in masker.leaks:
                counts[leak.name, leak.encoding] += leak.count
        for (name, encoding), count in sorted(counts.items()):
            console.tell(f"leakguard: masked {name} ({encoding}): {count}")
        console.tell(f"leakguard: masked in all: {counts.total()}")

    def _outcome(self) -> Outcome:
        total = sum(leak.count for masker in self._maskers.values() for leak in masker.leaks)
        return Outcome(__version__, tuple(self._findings()), stats={"masked": total})

    def _findings(self) -> Iterator[Finding]:
        for stream, masker in self._maskers.items():
            for leak in masker.leaks:
                yield self._finding(stream, leak)

    def _finding(self, stream: str, leak: Leak) -> Finding:
        rule = self._matcher.rule(leak.name) if leak.kind == "rule" else None
        return Finding(
            path=stream,
            line=leak.line,
            column=leak.column,
            offset=leak.offset,
            name=leak.name,
            kind=leak.kind,
            confidence=leak.confidence,
            encoding=leak.encoding,
            fingerprint=leak.fingerprint,
            description=rule.description if rule else f"value of {leak.name}",
            remediation=(rule and rule.remediation) or _ROTATE,
        )


def _commands(mode: str) -> tuple[bool, bool]:
    """Return whether commands in the stream are honored, and whether the host must see them too."""
    if choice("--commands", mode, _MODES) != "auto":
        return mode == "on", False
    host = hosts.detect()
    obeyed = host is not None and host.obeys
    return obeyed, obeyed


def _mask(masking: Masking) -> bytes:
    """Return the bytes to mask with, which join nothing and begin no command."""
    if masking.label and masking.mask != DEFAULT_MASK:
        raise UsageError("--mask and --label contradict each other")
    mask = masking.mask.encode("utf-8", "surrogateescape")
    if not mask:
        raise UsageError("--mask: an empty mask would join what stands around a secret")
    if not masking.mask.isprintable() or b"::" in mask or b"##" in mask:
        raise UsageError("--mask: no control characters, and nothing that a CI system may obey")
    return mask
