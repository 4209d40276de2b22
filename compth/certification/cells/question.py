"""What the pipeline asks: is a claim true of the program for all x, by laws on cells? If not, why, and where to look.

`examined` runs beside the program, in the worker of a judged file, and answers in JSON. The certificate in
it is checked again where the judged code is not running, against the claim that was asked.

What may be changed: which stages are tried, and in which order. What must not: a certificate leaves this
module only after `proof.cells` has checked it in the process where the judged code is not running, against
the claim and dimension that were asked, and after real runs agreed with the laws.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

import compth.claims
from compth._types import Array, Json
from compth.certification.allowance import BITTEN, Allowance, Limits
from compth.certification.beside import beside
from compth.certification.cells import bounds, forms, pointwise, ranks, stage, suspects, visits
from compth.certification.cells.agree import Laws, agree, agree_by_ranks
from compth.certification.cells.bounds import Group
from compth.certification.cells.evaluation import Chart
from compth.certification.cells.nodes import Stopped
from compth.certification.cells.replayed import replayed
from compth.certification.constants import ROUNDING, readings_of
from compth.certification.oracle import excess, margins_of, ratio
from compth.certification.readings import SIMPLE, as_written, is_float, named, noting, said
from compth.certification.subject import CallTooLong, Subject, time_limit
from compth.certification.traced import inputs
from compth.certification.tracer import Strange
from compth.claims import Claim
from compth.proof import cells

Reading = tuple[Json, tuple[str, ...]]
"""A claim as a certificate has it, with the lines that say how its constants were read."""
KINDS = ("Unbiased", "Contractive", "BiasVariance", "AbsoluteError", "B1", "B2")
LOOSER = {"omega": 1, "eta": 1, "Delta": 1, "beta": 1, "delta": -1, "alpha": -1, "gamma": -1}
"""In which direction each constant makes its claim weaker."""
SIZE = 20_000_000
"""Longest answer, in characters."""


@dataclass(frozen=True)
class Found:
    """data: the certificate that was checked, None without one; says: what stopped it; lines: for the report.

    worst: the supremum of one entry's relative error, in words, "" where it was not computed.

    data["claim"] is the claim as it was proved: its constants are fractions, which `lines` explain.
    """

    data: Json | None
    says: str
    lines: tuple[str, ...]
    worst: str = ""


@dataclass(frozen=True)
class Answers:
    """One `Found` for each claim; inputs at which a violation is likely; law: whether a trace tells laws at inputs."""

    found: list[Found]
    points: list[Array]
    law: bool = False


def candidates(claim: Claim) -> Iterator[Reading]:
    """The claim by the readings of its constants, with the lines that say so: exact, named, then up to rounding."""
    kind = type(claim).__name__
    if kind not in KINDS or type(claim) is not getattr(compth.claims, kind):
        return
    # Simple readings of the constants first: a proof of 1/10 says more than one of the float that stands
    # for it.
    for read, lines in readings_of(claim):
        yield {"kind": kind, "constants": {k: str(as_written(v)) for k, v in read.constants.items()}}, lines
    long = [k for k, v in claim.constants.items() if is_float(v) and _is_long(v)]
    if long:
        lifted = {k: as_written(v) for k, v in claim.constants.items()}
        # A constant such as 1/sqrt(30) rounds on either side: the claim is proved with room for that, and
        # says so.
        for k in long:
            lifted[k] += LOOSER[k] * ROUNDING * (1 + abs(lifted[k]))
        words = ", ".join(f"{k} = {claim.constants[k]!r}" for k in long)
        line = f"the claim's {words} up to rounding: proved with {float(ROUNDING):.1e} (1 + |{long[0]}|) more room"
        yield {"kind": kind, "constants": {k: str(v) for k, v in lifted.items()}}, (line,)


def _is_long(v: object) -> bool:
    """True for a float that names no simple fraction, such as one of sqrt(30)."""
    return named(as_written(v)).denominator > SIMPLE


def ask(subject: Subject, d: int, claims: list[Claim], seconds: float, work: float = 0.4e6) -> Answers:
    """What is found about each claim; certificates checked here. work: with which inputs are looked through.

    claims: of the types in KINDS, others get no certificate. seconds: limit of the search. Raises what the
    subject's worker raises where it is lost.
    """
    listed = [list(candidates(c)) for c in claims]
    text = examined(subject, d, json.dumps([[c for c, _ in options] for options in listed]), seconds, work)
    answer = json.loads(text)
    found = [
        _checked(d, options, data, answer)
        for options, data in zip(listed, answer["certificates"], strict=True)
    ]
    points = [np.array(p, dtype=np.float64) for p in answer["points"]]
    fine = [p for p in points if p.shape == (d,) and np.isfinite(p).all()]
    return Answers(found, fine, answer.get("law") is True)


def _checked(d: int, options: list[Reading], data: Json | None, answer: Json) -> Found:
    """The certificate that came with the answer, checked; without it what stopped the proof."""
    if data is None:
        return Found(None, answer["says"], ())
    try:
        cells.check(data)
    except cells.Refused as reason:
        return Found(None, f"the certificate is refused: {reason}", ())
    # The worker may run judged code: that the certificate is right is not enough, it must be of a claim
    # that was asked.
    lines = next((lines for claim, lines in options if claim == data["claim"]), None)
    if lines is None or data["d"] != d:
        return Found(None, "the certificate speaks of another claim", ())
    return Found(data, "", (*lines, *map(str, answer["lines"])), str(answer["worst"]))


def _is_answer(answer: object, subject: Subject, d: int, claims: str, seconds: float, work: float) -> bool:
    """The shape that a worker's answer must have."""
    return isinstance(answer, str) and len(answer) < SIZE and isinstance(_decoded(answer), dict)


