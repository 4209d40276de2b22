"""Exact dynamics of bodies that sketch model and gradient alike (IST): x+ = e x + (1/n) sum M_i (K_i M_i x + beta_i).

The mean m and the second moment X of x itself are kept (x* is no fixed point of the mean). Everything comes from the
fleet's inclusion probabilities; (e, K, beta) are read off the body, M_i are the 0/1 masks of its one sketch.

The form is read off the body alone: a subclass that runs something else is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter
from typing import NamedTuple, TypeGuard

import numpy as np

from compth._numbers import Number
from compth._own import hidden
from compth._types import Numbers as Array
from compth.compressors.double_sketch import DoubleSketch
from compth.dynamics.normal import TRIED, exact_program, program_at
from compth.dynamics.own import own_fleet
from compth.dynamics.solvers import arnoldi, enclosed, noise_free
from compth.dynamics.system import Data
from compth.errors import Unsupported
from compth.methods import Method
from compth.methods.core.body import BodyMethod, runs_its_body
from compth.methods.core.observed import observed
from compth.methods.core.outside import while_it_reads_the_same
from compth.methods.core.program import Program
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, OWN, STATE


class Masked(NamedTuple):
    """x+ = keep x + model mean S_i x + message mean S_i grad f_i(S_i x), one draw of S_i for both."""

    keep: Fraction
    model: Fraction
    message: Fraction


def masked_form(program: Program) -> Masked | None:
    """What x observes of the step in this form, None for any other."""
    program = observed(program).program
    if program.names != ("x",) or [op.kind for op in program.ops] != [MESSAGE, GRADIENT, MESSAGE]:
        return None
    (first, point, second), (leaf,) = program.ops, program.leaves
    chain = [{(COMMON, STATE, "x"): 1}, {(OWN, MESSAGE, 0): 1}, {(OWN, GRADIENT, 1): 1}]
    given = [op.argument.terms for op in (first, point, second)]
    keys = [(COMMON, STATE, "x"), (COMMON, MESSAGE, 0), (COMMON, MESSAGE, 2)]
    terms = leaf.following["x"].terms
    if first.draw != second.draw or given != chain or not terms.keys() <= {*keys}:
        return None
    return Masked(*(Fraction(terms.get(k, 0)) for k in keys))


@while_it_reads_the_same(256, attrgetter("body"))
def _has_form(kind: type[BodyMethod]) -> bool:
    """True where the body of a class has this form, read at one value of all parameters."""
    names = [*kind.signature.params, *(("gamma",) if kind.signature.takes_gamma else ())]
    try:
        return masked_form(program_at(kind, dict.fromkeys(names, TRIED[0]), 3, 4, False)) is not None
    except Unsupported:
        return False


def fits(method: Method) -> TypeGuard[BodyMethod]:
    """True for a body of this form; Unsupported where its class or the object runs something besides."""
    if not isinstance(method, BodyMethod) or not _has_form(type(method)):
        return False
    if not runs_its_body(type(method)) or hidden(method):
        raise Unsupported(
            f"{type(method).__name__} changes what its body says: no exact dynamics, simulate it"
        )
    return True


@dataclass(frozen=True)
class MaskedMoments:
    """m = E x and X = E xx'."""

    m: Array
    X: Array


