"""ATOMO: optimal probabilities, QSGD and TernGrad as special cases, spectral against entry-wise, samplers."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

import compth as ct
from compth import sources
from compth._numbers import log2_ceil
from compth.bits import FLOAT_BITS
from compth.reporting.plots import COLOURS, STYLE
from compth.tuning.probabilities import kkt_residual, sampling_value
from paper_repro._exact import law, relative_error
from paper_repro._papers import Results
from paper_repro.atomo._layers import draw_layers, layers
from paper_repro.atomo._lemmas import lemmas

SOURCE = sources.ATOMO
Array = Any
RANKS = (0.005, 0.025, 0.1, 0.25, 0.44, 0.5)
"""r/n of the printed rule of thumb, n = 200: ranks 1, 5, 20, 50, 88, 100."""


def least(weights: Any, budget: Any) -> Any:
    """min sum lambda^2/p for the budget, exact for Fractions."""
    exact = [Fraction(w) for w in weights]
    return sampling_value(exact, ct.sampling_probabilities(exact, Fraction(budget)))


def one_clip(weights: Array, budget: float) -> Array:
    """p = min(1, s lambda/sum lambda): the authors' code, re-created."""
    w = np.abs(weights)
    return np.minimum(1, budget * w / w.sum())


def golden() -> dict[str, Any]:
    """Algorithm 1 on small vectors, in fractions; the code's rule beside it."""
    big = (10, 1, 1, 1, 1)
    clipped = one_clip(np.array(big, float), 3)
    return {
        "alg1.p": list(ct.sampling_probabilities([Fraction(v) for v in (3, 2, 1, 1)], 2)),
        "alg1.saturated": list(ct.sampling_probabilities([Fraction(v) for v in big], 3)),
        "alg1.values": [
            least(big, 3),
            least((3, 2, 1), 2),
            least((3, 2, 1), Fraction(5, 2)),
            least((3, 2, 1), 3),
        ],
        "code.spent": float(clipped.sum()),
        "code.value": float(sampling_value(np.array(big, float), clipped)),
        "eq18.sign": float(100 / (1 / ct.sampling_probabilities(np.array(big, float), 3)[1]) ** 2),
    }


def optimality(quick: bool) -> dict[str, Any]:
    """Theorem 5 on random weights and budgets: optimality conditions, the lower bound on p, saturation."""
    rng = np.random.default_rng(0)
    residual, least_ratio, saturated, beaten = 0.0, np.inf, -np.inf, np.inf
    for _ in range(200 if quick else 3000):
        n = int(rng.integers(2, 30))
        w = np.exp(2 * rng.standard_normal(n))
        s = float(rng.uniform(0.2, n))
        p = ct.sampling_probabilities(w, s)
        residual = max(residual, kkt_residual(w, p, s))
        least_ratio = min(least_ratio, float((p / (s * w**2 / (n * (w @ w)))).min()))
        saturated = max(saturated, float((p >= 1).sum() - s))
        other = rng.uniform(0.05, 1, n)
        other = np.minimum(1, other * s / other.sum())
        beaten = min(beaten, float(sampling_value(w, other) / sampling_value(w, p)))
    return {
        "thm5.kkt": residual,
        "thm5.best": beaten,
        "sec3.lower": least_ratio,
        "sec3.saturated": saturated,
    }


def distance(first: Any, second: Any) -> float:
    """Total variation between two finite laws whose outcomes are equal up to rounding."""

    def rounded(found: Any) -> dict[tuple[float, ...], Fraction]:
        out: dict[tuple[float, ...], Fraction] = {}
        for x, p in found.items():
            key = tuple(round(v, 9) + 0.0 for v in x)
            out[key] = out.get(key, Fraction(0)) + p
        return out

    a, b = rounded(first), rounded(second)
    return float(sum(abs(a.get(k, Fraction(0)) - b.get(k, Fraction(0))) for k in {*a, *b}) / 2)


