"""Programs wrong at one number, in other ways of writing it: numpy's types in corners, failures without a branch."""

# ruff: noqa: B018, B023, B905, F821, RUF059, SIM
import math
from dataclasses import dataclass
from functools import partial

import numpy as np

import compth as ct

THIN = {}
"""program -> (claim, d)"""
EXACT = ct.Unbiased(0)
K1 = ct.Contractive("1/3")


def bad(claim=EXACT, d=3):
    def kept(f):
        THIN[f] = claim, d
        return f

    return kept


@bad()
def ceil_floor_gap(x):
    z = x * 0.3
    return x * np.where((np.ceil(z) - np.floor(z) == 0) & (x > 0.5), 2, 1)


@bad()
def rint_half(x):
    return x * np.where((np.rint(x) == 2) & (x == 2.5), 2, 1)


@bad()
def round_half_python(x):
    return np.array([v * (2 if round(v) == 2 and v == 1.5 else 1) for v in x])


@bad()
def floor_neg(x):
    return x * np.where((x // 1 != np.trunc(x)) & (x > -1) & (x < -0.999), 2, 1)


@bad()
def mod_neg(x):
    return x * np.where((x % 1 == 0) & (x == -3), 2, 1)


@bad()
def mod_neg_divisor(x):
    return x * np.where((x % -2 < -1.9999) & (x > 0) & (x < 0.01), 2, 1)


@bad()
def divmod_mix(x):
    q, r = np.floor_divide(x, 0.1), np.mod(x, 0.1)
    return x * np.where((q * 0.1 + r != x) & (x == 7), 2, 1)


@bad()
def frexp_power(x):
    m, e = np.frexp(x)
    return x * np.where((m == 0.5) & (x == 64), 2, 1)


@bad()
def frexp_sign(x):
    m, e = np.frexp(x)
    return x * np.where((m < -0.999999), 2, 1)


@bad()
def modf_parts(x):
    f, i = np.modf(x)
    return x * np.where((f == -0.25) & (i == -3), 2, 1)


@bad()
def copysign_zero(x):
    return np.copysign(np.abs(x), np.where(x == 1.3, -0.0, x))


@bad()
def sign_times(x):
    return np.sign(x) * np.abs(x) * np.where(np.sign(x - 1.3) == 0, 2, 1)


@bad()
def clip_point(x):
    return np.where(np.clip(x, 1.3, 1.3) == x, 2 * x, x)


@bad()
def maximum_point(x):
    return np.where((np.maximum(x, 1.3) == 1.3) & (np.minimum(x, 1.3) == 1.3), 2 * x, x)


@bad()
def abs_point(x):
    return np.where(np.abs(x - 1.25) <= 0, 2 * x, x)


@bad()
def square_point(x):
    return np.where((x - 1.25) ** 2 <= 0, 2 * x, x)


@bad()
def product_point(x):
    return np.where((x - 1.25) * (x - 2.5) == 0, 2 * x, x)


@bad()
def reciprocal_point(x):
    with np.errstate(all="ignore"):
        return np.where(1 / np.where(x == 0, 1, x) == 4, 2 * x, x)


@bad()
def digitize_point(x):
    return np.where(np.digitize(x, [1.25, 2.5]) != np.digitize(x, [1.25, 2.5], right=True), 2 * x, x)


@bad()
def searched_list(x):
    return np.where(np.searchsorted([0, 1.25], x, "left") < np.searchsorted([0, 1.25], x, "right"), 2 * x, x)


@bad()
def select_point(x):
    return np.select([x == 1.25, x < 9], [2 * x, x], default=x)


@bad()
def any_point(x):
    return 2 * x if np.any(x == 1.25) else x


@bad()
def all_point(x):
    return 2 * x if np.all(x == 1.25) else x


@bad()
def count_point(x):
    return x * (1 + (np.count_nonzero(x == 1.25) == 2))


@bad()
def nonzero_point(x):
    y = x.copy()
    y[np.nonzero(x == 1.25)] *= 2
    return y


@bad()
def where_index_point(x):
    y = x.copy()
    y[np.where(x == 1.25)[0]] = 0
    return y


@bad()
def mask_assign_point(x):
    y = x.copy()
    y[x == 1.25] += 1
    return y


@bad()
def put_point(x):
    y = x.copy()
    np.put(y, [0], np.where(x[0] == 1.25, 0, x[0]))
    return y


@bad()
def loop_continue(x):
    y = x.copy()
    for i in range(3):
        if y[i] != 1.25:
            continue
        y[i] = 0
    return y


@bad()
def loop_break(x):
    y = x.copy()
    for i in range(3):
        if y[i] == 1.25:
            break
        y[i] = x[i]
    else:
        return y
    return 2 * y


@bad()
def while_point(x):
    y = x.copy()
    k = 0
    while k < 3 and y[k] != 1.25:
        k += 1
    return y * (1 if k == 3 else 2)


@bad()
def zip_point(x):
    return np.array([2 * a if a == b == 1.25 else a for a, b in zip(x, x)])


@bad()
def walrus_point(x):
    return np.array([2 * v if (v := w) == 1.25 else v for w in x])


@bad()
def dict_point(x):
    t = {True: 2, False: 1}
    return np.array([v * t[bool(v == 1.25)] for v in x])


@bad()
def tuple_index_point(x):
    return np.array([v * (1, 2)[int(v == 1.25)] for v in x])


@bad()
def table_index_point(x):
    return x * np.array([1.0, 2.0])[(x == 1.25).astype(int)]


@bad()
def negative_table_point(x):
    return x * np.array([1.0, 2.0])[-(x == 1.25).astype(int)]


@bad()
def reduce_point(x):
    t = 1.0
    for v in x:
        t = t * np.where(v == 1.25, 2, 1)
    return x * t


@bad()
def closure_point(x):
    def f(v, k=2):
        return k * v if v == 1.25 else v

    return np.array([f(v) for v in x])


@bad()
def lambda_default(x):
    fs = [lambda v, k=k: v * (k if v == 1.25 else 1) for k in (1, 2, 3)]
    return np.array([f(v) for f, v in zip(fs, x)])


@bad()
def late_binding(x):
    fs = [lambda v: v * (k if v == 1.25 else 1) for k in (1, 1, 2)]
    return np.array([f(v) for f, v in zip(fs, x)])


@bad()
def generator_order(x):
    g = (v for v in x)
    a = next(g)
    y = x.copy()
    y[1] = np.where(a == 1.25, 0, next(g))
    return y


@bad()
def sorted_list_point(x):
    return x * (2 if sorted([abs(v) for v in x])[-1] == 1.25 else 1)


@bad()
def max_builtin_point(x):
    return x * (2 if max(abs(v) for v in x) == 1.25 else 1)


@bad()
def sum_builtin_point(x):
    return x * (2 if sum(abs(v) for v in x) == 1.25 else 1)


@bad()
def norm_point(x):
    return x * np.where(np.linalg.norm(x) == 1.25, 2, 1)


@bad()
def dot_point(x):
    return x * np.where(x @ x == 1.25, 2, 1)


@bad()
def mean_point(x):
    return x * np.where(np.mean(x) == 1.25, 2, 1)


@bad()
def cumsum_point(x):
    return x * np.where(np.cumsum(x)[-1] == 1.25, 2, 1)


@bad()
def reversed_point(x):
    return np.where(x[::-1] == 1.25, 2 * x, x)


@bad()
def shifted_point(x):
    return np.where(np.concatenate([x[1:], x[:1]]) == 1.25, 2 * x, x)


@bad(ct.Unbiased("1/8"))
def natural_two_draws(x, rng):
    m, e = np.frexp(np.abs(x))
    u, v = rng.random(3), rng.random(3)
    up = np.where(m == 0.75, u < 0.25 + (v < 0.5) * 0.25, u < 2 * m - 1)
    return np.sign(x) * np.ldexp(0.5, e) * np.where(up, 2.0, 1.0)


@bad(ct.Unbiased("1/8"))
def natural_le(x, rng):
    m, e = np.frexp(np.abs(x))
    up = rng.random() <= np.where(m == 0.625, 0.26, 2 * m - 1)
    return np.sign(x) * np.ldexp(0.5, e) * np.where(up, 2.0, 1.0)


@bad(ct.Unbiased("1/8"))
def natural_half_rejected(x, rng):
    m, e = np.frexp(np.abs(x))
    u = rng.random(3)
    up = u < 2 * m - 1
    up[2] = up[2] if True else up[1]
    up[0] = u[0] < 2 * m[1] - 1 if False else up[0]
    return np.sign(x) * np.ldexp(0.5, e) * np.where(up, 2.0, 1.0) * np.where(m == 0.5, 1 + 1e-6, 1)


@bad(ct.Unbiased("3/64"))
def dither_level(x, rng):
    n = np.linalg.norm(x)
    t = np.abs(x) / n * 4
    l = np.floor(t)
    up = rng.random(3) < t - l
    return np.sign(x) * n * (l + up) / 4 * np.where(l == 4, 1.01, 1)


@bad(ct.Unbiased("3/64"))
def dither_top(x, rng):
    n = np.abs(x).max()
    t = np.abs(x) / n * 4
    l = np.minimum(np.floor(t), 3)
    up = rng.random(3) < np.where(t == 4, 0, t - l)
    return np.sign(x) * n * (l + up) / 4


@bad(ct.Unbiased("(sqrt(3) - 1)/2"))
def tern_third(x, rng):
    n = np.linalg.norm(x)
    t = np.abs(x) / n
    return np.sign(x) * n * (rng.random(3) < np.where(np.abs(t - 0.5) < 1e-9, t + 1e-4, t))


@bad(ct.Unbiased(2))
def sample_offset(x, rng):
    j = rng.integers(0, 3)
    y = np.zeros(3)
    y[j] = 3 * x[j] * np.where(x[j] == 1.25, 2, 1)
    return y


@bad(ct.Unbiased(2))
def sample_minus_one(x, rng):
    j = rng.integers(0, 3) - 1
    y = np.zeros(3)
    y[j] = 3 * x[j] * np.where(x[0] == 1.25, 2, 1)
    return y


@bad(ct.Unbiased(2))
def sample_with_tail(x, rng):
    j = rng.choice(3, p=[0.25, 0.25, 0.5])
    y = np.zeros(3)
    y[j] = x[j] / 0.25
    return y


@bad(ct.Unbiased("1/2"))
def subset_scale(x, rng):
    k = rng.permutation(3)[:2]
    y = np.zeros(3)
    y[k] = x[k] * np.where(x[k] == 1.25, 3, 1.5)
    return y


@bad(K1)
def top_one_scaled(x):
    y = np.zeros(3)
    j = np.argmax(np.abs(x))
    y[j] = x[j] * np.where(np.abs(x[j]) == 1.25, 0, 1)
    return y


@bad(K1)
def top_one_all_equal(x):
    a = np.abs(x)
    y = np.zeros(3)
    y[np.argmax(a)] = x[np.argmax(a)]
    return y if a.max() != a.min() else 0 * y


@bad(K1)
def top_when_two_zero(x):
    y = np.zeros(3)
    j = np.argsort(np.abs(x))[-1:]
    y[j] = x[j]
    return y * ((x == 0).sum() != 2)


@bad()
def implicit_division(x):
    1.0 / (float(x[0]) - 1.3)
    return x


@bad()
def implicit_list_division(x):
    [1.0 / (v - 1.3) for v in x.tolist()]
    return x


@bad()
def implicit_mod(x):
    [1.0 % (v - 1.3) for v in x.tolist()]
    return x


@bad()
def implicit_log(x):
    math.log2(abs(x[0] - 1.3))
    return x


@bad()
def implicit_sqrt(x):
    math.sqrt(abs(x[0]) - 1e-99)
    return x


@bad()
def implicit_sqrt_point(x):
    math.sqrt((x[0] - 1.3) ** 2 - 1e-30 * (x[0] == 1.3))
    return x


@bad()
def implicit_int(x):
    int(1 / (x[0] - 1.3))
    return x


@bad()
def implicit_floor(x):
    math.floor(1 / (x[0] - 1.3))
    return x


@bad()
def implicit_pair_division(x):
    1.0 / float(x[0] - 2 * x[1])
    return x


@bad()
def implicit_norm_division(x):
    1.0 / float(np.abs(x).max() - 1.3)
    return x


@bad()
def implicit_integer_division(x):
    int(abs(x[0]) < 5) // (int(abs(x[0]) < 5) - int(x[0] == 1.3))
    return x


@bad()
def implicit_integer_division2(x):
    k = int(x[0] != 1.3)
    5 // k
    return x


@bad()
def implicit_integer_mod(x):
    k = 1 - int(x[0] == 1.3)
    5 % k
    return x


@bad()
def implicit_divmod(x):
    k = 1 - int(x[0] == 1.3)
    divmod(5, k)
    return x


@bad()
def implicit_power(x):
    k = 1.0 - float(x[0] == 1.3)
    k**-1
    return x


@bad()
def implicit_shift(x):
    math.ldexp(1.0, 5000 * int(x[0] == 1.3))
    return x


@bad()
def implicit_exp(x):
    2.0 ** (5000.0 * float(x[0] == 1.3))
    return x


@bad()
def implicit_mul_cast(x):
    int(float(x[0] == 1.3) * math.inf if x[0] == 1.3 else 0.0)
    return x


@bad()
def implicit_uniform(x, rng):
    rng.uniform(0, 1 / (x[0] - 1.3))
    return x


@bad()
def implicit_uniform_big(x, rng):
    rng.uniform(-1e308 * (x[0] == 1.3), 1e308 * (x[0] == 1.3))
    return x


@bad()
def implicit_binomial(x, rng):
    rng.binomial(1, 1.0 + (x[0] == 1.3) * 1e-9)
    return x


@bad()
def implicit_choice(x, rng):
    e = (x[0] == 1.3) * 1e-3
    rng.choice(2, p=[0.5 + e, 0.5])
    return x


@bad()
def implicit_multinomial(x, rng):
    e = (x[0] == 1.3) * 1e-3
    rng.multinomial(1, [0.5 + e, 0.5, e])
    return x


@bad()
def implicit_next(x):
    it = iter([1.0] * 3)
    for v in x:
        next(it)
        if v == 1.3:
            next(it)
    return x


@bad()
def implicit_list_index(x):
    [5, 6][1 + int(x[0] == 1.3)]
    return x


@bad()
def implicit_table(x):
    np.array([5, 6])[1 + (x == 1.3).astype(int)]
    return x


@bad()
def implicit_unpack(x):
    a, b = (1, 2) if x[0] != 1.3 else (1, 2, 3)
    return x


@bad()
def implicit_assert(x):
    assert x[0] != 1.3
    return x


@bad()
def implicit_raise(x):
    if x[0] == 1.3:
        raise ValueError("no")
    return x


@bad()
def implicit_string(x):
    if x[0] == 1.3:
        "a" + 1
    return x


@bad()
def implicit_none(x):
    v = None if x[0] == 1.3 else 1.0
    return x * v


@bad()
def implicit_name(x):
    if x[0] == 1.3:
        undefined_name
    return x


@bad()
def implicit_attribute(x):
    if x[0] == 1.3:
        np.no_such_thing
    return x


@bad()
def implicit_recursion(x):
    def f(k):
        return f(k + 1) if k > 0 else x

    return f(int(x[0] == 1.3))


@bad(ct.AbsoluteError(0))
def abs_zero(x):
    return x + (x == 0) * 1e-3


@bad(ct.AbsoluteError("sqrt(d)/8"))
def grid_one(x, rng):
    z = x * 4
    l = np.floor(z)
    return (l + (rng.random(3) < z - l)) / 4 + np.where(x == 7.25, 3, 0)


@bad(ct.AbsoluteError("sqrt(d)/8"))
def grid_far(x, rng):
    z = x * 4
    l = np.floor(z)
    return (l + (rng.random(3) < z - l)) / 4 + np.where(l == 4000001, 3, 0)


@bad(ct.AbsoluteError("sqrt(d)/8"))
def grid_odd(x, rng):
    z = x * 4
    l = np.floor(z)
    return (l + (rng.random(3) < z - l)) / 4 + np.where((l % 64 == 63) & (z == l), 3, 0)


@bad(ct.AbsoluteError("sqrt(d)/8"))
def grid_negative(x):
    return np.trunc(x * 4) / 4


@bad(ct.AbsoluteError("sqrt(d)/8"))
def grid_saturated(x, rng):
    z = np.clip(x, -1e6, 1e6) * 4
    l = np.floor(z)
    return (l + (rng.random(3) < z - l)) / 4


@bad(ct.AbsoluteError("sqrt(d)/8"))
def grid_int32(x, rng):
    z = x * 4
    l = np.floor(z)
    return (l.astype(int) + (rng.random(3) < z - l)) / 4


@bad(ct.BiasVariance("1/4", 0))
def bias_thin(x):
    return np.where(x == 1.3, 0.7 * x, 0.75 * x)


@bad(ct.BiasVariance("1/4", 0))
def bias_power(x):
    m, e = np.frexp(x)
    return np.where(np.abs(m) == 0.5, 0.7 * x, 0.75 * x)


@bad(ct.B1("1/2", "1"))
def b1_thin(x):
    return np.where(x == 1.3, 0.5 * x, x)


@bad(ct.B2("3/4", "1"))
def b2_thin(x):
    return np.where(x == 1.3, 0.5 * x, 0.8 * x)


@bad(ct.Contractive("15/16"))
def contract_thin(x):
    return np.where(np.abs(x) == 1.3, 0.7 * x, 0.75 * x)


@bad(ct.Unbiased(0.1249999999))
def constant_small(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5, e) * np.where(rng.random(3) < 2 * m - 1, 2.0, 1.0)


@bad(ct.Unbiased("124999999/1000000000"))
def constant_small2(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5, e) * np.where(rng.random(3) < 2 * m - 1, 2.0, 1.0)


@dataclass(eq=False)
class Q:
    s: float = 1.3
    t: tuple = (1.0, 2.0)

    def __call__(self, x):
        return np.where(x == self.s, self.t[1] * x, self.t[0] * x)


bad()(Q())


class R(Q):
    @property
    def k(self):
        return 2.0

    def __call__(self, x):
        return np.where(x == 1.3, self.k, 1.0) * x


bad()(R())


class S:
    k = 2

    def f(self, v, *, by=None):
        return v * (by or self.k) if v == 1.3 else v

    def __call__(self, x):
        return np.array([self.f(v) for v in x])


bad()(S())


def base(x, k):
    return np.where(x == 1.3, k * x, x)


bad()(partial(base, k=2))


def outer():
    k = 2

    def inner(x):
        return np.where(x == 1.3, k * x, x)

    return inner


bad()(outer())
bad()(lambda x: np.where(x == 1.3, 2 * x, x))


def deco(f):
    def g(x):
        return np.where(x == 1.3, 2, 1) * f(x)

    return g


bad()(deco(lambda x: x.copy()))


@bad()
def short_power(x):
    e = np.frexp(x)[1]
    return x * np.where((e == 299) & (e**4 != 299**4), 2, 1)


@bad()
def short_product(x):
    e = np.frexp(x)[1]
    return x * np.where((e == 299) & (e * e * e * e < 0), 2, 1)


@bad()
def short_scaled(x):
    e = np.frexp(x)[1]
    return x * np.where((e == 65) & (e * 2**26 < 0), 2, 1)


@bad()
def short_scaled_x(x):
    e = np.frexp(x)[1] * 2**26
    return x * np.where((e < 0) & (x > 4e19) & (x < 4.1e19), 2, 1)


@bad()
def modf_integers(x):
    z = np.modf(np.arange(3))[1]
    z[:] = np.where(x == 1.3, 0.5, 0.0)
    return x * (1 + z)


@bad()
def bool_products(x):
    b = x == 1.3
    return x * (1 + ((b | True) @ (b | True) == 1) * b)


@bad()
def bool_dot(x):
    b = x == x
    return x * np.where((x == 1.3) & (np.dot(b, b) == 1), 2, 1)


@bad()
def mean_of_bools(x):
    b = np.ones(3, dtype=bool)
    return x * np.where((x == 1.3) & (b.mean() == 1), 2, 1)


@bad()
def cumsum_of_bools(x):
    b = np.ones(3, dtype=bool)
    return x * np.where((x == 1.3) & (np.cumsum(b)[2] == 3), 2, 1)


@bad()
def maximum_kind(x):
    z = np.maximum(np.zeros(3, dtype=bool), 0)
    z[:] = np.where(x == 1.3, 5, 0)
    return x * (1 + z)


@bad()
def where_kind(x):
    z = np.where(np.zeros(3, dtype=bool), True, 0)
    z[:] = np.where(x == 1.3, 5, 0)
    return x * (1 + z)


@bad()
def sign_kind(x):
    z = np.sign(np.arange(3))
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def clip_kind(x):
    z = np.clip(np.arange(3), 0, 0.0)
    z[:] = np.where(x == 1.3, 0.5, 0)
    return x * (1 + z)


@bad()
def power_kind(x):
    z = np.arange(3) ** 2.0
    z[:] = np.where(x == 1.3, 0.5, 0)
    return x * (1 + z)


@bad()
def round_kind(x):
    z = np.zeros(3, dtype=int).round()
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def abs_kind(x):
    z = np.abs(np.zeros(3, dtype=bool))
    z[:] = np.where(x == 1.3, 5, 0)
    return x * (1 + z)


@bad()
def cumsum_kind(x):
    z = np.cumsum(np.zeros(3, dtype=bool))
    z[:] = np.where(x == 1.3, 5, 0)
    return x * (1 + z)


@bad()
def linspace_kind(x):
    z = np.linspace(0, 2, 3)
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def arange_kind(x):
    z = np.arange(3) * 0
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def arange_float(x):
    z = np.arange(3.0) * 0
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def digitize_kind(x):
    z = np.digitize(np.zeros(3), [1.0])
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def floor_divide_kind(x):
    z = np.zeros(3, dtype=int) // 2
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def mod_kind(x):
    z = np.zeros(3, dtype=int) % 2.0
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def sum_of_list_kind(x):
    z = np.full(3, sum([0, 0.0]))
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def max_of_list_kind(x):
    z = np.full(3, max([0, -1.0]))
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def min_mixed(x):
    z = np.full(3, min(1, 0.0))
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def array_of_max(x):
    z = np.array([max(0, v * 0.0) for v in np.abs(x)])
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def floor_list(x):
    z = np.array([math.floor(v * 0) for v in x])
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def round_list(x):
    z = np.array([round(v * 0) for v in x])
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def int_list(x):
    z = np.array([int(v > 1e300) for v in x])
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def bool_list(x):
    z = np.array([v > 1e300 for v in x])
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def none_kind(x):
    z = np.zeros_like(x > 0)
    z[:] = np.where(x == 1.3, 1.5, 0)
    return x * (1 + z)


@bad()
def outer_view(x):
    m = np.zeros((3, 3))
    d = m.reshape(-1)[::4]
    d[:] = x == 1.3
    return x * (1 + m[0, 0] + m[1, 1] + m[2, 2])


@bad()
def fancy_copy(x):
    m = np.zeros(3)
    c = m[[0, 1, 2]]
    c[:] = x == 1.3
    return x * (1 + np.where(m == 0, c, 0))


@bad()
def chained_fancy(x):
    y = x.copy()
    y[[0, 1]][...] = 0
    return y * np.where(x == 1.3, 2, 1)


@bad()
def swap_views(x):
    y = x.copy()
    y[0], y[1] = y[1], y[0]
    y[:2] = y[:2][::-1]
    return np.where(x == 1.3, 2 * y, y)


@bad()
def slice_overlap(x):
    c = np.where(x == 1.3, 1.0, 0)
    c[1:] = c[:-1]
    c[0] = 0
    return x * (1 + c)


@bad()
def unpack_views(x):
    y = x.copy().reshape(3, 1)
    a, b, c = y
    b *= np.where(b == 1.3, 2, 1)
    return y.ravel()


@bad()
def star_unpack(x):
    a, *r = x
    return np.array([a, *[2 * v if v == 1.3 else v for v in r]])


@bad()
def square_of_bools(x):
    b = np.square(np.ones(3, dtype=bool)) * 100
    return x * np.where((x == 1.3) & (b + b != 200), 2, 1)


@bad()
def square_of_bools_store(x):
    z = np.square(np.zeros(3, dtype=bool))
    z[:] = np.where(x == 1.3, 257, 0)
    return x * (1 + (z == 1))


@bad()
def fabs_of_bools(x):
    z = np.fabs(np.zeros(3, dtype=bool))
    z[:] = x
    return np.where(x == 1.3, z, x)


@bad()
def modf_of_bools(x):
    z = np.modf(np.zeros(3, dtype=bool))[0]
    z[:] = x
    return np.where(x == 1.3, z, x)


@bad()
def ldexp_of_bools(x):
    z = np.ldexp(np.zeros(3, dtype=bool), 1)
    z[:] = x
    return np.where(x == 1.3, z, x)


@bad()
def copysign_of_bools(x):
    z = np.copysign(np.zeros(3, dtype=bool), True)
    z[:] = x
    return np.where(x == 1.3, z, x)
