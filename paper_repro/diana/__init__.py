"""DIANA: its quantiser, its parameters, and the floor that QSGD and TernGrad keep and it has not."""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import Any

import numpy as np

import compth as ct
from compth import sources
from compth.calculus import alpha_p
from compth.compressors.random_dithering import p_norm
from compth.methods import find_guarantee
from compth.methods.core.schedules import harmonic_values
from compth.methods.diana import block_size, leading_rounds, original_parameters
from compth.reporting.plots import COLOURS, STYLE
from paper_repro._exact import law, relative_error
from paper_repro._mushrooms import available
from paper_repro._papers import Results
from paper_repro.diana import _mushrooms
from paper_repro.diana._statements import statements

SOURCE = sources.DIANA
NORMS = {"1": 1, "2": 2, "inf": inf}
STEPS, TOY_STEPS, TOY_STEP = 1200, 6000, 0.005
REAL: dict[str, Any] = {"dataset": "digits", "workers": 10, "split": "label", "regularisation": 0.1}


def quantiser() -> dict[str, Any]:
    """Definition 1 and Lemmas 1-2 by exact laws, at d = 9 (whole square root)."""
    found: dict[str, Any] = {}
    d = 9
    x = np.array([1.0, -2.0, 0.5, 3.0, 0.25])
    errors, counts = [], []
    for name, p in NORMS.items():
        q = ct.LpQuantization(p)
        worst = max(relative_error(q, v) for v in q.worst_inputs(d))
        found[f"alpha.{name}"] = alpha_p(100, p)
        found[f"alpha_attained.{name}"] = 1 / (1 + worst) / float(alpha_p(d, p))
        norm = float(p_norm(x, p)[0])
        errors.append(relative_error(q, x) * (x @ x) / (np.abs(x).sum() * norm - x @ x))
        sent = sum(float(w) * sum(v != 0 for v in y) for y, w in law(q, x).items())
        counts.append(sent / (np.abs(x).sum() / norm))
    return found | {"lemma2.error": max(errors, key=lambda v: abs(v - 1)), "lemma2.sparsity": max(counts)}


def parameters() -> dict[str, Any]:
    """The recommended alpha and c, the leading complexity, Table 2 and the block sizes, in exact arithmetic."""
    found: dict[str, Any] = {}
    n, kappa, small = 10, 100, Fraction(1, 10)
    alpha, c = original_parameters(1 / small - 1, n)
    found["cor1.alpha"] = alpha / small
    found["cor1.c"] = c * n * small * small / (4 * (1 - small))
    found["cor1.equality"] = (1 + n * c * alpha**2) / (1 + n * c * alpha) - small
    found["cor1.trap"] = (1 + n * c * small**2) / (1 + n * c * small) / small
    found["cor1.leading"] = leading()
    for name, p in NORMS.items():
        found[f"table2.{name}"] = leading_rounds(kappa, n, alpha_p(100, p))
        sizes = [b for b in range(1, 2000) if float(alpha_p(b, p)) >= 1 / n - 1e-12]
        found[f"blocks.{name}"] = sizes[-1] if block_size(n, p) == sizes[-1] else -1
    found["table2.best_n"] = leading_rounds(kappa, 2 * (10 - 1), alpha_p(100, 2))
    return found


def leading() -> Any:
    """1/(gamma mu) of the theorem object at n = 10, kappa = 100, d = 100, p = 2."""
    theorem = ct.methods.theorems()["diana.original"]
    claims = ct.as_fleet(ct.LpQuantization(2)).claims(10, 100)
    return (
        1
        / theorem.plan(
            ct.Constants(10, 100, L=100, mu=1, L_max=100, L_tilde=100, mu_min=1, claims=claims)
        ).gamma
    )


def lemma6(count: int) -> float:
    """Largest a_t over its bound in random runs of a+ = (1 - g mu) a + g^2 N at g_t = 2/(mu t + theta)."""
    rng, worst = np.random.default_rng(6), 0.0
    for _ in range(count):
        mu, noise, start = rng.uniform(0.1, 1), 10 ** rng.uniform(-2, 2), 10 ** rng.uniform(-2, 2)
        theta = max(2 * mu, 10 ** rng.uniform(0, 2))
        bound, a = harmonic_values(mu, theta, noise, start), start
        for t in range(200):
            gamma = 2 / (mu * t + theta)
            a = (1 - gamma * mu) * a + gamma * gamma * noise
            worst = max(worst, a / bound(t + 1))
    return worst