class MaskedSystem:
    """One step of (m, X); its linear part on X alone sets the rate of the second moments."""

    def __init__(self, method: BodyMethod, data: Data, gamma: Number, params: Mapping[str, Number]) -> None:
        """Read (e, K, beta) off the method's body at these parameters, and the fleet's moments of its masks.

        Raises Unsupported where the mean Hessian is singular, where at these parameters the step has another form, and
        for fleets that are not the package's own.
        """
        if data.projector is not None:
            raise Unsupported("the mean Hessian is singular: a masked model has no closed recursion here")
        form = masked_form(exact_program(method, gamma, params, data.n, data.d))
        if form is None:
            raise Unsupported(
                f"{method.label}: at these parameters it does not sketch model and gradient alike"
            )
        own_fleet(method.fleet, data.n, data.d, traced=False)
        self.data = data
        self.rational = data.A.dtype == object
        self.sketch = DoubleSketch(method.fleet, data.n, data.d)
        # grad f_i(M x) = A_i M x - b_i: x* is no fixed point of the masked step, so that x itself is
        # followed, not x - x*, and b_i stays in the recursion.
        b = np.matmul(data.A, data.x_star) - data.s
        number: Callable[[Number], Number] = _fractions if self.rational else float
        scale = self.sketch.scale
        scale = np.vectorize(number, otypes=[object if self.rational else float])(scale)
        c = np.broadcast_to(scale, b.shape)
        self.keep, whole, message = (number(v) for v in form)
        self.K = message * c[:, :, None] * data.A * c[:, None, :]
        if whole:
            index = np.arange(data.d)
            self.K[:, index, index] = self.K[:, index, index] + whole * c
        self.beta = -message * c * b
        self.map = self.sketch.mean_map(self.K)
        self.shift = self.sketch.mean_shift(self.beta)
        self.square = self.sketch.outer(self.beta)
        self.applications = 0

    @property
    def driven(self) -> bool:
        """True when the mean enters the second moments."""
        return bool(np.any(self.shift) or np.any(self.square))

    def linear(self, X: Array) -> Array:
        """X -> E[(e + H) X (e + H)'], symmetrised."""
        self.applications += 1
        out = (
            self.keep * self.keep * X
            + (self.map @ X + X @ self.map.T) * self.keep
            + self.sketch.quadratic(self.K, X)
        )
        return np.asarray((out + out.T) / 2)

    def __call__(self, state: MaskedMoments) -> MaskedMoments:
        """One step."""
        m = self.keep * state.m + self.map @ state.m + self.shift
        across = self.keep * np.outer(state.m, self.shift) + self.sketch.cross(self.K, state.m, self.beta)
        return MaskedMoments(m, self.linear(state.X) + across + across.T + self.square)

    def mean_radius(self) -> float:
        """Spectral radius of the mean's map."""
        mean = self.keep * np.eye(self.data.d) + self.map
        return float(np.abs(np.linalg.eigvals(mean)).max())

    def radius(self) -> tuple[float, tuple[float, float]]:
        """(r(T), enclosure) of the linear part, T keeping the cone X >= 0."""
        d = self.data.d
        start = np.eye(d).ravel()
        # The linear part keeps the cone X >= 0, so that its radius is enclosed from both sides.
        value, vector = arnoldi(lambda v: self.linear(v.reshape(d, d)).ravel(), d * d, start)
        low, high = enclosed(lambda v: self.linear(v.reshape(d, d)).ravel(), vector.reshape(d, d))
        return min(max(value, low), high), (low, high)

    def square_of(self, state: MaskedMoments) -> Array:
        """E (x-x*)(x-x*)'."""
        star = self.data.x_star
        return np.asarray(state.X - np.outer(state.m, star) - np.outer(star, state.m) + np.outer(star, star))

    def quantities(self, state: MaskedMoments) -> Array:
        """E||x-x*||^2, E f - f*, E||grad f||^2."""
        z, a = self.square_of(state), self.data.mean
        az = a @ z
        return np.array([np.trace(z), np.trace(az) / 2, (az * a).sum()])

    def at_rest(self) -> tuple[Array, Array, Callable[[Array, Array], Array]]:
        """(E x - x*, what a step adds to the second moments around E x, (covariance, centre) -> quantities)."""
        d, star, a = self.data.d, self.data.x_star, self.data.mean
        # E x rests where (1 - e) m = H m + shift; written for m - x*, which may be tiny, so that it keeps its
        # digits.
        away = np.linalg.solve(
            (1 - self.keep) * np.eye(d) - self.map, self.shift - (1 - self.keep) * star + self.map @ star
        )
        m = star + away
        # What a step adds to the covariance around the resting mean: all of one step's second moment less
        # mm'.
        across = self.keep * np.outer(m, self.shift) + self.sketch.cross(self.K, m, self.beta)
        whole = np.outer(m, m)
        source = across + across.T + self.square + self.linear(whole) - whole
        source[np.abs(source) <= 1e-14 * np.abs(self.square).max()] = 0.0

        def seen(covariance: Array, centre: Array) -> Array:
            """E||x - x*||^2 and E f - f* from the covariance and how far the mean rests from x*."""
            z = covariance + np.outer(centre, centre)
            return np.array([np.trace(z), np.trace(a @ z) / 2])

        return away, (source + source.T) / 2, seen

    def scaled(self, X: Array) -> Array:
        """T on second moments: one kind of number, whose size is natural."""
        return self.linear(X)

    def inverse(self) -> Callable[[Array], Array]:
        """About (id - T)^-1 on vectors, by the map of the means."""
        d = self.data.d
        solve = noise_free(self.keep * np.eye(d) + self.map)
        return lambda v: solve(v.reshape(d, d)).ravel()


def _fractions(value: Number) -> Fraction:
    """A number as a Fraction, numpy's floats through Python's."""
    return Fraction(float(value)) if isinstance(value, np.floating) else Fraction(value)
