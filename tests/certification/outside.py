"""Programs found by looking for false proofs: each is wrong at one number, one tie, or once in a thousand draws.

What they lean on: what numpy has and symbols had not (views, in-place operators, other integers, text, attributes), and
what a trace took for granted (indices within range, independent parts of a permutation, x not 0). None may be proved.
"""

# ruff: noqa: B006, B018, RUF059, UP031, UP032
import math

import numpy as np

import compth as ct

THIN = {}
"""program -> (claim, d)"""
EXACT = ct.Unbiased(0)


def bad(claim=EXACT, d=3):
    def kept(f):
        THIN[f] = claim, d
        return f

    return kept


@bad()
def neg_index(x, rng):
    b = np.zeros(len(x) + 1)
    b[: len(x)] = x
    b[np.where(rng.random() < 1e-3, -2, len(x))] = 0
    return b[: len(x)]


@bad()
def neg_index_thin(x):
    b = np.zeros(len(x) + 1)
    b[: len(x)] = x
    b[np.where(x[-1] == 1.3, -2, len(x))] = 0
    return b[: len(x)]


@bad()
def index_beyond(x, rng):
    b = np.zeros(2)
    b[np.where(rng.random() < 1e-4, 5, 0)] = 1
    return x


@bad(ct.AbsoluteError(0))
def zero_apart(x, rng):
    if not x.any():
        return x + (rng.random(len(x)) < 1e-4)
    return x


@bad(ct.AbsoluteError(0))
def zero_norm(x, rng):
    if np.linalg.norm(x) == 0:
        return x + (rng.random(len(x)) < 1e-4)
    return x


@bad()
def cast_over(x, rng):
    z = (2.0**63 * (1.0001 - rng.random(len(x)))).astype(int)
    return np.where(z == -(2**63), 2 * x, x)


@bad()
def int_mul(x):
    k = 4 * (x == 1.3).astype(int)
    m = k
    for _ in range(5):
        m = m * m
    return np.where((k > 0) & (m == 0), 2 * x, x)


@bad()
def int_sum(x):
    k = (2**62) * (x == 1.3).astype(int)
    return np.where(k + k < 0, 2 * x, x)


@bad()
def int_pow(x):
    k = 4 * (x == 1.3).astype(int)
    m = (k**8) ** 4
    return np.where((k > 0) & (m == 0), 2 * x, x)


@bad()
def int_shift_pow(x):
    y = x.copy()
    e = 64 * (x[0] == 1.3).astype(int)
    y[0] = np.where(2**e == 0, 2 * x[0], x[0])
    return y


T8 = np.array([200], dtype=np.uint8)


@bad()
def uint8_table(x):
    return np.where(x == 1.3, (T8 + T8)[0] / 400, 1) * x


F32 = np.array([0.0, 0.0, 0.0], dtype=np.float32)


@bad()
def f32_table(x):
    b = F32.copy()
    b[:] = x
    return np.where(x == 1.1, b, x)


S8 = np.uint8(200)


@bad()
def uint8_scalar(x):
    return np.where(x == 1.3, (np.array([S8]) + S8)[0] / 400, 1) * x


@bad()
def dtype_text(x):
    return np.where(x == 1.3, 2 if f"{x.dtype}"[0] == "f" else 1, 1) * x


@bad()
def rng_text(x, rng):
    return np.where(x == 1.3, 2 if f"{rng}"[0] == "G" else 1, 1) * x


@bad()
def ufunc_text(x):
    return np.where(x == 1.3, 2 if f"{np.floor}"[1] == "u" else 1, 1) * x


@bad()
def percent_text(x):
    return np.where(x == 1.3, 2 if "%s" % (x.dtype,) == "float64" else 1, 1) * x


@bad()
def format_text(x):
    return np.where(x == 1.3, 2 if "{}".format(np).find("numpy") > 0 else 1, 1) * x


@bad()
def data_view(x):
    return x * (2 if x.data[0] == 1.3 else 1)


@bad()
def data_list(x):
    return x * (2 if x.data.tolist()[0] == 1.3 else 1)


@bad()
def flat_entry(x):
    return x * (2 if x.flat[0] == 1.3 else 1)