def slips() -> dict[str, Any]:
    """Theorem 11's theta and Theorem 4's missing term, each by exact dynamics."""
    alone = ct.problems.Quadratic(np.diag([1.0, 5.0]), np.zeros(2))
    found = find_guarantee(ct.DCGD(ct.Identity()), alone, "dcgd.no_memory_decreasing")
    half = float(found.plan["theta"]) / 2
    printed = ct.exact(ct.DCGD(ct.Identity(), 2 / half), alone, 1).mean_square
    ours = ct.exact(ct.DCGD(ct.Identity()), alone, 40, theorem="dcgd.no_memory_decreasing").mean_square
    equal = ct.problems.random_quadratic(3, 6, 10, seed=1, hessians=0)
    method = ct.DIANA(ct.RandK(1))
    promise = find_guarantee(method, equal, "diana.nonconvex", x0=equal.x_star)
    still = ct.DIANA(ct.RandK(1), promise.plan.gamma, alpha=promise.plan["alpha"])
    run = ct.exact(still, equal, 30, x0=equal.x_star)
    seen = promise.theorem.trajectory(run)
    return {
        "thm11.theta": float(printed[1] / printed[0] * (alone.mu / half + 1)),
        "thm11.theta_right": max(v / found.rate.bound(t) for t, v in enumerate(ours) if t),
        "thm4.printed": float(seen[10]),
        "thm4.right": max(seen[t] / promise.rate.bound(t) for t in range(1, 31)),
    }