def special_cases() -> dict[str, Any]:
    """Theorem 6: l_q quantisation is the entry-wise estimator with budget ||g||_1/||g||_q."""
    g = np.array([3.0, -4.0, 12.0])
    two = distance(law(ct.LpQuantization(2), g), law(ct.AtomoEntrywise(19 / 13), g))
    ternary = distance(law(ct.TernGrad(), g), law(ct.AtomoEntrywise(19 / 12), g))
    d = 16
    peak = np.r_[1.0, np.full(d - 1, 1 / (1 + np.sqrt(d)))]
    return {
        "thm6.qsgd": two,
        "thm6.terngrad": ternary,
        "thm6.worst_qsgd": relative_error(ct.LpQuantization(2), np.ones(d)),
        "thm6.worst_terngrad": relative_error(ct.TernGrad(), peak),
    }


def factors(n: int, rank: int, seed: int) -> Array:
    """n x n, product of Gaussian factors of the rank."""
    rng = np.random.default_rng((seed, n, rank))
    return rng.standard_normal((n, rank)) @ rng.standard_normal((rank, n))


def indicator(a: Array, atoms: float | None = None) -> float:
    """sqrt(n+m) ||A||_*/||A||_{1,1}: below 1 the spectral estimator has less variance at equal floats."""
    price = sum(a.shape) if atoms is None else atoms
    return float(np.sqrt(price) * np.linalg.svd(a, compute_uv=False).sum() / np.abs(a).sum())


def bits_ratio(n: int) -> float:
    """Floats replaced by bits: (n+m) float_bits over float_bits + index bits."""
    return 2 * n * FLOAT_BITS / (FLOAT_BITS + log2_ceil(n * n))


def balanced(sigma: Array, entries: Array, atom: int) -> tuple[Any, Any]:
    """Least E||.||^2 of both estimators at equal floats, a budget at which no probability saturates."""
    s = min(sigma.sum() / sigma[0], entries.sum() / entries.max() / atom)
    spec = sampling_value(sigma, ct.sampling_probabilities(sigma, s))
    return spec, sampling_value(entries, ct.sampling_probabilities(entries, s * atom))


def norms(spec: Any, ent: Any, atom: int) -> float:
    """||A||_*/||A||_11 from the balanced values, which are ||A||_*^2/s and ||A||_11^2/(s atom)."""
    return float(np.sqrt(spec / ent / atom))


