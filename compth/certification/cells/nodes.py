"""What a traced program computes, as expressions: interned nodes over the input's entries, its norms and the draws.

A node never decides anything: comparisons, floors and selections stay in the expression until `laws` evaluates it on a
cell, so that np.where keeps both branches and vectorised code takes one path. Only a Python `if` makes the program
branch (`paths`).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from compth.certification.readings import simple
from compth.certification.tracer import NotTraceable

NAMES = "compth_traced"
"""Key in the globals of a traced function: frames that have it are the program's."""


class Stopped(NotTraceable):
    """Nothing is proved; says why, and on which line of the program."""


class Node:
    """op and arguments; the line of the program that made it. Equal expressions are the same object."""

    __slots__ = ("args", "line", "op")

    def __init__(self, op: str, args: tuple[Any, ...], line: str) -> None:
        self.op, self.args, self.line = op, args, line

    @property
    def number(self) -> Fraction | None:
        """The value of a constant, None for everything else."""
        return self.args[0] if self.op == "const" else None

    def __repr__(self) -> str:
        return f"{self.op}({', '.join(map(str, self.args))})"


@dataclass
class Session:
    """All nodes of one trace, its draws, and the decisions of the path that is being run."""

    size: int
    interned: dict[Any, Node] = field(default_factory=dict)
    draws: int = 0
    taken: list[tuple[Node, bool]] = field(default_factory=list)
    prefix: list[bool] = field(default_factory=list)
    guards: list[tuple[Node, bool]] = field(default_factory=list)
    demands: dict[Node, None] = field(default_factory=dict)
    inverted: dict[Node, Node] = field(default_factory=dict)
    says: str = ""
    remarks: dict[str, str] = field(default_factory=dict)

    def node(self, op: str, *args: Any) -> Node:
        """The node of this operation."""
        key = (op, *(id(a) if isinstance(a, Node) else (type(a), a) for a in args))
        found = self.interned.get(key)
        if found is None:
            found = self.interned[key] = Node(op, args, line())
        return found

    def remark(self, kind: str, says: str) -> None:
        """Note, once for each kind, where the program's float64 and the proof's real numbers part."""
        self.remarks.setdefault(kind, f"{line()}: {says}")


def demand_chance(p: Node) -> None:
    """numpy raises unless 0 <= p <= 1, here, whatever becomes of the draw."""
    now = session()
    fine = both(compare("le", const(0), p), compare("le", p, const(1)))
    for condition, answer in (*now.guards, *now.taken):
        fine = either(negation(condition) if answer else condition, fine)
    if fine.number == 0:
        stop("a probability outside [0, 1]")
    if fine.number is None:
        now.demands[fine] = None


def entries_of(node: Node) -> set[int]:
    """The entries of x that an expression reads."""
    found, seen, todo = set[int](), set[Node](), [node]
    while todo:
        n = todo.pop()
        if n not in seen:
            seen.add(n)
            todo += [a for a in n.args if isinstance(a, Node)]
            if n.op == "x":
                found.add(n.args[0])
    return found


_SESSIONS: list[Session] = []


def session() -> Session:
    """The trace that is running."""
    return _SESSIONS[-1]


def line() -> str:
    """The program's line that is running, as "name(), line n"."""
    frame: Any = sys._getframe(1)
    while frame is not None and NAMES not in frame.f_globals:
        frame = frame.f_back
    return "" if frame is None else f"{frame.f_code.co_name}(), line {frame.f_lineno}"


def stop(says: str, where: str = "") -> Any:
    """Refuse. Counted, so that a program which catches this is still refused."""
    at = where or line()
    problem = Stopped(f"{at}: {says}" if at else says)
    if _SESSIONS and not session().says:
        session().says = str(problem)
    raise problem


