"""Whole commands, timed in turn so that a drifting machine favours none: medians and ratios."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import string
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

STDLIB = Path(sysconfig.get_path("stdlib"))


def leakguard() -> str:
    """Return the command of the environment that runs the benchmark.

    Raises:
        SystemExit: If leakguard is not installed there.
    """
    found = shutil.which("leakguard", path=str(Path(sys.executable).parent))
    if found is None:
        raise SystemExit("leakguard is not installed beside this interpreter")
    return found


def seconds(command: str, environ: Mapping[str, str] | None = None) -> float:
    """Return the wall time of one run of a shell `command`; its output is thrown away."""
    start = time.perf_counter()
    subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, **(environ or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return time.perf_counter() - start


def medians(
    commands: Sequence[str], environ: Mapping[str, str] | None = None, runs: int = 5
) -> list[float]:
    """Return the median wall time of each command, run in turn after one warm-up each."""
    for command in commands:
        seconds(command, environ)
    turns = [[seconds(command, environ) for command in commands] for _ in range(runs)]
    return [statistics.median(times) for times in zip(*turns, strict=True)]


def log(size: int) -> Path:
    """Return a file of `size` bytes like a log: the standard library's source with time stamps."""
    file = Path(tempfile.gettempdir()) / "leakguard-bench" / f"log-{size}.txt"
    if file.exists() and file.stat().st_size >= size:
        return file
    file.parent.mkdir(exist_ok=True)
    lines = [
        b"2026-11-24T01:00:00Z " + line
        for source in sorted(STDLIB.rglob("*.py"))
        for line in source.read_bytes().splitlines(keepends=True)
    ]
    text = b"".join(lines)
    file.write_bytes((text * (size // len(text) + 1))[:size])
    return file


def secrets(count: int) -> dict[str, str]:
    """Return an environment with `count` secrets of 16 to 48 letters and digits."""
    chance = random.Random(7)  # noqa: S311  # not keys: the same values at every run
    alphabet = string.ascii_letters + string.digits
    return {
        f"BENCH_SECRET_{i}": "".join(chance.choices(alphabet, k=chance.randint(16, 48)))
        for i in range(count)
    }


def peak_memory(command: str, environ: Mapping[str, str] | None = None) -> float:
    """Return the largest resident size in MB of any process that a shell `command` starts."""
    probe = "import resource, subprocess, sys; subprocess.run(['bash', '-c', sys.argv[1]])"
    probe += "; print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    run = subprocess.run(
        [sys.executable, "-c", probe, f"({command}) >/dev/null 2>&1"],
        env={**os.environ, **(environ or {})},
        capture_output=True,
        check=True,
    )
    unit = 1 if sys.platform == "darwin" else 1024
    return int(run.stdout) * unit / 1e6
