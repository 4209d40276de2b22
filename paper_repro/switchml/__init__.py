"""SwitchML: integers added by the network. Error and overflow bounds, the code's scale, runs by integer width."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

import compth as ct
from compth import calculus, sources
from compth.compressors.integers import round_integers
from compth.methods import find_guarantee
from compth.reporting.plots import COLOURS, STYLE
from paper_repro._exact import relative_error
from paper_repro._papers import Results
from paper_repro.switchml._code import code

SOURCE = sources.SWITCHML
TOP = 2**31 - 1
WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
WIDTHS = (8, 12, 16, 32)
REAL: dict[str, Any] = {"dataset": "digits", "workers": 10, "split": "label", "regularisation": 0.1}
STEPS = 200


def recalled_scale(n: int) -> Fraction:
    """(2^31 - n)/n for entries up to 1, as we recall the paper's rule; ours has 2^31 - 1 in 2^31's place."""
    return Fraction(2**31 - n, n)


def bounds(quick: bool) -> dict[str, Any]:
    """Error of the sum, overflow at the largest entries, and the corollary, in exact arithmetic where it matters."""
    rng = np.random.default_rng(0)
    nearest, chance = 0.0, 0.0
    for n in WORKERS:
        x = rng.uniform(-5, 5, (20 if quick else 500, n, 16))
        for kind in (True, False):
            error = np.abs(round_integers(x, kind, rng).sum(axis=1) - x.sum(axis=1)).max()
            if kind:
                nearest = max(nearest, error / float(calculus.integer_sum_error(n, 1)))
            else:
                chance = max(chance, error / float(calculus.integer_sum_error(n, 1, nearest=False)))
    tie = np.full((8, 1), 0.5)
    found = float(
        np.abs(round_integers(tie, True, rng).sum() - 8 * 0.5) / float(calculus.integer_sum_error(8, 1))
    )
    every = range(1, 2000 if quick else 100_000)
    return {
        "c1.nearest": nearest,
        "c1.any": chance,
        "c1.attained": found,
        "c2.recalled": max(n * math.ceil(recalled_scale(n)) - TOP for n in every),
        "c2.ours": max(n * (calculus.no_overflow_scale(n, 1) + 1) for n in every) - TOP,
        "c3.relative": calculus.integer_sum_error(8, calculus.no_overflow_scale(8, 1), nearest=False) / 8,
    }


def fits(quick: bool) -> dict[str, Any]:
    """Largest |sum of integers| over the capacity of 8-bit integers, random data and the extremes."""
    rng, worst = np.random.default_rng(1), 0.0
    for n in (1, 2, 5, 30, 100):
        x = rng.standard_normal((20 if quick else 500, n, 8))
        extreme = np.ones((2, n, 8)) * np.array([1.0, -1.0])[:, None, None]
        for nearest in (True, False):
            for exponent in (True, False):
                fleet = ct.SwitchML(n, nearest, exponent=exponent, width=8)
                for rows in (x, extreme):
                    worst = max(worst, float(np.abs(fleet.quantise(rows, rng)[0].sum(axis=-2)).max()))
    return {"c2.eight_bits": worst / 127}


def noise() -> dict[str, Any]:
    """Unbiased rounding: its variance d/(4 f^2), attained; no relative omega; coherent against random errors."""
    f, d, n = 10, 4, 64
    worst = relative_error(ct.IntegerRounding(f, nearest=False), np.full(d, 0.5 / f)) * d * (0.5 / f) ** 2
    claim = ct.IntegerRounding(f, nearest=False).claims(d)[0]
    rng = np.random.default_rng(2)
    same = np.full((4000, n, 1), 0.5)
    spread = float(round_integers(same, False, rng).mean(axis=1).var())
    small = 2.0**-20
    return {
        "c4.variance": worst / float(claim.Delta) ** 2,
        "c4.mean": spread / float(calculus.integer_mean_error(n, 1, 1)),
        "c4.no_omega": relative_error(ct.IntegerRounding(1, nearest=False), [small]),
        "c4.coherent": float(np.abs(round_integers(same[0], True, rng).mean() - 0.5)) / math.sqrt(spread),
    }


def overflows(scale: Fraction, n: int, exponent: int = 0) -> bool:
    """True when n equal entries 2^exponent (1 - 2^-24), the largest float32 below 2^exponent, add up beyond int32."""
    largest = (1 - Fraction(1, 2**24)) * Fraction(2) ** exponent
    return n * round(largest * scale) > TOP


def reference() -> dict[str, Any]:
    """The reference code's scale, and what dropping the + 1 in its exponent does."""
    scale = calculus.switchml_reference_scale
    first = next(n for n in range(1, 10_000) if overflows(scale(n, 0), n))
    return {
        "c5.safe": not any(overflows(scale(n, 0), n) for n in range(1, 257)),
        "c5.first": first,
        "c5.dropped": all(overflows(scale(n, -1), n) for n in range(2, 257)),
        "c5.exponent": ct.SwitchML(8, exponent=True).member(0).bits(1000).other,
    }


