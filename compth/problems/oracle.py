"""Gradient oracles: what a worker computes instead of grad f_i, unbiased, with exact second moments on quadratics.

An oracle multiplies components (or coordinates) by random weights of mean 1. With W = E ww' - 1 and its eigenpairs the
noise g_i - grad f_i at x = x* + z has covariance sum_q G_iq (z,1)(z,1)' G_iq': every constant below is read from G.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import ClassVar, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from compth._numbers import Number, plainly
from compth._own import immutable, kept, remembered, seal, stranger
from compth._types import Array, Tensor
from compth.errors import InvalidParameter, Unsupported
from compth.problems.at_minimum import RELATIVE_ZERO
from compth.problems.interface import (
    Problem,
    as_components,
    as_quadratic,
    has_components,
    is_quadratic,
    without_hessians,
)


@dataclass(frozen=True, eq=False)
class GradientNoise:
    """The noise of an oracle on a problem: G of shape (n, q, d, d + 1), acting on (x - x*, 1); workers independent."""

    G: Array
    hessians: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "G", immutable(self.G))
        object.__setattr__(self, "hessians", immutable(self.hessians))
        seal(self)

    def covariance(self, C: Array) -> Array:
        """(n, d, d): covariance of every worker's noise, from E (z,1)(z,1)' (or E zz' for its linear part)."""
        # The noise is linear in (z, 1): its covariance is G E[(z,1)(z,1)'] G' summed over the eigenpairs. With
        # C = E zz' alone only the linear part is asked for.
        g = self.G[..., : len(C)]
        return np.asarray(np.einsum("iqab,bc,iqdc->iad", g, C, g, optimize=True))

    @kept
    def at_star(self) -> Array:
        """E||g_i(x*) - grad f_i(x*)||^2, (n,)."""
        return np.asarray((self.G[..., -1] ** 2).sum(axis=(1, 2)))

    @kept
    def slope(self) -> Array:
        """V_i with E||noise_i||^2 = z'V_i z + linear in z + at_star_i, (n, d, d)."""
        g = self.G[..., :-1]
        return np.asarray(np.einsum("iqab,iqac->ibc", g, g, optimize=True))

    @property
    def sigma2_star(self) -> float:
        """mean_i E||g_i(x*) - grad f_i(x*)||^2."""
        return float(self.at_star.mean())

    @property
    def sigma2(self) -> float:
        """sup_x mean_i E||g_i(x) - grad f_i(x)||^2: sigma2_star for state-independent noise, else inf."""
        # A slope that is zero up to rounding: then the noise is the same everywhere and its bound is that at
        # x*.
        size = float(np.abs(self.hessians).max()) ** 2 * self.hessians.shape[-1]
        return self.sigma2_star if float(np.abs(self.slope).max()) <= RELATIVE_ZERO * size else float("inf")

    @property
    def sigma2_mean(self) -> float:
        """E||gbar(x*)||^2 for the average over workers: sigma2_star/n."""
        return self.sigma2_star / len(self.G)

    @kept
    def LL(self) -> float:
        """Expected smoothness of the average: the least LL with E||gbar(x) - gbar(x*)||^2 <= 2 LL (f(x) - f*)."""
        # E|gbar(x) - gbar(x*)|^2 = z'(A^2 + mean slope/n)z by independence over workers, against 2 LL (f - f*)
        # = LL z'Az.
        mean = self.hessians.mean(axis=0)
        return self._smoothness(mean @ mean + self.slope.sum(axis=0) / len(self.G) ** 2)

    @kept
    def LL_workers(self) -> float:
        """The least LL with mean_i E||g_i(x) - g_i(x*)||^2 <= 2 LL (f(x) - f*)."""
        return self._smoothness((self.hessians @ self.hessians + self.slope).mean(axis=0))

    def _smoothness(self, second: Array) -> float:
        """lambda_max(A^{-1/2} second A^{-1/2}) on range(A); inf when `second` does not vanish on A's kernel."""
        # The least LL with second <= LL A is the largest eigenvalue of A^(-1/2) second A^(-1/2); where second
        # is not zero on A's kernel no LL will do.
        values, vectors = np.linalg.eigh(self.hessians.mean(axis=0))
        inside = values > RELATIVE_ZERO * len(values) * values[-1]
        outside = vectors[:, ~inside]
        if np.abs(outside.T @ second @ outside).sum() > RELATIVE_ZERO * len(values) * np.abs(second).max():
            return float("inf")
        half = vectors[:, inside] / np.sqrt(values[inside])
        return float(np.linalg.eigvalsh(half.T @ second @ half)[-1])


def noise_of(problem: Problem, oracle: Oracle) -> GradientNoise:
    """oracle.noise(problem), kept with the problem; a user's oracle, which may call itself equal to ours, is asked."""
    if stranger(oracle):
        return oracle.noise(problem)
    return remembered(problem, oracle, lambda: oracle.noise(problem))


def _short(self: object) -> str:
    """Fields at their default are left out; of a class without fields the name."""
    if isinstance(self, type) or not is_dataclass(self):
        return f"{type(self).__name__}()"
    shown = [f for f in fields(self) if f.default is MISSING or getattr(self, f.name) != f.default]
    return f"{type(self).__name__}({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in shown)})"


class Oracle(ABC):
    """An unbiased stochastic gradient of every f_i, drawn independently on each worker and in each round.

    `gradients(problem, x, rng)` (..., d) -> (..., n, d). components: it samples the components of a FiniteSum.
    replacement: it is the mean of `size` independent draws. single: it is one uniformly chosen component.
    """

    components: ClassVar[bool] = True
    replacement: ClassVar[bool] = False
    size: Number = 1

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        plainly(cls)
        cls.__repr__ = _short  # type: ignore[method-assign]

    @abstractmethod
    def gradients(self, problem: Problem, x: Array, rng: np.random.Generator) -> Array:
        """g_i(x) for every worker."""

    @abstractmethod
    def noise(self, problem: Problem) -> GradientNoise:
        """Its exact second moments on this problem."""

    @property
    def exact(self) -> bool:
        """True when it returns grad f_i itself."""
        return False

    @property
    def single(self) -> bool:
        """True for one component, chosen uniformly."""
        return False

    def check(self, problem: Problem) -> None:
        """Unsupported, with the remedy, where the oracle has no meaning."""
        if self.components and not has_components(problem):
            raise Unsupported(
                f"{self!r} samples components and {problem!r} has none: use a FiniteSum, e.g. ridge(..., components=20)"
            )
        if not is_quadratic(problem):
            raise Unsupported(f"{self!r}: oracles are for quadratics, and {without_hessians(problem)}")

    @classmethod
    def examples(cls) -> tuple[Oracle, ...]:
        """Small instances for tests, CLI and docs."""
        return (cls(),)


@dataclass(frozen=True)
class Full(Oracle):
    """The exact gradient: no noise."""

    components: ClassVar[bool] = False

    def gradients(self, problem: Problem, x: Array, rng: np.random.Generator) -> Array:
        return np.asarray(problem.gradients(x))

    def noise(self, problem: Problem) -> GradientNoise:
        return GradientNoise(np.zeros((problem.n, 1, problem.d, problem.d + 1)), as_quadratic(problem).A)

    @property
    def exact(self) -> bool:
        return True


class Components(Oracle):
    """g_i = (1/m) sum_j w_ij grad f_ij with random weights, E w_ij = 1."""

    @abstractmethod
    def weights(self, problem: Problem, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """(..., n, m), independent over workers and leading axes."""

    @abstractmethod
    def second(self, problem: Problem) -> Array:
        """E w_i w_i' - 1 1', (n, m, m) or (m, m) when workers agree."""

    def gradients(self, problem: Problem, x: Array, rng: np.random.Generator) -> Array:
        self.check(problem)
        sums = as_components(problem)
        # Weights of mean 1 are drawn for each replicate and worker, whatever the sampling: one product serves
        # all.
        w = self.weights(problem, (*x.shape[:-1], sums.n, sums.m), rng).astype(x.dtype, copy=False)
        out = np.matmul(w[..., None, :], sums.part_gradients(x))[..., 0, :]
        return np.asarray(out / x.dtype.type(sums.m))

    def noise(self, problem: Problem) -> GradientNoise:
        self.check(problem)
        sums = as_components(problem)
        n, m = sums.n, sums.m
        # Noise = (1/m) sum_j (w_j - 1) grad f_ij(x), and grad f_ij(x) = A_ij z + grad f_ij(x*): with W = R'R
        # the columns of G are R's rows applied to [A_ij, grad f_ij(x*)].
        roots = _roots(np.broadcast_to(self.second(problem), (n, m, m)))
        whole = np.concatenate([sums.parts, sums.parts_at_star[..., None]], axis=3)
        return GradientNoise(np.einsum("iqj,ijab->iqab", roots, whole, optimize=True) / m, sums.A)


def _roots(w: Array) -> Array:
    """(n, m, m) positive semidefinite -> R (n, q, m) with R'R = w."""
    values, vectors = np.linalg.eigh(w)
    # W is singular by nature (its weights sum to a constant, or workers draw few): zeros up to rounding are
    # dropped.
    values = np.where(values > 1e-13 * np.maximum(values[:, -1:], 1.0), values, 0.0)
    roots = np.swapaxes(vectors * np.sqrt(values)[:, None, :], 1, 2)
    return np.asarray(roots[:, (values > 0).any(axis=0)] if values.any() else roots[:, :1])


@dataclass(frozen=True)
class Minibatch(Components):
    """The mean of `size` components, chosen uniformly without (default) or with replacement."""

    size: Number = 1
    replace: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.size, bool) or not isinstance(self.size, int | np.integer) or self.size < 1:
            raise InvalidParameter(f"Minibatch(size={self.size!r}) needs an integer size >= 1")

    @property
    def replacement(self) -> bool:  # type: ignore[override]
        """One component is the same with and without replacement."""
        return self.replace or self.size == 1

    @property
    def single(self) -> bool:
        return bool(self.size == 1)

    def check(self, problem: Problem) -> None:
        super().check(problem)
        m = as_components(problem).m
        if not self.replace and self.size > m:
            raise Unsupported(f"{self!r} needs size <= m = {m} components, or replace=True")

    def weights(self, problem: Problem, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        m, size = shape[-1], int(self.size)
        if self.replacement:
            chosen = rng.integers(m, size=(*shape[:-1], size))
        else:
            # Without replacement: the first `size` of a random order, for every replicate and worker by
            # itself.
            chosen = rng.permuted(np.broadcast_to(np.arange(m), shape), axis=-1)[..., :size]
        return np.asarray((chosen[..., None] == np.arange(m)).sum(axis=-2) * (m / size))

    def second(self, problem: Problem) -> Array:
        m, size = as_components(problem).m, int(self.size)
        # E ww' - 1 = (m I - 11')/size, times the finite-population factor (m - size)/(m - 1) without
        # replacement.
        shrink = 1.0 if self.replacement or m == 1 else (m - size) / (m - 1)
        return np.asarray(shrink * (m * np.eye(m) - 1) / size)

    @classmethod
    def examples(cls) -> tuple[Oracle, ...]:
        return (cls(), cls(2), cls(2, replace=True))


@dataclass(frozen=True)
class Importance(Components):
    """The mean of `size` draws with replacement, component j with probability p_j, weighted by 1/(m p_j).

    p: one probability per component, the same for all workers; None: proportional to L_ij on worker i.
    """

    p: Number | Sequence[Number] | None = None
    size: Number = 1
    replacement: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.size, bool) or not isinstance(self.size, int | np.integer) or self.size < 1:
            raise InvalidParameter(f"Importance(size={self.size!r}) needs an integer size >= 1")
        if self.p is not None:
            p = tuple(self.p) if isinstance(self.p, list | tuple) else (self.p,)
            object.__setattr__(self, "p", p)
            if not all(q > 0 for q in p) or abs(sum(p) - 1) > 1e-12:
                raise InvalidParameter(f"Importance(p={p!r}) needs probabilities > 0 of sum 1")

    def check(self, problem: Problem) -> None:
        super().check(problem)
        m = as_components(problem).m
        if self.p is not None and len(self.p) != m:
            raise Unsupported(f"{self!r} has {len(self.p)} probabilities for m = {m} components")

    def probabilities(self, problem: Problem) -> Array:
        """p_ij, (n, m)."""
        if self.p is not None:
            return np.tile(np.array([float(q) for q in self.p]), (problem.n, 1))
        sums = as_components(problem)
        # Proportional to L_ij is the choice that minimises the expected smoothness; components of L = 0 keep a
        # sliver, so that weights stay finite.
        size = np.maximum(sums.L_ij, 1e-12 * sums.L_part)
        return np.asarray(size / size.sum(axis=1, keepdims=True))

    def weights(self, problem: Problem, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        p = self.probabilities(problem)
        # By inversion: how many of the cumulated probabilities a uniform number has passed is the drawn
        # component.
        edges = np.cumsum(p, axis=1)[:, None, :-1]
        chosen = (rng.random((*shape[:-1], int(self.size), 1)) >= edges).sum(axis=-1)
        counts = (chosen[..., None] == np.arange(shape[-1])).sum(axis=-2)
        return np.asarray(counts / (p * int(self.size)))

    def second(self, problem: Problem) -> Array:
        p = self.probabilities(problem)
        return np.asarray((np.eye(p.shape[1]) / p[:, None, :] - 1) / int(self.size))


class Sampling(Protocol):
    """Which of `workers` things are drawn: what `Arbitrary` asks of a sampling of the compressors' room."""

    @property
    def workers(self) -> int:
        """How many there are."""

    def matrix(self) -> Sequence[Sequence[Number]]:
        """P(j and k), with P(j) on the diagonal."""

    def probabilities(self) -> Sequence[Number]:
        """P(j)."""

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Masks of the drawn, (..., workers)."""


@dataclass(frozen=True)
class Arbitrary(Components):
    """g_i = (1/m) sum_{j in S} grad f_ij/p_j for any `Sampling` of the m components (nice, independent, sets).

    sampling: its matrix of pair probabilities gives the second moments, whatever the dependence of its members.
    """

    sampling: Sampling

    def __post_init__(self) -> None:
        if not all(hasattr(self.sampling, name) for name in ("matrix", "probabilities", "draw", "workers")):
            raise InvalidParameter(
                f"Arbitrary({self.sampling!r}) needs a Sampling, e.g. Arbitrary(IndependentSampling((1/2, 1/3)))"
            )

    def check(self, problem: Problem) -> None:
        super().check(problem)
        m = as_components(problem).m
        if self.sampling.workers != m:
            raise Unsupported(f"{self!r} samples {self.sampling.workers} things, not m = {m} components")

    def weights(self, problem: Problem, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        p = np.array([float(q) for q in self.sampling.probabilities()])
        return np.asarray(np.where(self.sampling.draw(shape, rng), 1 / p, 0.0))

    def second(self, problem: Problem) -> Array:
        # P(j and k) / (p_j p_k) - 1, for any sampling: all that second moments need of it.
        pair = np.array([[float(v) for v in row] for row in self.sampling.matrix()])
        p = pair.diagonal()
        return np.asarray(pair / np.outer(p, p) - 1)

    @classmethod
    def examples(cls) -> tuple[Oracle, ...]:
        return ()


@dataclass(frozen=True)
class Coordinates(Oracle):
    """g_i = (d/k) times the gradient on k uniformly chosen coordinates, chosen by every worker for itself."""

    k: int = 1
    components: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int | np.integer) or self.k < 1:
            raise InvalidParameter(f"Coordinates(k={self.k!r}) needs an integer k >= 1")

    def check(self, problem: Problem) -> None:
        super().check(problem)
        if self.k > problem.d:
            raise Unsupported(f"{self!r} needs k <= d = {problem.d}")

    def gradients(self, problem: Problem, x: Array, rng: np.random.Generator) -> Array:
        self.check(problem)
        g = np.asarray(problem.gradients(x))
        d = problem.d
        if self.k == 1:
            chosen = rng.integers(d, size=(*g.shape[:-1], 1))
        else:
            chosen = rng.permuted(np.broadcast_to(np.arange(d), g.shape), axis=-1)[..., : self.k]
        mask = (chosen[..., None] == np.arange(d)).any(axis=-2)
        return np.asarray(np.where(mask, g * g.dtype.type(d / self.k), g.dtype.type(0)))

    def noise(self, problem: Problem) -> GradientNoise:
        self.check(problem)
        n, d, k = problem.n, problem.d, int(self.k)
        # As for a minibatch without replacement, coordinates in the place of components.
        shrink = (d - k) / (d - 1) if d > 1 else 0.0
        roots = _roots(np.broadcast_to(shrink * (d * np.eye(d) - 1) / k, (n, d, d)))
        A = as_quadratic(problem).A
        whole = np.concatenate([A, problem.gradients_at_star[..., None]], axis=2)
        return GradientNoise(roots[..., None] * whole[:, None], A)


@dataclass(frozen=True)
class Corrected(Oracle):
    """g_i(x) - g_i(x*) + grad f_i(x*) with one draw of another oracle: no noise at x* (SGD-star knows grad f_i(x*))."""

    oracle: Oracle = field(default_factory=Minibatch)

    def gradients(self, problem: Problem, x: Array, rng: np.random.Generator) -> Array:
        self.check(problem)
        # The oracle is run on the problem at rest at x*: its draws there are g_i(x) - g_i(x*), and grad
        # f_i(x*) is added.
        star = problem.gradients_at_star.astype(x.dtype, copy=False)
        return np.asarray(self.oracle.gradients(as_quadratic(problem).at_rest, x, rng) + star)

    def noise(self, problem: Problem) -> GradientNoise:
        # No noise at x*: the constant column of G vanishes, its linear part stays.
        own = noise_of(problem, self.oracle)
        return GradientNoise(np.concatenate([own.G[..., :-1], 0 * own.G[..., -1:]], axis=-1), own.hessians)

    @property
    def exact(self) -> bool:
        return self.oracle.exact

    def check(self, problem: Problem) -> None:
        self.oracle.check(problem)


def oracles() -> dict[str, type[Oracle]]:
    """Every oracle by name."""
    return {kind.__name__: kind for kind in (Arbitrary, Coordinates, Full, Importance, Minibatch)}


class Drawn:
    """A problem seen through an oracle in one stream: `gradients`, `gradient` are drawn, everything else is exact."""

    def __init__(self, problem: Problem, oracle: Oracle, rng: object) -> None:
        # an engine's stream draws as a generator does, and is none by class
        self._problem, self._oracle, self._rng = problem, oracle, cast("np.random.Generator", rng)

    def drawn_by(self, rng: object) -> Drawn:
        """The same in another stream."""
        return Drawn(self._problem, self._oracle, rng)

    def through(self, seen: Callable[[Problem], Problem]) -> Drawn:
        """Another form of the problem, through the same oracle in the same stream."""
        return Drawn(seen(self._problem), self._oracle, self._rng)

    def gradients(self, x: Array) -> Array:
        """g_i(x), (..., d) -> (..., n, d)."""
        return self._oracle.gradients(self._problem, x, self._rng)

    def gradient(self, x: Array) -> Array:
        """mean_i g_i(x), (..., d) -> (..., d)."""
        return np.asarray(self.gradients(x).mean(axis=-2))

    def __getattr__(self, name: str) -> Tensor:
        return getattr(self._problem, name)
