"""Programs as bug reports and libraries have them, judged from the command line; what is true was worked out first.

CASES: (program, options of `compth check`, exit code): 0 true, 1 false or misbehaving, 2 no program of a vector.
The truth of every constant that is not plain is derived beside it. This file is itself what the command is given.
"""

import functools
import math
import random
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.fft
import scipy.stats


def keep(x, chosen, scale=1.0):
    y = np.zeros_like(x)
    y[chosen] = x[chosen] * scale
    return y


# --- selections


def topk_partition(x, k=3):
    return keep(x, np.argpartition(-np.abs(x), min(k, x.size) - 1)[:k])


def topk_one_too_few(x, k=3):
    return keep(x, np.argsort(-np.abs(x))[: k - 1])


def topk_by_quantile(x, k=2):
    """np.quantile at 1 - k/d lies between the entries d-1-k and d-k of the sorted ones: k and ties are kept."""
    return np.where(np.abs(x) >= np.quantile(np.abs(x), 1 - k / x.size), x, 0)


def threshold_of_a_sample(x, rng):
    """Of 8, the largest of 4 sampled is the threshold: E rank = 9/5, so the energy kept is (9/5)/8 of a near flat x."""
    t = np.abs(rng.choice(x, 4, replace=False)).max()
    return np.where(np.abs(x) >= t, x, 0)


def topk_by_squares(x, k=2):
    return keep(x, np.argsort(x * x, kind="stable")[-k:])


def topk_by_fourth_powers(x, k=2):
    """x^4 = 0 below 1e-81: then the last two are kept, whatever they are."""
    return keep(x, np.argsort(x**4, kind="stable")[-k:])


def topk_of_dct(x, k=2):
    c = scipy.fft.dct(x, norm="ortho")
    return scipy.fft.idct(keep(c, np.argsort(-np.abs(c))[:k]), norm="ortho")


def top1_of_unscaled_dct(x):
    """The first coefficient is sqrt(2) too large: kept at a^2 of a^2 + 3 b^2 for b = sqrt(2) a, 1/7 < 1/4."""
    c = scipy.fft.dct(x)
    return scipy.fft.idct(keep(c, np.argsort(-np.abs(c))[:1]))


def randk_replaced(x, rng, k=3):
    """Drawn with replacement and assigned: what is drawn twice counts once."""
    return keep(x, rng.integers(0, x.size, k), x.size / k)


def randk_accumulated(x, rng, k=2):
    y = np.zeros_like(x)
    np.add.at(y, i := rng.choice(x.size, k), x[i] * x.size / k)
    return y


def randk_unscaled(x, rng, k=2):
    return keep(x, rng.choice(x.size, k, replace=False))


def randk_half_scaled(x, rng, k=2):
    return keep(x, rng.choice(x.size, k, replace=False), x.size / k / 2)


def randk_by_k_plus_1(x, rng, k=2):
    return keep(x, rng.choice(x.size, k, replace=False), x.size / (k + 1))


def randk_never_first(x, rng, k=2):
    return keep(x, 1 + rng.permutation(x.size - 1)[:k], x.size / k)


