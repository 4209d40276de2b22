"""One entry drawn with probability |x_i|/||x||_1 and kept: delta = 1/d, by Chebyshev's sum inequality.

Setting: one entry is kept, entry j with probability |x_j|/||x||_1.
Symbols: N: ||x||_1; b: sizes of the entries
Guarantee: E||C(x) - x||^2 <= (1 - 1/d)||x||^2, so delta = 1/d.
Proof:
    Entry j survives with probability b_j/N, so the expected error is sum b_j^2 - sum b_j^3/N, and the claim is d
    sum b_j^3 >= N sum b_j^2 with N = sum b_j. That is Chebyshev's sum inequality for the equally ordered sequences
    b and b^2: the difference of both sides is half the double sum of (b_i - b_j)(b_i^2 - b_j^2) = (b_i + b_j)(b_i -
    b_j)^2, which is the term, divided by d N. `least` says that probabilities add up to at least 1; its multiplier
    sum b_j^2/d is what it stands beside in the claim. That larger entries are kept more often is what makes the
    factor as good as Top-1's, with a random choice.
Tight: tight: all entries equal leave no term.
Source: Beznosikov, Horváth, Richtárik and Safaryan 2023.
"""

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
