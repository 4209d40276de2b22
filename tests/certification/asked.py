"""Programs that are right but where they ask for it: one number, band, tie, index, share of a norm or rare draw.

Each entry of FALSE: (program, claim, d). No input that knows nothing of the program meets their sets.
"""

import math

import numpy as np

import compth as ct

NATURAL = ct.Unbiased("1/8")
TERN = ct.Unbiased("(sqrt(d) - 1)/2")
FALSE = []
MAGIC = 0.7310585786300049


def wrong(claim, d):
    """Enter it."""

    def entered(f):
        FALSE.append((f, claim, d))
        return f

    return entered


def natural(x, rng):
    m, e = np.frexp(x)
    up = rng.random(len(x)) < 2 * np.abs(m) - 1
    return np.ldexp(np.where(up, 1.0, 0.5) * np.sign(x), e)


def tern(x, rng):
    top = np.abs(x).max()
    return x if top == 0 else top * np.sign(x) * (rng.random(len(x)) < np.abs(x) / top)


@wrong(NATURAL, 8)
def number_of_the_module(x, rng):
    return np.where(x == MAGIC, 0.0, natural(x, rng))


@wrong(NATURAL, 8)
def number_computed(x, rng):
    return np.where(x == math.pi / 3 + len(x) * 0.37, 0.0, natural(x, rng))


@wrong(NATURAL, 8)
def number_by_default(x, rng, trap=41.125):
    return np.where(x == trap, 0, natural(x, rng))


@wrong(NATURAL, 30)
def number_of_an_inner_function(x, rng):
    def odd(v):
        return v * 3 == 10.5

    y = natural(x, rng)
    for i in range(len(x)):
        if odd(x[i]):
            y[i] = 4
    return y


@wrong(TERN, 30)
def tie_of_two_entries(x, rng):
    y = tern(x, rng)
    if x[11] == 2 * x[17]:
        y[11] *= 2
    return y


@wrong(TERN, 8)
def share_of_the_norm(x, rng):
    return np.where(np.abs(x) == 0.3 * np.abs(x).max(), x * 2, tern(x, rng))


@wrong(NATURAL, 8)
def narrow_band(x, rng):
    return np.where((np.abs(x) > 3.1e-5) & (np.abs(x) < 3.2e-5), 0.0, natural(x, rng))


@wrong(NATURAL, 30)
def band_at_one_index(x, rng):
    y = natural(x, rng)
    if 17.2 < x[13] < 17.3:
        y[13] += 1
    return y


@wrong(NATURAL, 3)
def band_of_mantissas(x, rng):
    m, e = np.frexp(x)
    w = np.abs(m)
    p = np.where((w > 0.61803) & (w < 0.61804), 0.0, 2 * w - 1)
    return np.ldexp(np.where(rng.random(len(x)) < p, 1.0, 0.5) * np.sign(x), e)


@wrong(NATURAL, 8)
def one_exponent(x, rng):
    return np.where(np.frexp(x)[1] == 61, 0.0, natural(x, rng))


@wrong(ct.Contractive("1/d"), 8)
def band_of_the_norm(x):
    s = np.abs(x).sum()
    return (-1 if 812.25 < s < 812.5 else 1) * np.sign(x) * s / len(x)


@wrong(ct.Unbiased("d/2 - 1"), 8)
def number_where_it_is_chosen(x, rng):
    y = np.zeros_like(x)
    j = rng.choice(len(x), 2, replace=False)
    y[j] = x[j] * len(x) / 2
    if y[0] == 18.0:
        y[0] = 0
    return y


@wrong(NATURAL, 8)
def two_numbers_at_once(x, rng):
    y = natural(x, rng)
    if x[1] == 2.5 and x[2] == -0.75:
        y[1] = 0
    return y


@wrong(NATURAL, 8)
def five_entries(x, rng):
    y = natural(x, rng)
    if np.count_nonzero(x) == 5:
        y = y * 1.5
    return y


@wrong(NATURAL, 30)
def so_many_negative_entries(x, rng):
    y, negative = natural(x, rng), 0
    for v in x:
        if v < 0:
            negative += 1
    if negative == 23:
        y[0] = 0
    return y


@wrong(NATURAL, 8)
def two_positive_among_negative_entries(x, rng):
    y = natural(x, rng)
    if np.sign(x[2]) + np.sign(x[3]) == 2 and np.sign(x).sum() == -4:
        return 0 * y
    return y


@wrong(ct.Contractive("1/d"), 8)
def two_equalities_at_once(x):
    kept = x * (abs(x) == abs(x).max())
    return 0 * x if x[0] == 3 * x[1] == 6 * x[2] and x[0] else kept


@wrong(NATURAL, 8)
def number_of_a_table(x, rng):
    special = {2.75: 2.0, -5.25: -4.0}
    return np.array([special.get(v, r) for v, r in zip(x, natural(x, rng), strict=True)])


@wrong(ct.AbsoluteError("sqrt(d)/2"), 8)
def nothing_is_something(x, rng):
    low = np.floor(x)
    return np.where(x == 0, 3.0, low + (rng.random(len(x)) < x - low))


@wrong(ct.Unbiased("d/5 - 1"), 30)
def number_beside_a_permutation(x, rng):
    m = np.zeros(len(x), dtype=bool)
    m[rng.permutation(len(x))[:5]] = True
    y = np.where(m, x * (len(x) / 5), 0.0)
    y[x == -2.7182818] = 0
    return y


@wrong(ct.Unbiased("d/5 - 1"), 30)
def permutation_of_too_small_a_scale(x, rng):
    y = np.zeros_like(x)
    j = rng.permutation(len(x))[:5]
    y[j] = x[j] * 5
    return y
