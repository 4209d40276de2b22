"""A judged rate for people: a grid of marks over the constants, a summary, the worst witness, what to do next.

The same words stand in the terminal, in the page and in the appendix: they are made here once.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from compth.certificates import SEVERITY, Certificate, Report, Verdict
from compth.reporting.words import Told
from compth.worst_case.run_in_words import ROUND, START

if TYPE_CHECKING:
    from compth._numbers import Number


MARK = {Verdict.PROVED: "+", Verdict.CONSISTENT: "o", Verdict.INCONCLUSIVE: "?", Verdict.REFUTED: "x"}
MEANS = {
    Verdict.PROVED: "proved",
    Verdict.CONSISTENT: "not refuted, no proof",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.REFUTED: "refuted",
}
AXES = ("mu", "L", "delta", "omega", "eta", "n")
Grid = tuple[list[str], list[list[str]]]


def is_of_rates(report: Report) -> bool:
    """True for a report of rates, whose certificates name the method that they judge."""
    return bool(report.certificates) and all("method" in c.scope for c in report.certificates)


def counted(report: Report) -> str:
    """ "6 refuted, 12 proved", failures first.

    Worst verdicts first, with the words of MEANS.
    """
    counts = Counter(c.verdict for c in report.certificates)
    ordered = sorted(counts, key=SEVERITY.__getitem__, reverse=True)
    return ", ".join(f"{counts[v]} {MEANS[v]}" for v in ordered)


def grid(report: Report) -> tuple[Grid | None, str]:
    """(header and rows of marks over the constants that vary, those that do not as text); no grid for one place.

    Beyond two axes, one along which no verdict changes is said, not drawn: the workers first.

    Marks are those of MARK, "." where nothing was judged. Constants that do not vary, or make no difference, are in
    the text.
    """
    values = {a: _values(report, a) for a in AXES if _values(report, a)}
    # A grid can be drawn along two axes. Beyond, an axis along which no verdict changes costs nothing to leave
    # out.
    vary = [a for a, held in values.items() if len(held) > 1]
    # In this order axes are left out: that a rate holds for any number of workers surprises least.
    same = [a for a in ("n", "eta", "L", "mu") if a in vary and _alike(report, a)][: max(len(vary) - 2, 0)]
    fixed = ", ".join(
        f"{a} = {', '.join(map(str, held))}" + (" (no difference)" if a in same else "")
        for a, held in values.items()
        if a in same or len(held) == 1
    )
    drawn = [a for a in vary if a not in same] or vary[:1]
    if not drawn:
        return None, fixed
    *down, across = drawn
    # Places where nothing was judged are dots: the grid may have holes.
    marks = {tuple(c.scope[a] for a in drawn): MARK[c.verdict] for c in report.certificates}
    header = ["", *(f"{across} = {v}" for v in values[across])]
    rows = [
        [", ".join(f"{a} = {v}" for a, v in zip(down, place, strict=True)),
         *(marks.get((*place, v), ".") for v in values[across])]
        for place in itertools.product(*(values[a] for a in down))
    ]  # fmt: skip
    return (header, rows), fixed


def _values(report: Report, axis: str) -> list[object]:
    """Values of a constant, in the order of the certificates."""
    return list(dict.fromkeys(c.scope[axis] for c in report.certificates if axis in c.scope))


def _alike(report: Report, axis: str) -> bool:
    """True where no verdict depends on this constant."""
    # Places that differ in this constant alone, grouped: it makes
    # no difference where each group has one verdict.
    seen: dict[tuple[object, ...], set[Verdict]] = {}
    for c in report.certificates:
        seen.setdefault(tuple(c.scope.get(a) for a in AXES if a != axis), set()).add(c.verdict)
    return all(len(verdicts) == 1 for verdicts in seen.values())


def worst_of(report: Report) -> Certificate | None:
    """The refutation that is furthest off, on the fewest workers; None where nothing is refuted."""
    return next(iter(refutations(report)), None)


def refutations(report: Report) -> list[Certificate]:
    """All refutations, the one that is furthest off first, then those on the fewest workers."""
    # Furthest off first, then on the fewest workers: the one that a reader can follow with least effort.
    refuted = [c for c in report.certificates if c.verdict is Verdict.REFUTED]
    return sorted(refuted, key=lambda c: (-_excess(c), c.scope.get("n", 1)))


def _excess(c: Certificate) -> float:
    """How far the rate found lies above the claimed one, in units of the claimed contraction."""
    if c.estimate is None:
        return 0.0
    # Six digits: equal excesses must compare equal, or rounding would decide which witness is shown.
    return float(f"{(float(c.estimate) - float(c.bound)) / max(1 - float(c.bound), 1e-300):.6g}")


def witness_lines(c: Certificate) -> list[str]:
    """A refutation as what it takes to redo it: the place, the problem and compressor, both values, the run.

    c: a certificate of a rate that is REFUTED.
    """
    # With these lines the refutation can be redone by hand: constants and step, the function,
    # the law of the compressor, the start, and the numbers that follow.
    w, bound = c.witness, _number(c.bound)
    gamma = c.claim.rpartition("; ")[2]
    out = [f"at {places(c)}; {gamma}: the claim is {_inequality(c)}"]
    out.append(f"the problem: f_i(x) = {w['f_i(x)']}; the compressor: {_compressor(c)}")
    if w.get(START) and w.get(ROUND):
        out.append(f"the run starts at {w[START]}; a round: {w[ROUND]}")
    # A run is shown by its growth; one step of a given V by the state and by how much the inequality fails.
    if "mean squares" in w:
        found = _number(c.estimate)
        grows = " (it grows)" if c.estimate is not None and float(c.estimate) >= 1 else ""
        out.append(
            f"there E||x_t||^2 changes by a factor {found} a round in the long run{grows}; claimed: {bound}"
        )
        run = ", ".join(f"{float(x):.6g}" for x in w["mean squares"][:8])
        out.append(f"E||x_t||^2 from t = 0 on, exactly computed: {run}, ...")
    else:
        state = ", ".join(f"{float(x):.6g}" for x in w.get("state", ()))
        over = f"; there E V+ - rate V = {_number(w['E V+ - rate V'])} > 0" if "E V+ - rate V" in w else ""
        names = f" ({w['the state is']})" if w.get("the state is") else ""
        out.append(f"the state{names}: ({state}){over}")
    return out


def _inequality(c: Certificate) -> str:
    """The claimed inequality; where no V was given, of what it fails.

    The part of the claim before the step.
    """
    said = c.claim.rpartition("; ")[0]
    return f"{said} >= 0" if said.endswith(" for some quadratic V") else said


def _compressor(c: Certificate) -> str:
    """The law in words; s = sqrt(1-delta) and what multiplies, where the law is written in s and is one factor."""
    w = c.witness
    text, factor = str(w["compressor"]), w.get("factor")
    if "s R v" in text and c.scope.get("delta") is not None:
        return f"{text}, s = {(1 - float(Fraction(c.scope['delta']))) ** 0.5:.6g}"
    if not factor or "s)" not in text:
        return text
    # The exact factor is told, and that s was rounded where sqrt(1 - delta) is irrational.
    s = abs(Fraction(factor) - 1)
    delta = c.scope.get("delta")
    rounded = delta is not None and s * s != 1 - Fraction(delta)
    below = " (s: sqrt(1-delta) rounded down to a multiple of 2^-48)" if rounded else ""
    return f"{text}, s = {float(s):.6g}, that is C(v) = {float(factor):.6g} v{below}"


def _number(value: Number) -> str:
    """Ten digits."""
    return "-" if value is None else f"{float(value):.10g}"


def places(c: Certificate) -> str:
    """The constants of a certificate."""
    return ", ".join(f"{k} = {v}" for k, v in c.scope.items() if k != "method")


def next_step(report: Report) -> str:
    """What to do with the verdict.

    A call that can be typed: the best that can be certified at the place that decided.

    The call is Python; fractions are spelled so that it reads them exactly.
    """
    worst = worst_of(report)
    c = worst or max(report.certificates, key=lambda c: SEVERITY[c.verdict])
    # A line that can be typed as it stands, with the constants of the place.
    asked = ", ".join(f"{k}={_argument(c.scope[k])}" for k in AXES if k in c.scope)
    call = f'ct.tight_rate("{c.scope["method"]}", {asked})'
    if worst is not None:
        return f"next: a shorter step or a slower rate; {call} has the best that can be certified there"
    if c.verdict is Verdict.PROVED:
        return f"next: {call} has the best step and rate that can be certified there"
    best = c.details.get("certified")
    known = f"the least rate certified at this step is {float(best):.10g}; " if best else ""
    return f"next: {known}claim a slower rate to have a proof, or see {call}"


def _argument(value: object) -> str:
    """A constant as Python reads it back."""
    if isinstance(value, Fraction) and value.denominator != 1:
        return f'Fraction("{value}")'
    return str(value)


def proved_line(report: Report) -> str:
    """How loose the proved places are, "" where none is known.

    In rounds of the slowest quadratic that was found.

    Each place's factor is the referee's own (`looseness` in the details).
    """
    factors = [f for c in report.certificates if (f := c.details.get("looseness"))]
    if not factors:
        return ""
    # Looseness: how many times the rounds of the slowest quadratic the claimed rate asks for.
    low, high = min(factors), max(factors)
    span = f"{low:.4g}" if f"{low:.4g}" == f"{high:.4g}" else f"{low:.4g} to {high:.4g}"
    where = "where it is not refuted, the" if worst_of(report) else "the"
    return f"{where} claimed rate needs {span} times the rounds that the slowest quadratic found needs"


def of_class(report: Report) -> str:
    """Which compressors the verdict is about: a class is judged by its worst, one of them may do better."""
    scope = report.certificates[0].scope
    # A rate of a class may fail on one compressor and hold for another: the verdict says of which class it is.
    if scope.get("eta") is not None:
        whom, which = "every compressor with this bias eta and variance omega", "one of your own"
    elif scope.get("delta") is not None:
        whom, which = "every contractive compressor with this delta", "such as Top-K"
    else:
        whom, which = "every unbiased compressor with this omega", "such as Rand-K"
    one = f", not one of them: another, {which}, may keep a rate refuted here; `compth compare` runs one"
    return f"judged: {whom}{one if worst_of(report) else ''}"


def rate_told(report: Report) -> Told:
    """The verdict and its count, the claim, the grid, how it is known, the worst witness, what to do next.

    A Told whose table is the grid of marks; without a grid the one place is among the facts.
    """
    drawn, fixed = grid(report)
    several = len(report.certificates) > 1
    count = f": {counted(report)}" if several else ""
    notes = [NOT_RUN] if report.stored else []
    if drawn:
        used = dict.fromkeys(c.verdict for c in report.certificates)
        notes.append(f"{', '.join(f'{MARK[v]} {MEANS[v]}' for v in used)}; {fixed}".rstrip("; "))
    notes += _how(report)
    worst = worst_of(report)
    if worst is not None:
        first, *rest = witness_lines(worst)
        notes += [
            f"{'worst counterexample' if several else 'counterexample'} {first}",
            *(f"  {x}" for x in rest),
        ]
    head = f"{report.subject}: {report.verdict.value}{count}"
    facts = claimed(report) + ([] if drawn else [("at", fixed)])
    header, rows = drawn or ([], [])
    return Told(head, facts, header, rows, [*notes, next_step(report)])


NOT_RUN = "the file's word: this report was read from JSON, nothing was run; judge the theorem again"


def claimed(report: Report) -> list[tuple[str, str]]:
    """What was claimed in its own words, and which constants were chosen for it, as (heading, text)."""
    # What was left open in the claim and chosen by the referee is told apart from what was claimed.
    info = report.info
    method = info.get("method") or report.certificates[0].scope["method"]
    out = [("method", str(method))]
    out += [(k, str(info[k])) for k in ("rate", "stepsize", "lyapunov") if info.get(k) is not None]
    own = info.get("parameters")
    out += [(str(k), str(v)) for k, v in own.items()] if isinstance(own, Mapping) else []
    if info.get("chosen"):
        out.append(("not given", f"so chosen here: {info['chosen']}"))
    if info.get("skipped"):
        out.append(("skipped", f"{info['skipped']} places of the grid, where it does not apply"))
    return out


def _how(report: Report) -> list[str]:
    """How what is not refuted is known, once for each way, and what is assumed."""
    # Hundreds of places are proved in two or three ways: a line each way, the surest first.
    ways: dict[tuple[Verdict, str], None] = dict.fromkeys(
        (c.verdict, c.technique) for c in report.certificates if c.verdict is not Verdict.REFUTED
    )
    ordered: Sequence[tuple[Verdict, str]] = sorted(ways, key=lambda way: SEVERITY[way[0]])
    out = [f"{verdict.value}: by {technique}" for verdict, technique in ordered]
    out += [line] if (line := proved_line(report)) else []
    out.append(of_class(report))
    assumed = dict.fromkeys(a for c in report.certificates for a in c.assumptions)
    return [*out, *(f"assumed: {a}" for a in assumed)]