def floors(quick: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """DIANA, QSGD and TernGrad on real data at the steps of their theorems: floors, bounds, curves."""
    problem = ct.problems.ridge(**REAL)
    runs = 16 if quick else 256
    methods = {
        "DIANA, p = 2": (ct.DIANA(ct.LpQuantization(2)), "diana.original"),
        "DIANA, p = inf": (ct.DIANA(ct.LpQuantization(inf)), "diana.original"),
        "QSGD (p = 2)": (ct.DCGD(ct.LpQuantization(2)), "dcgd.no_memory"),
        "TernGrad (p = inf)": (ct.DCGD(ct.TernGrad()), "dcgd.no_memory"),
    }
    curves: dict[str, Any] = {}
    ratios, values = [], {}
    for name, (method, theorem) in methods.items():
        trace = ct.simulate(method, problem, STEPS, runs, seed=1, theorem=theorem)
        found = find_guarantee(method, problem, theorem)
        seen, error = found.theorem.trajectory(trace), found.theorem.error(trace)
        ratios += [(seen[t] - 8 * error[t]) / found.rate.bound(t) for t in range(10, 300, 10)]
        if name.startswith("DIANA"):
            values[f"thm1.{name[-3:].strip(' =')}"] = trace.floor
        else:
            level = float(found.plan.floor) / float(trace.mean_square[0])
            values[f"thm10.{name.split(' ')[0].lower()}"] = trace.floor / level
            values[f"floor.{name.split(' ')[0].lower()}"] = trace.floor
        every = slice(0, STEPS + 1, 10)
        curves[name] = {"bits": trace.bits[every].tolist(),
                        "distance": (trace.mean_square / trace.mean_square[0])[every].tolist()}  # fmt: skip
    constants = {"n": problem.n, "d": problem.d, "kappa": problem.kappa, "L": problem.L, "L_max": problem.L_max,
                 "mu": problem.mu, "zeta2*": problem.zeta2_star}  # fmt: skip
    values["thm1.bound"] = max(ratios)
    return values, {"curves": curves, "problem": {k: float(v) for k, v in constants.items()}}


def rosenbrock() -> tuple[dict[str, Any], dict[str, Any]]:
    """The toy of two workers: mean squared distance to (1, 1), curves from the origin."""
    toy = ct.problems.Rosenbrock()
    methods = {
        "DIANA": ct.DIANA(ct.LpQuantization(2), TOY_STEP),
        "QSGD": ct.DCGD(ct.LpQuantization(2), TOY_STEP),
        "TernGrad": ct.DCGD(ct.TernGrad(), TOY_STEP),
    }
    values, curves = {}, {}
    for name, method in methods.items():
        curves[name] = ct.simulate(method, toy, TOY_STEPS, 32, seed=1).mean_square[::20].tolist()
        if name == "DIANA":
            values["toy.diana"] = curves[name][-1]
        else:  # started at the minimiser; 7 standard errors below the mean
            trace = ct.simulate(method, toy, 1000, 1024, seed=1, x0=np.ones(2))
            values[f"toy.{name.lower()}"] = float(trace.mean_square[-1] - 7 * trace.se_square[-1])
    return values, curves


def blocks() -> dict[str, Any]:
    """Bits to the leading order over those of full vectors, against the block size: d = 10^4, n = 10, kappa = 100."""
    d, n, kappa = 10_000, 10, 100.0
    sizes = sorted(
        {*np.unique(np.geomspace(1, d, 60).astype(int)).tolist(), *(block_size(n, p) for p in NORMS.values())}
    )
    full = 32 * d * float(leading_rounds(kappa, n, 1))
    data: dict[str, Any] = {"size": sizes}
    for name, p in NORMS.items():
        rounds = [float(leading_rounds(kappa, n, alpha_p(b, p))) for b in sizes]
        bits = [float(ct.LpQuantization(p, b).bits(d).total) for b in sizes]
        data[name] = {
            "share": [r * b / full for r, b in zip(rounds, bits, strict=True)],
            "rounds": [r / float(leading_rounds(kappa, n, 1)) for r in rounds],
            "rule": sizes.index(block_size(n, p)),
        }
    return data


def run(quick: bool) -> Results:
    """All targets; --quick takes fewer replicates."""
    real, curves = floors(quick)
    toy, paths = rosenbrock()
    sizes = blocks()
    values = {
        **quantiser(),
        **parameters(),
        "lemma6": lemma6(50 if quick else 2000),
        **slips(),
        **real,
        **toy,
        **statements(),
    }
    share = sizes["2"]["share"]
    values["blocks.gain"] = share[sizes["2"]["rule"]] / min(share)
    figures = {"diana_runs": {**curves, "toy": paths}, "diana_blocks": sizes}
    if available() and not quick:
        seen, figures["diana_mushrooms"] = _mushrooms.compared()
        values |= seen
    return Results(values, figures)


def draw_runs(data: Any) -> Any:
    """Learned differences remove the floor.

    Left: mean squared distance to the solution, relative to its start, against uplink bits per worker: ridge regression
    on the digits (ten workers, split by label, kappa = 11), one-level quantisation, each method at the constant step
    of its theorem. Right: squared distance to (1, 1) on the paper's Rosenbrock toy with two workers, step 0.005: DIANA
    reaches the minimiser, quantised gradients without memory stay at a distance.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        for i, (name, curve) in enumerate(data["curves"].items()):
            shown = np.maximum(curve["distance"], 1e-28)
            label = name.replace("inf", "∞")
            left.plot(curve["bits"], shown, ("-", "--", "-", "--")[i], color=COLOURS[i], label=label)
        for (name, curve), i in zip(data["toy"].items(), (0, 2, 3), strict=True):
            right.plot(
                np.arange(len(curve)) * 20, curve, ("-", "", "-", "--")[i], color=COLOURS[i], label=name
            )
        left.set_xlabel("uplink bits per worker")
        left.ticklabel_format(axis="x", style="sci", scilimits=(0, 0), useMathText=True)
        left.set_ylabel(r"$\mathrm{E}\,\|x_t-x^*\|^2\,/\,\|x_0-x^*\|^2$")
        left.set_ylim(1e-16, 3)
        right.set_xlabel("round t")
        right.set_ylabel(r"$\mathrm{E}\,\|x_t-(1,1)\|^2$")
        for panel in (left, right):
            panel.set_yscale("log")
            panel.legend(fontsize=7)
    return figure


def draw_blocks(data: Any) -> Any:
    """What the block size buys.

    Leading-order rounds (left) and bits (right: two bits an entry and one 32-bit norm a block) relative to DIANA with
    full vectors, against the block size, n = 10, kappa = 100, d = 10^4. Dots mark the rule 1/alpha_p(block) <= n: block
    n, n^2 and (2n - 1)^2 for p = 1, 2, infinity, where all three need 2.8 times the rounds of full vectors. At these
    prices the rule is nearly the cheapest for p = 1, and costs 38 % more than the cheapest block for p = infinity.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        panels = figure.subplots(1, 2)
        for panel, kind in zip(panels, ("rounds", "share"), strict=True):
            for i, name in enumerate(NORMS):
                curve, at = data[name][kind], data[name]["rule"]
                panel.plot(data["size"], curve, ("-", "--", "-.")[i], color=COLOURS[i],
                           label="p = " + name.replace("inf", "∞"))  # fmt: skip
                panel.plot(data["size"][at], curve[at], "o", color=COLOURS[i], markersize=5)
            panel.set_xscale("log")
            panel.set_yscale("log")
            panel.set_xlabel("block size")
        panels[0].set_ylabel("rounds over full vectors'")
        panels[1].set_ylabel("bits over full vectors'")
        panels[0].legend(fontsize=8)
    return figure


FIGURES = {"diana_runs": draw_runs, "diana_blocks": draw_blocks, "diana_mushrooms": _mushrooms.draw}
OPTIONAL = ("diana_mushrooms",)
