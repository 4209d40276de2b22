"""Rounding t in [l, b l] to l or b l at random without bias: variance at most (b-1)^2/(4b) t^2, entry by entry."""

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
