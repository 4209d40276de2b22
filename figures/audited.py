"""Constants declared in published code against what the referee finds: eight defects, re-created in a few lines.

Caption: for each program the value that its claim allows (hollow) and the value at the worst input found (filled), by
exact enumeration of its randomness or direct evaluation. Circles: relative error E||C(x)-x||^2/||x||^2; squares:
relative bias ||E C(x)-x||^2/||x||^2, which a claim of unbiasedness sets to 0. Orange: refuted. Blue: the dithering that
returns its input breaks no constant, and is caught by its wire, because its output is none of the values that
its bits can hold. The programs are ours; only the defects were seen in code. d = 20 (ATOMO: 4; sign: 1000).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import compth as ct
from compth.certification.oracle import enumerating, factored
from compth.certification.subject import as_subject
from compth.certification.tracer import NotTraceable
from compth.errors import CompthError
from compth.reporting.plots import COLOURS, STYLE
from figures._progress import track
from paper_repro._defects import qsgd_wrong_way, rand2_unscaled, ternary, ternary_clipped

Array = Any


def top2_signed(x: Array) -> Array:
    """Top-2 that sorts values, not sizes."""
    out = np.zeros(len(x))
    chosen = np.argsort(x)[-2:]
    out[chosen] = x[chosen]
    return out


def sign_l2(x: Array) -> Array:
    """Signs (+1 at 0) times ||x||_2/sqrt(d)."""
    return np.where(x >= 0, 1.0, -1.0) * np.linalg.norm(x) / np.sqrt(len(x))


def atomo_redraw(x: Array, rng: Any) -> Array:
    """ATOMO with budget 2 that redraws until two entries are kept (the usual sampler for `exactly r atoms`)."""
    total = np.abs(x).sum()
    p = np.minimum(1, 2 * np.abs(x) / total) if total > 0 else np.ones(len(x))
    wanted = min(2, np.count_nonzero(x))
    for _ in range(200):
        kept = rng.random(len(x)) < p
        if kept.sum() == wanted:
            break
    return np.where(kept & (x != 0), x / np.where(p > 0, p, 1), 0.0)


def returns_input(x: Array, rng: Any) -> Array:
    """Natural dithering whose last line returns the input."""
    rng.random(len(x))  # the levels that it drew, and forgot
    return x * 1.0


def redraw_law(x: Array) -> tuple[float, float]:
    """(bias, error) of the redraw sampler by its conditional law: uniforms given that two entries are kept."""
    p = np.minimum(1, 2 * np.abs(x) / np.abs(x).sum())
    masks = np.array([[(m >> j) & 1 for j in range(len(x))] for m in range(1 << len(x))])
    weights = np.prod(np.where(masks == 1, p, 1 - p), axis=1) * (masks.sum(axis=1) == 2)
    outputs = np.where(masks == 1, x / p, 0.0)
    weights /= weights.sum()
    mean, size = weights @ outputs, float(x @ x)
    return float(((mean - x) ** 2).sum() / size), float(weights @ ((outputs - x) ** 2).sum(axis=1) / size)


@dataclass(frozen=True)
class Program:
    """A label, the program, what was declared and the dimension."""

    label: str
    program: Callable[..., Any]
    claim: ct.Claim
    d: int = 20
    law: Callable[[Array], tuple[float, float]] | None = None
    at: tuple[float, ...] = ()


PROGRAMS = (
    Program("TernGrad that declares ω = 0", ternary, ct.Unbiased(0)),
    Program("TernGrad clipped at 2.5 σ", ternary_clipped, ct.Unbiased("(sqrt(d)-1)/2")),
    Program("QSGD, rounding the wrong way", qsgd_wrong_way, ct.Unbiased("min(d/4, sqrt(d)/2)")),
    Program("Rand-2 without its scale", rand2_unscaled, ct.Unbiased("d/2 - 1")),
    Program("ATOMO, redrawn to 2 atoms", atomo_redraw, ct.Unbiased("d/2 - 1"), 4, redraw_law, (3, 2, 1, 1)),
    Program("Top-2 of signed values", top2_signed, ct.Contractive("2/d")),
    Program("sign with scale ‖x‖/√d", sign_l2, ct.Contractive("1/d"), 1000),
    Program("dithering that returns x", returns_input, ct.Unbiased("1/8 + sqrt(d)/4")),
)


def moments(entry: Program, x: Array) -> tuple[float, float]:
    """(bias, error), relative, exact, at one input."""
    if entry.law is not None:
        return entry.law(x)
    subject = as_subject(entry.program)
    try:
        found = factored(subject, len(x))(x)
    except NotTraceable:
        found = enumerating(subject, len(x), 20_000)(x)
    size = float(x @ x)
    return float(((found.mean - x) ** 2).sum() / size), float(found.error.sum() / size)


def wire_holds(x: Array) -> bool:
    """True when natural dithering's own encoder carries the output of `returns_input` back unchanged."""
    honest = ct.NaturalDithering(3)
    out = returns_input(x, np.random.default_rng(0))
    try:
        return bool(np.array_equal(ct.decode(honest, ct.encode(honest, x, out, 64), len(x), 64), out))
    except CompthError:
        return False


