"""The answer of a tuning: the level, what it buys, and the whole curve; and what may be asked."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from compth._door import no_mask
from compth._earned import Earned
from compth._numbers import Number, uninherited
from compth._shown import Shown
from compth._types import Numbers
from compth.compressors import Compressor
from compth.errors import InvalidParameter
from compth.tuning.schemes import improvement

Columns = tuple[Numbers, Numbers, Numbers]
"""Levels, shares and costs."""
TIE = 1e-12
"""Efficiencies closer than this, relative to the best, count as equal in floats."""


@dataclass(frozen=True)
class Tuning(Earned, Shown):
    """What to send at this gradient, and what it buys.

    Attributes
    ----------
    level : elements T (expected number for SS), or the family's parameter; 0 for a zero gradient (send nothing).
    stepsize : the step that goes with it.      share : improvement relative to that of the full gradient, in [0, 1].
    improvement : guaranteed (expected) decrease of f, share ||g||^2/(2L).      cost : C(level), in the cost's units.
    efficiency : improvement / cost.      compressor : the operator at this level, None for a zero gradient.
    One that was typed or changed says so in `basis`; copies and pickles are computed again.
    basis : where the share is from: exact at this gradient, or a declared constant.      note : what is degenerate.
    """

    scheme: str
    level: Number
    stepsize: Number
    share: Number
    improvement: Number
    cost: Number
    efficiency: Number
    L: Number
    basis: str
    note: str
    compressor: Compressor | None
    _table: Callable[[], Columns] = field(repr=False, compare=False)
    _square: Number = field(repr=False, compare=False, default=0)

    WORDS = MappingProxyType({"basis": "somebody's word: it was not computed here"})

    @classmethod
    def chosen(
        cls,
        *,
        scheme: str,
        level: Number,
        stepsize: Number,
        share: Number,
        square: Number,
        cost: Number,
        L: Number,
        note: str,
        compressor: Compressor,
        table: Callable[[], Columns],
        basis: str = "exact at this gradient",
    ) -> Tuning:
        """The answer that a level was chosen for, with what it buys at ||g||^2 = square."""
        # Numbers of numpy become Python's here, once: what a user reads and stores is an int, a float or a
        # Fraction.
        share = scalar(np.ravel(share)[0])
        gain = improvement(share, square, L)
        bought = {"improvement": gain, "efficiency": gain / cost}
        return cls(
            scheme=scheme,
            level=level,
            stepsize=stepsize,
            share=share,
            cost=cost,
            L=L,
            basis=basis,
            note=note,
            compressor=compressor,
            _table=table,
            _square=square,
            **bought,
        )

    @classmethod
    def for_zero(cls, scheme: str, L: Number, exact: bool, table: Callable[[], Columns]) -> Tuning:
        """The answer for a zero gradient: send nothing."""
        none: object = Fraction(0) if exact else 0.0
        note = "the gradient is zero: send nothing"
        basis = "exact at this gradient"
        nothing = dict.fromkeys(("stepsize", "share", "improvement", "cost", "efficiency"), none)
        return cls(scheme, 0, **nothing, L=L, basis=basis, note=note, compressor=None, _table=table)

    def __getstate__(self) -> dict[str, object]:
        """The curve as numbers: functions do not travel."""
        return {**vars(self), "_table": _Table(self._columns)}

    @cached_property
    def _columns(self) -> Columns:
        """(levels, shares, costs), computed when first asked for."""
        return self._table()

    @property
    def levels(self) -> Numbers:
        """Every level that was open, in order."""
        return self._columns[0]

    @property
    def shares(self) -> Numbers:
        """Share of the full gradient's improvement at each level: alpha(T), beta(T), omega*(T)."""
        return self._columns[1]

    @property
    def costs(self) -> Numbers:
        """C at each level."""
        return self._columns[2]

    @cached_property
    def curve(self) -> Numbers:
        """Efficiency (improvement / cost) at each level."""
        found: Numbers = self.shares * self._square / (2 * self.L) / self.costs
        return found

    @property
    def ties(self) -> tuple[object, object]:
        """First and last level whose efficiency is the best one's (up to rounding)."""
        # A zero gradient has one answer, and no curve to divide.
        if self.level == 0:
            return (0, 0)
        per_cost = self.shares / self.costs
        best = per_cost.max()
        # In floats equal efficiencies differ by rounding; TIE is well above it and far below any difference
        # that matters.
        near = np.flatnonzero(per_cost >= best * (1 - (0 if isinstance(best, Fraction) else TIE)))
        return self.levels[near[0]], self.levels[near[-1]]


