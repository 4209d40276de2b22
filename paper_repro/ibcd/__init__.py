"""Independent blocks: the tau = 1/n rule on the paper's toy quadratic, and what learned shifts add on other data."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

import compth as ct
from compth import sources
from compth.methods import find_guarantee
from compth.methods.ibcd import tau_table
from compth.reporting.plots import COLOURS, STYLE
from paper_repro._mushrooms import available
from paper_repro._papers import Results
from paper_repro.ibcd import _mushrooms
from paper_repro.ibcd._statements import statements

SOURCE = sources.IBCD
N, D, EPS = 10, 20, 1e-6
TAUS = (Fraction(1, 20), Fraction(1, 10), Fraction(1, 5), Fraction(1, 2), Fraction(1))
REAL: dict[str, Any] = {"dataset": "diabetes", "workers": 5, "split": "kmeans", "regularisation": 0.1}


def constants(**changes: Any) -> ct.Constants:
    """n = 10, L = 1, kappa = 100, a shared minimiser, exact numbers."""
    given = {"n": N, "d": D, "L": 1, "mu": Fraction(1, 100), "L_max": 1, "L_tilde": 1, "mu_min": 0}
    return ct.Constants(**{**given, **changes})


def rule() -> dict[str, Any]:
    """Theorem 1, Corollary 1 and the table of tau, from the theorem objects in exact arithmetic."""
    by_id: Any = ct.methods.theorems()
    theorem = by_id["ibcd.interpolation"]
    knee = theorem.plan(constants(params={"tau": Fraction(1, N)}))
    full = theorem.plan(constants(params={"tau": Fraction(1)}))
    rows = tau_table(N, TAUS)
    sharp = by_id["ibcd.sharp"].plan(constants(params={"tau": Fraction(1, N)}))
    isega = by_id["isega.linear"].plan(constants(params={"alpha": Fraction(1, N)}))
    shared = {"n": 30, "params": {"tau": Fraction(1, N), "workers": N}}  # 30 components
    isaga = [
        by_id["isaga.shared"].plan(constants(mu=mu, **shared)) for mu in (Fraction(1, 100), Fraction(1, 4))
    ]
    return {
        "thm1.step": knee.gamma,
        "thm1.rate": (1 - knee.rho) * 100,
        "cor1.factor": (1 - full.rho) / (1 - knee.rho),
        "cor1.any_n": max(float(tau_table(n, [Fraction(1, n)])[0].iterations_paper) for n in range(1, 2000)),
        "sharp.factor": Fraction(1, 100) / (1 - sharp.rho),
        "tau.iterations": [r.iterations for r in rows],
        "tau.iterations_paper": [r.iterations_paper for r in rows],
        "tau.traffic": [r.traffic for r in rows],
        "isega.step": isega.gamma,
        "isaga.step": isaga[0].gamma,
        "isaga.rate": [1 - plan.rho for plan in isaga],
    }


def rounds(square: Any) -> int:
    """First round with E||x_t - x*||^2 <= eps ||x_0 - x*||^2 (-1: none)."""
    below = np.flatnonzero(square <= EPS * square[0])
    return int(below[0]) if below.size else -1


def toy() -> tuple[dict[str, Any], dict[str, Any]]:
    """The toy quadratic by exact second moments: rounds and floats sent at the paper's steps, bounds."""
    problem = ct.problems.ibcd_toy(N, D)
    curves: dict[str, Any] = {}
    needed, ratios = {}, []
    for tau in TAUS:
        found = find_guarantee(ct.IBCD(tau=tau), problem, "ibcd.interpolation")
        run = ct.exact(ct.IBCD(tau=tau, gamma=found.plan.gamma), problem, 800)
        ratios.append(max(v / found.rate.bound(t) for t, v in enumerate(run.mean_square) if t))
        needed[tau] = rounds(run.mean_square)
        if tau in (TAUS[0], TAUS[1], TAUS[-1]):
            curves[f"τ = {tau}"] = {"floats": float(tau * D), "distance": relative(run.mean_square)}
    descent = ct.exact(ct.GD(1 / problem.L), problem, 800).mean_square
    curves["GD, step 1/L"] = {"floats": float(D), "distance": relative(descent)}
    tau = Fraction(1, N)
    whole = ct.IBGD(tau=tau, gamma=find_guarantee(ct.IBCD(tau=tau), problem, "ibcd.interpolation").plan.gamma)
    found = find_guarantee(whole, problem, "ibcd.interpolation")
    square = ct.exact(whole, problem, 300).mean_square
    one = needed[Fraction(1)]
    values = {
        "toy.bound": max(ratios),
        "toy.iterations": needed[tau] / one,
        "toy.traffic": float(tau) * needed[tau] / one,
        "toy.gd": rounds(descent) / one,
        "thm_ibgd.bound": max(v / found.rate.bound(t) for t, v in enumerate(square) if t),
    }
    table = {"tau": [float(t) for t in TAUS], "rounds": [needed[t] / one for t in TAUS],
             "formula": [float(r.iterations_paper) for r in tau_table(N, TAUS)]}  # fmt: skip
    return values, {"curves": curves, "tau": table}


