"""Implications between claims and the rules by which combinators inherit them: plain arithmetic, one line each.

Each rule is one function of constants that floats, Fractions and symbols pass through; combinators, proofs_check, tests
and docs all call it, and nothing repeats its formula. A new rule says what is assumed (independence, unbiasedness,
order) and, where it could be used wrongly, the example for which it then fails.
"""

from __future__ import annotations

from collections.abc import Sequence

from compth._numbers import Number, is_symbolic, max, min, power, ratio, sqrt
from compth.errors import InvalidParameter


def second_moment(omega: Number) -> Number:
    """E||C(x)||^2 <= zeta ||x||^2 of an unbiased compressor: zeta = 1 + omega."""
    return 1 + omega


def delta_of_scaled_unbiased(omega: Number) -> Number:
    """C unbiased with omega: C/(1+omega) is contractive with delta = 1/(1+omega)."""
    # `scaled_error` at f = 1/(1+omega), where it is least: omega/(1+omega) = 1 - 1/(1+omega).
    return ratio(1, 1 + omega)


def scaled_error(omega: Number, factor: Number) -> Number:
    """E||fC(x)-x||^2 / ||x||^2 of an unbiased C: f^2 omega + (1-f)^2."""
    # f C(x) - x = f (C(x) - x) - (1 - f) x with a first part of mean zero: the cross term vanishes.
    return factor * factor * omega + (1 - factor) * (1 - factor)


def scaled_pair(omega: Number, factor: Number) -> tuple[Number, Number]:
    """(eta, omega) of fC, C unbiased, f <= 1: (1 - f, f^2 omega)."""
    # E f C(x) - x = -(1 - f) x is the bias; the variance scales by f^2.
    return 1 - factor, factor * factor * omega


def composed_omega(outer: Number, inner: Number) -> Number:
    """omega of outer o inner, both unbiased and independent: (1+w1)(1+w2) - 1."""
    # E||C1(C2(x))||^2 = E E[||C1(y)||^2 | y = C2(x)] <= (1 + w1) E||C2(x)||^2 <= (1 + w1)(1 + w2) ||x||^2, by
    # the tower property; unbiasedness takes ||x||^2 off to give the variance.
    return (1 + outer) * (1 + inner) - 1


def composed_delta(inner_delta: Number, outer_omega: Number) -> Number:
    """delta of (outer o inner)/(1+omega), inner contractive, outer unbiased and independent: delta/(1+omega).

    Not in the other order: Top-1 of an unbiased message prefers the entries that its noise made large.
    """
    # Given y = C2(x): E||C1(y)/(1+w) - x||^2 <= ||y||^2/(1+w) - 2 <y, x>/(1+w) + ||x||^2 = (||y - x||^2 -
    # ||x||^2)/(1+w) + ||x||^2, and E||y - x||^2 <= (1 - delta) ||x||^2.
    return ratio(inner_delta, 1 + outer_omega)


def induced_omega(delta: Number, omega: Number) -> Number:
    """omega of C1(x) + C2(x - C1(x)): omega2 (1 - delta1)."""
    # C2 is unbiased for the residual x - C1(x), so the sum is unbiased; its variance is omega2 times the
    # residual's square.
    return omega * (1 - delta)


def induced_second_moment(delta: Number, zeta: Number) -> Number:
    """The same in second moments: zeta2 (1 - delta1) + delta1."""
    return zeta * (1 - delta) + delta


def averaged_omega(omega: Number, n: Number) -> Number:
    """omega of the mean of n independent copies: omega / n."""
    # Variances of independent copies add: n omega/n^2.
    return ratio(omega, n)


def blocks_omega(*omegas: Number) -> Number:
    """omega of compressors on blocks of coordinates, each with its own: the largest."""
    # E||C(x) - x||^2 = sum_b E||C_b(x_b) - x_b||^2 <= max_b omega_b sum_b ||x_b||^2; attained on one block.
    return max(*omegas)


def blocks_delta(*deltas: Number) -> Number:
    """delta of compressors on blocks of coordinates: the smallest."""
    return min(*deltas)


