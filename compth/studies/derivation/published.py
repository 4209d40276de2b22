"""What the catalogue's theorems promise at a cell's constants, each at its own step, beside what was derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from compth._numbers import Number
from compth.errors import CompthError
from compth.methods.core.method import Method
from compth.worst_case.bodies import constants_of


@dataclass(frozen=True)
class Promise:
    """rho: the least factor a round that a theorem of the method promises, in the theorem's own metric."""

    theorem: str
    source: str
    rho: float

    def against(self, certified: Number) -> float:
        """How many times as many rounds the theorem promises as a certified factor does.

        -log of the factors compared: rounds for one accuracy are inversely proportional to it. The metrics differ,
        which changes a constant and not the ratio in the long run.
        """
        return log(float(certified)) / log(self.rho)


def promised(kind: object, constants: Mapping[str, Number]) -> Promise | None:
    """The best of the method's theorems on the class of a cell; None where none is linear without a floor there."""
    known = kind.theorems() if isinstance(kind, type) and issubclass(kind, Method) else ()
    held = {k: v for k, v in constants.items() if k in ("delta", "omega")}
    c = constants_of(constants["mu"], constants["L"], int(constants["n"]), **held)
    found = []
    for theorem in known:
        if theorem.why_not(c):
            continue
        try:
            plan = theorem.plan(c)
        except CompthError:
            continue
        # Only linear rates to the minimiser can be set beside a derived
        # factor: a floor or a schedule is another promise.
        if plan.rho is not None and not plan.floor and plan.schedule is None and 0 < plan.rho < 1:
            found.append(Promise(theorem.id, str(theorem.source), float(plan.rho)))
    return min(found, key=lambda p: p.rho, default=None)


__all__ = ["Promise", "promised"]
