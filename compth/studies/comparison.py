"""`compare`: guarantee and simulation of several methods on one problem, at equal rounds and equal bits."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from compth._door import a_problem, at_the_door, methods, numbers, optional, real, whole
from compth._earned import Earned, alike, changed, earned, made
from compth._shown import Shown
from compth._types import Array, Json
from compth.certificates import encode
from compth.claims import Attribution, Claim, Standing, shown
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods import Constants, Guarantee, Method, plan_of
from compth.methods.core import Plan
from compth.methods.core.body import BodyMethod
from compth.problems.interface import Problem
from compth.rates import first_at_most
from compth.reporting.files import MARK, provenance
from compth.simulation import Trace, simulate
from compth.simulation.engines import engine_of
from compth.studies.chosen_steps import Chosen, chosen, names_of
from compth.studies.comparison_row import Row
from compth.studies.step_sizes import (
    BEST_LIMIT,
    EXACT_LIMIT,
    RATE_ENTRIES,
    certified_facts,
    with_the_plans_alpha,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from compth.dynamics import BestStep, Trajectory

Progress = Callable[[str], None]
"""Called with what is being done; one with a `note` is told the parts of it as well."""

MEASURED = (
    "exact_rate",
    "exact_rounds",
    "warning",
    "best_step",
    "best_rate",
    "best_found",
    "tight_rate",
    "exact_note",
    "certified_note",
)
"""What of a row is computed, not promised: a stored comparison keeps it."""


def _info(problem: Problem) -> Json:
    """Where a problem is from, as it says itself."""
    return dict(getattr(problem, "info", {}))


def _reading(problem: Problem) -> str:
    """What a data file was read as."""
    taken = _info(problem).get("taken", "")
    return f"The file was read with {taken}. " if taken else ""


def _uncertified(rows: Sequence[Row]) -> list[str]:
    """Why nothing is certified: a line a reason, of all rows that share it."""
    # Methods of one kind fail for one reason: said once, with their labels.
    reasons = dict.fromkeys(r.certified_note for r in rows if r.certified_note)
    of = {why: ", ".join(r.label for r in rows if r.certified_note == why) for why in reasons}
    return [f"nothing is certified of {labels}: {why}" for why, labels in of.items()]


def _charged_floats(methods: Sequence[Method]) -> list[str]:
    """A line for each function whose bits nobody declared: its uplink is that of no compression at all."""
    # Without declared bits a function is charged d floats: its uplink
    # then shows no gain, and the reader must know why.
    members = [m for method in methods for m in method.fleet.members]
    names = dict.fromkeys(repr(m) for m in members if getattr(m, "charges_floats", False))
    how = 'ct.compressor(..., bits="8*d"), or FILE.py:NAME(..., bits="8*d"), an expression in d and its parameters'
    return [f"{name}: its bits are not declared: d floats are charged. Declare them: {how}" for name in names]


CURVES = ("mean_square", "se_square", "mean_gap", "bits", "downlink_bits", "diverged")
"""What tables and figures show of a trace."""


@dataclass(frozen=True, eq=False)
class Comparison(Earned, Shown):
    """Rows, traces and guarantees of `compare`, in the order the methods were given.

    Rows, curves or parts that were typed or changed are told as such wherever it is shown.
    """

    problem: Problem
    methods: tuple[Method, ...]
    rows: tuple[Row, ...]
    traces: tuple[Trace, ...]
    guarantees: tuple[Guarantee | None, ...]
    exact: tuple[Trajectory | None, ...]
    eps: float
    steps: int
    runs: int
    seed: int
    info: Json = field(default_factory=dict)

    def __reduce__(self) -> tuple[Callable[..., Comparison], tuple[object, ...]]:
        """Guarantees are derived again where it is read, and what the rows say of them follows."""
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        return _restored, (held, tuple(map(earned, self.rows)), earned(self))

    def inside(self) -> list[object]:
        """Which rows and exact curves stand, and the arrays of the traces.

        What `Earned` compares to tell whether the object is as `compare` made it.
        """
        # A comparison whose curves were changed after the run must not pass for one that was run.
        held = [vars(t).get(name) for t in self.traces for name in CURVES]
        return [*map(earned, (*self.rows, *self.exact)), *map(alike, (*held, self.info))]

    def doubts(self) -> list[str]:
        """A line for each row that `compare` did not make, else one where another part is none of its."""
        if earned(self):
            return []
        rows = [f"warning: {r.label}: {BY_HAND}" for r in self.rows if not earned(r)]
        return rows or [f"warning: {BY_HAND.replace('this row', 'this comparison')}"]

    def table(self) -> str:
        """Plain-text table with a caption and a provenance line."""
        from compth.reporting.reports import text_table, wrapped

        held = (self.caption(), self.legend(), *self.answers(), *self.remarks(), provenance(self.seed))
        lines = [text_table(*self.columns()), *(wrapped(line) for line in held if line)]
        return "\n".join(lines)

    @property
    def several(self) -> bool:
        """Whether methods are compared at several kinds of step sizes, which the table has side by side."""
        return len(self.info.get("kinds", ())) > 1

    def answers(self) -> list[str]:
        """Who needs the fewest rounds and bits, a sentence for each kind of step."""
        from compth.reporting import comparison, side_by_side

        return side_by_side.answers(self) if self.several else [comparison.answer(self)]

    def remarks(self) -> list[str]:
        """A line for steps far from the exact best, what was searched for, assumptions, means not to be trusted."""
        steps = [f"{r.label}: {r.step_remark}" for r in self.rows if r.step_remark]
        steps += [f"{r.label}: {r.certified_remark}" for r in self.rows if r.certified_remark]
        if self.several:
            from compth.reporting.side_by_side import remarks

            steps = remarks(self)
        else:
            steps = [*self.info.get("notes", ()), *steps]
        held = zip(self.rows, self.guarantees, strict=True)
        words = [f"{r.label}: {line}" for r, g in held if g is not None for line in g.rate.assumed]
        ran = zip(self.rows, self.methods, self.traces, self.guarantees, strict=True)
        found = [_found(r, m, t) for r, m, t, g in ran if g is None and _searched(m)]
        left = [f"{r.label}: {r.exact_note}" for r in self.rows if r.exact_note]
        left += _uncertified(self.rows)
        warned = [f"warning: {r.label}: {r.warning}" for r in self.rows if r.warning]
        charged = _charged_floats(self.methods)
        return [*self.doubts(), *steps, *found, *left, *words, *charged, *warned]

    def columns(self) -> tuple[list[str], list[list[str]]]:
        """Header and cells of the main table, for terminal, text, HTML and LaTeX: a line each row, or each method."""
        from compth.reporting import comparison, side_by_side

        return side_by_side.columns(self) if self.several else comparison.columns(self)

    def details(self) -> tuple[list[str], list[list[str]]]:
        """Header and cells of everything else that a row holds: constants, standings, rates, floors."""
        from compth.reporting.comparison import details

        return details(self)

    def caption(self) -> str:
        """The problem and the runs."""
        p = self.problem
        name, kappa = getattr(p, "name", type(p).__name__), p.L / p.mu if p.mu else np.inf
        return (
            f"{name}: n={p.n} workers, d={p.d}, kappa={kappa:.4g}, L={p.L:.4g}, L_max={p.L_max:.4g}, "
            f"zeta2*={p.zeta2_star:.3g}; {self.runs} runs of {self.steps} rounds. {_reading(p)}".strip()
        )

    def legend(self) -> str:
        """What the columns mean."""
        from compth.reporting import comparison, side_by_side

        return side_by_side.legend(self) if self.several else comparison.legend(self)

    def plot(self) -> Figure:
        """matplotlib Figure: against rounds, uplink bits and downlink bits; simulated solid, guarantee dashed."""
        from compth.reporting.plots import comparison_figure

        figure: Figure = comparison_figure(self)
        return figure

    def to_json(self) -> str:
        """All rows and curves as one JSON object."""
        curves = [
            {
                "label": t.label,
                "mean_square": t.mean_square,
                "se_square": t.se_square,
                "mean_gap": t.mean_gap,
                "bits": t.bits,
                "downlink_bits": t.downlink_bits,
                "diverged": t.diverged,
                "guarantee": self.guarantee_curve(i),
                "exact": None if (curve := self.exact[i]) is None else curve.mean_square,
            }
            for i, t in enumerate(self.traces)
        ]
        data: dict[str, object] = {
            "generator": MARK,
            "provenance": provenance(self.seed),
            "problem": {
                "repr": repr(self.problem),
                **_info(self.problem),
                **_problem_constants(self.problem),
            },
            "settings": {"eps": self.eps, "steps": self.steps, "runs": self.runs, "seed": self.seed},
            "rows": [{f.name: getattr(r, f.name) for f in fields(r)} for r in self.rows],
            **({"doubts": doubts} if (doubts := self.doubts()) else {}),
            "curves": curves,
        }
        return json.dumps(encode(data), indent=1, allow_nan=False) + "\n"

    def guarantee_curve(self, i: int) -> Array | None:
        """Guaranteed bound on E||x_t - x*||^2 / ||x_0 - x*||^2 of method i, None without a guarantee.

        An array of steps + 1 values, by the theorem's own rate turned into one of the squared distance; the start of
        the metric may make it larger than 1 at t = 0.
        """
        g = self.guarantees[i]
        if g is None:
            return None
        start = self.traces[i].mean_square[0]
        return np.array([g.rate.distance_bound(t) / start for t in range(self.steps + 1)])

    def to_latex(self) -> str:
        """A booktabs table."""
        from compth.reporting.reports import latex_table

        caption = " ".join((self.caption(), self.legend(), *self.doubts()))
        return latex_table(*self.columns(), caption=caption)

    def to_html(self, command: str = "") -> str:
        """Self-contained static page: figure, table, constants, reproduction line, versions."""
        from compth.reporting.comparison import comparison_page

        return comparison_page(self, command)

    def cite(self) -> str:
        """BibTeX of every source used."""
        from compth.sources import COMPTH

        used = [COMPTH]
        for method, g in zip(self.methods, self.guarantees, strict=True):
            used.append(method.source)
            used += [g.theorem.source] if g else []
            used += [c.source for c in method.fleet.claims(self.problem.n, self.problem.d)]
        return "\n".join({s.key: s.bibtex() for s in used}.values())


BY_HAND = (
    "this row was typed or changed by hand, or made while something of the package was replaced: its numbers are not"
    " what compare found"
)


def _restored(held: Json, stood: tuple[bool, ...], whole: bool) -> Comparison:
    """A stored comparison: standings, claims and promised numbers are those that its methods have here.

    What stood where it was stored stands here: its simulations are not run again.
    """
    problem, eps, rows = held["problem"], held["eps"], []
    parts = zip(held["methods"], held["rows"], held["traces"], held["guarantees"], stood, strict=True)
    # Nothing that a file says is believed: claims, promises and certificates are asked again of the methods as they are
    # here. Only what a run measured is taken over, of rows that stood when they were stored.
    for method, stored, trace, g, stands in parts:
        if not stands:
            rows.append(stored)
            continue
        row = _row(method, problem, g, stored.note, trace, eps)
        row = changed(row, **{name: getattr(stored, name) for name in MEASURED})
        if method.gamma is not None or "stepsizes" in held["info"]:  # whose step it is, the step does not say
            row = changed(row, label=stored.label, stepsize_from=stored.stepsize_from)
        if stored.certified_step is not None:
            own = stored.stepsize_from == "certified" and method.gamma is not None
            row = changed(row, **certified_facts(method, problem, eps * float(trace.mean_square[0]), own))
        rows.append(made(row))
    found = Comparison(**{**held, "rows": tuple(rows)})
    return made(found) if whole else found


def _problem_constants(problem: Problem) -> dict[str, float]:
    """As plain floats, for JSON."""
    names = ("n", "d", "L", "mu", "kappa", "L_max", "mu_min", "zeta2_star")
    return {name: float(getattr(problem, name)) for name in names}


@at_the_door(
    methods=methods, problem=a_problem, steps=whole(1), runs=whole(1), eps=real, x0=optional(numbers)
)
def compare(
    methods: Sequence[Method],
    problem: Problem,
    steps: int = 1000,
    runs: int = 64,
    seed: int = 0,
    *,
    eps: float = 1e-3,
    threads: int = 2,
    progress: Progress | None = None,
    engine: str = "numpy",
    stepsizes: str | Sequence[str] = "theorem",
) -> Comparison:
    """Hold every method's guarantee against its simulation on one problem.

    stepsizes: some of theorem (the method's own step, else its theorem's), certified (the best of the certified worst
    case), best (the least exact rate on this problem) and tuned (2^j of the theorem's step, on pilot runs); a row each.
    eps: target for E||x_t - x*||^2 relative to its start. progress: called with each method's label before it runs;
    its `note`, where it has one, with what is being done.
    engine: as in `simulate`; a method that it does not know is refused before anything runs.
    Raises InvalidParameter for eps outside (0, 1) or no methods, Unsupported for a compressor a method cannot take,
    NoGuarantee where no method has a step of the kinds asked for.
    """
    # Everything that can be refused is refused before anything runs: a comparison takes minutes.
    if not 0 < eps < 1:
        raise InvalidParameter(f"eps={eps} must lie between 0 and 1: it is relative to ||x_0 - x*||^2")
    if not methods:
        raise InvalidParameter("methods=[] is empty: give at least one, for example DCGD(RandK(k=5))")
    names = names_of(stepsizes)
    for method in methods:
        method.check(problem)
        if engine != "numpy":
            engine_of(engine, method, problem, plan_of(method, problem, horizon=steps)[0], seed)
    # Methods times kinds of steps, less those for which there is none, which the notes say.
    asked, notes = chosen(methods, problem, names, steps=steps, seed=seed, eps=eps)
    if not asked:
        raise NoGuarantee("; ".join(notes))
    rows, traces, guarantees, exacts = [], [], [], []
    made_runs: dict[int, _Ran] = {}
    # One pass a row: run it, follow its exact second moments, then hold guarantee, certificate and best step beside
    # them. Each part is asked of the plan that was run, so that all columns of a row speak of one step size.
    for one in asked:
        method = one.method
        label = _label(one, names)
        if progress is not None:
            progress(label)
        doing = _doing(progress, label)
        if id(method) not in made_runs:  # the best step may be the theorem's
            _, found, reason = plan_of(method, problem, horizon=steps)
            doing(f"{runs} runs of {steps} rounds")
            trace = simulate(method, problem, steps, runs, seed, threads=threads, engine=engine)
            doing("exact expectation")
            made_runs[id(method)] = _Ran(found, reason, trace, *_exact(method, problem, steps, one.curve))
        found, reason, trace, curve, rate, left_out = made_runs[id(method)]
        row = _row(method, problem, found, reason, trace, eps)
        if one.whose != "theorem":
            row, trace = changed(row, stepsize_from=one.whose, label=label), changed(trace, label=label)
        row = changed(
            row,
            **_exact_facts(curve, rate, trace, eps),
            exact_note=left_out,
            tight_rate=_tight(method, problem, trace.plan),
        )
        if one.whose == "theorem" or names == (one.whose,):
            doing("its best step")
            # Parameters of the theorem are kept while the step moves: what is compared is the step alone.
            fixed = with_the_plans_alpha(method, trace.plan.params)
            row = changed(row, **_best(fixed, problem, rate, one.found))
        doing("certified worst case")
        facts = certified_facts(method, problem, eps * float(trace.mean_square[0]), one.whose == "certified")
        rows.append(made(changed(row, **facts)))
        exacts.append(curve)
        traces.append(trace)
        guarantees.append(found)
    result = Comparison(
        problem,
        tuple(one.method for one in asked),
        tuple(rows),
        traces=tuple(traces),
        guarantees=tuple(guarantees),
        exact=tuple(exacts),
        eps=eps,
        steps=steps,
        runs=runs,
        seed=seed,
        info=_said(asked, names, notes),
    )
    return made(result)


class _Ran(NamedTuple):
    """What a method with its step gave, before anything is compared with it."""

    found: Guarantee | None
    reason: str
    trace: Trace
    curve: Trajectory | None
    rate: float | None
    left_out: str


def _said(asked: Sequence[Chosen], names: Sequence[str], notes: list[str]) -> Json:
    """What a comparison of several step sizes says of them; each row's kind and method for the figure."""
    if names == ("theorem",):
        return {"notes": notes} if notes else {}
    # Where no exact rate is known, a step tuned on pilot runs stands in the column of the best; where no theorem
    # speaks, the certificate's stands in that of the theorem's.
    instead = {"tuned": "best", "certified": "theorem"}
    kinds = [c.whose if c.whose in names else instead.get(c.whose, c.whose) for c in asked]
    order = [name for name in names if name in kinds]
    return {"stepsizes": kinds, "kinds": order, "of": [c.method.label for c in asked], "notes": notes}


def _label(one: Chosen, names: Sequence[str]) -> str:
    """The method's label, with whose step it is where several are compared."""
    return one.method.label if names == ("theorem",) else f"{one.method.label} ({one.whose} step)"


def _doing(progress: Progress | None, label: str) -> Progress:
    """A function to call with each part of a method's work, told to progress.note where there is one."""
    note = getattr(progress, "note", None)
    return (lambda what: None) if note is None else (lambda what: note(f"{label}: {what}"))


MOMENTS = 5 * 10**8
"""Most moments times rounds of an exact curve in a comparison: under a minute on one core."""


def _exact(
    method: Method, problem: Problem, steps: int, known: Trajectory | None = None
) -> tuple[Trajectory | None, float | None, str]:
    """(exact curve, exact rate, "") where the second moments close and d is small enough, else (None, None, why).

    The rate is that of the curve's own plan; a step schedule has none. Why: where it is the work alone.
    known: the curve, where it was made already.

    method with its plan at this horizon. Refused by count, never by time: the same table on every machine.
    """
    from compth.dynamics import exact
    from compth.dynamics.spectrum import rate_on

    # Two budgets of work, by counting: a curve costs its moments a round, a rate an eigenvalue of them. A refusal by
    # the method itself (moments that do not close) needs no word here: the column stays empty.
    if problem.d > EXACT_LIMIT:
        return None, None, ""
    try:
        count = _moments(method, problem, steps)
        if count * steps > MOMENTS:
            return (
                None,
                None,
                f"{count:,} moments x {steps:,} rounds are left out here: ct.exact computes them",
            )
        curve = exact(method, problem, steps) if known is None else known
    except (Unsupported, NoGuarantee):
        return None, None, ""
    if curve.plan.schedule is not None or count > RATE_ENTRIES:
        return curve, None, ""
    found = rate_on(method, problem, curve.plan)
    return curve, float(found.rho) if found.converged else None, ""


def _moments(method: Method, problem: Problem, steps: int) -> int:
    """How many second moments a round of a method of several steps follows; 0 of others, which are cheap."""
    from compth.dynamics.spectrum import entries
    from compth.dynamics.system import data_of

    plan = plan_of(method, problem, horizon=steps)[0]
    return entries(method, data_of(method.seen(problem)), plan)


def _tight(method: Method, problem: Problem, plan: Plan) -> float | None:
    """The certified worst case over all problems with these mu_min and L_max, where it is known.

    None for step schedules, which the worst case does not cover.
    """
    from compth.studies.step_sizes import worst_case_rate

    if plan.schedule is not None:
        return None
    return worst_case_rate(method, problem, float(plan.gamma), plan.params)


def _best(
    method: Method, problem: Problem, rate: float | None, known: tuple[Method, BestStep] | None
) -> dict[str, object]:
    """The step with the smallest exact rate, where an exact rate is known and cheap.

    known: (method, what its search gave), where one was made: it serves if only the step differs.

    Empty where no step is stable, the rate is unknown, or its enclosure did not converge.
    """
    from compth.dynamics import best_step, masked

    if rate is None or problem.d > BEST_LIMIT or masked.fits(method):
        return {}  # a masked model (IST) runs to a point of its own: faster there is no merit
    try:
        # A search that was made for the same method serves again: methods are compared without their steps.
        mine = replace(method, gamma=None)
        same = known is not None and replace(known[0], gamma=None) == mine
        found = known[1] if known is not None and same else best_step(method, problem)
    except Unsupported:  # no step is stable, say: the table does without this number
        return {}
    if not found.rate.converged:
        return {}
    # a step whose own rate is enclosed is worth saying, also where no lower rate elsewhere could be ruled out
    return {
        "best_step": float(found.gamma),
        "best_rate": float(found.rate.rho),
        "best_found": bool(found.converged),
    }


def rounding(values: Array) -> Array:
    """What float rounding of iterates of size ||x_0 - x*|| may do to a mean square that started at values[0]."""
    # An iterate is off by some u ||x_0 - x*||, with u about 1e-13 after many rounds: its square by 2 u |x_t| |x_0| and
    # u^2 |x_0|^2; the first term is the relative error of the sums.
    off: Array = 1e-9 * values + 1e-13 * np.sqrt(values * values[0]) + 1e-26 * values[0]
    return off


def _exact_facts(curve: Trajectory | None, rate: float | None, trace: Trace, eps: float) -> dict[str, object]:
    """Exact rate and rounds; a warning where the simulated mean is more than 7 standard errors off the exact one.

    eps: relative to the start. exact_rounds is None where the exact curve is above eps at its end.
    """
    if curve is None:
        return {}
    # Rounds are counted to the last time above eps, not to the first below: second moments of compressed methods may
    # rise again. NaN counts as above.
    above = np.flatnonzero(~(curve.mean_square <= eps * curve.mean_square[0]))
    first = int(above[-1]) + 1 if above.size else 0
    # Seven standard errors: with Gaussian means a false warning has probability below 3e-12 a round. Where it warns,
    # the distribution has tails that so few runs do not see (products of heavy factors), and the mean is too low.
    off = np.abs(trace.mean_square - curve.mean_square)
    wrong = np.flatnonzero(off > 7 * trace.se_square + rounding(curve.mean_square))
    warning = (
        f"from round {int(wrong[0])} the simulated mean is not to be trusted: heavy tails"
        if wrong.size
        else ""
    )
    return {"exact_rate": rate, "exact_rounds": first if first <= trace.steps else None, "warning": warning}


def _constant(method: Method, c: Constants) -> Claim | None:
    """The claim that the method works with: what it requires, else the fleet's first."""
    # A compressor may claim several constants; shown is the one that the theorem's rate is written in.
    wanted = [found for kind in method.requires if (found := c.claim(kind)) is not None]
    return wanted[0] if wanted else next(iter(c.claims), None)


def _searched(method: Method) -> tuple[str, ...]:
    """Parameters that a search for the least certified rate gives: those left out of a body without theorems."""
    if not isinstance(method, BodyMethod) or method.theorems():
        return ()
    # with a step given, a class that has defaults of its own takes those
    own = type(method).default_params is not BodyMethod.default_params
    return () if own and method.gamma is not None else method.left_out


def _found(row: Row, method: Method, trace: Trace) -> str:
    """What the search gave."""
    shown = {"gamma": trace.plan.gamma, **trace.plan.params}
    numbers = ", ".join(f"{k} = {float(shown[k]):.3g}" for k in _searched(method))
    return f"{row.label}: {numbers} found, the best certified rate of a search; no theorem plans it"


def _row(method: Method, problem: Problem, g: Guarantee | None, reason: str, trace: Trace, eps: float) -> Row:
    """reason: why there is no guarantee, "" where there is one. All rounds and bits are to eps ||x_0 - x*||^2."""
    # Promised and seen side by side, each None where there is nothing to say: a floor is seen
    # only in runs that settled, above rounding, without one that diverged.
    c = method.check(problem)
    claim = _constant(method, c)
    # What a theorem bounds may be a Lyapunov function; its rate object turns it into a bound on the squared distance,
    # so that guaranteed and simulated rounds are both to eps ||x_0 - x*||^2.
    start = float(trace.mean_square[0])
    rounds = bound_rounds = None
    if g is not None:
        bound_rounds = first_at_most(g.rate.distance_bound, eps * start, 10**9)
    rounds = trace.rounds_to(eps)
    diverged = int((trace.diverged >= 0).sum())
    return Row(
        label=method.label,
        method=type(method).__name__ + method.oracle_label,
        compressor=method.fleet.label + getattr(method, "down_label", ""),
        constant="-" if claim is None else _shown(claim),
        standing="-" if claim is None else _provenance(shown(claim), claim.attribution),
        stepsize=float(trace.plan.gamma),
        stepsize_from="given"
        if method.gamma is not None or (g is None and not _searched(method))
        else (g.theorem.id if g else "certified"),
        theorem=g.theorem.id if g else "",
        theorem_standing=_provenance(Standing(g.rate.standing), g.theorem.attribution) if g else "",
        guaranteed_rate=g.rate.rho if g else None,
        guaranteed_floor=_floor(g, start) if g else None,
        guaranteed_rounds=bound_rounds,
        simulated_rate=trace.fitted_rate(),
        simulated_floor=trace.floor if trace.settled and not diverged and trace.floor > 1e-20 else None,
        rounds=rounds,
        bits=trace.bits_to(eps),
        bits_per_round=float(trace.bits[-1] / trace.steps),
        diverged=diverged,
        note=reason,
    )


def _floor(g: Guarantee, start: float) -> float | None:
    """Guaranteed floor of the squared distance relative to its start, None when there is none."""
    factor = g.rate.distance_factor
    return g.rate.floor / factor / start if g.rate.floor > 0 and factor > 0 else None


def _provenance(standing: Standing, attribution: Attribution) -> str:
    """As in PROVED/literature."""
    return f"{standing.value}/{attribution.value}"


def _shown(claim: Claim) -> str:
    """The claim's main constant, "omega=9.667"."""
    name, value = next(iter(claim.constants.items()))
    return f"{name}={float(value):.4g}"


__all__ = ["Comparison", "NoGuarantee", "Row", "compare"]
