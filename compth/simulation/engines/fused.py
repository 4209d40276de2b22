"""Which methods and compressors the fused loops know, and one round of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compth._own import foreign, stranger
from compth._types import Array
from compth.compressors import Compressor, Independent
from compth.errors import InvalidParameter, Unsupported
from compth.methods import DCGD, DIANA, EF, EF21, Method, Plan
from compth.methods.diana import DIANAState
from compth.methods.ef21 import EF21State
from compth.problems import DistributedQuadratic
from compth.problems.interface import Problem, as_quadratic
from compth.simulation.engines.base import Engine

METHODS: tuple[type[Method], ...] = (DCGD, DIANA, EF, EF21)
_NOTHING = np.zeros((0, 0, 0))
_NOWHERE = np.zeros((0, 0))


@dataclass(frozen=True)
class _Measured(DIANAState):
    """memory_error: (R,), from the loop that wrote h."""

    memory_error: Any = None


@dataclass(frozen=True)
class _Erring(EF21State):
    """error: (R, n, d), from the loop that wrote g."""

    error: Any = None


@dataclass(frozen=True)
class Coded:
    """A compressor as the fused loops read it: its kind, k, s levels, the norm's p, a factor."""

    kind: int
    k: int = 0
    s: float = 1.0
    p: float = 2.0
    factor: float = 1.0

    @property
    def arguments(self) -> tuple[int, int, float, float, float]:
        """In the order of `kernels.compress` and `kernels.fused`."""
        return self.kind, self.k, self.s, self.p, self.factor


def _kernels() -> Any:
    try:
        from compth.simulation.engines import fused_loops as kernels
    except ImportError:
        raise InvalidParameter(
            "engine='fast' needs numba: pip install 'compth[fast]', or engine='numpy'"
        ) from None
    return kernels


def _coders() -> dict[str, Callable[[Any, int], Coded]]:
    kernels = _kernels()
    return {
        "Identity": lambda c, d: Coded(kernels.IDENTITY),
        "RandK": lambda c, d: Coded(kernels.RAND_K, k=int(c.k)),
        "TopK": lambda c, d: Coded(kernels.TOP_K, k=int(c.k)),
        "RandomDithering": lambda c, d: Coded(kernels.DITHERING, s=float(c.s), p=float(c.p)),
        "TernGrad": lambda c, d: Coded(kernels.TERNARY),
        "NaturalCompression": lambda c, d: Coded(kernels.NATURAL),
        "ScaledSign": lambda c, d: Coded(kernels.SIGN),
    }


def coded(compressor: Compressor, d: int) -> Coded:
    """The compressor in the loops' terms. Raises Unsupported, naming those it knows."""
    name, coders = type(compressor).__name__, _coders()
    if name == "Scaled" and not stranger(compressor):
        inner = coded(compressor.compressor, d)  # type: ignore[attr-defined]
        factor = inner.factor * float(compressor.scale(d))  # type: ignore[attr-defined]
        return Coded(inner.kind, inner.k, inner.s, inner.p, factor)
    own = name in coders and not stranger(compressor)
    if not own or getattr(compressor, "p", 2) not in (1, 2, np.inf):
        known = ", ".join([*coders, "Scaled"])
        raise Unsupported(
            f"engine='fast' does not know {compressor!r}: use one of {known}, or engine='numpy'"
        )
    return coders[name](compressor, d)


def accelerated(compressor: Compressor, x: Array, rng: np.random.Generator) -> Array:
    """C(x) for x (..., d) by the fused loops' kernel: the law of `compressor.compress`."""
    kernels, d = _kernels(), x.shape[-1]
    compressor.check(d)
    rows = np.ascontiguousarray(x).reshape(-1, d)
    out = np.empty_like(rows)
    key = rng.integers(0, 1 << 64, dtype=np.uint64)
    kernels.compress(*coded(compressor, d).arguments, rows, out, key)
    return out.reshape(x.shape)


def why_not_fused(method: Method, problem: Problem) -> str:
    """ "" where a fused round knows method, fleet and problem; else what it does not know."""
    fleet, known = method.fleet, ", ".join(m.__name__ for m in METHODS)
    strange = foreign(method) if type(method) in METHODS else f"{type(method).__name__} is none of them"
    downlink = getattr(method, "downlink", None)
    if strange:
        return f"it runs {known} of the package, and {strange}"
    if method.estimator is not None:
        return f"it computes exact gradients, got oracle={method.estimator!r}"
    if type(problem) is not DistributedQuadratic or foreign(problem):
        return f"it needs a DistributedQuadratic, got {type(problem).__name__}"
    if type(fleet) is not Independent or len(fleet.members) != 1:
        return f"it needs one compressor for all workers, got {fleet!r}"
    if downlink is not None and type(downlink).__name__ != "Identity":
        return f"it sends the full vector down, got downlink={downlink!r}"
    random = fleet.random_length(problem.n, problem.d)
    return f"it counts messages of fixed length only, got {fleet!r}" if random else ""


