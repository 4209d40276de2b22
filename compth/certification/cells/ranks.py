"""Selections: the output by ranks, as linear forms in the sorted magnitudes z_0 >= z_1 >= ... >= z_(d-1) >= 0.

An entry of rank r is x = s z_r with s = 1 or -1; what it becomes is a form in z, decided by comparisons of
forms that hold on the whole cone. What is not decided there, as at ties, is followed both ways. Where the
sign of a zero matters, the number of entries that are not 0 is a case of its own. Forms are written by
their values on the rays of the cone (`proof.cones`).

Why ranks: a selection's law on one entry depends on all others, but only through which rank it has; y - x
is then linear in z for every rank, sign and outcome. The claim is a sum over ranks, a quadratic form in z
that must have one sign on the cone. What must not be changed: a comparison is decided only where its form
has one sign on the whole cone, else both answers are followed as a tie.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from compth._types import Json
from compth.certification.cells.cone import (
    Case,
    Form,
    flat,
    linear,
    num,
    plus,
    quadratic,
    scaled,
    squared,
    times,
)
from compth.certification.cells.evaluation import UNKNOWN, Foreign, Ties, Way, joined, placed, taken
from compth.certification.cells.exactness import settled, signed
from compth.certification.cells.forms import alike
from compth.certification.cells.nodes import LARGEST as INT64
from compth.certification.cells.nodes import Node, Stopped, is_truth
from compth.proof import cells, cones
from compth.proof.algebra import rational

LARGEST = 64
"""Longest input of selections."""


class Zeros(Exception):
    """The sign of an entry that may be 0 matters.

    On the closed cone entries of any rank may be 0, where sign(x_i) and comparisons with 0 are others: then
    the numbers m = 1, ..., d of entries that are not 0 are taken one by one.
    """


class Ranked:
    """The expression of entry i, of a rank and a sign, on a case: one way of its draws.

    way is None in sums over all entries, where no draw may decide.
    """

    def __init__(self, case: Case, i: int, rank: int, sign: int, way: Way | None, ties: Ties) -> None:
        self.case, self.i, self.rank, self.sign, self.way, self.ties = case, i, rank, sign, way, ties
        self.known: dict[Node, Form] = {}
        self.inside: dict[Node, bool] = {}
        self.left: dict[Node, list[Fraction]] = {}
        """Whether a random subset holds the entry; between which numbers a uniform draw still lies."""

    def form(self, node: Node) -> Form:
        """Its value."""
        if node not in self.known:
            try:
                self.known[node] = self._form(node)
            except Stopped as problem:
                raise placed(problem, node) from None
        return self.known[node]

    def _form(self, node: Node) -> Form:
        """By the rule of the operation, `_<op>`."""
        if is_truth(node):
            return num(int(self.truth(node)))
        rule = getattr(self, f"_{node.op}", None)
        if rule is None:
            raise Stopped(UNKNOWN.get(node.op, f"{node.op} beside a selection"))
        found: Form = rule(node)
        return found

    def _const(self, node: Node) -> Form:
        """The number."""
        return num(node.args[0])

    def _x(self, node: Node) -> Form:
        """s z_r, for the entry itself."""
        if node.args[0] != self.i:
            raise Foreign
        return scaled(self.case.magnitude(self.rank), Fraction(self.sign))

    def _stat(self, node: Node) -> Form:
        """z_r."""
        return self.case.magnitude(node.args[0])

    def _norm(self, node: Node) -> Form:
        """||x|| in z: max z = z_0, the sum of z, the root of the sum of z^2."""
        size = range(self.case.nonzero)
        if node.args[0] == "inf":
            return self.case.magnitude(0)
        # On the ray with a + 1 ones the 1-norm is a + 1, and two rays with a + 1 and b + 1 ones have the
        # inner product min(a, b) + 1.
        if node.args[0] == "1":
            return linear([Fraction(a + 1) for a in size])
        return quadratic([[Fraction(min(a, b) + 1) for b in size] for a in size], root=True)

    def _position(self, node: Node) -> Form:
        """The rank, counted from the end that the sort begins with."""
        if node.args[1] != self.i:
            raise Foreign
        return num(self.case.d - 1 - self.rank if node.args[2] else self.rank)

    def _word(self, node: Node) -> Form:
        """A known number that fits into int64."""
        v = self.form(node.args[0])
        if v.number is None or abs(v.number) > INT64:
            raise Stopped("an integer that is not seen to lie within 2^63")
        return v

    def _add(self, node: Node) -> Form:
        """The sum."""
        return plus(*map(self.form, node.args))

    def _mul(self, node: Node) -> Form:
        """The product."""
        return times(*map(self.form, node.args))

    def _div(self, node: Node) -> Form:
        """The quotient by a number, or of a form by itself where it is never 0."""
        top, bottom = map(self.form, node.args)
        if bottom.number:
            return scaled(top, 1 / bottom.number)
        if bottom.root and bottom.degree == 0 and bottom.value:
            return times(top, Form(0, 1 / bottom.value, root=True))
        # z_r / z_r, such as x / |x|: 1 where z_r is never 0.
        if top == bottom and not top.root and top.degree == 1 and self.case.side(top)[2]:
            return num(1)
        raise Stopped("a quotient of magnitudes")

    def _sqrt(self, node: Node) -> Form:
        """The root of a form that is not negative, kept as its square."""
        inner = self.form(node.args[0])
        if inner.root or inner.degree == 1 or not self.case.side(inner)[0]:
            raise Stopped("the root of what is no square")
        return replace(inner, root=True)

    def _abs(self, node: Node) -> Form:
        """|v| of a form with one sign on the cone."""
        v = self.form(node.args[0])
        up, down, _ = self.case.side(v)
        if not (up or down):
            raise Stopped("the absolute value of a form of both signs")
        return v if up else scaled(v, Fraction(-1))

    def _sign(self, node: Node) -> Form:
        """-1, 0 or 1 of a form with one sign on the cone; 0 only where that is a case of its own."""
        v = self.form(node.args[0])
        up, down, apart = self.case.side(v)
        if not any(flat(v)):
            return num(0 if signed(node.args[0]) else self.ties.side(node))
        # On the closed cone z_r may be 0: the cases by the number of nonzeros decide.
        if not self.case.open:
            raise Zeros
        if not (up or down) or not apart:
            raise Stopped("the sign of a form of both signs")
        return num(1 if up else -1)

    def _ite(self, node: Node) -> Form:
        """The arm that the condition takes."""
        return self.form(taken(self, node))

    def _sum(self, node: Node) -> Form:
        """The sum over all entries: of each rank, whatever its sign."""
        total = num(0)
        for rank in range(self.case.d):
            total = plus(total, self._of_other(node.args[0], 0, rank))
        return total

    def _of_other(self, node: Node, i: int, rank: int) -> Form:
        """What an expression of entry i is where that entry has this rank; the same for both signs, or it stops."""
        found = []
        # Another entry has this rank with either sign, and ties and draws of its own: its term must not
        # depend on them.
        for sign in self.case.signs(rank):
            ties = Ties([])
            found.append(Ranked(self.case, i, rank, sign, None, ties).form(node))
            if ties.answers:
                raise Stopped("a sum over entries that a tie decides")
        if any(f != found[0] for f in found):
            raise Stopped("a sum over entries that their signs decide")
        return found[0]

    def _pick(self, node: Node) -> Form:
        """table[index] at a sorted place, which is the own entry's or that of another rank, or at a known index."""
        index, *table = node.args
        if index.op == "place":
            if index.args[1] == self.rank:
                return self.form(table[self.i])
            # Which entry has the rank is not known: that does not matter where all entries of the table are
            # one function of theirs.
            if not alike(table):
                raise Stopped("an entry at an index that was sorted")
            return self._of_other(table[0], 0, index.args[1])
        at = self.form(index).number
        if at is None or at.denominator != 1 or not -len(table) <= at < len(table):
            raise Stopped("an index that is no place of the table")
        return self.form(table[int(at)])

    def truth(self, node: Node) -> bool:
        """Whether a condition holds on the whole cone, or as the tie is taken to be broken."""
        if node.op == "not":
            return not self.truth(node.args[0])
        if node.op in ("and", "or"):
            return joined(self, node)
        if node.op == "rank":
            if node.args[1] != self.i:
                raise Foreign
            return self.rank in node.args[2]
        if node.op == "in":
            return self._inside(node)
        if node.op == "fits":
            return self._fits(node)
        if node.op not in ("lt", "le", "eq"):
            v = self.form(node)
            if v.number is None:
                raise Stopped("the truth value of a magnitude")
            return v.number != 0
        if "place" in (node.args[0].op, node.args[1].op):
            return self._placed(node)
        if "u" in (node.args[0].op, node.args[1].op):
            return self._below(node)
        return self._compared(node)

    def _fits(self, node: Node) -> bool:
        """Whether it is a probability on the whole cone."""
        p = self.form(node.args[0])
        rest = plus(num(1), scaled(p, Fraction(-1)))
        if p.degree:
            raise Stopped("a probability that is a magnitude")
        return self.case.side(p)[0] and self.case.side(rest)[0]

    def _inside(self, node: Node) -> bool:
        """Whether a random subset of fixed size holds this entry, with its probability of inclusion."""
        if node.args[1] != self.i:
            raise Foreign
        if node not in self.inside:
            self.inside[node] = self._chance(node.args[2].number)
        return self.inside[node]

    def _chance(self, p: Fraction) -> bool:
        """True with probability p, as this way has it."""
        if self.way is None:
            raise Stopped("a sum over entries that draws decide")
        if p in (0, 1):
            return p == 1
        return self.way.choose([rational(p), rational(1 - p)]) == 0

    def _below(self, node: Node) -> bool:
        """U against a number: only once for each draw."""
        a, b = node.args
        u, other, less = (a, b, True) if a.op == "u" else (b, a, False)
        at = self.form(other).number
        if at is None or node.op == "eq":
            raise Stopped("a draw compared with a magnitude, beside a selection")
        known = self.left.setdefault(u, [Fraction(0), Fraction(1)])
        low, high = known
        # U is uniform on what earlier comparisons left of it: the share below the number is the
        # probability.
        below = at > low and (at >= high or self._chance((at - low) / (high - low)))
        if low < at < high:
            known[:] = [low, at] if below else [at, high]
        return below is less

    def _placed(self, node: Node) -> bool:
        """Whether the entry at a sorted index is this one: by its rank."""
        place, other = node.args if node.args[0].op == "place" else node.args[::-1]
        if node.op != "eq" or other.number is None:
            raise Stopped("a sorted index used as a number")
        if other.number != self.i:
            raise Foreign
        return bool(place.args[1] == self.rank)

    def _compared(self, node: Node) -> bool:
        """a < b, a <= b or a == b by the sign of b - a on the cone."""
        a, b = self._cleared(node)
        # Of numbers that are not negative the squares compare alike, and have no roots.
        if a.root or b.root:
            a, b = squared(a), squared(b)
        if a.degree != b.degree and any(flat(a)) and any(flat(b)):
            raise Stopped("a comparison of a magnitude with a number")
        gap = plus(a, scaled(b, Fraction(-1)))
        if not any(flat(gap)):
            return node.op != "lt" if settled(*node.args) else self.ties.choose(node)
        if gap.degree and not self.case.open and not (any(flat(a)) and any(flat(b))):
            raise Zeros  # a comparison with 0
        # gap >= 0 on the cone: a < b is false everywhere, a <= b only where gap is never 0. What the cone
        # does not decide, such as gap = 0 on a face, is a tie: either answer must do.
        up, down, apart = self.case.side(gap)
        if node.op == "eq":
            return False if (up or down) and apart else self.ties.choose(node)
        if up and (node.op == "lt" or apart):
            return False
        if down and (node.op == "le" or apart):
            return True
        return self.ties.choose(node)

    def _cleared(self, node: Node) -> tuple[Form, Form]:
        """Both sides, a division by what is positive brought to the other one."""
        (a, b), factor = node.args, num(1)
        sides = []
        for v in (a, b):
            divisor = self._divisor(v)
            sides.append((self.form(v) if divisor is None else self.form(v.args[0]), divisor))
        (left, under), (right, over) = sides
        left = left if over is None else times(left, over)
        right = right if under is None else times(right, under)
        return times(left, factor), right

    def _divisor(self, v: Node) -> Form | None:
        """What a side is divided by, where that is a form that is positive on the whole cone; else None."""
        if v.op != "div":
            return None
        bottom = self.form(v.args[1])
        if bottom.degree == 0:
            return None
        up, _, apart = self.case.side(bottom)
        return bottom if up and apart else None


