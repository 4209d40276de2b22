"""Rand-K: unbiased, E||C(x) - x||^2 = omega ||x||^2 with omega = d/k - 1, for symbolic d and k.

Setting: a uniformly random k-subset of the d entries is kept and multiplied by d/k.
Symbols: y: any vector
Guarantee: unbiased, E||C(x) - x||^2 = (d/k - 1)||x||^2, so omega = d/k - 1.
Proof:
    An entry lies in a k-subset of d places with probability k/d, so d/k u x has the mean x and the mean square
    (d/k)^2 (k/d) x^2 = (d/k) x^2. The variance of an entry is the difference, (d/k - 1) x^2. The square norm adds
    entries up and never multiplies two of them, so that dealing without replacement does not show: the constant is
    Bernoulli's at p = k/d, although here exactly k entries are sent. It is an identity in the numbers x and in d
    and k as symbols; no hypothesis is used. For how pairs of entries enter, see ist.moments.
Tight: attained: equality at every x.
Source: Horváth, Ho, Horváth, Sahu, Canini and Richtárik 2022, Section 3.
"""

import compth as ct
from compth.claims import Unbiased
from proofs_check._blocks import entries
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

d, k = symbols("d k")
OMEGA = text(next(c for c in ct.RandK(k=k).claims(d) if isinstance(c, Unbiased)).omega)

STATEMENT = {
    "name": "randk.omega",
    "params": "d k",
    "domain": ["k >= 1", "d >= k"],
    **entries("x y", "deal", "k"),
    "claim": [
        f"E(Sum(j, (d/k*u[j]*x[j] - x[j])**2)) == {OMEGA}*Sum(j, x[j]**2)",
        "E(Sum(j, d/k*u[j]*x[j]*y[j])) == Sum(j, x[j]*y[j])",
    ],
}
VARIANCE, MEAN = STATEMENT["claim"]
SMALL = model({"d": 3, "k": 2}, arrays={"x": [1, 2, -1], "y": [1, 1, 4]})
SCRIPT = Script(
    "randk.omega",
    "Rand-K: omega = d/k - 1 with equality",
    [
        Part(
            STATEMENT,
            [step(VARIANCE), step(MEAN)],
            SMALL,
            [
                ({"claim": [VARIANCE.replace(OMEGA, f"({OMEGA} - 1/d)"), MEAN]}, SMALL),
                ({"claim": [VARIANCE.replace("==", "<=").replace(OMEGA, "(d - k)/d"), MEAN]}, SMALL),
                ({"claim": [VARIANCE, MEAN.replace("d/k*u", "u")]}, SMALL),
                (
                    {
                        "law": {**STATEMENT["law"], "kind": "coins", "parameter": "1/k"},
                        "domain": [*STATEMENT["domain"], "1/k <= 1"],
                    },
                    SMALL,
                ),
            ],
            "inclusion probabilities",
        )
    ],
)
