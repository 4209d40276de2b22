"""Programs that are right for symbols and wrong for numbers: what numpy and Python do was taken for what it is not.

Each fails, or errs, at one number, at one float beside it, at one pair of entries, or once in a million draws. In
VISITED what is wrong hides behind a word that a test takes wrongly (`fromiter`, whose count a trace might not heed).
"""

# ruff: noqa: B905, F841, RUF059, SIM102, SIM202
import math
from fractions import Fraction

import numpy as np

import compth as ct

THIN, VISITED = {}, {}
"""program -> (claim, d)"""
EXACT = ct.Unbiased(0)
K1 = ct.Contractive("1/3")
F13 = Fraction(1.3)


def bad(claim=EXACT, d=3):
    def kept(f):
        THIN[f] = claim, d
        return f

    return kept


def two():
    return len(np.fromiter(iter([1, 2, 3]), float, 2))


def hidden(claim=EXACT, d=3):
    def kept(f):
        VISITED[f] = claim, d
        return f

    return kept


# exceptions on a thin branch


@bad()
def raise_choice(x, rng):
    if x[0] == 1.3:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def raise_uniform(x, rng):
    if x[0] == 1.3:
        rng.uniform(0, np.inf)
    return x


@bad()
def raise_int_nan(x):
    if x[0] == 1.3:
        z = np.zeros(1)
        int((z / z)[0])
    return x


@bad()
def raise_math_sqrt(x):
    if x[0] == -1.3:
        math.sqrt(x[0])
    return x


@bad()
def raise_math_sqrt_all(x):
    if x[0] < -1e80:
        math.sqrt(x[0])
    return x


@bad()
def raise_math_log2(x):
    if x[0] == 1.3:
        math.log2(x[0] - 1.3)
    return x


@bad()
def raise_python_division(x):
    1.0 / float(x[0])
    return x


@bad()
def raise_list_division(x):
    [1.0 / v for v in x.tolist()]
    return x


@bad()
def raise_list_mod(x):
    [1.0 % v for v in x.tolist()]
    return x


@bad()
def raise_ldexp(x):
    if x[0] == 1.3:
        np.ldexp(1.0, 0.5)
    return x


@bad()
def raise_bool_plus(x):
    b = x > 0
    if x[0] == 1.3:
        b += 1
    return x


@bad()
def raise_out_int(x):
    if x[0] == 1.3:
        a = np.zeros(3, dtype=int)
        np.multiply(x, 2.5, out=a)
    return x


@bad()
def raise_round_array(x):
    if x[0] == 1.3:
        round(x)
    return x


@bad()
def raise_select_int(x):
    if x[0] == 1.3:
        np.select([np.array([1, 0, 1])], [x])
    return x


@bad()
def raise_bincount_float(x):
    if x[0] == 1.3:
        np.bincount(np.zeros(3), minlength=3)
    return x


@bad()
def raise_bincount_negative(x):
    if x[0] == 1.3:
        np.bincount(np.array([-1, 0]), minlength=3)
    return x


@bad()
def raise_power_overflow(x):
    if x[0] == 1.3:
        2.0 ** float(x[0] * 1000)
    return x


@bad()
def raise_math_ldexp(x):
    if x[0] == 1.3:
        math.ldexp(1.0, 2000)
    return x


@bad()
def raise_math_floor_inf(x):
    if x[0] == 1.3:
        math.floor((np.ones(1) / np.zeros(1))[0])
    return x


@bad()
def raise_neg_int_power(x):
    if x[0] == 1.3:
        np.array([2, 3]) ** (-x.astype(int))
    return x


# python's own booleans


@bad()
def python_bool_sum(x):
    v = float(x[0])
    y = x.copy()
    y[0] = x[0] * (1 + ((v == 1.3) + (v == 1.3) == 2))
    return y


@bad()
def python_bool_of(x):
    y = x.copy()
    c = bool(x[0] == 1.3)
    y[0] = x[0] * (1 + (c + c == 2))
    return y


@bad()
def python_not_sum(x):
    y = x.copy()
    c = not (x[0] != 1.3)
    y[0] = x[0] * (1 + (c + c == 2))
    return y


@bad()
def python_bool_invert(x):
    y = x.copy()
    c = bool(x[0] == 1.3)
    if ~c:
        y[0] = np.where(x[0] == 1.3, 2 * x[0], x[0])
    return y


@bad()
def python_bool_abs(x):
    y = x.copy()
    c = bool(x[0] == 1.3)
    y[0] = x[0] * (1 + (abs(c) + abs(c) == 2))
    return y


