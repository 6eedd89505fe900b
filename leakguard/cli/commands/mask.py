"""`leakguard mask`: standard input to standard output, masked on the way."""

from __future__ import annotations

import os

from leakguard import pipe
from leakguard.cli import console
from leakguard.cli.command import application, command
from leakguard.cli.masking import Session
from leakguard.cli.options import Masking, Ruleset, Secrets

_STDIN, _STDOUT = 0, 1
_STATUS = {
    "0": "all of it went through; a reader that went away is no failure",
    "1": "something was masked, with --fail-on-leak",
    "2": "usage or configuration",
    "125": "leakguard failed; nothing went through unmasked",
    "128+n": "signal n ended it",
}

app = application()


@command(app, _STATUS)
def mask(secrets: Secrets, ruleset: Ruleset, masking: Masking) -> int:
    """Mask secrets in standard input.

    What cannot be part of a secret any more leaves at once: nothing waits for the end of a line.
    """
    session = Session(secrets, ruleset, masking)
    if os.isatty(_STDIN):
        console.tell("leakguard: reading from the terminal; end it with Ctrl-D")
    return session.close(pipe.pump(_STDIN, _STDOUT, session.masker("stdin")))