def blocks_pair(*pairs: tuple[Number, Number]) -> tuple[Number, Number]:
    """(eta, omega) of compressors on blocks of coordinates: the largest of each."""
    etas, omegas = zip(*pairs, strict=True)
    return max(*etas), max(*omegas)


def blocks_absolute(*Deltas: Number) -> Number:
    """Delta of compressors on blocks of coordinates: their squares add up."""
    # The squared errors of blocks add up to that of the vector, whatever its norm is.
    return sqrt(sum(v * v for v in Deltas))


def blocks_max_norm(*pairs: tuple[Number, Number]) -> Number:
    """c of compressors on blocks of d_b coordinates, (c_b, d_b): sum c_b d_b / sum d_b, as ||x_b||_inf <= ||x||_inf."""
    # Block b errs by at most c_b d_b ||x_b||_inf^2 <= c_b d_b ||x||_inf^2; the claim is per coordinate of the
    # whole vector.
    return ratio(sum(c * d for c, d in pairs), sum(d for _, d in pairs))


def max_norm_delta(c: Number, d: Number) -> Number:
    """E||C(x)-x||^2 <= c d ||x||_inf^2: delta = 1 - c d where that is positive, as ||x||_inf <= ||x||."""
    return 1 - c * d


def delta_max_norm(delta: Number) -> Number:
    """Contractive with delta: c = 1 - delta, as ||x||^2 <= d ||x||_inf^2."""
    return 1 - delta


def absolute_after(delta: Number, Delta: Number) -> tuple[Number, Number]:
    """(delta, Delta) of an unbiased outer map with absolute error Delta after a contraction with delta: errors add.

    E||Q(c) - x||^2 = E||Q(c) - c||^2 + E||c - x||^2 with c = C(x), as E[Q(c) | c] = c.
    """
    return delta, Delta


def absolute_after_any(delta: Number, Delta: Number, s: Number) -> tuple[Number, Number]:
    """The same of any outer map, for every s > 0: 1 - (1+s)(1-delta) and Delta sqrt(1 + 1/s), by Young's inequality."""
    # ||a + b||^2 <= (1 + s) ||a||^2 + (1 + 1/s) ||b||^2 with a = c - x, b = Q(c) - c; s trades one constant
    # for the other.
    return 1 - (1 + s) * (1 - delta), Delta * sqrt(1 + ratio(1, s))


def independent_joint(omega: Number, n: Number) -> tuple[Number, Number]:
    """(A, B) of n independent unbiased members of variance at most omega: (omega/n, 0)."""
    # E||(1/n) sum (C_i(a_i) - a_i)||^2 = (1/n^2) sum E||C_i(a_i) - a_i||^2: independence makes the cross
    # terms vanish.
    return ratio(omega, n), 0


def shared_joint(omega: Number) -> tuple[Number, Number]:
    """(A, B) = (0, -omega) of one LINEAR unbiased sketch drawn once for all: E||(S-I) abar||^2 <= omega ||abar||^2."""
    # (1/n) sum S a_i = S abar by linearity, so only the mean is compressed: A = 0, and the error grows with
    # ||abar||^2.
    return 0, -omega


def perm_joint(n: Number, d: Number) -> tuple[Number, Number]:
    """(A, B) of PermK, both with equality: 1 and 1 for d = qn, (d-1)/(n-1) twice for n = qd."""
    # d >= n: each coordinate is sent by one worker, n times as large, and the average is exact at equal
    # inputs (B = A). n >= d: each is sent by n/d workers, chosen without replacement, whence (d - 1)/(n - 1).
    few = ratio(d - 1, n - 1) if not _equal(n, 1) else 1
    if is_symbolic(n) or is_symbolic(d):
        import sympy

        constant = sympy.Piecewise((1, d >= n), (few, True))
    else:
        constant = 1 if d >= n else few
    return constant, constant


def _equal(a: Number, b: Number) -> bool:
    return not is_symbolic(a) and bool(a == b)


