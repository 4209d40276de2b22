"""Lesson 5: improvement per bit."""

import marimo

app = marimo.App(width="medium", app_title="bits per improvement")

with app.setup:
    import marimo as mo
    import numpy as np
    from exercise import Exercise, fields, picture, result, sheet  # copy exercise.py with a lesson
    from matplotlib.figure import Figure

    import compth as ct
    from compth.reporting.plots import COLOURS

    SCHEMES = {"S: the largest entries": "S", "S+Q: signs and a norm": "S+Q", "SS: sampled entries": "SS"}
    DIM = 200


@app.cell
def _():
    mo.md(r"""
    # Improvement per bit

    One step along the $T$ largest entries of the gradient improves $f$ by a share $\alpha(T)$ of the full gradient's
    $\|g\|^2/(2L)$. A message costs a fixed part (headers, latency) and a part for each entry. What should one send?
    Not as little as possible: the fixed part is paid each time. The best level maximises improvement *per cost*.
    """)
    return


@app.cell
def _():
    decay = mo.ui.slider(0, 2, step=0.1, value=0.7, label="decay of the entries", show_value=True)
    fixed = mo.ui.slider(
        steps=[0, 64, 256, 1024, 4096, 16384], value=1024, label="fixed bits a message", show_value=True
    )
    scheme = mo.ui.dropdown(list(SCHEMES), value="S: the largest entries", label="scheme")
    mo.hstack([decay, fixed, scheme], justify="start", wrap=True)
    return decay, fixed, scheme


@app.cell
def _(decay, fixed, scheme):
    gradient = np.arange(1, DIM + 1.0) ** -decay.value
    found = ct.tune(gradient, SCHEMES[scheme.value], ct.costs.Payload(1, fixed.value))
    return found, gradient


@app.cell
def _(found, gradient):
    figure = Figure(figsize=(8, 3.4), layout="tight")
    left, right = figure.subplots(1, 2)
    left.loglog(np.arange(1, DIM + 1), gradient, color="0.3")
    left.axvline(found.level, color=COLOURS[1], linestyle="--")
    left.set(xlabel="entry j", ylabel=r"$|g_j|$, sorted", xlim=(1, DIM))
    right.plot(found.levels, found.shares, color=COLOURS[0], label="share of the improvement")
    right.plot(
        found.levels,
        found.curve / found.curve.max(),
        color=COLOURS[1],
        label="improvement per bit (best = 1)",
    )
    right.axvline(found.level, color=COLOURS[1], linestyle="--")
    right.set(xlabel="level T", ylabel="share", xlim=(0, DIM), ylim=(0, 1.05))
    right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1, frameon=False, fontsize=8)
    mo.vstack(
        [
            result(
                f"send T = {found.level} of {DIM}: {float(found.share):.1%} of the improvement "
                f"for {float(found.cost):,.0f} bits"
            ),
            picture(figure),
        ]
    )
    return


@app.cell
def _():
    small = ct.tune(np.array([3.0, 2.0, 1.0]), "S", ct.costs.Affine(1, 0))
    dear = ct.tune(np.array([3.0, 2.0, 1.0]), "S", ct.costs.Affine(1, 100))
    exercises = (
        Exercise(
            "g = (3, 2, 1), each entry costs 1 and a message nothing: how many entries should be sent?",
            float(small.level),
            "Every further entry is smaller, and costs as much.",
        ),
        Exercise(
            "The same with a fixed cost of 100 a message: how many?",
            float(dear.level),
            "The price of the message is now almost the same whatever it holds.",
        ),
        Exercise(
            "Sending only the largest entry of (3, 2, 1): which share of the full improvement is that?",
            float(small.share),
            r"$\alpha(T) = \sum_{j \le T} g_{(j)}^2 / \|g\|^2$.",
        ),
        Exercise(
            "g = (3, 2, 1): which probability does optimal sampling give the entry 1 with an expected number of 1?",
            float(ct.sampling_probabilities(np.array([3.0, 2.0, 1.0]), 1)[2]),
            "Probabilities are proportional to the entries while none exceeds 1.",
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
