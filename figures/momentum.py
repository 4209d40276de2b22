"""Momentum in the worst case: what a running average of gradients buys error feedback, certified.

Caption: rounds for a tenfold smaller squared distance in the worst case of a class (mu-strongly convex and L-smooth,
kappa = {kappa}, one worker, exact gradients, compressors with |C(v) - v|^2 <= (1 - delta)|v|^2). Line: EF21 at its
best step, tight. Circles: EF21-SGDM, certified at the parameters listed, bars down to what a quadratic attains there
(at most {width:.2g} % of 1 - rho, hidden by the circle). Squares: EControl. Right: how many times as many rounds EF21
needs, from {least:.3f} at delta = {smallest} to {most:.2f} at delta = {largest}. Parameters are the best found, not
proved best.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import dataclass
from fractions import Fraction as F
from math import log
from pathlib import Path
from typing import Any

import compth as ct
from compth.methods.core.closed_forms import feedback_factor
from compth.reporting.files import write_all
from compth.reporting.plots import COLOURS, STYLE
from compth.reporting.reports import figure_bytes
from compth.studies.derivation.brackets import Bracket, bracket
from compth.worst_case.bodies import body_asked
from figures._progress import track

PAGE = Path(__file__).resolve().parent.parent / "docs" / "momentum"
WINDOW = 4
"""Past rounds that V may see."""
KAPPA = 10
"""Of the picture."""


@ct.method
def EFMomentum(w: Any, x: Any, e: ct.Worker, v: ct.Worker, *, gamma: Any, b: Any) -> dict[str, Any]:
    """EF on a running average of gradients."""
    slow = (1 - b) * v + b * w.gradient(x)
    u = e + gamma * slow
    c = w.compress(u)
    return dict(x=x - w.mean(c), e=u - c, v=slow)


@dataclass(frozen=True)
class Cell:
    """A method at its constants and the parameters that a search found. base: the method without the addition."""

    kind: Any
    base: str
    kappa: int
    claim: dict[str, F]
    gamma: F
    own: dict[str, F]
    n: int = 1

    @property
    def name(self) -> str:
        """The method's."""
        return str(self.kind.__name__)


def feedback(kind: Any, base: str, kappa: int, delta: str, gamma: str, **own: str) -> Cell:
    """A cell of contractive compressors and one worker."""
    return Cell(kind, base, kappa, {"delta": F(delta)}, F(gamma), {k: F(v) for k, v in own.items()})


def shifted(kappa: int, gamma: str, **own: str) -> Cell:
    """DIANA with heavy ball: omega = 3, five workers."""
    given = {k: F(v) for k, v in own.items()}
    return Cell(ct.DIANAMomentum, "DIANA", kappa, {"omega": F(3)}, F(gamma), given, 5)


CELLS = (
    feedback(ct.EF21SGDM, "EF21", 10, "1/20", "469/20000", eta="22/25"),
    feedback(ct.EF21SGDM, "EF21", 10, "1/10", "969/20000", eta="43/50"),
    feedback(ct.EF21SGDM, "EF21", 10, "1/4", "337/2500", eta="2067/2500"),
    feedback(ct.EF21SGDM, "EF21", 10, "2/5", "1227/5000", eta="361/500"),
    feedback(ct.EF21SGDM, "EF21", 10, "1/2", "3357/10000", eta="4011/5000"),
    feedback(ct.EF21SGDM, "EF21", 10, "3/5", "1141/2500", eta="73/100"),
    feedback(ct.EF21SGDM, "EF21", 10, "3/4", "7073/10000", eta="371/500"),
    feedback(ct.EF21SGDM, "EF21", 10, "9/10", "6/5", eta="3637/5000"),
    feedback(ct.EF21SGDM, "EF21", 100, "3/4", "4481/5000", eta="2101/10000"),
    feedback(EFMomentum, "EF", 10, "1/2", "3319/10000", b="527/1000"),
    feedback(EFMomentum, "EF", 10, "3/4", "7081/10000", b="6807/10000"),
    feedback(EFMomentum, "EF", 10, "9/10", "59/50", b="419/625"),
    feedback(ct.EControl, "EF21", 10, "1/4", "1145/10000", eta="196/10000"),
    feedback(ct.EControl, "EF21", 10, "1/2", "2763/10000", eta="475/10000"),
    feedback(ct.EControl, "EF21", 10, "3/4", "5462/10000", eta="948/10000"),
    feedback(ct.EControl, "EF21", 10, "9/10", "8709/10000", eta="1526/10000"),
    shifted(10, "1149/2500", alpha="177/1250", beta="99/250"),
    shifted(100, "1579/5000", alpha="3707/100000", beta="4027/5000"),
)


