"""The options that commands share: one frozen group for each concern, one field for each option.

A field holds what was typed. Who reads it says in one line what is wrong with it.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from typer import Argument, Context, Option

from leakguard import config, providers, reports, rules
from leakguard.cli import configured, console
from leakguard.cli.wording import hint
from leakguard.config import Config
from leakguard.errors import UsageError
from leakguard.model import Confidence, Finding, Secret, Skip
from leakguard.reports.text import counted
from leakguard.rules import Rule

DEFAULT_MASK = "***"

_SPECS = ", ".join(provider.syntax for provider in providers.by_name().values())
REPORT_HELP = (
    f"Write a report, too. FORMAT: {', '.join(reports.FORMATS)}. With github or markdown, FILE - "
    "is the step summary of a GitHub job."
)
_SIZE = re.compile(r"(\d+)([KMGT]?)(?:i?B)?", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]+)?")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Which values are protected."""

    secrets: Annotated[
        list[str],
        Option(
            "--secrets",
            metavar="SPEC",
            help=f"Where secrets are: {_SPECS}. Repeatable. auto, the default, is every "
            "environment variable whose name looks secret, and LEAKGUARD_SECRETS, a JSON object.",
        ),
    ] = field(default_factory=list)
    no_secrets: Annotated[bool, Option("--no-secrets", help="Know no secret.")] = False
    min_length: Annotated[
        str, Option("--min-length", metavar="N", help="Protect no value of fewer bytes.")
    ] = "6"

    def load(self) -> tuple[Secret, ...]:
        """Return the secrets.

        Raises:
            UsageError: If the options contradict each other, or a source cannot be read.
        """
        if self.no_secrets and self.secrets:
            raise UsageError("--no-secrets and --secrets contradict each other")
        return () if self.no_secrets else providers.load(tuple(self.secrets) or ("auto",))


def _configure(context: Context, value: str) -> str:
    """Let the configuration decide on defaults, before any other option is looked at."""
    configured.apply(context, configuration(value))
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """What unregistered credentials look like."""

    config: Annotated[
        str,
        Option(
            "--config",
            metavar="FILE",
            envvar="LEAKGUARD_CONFIG",
            show_default=False,
            show_envvar=False,
            is_eager=True,
            callback=_configure,
            help="Take rules, what is allowed and defaults of options from this file, "
            f"LEAKGUARD_CONFIG by default, else the {config.FILE} of the working directory or "
            "above it in its repository.",
        ),
    ] = ""
    add_rules: Annotated[
        list[str],
        Option("--add-rules", metavar="FILE", help="Use the rules in this file too. Repeatable."),
    ] = field(default_factory=list)
    min_confidence: Annotated[
        str,
        Option(
            "--min-confidence",
            metavar="CONFIDENCE",
            help="Leave alone what is less sure: known, certain, likely or possible.",
        ),
    ] = "likely"

    def load(self, *, builtin: bool = True) -> tuple[Rule, ...]:
        """Return the rules in use; without the `builtin` ones, only those of `--add-rules`.

        Raises:
            UsageError: If a file cannot be read, or a rule in it does not hold together.
        """
        configured = self.configuration()
        known = configured.rules(rules.builtin_rules()) if builtin else {}
        for file in self.add_rules:
            for rule in rules.load(text_of(file), file):
                known[rule.id] = (configured.allowing(rule), file)
        return tuple(rule for rule, _ in known.values())

    def configuration(self) -> Config:
        """Return the configuration.

        Raises:
            UsageError: If it cannot be read, or what it says is not understood.
        """
        return configuration(self.config)

    def confidence(self) -> Confidence:
        """Return the least confidence that counts.

        Raises:
            UsageError: If there is none of that name.
        """
        words = [confidence.label for confidence in reversed(Confidence)]
        return Confidence.of(choice("--min-confidence", self.min_confidence, words))

    def allowed(self, found: Iterable[Finding | Skip]) -> Iterator[Finding | Skip]:
        """Yield what the configuration does not let pass, and tell how much it does."""
        configured, count = self.configuration(), 0
        for each in found:
            if isinstance(each, Finding) and configured.allows(each):
                count += 1
            else:
                yield each
        if count:
            console.tell(f"leakguard: allowed by {configured.origin}: {counted(count, 'finding')}")


