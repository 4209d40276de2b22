"""Programs that look right to a tracer: state, types, memory, aliases, ties, thin sets. None may be proved."""

import math
import time

import numpy as np

import compth as ct

N = ct.Unbiased("1/8")
S1 = ct.Contractive("1/d")
T = ct.Unbiased("(sqrt(d)-1)/2")
G = ct.AbsoluteError("sqrt(d)/8")
K = ct.Contractive("2/d")
D4 = ct.Unbiased("d/64")


def nat(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5, e) * np.where(rng.random(x.shape) < 2 * m - 1, 2.0, 1.0)


def top2(x):
    keep = np.argsort(np.abs(x))[-2:]
    o = np.zeros_like(x)
    o[keep] = x[keep]
    return o


COUNT = [0]


def counter(x, rng):
    COUNT[0] += 1
    return nat(x, rng) * (2 if COUNT[0] > 5 else 1)


CACHE = {}


def cached(x, rng):
    CACHE["n"] = CACHE.get("n", 0) + 1
    return nat(x, rng) * (1 + (CACHE["n"] > 9))


def default_cache(x, rng, c=[]):
    c.append(1)
    return nat(x, rng) * (1 + (len(c) > 9))


THR = 1.0


def gl(x, rng):
    global THR
    THR = THR * 2
    return nat(x, rng) * (1 if THR < 100 else 2)


def make():
    k = 0

    def f(x, rng):
        nonlocal k
        k += 1
        return nat(x, rng) * (1 + (k > 20))

    return f


nonl = make()


def attr(x, rng):
    attr.n = getattr(attr, "n", 0) + 1
    return nat(x, rng) * (1 + (attr.n > 20))


def dt(x, rng):
    return nat(x, rng) * (1 + (x.dtype == np.float64))


def ty(x, rng):
    return nat(x, rng) * (2 if type(x) is np.ndarray else 1)


def isin(x, rng):
    return nat(x, rng) * (2 if isinstance(x[0], float) else 1)


def hasat(x, rng):
    return nat(x, rng) * (2 if hasattr(x, "ctypes") else 1)


def tryx(x, rng):
    try:
        x.ctypes
        return 2 * nat(x, rng)
    except Exception:
        return nat(x, rng)


def tryx2(x, rng):
    try:
        k = 2 * int(x.nbytes > 0)
    except:
        k = 1
    return k * nat(x, rng)


def idt(x, rng):
    return nat(x, rng) * (1 + (id(x) % 32 == 16))


def rep(x, rng):
    return nat(x, rng) * (1 + (len(repr(x)) > 3))


def fst(x, rng):
    return nat(x, rng) * (1 + (f"{x[0]}"[0] != "A"))


def same_u(x, rng):  # one uniform used twice in one entry
    u = rng.random(x.shape)
    m, e = np.frexp(np.abs(x))
    p = 2 * m - 1
    return np.sign(x) * np.ldexp(0.5, e) * (np.where(u < p / 2, 2.0, 1.0) + np.where(u < p / 2, 1.0, 0) * 0)


def u_sq(x, rng):
    u = rng.random(x.shape)
    v = u
    m, e = np.frexp(np.abs(x))
    p = 2 * m - 1
    return np.sign(x) * np.ldexp(0.5, e) * np.where((u < p) & (1 - v < p), 2.0, 1.0)


def tie(x, rng):
    return nat(x, rng) * (2 if x[0] == x[1] else 1)


def tie_w(x, rng):
    return np.where(np.sum(x == x[0]) > 1, 2 * nat(x, rng), nat(x, rng))


def alls(x, rng):
    return np.where(np.all(x < 0), 2, 1) * nat(x, rng)


def zero1(x, rng):
    return np.where(np.any(x == 0), 2, 1) * nat(x, rng)


def zero2(x, rng):
    return nat(x, rng) * (1 + (np.count_nonzero(x) < len(x)))


def onehot(x, rng):
    return nat(x, rng) * (1 + (np.count_nonzero(x) == 1))


def big(x, rng):
    return np.where(np.abs(x) > 1e50, 0, nat(x, rng))


def small(x, rng):
    return np.where(np.abs(x) < 1e-50, 0, nat(x, rng))


def inf(x, rng):
    y = nat(x, rng)
    return np.where(np.isfinite(x * 1e250), y, 0 * y)


def over(x, rng):
    n = np.sqrt(np.sum((x * 1e80) ** 2)) / 1e80
    if n == 0:
        return x * 0
    return n * np.sign(x) * np.floor(4 * np.abs(x) / n + rng.random(len(x))) / 4


def cast32(x, rng):
    k = np.floor(x * 4).astype(np.int32)
    return (k + (rng.random(len(x)) < x * 4 - k)) / 4


def cast64(x, rng):
    k = np.floor(x * 4).astype(int)
    return (k + (rng.random(len(x)) < x * 4 - k)) / 4


def f32(x, rng):
    return nat(x.astype(np.float32).astype(float), rng) * 1.0


def alias(x, rng):
    a = nat(x, rng)
    b = a.copy()
    v = a[:]
    y = a if x[0] == x[1] else b
    v[0] = 100 * x[0]
    return y


