"""What is said of each kind of result: a head, facts with a heading each, a table, notes, LaTeX, columns of numbers.

One value (`words.Told`) from which text, notebook, LaTeX and data frame are made, so that they cannot disagree. A new
result needs a line in TELLERS, or is told by its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from compth._earned import Computed, Earned, earned, partner
from compth._shown import Shown
from compth._types import Json, Tensor
from compth.reporting import statements
from compth.reporting.files import provenance
from compth.reporting.formulas import symbol, value
from compth.reporting.reports import bits, latex_escape
from compth.reporting.words import Told

if TYPE_CHECKING:
    from compth.certificates import Certificate, Report
    from compth.certification.assumption import AssumptionCheck
    from compth.certification.estimated import Estimate
    from compth.claims import Claim
    from compth.dynamics.fixed_points import Stationary
    from compth.dynamics.spectrum import ExactRate
    from compth.dynamics.steps import BestStep, StepSize
    from compth.dynamics.trajectory import Trajectory
    from compth.rates import Rate
    from compth.simulation.trace import Trace
    from compth.studies.budget import Budget
    from compth.studies.comparison import Comparison
    from compth.studies.derivation.result import Derivation
    from compth.studies.fixed_levels import LevelComparison
    from compth.studies.problem_search import Finding
    from compth.sweeps.driver import Sweep
    from compth.tuning import StepTable, Tuning
    from compth.worst_case.heterogeneous.bracket import HeterogeneousBracket
    from compth.worst_case.rational import RateCertificate
    from compth.worst_case.tight import TightRate
    from compth.worst_case.tight_grid import TightRates


class Read(Protocol):
    """A result that was read from a file (`results.Stored`): what the file says of it."""

    stored_kind: str
    stored_said: str
    stored_provenance: str
    stored_values: Json
    stored_columns: Json


def told(result: object) -> Told:
    """By the result's class, else its fields.

    Every assumption that the result takes on somebody's word is among the notes.

    result: any object of the package, or one that only has fields. The same Told is used by every form: what is added
    for one form is added for all.
    """
    # By name along the class's line of ancestors: the classes live in rooms that must not know of this one.
    teller = next((TELLERS[k.__name__] for k in type(result).__mro__ if k.__name__ in TELLERS), _fields)
    return _with_the_word(_doubted(teller(result), result), _assumed(result))


SPOKEN = frozenset(
    {"Certificate", "Report", "Rate", "TightRate", "Tuning", "Comparison", "Budget"}
    | {"HeterogeneousBracket", "LargeDRate", "MethodAnalysis", "Promise", "Row", "Floor"}
)
"""Results whose own words say that they were typed or changed."""


def _doubted(said: Told, result: object) -> Told:
    """The same, with a word where the result is not as it was computed: in the text, on the page and in LaTeX."""
    # A frozen dataclass can be typed by anybody: whether it is as a computation left it is
    # asked of `earned`, and where it is not every form of it says so.
    own = any(kind.__name__ in SPOKEN for kind in type(result).__mro__)
    if own or not isinstance(result, Earned) or earned(result):
        return said
    word = getattr(type(result), "DOUBT", Computed.DOUBT)
    if not said.statements:  # LaTeX has the head, over the table
        return replace(said, head=f"{said.head}; {word}" if said.head else word)
    statements = (rf"\noindent {latex_escape(word)}.", *said.statements)
    notes = said.notes if "somebody's word" in said.head else (*said.notes, word)
    return replace(said, notes=notes, statements=statements)


def _assumed(result: object) -> tuple[str, ...]:
    """What a result, or its rate, takes on a user's word."""
    lines = getattr(result, "assumed", None)
    lines = getattr(getattr(result, "rate", None), "assumed", None) if lines is None else lines
    return tuple(map(str, lines)) if type(lines) is tuple else ()


def _with_the_word(said: Told, lines: Sequence[str]) -> Told:
    """The same with every assumption that it left out, in the text and in LaTeX. lines: the assumptions."""
    # An assumption that the result's own words already hold is not said twice; one that they leave out always
    # is.
    shown = (said.head, *said.notes, *(text for _, text in said.facts))
    # Compared as text: a result whose own sentence already names the assumption has said it.
    left = [line for line in lines if not any(line in text for text in shown)]
    words = "; ".join(line.removeprefix("assumed: ") for line in lines)
    more = words and not any("Assumed: " in text for text in said.statements)
    added = (rf"\noindent Assumed: {latex_escape(words)}.",) if more else ()
    return replace(said, notes=(*said.notes, *left), statements=(*said.statements, *added))


