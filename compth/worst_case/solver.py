"""Direct Clarabel for a Model's LMI: the largest margin at a given rho, or the least rho for a given V."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compth.errors import Unsupported
from compth.worst_case.model import NOW, Model

Array = NDArray[np.float64]
TOLERANCE = 1e-11
"""Of a solution that will be rounded to a certificate."""
VALUE = 1e-9
"""Of a least rho."""


@dataclass(frozen=True)
class Solution:
    """margin: least eigenvalue that every block can spare (for least_rho: rho itself); v, multipliers: floats."""

    margin: float
    v: dict[str, float]
    multipliers: dict[str, float]
    status: str


def dense(form: Any, block: str, size: int) -> Array:
    return np.array(form[block], dtype=float) if block in form else np.zeros((size, size))


@cache
def upper(size: int) -> tuple[Any, Any, Array]:
    """Row and column of each entry of the triangle, and its weight."""
    pairs = [(i, j) for j in range(size) for i in range(j + 1)]
    weights = np.array([1.0 if i == j else np.sqrt(2.0) for i, j in pairs])
    return np.array([i for i, _ in pairs]), np.array([j for _, j in pairs]), weights


def triangle(m: Array) -> Array:
    """Clarabel's vector of a symmetric matrix: upper triangle by columns, off-diagonal entries times sqrt 2."""
    row, column, weight = upper(len(m))
    out: Array = m[row, column] * weight
    return out


@cache
def _identity(size: int) -> Array:
    return triangle(np.eye(size))


@dataclass(frozen=True)
class _Columns:
    """A compressed sparse column matrix as Clarabel reads it: scipy's own class takes longer to make than a solve."""

    data: Array
    indices: Any
    indptr: Any
    shape: tuple[int, int]
    has_canonical_format: bool = True
    has_sorted_indices: bool = True


def _columns(m: Array) -> _Columns:
    """The non-zero entries of a dense matrix by columns."""
    column, row = m.T.nonzero()
    starts = np.searchsorted(column, np.arange(m.shape[1] + 1))
    return _Columns(m[row, column], row, starts, m.shape)


