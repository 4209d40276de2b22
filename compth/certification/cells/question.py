"""What the pipeline asks: is a claim true of the program for all x, by laws on cells? If not, why, and where to look.

`examined` runs beside the program, in the worker of a judged file, and answers in JSON. The certificate in it is
checked again where the judged code is not running, against the claim that was asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from types import CodeType, FunctionType
from typing import Any

import numpy as np

import compth.claims
from compth.certification.allowance import BITTEN
from compth.certification.beside import beside
from compth.certification.cells import bounds, forms, ranks, stage, visits
from compth.certification.cells.agree import Laws, agree, agree_by_ranks
from compth.certification.cells.binding import nested
from compth.certification.cells.bounds import Group
from compth.certification.cells.evaluation import Chart
from compth.certification.cells.nodes import Stopped
from compth.certification.constants import ROUNDING, readings_of
from compth.certification.points import at
from compth.certification.readings import SIMPLE, as_written, is_float, named, noting, said
from compth.certification.subject import Array, CallTooLong, Subject, time_limit
from compth.certification.traced import inputs
from compth.certification.tracer import Strange
from compth.claims import Claim
from compth.proof import cells

KINDS = ("Unbiased", "Contractive", "BiasVariance", "AbsoluteError", "B1", "B2")
LOOSER = {"omega": 1, "eta": 1, "Delta": 1, "beta": 1, "delta": -1, "alpha": -1, "gamma": -1}
"""In which direction each constant makes its claim weaker."""
SIZES = (1e-99, 1e-60, 1e-30, 1e30, 1e60, 1e99)
"""Extreme magnitudes at which a relative claim is looked at again."""
SIZE = 20_000_000
"""Longest answer, in characters."""


@dataclass(frozen=True)
class Found:
    """data: the certificate that was checked, None without one; says: what stopped it; lines: for the report.

    worst: the supremum of one entry's relative error, in words, "" where it was not computed.
    """

    data: dict[str, Any] | None
    says: str
    lines: tuple[str, ...]
    worst: str = ""


@dataclass(frozen=True)
class Answers:
    """One `Found` for each claim; inputs at which the program's own numbers make a violation likely."""

    found: list[Found]
    points: list[Array]


def candidates(claim: Claim) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """The claim by the readings of its constants, with the lines that say so: exact, named, then up to rounding."""
    kind = type(claim).__name__
    if kind not in KINDS or type(claim) is not getattr(compth.claims, kind):
        return
    for read, lines in readings_of(claim):
        yield {"kind": kind, "constants": {k: str(as_written(v)) for k, v in read.constants.items()}}, lines
    long = [k for k, v in claim.constants.items() if is_float(v) and _is_long(v)]
    if long:
        lifted = {k: as_written(v) for k, v in claim.constants.items()}
        for k in long:
            lifted[k] += LOOSER[k] * ROUNDING * (1 + abs(lifted[k]))
        words = ", ".join(f"{k} = {claim.constants[k]!r}" for k in long)
        line = f"the claim's {words} up to rounding: proved with {float(ROUNDING):.1e} (1 + |{long[0]}|) more room"
        yield {"kind": kind, "constants": {k: str(v) for k, v in lifted.items()}}, (line,)


def _is_long(v: Any) -> bool:
    """True for a float that names no simple fraction, such as one of sqrt(30)."""
    return named(as_written(v)).denominator > SIMPLE


def ask(subject: Subject, d: int, claims: list[Claim], seconds: float) -> Answers:
    """What is found about each claim; certificates checked here."""
    listed = [list(candidates(c)) for c in claims]
    text = examined(subject, d, json.dumps([[c for c, _ in options] for options in listed]), seconds)
    answer = json.loads(text)
    found = [
        _checked(d, options, data, answer)
        for options, data in zip(listed, answer["certificates"], strict=True)
    ]
    points = [np.array(p, dtype=np.float64) for p in answer["points"]]
    return Answers(found, [p for p in points if p.shape == (d,) and np.isfinite(p).all()])


def _checked(d: int, options: list[Any], data: Any, answer: dict[str, Any]) -> Found:
    if data is None:
        return Found(None, answer["says"], ())
    try:
        cells.check(data)
    except cells.Refused as reason:
        return Found(None, f"the certificate is refused: {reason}", ())
    lines = next((lines for claim, lines in options if claim == data["claim"]), None)
    if lines is None or data["d"] != d:
        return Found(None, "the certificate speaks of another claim", ())
    return Found(data, "", (*lines, *map(str, answer["lines"])), str(answer["worst"]))


def _is_answer(answer: Any, subject: Subject, d: int, claims: str, seconds: float) -> bool:
    return isinstance(answer, str) and len(answer) < SIZE and isinstance(_decoded(answer), dict)


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


@beside(_is_answer)
def examined(subject: Subject, d: int, claims: str, seconds: float) -> str:
    """Trace, laws, certificates, real runs: the answer about all claims, as JSON."""
    options = json.loads(claims)
    says, lines, worst, found = "", list[str](), "", [None] * len(options)
    with noting() as readings:
        try:
            with time_limit(seconds, idle=seconds):
                found, lines, worst = _proofs(subject, d, options)
        except (Stopped, Strange) as problem:
            says = str(problem)
        except CallTooLong:
            says = f"the search for a proof {BITTEN} of {seconds:g} s"
        except Exception as problem:  # whatever fails here proves nothing, and refutes nothing
            says = f"{type(problem).__name__}: {str(problem)[:200]}"
    words = said(readings.items())
    lines += [f"float constants of the program as fractions within one ulp: {words}"] if words else []
    absolute = any(o and o[0]["kind"] == "AbsoluteError" for o in options)
    points = [] if all(f is not None for f in found) else [p.tolist() for p in suspects(subject, d, absolute)]
    if not says and None in found:
        says = "no multipliers were found: the constant may be too small, or couple entries in another way"
    return json.dumps({"certificates": found, "says": says, "lines": lines, "worst": worst, "points": points})