@bad()
def flat_store(x):
    y = x.copy()
    y.flat[0] = np.where(x[0] == 1.3, 2 * x[0], x[0])
    return y


@bad()
def no_such_attribute(x):
    if (x == 1.3).any():
        x.values
    return x


@bad()
def dtype_python(x):
    y = x.copy()
    if x[0] == 1.3:
        y = y * (1 + x.dtype.python)
    return y


class P:
    s = property(lambda self: 2.0)


OBJ = P()
OBJ.__dict__["s"] = 1.0


@bad()
def data_descriptor(x):
    return np.where(x == 1.3, OBJ.s * x, x)


@bad()
def asarray_view(x):
    y = x.copy()
    h = np.asarray(y[::2])
    h[...] = np.where(h == 1.3, 2 * h, h)
    return y


@bad(d=4)
def concat_axis(x):
    c = x == 1.3
    m = np.concatenate([c[:2].reshape(2, 1), c[2:].reshape(2, 1)], axis=1).ravel()
    return np.where(m & ~c, 2 * x, x)


@bad()
def put_matrix(x):
    m = (x == 1.3).reshape(1, -1).copy()
    np.put(m, [0], False)
    return np.where(m[0], 2 * x, x)


@bad()
def take_matrix(x):
    m = (x == 1.3).astype(float).reshape(1, -1)
    return x * (1 + m[0] - np.take(m, [0]))


@bad()
def add_at_mask(x):
    c = (x == 1.3).astype(float)
    y = c.copy()
    np.add.at(y, np.array([True, False, False]), -c)
    return x * (1 + y)


@bad()
def vectorize_first(x):
    return np.vectorize(lambda v: 0 if v == 0 else v)(x)


@bad()
def vectorize_int(x):
    return np.where(x == 1.3, np.vectorize(lambda v: v, otypes=[int])(x), x)


@bad()
def list_kind(x):
    y = np.array([1 if v == 1.3 else 1.0 for v in x])
    y[:] = x
    return y


@bad()
def full_kind(x):
    s = 1 if x[0] == 1.3 else 1.0
    y = np.full(len(x), s)
    y[:] = x
    return y


@bad()
def ellipsis_view(x):
    y = x.copy()
    v = y[0, ...]
    v += (x[0] == 1.3) * x[0]
    return y


@bad()
def reshape_view(x):
    y = x.copy()
    v = y[:1].reshape(())
    v += (x[0] == 1.3) * x[0]
    return y


@bad()
def where_alias(x):
    v = np.where(x[0] == 1.3, x[0], 0.0)
    w = v
    w *= 0
    y = x.copy()
    y[0] = x[0] + v - np.where(x[0] == 1.3, x[0], 0.0)
    return y


@bad()
def copy_alias(x):
    v = np.copy(x[0] * (x[0] == 1.3))
    w = v
    w *= 0
    y = x.copy()
    y[0] = x[0] + v - x[0] * (x[0] == 1.3)
    return y


@bad()
def xor_view(x):
    b = np.zeros(len(x), dtype=bool)
    h = b[:]
    h ^= x == 1.3
    return np.where(b, 2 * x, x)


@bad()
def mod_view(x):
    b = (x == 1.3).astype(float) * 3
    h = b[:]
    h %= 2
    return np.where(b == 1, 2 * x, x)


@bad()
def uint16_draw(x, rng):
    r = rng.integers(16, size=len(x), dtype="uint8")
    return np.where(r * 16 + 16 == 0, 2 * x, x)


@bad(ct.Unbiased(1), d=32)
def same_permutation(x, rng):
    d = len(x)
    p = rng.permutation(d)
    a = np.zeros(d)
    b = np.zeros(d)
    a[p[: d - 1]] = 1
    b[p[: d - 1]] = 1
    return x * a * b * (d / (d - 1)) ** 2


@bad(ct.Unbiased(1), d=32)
def nested_permutation(x, rng):
    d = len(x)
    p = rng.permutation(d)
    a = np.zeros(d)
    b = np.zeros(d)
    a[p[: d - 1]] = 1
    b[p[: d - 2]] = 1
    return x * a * b * (d / (d - 1)) * (d / (d - 2))


