"""One entry drawn with probability |x_i|/||x||_1 and kept: delta = 1/d, by Chebyshev's sum inequality."""

import compth as ct
from compth.claims import Contractive
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(d,) = symbols("d")
DELTA = text(next(c for c in ct.AdaptiveRandom().claims(d) if isinstance(c, Contractive)).delta)

STATEMENT = {
    "name": "adaptive_random.delta",
    "title": "b: sizes of the entries, N their sum; one entry is kept, entry i with probability b_i/N",
    "params": "d N",
    "domain": ["d >= 1", "N > 0"],
    "sizes": {"col": "d"},
    "indices": {"i": "col", "j": "col"},
    "arrays": {"b": "col"},
    "law": {"indicator": "u", "kind": "one", "on": "col", "parameter": "b[i]/N"},
    "given": {
        "size": "order(0, b[i])",
        "most": "order(Sum(i, b[i]/N), 1)",
        "least": "order(1, Sum(i, b[i]/N))",
    },
    "claim": [f"E(Sum(j, (u[j]*b[j] - b[j])**2)) <= (1 - {DELTA})*Sum(j, b[j]**2)"],
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
                    {"least": "Sum(j, b[j]**2)/d"},
                    ["Sum(i, Sum(j, (b[i] + b[j])*(b[i] - b[j])**2))/(2*d*N)"],
                )
            ],
            model({"d": 3, "N": 6}, arrays={"b": [1, 2, 3]}),
            [
                ({"claim": [CLAIM.replace(DELTA, f"11/10*{DELTA}")]}, FLAT),
                ({"law": {**STATEMENT["law"], "parameter": "b[i]/(2*N)"}}, FLAT),
                ({"law": {**STATEMENT["law"], "kind": "coins", "parameter": "b[i]**2/(d*N)"}}, FLAT),
                ({"given": {"least": None}}, model({"d": 2, "N": 3}, arrays={"b": [1, 1]})),
            ],
            "inclusion probabilities",
        )
    ],
)
