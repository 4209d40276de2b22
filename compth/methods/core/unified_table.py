"""The unified theory's table: every row of the catalogue with its parameters, M, step and rate as formulas."""

from __future__ import annotations

from dataclasses import dataclass, fields

import sympy

from compth._earned import Computed, all_made
from compth._numbers import Number
from compth._shown import Shown
from compth.methods.core.symbols import row_constants
from compth.methods.core.unified import Parameters, UnifiedTheorem


@dataclass(frozen=True)
class UnifiedRow(Computed, Shown):
    """A row: its name, theorem and method, the parameters, and M, 1/step and the factors of the rate at that step."""

    row: str
    theorem: str
    method: str
    parameters: Parameters
    M: Number
    step: Number
    factors: tuple[Number, ...]

    def cells(self) -> dict[str, str]:
        """The row as text."""
        numbers = {f.name: str(sympy.factor(getattr(self.parameters, f.name))) for f in fields(Parameters)}
        head = {"row": self.row, "theorem": self.theorem, "method": self.method}
        rate = ", ".join(str(sympy.factor(f)) for f in self.factors)
        return {**head, **numbers, "M": str(sympy.factor(self.M)), "1/step": str(1 / self.step), "rate": rate}


def unified_table() -> tuple[UnifiedRow, ...]:
    """Every row that a method of the catalogue states (theorems with `row`), in alphabetical order of the methods."""
    from compth.methods import catalogue

    found, c = {}, row_constants()
    for name, method in catalogue().items():
        for theorem in method.theorems():
            # several methods may state one row: the first one names it
            if isinstance(theorem, UnifiedTheorem) and theorem.row and theorem.id not in found:
                p = theorem.parameters(c)
                m = theorem.memory(c)
                # the very functions that plan runs, at symbols: the table cannot say another step than a
                # run takes
                step = sympy.simplify(p.largest_step(m))
                mu = sympy.Symbol("mu", positive=True)
                memory = () if m == 0 else (sympy.simplify(1 + p.B / m - p.rho),)
                factors = (sympy.simplify(1 - step * mu), *memory)
                found[theorem.id] = UnifiedRow(
                    row=theorem.row,
                    theorem=theorem.id,
                    method=name,
                    parameters=p,
                    M=m,
                    step=step,
                    factors=factors,
                )
    return all_made(found.values())
