"""What float64 computes without rounding: comparisons of anything else may go either way where both sides are equal.

The proof compares real numbers; where both sides are equal the float64 program may compare rounded ones,
and go either way. A comparison is settled where both floats are exact, or where one side is 0 and the other
has the right sign for sure. What must not be changed: True has to hold for every input within the domain,
False only costs a proof.
"""

from __future__ import annotations

from collections.abc import Callable

from compth.certification.cells.nodes import Node, is_truth

WHOLE = frozenset(["floor", "ceil", "rint", "trunc", "cast", "exponent", "sign", "cat", "place", "position"])
AS_STORED = frozenset(["x", "u", "top", "bottom", "stat", "exp2"])


def remembered(question: Callable[[Node], bool]) -> Callable[[Node], bool]:
    """The question, asked once of every node: expressions share parts, and have exponentially many paths."""
    name = question.__name__

    def asked(n: Node) -> bool:
        """The answer of a node, kept beside it."""
        if name not in n.facts:
            n.facts[name] = question(n)
        return n.facts[name]

    asked.__doc__ = question.__doc__
    return asked


@remembered
def exact(n: Node) -> bool:
    """True where the float is the very value."""
    if n.op == "const":
        return n.exact is not False  # marked when the trace is complete
    if n.op in AS_STORED or integer(n):
        return True
    if n.op == "norm":
        return bool(n.args[0] == "inf")
    if n.op in ("abs", "word"):
        return exact(n.args[0])
    if n.op in ("ite", "pick"):
        return all(map(exact, n.args[1:]))
    # Multiplication by a power of two moves the exponent alone.
    if n.op == "mul":
        return any(_power_of_two(a) and exact(b) for a, b in (n.args, n.args[::-1]))
    return n.op == "div" and exact(n.args[0]) and _power_of_two(n.args[1])


@remembered
def integer(n: Node) -> bool:
    """True for whole numbers: sums and products of them are exact as far as int64 and 2^53 reach."""
    if n.op == "const":
        return bool(n.args[0].denominator == 1) and n.exact is not False
    if n.op in WHOLE or is_truth(n):
        return True
    if n.op == "ite":
        return all(map(integer, n.args[1:]))
    return n.op in ("add", "mul", "word") and all(integer(a) for a in n.args if isinstance(a, Node))


@remembered
def _power_of_two(n: Node) -> bool:
    """True for 0, powers of two and their negatives."""
    if n.number is not None:
        top, bottom = abs(n.number.numerator), n.number.denominator
        return exact(n) and top & (top - 1) == 0 and bottom & (bottom - 1) == 0
    # A choice of powers of two is one; the sign of a number is -1, 0 or 1.
    if n.op in ("ite", "mul"):
        return all(map(_power_of_two, n.args[1:] if n.op == "ite" else n.args))
    return n.op in ("exp2", "sign") or is_truth(n)


@remembered
def signed(n: Node) -> bool:
    """True where the float has the sign of the value, 0 included: a sum of two exact numbers, products, roots."""
    if exact(n):
        return True
    # One rounding keeps the sign of a sum of two exact numbers (by gradual
    # underflow two unequal floats have no difference 0); a second one may not.
    if n.op in ("add", "sum"):
        return len(n.args) == 2 and all(map(exact, n.args))
    if n.op in ("mul", "div", "sqrt", "abs"):
        return all(map(signed, n.args))
    return n.op == "norm"


def settled(a: Node, b: Node) -> bool:
    """True where float64 compares a and b as real numbers compare."""
    if exact(a) and exact(b):
        return True
    return (b.number == 0 and signed(a)) or (a.number == 0 and signed(b))