def bracketed(cell: Cell) -> Bracket:
    """The cell's worst rate between two exact numbers."""
    delta, omega = cell.claim.get("delta"), cell.claim.get("omega")
    named: dict[str, Any] = dict(cell.own)
    q, _, _ = body_asked(cell.kind, F(1, cell.kappa), 1, delta, omega, named.pop("eta", None), cell.n, named)
    return bracket(q.rational(), {"gamma": cell.gamma, **cell.own}, WINDOW)


def base_rate(cell: Cell) -> float:
    """The tight rate of the method without the addition, at its best step: what a quadratic attains."""
    found = ct.tight_rate(cell.base, mu=F(1, cell.kappa), L=1, n=cell.n, **cell.claim)
    return float(found.attained)


def row_of(cell: Cell, found: Bracket) -> dict[str, Any]:
    """What the table, the picture and the tests read."""
    base = base_rate(cell)
    certified = float(found.certified) if found.certified is not None else None
    return {
        "method": cell.name,
        "base": cell.base,
        "kappa": cell.kappa,
        "claim": {k: str(v) for k, v in cell.claim.items()},
        "n": cell.n,
        "gamma": str(cell.gamma),
        "own": {k: str(v) for k, v in cell.own.items()},
        "base_rate": base,
        "lower": float(found.lower),
        "certified": certified,
        "width": found.width,
        "window": found.window,
        "times": None if certified is None else log(certified) / log(base),
        "instance": str(found.instance),
    }


def compute() -> dict[str, Any]:
    """One row a cell."""
    return {"cells": [row_of(cell, bracketed(cell)) for cell in track(list(CELLS), "momentum, cell")]}


def pictured(data: dict[str, Any], method: str) -> list[dict[str, Any]]:
    """A method's rows in the picture, by delta."""
    rows = [
        c for c in data["cells"] if c["method"] == method and c["kappa"] == KAPPA and "delta" in c["claim"]
    ]
    return sorted(rows, key=lambda c: F(c["claim"]["delta"]))


def facts(data: dict[str, Any]) -> dict[str, Any]:
    """Numbers of the caption."""
    rows = pictured(data, "EF21SGDM")
    return {
        "kappa": KAPPA,
        "width": 100 * max(c["width"] for c in rows),
        "least": rows[0]["times"],
        "smallest": rows[0]["claim"]["delta"],
        "most": rows[-1]["times"],
        "largest": rows[-1]["claim"]["delta"],
    }


def gain_at_one() -> Any:
    """dr/d eta of EF21-SGDM at eta = 1 and EF21's best step, along steps that keep both active quadratics equal.

    In r = sqrt rho and s, from the traced round: mu is eliminated by EF21's own closed form. Positive: less weight on
    the new gradient makes both quadratics faster.
    """
    import sympy

    from compth.studies.derivation.elimination import Active, R, equation
    from compth.studies.derivation.rounds import MU, NORM, SMOOTH, Instance, symbolic_round

    q, params, _ = body_asked(ct.EF21SGDM, F(1, KAPPA), 1, F(3, 4), None, F(1), 1, {})
    found = symbolic_round(q.rational(), params, ("eta",))
    gamma, eta = found.unknowns
    creeps, alternates = Active(Instance(MU, (1 + NORM,)), 1), Active(Instance(SMOOTH, (1 + NORM,)), -1)
    (p,), (m,) = equation(found, creeps), equation(found, alternates)
    closed = (SMOOTH + MU) * R**2 - (1 - NORM) * (SMOOTH - MU) * R - NORM * (SMOOTH + MU)
    best = {gamma: 2 * (1 - NORM) / ((SMOOTH + MU) * (1 + NORM)), eta: 1}
    best |= {MU: sympy.solve(closed, MU)[0]}

    def slope(e: Any, x: Any) -> Any:
        return (
            (-sympy.diff(e, x) / sympy.diff(e, R))
            .subs({eta: 1})
            .subs({gamma: best[gamma]})
            .subs({MU: best[MU]})
        )

    g, b = (slope(p, gamma), slope(m, gamma)), (slope(p, eta), slope(m, eta))
    return sympy.factor((b[0] * g[1] - b[1] * g[0]) / (g[1] - g[0]))


