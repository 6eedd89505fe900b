"""The root of the command line: loads a command when it is called, so that `mask` starts at once.

A command is one module of `leakguard.cli.commands`, which has its name and assigns its `app`.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Annotated, Any

import typer

from leakguard import __version__
from leakguard.cli import commands, console
from leakguard.cli.command import PlainGroup, application
from leakguard.cli.wording import hint

NAMES = tuple(module.name for module in pkgutil.iter_modules(commands.__path__))


class OnDemand(PlainGroup):
    """A group that imports `leakguard.cli.commands.NAME` when NAME is called."""

    def list_commands(self, _: Any) -> list[str]:  # noqa: ANN401  # a class that Typer keeps
        """Return the names of all commands."""
        return list(NAMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401  # as above
        """Return the command called `cmd_name`, loaded now."""
        if cmd_name not in NAMES:
            ctx.fail(f"No such command: {cmd_name}, only {', '.join(NAMES)}{hint(cmd_name, NAMES)}")
        module = importlib.import_module(f"{commands.__name__}.{cmd_name}")
        return typer.main.get_command(module.app)


app = application(cls=OnDemand)


def _version(*, wanted: bool) -> None:
    if wanted:
        console.write([f"leakguard {__version__}\n".encode()])
        raise typer.Exit


@app.callback()
def leakguard(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")
    ] = False,
) -> None:
    """Mask secrets in CI logs, and find them in artifacts before they are published."""
