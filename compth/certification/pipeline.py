"""certify: contract, exact proof, exact oracle with an adversary, and only then statistics; bits at the end.

What is done at one dimension is the list `STAGES`; here are the call, its dimensions and forms, and what a failure of
the program, or of the referee, means.

Stages see one dimension and one form; what they share (error level, notes, budget) is the `Run`. A failure of the
program is a verdict about it, one of the machine or the package never is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from compth._door import at_the_door, real, text
from compth._earned import made
from compth._rng import check_seed
from compth._types import Array
from compth.certificates import Certificate, Report, Verdict
from compth.certification import contract, realised
from compth.certification.arithmetic import FLOAT64, FORMATS, Arithmetic, declared
from compth.certification.beside import of_program
from compth.certification.oracle import NotFinite
from compth.certification.run import BUDGETS, Run, certificate_at
from compth.certification.stages.audits import bits_suffice, draws_as_declared, rows_as_the_reference
from compth.certification.stages.case import Case, Stage
from compth.certification.stages.contracts import breach, keeps_its_contract
from compth.certification.stages.on_cells import proved_on_cells
from compth.certification.stages.proofs import proofs_stand, proved_for_all_inputs
from compth.certification.stages.search import searched, stated_again
from compth.certification.subject import (
    CallTooLong,
    Subject,
    as_subject,
    declared_claims,
    dimensions,
    joint_workers,
    meant,
)
from compth.claims import Claim
from compth.compressors import Compressor, Fleet
from compth.errors import InvalidParameter


@at_the_door(alpha=real, budget=text)
def certify(
    C: object,
    d: object = None,
    *,
    claims: object = None,
    alpha: float = 1e-9,
    budget: str = "normal",
    seed: int = 0,
    n: int | None = None,
    magnitudes: tuple[float | None, float | None] = (None, None),
    params: Mapping[str, object] | None = None,
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
    # One alpha for the call: dimensions share it equally, forms and stages of each share its part again
    # (`_in_all_forms`), inequalities and inputs that of a stage.
    run = Run(subject, BUDGETS[budget], alpha / max(1, len(dims)), check_seed(seed), domain, used)
    certificates: list[Certificate] = []
    for at, value in enumerate(dims):
        meaning, skipped = meant(makers, value)
        run.notes += skipped
        if skipped and not meaning:
            continue
        certificates += _accounted(run, value, meaning)
        # One counterexample settles the call, and the smallest dimension has the simplest.
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
    return made(Report(subject.name, tuple(certificates), info))


def arithmetic_of(subject: Subject, dims: list[int], name: str | None) -> Arithmetic:
    """The arithmetic of that name, else the one that the program shows at one of the dimensions."""
    if name is not None:
        return declared(name)
    if not dims:
        return FLOAT64
    # The arithmetic is a property of the code and not of d; probes at a moderate size see it and cost little.
    d = max((v for v in dims if v <= 64), default=min(dims))
    try:
        name, origin, grid = contract.computes_in(subject, subject.size(d))
    except Exception as problem:
        if not (of_program(problem) or isinstance(problem, CallTooLong)):
            raise
        return FLOAT64  # its process ended: the contract stage says so
    return replace(FORMATS[name], origin=origin, grid=grid or None)


def _domain(used: Arithmetic, given: tuple[float | None, float | None]) -> tuple[float, float]:
    """The magnitudes of the call: those given, else the arithmetic's. Raises InvalidParameter."""
    least, largest = (own if v is None else v for v, own in zip(given, used.domain, strict=True))
    if not 0 < least <= largest:
        raise InvalidParameter(f"magnitudes={(least, largest)} must be 0 < least <= largest")
    return least, largest


def _rounding(used: Arithmetic) -> str:
    """The report's line about rounding that is not checked."""
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
    found = breach(run, d, what, _input_of(problem))
    return replace(found, details={**found.details, "seeds": SEEDS})


SEEDS = 20_000
"""Seeds with which a script looks for a call that fails."""


def _input_of(problem: Exception) -> Array | None:
    """The vector at which a call failed, where it is known."""
    x = getattr(problem, "compth_input", None)
    return x if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.ndim == 1 else None


def _in_all_forms(run: Run, d: int, claims: list[Claim]) -> list[Certificate]:
    """The object as its reference states it and, where the code is a user's, in every other form that runs."""
    forms = realised.forms(run.subject)
    # A union bound over every test that may be made, whether it is or not. Of each claim the worse verdict of
    # all forms stands: a claim about a compressor speaks of whatever runs.
    run = replace(run, alpha=run.alpha / ((1 + len(forms)) * _tests(run.subject)))
    found = _dimension(run, d, claims)
    for form in forms:
        found = realised.worse(found, _dimension(replace(run, subject=form), d, claims))
    return found


def _tests(subject: Subject) -> int:
    """Stages of one form that spend the level: samples; for what has rows or draws, audits of these two as well."""
    return 1 if subject.batch is None and not isinstance(subject.object, Compressor | Fleet) else 3


STAGES: tuple[Stage, ...] = (
    keeps_its_contract,
    proved_for_all_inputs,
    draws_as_declared,
    searched,
    rows_as_the_reference,
    proofs_stand,
    proved_on_cells,
    stated_again,
    bits_suffice,
)
"""What happens to one dimension, in order; a stage that closes the case is the last one."""


def _dimension(run: Run, d: int, claims: list[Claim]) -> list[Certificate]:
    """The certificates of one form at one dimension."""
    case = Case(run, d, claims)
    for stage in STAGES:
        case = stage(case)
        if case.closed:
            break
    return case.certificates
