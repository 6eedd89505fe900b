"""`leakguard scan`: files, directories and archives, searched before they are published."""

from __future__ import annotations

from leakguard import scanner
from leakguard.cli import matching
from leakguard.cli.command import application, command
from leakguard.cli.options import Ruleset, Secrets, key
from leakguard.cli.progress import Progress
from leakguard.cli.scanning import Paths, Reporting, Scanning, outcome_of

_STATUS = {
    "0": "nothing found",
    "1": "findings",
    "2": "usage or configuration",
    "3": "incomplete: something was not searched, and nothing found in the rest",
    "4": "leakguard failed",
}

app = application()


@command(app, _STATUS)
def scan(
    paths: Paths, secrets: Secrets, ruleset: Ruleset, scanning: Scanning, reporting: Reporting
) -> int:
    """Search files, directories and archives, the current directory by default; - is stdin.

    Archives are recognized by their contents and opened in memory, as deep as they go. What cannot
    be searched is reported as a skip.

    With --staged, what `git commit` would record is searched, and not the files at hand.
    """
    writer = reporting.writer()
    options = scanning.read()
    matcher = matching.matcher(secrets, ruleset)
    with (
        paths.open(scanning.exclude, matcher) as origins,
        Progress(shown=reporting.progress) as progress,
    ):
        found = scanner.scan_origins(origins, matcher, key=key(), progress=progress, **options)
        outcome = outcome_of(ruleset.allowed(found), progress)
    writer.write(outcome)
    return reporting.exit_code(outcome)
