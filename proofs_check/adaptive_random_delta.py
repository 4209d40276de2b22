"""One entry drawn with probability |x_i|/||x||_1 and kept: delta = 1/d, by Chebyshev's sum inequality."""

import compth as ct
from compth.claims import Contractive
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(d,) = symbols("d")
DELTA = text(next(c for c in ct.AdaptiveRandom().claims(d) if isinstance(c, Contractive)).delta)

STATEMENT = {
    "name": "adaptive_random.delta",
    "title": "b: sizes of the entries, N their sum; entry i alone is kept with probability b_i/N",
    "params": "d N",
    "domain": ["d >= 1", "N > 0"],
    "sizes": {"col": "d"},
    "indices": {"i": "col", "j": "col"},
    "arrays": {"b": "col"},
    "given": {
        "size": "order(0, b[i])",
        "most": "order(Sum(i, b[i]), N)",
    },
    "claim": [
        f"Sum(i, b[i]/N*(Sum(j, b[j]**2) - b[i]**2)) <= (1 - {DELTA})*Sum(j, b[j]**2)",
    ],
}
[CLAIM] = STATEMENT["claim"]
FLAT = model({"d": 2, "N": 2}, arrays={"b": [1, 1]})
SCRIPT = Script(
    "adaptive_random.delta",
    "adaptive random sparsification: delta = 1/d",
    [
        Part(
            STATEMENT,
            [
                step(
                    CLAIM,
                    {"most": "(d - 1)/(d*N)*Sum(j, b[j]**2)"},
                    ["Sum(i, Sum(j, (b[i] + b[j])*(b[i] - b[j])**2))/(2*d*N)"],
                )
            ],
            model({"d": 3, "N": 6}, arrays={"b": [1, 2, 3]}),
            [
                ({"claim": [CLAIM.replace(DELTA, f"11/10*{DELTA}")]}, FLAT),
                ({"claim": [CLAIM.replace("- b[i]**2", "- b[i]**2/2")]}, FLAT),
                ({"given": {"most": None}}, model({"d": 2, "N": 1}, arrays={"b": [1, 1]})),
                ({"given": {"size": None}}, model({"d": 3, "N": 2}, arrays={"b": [-4, 3, 3]})),
            ],
            "sums of squares",
        )
    ],
)
