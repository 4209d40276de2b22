"""Lesson 1: what omega and delta measure."""

import marimo

app = marimo.App(width="medium", app_title="omega and delta")

with app.setup:
    import marimo as mo
    import numpy as np
    from exercise import Exercise, fields, outcomes, picture, result, sheet  # copy exercise.py with a lesson
    from matplotlib.figure import Figure

    import compth as ct
    from compth.reporting.plots import COLOURS


@app.cell
def _():
    mo.md(r"""
    # What $\omega$ and $\delta$ measure

    A compressor $C$ replaces a vector $x$ by something cheaper. Its relative error at $x$ is
    $E\|C(x)-x\|^2/\|x\|^2$. **Unbiased** compressors have $E\,C(x)=x$ and error at most $\omega$; **contractive**
    ones have error at most $1-\delta$. The constants are about the *worst* direction: turn $x$ and see where the
    error is largest.
    """)
    return


@app.cell
def _():
    choices = {
        "Rand-1 (unbiased)": ct.RandK(1),
        "Top-1 (contractive)": ct.TopK(1),
        "TernGrad (unbiased)": ct.TernGrad(),
        "QSGD, s = 2 (unbiased)": ct.RandomDithering(2),
        "natural compression (unbiased)": ct.NaturalCompression(),
        "scaled sign (contractive)": ct.ScaledSign(),
    }
    name = mo.ui.dropdown(list(choices), value="TernGrad (unbiased)", label="compressor")
    angle = mo.ui.slider(0, 90, step=1, value=30, label="direction of x in degrees", show_value=True)
    mo.hstack([name, angle], justify="start", wrap=True)
    return angle, choices, name


@app.cell
def _(choices, name):
    compressor = choices[name.value]
    degrees = np.arange(91)

    def point(theta):
        return np.array([np.cos(np.radians(theta)), np.sin(np.radians(theta))])

    def relative_error(theta):
        x = point(theta)
        return sum(p * float((y - x) @ (y - x)) for p, y in outcomes(compressor, x))

    curve = np.array([relative_error(t) for t in degrees])
    claim = compressor.claim(ct.Unbiased, 2)
    bound = float(claim.omega) if claim is not None else 1 - float(compressor.claim(ct.Contractive, 2).delta)
    symbol = "ω" if claim is not None else "1 − δ"
    return bound, compressor, curve, degrees, point, symbol


@app.cell
def _(angle, bound, compressor, curve, degrees, point, symbol):
    x = point(angle.value)
    figure = Figure(figsize=(8, 3.6), layout="tight")
    plane, errors = figure.subplots(1, 2)
    for p, y in outcomes(compressor, x):
        plane.plot(*y, "o", color=COLOURS[1], markersize=4 + 14 * np.sqrt(p), alpha=0.6)
        plane.plot([x[0], y[0]], [x[1], y[1]], color=COLOURS[1], linewidth=0.7)
    plane.plot(*x, "o", color=COLOURS[0], label="x")
    plane.plot([], [], "o", color=COLOURS[1], alpha=0.6, label="C(x), area = probability")
    plane.set(
        xlim=(-0.3, 2.2),
        ylim=(-0.3, 2.2),
        aspect="equal",
        xlabel="first coordinate",
        ylabel="second coordinate",
    )
    plane.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=8)
    errors.plot(degrees, curve, color=COLOURS[0], label="relative error")
    errors.axhline(bound, color="0.4", linestyle="--", label=f"declared {symbol} = {bound:.4g}")
    errors.plot(angle.value, curve[angle.value], "o", color=COLOURS[0])
    errors.set(
        xlabel="direction in degrees",
        ylabel="relative error",
        xlim=(0, 90),
        ylim=(0, 1.15 * max(bound, curve.max())),
    )
    errors.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=8)
    mo.vstack(
        [
            result(
                f"at {angle.value}° the relative error is {curve[angle.value]:.4f}; the worst is {curve.max():.4f}"
            ),
            picture(figure),
        ]
    )
    return


@app.cell
def _():
    top = ct.TopK(1)
    worst = max(range(91), key=lambda t: 1 - np.cos(np.radians(min(t, 90 - t))) ** 2)
    exercises = (
        Exercise(
            r"What is $\omega$ of Rand-5 in dimension $d = 20$?",
            float(ct.RandK(5).claim(ct.Unbiased, 20).omega),
            "A kept coordinate becomes $d/k$ times as large; what is the variance of that factor?",
        ),
        Exercise(
            r"What is $\delta$ of Top-1 in dimension 2?",
            float(top.claim(ct.Contractive, 2).delta),
            "Look at the curve's top: it is $1-\\delta$.",
        ),
        Exercise(
            "At which direction, in degrees, is Top-1's error largest?",
            float(worst),
            "Top-1 loses the smaller coordinate: when is that as large as possible?",
        ),
        Exercise(
            r"Rand-1 in dimension 2, multiplied by a constant $c$, is contractive. Which $c$ loses least?",
            1 / (1 + float(ct.RandK(1).claim(ct.Unbiased, 2).omega)),
            r"Minimise $E\|cC(x)-x\|^2 = c^2(1+\omega) - 2c + 1$.",
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