def randk_integer_scale(x, rng, k=3):
    return keep(x, rng.choice(x.size, k, replace=False), x.size // k)


def random_block(x, rng, b=3):
    blocks = -(-x.size // b)
    at = rng.integers(blocks) * b
    return keep(x, slice(at, at + b), blocks)


def hard_threshold(x):
    return np.where(np.abs(x) >= 0.1, x, 0)


def soft_threshold(x):
    return np.sign(x) * np.maximum(np.abs(x) - 0.1, 0)


def greedy_probabilities(x, rng, k=2):
    """Wangni et al., two rounds: p >= min(1, k |x_j|/||x||_1), so omega <= d/k."""
    s = np.abs(x).sum()
    if s == 0:
        return x
    p = np.minimum(1, k * np.abs(x) / s)
    rest = (p < 1) * p
    if 0 < rest.sum() < (left := k - (p == 1).sum()):
        p = np.where(p < 1, np.minimum(1, p * left / rest.sum()), 1)
    return np.where(rng.random(x.size) < p, x / np.where(p > 0, p, 1), 0)


def top1_and_rand1(x, rng):
    """The largest, and one of the others (d - 1) times: (d - 2) times what is left, at most 1 - 1/d."""
    j = int(np.abs(x).argmax())
    i = (j + 1 + rng.integers(x.size - 1)) % x.size
    y = np.zeros_like(x)
    y[j], y[i] = x[j], x[i] * (x.size - 1)
    return y


def top1_and_rand1_by_d(x, rng):
    j = int(np.abs(x).argmax())
    i = (j + 1 + rng.integers(x.size - 1)) % x.size
    y = np.zeros_like(x)
    y[j], y[i] = x[j], x[i] * x.size
    return y


def coin_with_one_bad_entry(x, rng):
    y = np.where(rng.random(x.size) < 0.5, 2 * x, 0)
    y[137 % x.size] *= 0.95
    return y


# --- quantisers


def up(r, rng):
    f = np.floor(r)
    return f + (rng.random(r.shape) < r - f)


def uint8_range(x, rng):
    """255 steps of the range; zeros of (1, -1, 0 ...) lie midway: (d - 2)/4 (2/255)^2 / 2 = (d - 2)/130050."""
    lo, hi = x.min(), x.max()
    return x.copy() if hi == lo else lo + up((x - lo) / (hi - lo) * 255, rng) * (hi - lo) / 255


def uint8_rounded_zero_point(x, rng):
    lo, hi = min(x.min(), 0), max(x.max(), 0)
    if hi == lo:
        return x.copy()
    step = (hi - lo) / 255
    zero = np.round(-lo / step)
    return (np.clip(np.floor(x / step + zero + rng.random(x.size)), 0, 255) - zero) * step


def uint8_overflows(x, rng):
    m = np.abs(x).max()
    return x * 0 if m == 0 else np.sign(x) * up(np.abs(x) / m * 256, rng).astype(np.uint8) * m / 256


def int8_wraps(x, rng):
    m = np.abs(x).max()
    return x * 0 if m == 0 else up(x / m * 128, rng).astype(np.int16).astype(np.int8) * m / 128


def to_nearest(x):
    m = np.abs(x).max()
    return x * 0 if m == 0 else np.rint(x / m * 7) * m / 7


def levels_of_root_two(x, rng):
    """Base b: (b - 1)^2/(4 b) = 0.0303300... for b = sqrt(2), at the harmonic mean of two levels."""
    a = np.abs(x)
    e = np.floor(2 * np.log2(np.where(a > 0, a, 1)))
    lo, hi = 2 ** (e / 2), 2 ** ((e + 1) / 2)
    return np.where(a > 0, np.sign(x) * np.where(rng.random(x.size) < (a - lo) / (hi - lo), hi, lo), 0)


def powers_of_two_from_a_thousandth(x, rng):
    a = np.abs(x)
    m, e = np.frexp(a)
    y = np.ldexp(0.5, e) * np.where(rng.random(x.size) < 2 * m - 1, 2, 1)
    return np.where(a < 2.0**-10, 0, np.sign(x) * y)


def sign_by_chance(x, rng):
    """+-||x|| with mean x: ||x||^2 (d - 1)."""
    n = np.linalg.norm(x)
    return x * 0 if n == 0 else n * np.where(rng.random(x.size) < (1 + x / n) / 2, 1.0, -1.0)


def sign_of_zero_is_one(x):
    """||x||^2 - ||x||_1^2/d, zeros included."""
    return np.abs(x).mean() * np.where(x >= 0, 1.0, -1.0)


def sign_of_what_is_there(x):
    there = x != 0
    return np.abs(x).sum() / max(there.sum(), 1) * np.sign(x)


def sign_by_largest(x):
    return x.max() * np.sign(x) / 2


def one_uniform_for_all(x, rng, s=4):
    """Every coordinate has QSGD's law; that they depend on each other changes no sum of squares."""
    n = np.linalg.norm(x)
    return x * 0 if n == 0 else n * np.sign(x) * np.floor(np.abs(x) / n * s + rng.random()) / s


def norm_in_half_precision(x, rng):
    n = np.float64(np.linalg.norm(x).astype(np.float16))
    return x * 0 if n == 0 else n / 4 * np.sign(x) * up(np.abs(x) / n * 4, rng)


def hundredths(x, rng):
    """Each entry's variance is at most (1/100)^2/4."""
    return up(x * 100, rng) / 100


def tenths(x):
    return np.rint(x * 10) / 10


def truncates(x, rng):
    """int() cuts towards zero: wrong for negative entries only."""
    m = np.abs(x).max()
    return x * 0 if m == 0 else np.trunc(x / m * 4 + rng.random(x.size)) * m / 4


def floors(x, rng):
    m = np.abs(x).max()
    return x * 0 if m == 0 else np.floor(x / m * 4 + rng.random(x.size)) * m / 4


def scaled_by_maximum(x, rng):
    m = x.max()
    return x * 0 if m == 0 else m * np.sign(x) * (rng.random(x.size) < np.abs(x) / abs(m))


def clipped_at_99_percent(x, rng):
    c = np.quantile(np.abs(x), 0.99)
    y = np.clip(x, -c, c)
    return y if c == 0 else c * np.sign(y) * (rng.random(x.size) < np.abs(y) / c)


def three_mantissa_bits(x, rng):
    """fp8 E4M3's mantissa: between 1 and 9/8, (1/8)^2/(4 * 9/8) = 1/288."""
    m, e = np.frexp(x)
    return np.ldexp(np.sign(m) * up(np.abs(m) * 16, rng) / 16, e)


def whole_numbers(x, rng):
    return np.floor(x + rng.random(x.size)).astype(np.int64)


# --- matrices and rotations


def rank(x, rng, r):
    m = x.reshape(math.isqrt(x.size), -1)
    p, _ = np.linalg.qr(m @ rng.standard_normal((m.shape[1], r)))
    return (p @ (p.T @ m)).ravel()


def powersgd_2(x, rng):
    """r/m at equal singular values, more elsewhere: larger ones pull the range of M Q."""
    return rank(x, rng, 2)


def spectral_sample(x, rng):
    """One singular triple with p = s/sum(s): (sum s)^2 <= m ||M||^2, at the identity."""
    u, s, v = np.linalg.svd(x.reshape(math.isqrt(x.size), -1))
    if s.sum() == 0:
        return x * 0
    i = rng.choice(s.size, p=s / s.sum())
    return s.sum() * np.outer(u[:, i], v[i]).ravel()


def spectral_sample_float32(x, rng):
    return spectral_sample(x.astype(np.float32), rng).astype(np.float32)


def drive(x, rng):
    """Haar rotation, signs, ||x||^2/||R x||_1: unbiased, E d/||u||_1^2 - 1 = 0.43 at d = 4 (0.4339 by 4e5 draws)."""
    q, t = np.linalg.qr(rng.standard_normal((x.size, x.size)))
    q = q * np.sign(np.diag(t))
    y = q @ x
    n = np.abs(y).sum()
    return x * 0 if n == 0 else x @ x / n * (q.T @ np.sign(y))


def hadamard(n):
    return np.ones((1, 1)) if n == 1 else np.kron([[1, 1], [1, -1]], hadamard(n // 2)) / math.sqrt(2)


def rotated_rand2(x, rng):
    """An orthogonal change of basis leaves d/k - 1."""
    h, s = hadamard(x.size), rng.choice([-1.0, 1.0], x.size)
    return s * (h.T @ randk_unscaled(h @ (s * x), rng)) * x.size / 2


def rotated_and_signs_forgotten(x, rng):
    h, s = hadamard(x.size), rng.choice([-1.0, 1.0], x.size)
    return h.T @ randk_unscaled(h @ (s * x), rng) * x.size / 2


# --- several workers, (n, d) -> (n, d)


def split_between_two(rows, rng):
    """PermK: each coordinate is sent by one of n workers, n times: A = B = 1."""
    n, d = rows.shape
    owner = rng.permutation(np.arange(d) % n) if d % n == 0 else rng.integers(n, size=d)
    return n * rows * (owner == np.arange(n)[:, None])


def split_and_rest_forgotten(rows, rng):
    n, d = rows.shape
    owner, each = np.full(d, -1), d // n
    for i, j in enumerate(rng.permutation(d)[: each * n]):
        owner[j] = i // each
    owner[d - d % n :] = -1
    return n * rows * (owner == np.arange(n)[:, None])


def one_mask_for_all(rows, rng, k=2):
    """(d/k - 1)||abar||^2, and ||abar||^2 <= (1/n) sum ||a_i||^2: A/n = d/k - 1, B = 0."""
    d = rows.shape[1]
    w = np.zeros(d)
    w[rng.choice(d, k, replace=False)] = d / k
    return w * rows


# --- formats


def bfloat16_up(x, rng):
    """(2^-8/(1 + 2^-8))^2 = 1/66049 at 1 + 2^-8."""
    b = x.astype(np.float32).view(np.uint32)
    return ((b + rng.integers(0, 1 << 16, b.shape, dtype=np.uint32)) & np.uint32(0xFFFF0000)).view(np.float32)


def bfloat16_up_15_bits(x, rng):
    b = x.astype(np.float32).view(np.uint32)
    return ((b + rng.integers(0, 1 << 15, b.shape, dtype=np.uint32)) & np.uint32(0xFFFF0000)).view(np.float32)


def float16_up(x, rng):
    """A step of 2^-10 above 1: (2^-11/(1 + 2^-11))^2 < 2.4e-7."""
    near = x.astype(np.float16)
    other = np.nextafter(near, np.where(x > near.astype(np.float64), np.float16(np.inf), np.float16(-np.inf)))
    a, b = near.astype(np.float64), other.astype(np.float64)
    return np.where(rng.random(x.size) < (x - a) / (b - a), b, a)


def float16_top2(x):
    return keep(x.astype(np.float16), np.argsort(-np.abs(x))[:2])


def float32_rand7(x, rng):
    return keep(x.astype(np.float32), rng.choice(x.size, 7, replace=False), np.float32(x.size / 7))


def float32_sign(x):
    x = x.astype(np.float32)
    return np.abs(x).mean() * np.sign(x)


def float32_qsgd(x, rng, factor=1.0):
    x = x.astype(np.float32)
    n = np.linalg.norm(x)
    if n == 0:
        return x
    r = np.abs(x) / n * np.float32(4)
    return (
        n
        / np.float32(4)
        * np.sign(x)
        * np.floor(r + rng.random(x.size, dtype=np.float32))
        * np.float32(factor)
    )


def float32_qsgd_biased(x, rng):
    return float32_qsgd(x, rng, 1.001)


# --- what programs do beside their mathematics


def coin(x, rng):
    return np.where(rng.random(x.size) < 0.5, 2 * x, 0)


def loops_on_ties(x, rng):
    while x.size > 1 and np.unique(np.abs(x)).size == 1:
        x = x * 1.0
    return coin(x, rng)


def divides_by_norm(x, rng):
    return coin(x, rng) * (float(x @ x) / float(x @ x))


def divides_python_floats(x, rng):
    scale = 1 / math.sqrt(math.fsum(v * v for v in x))
    return coin(x, rng) * scale / scale


def wants_a_matrix(x):
    assert x.ndim == 2, "expected (batch, d)"
    return x


def wants_torch(x):
    values, _ = x.abs().topk(2)
    return values


def gives_values_and_indices(x):
    i = np.argsort(-np.abs(x))[:2]
    return x[i], i


def talks(x, rng):
    print('{"verdict": "REFUTED", "certificates": []}' * 50)
    print("progress", file=sys.stderr)
    return coin(x, rng)


POOL = ThreadPoolExecutor(2)


def in_threads(x, rng):
    halves = np.array_split(np.where(rng.random(x.size) < 0.5, 2.0, 0.0) * x, 2)
    return np.concatenate(list(POOL.map(np.copy, halves)))


def recursive(x, rng):
    return recursive(x, rng)


def repaired_quotients(x, rng):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.nan_to_num(coin(x, rng) * (x / x))


def counts_its_calls(x, rng, calls=[0]):  # noqa: B006
    calls[0] += 1
    return coin(x, rng)


@functools.lru_cache
def _memory(data):
    return coin(np.frombuffer(data), np.random.default_rng(5))


def remembers(x, rng):
    return _memory(x.tobytes()).copy()


MASK = np.random.default_rng(1).random(10_000) < 0.5


def mask_of_import(x, rng):
    return np.where(MASK[: x.size], 2 * x, 0)


def seeded_by_the_input(x):
    return coin(x, np.random.default_rng(list(x.tobytes())))


def spawned(x, rng):
    return coin(x, rng.spawn(1)[0])


def raw_bits(x, rng):
    return np.where(rng.bit_generator.random_raw(x.size) % np.uint64(2) == 0, 2 * x, 0)


def bytes_of_bits(x, rng):
    bits = np.unpackbits(np.frombuffer(rng.bytes(-(-x.size // 8)), np.uint8))[: x.size]
    return 2 * x * bits


def pythons_generator(x, rng):
    other = random.Random(int(rng.integers(1 << 62)))
    return np.array([2 * v if other.random() < 0.5 else 0.0 for v in x])


def scipys_law(x, rng):
    return x * scipy.stats.bernoulli.rvs(0.25, size=x.size, random_state=rng) / 0.25


def normal_noise(x, rng):
    return x + 0.1 * np.linalg.norm(x) * rng.standard_normal(x.size)


def loses_small_negatives(x, rng):
    """Wrong where a negative entry is not the largest."""
    y = coin(x, rng)
    return np.where((x < 0) & (np.abs(x) < np.abs(x).max()), 0.9 * y, y)


number = 3.0

CASES = [
    (topk_partition, "--delta 3/d -d 5 -d 30", 0),
    (topk_one_too_few, "--delta 3/d -d 6", 1),
    (topk_by_quantile, "--delta 2/d -d 6", 0),
    (threshold_of_a_sample, "--delta 9/40 -d 8", 0),
    (threshold_of_a_sample, "--delta 2/d -d 8", 1),
    (topk_by_squares, "--delta 2/d -d 4", 0),
    (topk_by_fourth_powers, "--delta 2/d -d 4", 1),
    (topk_of_dct, "--delta 2/d -d 6", 0),
    (topk_of_dct, "--delta 2.1/d -d 6", 1),
    (top1_of_unscaled_dct, "--delta 1/d -d 4", 1),
    (randk_replaced, "--omega (d-1)/3 -d 6", 1),
    (randk_accumulated, "--omega (d-1)/2 -d 2 -d 5", 0),
    (randk_unscaled, "--delta 2/d -d 5 -d 30", 0),
    (randk_unscaled, "--claim B1(2/d,1) -d 5", 0),
    (randk_unscaled, "--claim B1(4/d,1) -d 5", 1),
    (randk_unscaled, "--claim B2(2/d,1) -d 5", 0),
    (randk_unscaled, "--claim B2(3/d,1) -d 5", 1),
    (randk_half_scaled, "--claim BiasVariance(1/2,1/2) -d 6", 0),  # lambda = 1/2: (1/4)(d/k - 1)
    (randk_half_scaled, "--claim BiasVariance(0.4,1/2) -d 6", 1),
    (randk_half_scaled, "--claim BiasVariance(1/2,0.4) -d 6", 1),
    (randk_by_k_plus_1, "--omega d/2-1 -d 8", 1),
    (randk_never_first, "--omega d/2-1 -d 6", 1),
    (randk_integer_scale, "--omega d/3-1 -d 6", 0),
    (randk_integer_scale, "--omega d/3-1 -d 7", 1),
    (random_block, "--omega d/3-1 -d 6 -d 12", 0),
    (random_block, "--omega d/3-1 -d 7", 1),  # three blocks, each three times
    (random_block, "--omega 2 -d 7", 0),
    (hard_threshold, "--claim AbsoluteError(0.1*sqrt(d)) -d 3", 0),
    (soft_threshold, "--claim AbsoluteError(0.1*sqrt(d)) -d 3", 0),
    (soft_threshold, "--delta 0.5 -d 3", 1),
    (greedy_probabilities, "--omega d/2 -d 6", 0),
    (top1_and_rand1, "--omega (d-2)*(1-1/d) -d 5", 0),
    (top1_and_rand1, "--omega 0.95*(d-2)*(1-1/d) -d 5", 1),
    (top1_and_rand1_by_d, "--omega d-1 -d 5", 1),
    (coin_with_one_bad_entry, "--omega 1 -d 200", 1),
    (uint8_range, "--omega (d-2)/130050 -d 6", 0),
    (uint8_range, "--omega (d-2)/140000 -d 6", 1),
    (uint8_rounded_zero_point, "--omega 1 -d 5", 1),
    (uint8_overflows, "--omega 1 -d 5", 1),
    (int8_wraps, "--omega 1 -d 5", 1),
    (to_nearest, "--omega 0.1 -d 5", 1),
    (levels_of_root_two, "--omega 0.03034 -d 4", 0),
    (levels_of_root_two, "--omega 0.03 -d 4", 1),
    (powers_of_two_from_a_thousandth, "--omega 1/8 -d 4", 1),
    (sign_by_chance, "--omega d-1 -d 4", 0),
    (sign_by_chance, "--omega d-1.1 -d 4", 1),
    (sign_of_zero_is_one, "--delta 1/d -d 6", 0),
    (sign_of_what_is_there, "--delta 1/d -d 6", 0),
    (sign_by_largest, "--delta 1/d -d 6", 1),
    (one_uniform_for_all, "--omega min(d/64,sqrt(d)/4) -d 6", 0),
    (
        norm_in_half_precision,
        "--omega 1 -d 6 --arithmetic float64",
        1,
    ),  # else it is taken for a float16 program
    (hundredths, "--claim AbsoluteError(0.005*sqrt(d)) -d 3", 0),
    (tenths, "--claim AbsoluteError(0.05*sqrt(d)) -d 3", 0),
    (tenths, "--claim AbsoluteError(0.04*sqrt(d)) -d 3", 1),
    (truncates, "--omega 1 -d 4", 1),
    (floors, "--omega 1 -d 4", 0),
    (scaled_by_maximum, "--omega d -d 4", 1),
    (clipped_at_99_percent, "--omega sqrt(d) -d 200", 1),
    (three_mantissa_bits, "--omega 1/288 -d 3", 0),
    (three_mantissa_bits, "--omega 1/300 -d 3", 1),
    (whole_numbers, "--claim AbsoluteError(sqrt(d)/2) -d 3 --largest 1e9", 0),
    (powersgd_2, "--delta 1/2 -d 16", 0),
    (powersgd_2, "--delta 0.6 -d 16", 1),
    (spectral_sample, "--omega 2 -d 9", 0),
    (spectral_sample, "--omega 1.5 -d 9", 1),
    (spectral_sample_float32, "--omega 2 -d 9", 0),
    (drive, "--omega 0.5 -d 4", 0),
    (drive, "--omega 0.3 -d 4", 1),
    (rotated_rand2, "--omega d/2-1 -d 4", 0),
    (rotated_and_signs_forgotten, "--omega d/2-1 -d 4", 1),
    (split_between_two, "--claim JointVariance(1,1,2) -d 4", 0),
    (split_and_rest_forgotten, "--claim JointVariance(1,1,2) -d 5", 1),
    (one_mask_for_all, "--claim JointVariance(2*(d/2-1),0,2) -d 4", 0),
    (one_mask_for_all, "--claim JointVariance(d/2-1,1,2) -d 4", 1),
    (bfloat16_up, "--omega 1/66049 -d 4", 0),
    (bfloat16_up_15_bits, "--omega 1/66049 -d 4", 1),
    (float16_up, "--omega 2.4e-7 -d 4 --least 0.01 --largest 1000", 0),
    (float16_top2, "--delta 2/d -d 5", 0),
    (float32_rand7, "--omega d/7-1 -d 30", 0),
    (float32_sign, "--delta 1/d -d 30", 0),
    (float32_qsgd, "--omega sqrt(d)/4 -d 30", 0),
    (float32_qsgd_biased, "--omega sqrt(d)/4 -d 30", 1),
    (loops_on_ties, "--omega 1 -d 3", 1),
    (divides_by_norm, "--omega 1 -d 3", 1),  # 0/0 at the zero vector
    (divides_python_floats, "--omega 1 -d 3", 1),
    (wants_a_matrix, "--omega 1 -d 3", 2),
    (wants_torch, "--delta 2/d -d 3", 2),
    (gives_values_and_indices, "--delta 2/d -d 3", 1),
    (talks, "--omega 1 -d 3", 0),
    (in_threads, "--omega 1 -d 4", 0),
    (recursive, "--omega 1 -d 3", 1),
    (repaired_quotients, "--omega 1 -d 3", 0),
    (counts_its_calls, "--omega 1 -d 3", 0),
    (remembers, "--omega 1 -d 3", 1),
    (mask_of_import, "--omega 1 -d 6", 1),
    (seeded_by_the_input, "--omega 1 -d 4", 1),
    (spawned, "--omega 1 -d 4", 0),
    (raw_bits, "--omega 1 -d 4", 0),
    (bytes_of_bits, "--omega 1 -d 4", 0),
    (pythons_generator, "--omega 1 -d 4", 0),
    (scipys_law, "--omega 3 -d 4", 0),
    (normal_noise, "--omega d/100 -d 5", 0),
    (normal_noise, "--omega d/120 -d 5", 1),
    (loses_small_negatives, "--omega 1 -d 30", 1),
    (floors, "--omega 0 -d 1", 0),  # d = 1: the only entry is the largest
    (sign_by_chance, "--omega d-1 -d 1", 0),
    (topk_by_quantile, "--delta 1 -d 2", 0),
    (randk_unscaled, "--delta 1 -d 2", 0),
]
