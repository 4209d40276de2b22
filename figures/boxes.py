"""Brackets over boxes of constants: three methods with memories, each certified at every kappa and delta of its box.

Caption: rounds for a tenfold smaller squared distance against delta in the worst case of a class (mu-strongly convex
and L-smooth, kappa = L/mu, one worker, exact gradients, compressors with |C(v) - v|^2 <= (1 - delta)|v|^2), at the
parameters of a rule that is continuous on the box. Bands: between what a quadratic attains and what is certified,
{widths} of 1 - rho at most, hardly wider than a line. Dashed: EF21 (for EF with momentum: EF) at its best step, tight.
Proved for every point of its box: 1 - rho of EF21-SGDM is at least {sgdm:.3f} times EF21's, of EF with momentum
{ef:.3f} times EF's.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import dataclass, replace
from fractions import Fraction as F
from functools import cache
from math import log
from pathlib import Path
from typing import Any

import compth as ct
from compth.errors import NoGuarantee
from compth.methods.core.closed_forms import feedback_factor
from compth.reporting.files import write_all
from compth.reporting.plots import COLOURS, STYLE
from compth.reporting.reports import figure_bytes
from compth.studies.derivation.boxes import Box, Instance, better_by, box_of, longest_step
from compth.worst_case.bodies import constants_of
from figures._progress import track
from figures.momentum import EFMomentum, rounds

PAGE = Path(__file__).resolve().parent.parent / "docs" / "boxes"
KAPPAS = (F(8), F(10), F(25, 2), F(16), F(20))
"""Of every box's grid."""
SHOWN = 4
"""Points a cell of a curve."""
GRID = tuple(k / 100 for k in range(1, 101))
"""Values of eta at which a theorem's step is tried."""
TICKS = (20, 30, 40, 60, 80, 100)
"""Of the picture's rounds."""
GAINS = 1000
"""Gains are rounded down to multiples of 1/GAINS."""


@dataclass(frozen=True)
class Asked:
    """A box: the method, its parameter beside gamma, the grid in delta, the slowest instance, past rounds in V.

    share: of the longest step at which that instance is the slowest, at the nodes. many: the grid in delta that is
    also certified for every n > 1, () for none.
    """

    kind: Any
    own: dict[str, F]
    deltas: tuple[F, ...]
    instance: Instance
    window: int
    share: F
    many: tuple[F, ...] = ()

    @property
    def name(self) -> str:
        """The method's."""
        return str(self.kind.__name__)

    def rule(self, mu: F, delta: F) -> dict[str, F]:
        """The parameters at a node, gamma to four digits."""
        sign = self.instance.sign
        step = float(self.share) * longest_step(self.kind, mu, delta, self.own, sign)
        return {"gamma": F(f"{step:.4g}"), **self.own}


def twentieths(first: int, last: int) -> tuple[F, ...]:
    """Multiples of 1/20."""
    return tuple(F(k, 20) for k in range(first, last + 1))


BOXES = (
    Asked(ct.EF21SGDM, {"eta": F(7, 10)}, twentieths(8, 12), Instance("mu", 1), 3, F(39, 40)),
    Asked(EFMomentum, {"b": F(7, 10)}, twentieths(6, 10), Instance("mu", 1), 3, F(97, 100)),
    Asked(
        ct.EControl,
        {"eta": F(1, 10)},
        twentieths(10, 14),
        Instance("mu", -1),
        1,
        F(97, 100),
        twentieths(10, 13),
    ),
)
LABELS = {"EF21SGDM": "EF21-SGDM", "EFMomentum": "EF with momentum", "EControl": "EControl"}


def made(asked: Asked, n: int = 1) -> Box:
    """The box, searched for: minutes. n = 2 stands for every n > 1: no inequality depends on how many."""
    mus = [1 / k for k in reversed(KAPPAS)]

    def said(places: Any) -> Any:
        return track(list(places), f"boxes, {asked.name}")

    deltas = asked.deltas if n == 1 else asked.many
    return box_of(asked.kind, mus, deltas, asked.rule, asked.instance, n, asked.window, said)


