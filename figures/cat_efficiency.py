"""What a message buys: share of the full step's improvement, and improvement per cost over four links.

Caption: left, guaranteed improvement at level T relative to the full gradient's: alpha for the T largest entries (S),
beta for their signs and the norm (S+Q), omega* for sampling (SS). Right, alpha(T)/C(T) relative to its maximum for bits
without overhead and for three links in bits on the wire; dots mark the chosen levels, drops are started packets. The
gradient is that of ridge regression on the digits at the origin (one worker, d = 64). Without overhead T = 1 is best;
the larger a packet's header, the more entries a message should carry.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import compth as ct
from compth.reporting.plots import COLOURS, STYLE

LINKS: dict[str, Any] = {
    "no overhead": ct.costs.Payload(),
    "LoRaWAN": ct.costs.LINKS["lorawan"].cost,
    "IEEE 802.15.4": ct.costs.LINKS["ieee802154"].cost,
    "TCP on Ethernet": ct.costs.LINKS["ethernet"].cost,
}


def compute() -> dict[str, Any]:
    """Shares by scheme and normalised efficiencies of S by link."""
    problem = ct.problems.ridge("digits", 1)
    g = problem.gradients(np.zeros((1, problem.d)))[0, 0]
    shares = {s: [float(v) for v in ct.tune(g, s, LINKS["no overhead"]).shares] for s in ("S", "S+Q", "SS")}
    links = {}
    for name, cost in LINKS.items():
        found = ct.tune(g, "S", cost)
        curve = np.asarray(found.curve)
        links[name] = {"efficiency": (curve / curve.max()).tolist(), "level": int(found.level)}
    return {"d": problem.d, "shares": shares, "links": links}


NAMES = {"S": "largest entries (S)", "S+Q": "their signs and norm (S+Q)", "SS": "sampled entries (SS)"}


def draw(data: dict[str, Any]) -> Any:
    """Two panels over T."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    levels = np.arange(1, data["d"] + 1)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2)
        for i, (name, share) in enumerate(data["shares"].items()):
            left.plot(levels, share, color=COLOURS[i], linestyle=("-", "--", "-.")[i], label=NAMES[name])
        left.set_ylabel("share of the full improvement")
        left.set_ylim(0, 1.42)
        left.set_yticks(np.arange(0, 1.01, 0.2))
        left.legend(loc="upper left", fontsize=8)
        for i, (name, link) in enumerate(data["links"].items()):
            curve = np.array(link["efficiency"])
            right.plot(levels, curve, color=COLOURS[i], label=name)
            right.plot(link["level"], curve[link["level"] - 1], "o", color=COLOURS[i], markersize=5)
        right.set_ylabel("improvement / cost (best = 1)")
        right.set_ylim(0, 1.42)
        right.set_yticks(np.arange(0, 1.01, 0.2))
        right.legend(loc="upper center", ncols=2, fontsize=8, columnspacing=1.0)
        for panel in (left, right):
            panel.set_xscale("log", base=2)
            panel.set_xticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
            panel.set_xlabel("entries sent T")
    return figure
