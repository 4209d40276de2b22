"""k of d entries at random, entry j as c_j x_j: the constants of IST's rescaled permutation sketches.

Setting: Rand-K's subset is kept, entry j multiplied by any number c_j.
Symbols: e: the largest squared bias (1 - c_j k/d)^2; v: the largest variance c_j^2 (k/d)(1 - k/d); a: the largest
    error 1 - 2 c_j k/d + c_j^2 k/d; c: the factors
Guarantee: eta^2 = max (1 - c_j k/d)^2, omega = max c_j^2 (k/d)(1 - k/d), 1 - delta = max (1 - 2 c_j k/d + c_j^2
    k/d).
Proof:
    Entry j is c_j x_j with probability k/d and 0 otherwise. Its mean is c_j k/d x_j, its spread c_j^2 (k/d)(1 -
    k/d) x_j^2, its error against x_j the expansion of (u c_j - 1)^2 with u^2 = u. All three are multiples of x_j^2,
    so that the worst vector puts everything on the worst entry: each claim is the hypothesis of that name (`bias`,
    `variance`, `error`) weighed by x_j^2 and summed, the one term of its step. The three numbers are related by
    error = bias + variance entry by entry, but their maxima may lie at different entries, which is why they are
    separate letters in the statement.
Tight: tight: the unit vector of the worst entry attains each constant.
Source: ours; such masks occur in Shulgin and Richtárik 2024.
"""

from compth.compressors.perm_k import scaled_mask
from proofs_check._blocks import entries
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

c, k, d = symbols("c k d")
BIAS, VARIANCE, ERROR = (text(v).replace("c", "c[j]") for v in scaled_mask(c, k / d))

STATEMENT = {
    "name": "masks.scaled",
    "title": "e, v, a: the largest squared bias, variance and error of an entry; 1 - delta = a, eta^2 = e, omega = v",
    "params": "d k e v a",
    "domain": ["k >= 1", "d >= k"],
    **entries("x c", "deal", "k"),
    "given": {
        "bias": f"order({BIAS}**2, e)",
        "variance": f"order({VARIANCE}, v)",
        "error": f"order({ERROR}, a)",
    },
    "claim": [
        "Sum(j, (k/d*c[j]*x[j] - x[j])**2) <= e*Sum(j, x[j]**2)",
        "E(Sum(j, (u[j]*c[j]*x[j] - k/d*c[j]*x[j])**2)) <= v*Sum(j, x[j]**2)",
        "E(Sum(j, (u[j]*c[j]*x[j] - x[j])**2)) <= a*Sum(j, x[j]**2)",
    ],
}
MEAN, SPREAD, TOTAL = STATEMENT["claim"]
ONE = model({"d": 2, "k": 1, "e": 0, "v": 1, "a": 1}, arrays={"x": [1, 3], "c": [2, 2]})
TWO = model({"d": 3, "k": 2, "e": "1/2", "v": 1, "a": 1}, arrays={"x": [1, 3, 2], "c": [1, 2, 2]})
LOW = {name: {**TWO, "params": {**TWO["params"], name: "1/20"}} for name in "eva"}
SCRIPT = Script(
    "masks.scaled",
    "rescaled masks: eta = |1 - c p|, omega = c^2 p(1 - p), delta = 2 c p - c^2 p",
    [
        Part(
            STATEMENT,
            [
                step(MEAN, {}, [f"Sum(j, (e - {BIAS}**2)*x[j]**2)"]),
                step(SPREAD, {}, [f"Sum(j, (v - {VARIANCE})*x[j]**2)"]),
                step(TOTAL, {}, [f"Sum(j, (a - {ERROR})*x[j]**2)"]),
            ],
            TWO,
            [
                ({"claim": [MEAN, SPREAD.replace("<= v", "<= 9/10*v"), TOTAL]}, ONE),
                ({"claim": [MEAN, SPREAD, TOTAL.replace("<= a", "<= 9/10*a")]}, ONE),
                ({"given": {"bias": None}}, LOW["e"]),
                ({"given": {"variance": None}}, LOW["v"]),
                ({"given": {"error": None}}, LOW["a"]),
            ],
            "inclusion probabilities",
        )
    ],
)