def theorem_rate(asked: Asked, kappa: F, delta: F) -> float | None:
    """What the catalogue's theorem promises there, at its best step and parameter of a grid; None without one."""
    theorems = getattr(asked.kind, "own_theorems", ())
    steps = []
    for eta in GRID if theorems else ():
        c = replace(constants_of(1 / float(kappa), 1, 1, float(delta)), params={"eta": eta})
        try:
            steps.append(float(theorems[0].step_limit(c)[0]))
        except NoGuarantee:
            continue
    return 1 - max(steps) / float(kappa) if steps else None


def file_of(name: str, n: int) -> str:
    """Where a box's certificates lie."""
    return f"{name.lower()}.json" if n == 1 else f"{name.lower()}_many.json"


@cache
def stored(name: str, n: int = 1) -> Box:
    """The box of the page; n = 2 for every n > 1."""
    return Box(json.loads((PAGE / file_of(name, n)).read_text(encoding="utf-8")))


def gain(box: Box) -> F | None:
    """The largest multiple of 1/GAINS by which 1 - rho is shown to beat EF21's all over the box; None: not shown."""
    if not all(better_by(cell, F(0)) for cell in box.cells):
        return None
    low, high = 0, GAINS
    while high - low > 1:
        middle = (low + high) // 2
        good = all(better_by(cell, F(middle, GAINS)) for cell in box.cells)
        low, high = (middle, high) if good else (low, middle)
    return F(low, GAINS)


def curves(asked: Asked, box: Box) -> list[dict[str, Any]]:
    """Points of the picture: each kappa of the grid against delta."""
    out = []
    low, top = asked.deltas[0], asked.deltas[-1]
    count = SHOWN * (len(asked.deltas) - 1)
    for kappa in KAPPAS:
        for k in range(count + 1):
            delta = low + (top - low) * F(k, count)
            lower, upper, params = box.at(1 / kappa, delta)
            base = feedback_factor(1 / float(kappa), 1, float(delta))
            promised = theorem_rate(asked, kappa, delta)
            out.append(
                {
                    "kappa": str(kappa),
                    "delta": str(delta),
                    "gamma": float(params["gamma"]),
                    "lower": float(lower),
                    "certified": float(upper),
                    "base_rate": base,
                    "times": log(float(upper)) / log(base),
                    "theorem": None if promised is None else log(float(upper)) / log(promised),
                }
            )
    return out


def compute() -> dict[str, Any]:
    """What the picture and the table show, from the stored certificates."""
    out = {}
    for asked in BOXES:
        box = stored(asked.name)
        better = gain(box)
        points = curves(asked, box)
        out[asked.name] = {
            "own": {k: str(v) for k, v in asked.own.items()},
            "kappa": [str(KAPPAS[0]), str(KAPPAS[-1])],
            "delta": [str(asked.deltas[0]), str(asked.deltas[-1])],
            "cells": len(box.cells),
            "window": asked.window,
            "width": str(box.width),
            "many": several(asked),
            "gain": None if better is None else str(better),
            "gamma": [min(p["gamma"] for p in points), max(p["gamma"] for p in points)],
            "points": points,
        }
    return out


def several(asked: Asked) -> dict[str, Any] | None:
    """The same for every n > 1, where it was certified: the range of delta, cells and width."""
    if not asked.many:
        return None
    box = stored(asked.name, 2)
    ends = [str(asked.many[0]), str(asked.many[-1])]
    steps = [float(F(x)) for c in box.data["cells"] for row in c["parameters"]["gamma"] for x in row]
    span = [min(steps), max(steps)]
    return {"delta": ends, "cells": len(box.cells), "width": str(box.width), "gamma": span}


def facts(data: dict[str, Any]) -> dict[str, Any]:
    """Numbers of the caption."""
    widths = [f"{100 * float(F(data[a.name]['width'])):.2g} %" for a in BOXES]
    return {
        "widths": f"{', '.join(widths[:-1])} and {widths[-1]}",
        "sgdm": float(1 + F(data["EF21SGDM"]["gain"])),
        "ef": float(1 + F(data["EFMomentum"]["gain"])),
    }


