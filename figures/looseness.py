"""How loose theorems are: rounds that they promise over the rounds of the worst case at the best step.

Caption: log(best worst-case rate)/log(guaranteed rate) over the condition number kappa and the compressor's constant,
for one worker and for ten, every f_i L-smooth and mu-strongly convex. EF21, EF and DIANA: the closed forms of the worst
case; DCGD: a shared minimiser. 1 would be a theorem that cannot be improved. EF21's theorem is stated for a wider class
(Polyak-Lojasiewicz), so its number holds the price of that class too. The stored data hold, for each cell, the
curvature of the one-dimensional quadratic that attains the worst case. EF21's and EF's numbers are the same for both
numbers of workers and stand once. Whose the constants are: {whose}.
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

import compth as ct
from compth.claims import Attribution
from compth.reporting.plots import STYLE
from compth.worst_case.theorem_file import planned
from figures._progress import track

KAPPAS = (2.0, 5.0, 10.0, 30.0, 100.0, 1000.0)
DELTAS, OMEGAS = (0.9, 0.5, 0.2, 0.1, 0.05), (0.1, 1.0, 4.0, 9.0, 19.0)
WORKERS = (1, 10)
THEOREMS = {"EF21": "ef21.pl", "EF": "ef.explicit", "DIANA": "diana.unified", "DCGD": "dcgd.interpolation"}


WHOSE = {
    Attribution.READ: "printed",
    Attribution.CODE: "its authors'",
    Attribution.RECALLED: "recalled",
    Attribution.OURS: "ours",
}


def theorem_of(method: str) -> Any:
    """The theorem that is measured."""
    return ct.methods.theorems()[THEOREMS[method]]


def whose(method: str) -> str:
    """Whose the constants of its theorem are: in print, of its authors' code and slides, recalled, or ours."""
    return WHOSE[theorem_of(method).attribution]


def facts(data: dict[str, Any]) -> dict[str, Any]:
    """Which theorems are in print, which their authors', which ours: by what each of them says of itself."""
    return {"whose": ", ".join(f"{THEOREMS[m]} {whose(m)}" for m in THEOREMS)}


def axis(method: str) -> tuple[str, tuple[float, ...]]:
    """The compressor's constant and its values."""
    return ("delta", DELTAS) if method in ("EF", "EF21") else ("omega", OMEGAS)


def cell(method: str, kappa: float, constant: float, n: int) -> dict[str, float]:
    """Guaranteed rate, worst-case rate at the best step, their looseness, and the curvature that attains."""
    name, _ = axis(method)
    given = {"mu": 1 / kappa, "L": 1.0, name: constant, "n": n}
    promised = float(planned(theorem_of(method), given)["rate"])
    worst = ct.tight_rate(method, **given)
    return {
        "guarantee": promised,
        "worst": float(worst.rho),
        "attained": worst.attained,
        "curvature": float(worst.worst_case.curvature),
        "looseness": log(float(worst.rho)) / log(promised),
    }


def compute() -> dict[str, Any]:
    """The atlas: method -> n -> rows over the constant, columns over kappa."""
    atlas = {
        m: {str(n): [[cell(m, k, c, n) for k in KAPPAS] for c in axis(m)[1]] for n in WORKERS}
        for m in track(list(THEOREMS), "looseness, method")
    }
    return {
        "kappa": list(KAPPAS),
        "axis": {m: [axis(m)[0], list(axis(m)[1])] for m in THEOREMS},
        "atlas": atlas,
    }


def panels(data: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """(method, title, looseness by constant and kappa); numbers of workers that give the same share one panel."""
    found: list[tuple[str, str, Any]] = []
    for method, by_workers in data["atlas"].items():
        tables = {n: np.array([[c["looseness"] for c in row] for row in t]) for n, t in by_workers.items()}
        first = next(iter(tables.values()))
        if all(np.allclose(t, first, rtol=1e-9) for t in tables.values()):
            found.append((method, f"{method} ({whose(method)}), n = {' or '.join(tables)}", first))
        else:
            found += [(method, f"{method} ({whose(method)}), n = {n}", t) for n, t in tables.items()]
    return found


def draw(data: dict[str, Any]) -> Any:
    """A panel for each method and n, the number in every cell, logarithmic colours."""
    import matplotlib as mpl
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    names = {"delta": "δ", "omega": "ω"}
    shown = panels(data)
    top = max(float(table.max()) for _, _, table in shown)
    rows = -(-len(shown) // 2)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 0.9 + 1.75 * rows), layout="constrained")
        grid = figure.subplots(rows, 2, squeeze=False)
        for axes in grid.ravel()[len(shown) :]:
            axes.set_axis_off()
        for axes, (method, title, panel) in zip(grid.ravel(), shown, strict=False):
            constant, ticks = data["axis"][method]
            image = axes.imshow(panel, norm=LogNorm(1, top), cmap="cividis_r", aspect="auto")
            for (r, c), v in np.ndenumerate(panel):
                dark = log(v) > 0.6 * log(top)
                axes.text(c, r, f"{v:.2g}" if v < 100 else f"{v:.0f}", ha="center", va="center", fontsize=7,
                          color="white" if dark else "black")  # fmt: skip
            axes.grid(False)
            axes.set_title(title, fontsize=9)
            axes.set_xticks(range(len(data["kappa"])), [f"{k:g}" for k in data["kappa"]], fontsize=7)
            axes.set_yticks(range(len(ticks)), [f"{t:g}" for t in ticks], fontsize=7)
            axes.set_ylabel(names[constant])
        for axes in grid[-1]:
            axes.set_xlabel("κ")
        marks = [t for t in (1, 2, 5, 10, 20, 50, 100) if t <= top]
        bar = figure.colorbar(image, ax=grid, location="top", ticks=marks, shrink=0.8, aspect=40)
        bar.ax.set_xticklabels([f"{t:g}" for t in marks], fontsize=7)
        bar.ax.minorticks_off()
        bar.set_label("rounds promised / rounds of the worst case at its best step", fontsize=8)
    return figure