def configuration(file: str) -> Config:
    """Return the configuration in `file`, or in the one that is found; it is read once."""
    return _configuration(file, Path.cwd())


@functools.cache
def _configuration(file: str, directory: Path) -> Config:
    return config.load(file, start=directory)


def key() -> bytes:
    """Return the key of fingerprints, empty when there is none."""
    return os.environ.get("LEAKGUARD_KEY", "").encode("utf-8", "surrogateescape")


def text_of(file: str) -> str:
    """Return what a file with rules holds.

    Raises:
        UsageError: If it cannot be read.
    """
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read rules {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read rules {file}: not UTF-8") from error


def choice(option: str, value: str, words: Sequence[str]) -> str:
    """Return `value`, which must be one of `words`.

    Raises:
        UsageError: If it is not.
    """
    if value in words:
        return value
    raise UsageError(f"{option}: {value!r} is not one of {', '.join(words)}{hint(value, words)}")


def number(option: str, value: str, *, least: int = 0) -> int:
    """Return `value` as a whole number that is not below `least`.

    Raises:
        UsageError: If it is none.
    """
    if value.isascii() and value.isdecimal() and int(value) >= least:
        return int(value)
    raise UsageError(f"{option}: {value!r} is not a whole number from {least}")


def size(option: str, value: str) -> int:
    """Return `value`, such as `512`, `10M` or `2G`, in bytes.

    Raises:
        UsageError: If it is no size.
    """
    match = _SIZE.fullmatch(value)
    if match is None:
        raise UsageError(f"{option}: {value!r} is not a size such as 512, 10M or 2G")
    return int(match[1]) * _UNITS[match[2].upper()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """How a stream is masked, and what is told about it."""

    mask: Annotated[
        str, Option("--mask", metavar="TEXT", help="Put this in the place of a secret.")
    ] = DEFAULT_MASK
    label: Annotated[bool, Option("--label", help="Put [MASKED:NAME:ENCODING] there instead.")] = (
        False
    )
    rules: Annotated[
        bool,
        Option("--rules/--no-rules", help="Mask what looks like a credential, too."),
    ] = True
    commands: Annotated[
        str,
        Option(
            "--commands",
            metavar="auto|on|off",
            help="Honor ::add-mask:: and ##vso[task.setsecret] in the stream. auto: on a host that "
            "knows them, which sees them too.",
        ),
    ] = "auto"
    report: Annotated[
        list[str],
        Option("--report", metavar="FORMAT=FILE", help=f"{REPORT_HELP} Repeatable."),
    ] = field(default_factory=list)
    fail_on_leak: Annotated[
        bool, Option("--fail-on-leak", help="Exit with 1 if anything was masked.")
    ] = False
    stats: Annotated[
        bool, Option("--stats", help="Tell on standard error what was masked, and how often.")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run."""

    words: Annotated[list[str], Argument(metavar="COMMAND", hidden=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """How a command is run."""

    pty: Annotated[
        bool | None,
        Option(
            "--pty/--no-pty",
            show_default=False,
            help="Give COMMAND a terminal, or none. By default it gets one if standard output is "
            "one; colors, progress bars and prompts are then as they are without leakguard.",
        ),
    ] = None
    merge: Annotated[
        bool,
        Option(
            "--merge",
            help="Write standard error to standard output too, in the order of its being written. "
            "Always so when both lead to the same place.",
        ),
    ] = False
    drain: Annotated[
        str,
        Option(
            "--drain",
            metavar="SECONDS",
            help="How long what COMMAND leaves in the background may go on printing.",
        ),
    ] = "5"

    def drain_seconds(self) -> float:
        """Return how long to wait for the background.

        Raises:
            UsageError: If that is no number of seconds.
        """
        return seconds("--drain", self.drain)


def seconds(option: str, value: str) -> float:
    """Return `value`, such as `5` or `0.5`.

    Raises:
        UsageError: If it is no number of seconds.
    """
    if _SECONDS.fullmatch(value):
        return float(value)
    raise UsageError(f"{option}: {value!r} is not a number of seconds such as 5 or 0.5")