def draw(data: dict[str, Any]) -> Any:
    """A panel a method: rounds against delta, a band a kappa."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 3.4), layout="constrained")
        for panel, asked in zip(figure.subplots(1, 3), BOXES, strict=True):
            points = data[asked.name]["points"]
            for k, kappa in enumerate(KAPPAS):
                line = [p for p in points if p["kappa"] == str(kappa)]
                at = [float(F(p["delta"])) for p in line]
                low, up = ([rounds(p[side]) for p in line] for side in ("lower", "certified"))
                panel.fill_between(
                    at, low, up, color=COLOURS[k], linewidth=1.2, label=f"kappa = {float(kappa):g}"
                )
                panel.plot(
                    at,
                    [rounds(p["base_rate"]) for p in line],
                    color=COLOURS[k],
                    linestyle="--",
                    linewidth=0.9,
                )
            panel.set(xlabel="delta", yscale="log", title=LABELS[asked.name])
            panel.set_yticks(TICKS, [str(k) for k in TICKS])
            panel.minorticks_off()
            panel.title.set_fontsize(10)
        figure.axes[0].set_ylabel("rounds for a factor 10")
        figure.axes[-1].legend(frameon=False, fontsize=7)
    return figure


NOTHING = "none"
"""Where nothing is shown: a cell of a dash alone is a bullet of the page."""


HEADINGS = {
    "table": ("method", "n", "delta", "width", "1 - rho", "rounds", "theorem"),
    "rules": ("method", "n", "own", "gamma", "past rounds in V", "cells"),
}
"""Columns of the page's two tables: what is shown, and how."""


def tables(data: dict[str, Any]) -> dict[str, str]:
    """name -> a row a box, as CSV for the page."""
    rows = {name: [list(head)] for name, head in HEADINGS.items()}
    for asked in BOXES:
        c = data[asked.name]
        own = ", ".join(f"{k} = {v}" for k, v in c["own"].items())
        better = NOTHING if c["gain"] is None else f">= {float(1 + F(c['gain'])):.3f} x"
        beside = [better, _span(c, "times", ".3f"), _span(c, "theorem", ".3g")]
        for n, part, more in (("1", c, beside), ("every n > 1", c["many"], [NOTHING] * 3)):
            if part is not None:
                first = [LABELS[asked.name], n]
                range_ = " to ".join(part["delta"])
                width = f"{100 * float(F(part['width'])):.2g} %"
                step = "{:.4g} to {:.4g}".format(*part["gamma"])
                rows["table"].append([*first, range_, width, *more])
                rows["rules"].append([*first, own, step, c["window"], part["cells"]])
    return {name: _csv(found) for name, found in rows.items()}


def _csv(rows: list[list[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _span(c: dict[str, Any], name: str, shown: str) -> str:
    """The least and the largest over the picture's points."""
    values = [p[name] for p in c["points"] if p[name] is not None]
    return f"{min(values):{shown}} to {max(values):{shown}} x" if values else NOTHING


def search(names: list[str]) -> None:
    """Look for the certificates of these methods, all without a name, and write the files."""
    for asked in BOXES:
        if not names or asked.name in names:
            for n in (1, 2) if asked.many else (1,):
                box = made(asked, n)
                text = json.dumps(box.data, separators=(",", ":")) + "\n"
                write_all(PAGE, {file_of(asked.name, n): text.encode()}, force=True)
                sys.stdout.write(f"{asked.name}: {len(box.cells)} cells, width {float(box.width):.4f}\n")


def page() -> None:
    """Write what docs/boxes.rst shows, from the stored certificates."""
    data = compute()
    files = {"rates.json": json.dumps(data, indent=1) + "\n"}
    files |= {f"{name}.csv": text for name, text in tables(data).items()}
    write_all(PAGE, {k: v.encode() for k, v in files.items()}, force=True)
    write_all(PAGE, {"boxes.svg": figure_bytes(draw(data), "svg")}, force=True)


if __name__ == "__main__":
    if "search" in sys.argv[1:]:
        search([a for a in sys.argv[1:] if a != "search"])
    page()
