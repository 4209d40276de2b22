"""What a traced program computes, as expressions: interned nodes over the input's entries, its norms and the draws.

A node never decides anything: comparisons, floors and selections stay in the expression until `laws`
evaluates it on a cell, so that np.where keeps both branches and vectorised code takes one path. Only a
Python `if` makes the program branch (`paths`).

The arithmetic here is that of real numbers, with constants folded in fractions; where float64 could settle
a folded comparison or rounding otherwise than real numbers do, the trace stops. What may be changed: more
rules of folding, each an identity of real numbers for all x. What must not: a node's identity stands for
its meaning (equal expressions are one object), no rule may look at x, and nothing here may call the
program.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from types import FrameType
from typing import Any, Generic, NoReturn, Self, TypeVar, overload

import numpy as np

from compth.certification.readings import simple
from compth.certification.tracer import NotTraceable

T = TypeVar("T")
Span = tuple[Fraction, Fraction]

NAMES = "compth_traced"
"""Key in the globals of a traced function: frames that have it are the program's."""


def asked_by_program(depth: int = 2) -> bool:
    """True where the program itself looks, not what stands for its numbers."""
    return NAMES in sys._getframe(depth).f_globals


class Hidden(Generic[T]):
    """An attribute of what stands for numbers: numpy's own has none of that name, or another one.

    The descriptor looks at the frame that asks: the package's own code gets the value, the traced program
    is refused, since a number of numpy has no such attribute and a program that finds one could tell
    symbols from numbers.

    Raises Stopped where the program asks.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.key = name, f"__{name}"

    @overload
    def __get__(self, it: None, owner: type) -> Self: ...
    @overload
    def __get__(self, it: object, owner: type) -> T: ...
    def __get__(self, it: object, owner: type) -> Self | T:
        if it is None:
            return self
        # the frame that asks is the program's where its globals were made by `binding`
        if NAMES in sys._getframe(1).f_globals:
            stop(f".{self.name} of an array, a dtype or indices")
        held: T = it.__dict__[self.key]
        return held

    def __set__(self, it: object, value: T) -> None:
        it.__dict__[self.key] = value


class Mute:
    """What cannot be written: its text would tell symbols from numbers.

    A program that prints a number, or branches on its text, would do another thing with a symbol than with
    a number.
    """

    def _written(self, *_: object) -> NoReturn:
        stop("asks how a number is stored or written")

    __repr__ = __str__ = __format__ = __reduce_ex__ = _written


class Stopped(NotTraceable):
    """Nothing is proved; says why, and on which line of the program.

    seen: the trace until there (`stage.Trace`), where it has one. placed: whether the line was told already.
    """

    seen: object = None
    placed: bool = False


class Node:
    """op and arguments; the line of the program that made it. Equal expressions are the same object.

    Operations: const(v), x(i), u(k) the k-th uniform draw, cat(k, weights) a drawn integer, in(k, i, p)
    whether a random subset holds i; add, mul, div, sqrt, abs, sign, log2, exp2, exponent, floor, ceil,
    rint, trunc, cast, word; norm(order), sum, stat(r) the r-th largest |x_i|, place(sort, r) where it
    stands, rank(sort, i, ranks) whether entry i has one of these ranks, position(sort, i, rising), top,
    bottom; ite, pick; the truths of TRUTHS; undefined.
    """

    __slots__ = ("args", "drawn", "exact", "facts", "line", "op")

    # Any: by op an argument is a node, the index of an entry, the name of a draw or sort, or a list of ranks
    def __init__(self, op: str, args: tuple[Any, ...], line: str) -> None:
        self.op, self.args, self.line = op, args, line
        self.exact: bool | None = None  # of a constant: whether float64 holds it without rounding
        self.facts: dict[str, bool] = {}  # what was found of its rounding (`exactness`)
        self.drawn: bool | None = None  # whether it holds a draw (`evaluation.draws`)

    @property
    def number(self) -> Fraction | None:
        """The value of a constant, None for everything else."""
        return self.args[0] if self.op == "const" else None

    def __repr__(self) -> str:
        return f"{self.op}({', '.join(map(str, self.args))})"


@dataclass
class Session:
    """All nodes of one trace, its draws, and the decisions of the path that is being run.

    interned: all expressions by operation and arguments. prefix, taken: the decisions that this way of the
    program must repeat, and those that it has taken so far (`paths`). guards: the decisions under which the
    whole call stands. demands: conditions under which numpy does not raise. inverted: uniform draws that an
    index used up. says: the first refusal, kept since a program may catch the exception. zero: the input is
    0, a case of its own.
    """

    size: int
    interned: dict[object, Node] = field(default_factory=dict)
    orders: dict[object, int] = field(default_factory=dict)
    """What was sorted by, each with a number."""
    draws: int = 0
    taken: list[tuple[Node, bool]] = field(default_factory=list)
    prefix: list[bool] = field(default_factory=list)
    guards: list[tuple[Node, bool]] = field(default_factory=list)
    demands: dict[Node, None] = field(default_factory=dict)
    ways: dict[tuple[tuple[Node, bool], ...], None] = field(default_factory=dict)
    """The decisions of every way that was run."""
    inverted: dict[Node, Node] = field(default_factory=dict)
    says: str = ""
    zero: bool = False
    apart: bool = False
    """Whether a branch was settled by x not being 0."""
    spans: dict[Node, Span | None] = field(default_factory=dict)
    sums: dict[Node, tuple[int, frozenset[int]]] = field(default_factory=dict)
    largest: dict[Node, tuple[int, frozenset[int]]] = field(default_factory=dict)
    """Sums, and largest ones, of |x_i|^p of some entries: p and the entries."""
    foremost: dict[Node, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    """Places of the largest of some |x_i|, and by which comparisons."""
    steps: dict[tuple[Node, Node], Node] = field(default_factory=dict)
    """By which term a sum came to be a norm's power."""
    floats: dict[Fraction, set[float]] = field(default_factory=dict)
    """What float64 holds where the trace has this fraction, each as the program computes it."""
    remarks: dict[str, str] = field(default_factory=dict)

    def node(self, op: str, *args: object) -> Node:
        """The node of this operation."""
        # Hash consing: arguments that are nodes count by identity, others by type and value (1, 1.0 and
        # True are three). Equal expressions are then one object, which later questions (`exactness`,
        # `forms`, `laws`) answer once.
        key = (op, *(id(a) if isinstance(a, Node) else (type(a), a) for a in args))
        found = self.interned.get(key)
        if found is None:
            found = self.interned[key] = Node(op, args, line())
        return found

    def remark(self, kind: str, says: str) -> None:
        """Note, once for each kind, where the program's float64 and the proof's real numbers part."""
        self.remarks.setdefault(kind, f"{line()}: {says}")


