"""Lesson 2: why DCGD has a floor and DIANA does not."""

import marimo

app = marimo.App(width="medium", app_title="floors")

with app.setup:
    import marimo as mo
    import numpy as np
    from exercise import Exercise, fields, picture, result, sheet  # copy exercise.py with a lesson
    from matplotlib.figure import Figure

    import compth as ct
    from compth.reporting.plots import COLOURS

    WORKERS, DIM, KAPPA, SEED = 4, 8, 5.0, 11


@app.cell
def _():
    mo.md(r"""
    # Why DCGD has a floor and DIANA does not

    Workers disagree: at the solution $\nabla f_i(x^\star) \ne 0$, only the mean vanishes. DCGD compresses those
    gradients themselves, so its noise never dies: $E\|x_t-x^\star\|^2$ stalls at a floor of order $\gamma$. DIANA
    compresses the *difference* to a learned shift $h_i \to \nabla f_i(x^\star)$, and the noise dies with it. The
    curves below are exact expectations, not samples.
    """)
    return


@app.cell
def _():
    gamma = mo.ui.slider(
        steps=[0.02, 0.04, 0.08, 0.16, 0.24], value=0.08, label="step size γ", show_value=True
    )
    k = mo.ui.slider(1, DIM, step=1, value=4, label="coordinates kept k", show_value=True)
    spread = mo.ui.slider(0, 2, step=0.25, value=1, label="disagreement of the workers", show_value=True)
    mo.hstack([gamma, k, spread], justify="start", wrap=True)
    return gamma, k, spread


@app.cell
def _(gamma, k, spread):
    problem = ct.problems.random_quadratic(WORKERS, DIM, KAPPA, seed=SEED, minimisers=spread.value)
    methods = {
        "DCGD": ct.DCGD(ct.RandK(k.value), gamma=gamma.value),
        "DIANA": ct.DIANA(ct.RandK(k.value), gamma=gamma.value),
    }
    curves = {label: ct.exact(m, problem, 400).mean_square for label, m in methods.items()}
    rest = ct.stationary(methods["DCGD"], problem)
    floor = rest.mean_square if rest.converged or np.isinf(rest.mean_square) else np.nan
    return curves, floor, problem


@app.cell
def _(curves, floor, problem):
    figure = Figure(figsize=(4.8, 3.4), layout="tight")
    axes = figure.subplots()
    for colour, (label, values) in zip(COLOURS, curves.items(), strict=False):
        axes.semilogy(np.maximum(values / values[0], 1e-30), color=colour, label=label)
    start = curves["DCGD"][0]
    if 1e-20 < floor < np.inf:
        axes.axhline(floor / start, color="0.5", linestyle=":", label="DCGD's exact floor")
    axes.set(xlabel="round t", ylabel=r"$E\|x_t-x^\star\|^2\,/\,\|x_0-x^\star\|^2$", xlim=(0, 400))
    axes.set_ylim(bottom=max(1e-16, axes.get_ylim()[0]), top=min(1e3, axes.get_ylim()[1]))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize=8)
    shown = "none" if floor < 1e-20 * start else "it diverges" if np.isinf(floor) else f"{floor / start:.3e}"
    shown = "not found" if np.isnan(floor) else shown
    mo.vstack(
        [
            result(f"DCGD's floor: {shown}; ζ*² = mean ‖∇f_i(x*)‖² = {problem.zeta2_star:.3g}"),
            picture(figure),
        ]
    )
    return


@app.cell
def _():
    def floor_at(step, minimisers=1.0, kind=ct.DCGD):
        q = ct.problems.random_quadratic(WORKERS, DIM, KAPPA, seed=SEED, minimisers=minimisers)
        return ct.stationary(kind(ct.RandK(4), gamma=step), q).mean_square

    exercises = (
        Exercise(
            "By which factor does DCGD's floor change when a small step is halved?",
            floor_at(0.0005) / floor_at(0.001),
            r"Each round adds noise of order $\gamma^2$ and removes a share of order $\gamma$.",
        ),
        Exercise(
            "The workers' minimisers move twice as far apart. By which factor does DCGD's floor grow?",
            floor_at(0.08, 2.0) / floor_at(0.08, 1.0),
            r"The noise is proportional to $\zeta_\star^2$, a mean of *squared* norms.",
        ),
        Exercise(
            "What is DCGD's floor when every worker has the same minimiser?",
            floor_at(0.08, 0.0),
            "What is left to compress at the solution?",
        ),
        Exercise(
            "What is DIANA's floor, whatever the disagreement?",
            round(floor_at(0.08, 1.0, ct.DIANA), 12),
            "At its limit, the differences that DIANA compresses are zero.",
        ),
    )
    answers = fields(exercises)
    return answers, exercises


@app.cell
def _(answers, exercises):
    sheet(exercises, answers)
    return


if __name__ == "__main__":
    app.run()
