"""How loose each theorem is on quadratics: rounds that it promises over rounds that are needed, at its own step.

Caption: log(exact rate)/log(guaranteed rate), the smallest value found over random and extremal quadratics with
n, d <= 6 and a random climb from the worst of them. 1 (dashed) means that some quadratic attains the theorem's rate; a
violated theorem would lie left of it. Compressors: Rand-1 where the theorem takes unbiased ones, scaled Rand-1 where it
takes contractive ones, so the numbers are upper bounds on the true looseness. The stored data hold the quadratic that
attains each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import compth as ct
from compth.errors import Unsupported
from compth.methods import catalogue
from compth.reporting.plots import COLOURS, STYLE
from compth.studies.problem_search import rate_ratio, study
from figures._progress import track

COUNT, CLIMB, SEED = 120, 200, 3


def methods() -> list[Any]:
    """Every method of the catalogue with a linear sketch that it takes."""
    found: list[Any] = []
    problem = ct.problems.random_quadratic(2, 4, 4)
    for kind in catalogue().values():
        if not kind.takes_compressor:
            found.append(kind.examples()[0])
            continue
        for compressor in (ct.RandK(1), ct.Scaled(ct.RandK(1))):
            try:
                kind(compressor).check(problem)
            except Unsupported:
                continue
            found.append(kind(compressor))
            break
    return found


def compute() -> dict[str, Any]:
    """Smallest looseness found for each theorem with a linear rate, with the problem."""
    rows = []
    for method in track(methods(), "theorem_looseness, method"):
        for theorem in type(method).theorems():
            found = study(lambda q, m=method, th=theorem: rate_ratio(m, q, th), COUNT, SEED, climb=CLIMB)
            if found.problem is None:
                continue
            q = found.problem
            rows.append(
                {
                    "theorem": theorem.id,
                    "method": method.label,
                    "looseness": found.looseness,
                    "tried": found.tried,
                    "found": found.where,
                    "n": q.n,
                    "d": q.d,
                    "kappa": q.kappa,
                    "A": q.A.tolist(),
                    "b": q.b.tolist(),
                }
            )
    return {"rows": sorted(rows, key=lambda r: (r["looseness"], r["theorem"]))}


def labels(rows: list[dict[str, Any]]) -> list[str]:
    """Theorem ids, with the method's name where two methods share one."""
    ids = [r["theorem"] for r in rows]
    return [
        f"{i} ({r['method'].split()[0]})" if ids.count(i) > 1 else i for i, r in zip(ids, rows, strict=True)
    ]


def draw(data: dict[str, Any]) -> Any:
    """Horizontal bars on a logarithmic axis, the number beside each."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = data["rows"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 0.9 + 0.27 * len(rows)), layout="constrained")
        axes = figure.subplots()
        y = np.arange(len(rows))[::-1]
        values = [r["looseness"] for r in rows]
        axes.hlines(y, 1, values, color=COLOURS[0], linewidth=1.2)
        axes.plot(values, y, "o", color=COLOURS[0], markersize=5)
        for at, row in zip(y, rows, strict=True):
            axes.annotate(
                f"{row['looseness']:.3g}",
                (row["looseness"], at),
                (6, -3),
                textcoords="offset points",
                fontsize=8,
            )
        axes.axvline(1, color="0.4", linestyle="--", linewidth=1)
        axes.set_yticks(y, labels(rows))
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.set_xscale("log")
        axes.set_xlim(0.9, 1.5 * max(values))
        ticks = [t for t in (1, 1.5, 2, 3, 4, 6, 8, 12, 16, 32, 64) if t < 1.4 * max(values)]
        axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axes.minorticks_off()
        axes.set_xlabel("rounds promised / rounds needed (exact)")
        axes.grid(axis="y", visible=False)
    return figure