def note_way(*decisions: Iterable[tuple[Node, bool]]) -> None:
    """Remember that these decisions were taken together: a real run must do so, too (`visits`)."""
    found = tuple(dict.fromkeys(d for part in decisions for d in part))
    if found:
        session().ways[found] = None


def demand_chance(p: Node) -> None:
    """numpy raises unless 0 <= p <= 1, here, whatever becomes of the draw."""
    now = session()
    p = as_real(p)
    fits = None if p.number is None else 0 <= p.number <= 1
    fine = now.node("fits", p) if fits is None else _known(fits)
    # The demand holds only where the program comes by: (decisions of this way) implies 0 <= p <= 1, written
    # as a disjunction of the negated decisions.
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


def holds(node: Node, op: str) -> bool:
    """True where an expression has this operation in it."""
    seen, todo = set[Node](), [node]
    while todo:
        n = todo.pop()
        if n.op == op:
            return True
        if n not in seen:
            seen.add(n)
            todo += [a for a in n.args if isinstance(a, Node)]
    return False


_SESSIONS: list[Session] = []


def session() -> Session:
    """The trace that is running."""
    return _SESSIONS[-1]


def line() -> str:
    """The program's line that is running, as "name(), line n"."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and NAMES not in frame.f_globals:
        frame = frame.f_back
    return "" if frame is None else f"{frame.f_code.co_name}(), line {frame.f_lineno}"


def stop(says: str, where: str = "") -> NoReturn:
    """Refuse. Counted, so that a program which catches this is still refused."""
    at = where or line()
    problem = Stopped(f"{at}: {says}" if at else says)
    if _SESSIONS and not session().says:
        session().says = str(problem)
    raise problem


def const(value: object) -> Node:
    """A number of the program: floats read as the fractions that they name, noted (`readings`)."""
    if isinstance(value, bool | np.bool_):
        value = int(value)
    if isinstance(value, float | np.floating) and not np.isfinite(value):
        return session().node("undefined")
    if not isinstance(value, int | float | Fraction | np.integer | np.floating):
        stop(f"a value of type {type(value).__name__} in arithmetic")
    if isinstance(value, np.generic) and value.dtype not in KINDS:
        stop(f"a number of type {value.dtype}: it rounds or wraps as no float64 and int64 does")
    if isinstance(value, int | np.integer) and abs(int(value)) > 2**53 and float(value) != int(value):
        stop("an integer that float64 does not hold")
    # A fraction of the trace must be the one that its float is read as; else two constants of the program
    # that are one float would be two numbers in the proof.
    if isinstance(value, Fraction) and simple(float(value)) != value:
        stop("a fraction that is no simple one")
    root = _root_named(float(value)) if isinstance(value, float | np.floating) else None
    if root is not None:
        return session().node("sqrt", const(root))
    # 0.1 in the program's text is meant as 1/10: the float is read as the simplest fraction within an ulp,
    # which the report names. Which floats stood for it is kept, since a comparison may tell them apart
    # (`ambiguous`).
    found = simple(value)
    if not isinstance(value, Fraction):
        _held(found, value)
    return session().node("const", found)


def _root_named(size: float) -> Fraction | None:
    """n or 1/n where the float is that of sqrt(n) or sqrt(1/n) for a small integer that is no square; noted."""
    if not 1e-3 < size < 1e3:
        return None
    # sqrt(n) has no simple fraction; the root must give the very same float back, so that no other number
    # is read as one.
    for n, of in ((round(size * size), math.sqrt), (round(1 / size**2), lambda k: 1 / math.sqrt(k))):
        if n > 1 and math.isqrt(n) ** 2 != n and of(n) == size:
            root = Fraction(n) if size > 1 else Fraction(1, n)
            session().remark(f"root {root}", f"{size!r} is read as sqrt({root})")
            return root
    return None


KINDS = (np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.bool_))
"""What numpy's arrays and scalars may hold."""