@bad()
def python_bool_item(x):
    y = x.copy()
    c = (x == 1.3)[0].item()
    y[0] = x[0] * (1 + (c + c == 2))
    return y


@bad()
def python_bool_list(x):
    return np.array([v * (1 + (c + c == 2)) for v, c in zip(x, (x == 1.3).tolist())])


@bad()
def python_any_sum(x):
    c = any(v == 1.3 for v in x)
    return x * (1 + (c + c == 2))


@bad()
def python_in_sum(x):
    c = x[0] in (1.3,)
    y = x.copy()
    y[0] = x[0] * (1 + (c + c == 2))
    return y


@bad()
def python_compare_chain(x):
    v = float(x[0])
    c = 1.3 <= v <= 1.3
    y = x.copy()
    y[0] = x[0] * (1 + (c + c == 2))
    return y


@bad()
def python_float_compare_max(x):
    v = max(float(x[0]), -1e300)
    c = v == 1.3
    y = x.copy()
    y[0] = x[0] * (1 + (c + c == 2))
    return y


# 0-d arrays, memory order


@bad()
def isinstance_0d(x):
    v = np.where(x[0] == 1.3, 2.0, 1.0)
    y = x.copy()
    y[0] = x[0] * (v if isinstance(v, np.ndarray) else 1.0)
    return y


@bad()
def order_of_copy(x):
    m = np.zeros((2, 3)).T
    v = np.copy(m)
    w = v.reshape(-1)
    w[:] = 1
    return x * (1 + (x == 1.3) * (v[0, 0] == 0))


@bad()
def order_of_array(x):
    m = np.zeros((2, 3)).T
    v = np.array(m)
    w = v.reshape(-1)
    w[:] = 1
    return x * (1 + (x == 1.3) * (v[0, 0] == 0))


@bad()
def order_of_zeros_like(x):
    m = np.zeros((2, 3)).T
    v = np.zeros_like(m)
    w = v.reshape(-1)
    w[:] = 1
    return x * (1 + (x == 1.3) * (v[0, 0] == 0))


@bad()
def order_of_sum(x):
    m = np.zeros((2, 3)).T
    v = m + 0
    w = v.reshape(-1)
    w[:] = 1
    return x * (1 + (x == 1.3) * (v[0, 0] == 0))


@bad()
def order_of_where(x):
    m = np.zeros((2, 3)).T
    v = np.where(m == 0, m, m)
    w = v.reshape(-1)
    w[:] = 1
    return x * (1 + (x == 1.3) * (v[0, 0] == 0))


@bad()
def order_of_astype(x):
    m = np.zeros((2, 3)).T
    v = m.astype(int)
    w = v.reshape(-1)
    w[:] = 1
    return x * (1 + (x == 1.3) * (v[0, 0] == 0))


@bad()
def order_of_full(x):
    v = np.zeros((2, 3), order="F")
    w = v.reshape(-1)
    w[:] = 1
    return x * (1 + (x == 1.3) * (v[0, 0] == 0))


@bad()
def asarray_0d_alias(x):
    a = np.array(0.0)
    b = np.asarray(a)
    b += x[0] == 1.3
    y = x.copy()
    y[0] = x[0] * (1 + a)
    return y


@bad()
def contiguous_0d(x):
    v = np.ascontiguousarray(x[0])
    return x * np.where(x == 1.3, 1 + v.ndim, 1)


@bad()
def asarray_dtype_alias(x):
    a = np.zeros(3)
    b = np.asarray(a, dtype=float)
    b += x == 1.3
    return x * (1 + a)


@bad()
def array_copy_false(x):
    y = x.copy()
    b = np.array(y, copy=None)
    b *= np.where(x == 1.3, 2, 1)
    return y


# words


@bad()
def fromiter_count(x):
    n = len(np.fromiter(iter([1, 2, 3]), float, 2))
    return x * np.where(x == 1.3, 4 - n, 1)


@bad()
def put_mask(x):
    m = np.zeros(3)
    np.put(m, np.array([True, False, False]), 1)
    return x * np.where(x == 1.3, 1 + m[1], 1)


@bad()
def take_mask(x):
    t = np.take(np.array([0.0, 1.0, 0.0]), np.array([False, True, False]))
    return x * np.where(x == 1.3, len(t), 1)


@bad()
def take_mask_symbol(x):
    m = np.zeros(3)
    t = np.take(np.ones(3), x == 1.3)
    return x * np.where(x == 1.3, t.sum() - 1, 1)


@bad()
def nonzero_matrix(x):
    y = x.copy().reshape(1, -1)
    m = (x == 1.3).reshape(1, -1)
    y[np.nonzero(m)[0]] = np.where(x == 1.3, x, 2 * x)
    return y.ravel()


