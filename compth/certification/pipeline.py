"""certify: contract, exact proof, exact oracle with an adversary, and only then statistics; bits at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compth._door import at_the_door, real, text
from compth._rng import check_seed
from compth.certificates import Certificate, Report, Verdict
from compth.certification import (
    adapters,
    contract,
    evalues,
    linear,
    realised,
    selection,
    statistics,
    traced,
)
from compth.certification.adversary import NotReproducible, Search, Worst, shrink
from compth.certification.arithmetic import FLOAT64, FORMATS, Arithmetic, declared, grid_points, limit
from compth.certification.beside import accountable, of_program
from compth.certification.cells import question as cells
from compth.certification.constants import Answer, Matrix, by_formula, noted, settle
from compth.certification.oracle import Moments, NotFinite, Oracle, enumerating, factored, margins_of
from compth.certification.readings import noting, simple
from compth.certification.reproduce import stated
from compth.certification.run import BUDGETS, Run, certificate_at
from compth.certification.subject import (
    CallTooLong,
    Subject,
    as_subject,
    declared_claims,
    dimensions,
    joint_workers,
    meant,
)
from compth.certification.tracer import NotTraceable, Strange
from compth.claims import Claim, Margin, Sharpness
from compth.compressors import Compressor, DiagonalSketch, Fleet
from compth.compressors.combinators import Scaled
from compth.compressors.core.uncertainty import uncertainty_margins
from compth.errors import InvalidParameter, UnusableInput

Array = NDArray[np.float64]


ROWS = "rows have the reference's law and are independent"
SMALL = 12
"""Up to this input length enumeration is tried before factoring."""
PROOF_SIZE = 14
"""Largest input length for which the symbolic certificate is tried."""


@at_the_door(alpha=real, budget=text)
def certify(
    C: Any,
    d: Any = None,
    *,
    claims: Any = None,
    alpha: float = 1e-9,
    budget: str = "normal",
    seed: int = 0,
    n: int | None = None,
    magnitudes: tuple[float | None, float | None] = (None, None),
    params: Mapping[str, Any] | None = None,
    arithmetic: str | None = None,
) -> Report:
    """Settle the declared constants of a compressor, a fleet or any callable f(x, rng) or f(x).

    d: one or several dimensions (the verdict speaks of exactly those); None: the smallest supported, 30, 200, 1000.
    claims: Claim objects whose constants are numbers, expressions in d, or functions of d; None: the object's own.
    alpha: error level of all statistical statements of this call together. budget: quick, normal or thorough.
    n: workers of a fleet that does not fix it. magnitudes: the domain, least and largest |x_j| of non-zero entries;
    None: that of the arithmetic. params: values of further names in expressions. A JointVariance claim about a
    callable takes it as f(X, rng) on (n, d). arithmetic: float64, float32, float16 or bfloat16, what the program
    computes in; None: as seen from its outputs. Rounding in it is granted (`compth.certification.arithmetic`).
    Raises InvalidParameter for what cannot be certified at all; every misbehaviour of the program itself is a REFUTED
    contract in the report.
    """
    if budget not in BUDGETS:
        raise InvalidParameter(f"budget={budget!r} is not known: choose one of {', '.join(BUDGETS)}")
    if not 0 < alpha < 1:
        raise InvalidParameter(f"alpha={alpha} must lie between 0 and 1: the chance of a false refutation")
    subject = as_subject(C, n, joint_workers(claims))
    makers = declared_claims(subject, claims, params or {})
    dims = dimensions(subject, d)
    used = arithmetic_of(subject, dims, arithmetic)
    domain = _domain(used, magnitudes)
    run = Run(subject, BUDGETS[budget], alpha / max(1, len(dims)), check_seed(seed), domain, used)
    certificates: list[Certificate] = []
    for at, value in enumerate(dims):
        meaning, skipped = meant(makers, value)
        run.notes += skipped
        if skipped and not meaning:
            continue
        certificates += _accounted(run, value, meaning)
        if any(c.verdict is Verdict.REFUTED for c in certificates) and at + 1 < len(dims):
            run.notes.append(f"stopped at the first refutation: d = {dims[at + 1 :]} were not examined")
            break
    if dims and not certificates:
        raise InvalidParameter("; ".join(run.notes))
    if not dims:
        certificates.append(
            certificate_at(run, 0, "contract", Verdict.INCONCLUSIVE, "none", technique="no dimension")
        )
        run.notes.append("no dimension up to 1000 at which the program runs was found: give one with d=")
    info = {
        "dims": dims,
        "alpha": alpha,
        "budget": budget,
        "seed": seed,
        "magnitudes": list(domain),
        "arithmetic": used.to_dict(dims),
        "stages": run.stages,
        "not_checked": [*run.notes, _rounding(used)],
    }
    return Report(subject.name, tuple(certificates), info)


def arithmetic_of(subject: Subject, dims: list[int], name: str | None) -> Arithmetic:
    """The arithmetic of that name, else the one that the program shows at one of the dimensions."""
    if name is not None:
        return declared(name)
    if not dims:
        return FLOAT64
    d = max((v for v in dims if v <= 64), default=min(dims))
    try:
        name, origin, grid = contract.computes_in(subject, subject.size(d))
    except Exception as problem:
        if not (of_program(problem) or isinstance(problem, CallTooLong)):
            raise
        return FLOAT64  # its process ended: the contract stage says so
    return replace(FORMATS[name], origin=origin, grid=grid or None)


def _domain(used: Arithmetic, given: tuple[float | None, float | None]) -> tuple[float, float]:
    least, largest = (own if v is None else v for v, own in zip(given, used.domain, strict=True))
    if not 0 < least <= largest:
        raise InvalidParameter(f"magnitudes={(least, largest)} must be 0 < least <= largest")
    return least, largest


def _rounding(used: Arithmetic) -> str:
    beyond = "a relative 1e-9" if used.bits >= 53 else f"what {used.name} is granted"
    return f"floating-point rounding of the program beyond {beyond}"


def _accounted(run: Run, d: int, claims: list[Claim]) -> list[Certificate]:
    """One dimension's certificates. A call that fails in a later stage is a breach; memory that runs out is none."""
    try:
        return _in_all_forms(run, d, claims)
    except MemoryError as problem:
        if of_program(problem):
            return [_later_breach(run, d, contract.raised(problem), problem)]
        run.notes.append(f"d = {d}: the memory of this machine does not suffice for the referee itself")
        technique = "out of memory outside the program"
        return [certificate_at(run, d, "all claims", Verdict.INCONCLUSIVE, "none", technique=technique)]
    except (CallTooLong, NotFinite) as problem:
        return [_later_breach(run, d, str(problem), problem)]
    except Exception as problem:
        if not of_program(problem):
            raise
        return [_later_breach(run, d, contract.raised(problem), problem)]


