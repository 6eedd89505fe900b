"""Starts processes that run a command masked, and waits for what they say and become."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
DRIVER = """
import sys
from leakguard.child import run
from tests.hider import Faulty, Hider
sys.exit(run(sys.argv[1:], Hider))
"""
BRIEF = DRIVER.replace("Hider))", "Hider, drain_seconds=0.3))")
MEGABYTE = 1_000_000


def start(
    *command: str, script: str = DRIVER, environ: dict[str, str] | None = None, **pipes: int
) -> subprocess.Popen[bytes]:
    """Start a process that runs `command` masked; it has no controlling terminal."""
    every = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    every |= pipes
    return subprocess.Popen(  # noqa: S603  # this very interpreter
        [PYTHON, "-c", script, *command],
        bufsize=0,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
        start_new_session=True,
        stdin=every["stdin"],
        stdout=every["stdout"],
        stderr=every["stderr"],
    )


def ran(
    *command: str,
    script: str = DRIVER,
    environ: dict[str, str] | None = None,
    given: bytes = b"",
) -> tuple[bytes, bytes, int]:
    """Run `command` masked; return its stdout, its stderr and the exit code."""
    with start(*command, script=script, environ=environ) as process:
        out, err = process.communicate(given, timeout=30)
        return out, err, process.returncode


def line(process: subprocess.Popen[bytes]) -> bytes:
    """Return the next line of stdout, waiting for it."""
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], 30)[0], "nothing came"
    return process.stdout.readline()


def rest(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes, int]:
    out, err = process.communicate(timeout=30)
    return out, err, process.returncode


def python(source: str) -> tuple[str, str, str]:
    return PYTHON, "-c", source


def state(pid: int) -> str:
    """Return the state of a process, such as `S` or `T`; `-` when it is gone, or a zombie."""
    try:
        letter = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "-"
    return "-" if letter == "Z" else letter


def becomes(condition: Callable[[], bool]) -> bool:
    """Return whether `condition` comes true before patience ends."""
    end = monotonic() + 20
    while monotonic() < end:
        if condition():
            return True
        sleep(0.01)
    return False


def gone(pid: int) -> bool:
    return becomes(lambda: state(pid) == "-")
