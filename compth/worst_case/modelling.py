"""A front for one's own methods: vectors, one-line compressors, and the least rate with its certificate.

a = Analysis(mu=F(1, 10), L=1)
x, g = a.vectors("x", "g")
a.gradient(x, g)                        # g is the gradient at x, the minimiser is 0
c = a.contractive(g, delta=F(3, 4))     # or a.unbiased(g, omega=2)
a.state(x=(x, x - F(1, 2) * c))
a.least_rate().rho
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number
from compth.errors import InvalidParameter, require
from compth.worst_case.inequalities import contraction, strongly_monotone
from compth.worst_case.model import NOW, Form, Model, Space, add, plus, unit
from compth.worst_case.rational import RateCertificate, certificate_at, least_certified, spelled

if TYPE_CHECKING:
    from compth._types import Array, Tensor


class Linear(dict[str, Number]):
    """A linear combination of an Analysis's vectors: + - and multiplication by numbers."""

    def __add__(self, other: Mapping[str, Number]) -> Linear:
        return Linear(plus((1, self), (1, other)))

    def __sub__(self, other: Mapping[str, Number]) -> Linear:
        return Linear(plus((1, self), (-1, other)))

    def __mul__(self, factor: Number) -> Linear:
        return Linear(plus((spelled(factor), self)))

    __rmul__ = __mul__

    def __neg__(self) -> Linear:
        return self * -1


class Analysis:
    """One worker, f L-smooth and mu-strongly convex, all vectors measured from their value at the minimiser."""

    def __init__(self, mu: Number, L: Number) -> None:
        """mu, L: of f, 0 < mu < L; floats are read as the decimals that they print as. Raises InvalidParameter."""
        require(0 < mu < L, f"mu={mu}, L={L} need 0 < mu < L")
        self.mu, self.L = spelled(mu), spelled(L)
        self._names: list[str] = []
        self._known: list[tuple[str, Callable[[Space], Form]]] = []
        self._noise: dict[str, tuple[Linear, Fraction]] = {}
        self._state: dict[str, tuple[Linear, Linear]] = {}

    def vectors(self, *names: str) -> tuple[Linear, ...]:
        """New vectors by name."""
        for name in names:
            require(name not in self._names, f"vector={name!r} is already there: give another name")
            self._names.append(name)
        return tuple(Linear(unit(name)) for name in names)

    def gradient(self, x: Linear, g: Linear) -> None:
        """g = grad f at x."""
        self.gradients((x, g), (Linear(), Linear()))

    def gradients(self, first: tuple[Linear, Linear], second: tuple[Linear, Linear]) -> None:
        """Two points (x, grad f(x)) of the same f: their interpolation inequalities, summed.

        Every pair that a proof may need must be named: what is not said is not known to the LMI.
        """
        # The two inequalities of a pair (f_i - f_j and f_j - f_i) added: function values cancel.
        dx, dg = first[0] - second[0], first[1] - second[1]
        name = f"interpolation {len(self._known)}"
        self._known.append((name, lambda space: strongly_monotone(space, dx, dg, self.mu, self.L)))

    def contractive(self, u: Linear, delta: Number) -> Linear:
        """C(u) with ||C(u) - u||^2 <= (1 - delta) ||u||^2, for every u: a new vector. Raises InvalidParameter."""
        require(0 < delta < 1, f"delta={delta} must satisfy 0 < delta < 1 (delta = 1 is u itself)")
        name = f"C{len(self._known)}"
        (c,) = self.vectors(name)
        square = 1 - spelled(delta)
        self._known.append((f"compression {name}", lambda space: contraction(space, u, c, square)))
        return c

    def unbiased(self, u: Linear, omega: Number) -> Linear:
        """C(u) with E C(u) = u and E||C(u) - u||^2 = omega ||u||^2, independent of the others; for the state only."""
        require(omega >= 0, f"omega={omega} must be at least 0")
        require(
            not set(u) & set(self._noise), "a compressed vector cannot be compressed again in the same step"
        )
        name = f"noise {len(self._noise)}"
        self._noise[name] = (u, spelled(omega))
        return u + Linear(unit(name))

    def state(self, **vectors: tuple[Linear, Linear]) -> None:
        """V lives on these: name=(the vector now, the vector one step later); "now" must be a vector of its own."""
        for name, (now, after) in vectors.items():
            if dict(now) != unit(name):
                raise InvalidParameter(f"state {name}={dict(now)} must be the vector {name!r} itself")
            self._state[name] = (now, after)

    def model(self) -> Model:
        """The statement as a Model, the first state vector being what V must see."""
        require(bool(self._state), "state is empty: call state(x=(now, later)) first")
        first = list(self._state)
        space = Space((*first, *(k for k in self._names if k not in first)))
        # E of a product of two next values is that of their means plus what their shared noises add: next
        # values are linear in noises, these are independent and centred, and E|noise|^2 = omega |u|^2.
        later = {k: _without(after, self._noise) for k, (_, after) in self._state.items()}
        now, after = {}, {}
        for a, b in itertools.combinations_with_replacement(first, 2):
            twice, key = 1 if a == b else 2, f"P[{a},{b}]"
            now[key] = space.on_mean((twice, unit(a), unit(b)))
            plain = space.on_mean((twice, later[a], later[b]))
            after[key] = add((1, plain), *self._variances(space, a, b))
        known: dict[str, Form] = {name: form(space) for name, form in self._known}
        constants = {"mu": self.mu, "L": self.L, "n": 1}
        return Model(
            "own",
            constants,
            space,
            state={"mean": len(first)},
            free=tuple(first),
            now=now,
            after=after,
            known=known,
            normal=space.of_mean(unit(first[0]), unit(first[0])),
        )

    def _variances(self, space: Space, a: str, b: str) -> list[tuple[Number, Form]]:
        """What noises that both next values hold add to E of their product."""
        twice = 1 if a == b else 2
        after = {k: v[1] for k, v in self._state.items()}
        return [
            (twice * after[a].get(k, 0) * after[b].get(k, 0) * omega, space.mean(u, u))
            for k, (u, omega) in self._noise.items()
        ]

    def least_rate(self, lower: float = 0.0) -> RateCertificate | None:
        """The least rho below 1 that could be certified, with V and multipliers as Fractions; None when none was."""
        return least_certified(self.model(), lower)

    def prove(self, rho: Number) -> RateCertificate | None:
        """A certificate of exactly this rho, None when none was found (which refutes nothing)."""
        return certificate_at(self.model(), spelled(rho))


