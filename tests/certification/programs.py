"""Small programs as compression libraries write them, each with the constant that is true and an input that shows it.

PROGRAMS: (program, d, claim, the true constant, worst input). The constants are computed by hand, in the comments; the
test holds them against plain means at the worst input before it holds the verdicts against them.
WRONG: (program, d, claims): mistakes seen in published code, false whatever the constant.
"""

from functools import partial
from math import sqrt

import numpy as np

import compth as ct


def rounded(r, rng):
    """Stochastic rounding to integers."""
    f = np.floor(r)
    return f + (rng.random(r.shape) < r - f)


def by_norm(x, rng, norm, levels):
    n = norm(np.abs(x))
    return x * 0 if n == 0 else n / levels * np.sign(x) * rounded(np.abs(x) / n * levels, rng)


def qsgd_max_norm(x, rng):
    return by_norm(x, rng, np.max, 4)


def qsgd_buckets(x, rng):
    return np.concatenate([by_norm(v, rng, np.linalg.norm, 1) for v in x.reshape(-1, 3)])


def int8(x, rng):
    return by_norm(x, rng, np.max, 127)


def min_max(x, rng, levels=1):
    lo, hi = x.min(), x.max()
    return x.copy() if lo == hi else lo + rounded((x - lo) / (hi - lo) * levels, rng) / levels * (hi - lo)


def threshold(x):
    """Keeps what reaches half of the largest magnitude."""
    return np.where(np.abs(x) >= 0.5 * np.abs(x).max(), x, 0)


def sign_mean(x):
    return np.abs(x).mean() * np.sign(x)


def two_means(x):
    """1-bit SGD: the mean of the positive and the mean of the other entries."""
    y, p = np.zeros_like(x), x > 0
    for side in (p, ~p):
        y[side] = x[side].mean() if side.any() else 0
    return y


def powers(x):
    """The nearest power of two."""
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.where(m < 0.75, np.ldexp(0.5, e), np.ldexp(1.0, e))


def powersgd(x, rng):
    m = x.reshape(round(sqrt(x.size)), -1)
    p = m @ rng.standard_normal(m.shape[1])
    n = np.linalg.norm(p)
    return x * 0 if n == 0 else np.outer(p / n, m.T @ (p / n)).ravel()


def with_replacement(x, rng, k=2):
    y = np.zeros_like(x)
    for i in rng.integers(0, x.size, k):
        y[i] += x[i] * x.size / k
    return y


def proportional(x, rng, k=2):
    """Wangni et al.: kept with probability min(1, k |x_j| / ||x||_1)."""
    s = np.abs(x).sum()
    if s == 0:
        return x
    p = np.minimum(1, k * np.abs(x) / s)
    return np.where(rng.random(x.size) < p, x / np.where(p > 0, p, 1), 0)


def terngrad(x, rng):
    return by_norm(x, rng, np.max, 1)


def subtractive_dither(x, rng):
    step = np.abs(x).max() / 4
    if step == 0:
        return x
    u = rng.random(x.size) - 0.5
    return step * (np.round(x / step + u) - u)


def count_sketch(x, rng, k=2):
    cell, sign, table = rng.integers(0, k, x.size), rng.choice([-1.0, 1.0], x.size), np.zeros(k)
    np.add.at(table, cell, sign * x)
    return sign * table[cell]


def gaussian_sketch(x, rng, k=2):
    s = rng.standard_normal((k, x.size))
    return s.T @ (s @ x) / k


def to_bfloat16(x):
    m, e = np.frexp(x)
    return np.ldexp(np.rint(np.ldexp(m, 8)), e - 8).astype(np.float32)


def min_max_bfloat16(x, rng):
    return to_bfloat16(min_max(to_bfloat16(x), rng))


def int8_float32(x, rng):
    x = x.astype(np.float32)
    n = np.abs(x).max()
    r = np.abs(x) / n * np.float32(127) if n else x
    f = np.floor(r)
    return n / np.float32(127) * np.sign(x) * (f + (rng.random(x.size, dtype=np.float32) < r - f))


