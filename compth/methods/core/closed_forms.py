"""Optimal steps and tight rates known in closed form; rho is the one-step factor of a squared quantity.

s = sqrt(1 - delta), Omega = omega/(n(1-theta)). Class A: every f_i L-smooth and mu-strongly convex. Class B: every
f_i convex and L-smooth, f mu-strongly convex. Sources: TIGHT_ONE and TIGHT_N for CGD, EF, EF21; DIANA's are OURS.

Every line is plain arithmetic, as proofs, tests, tables and the command line import it: no float() and no branch on a
type, but where a formula itself has cases.
"""

from __future__ import annotations

from typing import NamedTuple

from compth._numbers import Number, exact, max, ratio, sqrt
from compth.calculus import averaged_omega


def error_norm(delta: Number) -> Number:
    """s = sqrt(1 - delta): ||C(x) - x|| <= s ||x||."""
    return sqrt(1 - exact(delta))


def spread(mu: Number, L: Number) -> Number:
    """K = (L - mu)/(L + mu), the factor of gradient descent at its best step."""
    return ratio(L - mu, L + mu)


def gd_factor(mu: Number, L: Number) -> Number:
    """rho = ((L - mu)/(L + mu))^2 of gradient descent at 2/(L + mu)."""
    return spread(mu, L) ** 2


def cgd_step(mu: Number, L: Number, delta: Number) -> Number:
    """2/((1-s) mu + (1+s) L)."""
    s = error_norm(delta)
    return ratio(2, (1 - s) * mu + (1 + s) * L)


def cgd_factor(mu: Number, L: Number, delta: Number) -> Number:
    """((k-1)/(k+1))^2 with k = kappa (1+s)/(1-s): factor of f - f* for compressed gradient descent, tight."""
    s = error_norm(delta)
    # relative error at most s turns a gradient step into one whose length is anything between 1-s and 1+s
    # of it: gradient descent for the class [(1-s) mu, (1+s) L], with its own best step
    return gd_factor((1 - s) * mu, (1 + s) * L)


def cgd_factor_at(mu: Number, L: Number, delta: Number, gamma: Number) -> Number:
    """max{1 - (1-s) gamma mu, (1+s) gamma L - 1}^2, the same at any step with (1+s) gamma L < 2."""
    s = error_norm(delta)
    return max(1 - (1 - s) * gamma * mu, (1 + s) * gamma * L - 1) ** 2


def feedback_step(mu: Number, L: Number, delta: Number) -> Number:
    """2/(L+mu) (1-s)/(1+s): the best step of EF and of EF21."""
    s = error_norm(delta)
    return ratio(2 * (1 - s), (L + mu) * (1 + s))


def feedback_factor(mu: Number, L: Number, delta: Number) -> Number:
    """r^2 with r^2 - tau r - s = 0, tau = (1-s)(L-mu)/(L+mu): EF's and EF21's factor, tight for every n."""
    s = error_norm(delta)
    # the positive root of r^2 - tau r - s: the other one is negative, as its product with this one is -s
    tau = (1 - s) * spread(mu, L)
    return ((tau + sqrt(tau * tau + 4 * s)) / 2) ** 2


def feedback_bracket(mu: Number, L: Number, s: Number) -> Number:
    """(1-s)(L-mu) + (1+s) sqrt((L-mu)^2 + 16 L mu s/(1+s)^2), in the multipliers of EF and EF21."""
    return (1 - s) * (L - mu) + (1 + s) * sqrt((L - mu) ** 2 + 16 * L * mu * s / (1 + s) ** 2)


def heterogeneous_feedback_step(mu: tuple[Number, ...], L: tuple[Number, ...], delta: Number) -> Number:
    """2n/sum(L_i + mu_i) (1-s)/(1+s): EMPIRICAL for workers with different constants, a CONJECTURE."""
    s = error_norm(delta)
    return ratio(2 * len(L) * (1 - s), (sum(L) + sum(mu)) * (1 + s))


def interpolation_factor(mu: Number, L: Number, excess: Number, gamma: Number) -> Number:
    """max over lambda in {mu, L} of (1 - gamma lambda)^2 + excess (gamma lambda)^2: DCGD with excess = omega/n."""
    # E||x+||^2 for f_i = v x^2/2 has the mean (1 - gamma v)^2 and the variance excess (gamma v)^2; it is
    # convex in v, so over [mu, L] the largest value is at an end
    return max(*((1 - gamma * v) ** 2 + excess * (gamma * v) ** 2 for v in (exact(mu), exact(L))))


def interpolation_step(mu: Number, L: Number, excess: Number) -> Number:
    """2/((1 + excess)(L + mu)), the minimiser of interpolation_factor."""
    return ratio(2, (1 + excess) * (L + mu))


def monotonicity(mu: Number, L: Number, excess: Number, gamma: Number) -> Number:
    """2 |gamma - gamma^2 (1+excess) v|/(L - mu), v the worse of mu and L: 2 gamma/(L + mu) at the best step.

    The multiplier of (L+mu)<g, x> - |g|^2 - L mu |x|^2 >= 0. It makes the LMI singular along (x, g) = (1, v), where the
    rate is attained.
    """
    # the LMI is tight at the end of [mu, L] where the factor is attained; which one that is changes at the
    # best step, pull (L + mu) = 2, where both are
    pull = gamma * (1 + excess)
    if mu == L or pull * (L + mu) == 2:
        return 2 * gamma / (L + mu)
    return 2 * gamma * ((1 - pull * mu) if pull * (L + mu) < 2 else (pull * L - 1)) / (L - mu)


