"""One entry drawn with probability |x_j|/||x||_1 and sent as +-||x||_1: unbiased, omega = d - 1.

Setting: one entry is sent, entry j with probability |x_j|/||x||_1, with the value ||x||_1 sign(x_j).
Symbols: N: ||x||_1; b: sizes of the entries; y: any vector
Guarantee: unbiased, E||C(x) - x||^2 <= (d - 1)||x||^2, so omega = d - 1.
Proof:
    The message has the square N^2 whatever is drawn, and the mean x, so its variance is N^2 - ||x||^2. The claim is
    thus N^2 <= d||x||^2, the inequality between the 1-norm and the 2-norm. It is d times the variance of the sizes
    about their mean, sum (b_i - N/d)^2, which is the term. The probabilities have to add up to 1 in the statement,
    and `least`, with N sum b, is where the sum of probabilities is put in as at least 1. Uniform sampling of one
    entry has the same omega (randk.omega at k = 1), for every x and not only for flat ones.
Tight: tight: entries of equal size leave no term.
Source: Horváth and Richtárik 2021; the constant is ours.
"""

import compth as ct
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(d,) = symbols("d")
OMEGA = text(ct.NonUniformRand1().claims(d)[0].omega)
STATEMENT = {
    "name": "nonuniform_rand1.omega",
    "title": "b: sizes of the entries, N their sum; one entry is sent, as N, entry i with probability b_i/N",
    "params": "d N",
    "domain": ["d >= 1", "N > 0"],
    "sizes": {"col": "d"},
    "indices": {"i": "col", "j": "col"},
    "arrays": {"b": "col", "y": "col"},
    "law": {"indicator": "u", "kind": "one", "on": "col", "parameter": "b[i]/N"},
    "given": {
        "size": "order(0, b[i])",
        "most": "order(Sum(i, b[i]/N), 1)",
        "least": "order(1, Sum(i, b[i]/N))",
    },
    "claim": [
        f"E(Sum(j, (N*u[j] - b[j])**2)) <= {OMEGA}*Sum(j, b[j]**2)",
        "E(Sum(j, N*u[j]*y[j])) == Sum(j, b[j]*y[j])",
    ],
}
ERROR, MEAN = STATEMENT["claim"]
FLAT = model({"d": 2, "N": 2}, arrays={"b": [1, 1], "y": [1, 2]})
SCRIPT = Script(
    "nonuniform_rand1.omega",
    "one entry by magnitude: omega = d - 1",
    [
        Part(
            STATEMENT,
            [
                step(
                    ERROR,
                    {"least": "N*Sum(j, b[j])"},
                    ["d*Sum(i, (b[i] - Sum(j, b[j])/d)**2)"],
                ),
                step(MEAN),
            ],
            model({"d": 3, "N": 6}, arrays={"b": [1, 2, 3], "y": [1, 2, 4]}),
            [
                ({"claim": [ERROR.replace(OMEGA, f"9/10*{OMEGA}"), MEAN]}, FLAT),
                ({"claim": [ERROR.replace("- b[j])**2", "+ b[j])**2"), MEAN]}, FLAT),
                ({"claim": [ERROR, MEAN.replace("N*u", "u")]}, FLAT),
            ],
            "inclusion probabilities",
        )
    ],
)
