"""Correct compressors in the many ways people write them, with true claims: never to be REFUTED."""

import numpy as np

import compth as ct


def rand2_choice(x, rng):
    out = np.zeros(len(x))
    chosen = rng.choice(len(x), 2, replace=False)
    out[chosen] = x[chosen] * (len(x) / 2)
    return out


def rand2_permutation(x, rng):
    out = np.zeros_like(x)
    chosen = rng.permutation(len(x))[:2]
    out[chosen] = x[chosen] * len(x) / 2
    return out


def rand2_argsort(x, rng):
    out = np.zeros_like(x)
    chosen = np.argsort(rng.random(len(x)))[:2]
    out[chosen] = x[chosen] * len(x) / 2
    return out


def rand1_integers(x, rng):
    out = np.zeros_like(x)
    j = rng.integers(len(x))
    out[j] = len(x) * x[j]
    return out


def rand1_truncated_uniform(x, rng):
    out = np.zeros_like(x)
    j = int(rng.random() * len(x))
    out[j] = len(x) * x[j]
    return out


def bernoulli_binomial(x, rng):
    return x * rng.binomial(1, 0.25, size=len(x)) / 0.25


def bernoulli_loop(x, rng):
    return np.array([v / 0.5 if rng.random() < 0.5 else 0.0 for v in x])


def qsgd4(x, rng):
    norm = np.linalg.norm(x)
    if norm == 0:
        return np.zeros_like(x)
    y = np.abs(x) / norm * 4
    return norm * np.sign(x) * np.floor(y + rng.random(len(x))) / 4


def terngrad(x, rng):
    top = np.abs(x).max()
    return x.copy() if top == 0 else np.sign(x) * top * (rng.random(len(x)) < np.abs(x) / top)


def natural(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5, e) * np.where(rng.random(len(x)) < 2 * m - 1, 2.0, 1.0)


def top2(x):
    out = np.zeros_like(x)
    chosen = np.argsort(-np.abs(x), kind="stable")[:2]
    out[chosen] = x[chosen]
    return out


def sign(x):
    return np.abs(x).mean() * np.sign(x)


def gaussian_sketch(x, rng):
    s = rng.normal(size=(8, len(x))) / np.sqrt(8)
    return s.T @ (s @ x)


def dithered_grid(x, rng):
    u = rng.uniform(-0.5, 0.5, size=len(x))
    return np.rint(x + u) - u


def nonuniform_rand1(x, rng):
    total = np.abs(x).sum()
    if total == 0:
        return x.copy()
    out = np.zeros_like(x)
    j = rng.choice(len(x), p=np.abs(x) / total)
    out[j] = total * np.sign(x[j])
    return out


RIGHT = [
    (rand2_choice, ct.Unbiased("d/2 - 1"), (2, 3, 5, 30)),
    (rand2_permutation, ct.Unbiased("d/2 - 1"), (2, 4, 6)),
    (rand2_argsort, ct.Unbiased("d/2 - 1"), (3, 5)),
    (rand1_integers, ct.Unbiased("d - 1"), None),
    (rand1_truncated_uniform, ct.Unbiased("d - 1"), (2, 3, 8)),
    (bernoulli_binomial, ct.Unbiased(3), None),
    (bernoulli_loop, ct.Unbiased(1), None),
    (qsgd4, ct.Unbiased("min(d/64, sqrt(d)/4)"), None),
    (terngrad, ct.Unbiased("(sqrt(d)-1)/2"), None),
    (natural, ct.Unbiased("1/8"), None),
    (top2, ct.Contractive("2/d"), (2, 3, 5, 30, 200)),
    (sign, ct.Contractive("1/d"), None),
    (gaussian_sketch, ct.Unbiased("(d+1)/8"), (3, 30)),
    (dithered_grid, ct.AbsoluteError("sqrt(d/12)"), (1, 3, 30)),
    (nonuniform_rand1, ct.Unbiased("d - 1"), (2, 3, 5, 30)),
]
