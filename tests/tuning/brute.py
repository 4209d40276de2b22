"""The tuning rule by definition: every level, plain loops, nothing shared with the code under test."""

from __future__ import annotations

import math
from functools import cache

import numpy as np


def gradients(count, seed=0, most=14):
    """Random gradients: normal, heavy tails, ties, zeros, sparse, one entry, geometric, d = 1, extreme scales."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        d = int(rng.integers(1, most + 1))
        kind = i % 10
        g = rng.normal(size=d)
        if kind == 1:
            g = rng.standard_cauchy(size=d) ** 3
        elif kind == 2:
            g = rng.integers(-2, 3, size=d).astype(float)
        elif kind == 3:
            g = np.where(rng.random(d) < 0.3, g, 0.0)
        elif kind == 4:
            g = np.full(d, rng.normal())
        elif kind == 5:
            g = np.ones(d)
            g[0] = rng.uniform(1, 30)
        elif kind == 6:
            g = 0.5 ** np.arange(d) * rng.choice([-1, 1], size=d)
        elif kind == 7:
            g = g[:1]
        elif kind == 8:
            g = g * 10.0 ** rng.integers(-120, 120)
        elif kind == 9:
            g = rng.permutation(np.r_[g, np.zeros(d), g])
        if not g.any():
            g[0] = 1.0
        yield g


def waterfill(size, budget):
    """Probabilities min(1, a/c) with sum `budget` by bisection on c; all positive entries 1 when the budget allows."""
    live = [a for a in size if a > 0]
    if budget >= len(live):
        return [1.0 if a > 0 else 0.0 for a in size]
    low, high = 0.0, sum(live) / budget
    for _ in range(200):
        c = (low + high) / 2
        if sum(min(1.0, a / c) if c > 0 else 1.0 for a in live) > budget:
            low = c
        else:
            high = c
    return [min(1.0, a / high) for a in size]


def shares(g, scheme):
    """<g, EQ>^2/(||g||^2 E||Q||^2) at T = 1..d, from the operators themselves."""
    return list(_shares(tuple(float(v) for v in g), scheme))


@cache
def _shares(g, scheme):
    size = sorted((abs(float(v)) / max(abs(float(v)) for v in g) for v in g), reverse=True)
    square = math.fsum(v * v for v in size)
    out = []
    for t in range(1, len(size) + 1):
        if scheme == "S":
            q = [(v, v * v) for v in size[:t]]
        elif scheme == "S+Q":
            q = [(math.sqrt(square), square) for _ in size[:t]]
        else:
            p = waterfill(size, t)
            q = [(v, v * v / w) if v > 0 else (0.0, 0.0) for v, w in zip(size, p, strict=True)]
        inner = math.fsum(m * v for (m, _), v in zip(q, size, strict=False))
        second = math.fsum(s for _, s in q)
        out.append(inner * inner / (square * second))
    return out


def bits(scheme, t, d, float_bits=32, sign=1):
    """Payload of T elements."""
    index = math.ceil(math.log2(d))
    return float_bits + t * (index + sign) if scheme == "S+Q" else t * (index + float_bits)
