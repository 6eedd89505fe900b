"""Whatever fails while `leakguard mask` masks, not one raw byte passes, and its exit code says so.

`LEAKGUARD_FAULTS=all` fails every call, at its first turn, at its last and between, as in
`make nightly`; otherwise each fails once, and those that only lack of memory could fail do not.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import PARTS, VALUE, Outcome

ROOT = Path(__file__).parent.parent
EVERY = os.environ.get("LEAKGUARD_FAULTS", "").split()
TOKEN = "Vq7mZp2Lk9Rt4WxB"  # noqa: S105  # made up
MASK = [sys.executable, "-m", "leakguard", "mask", "--secrets", "env:TOKEN"]
LOG = b"".join(b"line %05d token=Vq7mZp2Lk9Rt4WxB end\n" % number for number in range(50_000))
MASKED = LOG.replace(TOKEN.encode(), b"***")


def outcomes(part: str) -> list[Outcome]:
    """Return what came of a fault at each call of a part of the program."""
    run = subprocess.run(  # noqa: S603  # this very interpreter
        [sys.executable, "-m", "tests.faults", part, *EVERY],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    assert run.stderr == b""
    return [Outcome(**json.loads(line)) for line in run.stdout.splitlines()]


def is_closed(outcome: Outcome) -> bool:
    """Return whether nothing passed behind the fault, and exit code and message say so."""
    if not (outcome.raised and outcome.masked and outcome.silent):
        return False
    if outcome.error == "KeyboardInterrupt" and outcome.code == 130:
        return outcome.told == ""
    message = f"internal error ({outcome.error})\n"
    lines = {f"leakguard: {message}", f"leakguard: output withheld: {message}"}
    return outcome.code == 125 and outcome.told in lines


def is_harmless(outcome: Outcome) -> bool:
    """Return whether all was masked: Python drops an error where it ends a generator itself."""
    return outcome.raised and outcome.whole and (outcome.code, outcome.told) == (0, "")


@pytest.mark.parametrize("part", PARTS)
def test_a_fault_at_any_call_lets_nothing_pass(part: str) -> None:
    found = outcomes(part)
    assert [each for each in found if not is_closed(each) and not is_harmless(each)] == []
    assert sum(map(is_harmless, found)) <= len(found) // 20
    assert not any(VALUE.decode() in each.told for each in found)
    assert len(found) > 60


def masked(
    text: bytes,
    limit: Callable[[], None] | None = None,
    stdout: int = subprocess.PIPE,
    **environ: str,
) -> tuple[bytes | None, bytes, int]:
    """Return what `leakguard mask` makes of `text`, what it tells, and how it ends."""
    run = subprocess.run(  # noqa: S603  # this very interpreter, and no thread beside it
        MASK,
        cwd=ROOT,
        input=text,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        preexec_fn=limit,
        env={**os.environ, "TOKEN": TOKEN, **environ},
    )
    return run.stdout, run.stderr, run.returncode


def test_a_disk_that_is_full_is_told_in_one_line_and_the_producer_goes_on() -> None:
    script = '{ head -c 5000000 /dev/zero && echo produced >&2; } | "$@" >/dev/full'
    run = subprocess.run(  # noqa: S603  # this very interpreter
        ["/bin/sh", "-c", script, "sh", *MASK],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        check=False,
        env={**os.environ, "TOKEN": TOKEN},
    )
    lines = [b"leakguard: cannot write: No space left on device", b"produced"]
    assert (sorted(run.stderr.splitlines()), run.returncode) == (lines, 125)


def test_a_disk_that_fills_up_keeps_what_was_masked(tmp_path: Path) -> None:
    log = tmp_path / "log"
    room = 500_000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    with log.open("wb") as file:
        _, told, code = masked(LOG, limit, file.fileno(), XDG_CACHE_HOME=str(tmp_path))
    assert (told, code) == (b"leakguard: cannot write: File too large\n", 125)
    assert log.read_bytes() == MASKED[:room]


def test_a_killed_masker_leaves_nothing_raw_behind() -> None:
    with subprocess.Popen(  # noqa: S603  # this very interpreter
        MASK,
        cwd=ROOT,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TOKEN": TOKEN},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"a " + TOKEN[:10].encode())
        assert process.stdout.read(2) == b"a "
        process.kill()
        assert (process.wait(20), process.stdout.read()) == (-signal.SIGKILL, b"")
        with pytest.raises(BrokenPipeError):
            process.stdin.write(TOKEN[10:].encode())


# From too little to start with to enough for all of it.
@pytest.mark.parametrize("room", [0, 1, 2, 4, 8, 16, 32, 64, 128])
def test_without_memory_nothing_raw_passes(room: int) -> None:
    limited = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from leakguard import cli, pipe\n"
        "real = pipe.pump\n"
        "def pump(*given):\n"
        "    size = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "    size += ROOM * 100_000\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (size, size))\n"
        "    return real(*given)\n"
        "pipe.pump = pump\n"
        "sys.exit(cli.main())\n"
    )
    run = subprocess.run(  # noqa: S603  # this very interpreter
        [sys.executable, "-c", f"ROOM = {room}\n{limited}", *MASK[3:]],
        cwd=ROOT,
        input=LOG,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "TOKEN": TOKEN},
    )
    assert MASKED.startswith(run.stdout)
    if run.stderr.endswith(b"cannot allocate memory for thread-local data: ABORT\n"):
        assert run.returncode == 127  # the C library has ended the process, and asks nobody
        return
    # Some C functions cannot even say what they lack, and what is told in the end may lack it too.
    told = run.stderr.replace(b"SystemError", b"MemoryError")
    withheld = b"leakguard: output withheld: internal error (MemoryError)\n"
    closing = b"leakguard: internal error (MemoryError)\n"
    expected = (0, [b""]) if run.stdout == MASKED else (125, [withheld, withheld + closing])
    assert run.returncode == expected[0]
    assert told in expected[1]
