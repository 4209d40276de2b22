"""Direct Clarabel for a Model's LMI: the largest margin at a given rho, or the least rho for a given V.

The only module that talks to the solver. Its answers are floats and never proofs: `rational` rounds them and checks
the rounded certificate in Fractions, so tolerances and scalings here decide what is found, not what is true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from compth._numbers import Number
from compth._types import Array, Numbers
from compth.errors import Unsupported
from compth.worst_case.exact_algebra import Matrix
from compth.worst_case.model import NOW, Form, Model
from compth.worst_case.units import in_units, worth

Places = NDArray[np.int_]
Sizes = tuple[int, ...]
"""Of the blocks of a packed form: those of size one come first."""
TOLERANCE = 1e-11
"""Of a solution that will be rounded to a certificate."""
VALUE = 1e-9
"""Of a least rho."""
NEAR = 0.99
"""Where mu/L is above this the vectors are turned to what gradients have beyond m x."""
UNITS = 1e3
"""An LMI with 1/UNITS <= L <= UNITS is solved as it stands."""


@dataclass(frozen=True)
class Solution:
    """margin: least eigenvalue that every block can spare; for least_rho rho itself, inf where none is proved."""

    margin: float
    v: dict[str, float]
    multipliers: dict[str, float]
    status: str


@cache
def layout(sizes: Sizes) -> tuple[Places, Array]:
    """(where each entry of the triangles stands among the blocks' entries by rows, its weight).

    Clarabel's vector of a symmetric matrix: upper triangle by columns, off-diagonal entries times sqrt 2.
    """
    at, weights, start = [], [], 0
    for size in sizes:
        # Upper triangle by columns; sqrt 2 off the diagonal makes the vector's inner product that of matrices.
        pairs = [(i, j) for j in range(size) for i in range(j + 1)]
        at += [start + i * size + j for i, j in pairs]
        weights += [1.0 if i == j else 2**0.5 for i, j in pairs]
        start += size * size
    return np.array(at, dtype=int), np.array(weights)


@cache
def _nothing(size: int) -> tuple[tuple[float, ...], ...]:
    """A block of zeros."""
    return ((0.0,) * size,) * size


def packed(forms: Sequence[Form], blocks: Mapping[str, int]) -> Array:
    """A form a row: the triangles of its blocks (of the leading part of each, where the size asked for is less)."""
    at, weights = layout(tuple(blocks.values()))
    entries: list[Number] = []
    # A missing block counts as zero, and only the leading part of a block is read where V lives on it alone.
    for form in forms:
        for block, size in blocks.items():
            for row in form[block][:size] if block in form else _nothing(size):
                entries += row if len(row) == size else row[:size]
    out: Array = np.array(entries, dtype=float).reshape(len(forms), -1)[:, at] * weights
    return out


@cache
def identity(sizes: Sizes) -> Array:
    """The packed identity on all blocks: what a margin is a multiple of."""
    at, _ = layout(sizes)
    out: Array = np.array(list(chain.from_iterable(np.eye(size).ravel() for size in sizes)))[at]
    return out


def _turned(turn: Array | None, matrix: Matrix) -> Matrix:
    """T' M T."""
    if turn is None:
        return matrix
    return tuple(map(tuple, (turn.T @ np.array(matrix, dtype=float) @ turn).tolist()))


@dataclass(frozen=True)
class _Columns:
    """A compressed sparse column matrix as Clarabel reads it: scipy's own class takes longer to make than a solve."""

    data: Array
    indices: Numbers
    indptr: Numbers
    shape: tuple[int, int]
    has_canonical_format: bool = True
    has_sorted_indices: bool = True


def _columns(turned: Array) -> _Columns:
    """The non-zero entries by columns of a dense matrix that is given by its columns."""
    columns, rows = turned.shape
    entries = turned.ravel()
    (at,) = entries.nonzero()
    return _Columns(entries[at], at % rows, at.searchsorted(_starts(columns, rows)), (rows, columns))


@cache
def _starts(columns: int, rows: int) -> Numbers:
    """Where every column begins among the entries of a dense matrix."""
    return np.arange(columns + 1) * rows


@cache
def _zero(size: int) -> _Columns:
    """No quadratic objective."""
    return _columns(np.zeros((size, size)))


class Pencil:
    """A Model's matrices as float vectors, in units of L = 1, assembled once for any number of solves."""

    def __init__(self, model: Model) -> None:
        self.given, self.model = model, in_units(model)
        self.names, self.multipliers = tuple(model.now), tuple(model.known)
        self.blocks = dict(sorted(model.blocks.items(), key=lambda item: item[1] > 1))
        self.sizes: Sizes = tuple(self.blocks.values())

    def worth(self, name: str) -> Number:
        """What a solution's coefficient of V, multiplier or scale ("normal") is divided by in the model's own units."""
        return worth(self.given, name)

    def _pack(
        self, names: Sequence[str], multipliers: Sequence[str], turns: Mapping[str, Array] | None = None
    ) -> tuple[Array, Array, Array]:
        """(now, after, known) of these coefficients and multipliers, a form a row; turns: coordinates of blocks."""
        # All forms in one call of `packed`: numpy's overhead for one form is larger than its arithmetic.
        model, count = self.model, len(names)
        forms: list[Form] = [forms[k] for forms in (model.now, model.after) for k in names]
        forms += [model.known[k] for k in multipliers]
        if turns:
            forms = [{block: _turned(turns.get(block), m) for block, m in form.items()} for form in forms]
        rows = packed(forms, self.blocks)
        return rows[:count], rows[count : 2 * count], rows[2 * count :]

    @cached_property
    def _every(self) -> tuple[Array, Array, Array]:
        """The forms of all coefficients and multipliers, packed once."""
        return self._pack(self.names, self.multipliers, self._turns())

    def _turns(self) -> dict[str, Array]:
        """Near mu = L: T for each block with vectors = T (points, w), where g = m x + sqrt(r) w; {} elsewhere.

        m = (L+mu)/2 and r = (L-mu)/2: every g lies within r|x| of m x, and multipliers grow like 1/r. In w their
        products are of order 1, so that the LMI is as well scaled as for mu far from L. Positivity does not change.
        """
        # Only the ratio mu/L decides: `in_units` has already made L = 1 where units are known.
        model, c = self.model, self.model.constants
        ratio = float(c.get("mu", 0)) / float(c["L"]) if "L" in c else 0.0
        if not NEAR < ratio < 1 or not model.curved:
            return {}
        m, r = float(c["L"]) * (1 + ratio) / 2, float(c["L"]) * (1 - ratio) / 2
        out = {}
        for block, names in (("mean", model.space.common), ("deviation", model.space.worker)):
            # Rows of T by name, each a combination of the new coordinates. A gradient is m times its argument
            # plus sqrt(r) w; the argument is common to the workers, so that it enters the means alone and
            # deviations keep sqrt(r) w.
            rows = {name: np.eye(len(names))[i] for i, name in enumerate(names)}
            for argument, vector in model.curved:
                if vector in rows:
                    own = sum((float(x) * rows[a] for a, x in argument.items() if a in rows), 0.0)
                    rows[vector] = m * own * (block == "mean") + np.sqrt(r) * rows[vector]
            if names:
                out[block] = np.array([rows[name] for name in names])
        return out

    def largest_margin(self, rho: float) -> Solution:
        """max t with decrease >= t I, V >= t normal, trace V = 1, multipliers >= 0; feasible at rho iff t > 0.

        The solution is in units of L = 1: `worth` says what to divide it by.
        """
        # Unknowns, in this order: coefficients of V, multipliers, the margin t.
        model, m, k = self.model, len(self.names), len(self.multipliers)
        gaps = np.array([NOW in form for form in model.now.values()], dtype=float)
        # Sign constraints: a multiplier of an inequality is >= 0, that of an equality may have either sign.
        # The last row bounds V's coefficient of f - f*, which has no PSD block of its own.
        signed = [i for i, name in enumerate(self.multipliers) if name not in model.equal]
        bounds = np.zeros((len(signed) + 1, m + k + 1))
        bounds[range(len(signed)), [m + i for i in signed]] = 1.0
        bounds[-1, :m] = gaps
        bounds[-1, -1] = -1.0 if NOW in model.normal else 0.0
        now, after, known = self._every
        # rho V - E V+ - sum multiplier * known - t I >= 0 on every block: the decrease, column by column.
        decrease = np.column_stack([(rho * now - after).T, -known.T, -identity(self.sizes)])
        states = {b: size for b, size in model.state.items() if b in self.blocks and size}
        states = dict(sorted(states.items(), key=lambda item: item[1] > 1))
        state_sizes = tuple(states.values())
        # V >= t normal on the state alone: V need not see the vectors that a step makes, only those that it
        # starts from.
        positive, normal = packed([*model.now.values()], states), packed([model.normal], states)
        positivity = np.column_stack([positive.T, np.zeros((positive.shape[1], k)), -normal.T])
        # trace V = 1 fixes the scale of the homogeneous problem; without it t is unbounded or 0.
        trace = gaps + positive @ identity(state_sizes)
        # Blocks of size one are plain inequalities; as 1 x 1 matrices they would cost a cone each.
        s, p = self.sizes.count(1), state_sizes.count(1)
        signs = [bounds if gaps.any() else bounds[:-1], decrease[:s], positivity[:p]]
        rows = np.concatenate(
            [np.append(trace, np.zeros(k + 1))[None], *(-r for r in signs), -decrease[s:], -positivity[p:]]
        )
        right = np.zeros(len(rows))
        right[0] = 1.0
        cones = (1, sum(map(len, signs)), tuple(x for x in (*self.sizes, *state_sizes) if x > 1))
        objective = np.zeros(m + k + 1)
        objective[-1] = -1.0
        x, status = solve(
            objective, np.ascontiguousarray(rows.T), right, cones, solver_settings(TOLERANCE, True)
        )
        v = dict(zip(self.names, x[:m].tolist(), strict=True))
        return Solution(float(x[-1]), v, dict(zip(self.multipliers, x[m:-1].tolist(), strict=True)), status)

    def least_rho(self, v: Mapping[str, float]) -> Solution:
        """min rho with rho V - E V+ - sum multiplier * known >= 0 for the given V: one SDP, a float and no proof."""
        given = {name: v.get(name, 0.0) for name in self.names}
        seen = [name for name in self.names if given[name]]
        now, after, known = self._pack(seen, self.multipliers)
        weights, size, scaled = (
            np.array([given[name] for name in seen], dtype=float),
            1.0,
            self.model is not self.given,
        )
        # V of size 1, so that the tolerance is relative to it; the multipliers are scaled back below.
        if scaled:  # V counts up to a factor
            weights *= [float(self.worth(name)) for name in seen]
            size = float(np.abs(weights @ now).max(initial=0.0)) or 1.0
            weights /= size
        count, scalars = len(known), self.sizes.count(1)
        # min rho with rho V - E V+ - sum multiplier * known >= 0: V is fixed, so rho enters linearly and no
        # bisection is needed.
        columns = np.zeros((count + 1, count + now.shape[1]))
        columns[1:, :count] = _signs(count)
        columns[0, count:] = -(weights @ now)
        columns[1:, count:] = known
        right, objective = np.zeros(count + now.shape[1]), np.zeros(count + 1)
        right[count:] = -(weights @ after)
        objective[0] = 1.0
        # in units near one both safeguards only cost: more iterations and larger errors on a grid of (kappa, delta)
        safe = not 1 / UNITS <= self.model.constants["L"] <= UNITS  # of a user's own model
        cones = (0, count + scalars, self.sizes[scalars:])
        x, status = solve(objective, columns, right, cones, solver_settings(VALUE, safe))
        own = dict(zip(self.multipliers, x[1:].tolist(), strict=True))
        if scaled:
            own = {k: m * size / float(self.worth(k)) for k, m in own.items()}
        # An infeasible dual or an answer that is no number proves nothing: rho = inf says so.
        rho = float("inf") if "Infeasible" in status or np.isnan(x[0]) else float(x[0])
        return Solution(rho, given, own, status)


@cache
def _signs(count: int) -> Array:
    """-I: rows that ask multipliers to be >= 0."""
    return -np.eye(count)


@cache
def solver_settings(tolerance: float, safe: bool) -> object:
    """Settings of one thread and this tolerance (gap and feasibility). safe: with equilibration and refinement."""
    clarabel = _clarabel()
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    settings.iterative_refinement_enable = settings.equilibrate_enable = safe
    return settings


@cache
def _clarabel() -> ModuleType:
    """The module, or Unsupported with the extra that installs it: worst cases in closed form do without."""
    try:
        import clarabel
    except ImportError:
        raise Unsupported("package=clarabel is not installed: pip install 'compth[proofs]'") from None
    module: ModuleType = clarabel
    return module


@cache
def _cones(equalities: int, signs: int, sizes: Sizes) -> list[object]:
    """Clarabel's cones: equalities, then signs, then PSD triangles."""
    clarabel = _clarabel()
    out = [clarabel.ZeroConeT(equalities)] if equalities else []
    out += [clarabel.NonnegativeConeT(signs)] if signs else []
    return out + [clarabel.PSDTriangleConeT(size) for size in sizes]


def solve(
    objective: Array, columns: Array, right: Array, cones: tuple[int, int, Sizes], settings: object
) -> tuple[Array, str]:
    """min objective'x with right - columns' x in the cones: zeros, then nonnegative numbers, then PSD triangles.

    columns: the matrix by its columns, (unknowns, rows). Returns (x, status); x is nan where the solver broke down.
    """
    solver = _clarabel().DefaultSolver(
        _zero(len(objective)), objective, _columns(columns), right, _cones(*cones), settings
    )
    # Clarabel's panic comes as a BaseException of a class that Python cannot name beforehand; anything else
    # that is no Exception (an interrupt) must pass.
    try:
        found = solver.solve()
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return np.full(len(objective), np.nan), "Panicked"  # no eigenvalues were found: no answer, no proof
    return np.array(found.x), str(found.status)
