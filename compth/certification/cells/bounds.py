"""From laws on cells to a certificate: the multipliers by which a claim follows from what single entries do.

The claim's excess is a sum of q(t_i). Where x has a norm as unit the entries are coupled by sum |t_i|^p = 1
alone, and the best bound by weak duality is min over lambda of sum_i sup_t (q - lambda |t|^p) + lambda. It
is convex in lambda; lambda is found with floats, rounded to simple fractions, and the certificate is then
checked exactly (`proof.cells`).

Why multipliers at all: without a norm as unit every entry must satisfy its inequality alone; with one, an
entry may exceed it where |t| is large, since only few can be. What may be changed: how multipliers are
looked for, and in floats. What must not: `certificate` gives away only what `proof.cells` has accepted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from compth._types import Array, Json
from compth.certification.cells.evaluation import Chart
from compth.certification.cells.laws import Outcome, Piece
from compth.proof import cells
from compth.proof.algebra import NOUGHT, Rational, Root, derivative, inner_roots, mul, rational, sign_at, sub


@dataclass(frozen=True)
class Group:
    """Entries with one law: how many, and its pieces on every chart. Their bounds in a certificate are one number."""

    count: int
    charts: tuple[tuple[Piece, ...], ...]

    @property
    def pieces(self) -> list[Piece]:
        """All of them."""
        return [p for chart in self.charts for p in chart]


# moments of a piece, as the checker computes them again


def moments(piece: Piece) -> tuple[Rational, Rational]:
    """E(y - x) and E(y - x)^2 on the cell.

    Exact, as functions of t on the piece. In units: multiply by the unit and its square.
    """
    bias = error = NOUGHT
    # Conditional on the outcome the error is a + b U with U uniform on an interval; both moments are
    # integrals of that, weighted by the outcome's probability.
    for o in piece.outcomes:
        first, second = _outcome_moments(o)
        bias, error = bias + o.weight * first, error + o.weight * second
    return bias, error


def _outcome_moments(o: Outcome) -> tuple[Rational, Rational]:
    """E(a + b U) and E(a + b U)^2 for U uniform on [l, h]."""
    a, b = o.value.a, o.value.b
    if b is None or o.interval is None:
        return a, a * a
    # E U = (l + h)/2, E U^2 = (l^2 + l h + h^2)/3
    low, high = o.interval
    mean, square = (low + high) / rational(2), (low * low + low * high + high * high) / rational(3)
    return a + b * mean, a * a + a * b * mean * rational(2) + b * b * square


def worst_entry(charts: list[Chart], groups: list[Group]) -> str:
    """The supremum of E(y - x)^2 / x^2 of one entry, exactly, and where; "" where there are no octaves."""
    if not charts[0].octave:
        return ""
    square, found = Rational((Fraction(0), Fraction(0), Fraction(1))), list[tuple[float, str, str]]()
    for piece in (p for g in groups for p in g.pieces if float(p.cell.high) or float(p.cell.low)):
        # E(y - x)^2 / x^2 as a function of t: its supremum on a cell is at an end or where the derivative
        # of the quotient, (p' q - p q')/q^2, is 0.
        ratio = moments(piece)[1] / square
        slope = sub(mul(derivative(ratio.num), ratio.den), mul(ratio.num, derivative(ratio.den)))
        low, high = piece.cell.low, piece.cell.high
        for t in [low, high, *([] if piece.cell.point else inner_roots(slope, low, high))]:
            if not t.end and sign_at(ratio.den, t):
                value = ratio(t.low) if t.rational else float(ratio(Fraction(float(t))))
                found.append((float(value), str(value), str(t)))
    if not found:
        return ""
    _, value_text, at = max(found)
    return (
        f"E(y - x)^2 / x^2 of one entry is at most {value_text}, at or next to x = {at} times a power of two"
    )


# as JSON


def fraction(v: Fraction) -> str:
    """p/q."""
    return str(v)


def function(f: Rational) -> list[list[str]]:
    """Numerator and denominator."""
    return [list(map(str, f.num)), list(map(str, f.den))]


def root(r: Root) -> str | dict[str, str | list[str]]:
    """A number as the checker reads it."""
    if r.end:
        return "inf" if r.end > 0 else "-inf"
    return str(r.low) if r.rational else {"of": list(map(str, r.of)), "low": str(r.low), "high": str(r.high)}


def as_data(piece: Piece) -> Json:
    """A piece for the certificate."""
    bias, error = moments(piece)
    outcomes = []
    for o in piece.outcomes:
        data: Json = {"weight": function(o.weight), "error": function(o.value.a)}
        if o.value.b is not None and o.interval is not None:
            low, high = o.interval
            data |= {"draw": function(o.value.b), "from": function(low), "to": function(high)}
        outcomes.append(data)
    ends = {"low": root(piece.cell.low), "high": root(piece.cell.high)}
    return {**ends, "outcomes": outcomes, "bias": function(bias), "error": function(error)}


def scale_of(charts: list[Chart]) -> Json:
    """What t is, as the checker is told."""
    first = charts[0]
    if first.order:
        return {"kind": "norm", "order": first.order}
    if first.octave:
        return {"kind": "octave"}
    if len(charts) == 3:
        return {"kind": "lattice", "step": str(charts[1].lattice), "least": charts[1].least}
    return {"kind": "plain"}


# multipliers


class Curve:
    """q of one inequality on one piece, in floats: on a grid of t, and at the critical points of q - lambda |t|^p.

    piece: the cell. q: the inequality's function of t on it. power: p of the norm that couples the entries,
    0 for none. Floats only look for a multiplier: what they find is proved or refused by exact arithmetic.
    """

    def __init__(self, piece: Piece, q: Rational, power: int) -> None:
        self.top, self.bottom = (np.array([float(c) for c in reversed(p)] or [0.0]) for p in (q.num, q.den))
        self.ends = float(piece.cell.low), float(piece.cell.high)
        self.inside = float(piece.cell.sample)
        self.power, self.side = power, -1.0 if power == 1 and float(piece.cell.sample) < 0 else 1.0
        low, high = (min(max(e, -1e9), 1e9) for e in self.ends)
        self.grid = np.linspace(low, high, 65) if low < high else np.array([low])
        with np.errstate(all="ignore"):
            values = np.polyval(self.top, self.grid) / np.polyval(self.bottom, self.grid)
        self.values = np.where(np.isfinite(values), values, -np.inf)
        self.weights = np.abs(self.grid) ** power if power else np.zeros(len(self.grid))

    def rough(self, factor: float) -> tuple[float, float]:
        """(largest, where) on the grid."""
        at = int(np.argmax(self.values - factor * self.weights))
        return float(self.values[at] - factor * self.weights[at]), float(self.grid[at])

    def highest(self, factor: float) -> tuple[float, float]:
        """(supremum, where) by the critical points."""
        low, high = self.ends
        # (n - lambda |t|^p den)/den is again a quotient of polynomials: its critical points are the real
        # roots of n' d - n d'.
        top = self.top
        if self.power and factor:
            weight = np.array([self.side**self.power * factor, *[0.0] * self.power])
            top = np.polysub(top, np.polymul(weight, self.bottom))
        if any(_grows(top, self.bottom, e) for e in self.ends if math.isinf(e)):
            return math.inf, 0.0
        marks = [e for e in self.ends if math.isfinite(e)]
        slope: Array = np.polysub(
            np.polymul(np.polyder(top), self.bottom), np.polymul(top, np.polyder(self.bottom))
        )
        if low < high and len(slope) > 1:
            marks += [r.real for r in np.roots(slope) if abs(r.imag) < 1e-9 and low < r.real < high]
        marks = [t for t in marks or [self.inside] if abs(np.polyval(self.bottom, t)) > 1e-30]
        return max(
            ((float(np.polyval(top, t) / np.polyval(self.bottom, t)), t) for t in marks),
            default=(-math.inf, 0.0),
        )


def _grows(top: Array, bottom: Array, t: float) -> bool:
    """Whether a quotient of polynomials has no bound towards an infinite end."""
    far = math.copysign(1e12, t)
    return bool(np.polyval(top, far) / np.polyval(bottom, far) > 1e6)


class Excess:
    """q of one inequality on every piece of every group, in floats, to look for multipliers.

    order: of the norm, "" for none. Only used to look for multipliers.
    """

    def __init__(self, groups: list[Group], functions: list[list[Rational]], order: str) -> None:
        self.groups, self.functions, self.order = groups, functions, order
        power = int(order) if order in ("1", "2") else 0
        self.curves = [
            [Curve(p, q, power) for p, q in zip(g.pieces, f, strict=True)]
            for g, f in zip(groups, functions, strict=True)
        ]

    def highest(self, factor: float) -> list[float]:
        """The supremum of q - lambda |t|^p in each group."""
        return [max(c.highest(factor) for c in curves)[0] for curves in self.curves]

    def slope(self, factor: float, fine: bool) -> float:
        """1 - sum_i |t_i|^p, t_i where q - lambda |t|^p is largest: the dual's slope in lambda."""
        total = 1.0
        # By Danskin's theorem the dual's derivative in lambda is 1 - sum |t_i|^p at the maximisers t_i; it
        # grows with lambda, as the dual is convex. Grids tell roughly where they are, critical points
        # exactly.
        for group, curves in zip(self.groups, self.curves, strict=True):
            rough = [c.rough(factor) for c in curves]
            best = max(rough)
            if fine:
                near = [
                    c
                    for c, r in zip(curves, rough, strict=True)
                    if r[0] >= best[0] - 1e-3 * (1 + abs(best[0]))
                ]
                best = max(c.highest(factor) for c in near)
            total -= group.count * abs(best[1]) ** int(self.order)
        return total


