"""Finds the modules of a package that extend it: one module, one constant, no list to edit."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def constants(package: ModuleType, name: str, kind: type[T]) -> tuple[T, ...]:
    """Return what each module of `package` assigns to `name`, in the order of module names.

    Args:
        package: The package to look into, such as `leakguard.unpack`.
        name: The constant's name, such as `UNPACKER`.
        kind: The type it must have.

    Raises:
        TypeError: If a module assigns something else to it.
    """
    found: list[T] = []
    for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        value = getattr(importlib.import_module(info.name), name, None)
        if value is None:
            continue
        if not isinstance(value, kind):
            raise TypeError(f"{info.name}.{name} is not of type {kind.__name__}")
        found.append(value)
    return tuple(found)
