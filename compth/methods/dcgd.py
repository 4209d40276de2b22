"""DCGD: distributed compressed gradient descent, x+ = x - gamma (1/n) sum C_i(grad f_i(x))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from compth._numbers import Number, max, ratio
from compth.claims import Attribution, Contractive, JointVariance, Standing, Unbiased
from compth.methods.core import Constants, Theorem
from compth.methods.core import closed_forms as forms
from compth.methods.core.body import BodyMethod
from compth.methods.core.cgd import CGDFirst, CGDSecond
from compth.methods.core.dcsgd import DCSGDConstant, DCSGDHorizon, DCSGDNoisy
from compth.methods.core.known import Asked, Known, Params, Proof
from compth.methods.core.nearby import cgd_classes
from compth.methods.core.nonconvex import Growth
from compth.methods.core.schedules import Harmonic
from compth.methods.core.unified import Parameters, UnifiedTheorem
from compth.sources import DIANA as DIANA_PAPER
from compth.sources import NATURAL, TIGHT_ONE, UNIFIED

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def expected_smoothness(L: Number, L_max: Number, A: Number, B: Number, interpolation: bool) -> Number:
    """a with E||g||^2 <= 2 a (f - f*) + noise: max{1-B, 0} L + 2 A L_max, without the 2 under interpolation.

    E||g||^2 <= (1-B)||grad f||^2 + A mean||grad f_i||^2, ||grad f_i||^2 <= 2||grad f_i - h_i||^2 + 2||h_i||^2.
    """
    # the 2 pays for the gradients at x*, ||a||^2 <= 2||a - b||^2 + 2||b||^2; where they vanish nothing is
    # split
    factor = 1 if interpolation else 2
    return max(1 - B, 0) * L + factor * A * L_max


def noise_floor(gamma: Number, mu: Number, A: Number, zeta2: Number) -> Number:
    """gamma D1/mu with D1 = 2 A zeta2 (A = omega/n for independent workers)."""
    return ratio(gamma * 2 * A * zeta2, mu)


class DCGDGeneral(Theorem):
    """E||x_t-x*||^2 <= (1-gamma mu)^t ||x_0-x*||^2 + (gamma/mu) 2A zeta2*, gamma <= 1/(max{1-B,0}L + 2 A L_max).

    A, B: the fleet's joint variance, (omega/n, 0) for independent workers. Every f_i convex.
    """

    id = "dcgd.general"
    title = "DCGD on heterogeneous data: linear to a floor of order gamma"
    source = UNIFIED.at("Thm 4.1 applied to DCGD")
    proof = "dcgd.general"
    requires = (JointVariance,)

    def _why_not(self, c: Constants) -> str:
        return "" if c.convex else "every f_i must be convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        # ||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2 - 2 gamma (1 - gamma a)(f - f*) + gamma^2 noise: the
        # middle term may be dropped while gamma a <= 1
        smooth = expected_smoothness(c.L, c.L_max, c.joint.A, c.joint.B, interpolation=False)
        return 1 / smooth, "1/(L + 2 A L_max)"

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.mu

    def floor(self, c: Constants, gamma: Number) -> Number:
        return noise_floor(gamma, c.mu, c.joint.A, c.zeta2_star)


class DCGDInterpolation(Theorem):
    """zeta2* = 0: E||x_t-x*||^2 <= (1-gamma mu)^t ||x_0-x*||^2 for gamma <= 1/(max{1-B,0} L + A L_max)."""

    id = "dcgd.interpolation"
    title = "DCGD under interpolation: linear to the solution"
    source = UNIFIED.at("Thm 4.1 applied to DCGD")
    proof = "dcgd.interpolation"
    requires = (JointVariance,)

    def _why_not(self, c: Constants) -> str:
        if c.zeta2_star != 0:
            return "x* must minimise every f_i (zeta2* = 0)"
        return "" if c.convex else "every f_i must be convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        smooth = expected_smoothness(c.L, c.L_max, c.joint.A, c.joint.B, interpolation=True)
        return 1 / smooth, "1/(L + A L_max)"

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.mu


def gradient_noise(A: Number, B: Number, n: Number, sigma2: Number) -> Number:
    """(A + max{1-B, 0}/n) sigma2, what bounded noise adds to E||g||^2: (1+omega) sigma2/n for independent workers."""
    return (A + ratio(max(1 - B, 0), n)) * sigma2


class DCGDNoisy(DCGDGeneral):
    """dcgd.general with stochastic gradients, mean E||g_i - grad f_i||^2 <= sigma2: the floor is larger.

    By (gamma/mu)(A + max{1-B,0}/n) sigma2, (gamma/mu)(1+omega) sigma2/n for independent workers; the same step.
    """

    id = "dcgd.noisy"
    title = "DCGD with gradient noise of bounded variance"
    proof = "dcgd.noisy"
    gradient_noise = "bounded"
    exact_form = "dcgd.general"

    def floor(self, c: Constants, gamma: Number) -> Number:
        added = ratio(gamma * gradient_noise(c.joint.A, c.joint.B, c.n, c.sigma2), c.mu)
        return super().floor(c, gamma) + added


def no_memory_step(mu: Number, L: Number, omega: Number, n: Number) -> Number:
    """2/((mu+L)(1+2 omega/n))."""
    return 2 / ((mu + L) * (1 + ratio(2 * omega, n)))


def no_memory_noise(omega: Number, n: Number, sigma2: Number, zeta2: Number) -> Number:
    """N = ((1+omega) sigma2 + 2 omega zeta2*)/n: what a step adds, in units of gamma^2."""
    return ratio((1 + omega) * sigma2 + 2 * omega * zeta2, n)


class NoMemory(Theorem):
    """Every f_i mu-strongly convex and L-smooth: gamma <= 2/((mu+L)(1+2 omega/n)) gives (1-gamma mu)^t and a floor.

    The paper states it for one-level quantisation in alpha_p; this is its form in omega = 1/alpha_p - 1.
    """

    id = "dcgd.no_memory"
    proof = "dcgd.no_memory"
    title = "Quantised gradients without memory (QSGD, TernGrad, DQGD)"
    source = DIANA_PAPER.at("Thm 10")
    attribution = Attribution.READ
    declared = Standing.CITED
    requires = (Unbiased, JointVariance)

    def _why_not(self, c: Constants) -> str:
        if c.joint.A * c.n > c.omega * (1 + 1e-12) or c.joint.B < 0:
            return "workers must be independent"
        return "" if c.mu_min > 0 else "every f_i must be strongly convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return no_memory_step(c.mu_min, c.L_max, c.omega, c.n), "2/((mu+L)(1+2 omega/n))"

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.mu_min

    def floor(self, c: Constants, gamma: Number) -> Number:
        return noise_floor(gamma, c.mu_min, ratio(c.omega, c.n), c.zeta2_star)


class NoMemoryNoisy(NoMemory):
    """dcgd.no_memory with gradient noise: the floor is (gamma/mu)((1+omega) sigma2 + 2 omega zeta2*)/n."""

    id = "dcgd.no_memory_noisy"
    title = "Quantised stochastic gradients without memory"
    proof = "dcgd.no_memory_noisy"
    gradient_noise = "bounded"
    exact_form = "dcgd.no_memory"

    def floor(self, c: Constants, gamma: Number) -> Number:
        return super().floor(c, gamma) + ratio(gamma * (1 + c.omega) * c.sigma2, c.n * c.mu_min)


class NoMemoryDecreasing(Harmonic, NoMemory):
    """E||x_t-x*||^2 <= C/((mu/theta) t + 1), gamma_t = 2/(mu t + theta), theta = (mu+L)(1+2 omega/n).

    C = max{||x_0-x*||^2, 4N/(mu theta)}, N = (1+omega) sigma2/n + (2 omega/n) zeta2*. The paper prints half of this
    theta, which its own Lemma 6 does not allow.
    """

    id = "dcgd.no_memory_decreasing"
    gradient_noise = "bounded"
    title = "Quantised gradients without memory, decreasing steps: no floor, 1/t"
    source = DIANA_PAPER.at("Thm 11, Lemma 6")
    attribution = Attribution.OURS
    declared = Standing.DERIVED
    proof = "dcgd.no_memory_decreasing"

    def theta(self, c: Constants) -> Number:
        return 2 / no_memory_step(c.mu_min, c.L_max, c.omega, c.n)

    def noise(self, c: Constants) -> Number:
        return no_memory_noise(c.omega, c.n, c.sigma2, c.zeta2_star)


class DCGDBidirectional(Theorem):
    """E||x_t-x*||^2 <= (1-gamma mu)^t ||x_0-x*||^2 + (gamma/mu)(1+omega_M) 2A zeta2*.

    gamma <= 1/((1+omega_M)(max{1-B,0}L + 2A L_max)), without the 2 under interpolation. C_M is unbiased with variance
    omega_M: E||C_M(g)||^2 <= (1+omega_M) E||g||^2 in the proof of dcgd.general. The step is that of the authors' code.
    """

    id = "dcgd.bidirectional"
    title = "DCGD with a compressed broadcast"
    source = UNIFIED.at("Thm 4.1 applied to DCGD")
    attribution = Attribution.CODE
    proof = "dcgd.bidirectional"
    requires = (JointVariance,)
    bidirectional = True

    _why_not = DCGDGeneral._why_not

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        a, b, down = c.joint.A, c.joint.B, 1 + c.omega_down
        limit = 1 / (down * expected_smoothness(c.L, c.L_max, a, b, interpolation=c.zeta2_star == 0))
        return limit, "1/((1+omega_M)(L + 2 A L_max))"

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.mu

    def floor(self, c: Constants, gamma: Number) -> Number:
        return noise_floor(gamma, c.mu, (1 + c.omega_down) * c.joint.A, c.zeta2_star)


def nonconvex_growth(c: Constants) -> tuple[Number, Number]:
    """(beta, alpha) in E||C_M(g)||^2 <= beta||grad f||^2 + alpha, for independent stochastic gradients.

    beta = (1+omega_M)(1-B+A), alpha = (1+omega_M)(A zeta2 + (A + (1-B)/n) sigma2): the workers' noises average to
    sigma2/n before the messages' variance, A mean||.||^2 - B||mean||^2, is added.
    """
    # the broadcast multiplies the second moment by 1 + omega_M; the uplink adds A mean||grad f_i||^2 -
    # B||grad f||^2, and mean||grad f_i||^2 = ||grad f||^2 + the dissimilarity
    down, a, b = 1 + c.omega_down, c.joint.A, c.joint.B
    return down * (1 - b + a), down * (a * c.dissimilarity + (a + ratio(1 - b, c.n)) * c.sigma2)


class DCGDNonconvex(Growth):
    """(1/T) sum_{t<T} E||grad f(x_t)||^2 <= 2(f(x_0)-f*)/(gamma(2-beta L gamma)T) + alpha L gamma/(2-beta L gamma).

    0 < gamma < 2/(beta L), (beta, alpha) of nonconvex_growth, zeta2 >= mean||grad f_i - grad f||^2 everywhere; no
    convexity. The paper has A = omega/n, B = 0, where sigma2's factor is (1+omega)/n. Default gamma = 1/(beta L).
    """

    id = "dcgd.nonconvex"
    gradient_noise = "bounded"
    title = "Bidirectional DCSGD without convexity"
    source = NATURAL.at("Thm 9")
    attribution = Attribution.READ
    declared = Standing.CITED
    proof = "dcgd.nonconvex"
    requires = (Unbiased, JointVariance)
    bidirectional = True

    def _why_not(self, c: Constants) -> str:
        return "" if c.dissimilarity < float("inf") else "gradients must differ boundedly: equal Hessians"

    def growth(self, c: Constants) -> tuple[Number, Number]:
        return nonconvex_growth(c)


class DCGDStochastic(UnifiedTheorem):
    """Compressed stochastic gradients: E||x_t-x*||^2 <= (1-gamma mu)^t ||x_0-x*||^2 + gamma D1/mu, gamma <= 1/A.

    A = 2 (max{1-B,0} LL + A' LL_w), D1 = 2 (max{1-B,0} s^2 + A' (s_w^2 + zeta2*)), (A', B) the fleet's joint variance.
    LL, s^2 = E||g(x*)||^2 belong to the workers' mean, LL_w and s_w^2 = mean E||g_i(x*) - grad f_i(x*)||^2 to one.
    On one worker the table's row Q-SGD-SR: A = 2 (1+omega) LL, D1 = 2 (1+omega) s^2.
    """

    id = "dcgd.stochastic"
    proof = "dcgd.stochastic"
    title = "Compressed stochastic gradients (on one worker: quantised SGD)"
    row = "Q-SGD-SR"
    requires = (Unbiased, JointVariance)
    gradient_noise = "any"

    def _why_not(self, c: Constants) -> str:
        if "LL" not in c.facts:
            return "it speaks of stochastic gradients: give an oracle"
        bounded = max(c.facts["LL"], c.facts["LL_workers"]) < float("inf")
        return "" if bounded else "the gradients' expected smoothness is infinite"

    def parameters(self, c: Constants) -> Parameters:
        # one part belongs to the workers' average and one to each worker alone: (1-B) E||gbar||^2 + A mean
        # E||g_i||^2, each by its own expected smoothness
        own, shared, facts = c.joint.A, max(1 - c.joint.B, 0), c.facts
        smooth = shared * facts["LL"] + own * facts["LL_workers"]
        noise = shared * facts["sigma2_mean"] + own * (facts["sigma2_star"] + c.zeta2_star)
        return Parameters(A=2 * smooth, D1=2 * noise)


def _cgd_multipliers(q: Asked, gamma: Number, params: Params) -> Proof:
    """r = sqrt rho: r on (x, x+), 1-r on (x*, x+), r(1-r) on (x*, x), gamma r/(2s) on compression."""
    # the dual certificate of cgd.tight: smooth strongly convex interpolation inequalities between x, x+ and
    # x*, and the compressor's ||C(g) - g||^2 <= s^2 ||g||^2, summed with these weights, give f(x+) - f* <=
    # r^2 (f(x) - f*)
    s = forms.error_norm(q.delta)
    r, scale = forms.spread((1 - s) * q.mu, (1 + s) * q.L), 2 * (q.L - q.mu)
    pairs = {
        "f(x) >= f(x+)": r / scale,
        "f(x*) >= f(x+)": (1 - r) / scale,
        "f(x*) >= f(x)": r * (1 - r) / scale,
    }
    return {}, {**pairs, "compression": gamma * r / (2 * s)}


def _dcgd_multipliers(q: Asked, gamma: Number, params: Params) -> Proof:
    # one inequality is enough: monotonicity of grad f_i between x and the shared x*; the variance enters as
    # omega/n times mean||grad f_i||^2
    excess = ratio(q.omega, q.n)
    return {}, {"interpolation": forms.monotonicity(q.mu, q.L, excess, gamma)}


CONTRACTED = Known(
    Contractive,
    best=lambda q: (forms.cgd_step(q.mu, q.L, q.delta), {}),
    factor=lambda q: forms.cgd_factor(q.mu, q.L, q.delta),
    lyapunov="gap",
    multipliers=_cgd_multipliers,
    proof="cgd.tight",
    nearby=cgd_classes,
    alias="CGD",
    most_workers=1,
    source=TIGHT_ONE,
    attribution=Attribution.CODE,
)
UNBIASED = Known(
    Unbiased,
    best=lambda q: (forms.dcgd_step(q.mu, q.L, q.omega, q.n), {}),
    factor=lambda q: forms.dcgd_factor(q.mu, q.L, q.omega, q.n),
    lyapunov="x**2",
    multipliers=_dcgd_multipliers,
    proof="dcgd.tight",
    everywhere=lambda q, gamma, _: forms.interpolation_factor(q.mu, q.L, ratio(q.omega, q.n), gamma),
    tight_everywhere=True,
)


@dataclass(frozen=True)
class DCGD(BodyMethod):
    """x+ = x - gamma C_M((1/n) sum C_i(grad f_i(x))). Any compressors; theorems for n > 1 need unbiased ones."""

    name = "distributed compressed gradient descent"
    source = UNIFIED
    known = (UNBIASED, CONTRACTED)
    own_theorems = (
        DCGDInterpolation(),
        DCGDGeneral(),
        NoMemory(),
        DCSGDConstant(),
        DCSGDHorizon(),
        NoMemoryDecreasing(),
        DCGDBidirectional(),
        DCGDNonconvex(),
        DCGDStochastic(),
        DCGDNoisy(),
        NoMemoryNoisy(),
        DCSGDNoisy(),
        CGDFirst(),
        CGDSecond(),
    )

    @staticmethod
    def body(w: World, x: Vec, *, gamma: Number) -> dict[str, Vec]:
        # no memory: at x* the compressors work on grad f_i(x*), and their noise there is the floor
        return dict(x=x - gamma * w.broadcast(w.mean(w.compress(w.gradient(x)))))
