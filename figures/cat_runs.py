"""Tuned levels along a run: how many entries each message carries, and what the run costs.

Caption: gradient descent with the T largest entries on ridge regression (digits, one worker), a message of T entries
costing T + 20. Left, the level that tuning chooses at every iteration. Right, f(x) - f* relative to its start against
the cost so far: tuned (solid), fixed levels and full gradients (T = 64). The tuned run costs less than every level
shown; the best fixed one is known only afterwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import compth as ct
from compth.methods import plan_of
from compth.plots import COLOURS, STYLE
from compth.tuning.rules import tune_rows
from compth.tuning.schemes import SCHEMES

PRICE = ct.costs.Affine(1, 20)
FIXED = (1, 4, 16, 64)
STEPS = 600


def path(method: ct.CAT, problem: Any) -> dict[str, list[float]]:
    """Level, cost so far and relative gap at every iteration of one run."""
    rng = np.random.default_rng(0)
    plan = plan_of(method, problem)[0]
    state = method.init(problem, problem.start[None], plan)
    start, spent = float(problem.gap(state.x)[0]), 0.0
    level: list[float] = []
    cost, gap = [0.0], [1.0]
    for t in range(STEPS):
        chosen = method.level or int(tune_rows(problem.gradients(state.x), SCHEMES["S"], PRICE)[0][0, 0])
        state = method.step(problem, state, rng, plan, t)
        spent += float(PRICE(chosen))
        level.append(chosen)
        cost.append(spent)
        gap.append(float(problem.gap(state.x)[0]) / start)
    return {"level": level, "cost": cost, "gap": gap}


def compute() -> dict[str, Any]:
    """Paths of the tuned run and of fixed levels."""
    problem = ct.problems.ridge("digits", 1)
    runs = {"tuned": path(ct.CAT(scheme="S", cost=PRICE), problem)}
    for level in FIXED:
        runs[f"T = {level}"] = path(ct.CAT(scheme="S", cost=PRICE, level=level), problem)
    return {"runs": runs}


def draw(data: dict[str, Any]) -> Any:
    """Levels on the left, loss against cost on the right."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(
            np.arange(len(data["runs"]["tuned"]["level"])), data["runs"]["tuned"]["level"], color=COLOURS[0]
        )
        left.set_xlabel("iteration")
        left.set_ylabel("entries sent T")
        left.set_ylim(0, None)
        most = max(data["runs"]["tuned"]["cost"])
        for i, (name, run) in enumerate(data["runs"].items()):
            style: Any = "-" if i == 0 else ("--", "-.", ":", (0, (5, 1)))[i - 1]
            right.plot(
                run["cost"], np.maximum(run["gap"], 1e-16), color=COLOURS[i], linestyle=style, label=name
            )
        right.set_xlim(0, most)
        right.set_ylim(1e-8, 2)
        right.set_yscale("log")
        right.set_xlabel("cost so far (entries + 20 a message)")
        right.set_ylabel(r"$(f(x)-f^*)/(f(x_0)-f^*)$")
        right.legend(fontsize=8)
    return figure
