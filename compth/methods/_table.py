"""The unified theory's table: every row that a theorem of the catalogue declares, rendered from its own formulas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compth.claims import JointVariance, Unbiased
from compth.methods._base import Constants
from compth.methods._unified import Parameters, UnifiedTheorem

SYMBOLS = {
    "zeta2_star": "zeta2",
    "sigma2_star": "s2",
    "sigma2_mean": "s2",
    "sigma2_one": "s2_1",
    "LL_one": "LL_1",
}
"""Shorter names of constants in the table."""


class _Named(dict[str, Any]):
    """Every key is a positive symbol of its name."""

    def __missing__(self, key: str) -> Any:
        import sympy

        return sympy.Symbol(SYMBOLS.get(key, key), positive=True)


@dataclass(frozen=True)
class UnifiedRow:
    """One row: its name in the table, theorem id, methods, parameters, M, largest step, rate and floor at gamma."""

    row: str
    theorem: str
    methods: tuple[str, ...]
    parameters: Parameters
    M: Any
    step: Any
    rate: Any
    floor: Any
    standing: str
    source: str

    def cells(self) -> dict[str, str]:
        """Every column as text."""
        p = self.parameters
        numbers = {"A": p.A, "B": p.B, "rho": p.rho, "C": p.C, "D1": p.D1, "D2": p.D2, "M": self.M}
        rest = {"gamma <=": self.step, "rate": self.rate, "floor": self.floor}
        return {
            "row": self.row,
            "theorem": self.theorem,
            "methods": ", ".join(self.methods),
            **{k: str(v) for k, v in {**numbers, **rest}.items()},
            "standing": self.standing,
        }


def symbolic_constants() -> Constants:
    """What a row may see, as symbols; independent workers, joint variance omega/n."""
    s = _Named()
    claims = (Unbiased(s["omega"]), JointVariance(s["omega"] / s["n"], 0))
    names = ("n", "d", "L", "mu", "L_max", "L_tilde", "mu_min", "zeta2_star")
    return Constants(
        **{name: s[name] for name in names}, sigma2=s["s2"], stochastic=True, claims=claims, facts=s, params=s
    )


def unified_table() -> tuple[UnifiedRow, ...]:
    """Every row: the theorems of all methods that derive from UnifiedTheorem; nothing is listed by hand."""
    import sympy

    from compth.methods import catalogue

    users: dict[str, list[str]] = {}
    found: dict[str, UnifiedTheorem] = {}
    for name, kind in catalogue().items():
        for theorem in kind.theorems():
            if isinstance(theorem, UnifiedTheorem):
                found[theorem.id] = theorem
                users.setdefault(theorem.id, []).append(name)
    c, gamma = symbolic_constants(), sympy.Symbol("gamma", positive=True)
    return tuple(_row(th, tuple(users[th.id]), c, gamma) for th in found.values())


def _row(theorem: UnifiedTheorem, methods: tuple[str, ...], c: Constants, gamma: Any) -> UnifiedRow:
    import sympy

    p, m = theorem.parameters(c), theorem.memory(c)
    short = {name: sympy.factor(getattr(p, name)) for name in ("A", "B", "rho", "C", "D1", "D2")}
    return UnifiedRow(
        row=theorem.row,
        theorem=theorem.id,
        methods=methods,
        parameters=Parameters(**short),
        M=sympy.factor(m),
        step=sympy.factor(p.largest_step(m)),
        rate=p.rate(gamma, c.mu, m),
        floor=p.floor(gamma, c.mu, m),
        standing=f"{theorem.standing.value}/{theorem.attribution.value}",
        source=str(theorem.source),
    )
