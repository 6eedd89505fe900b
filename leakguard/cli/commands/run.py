"""`leakguard run`: a command whose output is masked, and whose exit code is returned."""

from __future__ import annotations

from leakguard import child
from leakguard.cli.command import application, command
from leakguard.cli.masking import Session
from leakguard.cli.options import Command, Masking, Ruleset, Secrets

_STATUS = {
    "0-255": "that of the command",
    "1": "also: the command succeeded and something was masked, with --fail-on-leak",
    "2": "also: usage or configuration; the command has not run",
    "125": "leakguard failed; nothing went through unmasked",
    "126": "the command cannot be executed",
    "127": "the command was not found",
    "128+n": "signal n ended the command",
}

# The first word that is no option ends the options.
_WORDS = {"allow_interspersed_args": False}

app = application()


@command(app, _STATUS, options_metavar="[OPTIONS] --", context_settings=_WORDS)
def run(secrets: Secrets, ruleset: Ruleset, masking: Masking, command: Command) -> int:
    """Run COMMAND and mask what it prints.

    Standard output and standard error stay apart. COMMAND begins behind -- or at the first word
    that is no option; from there on nothing is read as an option of leakguard.
    """
    session = Session(secrets, ruleset, masking)
    streams = iter(("stdout", "stderr"))
    return session.close(child.run(command.words, lambda: session.masker(next(streams))))
