"""`leakguard image`: container images, searched layer by layer before they are pushed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from typer import Argument

from leakguard import images, scanner
from leakguard.cli import matching
from leakguard.cli.command import application, command
from leakguard.cli.options import Ruleset, Secrets, key
from leakguard.cli.progress import Progress
from leakguard.cli.scanning import Reporting, Scanning, outcome_of

_STATUS = {
    "0": "nothing found",
    "1": "findings",
    "2": "usage or configuration, or no image could be opened",
    "3": "incomplete: something was not searched, and nothing found in the rest",
    "4": "leakguard failed",
}

app = application()


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Which images to search."""

    references: Annotated[
        list[str],
        Argument(metavar="REF", show_default=False, help=f"{', '.join(images.syntaxes())}."),
    ]


@command(app, _STATUS)
def image(
    images: References, secrets: Secrets, ruleset: Ruleset, scanning: Scanning, reporting: Reporting
) -> int:
    """Search container images: all layers and platforms, and all that their metadata says.

    REF is docker-archive:FILE[:TAG], oci:DIR[:TAG|@DIGEST], oci-archive:FILE[:TAG|@DIGEST] or
    docker://NAME; without a prefix, a file or directory that is an image, else a name that the
    Docker daemon knows. A secret is found in a layer even if a later one deletes it.
    """
    writer = reporting.writer()
    options = scanning.read()
    matcher = matching.matcher(secrets, ruleset)
    with Progress(shown=reporting.progress) as progress:
        found = scanner.scan_images(
            images.references, matcher, key=key(), progress=progress, **options
        )
        outcome = outcome_of(ruleset.allowed(found), progress)
    writer.write(outcome)
    return reporting.exit_code(outcome)
