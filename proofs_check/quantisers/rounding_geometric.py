"""Rounding t in [l, b l] to l or b l at random without bias: variance at most (b-1)^2/(4b) t^2, entry by entry.

Setting: sizes are rounded at random to the neighbouring powers of b > 1, without bias.
Symbols: b: base of the grid; l: the grid point below an entry's size; w: the entry's place between l and b l; y:
    any vector
Guarantee: unbiased with omega = (b - 1)^2/(4 b).
Proof:
    The cell (l, b l) has the length (b - 1) l, so the error of a size l (1 + (b - 1) w) is (b - 1)^2 l^2 w (1 - w).
    Against the size's square this is largest where the rounding error's parabola touches the multiple of (1 + (b -
    1) w)^2, at w = 1/(b + 1): there the size is 2 b l/(b + 1), the harmonic mean of the two grid points. The
    claim's difference is (b - 1)^2/(4 b) l^2 ((b + 1) w - 1)^2, the term; expanding it is the whole proof. At b = 2
    the constant is 1/8 and the place 1/3, natural.omega. As b tends to 1 it vanishes like (b - 1)^2/4. `down` and
    `up` make w a probability, which the law of the coins asks for.
Tight: tight: entries at the harmonic mean of their grid points (a control refutes 9/10 of omega there).
Source: Beznosikov, Horváth, Richtárik and Safaryan 2023.
"""

import compth as ct
from compth.claims import Unbiased
from proofs_check._blocks import entries
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

b, d = symbols("b d")
OMEGA = text(next(c for c in ct.StochasticRounding(b).claims(d) if isinstance(c, Unbiased)).omega)

STATEMENT = {
    "name": "rounding.geometric",
    "title": "sizes l (1 + (b-1) w) between the grid points l and b l; up with probability w",
    "params": "d b",
    "domain": ["d >= 1", "b > 1"],
    **entries("l w y", "coins", "w[j]"),
    "given": {"down": "order(0, w[j])", "up": "order(w[j], 1)"},
    "claim": [
        f"E(Sum(j, ((b - 1)*l[j]*(u[j] - w[j]))**2)) <= {OMEGA}*Sum(j, (l[j] + (b - 1)*l[j]*w[j])**2)",
        "E(Sum(j, (l[j] + (b - 1)*l[j]*u[j])*y[j])) == Sum(j, (l[j] + (b - 1)*l[j]*w[j])*y[j])",
    ],
}
VARIANCE, MEAN = STATEMENT["claim"]
WORST = model({"d": 2, "b": 3}, arrays={"l": [1, 2], "w": ["1/4", "1/4"], "y": [1, 2]})
SCRIPT = Script(
    "rounding.geometric",
    "random rounding to the grid of powers of b: omega = (b-1)^2/(4b)",
    [
        Part(
            STATEMENT,
            [
                step(VARIANCE, {}, ["(b - 1)**2/(4*b)*Sum(j, l[j]**2*((b + 1)*w[j] - 1)**2)"]),
                step(MEAN),
            ],
            WORST,
            [
                ({"claim": [VARIANCE.replace(OMEGA, f"9/10*{OMEGA}"), MEAN]}, WORST),
                ({"claim": [VARIANCE.replace(OMEGA, "1/8"), MEAN]}, WORST),
                ({"claim": [VARIANCE, MEAN.replace("*u[j])*y", ")*y")]}, WORST),
                (
                    {
                        "law": {**STATEMENT["law"], "parameter": "w[j]**2"},
                        "given": {"down": "order(0, w[j]**2)", "up": "order(w[j]**2, 1)"},
                    },
                    WORST,
                ),
            ],
            "inclusion probabilities",
        )
    ],
)
