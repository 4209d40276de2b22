"""PermK with n = qd: each coordinate is sent by q workers; (A, B) of `perm_joint` with equality, for symbolic d, q.

Setting: PermK with more workers than coordinates, n = q d: every coordinate is dealt to q workers, which send it
    times d.
Symbols: q: workers per coordinate; a: the workers' vectors; y: any vector
Guarantee: A = B = (d - 1)/(n - 1) with equality.
Proof:
    Look at one coordinate: q of the n workers are heard, a uniformly random q-subset, and their average times d q/n
    = 1 replaces the average of all. That is sampling without replacement of q from n, whose variance factor is (n -
    q)/(q (n - 1)); with n = q d it is (d - 1)/(n - 1). As in sampling.nice it multiplies the average of squares
    less the square of the average, here per coordinate, and summing over the coordinates gives the claim.
    Coordinates are dependent, since a worker gets exactly one, but the square norm never multiplies two of them. q
    = 1 would be d = n, where (d - 1)/(n - 1) = 1 meets permk.joint.
Tight: attained: equality at all inputs.
Source: Szlendak, Tyurin and Richtárik 2022; with equality by ours.
"""

import sympy

from compth.calculus import perm_joint
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

d, q = symbols("d q")
n = sympy.Symbol("n", positive=True)
A, B = (text(c.args[-1].expr.subs(n, d * q)) for c in perm_joint(n, d))  # the branch d < n

STATEMENT = {
    "name": "permk.few",
    "params": "d q",
    "domain": ["d >= 2", "q >= 1", "d*q >= 2"],
    "sizes": {"worker": "d*q", "col": "d"},
    "indices": {"i": "worker", "j": "col"},
    "arrays": {"a": "col worker", "y": "col"},
    "law": {"indicator": "u", "kind": "deal", "on": "col worker", "parameter": "q"},
    "claim": [
        "E(Sum(j, (Sum(i, d*u[j, i]*a[j, i])/(d*q) - Sum(i, a[j, i])/(d*q))**2))"
        f" == {A}*Sum(i, Sum(j, a[j, i]**2))/(d*q) - {B}*Sum(j, (Sum(i, a[j, i])/(d*q))**2)",
        "E(Sum(j, Sum(i, d*u[j, i]*a[j, i])/(d*q)*y[j])) == Sum(j, Sum(i, a[j, i])/(d*q)*y[j])",
    ],
}
VARIANCE, MEAN = STATEMENT["claim"]
ENTRIES = [[1, 2, 0, 1, 1, -1], [3, -1, 1, 1, 0, 2], [1, 0, 0, 5, 1, 1]]
SMALL = model({"d": 3, "q": 2}, arrays={"a": ENTRIES, "y": [1, 2, 4]})
SCRIPT = Script(
    "permk.few",
    "PermK: A = B = (d-1)/(n-1) with equality for n = qd",
    [
        Part(
            STATEMENT,
            [step(VARIANCE), step(MEAN)],
            SMALL,
            [
                ({"claim": [VARIANCE.replace("==", "<=").replace(f"<= {A}*", f"<= 9/10*{A}*"), MEAN]}, SMALL),
                ({"claim": [VARIANCE.replace("==", "<=").replace(f"- {B}*", f"- 2*{B}*"), MEAN]}, SMALL),
                ({"claim": [VARIANCE.replace(f"{A}*", "1/q*"), MEAN]}, SMALL),
                ({"claim": [VARIANCE, MEAN.replace("d*u", "u")]}, SMALL),
            ],
            "inclusion probabilities",
        )
    ],
)
