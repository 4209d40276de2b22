"""Closed forms of tight one-step rates: plain arithmetic that floats, Fractions and sympy symbols pass through.

s = sqrt(1 - delta), kappa = L/mu. Every rate is the factor of a squared quantity per round. Sources: 2506.05271 (one
agent) and 2605.31594 (n agents), read through their public code and derived again; DIANA's is ours.
"""

from __future__ import annotations

from compth._numbers import Number, max, ratio, sqrt


def error(delta: Number) -> Number:
    """s: ||C(v) - v|| <= s ||v||."""
    return sqrt(1 - delta)


def spread(mu: Number, L: Number) -> Number:
    """K = (L - mu)/(L + mu)."""
    return ratio(L - mu, L + mu)


def gd_step(mu: Number, L: Number) -> Number:
    """2/(L + mu)."""
    return ratio(2, L + mu)


def gd_rate(mu: Number, L: Number) -> Number:
    """K^2."""
    return spread(mu, L) ** 2


def cgd_step(mu: Number, L: Number, delta: Number) -> Number:
    """2/((1-s) mu + (1+s) L): best for the function value."""
    s = error(delta)
    return ratio(2, (1 - s) * mu + (1 + s) * L)


def cgd_rate(mu: Number, L: Number, delta: Number) -> Number:
    """((k - 1)/(k + 1))^2, k = kappa (1+s)/(1-s), written without a division by 1 - s."""
    s = error(delta)
    return spread((1 - s) * mu, (1 + s) * L) ** 2


def ef_step(mu: Number, L: Number, delta: Number) -> Number:
    """2/(L+mu) (1-s)/(1+s): best for EF and EF21, any number of workers."""
    s = error(delta)
    return gd_step(mu, L) * ratio(1 - s, 1 + s)


def ef_root(mu: Number, L: Number, delta: Number) -> Number:
    """r >= 0 with r^2 - (1-s) K r - s = 0."""
    s = error(delta)
    tau = (1 - s) * spread(mu, L)
    return ratio(tau + sqrt(tau * tau + 4 * s), 2)


def ef_rate(mu: Number, L: Number, delta: Number) -> Number:
    """r^2: the tight rate of EF and EF21 at ef_step."""
    return ef_root(mu, L, delta) ** 2


def dcgd_step(mu: Number, L: Number, noise: Number) -> Number:
    """2/((1 + omega/n)(L + mu)), noise = omega/n."""
    return ratio(2, (1 + noise) * (L + mu))


def noisy_rate(gamma: Number, lam: Number, noise: Number) -> Number:
    """(1 - gamma lam)^2 + noise gamma^2 lam^2: one coordinate with curvature lam."""
    return (1 - gamma * lam) ** 2 + noise * gamma * gamma * lam * lam


def dcgd_rate(mu: Number, L: Number, noise: Number, gamma: Number) -> Number:
    """Largest noisy_rate over lam in {mu, L}: tight for shared minimisers, any gamma."""
    return max(noisy_rate(gamma, mu, noise), noisy_rate(gamma, L, noise))


def condition(mu: Number, L: Number) -> Number:
    """c = 4 L mu/(L + mu)^2."""
    return ratio(4 * L * mu, (L + mu) ** 2)


def diana_alpha(mu: Number, L: Number, omega: Number, n: Number) -> Number:
    """Smaller root of n(1+omega) a^2 - (n + omega + c n (1+omega)) a + c n = 0: it balances both rates."""
    c = condition(mu, L)
    lead, middle = n * (1 + omega), n + omega + c * n * (1 + omega)
    return ratio(middle - sqrt(middle * middle - 4 * lead * c * n), 2 * lead)


def diana_noise(omega: Number, n: Number, alpha: Number) -> Number:
    """Omega = omega/(n (1 - alpha (1+omega))): DIANA is interpolation-DCGD with this noise beside a memory."""
    return ratio(omega, n * (1 - alpha * (1 + omega)))


def diana_rate(mu: Number, L: Number, omega: Number, n: Number, gamma: Number, alpha: Number) -> Number:
    """max{largest noisy_rate with noise Omega, 1 - alpha}: certified for every gamma and alpha < 1/(1+omega)."""
    return max(dcgd_rate(mu, L, diana_noise(omega, n, alpha), gamma), 1 - alpha)