def variants(node: Node, i: int, case: Case, rank: int, sign: int) -> list[Json]:
    """The laws of entry i where it has this rank and sign, for the certificate: one for each way to break ties."""
    # y - x = form - s z_r, linear in z for every outcome; its values on the rays go into the certificate.
    x = scaled(case.magnitude(rank), Fraction(-sign))
    out, broken = [], list[bool]()
    while True:
        ties, outcomes, prefix = Ties(broken), [], list[int]()
        while True:
            way = Way(prefix)
            found = Ranked(case, i, rank, sign, way, ties).form(node)
            # Claims are quadratic forms in errors that are linear in z.
            if found.root or (found.degree != 1 and any(flat(found))):
                raise Stopped(f"{node.line}: an output that is no linear form of magnitudes")
            error = plus(found, x)
            listed = error.rays if error.degree == 1 else [Fraction(0)] * case.nonzero
            outcomes.append({"weight": str(way.weight.constant), "error": list(map(str, listed))})
            following = way.following()
            if following is None or len(outcomes) > 512:
                break
            prefix = following
        out.append({"sign": sign, "outcomes": outcomes, **cones.moments(outcomes, case.nonzero)})
        after = ties.following()
        if after is None:
            return out
        if len(out) > 64:
            raise Stopped("more than 64 ways to break ties")
        broken = after


