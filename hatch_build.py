"""Puts into a wheel what its rules come to, so that a new machine does not work that out first."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = ("rules.json", "sought.json")


class Ruleset(BuildHookInterface):  # type: ignore[type-arg,misc]  # of whatever builder there is
    """Writes the files of `FILES` beside the rules of a wheel; a checkout has a cache instead."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write them before the wheel is packed."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from leakguard import rules, sieves  # noqa: PLC0415  # of this checkout
        from leakguard.rules.stored import ship_rules  # noqa: PLC0415

        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        builtin = rules.parsed()
        ship_rules(builtin, folder)
        sieves.ship_sought(builtin, folder)
        for name in FILES:
            build_data["force_include"][str(folder / name)] = f"leakguard/ruleset/{name}"

    def finalize(self, version: str, *_: object) -> None:
        """Clear away what has been packed."""
        if version != "editable":
            self._folder.cleanup()
