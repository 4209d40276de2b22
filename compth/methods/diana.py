"""DIANA: compressed gradient differences with learned shifts; no floor on heterogeneous data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from compth._numbers import Number, max, min, ratio, sqrt
from compth.claims import Attribution, JointVariance, Standing, Unbiased
from compth.errors import InvalidParameter, NoGuarantee
from compth.methods.core import (
    Array,
    Constants,
    Plan,
    State,
    Theorem,
    mean_square,
)
from compth.methods.core import closed_forms as forms
from compth.methods.core.body import BodyMethod, BodyState, Worker
from compth.methods.core.known import Asked, Known, Params, Proof
from compth.methods.core.nonconvex import Growth
from compth.methods.core.schedules import Harmonic
from compth.methods.core.unified import Parameters, UnifiedTheorem
from compth.problems.interface import Problem
from compth.sources import DIANA as DIANA_PAPER
from compth.sources import DIANA_OMEGA, UNIFIED

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def independent(c: Constants) -> str:
    """ "" when the workers are independent (joint variance omega/n)."""
    return "workers must be independent" if c.joint.A * c.n > c.omega * (1 + 1e-12) or c.joint.B < 0 else ""


def shift_step(c: Constants) -> Number:
    """alpha: the user's, or 1/(1+omega); NoGuarantee above 1/(1+omega)."""
    # E||h+ - h*||^2 <= (1-alpha)||h - h*||^2 + alpha||grad f_i - h*||^2 needs alpha (1+omega) <= 1: beyond
    # it the shift's own noise, alpha^2 omega||grad f_i - h||^2, is left over
    limit = ratio(1, 1 + c.omega)
    alpha = c.params.get("alpha", limit)
    if not 0 < alpha <= limit:
        raise NoGuarantee(
            f"alpha={float(alpha):.6g} is outside 0 < alpha <= 1/(1+omega) = {float(limit):.6g}"
        )
    return alpha


def memory_error(problem: Problem, state: State) -> Array:
    """mean||h_i - grad f_i(x*)||^2, (R,)."""
    # an engine that has the shifts in its cache has this number at hand; else it is computed here
    held = getattr(state, "memory_error", None)  # a body of one's own that keeps h has none
    return mean_square(state.h - problem.gradients_at_star) if held is None else np.asarray(held)


class _Diana(Theorem):
    """V = ||x-x*||^2 + weight mean||h_i - grad f_i(x*)||^2 contracts."""

    requires = (Unbiased, JointVariance)
    accepts: ClassVar[tuple[str, ...]] = ("alpha",)
    metric = "E||x_t - x*||^2 + weight mean||h_i - grad f_i(x*)||^2"

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        memory = memory_error(problem, state)
        return np.asarray(problem.distance_squared(state.x) + float(plan["weight"]) * memory)


class DIANAUnified(UnifiedTheorem):
    """V_t <= max{1-gamma mu, 1-alpha/2}^t V_0 for alpha <= 1/(1+omega), gamma <= 1/((1+6 omega/n) L_max).

    weight M gamma^2, M = 4 omega/(n alpha), so that B/M = alpha/2; f_i convex, f mu-strongly convex. The paper's L is
    the common smoothness max L_i.
    """

    id = "diana.unified"
    title = "DIANA by the unified theory"
    row = "DIANA"
    source = UNIFIED.at("Sec. 5, DIANA")
    proof = "diana.unified"
    requires = (Unbiased, JointVariance)
    accepts: ClassVar[tuple[str, ...]] = ("alpha",)
    metric = _Diana.metric

    def _why_not(self, c: Constants) -> str:
        return independent(c) if c.convex else "every f_i must be convex"

    def parameters(self, c: Constants) -> Parameters:
        # E||g||^2 <= ||grad f||^2 + (omega/n) mean||grad f_i - h_i||^2, and ||grad f_i - h_i||^2 <= 2||grad
        # f_i - h_i*||^2 + 2||h_i - h_i*||^2: the first goes into A, the second is B sigma^2
        alpha, spread = shift_step(c), ratio(2 * c.omega, c.n)
        return Parameters(A=(1 + spread) * c.L_max, B=spread, rho=alpha, C=c.L_max * alpha)

    def run_parameters(self, c: Constants) -> Mapping[str, Number]:
        return {"alpha": shift_step(c)}

    def sigma2_k(self, problem: Problem, state: State, plan: Plan) -> Array:
        return memory_error(problem, state)

    def rate(self, c: Constants, gamma: Number) -> Number:
        """At omega = 0 too the memory's factor 1 - alpha/2 is kept, as in the machine-checked statement."""
        return max(super().rate(c, gamma), 1 - ratio(shift_step(c), 2))


