"""Proofs for all x: a program that is linear on every path, from its trace or its inclusion probabilities.

Two routes end in the same exact decision (`constants.settle`): matrices of Fractions from a symbolic trace, or diagonal
moments. The second is believed of the package's own sketches alone.
"""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction

import numpy as np

from compth._types import Array, Json
from compth.certificates import Certificate, Verdict
from compth.certification import linear, realised, traced
from compth.certification.constants import Answer, Matrix, by_formula, noted, settle
from compth.certification.linear import Verifier
from compth.certification.oracle import Moments, enumerating, margins_of
from compth.certification.readings import noting, simple
from compth.certification.run import Run, certificate_at
from compth.certification.stages.case import EXACT, Case, of_somebodys_making, per_norm, sharp, unit_of
from compth.certification.tracer import NotTraceable, Strange
from compth.claims import Claim
from compth.compressors import DiagonalSketch
from compth.compressors.combinators import Scaled

PROOF_SIZE = 14
"""Largest input length for which the symbolic certificate is tried."""
DRAWN, DECLARED = "symbolic trace of the draw", "inclusion probabilities"
DRAW_ASSUMPTION = (
    "draw() has the inclusion probabilities that the object declares (audited on thousands of draws)"
)


def proved_for_all_inputs(case: Case) -> Case:
    """What is proved or refuted for all x; where all is proved, what is left is to see that the program is that.

    The search still runs, on a smaller budget: a proof that the search contradicts is a bug, and must show.
    """
    run, proofs = case.run, proofs_of(case.run, case.d, case.claims)
    if all(p is not None and p.verdict is Verdict.PROVED for p in proofs):
        run = replace(run, budget=run.budget.audit())
    return replace(case, run=run, proofs=proofs)


def proofs_stand(case: Case) -> Case:
    """A proof settles its claim unless the search contradicts it, or the trace was seen not to be the program."""
    proofs = standing(case.run, case.d, case.proofs)
    return replace(case, found=[merged(p, s) for p, s in zip(proofs, case.found, strict=True)])


def standing(run: Run, d: int, proofs: list[Certificate | None]) -> list[Certificate | None]:
    """A trace that is not the program, wherever that is seen, voids what was proved by tracing."""
    # A trace that was seen not to be the program at any stage proves nothing at this d; the package's
    # declared inclusion probabilities do not rest on a trace, and stay.
    says = next((says for at, says in run.void if at == d), None)
    if says is None:
        return proofs
    run.notes.append(f"no proof at d = {d}: {says}")
    return [p if p is None or p.technique == DECLARED else None for p in proofs]


def merged(proof: Certificate | None, found: Certificate) -> Certificate:
    """A proof settles the claim, unless the search contradicts it: then the refutation stands, an exact one first."""
    if proof is not None and proof.verdict is Verdict.REFUTED and found.evidence == "statistical":
        return proof
    if proof is None or found.verdict is Verdict.REFUTED:
        return found
    return proof


def proofs_of(run: Run, d: int, claims: list[Claim]) -> list[Certificate | None]:
    """PROVED or REFUTED certificates for all x where the program is linear on every path."""
    start = time.perf_counter()
    technique, verify = verifier_of(run, d)
    assumed = (EXACT, DRAW_ASSUMPTION) if technique == DECLARED else (EXACT, *traced.ASSUMPTIONS)
    out: list[Certificate | None] = []
    for claim in claims:
        if verify is None or not (claim.relative and claim.quadratic) or of_somebodys_making(run, d, claim):
            out.append(None)
            continue
        # Three outcomes: it holds for all x, it fails at a vector beyond rounding, or float constants leave
        # it open, which the report says with the remedy.
        answer = _answered(run, d, claim, verify)
        if answer.holds:
            out.append(
                certificate_at(run, d, str(claim), Verdict.PROVED, technique, inputs="all x", technique=technique,
                             assumptions=assumed + answer.reading, details=sharp(claim))
            )  # fmt: skip
        elif answer.witness is not None:
            out.append(_linear_refutation(run, d, claim, answer, assumed))
        else:
            out.append(None)
            run.close.append((d, claim))
            run.notes.append(
                f"no proof of {claim} at d = {d}: it holds or fails within the rounding of float constants; give "
                "them as expressions or Fractions"
            )
    run.stage(d, "exact proof", start, technique if verify else "not linear on every path")
    return out


