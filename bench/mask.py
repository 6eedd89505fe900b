"""Masking beside `cat` through the same pipes: throughput, lines, start and memory.

python bench/mask.py
"""

from __future__ import annotations

import sys

from measure import leakguard, log, medians, peak_memory, secrets

MASK = f"{leakguard()} mask --secrets 'env:BENCH_SECRET_*'"


def throughput(megabytes: int) -> None:
    """Print the time of `mask` with 10, 100 and 1,000 secrets, and what it is in `cat`s."""
    file = log(megabytes * 1_000_000)
    print(f"{megabytes} MB log, all forms, all rules")
    for count, limit in ((10, 8), (100, 10), (1000, 20)):
        masked, copied = medians(
            [f"cat {file} | {MASK} | cat", f"cat {file} | cat | cat"], secrets(count)
        )
        ratio = masked / copied
        print(
            f"  {count:5} secrets: {masked:.2f} s, {megabytes / masked:.0f} MB/s,"
            f" cat {copied:.2f} s, ratio {ratio:.1f} (to reach: {limit})"
        )


def lines() -> None:
    """Print how many lines of 80 bytes a second pass, each written by itself."""
    writer = (
        f"{sys.executable} -c \"import os; line = b'x' * 79 + b'\\n'\n"
        'for _ in range(1_000_000): os.write(1, line)"'
    )
    masked, copied = medians([f"{writer} | {MASK} | cat", f"{writer} | cat | cat"], secrets(10), 3)
    print(f"1 M writes of 80 bytes: {1e6 / masked:,.0f} lines/s (cat: {1e6 / copied:,.0f})")


def start() -> None:
    """Print how long one line takes from the start of the process to its end."""
    line = f"echo token | {MASK}"
    warm, python = medians([line, f"{sys.executable} -c pass"], secrets(10), 9)
    print(f"start to end, one line, 10 secrets: {warm * 1000:.0f} ms (Python: {python * 1000:.0f})")


def memory() -> None:
    """Print the peak memory for a log and for a line without end."""
    file = log(200_000_000)
    for count in (10, 1000):
        size = peak_memory(f"cat {file} | {MASK}", secrets(count))
        print(f"peak memory, 200 MB log, {count} secrets: {size:.0f} MB")
    size = peak_memory(f"head -c 2G /dev/zero | tr '\\0' a | {MASK}", secrets(10))
    print(f"peak memory, a line of 2 GB: {size:.0f} MB")


if __name__ == "__main__":
    throughput(200)
    lines()
    start()
    memory()