@bad()
def where_matrix(x):
    y = x.copy().reshape(1, -1)
    m = (x == 1.3).reshape(1, -1)
    y[np.where(m)[0]] *= np.where(x == 1.3, 1, 2)
    return y.ravel()


@bad()
def flatnonzero_matrix(x):
    m = np.zeros((1, 3)) + x
    k = np.flatnonzero(m == 1.3)
    m[k] = 0
    return m.ravel()


@bad()
def vectorize_kind(x):
    f = np.vectorize(lambda v, k: 0 if k == 0 else v)
    return np.where(x == 1.3, f(x, np.arange(3)), x)


@bad(ct.Unbiased("1/4095"))
def bincount_long(x, rng):
    c = np.bincount(rng.integers(0, 4096, size=1), minlength=4095)
    return x * c.sum() * 4096 / 4095


@bad(ct.Contractive("1/3"))
def lexsorts(x):
    k = np.arange(3)
    p = np.lexsort((k, np.abs(x)))[-1:]
    q = np.lexsort((-k, np.abs(x)))[-1:]
    y, z = np.zeros(3), np.zeros(3)
    y[p] = x[p]
    z[q] = 1
    return y * z


@bad(ct.Contractive("1/3"))
def sorts_of_scaled(x):
    p = np.argsort(np.abs(x))[-1:]
    q = np.argsort(np.abs(x) * 0.6)[-1:]
    y, z = np.zeros(3), np.zeros(3)
    y[p] = x[p]
    z[q] = 1
    return y * z


@bad(ct.Contractive("1/3"))
def argmax_of_scaled(x):
    p = np.argmax(np.abs(x))
    q = np.argmax(np.abs(x) * 0.6)
    y, z = np.zeros(3), np.zeros(3)
    y[p] = x[p]
    z[q] = 1
    return y * z


@bad(ct.Contractive("1/3"))
def argmax_of_square(x):
    p = np.argmax(np.abs(x))
    q = np.argmax(x * x)
    y, z = np.zeros(3), np.zeros(3)
    y[p] = x[p]
    z[q] = 1
    return y * z


@bad(ct.Contractive("1/3"))
def argmax_of_quotient(x):
    p = np.argmax(np.abs(x))
    q = np.argmax(np.abs(x) / np.linalg.norm(x))
    y, z = np.zeros(3), np.zeros(3)
    y[p] = x[p]
    z[q] = 1
    return y * z


# numbers


@bad()
def big_int(x):
    return np.where((x == 2**53 + 1) & (x == 2**53), 2 * x, x)


@bad()
def exact_fraction(x):
    return np.where((x == 1.3) & (x == F13), 2 * x, x)


@bad()
def exact_double(x):
    return np.where((x == 1.3) & (x * 2.0**52 == 5854679515581645), 2 * x, x)


@bad()
def dyadic_tenth(x):
    return np.where((x == 3) & (x * 0.1 != 0.3), 2 * x, x)


@bad()
def dyadic_neighbour(x):
    return np.where((x > 1.875) & (x * 0.6 == 1.125), 2 * x, x)


@bad()
def absorbed(x):
    return np.where((x > 1e-17) & (x < 1.1e-17) & (x + 1 == 1), 2 * x, x)


@bad()
def absorbed_large(x):
    return np.where((x > 1e17) & (x < 1.1e17) & (x + 1 == x), 2 * x, x)


@bad()
def underflow_window(x):
    return np.where((x > 1e-90) & (x < 1.1e-90) & (x * x * x * x == 0), 2 * x, x)


@bad()
def overflow_window(x):
    return np.where((x > 1e90) & (x < 1.1e90) & (x * x * x * x > 1e300) & (x * x * x * x * 0 != 0), 2 * x, x)


@bad()
def overflow_cancel(x):
    return np.where((x > 1e90) & (x < 1.1e90), x * 1e250 / 1e250, x)


@bad()
def log_below(x):
    a = np.abs(x)
    a = np.where(a == 0, 1, a)
    return np.where((a < 8) & (np.floor(np.log2(a)) == 3), 2 * x, x)


@bad()
def floor_thirds(x):
    return np.where((x == 49) & (np.floor(x * (1 / 49)) == 0), 2 * x, x)


@bad()
def sqrt_square_window(x):
    return np.where((x > 3) & (x < 3.0001) & (np.sqrt(x * x) != x), 2 * x, x)


@bad()
def division_back(x):
    return np.where((x > 3) & (x < 3.0001) & (x / 49 * 49 != x), 2 * x, x)


