"""Sums and largest entries of the whole input, which are its norms where they are taken of |x_i| or x_i^2.

A norm as one node lets laws take it as their unit: entries are then coupled by ||x|| alone. What must not
be changed: only sums over all entries, each once, are norms.
"""

from __future__ import annotations

from compth.certification.cells.forms import alike
from compth.certification.cells.nodes import (
    Node,
    add,
    as_real,
    choose,
    compare,
    const,
    entries_of,
    mul,
    power_of_entry,
    session,
)


def extreme(op: str, values: list[Node]) -> Node:
    """The largest ("max") or smallest ("min") of the values."""
    values = list(dict.fromkeys(map(as_real, values)))
    if all(v.number is not None for v in values):
        return const((max if op == "max" else min)(v.number for v in values if v.number is not None))
    if norm := _largest(op, values):
        return norm
    # Else a chain of choices, as a loop over the values would make it.
    out = values[0]
    for v in values[1:]:
        out = choose(compare("lt", *((out, v) if op == "max" else (v, out))), v, out)
    return out


def total(values: list[Node]) -> Node:
    """The sum: a norm's power where it is one of the whole input, else term by term."""
    kind = _norm_of(values)
    if kind == 1:
        return norm("1")
    if kind == 2:
        return mul(norm("2"), norm("2"))
    # A sum of one function of each entry stays one node: by ranks it is the sum over all ranks.
    if _over_all(values):
        return session().node("sum", *map(as_real, values))
    out = const(0)
    for v in values:
        out = add(out, v)
    return out


def _over_all(values: list[Node]) -> bool:
    """True where the k-th value is one function of x_k, for all entries.

    Sums of one function of each entry: laws by ranks can sum them over the magnitudes.
    """
    d = session().size
    if not 1 < d == len(values) <= 64 or not all(entries_of(v) == {i} for i, v in enumerate(values)):
        return False
    return alike(values)


def norm(kind: str) -> Node:
    """||x|| of this order: "1", "2" or "inf"."""
    return session().node("norm", kind)


def _norm_of(values: list[Node]) -> int:
    """p where the values are |x_i|^p of all entries, in any order; else 0."""
    powers = [power_of_entry(v) for v in values]
    if sorted(i for i, _ in powers) != list(range(session().size)):
        return 0
    # All with one power: ||x||_1 for p = 1, ||x||_2 squared for p = 2.
    kinds = {p for _, p in powers}
    return kinds.pop() if len(kinds) == 1 and kinds <= {1, 2} else 0


def _largest(op: str, values: list[Node]) -> Node | None:
    """The largest |x_i| of all entries, also as the larger of max x and -min x."""
    if op == "max" and _norm_of(values) == 1:
        return norm("inf")
    # max(max x, -min x) = max |x_i|
    if op == "max" and len(values) == 2:
        for a, b in (values, values[::-1]):
            if (a.op, b.op) == ("top", "mul") and b.args[0].number == -1 and b.args[1].op == "bottom":
                return norm("inf")
    entries = sorted(v.args[0] for v in values if v.op == "x")
    if len(entries) == len(values) == session().size > 1 and entries == list(range(session().size)):
        return session().node("top" if op == "max" else "bottom")
    return None
