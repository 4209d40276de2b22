"""Bernoulli sketch: independent coordinates kept with probability p: omega = 1/p - 1 with equality.

Setting: each of d entries is kept with probability p, independently, and divided by p.
Symbols: p: probability with which an entry is kept; y: any vector
Guarantee: unbiased, E||C(x) - x||^2 = (1/p - 1)||x||^2, so omega = 1/p - 1.
Proof:
    Entries do not interact in the square norm, so one entry is enough: u x/p - x has the mean square x^2 (E u/p^2 -
    2 E u/p + 1), and a coin has u^2 = u with mean p, which leaves x^2 (1/p - 1). Summing over the entries gives the
    claim as an identity of polynomials in x and 1/p. The second relation tests unbiasedness along any y: E u/p = 1.
    The kernel's rules for coins are all that is used, so the certificate has no multiplier and no term;
    independence of the entries would matter only for products of different entries, which do not occur here.
Tight: attained: equality at every x.
Source: Konečný and Richtárik 2018, Lemma 3.2 with centres 0.
"""

import compth as ct
from compth.claims import Unbiased
from proofs_check._blocks import entries
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

d, p = symbols("d p")
OMEGA = text(next(c for c in ct.Bernoulli(p=p).claims(d) if isinstance(c, Unbiased)).omega)

STATEMENT = {
    "name": "bernoulli.omega",
    "params": "d p",
    "domain": ["d >= 1", "p > 0", "p <= 1"],
    **entries("x y", "coins", "p"),
    "claim": [
        f"E(Sum(j, (u[j]*x[j]/p - x[j])**2)) == {OMEGA}*Sum(j, x[j]**2)",
        "E(Sum(j, u[j]*x[j]*y[j]/p)) == Sum(j, x[j]*y[j])",
    ],
}
VARIANCE, MEAN = STATEMENT["claim"]
SMALL = model({"d": 2, "p": "1/3"}, arrays={"x": [1, 2], "y": [1, 3]})
SCRIPT = Script(
    "bernoulli.omega",
    "Bernoulli sketch: omega = 1/p - 1 with equality",
    [
        Part(
            STATEMENT,
            [step(VARIANCE), step(MEAN)],
            SMALL,
            [
                ({"claim": [VARIANCE.replace(OMEGA, "(1 - p)"), MEAN]}, SMALL),
                ({"claim": [VARIANCE.replace(OMEGA, "(1/p)"), MEAN]}, SMALL),
                ({"claim": [VARIANCE, MEAN.replace("/p", "")]}, SMALL),
                (
                    {
                        "law": {**STATEMENT["law"], "parameter": "p**2"},
                        "domain": [*STATEMENT["domain"], "p**2 <= 1"],
                    },
                    SMALL,
                ),
            ],
            "inclusion probabilities",
        )
    ],
)
