"""Scanning beside `kingfisher` and `betterleaks`, which have a virtual environment of their own.

python bench/scan.py [PEERS_BIN [TREE]]
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from measure import STDLIB, leakguard, medians, peak_memory


def commands(peers: Path, tree: Path) -> dict[str, str]:
    """Return the command of each scanner that is there, by name."""
    found = {"leakguard": f"{leakguard()} scan --no-secrets {tree}"}
    kingfisher = shutil.which("kingfisher", path=str(peers))
    betterleaks = shutil.which("betterleaks", path=str(peers))
    if kingfisher:
        options = "--no-validate --git-history=none --no-update-check"
        found["kingfisher"] = f"{kingfisher} scan {options} {tree}"
    if betterleaks:
        # It passes over a tree whose path has a hidden directory in it.
        found["betterleaks"] = f"cd {tree} && {betterleaks} --no-color ."
    return found


def main() -> None:
    """Print the median time and peak memory of each scanner over the same tree."""
    tree = Path(sys.argv[2]) if len(sys.argv) > 2 else STDLIB
    files = [file for file in tree.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    print(f"{len(files)} files, {size / 1e6:.0f} MB")
    scanners = commands(Path(sys.argv[1] if len(sys.argv) > 1 else "."), tree)
    times = dict(zip(scanners, medians(list(scanners.values())), strict=True))
    for name, command in scanners.items():
        ratio = times["leakguard"] / times[name]
        print(f"  {name:12} {times[name]:.2f} s, {peak_memory(command):.0f} MB, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