def short(value: Tensor) -> str:
    """Any value in few characters: six digits, fractions as they are, arrays by their shape.

    For the eye alone: what has to be exact is in to_dict() and in the file.
    """
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, float):
        return f"{value:.6g}"
    # A fraction of hundreds of digits says nothing to a reader; ten digits of it do, and to_dict() has all.
    if isinstance(value, Fraction) and len(str(value)) > 24:
        return f"{float(value):.10g}"
    if isinstance(value, int | Fraction | str):
        return str(value)
    if hasattr(value, "shape") and value.shape:
        return f"array of shape {tuple(value.shape)}" if value.size > 8 else short(value.tolist())
    if isinstance(value, list | tuple):
        listed = [short(v) for v in value[:8]]
        return f"({', '.join(listed)}{', ...' if len(value) > 8 else ''})"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} = {short(v)}" for k, v in value.items())
    return str(value)


def _fields(result: object) -> Told:
    """What has no words of its own: the class, and its fields a line each."""
    # Whatever has fields can be told, if plainly: a result without words of its own is no error on a page.
    names = (
        [f.name for f in fields(result) if f.repr]
        if is_dataclass(result)
        else list(getattr(result, "_fields", ()))
    )
    held = [(n, getattr(result, n)) for n in names if not n.startswith("_")]
    facts = [(n.replace("_", " "), short(v)) for n, v in held if not callable(v) or is_dataclass(v)]
    spoken = isinstance(result, Shown) and type(result).__str__ is not Shown.__str__
    return Told(str(result) if spoken else type(result).__name__, facts)


def _certificate(c: Certificate) -> Told:
    """A sentence, how to check it by hand, and whose word it is.

    No verdict where the certificate is not as it was made.
    """
    from compth.reporting.certification import by_hand, sentence

    # A certificate that was typed or changed keeps its numbers and loses its verdict: what is shown says whose
    # word it is.
    mine = earned(c)
    word, doubt = ([], []) if mine else ([f"  {SOMEBODYS}"], [FILES])
    return Told(f"{c.subject}: {' '.join(sentence(c).split())}", notes=[*word, *by_hand(c)],
                verdict=c.verdict.value if mine else "", statements=(*doubt, statements.settled(c)))  # fmt: skip


FILES = "The following is the word of a file: nothing was run."
"""Before the LaTeX of what was not judged here."""
SOMEBODYS = "somebody's word: this certificate was typed, changed or read from a file; judge its claim again"


def _report(r: Report) -> Told:
    """The verdict, a line for each certificate, and what is assumed; of rates the grid of marks.

    Columns: the certificates' own fields, then whatever constants their scopes have.
    """
    from compth.reporting.certification import lines
    from compth.reporting.rate_claims import is_of_rates, rate_told

    # Rates are judged at many places and want a grid; a compressor's claims are a line each.
    base = rate_told(r) if is_of_rates(r) else None
    head, *rest = lines(r) if base is None else (base.head, *base.notes)
    said = [statements.settled(c) for c in r.certificates]
    # A verdict that was read from a file is quoted among the words and never shown as one of this package.
    word, verdict = ([FILES], "") if r.stored else ([], r.verdict.value)
    doubt = [statements.assumed(r)] if any(c.assumptions for c in r.certificates) else []
    names = ("subject", "claim", "verdict", "evidence", "estimate", "bound", "alpha", "trials", "technique")
    columns = {n: [_plain(getattr(c, n)) for c in r.certificates] for n in names}
    scope = dict.fromkeys(k for c in r.certificates for k in c.scope if k not in ("method", "inputs"))
    columns |= {k: [_plain(c.scope.get(k)) for c in r.certificates] for k in scope}
    facts, header, rows = ((), (), ()) if base is None else (base.facts, base.header, base.rows)
    return Told(
        head,
        facts,
        header,
        rows=rows,
        notes=rest,
        verdict=verdict,
        statements=(*word, *said, *doubt),
        columns=columns,
    )


