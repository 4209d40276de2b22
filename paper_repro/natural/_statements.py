"""More of the text: worked examples, Theorem 5 at large, Theorem 9's bound, Tables 2 and 3, Figures 16 to 18."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

import compth as ct
from compth.methods import find_guarantee
from compth.reporting.plots import COLOURS, STYLE
from paper_repro._exact import law, relative_error

Array = Any
WIDE = 2**32
"""A dimension whose positions are 32-bit numbers, as Table 2 counts them."""
SHARES = (256, 64, 16)
"""d/K of Table 2: 0.39, 1.56 and 6.25 per cent."""


def examples() -> dict[str, Any]:
    """Figure 2's t = 2.5 and Figure 4's t = -2.75: probabilities of the lower and the upper power."""
    low, high = law(ct.NaturalCompression(), [2.5]), law(ct.NaturalCompression(), [-2.75])
    return {"fig2.example": [low[2.0,], low[4.0,]], "fig4.example": [high[-2.0,], high[-4.0,]]}


def composition() -> float:
    """Largest exact variance over omega1 omega2 + omega1 + omega2, pairs of C_nat, dithering and S_q, d = 3."""
    ones = (ct.NaturalCompression(), ct.RandK(1), ct.RandomDithering(1), ct.NaturalDithering(2))
    rng = np.random.default_rng(0)
    inputs = [np.ones(3), *rng.standard_normal((3, 3))]
    worst = 0.0
    for outer in ones:
        for inner in ones[1:]:
            declared = float(ct.Composed(outer, inner).claims(3)[0].omega)
            worst = max(worst, *(relative_error(ct.Composed(outer, inner), x) / declared for x in inputs))
    return worst


def bound() -> float:
    """Largest exact averaged squared gradient over Theorem 9's bound, Rand-2 up and down, heterogeneous quadratics."""
    q = ct.problems.random_quadratic(3, 4, 8.0, seed=3, minimisers=1.0, hessians=0)
    method = ct.DCGD(ct.RandK(2), downlink=ct.RandK(2))
    found = find_guarantee(method, q, "dcgd.nonconvex")
    seen = found.theorem.trajectory(ct.exact(method, q, 60, theorem="dcgd.nonconvex"))
    return max(float(seen[t]) / found.rate.bound(t) for t in range(1, 61))


def tables() -> dict[str, Any]:
    """Per cent of 32 d that Top-K, Top-K with C_nat and signs send."""
    nat, whole = ct.NaturalCompression(), Fraction(100, 32 * WIDE)
    top = {k: ct.TopK(k).bits(WIDE) for k in (WIDE // share for share in SHARES)}
    return {
        "table2.topk": [float(whole * bits.total) for bits in top.values()],
        "table2.both": [float(whole * (bits.indices + nat.bits(k).total)) for k, bits in top.items()],
        "table3.sign": float(whole * ct.ScaledSign().bits(WIDE).total),
    }


def variances(d: int, levels: range, p: float = 2) -> dict[str, list[float]]:
    """Exact relative variance at one normal vector: natural s, standard s, standard 2^(s-1)."""
    x = np.random.default_rng(16).standard_normal(d)
    return {
        "natural, s levels": [relative_error(ct.NaturalDithering(s, p), x) for s in levels],
        "standard, s levels": [relative_error(ct.RandomDithering(s, p), x) for s in levels],
        "standard, 2^(s-1) levels": [relative_error(ct.RandomDithering(2 ** (s - 1), p), x) for s in levels],
        "C_nat": [relative_error(ct.NaturalCompression(), x / np.linalg.norm(x))] * len(levels),
    }


def dithering(d: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures 16 to 18: the same s, as many binary levels, and the limits of many levels."""
    levels = range(1, 31)
    curves = variances(d, levels)
    nat, same, many = (np.array(curves[k]) for k in list(curves)[:3])
    few = slice(2, 8)  # with s = 1 and 2 both are the same compressor
    values = {
        "fig16.below": float((nat[few] / same[few]).max()),
        "fig16.gain": float(same[7] / nat[7]),
        "fig17.close": float(np.abs((1 + nat) / (1 + many) - 1).max()),
        "fig18.natural": float(nat[-1] / curves["C_nat"][0]),
        "fig18.standard": float(many[-1]),
    }
    shown = range(1, 17)
    panels = {"p = 2": {k: v[:16] for k, v in curves.items()}, "p = ∞": variances(d, shown, np.inf)}
    return values, {"s": list(shown), "d": d, "panels": panels}


def draw_variance(data: Any) -> Any:
    """The variance of dithering, exact, at one normal vector (d = 10^4) for two norms: Figures 16 to 18 of the paper.

    Natural dithering with s levels against standard dithering with s levels, which it beats by up to two orders of
    magnitude at p = 2 and for few levels at p = inf, and with 2^(s-1) levels, which it follows down to the variance of
    natural compression (dotted) and no further: there the standard one goes on to 0.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.1), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for panel, (name, curves) in zip(axes, data["panels"].items(), strict=True):
            for i, (label, curve) in enumerate(curves.items()):
                y, style = np.maximum(curve, 1e-12), ("o-", "s--", "^-.", ":")[i]
                name_shown = label.replace("2^(s-1)", "$2^{s-1}$").replace("C_nat", "natural compression")
                panel.plot(data["s"], y, style, color=COLOURS[i], markersize=3, label=name_shown)
            panel.set_yscale("log")
            panel.set_ylim(1e-5, None)
            panel.set_xticks(data["s"][::3])
            panel.set_xlabel("s")
            panel.set_title(name, fontsize=9)
        axes[0].set_ylabel(r"$\mathrm{E}\,\|C(x)-x\|^2\,/\,\|x\|^2$")
        axes[0].legend(fontsize=7, loc="lower left")
    return figure


def statements() -> tuple[dict[str, Any], dict[str, Any]]:
    """All of them, and the data of the figure."""
    values, data = dithering(10_000)
    return {**examples(), "thm5.holds": composition(), "thm9.holds": bound(), **tables(), **values}, data
