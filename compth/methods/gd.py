"""Gradient descent: the reference that sends everything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from compth._numbers import Number, max, ratio
from compth.claims import Attribution, Sharpness, Standing, Unbiased
from compth.compressors import Compressor, CompressorLike
from compth.compressors.identity import Identity
from compth.methods.core import Constants, Method, Theorem
from compth.methods.core import closed_forms as forms
from compth.methods.core.body import BodyMethod
from compth.methods.core.known import Known

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def rho_gd(gamma: Number, mu: Number, L: Number) -> Number:
    """max{(1 - gamma mu)^2, (1 - gamma L)^2}: the factor of ||x - x*||^2."""
    # 1 - gamma lambda over eigenvalues in [mu, L] is largest in size at an end
    low, high = 1 - gamma * mu, 1 - gamma * L
    return max(low * low, high * high)


class GDContraction(Theorem):
    """E||x_t-x*||^2 <= max{(1-gamma mu)^2, (1-gamma L)^2}^t ||x_0-x*||^2 for 0 < gamma < 2/L; tight on quadratics."""

    id = "gd.contraction"
    proof = "gd.contraction"
    title = "Gradient descent contracts the distance"
    sharpness = Sharpness.TIGHT
    declared = Standing.DERIVED
    attribution = Attribution.OURS

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 2 / c.L, "2/L"

    def default_step(self, c: Constants) -> Number:
        return 2 / (c.L + c.mu)

    def slack(self, c: Constants, gamma: Number) -> Number:
        return 1 - self.rate(c, gamma)

    def rate(self, c: Constants, gamma: Number) -> Number:
        return rho_gd(gamma, c.mu, c.L)


WORST = Known(
    Unbiased,
    best=lambda q: (ratio(2, q.L + q.mu), {}),
    factor=lambda q: forms.gd_factor(q.mu, q.L),
    lyapunov="x**2",
    multipliers=lambda q, gamma, _: ({}, {"interpolation": forms.monotonicity(q.mu, q.L, 0, gamma)}),
    everywhere=lambda q, gamma, _: forms.interpolation_factor(q.mu, q.L, 0, gamma),
    tight_everywhere=True,
)


@dataclass(frozen=True)
class GD(BodyMethod):
    """x+ = x - gamma grad f(x); every worker sends its full gradient."""

    compressor: CompressorLike = field(default_factory=Identity, init=False)
    gamma: Number | None = None
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_compressor: ClassVar[bool] = False
    takes_oracle = False
    name = "gradient descent"
    known = (WORST,)
    own_theorems = (GDContraction(),)

    @property
    def label(self) -> str:
        return "GD"

    @staticmethod
    def body(w: World, x: Vec, *, gamma: Number) -> dict[str, Vec]:
        return dict(x=x - gamma * w.mean(w.gradient(x)))

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(),)