def _answered(run: Run, d: int, claim: Claim, verify: Verifier) -> Answer:
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


def _linear_refutation(
    run: Run, d: int, claim: Claim, answer: Answer, assumed: tuple[str, ...]
) -> Certificate:
    """The refutation at the vector on which the slack form is negative, with what the program gives there."""
    witness = answer.witness or []
    x = np.array([float(v) for v in witness])
    details: Json = {"inequality": answer.inequality, "exact_witness": [str(v) for v in witness]}
    m = _at_witness(run, d, x)
    # The failing vector is exact; its moments are evaluated once more in floats, so that the report shows the
    # program's own numbers beside the constant.
    margin = m and next((g for g in margins_of(claim, m) if g.name == answer.inequality), None)
    value = bound = None
    if m and margin:
        value, bound = per_norm(margin, m, claim)
        _, unit = unit_of(claim, m.x)
        details["says"] = f"{answer.inequality} = {value}{unit}, allowed {bound}{unit}"
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


def verifier_of(run: Run, d: int) -> tuple[str, Verifier | None]:
    """(how, a function that decides a claim for all x), "" and None where nothing proves at this d.

    A diagonal sketch of the package has its declared inclusion probabilities; anything else is traced on symbols, or
    where x is too long for that, a user's sketch has its draw traced, which never sees x.
    """
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
        # A user's object runs on vectors and on batches; what is proved of one form is proved of the object
        # only where the other has the proof, too.
        row_form = realised.as_row(run.subject)
        if not theirs or row_form is run.subject:
            return "symbolic trace", verify
        row = linear.verifier(row_form, d, limit, limits)
        return "symbolic trace", lambda claim: _weaker(verify(claim), row(claim))
    except Strange as reason:
        run.notes.append(f"no proof at d = {d}: {reason}")
        return "", None
    except Exception as problem:  # the program refuses symbols in its own way: not certified this way
        run.not_followed(d, problem)
        return _no_proof(run, d, theirs)


def _no_proof(run: Run, d: int, theirs: str) -> tuple[str, None]:
    """Nothing is proved at d; of a user's sketch the report says why its declaration is not enough."""
    if theirs and isinstance(run.subject.object, DiagonalSketch):
        run.notes.append(f"no proof at d = {d}: {theirs}, so inclusion probabilities are only declared")
    return "", None


def _weaker(vector: Answer, row: Answer) -> Answer:
    """Of what a user's program proves on a vector and on a row of a batch, the less: refuted, open, proved."""
    return min(vector, row, key=lambda found: 2 if found.holds else found.witness is None)


def diagonal_moments(thing: object, d: int) -> tuple[list[Fraction], list[Fraction]] | None:
    """(E w_j, E w_j^2) of a diagonal sketch C(x) = w * x, from its inclusion probabilities; None for others."""
    if isinstance(thing, Scaled):
        inner = diagonal_moments(thing.compressor, d)
        if inner is None:
            return None
        # f w has the moments f E w and f^2 E w^2.
        f = simple(thing.scale(d))
        return [f * m for m in inner[0]], [f * f * s for s in inner[1]]
    if not isinstance(thing, DiagonalSketch):
        return None
    p = thing.inclusion(d)
    # w_j is 1/p_j with chance p_j and else 0: E w_j = 1, E w_j^2 = 1/p_j.
    listed = [simple(q) for q in (p if np.ndim(p) else [p] * d)]
    return [Fraction(1)] * d, [1 / q for q in listed]


def _verify_diagonal(
    claim: Claim, mean: list[Fraction], second: list[Fraction], readings: dict[Fraction, Fraction]
) -> Answer:
    """All forms are diagonal, so the claim holds for all x exactly when it holds on every basis vector."""
    # C(x) = w * x: every inequality is sum_j q_j x_j^2 with q_j of (E w_j, E w_j^2) alone, so it holds for
    # all x exactly when it holds at each e_j, and equal pairs need one look.
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