def _held(named: Fraction, value: float | Fraction | np.number) -> None:
    """Remember which float the program has for a number of the trace; none where it overflows."""
    try:
        session().floats.setdefault(named, set()).add(float(value))
    except OverflowError:
        return


def _floats(v: Fraction) -> set[float]:
    """What float64 may hold where the trace has v."""
    try:
        return session().floats.get(v) or {float(v)}
    except OverflowError:
        return set()


def _folded(value: Fraction, a: Node, b: Node, by: Callable[[float, float], float]) -> Node:
    """A number computed of two, and what float64 makes of it."""
    held = session().floats.setdefault(value, set())
    # All floats that the program may hold for this exact number: one for each pair of floats of its parts,
    # in the program's own rounding; eight are enough to see that they differ.
    for u in _floats(a.args[0]):
        for v in _floats(b.args[0]):
            try:
                held |= {by(u, v)} if len(held) < 8 else set()
            except (OverflowError, ZeroDivisionError):
                stop("a number that float64 does not hold")
    return session().node("const", value)


def mark_rounded() -> None:
    """Mark the numbers that float64 does not hold; what was found of expressions before is asked anew."""
    now = session()
    for n in now.interned.values():
        # Whether a constant is exact was not known while the trace ran; `exactness` is asked anew with this
        # mark.
        n.facts.clear()
        if n.number is not None:
            held = _floats(n.number)
            n.exact = bool(held) and all(math.isfinite(v) and Fraction(v) == n.number for v in held)