def multipliers(excess: Excess, allowed: Fraction) -> Iterator[Json]:
    """Candidates for lambda and the bounds of the groups: the simplest first.

    Yields {"lambda": p/q, "bounds": one p/q a group}: q(t) <= bound + lambda |t|^p on every piece of a
    group, with lambda + sum count bound <= allowed.
    """
    counts = [g.count for g in excess.groups]
    # sum |t_i|^p = 1: lambda = 0 first, where the entries need no coupling, then the best lambda by
    # fractions from simple to exact. What the entries' bounds may sum to is -lambda.
    if excess.order in ("1", "2"):
        yield from _shared(Fraction(0), excess.highest(0.0), counts, Fraction(0))
        for factor in _rounded(_best_factor(excess)):
            yield from _shared(factor, excess.highest(float(factor)), counts, -factor)
    # ||x||_inf = 1: some entry has |t| = 1 and the others |t| <= 1. With one group, q(1) + (d - 1) sup q <=
    # 0 gives the bound.
    elif excess.order == "inf":
        sups = excess.highest(0.0)
        if len(counts) == 1:
            ones = [q(p.cell.low.low) for g, f in zip(excess.groups, excess.functions, strict=True)
                    for p, q in zip(g.pieces, f, strict=True) if p.cell.point and abs(p.cell.low.low) == 1]  # fmt: skip
            yield {
                "lambda": "0",
                "bounds": [str(-max(ones) / (counts[0] - 1) if counts[0] > 1 else _above(sups[0]))],
            }
        for read in (_above, _nice):
            yield {"lambda": "0", "bounds": [str(read(s)) for s in sups]}
    else:
        yield from _shared(Fraction(0), excess.highest(0.0), counts, allowed)