def _later_breach(run: Run, d: int, what: str, problem: Exception) -> Certificate:
    """A call that failed after the contract stage: with some draws only, so that a script tries as many."""
    found = _breach(run, d, what, _input_of(problem))
    return replace(found, details={**found.details, "seeds": SEEDS})


SEEDS = 20_000
"""Seeds with which a script looks for a call that fails."""


def _input_of(problem: Exception) -> Any:
    """The vector at which a call failed, where it is known."""
    x = getattr(problem, "compth_input", None)
    return x if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.ndim == 1 else None


def _breach(run: Run, d: int, problem: str, x: Any) -> Certificate:
    return certificate_at(run, d, "contract", Verdict.REFUTED, "contract", witness=x, technique=problem, trials=1,
                        details={"breach": problem})  # fmt: skip


def _in_all_forms(run: Run, d: int, claims: list[Claim]) -> list[Certificate]:
    """The object as its reference states it and, where the code is a user's, in every other form that runs."""
    forms = realised.forms(run.subject)
    run = replace(run, alpha=run.alpha / ((1 + len(forms)) * _tests(run.subject)))
    found = _dimension(run, d, claims)
    for form in forms:
        found = realised.worse(found, _dimension(replace(run, subject=form), d, claims))
    return found


def _tests(subject: Subject) -> int:
    """Stages of one form that spend the level: samples; for what has rows or draws, audits of these two as well."""
    return 1 if subject.batch is None and not isinstance(subject.object, Compressor | Fleet) else 3


