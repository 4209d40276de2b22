"""CAT: descent per message, the tuning rule and its structure, cost models, bits to accuracy on real data."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

import compth as ct
from compth import sources
from compth.reporting.plots import COLOURS, STYLE
from compth.tuning.probabilities import expected_curvature, quadratic_probabilities
from paper_repro._papers import Results
from paper_repro.cat._sparse import abstracts, draw_sparse, savings

SOURCE = sources.CAT
Array = Any
ETHERNET = ct.costs.LINKS["ethernet"].cost
SETS = ("digits", "breast_cancer", "diabetes", "wine")


def shares(g: Any, scheme: str) -> list[Any]:
    """alpha(T), beta(T) or omega*(T) at T = 1..d."""
    return list(ct.tune(g, scheme, ct.costs.Affine(1, 1)).shares)


def golden() -> dict[str, Any]:
    """g = (3, 2, 1) in fractions: shares, levels and efficiencies."""
    g = [Fraction(v) for v in (3, 2, 1)]
    tuned = [ct.tune(g, "S", ct.costs.Affine(1, c)) for c in (0, 1, 5, 20)]
    return {
        "golden.alpha": shares(g, "S"),
        "golden.beta": shares(g, "S+Q"),
        "golden.omega": shares(g, "SS"),
        "golden.levels": [t.level for t in tuned],
        "golden.efficiency": [float(t.share / t.cost) for t in tuned[1:]],
    }


def spike() -> dict[str, Any]:
    """g = (10, 1, ..., 1), d = 300: beta is not unimodal, so a greedy stop fails."""
    g = np.r_[10.0, np.ones(299)]
    beta = np.array(shares(g, "S+Q"))
    tuned = ct.tune(g, "S+Q", ct.costs.Affine(1, 1000))
    efficiency = beta / (np.arange(1, 301) + 1000)
    first = int(np.argmax(np.diff(efficiency) < 0))
    return {
        "beta.values": [float(beta[0]), float(beta.min()), float(beta[-1])],
        "beta.lowest": int(beta.argmin()) + 1,
        "beta.greedy": float(efficiency[first] / efficiency.max()),
        "beta.chosen": tuned.level,
    }


def descent(quick: bool) -> dict[str, Any]:
    """Lemmas (S), (S+Q), (SS): largest decrease promised over decrease had, on quadratics; equality when isotropic."""
    rng = np.random.default_rng(0)
    worst = {"S": 0.0, "S+Q": 0.0, "SS": 0.0}
    equal = 0.0
    for _ in range(20 if quick else 200):
        q = ct.problems.random_quadratic(1, 12, 20.0, seed=int(rng.integers(1 << 30)))
        x = rng.standard_normal(12)
        g = q.gradient(x)
        for level in (1, 4, 9):
            for scheme in worst:
                tuned = ct.tune(g, scheme, ct.costs.Affine(1, 1), L=q.L)
                share = float(tuned.shares[level - 1])
                had = progress(q, x, g, scheme, level, share)
                worst[scheme] = max(worst[scheme], share * float(g @ g) / (2 * q.L) / had)
            ball = ct.problems.distributed_quadratic(np.eye(12)[None], np.zeros((1, 12)))
            share = float(shares(x, "S")[level - 1])
            equal = max(equal, abs(progress(ball, x, x, "S", level, share) / (share * float(x @ x) / 2) - 1))
    return {
        "lemma.s": worst["S"],
        "lemma.sq": worst["S+Q"],
        "lemma.ss": worst["SS"],
        "lemma.equality": equal,
        "lemma.worst_case": shares([Fraction(1)] * 4, "S"),
    }


def progress(q: Any, x: Array, g: Array, scheme: str, level: int, share: float) -> float:
    """f(x) - E f(x - gamma Q) at the lemma's step; for SS exactly, from E[Q'AQ]."""
    if scheme == "SS":
        p = ct.sampling_probabilities(g, level)
        gamma = share / q.L
        return float(gamma * (g @ g) - gamma**2 / 2 * expected_curvature(g, q.A[0], p))
    order = np.argsort(-np.abs(g))[:level]
    Q = np.zeros(len(g))
    Q[order] = g[order] if scheme == "S" else np.sign(g[order]) * np.linalg.norm(g)
    gamma = 1 / q.L if scheme == "S" else np.sqrt(share / level) / q.L
    return float(q.gap(x) - q.gap(x - gamma * Q))


def complexity() -> dict[str, Any]:
    """Top-3 on a diagonal quadratic, d = 20, kappa = 50: iterations to 1e-6 against the bound."""
    h = np.geomspace(1 / 50, 1.0, 20)
    q = ct.problems.distributed_quadratic(np.diag(h)[None], np.zeros((1, 20)))
    x = np.ones(20)
    start, smallest, k = float(q.gap(x)), 1.0, 0
    while q.gap(x) > 1e-6 * start:
        g = q.gradient(x)
        smallest = min(smallest, float(shares(g, "S")[2]))
        x = x - ct.TopK(3).compress(g) / q.L
        k += 1
    return {"thm.iterations": float(k * smallest / (50 * np.log(1e6)))}


def structure(quick: bool) -> dict[str, Any]:
    """Packets, overhead and hardware numbers."""
    rng = np.random.default_rng(3)
    off, one, worse = 0, 0, 0.0
    for _ in range(100 if quick else 2000):
        g = np.exp(1.5 * rng.standard_normal(40))
        level = ct.tune(g, "S", ct.costs.Packet(7, 3, 2)).level
        off += level % 7 != 0 and level != 40
        one += ct.tune(g, "S", ct.costs.Affine(1, 0)).level != 1
        A = np.diag(np.exp(rng.standard_normal(40)))
        own, plain = quadratic_probabilities(g, np.diag(A), 10.0), ct.sampling_probabilities(g, 10)
        worse = max(worse, float(expected_curvature(g, A, own) / expected_curvature(g, A, plain)))
    sizes, packet = (47236, 3231961), ct.costs.BitPacket(8 * 512)
    return {
        "prop.multiples": off,
        "prop.no_overhead": one,
        "sec6.curvature": worse,
        "wire.entries": [*(ct.TopK(1).bits(d).total for d in sizes), *(packet.elements(d) for d in sizes)],
    }


def compared(q: Any, levels: tuple[int, ...], **named: Any) -> Any:
    """Tuned levels, fixed ones and full gradients on one data set."""
    return ct.compare_levels(q, "S", levels=levels, steps=2500, runs=1, **named)


def real(quick: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Bits (or bits on an Ethernet wire) to a relative squared distance of 1e-3: tuned, best fixed level, full."""
    found: dict[str, Any] = {}
    same_step = []
    for name in SETS[2:] if quick else SETS:
        q = ct.problems.ridge(name, 1)
        plain, best_step = (
            ct.simulate(ct.GD(g), q, 2500, 1).rounds_to(1e-3) for g in (1 / q.L, 2 / (q.L + q.mu))
        )
        for link, cost in (("wire", ETHERNET), ("payload", None)):
            named = {} if cost is None else {"cost": cost, "currency": "cost"}
            runs = compared(q, (2, 4, 8, 16, 32)[: int(np.log2(q.d))], **named)
            found[f"{name}, {link}"] = {
                "full": runs.full,
                "tuned": runs.tuned,
                "fixed": None if runs.hindsight is None else runs.hindsight[1],
            }
            if link == "wire" and plain and best_step and runs.full and runs.tuned:
                same_step.append(runs.full * plain / best_step / runs.tuned)
    regret = max(v["tuned"] / v["fixed"] for k, v in found.items() if k.endswith("wire"))
    best = max(v["full"] / v["tuned"] for v in found.values() if v["tuned"])
    small = found["diabetes, payload"]
    values = {
        "real.regret": regret,
        "real.same_step": min(same_step),
        "real.orders": best,
        "real.diabetes": small["full"] / small["tuned"],
    }
    return values, found