def ambiguous() -> str:
    """ "" unless something is compared with a number that float64 holds in two ways; then its line."""
    now = session()
    for n in list(now.interned.values()):
        for a in n.args if n.op in ("lt", "le", "eq") else ():
            if isinstance(a, Node) and a.number is not None and len(now.floats.get(a.number, ())) > 1:
                return f"{n.line}: a comparison with {a.number}, which float64 holds in two ways here"
    return ""


def span(n: Node) -> Span | None:
    """Numbers between which it lies whatever x is; None where that is not seen.

    Only operations with bounds that are the same for all x are known: shares x_i / ||x||, truths, draws,
    indices, and sums and products of these. It proves that int64 does not overflow and that an index lies
    in its table.
    """
    known = session().spans
    if n not in known:
        known[n] = _span(n)
    return known[n]


def _span(n: Node) -> Span | None:
    """By interval arithmetic over the operation's arguments."""
    zero, one = Fraction(0), Fraction(1)
    if n.number is not None:
        return n.number, n.number
    if is_truth(n) or n.op == "u":
        return zero, one
    if n.op == "sign":
        return -one, one
    # float64 reaches from 2^-1074 to below 2^1024.
    if n.op in ("exponent", "log2"):
        return Fraction(-1100), Fraction(1100)
    if n.op == "cat":
        return zero, Fraction(len(n.args) - 2)
    if n.op in ("place", "position"):
        return zero, Fraction(session().size - 1)
    # |x_i| <= ||x|| in each of the norms 1, 2 and inf.
    if n.op == "div" and n.args[1].op == "norm" and n.args[0].op in ("x", "abs"):
        return (-one, one) if n.args[0].op == "x" or n.args[0].args[0].op == "x" else None
    parts = [span(a) for a in (n.args[1:] if n.op in ("ite", "pick") else n.args) if isinstance(a, Node)]
    known = [p for p in parts if p is not None]
    return _joint(n, known) if known and len(known) == len(parts) else None


def _joint(n: Node, parts: list[Span]) -> Span | None:
    """The span of an operation, by those of its arguments."""
    if n.op in ("ite", "pick"):
        return min(p[0] for p in parts), max(p[1] for p in parts)
    if n.op == "add":
        return sum((p[0] for p in parts), Fraction(0)), sum((p[1] for p in parts), Fraction(0))
    if n.op == "mul":
        # The extremes of a bilinear form on a box are at its corners.
        ends = [u * v for u in parts[0] for v in parts[1]]
        return min(ends), max(ends)
    if n.op in ("floor", "ceil", "rint", "trunc", "cast"):
        return Fraction(parts[0][0].__floor__()), Fraction(parts[0][1].__ceil__())
    return parts[0] if n.op == "word" else None


LARGEST = Fraction(2**63 - 1)
"""Of int64."""


def word(n: Node) -> Node:
    """An int64: where it is not seen to fit, that is asked on every cell."""
    found = span(n)
    if found is not None and max(map(abs, found)) <= LARGEST:
        return n
    return stop("an integer beyond 2^63") if n.number is not None else session().node("word", n)


def entry(i: int) -> Node:
    """x_i."""
    return session().node("x", i)


# arithmetic, with constants folded: a real trace of numpy's array code makes many of them