class DIANANoisy(DIANAUnified):
    """The row with s^2 > 0: the floor (D1 + M D2) gamma^2/min{gamma mu, alpha/2}, D1 = (1+omega) s^2/n, D2 = alpha s^2.

    s^2 >= mean E||g_i - grad f_i||^2 at every x. Step, M and factor are those of diana.unified.
    """

    id = "diana.noisy"
    title = "DIANA with stochastic gradients by the unified theory"
    row = "DIANA, s^2 > 0"
    proof = "diana.noisy"
    gradient_noise = "bounded"
    # a factor larger than the one in the floor would promise too little from starts below the floor
    rate = UnifiedTheorem.rate

    def _why_not(self, c: Constants) -> str:
        return super()._why_not(c) if c.stochastic else "it speaks of stochastic gradients: give an oracle"

    def parameters(self, c: Constants) -> Parameters:
        # the oracle's noise is compressed with the gradient: (1+omega)/n of it reaches the step, alpha of
        # it the shifts
        noise = {"D1": ratio((1 + c.omega) * c.sigma2, c.n), "D2": shift_step(c) * c.sigma2}
        return replace(super().parameters(c), **noise)


class DIANAShift(_Diana):
    """V_t <= (1-gamma mu)^t V_0, gamma <= min{alpha/(2mu), 2/((mu+L)(1+6 omega/n))}, alpha <= 1/(1+omega).

    weight 4 gamma^2 omega/(alpha n); every f_i mu-strongly convex and L-smooth (mu = mu_min, L = L_max).
    """

    id = "diana.shift"
    proof = "diana.shift"
    title = "DIANA with strongly convex workers (omega version)"
    source = DIANA_OMEGA.at("Thm 1")

    def _why_not(self, c: Constants) -> str:
        return independent(c) if c.mu_min > 0 else "every f_i must be strongly convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        short = 2 / ((c.mu_min + c.L_max) * (1 + ratio(6 * c.omega, c.n)))
        return min(shift_step(c) / (2 * c.mu_min), short), "min{alpha/(2 mu), 2/((mu+L)(1+6 omega/n))}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        alpha = shift_step(c)
        return {"alpha": alpha, "weight": 4 * gamma * gamma * c.omega / (alpha * c.n)}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.mu_min


class DIANAShiftNoisy(DIANAShift):
    """diana.shift with gradient noise: floor (gamma/mu)(1+5 omega) sigma2/n.

    (1+omega) sigma2/n from the step, weight alpha^2 (1+omega) sigma2 <= 4 gamma^2 omega sigma2/n from the shifts. The
    paper prints 2 sigma2/(mu(mu+L)).
    """

    id = "diana.shift_noisy"
    title = "DIANA with strongly convex workers and stochastic gradients"
    proof = "diana.shift_noisy"
    gradient_noise = "bounded"
    exact_form = "diana.shift"

    def floor(self, c: Constants, gamma: Number) -> Number:
        return ratio(gamma * (1 + 5 * c.omega) * c.sigma2, c.n * c.mu_min)


def original_parameters(omega: Number, n: Number) -> tuple[Number, Number]:
    """(alpha, c) = (1/(2(1+omega)), 4 omega(1+omega)/n): equality in (1+n c alpha^2)/(1+n c alpha) <= 1/(1+omega)."""
    return ratio(1, 2 * (1 + omega)), ratio(4 * omega * (1 + omega), n)


class DIANAOriginal(_Diana):
    """V_t <= (1-gamma mu)^t V_0 with alpha = 1/(2(1+omega)), c = 4 omega(1+omega)/n, weight c gamma^2.

    gamma <= min{alpha/mu, 2/((mu+L)(1+c alpha))}; every f_i mu-strongly convex. The paper's alpha_p is 1/(1+omega).
    """

    id = "diana.original"
    title = "DIANA, recommended parameters of the original paper"
    source = DIANA_PAPER.at("Thm 1, Cor 1")
    attribution = Attribution.READ
    declared = Standing.CITED
    accepts = ()
    proof = "diana.original"

    _why_not = DIANAShift._why_not

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        # c alpha = 2 omega/n, so the second limit is 2/((mu+L)(1+2 omega/n)): the step of quantised
        # gradients without a memory, but no floor
        alpha, weight = original_parameters(c.omega, c.n)
        limit = min(alpha / c.mu_min, 2 / ((c.mu_min + c.L_max) * (1 + weight * alpha)))
        return limit, "min{alpha/mu, 2/((mu+L)(1+c alpha))}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        alpha, weight = original_parameters(c.omega, c.n)
        return {"alpha": alpha, "weight": weight * gamma * gamma}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.mu_min


