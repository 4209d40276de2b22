"""In motion: one vector and its messages, then DCGD circling its floor while DIANA converges.

Caption: above, {draws} messages of the vector x (grey), their running mean (line) and E C(x) (ring): Rand-1 with its
scale lands on x, without it on x/2. Below, one run each on the plane: n = {n} workers whose own minimisers (crosses)
differ, Rand-1, the same step {gamma:.3g} and the same draws. DCGD keeps moving: the dashed circle is its floor, the
root of the exact stationary E||x_t-x*||^2 = {floor:.3g}; DIANA's last distance is {last:.1e} after {rounds} rounds. The
GIF shows the same as it happens.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np

import compth as ct
from compth.certification.tracer import leaves
from compth.methods import plan_of
from compth.reporting.files import MARK
from compth.reporting.plots import COLOURS, STYLE, bare_square
from figures._progress import track
from figures.error_atlas import forgot_the_scale

X = (1.0, 0.6)
DRAWS, ROUNDS, SEED = 40, 60, 3
FRAME, REST = 110, 1800
"""Milliseconds of a frame, and of the last one of an act."""
DPI = 110


def problem() -> Any:
    """Four workers on the plane whose minimisers differ."""
    return ct.problems.random_quadratic(4, 2, 2, seed=3, minimisers=0.5)


def messages(program: Any) -> dict[str, Any]:
    """Outcomes of one vector in the order drawn, and E C(x) by the exact law."""
    x, rng = np.array(X), np.random.default_rng(SEED)
    law = leaves(lambda draws: program(x.copy(), draws))
    mean = sum(float(leaf.probability) * np.array(leaf.output, dtype=float) for leaf in law)
    return {"drawn": [program(x.copy(), rng).tolist() for _ in range(DRAWS)], "mean": mean.tolist()}


def path(method: Any, q: Any, rounds: int, seed: int = SEED) -> list[list[float]]:
    """x_0, x_1, ... of one run."""
    plan, _, _ = plan_of(method, q)
    rng = np.random.default_rng(seed)
    state = method.init(q, np.array(q.start, dtype=float)[None], plan)
    found = [state.x[0].tolist()]
    for t in range(rounds):
        state = method.step(q, state, rng, plan, t)
        found.append(state.x[0].tolist())
    return found


def compute() -> dict[str, Any]:
    """Both acts."""
    q = problem()
    gamma = float(ct.guarantee(ct.DIANA(ct.RandK(1)), q).stepsize)
    methods = {"DCGD": ct.DCGD(ct.RandK(1), gamma=gamma), "DIANA": ct.DIANA(ct.RandK(1), gamma=gamma)}
    minimisers = [np.linalg.solve(a, b).tolist() for a, b in zip(q.A, q.b, strict=True)]
    return {
        "x": list(X),
        "messages": {"with scale": messages(ct.RandK(1)._compress), "without": messages(forgot_the_scale)},
        "A": q.A.mean(axis=0).tolist(),
        "x_star": np.asarray(q.x_star).tolist(),
        "minimisers": minimisers,
        "gamma": gamma,
        "floor": float(ct.stationary(methods["DCGD"], q).mean_square),
        "paths": {name: path(m, q, ROUNDS) for name, m in methods.items()},
    }


def facts(data: dict[str, Any]) -> dict[str, Any]:
    """Numbers of the caption."""
    last = float(np.linalg.norm(np.subtract(data["paths"]["DIANA"][-1], data["x_star"])))
    drawn = len(data["messages"]["with scale"]["drawn"])
    return {
        "draws": drawn, "n": len(data["minimisers"]), "gamma": data["gamma"], "floor": data["floor"], "last": last,
        "rounds": len(data["paths"]["DIANA"]) - 1,
    }  # fmt: skip


TITLES = {
    "with scale": "Rand-1: the mean lands on x",
    "without": "scale forgotten: it misses x",
    "DCGD": "DCGD circles its floor",
    "DIANA": "DIANA converges",
}


def vector_panel(axes: Any, data: dict[str, Any], key: str, shown: int) -> None:
    """x, the first messages, their mean so far and, at the end, the exact mean."""
    found = data["messages"][key]
    drawn = np.array(found["drawn"][:shown]).reshape(-1, 2)
    x = np.array(data["x"])
    axes.annotate("", x, (0, 0), arrowprops={"arrowstyle": "-|>", "color": "black", "linewidth": 1.6})
    axes.text(x[0] + 0.05, x[1] + 0.07, "x", fontsize=12, fontweight="bold")
    if len(drawn):
        means = np.cumsum(drawn, axis=0) / np.arange(1, len(drawn) + 1)[:, None]
        axes.plot(*drawn.T, "o", color="0.45", alpha=0.6, markersize=7)
        axes.plot(*means.T, color=_colour(key), linewidth=1.2)
        axes.plot(*means[-1], "o", color=_colour(key), markersize=8)
        if shown < len(found["drawn"]):
            axes.plot(
                *drawn[-1], "o", color="black", markersize=10, markerfacecolor="none", markeredgewidth=1.8
            )
    if shown >= len(found["drawn"]):
        axes.plot(
            *found["mean"], "o", color=_colour(key), markersize=15, markerfacecolor="none", markeredgewidth=2
        )
    reach = 2.25 * x.max()
    axes.set_xlim(-0.25, reach)
    axes.set_ylim(-0.25, reach * 0.72)
    axes.set_title(TITLES[key], fontsize=11, color=_colour(key))


def run_panel(axes: Any, data: dict[str, Any], key: str, shown: int) -> None:
    """Level lines, the workers' minimisers, the run so far, the floor's circle and the distance."""
    star, along = np.array(data["x_star"]), np.array(data["paths"][key][: shown + 1])
    seen = [*data["paths"].values(), data["minimisers"]]
    reach = 1.12 * max(np.abs(np.array(p) - star).max() for p in seen)
    grid = np.linspace(-reach, reach, 61)
    u, v = np.meshgrid(grid, grid)
    (a, b), (_, c) = data["A"]
    axes.contour(star[0] + u, star[1] + v, (a * u * u + 2 * b * u * v + c * v * v), levels=7, colors="0.85",
                 linewidths=0.8)  # fmt: skip
    axes.plot(*np.array(data["minimisers"]).T, "x", color="0.5", markersize=6)
    axes.plot(*star, "+", color="black", markersize=13, markeredgewidth=2)
    axes.plot(*along.T, color=_colour(key), linewidth=0.9, alpha=0.6)
    axes.plot(*along[-1], "o", color=_colour(key), markersize=7)
    if key == "DCGD":
        around = np.linspace(0, 2 * np.pi, 91)
        radius = np.sqrt(data["floor"])
        axes.plot(star[0] + radius * np.cos(around), star[1] + radius * np.sin(around), "--", color="black",
                  linewidth=1.2)  # fmt: skip
    axes.set_xlim(star[0] - reach, star[0] + reach)
    axes.set_ylim(star[1] - reach, star[1] + reach)
    axes.set_title(TITLES[key], fontsize=11, color=_colour(key))
    off = float(np.linalg.norm(along[-1] - star))
    axes.set_xlabel(f"t = {shown},  ‖xₜ − x*‖ = {off:.2g}", fontsize=10)


def _colour(key: str) -> str:
    return COLOURS[1] if key in ("without", "DCGD") else COLOURS[0]


def draw(data: dict[str, Any]) -> Any:
    """The end of both acts, one above the other: for print, and where nothing moves."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 4.9), layout="constrained")
        above, below = figure.subplots(2, 2, height_ratios=(3, 4))
        for axes, key in zip(above, data["messages"], strict=True):
            vector_panel(axes, data, key, len(data["messages"][key]["drawn"]))
            bare_square(axes)
        for axes, key in zip(below, data["paths"], strict=True):
            run_panel(axes, data, key, len(data["paths"][key]) - 1)
            bare_square(axes)
    return figure