def runs(quick: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Gradient descent with integer aggregation on real data, by width and rounding."""
    problem = ct.problems.ridge(**REAL)
    replicates = 16 if quick else 128
    curves: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for width in WIDTHS:
        for nearest in (True, False):
            method = ct.DCGD(ct.SwitchML(problem.n, nearest, width=width), gamma=1 / problem.L)
            trace = ct.simulate(method, problem, STEPS, 1 if nearest else replicates, seed=3)
            curves[f"{width} bits, {'nearest' if nearest else 'random'}"] = (
                trace.mean_square / trace.mean_square[0]
            ).tolist()
    unbiased = ct.DCGD(ct.SwitchML(problem.n, False, width=8))
    found = find_guarantee(unbiased, problem, "dcgd.general")
    trace = ct.simulate(unbiased, problem, STEPS, replicates, seed=3)
    seen = trace.mean_square - 8 * trace.se_square
    values["run.bound"] = max(float(seen[t]) / found.rate.bound(t) for t in range(1, STEPS + 1))
    values["run.wide"] = curves["32 bits, random"][-1]
    floors = [float(np.median(curves[f"{w} bits, random"][-20:])) for w in (12, 16)]
    values["run.four_bits"] = floors[0] / floors[1]
    tails = [float(np.median(curves[f"8 bits, {kind}"][-20:])) for kind in ("nearest", "random")]
    values["run.nearest"] = tails[0] / tails[1]
    descent = ct.exact(ct.GD(1 / problem.L), problem, STEPS).mean_square
    curves["floats"] = (descent / descent[0]).tolist()
    constants = {"n": problem.n, "d": problem.d, "kappa": problem.kappa, "zeta2*": problem.zeta2_star}
    return values, {"curves": curves, "problem": {k: float(v) for k, v in constants.items()}}


def growth() -> dict[str, Any]:
    """Error of one coordinate of the sum at f = 1 against n: equal entries, independent entries, the bounds."""
    rng = np.random.default_rng(4)
    tied = [abs(float(round_integers(np.full(n, 0.5), True, rng).sum()) - n / 2) for n in WORKERS]

    def size(n: int, nearest: bool) -> float:
        x = np.full((4000, n), 0.5) if not nearest else rng.uniform(-5, 5, (4000, n))
        return float(np.sqrt(((round_integers(x, nearest, rng).sum(axis=1) - x.sum(axis=1)) ** 2).mean()))

    return {
        "n": list(WORKERS),
        "bound, any rounding": [float(calculus.integer_sum_error(n, 1, nearest=False)) for n in WORKERS],
        "bound, nearest": [float(calculus.integer_sum_error(n, 1)) for n in WORKERS],
        "nearest, equal entries": tied,
        "random, equal entries": [size(n, False) for n in WORKERS],
        "nearest, independent": [size(n, True) for n in WORKERS],
    }


def run(quick: bool) -> Results:
    """All targets; --quick tries fewer data and worker numbers and takes fewer replicates."""
    values, data = runs(quick)
    values |= {**bounds(quick), **fits(quick), **noise(), **reference()}
    values |= code(values["c5.first"])
    return Results(values, {"switchml": {**data, "growth": growth()}})


def draw(data: Any) -> Any:
    """Adding integers in the network.

    Left: error of one coordinate of the sum of n entries at scale f = 1. Bounds dashed; nearest rounding of equal
    entries 1/2 attains its bound, random rounding of the same entries and nearest rounding of independent ones grow
    like the square root of n (root mean square of 4000 draws). Right: gradient descent on ridge regression over the
    digits (ten workers, split by label, kappa = 11, step 1/L) with SwitchML's shared scale and integers of 8, 12, 16
    and 32 bits: mean of random rounding (solid) and nearest rounding (dotted); with 32 bits both follow plain floats
    (black, dashed) down to 10^-15.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.4, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        grown = dict(data["growth"])
        n = grown.pop("n")
        for i, (name, curve) in enumerate(grown.items()):
            line = "--" if name.startswith("bound") else "none"
            marker = "" if line == "--" else "os^"[i - 2]
            left.plot(n, curve, linestyle=line, marker=marker, markersize=4, color=COLOURS[i], label=name)
        left.set_xscale("log", base=2)
        left.set_yscale("log", base=2)
        left.set_xlabel("workers n")
        left.set_ylabel("error of one coordinate of the sum × f")
        left.legend(fontsize=7)
        for i, width in enumerate(WIDTHS):
            for kind, style in (("random", "-"), ("nearest", ":")):
                right.plot(data["curves"][f"{width} bits, {kind}"], style, color=COLOURS[i])
        right.plot(data["curves"]["floats"], "--", color="black", linewidth=1)
        handles = [Line2D([], [], color=COLOURS[i], label=f"{w} bits") for i, w in enumerate(WIDTHS)]
        handles.append(Line2D([], [], color="black", linestyle="--", linewidth=1, label="floats"))
        right.legend(handles=handles, fontsize=7, loc="lower left")
        right.set_yscale("log")
        right.set_xlabel("round t")
        right.set_ylabel(r"$\mathrm{E}\,\|x_t-x^*\|^2\,/\,\|x_0-x^*\|^2$")
    return figure


FIGURES = {"switchml": draw}
