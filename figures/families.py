"""Methods as a map: what workers remember, and what is added to it; each with its best certified rate.

Caption: least rate per round over steps, on every problem whose n = {n} workers are mu-strongly convex and L-smooth,
kappa = {kappa}, and every independent compressor with omega = {omega} (unbiased) or delta = {delta} (contractive; the
broadcast's too). In full ink certified and exactly checked, at the best step, or the best of a grid of the parameters;
in grey, with a star, only what a theorem promises at its own step (draws of parts and silence are outside the
certificate's class, and only its theorem sets ADIANA's parameters). PAGE: omega = 0 and {parts} parts a worker. A
degree sign: only where all workers share their minimiser. "floor": no rate.
Rates of a communication round; LoCoDL meets in each here (p = 1). Darker cells need fewer rounds.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import log
from pathlib import Path
from typing import Any

import compth as ct
from compth.errors import CompthError
from compth.reporting.files import write_all
from compth.reporting.plots import STYLE
from compth.reporting.reports import figure_bytes
from compth.worst_case.bodies import constants_of
from compth.worst_case.inequalities import SHARED
from figures._progress import track

MU, L, N, OMEGA, DELTA = Fraction(1, 10), Fraction(1), 4, Fraction(3), Fraction(1, 4)
ROWS = ("nothing", "gradients, unbiased messages", "gradients or errors, contractive messages")
COLUMNS = ("alone", "momentum", "downlink", "coins, parts, silence")
PARTS = 4
"""Parts of a worker's data, where they are drawn."""
STEPS = tuple(Fraction(k, 40) for k in range(2, 9))
"""Steps of the grids, in 1/L."""
PAGE = Path(__file__).resolve().parent.parent / "docs" / "families"


@dataclass(frozen=True)
class Entry:
    """A method in a cell. grid: parameters whose best values are searched beside the step; theorem: its id instead.

    heard: what the compressor of its broadcast claims.
    """

    name: str
    row: int
    column: int
    grid: dict[str, tuple[Fraction, ...]] = field(default_factory=dict)
    theorem: str = ""
    heard: dict[str, Fraction] = field(default_factory=dict)


UNBIASED, BALL = {"omega_down": OMEGA}, {"delta_down": DELTA}
QUARTERS = tuple(Fraction(k, 4) for k in (1, 2, 3, 4))
ENTRIES = (
    Entry("DCGD", 0, 0),
    Entry("DCGDStar", 0, 0),
    Entry("RelaxedGDCI", 0, 0),
    Entry("DCGD", 0, 2, heard=UNBIASED),
    Entry("MARINAP", 0, 2),
    Entry("PAGE", 0, 3, theorem="page.pl"),
    Entry("DIANA", 1, 0),
    Entry("VRGDCI", 1, 0),
    Entry("EFBV", 1, 0),
    Entry("DIANAMomentum", 1, 1),
    Entry("ADIANA", 1, 1, theorem="adiana.accelerated"),
    Entry("DASHA", 1, 1),
    Entry("DIANA", 1, 2, heard=UNBIASED),
    Entry("EF21P", 1, 2, heard=BALL),
    Entry("MCM", 1, 2, heard=UNBIASED),
    Entry("RandDIANA", 1, 3),
    Entry("MARINA", 1, 3),
    Entry("LoCoDL", 1, 3),
    Entry("EF", 2, 0),
    Entry("EF21", 2, 0),
    Entry("EControl", 2, 1, grid={"eta": tuple(Fraction(k, 40) for k in (1, 2, 4))}),
    Entry("EF21SGDM", 2, 1, grid={"eta": QUARTERS}),
    Entry("EF21BC", 2, 2, heard=BALL),
    Entry("CLAG", 2, 3, theorem="clag.pl"),
)


def certified(entry: Entry) -> tuple[float | None, bool]:
    """(the least certified rate found, whether it asks for a shared minimiser); None where there is no rate."""
    kind: Any = getattr(ct, entry.name)
    claim = {"delta": DELTA} if entry.row == 2 else {"omega": OMEGA}
    rests = (
        kind.seen is not ct.methods.Method.seen
    )  # it runs on the problem with the gradients at x* taken off
    tries: list[dict[str, Any]] = [{}]
    if entry.grid:
        ((name, values),) = entry.grid.items()
        tries = [{"gamma": s / L, name: v} for v in values for s in STEPS]
    found = []
    for given in tries:
        try:
            one = ct.tight_rate(kind, mu=MU, L=L, n=N, **claim, **entry.heard, **given)
        except CompthError:
            continue
        if one.certified is not None and one.certified < 1 and one.certificate is not None:
            found.append((float(one.certified), not rests and SHARED in one.certificate.model.assumptions))
    return min(found, default=(None, False))