def frames(data: dict[str, Any]) -> list[tuple[Any, str, int]]:
    """(panel, what is said below, how much of it is shown) of every picture, in order."""
    said = "one vector x, message after message"
    drawn = len(data["messages"]["with scale"]["drawn"])
    first = [(vector_panel, said, k) for k in range(1, drawn + 1)]
    told = "one step size, the same draws; ×: the workers' own minimisers"
    return first + [(run_panel, told, t) for t in range(len(data["paths"]["DCGD"]))]


def animate(data: dict[str, Any]) -> bytes:
    """The GIF: endless, every act ends with a rest; the same bytes for the same data."""
    from PIL import Image

    listed = frames(data)
    pictures = [_picture(data, *one) for one in track(listed, "mean_and_floor, picture")]
    last = [k for k in range(len(listed)) if k + 1 == len(listed) or listed[k + 1][0] is not listed[k][0]]
    palette = Image.fromarray(np.concatenate([pictures[k] for k in last])).quantize(48)
    images = [Image.fromarray(p).quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]
    out = io.BytesIO()
    images[0].save(out, "GIF", save_all=True, append_images=images[1:], loop=0, optimize=False, comment=MARK,
                   duration=[REST if k in last else FRAME for k in range(len(listed))])  # fmt: skip
    return out.getvalue()


def _picture(data: dict[str, Any], panel: Any, said: str, shown: int) -> Any:
    """One picture as an array of pixels."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    keys = data["messages"] if panel is vector_panel else data["paths"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 3.1), dpi=DPI)
        for axes, key in zip(figure.subplots(1, 2), keys, strict=True):
            panel(axes, data, key, shown)
            bare_square(axes)
        figure.subplots_adjust(left=0.02, right=0.98, top=0.9, bottom=0.17, wspace=0.06)
        figure.text(0.5, 0.03, said, ha="center", fontsize=10, color="0.3")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()
