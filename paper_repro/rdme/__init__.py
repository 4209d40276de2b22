"""Randomized mean estimation: what a bit buys, optimal probabilities and centres, the encoders' exact errors."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

import compth as ct
from compth import sources
from compth.reporting.plots import COLOURS, STYLE
from compth.tuning.probabilities import best_centres, estimation_error
from paper_repro._exact import relative_error
from paper_repro._papers import Results

SOURCE = sources.RDME
N, D, R = 16, 512, 16
CENTRE, SEED = 16, 32
"""Bits of a centre and of a seed: our choice, the paper leaves them as symbols."""
LAWS = ("N(0, 1)", "Laplace(0, 1)", "chi^2(2)")
BUDGETS = (1 / 512, 1 / 256, 1 / 128, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
ROUNDS = 25


def vectors(law: str) -> Any:
    """The n vectors of Figure 1, one seeded sample."""
    rng = np.random.default_rng(16)
    shape = (N, D)
    if law == "chi^2(2)":
        return rng.chisquare(2, shape)
    return rng.standard_normal(shape) if law == "N(0, 1)" else rng.laplace(size=shape)


def spread(x: Any) -> float:
    """R of the row means: mean||X_i - mean(X_i) 1||^2."""
    return float(((x - x.mean(axis=1, keepdims=True)) ** 2).sum(axis=1).mean())


def mse(compressor: Any, x: Any) -> float:
    """(1/n^2) sum E||Y_i - X_i||^2 by the exact law of the encoder."""
    return sum(relative_error(compressor, row) * float(row @ row) for row in x) / len(x) ** 2


def binary_error(x: Any) -> float:
    """(1/n^2) sum (max - X_ij)(X_ij - min): binary is variable support with mu = min, p = (X - min)/(max - min)."""
    low, high = x.min(axis=1), x.max(axis=1)
    return estimation_error(x, low, (x - low[:, None]) / (high - low)[:, None])


def one_bit(d: int = D) -> float:
    """Example 8: the p that costs exactly one bit an entry, seed and centre counted."""
    return (d - SEED - CENTRE) / (d * R)


def table() -> dict[str, Any]:
    """The accuracy-communication table at n = 16, d = 512, r = 16: bits, and MSE in units of R/n by exact laws."""
    cost = ct.PAPER_BITS["rdme: sparse, seed"]

    def bits(p: float) -> float:
        return float(cost(n=N, d=D, r=R, p=p, centre=CENTRE, seed=SEED))

    def error(p: float, d: int = 16) -> float:
        x = vectors("N(0, 1)")[: 48 // d + 1, :d]
        return mse(ct.VariableSupport(p), x) / (spread(x) / len(x))

    few = vectors("N(0, 1)")[:4, :5]

    return {
        "table1.full": ct.PAPER_BITS["rdme: full"](n=N, d=D, r=R),
        "table1.log.bits": bits(1 / log(D)),
        "table1.log.mse": error(1 / log(16)),
        "table1.one.bits": bits(1 / R),
        "table1.one.mse": error(1 / R),
        "table1.below.bits": bits(1 / D),
        "table1.below.mse": error(1 / 16),
        "ex8.bits": bits(one_bit()) / (N * D),
        "ex8.mse": error(one_bit(64), 64),
        "lemma34.mse": mse(ct.FixedSupport(2), few) / mse(ct.VariableSupport(2 / 5), few),
    }


def binary() -> dict[str, Any]:
    """Example 4: exact error, the identity with variable support, the printed bound and the rotation of Remark 3."""
    x = vectors("N(0, 1)")[:4, :64]
    exact = mse(ct.BinaryQuantization(), x)
    d = 64
    pair = np.where(np.arange(d) < 2, (-1.0) ** np.arange(d), 0.0)
    rng = np.random.default_rng(3)
    rotated = []
    for _ in range(40):
        q, r = np.linalg.qr(rng.standard_normal((d, d)))
        y = (q * np.sign(np.diag(r))) @ pair
        rotated.append(relative_error(ct.BinaryQuantization(), y))  # a rotation keeps the size of the pair
    printed = next(c.omega for c in ct.BinaryQuantization().claims(d) if c.name == "textbook")
    bound = float(printed) / len(x) * float((x * x).sum(axis=1).mean())
    return {
        "ex4.bits": ct.PAPER_BITS["rdme: binary"](n=N, d=D, r=R),
        "ex4.identity": exact / binary_error(x),
        "ex4.bound": exact / bound,
        "ex4.sharp": relative_error(ct.BinaryQuantization(), pair),
        "remark3.rotation": float(np.mean(rotated)) / (2 * log(d) + 2),
    }


def optimal() -> dict[str, Any]:
    """Theorem 6.1: the closed form, its bounds, and the best centres for given probabilities."""
    x = vectors("N(0, 1)")
    low, found = float(BUDGETS[0] * N * D), {}
    best = ct.mean_estimation(x, low, centres="mean")
    a = np.abs(x - x.mean(axis=1, keepdims=True))
    closed = (a.sum() ** 2 / low - N * spread(x)) / N**2
    found["thm61.closed"] = best.mse / closed
    found["thm61.kkt"] = best.kkt
    ratios = [
        (b * N * D, ct.mean_estimation(x, b * N * D, centres="mean").mse * N / spread(x)) for b in BUDGETS
    ]
    found["thm61.lower"] = lower_bound(x)
    found["thm61.upper"] = max(v / (N * D / b - 1) for b, v in ratios)
    p = np.random.default_rng(5).uniform(0.1, 0.9, x.shape)
    mu = best_centres(x, np.zeros(N), p)
    around = [estimation_error(x, mu * (1 + h), p) for h in (-1e-3, 1e-3)]
    found["centres.best"] = all(v > estimation_error(x, mu, p) for v in around)
    return found


def lower_bound(x: Any) -> float:
    """Least n MSE/R over the printed 1/B - 1, positive for budgets below one entry: one entry alone attains it."""
    lone = np.zeros((2, 6))
    lone[0, 1] = 3.0
    sizes = {"zero": (lone, float((lone**2).sum(axis=1).mean())), "mean": (x, spread(x))}
    return min(
        ct.mean_estimation(v, b, centres=c).mse * len(v) / size / (1 / b - 1)
        for c, (v, size) in sizes.items()
        for b in (1 / 8, 1 / 4, 1 / 2)
    )


def curves(law: str) -> dict[str, Any]:
    """MSE of uniform p, optimal p, optimal p and centres at each budget (share of entries sent), and binary's."""
    x = vectors(law)
    unit = spread(x) / N
    uniform = [unit * (1 / b - 1) for b in BUDGETS]
    fixed = [ct.mean_estimation(x, b * N * D, centres="mean").mse for b in BUDGETS]
    both = [ct.mean_estimation(x, b * N * D, rounds=ROUNDS).mse for b in BUDGETS]
    spent = ct.PAPER_BITS["rdme: binary"](n=N, d=D, r=R) / (N * D * R)
    cross = [float(spent), binary_error(x)]
    return {"share": list(BUDGETS), "uniform": uniform, "optimal p": fixed, "optimal p and centres": both,
            "binary": cross}  # fmt: skip


