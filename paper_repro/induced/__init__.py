"""Induced compressors: the constant, variance at equal traffic, Top-1's divergence and its cures, bits to accuracy."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

import compth as ct
from compth import calculus, sources
from compth.compressors import TopK
from compth.reporting.plots import COLOURS, STYLE
from paper_repro._exact import law, relative_error
from paper_repro._papers import Results
from paper_repro.induced._code import code
from paper_repro.induced._problems import SAMPLINGS, heavy_tailed, rival_k, star, top_rand
from paper_repro.induced._runs import draw_runs, equal_traffic, participation

SOURCE = sources.INDUCED
Array = Any
D = 1000


def constant(quick: bool) -> dict[str, Any]:
    """The constant of Top-2 + Rand-2 at d = 6 by exact laws, and of scaled ones."""
    flat, geometric = np.ones(6), 0.5 ** np.arange(6)
    declared = float(top_rand(2).claims(6)[0].omega)
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(6) for _ in range(5 if quick else 100)]
    worst = max(relative_error(top_rand(2), x) for x in (flat, *inputs)) / declared
    gap = 0.0
    for x in inputs[:5]:
        left = tail(x, 2)
        gap = max(gap, abs(relative_error(top_rand(2), x) / (2 * left) - 1))
    return {
        "thm.flat": 1 + relative_error(top_rand(2), flat),
        "thm.geometric": 1 + relative_error(top_rand(2), geometric),
        "thm.holds": worst,
        "thm.instance": gap,
        "thm.second_moment": second_moment(),
        "lemma.scaled": relative_error(ct.Scaled(ct.RandK(2)), geometric),
    }


def second_moment() -> float:
    """1 + omega of Top-2 + Rand-2 at d = 6 by the rule in second moments."""
    return calculus.induced_second_moment(Fraction(2, 6), Fraction(6, 2))


def tail(x: Array, k: int) -> float:
    """||x - Top_k(x)||^2/||x||^2."""
    rest = x - TopK(k).compress(x)
    return float(rest @ rest / (x @ x))


def gaussian_tail(k: int, count: int) -> float:
    """Its mean over standard normal vectors, d = 1000."""
    rng = np.random.default_rng(1)
    return float(np.mean([tail(rng.standard_normal(D), k) for _ in range(count)]))


def crossover(k: int) -> float:
    """tail below which Top-k + Rand-k has less variance than Rand-2k: (d-2k)/(2(d-k)), from the omegas themselves."""
    rival, own = float(ct.RandK(2 * k).claims(D)[0].omega), float(ct.RandK(k).claims(D)[0].omega)
    return rival / own


def variances(quick: bool) -> dict[str, Any]:
    """omega at the actual vector: induced, Rand-K, Rand-2K on Gaussian vectors."""
    found: dict[str, Any] = {}
    for k in (10, 50, 100):
        share = gaussian_tail(k, 20 if quick else 200)
        own, twice = (float(ct.RandK(v).claims(D)[0].omega) for v in (k, 2 * k))
        found[f"var.k{k}"] = [float(calculus.induced_omega(1 - share, own)), own, twice]
    found["var.tail"] = gaussian_tail(10, 20 if quick else 200)
    found["var.crossover"] = crossover(10)
    light, heavy = equal_bits(np.random.default_rng(2).standard_normal(D)), equal_bits(heavy_tailed(D, 2))
    return {**found, "bits.light": light, "bits.heavy": heavy}


def equal_bits(x: Array, k: int = 10) -> float:
    """Variance of Top-k + Rand-k at x over that of Rand-K'' with the same bits."""
    own, rival = (float(ct.RandK(v).claims(len(x))[0].omega) for v in (k, rival_k(k, len(x))))
    return float(calculus.induced_omega(1 - tail(x, k), own) / rival)


def top1_path(q: Any, gamma: float, steps: int) -> Array:
    """||x_t||/||x_0|| of DCGD with Top-1, which no theorem allows: the plain recursion."""
    x = np.ones(3)
    norms = [1.0]
    for _ in range(steps):
        g = q.gradients(x[None])[0]
        x = x - gamma * TopK(1).compress(g).mean(axis=0)
        norms.append(float(np.linalg.norm(x) / math.sqrt(3)))
    return np.array(norms)


def divergence(quick: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Section 6's example: growth of Top-1, convergence of the others, the induced constants."""
    q = star()
    gamma, steps = 1 / q.L, 300
    grown = top1_path(q, gamma, 20)
    methods = {
        "EF, Top-1": ct.EF(ct.TopK(1), gamma),
        "DCGD, Rand-1": ct.DCGD(ct.RandK(1), gamma),
        "DCGD, NonUniformRand1": ct.DCGD(ct.NonUniformRand1(), gamma),
        "DCGD, Top-1 + Rand-1": ct.DCGD(top_rand(1), gamma),
    }
    curves = {"DCGD, Top-1": top1_path(q, gamma, 100).tolist()}
    below = []
    for name, method in methods.items():
        trace = ct.simulate(method, q, steps, 16 if quick else 64, seed=3, x0=np.ones(3))
        curves[name] = np.sqrt(trace.mean_square / 3)[:101].tolist()
        below.append(float(trace.mean_square[-1] / 3))
    own = top_rand(1).claims(3)[0].omega
    delta_n = 1 + calculus.averaged_omega(own, 3)
    guaranteed = ct.guarantee(ct.DCGD(top_rand(1)), q, "dcsgd.constant").stepsize
    rates = [abs(grown[t + 1] / grown[t] / (1 + 11 * gamma / 6) - 1) for t in range(20)]
    small = top1_path(q, 0.01 / q.L_max, 20)
    found = {
        "sec6.growth": float(grown[1]),
        "sec6.law": float(max(rates)),
        "sec6.any_step": float(small[20]),
        "sec6.eigenvalues": [float(v) for v in np.linalg.eigvalsh(q.hessian)],
        "sec6.delta_n": float(delta_n),
        "sec6.safe_step": float(guaranteed),
        "sec6.others": max(below),
    }
    return found, curves


