"""One call of certify: its limits, its settings, its log, and how a certificate of it is written.

Budgets are counted work: changing a number here changes which verdicts are reached, and pinned reports with it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack, cast

from compth._numbers import Number
from compth._types import Array, Json
from compth.certificates import Certificate, Verdict
from compth.certification.allowance import BITTEN, Allowance, Limits
from compth.certification.arithmetic import FLOAT64, Arithmetic
from compth.certification.points import DOMAIN
from compth.certification.subject import Subject
from compth.claims import Claim


@dataclass(frozen=True)
class Budget:
    """Limits of one dimension, in counted work (`allowance`): the same certificates however fast the machine is.

    paths: of one input. trace: work to enumerate symbolically. search: work of the adversary. samples: runs that are
    sampled, and elements: their numbers in all. seconds: cap on the processor time of a stage, named where it bites.
    """

    paths: int
    trace: float
    search: float
    samples: int
    elements: float
    seconds: float

    def audit(self) -> Budget:
        """A short look at a program whose claims are proved."""
        return replace(self, search=min(0.5e6, self.search), samples=min(5_000, self.samples))


BUDGETS = {
    "quick": Budget(3_000, 0.5e6, 0.4e6, 5_000, 1e8, 10.0),
    "normal": Budget(20_000, 2e6, 1.5e6, 40_000, 8e8, 30.0),
    "thorough": Budget(200_000, 2e7, 2e7, 400_000, 8e9, 200.0),
}


@dataclass
class Run:
    """Settings and log of one call; slack: the rounding granted at the present dimension, at most.

    notes: what the report says was not checked. void: (d, reason) where a trace was seen not to be the program.
    close: (d, claim) that holds or fails within the rounding of its constants, as is known exactly.
    """

    subject: Subject
    budget: Budget
    alpha: float
    seed: int
    domain: tuple[float, float] = DOMAIN
    arithmetic: Arithmetic = FLOAT64
    slack: float = 0.0
    stages: list[dict[str, object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    void: list[tuple[int, str]] = field(default_factory=list)
    close: list[tuple[int, Claim]] = field(default_factory=list)

    def granted(self, x: Array) -> float:
        """The rounding granted at x."""
        return self.arithmetic.slack(len(x), x) if self.slack else 0.0

    def allowance(self, what: str, work: float = math.inf) -> Allowance:
        """An allowance of so much work; the cap on processor time is noted where it bites."""
        return Allowance(work, self.budget.seconds, what, self.notes)

    def limits(self, work: float) -> Limits:
        """The same for what runs beside the program."""
        return work, self.budget.seconds

    def not_followed(self, d: int, problem: Exception) -> str:
        """Why something was not traced, in short; a cap that bit is noted."""
        if BITTEN in str(problem):
            self.notes.append(f"d = {d}: {problem}")
        return f"{type(problem).__name__}: {str(problem)[:80]}"

    def stage(self, d: int, name: str, start: float, what: str = "") -> None:
        """Record what a stage cost."""
        self.stages.append(
            {"d": d, "stage": name, "seconds": round(time.perf_counter() - start, 4), "result": what}
        )


class Fields(TypedDict, total=False):
    """Fields of a certificate that a stage may fill in."""

    estimate: Number
    bound: Number
    alpha: float
    trials: int
    witness: object
    technique: str
    assumptions: tuple[str, ...]
    details: Json


def certificate_at(
    run: Run,
    d: int,
    claim: str,
    verdict: Verdict,
    evidence: str,
    *,
    inputs: str = "listed inputs",
    **more: Unpack[Fields],
) -> Certificate:
    """A certificate of this call at d; the rounding that was granted is among its details.

    inputs: those that its verdict speaks of, in words.
    """
    scope: Json = {"d": d, "inputs": inputs}
    if run.subject.workers:
        scope["n"] = run.subject.workers
    # A certificate says how much rounding it granted: at its witness where there is one, else at most.
    if run.slack:
        at = more.get("witness")
        more["details"] = {
            **more.get("details", {}),
            "slack": run.slack if at is None else run.granted(cast("Array", at)),
        }
    return Certificate(run.subject.name, claim, verdict, evidence, seed=run.seed, scope=scope, **more)