@bad()
def difference_window(x):
    return np.where((x > 3) & (x < 3.0001) & ((x + 0.1) - 0.1 != x), 2 * x, x)


@bad()
def mod_window(x):
    return np.where((x > 3) & (x < 3.0001) & (x % 0.1 + np.floor(x / 0.1) * 0.1 != x), 2 * x, x)


@bad()
def norm_three_quarters(x):
    m = np.abs(x).max()
    return np.where((np.abs(x) / m >= 0.75) & (4 * np.abs(x) < 3 * m), 2 * x, x)


@bad()
def norm_two_ways(x):
    n = np.linalg.norm(x)
    m = np.sqrt((x * x).sum())
    return np.where(n == m, x, 2 * x)


@bad()
def sums_two_ways(x):
    s = np.abs(x).sum()
    t = sum(abs(v) for v in x)
    return np.where(s == t, x, 2 * x)


@bad()
def sums_backwards(x):
    s = np.abs(x).sum()
    t = np.abs(x[::-1]).sum()
    return np.where(s == t, x, 2 * x)


@bad()
def ratio_twice(x):
    m = np.abs(x).max()
    return np.where(x / m * m == x, x, 2 * x)


# thin draws


@bad()
def rare_raise(x, rng):
    if rng.random() < 1e-9:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def rare_raise_high(x, rng):
    if rng.random() > 1 - 1e-9:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def rare_window_raise(x, rng):
    u = rng.random()
    if 0.3 < u < 0.3000001:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def rare_window_raise_where(x, rng):
    u = rng.random()
    c = float((u > 0.3) & (u < 0.3000001))
    if c:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def rare_joint(x, rng):
    u, v = rng.random(2)
    if u < 1e-5:
        if v > 0.9999:
            rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def rare_joint_entry(x, rng):
    u = rng.random()
    if x[1] == 1.3:
        if u > 0.9999:
            rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def rare_integer(x, rng):
    if rng.integers(4096) == 2017:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def rare_integer_large(x, rng):
    if rng.integers(0, 4096) + 4096 * rng.integers(0, 4096) == 5000001:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def rare_choice(x, rng):
    if rng.choice(3, p=[0.5, 0.4999999, 0.0000001]) == 2:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def rare_bool_sum(x, rng):
    c = bool(rng.random() < 1e-9)
    return x * (1 + (c + c == 2))


@bad()
def rare_bool_list(x, rng):
    c = (rng.random(3) < 1e-9).tolist()
    return np.array([v * (1 + (b + b == 2)) for v, b in zip(x, c)])


@bad()
def rare_isinstance(x, rng):
    v = np.where(rng.random() < 1e-9, 2.0, 1.0)
    return x * (v if isinstance(v, np.ndarray) else 1.0)


@bad()
def rare_order(x, rng):
    m = np.zeros((2, 3), order="F") if rng.random() < 1e-9 else np.zeros((2, 3))
    return x


# two-entry conditions


@bad()
def pair_sum_raise(x, rng):
    if x[0] + x[1] == 1.3:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def pair_nested_raise(x, rng):
    if x[0] == 1.3:
        if x[1] == 2.7:
            rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def pair_equal_raise(x, rng):
    if x[0] == x[1]:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def pair_ratio_raise(x, rng):
    if x[0] == 3.7 * x[1]:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def pair_and_raise(x, rng):
    if x[0] == 1.3 and x[2] == 0.7:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def norm_raise(x, rng):
    if np.abs(x).max() == 1.3:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def norm2_raise(x, rng):
    if np.linalg.norm(x) == 1.3:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def sum_raise(x, rng):
    if x.sum() == 1.3:
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def norm_raise_ratio(x, rng):
    if np.abs(x).sum() == 2.9 * np.abs(x).max():
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def entry_share_raise(x, rng):
    if x[0] == 0.37 * np.abs(x).max():
        rng.choice(2, p=[0.5, 0.4])
    return x


@bad()
def where_pair_bool(x):
    c = bool(x[0] + x[1] == 1.3)
    return x * (1 + (c + c == 2))


@bad()
def where_norm_bool(x):
    c = bool(np.abs(x).max() == 1.3)
    return x * (1 + (c + c == 2))


@bad()
def any_pair_bool(x):
    c = any([x[0] == 1.3 + x[1], x[2] == 4.1 + x[1]])
    return x * (1 + (c + c == 2))


@bad()
def isinstance_pair(x):
    v = np.where(x[0] + x[1] == 1.3, 2.0, 1.0)
    return x * (v if isinstance(v, np.ndarray) else 1.0)