def nice_joint(m: Number, n: Number, omega: Number = 0) -> tuple[Number, Number]:
    """(A, B) of m-nice sampling of n workers, each sending (n/m) C_i: the sampling's c and the members' omega/m.

    E||mean [i in S](n/m) a_i - abar||^2 = c (mean||a_i||^2 - ||abar||^2) with c = (n-m)/(m(n-1)); conditionally on S
    the m members that send add (1/n^2)(n/m) omega sum||a_i||^2.
    """
    # Sampling without replacement: the variance of a mean of m out of n is (n - m)/(m (n - 1)) of the
    # population's.
    c = 0 if _equal(n, 1) else ratio(n - m, m * (n - 1))
    return c + ratio(omega, m), c


def sampled_joint(p: Sequence[Number], v: Sequence[Number], omega: Number = 0) -> tuple[Number, Number]:
    """(A, B) = (max_i (v_i + omega)/p_i / n, 0) of a sampling with P - p p' <= Diag(p_i v_i) (Loewner).

    At most the ((1+omega) a_S + omega)/n of the induced-compressor paper, a_S = max v_i/p_i, since v_i >= 1 - p_i.

    Holds: (v + omega) / p <= (1 + omega) * v / p + omega
    where v >= 1 - p for v in [0, 1], p in {0.01, 0.25, 0.5, 1}, omega in {0, 0.5, 1, 10}
    """
    # With S the sampled set, E||sum_S a_i/(n p_i) - abar||^2 <= (1/n^2) sum (v_i/p_i) ||a_i||^2 by P - pp' <=
    # Diag(p_i v_i); each member that sends adds omega ||a_i||^2/(n p_i)^2 with chance p_i.
    return ratio(max(*(ratio(vi + omega, pi) for pi, vi in zip(p, v, strict=True)), 0), len(p)), 0


def sampling_delta(a_s: Number, omega: Number, n: Number) -> Number:
    """delta_S = 1 + ((1+omega) a_S + omega)/n: the second-moment factor of DCSGD under a sampling with a_S."""
    # E||g||^2 <= (1 + A) mean||a_i||^2 with the joint variance A of the sampled messages, by Jensen for
    # ||abar||^2.
    return 1 + ratio((1 + omega) * a_s + omega, n)


def send_or_skip_omega(omega: Number, p: Number) -> Number:
    """omega of C(x)/p sent with probability p, else 0: (1+omega)/p - 1."""
    # E||C(x)/p||^2 p = (1 + omega) ||x||^2/p, less ||x||^2.
    return ratio(1 + omega, p) - 1


def marina_joint(omega_average: Number, p: Number) -> tuple[Number, Number]:
    """(A, B) = (p, (1-p) omega_av) of MARINA as a three-point map."""
    # With chance p the gradient itself is sent; else h + Q(x - y) is off by h - y and by the noise of Q, of
    # mean zero given the rest: (1 - p)(||h - y||^2 + omega ||x - y||^2).
    return p, (1 - p) * omega_average


def alpha_p(d: Number, p: float) -> Number:
    """inf ||x||_2^2/(||x||_1 ||x||_p), so that one-level p-quantisation has omega = 1/alpha_p - 1.

    p <= 2: d^(-1/p) (flat x). p = inf: 2/(1 + sqrt d) (one entry 1, the others 1/(1 + sqrt d)). 2 < p < inf: the
    lower bound 1/sqrt(d), from ||x||_p <= ||x||_2.
    """
    # omega of one-level quantisation is sup ||x||_1 ||x||_p/||x||_2^2 - 1. For p <= 2 a flat x is worst; for
    # p = inf the ratio is maximised over one large and d - 1 equal entries, a quadratic in their quotient.
    if p == float("inf"):
        return ratio(2, 1 + sqrt(d))
    return ratio(1, power(d, ratio(1, p) if isinstance(p, int) else 1 / p)) if p < 2 else ratio(1, sqrt(d))