def add(a: Node, b: Node) -> Node:
    """a + b."""
    if a.number is not None and b.number is not None:
        return _folded(a.number + b.number, a, b, operator.add)
    # 0 + b is b, but a truth value in arithmetic is 0 or 1.
    if a.number == 0:
        return as_real(b)
    if b.number == 0:
        return as_real(a)
    return _summed_up(session().node("add", a, b), a, b)


def _summed_up(total: Node, a: Node, b: Node) -> Node:
    """A sum that a loop runs up: once it holds |x_i|^p of all entries it is a norm's power.

    `for v in x: total += v * v` ends in ||x||^2, which a loop spells as d - 1 sums. p of the entries that
    are summed are kept beside each partial sum; disjoint parts of one p join, and the whole is `norm` (p =
    1) or `norm` squared (p = 2). The last summand is kept in `steps`: partial sums searched for a draw need
    it (`words.inverted`).
    """
    now = session()
    (p, left), (q, right) = parts_of(now.sums, a), parts_of(now.sums, b)
    if not p or p != q or left & right:
        return total
    if len(left | right) < now.size:
        now.sums[total] = p, left | right
        return total
    root = now.node("norm", str(p))
    found = root if p == 1 else now.node("mul", root, root)
    now.steps[a, found] = b
    return found


def parts_of(known: dict[Node, tuple[int, frozenset[int]]], n: Node) -> tuple[int, frozenset[int]]:
    """(p, the entries) where it is the sum, or for p = 1 the largest, of |x_i|^p of some entries; (0, none) else."""
    i, p = power_of_entry(n)
    return (p, frozenset([i])) if p else known.get(n, (0, frozenset()))


def power_of_entry(v: Node) -> tuple[int, int]:
    """(i, p) for |x_i|^p, p = 1 or 2; (-1, 0) for everything else."""
    if v.op == "abs" and v.args[0].op == "x":
        return v.args[0].args[0], 1
    if v.op == "mul":
        bare = [a.args[0] if a.op == "abs" else a for a in v.args]
        same_kind = v.args[0].op == v.args[1].op
        if bare[0] is bare[1] and bare[0].op == "x" and same_kind:
            return bare[0].args[0], 2
    return -1, 0


def neg(a: Node) -> Node:
    """-a."""
    return (
        _folded(-a.number, a, a, lambda u, _: -u)
        if a.number is not None
        else session().node("mul", const(-1), a)
    )


def sub(a: Node, b: Node) -> Node:
    """a - b."""
    return add(a, neg(b))


def mul(a: Node, b: Node) -> Node:
    """a b. A zero factor is kept beside a value that may be none: 0 * inf is no number."""
    if a.number is not None and b.number is not None:
        return _folded(a.number * b.number, a, b, operator.mul)
    if b.number is not None:
        a, b = b, a
    return as_real(b) if a.number == 1 else session().node("mul", a, b)


def div(a: Node, b: Node) -> Node:
    """a / b."""
    # numpy warns and goes on with inf or nan: what reads it later stops there, what does not is not
    # concerned.
    if b.number == 0:
        return session().node("undefined")
    if a.number is not None and b.number is not None:
        return _folded(a.number / b.number, a, b, operator.truediv)
    return as_real(a) if b.number == 1 else session().node("div", a, b)


def as_real(a: Node) -> Node:
    """A truth value as 0 or 1."""
    return session().node("ite", a, const(1), const(0)) if is_truth(a) else a


TRUTHS = frozenset(["lt", "le", "eq", "not", "and", "or", "in", "rank", "fits"])


def is_truth(a: Node) -> bool:
    """True for nodes that are true or false."""
    return a.op in TRUTHS


def _known(truth: bool) -> Node:
    return const(int(truth))