def _shared(factor: Fraction, sups: list[float], counts: list[int], total: Fraction) -> Iterator[Json]:
    """Bounds that sum to what there is: one group takes all of it, several their suprema and a share of the rest."""
    if len(counts) == 1:
        yield {"lambda": str(factor), "bounds": [str(total / counts[0])]}
        return
    for read in (_nice, _above):
        bounds = [read(s) for s in sups]
        rest = total - sum((c * b for c, b in zip(counts, bounds, strict=True)), start=Fraction(0))
        if rest >= 0:
            yield {"lambda": str(factor), "bounds": [str(b + rest / sum(counts)) for b in bounds]}


def _nice(v: float) -> Fraction:
    """A simple fraction near it; far above everything where it is infinite."""
    return Fraction(v).limit_denominator(10**6) if math.isfinite(v) else Fraction(10**30)


def _above(v: float) -> Fraction:
    """A fraction just above it: the float of a supremum may be below."""
    return Fraction(v) + Fraction(abs(v) / 2**45 + 1e-300) if math.isfinite(v) else Fraction(10**30)


def _best_factor(excess: Excess) -> float:
    """lambda where the dual's slope changes its sign: on the grids, then by the critical points."""
    # The slope rises with lambda: bracket its change of sign by fourfold steps, bisect on grids, then widen
    # a little and bisect again with critical points.
    low, high = -1.0, 1.0
    while excess.slope(low, False) > 0 and low > -1e6:
        low *= 4
    while excess.slope(high, False) < 0 and high < 1e6:
        high *= 4
    low, high = _bisected(excess, low, high, 30, False)
    wide = max(0.02 * (abs(low) + abs(high)), 1e-3)
    while excess.slope(low, True) > 0 and wide < 1e6:
        low, wide = low - wide, 2 * wide
    while excess.slope(high, True) < 0 and wide < 1e6:
        high, wide = high + wide, 2 * wide
    low, high = _bisected(excess, low, high, 56, True)
    return (low + high) / 2