def integer_sum_error(n: Number, f: Number, nearest: bool = True) -> Number:
    """Largest error of one coordinate of (1/f) sum_i rho(f x_i): n/(2f) for nearest rounding, n/f for any other."""
    # Each of the n summands is rounded by at most 1/2 (nearest) or 1, in units of 1/f.
    return ratio(n, 2 * f) if nearest else ratio(n, f)


def no_overflow_scale(n: Number, largest: Number, width: int = 32) -> Number:
    """The scale f = (2^(width-1) - 1 - n)/(n B): |sum_i rho(f x_i)| <= n(f B + 1) <= 2^(width-1) - 1, |x_ij| <= B.

    Holds: n * (no_overflow_scale(n, B) * B + 1) <= 2**31 - 1 for n in {1, 2, 8, 1000, 65536}, B in {0.1, 1, 3, 1000}
    """
    return ratio(2 ** (width - 1) - 1 - n, n * largest)


def switchml_reference_scale(n: Number, exponent: int, width: int = 32) -> Number:
    """The reference code's scale (2^(width-1) - 1)/(n 2^e), 2^e > max |x_ij|: without slack for rounding up.

    With nearest rounding it is safe for float32 inputs, |x| <= 2^e (1 - 2^-24), and n <= 256 only.
    """
    return ratio(2 ** (width - 1) - 1, n * ratio(2, 1) ** exponent)


def integer_mean_error(n: Number, d: Number, f: Number) -> Number:
    """E||(1/n) sum rounding error||^2 <= d/(4 n f^2) of independent unbiased rounding to integers at scale f."""
    # Rounding f x to integers has a variance of at most 1/4 a coordinate; n independent ones, averaged and
    # scaled back by f.
    return ratio(d, 4 * n * f * f)


def b1_to_b3(alpha: Number, beta: Number) -> Number:
    """C in B1(alpha, beta): C/beta is contractive with delta = alpha/beta^2."""
    # E||C/beta - x||^2 = E||C||^2/beta^2 - 2 <E C, x>/beta + ||x||^2 <= ||x||^2 - E||C||^2/beta^2, by the
    # upper inequality; the lower one gives alpha/beta^2.
    return ratio(alpha, beta * beta)


def b1_to_b2(alpha: Number, beta: Number) -> tuple[Number, Number]:
    """B1(alpha, beta) implies B2(alpha/beta, beta)."""
    # alpha ||x||^2 <= E||C||^2 <= beta <E C, x>: divide by beta.
    return ratio(alpha, beta), beta


def b2_to_b1(gamma: Number, beta: Number) -> tuple[Number, Number]:
    """B2(gamma, beta) implies B1(gamma^2, beta)."""
    # gamma ||x||^2 <= <E C, x> <= ||E C|| ||x||, so E||C||^2 >= ||E C||^2 >= gamma^2 ||x||^2.
    return gamma * gamma, beta


def b2_to_b3(gamma: Number, beta: Number) -> Number:
    """C in B2(gamma, beta): C/beta is contractive with delta = gamma/beta."""
    # As for B1, with -2 <E C, x>/beta + E||C||^2/beta^2 <= -<E C, x>/beta <= -(gamma/beta) ||x||^2.
    return ratio(gamma, beta)


def b3_to_b1(delta: Number) -> tuple[Number, Number]:
    """Contractive with delta implies B1(delta^2/4, 2)."""
    # E||C - x||^2 <= (1 - delta) ||x||^2 is E||C||^2 + delta ||x||^2 <= 2 <E C, x>: the upper inequality with
    # beta = 2, and <E C, x> >= (delta/2) ||x||^2; by Cauchy-Schwarz then E||C||^2 >= (delta/2)^2 ||x||^2.
    return ratio(delta * delta, 4), 2


def b3_to_b2(delta: Number) -> tuple[Number, Number]:
    """Contractive with delta implies B2(delta/2, 2)."""
    # As above, stopping at <E C, x> >= (delta/2) ||x||^2.
    return ratio(delta, 2), 2