def figure1(data: dict[str, Any]) -> dict[str, Any]:
    """What Figure 1 shows, in numbers, at the smallest budget; beside it binary at equal bits."""
    found: dict[str, Any] = {}
    for law, name in zip(LAWS, ("normal", "laplace", "chi2"), strict=True):
        c = data[law]
        found[f"fig1.gain.{name}"] = c["optimal p"][0] / c["uniform"][0]
        found[f"fig1.centres.{name}"] = c["optimal p and centres"][0] / c["optimal p"][0]
        share, error = data[law]["binary"]
        best = ct.mean_estimation(vectors(law), share * N * D, rounds=ROUNDS).mse
        found[f"fig1.binary.{name}"] = error / best
    return found


def three_points(x: Any, rng: np.random.Generator) -> Any:
    """Section 7: -1 with probability 1/4, 2 with probability 1/2, else the value that makes it unbiased."""
    u = rng.random(x.shape)
    last = (x + 1 / 4 - 1) / (1 / 4)
    return np.where(u < 1 / 4, -1.0, np.where(u < 3 / 4, 2.0, last))


def lemma72() -> float:
    """Exact error of that encoder over the corrected formula."""
    x = 0.3
    third = ((x + 1) / 4 + (x - 2) / 2) ** 2 / (1 / 4)
    return relative_error(three_points, [x]) * x * x / ((x + 1) ** 2 / 4 + (x - 2) ** 2 / 2 + third)


def run(quick: bool) -> Results:
    """Everything; the whole takes seconds, so --quick changes nothing."""
    data = {law: curves(law) for law in LAWS}
    values = {**table(), **binary(), **optimal(), **figure1(data), "lemma72.right": lemma72()}
    return Results(values, {"rdme_figure1": data})


def draw(data: Any) -> Any:
    """Accuracy against communication: Figure 1 of the paper.

    Mean square error of the estimated mean against the share of entries that are sent, n = 16 vectors of dimension
    512 with independent entries, 16-bit floats. Uniform probabilities, optimal ones for the row means as centres, and
    optimal probabilities and centres (alternating minimisation from means and from medians). The last two coincide for
    the symmetric laws. The cross is binary quantisation, at the share that its 2nr + nd bits would buy.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        panels = figure.subplots(1, 3, sharey=True)
        for panel, law in zip(panels, LAWS, strict=True):
            for i, name in enumerate(("uniform", "optimal p", "optimal p and centres")):
                style = ("-", "-", "--")[i]
                panel.plot(data[law]["share"], data[law][name], style, color=COLOURS[i], marker="os^"[i],
                           markersize=3, label=name)  # fmt: skip
            panel.plot(
                *data[law]["binary"], "x", color=COLOURS[6], markersize=7, markeredgewidth=2, label="binary"
            )
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            panel.set_xlabel("share of entries sent")
            panel.set_title(law.replace("chi^2", "χ²"), fontsize=9)
        panels[0].set_ylabel("mean square error")
        panels[0].legend(fontsize=7)
    return figure


FIGURES = {"rdme_figure1": draw}
