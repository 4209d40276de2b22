"""What each step size buys: one table over candidate steps and ways of measuring them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from compth._earned import Computed
from compth._shown import Shown
from compth.errors import InvalidParameter


@dataclass(frozen=True)
class StepRow:
    """One candidate step: its factor under each measure, the rounds to eps, and the reference's rounds / its own."""

    name: str
    gamma: float
    factors: Mapping[str, float]
    rounds: Mapping[str, float]
    gain: Mapping[str, float]


@dataclass(frozen=True)
class StepTable(Computed, Shown):
    """Rows of `step_table`; `columns()` gives header and cells. assumed: what factors take on a user's word."""

    DOUBT = "the factors are those that were given: nothing of them was computed here; ct.step_sizes does"

    rows: tuple[StepRow, ...]
    measures: tuple[str, ...]
    reference: str
    eps: float
    assumed: tuple[str, ...] = ()

    def columns(self) -> tuple[list[str], list[list[str]]]:
        """Step, gamma, then per measure the one-step factor, the rounds and how many times fewer than the reference."""
        head = ["step", "gamma"]
        for m in self.measures:
            head += [f"{m}: 1 - factor", "rounds", f"x {self.reference}"]
        cells = []
        for r in self.rows:
            line = [r.name, f"{r.gamma:.4g}"]
            for m in self.measures:
                line += [_shown(1 - r.factors[m]), _shown(r.rounds[m]), _shown(r.gain[m])]
            cells.append(line)
        return head, cells


def _shown(value: float) -> str:
    """A number in a cell: "-" where there is none, "never" for infinitely many rounds."""
    return "-" if math.isnan(value) else "never" if math.isinf(value) else f"{value:.4g}"


def rounds_to(factor: float, eps: float) -> float:
    """ln eps / ln factor; 0 for factor 0, inf for factor >= 1, nan for nan (not promised, not measured).

    factor: of a squared quantity, a round. eps: in (0, 1), of the same quantity.
    """
    if math.isnan(factor):
        return math.nan
    # A factor that does not contract never arrives; nothing promised is no number and no infinity.
    if factor >= 1:
        return math.inf
    return math.log(eps) / math.log(factor) if factor > 0 else 0.0


def step_table(
    steps: Mapping[str, float],
    measures: Mapping[str, Callable[[float], float | None] | Mapping[str, float | None]],
    *,
    eps: float = 1e-6,
    reference: str | None = None,
) -> StepTable:
    """The table "what each step size buys".

    steps: name -> gamma ("theorem", "best guaranteed", "exact best", "tight best"). measures: name -> one-step factor
    of the metric, as a function of gamma or as a mapping by step name; None or nan where nothing is promised, >= 1
    where it does not contract. reference: the step that gains are counted against (default: the first);
    gain = its rounds / this step's rounds. Raises InvalidParameter for empty input, gamma <= 0 or factors < 0.
    """
    if not steps or not measures:
        raise InvalidParameter("steps and measures must not be empty: give at least one step and one measure")
    reference = next(iter(steps)) if reference is None else reference
    if reference not in steps:
        raise InvalidParameter(f"reference={reference!r} is not one of the steps: {', '.join(steps)}")
    if not 0 < eps < 1:
        raise InvalidParameter(f"eps={eps} must lie between 0 and 1")
    for name, gamma in steps.items():
        if not 0 < gamma < math.inf:
            raise InvalidParameter(f"steps[{name!r}]={gamma} needs a step size 0 < gamma < inf")
    factors = {n: {m: _factor(how, n, g) for m, how in measures.items()} for n, g in steps.items()}
    rounds = {n: {m: rounds_to(v, eps) for m, v in row.items()} for n, row in factors.items()}
    rows = [
        StepRow(
            n,
            float(g),
            factors[n],
            rounds[n],
            {m: _gain(rounds[reference][m], rounds[n][m]) for m in measures},
        )
        for n, g in steps.items()
    ]
    return StepTable(tuple(rows), tuple(measures), reference, eps)


def _factor(
    how: Callable[[float], float | None] | Mapping[str, float | None], name: str, gamma: float
) -> float:
    """The one-step factor under a measure, nan where nothing is promised. InvalidParameter below 0."""
    value = how(gamma) if callable(how) else how.get(name)
    if value is None:
        return math.nan
    if value < 0:
        raise InvalidParameter(
            f"factor={value} of step {name!r} is negative: it multiplies a squared distance"
        )
    return float(value)


def _gain(reference: float, own: float) -> float:
    """reference / own with 0/0 and inf/inf as nan (no comparison)."""
    if math.isnan(reference) or math.isnan(own) or (math.isinf(reference) and math.isinf(own)):
        return math.nan
    return reference / own if own else (math.nan if reference == 0 else math.inf)