def _without(vector: Linear, noise: Mapping[str, object]) -> Linear:
    """The vector's mean: without its noises."""
    return Linear({k: v for k, v in vector.items() if k not in noise})


def cvxpy_margin(model: Model, rho: float) -> float:
    """The largest margin at rho through cvxpy: the same SDP as Pencil.largest_margin, written a second way.

    For cross-checks, and as a start for constraints of one's own.
    """
    cp = importlib.import_module("cvxpy")
    v = {k: cp.Variable() for k in model.now}
    multipliers = {k: cp.Variable(nonneg=True) for k in model.known}
    t = cp.Variable()
    constraints, trace = [], 0

    def matrix(form: Form, block: str, size: int) -> Array:
        return np.array(form[block], dtype=float)[:size, :size] if block in form else np.zeros((size, size))

    for block, size in model.blocks.items():
        decrease = sum(
            v[k] * (rho * matrix(model.now[k], block, size) - matrix(model.after[k], block, size)) for k in v
        )
        used = sum(multipliers[k] * matrix(model.known[k], block, size) for k in multipliers)
        constraints.append(_psd(decrease - used - t * np.eye(size)))
        # V >= t normal is asked on the state alone, as in `largest_margin`; f - f* is a block with one entry.
        inner = 1 if block == NOW else model.state.get(block, 0)
        if inner:
            whole = sum(v[k] * matrix(model.now[k], block, inner) for k in v)
            constraints.append(_psd(whole - t * matrix(model.normal, block, inner)))
            trace = trace + cp.trace(whole)
    problem = cp.Problem(cp.Maximize(t), [*constraints, trace == 1])
    problem.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    return float(t.value)


def _psd(matrix: Tensor) -> object:
    """The symmetric part is positive semidefinite, as cvxpy writes it."""
    return (matrix + matrix.T) / 2 >> 0