@dataclass(frozen=True)
class _Table:
    """A curve that was computed already."""

    columns: Columns

    def __call__(self) -> Columns:
        return self.columns


def check_gradient(gradient: object) -> tuple[Numbers, bool]:
    """(flat vector, exact?): floats, or Fractions when one entry is a Fraction. A matrix is read row by row.

    Raises InvalidParameter for NaN, inf, complex, empty, ragged or non-numeric input.
    """
    no_mask("gradient", gradient)
    try:
        raw = np.asarray(gradient)
    except ValueError:
        raise InvalidParameter("gradient is ragged: pass one vector or matrix of numbers") from None
    if raw.size == 0:
        raise InvalidParameter(f"gradient has shape {raw.shape}: it is empty, pass d >= 1 numbers")
    flat = raw.reshape(-1)
    # Exact only where every entry is: one float among Fractions would make the answer look exact and not be
    # it.
    if raw.dtype == object:
        if not all(isinstance(v, int | Fraction) and not isinstance(v, bool) for v in flat):
            raise InvalidParameter(
                "gradient mixes exact and other entries: pass Fractions and ints, or floats only"
            )
        return np.array([Fraction(v) for v in flat], dtype=object), True
    if raw.dtype.kind not in "fiu":
        raise InvalidParameter(f"gradient has dtype {raw.dtype}: pass real numbers")
    flat = flat.astype(np.float64, copy=False)
    if not np.isfinite(flat).all():
        at = int(np.flatnonzero(~np.isfinite(flat))[0])
        raise InvalidParameter(f"gradient[{at}]={flat[at]} is not finite: remove NaN and inf before tuning")
    return flat, False


def check_smoothness(L: Number, exact: bool) -> Number:
    """L as float or Fraction; InvalidParameter unless 0 < L < inf."""
    L = uninherited(L)
    real = isinstance(L, int | float | Fraction | np.number) and not isinstance(L, bool)
    if not real or not 0 < L < math.inf:
        raise InvalidParameter(f"L={L!r} needs a smoothness constant 0 < L < inf")
    return Fraction(L) if exact else float(L)


def scalar(value: object) -> Number:
    """A numpy number or one-element array as Python's own number; anything else as it is."""
    return value.item() if isinstance(value, np.ndarray | np.generic) else value


def norm_square(g: Numbers, exact: bool) -> Number:
    """||g||^2; InvalidParameter where it overflows."""
    with np.errstate(over="ignore"):
        square = (g * g).sum() if exact else float(g @ g)
    if not exact and math.isinf(square):
        raise InvalidParameter(
            "gradient: its squared norm overflows; rescale it (levels do not depend on the scale)"
        )
    return square


def pick(efficiency: Numbers, last: bool) -> NDArray[np.intp]:
    """Index of the best along the last axis: the first of equals, or the last (within TIE for floats)."""
    if not last:
        return np.asarray(efficiency.argmax(axis=-1))
    slack = 0 if efficiency.dtype == object else TIE
    # The last of equals: as many bits an improvement in fewer rounds, for schemes whose flat stretch ends
    # late.
    near = efficiency >= efficiency.max(axis=-1, keepdims=True) * (1 - slack)
    return np.asarray(efficiency.shape[-1] - 1 - near[..., ::-1].argmax(axis=-1))
