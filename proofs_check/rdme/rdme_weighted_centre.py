"""Unequal probabilities: E||C(x)-x||^2 = sum w_j (x_j - c)^2, w = 1/p - 1; the weighted mean is the best centre.

Setting: variable support with unequal probabilities p_j: x_j = c + p_j z_j is sent as c + z_j with probability p_j,
    else as c.
Symbols: q: the least probability; W: sum of the weights; c: the centre; om: the largest weight; m: the weighted
    mean; p: probabilities; z: what is added to the centre, over p_j; w: the weights 1/p_j - 1; y: any vector
Guarantee: error sum (1/p_j - 1)(x_j - c)^2, at most (1/q - 1)||x - c||^2; the best centre is the mean with weights
    1/p_j - 1.
Proof:
    The value z_j = (x_j - c)/p_j is taken as the letter, so that no division is left: the error of an entry is p_j
    (1 - p_j) z_j^2, which is (1/p_j - 1)(x_j - c)^2. Against (1/q - 1)(p_j z_j)^2 the difference is p_j z_j^2 (p_j
    - q)/q, the term. Best centre: the weighted sum of squares about any c is that about the weighted mean m plus W
    (c - m)^2; `least` and `most` say that W is the sum of the weights, multiplied by c^2 and m^2 where that sum
    meets them. With c = 0 it also shows that centring never does worse than omega = max w: what is left then is W
    m^2 and the weights' slack against the largest (`bound`).
Tight: tight: the error is an equality; x - c on the least probable entry attains 1/q - 1.
Source: Konečný and Richtárik 2018, Lemma 3.2; unequal probabilities and their best centre are ours.
"""

import compth as ct
from proofs_check._blocks import entries
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

d, q = symbols("d q")
OMEGA = text(ct.VariableSupport(q, "zero").claims(d)[0].omega)
KEPT = {
    "name": "rdme.weighted_centre.error",
    "title": "x_j = c + p_j z_j is sent as c + z_j with probability p_j, else c; q: the least probability",
    "params": "d c q",
    "domain": ["d >= 1", "q > 0", "q <= 1"],
    **entries("p z y", "coins", "p[j]"),
    "given": {"least": "order(q, p[j])", "most": "order(p[j], 1)"},
    "claim": [
        "E(Sum(j, (c + u[j]*z[j] - (c + p[j]*z[j]))**2)) == Sum(j, p[j]*(1 - p[j])*z[j]**2)",
        f"E(Sum(j, (c + u[j]*z[j] - (c + p[j]*z[j]))**2)) <= {OMEGA}*Sum(j, (p[j]*z[j])**2)",
        "E(Sum(j, (c + u[j]*z[j])*y[j])) == Sum(j, (c + p[j]*z[j])*y[j])",
    ],
}
CENTRE = {
    "name": "rdme.weighted_centre",
    "title": "w_j = 1/p_j - 1, W their sum, m the weighted mean, om the largest weight, c any other centre",
    "params": "d c W om",
    "domain": ["d >= 1", "W > 0"],
    "sizes": {"col": "d"},
    "indices": {"j": "col"},
    "arrays": {"w": "col", "x": "col"},
    "let": {"m": "Sum(j, w[j]*x[j])/W"},
    "given": {
        "most": "order(Sum(j, w[j]), W)",
        "least": "order(W, Sum(j, w[j]))",
        "bound": "order(w[j], om)",
    },
    "claim": [
        "Sum(j, w[j]*(x[j] - m)**2) <= Sum(j, w[j]*(x[j] - c)**2)",
        "Sum(j, w[j]*(x[j] - m)**2) <= om*Sum(j, x[j]**2)",
    ],
}
EXACT, LIMIT, MEAN = KEPT["claim"]
BEST, OVERALL = CENTRE["claim"]
PAIR = model(
    {"d": 3, "c": 1, "q": "1/4"}, arrays={"p": ["1/2", "1/4", "1/2"], "z": [2, 4, -2], "y": [1, 2, 5]}
)
ONE = model({"d": 1, "c": 0, "q": "1/2"}, arrays={"p": ["1/2"], "z": [2], "y": [1]})
OFF = model({"d": 2, "c": 2, "W": 4, "om": 3}, arrays={"w": [1, 3], "x": [1, 2]})
WIDE = model({"d": 2, "c": 0, "W": 2, "om": 1}, arrays={"w": [1, 1], "x": [1, -1]})
AT = model({"d": 2, "c": "7/4", "W": 4, "om": 3}, arrays={"w": [1, 3], "x": [1, 2]})
SCRIPT = Script(
    "rdme.weighted_centre",
    "unequal probabilities: the error, 1/min p - 1, and the best centre",
    [
        Part(
            KEPT,
            [
                step(EXACT),
                step(
                    LIMIT,
                    {},
                    ["Sum(j, p[j]*z[j]**2*(p[j] - q))/q"],
                ),
                step(MEAN),
            ],
            PAIR,
            [
                ({"claim": [EXACT.replace("*(1 - p[j])", ""), LIMIT, MEAN]}, PAIR),
                ({"claim": [EXACT, LIMIT.replace("<= ", "<= 9/10*"), MEAN]}, ONE),
                ({"claim": [EXACT, LIMIT, MEAN.replace("u[j]*z[j])*y", "z[j])*y")]}, PAIR),
                ({"given": {"least": None}}, {**ONE, "params": {**ONE["params"], "q": "3/4"}}),
            ],
            "inclusion probabilities",
        ),
        Part(
            CENTRE,
            [
                step(BEST, {"least": "c**2", "most": "m**2"}, ["W*(c - m)**2"]),
                step(OVERALL, {"most": "m**2"}, ["W*m**2", "Sum(j, (om - w[j])*x[j]**2)"]),
            ],
            OFF,
            [
                ({"claim": [BEST.replace("<= ", "<= 9/10*"), OVERALL]}, AT),
                ({"let": {"m": "Sum(j, x[j])/d"}}, AT),
                ({"claim": [BEST, OVERALL.replace("<= om", "<= om/2")]}, WIDE),
                ({"given": {"bound": None}}, {**WIDE, "params": {**WIDE["params"], "om": "1/2"}}),
            ],
            "square",
        ),
    ],
)