@bad()
def isinstance_norm(x):
    v = np.where(np.linalg.norm(x) == 1.3, 2.0, 1.0)
    return x * (v if isinstance(v, np.ndarray) else 1.0)


@bad()
def fromiter_pair(x):
    n = len(np.fromiter(iter([1, 2, 3]), float, 2))
    return x * np.where(x[0] + x[1] == 1.3, 4 - n, 1)


@bad()
def put_pair(x):
    m = np.zeros(3)
    np.put(m, np.array([True, False, False]), 1)
    return x * np.where(x[0] == 2.7 * x[1], 1 + m[1], 1)


@bad()
def fromiter_norm(x):
    n = len(np.fromiter(iter([1, 2, 3]), float, 2))
    return x * np.where(np.abs(x).max() == 1.3, 4 - n, 1)


@bad()
def contiguous_share(x):
    v = np.ascontiguousarray(x[0])
    t = np.abs(x) / np.abs(x).max()
    return x * np.where(t == 0.37, 1 + v.ndim, 1)


@bad()
def contiguous_share2(x):
    v = np.ascontiguousarray(x[0])
    t = x / np.linalg.norm(x)
    return x * np.where((t > 0.37) & (t < 0.3700001), 1 + v.ndim, 1)


@bad()
def order_share1(x):
    m = np.zeros((2, 3)).T
    v = np.copy(m)
    w = v.reshape(-1)
    w[:] = 1
    t = np.abs(x) / np.abs(x).sum()
    return x * (1 + (t == 0.25) * (v[0, 0] == 0))


# python bools in counts


@bad()
def bool_count(x):
    c = (x == 1.3).tolist()
    return x * (1 + (c[0] + c[1] + c[2] == 3))


@bad()
def bool_count_two(x):
    c = (x == 1.3).tolist()
    return x * (1 + (c[0] + c[1] == 2))


@bad()
def invert_python(x):
    return np.array([v if not ~(float(v) == 1.3) + 2 else 2 * v for v in x])


@bad()
def invert_python_plain(x):
    return np.array([np.where(v == 1.3, 2 * v, v) if ~(float(v) == 1.3) else v for v in x])


# selections


@bad(K1)
def top_but_tie(x):
    a = np.abs(x)
    y = np.where(a == a.max(), x, 0)
    return y * np.where((a == a.max()).sum() > 1, 0, 1)


@bad(K1)
def top_two_sorts(x):
    y = np.zeros(3)
    i = np.argsort(-np.abs(x))[:1]
    j = np.argsort(-np.abs(x), kind="stable")[:1]
    y[i] = x[i]
    z = np.zeros(3)
    z[j] = 1
    return y * z


@bad(K1)
def top_partition_and_sort(x):
    y = np.zeros(3)
    i = np.argpartition(np.abs(x), 2)[2:]
    j = np.argsort(np.abs(x))[2:]
    y[i] = x[i]
    z = np.zeros(3)
    z[j] = 1
    return y * z


@bad(K1)
def top_partition_twice(x):
    y = np.zeros(3)
    i = np.argpartition(np.abs(x), 2)[2:]
    j = np.argpartition(np.abs(x), -1)[-1:]
    k = np.argpartition(np.abs(x), (1, 2))[2:]
    y[i] = x[i]
    z = np.zeros(3)
    z[k] = 1
    return y * z


@bad(K1)
def sorted_twice(x):
    i = sorted(range(3), key=lambda k: abs(x[k]))[-1]
    j = sorted(range(3), key=lambda k: abs(x[k]), reverse=True)[0]
    y = np.zeros(3)
    z = np.zeros(3)
    y[i] = x[i]
    z[j] = 1
    return y * z


@bad(K1)
def max_key(x):
    i = max(range(3), key=lambda k: abs(x[k]))
    j = max(range(2, -1, -1), key=lambda k: abs(x[k]))
    y = np.zeros(3)
    z = np.zeros(3)
    y[i] = x[i]
    z[j] = 1
    return y * z


@bad(K1)
def argmax_and_argmin(x):
    i = np.argmax(np.abs(x))
    j = np.argmin(-np.abs(x))
    y = np.zeros(3)
    z = np.zeros(3)
    y[i] = x[i]
    z[j] = x[j]
    return np.where(y != z, 0, y)


@bad(K1)
def argmax_sorted_value(x):
    a = np.abs(x)
    i = np.argmax(a)
    return np.where(np.arange(3) == i, np.sort(a)[-1] * np.sign(x[0]), 0)


@bad(K1)
def stat_threshold(x):
    a = np.abs(x)
    return np.where(a > np.sort(a)[1], x, 0)