def _dimension(run: Run, d: int, claims: list[Claim]) -> list[Certificate]:
    start = time.perf_counter()
    broken = next(contract.breaches(run.subject, d, claims, run.domain), None)
    run.stage(d, "contract", start, broken[0] if broken else "kept")
    if broken is not None:
        hint = adapters.remedy(run.subject, d) if broken[0].startswith(("raised", "returned")) else ""
        if hint:
            raise UnusableInput(f"{run.subject.name} {hint}")
        return [_breach(run, d, *broken)]
    if not claims:
        return [
            certificate_at(
                run, d, "contract", Verdict.CONSISTENT, "exact at listed inputs", technique="contract"
            )
        ]
    run = replace(run, slack=_slack(run, d, claims))
    proofs = _proofs(run, d, claims)
    wrong = _audit_draw(run, d)
    if wrong is not None:
        return [wrong]
    if all(p is not None and p.verdict is Verdict.PROVED for p in proofs):
        run = replace(
            run, budget=run.budget.audit()
        )  # what is left is to see that the program is what was proved
    oracle = _oracle(run, d)
    settled = _sampled(run, d, claims) if oracle is None else _search(run, d, claims, oracle)
    audit = _audit_kernel(run, d, oracle)
    proofs = _standing(run, d, proofs)
    merged = [_merge(p, s) for p, s in zip(proofs, settled, strict=True)]
    merged = _by_cells(run, d, claims, merged, oracle)
    left = [c for c, m in zip(claims, merged, strict=True) if m.verdict is not Verdict.REFUTED]
    merged = [_with_statement(m, c) for m, c in zip(merged, claims, strict=True)]
    return [*audit, *merged, *_impossible(run, d, left)]


def _by_cells(
    run: Run, d: int, claims: list[Claim], merged: list[Certificate], oracle: Oracle | None
) -> list[Certificate]:
    """Claims that are left open, proved for all x by laws on cells, or refuted at a number that the program names."""
    start, open_ones = time.perf_counter(), [k for k, m in enumerate(merged) if m.verdict in UNSETTLED]
    plain = not (
        isinstance(run.subject.object, Compressor | Fleet) or run.subject.workers or run.subject.batch
    )
    if not plain or not open_ones or any(at == d for at, _ in run.void):
        return merged
    answers = cells.ask(run.subject, d, [claims[k] for k in open_ones], run.budget.seconds)
    out = list(merged)
    for k, found in zip(open_ones, answers.found, strict=True):
        if found.data is not None:
            out[k] = certificate_at(run, d, str(claims[k]), Verdict.PROVED, CELLS, inputs="all x", technique=CELLS,
                                  assumptions=(EXACT, *traced.ASSUMPTIONS, *found.lines),
                                  details={**_sharp(claims[k]), "cells": found.data,
                                           "worst_entry": found.worst})  # fmt: skip
        elif found.says and found.says not in run.notes:
            run.notes.append(f"no proof of {claims[k]} at d = {d} by cells: {found.says}")
    run.stage(d, CELLS, start, f"{sum(f.data is not None for f in answers.found)} of {len(open_ones)} proved")
    return _at_suspects(run, d, claims, out, oracle, answers.points)


def _at_suspects(
    run: Run,
    d: int,
    claims: list[Claim],
    merged: list[Certificate],
    oracle: Oracle | None,
    points: list[Array],
) -> list[Certificate]:
    """What is still open, at inputs made of the numbers that stand in the program."""
    left = [k for k, m in enumerate(merged) if m.verdict in UNSETTLED]
    if not left or oracle is None or not points:
        return merged
    allowance = run.allowance(f"the program's own numbers at d = {d}", run.budget.search)
    search = Search(oracle, [claims[k] for k in left], run.subject.size(d), allowance, run.domain)
    for x in points:
        if not search.late:
            search.try_point(x)
    for at, k in enumerate(left):
        bad = search.any_violation(at)
        if bad is not None:
            merged[k] = _refuted(run, d, claims[k], oracle, bad)
    return merged


