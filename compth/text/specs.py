"""Objects written as text (command line, sweep files), parsed and never evaluated: "DIANA(RandK(k=6), gamma=0.1)".

Names, numbers, fractions, strings, lists, tuples and calls of known names; anything else is refused with one line
that says what is meant. Nothing here may call eval, and nothing outside `known` can be reached.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from compth.errors import CompthError, InvalidParameter

Built = Any  # what a text spells is known to its reader alone: a method, a compressor, a problem, a number
"""The object of a spec."""
NAMES = {"inf": math.inf, "None": None, "True": True, "False": False}


def build(text: str, known: Mapping[str, object]) -> Built:
    """The object that `text` spells, from the names in `known`; InvalidParameter with one clear line otherwise.

    known: name -> class or function that is called with the arguments of the text.
    """
    if len(text) > 500:
        raise InvalidParameter(f"spec of {len(text)} characters: at most 500 are read")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InvalidParameter(f"{text!r} cannot be read: write it like DIANA(RandK(k=6))") from None
    # A bare name means its object with defaults: GD is GD().
    if isinstance(tree, ast.Name) and tree.id in known:
        tree = ast.Call(tree, [], [])
    return _object(tree, text, known)


def suggestion(name: str, known: Iterable[str]) -> str:
    """The remedy for a name that is not known: up to three that are spelled like it, and where all of them are."""
    lowered = {k.lower(): k for k in sorted(known)}
    close = [lowered[k] for k in difflib.get_close_matches(name.lower(), lowered, 3, 0.5)]
    meant = f"did you mean {' or '.join(close)}? " if close else ""
    return f"{meant}`compth list` and `compth theorems` show what there is"


def nearest(name: str, known: Iterable[str]) -> str:
    """Up to three known names that are spelled like it: "a, b or c"; "" where none is near."""
    # Spelling alone is compared, in small letters: what a typo is near to, not what was thought of.
    lowered = {k.lower(): k for k in sorted(known)}
    first = [lowered[k] for k in difflib.get_close_matches(name.lower(), lowered, 3, 0.5)]
    return " or ".join([", ".join(first[:-1]), first[-1]] if len(first) > 1 else first)


def meant(name: str, known: Iterable[str], remedy: str) -> str:
    """The question whether a near name was meant, else the remedy.

    For the end of a message: "name=... is not known: " and then this.
    """
    near = nearest(name, known)
    return f"did you mean {near}?" if near else remedy


def _object(node: ast.expr, text: str, known: Mapping[str, object]) -> object:
    """What a node spells. InvalidParameter for what is no spec."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        # Only names of `known` can be called: a spec builds what the package knows and nothing else.
        maker = known.get(node.func.id)
        if maker is None:
            raise InvalidParameter(
                f"{node.func.id!r} in {text!r} is not known: {suggestion(node.func.id, known)}"
            )
        arguments = [_object(a, text, known) for a in node.args]
        keywords = {k.arg: _object(k.value, text, known) for k in node.keywords if k.arg is not None}
        return _made(maker, node.func.id, arguments, keywords, text)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return node.value
    if isinstance(node, ast.Name) and node.id in NAMES:
        return NAMES[node.id]
    if isinstance(node, ast.Name):
        if node.id in known:
            return _made(known[node.id], node.id, [], {}, text)
        raise InvalidParameter(f"{node.id!r} in {text!r} is not known: {suggestion(node.id, known)}")
    if isinstance(node, ast.List | ast.Tuple):
        items = [_object(e, text, known) for e in node.elts]
        return tuple(items) if isinstance(node, ast.Tuple) else items
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        negated = _object(node.operand, text, known)
        if isinstance(negated, int | float | Fraction) and not isinstance(negated, bool):
            return -negated
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        # 1/3 is a Fraction here, as in expressions: a parameter keeps what was written.
        top, bottom = _object(node.left, text, known), _object(node.right, text, known)
        if isinstance(top, int) and isinstance(bottom, int) and bottom:
            return Fraction(top, bottom)
    raise InvalidParameter(
        f"{ast.unparse(node)!r} in {text!r} cannot be read: use names, numbers, lists and calls"
    )


def _made(
    maker: object, name: str, arguments: list[object], keywords: dict[str, object], text: str
) -> object:
    """maker(...), with a wrong number or type of arguments as one line. Raises InvalidParameter."""
    try:
        if not callable(maker):
            raise TypeError(f"a {type(maker).__name__} is not callable")
        return maker(*arguments, **keywords)
    except CompthError:
        raise
    except (TypeError, ValueError, AttributeError, ArithmeticError) as problem:
        # The message of the constructor speaks of Python; what a user can mend is which arguments there are.
        misfit = _misfit(maker, arguments, keywords)
        if misfit:
            raise InvalidParameter(f"{name} in {text!r} {misfit}") from None
        said = " ".join(str(problem).replace("__init__()", name).split())
        raise InvalidParameter(f"{name} in {text!r} cannot be made: {said}") from None


def _misfit(maker: object, arguments: list[object], keywords: Mapping[str, object]) -> str:
    """What is wrong with the arguments' names or number; "" where nothing is, or where nobody can tell.

    maker: what was called.
    """
    if not callable(maker):
        return ""
    try:
        listed = inspect.signature(maker).parameters.values()
    except (TypeError, ValueError):
        return ""
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in listed):
        return ""
    taken = [p.name for p in listed if not p.name.startswith("_")]
    takes = f"it takes {', '.join(taken)}" if taken else "it takes nothing"
    # The first thing wrong is the one that is told: an unknown name, too many, one twice, one missing.
    odd = next((k for k in keywords if k not in taken), None)
    if odd is not None:
        return f"takes no {odd}: {meant(odd, taken, takes)}"
    if len(arguments) > len(taken):
        return f"is given {len(arguments)} arguments: {takes}"
    twice = next((k for k in keywords if k in taken[: len(arguments)]), None)
    if twice is not None:
        return f"is given {twice} twice: {takes}"
    needed = [p.name for p in listed if p.default is p.empty and p.name not in keywords]
    missing = [k for k in needed if k not in taken[: len(arguments)]]
    return f"needs {', '.join(missing)}: {takes}" if missing else ""
