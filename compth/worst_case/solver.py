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


@dataclass(frozen=True)
class Solution:
    """margin: least eigenvalue that every block can spare (for least_rho: rho itself); v, multipliers: floats."""

    margin: float
    v: dict[str, float]
    multipliers: dict[str, float]
    status: str


def _dense(form: Any, block: str, size: int) -> Array:
    return np.array(form[block], dtype=float) if block in form else np.zeros((size, size))


@cache
def _upper(size: int) -> tuple[Any, Any, Array]:
    """Row and column of each entry of the triangle, and its weight."""
    pairs = [(i, j) for j in range(size) for i in range(j + 1)]
    weights = np.array([1.0 if i == j else np.sqrt(2.0) for i, j in pairs])
    return np.array([i for i, _ in pairs]), np.array([j for _, j in pairs]), weights


def _triangle(m: Array) -> Array:
    """Clarabel's vector of a symmetric matrix: upper triangle by columns, off-diagonal entries times sqrt 2."""
    row, column, weight = _upper(len(m))
    out: Array = m[row, column] * weight
    return out


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
        self.eye = {b: _triangle(np.eye(k)) for b, k in self.blocks.items()}

    def _stack(self, forms: Mapping[str, Any], names: Sequence[str], block: str) -> Array:
        size = self.blocks[block]
        out = np.zeros((size * (size + 1) // 2, len(names)))
        for i, k in enumerate(names):
            if block in forms[k]:
                out[:, i] = _triangle(np.array(forms[k][block], dtype=float))
        return out

    def _positivity(self) -> list[tuple[Array, Array, int]]:
        """(V's coefficients, normal, size) of every block on which V lives."""
        out = []
        model = self.model
        for block, size in model.state.items():
            if block in self.blocks and size:
                full = self.blocks[block]
                rows = [_triangle(_dense(model.now[k], block, full)[:size, :size]) for k in self.names]
                normal = _triangle(_dense(model.normal, block, full)[:size, :size])
                out.append((np.array(rows).T, normal, size))
        return out

    def largest_margin(self, rho: float) -> Solution:
        """max t with decrease >= t I, V >= t normal, trace V = 1, multipliers >= 0; feasible at rho iff t > 0."""
        m, k = len(self.names), len(self.multipliers)
        psd = [
            (np.hstack([rho * self.now[b] - self.after[b], -self.known[b], -self.eye[b][:, None]]), size)
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
            trace = trace + _triangle(np.eye(size)) @ rows
        objective = np.zeros(m + k + 1)
        objective[-1] = -1.0
        x, status = _solve(
            objective, (np.append(trace, np.zeros(k + 1)), 1.0), bounds if gaps.any() else bounds[:k], psd
        )
        v = dict(zip(self.names, x[:m].tolist(), strict=True))
        return Solution(float(x[-1]), v, dict(zip(self.multipliers, x[m:-1].tolist(), strict=True)), status)

    def least_rho(self, v: Mapping[str, float]) -> Solution:
        """min rho with rho V - E V+ - sum multiplier * known >= 0 for the given V: one SDP."""
        k = len(self.multipliers)
        weights = np.array([v.get(name, 0.0) for name in self.names])
        psd, constants = [], []
        for b, size in self.blocks.items():
            psd.append((np.hstack([(self.now[b] @ weights)[:, None], -self.known[b]]), size))
            constants.append(-(self.after[b] @ weights))
        objective = np.zeros(k + 1)
        objective[0] = 1.0
        x, status = _solve(objective, None, np.hstack([np.zeros((k, 1)), np.eye(k)]), psd, constants)
        given = {name: v.get(name, 0.0) for name in self.names}
        return Solution(float(x[0]), given, dict(zip(self.multipliers, x[1:].tolist(), strict=True)), status)


def _solve(
    objective: Array,
    equality: tuple[Array, float] | None,
    nonnegative: Array,
    psd: Sequence[tuple[Array, int]],
    constants: Sequence[Array] | None = None,
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
        rows.append(equality[0][None])
        right.append(np.array([equality[1]]))
        cones.append(clarabel.ZeroConeT(1))
    if len(nonnegative):
        rows.append(-nonnegative)
        right.append(least)
        cones.append(clarabel.NonnegativeConeT(len(nonnegative)))
    for (matrix, size), constant in zip(psd, constants, strict=True):
        if size > 1:
            rows.append(-matrix)
            right.append(constant)
            cones.append(clarabel.PSDTriangleConeT(size))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = TOLERANCE
    size = len(objective)
    linear, all_rows = _columns(np.zeros((size, size))), _columns(np.concatenate(rows))
    solver = clarabel.DefaultSolver(linear, objective, all_rows, np.concatenate(right), cones, settings)
    found = solver.solve()
    return np.array(found.x), str(found.status)
