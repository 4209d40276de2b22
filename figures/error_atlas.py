"""The error atlas: where compressors send the unit circle of the plane, and their error against the declared constant.

Caption: for every compressor two panels at d = 2. Left, the unit circle (grey), its outcomes (dots, larger where
likelier) and E C(x) (blue; orange where it should be x and is not). Right, E||C(x)-x||^2 in every direction (filled),
by the exact law, and the declared omega or 1 - delta as a dashed ring. A constant is tight where the error touches its
ring; an orange spike through the ring refutes it. {honest} of {panels} claims hold in every direction; the last two
rows are false on purpose: {spikes} by spikes, {biased} by a mean that leaves the circle.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import compth as ct
from compth.certification.portrait import beyond, biased, portrait_of
from compth.reporting.plots import COLOURS, STYLE
from compth.reporting.portraits import error_panel, image_panel, ring_label
from figures._progress import track

D = 2


def forgot_the_scale(x: Any, rng: Any) -> Any:
    """Rand-1 as it is often written: the scale d is missing."""
    out = np.zeros_like(x)
    chosen = rng.choice(len(x), 1, replace=False)
    out[chosen] = x[chosen]
    return out


def entries() -> dict[str, tuple[Any, Any]]:
    """Title -> (compressor, claims; None: its own). The last four claims are false."""
    return {
        "Rand-1": (ct.RandK(1), None),
        "Bernoulli 1/2": (ct.Bernoulli(0.5), None),
        "dithering, s = 1": (ct.RandomDithering(s=1), None),
        "dithering, s = 2": (ct.RandomDithering(s=2), None),
        "TernGrad": (ct.TernGrad(), None),
        "adaptive random": (ct.AdaptiveRandom(), None),
        "natural": (ct.NaturalCompression(), None),
        "Top-1": (ct.TopK(1), None),
        "scaled sign": (ct.ScaledSign(), None),
        "Induced(Top-1, Rand-1)": (ct.Induced(ct.TopK(1), ct.RandK(1)), None),
        "dithering, ω = 1/4 claimed": (ct.RandomDithering(s=1), ct.Unbiased("1/4")),
        "Top-1, δ = 3/4 claimed": (ct.TopK(1), ct.Contractive("3/4")),
        "rounded, unbiased claimed": (ct.NearestRounding(), ct.Unbiased("1/8")),
        "Rand-1 without its scale": (forgot_the_scale, ct.Unbiased("d - 1")),
    }


def compute() -> dict[str, Any]:
    """The portrait of every entry."""
    found = entries()
    return {
        "panels": {t: portrait_of(*_asked(found[t])) for t in track(list(found), "error_atlas, compressor")}
    }


def _asked(entry: tuple[Any, Any]) -> tuple[Any, int, Any]:
    compressor, claims = entry
    return compressor, D, claims


def facts(data: dict[str, Any]) -> dict[str, int]:
    """Numbers of the caption."""
    panels = data["panels"].values()
    outside = [bool(beyond(p).any()) for p in panels]
    bent = [biased(p) for p in panels]
    false = sum(a or b for a, b in zip(outside, bent, strict=True))
    return {
        "panels": len(outside),
        "honest": len(outside) - false,
        "spikes": sum(outside),
        "biased": sum(bent),
    }


def draw(data: dict[str, Any]) -> Any:
    """Two compressors a row, the image left and the error right of each."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    panels = list(data["panels"].items())
    across = 2
    down = -(-len(panels) // across)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 1.72 * down), layout="constrained")
        for cell, (title, portrait) in zip(figure.subfigures(down, across).ravel(), panels, strict=False):
            left, right = cell.subplots(1, 2)
            image_panel(left, portrait)
            error_panel(right, portrait)
            false = biased(portrait) or beyond(portrait).any()
            cell.suptitle(title, fontsize=9, color=COLOURS[1] if false else "black")
            right.set_xlabel(ring_label(portrait), fontsize=8)
            left.set_xlabel("biased" if biased(portrait) else " ", fontsize=8, color=COLOURS[1])
    return figure