class DIANAOriginalNoisy(DIANAOriginal):
    """diana.original with gradient noise: floor (gamma/mu)(1 + n c alpha) sigma2/n = (gamma/mu)(1+2 omega) sigma2/n."""

    id = "diana.original_noisy"
    title = "DIANA with stochastic gradients, parameters of the original paper"
    source = DIANA_PAPER.at("Thm 1")
    proof = "diana.original_noisy"
    gradient_noise = "bounded"
    exact_form = "diana.original"

    def floor(self, c: Constants, gamma: Number) -> Number:
        return ratio(gamma * (1 + 2 * c.omega) * c.sigma2, c.n * c.mu_min)


def balanced_memory(mu: Number, L: Number, omega: Number, n: Number, alpha: Number) -> Number:
    """M with gamma mu = alpha - 2 omega/(n M) at gamma = 1/(a L + M L alpha), a = 1 + 2 omega/n: both rates are equal.

    The positive root of L alpha^2 n M^2 + (L a alpha n - 2 omega L alpha - mu n) M - 2 omega L a = 0 (0 at omega = 0).
    """
    if omega == 0:
        return 0
    # gamma mu = alpha - 2 omega/(n M), multiplied out with gamma = 1/(a L + M L alpha), is a quadratic in M
    # with exactly one positive root, as its constant term is negative
    a = 1 + ratio(2 * omega, n)
    second = L * alpha * alpha * n
    first = L * a * alpha * n - 2 * omega * L * alpha - mu * n
    return (sqrt(first * first + 8 * second * omega * L * a) - first) / (2 * second)


class DIANABalanced(_Diana):
    """V_t <= max{1-gamma mu, 1-alpha+2 omega/(nM)}^t V_0, gamma = 1/((1+2 omega/n+M alpha) L_max), weight M gamma^2.

    The unified theorem at its best M in closed form: at the default step both rates are equal, and no other M gives a
    smaller one; at a given step the largest admissible M. f_i convex, f mu-strongly convex.
    """

    id = "diana.balanced"
    proof = "diana.balanced"
    title = "DIANA by the unified theory, at the best M"
    source = UNIFIED.at("Thm 4.1, Table 2")

    _why_not = DIANAUnified._why_not

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        """Beyond it the M of that step leaves the memory no factor below 1: there M alpha = 2 omega/n."""
        least = self.smooth(c) if c.omega == 0 else self.smooth(c) + ratio(2 * c.omega, c.n)
        return 1 / (least * c.L_max), "1/((1+4 omega/n) L_max)"

    def default_step(self, c: Constants) -> Number:
        return 1 / ((self.smooth(c) + self.balanced(c) * shift_step(c)) * c.L_max)

    def smooth(self, c: Constants) -> Number:
        """1 + 2 omega/n."""
        return 1 + ratio(2 * c.omega, c.n)

    def balanced(self, c: Constants) -> Number:
        """The best M."""
        return balanced_memory(c.mu, c.L_max, c.omega, c.n, shift_step(c))

    def memory(self, c: Constants, gamma: Number) -> Number:
        """The largest M at gamma = 1/((1+2 omega/n+M alpha) L_max); the best M, unrounded, at the default."""
        # the same number by another way would differ in the last bit, and the default step is to have both
        # rates equal
        if gamma == self.default_step(c):
            return self.balanced(c)
        return 0 if c.omega == 0 else (1 / (gamma * c.L_max) - self.smooth(c)) / shift_step(c)

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"alpha": shift_step(c), "weight": self.memory(c, gamma) * gamma * gamma}

    def slack(self, c: Constants, gamma: Number) -> Number:
        return 1 - self.rate(c, gamma)

    def rate(self, c: Constants, gamma: Number) -> Number:
        if c.omega == 0:
            return max(1 - gamma * c.mu, 0)
        m = self.memory(c, gamma)
        return max(1 - gamma * c.mu, 1 - shift_step(c) + 2 * c.omega / (c.n * m))


