"""Runs at tuned steps: Top-K + Rand-K beside Rand-K'' and EF, and with some of the workers only."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import compth as ct
from compth._numbers import log2_ceil
from compth.bits import FLOAT_BITS
from compth.methods import find_guarantee
from compth.reporting.plots import COLOURS, STYLE
from paper_repro.induced._problems import diagonal, rival_k, top_rand

Array = Any
TARGET = 1e-3
WORKERS, DIMENSION = 8, 40


def tuned(
    make: Callable[[float], Any], q: Any, rounds: int, powers: range = range(0, 8)
) -> tuple[float, Any]:
    """(least uplink bits to a relative squared distance of 1e-3 over steps 2^-k/L, that run)."""
    best, kept = math.inf, None
    for power in powers:
        trace = ct.simulate(make(2.0**-power / q.L), q, rounds, 8, seed=5)
        spent = trace.bits_to(TARGET)
        if spent is not None and spent < best:
            best, kept = spent, trace
    return best, kept


def curve(trace: Any) -> dict[str, list[float]]:
    """Bits a worker and relative squared distance, thinned, down to a hundredth of the target."""
    share = trace.mean_square / trace.mean_square[0]
    end = int(np.argmax(share < TARGET / 100)) or len(share)
    every = slice(0, end + 1, max(1, end // 100))
    return {"bits": np.asarray(trace.bits)[every].tolist(), "distance": share[every].tolist()}


def equal_traffic(quick: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Bits to accuracy with the best of eight steps: induced, Rand-K'', EF with Top-2K floats' worth of bits."""
    d, n, k = 100, 4, 5
    rival = rival_k(k, d)
    top = max(1, round(rival * FLOAT_BITS / (FLOAT_BITS + log2_ceil(d))))
    rounds = 600 if quick else 1500
    values, curves = {}, {}
    for kind in ("light", "heavy"):
        q = diagonal(kind, d, n)
        found = {
            "Top-K + Rand-K": tuned(lambda g: ct.DCGD(top_rand(k), g), q, rounds),
            "Rand-K''": tuned(lambda g: ct.DCGD(ct.RandK(rival), g), q, rounds),
            "EF, Top-K'": tuned(lambda g: ct.EF(ct.TopK(top), g), q, rounds),
        }
        own, rand, ef = (bits for bits, _ in found.values())
        values[f"runs.{kind}"] = [own / rand, own / ef]
        curves[kind] = {name: curve(trace) for name, (_, trace) in found.items() if trace is not None}
    return values, curves


def unequal() -> Any:
    """Eight workers with the shared minimiser (1, .., 1), start 0, and smoothness 1 to 16: diagonal Hessians."""
    rng = np.random.default_rng(11)
    size = np.geomspace(1, 16, WORKERS)
    h = rng.uniform(0.2, 1.0, (WORKERS, DIMENSION)) * size[:, None]
    return ct.problems.distributed_quadratic(h[:, :, None] * np.eye(DIMENSION), h)


def samplings(q: Any) -> dict[str, Any]:
    """Two workers a round on average: uniformly, independently by smoothness, or one of three groups."""
    p = ct.sampling_probabilities(np.array(q.L_i), 2.0)
    return {
        "2 of 8": ct.NiceSampling(WORKERS, 2),
        "by smoothness": ct.IndependentSampling(tuple(float(v) for v in np.maximum(p, 0.02))),
        "groups": ct.ArbitrarySampling(WORKERS, ((0, 1, 2, 3, 4), (5, 6), (7,)), (0.2, 0.3, 0.5)),
    }


def participation() -> tuple[dict[str, Any], dict[str, Any]]:
    """Top-4 + Rand-4 with some of the workers: the bound at its step, and bits to 1e-3 at the best of six steps."""
    q, worst, spent, curves = unequal(), 0.0, {}, {}
    for name, sampling in samplings(q).items():
        fleet = ct.Sampled(top_rand(4), sampling)
        found = find_guarantee(ct.DCGD(fleet), q)
        trace = ct.simulate(ct.DCGD(fleet), q, 100, 32, seed=6, theorem=found.theorem.id)
        seen = (found.theorem.trajectory(trace) - 8 * found.theorem.error(trace))[1:]
        worst = max(worst, max(float(v) / found.rate.bound(t + 1) for t, v in enumerate(seen)))
        spent[name], run = tuned(lambda g, fleet=fleet: ct.DCGD(fleet, g), q, 250, range(-1, 5))
        if run is not None:
            curves[name] = curve(run)
    values = {
        "sampling.bound": worst,
        "sampling.bits": [spent[name] / spent["2 of 8"] for name in ("by smoothness", "groups")],
    }
    return values, curves


def draw_runs(data: Any) -> Any:
    """Tuned steps: the induced compressor beside Rand-K and error feedback at equal traffic, and with few workers.

    Squared distance relative to its start against uplink bits per worker, each method at the best of eight steps
    2^-k/L for 10^-3 (dotted). First: equal flat Hessians, normal x*, where the induced compressor's best step is 1/L:
    it first overshoots, and then Top-K removes entry after entry exactly. Second: log-normal Hessian and x* (d = 100,
    four workers, shared minimiser, K = 5). Third (full run): Top-4 + Rand-4 (d = 40), two of eight workers a round:
    drawn uniformly, independently with probabilities by smoothness, or as one of three groups.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    titles = {"light": "normal", "heavy": "log-normal", "participation": "some of the workers"}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 2.9), layout="constrained")
        axes = figure.subplots(1, len(data), sharey=True)
        for panel, (name, curves) in zip(axes, data.items(), strict=True):
            for i, (label, held) in enumerate(curves.items()):
                panel.plot(
                    held["bits"], held["distance"], ("-", "--", "-.")[i], color=COLOURS[i], label=label
                )
            panel.axhline(TARGET, color="0.4", linestyle=":", linewidth=1)
            panel.set_yscale("log")
            panel.set_ylim(1e-5, 1e2)
            panel.set_title(titles[name], fontsize=9)
            panel.set_xlabel("uplink bits per worker")
            panel.ticklabel_format(axis="x", style="sci", scilimits=(0, 0), useMathText=True)
            panel.legend(fontsize=7)
        axes[0].set_ylabel(r"$\mathrm{E}\,\|x_t-x^*\|^2\,/\,\|x_0-x^*\|^2$")
    return figure
