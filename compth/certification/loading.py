"""A judged file is imported, and its object made, in the worker where it runs."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from functools import partial
from pathlib import Path
from typing import Any

from compth.certification.subject import CallTooLong
from compth.errors import CompthError, UnusableInput


def load(path: str, name: str, parameters: dict[str, Any]) -> Any:
    """The object NAME of the file, with parameters bound. Raises UnusableInput with one clear line."""
    file = Path(path)
    if not file.is_file():
        raise UnusableInput(f"file={path!r} does not exist")
    spec = importlib.util.spec_from_file_location("checked", file)
    if spec is None or spec.loader is None:
        raise UnusableInput(f"file={path!r} is not a Python file")
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
    thing = getattr(module, name, None)
    if thing is None:
        names = [n for n, v in vars(module).items() if not n.startswith("_") and _own(v)]
        more = f" and {len(names) - 12} more" if len(names) > 12 else ""
        raise UnusableInput(
            f"file={path!r} has no {name!r}: choose one of its names, {', '.join(names[:12])}{more}"
            if names
            else f"file={path!r} has no {name!r}: it defines no name at all"
        )
    return _bind(thing, name, parameters)


def _own(value: Any) -> bool:
    """True for what a checked file defines itself: neither a module nor a class or function from elsewhere."""
    if inspect.isclass(value) or inspect.isroutine(value):
        return value.__module__ == "checked"
    return not inspect.ismodule(value)


def _bind(thing: Any, name: str, parameters: dict[str, Any]) -> Any:
    taken = accepted(thing, parameters)
    try:
        if inspect.isclass(thing):
            return thing(**taken)
        return partial(thing, **taken) if taken else thing
    except CompthError:
        raise
    except Exception as problem:
        raise UnusableInput(f"{name!r} cannot be made: {type(problem).__name__}: {problem}") from None


def accepted(thing: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters that this class or function takes; the others only occur in claims."""
    try:
        taken = set(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        taken = set()
    return {k: v for k, v in parameters.items() if k in taken}
