"""ATOMO's Lemmas 1 to 4 and Algorithm 1's budget, by exact laws and on random weights."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

import compth as ct
from compth.tuning.probabilities import sampling_value
from paper_repro._exact import law, relative_error

Array = Any
G = np.array([3.0, -4.0, 12.0, 1.0])


def lemma1() -> dict[str, float]:
    """E ghat = g and E||ghat||^2 = sum lambda^2/p, entries and singular vectors, by enumeration of all draws."""
    entries = ct.AtomoEntrywise(2)
    p = ct.sampling_probabilities(np.abs(G), 2.0)
    square = (1 + relative_error(entries, G)) * (G @ G) / float(sampling_value(np.abs(G), p))
    a = np.arange(1.0, 7.0) * np.array([1, -1, 1, 1, -1, 1])
    errors = []
    for compressor, x in ((entries, G), (ct.AtomoSpectral(1.2, (3, 2)), a)):
        mean = sum(float(w) * np.array(y) for y, w in law(compressor, x).items())
        errors.append(float(np.abs(mean - x).max()))
    return {"lemma1.unbiased": max(errors), "lemma1.square": square}


def balance(count: int) -> dict[str, float]:
    """Lemmas 2 to 4 on random weights: p linear and value ||lambda||_1^2/s where balanced, p_j = 1 where it is not."""
    rng = np.random.default_rng(5)
    linear, value, saturated, spent = 0.0, 0.0, 0, 0.0
    for _ in range(count):
        n = int(rng.integers(2, 30))
        w = np.exp(rng.standard_normal(n))
        s = float(rng.uniform(0.2, n))
        p = ct.sampling_probabilities(w, s)
        spent = max(spent, abs(float(p.sum()) / s - 1))
        if w.max() * s <= w.sum():
            linear = max(linear, float(np.abs(p / (s * w / w.sum()) - 1).max()))
            value = max(value, abs(float(sampling_value(w, p)) * s / w.sum() ** 2 - 1))
        else:
            saturated += int((p[w * s > w.sum()] < 1).sum())
    return {
        "lemma2.linear": linear,
        "lemma2.value": value,
        "lemma3.saturated": saturated,
        "alg1.budget": spent,
    }


def border() -> Fraction:
    """Largest probability at the TernGrad budget ||g||_1/||g||_inf, in fractions: the last balanced one."""
    w = [Fraction(int(abs(v))) for v in G]
    return max(ct.sampling_probabilities(w, sum(w, Fraction(0)) / max(w)))


def lemmas(quick: bool) -> dict[str, Any]:
    """All of them."""
    return {**lemma1(), **balance(200 if quick else 3000), "def2.border": border()}
