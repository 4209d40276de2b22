"""Right programs in further styles: loops, comprehensions, inner functions, objects, other words of numpy."""

import math
from math import floor, frexp, log2

import numpy as np

import compth as ct

N = ct.Unbiased("1/8")
S1 = ct.Contractive("1/d")
T = ct.Unbiased("(sqrt(d)-1)/2")
G = ct.AbsoluteError("sqrt(d)/8")


def nat_loop(x, rng):
    out = np.zeros(len(x))
    for i in range(len(x)):
        v = x[i]
        if v == 0:
            continue
        e = math.floor(math.log2(abs(v)))
        lo = 2.0**e
        if rng.random() < (abs(v) - lo) / lo:
            out[i] = math.copysign(2 * lo, v)
        else:
            out[i] = math.copysign(lo, v)
    return out


def nat_comp(x, rng):
    def up(v):
        lo = 2.0 ** floor(log2(abs(v)))
        return lo * (2 if rng.random() * lo < abs(v) - lo else 1)

    return np.array([0.0 if v == 0 else (up(v) if v > 0 else -up(v)) for v in x])


def nat_append(x, rng):
    out = []
    for v in x:
        if v == 0.0:
            out.append(0.0)
        else:
            m, e = frexp(abs(v))
            s = 1.0 if v > 0 else -1.0
            p = 2 * m - 1
            out.append(s * (2.0**e if rng.uniform() < p else 2.0 ** (e - 1)))
    return np.asarray(out)


def nat_vec(x, rng):
    f = np.vectorize(
        lambda v, u: (
            0.0
            if v == 0
            else math.copysign(
                2.0 ** math.floor(math.log2(abs(v)))
                * (2 if u < abs(v) / 2.0 ** math.floor(math.log2(abs(v))) - 1 else 1),
                v,
            )
        )
    )
    return f(x, rng.random(len(x)))


def tern_loop(x, rng):
    s = max(abs(v) for v in x)
    if s == 0:
        return np.zeros(len(x))
    y = []
    for v in x:
        b = rng.random() < abs(v) / s
        y.append((s if v > 0 else -s) if b else 0.0)
    return np.array(y)


def tern_comp(x, rng):
    s = np.max(np.abs(x))
    return np.array([s * np.sign(v) if s > 0 and rng.random() < abs(v) / s else 0.0 for v in x])


def qsgd_inline(x, rng):
    n = np.sqrt((x * x).sum())
    s = 4
    out = np.empty_like(x)
    for i, v in enumerate(x):
        if n == 0:
            out[i] = 0
        else:
            r = s * abs(v) / n
            l = int(r)
            if rng.random() < r - l:
                l += 1
            out[i] = n * (l / s) if v >= 0 else -n * (l / s)
    return out


def grid_loop(x, rng):
    out = np.zeros_like(x)
    for i in range(x.size):
        k = math.floor(4 * x[i])
        if rng.random() < 4 * x[i] - k:
            k = k + 1
        out[i] = k / 4
    return out


def sign_loop(x):
    n1 = sum(abs(v) for v in x)
    return np.array([n1 / len(x) if v > 0 else (-n1 / len(x) if v < 0 else 0.0) for v in x])


def thr_loop(x):
    t = sum(abs(v) for v in x) / len(x)
    y = np.zeros(len(x))
    for i in range(len(x)):
        if abs(x[i]) >= t:
            y[i] = x[i]
    return y


def topk_sorted(x):
    idx = sorted(range(len(x)), key=lambda i: -abs(x[i]))[:2]
    y = np.zeros(len(x))
    for i in idx:
        y[i] = x[i]
    return y


def topk_abs_sort(x):
    a = np.abs(x)
    thr = np.sort(a)[::-1][1]
    y = np.zeros_like(x)
    m = a >= thr
    y[m] = x[m]
    return y


def topk_take(x):
    order = np.abs(x).argsort()
    y = np.array(x)
    y[order[: len(x) - 2]] = 0.0
    return y


def topk_put(x):
    idx = np.argpartition(np.abs(x), -2)[-2:]
    y = np.zeros(x.shape, dtype=x.dtype)
    np.put(y, idx, x[idx])
    return y


def topk_lex(x):
    idx = np.lexsort((np.arange(len(x)), -np.abs(x)))[:2]
    y = np.zeros_like(x)
    y[idx] = x[idx]
    return y


def topk_rank(x):
    r = np.argsort(np.argsort(-np.abs(x)))
    return np.where(r < 2, x, 0)


