"""More of version 1's text: Lemma 1's order, sparsity at its worst, DIANA without memory, Theorem 3's steps."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

import compth as ct
from compth.calculus import alpha_p
from compth.methods import find_guarantee
from paper_repro._exact import law, relative_error

NORMS = (1, 2, inf)


def lemma1() -> bool:
    """True when alpha_p grows with p and falls with d."""
    table = np.array([[float(alpha_p(d, p)) for p in NORMS] for d in (2, 4, 9, 100, 10_000)])
    return bool((np.diff(table, axis=1) > 0).all() and (np.diff(table, axis=0) < 0).all())


def sparsity() -> list[float]:
    """E||Q(x)||_0 at a flat vector, d = 4, p = 1, 2, inf: d^(1 - 1/p)."""
    laws = [law(ct.LpQuantization(p), np.ones(4)) for p in NORMS]
    return [sum(float(w) * sum(v != 0 for v in y) for y, w in found.items()) for found in laws]


def blocks() -> float:
    """Exact error of two blocks of three entries over the sum of the blocks' ||x||_1 ||x||_2 - ||x||^2."""
    x = np.array([1.0, -2.0, 0.5, 3.0, 0.25, -1.0])
    parts = x.reshape(2, 3)
    formula = sum(np.abs(v).sum() * np.linalg.norm(v) - v @ v for v in parts)
    return float(relative_error(ct.LpQuantization(2, block=3), x) * (x @ x) / formula)


def methods() -> dict[str, float]:
    """alpha = 0 is the method without memory, exactly; Theorem 3's steps by exact dynamics."""
    q = ct.problems.random_quadratic(3, 4, 10, seed=1, minimisers=1.0)
    gamma = 0.02
    still = ct.exact(ct.DIANA(ct.RandK(1), gamma, alpha=0), q, 40).mean_square
    plain = ct.exact(ct.DCGD(ct.RandK(1), gamma), q, 40).mean_square
    method = ct.DIANA(ct.RandK(1))
    found = find_guarantee(method, q, "diana.decreasing")
    run = ct.exact(method, q, 200, theorem="diana.decreasing")
    return {
        "alg1.no_memory": float(np.abs(still / plain - 1).max()),
        "thm3.bound": max(float(run.mean_square[t]) / found.rate.bound(t) for t in range(1, 201)),
    }


def statements() -> dict[str, Any]:
    """All of them."""
    return {"lemma1.order": lemma1(), "lemma2.flat": sparsity(), "def2.blocks": blocks(), **methods()}
