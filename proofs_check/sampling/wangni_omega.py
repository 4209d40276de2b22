"""Wangni et al.: with probabilities min{1, lambda |x_j|}, `variance_probabilities`, the variance is epsilon ||x||^2.

Setting: entries of size a are sent for sure, the others, of size b, with probability lam b and the value 1/lam; lam
    solves lam (e||x||^2 + sum b^2) = sum b.
Symbols: lam: scale of the probabilities; e: epsilon, the variance budget; m: how many entries may be skipped; a:
    sizes that are sent for sure; b: the other sizes; y: any vector
Guarantee: unbiased with E||C(x) - x||^2 = epsilon||x||^2 exactly.
Proof:
    An entry of size b is 1/lam with probability lam b, so its mean is b and its mean square b/lam; the variance is
    b/lam - b^2. Summed, sum b/lam - sum b^2, and the equation for lam says sum b/lam = e||x||^2 + sum b^2: what is
    left is e||x||^2. Entries that are sent for sure add nothing. The statement has the equation as two
    inequalities, `most` and `least`, each multiplied by 1/lam, for the two directions of the claim; `some` and
    `one` say that lam b is a probability. So the budget is met with equality and omega is epsilon by construction,
    whatever x is.
Tight: attained: equality at every x.
Source: Wangni, Wang, Liu and Zhang 2018.
"""

import compth as ct
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

e, d = symbols("e d")
OMEGA = text(ct.Wangni(e).claims(d)[0].omega)
VARIANCE = "E(Sum(j, (u[j]/lam - b[j])**2))"
TOTAL = "(Sum(i, a[i]**2) + Sum(j, b[j]**2))"

STATEMENT = {
    "name": "wangni.omega",
    "title": "a: sizes sent for sure, b: the others; lam (e ||x||^2 + sum b^2) = sum b",
    "params": "k m e lam",
    "domain": ["k >= 0", "m >= 1", "e > 0", "lam > 0"],
    "sizes": {"full": "k", "rest": "m"},
    "indices": {"i": "full", "j": "rest"},
    "arrays": {"a": "full", "b": "rest", "y": "rest"},
    "law": {"indicator": "u", "kind": "coins", "on": "rest", "parameter": "lam*b[j]"},
    "given": {
        "some": "order(0, lam*b[j])",
        "one": "order(lam*b[j], 1)",
        "most": f"order(Sum(j, b[j]), lam*(e*{TOTAL} + Sum(j, b[j]**2)))",
        "least": f"order(lam*(e*{TOTAL} + Sum(j, b[j]**2)), Sum(j, b[j]))",
    },
    "claim": [
        f"{VARIANCE} <= {OMEGA}*{TOTAL}",
        f"{VARIANCE} >= {OMEGA}*{TOTAL}",
        "E(Sum(j, u[j]/lam*y[j])) == Sum(j, b[j]*y[j])",
    ],
}
MOST, LEAST, MEAN = STATEMENT["claim"]
FLAT = model({"k": 0, "m": 2, "e": 1, "lam": "1/2"}, arrays={"a": [], "b": [1, 1], "y": [1, 2]})
MIXED = model({"k": 1, "m": 2, "e": "1/9", "lam": "1/2"}, arrays={"a": [4], "b": [1, 1], "y": [1, 2]})
SCRIPT = Script(
    "wangni.omega",
    "sparsification at a variance budget: omega = epsilon, exactly",
    [
        Part(
            STATEMENT,
            [step(MOST, {"most": "1/lam"}), step(LEAST, {"least": "1/lam"}), step(MEAN)],
            MIXED,
            [
                ({"claim": [MOST.replace("<= ", "<= 9/10*"), LEAST, MEAN]}, FLAT),
                ({"claim": [MOST, LEAST.replace(">= ", ">= 11/10*"), MEAN]}, FLAT),
                ({"claim": [MOST, LEAST, MEAN.replace("/lam", "")]}, FLAT),
                ({"given": {"most": None}}, {**FLAT, "params": {**FLAT["params"], "lam": "1/4"}}),
            ],
            "inclusion probabilities",
        )
    ],
)
