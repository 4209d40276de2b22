"""The contract comes first: a program that breaks it has no constants to speak of; then the rounding granted.

Only a misuse that has an obvious remedy (torch in, numpy out) is an error for the user; all else is a verdict.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from compth.certificates import Certificate, Verdict
from compth.certification import contract
from compth.certification.adapting import remedies
from compth.certification.run import Run, certificate_at
from compth.certification.stages.case import Case
from compth.claims import Claim
from compth.errors import UnusableInput

if TYPE_CHECKING:
    from compth._types import Array


def keeps_its_contract(case: Case) -> Case:
    """Closed by a breach, and where there is no claim to look at.

    The rounding that the program's arithmetic is granted at this d is fixed here, once, for all stages after it.
    """
    run, d, start = case.run, case.d, time.perf_counter()
    broken = next(contract.breaches(run.subject, d, case.claims, run.domain), None)
    run.stage(d, "contract", start, broken[0] if broken else "kept")
    said = remedies.remembered(run.subject, d)
    run.notes += [said] if said and said not in run.notes else []
    if broken is not None:
        # A program written for torch, for rows or for layers is no wrong compressor: the user is told how to
        # hand it over.
        hint = remedies.remedy(run.subject, d) if broken[0].startswith(("raised", "returned")) else ""
        if hint:
            raise UnusableInput(f"{run.subject.name} {hint}")
        return case.ended(explained(run, d, breach(run, d, *broken)))
    if not case.claims:
        exact = "exact at listed inputs"
        return case.ended(certificate_at(run, d, "contract", Verdict.CONSISTENT, exact, technique="contract"))
    return replace(case, run=replace(run, slack=granted_at(run, d, case.claims)))


HIDDEN = ("drew from", "gave two results", "kept state")
"""Breaches by what a call does not show: they have causes."""


def explained(run: Run, d: int, found: Certificate) -> Certificate:
    """A breach with its cause, and the adapter with which the program is judged all the same, where one was found."""
    if not found.technique.startswith(HIDDEN):
        return found
    cause, remedy = remedies.cause(run.subject, d, found.technique)
    more = {k: v for k, v in (("cause", cause), ("remedy", remedy)) if v}
    return replace(found, details={**found.details, **more})


def breach(run: Run, d: int, problem: str, x: Array | None) -> Certificate:
    """The refutation of a program that breaks its contract at x."""
    return certificate_at(run, d, "contract", Verdict.REFUTED, "contract", witness=x, technique=problem, trials=1,
                        details={"breach": problem})  # fmt: skip


def granted_at(run: Run, d: int, claims: list[Claim]) -> float:
    """The rounding granted at d: none where a claim speaks of errors of that size."""
    if run.arithmetic.judges(claims, d):
        return run.arithmetic.slack(d)
    run.notes.append(f"at d = {d} the claim is about rounding in {run.arithmetic.name}: none is granted")
    return 0.0