class DIANABidirectional(_Diana):
    """diana.unified with x+ = x - gamma C_M(mean(h_i + m_i)), C_M unbiased with variance omega_M: no floor either.

    V_t <= max{1-gamma mu, 1-alpha/2}^t V_0, gamma <= 1/((1+omega_M)(1+6 omega/n) L_max), alpha <= 1/(1+omega), weight
    M gamma^2, M = 4(1+omega_M) omega/(n alpha): E||C_M(g)||^2 <= (1+omega_M)||g||^2 multiplies A, B and D1 of the
    unified theory's DIANA row by 1+omega_M; the shifts do not see C_M.
    """

    id = "diana.bidirectional"
    title = "DIANA with a compressed broadcast"
    proof = "diana.bidirectional"
    source = UNIFIED.at("Thm 4.1, Table 2")
    bidirectional = True

    _why_not = DIANAUnified._why_not

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        limit = 1 / ((1 + c.omega_down) * (1 + ratio(6 * c.omega, c.n)) * c.L_max)
        return limit, "1/((1+omega_M)(1+6 omega/n) L_max)"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        alpha = shift_step(c)
        m = ratio(4 * (1 + c.omega_down) * c.omega, c.n * alpha)
        return {"alpha": alpha, "weight": m * gamma * gamma}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return max(1 - gamma * c.mu, 1 - ratio(shift_step(c), 2))


def gradient_noise(c: Constants) -> Number:
    """(1 + n c alpha) sigma2/n, alpha and c of original_parameters: what a step adds to V, over gamma^2."""
    alpha, weight = original_parameters(c.omega, c.n)
    return ratio((1 + weight * c.n * alpha) * c.sigma2, c.n)


class DIANADecreasing(Harmonic, DIANAOriginal):
    """E||x_t-x*||^2 <= max{V_0, 4(1+n c alpha) sigma2/(n theta mu)}/((mu/theta) t + 1), gamma_t = 2/(mu t + theta).

    theta = 2 max{mu/alpha, (mu+L)(1+c alpha)/2}, alpha = 1/(2(1+omega)), c = 4 omega(1+omega)/n; V_0 has gamma_0.
    """

    id = "diana.decreasing"
    proof = "diana.decreasing"
    gradient_noise = "bounded"
    title = "DIANA with decreasing steps: 1/t without a noise floor"
    source = DIANA_PAPER.at("Thm 3")
    metric = "E||x_t - x*||^2 (bounded from V_0)"
    start_only = True

    def theta(self, c: Constants) -> Number:
        return 2 / DIANAOriginal.step_limit(self, c)[0]

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        first = DIANAOriginal.step_limit(self, c)[0]
        return {**super().params(c, gamma), **DIANAOriginal.params(self, c, first)}

    def noise(self, c: Constants) -> Number:
        return gradient_noise(c)


def nonconvex_growth(c: Constants) -> tuple[Number, Number]:
    """(1 + c a, c a zeta2 + (1 + c n a) sigma2/n), c and a = alpha of original_parameters: descent's beta and alpha."""
    alpha, weight = original_parameters(c.omega, c.n)
    # ||grad f||^2 + c a mean||grad f_i||^2, where the mean is ||grad f||^2 plus the dissimilarity
    ca = weight * alpha
    return 1 + ca, ca * c.dissimilarity + gradient_noise(c)


class DIANANonconvex(Growth):
    """(1/T) sum_{t<T} E||grad f(x_t)||^2 <= 2(f(x_0)-f*)/(gamma s T) + (c a zeta2 + (1+cna) sigma2/n) L gamma/s.

    s = 2 - L gamma (1+ca), 0 < gamma < 2/(L(1+ca)), default half of that; a = alpha = 1/(2(1+omega)),
    c = 4 omega(1+omega)/n, h_i^0 = 0, zeta2 >= mean||grad f_i - grad f||^2 everywhere; no convexity. Printed without
    zeta2, the case of equal gradients: from x_0 = x* on heterogeneous data that would promise to stay there.
    """

    id = "diana.nonconvex"
    gradient_noise = "bounded"
    title = "DIANA without convexity"
    proof = "diana.nonconvex"
    source = DIANA_PAPER.at("Thm 4")
    requires = (Unbiased, JointVariance)

    def _why_not(self, c: Constants) -> str:
        close = c.dissimilarity < float("inf")
        return independent(c) if close else "gradients must differ boundedly: equal Hessians"

    def growth(self, c: Constants) -> tuple[Number, Number]:
        return nonconvex_growth(c)

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {**super().params(c, gamma), "alpha": original_parameters(c.omega, c.n)[0]}


def leading_rounds(kappa: Number, n: Number, alpha: Number) -> Number:
    """1/(gamma mu) of diana.original: max{2/alpha_p, (kappa+1)(1/2 - 1/n + 1/(n alpha_p))}, alpha = alpha_p."""
    return max(ratio(2, alpha), (kappa + 1) * (ratio(1, 2) - ratio(1, n) + ratio(1, n * alpha)))