def dcgd_step(mu: Number, L: Number, omega: Number, n: Number) -> Number:
    """2/((1 + omega/n)(L + mu))."""
    return interpolation_step(mu, L, averaged_omega(omega, n))


def curvature(mu: Number, L: Number) -> Number:
    """c = 4 L mu/(L + mu)^2."""
    return ratio(4 * L * mu, (L + mu) ** 2)


def dcgd_factor(mu: Number, L: Number, omega: Number, n: Number) -> Number:
    """1 - 4 L mu/((1 + omega/n)(L + mu)^2): factor of E||x - x*||^2 at the best step, shared minimiser, tight."""
    # interpolation_factor at interpolation_step: both ends give this number
    return 1 - ratio(curvature(mu, L), 1 + averaged_omega(omega, n))


def dcgd_floor(mu: Number, L: Number, omega: Number, n: Number, gamma: Number, zeta2: Number) -> Number:
    """gamma (omega/n) zeta2/(L mu (2/(L+mu) - gamma omega/n)), with rho = 1 - 2 gamma L mu/(L+mu).

    For workers with different minimisers, zeta2 = mean ||grad f_i(x*)||^2, and the multiplier lam = 2 gamma.
    Valid for gamma (1 + omega/n) <= 2/(L + mu).
    """
    w = averaged_omega(omega, n)
    return ratio(gamma * w * zeta2, L * mu * (ratio(2, L + mu) - gamma * w))


def dcgd_floor_factor(mu: Number, L: Number, gamma: Number) -> Number:
    """rho = 1 - 2 gamma L mu/(L + mu), the contraction that goes with dcgd_floor."""
    return 1 - ratio(2 * gamma * L * mu, L + mu)


class DianaPlan(NamedTuple):
    """DIANA's best parameters: V = ||x-x*||^2 + weight mean||h_i - grad f_i(x*)||^2 contracts by rho."""

    gamma: Number
    alpha: Number
    rho: Number
    weight: Number


def diana_alpha(mu: Number, L: Number, omega: Number, n: Number) -> Number:
    """Smaller root of n(1+omega) a^2 - (n + omega + c n(1+omega)) a + c n = 0: balances 1 - a and 1 - c/(1+Omega)."""
    # at its best step the iterates contract by 1 - c/(1+Omega), the memory by 1-alpha; Omega grows with
    # alpha, so the larger of the two is least where they are equal, a quadratic in alpha
    c, full = curvature(mu, L), n * (1 + omega)
    b = n + omega + c * full
    # the larger root lies beyond 1/(1+omega), where Omega is negative and the memory diverges
    return ratio(b - sqrt(b * b - 4 * full * c * n), 2 * full)


def diana_excess(omega: Number, n: Number, alpha: Number) -> Number:
    """Omega = omega/(n(1 - alpha(1+omega))): DIANA is DCGD with omega/n replaced by Omega, plus a decoupled memory."""
    return ratio(omega, n * (1 - alpha * (1 + omega)))


def diana_weight(omega: Number, n: Number, alpha: Number, gamma: Number) -> Number:
    """gamma^2 Omega/alpha."""
    return gamma * gamma * diana_excess(omega, n, alpha) / alpha


def diana_factor(mu: Number, L: Number, omega: Number, n: Number, gamma: Number, alpha: Number) -> Number:
    """max(rho_A(Omega, gamma), 1 - alpha) for 0 < alpha < 1/(1+omega), class A, any gamma."""
    return max(interpolation_factor(mu, L, diana_excess(omega, n, alpha), gamma), 1 - exact(alpha))


def diana_plan(mu: Number, L: Number, omega: Number, n: Number) -> DianaPlan:
    """DIANA's optimal certified parameters in closed form, class A; attained on 1-D quadratics (OURS).

    omega = 0 needs no memory: gradient descent, alpha = 1.
    """
    # exact messages: h_i is the gradient at once, and there is nothing to balance
    if omega == 0:
        return DianaPlan(ratio(2, L + mu), exact(1), gd_factor(mu, L), exact(0))
    alpha = diana_alpha(mu, L, omega, n)
    gamma = interpolation_step(mu, L, diana_excess(omega, n, alpha))
    return DianaPlan(gamma, alpha, 1 - alpha, diana_weight(omega, n, alpha, gamma))


def convex_step(mu: Number, L: Number, excess: Number) -> Number:
    """Class B: 1/(mu + Omega L) for Omega >= 1 - mu/L, else 2/((1+Omega) L + mu)."""
    # the two ends' factors cross at 2/((1+Omega) L + mu); for large Omega the end mu has its own minimum
    # 1/(mu + Omega L) before that
    large = excess * L >= L - mu
    return ratio(1, mu + excess * L) if large else ratio(2, (1 + excess) * L + mu)


def convex_factor(mu: Number, L: Number, excess: Number, gamma: Number) -> Number:
    """Class B, an upper bound: max((1-gamma mu)^2 + gamma^2 Omega L mu, (1-gamma L)^2 + gamma^2 Omega L^2).

    DCGD in interpolation: Omega = omega/n. DIANA: the larger of this and 1 - alpha.
    """
    # without strong convexity of every f_i only mean||grad f_i||^2 <= 2 L (f - f*) bounds the noise, which
    # gives L v in the place of v^2
    g2 = gamma * gamma * excess * L
    return max((1 - gamma * mu) ** 2 + g2 * mu, (1 - gamma * L) ** 2 + g2 * L)
