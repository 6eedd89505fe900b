"""`leakguard run`: a command whose output is masked, and whose exit code is returned."""

from __future__ import annotations

from leakguard import child
from leakguard.cli.command import application, command
from leakguard.cli.masking import Session
from leakguard.cli.options import Command, Masking, Ruleset, Running, Secrets

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
def run(
    secrets: Secrets, ruleset: Ruleset, masking: Masking, running: Running, command: Command
) -> int:
    """Run COMMAND and mask what it prints.

    COMMAND begins behind -- or at the first word that is no option; from there on nothing is read
    as an option of leakguard. It is executed as it stands: for pipes and variables, run a shell.

    When standard output is a terminal, COMMAND gets a terminal of its own: what is typed goes
    there, Ctrl-C and Ctrl-Z included, and what it shows of that is masked too. Each standard stream
    that is no terminal stays what it is. Else COMMAND gets pipes, and reads standard input itself.

    Standard output and standard error stay apart. Signals are passed on to COMMAND and what it has
    started, and a second SIGINT within two seconds kills it.
    """
    child.keep_private()
    drain_seconds = running.drain_seconds()
    session = Session(secrets, ruleset, masking)
    streams = iter(("stdout", "stderr"))
    code = child.run(
        command.words,
        lambda: session.masker(next(streams)),
        drain_seconds=drain_seconds,
        pty=running.pty,
        merge=running.merge,
        register=session.add,
    )
    return session.close(code)