def block_size(n: int, p: Number) -> int:
    """Largest block with 1/alpha_p(block) <= n: p = 1: n; p = 2: n^2; p = inf: (2n-1)^2.

    The second term of leading_rounds is then at most (kappa+1)(3/2 - 1/n), while only one norm is sent per block.
    """
    # alpha_p of a block of size b is 1/b, 1/sqrt(b), 2/(1 + sqrt(b)) for p = 1, 2, inf: the largest b with
    # alpha_p >= 1/n
    sizes = {1: n, 2: n * n, float("inf"): (2 * n - 1) ** 2}
    if p not in sizes or n < 1:
        raise InvalidParameter(f"block_size(n={n}, p={p}) needs n >= 1 workers and p in 1, 2, inf")
    return sizes[p]


@dataclass(frozen=True)
class DIANAState(BodyState):
    """h: (R, n, d) shifts. memory_error: mean||h_i - grad f_i(x*)||^2, (R,), from an engine that has it at hand."""

    h: Array = field(kw_only=True)
    memory_error: Array | None = None


def _best(q: Asked) -> tuple[Number, Params]:
    plan = forms.diana_plan(q.mu, q.L, q.omega, q.n)
    return plan.gamma, {"alpha": plan.alpha}


def _learns(q: Asked, alpha: Number) -> bool:
    return bool(0 < alpha * (1 + q.omega) < 1)


def _multipliers(q: Asked, gamma: Number, params: Params) -> Proof:
    """V = ||x - x*||^2 + gamma^2 Omega/alpha mean||h_i - h_i*||^2: DCGD with Omega and a memory that decouples."""
    # with weight gamma^2 Omega/alpha the memory's cross terms cancel, and what is left is DCGD's LMI with
    # Omega in the place of omega/n
    excess = forms.diana_excess(q.omega, q.n, params["alpha"])
    weight = forms.diana_weight(q.omega, q.n, params["alpha"], gamma)
    return {"weight": weight}, {"interpolation": forms.monotonicity(q.mu, q.L, excess, gamma)}


def _everywhere(q: Asked, gamma: Number, params: Params) -> Number | None:
    alpha = params["alpha"]
    return forms.diana_factor(q.mu, q.L, q.omega, q.n, gamma, alpha) if _learns(q, alpha) else None


def _step_with(q: Asked, params: Params) -> Number | None:
    alpha = params["alpha"]
    if not _learns(q, alpha):
        return None
    return forms.interpolation_step(q.mu, q.L, forms.diana_excess(q.omega, q.n, alpha))


WORST = Known(
    Unbiased,
    best=_best,
    factor=lambda q: forms.diana_plan(q.mu, q.L, q.omega, q.n).rho,
    lyapunov="x**2 + weight*h**2",
    multipliers=_multipliers,
    proof="diana.tight",
    everywhere=_everywhere,
    step_with=_step_with,
    covered=lambda q: bool(q.omega > 0),
)


@dataclass(frozen=True)
class DIANA(BodyMethod):
    """m_i = C_i(grad f_i(x) - h_i); x+ = x - gamma C_M(mean(h_i + m_i)); h_i+ = h_i + alpha m_i; h_i^0 = 0.

    alpha=None: the theorem's (1/(1+omega) when no theorem applies).
    """

    alpha: Number | None = None
    state_class = DIANAState
    requires = (Unbiased,)
    name = "DIANA"
    source = DIANA_PAPER
    known = (WORST,)
    own_theorems: ClassVar[tuple[Theorem, ...]] = (
        DIANAUnified(),
        DIANANoisy(),
        DIANAShift(),
        DIANAOriginal(),
        DIANABalanced(),
        DIANABidirectional(),
        DIANADecreasing(),
        DIANANonconvex(),
        DIANAShiftNoisy(),
        DIANAOriginalNoisy(),
    )

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"alpha": ratio(1, 1 + c.omega) if self.alpha is None else self.alpha}

    @staticmethod
    def body(w: World, x: Vec, h: Worker, *, gamma: Number, alpha: Number) -> dict[str, Vec]:
        # what is compressed is the difference to a learned shift: it goes to 0 at x*, and the compressor's
        # noise with it
        m = w.compress(w.gradient(x) - h)
        # h + m is unbiased for the gradient; the shift follows it by alpha times the very message that was
        # sent, so that the server keeps a copy
        return dict(x=x - gamma * w.broadcast(w.mean(h) + w.mean(m)), h=h + alpha * m)