def cases(outputs: list[Node], d: int) -> tuple[str, list[Json]]:
    """("any" or "each", the laws by rank in each case). Raises Stopped."""
    try:
        # One case for all numbers of zeros, if no sign of a zero matters; else one for each.
        return "any", [_case(outputs, Case(d, d, False))]
    except Zeros:
        return "each", [_case(outputs, Case(d, m, True)) for m in range(1, d + 1)]


def _case(outputs: list[Node], case: Case) -> Json:
    """The laws of entry 0 at every rank: all entries are alike."""
    entries = []
    for rank in range(case.d):
        try:
            listed = [v for s in case.signs(rank) for v in variants(outputs[0], 0, case, rank, s)]
        except Foreign:
            raise Stopped("an entry of the output depends on another entry of the input") from None
        entries.append(listed)
    return {"nonzero": case.nonzero, "laws": sum(map(len, entries)), "entries": entries}


def certificate(d: int, claim: Json, found: tuple[str, list[Json]]) -> Json | None:
    """The certificate that proves the claim, checked; None where it does not."""
    kind, listed = found
    data: Json = {"format": cells.FORMAT, "d": d, "claim": claim, "cases": listed,
                            "scale": {"kind": "order", "nonzero": kind}}  # fmt: skip
    # A fast refusal before the certificate is written: the same conditions that the checker asks again.
    by = [cones.coefficients(q) for q in cells.excesses(claim).values()]
    if not all(cones.holds(c, d, coefficients, cells.need) for c in listed for coefficients in by):
        return None
    data["digest"] = cells.digest(data)
    cells.check(data)
    return data
