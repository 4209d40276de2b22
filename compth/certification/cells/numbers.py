"""What an expression of a trace is at a vector of numbers, in floats: to find inputs and draws that take a branch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from compth.certification.cells.nodes import Node

ORDERS = {"1": 1, "2": 2, "inf": np.inf}


class Unknown(Exception):
    """It holds a draw, or what numbers do not tell."""


class Numbers:
    """Expressions at one vector. held: what float64 has where the trace has a fraction; drawn: quantiles of draws."""

    def __init__(
        self,
        x: NDArray[np.float64],
        held: Mapping[Fraction, set[float]],
        drawn: Mapping[int, float] | None = None,
    ) -> None:
        self.x, self.held, self.drawn = x, held, drawn or {}
        self.known: dict[Node, float] = {}
        self.order = np.argsort(-np.abs(x), kind="stable")

    def at(self, node: Node) -> float:
        """Its value. Raises Unknown."""
        if node not in self.known:
            try:
                # What float64 makes of it, as the program computes it up to the order of sums: for finding
                # inputs, never for a proof.
                self.known[node] = float(self._at(node))
            except (ArithmeticError, ValueError, RecursionError, TypeError):
                raise Unknown from None
        return self.known[node]

    def _at(self, n: Node) -> float:
        """By the operation's own rule, or by the table of float functions."""
        own: Callable[[Node], float] | None = getattr(self, f"_{n.op}", None)
        if own is not None:
            return own(n)
        rule = _RULES.get(n.op)
        if rule is None:
            raise Unknown
        return rule(*map(self.at, n.args))

    def _const(self, n: Node) -> float:
        """The float that the program holds, where that is one."""
        found = self.held.get(n.args[0])
        return next(iter(found)) if found and len(found) == 1 else float(n.args[0])

    def _x(self, n: Node) -> float | Fraction:
        """The entry."""
        return float(self.x[n.args[0]])

    def _u(self, n: Node) -> float:
        """The quantile that was chosen for a uniform draw."""
        found = self.drawn.get(n.args[0])
        if found is None:
            raise Unknown
        return found

    def _cat(self, n: Node) -> int:
        """A drawn integer, by inversion of its chances at the chosen quantile, as numpy draws it."""
        place = place_of(n.args[0])
        quantile = None if place is None else self.drawn.get(place)
        if quantile is None:
            raise Unknown
        sums = np.cumsum([self.at(w) for w in n.args[1:]])
        return min(int(np.searchsorted(sums, quantile, side="right")), len(sums) - 1)

    def _norm(self, n: Node) -> float:
        """||x||."""
        return float(np.linalg.norm(self.x, ORDERS[n.args[0]]))

    def _ite(self, n: Node) -> float:
        """One arm alone: the other may not be defined."""
        return self.at(n.args[1] if self.at(n.args[0]) else n.args[2])

    def _pick(self, n: Node) -> float:
        """table[index]."""
        return self.at(n.args[1:][int(self.at(n.args[0]))])

    def _sum(self, n: Node) -> float:
        """Rounded once."""
        return math.fsum(map(self.at, n.args))

    def _and(self, n: Node) -> bool:
        """Both."""
        return all(self.at(a) for a in n.args)

    def _or(self, n: Node) -> bool:
        """One of them."""
        return any(self.at(a) for a in n.args)

    def _top(self, _: Node) -> float:
        """max x."""
        return float(self.x.max())

    def _bottom(self, _: Node) -> float:
        """min x."""
        return float(self.x.min())

    def _stat(self, n: Node) -> float:
        """The r-th largest |x_i|."""
        return float(abs(self.x[self.order[n.args[0]]]))

    def _place(self, n: Node) -> int:
        """Where it stands; ties to the first."""
        return int(self.order[n.args[1]])

    def _rank(self, n: Node) -> bool:
        """Whether an entry has one of these ranks."""
        return n.args[1] in self.order[list(n.args[2])]

    def _position(self, n: Node) -> int:
        """The rank of an entry, counted from above or from below."""
        rank = int(np.flatnonzero(self.order == n.args[1])[0])
        return len(self.x) - 1 - rank if n.args[2] else rank

    def _word(self, n: Node) -> float:
        """An int64 is what it is."""
        return self.at(n.args[0])


def place_of(name: object) -> int | None:
    """The number of a draw in the stream."""
    text = str(name).rpartition(" ")[2]
    return int(text) if text.isdigit() else None


def of_integer(now: Numbers, cat: Node, k: int) -> dict[int, float]:
    """The quantile by which a drawn integer is k; none where that is not known."""
    # Inversion: quantiles between p_0 + ... + p_(k-1) and that plus p_k draw k; the middle is safe from
    # rounding.
    at = place_of(cat.args[0])
    try:
        chances = [now.at(w) for w in cat.args[1:]]
    except Unknown:
        return {}
    return {} if at is None or not 0 <= k < len(chances) else {at: sum(chances[:k]) + chances[k] / 2}


def _sign(v: float) -> int:
    return (v > 0) - (v < 0)


def _frexp(v: float) -> int:
    return math.frexp(v)[1]


_RULES: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b, "sqrt": math.sqrt,
    "abs": abs, "sign": _sign, "log2": math.log2, "exp2": lambda a: 2.0**a, "exponent": _frexp,
    "floor": math.floor, "ceil": math.ceil, "rint": round, "trunc": math.trunc, "cast": math.trunc,
    "lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "eq": lambda a, b: a == b, "not": lambda a: not a,
    "fits": lambda a: 0 <= a <= 1,
}  # fmt: skip