def bias_variance_scaled(eta: Number, omega: Number, lam: Number) -> tuple[Number, Number]:
    """lam C of C in C(eta, omega), 0 <= lam <= 1: C(lam eta + 1 - lam, lam^2 omega)."""
    # ||E lam C - x|| <= lam ||E C - x|| + (1 - lam) ||x||, and the variance scales by lam^2.
    return lam * eta + 1 - lam, lam * lam * omega


def ef_bv_scaling(eta: Number, omega: Number) -> Number:
    """EF-BV's lambda* = min{(1-eta)/((1-eta)^2 + omega), 1} (nu* with omega_av in omega's place)."""
    # The minimiser of r(lam) = (1 - lam (1 - eta))^2 + lam^2 omega (`ef_bv_contraction`), cut at 1.
    return min(ratio(1 - eta, (1 - eta) * (1 - eta) + omega), 1)


def ef_bv_contraction(eta: Number, omega: Number, lam: Number) -> Number:
    """r = (1 - lam + lam eta)^2 + lam^2 omega."""
    # The scaled operator's squared bias and variance: lam* of `ef_bv_scaling` minimises their sum.
    keep = 1 - lam + lam * eta
    return keep * keep + lam * lam * omega


def bias_variance_of_deterministic(delta: Number) -> tuple[Number, Number]:
    """A deterministic contraction with delta is in C(sqrt(1-delta), 0): its error is all bias."""
    return sqrt(1 - delta), 0


def delta_of_bias_variance(eta: Number, omega: Number) -> Number:
    """C(eta, omega) with eta^2 + omega < 1 is contractive with delta = 1 - eta^2 - omega."""
    # E||C - x||^2 = ||E C - x||^2 + E||C - E C||^2: squared bias and variance add.
    return 1 - eta * eta - omega


def ef21_theta_beta(delta: Number) -> tuple[Number, Number]:
    """theta = 1 - sqrt(1-delta) and beta = (1-delta)/(1 - sqrt(1-delta)) of EF21's recursion."""
    # Young's inequality with s: (1 - delta)(1 + s) is the kept error and (1 - delta)(1 + 1/s) the factor of
    # the gradients' change; theta = 1 - (1 - delta)(1 + s) and beta = (1 - delta)(1 + 1/s), at the s that
    # minimises sqrt(beta/theta).
    root = sqrt(1 - delta)
    return 1 - root, ratio(1 - delta, 1 - root)


def uncertainty_product(bits: Number, d: Number, alpha: Number) -> Number:
    """alpha 4^(b/d): at least 1 for every fixed-length code of b bits with E||C(x)-x||^2 <= alpha ||x||^2."""
    return alpha * 4 ** ratio(bits, d)


def uncertainty_alpha_of_omega(omega: Number) -> Number:
    """The normalised error of C/(1+omega): omega/(1+omega)."""
    return ratio(omega, 1 + omega)


def uncertainty_margin(
    bits: Number, d: Number, *, omega: Number | None = None, delta: Number | None = None, rounding: Number = 0
) -> Number:
    """alpha 4^(bits/d) - 1 of a declared fixed-length code: negative means that no such compressor exists.

    alpha = omega/(1+omega) of an unbiased declaration, 1 - delta of a contractive one. `bits` counts everything that
    is sent, the norm included. `rounding` is the relative rounding error u of transmitted floats: what goes over the
    wire is the rounded message, whose error is at most (sqrt(alpha) + u (1 + sqrt(alpha)))^2.
    """
    if (omega is None) == (delta is None):
        raise InvalidParameter(f"omega={omega!r}, delta={delta!r}: give exactly one of the two constants")
    # A code of b bits has 2^b outputs; balls of radius sqrt(alpha) around them must cover the unit ball, so
    # 2^b alpha^(d/2) >= 1, that is alpha 4^(b/d) >= 1. An unbiased C enters through its contraction C/(1 +
    # omega).
    alpha: Number = 1 - delta if delta is not None else uncertainty_alpha_of_omega(omega)
    if not _equal(rounding, 0):
        root = sqrt(alpha)
        alpha = (root + rounding * (1 + root)) ** 2
    return uncertainty_product(bits, d, alpha) - 1
