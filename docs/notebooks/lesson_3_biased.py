"""Lesson 3: why Top-K diverges, and what EF, EF21 and induced compressors do."""

import marimo

app = marimo.App(width="medium", app_title="biased compressors")

with app.setup:
    import marimo as mo
    import numpy as np
    from exercise import Exercise, fields, picture, result, sheet  # copy exercise.py with a lesson
    from matplotlib.figure import Figure

    import compth as ct
    from compth.reporting.plots import COLOURS

    PROBLEM = ct.problems.top1_divergence()
    START = np.ones(3)


@app.cell
def _():
    mo.md(r"""
    # Why Top-K diverges, and three cures

    Three workers in three dimensions, $f_i(x) = \langle a_i,x\rangle^2 + \|x\|^2/4$ with $a_1 = (-3,2,2)$ and so on.
    All have the minimiser 0. At $x=(t,t,t)$ each worker's largest entry points the *wrong way* for the mean, so DCGD
    with Top-1 grows at every step, however small the step is. **EF** adds what was not sent to the next message,
    **EF21** sends the compressed change of its estimate, **Induced** adds an unbiased compressor of what Top-1 left.
    """)
    return


@app.cell
def _():
    gamma = mo.ui.slider(
        steps=[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1], value=0.05, label="step size γ", show_value=True
    )
    steps = mo.ui.slider(50, 600, step=50, value=300, label="rounds", show_value=True)
    mo.hstack([gamma, steps], justify="start", wrap=True)
    return gamma, steps


@app.cell
def _(gamma, steps):
    methods = {
        "DCGD, Top-1": ct.DCGD(ct.TopK(1), gamma=gamma.value),
        "EF, Top-1": ct.EF(ct.TopK(1), gamma=gamma.value),
        "EF21, Top-1": ct.EF21(ct.TopK(1), gamma=gamma.value),
        "DCGD, Induced(Top-1, Rand-1)": ct.DCGD(ct.Induced(ct.TopK(1), ct.RandK(1)), gamma=gamma.value),
    }
    traces = {
        label: ct.simulate(m, PROBLEM, steps.value, 64 if "Rand" in label else 1, seed=0, x0=START)
        for label, m in methods.items()
    }
    return (traces,)


@app.cell
def _(traces):
    figure = Figure(figsize=(4.8, 3.4), layout="tight")
    axes = figure.subplots()
    for colour, dashes, (label, trace) in zip(COLOURS, ("-", "-", "--", ":"), traces.items(), strict=False):
        values = trace.mean_square / trace.mean_square[0]
        shown = np.where(np.isfinite(values), values, np.nan)
        axes.semilogy(shown, dashes, color=colour, linewidth=2, label=label)
    axes.set(xlabel="round t", ylabel=r"$E\|x_t-x^\star\|^2\,/\,\|x_0-x^\star\|^2$")
    axes.set_xlim(0, axes.lines[0].get_xdata()[-1])
    axes.set_ylim(bottom=max(1e-16, axes.get_ylim()[0]), top=min(1e8, axes.get_ylim()[1]))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=8)
    grown = traces["DCGD, Top-1"].mean_square
    mo.vstack(
        [
            result(
                f"DCGD with Top-1 multiplies the distance by {np.sqrt(grown[1] / grown[0]):.6f} in the first round"
            ),
            picture(figure),
        ]
    )
    return


@app.cell
def _():
    first = ct.simulate(ct.DCGD(ct.TopK(1), gamma=0.6), PROBLEM, 1, 1, x0=START).mean_square
    exercises = (
        Exercise(
            r"At $x=(1,1,1)$ and $\gamma = 0.6$, by which factor does one step of DCGD with Top-1 multiply $x$?",
            float(np.sqrt(first[1] / first[0])),
            r"$\nabla f_1(x) = 2\langle a_1,x\rangle a_1 + x/2 = (-11/2, 9/2, 9/2)$: which entry is sent?",
        ),
        Exercise(
            r"What is $\delta$ of Top-1 in dimension 3?",
            float(ct.TopK(1).claim(ct.Contractive, 3).delta),
            "The largest of three squares is at least their mean.",
        ),
        Exercise(
            r"What is $\omega$ of Induced(Top-1, Rand-1) in dimension 3?",
            float(ct.Induced(ct.TopK(1), ct.RandK(1)).claim(ct.Unbiased, 3).omega),
            r"$\omega(1-\delta)$: Rand-1 sees only what Top-1 left.",
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
