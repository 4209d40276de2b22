"""A judged file is imported, and its object made, in the worker where it runs.

This runs in the worker. What fails here makes the file unusable (one line for the user), and refutes nothing.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, cast

from compth.certification.adapting.roles import ROLE
from compth.certification.subject import CallTooLong
from compth.errors import CompthError, UnusableInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType


def load(path: str, name: str, parameters: Mapping[str, object], make: bool = True) -> object:
    """The object NAME of the file, with parameters bound; of "NAME,NAME" both. Raises UnusableInput.

    make: a class is made into an object; else it stays the factory that it is.
    """
    module = _imported(path)
    found = tuple(_bind(_held(module, path, n), n, parameters, make) for n in name.split(","))
    return found if len(found) > 1 else found[0]


class AsItStands(SourceFileLoader):
    """A file is read each time: Python's cache takes an edit within the same second for no edit."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def _imported(path: str) -> object:
    """The module of the file under the name "checked", its folder importable. Raises UnusableInput."""
    file = Path(path)
    if not file.is_file():
        raise UnusableInput(f"file={path!r} does not exist")
    spec = importlib.util.spec_from_file_location("checked", file)
    if spec is None or spec.loader is None:
        raise UnusableInput(f"file={path!r} is not a Python file")
    if type(spec.loader) is SourceFileLoader:
        spec.loader = AsItStands(spec.loader.name, spec.loader.path)
    # One name for every judged file, so that its functions know their module; its neighbours can be imported
    # as they can where it is run from its own folder.
    module = importlib.util.module_from_spec(spec)
    sys.modules["checked"] = module
    sys.path.insert(0, str(file.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except CallTooLong:
        raise
    except BaseException as problem:
        raise UnusableInput(
            f"file={path!r} cannot be imported: {type(problem).__name__}: {problem}"
        ) from None
    return module


def _held(module: object, path: str, name: str) -> object:
    """What the file calls by this name. Raises UnusableInput with the names that it has."""
    thing = getattr(module, name, None)
    if thing is None:
        names = [n for n, v in vars(module).items() if not n.startswith("_") and _own(v)]
        more = f" and {len(names) - 12} more" if len(names) > 12 else ""
        raise UnusableInput(
            f"file={path!r} has no {name!r}: choose one of its names, {', '.join(names[:12])}{more}"
            if names
            else f"file={path!r} has no {name!r}: it defines no name at all"
        )
    return thing


def _own(value: object) -> bool:
    """True for what a checked file defines itself: neither a module nor a class or function from elsewhere."""
    if inspect.isclass(value) or inspect.isroutine(value):
        return value.__module__ == "checked"
    return not inspect.ismodule(value)


def _bind(thing: object, name: str, parameters: Mapping[str, object], make: bool) -> object:
    """The thing with its parameters: a class made, a function partial. Raises UnusableInput where that fails."""
    taken = accepted(thing, parameters)
    try:
        if inspect.isclass(thing) and make:
            made: object = thing(**taken)
            return made
        return partial(cast("Callable[..., object]", thing), **taken) if taken else thing
    except CompthError:
        raise
    except Exception as problem:
        said = f"{name!r} cannot be made: {type(problem).__name__}: {problem}"
        sized = any(ROLE.get(p) in ("d", "shape") for p in accepted_names(thing))
        hint = (
            f"; it takes its size: judge C = compth.adapt({name}) in your file instead, or say --state fresh"
        )
        raise UnusableInput(said + (hint if sized else "")) from None


def accepted(thing: object, parameters: Mapping[str, object]) -> dict[str, object]:
    """The parameters that this class or function takes; the others only occur in claims."""
    taken = accepted_names(thing)
    return {k: v for k, v in parameters.items() if k in taken}


def accepted_names(thing: object) -> set[str]:
    """The names of a class's or function's parameters; none where Python cannot tell."""
    try:
        return set(inspect.signature(cast("Callable[..., object]", thing)).parameters)
    except (TypeError, ValueError):
        return set()