def _plain(value: object) -> object:
    """Fractions as floats, verdicts as text: what a data frame computes with; anything else as it is.

    Results within results are left to `results.plain`.
    """
    if isinstance(value, Fraction):
        return float(value)
    return value.value if hasattr(value, "value") else value


def _estimate(e: Estimate) -> Told:
    """Its own sentence, and the class in LaTeX."""
    return Told(str(e), statements=(statements.of_estimate(e),))


def _rate(r: Rate) -> Told:
    """The promise, and its curve.

    The bound at a dozen rounds on a 1-2-5 grid, in its own metric.
    """
    # 1, 2, 5, 10, ...: a curve that is read on a logarithmic axis, as long as the bound is finite.
    counts = (0, *(m * 10**k for k in range(5) for m in (1, 2, 5)))
    told_ = [t for t in counts if r.values(t) < float("inf")]
    return Told(str(r), statements=(statements.of_rate(r),),
                columns={"t": told_, "bound": [float(r.values(t)) for t in told_]})  # fmt: skip


def _sentence(result: object) -> Told:
    """Results that have a sentence of their own."""
    return Told(str(result))


def _exact_rate(r: ExactRate) -> Told:
    """The rate with the bracket in which it is known to lie."""
    # A rate that did not converge is known by its bracket alone, which is printed in either case.
    low, high = (float(end) for end in r.bracket)
    inside = rf"\rho \in [{low:.10g}, {high:.10g}]"
    sure = "" if r.converged else " (only the bracket is known)"
    said = rf"\noindent $\mathbb{{E}}\,\|x_t-x^*\|^2$ contracts a round by $\rho = {float(r.rho):.10g}$"
    both = rf"{said}; second moments alone: ${inside}${sure}."
    return Told(str(r), statements=(both,))


def _stationary(s: Stationary) -> Told:
    """The floor, with its brackets.

    Squared distance and gap, each with the bracket in which it is known to lie.
    """

    def one(value: float, bracket: Sequence[float]) -> str:
        low, high = (float(end) for end in bracket)
        inside = f"between {low:.6g} and {high:.6g}"
        return f"{value:.6g} ({inside})" if s.converged else f"{inside}: not known more closely"

    # Growth is an answer of its own: brackets around infinity would only confuse.
    if s.mean_square == float("inf"):
        return Told("no floor: the second moments grow", (("converged", short(s.converged)),))
    facts = (("E||x - x*||^2", one(s.mean_square, s.bracket)), ("E f(x) - f*", one(s.gap, s.gap_bracket)))
    return Told("the floor, in the limit of many rounds", facts, statements=(statements.of_floor(s),))


def _step_size(step: StepSize) -> Told:
    """The step, with its bracket.

    LaTeX and data frame have both ends of the bracket beside the step.
    """
    # The step is a float between two at which the answer is known: both are printed, ten digits each.
    low, high = step.bracket
    said = rf"\noindent $\gamma = {value(float(step))} \in [{low:.10g}, {high:.10g}]$"
    sure = "" if step.converged else " (only the bracket is known)"
    columns = {"gamma": [float(step)], "low": [low], "high": [high], "converged": [step.converged]}
    return Told(str(step), statements=(f"{said}{sure}.",), columns=columns)


def _best_step(b: BestStep) -> Told:
    """The step and the rate there, each as far as it is known."""
    # A local minimum: that no other step has a lower rate is not what the search shows.
    low, high = b.bracket
    known = f"{float(b.gamma):.6g} (a local minimum lies between {low:.6g} and {high:.6g})"
    sure = () if b.converged else (("converged", "no: only the brackets are to be believed"),)
    facts = (("gamma", known), ("rate", str(b.rate)), *sure)
    both = (*_step_size(b.gamma).statements, *_exact_rate(b.rate).statements)
    notes = () if partner(b.gamma) is b.rate and earned(b.rate) else (Computed.DOUBT,)
    both = (*(rf"\noindent {latex_escape(word)}." for word in notes), *both)
    columns = {"gamma": [float(b.gamma)], "rho": [float(b.rate.rho)], "converged": [b.converged]}
    return Told("the best constant step", facts, notes=notes, statements=both, columns=columns)