def samp_k(x, rng):
    n = np.linalg.norm(x, 1)
    if n == 0:
        return np.zeros_like(x)
    J = rng.choice(len(x), size=4, replace=True, p=np.abs(x) / n)
    c = np.bincount(J, minlength=len(x))
    return n * np.sign(x) * c / 4


def samp_addat(x, rng):
    n = np.abs(x).sum()
    y = np.zeros_like(x)
    if n == 0:
        return y
    J = rng.choice(len(x), 2, p=np.abs(x) / n)
    np.add.at(y, J, n * np.sign(x[J]) / 2)
    return y


def samp_cum(x, rng):
    n = np.abs(x).sum()
    y = np.zeros_like(x)
    if n == 0:
        return y
    j = np.searchsorted(np.cumsum(np.abs(x)) / n, rng.random(), side="right")
    y[j] = n * np.sign(x[j])
    return y


def samp_onehot(x, rng):
    n = np.abs(x).sum()
    if n == 0:
        return 0.0 * x
    e = rng.multinomial(1, np.abs(x) / n)
    return n * e * np.sign(x)


def poisson(x, rng):
    n = np.linalg.norm(x)
    if n == 0:
        return x.copy()
    p = np.abs(x) / n
    keep = rng.uniform(size=x.shape) < p
    return np.where(keep, np.sign(x) * n, 0)


def poisson_min(x, rng):
    n = np.sum(np.abs(x))
    if n == 0:
        return x * 0
    p = np.minimum(1.0, 2 * np.abs(x) / n)
    out = np.zeros_like(x)
    m = (rng.random(len(x)) < p) & (p > 0)
    out[m] = x[m] / p[m]
    return out


def natdith(x, rng):
    n = np.linalg.norm(x)
    if n == 0:
        return np.zeros_like(x)
    y = np.abs(x) / n
    low = np.where(y < 0.25, 0.0, 2.0 ** np.floor(np.log2(np.maximum(y, 0.25))))
    high = np.where(y < 0.25, 0.25, 2 * low)
    q = np.where(rng.random(x.shape) < (y - low) / (high - low), high, low)
    return n * np.sign(x) * q


def l1sign_mean(x):
    return np.sign(x) * np.abs(x).mean()


def topsign(x):
    a = np.abs(x)
    k = 2
    idx = np.argsort(-a)[:k]
    y = np.zeros_like(x)
    y[idx] = np.sign(x[idx]) * np.mean(a[idx])
    return y


def half_norm(x):
    return np.where(2 * np.abs(x) >= np.linalg.norm(x) / np.sqrt(len(x)), x, 0.0)


def class_obj():
    class Q:
        def __init__(self, s):
            self.s = s

        def __call__(self, x, rng):
            n = np.linalg.norm(x)
            if n == 0:
                return np.zeros_like(x)
            return n * np.sign(x) * self._round(self.s * np.abs(x) / n, rng) / self.s

        def _round(self, y, rng):
            f = np.floor(y)
            return f + (rng.random(y.shape) < y - f)

    q = Q(4)
    q.__name__ = "class_obj"
    return q


def round_half(x):
    return np.round(x * 4) / 4


def round_rint_loop(x):
    return np.array([round(4 * v) / 4 for v in x])


def trunc_bits(x):
    e = np.floor(np.log2(np.abs(np.where(x == 0, 1, x))))
    s = 2.0 ** (e - 2)
    return np.trunc(x / s) * s


def mantissa_stoch(x, rng):
    m, e = np.frexp(x)
    z = m * 16
    f = np.floor(z)
    return np.ldexp((f + (rng.random(len(x)) < z - f)) / 16, e)


def nat_choice(x, rng):
    out = np.zeros(len(x))
    for i, v in enumerate(x):
        if v != 0:
            lo = 2.0 ** math.floor(math.log2(abs(v)))
            hi = 2 * lo
            p = (abs(v) - lo) / (hi - lo)
            out[i] = math.copysign(rng.choice([lo, hi], p=[1 - p, p]), v)
    return out


def tern_choice(x, rng):
    m = np.abs(x).max()
    if m == 0:
        return x * 0
    return np.array([np.sign(v) * m * rng.choice(2, p=[1 - abs(v) / m, abs(v) / m]) for v in x])


def nat_bern(x, rng):
    a = np.abs(x)
    e = np.floor(np.log2(np.where(a > 0, a, 1.0)))
    lo = np.exp2(e)
    b = rng.binomial(1, np.where(a > 0, a / lo - 1, 0.0))
    return np.where(a > 0, np.sign(x) * lo * (1 + b), 0.0)