def _bisected(excess: Excess, low: float, high: float, times: int, fine: bool) -> tuple[float, float]:
    """The bracket halved so many times."""
    for _ in range(times):
        middle = (low + high) / 2
        low, high = (low, middle) if excess.slope(middle, fine) > 0 else (middle, high)
    return low, high


def _rounded(factor: float) -> list[Fraction]:
    """The factor as fractions with small denominators first: a tight bound often has a simple one."""
    exact = Fraction(factor)
    found = [exact.limit_denominator(k) for k in (1, 12, 100, 1000, 10**5, 10**8)]
    return list(dict.fromkeys([*found, exact]))


def certificate(d: int, claim: Json, groups: list[Group], charts: list[Chart], about: Json) -> Json | None:
    """The certificate that proves the claim, checked; None where none was found.

    about: more that the certificate says. Raises what the checker raises for a certificate that it refuses
    after its inequalities were accepted: that would be an error here.
    """
    scale = scale_of(charts)
    # Each inequality of the claim is sum_i q(E err_i, E err_i^2; t_i) <= allowed, with err = y - x in
    # units.
    functions = {
        name: [[q(*moments(p)) for p in g.pieces] for g in groups]
        for name, q in cells.excesses(claim).items()
    }
    absolute = claim["kind"] == "AbsoluteError"
    allowed = Fraction(claim["constants"]["Delta"]) ** 2 if absolute else Fraction(0)
    data: Json = {
        "format": cells.FORMAT, "d": d, "claim": claim, "scale": scale, **about, "inequalities": {},
        "groups": [{"count": g.count, "charts": [[as_data(p) for p in chart] for chart in g.charts]} for g in groups],
    }  # fmt: skip
    read = [cells.Group(g, scale) for g in data["groups"]]
    for name, q in cells.excesses(claim).items():
        candidates = multipliers(Excess(groups, functions[name], scale.get("order", "")), allowed)
        proof = next((c for c in candidates if _proves(name, q, read, c, scale, allowed)), None)
        if proof is None:
            return None
        data["inequalities"][name] = proof
    data["digest"] = cells.digest(data)
    cells.check(data)
    return data


def _proves(
    name: str,
    q: Callable[[Rational, Rational], Rational],
    read: list[cells.Group],
    proof: Json,
    scale: Json,
    allowed: Fraction,
) -> bool:
    """Whether the checker accepts it."""
    try:
        cells.inequality(name, q, read, proof, scale, allowed)
    except cells.Refused:
        return False
    return True
