"""DCGD on workers with different minimisers: a contraction and the floor it stops at, with an exact certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from compth import sources
from compth._earned import Earned, made
from compth._numbers import Number
from compth.claims import Attribution, Standing
from compth.errors import InvalidParameter, require
from compth.methods.core import closed_forms as forms
from compth.sources import Source
from compth.worst_case.exact_algebra import is_psd
from compth.worst_case.rational import spelled


@dataclass(frozen=True)
class Floor(Earned):
    """E||x(t+1) - x*||^2 <= rho ||x(t) - x*||^2 + tau zeta2, zeta2 = mean ||grad f_i(x*)||^2: stops below `floor`.

    rho, tau, multiplier, floor : Fractions, proved by `check()`.   attained : the floor of an exact quadratic, below.
    """

    WORDS = MappingProxyType({"standing": Standing.ASSUMED})

    constants: Mapping[str, Fraction]
    multiplier: Fraction
    rho: Fraction
    tau: Fraction
    floor: Fraction
    attained: float
    standing: Standing = Standing.DERIVED
    attribution: Attribution = Attribution.OURS
    source: Source = sources.COMPTH

    def check(self) -> bool:
        """Exact recheck: multiplier >= 0 and the two blocks (x - x*, mean gradient), (deviation, grad f_i(x*)) >= 0."""
        c, lam = self.constants, self.multiplier
        # E|x+ - x*|^2 = |x - x* - gamma gbar|^2 + gamma^2 omega/n mean |g_i|^2, and mean |g_i|^2 = |gbar|^2 +
        # the deviations from it, which hold grad f_i(x*). The multiplier weighs co-coercivity of f_i between x
        # and x*, so that the difference is a form of (x - x*, gbar) and of (deviation, grad f_i(x*)): two 2 x
        # 2 matrices.
        noise = c["gamma"] ** 2 * c["omega"] / c["n"]
        ell, pull = lam / (c["L"] + c["mu"]), lam * c["L"] * c["mu"] / (c["L"] + c["mu"])
        cross = c["gamma"] - lam / 2
        common = [[self.rho - 1 + pull, cross], [cross, ell - c["gamma"] ** 2 - noise]]
        apart = [[ell - noise, -noise], [-noise, self.tau - noise]]
        proved = lam >= 0 and 0 <= self.rho < 1 and is_psd(common) and is_psd(apart)
        return proved and self.floor >= self.tau * c["zeta2"] / (1 - self.rho)


def heterogeneous_dcgd(
    *, mu: Number, L: Number, omega: Number, n: int, gamma: Number, zeta2: Number
) -> Floor:
    """The least certified floor of DCGD with independent unbiased compressors, every f_i in class A.

    mu, L: of every f_i. omega: variance of the compressors. n: workers. gamma: the step. zeta2: mean |grad
    f_i(x*)|^2. attained: f_i(x) = c (x - b_i)^2/2 with c in {mu, L}, where E is known exactly; [attained, floor] is
    the bracket. The multiplier 2 gamma gives closed_forms.dcgd_floor; a search over others lowers it, at another rho.
    Raises InvalidParameter for constants out of range, and for a step at which nothing is certified.
    """
    require(0 < mu <= L < float("inf"), f"mu={mu}, L={L} need 0 < mu <= L")
    require(isinstance(n, int) and n >= 1, f"n={n!r} must be a whole number of workers, at least 1")
    require(0 <= omega < float("inf"), f"omega={omega} must be finite and at least 0")
    require(0 < gamma < float("inf"), f"gamma={gamma} must be a positive step size")
    require(0 <= zeta2 < float("inf"), f"zeta2={zeta2} must be finite and at least 0")
    require(n > 1 or zeta2 == 0, f"zeta2={zeta2}: one worker has zeta2=0, its minimiser is that of f")
    given = {"mu": mu, "L": L, "omega": omega, "n": n, "gamma": gamma, "zeta2": zeta2}
    c = {k: spelled(v) for k, v in given.items()}
    twice = 2 * c["gamma"]
    # beyond the least multiplier that the second block allows, up to where the first can contract no more
    least = (c["L"] + c["mu"]) * c["gamma"] ** 2 * (1 + c["omega"] / c["n"])
    # 2 gamma is the multiplier of the theorem; a grid around the least one that the second block allows finds
    # a lower floor, and every candidate is a certificate of its own.
    tried = [twice, *(least * (1 + Fraction(k * k, 400)) for k in range(1, 81))]
    proved = [f for f in (_at(c, lam) for lam in tried) if f is not None]
    if not proved:
        raise InvalidParameter(
            f"gamma={gamma} is too large: nothing is certified, take less than 2/((1+omega/n) (L+mu))"
        )
    return made(min(proved, key=lambda f: (f.floor, f.rho)), (heterogeneous_dcgd, (), given))


def _at(c: Mapping[str, Fraction], lam: Fraction) -> Floor | None:
    """The least rho and tau at one multiplier, by Schur complements; None where there is none below 1."""
    mu, L, gamma, n = c["mu"], c["L"], c["gamma"], c["n"]
    noise = gamma**2 * c["omega"] / n
    ell, cross = lam / (L + mu), gamma - lam / 2
    # Schur complements: rho is the least with the first block >= 0, tau the least with the second.
    rest = ell - gamma**2 - noise
    if rest < 0 or (rest == 0 and cross != 0):
        return None
    rho = max(1 - lam * L * mu / (L + mu) + (cross**2 / rest if cross else 0), Fraction(0))
    if rho >= 1:
        return None
    tau = noise * ell / (ell - noise)
    # On c (x - b_i)^2/2 the same recursion holds with equality: its floor is known, and bounds from below.
    slow = [1 - forms.interpolation_factor(v, v, c["omega"] / n, gamma) for v in (mu, L)]
    attained = max(float(noise * c["zeta2"] / v) if v > 0 else float("inf") for v in slow)
    return Floor(c, lam, rho, tau, tau * c["zeta2"] / (1 - rho), attained)