def _tight_rate(r: TightRate) -> Told:
    """Of which class, at which step, and how it is known.

    LaTeX only where something is certified: an attained rate alone is no statement about the class.
    """
    # An exact rate is a fraction, a certified one is printed to ten
    # digits; a bound that is not tight names both sides.
    held = ", ".join(f"{symbol(k)} = {value(v)}" for k, v in r.constants.items() if k != "gamma")
    rho = value(r.rho) if isinstance(r.rho, Fraction | int) else f"{float(r.rho):.10g}"
    how = "tight" if r.tight else rf"between ${r.attained:.10g}$ (attained) and the certified"
    said = (
        rf"\noindent {r.method} with $\gamma = {value(float(r.stepsize))}$ on the class ${held}$: "
        rf"worst one-step factor $\rho = {rho}$ ({how}; {r.standing.value}, {r.attribution.value})."
    )
    return Told(str(r), statements=() if r.certified is None else (said,))


def _tight_rates(g: TightRates) -> Told:
    """A grid: its sentence, and a row for each point in a data frame."""
    columns: dict[str, object] = {k: [_plain(x) for x in v.ravel().tolist()] for k, v in g.constants.items()}
    columns |= {k: v.ravel().tolist() for k, v in {**g.params, "stepsize": g.stepsize, "rho": g.rho}.items()}
    return Told(str(g), columns=columns)


def _bracket(b: HeterogeneousBracket) -> Told:
    """Both sides, for paper too: the classes of the workers, the step, and what is assumed."""
    ranges = ", ".join(f"[{value(m)}, {value(l)}]" for m, l in zip(b.mu, b.L, strict=True))
    said = (
        rf"\noindent {b.method} with $n = {len(b.mu)}$ workers whose curvatures lie in ${ranges}$, messages with "
        rf"$\mathrm{{E}}\|C_i(v)-v\|^2 \leq (1-\delta)\|v\|^2$ for $\delta = {value(b.delta)}$, and "
        rf"$\gamma = {float(b.stepsize):.6g}$: the worst squared rate lies in "
        rf"$[{float(b.lower):.9f}, {float(b.certified):.9f}]$ ({b.standing.value}, {b.attribution.value})."
    )
    return Told(str(b), statements=(said,))


def _curve(run: Trace | Trajectory) -> Told:
    """A simulated or exact run: where it ends, and a dozen rounds of it.

    Columns hold every round; the table nine of them.
    """
    import numpy as np

    # Whatever the run has recorded: exact ones have no standard errors, some methods no downlink.
    names = [n for n in ("mean_square", "se_square", "mean_gap", "se_gap", "mean_gradient_square", "bits",
                         "downlink_bits") if getattr(run, n, None) is not None]  # fmt: skip
    # A dozen rounds are enough to see where a run goes; the data frame has all of them.
    at = np.unique(np.linspace(0, run.steps, min(run.steps + 1, 9)).astype(int))
    header = ["t", *({"mean_square": "E||x_t-x*||^2", "se_square": "+-", "mean_gap": "E f - f*"}.get(n, n)
                     for n in names if n in ("mean_square", "se_square", "mean_gap", "bits"))]  # fmt: skip
    shown = [n for n in names if n in ("mean_square", "se_square", "mean_gap", "bits")]
    rows = [[str(t), *(bits(float(getattr(run, n)[t])) if n == "bits" else f"{getattr(run, n)[t]:.4g}"
                       for n in shown)] for t in at]  # fmt: skip
    return Told(_of_run(run), header=header, rows=rows,
                columns={"t": np.arange(run.steps + 1), **{n: getattr(run, n) for n in names}})  # fmt: skip


def _of_run(run: Trace | Trajectory) -> str:
    """Which method on which problem, and how it is known."""
    step = f"step by {run.theorem}" if run.theorem else "step as given"
    if not hasattr(run, "runs"):
        mode = str(getattr(run, "mode", ""))
        kind = {"exact": "exact expectation", "upper": "upper bound on the expectation"}.get(mode, mode)
        return f"{run.label} on {run.problem}: {kind}, {run.steps} rounds, {step}"
    # A mean over runs of which some diverged is no mean: it is said how many.
    lost = int((run.diverged >= 0).sum())
    gone = f", {lost} diverged" if lost else ""
    return f"{run.label} on {run.problem}: mean of {run.runs} runs, seed {run.seed}, {run.steps} rounds, {step}{gone}"