def relative(square: Any) -> list[float]:
    """The curve over its start."""
    return [float(v) for v in square / square[0]]


def bounded(method: Any, problem: Any, theorem: str, steps: int) -> tuple[float, Any]:
    """Largest exact value over its bound, and the exact run."""
    found = find_guarantee(method, problem, theorem)
    run = ct.exact(method, problem, steps, theorem=theorem)
    seen = found.theorem.trajectory(run)
    return max(float(seen[t]) / found.rate.bound(t) for t in range(1, steps + 1)), run


def heterogeneous() -> tuple[dict[str, Any], dict[str, Any]]:
    """Real data without a shared minimiser: ISEGA, IBCD at a constant step, ISGD's decreasing steps."""
    problem = ct.problems.ridge(**REAL)
    tau = Fraction(1, problem.n)
    ratio, learned = bounded(ct.ISEGA(tau=tau), problem, "isega.linear", 2000)
    decreasing, slow = bounded(ct.IBCD(tau=tau), problem, "isgd.decreasing", 2000)
    gamma = find_guarantee(ct.IBCD(tau=tau), problem, "isgd.decreasing").plan.gamma
    constant = ct.exact(ct.IBCD(tau=tau, gamma=gamma), problem, 2000)
    same = ct.exact(ct.DIANA(ct.RandK(problem.d // problem.n), learned.plan.gamma, alpha=tau), problem, 200)
    equal = ct.problems.random_quadratic(4, 6, 50, seed=2, hessians=0)
    sums = ct.problems.random_finite_sum(1, 4, 2, 10, seed=1, minimisers=1.0)
    saga, _ = bounded(ct.ISAGA(workers=2, tau=Fraction(1, 2)), sums, "isaga.shared", 150)
    growth, _ = bounded(ct.IASGD(tau=Fraction(1, 3)), equal, "iasgd.growth", 300)
    shared = ct.problems.random_quadratic(4, 6, 50, seed=2, hessians=0, interpolation=True)
    fast: Any = find_guarantee(ct.IASGD(tau=Fraction(1, 3)), shared, "iasgd.growth").plan
    rho = 1 + (1 / 4) * (3 - 1)  # 1 + (r/n)(1/tau - 1), r = 1 for equal Hessians
    curves = {"ISEGA": learned, "IBCD, constant step": constant, "ISGD, decreasing steps": slow}
    every = range(0, 2001, 10)
    values = {
        "isega.bound": ratio,
        "isega.end": float(learned.mean_square[-1] / learned.mean_square[0]),
        "ibcd.floor": float(constant.mean_square[-1] / constant.mean_square[0]),
        "thm4.bound": decreasing,
        "thm4.below": float(slow.mean_gap[-1] / constant.mean_gap[-1]),
        "isega.diana": float(np.abs(same.mean_square / learned.mean_square[:201] - 1).max()),
        "thm6.bound": growth,
        "isaga.bound": saga,
        "cor6.rounds": float(1 / (1 - fast.rho) / (rho * np.sqrt(shared.kappa))),
    }
    found = {"kappa": problem.kappa, "L": problem.L, "L_max": problem.L_max, "zeta2*": problem.zeta2_star}
    return values, {
        "round": list(every),
        "curves": {k: [float(v.mean_square[t] / v.mean_square[0]) for t in every] for k, v in curves.items()},
        "problem": {"n": problem.n, "d": problem.d, **{k: float(v) for k, v in found.items()}},
    }


def run(quick: bool) -> Results:
    """Exact but for the mushrooms, which the full run alone has, and only where the data are."""
    values, data = toy()
    more, real = heterogeneous()
    values |= {**rule(), **more, **statements()}
    figures = {"ibcd_toy": data, "ibcd_real": real}
    if available() and not quick:
        seen, figures["ibcd_mushrooms"] = _mushrooms.compared()
        values |= seen
    return Results(values, figures)


def draw_toy(data: Any) -> Any:
    """99 % of the communication is not needed: the paper's toy quadratic (n = 10, d = 20), exact expectations.

    E||x_t - x*||^2 relative to its start against rounds (left) and floats sent per worker (middle), each at the step of
    Theorem 1; gradient descent at 1/L beside them, since tau = 1 there is gradient descent at half that step. Right:
    rounds to 10^-6 over those of tau = 1, exact (dots) and by the theorem (dashed): tau = 1/n = 0.1 costs less than
    three times the rounds.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.4, 3.1), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        for i, (name, curve) in enumerate(data["curves"].items()):
            y = np.array(curve["distance"])
            t, style = np.arange(len(y)), ("-", "--", "-.", ":")[i]
            left.plot(t, y, style, color=COLOURS[i], label=name)
            middle.plot(t * curve["floats"], y, style, color=COLOURS[i])
        left.set_xlim(0, 160)
        middle.set_xlim(0, 800)
        for panel in (left, middle):
            panel.set_yscale("log")
            panel.set_ylim(1e-10, 2)
        left.set_xlabel("round t")
        middle.set_xlabel("floats sent per worker")
        left.set_ylabel(r"$\mathrm{E}\,\|x_t-x^*\|^2\,/\,\|x_0-x^*\|^2$")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=4, fontsize=8)
        tau = data["tau"]
        right.plot(tau["tau"], tau["formula"], "--", color="0.4", label="Theorem 1")
        right.plot(tau["tau"], tau["rounds"], "o", color=COLOURS[0], label="exact")
        right.axvline(1 / N, color=COLOURS[1], linewidth=1)
        right.annotate(
            "τ = 1/n", (1 / N, 4.6), (4, 0), textcoords="offset points", fontsize=8, color=COLOURS[1]
        )
        right.set_xscale("log")
        right.set_xlabel("share of blocks τ")
        right.set_ylabel("rounds over those of τ = 1")
        right.set_ylim(0, None)
        right.legend(fontsize=7)
    return figure


def draw_real(data: Any) -> Any:
    """Without a shared minimiser blocks alone stop at a floor; learned shifts do not.

    E||x_t - x*||^2 relative to its start, exact: ridge regression on the diabetes data (five workers by k-means,
    d = 10, kappa = 11), tau = 1/n. ISEGA at the step of its theorem; IBCD at the first of ISGD's steps, kept constant
    or decreasing as in Theorem 4.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.0), layout="constrained")
        axes = figure.subplots()
        for i, (name, curve) in enumerate(data["curves"].items()):
            axes.plot(data["round"], curve, ("-", "--", "-.")[i], color=COLOURS[i], label=name)
        axes.set_yscale("log")
        axes.set_xlabel("round t")
        axes.set_ylabel(r"$\mathrm{E}\,\|x_t-x^*\|^2\,/\,\|x_0-x^*\|^2$")
        axes.legend(fontsize=8)
    return figure


FIGURES = {"ibcd_toy": draw_toy, "ibcd_real": draw_real, "ibcd_mushrooms": _mushrooms.draw}
OPTIONAL = ("ibcd_mushrooms",)
