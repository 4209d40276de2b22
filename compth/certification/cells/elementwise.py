"""numpy's functions of every entry, on arrays of expressions and on selections of them.

What numpy does at every entry is one function of nodes; the type of the result (`kind_of`) is numpy's.
Where numpy's arithmetic is not that of real numbers (truth values, int64 that wraps, powers of integers) it
is refused, or asked on every cell (`nodes.word`). What must not be changed: an operation that is refused
here has another meaning in numpy than its formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from compth.certification.cells import nodes, norms
from compth.certification.cells.array import Array, Picked, aligned, as_array, mapped
from compth.certification.cells.nodes import Node, session, stop
from compth.certification.cells.symbolic import Symbolic, el


def elementwise(f: Callable[..., Node], kind: str, *arguments: object) -> Symbolic:
    """f at every entry, with numpy's broadcasting; of selections, at every selected one."""
    picked = next((a for a in arguments if isinstance(a, Picked)), None)
    if picked is None:
        # A result is vague where all its real parts are: a number that is surely a float makes numpy's
        # result one.
        given = [as_array(a) for a in arguments]
        out = Array(mapped(f, *(a.data for a in given)), kind)
        reals = [a.vague for a in given if a.kind == "f"]
        out.vague = kind == "f" and bool(reals) and all(reals)
        return out
    # Every other argument must be a scalar or of the very same selection.
    listed = [aligned(a, picked.order) for a in arguments]
    return Picked(Array(mapped(f, *(a.data for a in listed)), kind), picked.mask, picked.order)


def kind_of(*arguments: object) -> str:
    """The kind of a result of arithmetic."""
    kinds = {a.kind if isinstance(a, Symbolic) else as_array(a).kind for a in arguments}
    return "f" if "f" in kinds else "i" if "i" in kinds else "b"


def plus(a: object, b: object) -> Symbolic:
    """a + b; of truth values a or b, as numpy has it."""
    kind = kind_of(a, b)
    if kind == "b" and not any(isinstance(v, Picked) or as_array(v).ndim for v in (a, b)):
        stop("a sum of two single truth values: Python's is not numpy's")
    return elementwise(nodes.either if kind == "b" else _fitting(nodes.add, kind), kind, a, b)


def minus(a: object, b: object) -> Symbolic:
    """a - b."""
    kind = kind_of(a, b)
    return (
        stop("a difference of truth values")
        if kind == "b"
        else elementwise(_fitting(nodes.sub, kind), kind, a, b)
    )


def times(a: object, b: object) -> Symbolic:
    """a b."""
    kind = kind_of(a, b)
    return elementwise(nodes.both if kind == "b" else _fitting(nodes.mul, kind), kind, a, b)


def _fitting(f: Callable[[Node, Node], Node], kind: str) -> Callable[[Node, Node], Node]:
    """Of real numbers f, of int64 where it fits."""
    return _real(f) if kind == "f" else lambda a, b: _short(nodes.word(f(nodes.as_real(a), nodes.as_real(b))))


SHORT = 2**31 - 1
"""Largest number of np.frexp's exponents, which are of 32 bits, and of what is computed of them."""


def _short(n: Node) -> Node:
    """The whole number; refused where an exponent is in it and it may be beyond 32 bits."""
    if n.number is not None or not nodes.holds(n, "exponent"):
        return n
    found = nodes.span(n)
    return n if found is not None and max(map(abs, found)) <= SHORT else stop("an exponent beyond 32 bits")


def over(a: object, b: object) -> Symbolic:
    """a / b."""
    # Python raises for a division by a scalar 0, numpy gives inf or nan in arrays.
    scalar = not any(isinstance(v, Picked) or (isinstance(v, Array) and v.ndim) for v in (a, b))
    if scalar and as_array(b).node.number == 0:
        stop("a division by zero")
    return elementwise(_real(nodes.div), "f", a, b)


def _real(f: Callable[[Node, Node], Node]) -> Callable[[Node, Node], Node]:
    """f of real numbers: truths count for 0 and 1."""
    return lambda a, b: f(nodes.as_real(a), nodes.as_real(b))


def floor_divide(a: object, b: object) -> Symbolic:
    """floor(a/b)."""
    kind = kind_of(a, b)
    if kind == "b":
        stop("a quotient of truth values, which numpy makes small integers of")
    return elementwise(lambda u, v: nodes.unary("floor", nodes.div(u, v)), kind, a, b)