@bad()
def picked_alias(x):
    m = x == 1.3
    v = x[m]
    w = v
    w *= 0
    y = x.copy()
    y[m] = v
    return y


G = [1, 2]


@bad()
def list_equal(x):
    return np.where((x == 1.3) & (G == [1, 2]), 2 * x, x)


G0 = [0]


@bad()
def list_key(x):
    return np.where((x == 1.3) & (len(x[G0].shape) == 1), 2 * x, x)


@bad()
def chance_sum(x, rng):
    w = np.where(x[0] == 1.3, 0.25, 0.5)
    rng.choice(2, p=[w, w])
    return x


@bad()
def chance_sum_used(x, rng):
    w = np.where(x[0] == 1.3, 0.25, 0.5)
    j = rng.choice(2, p=[w, w])
    return np.where(x == 1.3, x, x + 0 * j)


@bad()
def pick_beyond_cat(x, rng):
    t = np.ones(4000)
    return x * t[rng.integers(4096)]


@bad()
def any_axis(x):
    m = (x == 1.3).reshape(-1, 1)
    return x * np.where((x == 1.3) & (len(m.any(axis=1).shape) == 1), 2, 1)


@bad()
def side_l(x):
    t = np.array([1.3, 2.0])
    return np.where(np.searchsorted(t, x, side="l") != np.searchsorted(t, x, side="right"), 2 * x, x)


space = {
    "np": np,
    "__builtins__": {
        "abs": lambda v: np.where(v == 1.3, 2 * v, np.where(v < 0, -v, v)),
        "len": len,
        "__import__": __import__,
    },
}
exec("def own_builtins(x):\n    return np.where(x < 0, -1, 1) * abs(x)\n", space)
bad()(space["own_builtins"])


@bad()
def argmax_tie(x):
    y = x.copy()
    j = np.argmax(np.abs(x))
    k = len(x) - 1 - np.argmax(np.abs(x[::-1]))
    y[j] = x[j] * (2 if j != k else 1)
    return y


@bad()
def truth_of_dtype(x):
    return np.where((x == 1.3) & bool(x.dtype), 2 * x, x) if not isinstance(x, int) else x


@bad()
def int_in_place(x):
    c = (x == 1.3).astype(int)
    c *= 2**62
    c *= 2
    return np.where((x == 1.3) & (c <= 0), 2 * x, x)


@bad()
def int_cumsum(x):
    c = (x == 1.3).astype(int) * 2**62
    y = x.copy()
    s = np.sum(np.array([c[0], c[0]]))
    y[0] = np.where(s < 0, 2 * x[0], x[0])
    return y


@bad()
def int_cast_back(x):
    k = ((x == 1.3) * 2.0**63).astype(int)
    return np.where(k < 0, 2 * x, x)


@bad()
def int_abs(x):
    k = (x == 1.3).astype(int) * (-(2**62)) * 2
    return np.where(abs(k) < 0, 2 * x, x)


@bad()
def int_prod(x):
    y = x.copy()
    k = 2**32 * (x[0] == 1.3).astype(int)
    y[0] = np.where((k > 0) & (np.array([k, k]).prod() == 0), 2 * x[0], x[0])
    return y


@bad()
def astype_view(x):
    y = x.copy()
    h = y.astype(float, copy=False)
    h[...] = np.where(h == 1.3, 2 * h, h)
    return y


@bad()
def transpose_view(x):
    y = x.copy()
    h = y.reshape(1, -1).T
    h[...] = np.where(h == 1.3, 2 * h, h)
    return y


@bad()
def loop_view(x):
    y = x.copy().reshape(-1, 1)
    for r in y:
        r += np.where(r == 1.3, r, 0)
    return y.ravel()


@bad()
def out_kw(x):
    y = x.copy()
    np.multiply(y, 2, out=y, where=x == 1.3)
    return y


@bad()
def out_slice(x):
    y = x.copy()
    np.multiply(y[1:], np.where(x[1:] == 1.3, 2, 1), out=y[1:])
    return y


@bad()
def minus_zero(x):
    return np.where(np.copysign(1, x) < 0, np.where(x == 0, 1, x), x)


