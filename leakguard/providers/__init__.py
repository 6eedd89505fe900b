"""Loads secrets from where they are kept: all that was asked for, or an error without a value.

A provider is a module of this package that assigns one constant, `PROVIDER`; its name is the kind
in `--secrets KIND:ARGUMENT`. What it cannot read is a `ProviderError`, never a shorter list: a job
must not run with half of its secrets unprotected.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from leakguard.errors import ProviderError
from leakguard.model import Secret
from leakguard.plugins import constants
from leakguard.policy import looks_secret
from leakguard.providers.wording import printable

Load = Callable[[str, Mapping[str, str]], Iterable[Secret]]
"""Takes the argument and the environment; raises `ProviderError` when anything cannot be read."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A kind of place that secrets are kept in.

    Attributes:
        name: The kind, as in `--secrets KIND:ARGUMENT`.
        syntax: How a user writes it, such as `dotenv:FILE`.
        summary: What it loads, in half a line for the help text.
        load: Loads the secrets.
    """

    name: str
    syntax: str
    summary: str
    load: Load

    @property
    def takes_argument(self) -> bool:
        """Whether something must follow the name."""
        return ":" in self.syntax


@cache
def by_name() -> Mapping[str, Provider]:
    """Return every provider by its name, in the order of names."""
    found = constants(sys.modules[__name__], "PROVIDER", Provider)
    return {provider.name: provider for provider in sorted(found, key=lambda each: each.name)}


def load(specs: Sequence[str], environ: Mapping[str, str] = os.environ) -> tuple[Secret, ...]:
    """Return the secrets that `specs` ask for, in their order, each pair of name and value once.

    Args:
        specs: What `--secrets` was given, such as `dotenv:.env`; none means `auto`.
        environ: The environment to read variables from.

    Raises:
        ProviderError: If a spec is not understood, or something that it asks for cannot be read.
    """
    return tuple(
        dict.fromkeys(secret for spec in specs or ("auto",) for secret in _loaded(spec, environ))
    )


def _loaded(spec: str, environ: Mapping[str, str]) -> Iterator[Secret]:
    provider, argument = _understood(spec)
    for secret in _secrets(provider, argument, environ):
        # A name ends up in logs and reports: a key of a JSON file must not start a line there.
        yield Secret(printable(secret.name), secret.value)


def _understood(spec: str) -> tuple[Provider, str]:
    kind, colon, argument = spec.partition(":")
    provider = by_name().get(kind)
    if provider is None:
        raise ProviderError(f"{_unknown(kind if colon else '')}: one of {', '.join(by_name())}")
    if provider.takes_argument and not argument:
        raise ProviderError(f"--secrets {kind} needs an argument: {provider.syntax}")
    if colon and not provider.takes_argument:
        raise ProviderError(f"--secrets {kind} takes no argument")
    return provider, argument


def _unknown(kind: str) -> str:
    """Say that there is no such kind; show it only if no more than four of its letters are news.

    Somebody may have pasted a value that holds a colon, and would read half of it in the log.
    """
    plain = kind.isascii() and kind.replace("-", "").replace("_", "").isalnum()
    if plain and (len(kind) <= 5 or get_close_matches(kind.lower(), by_name(), cutoff=0.75)):
        return f"unknown provider '{kind}' in --secrets '{kind}:...'"
    return "unknown provider in --secrets (not shown, it may be a value)"


def _secrets(provider: Provider, argument: str, environ: Mapping[str, str]) -> list[Secret]:
    try:
        return list(provider.load(argument, environ))
    except ProviderError:
        name = _variable_holding(argument, environ)
        if name is None:
            raise
    # Raised out here so that the first error, which may show the value as a path, is not chained.
    raise ProviderError(
        f"--secrets '{provider.name}:...' was given the value of {printable(name)}; "
        f"give the name instead: env:{printable(name)}"
    )


def _variable_holding(value: str, environ: Mapping[str, str]) -> str | None:
    """Return the secret variable that a shell put in here, as it does with `env:$TOKEN`."""
    names = (name for name, held in environ.items() if held == value and looks_secret(name))
    return next(names, None)