def _comparison(c: Comparison) -> Told:
    """The table and what it means.

    A column for each field of the rows, in a data frame.
    """
    header, rows = c.columns()
    held = (c.caption(), c.legend(), *c.answers(), *c.remarks(), provenance(c.seed))
    notes = [line for line in held if line]
    names = [f.name for f in fields(c.rows[0])]
    return Told("", header=header, rows=rows, notes=notes,
                columns={k: [getattr(r, k) for r in c.rows] for k in names})  # fmt: skip


def _budget(b: Budget) -> Told:
    """The table that answers, and every member as numbers."""
    from compth.reporting.budgets import numbers, said

    header, rows = b.columns()
    return Told("", header=header, rows=rows, notes=[*said(b), provenance()], columns=numbers(b))


def _step_table(s: StepTable) -> Told:
    """A line for each step and measure: six columns, however many measures there are."""
    # 1 - factor, not the factor: steps differ in the digits after 0.999.
    header = ["step", "gamma", "measure", "1 - factor", "rounds", f"x {s.reference}"]
    columns: dict[str, list[object]] = {h: [] for h in header}
    rows = []
    for r in s.rows:
        for m in s.measures:
            held = (r.name, r.gamma, m, 1 - r.factors[m], r.rounds[m], r.gain[m])
            for column, v in zip(columns.values(), held, strict=True):
                column.append(v)
            known = held[3] == held[3]
            rows.append([str(v) if isinstance(v, str) else f"{v:.4g}" if known else "-" for v in held])
            rows[-1][1] = f"{r.gamma:.4g}"
    return Told("what each step size buys", header=header, rows=rows, columns=columns)


def _levels(found: LevelComparison) -> Told:
    """A tuned level beside fixed ones."""
    header, rows = found.columns()
    sent = ["full gradients", "tuned", *(f"T = {v}" for v in found.fixed)]
    columns = {"sent": sent, found.currency: [found.full, found.tuned, *found.fixed.values()]}
    return Told("tuned level against fixed ones", header=header, rows=rows, columns=columns)


def _tuning(t: Tuning) -> Told:
    """The level, what it buys, and the curve.

    Facts of the chosen level, columns of all levels.
    """
    import numpy as np

    facts = [("level", f"{short(t.level)}" + ("" if t.compressor is None else f": {t.compressor}"))]
    facts += [
        (n, short(float(getattr(t, n)))) for n in ("stepsize", "share", "improvement", "cost", "efficiency")
    ]
    facts += [("basis", t.basis), *([("note", t.note)] if t.note else [])]
    curve = {n: np.asarray(getattr(t, n), dtype=float) for n in ("levels", "shares", "costs", "curve")}
    # The plural is the attribute's, the singular the column's: a data frame has one row a level.
    columns = dict(zip(("level", "share", "cost", "efficiency"), curve.values(), strict=True))
    return Told(f"the best level of scheme {t.scheme} for this gradient and cost", facts, columns=columns)


def _sweep(s: Sweep) -> Told:
    """How many rows there are, and the first of them."""
    errors = sum("error" in row for row in s.rows)
    head = f"{len(s.rows)} rows ({s.computed} computed now, {errors} with errors) in {s.store}"
    names = ordered_names(s.rows)
    # The columns that people ask about first; the data frame has every one.
    shown = [
        n for n in names if n in ("problem", "method", "seed", "eps", "rounds", "bits", "diverged", "error")
    ]
    rows = [[short(row.get(n)) for n in shown] for row in s.rows[:20]]
    more = [f"{len(s.rows) - 20} more rows: to_frame() or the store has them"] if len(s.rows) > 20 else []
    return Told(head, header=shown, rows=rows, notes=more,
                columns={n: [row.get(n) for row in s.rows] for n in names})  # fmt: skip


FIRST = ("problem", "method", "compressor", "seed", "steps", "runs", "eps", "stepsize", "theorem", "rounds", "bits",
         "exact_rounds", "guaranteed_rounds")  # fmt: skip
"""Columns of a sweep in the order in which people ask: what was run, how, and what came of it."""
LAST = ("error",)


