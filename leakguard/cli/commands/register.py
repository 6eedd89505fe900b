"""`leakguard register`: tells the host CI to mask, which no other output of ours ever could."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress

from leakguard import hosts, policy
from leakguard.cli import console
from leakguard.cli.command import application, command
from leakguard.cli.options import Secrets, number
from leakguard.errors import ExitCode, UsageError
from leakguard.hosts import Host
from leakguard.reports.text import counted

_STATUS = {
    "0": "the host has been told",
    "2": "usage or configuration; also: no host, or one that cannot be told",
    "4": "leakguard failed",
}

app = application()


@command(app, _STATUS)
def register(secrets: Secrets) -> int:
    """Tell the host CI to mask every form of the secrets from now on.

    The values go to GitHub Actions (also Forgejo's and Gitea's) and Azure Pipelines as commands on
    standard output, which these hosts take out of the log, and to Buildkite through its agent.
    Standard output must be that of the job: a terminal and a file would keep the values. Other
    hosts cannot be told, use `leakguard run` there.
    """
    host = _host()
    least = number("--min-length", secrets.min_length, least=1)
    loaded = secrets.load()
    for secret in loaded:
        if reason := policy.weakness(secret.value, min_length=least):
            console.tell(f"leakguard: not protected: {secret.name} ({reason})")
    told = hosts.registration(host, loaded, min_length=least)
    if told.command:
        told.run()
    else:
        console.write([told.text])
    console.tell(f"leakguard: {host.name} masks {counted(told.count, 'form')} from now on")
    if told.untold:
        console.tell(f"leakguard: {host.name} has no way to be told {counted(told.untold, 'form')}")
    return ExitCode.OK


def _host() -> Host:
    """Return the host, if it can be told and only the host will read what it is told.

    Raises:
        UsageError: If not.
    """
    host = hosts.detect()
    if host is None:
        raise UsageError("register: this is no job of a CI system that can be told what to mask")
    if host.write is None:
        raise UsageError(
            f"register: {host.name} cannot be told by a job; use 'leakguard run' there"
        )
    if not host.command and (keeper := _keeper()):
        raise UsageError(f"register: standard output is a {keeper}, which would keep the values")
    return host


def _keeper() -> str:
    """Return what standard output is if the host cannot be at the other end of it."""
    if sys.stdout is None:
        return ""
    if sys.stdout.isatty():
        return "terminal"
    # What stands in for it has no descriptor, and is no file.
    with suppress(OSError):
        if stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
            return "file"
    return ""
