"""Implications between claims and the rules by which combinators inherit them: plain arithmetic, one line each."""

from __future__ import annotations

from compth._numbers import Number, max, min, ratio, sqrt


def second_moment(omega: Number) -> Number:
    """E||C(x)||^2 <= zeta ||x||^2 of an unbiased compressor: zeta = 1 + omega."""
    return 1 + omega


def delta_of_scaled_unbiased(omega: Number) -> Number:
    """C unbiased with omega: C/(1+omega) is contractive with delta = 1/(1+omega)."""
    return ratio(1, 1 + omega)


def scaled_error(omega: Number, factor: Number) -> Number:
    """E||fC(x)-x||^2 / ||x||^2 of an unbiased C: f^2 omega + (1-f)^2."""
    return factor * factor * omega + (1 - factor) * (1 - factor)


def composed_omega(outer: Number, inner: Number) -> Number:
    """omega of outer o inner, both unbiased and independent: (1+w1)(1+w2) - 1."""
    return (1 + outer) * (1 + inner) - 1


def composed_delta(outer_delta: Number, inner_omega: Number) -> Number:
    """delta of (outer o inner)/(1+omega), outer keeping the B3 sense: contractive outer on unbiased inner's output.

    Only for outer with <C(y), y> = ||C(y)||^2 almost surely (Top-K, masks): delta = delta1/(1+omega).
    """
    return ratio(outer_delta, 1 + inner_omega)


def induced_omega(delta: Number, omega: Number) -> Number:
    """omega of C1(x) + C2(x - C1(x)): omega2 (1 - delta1)."""
    return omega * (1 - delta)


def induced_second_moment(delta: Number, zeta: Number) -> Number:
    """The same in second moments: zeta2 (1 - delta1) + delta1."""
    return zeta * (1 - delta) + delta


def averaged_omega(omega: Number, n: Number) -> Number:
    """omega of the mean of n independent copies: omega / n."""
    return ratio(omega, n)


def independent_joint(omega: Number, n: Number) -> tuple[Number, Number]:
    """(A, B) of n independent unbiased members of variance at most omega: (omega/n, 0)."""
    return ratio(omega, n), 0


def shared_joint(omega: Number) -> tuple[Number, Number]:
    """(A, B) = (0, -omega) of one LINEAR unbiased sketch drawn once for all: E||(S-I) abar||^2 <= omega ||abar||^2."""
    return 0, -omega


def perm_joint(n: Number, d: Number) -> tuple[Number, Number]:
    """(A, B) of PermK: (1, 1) for d = qn, (d-1)/(n-1) twice for n = qd."""
    constant = ratio(max(n, d) - 1, n - 1) if not _at_least(d, n) else 1
    return constant, constant


def _at_least(d: Number, n: Number) -> bool:
    return bool(d >= n)


def b1_to_b3(alpha: Number, beta: Number) -> Number:
    """C in B1(alpha, beta): C/beta is contractive with delta = alpha/beta^2."""
    return ratio(alpha, beta * beta)


def b1_to_b2(alpha: Number, beta: Number) -> tuple[Number, Number]:
    """B1(alpha, beta) implies B2(alpha/beta, beta)."""
    return ratio(alpha, beta), beta


def b2_to_b1(gamma: Number, beta: Number) -> tuple[Number, Number]:
    """B2(gamma, beta) implies B1(gamma^2, beta)."""
    return gamma * gamma, beta


def b2_to_b3(gamma: Number, beta: Number) -> Number:
    """C in B2(gamma, beta): C/beta is contractive with delta = gamma/beta."""
    return ratio(gamma, beta)


def b3_to_b1(delta: Number) -> tuple[Number, Number]:
    """Contractive with delta implies B1(delta^2/4, 2)."""
    return ratio(delta * delta, 4), 2


def b3_to_b2(delta: Number) -> tuple[Number, Number]:
    """Contractive with delta implies B2(delta/2, 2)."""
    return ratio(delta, 2), 2


def bias_variance_scaled(eta: Number, omega: Number, lam: Number) -> tuple[Number, Number]:
    """lam C of C in C(eta, omega), 0 <= lam <= 1: C(lam eta + 1 - lam, lam^2 omega)."""
    return lam * eta + 1 - lam, lam * lam * omega


def ef_bv_scaling(eta: Number, omega: Number) -> Number:
    """EF-BV's lambda* = min{(1-eta)/((1-eta)^2 + omega), 1} (nu* with omega_av in omega's place)."""
    return min(ratio(1 - eta, (1 - eta) * (1 - eta) + omega), 1)


def ef_bv_contraction(eta: Number, omega: Number, lam: Number) -> Number:
    """r = (1 - lam + lam eta)^2 + lam^2 omega."""
    keep = 1 - lam + lam * eta
    return keep * keep + lam * lam * omega


def delta_of_bias_variance(eta: Number, omega: Number) -> Number:
    """C(eta, omega) with eta^2 + omega < 1 is contractive with delta = 1 - eta^2 - omega."""
    return 1 - eta * eta - omega


def ef21_theta_beta(delta: Number) -> tuple[Number, Number]:
    """theta = 1 - sqrt(1-delta) and beta = (1-delta)/(1 - sqrt(1-delta)) of EF21's recursion."""
    root = sqrt(1 - delta)
    return 1 - root, ratio(1 - delta, 1 - root)


def uncertainty_product(bits: Number, d: Number, alpha: Number) -> Number:
    """alpha 4^(b/d): at least 1 for every fixed-length code of b bits with E||C(x)-x||^2 <= alpha ||x||^2."""
    return alpha * 4 ** ratio(bits, d)


def uncertainty_alpha_of_omega(omega: Number) -> Number:
    """The normalised error of C/(1+omega): omega/(1+omega)."""
    return ratio(omega, 1 + omega)