def _with_statement(certificate: Certificate, claim: Claim) -> Certificate:
    """A refutation with its claim's constants exactly: scripts state it again."""
    if certificate.verdict is not Verdict.REFUTED:
        return certificate
    return replace(certificate, details={**certificate.details, "statement": stated(claim)})


def _slack(run: Run, d: int, claims: list[Claim]) -> float:
    """The rounding granted at d: none where a claim speaks of errors of that size."""
    if run.arithmetic.judges(claims, d):
        return run.arithmetic.slack(d)
    run.notes.append(f"at d = {d} the claim is about rounding in {run.arithmetic.name}: none is granted")
    return 0.0


def _impossible(run: Run, d: int, claims: list[Claim]) -> list[Certificate]:
    """Claims that no code of the declared fixed length can satisfy: claim and bits together are refuted."""
    thing = run.subject.object
    if not isinstance(thing, Compressor):
        return []
    start = time.perf_counter()
    try:
        margins = uncertainty_margins(thing, d, claims=claims)
    except Exception as problem:  # bits() is the user's: what it cannot say is not held against the claims
        run.notes.append(f"bits at d = {d}: {type(problem).__name__}: {str(problem)[:80]}")
        return []
    found = [(claim, bits, margin) for claim, bits, margin in margins if margin < 0]
    run.stage(d, "uncertainty principle", start, f"{len(found)} impossible" if found else "possible")
    out = []
    for claim, bits, margin in found:
        pair, value = f"{claim} in {float(bits):g} bits", margin + 1
        says = f"alpha 4^(bits/d) = {value:.4g} < 1: no code of {float(bits):g} bits has this constant at d = {d}"
        out.append(
            certificate_at(run, d, pair, Verdict.REFUTED, "uncertainty principle", inputs="the unit ball",
                           estimate=value, bound=1, technique="counting outputs", details={"says": says})
        )  # fmt: skip
    return out


def _standing(run: Run, d: int, proofs: list[Certificate | None]) -> list[Certificate | None]:
    """A trace that is not the program, wherever that is seen, voids what was proved by tracing."""
    says = next((says for at, says in run.void if at == d), None)
    if says is None:
        return proofs
    run.notes.append(f"no proof at d = {d}: {says}")
    return [p if p is None or p.technique == DECLARED else None for p in proofs]


def _merge(proof: Certificate | None, found: Certificate) -> Certificate:
    """A proof settles the claim, unless the search contradicts it: then the refutation stands, an exact one first."""
    if proof is not None and proof.verdict is Verdict.REFUTED and found.evidence == "statistical":
        return proof
    if proof is None or found.verdict is Verdict.REFUTED:
        return found
    return proof


def _proofs(run: Run, d: int, claims: list[Claim]) -> list[Certificate | None]:
    """PROVED or REFUTED certificates for all x where the program is linear on every path."""
    start = time.perf_counter()
    technique, verify = _verifier(run, d)
    assumed = (EXACT, DRAW_ASSUMPTION) if technique == DECLARED else (EXACT, *traced.ASSUMPTIONS)
    out: list[Certificate | None] = []
    for claim in claims:
        if verify is None or not claim.relative:
            out.append(None)
            continue
        answer = _answered(run, d, claim, verify)
        if answer.holds:
            out.append(
                certificate_at(run, d, str(claim), Verdict.PROVED, technique, inputs="all x", technique=technique,
                             assumptions=assumed + answer.reading, details=_sharp(claim))
            )  # fmt: skip
        elif answer.witness is not None:
            out.append(_linear_refutation(run, d, claim, answer, assumed))
        else:
            out.append(None)
            run.notes.append(
                f"no proof of {claim} at d = {d}: it holds or fails within the rounding of float constants; give "
                "them as expressions or Fractions"
            )
    run.stage(d, "exact proof", start, technique if verify else "not linear on every path")
    return out


