"""What makes a function a command: options in frozen groups, a help that ends with exit status.

A command takes values of the option groups in `leakguard.cli.options` and returns its exit code.
Each field of a group is one option. What was typed stays text until its group reads it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import partial, wraps
from typing import Any, TypeAlias, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

Function: TypeAlias = Callable[..., int]


class _Plain(TyperCommand):
    """A command whose options arrive as they were typed."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401  # a class that Typer keeps
        """Return the parameters of the command."""
        return _plain(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """A group whose options arrive as they were typed."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401  # as above
        """Return the parameters of the group."""
        return _plain(super().get_params(ctx))


def _plain(parameters: list[Any]) -> list[Any]:
    """Keep Typer from reading every text with pydantic, whose import takes longer than all else."""
    for parameter in parameters:
        parameter.process_value = partial(_as_typed, parameter)
    return parameters


def _as_typed(parameter: Any, context: typer.Context, value: Any) -> Any:  # noqa: ANN401  # as above
    if parameter.required and not value:
        context.fail(f"Missing {parameter.display_name_raw}")
    return parameter.callback(context, parameter, value) if parameter.callback else value


def application(cls: type[PlainGroup] = PlainGroup, **settings: Any) -> typer.Typer:  # noqa: ANN401  # Typer's
    """Return a Typer application with the settings that all of ours share."""
    settings |= {
        "epilog": "The --help of each command ends with its exit status.",
        "add_completion": False,
        "rich_markup_mode": None,
    }
    return typer.Typer(cls=cls, pretty_exceptions_enable=False, **settings)


def command(
    app: typer.Typer,
    status: Mapping[str, str],
    **settings: Any,  # noqa: ANN401  # Typer's
) -> Callable[[Function], Function]:
    """Return a decorator that adds a function to `app` as a command.

    Args:
        app: Where the command belongs.
        status: Exit codes and what they mean; the help ends with them.
        settings: For `Typer.command`.
    """

    def add(function: Function) -> Function:
        app.command(cls=_Plain, epilog=_epilog(status), **settings)(_flat(function))
        return function

    return add


def _epilog(status: Mapping[str, str]) -> str:
    width = max(map(len, status))
    lines = (f"  {code:<{width}}  {meaning}" for code, meaning in status.items())
    return "\n".join(["\b", "Exit status:", *lines])  # \b keeps Typer from filling the lines


def _flat(function: Function) -> Function:
    """Return `function` with the fields of its option groups as parameters, for Typer to read."""
    hints = get_type_hints(function, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if is_dataclass(hint)}

    @wraps(function)
    def flat(**given: Any) -> int:  # noqa: ANN401  # as many types as options
        values = {name: _filled(group, given) for name, group in groups.items()}
        return function(**values, **given)

    taken = inspect.signature(function).parameters.values()
    parameters = [each for one in taken for each in _parameters(one, hints[one.name])]
    vars(flat)["__signature__"] = inspect.Signature(parameters)
    return flat


def _filled(group: Any, given: dict[str, Any]) -> object:  # noqa: ANN401  # a class or an instance, says mypy
    return group(**{option.name: given.pop(option.name) for option in fields(group)})


def _parameters(
    taken: inspect.Parameter,
    hint: Any,  # noqa: ANN401  # a type form
) -> Iterator[inspect.Parameter]:
    by_keyword = inspect.Parameter.KEYWORD_ONLY
    if not is_dataclass(hint):
        yield taken.replace(annotation=hint, kind=by_keyword)
        return
    hints = get_type_hints(hint, include_extras=True)
    for option in fields(hint):
        yield inspect.Parameter(
            option.name, by_keyword, default=_default(option), annotation=hints[option.name]
        )


def _default(option: Field[Any]) -> Any:  # noqa: ANN401  # as many types as options
    if option.default_factory is not MISSING:
        return option.default_factory()
    return inspect.Parameter.empty if option.default is MISSING else option.default
