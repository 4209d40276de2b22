"""IST: independent subnetwork training; the same sketch is applied to the model and to the gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number, ratio
from compth.bits import FLOAT_BITS
from compth.claims import Attribution, Standing
from compth.compressors import Compressor, CompressorLike, Fleet
from compth.compressors.double_sketch import DoubleSketch
from compth.compressors.identity import Identity
from compth.compressors.perm_k import PermK, ScaledPermK, draw_weights
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods.core import Array, Constants, Method, Plan, Recorded, State, Theorem
from compth.methods.core.body import BodyMethod
from compth.methods.core.nonconvex import running_mean
from compth.problems.interface import Problem, as_quadratic
from compth.sources import IST as IST_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


FORMS = ("estimator", "algorithm")
LARGEST = 300
"""Largest d for which theta and the rate of Theorem 1 are computed (an eigenproblem after 15 contractions)."""


def neighbourhood_paper(gamma: Number, beta: Number, h2: Number, sigma2: Number) -> Number:
    """(2 (1-gamma)/beta + gamma) ||h||_L^2 + gamma sigma^2: the neighbourhood of Theorem 2."""
    # two sources remain at any step: the bias h, as E[B] x = the mean's fixed point is not x*, and the
    # permutation's variance
    return (2 * (1 - gamma) / beta + gamma) * h2 + gamma * sigma2


def neighbourhood_sharp(gamma: Number, h2: Number, sigma2: Number) -> Number:
    """||h||_L^2 + gamma sigma^2, for any gamma in (0, 1]; attained at gamma = 1."""
    return h2 + gamma * sigma2


def sharp_factor(gamma: Number, theta: Number, lam: Number) -> Number:
    """1 - gamma (2 - gamma theta) lam: Theorem 1's factor before gamma <= 1/theta is used."""
    # E||x+||_L^2 = ||x||_L^2 - 2 gamma x'Wx + gamma^2 x'E[BLB]x, the last at most theta x'Wx, and x'Wx >=
    # lam ||x||_L^2
    return 1 - gamma * (2 - gamma * theta) * lam


def dealt_covariance(diagonal: Number, full: Number, n: int) -> Number:
    """diag(V)/(n-1) - V/(n(n-1)): Cov of c_j = [u_i]_j/sqrt(n), i the worker to whom a permutation deals j.

    V = (1/n) sum u_i u_i' - ubar ubar'. It is linear: matrices in, or their values a'diag(V)a and a'Va at one a.
    """
    return diagonal / (n - 1) - full / (n * (n - 1))


def largest_beta(gamma: Number) -> Number:
    """The beta in (0, 1/2) with gamma = (1/2 - beta)/(beta + 1/2): the best one that Theorem 2 allows at gamma."""
    return ratio(1, 2) * (1 - gamma) / (1 + gamma)


class _Interpolation(Theorem):
    """E||x_t||_L^2 contracts when every b_i = 0 and W = (L E[B] + E[B] L)/2 >= 0, B = (1/n) sum C_i L_i C_i."""

    source = IST_PAPER.at("Thm 1 (16)")
    metric = "E||x_t - x*||_L^2 = 2 E(f(x_t) - f*)"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 1 / c.facts["theta"], "1/theta"

    def _why_not(self, c: Constants) -> str:
        if "theta" not in c.facts:
            return c.reasons.get("theta", "it speaks of IST in the estimator form")
        return ""

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        return 2 * np.asarray(problem.gap(state.x))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """||x-x*||_L^2 >= mu ||x-x*||^2."""
        return float(c.mu)


class ISTInterpolation(_Interpolation):
    """b_i = 0, W >= 0, E[B L B] <= theta W, gamma <= 1/theta: E||x_t||_L^2 <= (1 - gamma lam)^t ||x_0||_L^2.

    lam = lambda_min(L^-1/2 W L^-1/2). W may be indefinite for positive definite L_i (Remark 1): then the theorem does
    not apply, though the method may converge.
    """

    id = "ist.interpolation"
    title = "IST when every worker's minimiser is 0"
    attribution = Attribution.READ
    declared = Standing.CITED
    proof = "ist.theorem1"

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.facts["lam"]