def alias2(x, rng):
    a = nat(x, rng)
    b = a.copy()
    if x[0] == x[1]:
        y = a
    else:
        y = b
    a[0] = 7 * x[0]
    return y


def alias3(x, rng):
    a = nat(x, rng)
    y = +a
    y[0] = 2 * y[0]
    return a * 1.0 if False else y


def viewed(x, rng):
    a = nat(x, rng)
    w = a[1:]
    w[0] = 2 * w[0]
    return a


def masked_stale(x, rng):
    a = nat(x, rng)
    m = x > 0
    v = a[m]
    a = a * 1
    a[m] = v
    m[0] = True
    a[m] = a[m] * np.where(x[m] > 0, 1, 3)
    return a


def inplace_mask(x, rng):
    a = nat(x, rng)
    m = x != 0
    m &= np.abs(x) >= 0
    a[m] *= np.where(x[m] == 2.0, 2, 1)
    return a


def loopcount(x, rng):
    k = 0
    for v in x:
        if v > 0:
            k += 1
    y = nat(x, rng)
    if k == len(x):
        y = 2 * y
    return y


def loopprev(x, rng):
    y = nat(x, rng)
    p = 0.0
    for i in range(len(x)):
        if x[i] == p:
            y[i] = 2 * y[i]
        p = x[i]
    return y


def listdup(x, rng):
    s = []
    y = nat(x, rng)
    for i in range(len(x)):
        for w in s:
            if w == x[i]:
                y[i] = 0
        s.append(x[i])
    return y


def pow2loop(x, rng):
    y = nat(x, rng)
    o = []
    for i, v in enumerate(x):
        m, e = math.frexp(v)
        o.append(y[i] * 3 if abs(m) == 0.5 else y[i])
    return np.array(o)


def wh(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.where(m * 2 % 1 == 0, 2 * x, nat(x, rng))


def lvl(x, rng):
    n = np.linalg.norm(x)
    if n == 0:
        return x * 0
    y = 4 * np.abs(x) / n
    k = np.floor(y)
    up = rng.random(len(x)) < y - k
    return n * np.sign(x) * np.where(y == k, np.maximum(k - 1, 0), k + up) / 4


def lvl2(x, rng):
    n = np.linalg.norm(x)
    if n == 0:
        return x * 0
    y = 4 * np.abs(x) / n
    k = np.ceil(y) - 1
    return (
        n * np.sign(x) * (k + (rng.random(len(x)) < y - k)) / 4
    )  # ok except at 0? y=0 -> k=-1, p=1 -> 0 fine


def halfgrid(x):
    return np.where(np.abs(4 * x - np.floor(4 * x) - 0.5) == 0, np.floor(4 * x) + 2, np.round(4 * x)) / 4


def top2neg(x):
    o = np.argsort(-np.abs(x))
    y = np.zeros_like(x)
    y[o[:2]] = np.abs(x[o[:2]])
    return y


def top2tie(x):
    a = np.abs(x)
    t = np.sort(a)[-2]
    m = a >= t
    return np.where(m.sum() > 2, 0, 1) * x * m


def top2two(x):
    i = np.argsort(np.abs(x))
    j = np.argsort(-np.abs(x), kind="stable")
    y = np.zeros_like(x)
    y[i[-1]] = x[i[-1]]
    y[j[1]] = x[j[1]]
    return y


def top_strict(x):
    t = np.sort(np.abs(x))[-2]
    return np.where(np.abs(x) > t, x, 0)


def meanstrict(x):
    return x * (np.abs(x) > np.mean(np.abs(x)))


def sgn0(x):
    return np.mean(np.abs(x)) * np.where(x >= 0, 1, -1) * np.where(x == 0, 30, 1)


def choicep(x, rng):
    n = np.abs(x).sum()
    if n == 0:
        return x * 0
    p = np.abs(x) / n
    p[0] = p[0] * 0.5
    p[-1] += p[0]
    j = rng.choice(len(x), p=p)
    y = np.zeros_like(x)
    y[j] = n * np.sign(x[j])
    return y


def choicetwice(x, rng):
    n = np.abs(x).sum()
    if n == 0:
        return x * 0
    u = rng.random()
    c = np.cumsum(np.abs(x)) / n
    j = np.searchsorted(c, u)
    k = np.searchsorted(c, 1 - u)
    y = np.zeros_like(x)
    y[j] += n * np.sign(x[j]) / 2
    y[k] += n * np.sign(x[k]) / 2
    return y


def gen2(x, rng):
    g = np.random.default_rng(0)
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5, e) * np.where(g.random(x.shape) < 2 * m - 1, 2.0, 1.0)


def glob(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5, e) * np.where(np.random.rand(*x.shape) < 2 * m - 1, 2.0, 1.0)


RNG = np.random.default_rng(3)


def glob2(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5, e) * np.where(RNG.random(x.shape) < 2 * m - 1, 2.0, 1.0)


def tm(x, rng):
    return nat(x, rng) * (1 + (time.time() > 0))