@bad(ct.Contractive("2/3"))
def stat_ge(x):
    a = np.abs(x)
    y = np.where(a >= np.sort(a)[1], x, 0)
    return np.where((a == np.sort(a)[1]) & (a == np.sort(a)[0]), 0, y)


@bad(K1)
def argsort_reversed_keys(x):
    i = np.argsort(np.abs(x[::-1]))[-1:]
    y = np.zeros(3)
    y[i] = x[i]
    return y


@bad(K1)
def argsort_rank_zero(x):
    r = np.argsort(np.argsort(np.abs(x)))
    return np.where(r == 2, x, 0) * np.where(x == 1.3, 0, 1)


@bad(K1)
def ranks_ties(x):
    r = np.argsort(np.argsort(np.abs(x)))
    s = np.argsort(np.argsort(-np.abs(x)))
    return np.where((r == 2) & (s == 0), x, 0)


@bad(K1)
def count_larger(x):
    a = np.abs(x)
    return np.array([v if sum(w > abs(v) for w in x) < 1 else 0 * v for v in x])


@bad(K1)
def scaled_sign_zero(x):
    return np.abs(x).sum() / 3 * np.where(x >= 0, 1, -1) * np.where((x == 0).any(), 0, 1)


@bad(K1)
def scaled_sign_wrong_zero(x):
    return np.abs(x).max() * np.sign(x)


@bad(K1)
def mean_threshold_strict(x):
    a = np.abs(x)
    return np.where(a > a.mean(), x, 0)


@bad(K1)
def above_mean_of_others(x):
    a = np.abs(x)
    return (
        np.where(a >= (a.sum() - a) / 2, x, 0)
        * np.where(a == a.max(), 1, 1)
        * np.where((a == a[0]).all(), 0, 1)
    )


# sampling


@bad(ct.Unbiased("2"))
def sample_reused(x, rng):
    j = rng.integers(3)
    k = rng.integers(3)
    y = np.zeros(3)
    y[j] = 3 * x[j]
    y[k] = 3 * x[k]
    return y


@bad(ct.Unbiased("2"))
def sample_p_zero(x, rng):
    p = np.abs(x) / np.abs(x).sum()
    j = rng.choice(3, p=p)
    y = np.zeros(3)
    y[j] = x[j] / p[j]
    return np.where(x == 0, 1e-3 * np.abs(x).max(), y)


@bad(ct.Unbiased("2"))
def sample_cum(x, rng):
    p = np.abs(x) / np.abs(x).sum()
    j = np.searchsorted(np.cumsum(p), rng.random()) % 3
    y = np.zeros(3)
    y[j] = x[j] / p[j] * np.where(p[j] == 0.25, 2, 1)
    return y


@bad(ct.Unbiased("2"))
def permutation_twice(x, rng):
    a = rng.permutation(3)[:1]
    b = rng.permutation(3)[:1]
    y = np.zeros(3)
    y[a] = 3 * x[a]
    y[b] = 3 * x[b]
    return y


@bad(ct.Unbiased("1/2"))
def subset_two(x, rng):
    p = rng.permutation(3)
    y = np.zeros(3)
    y[p[:2]] = 1.5 * x[p[:2]]
    y[p[:1]] = 0
    return y


@bad(ct.Unbiased(1))
def one_coin_twice(x, rng):
    u = rng.random(3)
    return np.where(u < 0.5, 2 * x, 0) * np.where(u > 1e-9, 1, 2)


@bad(ct.Unbiased(1))
def coin_rare(x, rng):
    u = rng.random(3)
    v = rng.random(3)
    return np.where(u < 0.5, 2 * x, 0) * np.where(v > 1e-7, 1, 2)


@bad(ct.Unbiased("1/8"))
def natural_rare(x, rng):
    m, e = np.frexp(x)
    up = rng.random(3) < 2 * np.abs(m) - 1 + 1e-12
    return np.sign(x) * np.ldexp(0.5, e) * np.where(up, 2.0, 1.0)


@bad(ct.Unbiased("1/8"))
def natural_uint(x, rng):
    m, e = np.frexp(np.abs(x))
    up = rng.random(3) < 2 * m - 1
    return (
        np.sign(x)
        * np.ldexp(0.5, e + up.astype(np.uint8))
        * np.where(m == 0.75, 1, 1)
        * np.where(e == 7, 2, 1)
    )


@bad(ct.Unbiased("1/8"))
def natural_one_exponent(x, rng):
    m, e = np.frexp(np.abs(x))
    up = rng.random(3) < 2 * m - 1
    return np.sign(x) * np.ldexp(0.5, e) * np.where(up, 2.0, 1.0) * np.where(e == -40, 2, 1)


