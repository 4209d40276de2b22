"""The unified theory's table: every row of the catalogue with its parameters, M, step and rate as formulas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import sympy

from compth.claims import JointVariance, Unbiased
from compth.methods._unified import Parameters, UnifiedTheorem
from compth.methods.core import Constants


class _Facts(Mapping[str, Any]):
    """Every fact a row asks for, as a symbol."""

    def __getitem__(self, name: str) -> Any:
        return sympy.Symbol(name, positive=True)

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def row_constants() -> Constants:
    """Every constant of a row as a positive symbol; independent workers of variance omega."""
    s = {
        f.name: sympy.Symbol(f.name, positive=True)
        for f in fields(Constants)
        if f.name not in ("convex", "independent", "stochastic", "claims", "params", "facts", "reasons")
    }
    omega = sympy.Symbol("omega", positive=True)
    claims = (Unbiased(omega), JointVariance(omega / s["n"], 0))
    return Constants(**{**s, "omega_down": 0}, stochastic=True, claims=claims, facts=_Facts())


@dataclass(frozen=True)
class UnifiedRow:
    """A row: its name, theorem and method, the parameters, and M, 1/step and the factors of the rate at that step."""

    row: str
    theorem: str
    method: str
    parameters: Parameters
    M: Any
    step: Any
    factors: tuple[Any, ...]

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
            if isinstance(theorem, UnifiedTheorem) and theorem.row and theorem.id not in found:
                p = theorem.parameters(c)
                m = theorem.memory(c)
                step = sympy.simplify(p.largest_step(m))
                mu = sympy.Symbol("mu", positive=True)
                memory = () if m == 0 else (sympy.simplify(1 + p.B / m - p.rho),)
                factors = (sympy.simplify(1 - step * mu), *memory)
                found[theorem.id] = UnifiedRow(theorem.row, theorem.id, name, p, m, step, factors)
    return tuple(found.values())