def const(value: Any) -> Node:
    """A number of the program: floats read as the fractions that they name, noted (`readings`)."""
    if isinstance(value, bool | np.bool_):
        value = int(value)
    if isinstance(value, float | np.floating) and not np.isfinite(value):
        return session().node("undefined")
    if not isinstance(value, int | float | Fraction | np.integer | np.floating):
        stop(f"a value of type {type(value).__name__} in arithmetic")
    root = _root_named(value) if isinstance(value, float | np.floating) else None
    return session().node("const", simple(value)) if root is None else session().node("sqrt", const(root))


def _root_named(value: Any) -> Fraction | None:
    """n or 1/n where the float is that of sqrt(n) or sqrt(1/n) for a small integer that is no square; noted."""
    size = float(value)
    if not 1e-3 < size < 1e3:
        return None
    for n, of in ((round(size * size), math.sqrt), (round(1 / size**2), lambda k: 1 / math.sqrt(k))):
        if n > 1 and math.isqrt(n) ** 2 != n and of(n) == size:
            root = Fraction(n) if size > 1 else Fraction(1, n)
            session().remark(f"root {root}", f"{size!r} is read as sqrt({root})")
            return root
    return None


def entry(i: int) -> Node:
    """x_i."""
    return session().node("x", i)


# arithmetic, with constants folded: a real trace of numpy's array code makes many of them


def add(a: Node, b: Node) -> Node:
    """a + b."""
    if a.number is not None and b.number is not None:
        return const(a.number + b.number)
    if a.number == 0:
        return as_real(b)
    return as_real(a) if b.number == 0 else session().node("add", a, b)


def neg(a: Node) -> Node:
    """-a."""
    return const(-a.number) if a.number is not None else session().node("mul", const(-1), a)


def sub(a: Node, b: Node) -> Node:
    """a - b."""
    return add(a, neg(b))


def mul(a: Node, b: Node) -> Node:
    """a b. A zero factor is kept beside a value that may be none: 0 * inf is no number."""
    if a.number is not None and b.number is not None:
        return const(a.number * b.number)
    if b.number is not None:
        a, b = b, a
    return as_real(b) if a.number == 1 else session().node("mul", a, b)


def div(a: Node, b: Node) -> Node:
    """a / b."""
    if b.number == 0:
        return session().node("undefined")
    if a.number is not None and b.number is not None:
        return const(a.number / b.number)
    return as_real(a) if b.number == 1 else session().node("div", a, b)


def as_real(a: Node) -> Node:
    """A truth value as 0 or 1."""
    return session().node("ite", a, const(1), const(0)) if is_truth(a) else a


TRUTHS = frozenset(["lt", "le", "eq", "not", "and", "or", "in", "rank"])


def is_truth(a: Node) -> bool:
    """True for nodes that are true or false."""
    return a.op in TRUTHS


def _known(truth: bool) -> Node:
    return const(int(truth))


def compare(op: str, a: Node, b: Node) -> Node:
    """a < b, a <= b or a == b, as lt, le, eq."""
    a, b = as_real(a), as_real(b)
    if a.number is not None and b.number is not None:
        holds = {"lt": a.number < b.number, "le": a.number <= b.number, "eq": a.number == b.number}
        return _known(holds[op])
    if a is b and a.op in ("x", "u"):
        return _known(op != "lt")
    return session().node(op, a, b)


def truth(a: Node) -> Node:
    """a != 0."""
    if is_truth(a):
        return a
    if a.number is not None:
        return _known(a.number != 0)
    return negation(compare("eq", a, const(0)))


def negation(a: Node) -> Node:
    """not a."""
    a = truth(a)
    if a.number is not None:
        return _known(not a.number)
    return a.args[0] if a.op == "not" else session().node("not", a)


def both(a: Node, b: Node) -> Node:
    """a and b."""
    a, b = truth(a), truth(b)
    for one, other in ((a, b), (b, a)):
        if one.number is not None:
            return other if one.number else _known(False)
    return a if a is b else session().node("and", a, b)