def compare(op: str, a: Node, b: Node) -> Node:
    """a < b, a <= b or a == b, as lt, le, eq."""
    a, b = as_real(a), as_real(b)
    if a.number is not None and b.number is not None:
        by = {"lt": operator.lt, "le": operator.le, "eq": operator.eq}[op]
        holds = by(a.number, b.number)
        # The exact numbers may compare otherwise than the floats that stand for them, such as 0.1 + 0.2 >
        # 0.3.
        if any(by(u, v) != holds for u in _floats(a.number) for v in _floats(b.number)):
            stop("a comparison of numbers that float64 settles in another way")
        return _known(holds)
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
        if one.op == "not" and one.args[0] is other:
            return _known(False)
    return a if a is b else session().node("and", a, b)


def either(a: Node, b: Node) -> Node:
    """a or b."""
    a, b = truth(a), truth(b)
    for one, other in ((a, b), (b, a)):
        if one.number is not None:
            return _known(True) if one.number else other
        if one.op == "not" and one.args[0] is other:
            return _known(True)
    return a if a is b else session().node("or", a, b)


def choose(condition: Node, yes: Node, no: Node) -> Node:
    """yes where the condition holds, else no."""
    condition = truth(condition)
    if condition.number is not None:
        return yes if condition.number else no
    if is_truth(yes) != is_truth(no):
        yes, no = as_real(yes), as_real(no)
    # A choice between truths is propositional logic, by which later branches can be simplified.
    if is_truth(yes):
        return either(both(condition, yes), both(negation(condition), no))
    if yes is no:
        return yes
    # s + (a if c else b) in place of (s + a) if c else (s + b): a loop that adds one of two terms then
    # stays a sum, of which `_summed_up` and the laws see the parts.
    if yes.op == no.op == "add" and yes.args[0] is no.args[0]:
        return add(yes.args[0], choose(condition, yes.args[1], no.args[1]))
    for known in (_magnitude, _larger, _foremost):
        if (found := known(condition, yes, no)) is not None:
            return found
    return session().node("ite", condition, yes, no)


def _magnitude(condition: Node, yes: Node, no: Node) -> Node | None:
    """v if v >= 0 else -v, in any order, as |v|.

    A program that spells abs() as a branch has the law of abs(): one case on every cell instead of two.
    """
    if condition.op == "not":
        return _magnitude(condition.args[0], no, yes)
    if condition.op not in ("lt", "le"):
        return None
    a, b = condition.args
    v, positive, negative = (b, yes, no) if a.number == 0 else (a, no, yes)
    zero = a.number == 0 or b.number == 0
    return unary("abs", v) if zero and v.number is None and positive is v and negative is neg(v) else None


def _larger(condition: Node, yes: Node, no: Node) -> Node | None:
    """a if a > m else m: the largest so far, where both are that of some |x_i|, or m is a number not above 0."""
    if condition.op == "not":
        return _larger(condition.args[0], no, yes)
    if condition.op not in ("lt", "le") or set(condition.args) != {yes, no}:
        return None
    low: Node = condition.args[0]
    high: Node = condition.args[1]
    if (yes, no) != (high, low):
        return None
    now = session()
    # max(m, |x_i|) with a start m <= 0 is |x_i|.
    for m, a in ((low, high), (high, low)):
        if m.number is not None and m.number <= 0 and power_of_entry(a)[1] == 1:
            return a
    (p, left), (q, right) = parts_of(now.largest, low), parts_of(now.largest, high)
    if p != 1 or q != 1:
        return None
    if len(left | right) == now.size > 1:
        return now.node("norm", "inf")
    found = now.node("ite", condition, yes, no)
    now.largest[found] = 1, left | right
    return found