def _decoded(text: str) -> object:
    """The JSON of the text, None where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


@beside(_is_answer)
def examined(subject: Subject, d: int, claims: str, seconds: float, work: float) -> str:
    """Trace, laws, certificates, real runs: the answer about all claims, as JSON.

    claims: JSON, for each claim its readings in the order in which they are tried. Answer: {"certificates":
    [certificate or null], "says", "lines", "worst", "law", "points"}; never raises for what the program
    does.
    """
    options = json.loads(claims)
    says, lines, worst = "", list[str](), ""
    found: list[Json | None] = [None] * len(options)
    seen: list[stage.Trace] = []
    strange = False
    with noting() as readings:
        try:
            # A limit bounds the search alone; what it cuts off is no verdict, only a proof that was not
            # found.
            with time_limit(seconds, idle=seconds):
                found, lines, worst = _proofs(subject, d, options, seen)
        except (Stopped, Strange) as problem:
            says, strange = str(problem), isinstance(problem, Strange)
            known = problem.seen if isinstance(problem, Stopped) and not seen else None
            seen += [known] if isinstance(known, stage.Trace) else []
        except CallTooLong:
            says = f"the search for a proof {BITTEN} of {seconds:g} s"
        except Exception as problem:  # whatever fails here proves nothing, and refutes nothing
            says = f"{type(problem).__name__}: {str(problem)[:200]}"
    words = said(readings.items())
    lines += [f"float constants of the program as fractions within one ulp: {words}"] if words else []
    left = [k for k, f in enumerate(found) if f is None]
    points = _where_to_look(subject, d, [options[k] for k in left], seen, (work, seconds)) if left else []
    if not says and None in found:
        says = "no multipliers were found: the constant may be too small, or couple entries in another way"
    law = bool(seen and seen[0].outputs and not strange)
    answer = {"certificates": found, "says": says, "lines": lines, "worst": worst, "law": law}
    return json.dumps({**answer, "points": [p.tolist() for p in points]})


def _proofs(
    subject: Subject, d: int, options: list[list[Json]], seen: list[stage.Trace]
) -> tuple[list[Json | None], list[str], str]:
    """Certificates, None where there is none; remarks; the worst entry. Raises Stopped, Strange. seen: the trace."""
    if d > stage.LARGEST:
        raise Stopped(f"d = {d} is more than {stage.LARGEST} entries")
    thing = subject.object
    trace = stage.traced(thing, d, subject.deterministic)
    seen.append(trace)
    # A branch was settled by x not being 0: the law says nothing at 0, where relative claims ask C(0) = 0
    # by themselves.
    if trace.apart:
        options = [[c for c in o if c["kind"] != "AbsoluteError"] for o in options]
        if not any(options):
            raise Stopped("a branch on whether x is 0, which an absolute error does not set aside")
    relative = [o for o in options if o and o[0]["kind"] != "AbsoluteError"]
    if relative:
        stage.nothing_at_zero(thing, d, subject.deterministic)
    found: list[Json | None] = [None] * len(options)
    stopped: Stopped | None = None
    used: list[tuple[list[Chart], list[Group]]] = []
    sorts = stage.sorts(trace)
    # One chart after another: the unit of x for relative claims, the plain line for absolute errors. A
    # claim that one of them proves is not asked again.
    for charts in [] if sorts else stage.scales(trace):
        try:
            used.append(stage.laws_on(trace, charts))
        except Stopped as problem:
            stopped = problem if stopped is None or (charts[0].octave and relative) else stopped
            continue
        for k, listed in enumerate(options):
            found[k] = found[k] or _first(d, listed, *used[-1])
    ranked: Json | None = None
    if relative and not all(found) and (sorts or stage.couples(trace)):
        try:
            ranked = _by_ranks(d, options, trace, found)
        except Stopped as problem:
            stopped = problem if sorts or stopped is None else stopped
    if not any(found) and stopped is not None and not used:
        raise stopped
    # Nothing is claimed before the program itself was run at every border and on every way of its trace.
    if any(found):
        _visited(subject, d, trace, [u for u in used if _is_of(found, u[0])], ranked)
    # A name that holds something else after the runs: another program was traced than the one that ran.
    if changed := trace.bound.changed():
        raise Strange(f"{changed} changed between calls")
    worst = [says for charts, groups in used if (says := bounds.worst_entry(charts, groups))]
    return found, [f"real numbers and float64 part: {r}" for r in trace.remarks], "".join(worst[:1])


def _is_of(found: list[Json | None], charts: list[Chart]) -> bool:
    """Whether one of the certificates is by these charts."""
    return any(f and "groups" in f and bounds.scale_of(charts) == f["scale"] for f in found)


def _visited(subject: Subject, d: int, trace: stage.Trace, used: visits.Used, ranked: Json | None) -> None:
    """Real runs agree with what was proved, wherever the trace has a border, a way or an outcome. Raises Strange."""
    members = [m for _, m in stage.grouped(trace)]
    listed = visits.visits(trace, d, used, members, inputs(d))
    for charts, groups in used:
        agree(subject, d, Laws(charts, groups, members), listed)
    if ranked is not None:
        agree_by_ranks(subject, d, ranked, listed)
    replayed(subject, d, trace)


def _by_ranks(d: int, options: list[list[Json]], trace: stage.Trace, found: list[Json | None]) -> Json | None:
    """Certificates by the ranks of entries, for what has none yet; the case where all are not 0. Raises Stopped."""
    if d > ranks.LARGEST or not forms.alike(trace.outputs):
        raise Stopped("a selection that does not treat all entries alike, or too many of them")
    cases = ranks.cases(trace.outputs, d)
    for k, listed in enumerate(options):
        fits = [c for c in listed if c["kind"] != "AbsoluteError" and not found[k]]
        found[k] = found[k] or next((data for c in fits if (data := ranks.certificate(d, c, cases))), None)
    return cases[1][-1] if any(f and f["scale"]["kind"] == "order" for f in found) else None


def _first(d: int, listed: list[Json], charts: list[Chart], groups: list[Group]) -> Json | None:
    """The certificate of the first reading of a claim that has one."""
    fits = [c for c in listed if (c["kind"] == "AbsoluteError") == _is_absolute(charts) or len(charts) == 1]
    for claim in fits:
        if claim["kind"] == "AbsoluteError" and (charts[0].order or charts[0].octave):
            continue
        data = bounds.certificate(d, claim, groups, charts, {})
        if data is not None:
            return data
    return None


def _is_absolute(charts: list[Chart]) -> bool:
    """The plain line: x_i = t."""
    return not charts[0].order and not charts[0].octave


# where to look for a violation


def _where_to_look(
    subject: Subject, d: int, options: list[list[Json]], seen: list[stage.Trace], limits: Limits
) -> list[Array]:
    """Inputs of `suspects`; first those at which the traced law breaks one of these claims."""
    absolute = any(o and o[0]["kind"] == "AbsoluteError" for o in options)
    listed = suspects.named(subject, d, absolute)
    allowance = Allowance(*limits)
    try:
        with time_limit(limits[1], idle=limits[1]):
            if seen and d <= stage.LARGEST:
                listed = suspects.asked(seen[0], d, listed)
            if seen and seen[0].outputs:
                listed = _worst_first(pointwise.Pointwise(seen[0]), options, listed, allowance)
    except Exception:  # whatever fails here leaves the inputs in the order in which they came
        pass
    return [np.zeros(d), *listed] if absolute else listed  # a relative claim has C(0) = 0 in its contract


def _worst_first(
    laws: pointwise.Pointwise, options: list[list[Json]], listed: list[Array], allowance: Allowance
) -> list[Array]:
    """The inputs at which a claim is broken by the traced law, the clearest first; then the others."""
    claims = [_as_claim(o[0]) for o in options if o]
    broken, rest = list[tuple[float, Array]](), list[Array]()
    for x in listed:
        worst = 0.0
        if not allowance.spent and x.any():
            # The law at x is exact in its branches, so its moments show a violation without sampling; the
            # statistics that follow only look there first.
            m = laws.moments(x)
            allowance.use(m.work)
            worst = max(
                (ratio(g, m) for c in claims for g in margins_of(c, m) if excess(g, m) > 0), default=0.0
            )
        if worst > 0:
            broken.append((worst, x))
        else:
            rest.append(x)
    return [x for _, x in sorted(broken, key=lambda b: -b[0])] + rest


def _as_claim(data: Json) -> Claim:
    """The claim of a certificate as an object."""
    kind = getattr(compth.claims, data["kind"])
    made: Claim = kind(**{k: Fraction(v) for k, v in data["constants"].items()})
    return made


__all__ = ["Answers", "Found", "ask"]