def binthin(x, rng):
    top = np.abs(x).max()
    if top == 0:
        return x * 0
    p = np.abs(x) / top
    return np.sign(x) * top * rng.binomial(1, np.where(p == 0.5, 1.0, p))


def rowshape(x, rng):
    return nat(x, rng) * (1 + (x.flags.owndata))


def sortedval(x, rng):
    s = sorted(np.abs(x))
    y = nat(x, rng)
    return y * 2 if s[0] == s[-1] else y


def uniqs(x, rng):
    return nat(x, rng) * (1 + (len(np.unique(x)) < len(x)))


def setlen(x, rng):
    return nat(x, rng) * (1 + (len(set(x.tolist())) < len(x)))


def eqrev(x, rng):
    return nat(x, rng) * (1 + np.array_equal(x, x[::-1]))


def walrus(x, rng):
    y = nat(x, rng)
    return np.array([(z := v) * (2 if z == x[0] else 1) for v in y])


def gensum(x, rng):
    y = nat(x, rng)
    return y * (1 + (sum(1 for v in x if v > 0) == len(x)))


def half(x, rng):
    s = max(abs(v) for v in x)
    if s == 0:
        return x * 0
    return np.array(
        [(s if v > 0 else -s) if rng.random() < abs(v) / s and not abs(v) == s / 2 else 0.0 for v in x]
    )


def empt(x, rng):
    y = np.empty(len(x))
    m = x != 1.5
    y[m] = nat(x, rng)[m]
    return y


SLY = {
    counter: N,
    cached: N,
    default_cache: N,
    gl: N,
    nonl: N,
    attr: N,
    dt: N,
    ty: N,
    isin: N,
    hasat: N,
    tryx: N,
    tryx2: N,
    idt: N,
    rep: N,
    fst: N,
    same_u: N,
    u_sq: N,
    tie: N,
    tie_w: N,
    alls: N,
    zero1: N,
    zero2: N,
    onehot: N,
    big: N,
    small: N,
    inf: N,
    over: D4,
    cast32: G,
    cast64: G,
    f32: N,
    alias: N,
    alias2: N,
    alias3: N,
    viewed: N,
    masked_stale: N,
    inplace_mask: N,
    loopcount: N,
    loopprev: N,
    listdup: N,
    pow2loop: N,
    wh: N,
    lvl: D4,
    halfgrid: ct.AbsoluteError("sqrt(d)/8"),
    top2neg: K,
    top2tie: K,
    top_strict: K,
    meanstrict: S1,
    sgn0: S1,
    choicep: ct.Unbiased("d-1"),
    choicetwice: ct.Unbiased("(d-1)/2"),
    gen2: N,
    glob: N,
    glob2: N,
    tm: N,
    binthin: T,
    rowshape: N,
    sortedval: N,
    uniqs: N,
    setlen: N,
    eqrev: N,
    walrus: N,
    gensum: N,
    half: T,
    empt: N,
}


def fixed_by_expression(x, rng):
    a = 2 * nat(x, rng)

    def fix():
        a[:] = a / 2
        return 0

    z = fix() if x[0] != x[1] else 0
    return a + z


def fixed_by_and(x, rng):
    a = 2 * nat(x, rng)

    def fix():
        for i in range(len(a)):
            a[i] = a[i] / 2
        return True

    x[0] != x[1] and fix()
    return a


def fixed_far_away(x, rng):
    a = 2 * nat(x, rng)

    def halve():
        a[:] = a / 2

    def if_apart():
        if x[0] != x[1]:
            halve()

    if_apart()
    return a


def fixed_by_default(x, rng):
    a = 2 * nat(x, rng)

    def halve(b=a):
        b[:] = b / 2

    for i in range(1):
        if x[i] != x[i + 1]:
            halve()
    return a


def fixed_in_list(x, rng):
    s = [2.0]

    def halve():
        s[0] = 1.0
        return 0

    k = (lambda: halve() if x[0] != x[1] else 0)()
    return s[0] * nat(x, rng) + k


def fixed_by_iterator(x, rng):
    factors = iter([1.0, 2.0])
    if x[0] == x[1]:
        next(factors)
    return next(factors) * nat(x, rng)


def fixed_by_method(x, rng):
    s = [1.0, 2.0]
    k = 0 if x[0] != x[1] else s.pop(0)
    return s[0] * nat(x, rng) + 0 * k


def dunder_variable(x, rng):
    __k = 1.0
    for i in range(1):
        if x[i] == x[i + 1]:
            __k = 3.0
    return __k * nat(x, rng)


def zero_dimensional(x, rng):
    a = np.array(1.0)
    b = a
    if x[0] == x[1]:
        a *= 3
    return b * nat(x, rng)


SLY |= dict.fromkeys([fixed_by_expression, fixed_by_and, fixed_far_away, fixed_by_default, fixed_in_list, fixed_by_iterator,
                      fixed_by_method, dunder_variable, zero_dimensional], N)  # fmt: skip


def tern_wrong(x, rng):
    m = np.abs(x).max()
    if m == 0:
        return x * 0
    return np.array([np.sign(v) * m * rng.choice(2, p=[abs(v) / m, 1 - abs(v) / m]) for v in x])


SLY[tern_wrong] = T