def qsgd_int(x, rng):
    n = float(np.linalg.norm(x))
    if n == 0.0:
        return np.zeros_like(x)
    z = 4 * np.abs(x) / n
    f, k = np.modf(z)
    return np.sign(x) * n * (k + (rng.random(x.shape) < f)) / 4


def grid_mod(x, rng):
    r = np.mod(x, 0.25)
    return x - r + 0.25 * (rng.random(len(x)) < r / 0.25)


def max_sign(x):
    return np.sign(x) * np.where(np.abs(x) == np.abs(x).max(), np.abs(x).max(), 0)


def l2thr(x):
    t = np.linalg.norm(x) / len(x) ** 0.5
    return np.where(np.abs(x) < t, 0.0, x)


def topk_where(x):
    a = np.abs(x)
    k = 2
    return np.where(a >= np.partition(a, -k)[-k], x, 0.0)


def topk_nlarg(x):
    t = sorted(np.abs(x), reverse=True)[1]
    return np.array([v if abs(v) >= t else 0.0 for v in x])


def topk_mult(x):
    m = np.zeros(len(x))
    m[np.argsort(np.abs(x))[::-1][:2]] = 1.0
    return m * x


def top1(x):
    y = np.zeros_like(x)
    i = int(np.argmax(np.abs(x)))
    y[i] = x[i]
    return y


def impsamp(x, rng):
    s = np.sum(np.abs(x))
    out = np.zeros(len(x))
    if s == 0:
        return out
    p = np.abs(x) / s
    i = int(rng.choice(np.arange(len(x)), p=p))
    out[i] = x[i] / p[i]
    return out


def poisson2(x, rng):
    s = np.linalg.norm(x, np.inf)
    if s == 0:
        return np.zeros_like(x)
    keep = rng.binomial(1, np.abs(x) / s).astype(bool)
    out = np.zeros_like(x)
    out[keep] = s * np.sign(x[keep])
    return out


def signmag(x, rng):
    n1 = np.sum(np.abs(x))
    if n1 == 0:
        return np.zeros_like(x)
    return n1 * np.sign(x) * (rng.uniform(0, n1, size=len(x)) < np.abs(x))


def nat_while(x, rng):
    out = np.zeros_like(x)
    m, e = np.frexp(x)
    for i in range(len(x)):
        s = (m[i] > 0) * 1 - (m[i] < 0) * 1
        up = rng.random() <= 2 * abs(m[i]) - 1
        out[i] = s * 2.0 ** (int(e[i]) - (0 if up else 1))
    return out


TRUE = {
    nat_loop: N,
    nat_comp: N,
    nat_append: N,
    nat_vec: N,
    tern_loop: T,
    tern_comp: T,
    qsgd_inline: ct.Unbiased("d/64"),
    grid_loop: G,
    sign_loop: S1,
    thr_loop: S1,
    topk_sorted: ct.Contractive("2/d"),
    topk_abs_sort: ct.Contractive("2/d"),
    topk_take: ct.Contractive("2/d"),
    topk_put: ct.Contractive("2/d"),
    topk_lex: ct.Contractive("2/d"),
    topk_rank: ct.Contractive("2/d"),
    samp_k: ct.Unbiased("(d-1)/4"),
    samp_addat: ct.Unbiased("(d-1)/2"),
    samp_cum: ct.Unbiased("d-1"),
    samp_onehot: ct.Unbiased("d-1"),
    poisson: ct.Unbiased("sqrt(d)-1"),
    poisson_min: ct.Unbiased("d/2"),
    natdith: ct.Unbiased("1/8+sqrt(d)/4"),
    l1sign_mean: S1,
    topsign: ct.Contractive("min(1/2,2/d)"),
    half_norm: ct.Contractive("3/4"),
    class_obj(): ct.Unbiased("d/64"),
    round_half: G,
    round_rint_loop: G,
    mantissa_stoch: ct.Unbiased("1/288"),
}
TRUE |= {tern_choice: T, qsgd_int: ct.Unbiased("d/64"), grid_mod: G, max_sign: S1, l2thr: S1,
         topk_where: ct.Contractive("2/d"), topk_nlarg: ct.Contractive("2/d"), topk_mult: ct.Contractive("2/d"), top1: S1,
         impsamp: ct.Unbiased("d-1"), poisson2: T, signmag: ct.Unbiased("d-1"), nat_while: N}  # fmt: skip
PARTED = {trunc_bits: ct.Contractive("24/25"), nat_choice: N, nat_bern: N}
"""True of real numbers. Below large powers of two log2 rounds up, and the programs fail, or err by more, in float64."""
