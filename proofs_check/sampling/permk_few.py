"""PermK with n = qd: each coordinate is sent by q workers; (A, B) of `perm_joint` with equality, for symbolic d, q."""

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