def ordered_names(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """The names that the rows have: FIRST, then the others as they come, then LAST.

    rows: dicts, not all with the same keys.
    """
    names = list(dict.fromkeys(n for row in rows for n in row))
    rest = [n for n in names if n not in (*FIRST, *LAST)]
    return [*(n for n in FIRST if n in names), *rest, *(n for n in LAST if n in names)]


def _rate_certificate(c: RateCertificate) -> Told:
    """What is proved; the matrices of the statement are in to_dict()."""
    # The certificate is checked again as it is told: the sentence is
    # about this object, not about how it was made.
    held = {k: v for k, v in c.multipliers.items() if v}
    facts = [
        ("rho", short(c.rho)),
        ("V", short({k: v for k, v in c.v.items() if v})),
        ("multipliers", short(held)),
    ]
    facts += [("assumed", a) for a in c.model.assumptions]
    facts += [("of what", "of the matrices in it: the method's name and the constants are labels of theirs")]
    constants = short(c.model.constants)
    says = "check() proves it" if c.check() else "check() FAILS: nothing is proved"
    head = f"{c.model.method} ({constants}): E V+ <= rho V, in exact arithmetic: {says}"
    return Told(head, facts)


def _finding(f: Finding) -> Told:
    """Whether a statement was violated, where, and how loose it is.

    No proof where nothing was violated: the problems that were tried are counted.
    """
    says = "violated" if f.violated else f"not violated: at most {f.worst:.6g} of the bound was reached"
    facts = [("worst", f"{f.worst:.10g}"), ("where", f.where), ("tried", f"{f.tried} ({f.skipped} skipped)")]
    facts += [] if f.violated else [("loose by", f"a factor {f.looseness:.4g}")]
    return Told(f"over the problems tried the statement is {says}", facts)


def _stored(s: Read) -> Told:
    """What a file says, quoted."""
    origin = f"read from a file of {s.stored_provenance}, nothing was computed here"
    # The file's own lines behind a bar: they are quoted, never said by this package.
    quoted = [f"| {line}" for line in s.stored_said.splitlines()]
    held = [] if quoted else s.stored_values.items()
    facts = [(k, short(v)) for k, v in held if not isinstance(v, list | dict)]
    return Told(f"{s.stored_kind}: the file's word: {origin}", facts, notes=quoted, columns=s.stored_columns)


def _assumption(a: AssumptionCheck) -> Told:
    """Whether an assumption holds where it was tried."""
    held = "holds" if a.holds else "is violated"
    facts = [("first", f"{a.first:.6g} of what is allowed"), ("second", f"{a.second:.6g} of what is allowed"),
             ("bias", f"{a.bias:.3g}")]  # fmt: skip
    return Told(f"the assumption {held} at the {a.states} states tried (no proof for others)", facts)


def _claim(c: Claim) -> Told:
    """The claim, and its inequality in LaTeX."""
    return Told(str(c), statements=(statements.of_claim(c),))


def _derivation(d: Derivation) -> Told:
    """The bracket at each place, the closed form, and how it is known."""
    from compth.studies.derivation import words

    header, rows = words.rows(d)
    verdict = "" if d.report is None else d.report.verdict.value
    said = (words.statement(d),)
    return Told(
        words.head(d),
        words.facts(d),
        header,
        rows=rows,
        notes=words.notes(d),
        verdict=verdict,
        statements=said,
        columns=words.columns(d),
    )


TELLERS: dict[str, Callable[..., Told]] = {
    "AssumptionCheck": _assumption,
    "BestStep": _best_step,
    "Budget": _budget,
    "Certificate": _certificate,
    "Claim": _claim,
    "Comparison": _comparison,
    "Derivation": _derivation,
    "Estimate": _estimate,
    "ExactRate": _exact_rate,
    "Finding": _finding,
    "HeterogeneousBracket": _bracket,
    "LevelComparison": _levels,
    "MethodAnalysis": _sentence,
    "Rate": _rate,
    "RateCertificate": _rate_certificate,
    "Report": _report,
    "Stationary": _stationary,
    "StepSize": _step_size,
    "StepTable": _step_table,
    "Stored": _stored,
    "Sweep": _sweep,
    "TightRate": _tight_rate,
    "TightRates": _tight_rates,
    "Trace": _curve,
    "Trajectory": _curve,
    "Tuning": _tuning,
}
"""By class; results that are not listed are told by their fields."""