def _foremost(condition: Node, yes: Node, no: Node) -> Node | None:
    """i if |x_i| > |x[best]| else best: the place of the largest so far, of all of them once all were asked.

    `best = i if |x_i| > |x[best]| else best` over all i is an argmax: the index of the entry of rank 0.
    Which comparisons were asked (< or <=, in which order) is kept in the name, as it decides ties.
    """
    if condition.op == "not":
        return _foremost(condition.args[0], no, yes)
    if condition.op not in ("lt", "le") or yes.number is None:
        return None
    low, high = condition.args
    now, (i, p) = session(), power_of_entry(high)
    steps = now.foremost.get(no) if no.number is None else (("", int(no.number)),)
    if p != 1 or i != yes.number or steps is None or not _magnitude_at(low, no):
        return None
    steps = (*steps, (condition.op, i))
    whole = len({k for _, k in steps}) == now.size > 1
    # the name says in which order they were asked: by it ties are broken
    found = now.node("place", f"loop {steps}", 0) if whole else now.node("ite", condition, yes, no)
    now.foremost[found] = steps
    return found


def _magnitude_at(a: Node, index: Node) -> bool:
    """True for |x[index]|."""
    if index.number is not None:
        return power_of_entry(a) == (int(index.number), 1)
    if a.op != "abs" or a.args[0].op != "pick" or a.args[0].args[0] is not index:
        return False
    return [v.args[0] if v.op == "x" else None for v in a.args[0].args[1:]] == list(range(session().size))


def unary(op: str, a: Node) -> Node:
    """floor, ceil, rint, trunc, abs, sign, sqrt, log2, exp2 or cast of a."""
    a = as_real(a)
    known = a.number
    if known is not None and op in _EXACT:
        return _rounded(op, known)
    if known is not None and op == "sqrt" and (root := _sqrt(known)) is not None:
        for held in _floats(known):
            _held(root, math.sqrt(held))
        return const(root)
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


def _rounded(op: str, v: Fraction) -> Node:
    """Of a number: also of what float64 holds, which may fall on another side of a whole number."""
    found = const(Fraction(_EXACT[op](v)))
    for held in _floats(v):
        if op == "abs":
            _held(abs(v), abs(held))
        elif not math.isfinite(held) or _EXACT[op](Fraction(held)) != found.number:
            stop("a rounding of a number that float64 settles in another way")
    return found


_EXACT: dict[str, Callable[[Fraction], int | Fraction]] = {
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
        return _folded(Fraction(a.number ** int(k)), a, b, operator.pow)
    # By repeated multiplication, so that |x_i|^2 and norms are recognised as if the program had written
    # products.
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


def as_place(n: Node, most: int) -> Node:
    """floor(k U) of a uniform draw, used as an index: an equally likely integer. The draw is used up by it.

    int(d * rng.random()) is a uniform index: P(floor(k U) = j) = 1/k. The same draw may not be looked at in
    another way, since the index then would not be independent of it: `stage` refuses that.
    """
    of = n.args[0] if n.op in ("floor", "trunc", "cast") else n
    of = of.args[0] if of.op in ("floor", "trunc") else of
    if of is n or of.op != "mul" or of.args[1].op != "u":
        return n
    k, uniform = of.args[0].number, of.args[1]
    if k is None or k.denominator != 1 or not 0 < k <= most:
        return n
    now = session()
    found = now.node("cat", f"inverse {uniform.args[0]}", *[const(1 / k)] * int(k))
    if now.inverted.setdefault(uniform, found) is not found:
        stop("a draw that is searched for in two tables")
    return found


def pick(index: Node, values: Iterable[Node]) -> Node:
    """values[index]."""
    listed = tuple(map(as_real, values))
    if index.number is not None:
        at = int(index.number)
        return listed[at] if -len(listed) <= at < len(listed) else stop(f"index {at} is out of range")
    within = span(index)
    if index.op in ("place", "cat") and (within is None or within[1] >= len(listed)):
        stop("an index that may be out of range")
    # A table of one value, and the table 0, 1, 2, ...: the look-up changes nothing.
    if index.op in ("place", "cat") and all(v is listed[0] for v in listed):
        return listed[0]
    if index.op in ("place", "cat") and [v.number for v in listed] == list(range(len(listed))):
        return index
    return session().node("pick", as_real(index), *listed)


# norms of the whole input: what a sum or a largest entry of all of them is