def row(entry: Program) -> dict[str, Any]:
    """Verdict, what is compared, allowed and found."""
    report = ct.certify(entry.program, d=entry.d, claims=entry.claim)
    last = report.certificates[-1]
    worst = last.details.get("worst_x")
    x = np.array(entry.at or (worst if worst is not None else np.ones(entry.d)), dtype=float)
    biased, error = moments(entry, x)
    said = last.details.get("inequality", "E||C(x)-x||^2")
    shows_bias = said in ("||E C(x) - x||^2", "bias or variance")
    declared = next(iter(last.details.get("constants", {"": 0}).values()))
    allowed = float(last.bound if last.bound is not None else declared)
    return {
        "label": entry.label,
        "d": entry.d,
        "verdict": report.verdict.value,
        "inequality": "bias" if shows_bias else "error",
        "allowed": allowed,
        "found": biased if shows_bias else error,
        "worst_x": [float(v) for v in x[:8]],
    }


def compute() -> dict[str, Any]:
    """A row for each program."""
    return {
        "rows": [row(p) for p in track(PROGRAMS, "audited")],
        "wire_of_dithering_holds": wire_holds(np.array([0.3, -1.7, 0.11])),
    }


def draw(data: dict[str, Any]) -> Any:
    """Hollow: allowed; filled: found; one line a program."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    rows = data["rows"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 3.5), layout="constrained")
        axes = figure.subplots()
        for y, r in zip(range(len(rows))[::-1], rows, strict=True):
            marker = "s" if r["inequality"] == "bias" else "o"
            colour = COLOURS[1] if r["verdict"] == "REFUTED" else COLOURS[0]
            axes.plot([r["allowed"], r["found"]], [y, y], color=colour, linewidth=1)
            axes.plot(r["allowed"], y, marker, color=colour, markerfacecolor="white", clip_on=False)
            axes.plot(r["found"], y, marker, color=colour, clip_on=False)
            wire = "" if r["verdict"] == "REFUTED" else " (wire)"
            axes.text(3.5, y, f"{r['allowed']:.3g} → {r['found']:.3g}{wire}", fontsize=7, va="center")
        axes.set_yticks(range(len(rows))[::-1], [r["label"] for r in rows])
        axes.set_xscale("symlog", linthresh=0.01, linscale=0.6)
        axes.set_xticks([0, 0.01, 0.1, 1], ["0", "0.01", "0.1", "1"])
        axes.minorticks_off()
        axes.set_xlim(-0.001, 3)
        axes.set_xlabel("relative to ‖x‖²")
        axes.grid(axis="y", visible=False)
        looks = (
            ("o", "0.3", "white", "error, allowed"),
            ("o", "0.3", "0.3", "error, found"),
            ("s", "0.3", "white", "bias, allowed"),
            ("s", "0.3", "0.3", "bias, found"),
            ("_", COLOURS[1], COLOURS[1], "refuted"),
            ("_", COLOURS[0], COLOURS[0], "caught by its wire"),
        )
        shown = [Line2D([], [], color=c, marker=m, linestyle="none", markerfacecolor=f, label=name, markeredgewidth=1.5)
                 for m, c, f, name in looks]  # fmt: skip
        figure.legend(handles=shown, loc="outside upper center", ncols=3, fontsize=8)
    return figure