def rounds(rate: float) -> float:
    """For a tenfold smaller squared distance."""
    return log(10) / -log(rate)


def draw(data: dict[str, Any]) -> Any:
    """Left rounds against delta, right the gain."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    deltas = [k / 100 for k in range(4, 96)]
    plain = [rounds(feedback_factor(1 / KAPPA, 1, d)) for d in deltas]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(deltas, plain, color="0.2", linestyle="--", label="EF21, tight")
        for k, (name, label, mark) in enumerate(
            (("EF21SGDM", "EF21-SGDM", "o"), ("EControl", "EControl", "s"))
        ):
            rows = pictured(data, name)
            at = [float(F(c["claim"]["delta"])) for c in rows]
            up, low = [rounds(c["certified"]) for c in rows], [rounds(c["lower"]) for c in rows]
            bars = [[a - b for a, b in zip(up, low, strict=True)], [0] * len(up)]
            left.errorbar(
                at, up, yerr=bars, fmt=mark, color=COLOURS[k], label=f"{label}, certified", capsize=3
            )
            gain = [c["times"] for c in rows]
            right.plot(at, gain, marker=mark, linestyle=":", color=COLOURS[k], label=label)
        left.set(xlabel="delta", ylabel="rounds for a factor 10", yscale="log")
        left.legend(frameon=False)
        right.axhline(1, color="0.2", linestyle="--")
        right.annotate(
            "EF21", (0.92, 1), xytext=(0, -11), textcoords="offset points", color="0.2", ha="right"
        )
        right.set(xlabel="delta", ylabel="EF21's rounds over its rounds")
        right.legend(frameon=False)
    return figure


def table(data: dict[str, Any]) -> str:
    """The rows as CSV for the page."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(
        ["method", "kappa", "class", "gamma", "own", "without", "attained", "certified", "width", "rounds"]
    )
    for c in data["cells"]:
        claim = ", ".join(f"{k} = {v}" for k, v in c["claim"].items()) + (
            f", n = {c['n']}" if c["n"] > 1 else ""
        )
        own = ", ".join(f"{k} = {float(F(v)):.4g}" for k, v in c["own"].items())
        numbers = [f"{c[k]:.6f}" for k in ("base_rate", "lower", "certified")]
        rows.writerow(
            [c["method"], c["kappa"], claim, f"{float(F(c['gamma'])):.4g}", own, *numbers, f"{100 * c['width']:.2g} %",
             f"{c['times']:.3f} x"]
        )  # fmt: skip
    return out.getvalue()


def page() -> None:
    """Write what docs/momentum.rst shows: data, table, picture, and the certificates that recheck.py reads."""
    rows, files = [], {}
    for k, cell in enumerate(track(list(CELLS), "momentum, cell")):
        found = bracketed(cell)
        rows.append(row_of(cell, found))
        if found.data is not None:
            files[f"{cell.name.lower()}_{k + 1}.json"] = json.dumps(found.data, indent=1) + "\n"
    data = {"cells": rows}
    files |= {"rates.json": json.dumps(data, indent=1) + "\n", "table.csv": table(data)}
    write_all(PAGE, {k: v.encode() for k, v in files.items()}, force=True)
    write_all(PAGE, {"momentum.svg": figure_bytes(draw(data), "svg")}, force=True)
    sys.stdout.write(f"{len(rows)} cells\n")


if __name__ == "__main__":
    page()
