"""What can go wrong, and the exit code that says so.

Every failure that a user can cause or meet is one of these. A message is one line in lower case
that says what and where; it never holds a secret. Only `leakguard.cli` turns an error into an exit.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command but `run`, which returns its child's."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    FAILED = 4
    MASKING_FAILED = 125
    CANNOT_EXECUTE = 126
    NOT_FOUND = 127


class LeakguardError(Exception):
    """Base of all errors raised on purpose; `exit_code` is what a command ends with."""

    exit_code = ExitCode.FAILED


class UsageError(LeakguardError):
    """An option, a path or a combination that cannot be honoured."""

    exit_code = ExitCode.USAGE


class ProviderError(UsageError):
    """Secrets could not be loaded; nothing may run unmasked, so this ends the command."""


class RuleError(UsageError):
    """A rule does not hold together: its regex, its check, its examples or its file."""
