"""One dimension of a call while its stages look at it, and the words that several of them use.

A Case is a value: a stage returns a changed copy, so that what a stage knew is what the one before it said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from compth._own import altered
from compth.certificates import Certificate, Verdict
from compth.certification.oracle import Moments, Oracle
from compth.certification.run import Run
from compth.claims import Claim, Margin, strange_claim

if TYPE_CHECKING:
    from compth._numbers import Number
    from compth._types import Array


UNSETTLED = (Verdict.CONSISTENT, Verdict.INCONCLUSIVE)
EXACT = "exact arithmetic on the program as written: its rounding is outside"


@dataclass(frozen=True)
class Case:
    """The claims of a subject at dimension d, and what its stages found.

    proofs: what holds or fails for all x, None where neither is proved; found: what stands for each claim once it was
    searched; before, after: certificates of no single claim, in the order of the report; oracle: the exact law, None
    where only sampling is left; closed: nothing more is looked at.
    """

    run: Run
    d: int
    claims: list[Claim]
    proofs: list[Certificate | None] = field(default_factory=list)
    found: list[Certificate] = field(default_factory=list)
    before: tuple[Certificate, ...] = ()
    after: tuple[Certificate, ...] = ()
    oracle: Oracle | None = None
    closed: bool = False

    @property
    def certificates(self) -> list[Certificate]:
        """All of them."""
        return [*self.before, *self.found, *self.after]

    def ended(self, certificate: Certificate) -> Case:
        """Closed, with this certificate alone."""
        return replace(self, before=(certificate,), found=[], after=(), closed=True)


Stage = Callable[[Case], Case]


def sharp(claim: Claim) -> dict[str, object]:
    """What every certificate of a claim says of it."""
    return {"sharpness": claim.sharpness.value, "constants": {k: str(v) for k, v in claim.constants.items()}}


def of_somebodys_making(run: Run, d: int, claim: Claim) -> bool:
    """True for a claim that is not the package's, which is tried and never proved; the report says so.

    A claim of a class of others, or with constants that calculate in their own way, has inequalities that no proof of
    the package speaks of.
    """
    strange = altered() or strange_claim(claim)
    note = f"no proof of {type(claim).__name__} at d = {d}: {strange}"
    if strange and note not in run.notes:
        run.notes.append(note)
    return bool(strange)


def readable(value: float) -> Number:
    """A float as a small Fraction when it is one to 1e-11, else the float; what is small is not read as nothing."""
    # 0.3333333333333333 is shown as 1/3: moments of compressors are ratios of small integers, and a float
    # near one to 1e-11 is that one. This is for reading only; proofs never go through it.
    near = Fraction(value).limit_denominator(5000)
    close = abs(float(near) - value) <= 1e-11 * max(1.0, abs(value))
    return near if close and (near != 0 or abs(value) < 1e-30) else value


def unit_of(claim: Claim, x: Array) -> tuple[float, str]:
    """What the claim's constant multiplies at x, and how that is written; 1 and "" for absolute claims."""
    size, words = claim.unit(x)
    return float(size), words


def per_norm(margin: Margin, m: Moments, claim: Claim) -> tuple[object, object]:
    """value and bound divided by the claim's unit, as small Fractions where they are.

    The numbers of a report are then the claim's own constants: omega and not omega ||x||^2.
    """
    norm, _ = unit_of(claim, m.x)
    return readable(float(margin.value) / norm), readable(float(margin.bound) / norm)
