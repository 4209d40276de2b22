"""One-step Lyapunov inequalities as LMIs: built with plain arithmetic, solved by Clarabel, checked over the rationals.

For a factor rho the unknowns y are the entries of P (V = sum P_ij <s_i, s_j>) and multipliers >= 0 of valid
inequalities: rho V - V+ - sum y_k I_k >= 0 on the Gram matrix of the vectors involved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from compth._numbers import Number
from compth.dynamics.rational import psd
from compth.errors import Unsupported

Array = Any
ROUNDING = (20, 30, 40, 50, 60)
"""Binary places to which a float solution is rounded, tried in turn."""
UNITS = (1.0, 1e-4, 1e-2)
"""The solver sees the constants times one of these, tried in turn: multipliers of very different sizes occur."""
MARGIN, LIMIT = 1e-3, 10.0


@dataclass(frozen=True)
class Block:
    """F_0 + sum y_k F_k >= 0; F: (1 + unknowns, N, N)."""

    F: Array

    def at(self, y: Any) -> Array:
        """The matrix at y."""
        out = self.F[0]
        for value, part in zip(y, self.F[1:], strict=True):
            out = out + value * part
        return out


@dataclass(frozen=True)
class LMI:
    """Blocks in shared unknowns; signs[k]: True when y_k >= 0 is required. names: for the certificate."""

    blocks: tuple[Block, ...]
    signs: tuple[bool, ...]
    names: tuple[str, ...]

    def margin(self, y: Any) -> float:
        """Least eigenvalue over the blocks (floats)."""
        return float(min(np.linalg.eigvalsh(np.array(b.at(y), dtype=float))[0] for b in self.blocks))

    def holds(self, y: Any) -> bool:
        """Exact check with Fractions: every block PSD, every signed unknown >= 0."""
        return all(v >= 0 for v, s in zip(y, self.signs, strict=True) if s) and all(
            psd(b.at(y)) for b in self.blocks
        )


Builder = Callable[[Number, Callable[[Any], Any]], LMI]
"""(rho, number type) -> the LMI."""


def rows(number: Callable[[Any], Any], *vectors: tuple[Number, ...]) -> list[Array]:
    """Coefficient vectors in one number type."""
    kind = float if number is float else object
    return [np.array([number(v) for v in vector], dtype=kind) for vector in vectors]


def form(a: Array, b: Array) -> Array:
    """The symmetric matrix of <a, b>."""
    return (np.outer(a, b) + np.outer(b, a)) / 2


def interpolation(dx: Array, dg: Array, mu: Number, L: Number) -> Array:
    """(L+mu) <dg, dx> - ||dg||^2 - L mu ||dx||^2 >= 0 between two points of an L-smooth mu-strongly convex function."""
    return (L + mu) * form(dg, dx) - form(dg, dg) - L * mu * form(dx, dx)


def contraction(p: Array, c: Array, delta: Number) -> Array:
    """(1-delta)||p||^2 - ||p - c||^2 >= 0."""
    return (1 - delta) * form(p, p) - form(p - c, p - c)


def lyapunov(
    state: list[Array], after: list[Array], inequalities: dict[str, Array], rho: Number, pinned: int = 0
) -> LMI:
    """rho V - V+ - sum y_k I_k >= 0 and P >= E_pinned (V is at least the squared pinned state)."""
    k = len(state)
    zero = 0 * form(state[0], state[0])
    pairs = [(i, j) for i in range(k) for j in range(i, k)]
    first, second = [zero], [_unit(k, pinned, pinned, zero.dtype) * (-1)]
    for i, j in pairs:
        twice = 1 if i == j else 2
        first.append(twice * (rho * form(state[i], state[j]) - form(after[i], after[j])))
        second.append(_unit(k, i, j, zero.dtype))
    for matrix in inequalities.values():
        first.append(-matrix)
        second.append(0 * second[0])
    names = tuple(f"P{i}{j}" for i, j in pairs) + tuple(inequalities)
    signs = (False,) * len(pairs) + (True,) * len(inequalities)
    return LMI((Block(np.array(first)), Block(np.array(second))), signs, names)


def _unit(k: int, i: int, j: int, dtype: Any) -> Array:
    out = np.zeros((k, k), dtype=int).astype(dtype)
    out[i, j] = out[j, i] = out[i, j] + 1
    return out


def _packed(m: Array) -> Array:
    """Upper triangle by columns, off-diagonals times sqrt 2 (Clarabel's PSD triangle)."""
    i, j = np.triu_indices(len(m))
    order = np.lexsort((i, j))
    i, j = i[order], j[order]
    return np.asarray(m, dtype=float)[i, j] * np.where(i == j, 1.0, np.sqrt(2))


def fixed(lmi: LMI, values: dict[str, Number]) -> LMI:
    """The LMI with some unknowns given."""
    free = [k for k, name in enumerate(lmi.names) if name not in values]
    blocks = []
    for b in lmi.blocks:
        start = b.F[0]
        for k, name in enumerate(lmi.names):
            if name in values:
                start = start + values[name] * b.F[1 + k]
        blocks.append(Block(np.array([start, *(b.F[1 + k] for k in free)])))
    return LMI(tuple(blocks), tuple(lmi.signs[k] for k in free), tuple(lmi.names[k] for k in free))


def solve(lmi: LMI, unit: float = 1.0) -> tuple[float, Array]:
    """(t, y): the largest t <= MARGIN/unit with every block >= t I, |y| <= LIMIT/unit (1e5 at unit 1); by Clarabel."""
    count = len(lmi.signs)
    blocks = [np.concatenate([[unit * b.F[0]], b.F[1:], [-np.eye(b.F.shape[1])]]) for b in lmi.blocks]
    limit = np.full((2, count + 1), LIMIT if unit < 1 else 1e5)
    limit[0, count] = MARGIN
    cost = np.zeros(count + 1)
    cost[-1] = -1
    y = _clarabel(blocks, [k for k, s in enumerate(lmi.signs) if s], cost, limit)
    return float(y[-1]) / unit, y[:-1] / unit


def minimise(build: Builder, given: dict[str, Number] | None = None) -> tuple[float, Array]:
    """(rho, multipliers): the least rho for a fixed Lyapunov function (or one without unknowns), in one solve.

    With P given, every block is affine in rho and the multipliers.
    """
    at = [build(r, float) for r in (0.0, 1.0)]
    zero, one = (fixed(lmi, given) if given else lmi for lmi in at)
    blocks = []
    for a, b in zip(zero.blocks, one.blocks, strict=True):
        blocks.append(np.concatenate([a.F, [b.F[0] - a.F[0]]]))
    count = len(zero.signs)
    cost = np.zeros(count + 1)
    cost[-1] = 1
    signed = [k for k, s in enumerate(zero.signs) if s]
    y = _clarabel(blocks, [*signed, count], cost, None)
    return float(y[-1]), y[:-1]


def _clarabel(blocks: list[Array], signed: list[int], cost: Array, limit: Array | None) -> Array:
    """min cost'y with F_0 + sum y_k F_k >= 0 for every block, y_k >= 0 for signed k, y <= limit[0], -y <= limit[1]."""
    try:
        import clarabel
    except ImportError:
        raise Unsupported("LMIs need the extra 'proofs': pip install compth[proofs]") from None
    from scipy.sparse import csc_matrix

    parts, right, cones = [], [], []
    for block in blocks:
        packed = np.array([_packed(f) for f in block])
        parts.append(-packed[1:].T)
        right.append(packed[0])
        cones.append(clarabel.PSDTriangleConeT(block.shape[1]))
    positive = np.zeros((len(signed), len(cost)))
    positive[np.arange(len(signed)), signed] = -1
    parts.append(positive)
    right.append(np.zeros(len(signed)))
    if limit is not None:
        parts += [np.eye(len(cost)), -np.eye(len(cost))]
        right += [limit[0], limit[1]]
    cones.append(clarabel.NonnegativeConeT(len(signed) + (0 if limit is None else 2 * len(cost))))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    matrix = csc_matrix(np.concatenate(parts))
    empty = csc_matrix((len(cost), len(cost)))
    return np.array(
        clarabel.DefaultSolver(empty, cost, matrix, np.concatenate(right), cones, settings).solve().x
    )


def feasible(build: Builder, rho: float, slack: float = 1e-9) -> tuple[bool, Array]:
    """Whether the LMI at rho has a solution (up to slack), and the unknowns."""
    lmi = build(rho, float)
    t, y = solve(lmi)
    scale = max(1.0, float(np.abs(y).max(initial=0.0)))
    return t >= -slack * scale and bool(np.isfinite(y).all()), y


def least_rho(build: Builder, low: float, high: float, tol: float = 1e-9) -> float:
    """The smallest rho in [low, high] at which the LMI is feasible, by bisection; inf when `high` is not."""
    if not feasible(build, high)[0]:
        return float("inf")
    while high - low > tol:
        middle = (low + high) / 2
        low, high = (low, middle) if feasible(build, middle)[0] else (middle, high)
    return high


def certify(build: Builder, rho: Fraction) -> tuple[Fraction, ...] | None:
    """Rational unknowns with which the LMI holds exactly at rho, or None: a float solution of most margin, rounded."""
    floating, exact = build(float(rho), float), build(rho, Fraction)
    for unit in UNITS:
        t, y = solve(floating, unit)
        if not np.isfinite(y).all() or t < -1e-9 * max(1.0, float(np.abs(y).max())):
            continue
        for bits in ROUNDING:
            rounded = tuple(
                Fraction(max(round(v * 2**bits), 0) if s else round(v * 2**bits), 2**bits)
                for v, s in zip(y.tolist(), exact.signs, strict=True)
            )
            if exact.holds(rounded):
                return rounded
    return None
