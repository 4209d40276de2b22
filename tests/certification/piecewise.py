"""Quantisers and selections as people write them, with true claims, and mutants that are false (half on a thin set).

Each entry: (program, claim at d, dimensions). The constants are the suprema of the textbook, so a proof is of the true
constant. In FALSE, `thin` ones differ from a right program on a set that random inputs never meet.
"""

import math
from functools import partial

import numpy as np

import compth as ct

NATURAL = ct.Unbiased("1/8")
DITHER4 = ct.Unbiased("d/64")  # s = 4, d < 64
TERN = ct.Unbiased("(sqrt(d) - 1)/2")
SIGN1 = ct.Contractive("1/d")
GRID = ct.AbsoluteError("sqrt(d)/8")  # step 1/4: variance at most 1/64 an entry

# natural compression


def natural_frexp(x, rng):
    mantissa, exponent = np.frexp(np.abs(x))
    up = rng.random(x.shape) < 2 * mantissa - 1
    return np.sign(x) * np.ldexp(0.5, exponent) * np.where(up, 2.0, 1.0)


def natural_log(x, rng):
    a = np.abs(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = 2.0 ** np.floor(np.log2(a))
        p = (a - low) / low
    y = np.where(rng.uniform(size=len(x)) < p, 2 * low, low)
    return np.where(a == 0, 0.0, np.sign(x) * y)


def natural_masked(x, rng):
    out = np.zeros_like(x)
    nz = x != 0
    a = np.abs(x[nz])
    low = np.exp2(np.floor(np.log2(a)))
    out[nz] = np.sign(x[nz]) * low * (1 + (rng.random(a.shape) < a / low - 1))
    return out


def _round_one(v, rng):
    if v == 0:
        return 0.0
    size = abs(v)
    low = 2.0 ** math.floor(math.log2(size))
    p = size / low - 1
    size = 2 * low if rng.random() < p else low
    return size if v > 0 else -size


def natural_helper(x, rng):
    return np.array([_round_one(v, rng) for v in x])


def natural_filled(x, rng):
    out = np.empty(len(x))
    for i in range(len(x)):
        out[i] = _round_one(x[i], rng)
    return out


def natural_added(x, rng):
    m, e = np.frexp(x)
    return np.ldexp(np.sign(m) * np.floor(np.abs(m) * 2 + rng.random(x.shape)) / 2, e)


def nearest_power(x):
    """To the nearer of two powers of two; ties at 3/2 go down."""
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.where(m <= 0.75, np.ldexp(0.5, e), np.ldexp(1.0, e))


def truncate_mantissa(x):
    """Two bits of the mantissa: relative error below 1/4 an entry."""
    m, e = np.frexp(x)
    return np.ldexp(np.trunc(m * 8) / 8, e)


# dithering


def qsgd(x, rng):
    norm = np.linalg.norm(x)
    if norm == 0:
        return np.zeros_like(x)
    level = np.abs(x) / norm * 4
    return norm * np.sign(x) * np.floor(level + rng.random(len(x))) / 4


def qsgd_bernoulli(x, rng, s=4):
    norm = math.sqrt(float(np.dot(x, x)))
    scaled = s * np.abs(x) / (norm if norm > 0 else 1.0)
    low = np.floor(scaled).astype(int)
    bump = rng.random(x.size) < scaled - low
    return np.copysign(norm * (low + bump) / s, x)


def qsgd_loop(x, rng):
    norm, s = np.sqrt(np.sum(x**2)), 4
    out = []
    for v in x:
        if norm == 0:
            out.append(0.0)
            continue
        y = s * abs(v) / norm
        low = math.floor(y)
        out.append(np.sign(v) * norm * (low + rng.binomial(1, y - low)) / s)
    return np.array(out)


def dither_levels(x, rng):
    """Levels from a table, found by searchsorted."""
    norm = np.linalg.norm(x)
    if norm == 0:
        return x * 0
    levels = np.linspace(0, 1, 5)
    y = np.abs(x) / norm
    hi = np.clip(np.searchsorted(levels, y, side="right"), 1, 4)
    lo = levels[hi - 1]
    p = (y - lo) / (levels[hi] - lo)
    return np.sign(x) * norm * np.where(rng.random(x.shape) < p, levels[hi], lo)


def dither_max(x, rng):
    top = np.max(np.abs(x))
    if not top > 0:
        return np.zeros(len(x))
    y = 2 * np.abs(x) / top
    k = np.floor(y)
    k += rng.random(len(x)) < y - k
    return np.sign(x) * top * k / 2


def dither_one(x, rng):
    """One level of the 1-norm: variance at most (d - 1) ||x||^2."""
    total = np.abs(x).sum()
    if total == 0:
        return np.zeros_like(x)
    keep = rng.random(len(x)) * total < np.abs(x)
    out = np.zeros_like(x)
    out[keep] = np.sign(x[keep]) * total
    return out


def terngrad(x, rng):
    top = np.abs(x).max()
    if top == 0:
        return np.zeros_like(x)
    return top * np.sign(x) * (rng.random(x.size) < np.abs(x) / top)


def terngrad_binomial(x, rng):
    top = max(x.max(), -x.min())
    if top == 0:
        return x.copy()
    p = np.abs(x) / top
    return np.where(x < 0, -top, top) * rng.binomial(1, p)


def terngrad_helper(x, rng):
    top = np.linalg.norm(x, np.inf)

    def ternary(v):
        if top == 0 or rng.random() >= abs(v) / top:
            return 0.0
        return top if v > 0 else -top

    return np.array([ternary(v) for v in x])


# grids


def grid_floor(x, rng):
    y = x * 4
    low = np.floor(y)
    return (low + (rng.random(x.shape) < y - low)) / 4


def grid_add(x, rng):
    return np.floor(x * 4 + rng.random(len(x))) * 0.25


def grid_subtractive(x, rng):
    u = rng.uniform(-0.5, 0.5, size=len(x))
    return (np.rint(4 * x + u) - u) / 4


def grid_nearest(x):
    return np.round(4 * x) / 4


# signs


def scaled_sign(x):
    return np.mean(np.abs(x)) * np.sign(x)


def scaled_sign_where(x):
    scale = np.sum(np.abs(x)) / x.size
    return np.where(x > 0, scale, np.where(x < 0, -scale, 0.0))


def half_max(x):
    """Keeps what is at least half of the largest entry."""
    return np.where(np.abs(x) >= np.max(np.abs(x)) / 2, x, 0)


# selections


def top2(x):
    keep = np.argsort(np.abs(x))[-2:]
    out = np.zeros_like(x)
    out[keep] = x[keep]
    return out


def top2_partition(x):
    idx = np.argpartition(-np.abs(x), 1)[:2]
    out = np.zeros(len(x))
    out[idx] = x[idx]
    return out


def top2_threshold(x):
    bar = np.sort(np.abs(x))[-2]
    return np.where(np.abs(x) >= bar, x, 0.0)


def top2_mask(x):
    order = np.argsort(-np.abs(x), kind="stable")
    mask = np.zeros(len(x), dtype=bool)
    mask[order[:2]] = True
    return x * mask


def above_mean(x):
    return x * (np.abs(x) >= np.mean(np.abs(x)))


def above_rms(x):
    rms = np.sqrt(np.mean(x**2))
    y = x.copy()
    y[np.abs(x) < rms] = 0.0
    return y


def above_rms_norm(x):
    return np.where(np.abs(x) * np.sqrt(len(x)) >= np.linalg.norm(x), x, 0)


def greatest(x):
    j = np.argmax(np.abs(x))
    out = np.zeros_like(x)
    out[j] = x[j]
    return out


def top2_zeroed(x):
    out = x.copy()
    out[np.argpartition(np.abs(x), len(x) - 2)[:-2]] = 0
    return out


def top2_one_by_one(x):
    out = np.zeros(x.shape)
    for j in np.argsort(x * x)[::-1][:2]:
        out[j] = x[j]
    return out


def top2_sign(x):
    """The signs of the two largest, times their mean magnitude."""
    keep = np.argsort(np.abs(x))[-2:]
    out = np.zeros_like(x)
    out[keep] = np.sign(x[keep]) * np.abs(x[keep]).sum() / 2
    return out


# draws that depend on x


def sample_one(x, rng):
    total = np.abs(x).sum()
    if total == 0:
        return np.zeros_like(x)
    j = rng.choice(len(x), p=np.abs(x) / total)
    out = np.zeros_like(x)
    out[j] = total * np.sign(x[j])
    return out


def sample_squares(x, rng):
    square = x @ x
    if square == 0:
        return 0 * x
    j = rng.choice(x.size, p=x**2 / square)
    out = np.zeros(x.size)
    out[j] = square / x[j]
    return out


def sample_two(x, rng):
    total = np.sum(np.abs(x))
    out = np.zeros_like(x)
    if total > 0:
        for j in rng.choice(len(x), size=2, p=np.abs(x) / total):
            out[j] += np.sign(x[j]) * total / 2
    return out


def sample_counts(x, rng):
    total = np.abs(x).sum()
    if total == 0:
        return x * 0.0
    counts = rng.multinomial(3, np.abs(x) / total)
    return np.sign(x) * counts * total / 3


def keep_by_size(x, rng):
    """Poisson sampling: kept with probability |x_j| / max, scaled."""
    top = np.abs(x).max()
    if top == 0:
        return np.zeros_like(x)
    p = np.abs(x) / top
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.where(p > 0, x / p, 0.0)
    return y * (rng.random(len(x)) < p)


TRUE = {
    natural_frexp: NATURAL, natural_log: NATURAL, natural_masked: NATURAL, natural_helper: NATURAL,
    natural_filled: NATURAL, natural_added: NATURAL, nearest_power: ct.Contractive("8/9"),
    truncate_mantissa: ct.Contractive("24/25"), qsgd: DITHER4, qsgd_bernoulli: DITHER4, qsgd_loop: DITHER4,
    dither_levels: DITHER4, dither_max: ct.Unbiased("(sqrt(d)-1)/4"), dither_one: ct.Unbiased("d - 1"),
    terngrad: TERN, terngrad_binomial: TERN, grid_floor: GRID, grid_add: GRID,
    grid_subtractive: ct.AbsoluteError("sqrt(d/12)/4"), grid_nearest: GRID, scaled_sign: SIGN1,
    scaled_sign_where: SIGN1, half_max: ct.Contractive("4/(d+3)"),
    top2: ct.Contractive("2/d"), top2_partition: ct.Contractive("2/d"), top2_threshold: ct.Contractive("2/d"),
    top2_mask: ct.Contractive("2/d"), top2_zeroed: ct.Contractive("2/d"), top2_one_by_one: ct.Contractive("2/d"),
    top2_sign: ct.Contractive("min(1/2, 2/d)"), above_mean: SIGN1, above_rms: SIGN1,
    above_rms_norm: SIGN1, greatest: SIGN1,
    sample_one: ct.Unbiased("d - 1"), sample_squares: ct.Unbiased("d - 1"),
    sample_two: ct.Unbiased("(d - 1)/2"), sample_counts: ct.Unbiased("(d - 1)/3"), keep_by_size: TERN,
}  # fmt: skip
PARTIAL = partial(qsgd_bernoulli, s=4)

# mutants that are wrong on open sets


def natural_wrong_chance(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5, e) * np.where(rng.random(x.shape) < m, 2.0, 1.0)


def natural_no_sign(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.ldexp(0.5, e) * np.where(rng.random(x.shape) < 2 * m - 1, 2.0, 1.0)


def qsgd_round_down(x, rng):
    norm = np.linalg.norm(x)
    if norm == 0:
        return np.zeros_like(x)
    y = np.abs(x) / norm * 4
    low = np.floor(y)
    return norm * np.sign(x) * (low + (rng.random(len(x)) < 1 - (y - low))) / 4


def qsgd_three_levels(x, rng):
    """Too few levels for its claim."""
    norm = np.linalg.norm(x)
    if norm == 0:
        return np.zeros_like(x)
    return norm * np.sign(x) * np.floor(np.abs(x) / norm * 3 + rng.random(len(x))) / 3


def terngrad_clipped(x, rng):
    top = np.abs(x).max()
    if top == 0:
        return np.zeros_like(x)
    p = np.minimum(np.abs(x) / top, 0.9)
    return top * np.sign(x) * (rng.random(x.size) < p)


def terngrad_one_draw(x, rng):
    """One uniform squared: the chances are wrong."""
    top = np.abs(x).max()
    if top == 0:
        return np.zeros_like(x)
    u = rng.random(x.size)
    return top * np.sign(x) * (u * u < np.abs(x) / top)


def grid_half(x, rng):
    y = x * 4
    low = np.floor(y)
    return (low + (rng.random(x.shape) < 0.5)) / 4


def sign_of_norm(x):
    return np.linalg.norm(x) / np.sqrt(len(x)) * np.sign(x)


def sign_of_max(x):
    return np.max(np.abs(x)) / 2 * np.sign(x)


def sample_unscaled(x, rng):
    total = np.abs(x).sum()
    if total == 0:
        return np.zeros_like(x)
    j = rng.choice(len(x), p=np.abs(x) / total)
    out = np.zeros_like(x)
    out[j] = x[j]
    return out


def top1_signed(x):
    """Sorts signed values: drops the largest negative one."""
    out = np.zeros_like(x)
    keep = np.argsort(x)[-2:]
    out[keep] = x[keep]
    return out


def top_one_of_two(x):
    out = np.zeros_like(x)
    keep = np.argsort(-np.abs(x))[:1]
    out[keep] = x[keep]
    return out


def keep_twice_the_mean(x):
    return x * (np.abs(x) >= 2 * np.mean(np.abs(x)))


# mutants that are wrong on a thin set


def natural_powers_doubled(x, rng):
    y = natural_frexp(x, rng)
    return np.where(np.frexp(np.abs(x))[0] == 0.5, 2 * y, y)


def natural_rint_of_log(x, rng):
    """Powers of two are rounded up to the next one by ceil + 1."""
    a = np.abs(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = 2.0 ** (np.ceil(np.log2(a)) - 1)
        y = np.where(rng.random(len(x)) < (a - low) / (2 * low - low), 4 * low, low)
        y = np.where(a == 2 * low, y, np.where(rng.random(len(x)) < (a - low) / low, 2 * low, low))
    return np.where(a == 0, 0.0, np.sign(x) * y)


def natural_at_a_number(x, rng):
    y = natural_frexp(x, rng)
    return np.where(x == 1.25, 0.0, y)


def natural_first_number(x, rng):
    y = natural_frexp(x, rng)
    if x[0] == 1.25:
        y[0] = 3.0
    return y


def natural_one_sign(x, rng):
    y = natural_frexp(x, rng)
    return 2 * y if np.all(x > 0) else y


def natural_counted_sign(x, rng):
    """Wrong only where a count of positive entries, made in a loop, is all of them."""
    count = 0
    for v in x:
        if v > 0:
            count += 1
    return natural_frexp(x, rng) * (1 + (count == len(x)))


def qsgd_full_level(x, rng):
    """The largest level is lost: wrong where |x_j| is the norm, for one-hot vectors."""
    norm = np.linalg.norm(x)
    if norm == 0:
        return np.zeros_like(x)
    y = np.abs(x) / norm * 4
    k = np.floor(y + rng.random(len(x)))
    return norm * np.sign(x) * np.where(y == 4, 2, k) / 4


def qsgd_on_level(x, rng):
    norm = np.linalg.norm(x)
    if norm == 0:
        return np.zeros_like(x)
    y = np.abs(x) / norm * 4
    low = np.floor(y)
    return norm * np.sign(x) * np.where(y == 4, 3, low + (rng.random(len(x)) < y - low)) / 4


def terngrad_equal(x, rng):
    """Wrong where all magnitudes are equal."""
    top = np.abs(x).max()
    if top == 0:
        return np.zeros_like(x)
    out = top * np.sign(x) * (rng.random(x.size) < np.abs(x) / top)
    return out * np.where(np.abs(x) == top, 1.5, 1.0) * np.where(np.abs(x).min() == top, 1.0, 1 / 1.0)


def grid_at_zero(x, rng):
    y = grid_floor(x, rng)
    return np.where(x == 0, 3.0, y)


def grid_on_points(x, rng):
    """Integers are moved by 2."""
    y = grid_floor(x, rng)
    return np.where(x == np.floor(x), y + 2, y)


def sign_without_zero(x):
    """sign(0) is 1: an error where entries are 0."""
    return np.sum(np.abs(x)) / len(x) * np.where(x >= 0, 1.0, -1.0) * np.where(x == 0, 40.0, 1.0)


def top2_tie(x):
    """Ties are dropped altogether."""
    bar = np.sort(np.abs(x))[-2]
    return np.where(np.abs(x) > bar, x, np.where(np.sum(np.abs(x) == bar) > 1, 0.0, x * (np.abs(x) >= bar)))


def top2_strict(x):
    """Keeps what is above the third largest: nothing, where three are equal."""
    bar = np.sort(np.abs(x))[-3]
    return x * (np.abs(x) > bar)


def sample_tie(x, rng):
    y = sample_one(x, rng)
    return y * 2 if x[0] == x[1] else y


def top2_one_sign(x):
    y = top2(x)
    if (x < 0).all():
        return 0 * y
    return y


FALSE = {
    natural_wrong_chance: NATURAL, natural_no_sign: NATURAL, qsgd_round_down: DITHER4,
    qsgd_three_levels: ct.Unbiased("d/80"), terngrad_clipped: TERN, terngrad_one_draw: TERN,
    grid_half: ct.AbsoluteError("sqrt(d)/9"), sign_of_norm: ct.Contractive("1/d"), sign_of_max: SIGN1,
    sample_unscaled: ct.Unbiased("d - 1"), top1_signed: ct.Contractive("2/d"),
    top_one_of_two: ct.Contractive("2/d"), keep_twice_the_mean: SIGN1, natural_powers_doubled: NATURAL,
    natural_rint_of_log: NATURAL, natural_at_a_number: NATURAL, natural_first_number: NATURAL,
    natural_one_sign: NATURAL, natural_counted_sign: NATURAL, qsgd_full_level: DITHER4,
    qsgd_on_level: DITHER4, terngrad_equal: TERN, grid_at_zero: GRID, grid_on_points: GRID,
    sign_without_zero: SIGN1, top2_tie: ct.Contractive("2/d"), top2_strict: ct.Contractive("2/d"),
    sample_tie: ct.Unbiased("d - 1"), top2_one_sign: ct.Contractive("2/d"),
}  # fmt: skip