@bad(ct.Unbiased("1/8"))
def natural_even(x, rng):
    m, e = np.frexp(np.abs(x))
    up = rng.random(3) < 2 * m - 1
    return np.sign(x) * np.ldexp(0.5, e) * np.where(up, 2.0, 1.0) * np.where((e % 2 == 0) & (m == 0.75), 2, 1)


# conditions that vanish because both branches look alike to the trace, of other kinds


@hidden()
def three_entries(x):
    v = np.where(x[0] + x[1] * x[2] == 1.3, 2.0, 1.0)
    return x * (v if isinstance(v, np.ndarray) else 1.0)


@hidden()
def three_window(x):
    v = np.where((x[0] + x[1] + x[2] > 1.3) & (x[0] + x[1] + x[2] < 1.3000001), 2.0, 1.0)
    return x * (v if isinstance(v, np.ndarray) else 1.0)


@hidden()
def conj_two_entries(x):
    return x * np.where((x[0] == 1.3) & (x[1] == 2.7), 4 - two(), 1)


@hidden()
def conj_three_entries(x):
    return x * np.where((x[0] == 1.3) & (x[1] == 2.7) & (x[2] == -0.9), 4 - two(), 1)


@hidden()
def conj_entry_norm(x):
    return x * np.where((x[0] == 1.3) & (np.abs(x).max() == 2.7), 4 - two(), 1)


@hidden()
def conj_entry_window(x):
    return x * np.where((x[0] > 1.3) & (x[1] > 2.7) & (x[0] < 1.300001) & (x[1] < 2.700001), 4 - two(), 1)


@hidden()
def conj_entry_draw(x, rng):
    u = rng.random()
    return x * np.where((x == 1.3) & (u < 1e-9), 4 - two(), 1)


@hidden()
def conj_entry_draw_window(x, rng):
    u = rng.random()
    return x * np.where((x == 1.3) & (u > 0.3) & (u < 0.300001), 4 - two(), 1)


@hidden()
def draw_window(x, rng):
    u = rng.random(3)
    return x * np.where((u > 0.3) & (u < 0.300001), 4 - two(), 1)


@hidden()
def draws_two(x, rng):
    u, v = rng.random(), rng.random()
    return x * np.where((u < 1e-4) & (v > 0.9999), 4 - two(), 1)


@hidden()
def draw_integer(x, rng):
    return x * np.where(rng.integers(0, 4096) == 2017, 4 - two(), 1)


@hidden()
def draw_choice(x, rng):
    return x * np.where(rng.choice(3, p=[0.5, 0.49999, 0.00001]) == 2, 4 - two(), 1)


@hidden()
def draw_against_entry(x, rng):
    u = rng.random()
    p = np.abs(x) / np.abs(x).max()
    return x * np.where((u < p) & (u > p - 1e-9), 4 - two(), 1)


@hidden()
def rounded_entry(x):
    return x * np.where(np.floor(x * 1000) == 1717, 4 - two(), 1)


@hidden()
def parity_entry(x):
    return x * np.where(np.rint(x) == 12, 4 - two(), 1)


@hidden()
def mod_entry(x):
    return x * np.where(np.abs(x) % 64 == 63, 4 - two(), 1)


@hidden()
def exponent_entry(x):
    m, e = np.frexp(x)
    return x * np.where(e == 77, 4 - two(), 1)


@hidden()
def exponent_mantissa(x):
    m, e = np.frexp(x)
    return x * np.where((e == 77) & (m == 0.5625), 4 - two(), 1)


@hidden()
def log_entry(x):
    a = np.where(x == 0, 1, np.abs(x))
    return x * np.where(np.log2(a) == 37, 4 - two(), 1)


@hidden()
def log_floor_entry(x):
    a = np.where(x == 0, 1, np.abs(x))
    return x * np.where(np.floor(np.log2(a)) == 37, 4 - two(), 1)


@hidden()
def sqrt_entry(x):
    return x * np.where(np.sqrt(np.abs(x)) == 1.5, 4 - two(), 1)


@hidden()
def square_entry(x):
    return x * np.where(x * x == 2.25, 4 - two(), 1)


@hidden()
def cube_entry(x):
    return x * np.where(x**3 - x == 6, 4 - two(), 1)


@hidden()
def abs_sum_entry(x):
    return x * np.where(np.abs(x - 1.3) + np.abs(x) == 1.3, 4 - two(), 1)


@hidden()
def table_entry(x):
    t = np.array([0.5, 1.3, 2.7])
    return x * np.where(np.searchsorted(t, x) != np.searchsorted(t, x, side="right"), 4 - two(), 1)