def _answered(run: Run, d: int, claim: Claim, verify: Callable[[Claim], Answer]) -> Answer:
    """The answer about a claim; what rounding leaves open is asked again by the formula of the package's own object."""
    answer = verify(claim)
    if answer.holds or answer.witness is not None or not traced.is_own(run.subject):
        return answer
    formula = by_formula(run.subject.object, d, claim)
    if formula is None or not (again := verify(formula)).holds:
        return answer
    exact = ", ".join(f"{k} = {claim.constants[k]!r} as {v}" for k, v in formula.constants.items())
    return again._replace(
        reading=(*again.reading, f"the claim's {exact}, by its formula from what the parameters name")
    )


def _audit_draw(run: Run, d: int) -> Certificate | None:
    """A sketch that does not draw with its declared probabilities is refuted: many draws, and a user's traced."""
    start = time.perf_counter()
    if not (isinstance(run.subject.object, DiagonalSketch) or realised.stranger(run.subject)):
        return None
    budget = run.budget
    for stage, said, breach, evidence in realised.draw_findings(
        run.subject, d, run.alpha, run.seed, budget.paths, run.limits(budget.trace)
    ):
        run.stage(d, stage, start, said)
        if breach:
            return _misdrawn(run, d, breach, evidence, run.alpha if evidence == "statistical" else 0.0)
    return None


def _misdrawn(run: Run, d: int, breach: str, evidence: str, alpha: float) -> Certificate:
    return certificate_at(
        run, d, "draws have the declared inclusion probabilities", Verdict.REFUTED, evidence, technique=breach,
        alpha=alpha, witness=np.ones(d), details={"says": breach},
    )  # fmt: skip


EXACT = "exact arithmetic on the program as written: its rounding is outside"


def _sharp(claim: Claim) -> dict[str, Any]:
    return {"sharpness": claim.sharpness.value, "constants": {k: str(v) for k, v in claim.constants.items()}}


def _linear_refutation(
    run: Run, d: int, claim: Claim, answer: Answer, assumed: tuple[str, ...]
) -> Certificate:
    witness = answer.witness or []
    x = np.array([float(v) for v in witness])
    details: dict[str, Any] = {"inequality": answer.inequality, "exact_witness": [str(v) for v in witness]}
    m = _at_witness(run, d, x)
    margin = m and next((g for g in margins_of(claim, m) if g.name == answer.inequality), None)
    value = bound = None
    if m and margin:
        value, bound = per_norm(margin, m, claim)
        details["says"] = f"{answer.inequality} = {value} ||x||^2, allowed {bound} ||x||^2"
        details |= {"mean": m.mean, "second": m.second}
    return certificate_at(
        run, d, str(claim), Verdict.REFUTED, "symbolic trace", witness=x, technique=f"{answer.inequality} fails",
        inputs="all x", assumptions=assumed + answer.reading, estimate=value, bound=bound, details=details,
    )  # fmt: skip


def _at_witness(run: Run, d: int, x: Array) -> Moments | None:
    """The moments of a linear program at x, None where they are not enumerated."""
    diagonal = None if realised.stranger(run.subject) else diagonal_moments(run.subject.object, d)
    if diagonal is not None:
        mean = np.array([float(m) for m in diagonal[0]]) * x
        square = np.array([float(s) for s in diagonal[1]]) * x * x
        return Moments(x, mean, float(square.sum()), square - 2 * mean * x + x * x)
    try:
        return enumerating(run.subject, d, run.budget.paths)(x)
    except NotTraceable:
        return None


DRAW_ASSUMPTION = (
    "draw() has the inclusion probabilities that the object declares (audited on thousands of draws)"
)


def _verifier(run: Run, d: int) -> tuple[str, Any]:
    theirs = realised.stranger(run.subject)
    with noting() as readings:
        diagonal = None if theirs else diagonal_moments(run.subject.object, d)
    if diagonal is not None:
        return DECLARED, lambda claim: _verify_diagonal(claim, *diagonal, readings)
    limit, limits = min(run.budget.paths, 5_000), run.limits(run.budget.trace)
    try:
        if run.subject.size(d) > PROOF_SIZE:
            drawn = realised.drawn_moments(run.subject, d, limit, limits) if theirs else None
            if drawn is None:
                return _no_proof(run, d, theirs)
            mean, second, found = drawn
            return DRAWN, lambda c: _verify_diagonal(c, mean, second, dict(found))
        verify = linear.verifier(run.subject, d, limit, limits)
        if not theirs:
            return "symbolic trace", verify
        row = linear.verifier(realised.as_row(run.subject), d, limit, limits)
        return "symbolic trace", lambda claim: _weaker(verify(claim), row(claim))
    except Strange as reason:
        run.notes.append(f"no proof at d = {d}: {reason}")
        return "", None
    except Exception as problem:  # the program refuses symbols in its own way: not certified this way
        run.heard(d, problem)
        return _no_proof(run, d, theirs)