def _proofs(subject: Subject, d: int, options: list[list[Any]]) -> tuple[list[Any], list[str], str]:
    """Certificates, None where there is none; remarks; the worst entry. Raises Stopped, Strange."""
    if d > stage.LARGEST:
        raise Stopped(f"d = {d} is more than {stage.LARGEST} entries")
    thing = subject.object
    trace = stage.traced(thing, d, subject.deterministic)
    if trace.apart:
        options = [[c for c in o if c["kind"] != "AbsoluteError"] for o in options]
        if not any(options):
            raise Stopped("a branch on whether x is 0, which an absolute error does not set aside")
    relative = [o for o in options if o and o[0]["kind"] != "AbsoluteError"]
    if relative:
        stage.nothing_at_zero(thing, d, subject.deterministic)
    found: list[Any] = [None] * len(options)
    stopped: Stopped | None = None
    used: list[tuple[list[Chart], list[Group]]] = []
    sorts = stage.sorts(trace)
    for charts in [] if sorts else stage.scales(trace):
        try:
            used.append(stage.laws_on(trace, charts))
        except Stopped as problem:
            stopped = problem if stopped is None or (charts[0].octave and relative) else stopped
            continue
        for k, listed in enumerate(options):
            found[k] = found[k] or _first(d, listed, *used[-1])
    ranked: dict[str, Any] | None = None
    if relative and not all(found) and (sorts or stage.couples(trace)):
        try:
            ranked = _by_ranks(d, options, trace, found)
        except Stopped as problem:
            stopped = problem if sorts or stopped is None else stopped
    if not any(found) and stopped is not None and not used:
        raise stopped
    if any(found):
        _visited(subject, d, trace, [u for u in used if _is_of(found, u[0])], ranked)
    if changed := trace.bound.changed():
        raise Strange(f"{changed} changed between calls")
    worst = [says for charts, groups in used if (says := bounds.worst_entry(charts, groups))]
    return found, [f"real numbers and float64 part: {r}" for r in trace.remarks], "".join(worst[:1])


def _is_of(found: list[Any], charts: list[Chart]) -> bool:
    return any(f and "groups" in f and bounds.scale_of(charts) == f["scale"] for f in found)


def _visited(
    subject: Subject, d: int, trace: stage.Trace, used: visits.Used, ranked: dict[str, Any] | None
) -> None:
    """Real runs agree with what was proved, wherever the trace has a border, a way or an outcome. Raises Strange."""
    members = [m for _, m in stage.grouped(trace)]
    listed = visits.visits(trace, d, used, members, inputs(d))
    for charts, groups in used:
        agree(subject, d, Laws(charts, groups, members), listed)
    if ranked is not None:
        agree_by_ranks(subject, d, ranked, listed)


def _by_ranks(
    d: int, options: list[list[Any]], trace: stage.Trace, found: list[Any]
) -> dict[str, Any] | None:
    """Certificates by the ranks of entries, for what has none yet; the case where all are not 0. Raises Stopped."""
    if d > ranks.LARGEST or not forms.alike(trace.outputs):
        raise Stopped("a selection that does not treat all entries alike, or too many of them")
    cases = ranks.cases(trace.outputs, d)
    for k, listed in enumerate(options):
        fits = [c for c in listed if c["kind"] != "AbsoluteError" and not found[k]]
        found[k] = found[k] or next((data for c in fits if (data := ranks.certificate(d, c, cases))), None)
    return cases[1][-1] if any(f and f["scale"]["kind"] == "order" for f in found) else None


def _first(d: int, listed: list[Any], charts: list[Chart], groups: list[Group]) -> Any:
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
    return not charts[0].order and not charts[0].octave


# where to look for a violation


NUMBERS = 400_000
"""Most numbers in these inputs together: they are told as text."""


def suspects(subject: Subject, d: int, absolute: bool) -> list[Array]:
    """Inputs made of the numbers that stand in the program, their doubles and halves, alone and beside generic entries.

    For relative claims also of extreme magnitudes: an absolute error there is rounding.
    """
    listed = {v for c in _codes(subject.object) for v in _numbers(c.co_consts) if 1e-90 < abs(v) < 1e90}
    values = [] if absolute else list(SIZES)
    values += [v * by for v in sorted(listed)[:20] for by in (1.0, 2.0, 0.5)]
    values = values[: min(66, NUMBERS // (8 * d))]  # eight inputs of each
    rest = np.random.default_rng(43).normal(size=d)
    out = []
    for v in values:
        for x in (
            np.full(d, v),
            at(d, {0: v}),
            np.concatenate([[v], rest[1:]]),
            np.concatenate([rest[1:], [v]]),
        ):
            out += [x, -x]
    return out


def _codes(thing: Any) -> Iterator[CodeType]:
    """The code of a function and of the functions that its names mean, one step far."""
    f = thing.func if type(thing) is partial else thing
    f = f if isinstance(f, FunctionType) else vars(type(f)).get("__call__")
    if not isinstance(f, FunctionType):
        return
    for code in nested(f.__code__):
        yield code
        for name in code.co_names:
            inner = f.__globals__.get(name)
            if isinstance(inner, FunctionType):
                yield from nested(inner.__code__)


def _numbers(values: Any) -> Iterator[float]:
    for v in values:
        if isinstance(v, tuple):
            yield from _numbers(v)
        elif isinstance(v, int | float) and not isinstance(v, bool) and np.isfinite(float(v)):
            yield float(v)


__all__ = ["Answers", "Found", "ask", "suspects"]
