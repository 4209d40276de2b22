"""Counterexamples: the adversary on an exact law where one is affordable, else selections and samples.

In this order, since each step is weaker than the one before: exact moments at many inputs, exact classes of draws at
sparse ones, samples. What is found is evaluated again, shrunk, and only then a refutation.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from compth._types import Array
from compth.certificates import Certificate, Verdict
from compth.certification import evalues, selection, statistics, traced
from compth.certification.adversary import NotReproducible, Search, Worst, shrink
from compth.certification.arithmetic import grid_points, limit
from compth.certification.oracle import Moments, NotFinite, Oracle, enumerating, factored
from compth.certification.reproduce import stated
from compth.certification.run import Run, certificate_at
from compth.certification.stages.case import Case, per_norm, sharp, unit_of
from compth.certification.tracer import NotTraceable, Strange
from compth.claims import Claim, Margin, Sharpness
from compth.compressors import Compressor
from compth.errors import UnusableInput
from compth.text.counts import counted

SMALL = 12
"""Up to this input length enumeration is tried before factoring."""


def searched(case: Case) -> Case:
    """Every claim at many inputs, by the exact law where there is one.

    The oracle is kept for later stages: audits of rows and cells ask it for laws.
    """
    run, d, claims = case.run, case.d, case.claims
    oracle = oracle_of(run, d)
    found = settled_by_samples(run, d, claims) if oracle is None else searched_exactly(run, d, claims, oracle)
    return replace(case, found=found, oracle=oracle)


def oracle_of(run: Run, d: int) -> Oracle | None:
    """The exact oracle that this dimension affords, None when only sampling is left."""
    start = time.perf_counter()
    probe = np.random.default_rng(3).normal(size=run.subject.size(d))
    if run.subject.deterministic:
        oracle = enumerating(run.subject, d, 1)
        oracle.slack = run.granted
        run.stage(d, "oracle", start, "direct evaluation")
        return oracle
    # Enumeration has a cost that is exponential in what is drawn; the factored oracle is linear in d but
    # needs one uniform a coordinate. Small inputs take the general one first, long ones the cheap one.
    makers = [_enumerated, _factored] if run.subject.size(d) <= SMALL else [_factored, _enumerated]
    reasons = []
    found: Oracle | None = None
    for make in makers:
        try:
            found = make(run, d, probe)
            break
        except UnusableInput:  # no answer at all
            raise
        except Exception as problem:  # whatever the program does with symbols: then it is not traced this way
            reasons.append(run.not_followed(d, problem))
            if isinstance(problem, Strange):
                run.void.append((d, str(problem)))
    run.stage(d, "oracle", start, found.technique if found else "; ".join(reasons))
    if found is not None:
        found.slack = run.granted
    return found


def _enumerated(run: Run, d: int, probe: Array) -> Oracle:
    """Enumeration, if one input is cheap enough and real runs are among the outputs."""
    paths = run.budget.paths
    oracle = enumerating(run.subject, d, paths, run.limits(run.budget.search / 8))
    oracle(probe)
    audit_support(run, d, oracle, probe)
    # the size is known to be affordable: other inputs may have more paths
    return enumerating(run.subject, d, paths, run.limits(run.budget.search))


def _factored(run: Run, d: int, probe: Array) -> Oracle:
    """The factored oracle, for single vectors."""
    if run.subject.workers:
        raise NotTraceable("a fleet")
    return factored(run.subject, d, limits=run.limits(run.budget.search / 4))


def audit_support(run: Run, d: int, oracle: Oracle, x: Array) -> None:
    """Real runs must be among the enumerated outputs, as often as enumerated: else the trace is not the program."""
    assert oracle.law is not None
    law: dict[bytes, float] = {}
    for leaf in oracle.law(x):
        out = np.asarray(leaf.output)
        if out.dtype == object:
            return
        key = (out.astype(np.float64) + 0.0).tobytes()  # -0.0 is 0.0
        law[key] = law.get(key, 0.0) + float(leaf.probability)
    outputs = np.array([np.frombuffer(key) for key in law])
    index, counts = {key: i for i, key in enumerate(law)}, np.zeros(len(law))
    # Does the enumerated law belong to this program? Every real output must be in its support, and with few
    # outcomes their frequencies must fit: a program that notices that it is traced would be caught here.
    for seed in range(traced.RUNS if len(law) <= 64 else 64):
        real = run.subject.program(x.copy(), np.random.default_rng([run.seed, seed]))
        real = np.asarray(real, dtype=np.float64) + 0.0
        if real.tobytes() not in index and not traced.is_among(real, outputs):
            raise Strange("a real run is not among the enumerated outputs")
        counts[index.get(real.tobytes(), np.abs(outputs - real).max(axis=1).argmin())] += 1
    if 1 < len(law) <= 64 and evalues.same_law(counts, np.array(list(law.values()))) > traced.LEVEL:
        raise Strange("real draws have another law than the enumerated ones")


def searched_exactly(run: Run, d: int, claims: list[Claim], oracle: Oracle) -> list[Certificate]:
    """The adversary on an exact oracle; violations are shrunk to the smallest witness found."""
    start = time.perf_counter()
    allowance = run.allowance(f"the search at d = {d}", run.budget.search)
    search = Search(oracle, claims, run.subject.size(d), allowance, run.domain)
    thing = run.subject.object
    # The object's own suggestion comes first: who declares a constant as tight knows where it is attained.
    known = list(thing.worst_inputs(d)) if isinstance(thing, Compressor) else []
    known += grid_points(run.subject.size(d), run.arithmetic.grid)
    search.run(known, run.seed, stop_early=True)
    if search.broken is not None:
        raise NotFinite(search.broken)
    if not search.points:  # no input could be followed: then sampling has to do
        run.stage(d, "adversary", start, f"no input could be followed, {oracle.technique}")
        return settled_by_samples(run, d, claims)
    run.stage(d, "adversary", start, f"{counted(search.points, 'input')}, {oracle.technique}")
    out = []
    for index, claim in enumerate(claims):
        bad, best = search.any_violation(index), search.tightness(index)
        if bad is not None:
            out.append(refuted(run, d, claim, oracle, bad))
        else:
            out.append(consistent(run, d, claim, oracle, best, search.points))
    return out


def settled_by_samples(run: Run, d: int, claims: list[Claim]) -> list[Certificate]:
    """What no oracle covers: exactly refuted at inputs of one or two entries where the program selects, or sampled.

    Samples of a program that keeps k of 100,000 entries see a given coordinate once in d/k runs; classes of draws see
    it at once, so they come first.
    """
    found = selected(run, d, claims)
    rest = [claim for i, claim in enumerate(claims) if i not in found]
    sampled = iter(statistics.settle(run, d, rest) if rest else [])
    return [found[i] if i in found else next(sampled) for i in range(len(claims))]


def selected(run: Run, d: int, claims: list[Claim]) -> dict[int, Certificate]:
    """Refutations of claims about a program that draws k of d places (`selection`)."""
    if run.subject.deterministic or run.subject.workers:
        return {}
    start = time.perf_counter()
    oracle = Oracle(
        selection.TECHNIQUE,
        lambda x: selection.selected(run.subject, x, d),
        (selection.ASSUMPTION,),
        slack=run.granted,
    )
    allowance = run.allowance(f"the look at selections at d = {d}", run.budget.search)
    search = Search(oracle, claims, d, allowance, run.domain)
    try:
        for x in selection.inputs(d, selection.suspects(run.subject, d)):
            search.try_point(x)
            if search.late or search.skipped:
                break
        said = counted(search.points, "input")
    except Exception as problem:  # the program refuses to be steered in its own way
        said = run.not_followed(d, problem)
    run.stage(d, "selections", start, said)
    # A violation seen by classes of draws has to survive all other places of zero entries, or it goes to the
    # samples.
    worst = {i: search.any_violation(i) for i in range(len(claims))}
    return {
        i: refuted(run, d, claims[i], oracle, bad)
        for i, bad in worst.items()
        if bad is not None and _stands(run, d, bad.x)
    }


def _stands(run: Run, d: int, x: Array) -> bool:
    """True where a refutation by classes of draws holds wherever the places of zero entries are."""
    try:
        holds: bool = selection.places_do_not_matter(run.subject, x, d)
    except Exception as problem:  # the program refuses to be steered in its own way
        run.not_followed(d, problem)
        return False
    if not holds:
        run.notes.append(f"d = {d}: the places drawn of zero entries matter, so that selections are sampled")
    return holds


def granted_too(margin: Margin, m: Moments, claim: Claim) -> str:
    """What the bound is with the rounding that the arithmetic is granted."""
    if not m.slack:
        return ""
    # The bound is printed as the claim states it; what rounding adds to it stands beside, or the numbers
    # would not compare.
    xx = float(np.dot(m.x, m.x))
    most = limit(margin.name, float(margin.bound), m.slack, m.second, xx) / unit_of(claim, m.x)[0]
    return f" ({most:.6g} with the rounding granted)"


def refuted(run: Run, d: int, claim: Claim, oracle: Oracle, bad: Worst) -> Certificate:
    """An exact counterexample, shrunk to a simple witness; where it does not show again, the program keeps state."""
    try:
        allowance = run.allowance("shrinking the witness", min(0.5e6, run.budget.search))
        x, margin, m = shrink(oracle, claim, bad.x, allowance, run.domain)
    except NotReproducible:
        breach = "two evaluations of the same law at the same input differ: the program keeps state"
        return certificate_at(
            run,
            d,
            "contract",
            Verdict.REFUTED,
            "contract",
            witness=bad.x,
            technique=breach,
            details={"breach": breach},
        )
    value, bound = per_norm(margin, m, claim)
    _, unit = unit_of(claim, m.x)
    return certificate_at(
        run, d, str(claim), Verdict.REFUTED, "exact counterexample", estimate=value, bound=bound, witness=x,
        trials=oracle.calls, technique=oracle.technique, assumptions=oracle.assumptions,
        details={
            "inequality": margin.name,
            "says": f"{margin.name} = {value}{unit}, allowed {bound}{unit}{granted_too(margin, m, claim)}",
            "mean": m.mean,
            "second": m.second,
            "worst_ratio": bad.ratio,
            "worst_x": bad.x,
        },
    )  # fmt: skip


def consistent(
    run: Run, d: int, claim: Claim, oracle: Oracle, best: Worst | None, points: int
) -> Certificate:
    """No violation at the inputs tried: the tightest one is reported; a note where a tight constant was not met."""
    tightness = best.ratio if best is not None else 1.0
    m = oracle(best.x) if best is not None else None
    value, bound = per_norm(best.margin, m, claim) if best is not None and m is not None else (None, None)
    details = {**sharp(claim), "tightness": tightness}
    if claim.sharpness is Sharpness.TIGHT and tightness < 0.99:
        details["note"] = "declared tight, but no input within 1 % of the constant was found"
    return certificate_at(
        run, d, str(claim), Verdict.CONSISTENT, "exact at listed inputs", estimate=value, bound=bound,
        witness=None if best is None else best.x, trials=points, technique=oracle.technique,
        assumptions=oracle.assumptions, details=details,
    )  # fmt: skip


def with_statement(certificate: Certificate, claim: Claim) -> Certificate:
    """A refutation with its claim's constants exactly: scripts state it again."""
    if certificate.verdict is not Verdict.REFUTED:
        return certificate
    return replace(certificate, details={**certificate.details, "statement": stated(claim)})


def stated_again(case: Case) -> Case:
    """Refutations with their claims' constants exactly."""
    return replace(case, found=[with_statement(f, c) for f, c in zip(case.found, case.claims, strict=True)])
