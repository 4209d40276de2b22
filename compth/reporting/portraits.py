"""Portraits of compressors (`compth.certification.portrait`) as pictures: the image of the circle, and the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compth._types import Json
from compth.certification.portrait import beyond, biased
from compth.reporting.plots import COLOURS, STYLE, bare_square

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

IMAGE, ERROR, BAD, RING = COLOURS[0], COLOURS[5], COLOURS[1], "0.15"
NAMES = {"omega": "ω", "1 - delta": "1 − δ"}


def image_panel(axes: Axes, data: Json) -> None:
    """The unit circle (grey), outcomes (dots, larger where likelier) and E C(x) (line, orange where it must be x).

    data: of `certification.portrait`.
    """
    angles = np.append(data["angles"], data["angles"][0])
    axes.plot(np.cos(angles), np.sin(angles), color="0.6", linewidth=3)
    cloud = np.array(data["outcomes"])
    if cloud.size:
        axes.scatter(cloud[:, 0], cloud[:, 1], s=14 * cloud[:, 2] + 1, color="0.35", alpha=0.5, linewidth=0)
    mean = np.array([*data["mean"], data["mean"][0]])
    axes.plot(mean[:, 0], mean[:, 1], color=BAD if biased(data) else IMAGE, linewidth=1.4)
    reach = 1.12 * max(1.0, float(np.abs(mean).max()), float(np.abs(cloud[:, :2]).max()) if cloud.size else 0)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    bare_square(axes)


def error_panel(axes: Axes, data: Json) -> None:
    """E||C(x) - x||^2 in every direction (filled) and the declared constant (ring); orange where it lies outside."""
    angles, error = np.array(data["angles"]), np.array(data["error"])
    bound = data["ring"]["value"]
    around = np.linspace(0, 2 * np.pi, 181)
    x, y = error * np.cos(angles), error * np.sin(angles)
    # Only what is outside the ring may be orange: the inside is painted over it.
    if beyond(data).any():  # the whole shape in orange, then what lies inside the ring over it
        axes.fill(x, y, color=BAD, linewidth=0)
        within = np.minimum(error, bound)
        axes.fill(within * np.cos(angles), within * np.sin(angles), color="white", linewidth=0)
        axes.fill(within * np.cos(angles), within * np.sin(angles), color=ERROR, alpha=0.55, linewidth=0)
    else:
        axes.fill(x, y, color=ERROR, alpha=0.55, linewidth=0)
    axes.plot(np.append(x, x[0]), np.append(y, y[0]), color=IMAGE, linewidth=1)
    axes.plot(bound * np.cos(around), bound * np.sin(around), color=RING, linewidth=1.2, linestyle="--")
    reach = 1.12 * max(bound, float(error.max()), 1e-9)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    bare_square(axes)


def ring_label(data: Json) -> str:
    """ω = 1, or 0.414 > ω = 0.25 with the largest error seen where it lies outside."""
    name, value = NAMES[data["ring"]["label"]], data["ring"]["value"]
    worst = f"{max(data['error']):.3g} > " if beyond(data).any() else ""
    return f"{worst}{name} = {value:.3g}"


def portrait_figure(data: Json) -> Figure:
    """Both panels of one compressor, for a page."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.8, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        image_panel(left, data)
        left.set_title("where unit vectors go", fontsize=9)
        error_panel(right, data)
        right.set_title(f"E‖C(x) − x‖², ring: {ring_label(data)}", fontsize=9)
    return figure


def portrait_words(data: Json) -> str:
    """What the picture shows, in sentences."""
    where = (
        "All directions of the plane"
        if data["d"] == 2
        else f"A plane of R^{data['d']}, through {data['through']} and an axis"
    )
    spikes = int(beyond(data).sum())
    ring = NAMES[data["ring"]["label"]]
    said = f"{where}. Left: the unit circle (grey), outcomes (dots) and E C(x) (line"
    said += ", not x: biased)" if biased(data) else ")"
    said += (
        f". Right: E||C(x) - x||^2 in each direction, {ring} = {data['ring']['value']:.4g} as a dashed ring"
    )
    if spikes:
        return f"{said}; in {spikes} of {len(data['error'])} directions the error lies outside it."
    bound = data["ring"]["value"]
    return (
        f"{said}; the largest error seen is {100 * max(data['error']) / bound:.3g} % of it."
        if bound
        else f"{said}."
    )