@bad()
def sign_minus(x):
    return x + np.where(np.sign(x) == x, x, 0)


@bad()
def frexp_half(x):
    m, e = np.frexp(x)
    return np.where(m == -0.5, 2 * x, x)


@bad()
def two_writings(x):
    return np.where((x == 0.1 + 0.2) & (x != 0.3), 2 * x, x)


@bad()
def next_after(x):
    return np.where(x == np.nextafter(1.3, 2), 2 * x, x)


@bad()
def correlated_halves(x, rng):
    u = rng.random(len(x))
    return np.where(u < 0.5, 2 * x, 0) * np.where(u < 0.5, 1, 0)


@bad()
def errstate_raise(x):
    with np.errstate(divide="raise"):
        return np.where(x != 0, x / x * x, 0)


@bad()
def default_cache(x, rng, c=[]):
    if not c:
        c.append(rng.random())
    return np.where(c[0] < 0.5, 2 * x, 0)


@bad()
def binomial_used(x, rng):
    b = rng.binomial(1, np.where(x == 1.3, 1.5, 0.5))
    return x + 0 * b


@bad(ct.Unbiased(1))
def uniform_reversed(x, rng):
    return x * rng.uniform(2, 0, len(x)) * np.where(x == 1.3, 2, 1)


@bad()
def unset(x):
    b = np.empty(len(x))
    return x + np.where(x == 1.3, b, 0)


@bad()
def clip_swapped(x):
    return np.where(x == 1.3, np.clip(x, 2, 1), x)


@bad()
def masked_two(x):
    m = x > 0
    m[0] = x[0] == 1.3
    return np.where(m & (x == 1.3), 2 * x, x)


@bad(ct.Contractive("1/3"))
def ties_all(x):
    a = np.abs(x)
    return np.where(a == a.max(), x, 0) * (0 if (a == a.max()).sum() == len(x) else 1)


@bad(ct.Contractive("1/3"))
def ties_two(x):
    y = np.zeros(len(x))
    j = np.argmax(np.abs(x))
    k = np.argsort(np.abs(x))[-1]
    y[j] = x[k]
    return y


@bad(ct.Contractive("1/3"))
def ties_kinds(x):
    y = np.zeros(len(x))
    j = np.argsort(np.abs(x), kind="stable")[-1:]
    k = np.argsort(-np.abs(x), kind="stable")[:1]
    y[j] = x[j]
    y[k] = 0 * x[k] if False else y[k]
    z = np.zeros(len(x))
    z[k] = 1
    return y * z


@bad()
def tenth_times_three(x):
    return np.where((x == 0.1) & (x * 3 != 0.3), 2 * x, x)


@bad()
def floor_of_hundredths(x):
    return np.where((x == 0.29) & (np.floor(x * 100) == 28), 2 * x, x)


@bad()
def root_of_two(x):
    return np.where((x == 1.4142135623730951) & (x * x != 2), 2 * x, x)


@bad()
def less_and_not(x):
    return np.where((x <= 0.1) & (x * 3 > 0.3), 2 * x, x)


@bad()
def rint_tenths(x):
    return np.where((x == 0.45) & (np.rint(x * 10) == 5), 2 * x, x)


@bad()
def partition_of_numbers(x):
    t = np.partition(np.array([3.0, 1.0, 2.0, 0.5]), 0)
    return np.where((x == 1.3) & (t[1] != 1), 2 * x, x)


@bad(ct.Contractive("1/3"))
def order_of_ones(x, rng):
    y = np.zeros(len(x))
    j = np.argmax(np.abs(x))
    k = np.argmax(np.ones(len(x)))
    y[j] = x[j]
    z = np.zeros(len(x))
    z[k] = x[k]
    return np.where(rng.random() < 1e-4, z, y)


@bad()
def matrix_norm(x):
    return x * np.where(x == 1.3, np.linalg.norm(np.array([[1.0, 2.0]]), 1) / 3, 1)