def _no_proof(run: Run, d: int, theirs: str) -> tuple[str, Any]:
    """Nothing is proved at d; of a user's sketch the report says why its declaration is not enough."""
    if theirs and isinstance(run.subject.object, DiagonalSketch):
        run.notes.append(f"no proof at d = {d}: {theirs}, so inclusion probabilities are only declared")
    return "", None


def _weaker(vector: Answer, row: Answer) -> Answer:
    """Of what a user's program proves on a vector and on a row of a batch, the less: refuted, open, proved."""
    return min(vector, row, key=lambda found: 2 if found.holds else found.witness is None)


CELLS = "laws on cells"
UNSETTLED = (Verdict.CONSISTENT, Verdict.INCONCLUSIVE)
DRAWN, DECLARED = "symbolic trace of the draw", "inclusion probabilities"


def diagonal_moments(thing: Any, d: int) -> tuple[list[Fraction], list[Fraction]] | None:
    """(E w_j, E w_j^2) of a diagonal sketch C(x) = w * x, from its inclusion probabilities; None for others."""
    if isinstance(thing, Scaled):
        inner = diagonal_moments(thing.compressor, d)
        if inner is None:
            return None
        f = simple(thing.scale(d))
        return [f * m for m in inner[0]], [f * f * s for s in inner[1]]
    if not isinstance(thing, DiagonalSketch):
        return None
    p = thing.inclusion(d)
    listed = [simple(q) for q in (p if np.ndim(p) else [p] * d)]
    return [Fraction(1)] * d, [1 / q for q in listed]


def _verify_diagonal(
    claim: Claim, mean: list[Fraction], second: list[Fraction], readings: dict[Fraction, Fraction]
) -> Answer:
    """All forms are diagonal, so the claim holds for all x exactly when it holds on every basis vector."""
    distinct = {(m, s): j for j, (m, s) in enumerate(zip(mean, second, strict=True))}
    answer = Answer(True)
    for (m, s), j in distinct.items():

        def slack(exact: Claim, m: Fraction = m, s: Fraction = s) -> list[tuple[str, Matrix]]:
            return [(g.name, [[simple(g.slack)]]) for g in exact.margins([Fraction(1)], [m], s)]

        answer = settle(claim, slack, 1 + s, bool(readings))
        if not answer.holds:
            basis = [Fraction(int(i == j)) for i in range(len(mean))]
            return answer._replace(witness=answer.witness and basis)
    return answer._replace(reading=(*noted("the object", readings.items()), *answer.reading))


def _oracle(run: Run, d: int) -> Oracle | None:
    """The exact oracle that this dimension affords, None when only sampling is left."""
    start = time.perf_counter()
    probe = np.random.default_rng(3).normal(size=run.subject.size(d))
    if run.subject.deterministic:
        oracle = enumerating(run.subject, d, 1)
        oracle.slack = run.granted
        run.stage(d, "oracle", start, "direct evaluation")
        return oracle
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
            reasons.append(run.heard(d, problem))
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
    _audit_support(run, d, oracle, probe)
    # the size is known to be affordable: other inputs may have more paths
    return enumerating(run.subject, d, paths, run.limits(run.budget.search))


def _factored(run: Run, d: int, probe: Array) -> Oracle:
    if run.subject.workers:
        raise NotTraceable("a fleet")
    return factored(run.subject, d, limits=run.limits(run.budget.search / 4))


