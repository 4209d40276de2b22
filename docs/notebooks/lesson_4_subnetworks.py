"""Lesson 4: the bias of independent subnetwork training."""

import marimo

app = marimo.App(width="medium", app_title="subnetworks")

with app.setup:
    import marimo as mo
    import numpy as np
    from exercise import Exercise, fields, picture, result, sheet  # copy exercise.py with a lesson
    from matplotlib.figure import Figure

    import compth as ct
    from compth.reporting.plots import COLOURS

    DIM, WORKERS, STEPS = 5, 2, 800


@app.cell
def _():
    mo.md(r"""
    # The bias of independent subnetwork training

    Each worker trains a random submodel: with a sketch $S$ it sees $Sx$ and returns $S\,\nabla f(Sx)$, the same $S$
    twice. On $f(x) = \tfrac12 x^\top A x - b^\top x$ that is $SASx - Sb$. The sketch is unbiased, $E\,S = I$, but
    $E[SAS] \ne A$: the method converges, in the mean, to $(E[SAS])^{-1}b$ and not to $A^{-1}b$. No step size
    removes this bias; only $b = 0$ (interpolation) or full models do. Means below are exact.
    """)
    return


@app.cell
def _():
    k = mo.ui.slider(1, DIM, step=1, value=3, label="coordinates in a submodel k", show_value=True)
    kappa = mo.ui.slider(steps=[1, 2, 5, 10], value=5, label="condition number κ", show_value=True)
    gamma = mo.ui.slider(steps=[0.02, 0.05, 0.1], value=0.05, label="step size γ", show_value=True)
    mo.hstack([k, kappa, gamma], justify="start", wrap=True)
    return gamma, k, kappa


@app.cell
def _():
    def limit(problem, k):
        """(E[SAS])^{-1} b: what the mean iterate converges to, from the sketch's inclusion probabilities."""
        twice = problem.hessian + ct.RandK(k).noise(problem.d).own(problem.hessian)
        return np.linalg.solve(twice.astype(float), problem.b.mean(axis=0))

    return (limit,)


@app.cell
def _(gamma, k, kappa, limit):
    problem = ct.problems.random_quadratic(WORKERS, DIM, kappa.value, seed=4, hessians=0.0, minimisers=0.0)
    run = ct.exact(ct.IST(ct.RandK(k.value), gamma=gamma.value), problem, 120)
    biased = limit(problem, k.value)
    away = float(np.linalg.norm(biased - problem.x_star) / np.linalg.norm(problem.x_star))
    return away, biased, problem, run


@app.cell
def _(away, biased, problem, run):
    figure = Figure(figsize=(8, 3.4), layout="tight")
    left, right = figure.subplots(1, 2)
    at = np.arange(problem.d)
    left.bar(at - 0.2, problem.x_star, 0.4, color=COLOURS[0], label=r"solution $A^{-1}b$")
    left.bar(at + 0.2, biased, 0.4, color=COLOURS[1], label=r"limit of IST, $(E[SAS])^{-1}b$")
    left.set(xlabel="coordinate j", ylabel="value")
    left.set_xticks(at, at + 1)
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1, frameon=False, fontsize=8)
    distance = np.linalg.norm(run.mean - problem.x_star, axis=1) / np.linalg.norm(problem.x_star)
    to_limit = np.linalg.norm(run.mean - biased, axis=1) / np.linalg.norm(problem.x_star)
    right.semilogy(distance, color=COLOURS[0], label="of the mean iterate to the solution")
    right.semilogy(np.maximum(to_limit, 1e-17), color=COLOURS[1], label="of the mean iterate to the limit")
    right.set(xlabel="round t", ylabel=r"distance / $\|x^\star\|$", xlim=(0, distance.size - 1))
    right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1, frameon=False, fontsize=8)
    mo.vstack(
        [
            result(f"the limit misses the solution by {away:.2%} of its length"),
            picture(figure),
        ]
    )
    return


@app.cell
def _(limit):
    diagonal = ct.problems.distributed_quadratic(np.diag([1.0, 2.0, 3.0, 4.0])[None], np.ones((1, 4)))
    hard = ct.problems.random_quadratic(WORKERS, DIM, 5.0, seed=4, hessians=0.0, minimisers=0.0)
    long_run = ct.exact(ct.IST(ct.RandK(2), gamma=0.02), diagonal, STEPS).mean[-1]
    exercises = (
        Exercise(
            "A is diagonal, d = 4, k = 2. By which factor is every coordinate of the limit too short?",
            float((limit(diagonal, 2) / diagonal.x_star)[0]),
            r"$E[SAS]_{jj} = A_{jj}/p$ with $p = k/d$.",
        ),
        Exercise(
            "The same with k = 1: the factor?",
            float((limit(diagonal, 1) / diagonal.x_star)[0]),
            "Only p changes.",
        ),
        Exercise(
            "How far is the limit from the solution when every submodel is the whole model?",
            float(np.linalg.norm(limit(hard, DIM) - hard.x_star).round(12)),
            "Then S = I.",
        ),
        Exercise(
            "A = diag(1, 2, 3, 4), b = (1, 1, 1, 1), k = 2: what is the first coordinate of E x_t for large t?",
            float(long_run[0]),
            "Solution times factor.",
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