class Pencil:
    """A Model's matrices as float vectors, assembled once for any number of solves."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.names, self.multipliers = tuple(model.now), tuple(model.known)
        self.blocks = model.blocks
        self.now = {b: self._stack(model.now, self.names, b) for b in self.blocks}
        self.after = {b: self._stack(model.after, self.names, b) for b in self.blocks}
        self.known = {b: self._stack(model.known, self.multipliers, b) for b in self.blocks}

    def _stack(self, forms: Mapping[str, Any], names: Sequence[str], block: str) -> Array:
        size = self.blocks[block]
        if not names:
            return np.zeros((size * (size + 1) // 2, 0))
        nothing = ((0.0,) * size,) * size
        whole = np.array([forms[k].get(block, nothing) for k in names], dtype=float)
        row, column, weight = upper(size)
        out: Array = (whole[:, row, column] * weight).T
        return out

    def _positivity(self) -> list[tuple[Array, Array, int]]:
        """(V's coefficients, normal, size) of every block on which V lives."""
        out = []
        model = self.model
        for block, size in model.state.items():
            if block in self.blocks and size:
                full = self.blocks[block]
                rows = [triangle(dense(model.now[k], block, full)[:size, :size]) for k in self.names]
                normal = triangle(dense(model.normal, block, full)[:size, :size])
                out.append((np.array(rows).T, normal, size))
        return out

    def largest_margin(self, rho: float) -> Solution:
        """max t with decrease >= t I, V >= t normal, trace V = 1, multipliers >= 0; feasible at rho iff t > 0."""
        m, k = len(self.names), len(self.multipliers)
        psd = [
            (np.hstack([rho * self.now[b] - self.after[b], -self.known[b], -_identity(size)[:, None]]), size)
            for b, size in self.blocks.items()
        ]
        gaps = self.now[NOW][0] if NOW in self.blocks else np.zeros(m)
        bounds = np.zeros((k + 1, m + k + 1))
        bounds[:k, m : m + k] = np.eye(k)
        bounds[k, :m] = gaps
        bounds[k, -1] = -1.0 if NOW in self.model.normal else 0.0
        trace = gaps
        for rows, normal, size in self._positivity():
            psd.append((np.hstack([rows, np.zeros((len(rows), k)), -normal[:, None]]), size))
            trace = trace + _identity(size) @ rows
        objective = np.zeros(m + k + 1)
        objective[-1] = -1.0
        x, status = solve(
            objective, (np.append(trace, np.zeros(k + 1)), 1.0), bounds if gaps.any() else bounds[:k], psd
        )
        v = dict(zip(self.names, x[:m].tolist(), strict=True))
        return Solution(float(x[-1]), v, dict(zip(self.multipliers, x[m:-1].tolist(), strict=True)), status)

    def least_rho(self, v: Mapping[str, float]) -> Solution:
        """min rho with rho V - E V+ - sum multiplier * known >= 0 for the given V: one SDP, a float and no proof."""
        weights = np.array([v.get(name, 0.0) for name in self.names])
        given = {name: v.get(name, 0.0) for name in self.names}
        used = [i for i, k in enumerate(self.multipliers) if k in self.model.first]
        seen = f"P[{self.model.free[0]},{self.model.free[0]}]" in self.names
        if used and seen:
            x, status = self._rho_with(used, weights, refine=False)
            # a few multipliers prove an upper bound: where a quadratic attains it, the others cannot lower it
            if abs(x[0] - self._attained()) <= 10 * VALUE:
                return self._solution(x, given, used, status)
        used = list(range(len(self.multipliers)))
        x, status = self._rho_with(used, weights, refine=True)
        return self._solution(x, given, used, status)

    def _solution(self, x: Array, v: dict[str, float], used: Sequence[int], status: str) -> Solution:
        multipliers = dict.fromkeys(self.multipliers, 0.0)
        multipliers |= {self.multipliers[i]: value for i, value in zip(used, x[1:].tolist(), strict=True)}
        return Solution(float(x[0]), v, multipliers, status)

    def _attained(self) -> float:
        """The largest rate on the extremal quadratics of a state of one vector: |a+|^2 for |a|^2 = 1."""
        (a,) = self.model.free
        at = np.array(
            [[q.common[b].get(a, 0.0) for b in self.model.space.common] for q in self.model.extremal],
            dtype=float,
        )
        row, column, weight = upper(at.shape[1])
        rates: Array = (at[:, row] * at[:, column] * weight) @ self.after["mean"][
            :, self.names.index(f"P[{a},{a}]")
        ]
        return float(rates.max())

    def _rho_with(self, used: Sequence[int], weights: Array, refine: bool) -> tuple[Array, str]:
        """(rho and these multipliers, status)."""
        count = len(used)
        psd = [
            (np.concatenate([(self.now[b] @ weights)[:, None], -self.known[b][:, used]], axis=1), size)
            for b, size in self.blocks.items()
        ]
        constants = [-(self.after[b] @ weights) for b in self.blocks]
        objective, signs = np.zeros(count + 1), np.eye(count + 1)[1:]
        objective[0] = 1.0
        return solve(objective, None, signs, psd, constants, VALUE, refine)


@cache
def _nothing(size: int) -> _Columns:
    return _columns(np.zeros((size, size)))


@cache
def _settings(tolerance: float, refine: bool) -> Any:
    import clarabel

    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    settings.iterative_refinement_enable = refine
    return settings


def solve(
    objective: Array,
    equality: tuple[Array, Any] | None,
    nonnegative: Array,
    psd: Sequence[tuple[Array, int]],
    constants: Sequence[Array] | None = None,
    tolerance: float = TOLERANCE,
    refine: bool = True,
) -> tuple[Array, str]:
    """min objective'x with equality, nonnegative x >= 0 and psd rows x + constant in the cone."""
    try:
        import clarabel
    except ImportError:
        raise Unsupported("package=clarabel is not installed: pip install 'compth[proofs]'") from None
    cones: list[Any] = []
    rows, right = [], []
    constants = [np.zeros(len(m)) for m, _ in psd] if constants is None else constants
    scalar = [i for i, (_, size) in enumerate(psd) if size == 1]
    nonnegative = np.concatenate([nonnegative, *(psd[i][0] for i in scalar)])
    least = np.zeros(len(nonnegative))
    least[len(least) - len(scalar) :] = [constants[i][0] for i in scalar]
    if equality is not None:
        rows.append(np.atleast_2d(equality[0]))
        right.append(np.atleast_1d(equality[1]))
        cones.append(clarabel.ZeroConeT(len(right[-1])))
    if len(nonnegative):
        rows.append(-nonnegative)
        right.append(least)
        cones.append(clarabel.NonnegativeConeT(len(nonnegative)))
    for (matrix, size), constant in zip(psd, constants, strict=True):
        if size > 1:
            rows.append(-matrix)
            right.append(constant)
            cones.append(clarabel.PSDTriangleConeT(size))
    all_rows = _columns(np.concatenate(rows))
    solver = clarabel.DefaultSolver(
        _nothing(len(objective)),
        objective,
        all_rows,
        np.concatenate(right),
        cones,
        _settings(tolerance, refine),
    )
    found = solver.solve()
    return np.array(found.x), str(found.status)