def _audit_support(run: Run, d: int, oracle: Oracle, x: Array) -> None:
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
    for seed in range(traced.RUNS if len(law) <= 64 else 64):
        real = run.subject.program(x.copy(), np.random.default_rng([run.seed, seed]))
        real = np.asarray(real, dtype=np.float64) + 0.0
        if real.tobytes() not in index and not traced.is_among(real, outputs):
            raise Strange("a real run is not among the enumerated outputs")
        counts[index.get(real.tobytes(), np.abs(outputs - real).max(axis=1).argmin())] += 1
    if 1 < len(law) <= 64 and evalues.same_law(counts, np.array(list(law.values()))) > traced.LEVEL:
        raise Strange("real draws have another law than the enumerated ones")


def _audit_kernel(run: Run, d: int, oracle: Oracle | None) -> list[Certificate]:
    """Rows of a kernel or batch must have the reference's law and be independent: support, counts, pairs of rows."""
    strays = _stray_rows(run, d, oracle)
    if strays:
        return strays
    rows = run.subject.object.kernel if isinstance(run.subject.object, Compressor) else run.subject.batch
    if rows is None or oracle is None or oracle.law is None or run.subject.deterministic:
        return []
    start = time.perf_counter()
    x = np.linspace(0.37, 1.9, d) * np.where(np.arange(d) % 2 == 0, 1.0, -1.0)
    law: dict[bytes, float] = {}
    for leaf in oracle.law(x):
        out = (np.asarray(leaf.output, dtype=np.float64) + 0.0).tobytes()
        law[out] = law.get(out, 0.0) + float(leaf.probability)
    level = math.log(1 / run.alpha) + math.log(4)
    evidence, stray = statistics.rows_evidence(accountable(rows), x, law, run.seed)
    run.stage(d, "kernel law", start, f"log evidence {evidence:.3g}")
    if not (stray or evidence > level):
        return []
    said = "an output outside the reference's support" if stray else "another law than the reference's"
    return [
        certificate_at(run, d, ROWS, Verdict.REFUTED, "statistical", technique=said,
                     alpha=run.alpha / 4, trials=statistics.KERNEL_RUNS, witness=x, estimate=evidence, bound=level)
    ]  # fmt: skip


def _stray_rows(run: Run, d: int, oracle: Oracle | None) -> list[Certificate]:
    """A user's object in batches, blocks and single precision, at many inputs, against its reference."""
    if not realised.stranger(run.subject):
        return []
    start, law = time.perf_counter(), None if oracle is None else oracle.law
    try:
        breach, x = next(realised.row_breaches(run.subject, d, law), ("", None))
        if not breach and law is None:
            breach, x = realised.one_hot_breach(run.subject, d, run.alpha, run.seed)
    except Exception as problem:  # it runs on vectors, or it would not have come here
        breach, x = f"kernel() on rows raised {type(problem).__name__}: {str(problem)[:100]}", None
    run.stage(d, "rows against the reference", start, breach or "as the reference")
    if not breach:
        return []
    return [
        certificate_at(
            run, d, ROWS, Verdict.REFUTED, "contract", technique=breach, witness=x, details={"says": breach}
        )
    ]


def _search(run: Run, d: int, claims: list[Claim], oracle: Oracle) -> list[Certificate]:
    """The adversary on an exact oracle; violations are shrunk to the smallest witness found."""
    start = time.perf_counter()
    allowance = run.allowance(f"the search at d = {d}", run.budget.search)
    search = Search(oracle, claims, run.subject.size(d), allowance, run.domain)
    thing = run.subject.object
    known = list(thing.worst_inputs(d)) if isinstance(thing, Compressor) else []
    known += grid_points(run.subject.size(d), run.arithmetic.grid)
    search.run(known, run.seed, stop_early=True)
    if search.broken is not None:
        raise NotFinite(search.broken)
    if not search.points:  # no input could be followed: then sampling has to do
        run.stage(d, "adversary", start, f"no input could be followed, {oracle.technique}")
        return _sampled(run, d, claims)
    run.stage(d, "adversary", start, f"{search.points} inputs, {oracle.technique}")
    out = []
    for index, claim in enumerate(claims):
        bad, best = search.any_violation(index), search.tightness(index)
        if bad is not None:
            out.append(_refuted(run, d, claim, oracle, bad))
        else:
            out.append(_consistent(run, d, claim, oracle, best, search.points))
    return out