def spectral(quick: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Theorem 7 on random matrices, Lemma 8, the rule of thumb."""
    rng = np.random.default_rng(1)
    wrong, low, high = 0, np.inf, -np.inf
    for _ in range(150 if quick else 1500):
        n, m = rng.integers(3, 12, 2)
        rank = int(rng.integers(1, min(n, m) + 1))
        a = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, m))
        sigma, entries = np.linalg.svd(a, compute_uv=False), np.abs(a).ravel()
        spec, ent = balanced(sigma, entries, n + m)
        ratio = norms(spec, ent, n + m)
        low, high = min(low, ratio * np.sqrt(n * m)), max(high, ratio)
        wrong += (spec <= ent * (1 + 1e-9)) != (indicator(a) <= 1 + 5e-10)
    a = factors(4, 2, 0)
    spectral_law = relative_error(ct.AtomoSpectral(1.2, (4, 4)), a.ravel()) + 1
    sigma = np.linalg.svd(a, compute_uv=False)
    predicted = sampling_value(sigma[:2], ct.sampling_probabilities(sigma[:2], 1.2)) / (sigma @ sigma)
    n = 200
    ranks = [max(1, round(r * n)) for r in RANKS]
    thumb = [indicator(factors(n, r, 0)) for r in ranks]
    grid = np.unique(np.round(np.linspace(0.3, 0.5, 11) * n).astype(int))
    ratios = [indicator(factors(n, int(r), 0)) for r in grid]
    found = {
        "thm7.violations": int(wrong),
        "thm7.law": float(spectral_law / predicted),
        "lemma8.low": float(low),
        "lemma8.high": float(high),
        "lemma8.rank_one": 6 * norms(*balanced(np.array([6.0]), np.ones(36), 12), 12),  # 6 x 6
        "thumb.gaussian": indicator(np.random.default_rng(2).standard_normal((n, n))),
        "thumb.ranks": thumb,
        "thumb.crossover": float(np.interp(1.0, ratios, grid) / n),
    }
    shares = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0])
    sizes = (20, 100) if quick else (20, 100, 400)
    data: dict[str, Any] = {"share": shares.tolist(), "curves": {}}
    for size in sizes:
        made = [factors(size, max(1, round(s * size)), 3) for s in shares]
        data["curves"][str(size)] = {
            "floats": [indicator(a) for a in made],
            "bits": [indicator(a, bits_ratio(size)) for a in made],
        }
    return found, data


def samplers() -> dict[str, Any]:
    """What redrawing and rounding the wrong way do, by enumeration."""
    w = np.array([1.0, 0.5, 0.25])
    p = ct.sampling_probabilities(w, 0.6)
    w4 = np.array([3.0, 2.0, 1.0, 1.0])
    p4 = ct.sampling_probabilities(w4, 2)
    masks = np.array(list(product((0, 1), repeat=4)))
    weight = np.prod(np.where(masks == 1, p4, 1 - p4), axis=1) * (masks.sum(axis=1) == 2)
    inclusion = weight @ masks / weight.sum()
    return {
        "code.empty": float(1 / (1 - np.prod(1 - p))),
        "code.redraw": [float(v) for v in inclusion],
        "code.rounding": wrong_way((0.1, 0.35, 0.8)),
    }


def wrong_way(values: tuple[float, ...]) -> list[float]:
    """Means of values in (0, 1) rounded up when a uniform exceeds them (the authors' later QSGD baseline)."""
    outcomes = law(lambda x, rng: np.where(rng.random(len(x)) > x, 1.0, 0.0), np.array(values))
    return [float(sum(p * Fraction(y[j]) for y, p in outcomes.items())) for j in range(len(values))]


def allocation() -> dict[str, Any]:
    """Relative variance against the budget for a heavy-tailed gradient: three rules."""
    g = np.exp(2 * np.random.default_rng(5).standard_normal(200))
    size, budgets = float(g @ g), [2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 150.0]
    return {
        "budget": budgets,
        "Algorithm 1": [
            float(sampling_value(g, ct.sampling_probabilities(g, s)) / size - 1) for s in budgets
        ],
        "one clip (code)": [float(sampling_value(g, one_clip(g, s)) / size - 1) for s in budgets],
        "uniform": [len(g) / s - 1 for s in budgets],
    }


def run(quick: bool) -> Results:
    """All targets; --quick tries fewer random cases."""
    found, data = spectral(quick)
    values = {**golden(), **optimality(quick), **special_cases(), **samplers(), **found, **lemmas(quick)}
    seen, ratios = layers(quick)
    figures = {"atomo": {"spectral": data, "allocation": allocation()}, "atomo_layers": ratios}
    return Results({**values, **seen}, figures)


def draw(data: Any) -> Any:
    """When singular vectors are worth sending, and what the optimal probabilities save.

    Left: sqrt(n+m)||A||_*/||A||_{1,1} for n x n products of Gaussian factors against rank/n; below 1 (grey) spectral
    atoms have less variance than entries at equal floats (solid, Theorem 7) or equal bits (dashed). Right: relative
    variance of 200 log-normal entries against the expected number sent: Algorithm 1, the one-clip rule of the code,
    which spends less than its budget, and uniform probabilities.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        held = data["spectral"]
        left.axhspan(0, 1, color="0.93")
        for i, (n, curve) in enumerate(held["curves"].items()):
            left.plot(
                held["share"], curve["floats"], color=COLOURS[i], marker="o", markersize=3, label=f"n = {n}"
            )
            left.plot(held["share"], curve["bits"], "--", color=COLOURS[i])
        left.set_xlabel("rank / n")
        left.set_ylabel("spectral / entry-wise indicator")
        left.set_ylim(0, 1.7)
        left.legend(fontsize=7, loc="lower right")
        budgets = data["allocation"]["budget"]
        for i, name in enumerate(("Algorithm 1", "one clip (code)", "uniform")):
            values = np.array(data["allocation"][name])
            right.plot(budgets, np.maximum(values, 1e-9), ("-", "--", ":")[i], color=COLOURS[i], label=name)
        right.set_xscale("log")
        right.set_yscale("log")
        right.set_xlabel("expected entries sent")
        right.set_ylabel("relative variance")
        right.legend(fontsize=7)
    return figure


FIGURES = {"atomo": draw, "atomo_layers": draw_layers}