class ISTInterpolationSharp(_Interpolation):
    """The same with gamma < 2/theta and factor 1 - gamma (2 - gamma theta) lam, never above the paper's."""

    id = "ist.interpolation_sharp"
    title = "IST when every worker's minimiser is 0, finer factor"
    proof = "ist.theorem1_sharp"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 2 / c.facts["theta"], "2/theta"

    def default_step(self, c: Constants) -> Number:
        return 1 / c.facts["theta"]

    def slack(self, c: Constants, gamma: Number) -> Number:
        return 2 / c.facts["theta"] - gamma

    def rate(self, c: Constants, gamma: Number) -> Number:
        return sharp_factor(gamma, c.facts["theta"], c.facts["lam"])


class ISTAveraged(_Interpolation):
    """(1/t) sum_{k<t} E||grad f(x_k)||^2_{L^-1 W L^-1} <= 2 (f(x_0) - f*)/(gamma t), for gamma <= 1/theta, b_i = 0.

    The paper has f(x_0) - E f(x_t) on the right, which is not more. The norm's matrix is that of `matrix`: with b_i = 0
    grad f = L x, so the norm is x' W x.
    """

    id = "ist.averaged"
    title = "IST when every worker's minimiser is 0: averaged gradients"
    source = IST_PAPER.at("Thm 1 (15)")
    attribution = Attribution.READ
    declared = Standing.CITED
    metric = "(1/t) sum_{k<t} E||grad f(x_k)||^2_{L^-1 W L^-1}"
    proof = "ist.averaged"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"W": c.facts["W"]}

    def matrix(self, plan: Plan) -> Array | None:
        return np.asarray(plan["W"])

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        # x'Wx of every replicate; with b_i = 0 it is the squared gradient in the theorem's norm
        away = state.x - problem.x_star
        return np.asarray(np.einsum("ri,ij,rj->r", away, np.asarray(plan["W"]), away))

    def begin(self, problem: Problem, state: State, plan: Plan) -> Array:
        return 2 * np.asarray(problem.gap(state.x))

    def trajectory(self, trace: Recorded) -> Array:
        return running_mean(super().trajectory(trace))

    def error(self, trace: Recorded) -> Array:
        return running_mean(super().error(trace))

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        gamma = float(plan.gamma)
        return lambda t: start / (gamma * t) if t > 0 else float("inf")

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """An average of past gradients bounds no single distance."""
        return 0.0


class _Neighbourhood(Theorem):
    """(1/t) sum_{k<t} E||grad f(x_k)||^2_{L^-1} <= 2 (f(x_0) - f*)/(gamma t) + a neighbourhood that does not vanish."""

    source = IST_PAPER.at("Thm 2 (30)")
    metric = "(1/t) sum_{k<t} E||grad f(x_k)||^2_{L^-1}"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 1, "1"

    def default_step(self, c: Constants) -> Number:
        return ratio(1, 2)

    def _why_not(self, c: Constants) -> str:
        return "" if "h2" in c.facts else c.reasons.get("h2", "it speaks of IST in the estimator form")

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        """||grad f||^2_{L^-1} = 2 (f - f*) on quadratics."""
        return 2 * np.asarray(problem.gap(state.x))

    def trajectory(self, trace: Recorded) -> Array:
        return running_mean(super().trajectory(trace))

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        gamma, floor = float(plan.gamma), float(plan.floor)
        return lambda t: start / (gamma * t) + floor if t > 0 else float("inf")

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """An average of past gradients bounds no single distance."""
        return 0.0