def promised(identifier: str) -> float:
    """The rate of a theorem at its own step and these constants: compressors and broadcasts of the class."""
    theorem: Any = ct.methods.theorems()[identifier]
    contractive = ct.Contractive in theorem.requires
    c = constants_of(MU, L, N, delta=DELTA if contractive else None, omega=None if contractive else OMEGA)
    facts: dict[str, Any] = {"m": PARTS, "L_parts": L, "A_map": None, "B_map": None}
    if identifier.startswith("page"):
        c = replace(constants_of(MU, L, N, omega=Fraction(0)))
    if contractive:
        bound = ct.compressors.three_point.CLAGMap(ct.TopK(1), 1).bound(int(1 / DELTA))
        facts |= {"A_map": bound.A, "B_map": bound.B}
    heard = BALL if theorem.contractive_downlink else UNBIASED if theorem.bidirectional else {}
    return float(theorem.plan(replace(c, facts=facts, **heard)).rho)


def compute() -> dict[str, Any]:
    """One row for each method of the map."""
    out = []
    for entry in track(list(ENTRIES), "families, method"):
        shared = False
        if entry.theorem:
            rate: float | None = promised(entry.theorem)
        else:
            rate, shared = certified(entry)
        out.append(
            {
                "method": entry.name,
                "memory": ROWS[entry.row],
                "added": COLUMNS[entry.column],
                "rate": rate,
                "source": entry.theorem or ("certified" if rate is not None else "floor"),
                "shared": shared,
            }
        )
    return {"cells": out}


def facts(data: dict[str, Any]) -> dict[str, Any]:
    """Numbers of the caption."""
    return {"n": N, "kappa": L / MU, "omega": OMEGA, "delta": DELTA, "parts": PARTS}


def written(cell: dict[str, Any]) -> str:
    """A method with its rate, as in the cells."""
    name = cell["method"] + ("°" if cell["shared"] else "")
    if cell["rate"] is None:
        return f"{name}  floor"
    star = "" if cell["source"] == "certified" else "*"
    return f"{name}  {cell['rate']:.4f}{star}"


def draw(data: dict[str, Any]) -> Any:
    """A table: rows what is remembered, columns what is added; the ground by the best rate of the cell."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 3.9), layout="constrained")
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_xlim(-0.75, len(COLUMNS))
        axes.set_ylim(len(ROWS), -0.3)
        for j, name in enumerate(COLUMNS):
            axes.text(j + 0.5, -0.12, name, ha="center", va="center", weight="bold")
        for i, name in enumerate(ROWS):
            axes.text(-0.05, i + 0.5, name.replace(", ", ",\n"), ha="right", va="center", weight="bold")
            for j, added in enumerate(COLUMNS):
                cells = [c for c in data["cells"] if (c["memory"], c["added"]) == (name, added)]
                rates = [c["rate"] for c in cells if c["rate"] is not None]
                shade = 0.0 if not rates else min(1.0, -log(min(rates)) / -log(0.8))
                ground = Rectangle((j, i), 1, 1, facecolor=(0.0, 0.45, 0.7, 0.28 * shade), edgecolor="0.6")
                axes.add_patch(ground)
                for k, cell in enumerate(cells):
                    ink = "0.4" if cell["source"] not in ("certified", "floor") else "black"
                    axes.text(j + 0.06, i + 0.16 + 0.2 * k, written(cell), fontsize=8, color=ink, va="center")
    return figure


def table(data: dict[str, Any]) -> str:
    """The same as CSV for the page."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["workers remember", "added", "method", "rate", "from"])
    for c in data["cells"]:
        rate = "" if c["rate"] is None else f"{c['rate']:.6f}"
        where = c["source"] + (", shared minimiser" if c["shared"] else "")
        rows.writerow([c["memory"], c["added"], c["method"], rate, where])
    return out.getvalue()


def page() -> None:
    """Write what docs/families.rst shows: the map, its data and the table."""
    data = compute()
    contents = {
        "rates.json": json.dumps(data, indent=1, ensure_ascii=False) + "\n",
        "table.csv": table(data),
    }
    write_all(PAGE, {k: v.encode() for k, v in contents.items()}, force=True)
    write_all(PAGE, {"map.svg": figure_bytes(draw(data), "svg")}, force=True)
    sys.stdout.write(f"{len(data['cells'])} methods\n")


if __name__ == "__main__":
    page()