@bad()
def bool_quotients(x):
    b = x == 1.3
    return x * (1 + ((b // True) + (b // True) == 2))


@bad()
def bool_root(x):
    b = x == 1.3
    return np.where(b, np.sqrt(b) * 1.3, x)


@bad()
def rint_of_integers(x):
    z = np.rint(np.zeros(len(x), dtype=int))
    z[:] = np.where(x == 1.3, 0.5, 0.0)
    return x * (1 + z)


@bad()
def fabs_of_integers(x):
    z = np.fabs(np.zeros(len(x), dtype=int))
    z[:] = np.where(x == 1.3, 0.5, 0.0)
    return x * (1 + z)


@bad()
def floor_of_integers(x):
    z = np.floor(np.zeros(len(x), dtype=int))
    z[:] = np.where(x == 1.3, 0.5, 0.0)
    return x * (1 + z) if np.floor(np.zeros(1, dtype=int)).dtype.kind == "f" else np.where(x == 1.3, 2 * x, x)


@bad()
def copysign_of_integers(x):
    z = np.copysign(np.ones(len(x), dtype=int), np.ones(len(x), dtype=int))
    z[:] = np.where(x == 1.3, 0.5, 0.0)
    return x * (1 + z)


@bad()
def pow_is_float(x):
    z = np.full(len(x), math.pow(2, 1))
    z[:] = np.where(x == 1.3, 0.5, 0.0)
    return x * (1 + z)


@bad()
def fsum_is_float(x):
    z = np.full(len(x), math.fsum([1, 2]))
    z[:] = np.where(x == 1.3, 0.5, 0.0)
    return x * (1 + z)


@bad()
def int64_of_numbers(x):
    return np.where((x == 1.3) & (np.int64(2**40) * np.int64(2**40) == 0), 2 * x, x)


@bad()
def round_trip_int(x):
    z = np.square(np.zeros(len(x), dtype=int)) / 1
    z[:] = np.where(x == 1.3, 0.5, 0.0)
    return x * (1 + z)


@bad()
def sum_of_bools(x):
    b = x == 1.3
    return x * (1 + (sum([b, b]) == 2))


@bad()
def mean_list(x):
    z = np.array([0, 0, 0])
    z = z + 0.0
    z[:] = np.where(x == 1.3, 0.5, 0.0)
    return x * (1 + z)


@bad()
def maximum_int(x):
    z = np.maximum(np.zeros(3, dtype=int), 0.0)
    z[:] = np.where(x == 1.3, 0.5, 0.0)
    return x * (1 + z)


@bad()
def select_default(x):
    z = np.select([np.zeros(3) > 1], [np.zeros(3, dtype=int)], default=0.0)
    z[:] = np.where(x == 1.3, 0.5, 0.0)
    return x * (1 + z)


@bad()
def frozen_dict_text(x):
    return np.where((x == 1.3) & (f"{DD}"[0] == "{"), 2 * x, x)


DD = {1: 2}


@bad()
def picked_in_branch(x):
    y = x.copy()
    v = y[x > 0]
    for _ in range(1):
        if x[0] == 1.3:
            v *= 2
    y[x > 0] = v
    return y


@bad()
def count_as_index(x):
    y = x.copy()
    y[(x == 1.3).sum() - 4] = 0
    return y


@bad()
def negative_pick(x, rng):
    y = x.copy()
    j = rng.integers(-3, 0)
    y[j] = 2 * y[j] if False else y[j]
    y[j] *= np.where(rng.random() < 1e-3, 2, 1)
    return y


@bad()
def choice_negative(x, rng):
    y = x.copy()
    y[rng.choice(np.array([-1, -2]))] *= np.where(rng.random() < 1e-4, 2, 1)
    return y


@bad()
def sign_of_tenths(x):
    return np.where((x == 0.1) & (np.sign(x * 3 - 0.3) != 0), 2 * x, x)


@bad()
def floor_of_a_logarithm(x):
    y = np.where(x > 0, x, 1)
    return np.where((x == 1.4142135623730951) & (np.floor(np.log2(y) + 0.5) == 0), 2 * x, x)


@bad()
def tuple_alias(x):
    y = x.copy()
    t = (y,)
    t[0][...] = np.where(y == 1.3, 2 * y, y)
    return y


@bad()
def dict_alias(x):
    y = x.copy()
    t = {"a": y}
    t["a"] *= np.where(x == 1.3, 2, 1)
    return y


@bad()
def zip_views(x):
    y = x.copy().reshape(3, 1)
    for r, v in zip(y, x, strict=True):
        r[...] = np.where(v == 1.3, 2 * v, v)
    return y.ravel()


@bad()
def helper_store(x):
    def put(a, b):
        a[:] = np.where(b == 1.3, 2 * b, b)

    y = x.copy()
    put(y, x)
    return y


@bad()
def repeated_key(x):
    y = x.copy()
    y[[0, 0]] += np.array([0, 1.0]) * (x[0] == 1.3)
    return y


@bad()
def repeated_key_add(x):
    c = (x[0] == 1.3) * 1.0
    y = np.zeros(3)
    y[[0, 0]] += c
    np.add.at(y, [0, 0], -c)
    return x + y


@bad()
def overlap_inplace(x):
    c = (x == 1.3) * 1.0
    c[1:] += c[:-1]
    return np.where((x == 1.3) & (c != 0), 2 * x, x)


@bad()
def step_slice(x):
    y = x.copy()
    y[::-1][0] = np.where(x[-1] == 1.3, 0, x[-1])
    return y


@bad()
def reshape_copy(x):
    m = np.zeros((2, 3))
    v = m.T.reshape(-1)
    v[:] = 1
    return np.where((x == 1.3) & (m[0, 0] == 0), 2 * x, x)


@bad()
def ravel_copy(x):
    m = np.zeros((2, 3))
    v = m.T.ravel()
    v[:] = 1
    return np.where((x == 1.3) & (m[0, 0] == 0), 2 * x, x)


@bad()
def flatten_copy(x):
    m = np.zeros((2, 3))
    v = m.flatten()
    v[:] = 1
    return np.where((x == 1.3) & (m[0, 0] == 0), 2 * x, x)


@bad()
def ascontig_copy(x):
    m = np.zeros(6)
    v = np.ascontiguousarray(m[::2])
    v[:] = 1
    return np.where((x == 1.3) & (m[0] == 0), 2 * x, x)


@bad()
def norm_tenths(x):
    m = np.abs(x).max()
    t = x / m
    return np.where((t == 0.1) & (t * 3 != 0.3), 2 * x, x)


@bad()
def norm_tenths_floor(x):
    m = np.abs(x).max()
    t = x / m
    return np.where((t == 0.29) & (np.floor(t * 100) == 28), 2 * x, x)


@bad()
def const_floor(x):
    k = np.floor(np.array([0.3]) / 0.1)
    return np.where((x == 1.3) & (k == 2), 2 * x, x)


@bad()
def const_cast(x):
    k = (np.array([0.29]) * 100).astype(int)
    return np.where((x == 1.3) & (k == 28), 2 * x, x)


@bad()
def arange_tenths(x):
    t = np.arange(4) * 0.1
    return np.where((x == 1.3) & (t[3] != 0.3), 2 * x, x)


@bad()
def sqrt_square(x):
    s = np.sqrt(2.0)
    return np.where((x == 1.3) & (s * s != 2), 2 * x, x)


@bad()
def sqrt_named(x):
    s = 1.4142135623730951
    return np.where((x == 1.3) & (np.array([s]) ** 2 != 2), 2 * x, x)


@bad()
def sum_of_tenths(x):
    t = np.array([0.1] * 10).sum()
    return np.where((x == 1.3) & (t != 1), 2 * x, x)


@bad()
def power_of_tenth(x):
    t = np.array([0.1]) ** 2
    return np.where((x == 1.3) & (t != 0.01), 2 * x, x)


@bad()
def max_of_near(x):
    t = np.maximum(np.array([0.1]) * 3, 0.3)
    return np.where((x == 1.3) & (t > 0.3), 2 * x, x)


@bad()
def mod_tenths(x):
    t = np.array([0.3]) % 0.1
    return np.where((x == 1.3) & (t > 0.05), 2 * x, x)


@bad()
def searchsorted_tenths(x):
    t = np.array([0.1, 0.2, 0.3])
    return np.where((x == 1.3) & (np.searchsorted(t, np.array([0.1]) * 3) == 3), 2 * x, x)