def either(a: Node, b: Node) -> Node:
    """a or b."""
    a, b = truth(a), truth(b)
    for one, other in ((a, b), (b, a)):
        if one.number is not None:
            return _known(True) if one.number else other
    return a if a is b else session().node("or", a, b)


def choose(condition: Node, yes: Node, no: Node) -> Node:
    """yes where the condition holds, else no."""
    condition = truth(condition)
    if condition.number is not None:
        return yes if condition.number else no
    if is_truth(yes) != is_truth(no):
        yes, no = as_real(yes), as_real(no)
    if is_truth(yes):
        return either(both(condition, yes), both(negation(condition), no))
    return yes if yes is no else session().node("ite", condition, yes, no)


def unary(op: str, a: Node) -> Node:
    """floor, ceil, rint, trunc, abs, sign, sqrt, log2, exp2 or cast of a."""
    a = as_real(a)
    known = a.number
    if known is not None and op in _EXACT:
        return const(_EXACT[op](known))
    if known is not None and op == "sqrt" and _sqrt(known) is not None:
        return const(_sqrt(known))
    if known is not None and op == "log2" and known > 0 and _whole_log(known) is not None:
        return const(_whole_log(known))
    if known is not None and op == "exp2" and known.denominator == 1 and abs(known) < 2000:
        return const(Fraction(2) ** int(known))
    if op in ("floor", "ceil", "rint", "trunc", "cast") and a.op in (
        "floor",
        "ceil",
        "rint",
        "trunc",
        "cast",
    ):
        return a if op != "cast" else session().node("cast", a)
    if op in ("floor", "ceil", "rint", "trunc", "cast") and a.op in ("place", "cat"):
        return a
    if op == "abs" and a.op in ("abs", "norm"):
        return a
    return session().node(op, a)


_EXACT: dict[str, Callable[[Fraction], Any]] = {
    "floor": lambda v: v.__floor__(),
    "ceil": lambda v: v.__ceil__(),
    "rint": round,
    "trunc": lambda v: v.__trunc__(),
    "cast": lambda v: v.__trunc__(),
    "abs": abs,
    "sign": lambda v: (v > 0) - (v < 0),
}


def _sqrt(v: Fraction) -> Fraction | None:
    """The square root where it is rational; others stay as they are."""
    if v < 0:
        return None
    top, bottom = math.isqrt(v.numerator), math.isqrt(v.denominator)
    return Fraction(top, bottom) if Fraction(top, bottom) ** 2 == v else None


def _whole_log(v: Fraction) -> int | None:
    k = v.numerator.bit_length() - v.denominator.bit_length()
    return next((e for e in (k - 1, k, k + 1) if Fraction(2) ** e == v), None)


def power(a: Node, b: Node) -> Node:
    """a ** b: whole exponents by multiplication, 1/2 as a root, powers of 2."""
    k = b.number
    if (
        a.number is not None
        and k is not None
        and k.denominator == 1
        and abs(k) < 2000
        and (a.number or k >= 0)
    ):
        return const(a.number ** int(k))
    if k is not None and k.denominator == 1 and 0 <= k <= 8:
        out = const(1)
        for _ in range(int(k)):
            out = mul(out, a)
        return out
    if k is not None and k.denominator == 1 and -8 <= k < 0:
        return div(const(1), power(a, const(-k)))
    if k == Fraction(1, 2):
        return unary("sqrt", a)
    return unary("exp2", b) if a.number == 2 else stop("a power that is neither whole nor of 2")


def pick(index: Node, values: Iterable[Node]) -> Node:
    """values[index]."""
    listed = tuple(map(as_real, values))
    if index.number is not None:
        at = int(index.number)
        return listed[at] if -len(listed) <= at < len(listed) else stop(f"index {at} is out of range")
    if index.op in ("place", "cat") and all(v is listed[0] for v in listed):
        return listed[0]
    if index.op in ("place", "cat") and [v.number for v in listed] == list(range(len(listed))):
        return index
    return session().node("pick", as_real(index), *listed)


# norms of the whole input: what a sum or a largest entry of all of them is