def theorem(quick: bool) -> dict[str, Any]:
    """DCSGD with Top-1 + Rand-1, constant step: largest (E||x_t - x*||^2 - 8 s.e.) over the bound; samplings."""
    worst, method = 0.0, ct.DCGD(top_rand(1))
    for seed in range(2 if quick else 8):
        q = ct.problems.random_quadratic(5, 6, 10.0, seed=seed)
        rate = ct.guarantee(method, q, "dcsgd.constant")
        trace = ct.simulate(method, q, 400, 64, seed=seed, theorem="dcsgd.constant")
        bounds = np.array([rate.bound(t) for t in range(401)])
        worst = max(worst, float(((trace.mean_square - 8 * trace.se_square) / bounds)[1:].max()))
    return {"thm.dcsgd": worst, "sec5.samplings": [worst_spread(s) for s in SAMPLINGS]}


def worst_spread(sampling: Any) -> float:
    """Largest E||sum_S z_i/(n p_i) - zbar||^2 over (1/n^2) sum (v_i/p_i)||z_i||^2, over all z: the largest eigenvalue
    of (P_ij - p_i p_j)/sqrt(p_i v_i p_j v_j), P by enumeration of the sets that are drawn."""
    sets = law(lambda x, rng: sampling.draw(x.shape, rng).astype(float), np.zeros(sampling.workers))
    P = sum(float(weight) * np.outer(s, s) for s, weight in sets.items())
    p, v = np.diag(P), np.array([float(v) for v in sampling.v()])
    return float(np.linalg.eigvalsh((P - np.outer(p, p)) / np.sqrt(np.outer(p * v, p * v)))[-1])


def run(quick: bool) -> Results:
    """All targets."""
    cured, curves = divergence(quick)
    spent, tuned = equal_traffic(quick)
    values = {**constant(quick), **variances(quick), **cured, **theorem(quick), **spent, **code()}
    if not quick:
        partly, tuned["participation"] = participation()
        values |= partly
    ks = [2, 5, 10, 20, 50, 100, 200]
    light, heavy = np.random.default_rng(2).standard_normal(D), heavy_tailed(D, 2)
    ratios = {name: [equal_bits(x, k) for k in ks] for name, x in (("light", light), ("heavy", heavy))}
    figure = {"curves": curves, "k": ks, "ratio": ratios}
    return Results(values, {"induced": figure, "induced_runs": tuned})


def draw(data: Any) -> Any:
    """Top-1 diverges, and Top-K with Rand-K is worth its bits where tails are heavy.

    Left: the three-worker example at step 1/L, root mean square of ||x_t||/||x_0||: plain Top-1 grows by 1 + 11 gamma/6
    a round; error feedback, unbiased compressors and the induced one converge. Right: variance of Top-K + Rand-K over
    that of Rand-K'' with the same bits (indices counted), d = 1000, for one normal and one log-normal vector; below 1
    the induced compressor is better.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        for i, (name, curve) in enumerate(data["curves"].items()):
            left.plot(np.maximum(curve, 1e-9), ("-", "--", "-.", ":", "-")[i], color=COLOURS[i], label=name)
        left.set_yscale("log")
        left.set_ylim(1e-6, 1e7)
        left.set_xlabel("round t")
        left.set_ylabel(r"$\|x_t\| / \|x_0\|$")
        left.legend(fontsize=7, loc="upper left")
        for i, (name, ratio) in enumerate(data["ratio"].items()):
            label = {"light": "normal entries", "heavy": "log-normal entries"}[name]
            right.plot(data["k"], ratio, color=COLOURS[i], marker="os"[i], markersize=4, label=label)
        right.axhline(1, color="0.4", linestyle="--", linewidth=1)
        right.set_xscale("log")
        right.set_yscale("log")
        right.set_xlabel("K")
        right.set_ylabel("variance: induced / Rand-K''")
        right.legend(fontsize=7)
    return figure


FIGURES = {"induced": draw, "induced_runs": draw_runs}
