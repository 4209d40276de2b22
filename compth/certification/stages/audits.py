"""Is the code that runs the object that was judged? Its draws, its rows, its kernels; and its bits.

Audits look for ways in which what was judged is not what users run. They refute or stay silent: an audit that finds
nothing adds no certificate.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from compth.certificates import Certificate, Verdict
from compth.certification import lengths, realised, statistics
from compth.certification.beside import accountable
from compth.certification.oracle import Oracle
from compth.certification.run import Run, certificate_at
from compth.certification.stages.case import Case
from compth.claims import Claim
from compth.compressors import Compressor, DiagonalSketch
from compth.compressors.core.uncertainty import uncertainty_margins

ROWS = "rows have the reference's law and are independent"


def draws_as_declared(case: Case) -> Case:
    """Closed where a sketch draws otherwise than it declares.

    Proofs from inclusion probabilities rest on what is declared; here the draw itself is counted.
    """
    wrong = wrong_inclusion(case.run, case.d)
    return case if wrong is None else case.ended(wrong)


def rows_as_the_reference(case: Case) -> Case:
    """Kernels and batches against the reference.

    Simulations compress all workers and replicates in one call; the proofs speak of single vectors.
    """
    return replace(case, before=tuple(rows_audited(case.run, case.d, case.oracle)))


def bits_suffice(case: Case) -> Case:
    """Claims that stand, against the bits that the object declares.

    The uncertainty principle bounds constant and bits together, so a claim may be right and impossible in so few bits.
    """
    pairs = zip(case.claims, case.found, strict=True)
    left = [claim for claim, found in pairs if found.verdict is not Verdict.REFUTED]
    return replace(case, after=(*impossible(case.run, case.d, left), *short_messages(case.run, case.d)))


def short_messages(run: Run, d: int) -> list[Certificate]:
    """A function's declared bits, refuted where its messages are longer, or more than so many bits tell apart."""
    if run.subject.bits is None:
        return []
    start = time.perf_counter()
    found, remark = lengths.too_short(run.subject, d, run.domain)
    run.notes += [f"bits at d = {d}: {remark}"] if remark else []
    run.stage(d, "bits of messages", start, found.says if found else "enough")
    if found is None:
        return []
    return [
        certificate_at(
            run, d, "bits of a message", Verdict.REFUTED, "exact counterexample", technique="lengths of messages",
            estimate=found.value, bound=found.bound, witness=found.x, details={"says": found.says},
        )
    ]  # fmt: skip


def wrong_inclusion(run: Run, d: int) -> Certificate | None:
    """A sketch that does not draw with its declared probabilities is refuted: many draws, and a user's traced.

    The draw never sees x, so this needs no input: frequencies of thousands of draws for every sketch, and where a
    user's can be traced, its exact inclusion probabilities at small dimensions.
    """
    start = time.perf_counter()
    if not (isinstance(run.subject.object, DiagonalSketch) or realised.stranger(run.subject)):
        return None
    budget = run.budget
    for stage, said, breach, evidence in realised.draw_findings(
        run.subject, d, run.alpha, run.seed, budget.paths, run.limits(budget.trace)
    ):
        run.stage(d, stage, start, said)
        if breach:
            return _draw_refuted(run, d, breach, evidence, run.alpha if evidence == "statistical" else 0.0)
    return None


def _draw_refuted(run: Run, d: int, breach: str, evidence: str, alpha: float) -> Certificate:
    """The refutation of a sketch's declaration; the input is of no account, since draws never see it."""
    return certificate_at(
        run, d, "draws have the declared inclusion probabilities", Verdict.REFUTED, evidence, technique=breach,
        alpha=alpha, witness=np.ones(d), details={"says": breach},
    )  # fmt: skip


def rows_audited(run: Run, d: int, oracle: Oracle | None) -> list[Certificate]:
    """Rows of a kernel or batch must have the reference's law and be independent: support, counts, pairs of rows.

    Of a random object with a law that is enumerated: every row must be an outcome of it, the counts of outcomes must
    fit it, and neighbouring rows its product. Deterministic objects were compared output by output in `stray_rows`.
    """
    # A stray output needs no statistics, so it is looked for first.
    strays = stray_rows(run, d, oracle)
    if strays:
        return strays
    rows = run.subject.object.kernel if isinstance(run.subject.object, Compressor) else run.subject.batch
    if rows is None or oracle is None or oracle.law is None or run.subject.deterministic:
        return []
    start = time.perf_counter()
    # All magnitudes differ and signs alternate: outputs of different draws are then different, and the law
    # has no ties.
    x = np.linspace(0.37, 1.9, d) * np.where(np.arange(d) % 2 == 0, 1.0, -1.0)
    law: dict[bytes, float] = {}
    for leaf in oracle.law(x):
        out = (np.asarray(leaf.output, dtype=np.float64) + 0.0).tobytes()
        law[out] = law.get(out, 0.0) + float(leaf.probability)
    # A quarter of the level, for the larger of two e-values: of rows against the law, of neighbouring pairs
    # against its square.
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


def stray_rows(run: Run, d: int, oracle: Oracle | None) -> list[Certificate]:
    """A user's object in batches, blocks and single precision, at many inputs, against its reference."""
    if not realised.stranger(run.subject):
        return []
    # Where the law is enumerated every row has to be one of its outcomes; where it is not, at least the
    # chance of keeping an entry has to agree between kernel and reference.
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


def impossible(run: Run, d: int, claims: list[Claim]) -> list[Certificate]:
    """Claims that no code of the declared fixed length can satisfy: claim and bits together are refuted.

    alpha 4^(b/d) >= 1 for every fixed-length code of b bits (`calculus.uncertainty_margin`), whatever the code does.
    """
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
        # The margin is alpha 4^(b/d) - 1: how far the declaration is from possible.
        pair, value = f"{claim} in {float(bits):g} bits", margin + 1
        says = (
            f"uncertainty principle: alpha 4^(bits/d) = {value:.4g} < 1, "
            f"no code of {float(bits):g} bits has this constant at d = {d}"
        )
        out.append(
            certificate_at(run, d, pair, Verdict.REFUTED, "uncertainty principle", inputs="the unit ball",
                           estimate=value, bound=1, technique="counting outputs", details={"says": says})
        )  # fmt: skip
    return out