class FastEngine(Engine):
    """One round of a method on blocks of replicates; made once per run, used by all threads.

    Raises Unsupported when the method, the fleet or the problem is not one that the loops know.
    """

    def __init__(self, method: Method, problem: Problem, plan: Plan, seed: int) -> None:
        reason = why_not_fused(method, problem)
        if reason:
            raise Unsupported(f"engine='fast' has no fused round: {reason}")
        fleet = method.fleet
        n, d = problem.n, problem.d
        super().__init__(method, problem, plan, seed)
        self.quadratic = as_quadratic(problem)
        self.code = coded(fleet.members[0], d)
        self.bits = float(sum(c.total for c in fleet.bits(n, d)) / n)
        self.kernels = _kernels()
        self._streams: dict[int, np.uint64] = {}
        self._fixed: dict[Any, tuple[Array, Array, Array]] = {}
        self._rounds = {DCGD: self._dcgd, DIANA: self._diana, EF: self._ef, EF21: self._ef21}

    def step(self, state: Any, drawn: Any, block: int, t: int) -> Any:
        """State at t + 1. The memory of `state` is overwritten: the driver keeps no older state."""
        return self._rounds[type(self.method)](state, float(self.plan.step(t)), block, t)

    def _dcgd(self, state: Any, gamma: float, block: int, t: int) -> Any:
        mean, _, _ = self._round(state.x, block, t)
        return replace(state, x=state.x - gamma * mean, sent=self.bits)

    def _diana(self, state: Any, gamma: float, block: int, t: int) -> Any:
        weights = (1.0, 0.0, float(self.plan["alpha"]))
        mean, shifts, gap = self._round(state.x, block, t, -1.0, state.h, weights, compares=True)
        return _Measured(state.x - gamma * (shifts + mean), self.bits, state.heard, state.h, gap)

    def _ef(self, state: Any, gamma: float, block: int, t: int) -> Any:
        mean, _, _ = self._round(state.x, block, t, 1.0, state.e, (0.0, 1.0, -1.0), gain=gamma)
        return replace(state, x=state.x - mean, sent=self.bits)

    def _ef21(self, state: Any, gamma: float, block: int, t: int) -> Any:
        x = state.x - gamma * state.g.mean(axis=1)
        error = state.error
        self._round(x, block, t, -1.0, state.g, (1.0, 0.0, 1.0), error)
        return _Erring(x, self.bits, state.heard, state.g, error)

    def _key(self, block: int, t: int) -> tuple[np.uint64, int]:
        """The stream of a block of replicates, and the round in it."""
        if block not in self._streams:
            words = np.random.SeedSequence([self.seed, block]).generate_state(1, np.uint64)
            self._streams[block] = words[0]
        return self._streams[block], t

    def sent(self, state: Any) -> float:
        return float(state.sent)  # one length for all replicates

    def measures(self, state: Any) -> Array:
        problem, x = self.quadratic, state.x
        if problem.projector is not None or x.dtype != np.float64:
            return np.asarray(problem.measures(x))
        out, z = np.empty((3, len(x))), x - problem.x_star
        self.kernels.measured(z, z @ problem.hessian, out)
        return out

    def _in_precision(self, dtype: Any) -> tuple[Array, Array, Array]:
        """(A, b, gradients at x*) as the loops take them."""
        if dtype not in self._fixed:
            problem = self.quadratic
            A, b, star = (
                np.ascontiguousarray(a, dtype=dtype)
                for a in (problem.A, problem.b, problem.gradients_at_star)
            )
            self._fixed[dtype] = A, b, star
        return self._fixed[dtype]

    def _round(
        self,
        x: Array,
        block: int,
        t: int,
        sign: float = 0.0,
        memory: Array = _NOTHING,
        weights: tuple[float, float, float] = (0.0, 0.0, 0.0),
        error: Array = _NOTHING,
        gain: float = 1.0,
        compares: bool = False,
    ) -> tuple[Array, Array, Array]:
        """Means over workers of the messages and of the old memory, each (R, d); memory and error are updated.

        Third, where asked for: mean ||memory_i - grad f_i(x*)||^2 after the update, (R,).
        """
        A, b, star = self._in_precision(x.dtype)
        mean, old, gap = np.empty_like(x), np.empty_like(x), np.empty(len(x))
        held, watched = (a.astype(x.dtype, copy=False) for a in (memory, error))
        self.kernels.fused(
            *self.code.arguments,
            np.ascontiguousarray(x),
            A,
            b,
            gain,
            sign,
            held,
            watched,
            weights,
            star if compares else _NOWHERE.astype(x.dtype),
            mean,
            old,
            gap,
            *self._key(block, t),
        )
        return mean, old, gap
