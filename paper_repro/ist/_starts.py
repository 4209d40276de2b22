"""The paper's start x_0 ~ N(0, I) beside x_0 = 0, and Algorithm 1 with several local steps."""

from __future__ import annotations

from typing import Any

import numpy as np

import compth as ct
from compth.compressors.double_sketch import DoubleSketch
from compth.reporting.plots import COLOURS, STYLE

Array = Any
N, ROUNDS = 10, 150
LOCAL = (1, 2, 4, 8)
PART = 0.02
"""Step size in units of 1/L."""


@ct.method
def LocalIST(w: Any, x: Any, *, gamma: Any, local: int = 1) -> dict[str, Any]:
    """Algorithm 1 of independent subnetwork training with several gradient steps of each worker on its own part."""
    sketch = w.sketch()
    model = sketch(x)
    for _ in range(int(local)):
        model = model - gamma * sketch(w.gradient(model))
    return dict(x=w.mean(model))


def limit(q: Any) -> Array:
    """Fixed point of the mean of Perm-q in the estimator form, which no step changes."""
    sketch = DoubleSketch(ct.PermK(N), N, q.d)
    M = sketch.mean_map(float(sketch.scale) ** 2 * q.A)
    return np.linalg.solve(M, sketch.mean_shift(float(sketch.scale) * q.b))


def starts(q: Any, runs: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Gap of the limit over the start's, for both starts; relative curves by start and by local steps."""
    gamma = PART / float(np.linalg.eigvalsh(q.hessian)[-1])
    normal = np.random.default_rng(42).standard_normal(q.d)
    ends, curves = [], {}
    floor = float(q.gap(limit(q)))
    for name, x0 in (("= 0", np.zeros(q.d)), ("~ N(0, I)", normal)):
        first = float(q.gap(x0))
        ends.append(floor / first)
        trace = ct.simulate(ct.IST(ct.PermK(N), gamma), q, ROUNDS, runs, seed=2, x0=x0)
        curves[name] = {"gap": (trace.mean_gap / first).tolist(), "limit": floor / first}
    local = {}
    for H in LOCAL:
        trace = ct.simulate(LocalIST(ct.PermK(N), gamma=gamma, local=H), q, ROUNDS, runs, seed=2, x0=normal)
        local[str(H)] = (trace.mean_gap / trace.mean_gap[0]).tolist()
    plain = ct.simulate(ct.IST(ct.PermK(N), gamma, form="algorithm"), q, 20, runs, seed=2, x0=normal)
    same = np.abs(np.array(local["1"][:21]) * float(q.gap(normal)) / plain.mean_gap - 1).max()
    values = {
        "starts.limit": ends,
        "local.one": float(same),
        "local.ends": [local[str(H)][-1] / local["1"][-1] for H in LOCAL[1:]],
    }
    return values, {"d": q.d, "starts": curves, "local": local}


def draw_starts(data: Any) -> Any:
    """What the start and local steps change: Perm-q, n = 10, d = 200, gamma = 0.02/L.

    f(x_t) - f* relative to its start. Left: from x_0 = 0, where most of the error stays, and from x_0 ~ N(0, I), as in
    the paper; dotted the gap of the mean's fixed point, the same for both, over the start's. Right: Algorithm 1 from
    N(0, I) with 1 to 8 gradient steps of every worker on its own part.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2)
        for i, (name, held) in enumerate(data["starts"].items()):
            left.plot(held["gap"], ("-", "--")[i], color=COLOURS[i], label=f"$x_0$ {name}")
            left.axhline(held["limit"], color=COLOURS[i], linestyle=":", linewidth=1)
        for i, (name, gap) in enumerate(data["local"].items()):
            label = f"{name} local step" + "s" * (name != "1")
            right.plot(gap, ("-", "--", "-.", ":")[i], color=COLOURS[i], label=label)
        for panel in (left, right):
            panel.set_xlabel("round t")
            panel.set_yscale("log")
            panel.legend(fontsize=7)
        left.set_ylabel(r"$(f(x_t)-f^*)/(f(x_0)-f^*)$")
    return figure
