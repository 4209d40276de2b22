"""How a user's function is called: f(x, rng) or f(x), and under which name it is reported.

Inspection only: nothing here calls a function.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

GENERATORS = ("rng", "generator")
"""What arguments that take a generator are called."""


def name_of(what: object) -> str:
    """How a callable is called in reports: its name, with bound parameters for a partial."""
    if isinstance(what, partial):
        bound = ", ".join(f"{k}={v}" for k, v in what.keywords.items())
        return f"{name_of(what.func)}({bound})"
    return str(getattr(what, "__qualname__", None) or type(what).__name__)


def shown(what: object) -> str:
    """A thing in an error's line: its value where it prints one, else its name; no address in memory."""
    text = repr(what)
    return name_of(what) if " at 0x" in text or text.startswith("<") else text


def takes_rng(function: Callable[..., object]) -> bool:
    """True for f(x, rng), False for f(x)."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    # builtins have no signature: they are taken to want a generator, and a wrong guess is a plain TypeError
    except (TypeError, ValueError):
        return True
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [p for p in parameters if p.kind in kinds]
    variadic = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    # a second argument is a generator if it must be given, or if it is called one: f(x, scale=2.0) takes
    # none
    needed = [p for p in positional if p.default is inspect.Parameter.empty]
    return variadic or len(needed) >= 2 or (len(positional) >= 2 and positional[1].name in GENERATORS)