def cut(x, rng, bits):
    b = x.astype(np.float32).view(np.int32)
    return ((b + rng.integers(0, 1 << bits, b.shape, dtype=np.int32)) & np.int32(-65536)).view(np.float32)


def bfloat16_16_bits(x, rng):
    return cut(x, rng, 16)


def _led(d, rest):
    x = np.full(d, rest)
    x[0] = 1.0
    return x


def levels_of_max(d, s):
    """(constant, worst input) of stochastic rounding to s levels of the largest entry.

    One entry 1, the others c below the first level h = 1/s: (d - 1) c (h - c)/(1 + (d - 1) c^2), whose derivative
    vanishes at c = h/(1 + w), w = sqrt(1 + (d - 1) h^2), with the value (w - 1)/2. TernGrad is s = 1.
    """
    w = sqrt(1 + (d - 1) / s**2)
    return (w - 1) / 2, _led(d, 1 / s / (1 + w))


U, C = ct.Unbiased, ct.Contractive
PROGRAMS = [
    (terngrad, 9, U, *levels_of_max(9, 1)),
    (qsgd_max_norm, 6, U, *levels_of_max(6, 4)),
    (int8, 5, U, *levels_of_max(5, 127)),
    (int8_float32, 5, U, *levels_of_max(5, 127)),
    (qsgd_buckets, 6, U, (sqrt(3) - 1), np.tile(np.full(3, 1.0), 2)),  # sqrt(b) - 1 in buckets of b, s = 1
    (
        min_max,
        8,
        U,
        8 / 2 - 1,
        np.array([1.0, -1.0, *[0.0] * 6]),
    ),  # zeros become +-1, each erring by 1: (d - 2)/2
    (partial(min_max, levels=15), 6, U, 4 / 450, np.array([1.0, -1.0, 0, 0, 0, 0])),  # half a level of 2/15
    (threshold, 8, C, 1 / (1 + 7 / 4), _led(8, 0.5 - 1e-9)),  # (d - 1)/4 lost of 1 + (d - 1)/4
    (sign_mean, 6, C, 1 / 6, _led(6, 1e-9)),  # ||x||_1^2/(d ||x||^2)
    (two_means, 6, C, 1 / 6, np.array([1.0, *[1e-9] * 5])),  # a projection on the mean
    (powers, 4, C, 8 / 9, np.full(4, 1.5 - 1e-9)),  # 1.5 becomes 1 or 2: (1/3)^2
    (powersgd, 9, C, 1 / 3, np.eye(3).ravel()),  # one of three equal singular values
    (with_replacement, 5, U, 4 / 2, np.eye(5)[0]),  # (d - 1)/k
    (proportional, 6, U, 6 / 2 - 1, np.ones(6)),  # E||C||^2 = ||x||_1^2/k <= d ||x||^2/k
    (subtractive_dither, 8, U, 8 / 192, np.eye(8)[0]),  # d steps^2/12, step = max/4
    (count_sketch, 5, U, 4 / 2, np.ones(5)),  # (d - 1)/k
    (gaussian_sketch, 6, U, 7 / 2, np.ones(6)),  # (d + 1)/k
    (min_max_bfloat16, 6, U, 2.0, np.array([1.0, -1.0, 0, 0, 0, 0])),
    (bfloat16_16_bits, 4, U, 1 / 66049, np.full(4, 1 + 2.0**-8)),  # (2^-8/(1 + 2^-8))^2
]


def rounds_the_wrong_way(x, rng):
    n = np.linalg.norm(x)
    if n == 0:
        return x
    r = np.abs(x) / n * 4
    f = np.floor(r)
    return n / 4 * np.sign(x) * (f + (rng.random(x.size) >= r - f))


def signed_sort(x, k=2):
    y = np.zeros_like(x)
    i = np.argsort(-x)[:k]
    y[i] = x[i]
    return y


def sign_of_norm(x):
    return np.linalg.norm(x) / np.sqrt(x.size) * np.sign(x)