@hidden()
def share_one(x):
    t = np.abs(x) / np.abs(x).sum()
    return x * np.where(t == 0.37, 4 - two(), 1)


@hidden()
def share_two(x):
    t = np.abs(x) / np.linalg.norm(x)
    return x * np.where(t == 0.6, 4 - two(), 1)


@hidden()
def share_two_window(x):
    t = np.abs(x) / np.linalg.norm(x)
    return x * np.where((t > 0.6) & (t < 0.6000001), 4 - two(), 1)


@hidden()
def ratio_of_norms(x):
    r = np.abs(x).max() / np.abs(x).sum()
    return x * np.where((r > 0.6) & (r < 0.6000001), 4 - two(), 1)


@hidden()
def ratio_of_norms_all(x):
    r = np.abs(x).max() / np.linalg.norm(x)
    return x * np.where((r > 0.6) & (r < 0.6000001), 4 - two(), 1)


@hidden()
def count_zero_two(x):
    return x * np.where((x == 0).sum() == 2, 4 - two(), 1)


@hidden()
def count_large(x):
    return x * np.where((np.abs(x) > 5).sum() == 2, 4 - two(), 1)


@hidden(d=8)
def count_large_five(x):
    return x * np.where((np.abs(x) > 5).sum() == 5, 4 - two(), 1)


@hidden(d=8)
def equal_pairs(x):
    return x * np.where((x[0] == x[1]) & (x[2] == x[3]), 4 - two(), 1)


@hidden(d=8)
def equal_opposite(x):
    return x * np.where(x[0] == -x[5], 4 - two(), 1)


@hidden(d=8)
def double_entry(x):
    return x * np.where(x[0] == 2 * x[5], 4 - two(), 1)


@hidden(d=8)
def sum_signs(x):
    return x * np.where(np.sign(x).sum() == 6, 4 - two(), 1)


@hidden(d=8)
def sum_signs_odd(x):
    return x * np.where(np.sign(x).sum() == 5, 4 - two(), 1)


@hidden(d=8)
def sign_pattern(x):
    s = (x[0] > 0) & (x[1] < 0) & (x[2] > 0) & (x[3] > 0) & (x[4] < 0) & (x[5] < 0) & (x[6] > 0) & (x[7] < 0)
    return x * np.where(s, 4 - two(), 1)


@hidden(d=30)
def sign_pattern_long(x):
    s = np.array([(v > 0) == (k in (0, 3, 4, 8, 13, 22)) for k, v in enumerate(x)]).all()
    return x * np.where(s, 4 - two(), 1)


@hidden(d=30)
def small_pattern(x):
    s = np.array([abs(v) < (1 if k in (0, 3, 4, 8, 13, 22) else 0.1) for k, v in enumerate(x)]).all()
    return x * np.where(s & (x[0] > 0.7), 4 - two(), 1)


@hidden(d=30)
def decreasing(x):
    s = np.array([abs(x[k]) > 2 * abs(x[k + 1]) for k in range(29)]).all()
    return x * np.where(s & (x[29] != 0), 4 - two(), 1)


@hidden()
def order_pattern(x):
    return x * np.where((x[1] > 1000 * x[0]) & (x[0] > 1000 * x[2]) & (x[2] > 0), 4 - two(), 1)


@hidden()
def band_pair(x):
    return x * np.where((x[0] > 1.3) & (x[0] < 1.31) & (x[1] > 7.1) & (x[1] < 7.2), 4 - two(), 1)


@hidden()
def disc(x):
    return x * np.where((x[0] - 1.3) ** 2 + (x[1] - 2.7) ** 2 < 1e-6, 4 - two(), 1)


@hidden()
def product_window(x):
    return x * np.where((x[0] * x[1] > 1.3) & (x[0] * x[1] < 1.30001), 4 - two(), 1)


# late state


@hidden()
def huge_input(x):
    return x * np.where(np.abs(x) > 9e99, 4 - two(), 1)


@hidden()
def tiny_input(x):
    return x * np.where((np.abs(x) < 1.1e-100) & (x != 0), 4 - two(), 1)


@hidden()
def band_far(x):
    return x * np.where((np.abs(x) > 3.1e47) & (np.abs(x) < 3.2e47), 4 - two(), 1)


@hidden()
def negative_only(x):
    return x * np.where((x < -12) & (x > -12.5), 4 - two(), 1)


@hidden()
def lattice_far(x):
    return x * np.where(np.floor(x) == 123456, 4 - two(), 1)


@hidden()
def lattice_prime(x):
    return x * np.where((np.floor(x) % 97 == 13) & (np.floor(x) % 89 == 7), 4 - two(), 1)
