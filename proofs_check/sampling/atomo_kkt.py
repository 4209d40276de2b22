"""ATOMO: p = 1 on the saturated atoms, a_i (s - k)/sum a on the others minimises sum a^2/p over all p of budget s.

Setting: weights a (k of them, at least c) and b, budget s; ATOMO sends the a for sure and b_j with probability
    b_j/c, c = sum b/(s - k).
Symbols: m: number of weights below c; s: the budget, expected number of atoms sent; T: the sum of the b; c: T/(s -
    k); a: saturated weights; b: the other weights; q, r: any other probabilities, of the a and of the b; w, v: 1/q
    and 1/r
Guarantee: sum a^2 + sum b_j c <= sum a^2/q + sum b^2/r for all probabilities q, r within the budget: ATOMO's
    probabilities are optimal.
Proof:
    It is the Lagrangian with the price c^2 of a unit of probability, the multiplier of `budget`. For an unsaturated
    atom b^2/r + c^2 r >= 2 b c, with equality at r = b/c: the square (b - c r)^2/r. For a saturated one the
    unconstrained minimiser a/c is beyond 1, and a^2/q + c^2 q >= a^2 + c^2 for q <= 1: the difference is (a^2/q -
    c^2)(1 - q), split into (a - c)(a + c)(1 - q)/q and c^2 (1 - q)^2/q. Adding all atoms the right side is at least
    sum a^2 + c^2 k + 2 c T - c^2 s, and c (s - k) = T turns it into sum a^2 + c T. Reciprocals are letters of their
    own (w = 1/q, v = 1/r) given by `inverse` and `other`, so the remaining terms only repair w q = 1 and v r = 1.
Tight: equality at ATOMO's own probabilities.
Source: Wang, Sievert, Liu, Charles, Papailiopoulos and Wright 2018, Theorem 5; for one saturated set (that sorting
    finds it is not shown).
"""

from compth.compressors.core.probabilities import active_probability
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

b, s, k, T = symbols("b s k T")
P = active_probability(b, s, k, T)
LEVEL, VALUE = text(b / P), text(b**2 / P).replace("b", "b[j]")

STATEMENT = {
    "name": "atomo.kkt",
    "title": "a: saturated atoms (k of them), b: the others; q, w = 1/q: any other probabilities within the budget s",
    "params": "k m s",
    "domain": ["k >= 0", "m >= 1", "s > k"],
    "sizes": {"full": "k", "rest": "m"},
    "indices": {"i": "full", "j": "rest"},
    "arrays": {"a": "full", "q": "full", "w": "full", "b": "rest", "r": "rest", "v": "rest"},
    "let": {"T": "Sum(j, b[j])", "c": LEVEL},
    "given": {
        "size": "order(0, b[j])",
        "saturated": "order(c, a[i])",
        "most": "order(q[i], 1)",
        "inverse": "order(1, w[i]*q[i])",
        "sign": "order(0, w[i])",
        "share": "order(0, r[j])",
        "other": "order(1, v[j]*r[j])",
        "other_too": "order(v[j]*r[j], 1)",
        "other_sign": "order(0, v[j])",
        "budget": "order(Sum(i, q[i]) + Sum(j, r[j]), s)",
    },
    "claim": [
        f"Sum(i, a[i]**2) + Sum(j, {VALUE}) <= Sum(i, a[i]**2*w[i]) + Sum(j, b[j]**2*v[j])",
    ],
}
[CLAIM] = STATEMENT["claim"]
TERMS = [
    "Sum(i, (a[i] - c)*((a[i] - c) + 2*c)*w[i]*(1 - q[i]))",
    "c**2*Sum(i, ((w[i]*q[i] - 1) + w[i]*(1 - q[i]))*(1 - q[i]))",
    "Sum(i, a[i]**2*(w[i]*q[i] - 1))",
    "Sum(j, v[j]*(b[j] - c*r[j])**2)",
    "Sum(j, 2*c*b[j]*(v[j]*r[j] - 1))",
    "Sum(j, c**2*r[j]*(1 - v[j]*r[j]))",
]
OPTIMAL = model(
    {"k": 1, "m": 2, "s": 2},
    arrays={"a": [3], "q": [1], "w": [1], "b": [1, 1], "r": ["1/2", "1/2"], "v": [2, 2]},
)
BEYOND = {**OPTIMAL, "arrays": {**OPTIMAL["arrays"], "r": ["1", "1"], "v": ["1", "1"]}}
EVEN = {
    **OPTIMAL,
    "arrays": {"a": ["1"], "q": ["2/3"], "w": ["3/2"], "b": ["1"] * 2, "r": ["2/3"] * 2, "v": ["3/2"] * 2},
}
SCRIPT = Script(
    "atomo.kkt",
    "ATOMO's probabilities are optimal: the certificate of one active set",
    [
        Part(
            STATEMENT,
            [step(CLAIM, {"budget": "c**2"}, TERMS)],
            OPTIMAL,
            [
                ({"claim": [CLAIM.replace(f"Sum(j, {VALUE})", f"11/10*Sum(j, {VALUE})")]}, OPTIMAL),
                ({"claim": [CLAIM.replace("Sum(i, a[i]**2) +", "2*Sum(i, a[i]**2) +")]}, OPTIMAL),
                ({"given": {"budget": None}}, BEYOND),
                ({"given": {"saturated": None}}, EVEN),
            ],
            "tangents, KKT certificate",
        )
    ],
)
