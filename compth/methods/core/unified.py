"""The unified theory of SGD as one object: the parameters of its assumption, its theorem, and rows as small classes.

The assumption (f mu-strongly quasi-convex, grad f(x*) = 0, x+ = x - gamma g, E g = grad f(x)):
    E||g||^2       <= 2A (f - f*) + B sigma^2 + D1
    E sigma+^2     <= (1 - rho) sigma^2 + 2C (f - f*) + D2

A row of the table is a class of a few lines: its parameters and what its sigma^2 is. Steps, rates and floors are made
here, for floats, Fractions and symbols alike, and the printed table is these lines at symbols.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from numbers import Real
from typing import ClassVar

import numpy as np

from compth._numbers import Number, max, min, ratio
from compth._shown import Shown
from compth.claims import Attribution, Standing
from compth.errors import InvalidParameter, NoGuarantee
from compth.methods.core import Array, Constants, Plan, State, Theorem
from compth.problems.interface import Problem
from compth.sources import UNIFIED

WITH_MEMORY = "E||x_t - x*||^2 + M gamma^2 sigma_t^2"
"""The metric of rows that have a sigma^2."""


# symbols pass every check below unasked: that is how the table is printed from the same lines
def _number(x: Number) -> bool:
    """True for what can be compared at once: everything but symbols."""
    return isinstance(x, Real)


@dataclass(frozen=True)
class Parameters(Shown):
    """(A, B, C, D1, D2, rho) of the assumption: float, Fraction or symbols, all >= 0; rho in (0, 1].

    B = 0: sigma^2 does not enter the first inequality, so it is dropped: M = 0, the rate is 1 - gamma mu and the floor
    gamma D1/mu (the theorem's limit M -> 0). B > 0 needs M > B/rho. Raises InvalidParameter for rho = 0 with B > 0
    (SVRG's row: it is used over an epoch, not through this theorem) and for negative numbers.
    """

    A: Number
    B: Number = 0
    rho: Number = 1
    C: Number = 0
    D1: Number = 0
    D2: Number = 0

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if _number(value) and not value >= 0:
                raise InvalidParameter(f"{f.name}={value!r} must be >= 0 in the unified assumption")
        if _number(self.rho) and (self.rho > 1 or (self.rho == 0 and self.B != 0)):
            raise InvalidParameter(f"rho={self.rho!r} must lie in (0, 1] for the unified theorem: M > B/rho")

    @property
    def variance_reduced(self) -> bool:
        """D1 = D2 = 0: no floor."""
        return bool(self.D1 == 0 and self.D2 == 0)

    def memory(self) -> Number:
        """M = 2B/rho, the choice of every row of the table: B/M = rho/2 (0 when B = 0)."""
        # with M = 2B/rho the memory contracts by 1 - rho + B/M = 1 - rho/2: half of its own speed is given
        # to what enters from the iterates
        return 0 if self.B == 0 else ratio(2 * self.B, self.rho)

    def check_memory(self, M: Number) -> Number:
        """M if it is admissible, M > B/rho or M = B = 0; else NoGuarantee."""
        if self.B == 0 and M == 0:
            return M
        # M <= B/rho would leave the memory a factor >= 1: no rate
        if _number(M * self.rho) and _number(self.B) and not M * self.rho > self.B:
            raise NoGuarantee(f"M={float(M):.6g} is not above B/rho = {float(ratio(self.B, self.rho)):.6g}")
        return M

    def largest_step(self, M: Number, mu: Number | None = None) -> Number:
        """min{1/mu, 1/(A + C M)}; without mu the second alone (A >= L >= mu makes it the smaller one)."""
        step = ratio(1, self.A + self.C * M)
        return step if mu is None else min(ratio(1, mu), step)

    def rate(self, gamma: Number, mu: Number, M: Number) -> Number:
        """max{1 - gamma mu, 1 + B/M - rho}; 1 - gamma mu when M = 0."""
        # V contracts by the slower of its two parts
        return 1 - gamma * mu if M == 0 else max(1 - gamma * mu, 1 + ratio(self.B, M) - self.rho)

    def noise(self, gamma: Number, M: Number) -> Number:
        """(D1 + M D2) gamma^2: what one step adds."""
        return (self.D1 + M * self.D2) * gamma * gamma

    def floor(self, gamma: Number, mu: Number, M: Number) -> Number:
        """(D1 + M D2) gamma^2/min{gamma mu, rho - B/M}; gamma D1/mu when M = 0."""
        if M == 0:
            return ratio(gamma * self.D1, mu)
        # a_{t+1} <= rate a_t + noise has the limit noise/(1 - rate), and 1 - rate is the smaller of the two
        # gaps
        return ratio(self.noise(gamma, M), min(gamma * mu, self.rho - ratio(self.B, M)))


def convex_combination(
    parts: Iterable[tuple[Number, Parameters]], *, independent: bool = False, L: Number = 0
) -> Parameters:
    """Parameters of g = sum t_j g_j, t_j >= 0 of sum 1, all g_j at the same x (Lemma A.16), with B = 1.

    sigma^2 = sum t_j B_j sigma_j^2, A = sum t_j A_j, rho = min rho_j, C = sum t_j B_j C_j, D1 = sum t_j D1_j,
    D2 = sum t_j B_j D2_j. independent=True: A = L + sum t_j^2 A_j and every t_j squared, L the smoothness of f. Only
    parts with B_j > 0 have a sigma^2; without any B = 0. Raises InvalidParameter when the weights do not sum to 1.
    """
    weighted = [(ratio(t, 1), p) for t, p in parts]
    total = sum(t for t, _ in weighted)
    known = [t for t, _ in weighted if _number(t)]
    if min(*known, 0) < 0 or (len(known) == len(weighted) and abs(total - 1) > 1e-12):
        raise InvalidParameter(f"weights of sum {total} must be >= 0 and sum to 1")
    # Jensen gives sum t_j A_j for any parts; independent parts have errors that average, E||sum t_j (g_j -
    # grad f)||^2 = sum t_j^2 E||g_j - grad f||^2, at the price of ||grad f||^2 <= 2L (f - f*)
    w = [(t * t if independent else t, p) for t, p in weighted]
    # parts without a memory have rho = 1, C = 0 by convention: only those with one slow the memory down
    learning = [(t, p) for t, p in w if p.B != 0]
    return Parameters(
        A=(L if independent else 0) + sum(t * p.A for t, p in w),
        B=1 if learning else 0,
        rho=min(*(p.rho for _, p in learning), 1),
        C=sum(t * p.B * p.C for t, p in learning),
        D1=sum(t * p.D1 for t, p in w),
        D2=sum(t * p.B * p.D2 for t, p in learning),
    )


class UnifiedTheorem(Theorem):
    """E V_t <= max{1-gamma mu, 1+B/M-rho}^t V_0 + (D1 + M D2) gamma^2/min{gamma mu, rho - B/M} (Theorem 4.1).

    V = ||x-x*||^2 + M gamma^2 sigma^2, gamma <= 1/(A + C M) (every row has A >= L >= mu). A row says `row`, its name in
    the table, `parameters(c)` and, where it has a memory, `sigma2_k` and `metric = WITH_MEMORY`; `memory(c)` for an M
    other than 2B/rho; `run_parameters(c)` for what its method needs besides (alpha, p); `_why_not` for hypotheses.
    """

    source = UNIFIED.at("Thm 4.1, Table 2")
    attribution = Attribution.READ
    declared = Standing.CITED
    row: ClassVar[str] = ""

    @abstractmethod
    def parameters(self, c: Constants) -> Parameters:
        """(A, B, C, D1, D2, rho) in terms of the constants."""

    def memory(self, c: Constants) -> Number:
        """M."""
        return self.parameters(c).memory()

    def run_parameters(self, c: Constants) -> Mapping[str, Number]:
        """What the method's step needs besides gamma."""
        return {}

    def sigma2_k(self, problem: Problem, state: State, plan: Plan) -> Array | None:
        """sigma^2 of each replicate, (R,); None when the row has none (B = 0)."""
        return None

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        # A >= L >= mu in every row, so the theorem's other limit 1/mu is never the smaller one
        p = self.parameters(c)
        return p.largest_step(p.check_memory(self.memory(c))), "1/(A + C M)"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {**self.run_parameters(c), "weight": self.memory(c) * gamma * gamma}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return self.parameters(c).rate(gamma, c.mu, self.memory(c))

    def floor(self, c: Constants, gamma: Number) -> Number:
        return self.parameters(c).floor(gamma, c.mu, self.memory(c))

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array | None:
        # rows without a memory are bounded in the squared distance itself
        sigma2 = self.sigma2_k(problem, state, plan)
        if sigma2 is None:
            return None
        return np.asarray(problem.distance_squared(state.x) + float(plan["weight"]) * sigma2)