def _sampled(run: Run, d: int, claims: list[Claim]) -> list[Certificate]:
    """What no oracle covers: exactly refuted at inputs of one or two entries where the program selects, or sampled."""
    found = _selected(run, d, claims)
    rest = [claim for i, claim in enumerate(claims) if i not in found]
    sampled = iter(statistics.settle(run, d, rest) if rest else [])
    return [found[i] if i in found else next(sampled) for i in range(len(claims))]


def _selected(run: Run, d: int, claims: list[Claim]) -> dict[int, Certificate]:
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
        said = f"{search.points} inputs"
    except Exception as problem:  # the program refuses to be steered in its own way
        said = run.heard(d, problem)
    run.stage(d, "selections", start, said)
    worst = {i: search.any_violation(i) for i in range(len(claims))}
    return {
        i: _refuted(run, d, claims[i], oracle, bad)
        for i, bad in worst.items()
        if bad is not None and _stands(run, d, bad.x)
    }


def _stands(run: Run, d: int, x: Array) -> bool:
    """True where a refutation by classes of draws holds wherever the places of zero entries are."""
    try:
        holds: bool = selection.places_do_not_matter(run.subject, x, d)
    except Exception as problem:  # the program refuses to be steered in its own way
        run.heard(d, problem)
        return False
    if not holds:
        run.notes.append(f"d = {d}: the places drawn of zero entries matter, so that selections are sampled")
    return holds


def readable(value: float) -> Any:
    """A float as a small Fraction when it is one to 1e-11, else the float; what is small is not read as nothing."""
    near = Fraction(value).limit_denominator(5000)
    close = abs(float(near) - value) <= 1e-11 * max(1.0, abs(value))
    return near if close and (near != 0 or abs(value) < 1e-30) else value


def per_norm(margin: Margin, m: Moments, claim: Claim) -> tuple[Any, Any]:
    """value and bound divided by ||x||^2 (by nothing for absolute claims), as small Fractions where they are."""
    norm = float(np.dot(m.x, m.x)) if claim.relative else 1.0
    return readable(float(margin.value) / norm), readable(float(margin.bound) / norm)


def _granted(margin: Margin, m: Moments, claim: Claim) -> str:
    """What the bound is with the rounding that the arithmetic is granted."""
    if not m.slack:
        return ""
    xx = float(np.dot(m.x, m.x))
    most = limit(margin.name, float(margin.bound), m.slack, m.second, xx) / (xx if claim.relative else 1.0)
    return f" ({most:.6g} with the rounding granted)"


def _refuted(run: Run, d: int, claim: Claim, oracle: Oracle, bad: Worst) -> Certificate:
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
    unit = " ||x||^2" if claim.relative else ""
    return certificate_at(
        run, d, str(claim), Verdict.REFUTED, "exact counterexample", estimate=value, bound=bound, witness=x,
        trials=oracle.calls, technique=oracle.technique, assumptions=oracle.assumptions,
        details={
            "inequality": margin.name,
            "says": f"{margin.name} = {value}{unit}, allowed {bound}{unit}{_granted(margin, m, claim)}",
            "mean": m.mean,
            "second": m.second,
            "worst_ratio": bad.ratio,
            "worst_x": bad.x,
        },
    )  # fmt: skip


def _consistent(
    run: Run, d: int, claim: Claim, oracle: Oracle, best: Worst | None, points: int
) -> Certificate:
    tightness = best.ratio if best is not None else 1.0
    m = oracle(best.x) if best is not None else None
    value, bound = per_norm(best.margin, m, claim) if best is not None and m is not None else (None, None)
    details = {**_sharp(claim), "tightness": tightness}
    if claim.sharpness is Sharpness.TIGHT and tightness < 0.99:
        details["note"] = "declared tight, but no input within 1 % of the constant was found"
    return certificate_at(
        run, d, str(claim), Verdict.CONSISTENT, "exact at listed inputs", estimate=value, bound=bound,
        witness=None if best is None else best.x, trials=points, technique=oracle.technique,
        assumptions=oracle.assumptions, details=details,
    )  # fmt: skip
