"""One-level p-quantisation, s = ||x||_p: E||C(x)-x||^2 = ||x||_1 s - ||x||^2; omega of p = 2 and of p = 1.

Setting: entries of size b are sent as s = ||x||_p with probability b/s, else 0; p >= 1, d = r^2 in the second part.
Symbols: r: sqrt(d); s: ||x||_p; b: sizes of the entries; y: any vector
Guarantee: E||C(x) - x||^2 = ||x||_1||x||_p - ||x||^2; omega = sqrt(d) - 1 for p >= 2 and d - 1 for p = 1.
Proof:
    No entry exceeds its p-norm, so b/s is a probability (`pos`, `top`), and an entry has the variance s b - b^2:
    the first part is the sum, with nothing estimated. For p >= 2 the norm is at most the Euclidean one, `norm`: s^2
    <= sum b^2. Then s sum b <= r sum b^2, which is r/2 of `norm` and the square (b - s/r)^2 in each of the r^2
    entries: they add up to s sum b on one side. For p = 1 the norm is the sum itself, and (sum b)^2 <= d sum b^2 is
    the variance of the sizes. Between 1 and 2 the constant has a general exponent in it, which is no polynomial; it
    is listed among what this form cannot prove.
Tight: tight: equal sizes attain both constants.
Source: Mishchenko, Gorbunov, Takáč and Richtárik 2019, Definitions 1 and 2, Lemma 2; Horváth, Ho, Horváth, Sahu,
    Canini and Richtárik 2022.
"""

import compth as ct
from compth.claims import Unbiased
from proofs_check._blocks import entries
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

r, d = symbols("r d")


def omega(p, size):
    return text(next(c for c in ct.LpQuantization(p=p).claims(size) if isinstance(c, Unbiased)).omega)


TWO, ONE = omega(2, r**2), omega(1, d)
ERROR = "E(Sum(j, (s*u[j] - b[j])**2))"

EXACT = {
    "name": "lp_moments",
    "title": "b: absolute values of the entries, s = ||x||_p for any p >= 1: no entry is larger",
    "params": "d s",
    "domain": ["d >= 1", "s > 0"],
    **entries("b y", "coins", "b[j]/s"),
    "given": {"pos": "order(0, b[j]/s)", "top": "order(b[j]/s, 1)"},
    "claim": [
        f"{ERROR} == s*Sum(j, b[j]) - Sum(j, b[j]**2)",
        "E(Sum(j, s*u[j]*y[j])) == Sum(j, b[j]*y[j])",
    ],
}
MOMENT, MEAN = EXACT["claim"]


def worst(name, params, domain, size, norm, constant):
    return {
        **EXACT,
        "name": name,
        "params": params,
        "domain": domain,
        "sizes": {"col": size},
        "arrays": {"b": "col"},
        "given": {**EXACT["given"], "norm": norm},
        "claim": [f"{ERROR} <= {constant}*Sum(j, b[j]**2)"],
    }


P2 = worst("lp_moments.p2", "r s", ["r >= 1", "s > 0"], "r**2", "order(s**2, Sum(j, b[j]**2))", TWO)
P1 = worst("lp_moments.p1", "d s", ["d >= 1", "s > 0"], "d", "order(s, Sum(j, b[j]))", ONE)
[BOUND2], [BOUND1] = P2["claim"], P1["claim"]
SOME = model({"d": 3, "s": 5}, arrays={"b": [3, 4, 0], "y": [1, 2, 3]})
FLAT2 = model({"r": 2, "s": 2}, arrays={"b": [1, 1, 1, 1]})
FLAT1 = model({"d": 2, "s": 2}, arrays={"b": [1, 1]})
SCRIPT = Script(
    "lp_moments",
    "one-level p-quantisation: ||x||_1 ||x||_p - ||x||^2; sqrt(d) - 1 for p >= 2, d - 1 for p = 1",
    [
        Part(
            EXACT,
            [step(MOMENT), step(MEAN)],
            SOME,
            [
                ({"claim": [MOMENT.replace("s*Sum(j, b[j])", "s**2"), MEAN]}, SOME),
                ({"claim": [MOMENT.replace(" - Sum(j, b[j]**2)", ""), MEAN]}, SOME),
                ({"claim": [MOMENT, MEAN.replace("s*u", "u")]}, SOME),
            ],
            "inclusion probabilities",
        ),
        Part(
            P2,
            [step(BOUND2, {"norm": "r/2"}, ["r/2*Sum(j, (b[j] - s/r)**2)"])],
            FLAT2,
            [
                ({"claim": [BOUND2.replace(TWO, "(r - 1)/2")]}, FLAT2),
                ({"claim": [BOUND2.replace(TWO, f"({TWO} - 1/10)")]}, FLAT2),
                ({"given": {"norm": None}}, model({"r": 2, "s": 4}, arrays={"b": [1, 1, 1, 1]})),
                ({"sizes": {"col": "r**3"}}, model({"r": 2, "s": "5/2"}, arrays={"b": [1] * 8})),
            ],
            "inclusion probabilities",
        ),
        Part(
            P1,
            [step(BOUND1, {"norm": "Sum(j, b[j])"}, ["d*Sum(j, (b[j] - Sum(j, b[j])/d)**2)"])],
            FLAT1,
            [
                ({"claim": [BOUND1.replace(ONE, f"({ONE} - 1/10)")]}, FLAT1),
                ({"claim": [BOUND1.replace(ONE, "(d - 1)/2")]}, FLAT1),
                ({"given": {"norm": None}}, model({"d": 2, "s": 4}, arrays={"b": [1, 1]})),
            ],
            "inclusion probabilities",
        ),
    ],
)