class ISTNeighbourhood(_Neighbourhood):
    """Scaled Perm-1 (23), n = d, gamma < 1: neighbourhood (2(1-gamma)/beta + gamma)||h||_L^2 + gamma sigma^2.

    beta = (1-gamma)/(2(1+gamma)), the best that (29) allows; h = x* - x_inf; sigma^2 = tr(L Cov), exact. The norm of h
    is ||.||_L (one extraction of the paper prints L^2).
    """

    id = "ist.neighbourhood"
    title = "IST on heterogeneous data: a neighbourhood that no step size removes"
    attribution = Attribution.READ
    declared = Standing.CITED
    proof = "ist.theorem2"

    def slack(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma

    def floor(self, c: Constants, gamma: Number) -> Number:
        return neighbourhood_paper(gamma, largest_beta(gamma), c.facts["h2"], c.facts["sigma2"])


class ISTNeighbourhoodSharp(_Neighbourhood):
    """The same for any gamma in (0, 1] with neighbourhood ||h||_L^2 + gamma sigma^2; attained at gamma = 1."""

    id = "ist.neighbourhood_sharp"
    title = "IST on heterogeneous data, four times smaller neighbourhood"
    proof = "ist.theorem2_sharp"

    def floor(self, c: Constants, gamma: Number) -> Number:
        return neighbourhood_sharp(gamma, c.facts["h2"], c.facts["sigma2"])


@dataclass(frozen=True)
class IST(BodyMethod):
    """g = (1/n) sum C_i grad f_i(C_i x), the same C_i twice; form "estimator": x+ = x - gamma g, (2) with (5).

    form "algorithm": x+ = (1/n) sum [C_i x - gamma C_i grad f_i(C_i x)], Algorithm 1 with one local step. They are the
    same iff (1/n) sum C_i = I always (PermK with d = qn). The sketch is any fleet of diagonal sketches: PermK(n),
    ScaledPermK, RandK, Bernoulli, Shared. Both directions are compressed: a worker receives C_i x only.
    """

    form: str = "estimator"
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    name = "independent subnetwork training"
    source = IST_PAPER
    own_theorems = (
        ISTInterpolation(),
        ISTInterpolationSharp(),
        ISTAveraged(),
        ISTNeighbourhood(),
        ISTNeighbourhoodSharp(),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.form not in FORMS:
            raise InvalidParameter(f"IST(form={self.form!r}): choose one of {', '.join(FORMS)}")

    def check(self, problem: Problem) -> Constants:
        """Constants with theta and lam of Theorem 1, ||h||_L^2 and sigma^2 of Theorem 2 where they exist."""
        c = super().check(problem)
        # a fleet whose weights cannot be drawn apart from its messages cannot apply one draw twice: refused
        # before the run
        draw_weights(self.fleet, (1, problem.n, problem.d), np.random.default_rng(0))
        facts, reasons = _facts(self, problem)
        return c.but(facts=facts, reasons=reasons)

    @property
    def algorithm(self) -> int:
        """1 for Algorithm 1, 0 for the estimator."""
        return int(self.form == "algorithm")

    def given(self) -> Mapping[str, Number]:
        """Nothing: the form is no parameter that a theorem plans."""
        return {}

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {}

    @staticmethod
    def body(w: World, x: Vec, *, gamma: Number, algorithm: Number = 0) -> dict[str, Vec]:
        # one draw C_i for both uses: on the model going down and on the gradient coming up
        sketch = w.sketch()
        # C_i x is all of the model that worker i sees, and its gradient is taken there
        model = sketch(x)
        moved = gamma * sketch(w.gradient(model))
        return dict(x=w.mean(model - moved) if algorithm else x - w.mean(moved))

    def downlink_bits(self, problem: Problem, float_bits: int = FLOAT_BITS) -> float:
        """The worker's own part of the model."""
        costs = self.fleet.bits(problem.n, problem.d, float_bits)
        return float(sum(c.total for c in costs) / problem.n)

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(PermK(2) if compressor is None else compressor),)


def _facts(method: IST, problem: Problem) -> tuple[Mapping[str, Number], Mapping[str, str]]:
    if method.form != "estimator":
        return {}, {}
    facts: dict[str, Number] = {}
    reasons: dict[str, str] = {}
    # Theorem 1 needs b_i = 0 for all i, so that x* = 0 is the fixed point of every sketch; Theorem 2 the
    # sketch (23), of which B = I always
    quadratic = as_quadratic(problem)
    if np.any(quadratic.b):
        reasons["theta"] = "every b_i must be 0"
    elif problem.d > LARGEST:
        reasons["theta"] = f"theta is computed up to d = {LARGEST} only"
    elif quadratic.singular:
        reasons["theta"] = "L must be positive definite"
    else:
        try:
            theta, lam = double_sketch_constants(method.fleet, problem)
            facts |= {"theta": theta, "lam": lam, "W": mean_curvature(method.fleet, problem)[1]}
        except Unsupported as problem_found:
            reasons["theta"] = str(problem_found)
        except NoGuarantee as problem_found:
            reasons["theta"] = str(problem_found)
    law = law_of(method, problem)
    if law is None:
        reasons["h2"] = "it needs n = d and ScaledPermK.preconditioned(L_1 .. L_n), sketch (23)"
    else:
        facts |= {"h2": law.bias_square, "sigma2": law.sigma2}
    return facts, reasons


def mean_curvature(fleet: Fleet, problem: Problem) -> tuple[Array, Array]:
    """(E[B], W), W = (L E[B] + E[B] L)/2, for B = (1/n) sum C_i L_i C_i."""
    sketch, quadratic = DoubleSketch(fleet, problem.n, problem.d), as_quadratic(problem)
    c = np.broadcast_to(np.asarray(sketch.scale, dtype=float), quadratic.b.shape)
    # C_i L_i C_i = M_i K_i M_i with masks M_i and K_i = diag(c) L_i diag(c): the weights go into the matrix
    mean = sketch.mean_map(c[:, :, None] * quadratic.A * c[:, None, :])
    product = quadratic.hessian @ mean
    return mean, (product + product.T) / 2


def double_sketch_constants(fleet: Fleet, problem: Problem) -> tuple[float, float]:
    """(theta, lam): least theta with E[B L B] <= theta W, and lambda_min(L^-1/2 W L^-1/2), by inclusion probabilities.

    NoGuarantee where W is indefinite (IST's Remark 1), Unsupported for sketches without joint inclusion probabilities.
    """
    sketch, quadratic = DoubleSketch(fleet, problem.n, problem.d), as_quadratic(problem)
    c = np.broadcast_to(np.asarray(sketch.scale, dtype=float), quadratic.b.shape)
    K = c[:, :, None] * quadratic.A * c[:, None, :]
    L = quadratic.hessian
    _, W = mean_curvature(fleet, problem)
    # W counts as definite only where its least eigenvalue is clear of the rounding of d terms of its size
    size = float(np.abs(W).max())
    values, vectors = np.linalg.eigh((W + W.T) / 2)
    if values[0] < -1e-12 * size * problem.d:
        raise NoGuarantee(f"W = (L E[B] + E[B] L)/2 is indefinite (least eigenvalue {values[0]:.3g})")
    if values[0] <= 1e-12 * size * problem.d:
        raise NoGuarantee("W = (L E[B] + E[B] L)/2 is singular")
    # W^-1/2 E[BLB] W^-1/2 has theta for its largest eigenvalue: the least theta with E[BLB] <= theta W
    half = vectors / np.sqrt(values)
    second = sketch.quadratic(K, L)
    theta = float(np.linalg.eigvalsh(half.T @ second @ half)[-1])
    own, basis = np.linalg.eigh(L)
    # and L^-1/2 W L^-1/2 has lam for its smallest
    root = basis / np.sqrt(own)
    return theta, float(np.linalg.eigvalsh(root.T @ W @ root)[0])


@dataclass(frozen=True, eq=False)
class ISTLaw:
    """The exact law of IST with scaled Perm-1 sketches (23), n = d: x+ = (1-gamma) x + gamma c, c iid (B = I always).

    x_inf = E c = (1/n^(3/2)) sum D_i^-1/2 b_i, the mean's fixed point; covariance: of c; bias h = x* - x_inf.
    """

    x_inf: Array
    covariance: Array
    bias: Array
    L: Array

    @property
    def bias_square(self) -> float:
        """||h||_L^2."""
        return float(self.bias @ self.L @ self.bias)

    @property
    def sigma2(self) -> float:
        """E||g - E g||_L^2 = tr(L Cov c), the same at every x."""
        return float((self.L * self.covariance).sum())

    def mean(self, t: int, gamma: float, x0: Array) -> Array:
        """E x_t."""
        return self.x_inf + (1 - gamma) ** t * (x0 - self.x_inf)

    def cov(self, t: int, gamma: float) -> Array:
        """Cov x_t = gamma/(2-gamma) (1 - (1-gamma)^(2t)) Cov c."""
        return gamma / (2 - gamma) * (1 - (1 - gamma) ** (2 * t)) * self.covariance

    def gap(self, t: int, gamma: float, x0: Array) -> float:
        """E f(x_t) - f*; its limit is (||h||_L^2 + gamma sigma^2/(2-gamma))/2."""
        # 2 (f - f*) = ||x - x*||_L^2 splits into the square of the mean's distance and the trace of L times
        # the covariance
        away = self.mean(t, gamma, x0) - (self.x_inf + self.bias)
        return float(away @ self.L @ away + (self.L * self.cov(t, gamma)).sum()) / 2


def law_of(method: IST, problem: Problem) -> ISTLaw | None:
    """The exact law where the sketch is (23) for this problem's Hessians and n = d >= 2, else None."""
    fleet, n = method.fleet, problem.n
    if not isinstance(fleet, ScaledPermK) or not isinstance(fleet.scaling, tuple) or n != problem.d or n < 2:
        return None
    quadratic = as_quadratic(problem)
    diagonal = np.einsum("ijj->ij", quadratic.A)
    # (23): scaling_ij^2 [L_i]_jj = n, to rounding
    scale = np.asarray(fleet.scaling)
    if scale.shape != diagonal.shape or np.abs(scale**2 * diagonal - n).max() > 1e-9 * n:
        return None
    # with that sketch B = I, so x+ = (1-gamma) x + gamma c, c_j = [u_i]_j/sqrt(n) for the worker i to whom
    # j is dealt
    u = quadratic.b / np.sqrt(diagonal)
    mean = u.mean(axis=0)
    v = (u[:, :, None] * u[:, None, :]).mean(axis=0) - np.outer(mean, mean)
    covariance = np.asarray(dealt_covariance(np.diag(np.diag(v)), v, n))
    x_inf = mean / np.sqrt(n)
    return ISTLaw(x_inf, covariance, problem.x_star - x_inf, quadratic.hessian)


def remark1(a: Number, b: Number, c: Number) -> tuple[tuple[Number, Number], ...]:
    """W (up to the factor n) of the counterexample L = [[a, c], [c, b]]: indefinite for 2ab/(a+b) < c < sqrt(ab).

    L stays positive definite there, so (14) fails and f may increase in a step; the method still converges. The paper
    gives no numbers; a = 1, b = 9, c = 5/2 lie in the window.
    """
    # W of PermK for n = d = 2: masks keep the diagonal of L, so E[B] is a multiple of diag(a, b), and (L D
    # + D L)/2 has c (a+b)/2 off the diagonal
    off = c * (a + b) / 2
    return ((a * a, off), (off, b * b))
