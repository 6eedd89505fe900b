"""A part of the configuration: what one file says, and where such a file is looked for.

How a file is read is for `leakguard.config.files`: most starts find none, and need not load that.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from leakguard.rules import Allow, Rule

if TYPE_CHECKING:
    from leakguard.rules.lines import Lines

FILE = "leakguard.toml"
"""The name of a configuration that is looked for."""

Change = Callable[[Rule], Rule]


@dataclass(frozen=True, slots=True)
class Part:
    """What one file says.

    Attributes:
        lines: The file.
        trusted: Whether the user has named it, and it was not only found.
        rules: Its rules.
        builtin: Whether the rules that come with leakguard are wanted.
        disable: Globs of the ids of rules to take away.
        overrides: By id, how rules are changed.
        allow: What is let pass.
        options: Defaults of options.
        is_foreign: Whether it is gitleaks': its ids may be those of other rules of ours, and it may
            disable rules that are not there.
    """

    lines: Lines
    trusted: bool
    rules: tuple[Rule, ...] = ()
    builtin: bool = True
    disable: tuple[str, ...] = ()
    overrides: tuple[tuple[str, Change], ...] = ()
    allow: tuple[Allow, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    is_foreign: bool = False

    @property
    def origin(self) -> str:
        """The path of the file."""
        return self.lines.origin

    def unknown(self, key: str, name: str, known: Iterable[str]) -> str:
        """Return what is wrong with a name that is not known."""
        line = self.lines.line(-1, key)
        return f"{self.origin}:{line}: '{key}': there is no rule '{name}'{hint(name, known)}"


def found(start: Path) -> tuple[Path | None, Path]:
    """Return the configuration for a directory, if there is one, and what it may read.

    It lies there or in a directory above, up to the root of the repository. Where there is no
    repository, directories above may be anybody's.
    """
    above = [start, *start.parents]
    root = next((each for each in above if (each / ".git").exists()), start)
    for directory in above[: above.index(root) + 1]:
        if (directory / FILE).is_file():
            return directory / FILE, root
    return None, root


def hint(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean …?)`, or nothing when nothing known is close to `word`."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""
