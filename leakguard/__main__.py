"""Lets `python -m leakguard` do what the command `leakguard` does."""

import sys

from leakguard.cli import main

sys.exit(main())