def efficiency() -> dict[str, Any]:
    """Shares and efficiencies along a run on breast cancer: at the start and after 100 rounds of GD."""
    q = ct.problems.ridge("breast_cancer", 1)
    x = np.zeros(q.d)
    out: dict[str, Any] = {}
    for label in ("round 0", "round 100"):
        g = q.gradient(x)
        curve = np.array(ct.tune(g, "S", ETHERNET).curve)
        out[label] = {s: [float(v) for v in shares(g, s)] for s in ("S", "S+Q", "SS")}
        out[label]["efficiency"] = (curve / curve.max()).tolist()
        for _ in range(100):
            x = x - q.gradient(x) / q.L
    return out


def run(quick: bool) -> Results:
    """All targets; --quick leaves the two larger data sets out."""
    values, bits = real(quick)
    data = {"efficiency": efficiency(), "bits": bits}
    sparse, curves, levels = savings(quick)
    values |= {**sparse, **abstracts(levels)}
    values |= {**golden(), **spike(), **descent(quick), **complexity(), **structure(quick)}
    return Results(values, {"cat": data, "cat_sparse": curves})


def draw(data: Any) -> Any:
    """What a message buys on real data, and what tuning saves.

    Left: share of the full step's improvement against entries sent T for breast cancer (one worker, d = 30) at the
    start (solid) and after 100 rounds (dotted): largest entries (S), their signs and the norm (S+Q), sampling (SS).
    Right: cost to a relative squared distance of 1e-3 on scikit-learn's sets relative to full gradients, in bits on an
    Ethernet wire and in payload bits; bars that are missing did not get there in 2500 rounds.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.3), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
        for line, (label, held) in zip(("-", ":"), data["efficiency"].items(), strict=True):
            for i, scheme in enumerate(("S", "S+Q", "SS")):
                T = range(1, len(held[scheme]) + 1)
                left.plot(T, held[scheme], line, color=COLOURS[i], label=scheme if line == "-" else None)
            del label
        left.set_xlabel("entries sent T")
        left.set_ylabel("share of the improvement")
        left.set_ylim(0, 1.03)
        left.legend(fontsize=7, loc="lower right")
        names = list(data["bits"])
        y = np.arange(len(names))[::-1]
        for i, kind in enumerate(("tuned", "fixed")):
            values = [v[kind] / v["full"] if v[kind] else 0 for v in data["bits"].values()]
            label = "tuned" if kind == "tuned" else "best fixed T (hindsight)"
            right.barh(y + 0.2 - 0.4 * i, values, 0.38, color=COLOURS[i], label=label)
        right.axvline(1, color="0.4", linestyle="--", linewidth=1)
        right.set_yticks(y, [n.replace("_", " ") for n in names], fontsize=7)
        right.set_xlabel("cost / cost of full gradients")
        right.grid(axis="y", visible=False)
        figure.legend(*right.get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=7)
    return figure


FIGURES = {"cat": draw, "cat_sparse": draw_sparse}