def int8_to_nearest(x):
    m = np.abs(x).max()
    return x * 0 if m == 0 else np.round(x / m * 127) * m / 127


def clipped_int8(x, rng):
    c = 2.5 * x.std()
    return int8(np.clip(x, -c, c) if c > 0 else x, rng)


def no_scale(x, rng, k=2):
    y = np.zeros_like(x)
    i = rng.choice(x.size, k, replace=False)
    y[i] = x[i]
    return y


def one_bad_coordinate(x, rng):
    w = np.full(x.size, 2.0)
    w[-1] = 1
    return np.where(rng.random(x.size) < 0.5, x * w, 0)


def a_thousandth_too_large(x, rng):
    return 1.001 * x.size / 2 * no_scale(x, rng)


def floored_probability(x, rng, k=2):
    s = np.abs(x).sum()
    if s == 0:
        return x
    p = np.minimum(1, k * np.abs(x) / s)
    return np.where(rng.random(x.size) < np.maximum(p, 0.3), x / np.where(p > 0, p, 1), 0)


def natural_by_square(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5 + 0.5 * (rng.random(x.size) < (2 * m - 1) ** 2), e)


def bfloat16_cut(x):
    return (x.astype(np.float32).view(np.int32) & np.int32(-65536)).view(np.float32)


def bfloat16_7_bits(x, rng):
    return cut(x, rng, 7)


def seeded_anew(x, rng):
    return np.where(np.random.default_rng(0).random(x.size) < 0.5, 2 * x, 0)


def hadamard_sign(x, rng):
    """Scaled for <C(x), x> = ||x||^2 on every path, which makes no E C(x) = x."""
    h = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
    signs = rng.choice([-1.0, 1.0], 4)
    r = h @ (signs * x)
    n = np.abs(r).sum()
    return x * 0 if n == 0 else signs * (h.T @ np.sign(r)) * (x @ x) / n


def fixed_threshold(x):
    return np.where(np.abs(x) > 0.5, np.sign(x) * 0.5, 0)


def scaled_bfloat16(x, rng):
    return to_bfloat16(1.3 * x.size / 2 * no_scale(to_bfloat16(x), rng))


def guarded_norm(x, rng):
    """Unbiased, but for ||x|| below the guard its levels are far too coarse: the variance is unbounded."""
    n = np.linalg.norm(x) + 1e-8
    return n / 4 * np.sign(x) * rounded(np.abs(x) / n * 4, rng)


def own_coordinates(rows, rng):
    """PermK with a coordinate for every worker alone: no common permutation."""
    n, d = rows.shape
    y = np.zeros_like(rows)
    for i in range(n):
        j = rng.integers(d)
        y[i, j] = n * rows[i, j]
    return y


WRONG = [
    (rounds_the_wrong_way, 8, U(1)),
    (signed_sort, 5, C("2/d")),
    (sign_of_norm, 6, C("1/d")),
    (int8_to_nearest, 5, U(1)),
    (int8, 6, U("(d - 1)/(5*127**2)")),  # met exactly at c = 0.1, where a digit is 0.7: exceeded between
    (clipped_int8, 20, U(1)),
    (no_scale, 200, U("d/2 - 1")),
    (one_bad_coordinate, 6, U(1)),
    (a_thousandth_too_large, 6, U(2.1)),
    (floored_probability, 6, U(3)),
    (natural_by_square, 5, U(1 / 8)),
    (bfloat16_cut, 4, U(1e-4)),
    (bfloat16_7_bits, 4, U(1 / 65536)),
    (bfloat16_7_bits, 4, ct.BiasVariance(1e-4, 1 / 65536)),
    (seeded_anew, 5, U(1)),
    (hadamard_sign, 4, U(10)),
    (fixed_threshold, 3, C(0.1)),
    (fixed_threshold, 3, ct.AbsoluteError(5)),
    (scaled_bfloat16, 6, U("d/2 - 1")),
    (guarded_norm, 4, U(1)),
    (own_coordinates, 4, ct.JointVariance(1, 1, n=4)),
]
"""Programs and claims that are false of them."""