def power(a: object, b: object) -> Symbolic:
    """a ** b."""
    kind = kind_of(a, b)
    if kind == "b":
        stop("a power of truth values, which numpy makes small integers of")
    # numpy refuses integers to negative powers; of Python's integers the power is a float.
    if kind != "f" and any((v.number or 0) < 0 or v.number is None for v in as_array(b).flat):
        if as_array(a).ndim or as_array(b).ndim:
            stop("an integer to a power that may be negative")
        if as_array(b).node.number is None:
            return Array(
                session().node("word", nodes.power(as_array(a).node, as_array(b).node), "power"), "f"
            )
        kind = "f"  # of Python's integers it is a float
    return elementwise(_fitting(nodes.power, kind), "i" if kind == "b" else kind, a, b)


def relation(op: str, a: object, b: object) -> Symbolic:
    """a < b, a <= b or a == b."""
    return elementwise(lambda u, v: nodes.compare(op, u, v), "b", a, b)


def logical_not(a: object) -> Symbolic:
    """not a."""
    return elementwise(nodes.negation, "b", a)


def logical(join: Callable[[Node, Node], Node], a: object, b: object) -> Symbolic:
    """a and b, a or b, or one of the two: of truth values alone."""
    if kind_of(a, b) != "b":
        stop("the bits of numbers")
    return elementwise(join, "b", a, b)


def unary(op: str, a: object, kind: str = "") -> Symbolic:
    """floor, ceil, rint, trunc, abs, sign, sqrt, log2, exp2 at every entry."""
    of = kind_of(a)
    if of == "b" and op == "abs" and not isinstance(a, Picked) and not as_array(a).ndim:
        stop("the size of a single truth value: Python's is a number")
    if of == "b" and (kind == "f" or (not kind and op not in ("abs", "trunc"))):
        stop("a function of truth values, which numpy rounds to 16 bits")
    return elementwise(lambda v: nodes.unary(op, v), kind or ("f" if of == "f" else _of_integers(op, of)), a)


def _of_integers(op: str, kind: str) -> str:
    """What numpy makes of integers; truth values stay what they are."""
    # numpy itself is asked for the type: sqrt of int64 is float64, abs of int64 stays.
    return kind if kind == "b" else getattr(np, op)(np.ones(1, dtype=np.int64)).dtype.kind


def larger(a: object, b: object) -> Symbolic:
    """max(a, b)."""
    return elementwise(lambda u, v: norms.extreme("max", [u, v]), kind_of(a, b), a, b)


def smaller(a: object, b: object) -> Symbolic:
    """min(a, b)."""
    return elementwise(lambda u, v: norms.extreme("min", [u, v]), kind_of(a, b), a, b)


def where(condition: object, *values: object) -> Symbolic:
    """np.where of three arguments: both branches are there, one counts."""
    found = elementwise(nodes.choose, kind_of(*values), condition, *values)
    if isinstance(found, Array):
        found.loose = not found.ndim  # a 0-d array, which changes in place
    return found


def merged(condition: Node, yes: object, no: object) -> object:
    """What a function returns on two ways, as one."""
    if isinstance(yes, tuple | list) and type(yes) is type(no) and len(yes) == len(no):
        return type(yes)(merged(condition, a, b) for a, b in zip(yes, no, strict=True))
    if yes is None and no is None:
        return None
    # Both ways become one array of choices; where their kinds differ its type depends on x, and no number
    # may be stored in it.
    a, b = as_array(yes), as_array(no)
    if a.shape != b.shape:
        stop("results of different shapes on two branches")
    kind = a.kind if a.kind == b.kind else "f"
    found = Array(as_array(where(Array(nodes.truth(condition), "b"), a, b)).data, kind)
    found.vague = a.vague or b.vague or (kind == "f" and a.kind != b.kind)
    return found


def stacked(parts: Sequence[object]) -> Array:
    """Arrays one after another."""
    found = [as_array(p) for p in parts]
    return Array(np.concatenate([p.data.reshape(-1) for p in found]), kind_of(*found))


el.install(
    plus,
    minus,
    times,
    over,
    floor_divide,
    power,
    relation,
    logical_not,
    logical,
    unary,
    larger,
    smaller,
    where,
)
el.install(elementwise, kind_of)
