"""TernGrad: omega = (sqrt(d) - 1)/2. The largest entry m is sent exactly, the others b_j <= m by coins b_j/m."""

import compth as ct
from compth.claims import Unbiased
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(r,) = symbols("r")
OMEGA = text(next(c for c in ct.TernGrad().claims(r**2) if isinstance(c, Unbiased)).omega)

STATEMENT = {
    "name": "terngrad.omega",
    "title": "absolute values; d = r^2",
    "params": "r m",
    "domain": ["r > 0", "r**2 >= 1", "m > 0"],
    "sizes": {"rest": "r**2 - 1"},
    "indices": {"j": "rest"},
    "arrays": {"b": "rest"},
    "law": {"indicator": "u", "kind": "coins", "on": "rest", "parameter": "b[j]/m"},
    "given": {"pos": "order(0, b[j]/m)", "top": "order(b[j]/m, 1)"},
    "claim": [
        f"E(Sum(j, (m*u[j] - b[j])**2)) <= {OMEGA}*(m**2 + Sum(j, b[j]**2))",
        "E(Sum(j, m*u[j])) == Sum(j, b[j])",
    ],
}
VARIANCE, MEAN = STATEMENT["claim"]
WORST = model({"r": 2, "m": 3}, arrays={"b": [1, 1, 1]})
SCRIPT = Script(
    "terngrad.omega",
    "TernGrad: omega = (sqrt(d) - 1)/2, attained",
    [
        Part(
            STATEMENT,
            [step(VARIANCE, {}, ["(r + 1)/2*Sum(j, (b[j] - m/(r + 1))**2)"]), step(MEAN)],
            WORST,
            [
                ({"claim": [VARIANCE.replace(OMEGA, "(r - 1)/3"), MEAN]}, WORST),
                ({"claim": [VARIANCE.replace(f"{OMEGA}*", "0*"), MEAN]}, WORST),
                ({"claim": [VARIANCE.replace("m**2 + ", ""), MEAN]}, WORST),
                ({"sizes": {"rest": "r**2"}}, model({"r": 2, "m": 3}, arrays={"b": [1, 1, 1, 1]})),
            ],
            "inclusion probabilities",
        )
    ],
)
