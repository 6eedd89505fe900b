"""`leakguard config`: what the configuration comes to, and what can be said in one."""

from __future__ import annotations

from collections.abc import Iterator

from leakguard import rules
from leakguard.cli import configured, console
from leakguard.cli.app import NAMES
from leakguard.cli.command import application, command
from leakguard.cli.options import Ruleset
from leakguard.config import BUILT_IN, Config
from leakguard.config.schema import schema
from leakguard.errors import ExitCode
from leakguard.reports import json

_STATUS = {"0": "done", "2": "usage or configuration", "4": "leakguard failed"}

app = application(help="Show the configuration, and what can be said in one.")


@command(app, _STATUS)
def show(ruleset: Ruleset) -> int:
    """Show the configuration in effect, and where each part of it comes from."""
    lines = list(_shown(ruleset.configuration()))
    console.write(f"{line}\n".encode("utf-8", "surrogateescape") for line in lines)
    return ExitCode.OK


@command(app, _STATUS, name="schema")
def schema_() -> int:
    """Write the JSON schema of a configuration, for editors that complete and check one."""
    console.write([json.encode(schema(configured.schema(NAMES)))])
    return ExitCode.OK


def _shown(config: Config) -> Iterator[str]:
    known = config.rules(rules.builtin_rules())
    yield f"configuration: {config.origin or 'none'}"
    for part in config.parts:
        trust = "named" if part.trusted else "found: it reads nothing outside of its repository"
        yield f"  {part.origin} ({trust})"
    yield f"rules: {len(known)}"
    for origin, count in _by_origin(origin for _, origin in known.values()):
        yield f"  {count} {origin}"
    for part in config.parts:
        yield from (f"  disabled in {part.origin}: {glob}" for glob in part.disable)
    yield f"allowed: {sum(len(part.allow) for part in config.parts)}"
    for part in config.parts:
        yield from (f"  {each.shown()} ({part.origin})" for each in part.allow)
    yield "options:"
    for name, value, origin in configured.defaults(config):
        yield f"  {name} = {value} ({origin})"


def _by_origin(origins: Iterator[str]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for origin in origins:
        counts[origin] = counts.get(origin, 0) + 1
    return sorted(counts.items(), key=lambda each: (each[0] != BUILT_IN, each[0]))
