"""Bernoulli sketch: independent coordinates kept with probability p: omega = 1/p - 1 with equality."""

import compth as ct
from compth.claims import Unbiased
from proofs_check._blocks import entries
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

d, p = symbols("d p")
OMEGA = text(next(c for c in ct.Bernoulli(p=p).claims(d) if isinstance(c, Unbiased)).omega)

STATEMENT = {
    "name": "bernoulli.omega",
    "params": "d p",
    "domain": ["d >= 1", "p > 0", "p <= 1"],
    **entries("x y", "coins", "p"),
    "claim": [
        f"E(Sum(j, (u[j]*x[j]/p - x[j])**2)) == {OMEGA}*Sum(j, x[j]**2)",
        "E(Sum(j, u[j]*x[j]*y[j]/p)) == Sum(j, x[j]*y[j])",
    ],
}
VARIANCE, MEAN = STATEMENT["claim"]
SMALL = model({"d": 2, "p": "1/3"}, arrays={"x": [1, 2], "y": [1, 3]})
SCRIPT = Script(
    "bernoulli.omega",
    "Bernoulli sketch: omega = 1/p - 1 with equality",
    [
        Part(
            STATEMENT,
            [step(VARIANCE), step(MEAN)],
            SMALL,
            [
                ({"claim": [VARIANCE.replace(OMEGA, "(1 - p)"), MEAN]}, SMALL),
                ({"claim": [VARIANCE.replace(OMEGA, "(1/p)"), MEAN]}, SMALL),
                ({"claim": [VARIANCE, MEAN.replace("/p", "")]}, SMALL),
                (
                    {
                        "law": {**STATEMENT["law"], "parameter": "p**2"},
                        "domain": [*STATEMENT["domain"], "p**2 <= 1"],
                    },
                    SMALL,
                ),
            ],
            "inclusion probabilities",
        )
    ],
)
