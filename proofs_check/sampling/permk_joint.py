"""PermK with d = qn: (A, B) = (1, 1) with equality, for symbolic n and q.

Setting: PermK with d = q n: a random permutation deals q coordinates to each of the n workers, which send them
    times n.
Symbols: q: coordinates per worker; a: the workers' vectors; y: any vector
Guarantee: E||mean C_i(a_i) - mean a_i||^2 = mean||a_i||^2 - ||mean a_i||^2, so A = B = 1 with equality.
Proof:
    In each coordinate exactly one worker is heard, any of them with probability 1/n, and its number replaces the
    average over the workers. The expected square of that number is the average of the squares, so the error is
    average of squares less square of average, coordinate by coordinate. No product of different coordinates occurs
    in the square norm, so nothing else of the permutation matters than that shares are equal and every coordinate
    is dealt once. The law is called a deal of q coordinates to each worker, and the identity holds in all symbols.
    For equal vectors the right side is 0: together the workers send the mean without error.
Tight: attained: equality at all inputs.
Source: Szlendak, Tyurin and Richtárik 2022; with equality by ours.
"""

from compth.calculus import perm_joint
from proofs_check._models import model
from proofs_check._script import Part, Script, step, text

A, B = (text(c) for c in perm_joint(2, 4))  # the constants of d >= n

STATEMENT = {
    "name": "permk.joint",
    "params": "n q",
    "domain": ["n >= 1", "q >= 1"],
    "sizes": {"worker": "n", "col": "n*q"},
    "indices": {"i": "worker", "j": "col"},
    "arrays": {"a": "worker col", "y": "col"},
    "law": {"indicator": "u", "kind": "deal", "on": "worker col", "parameter": "q"},
    "claim": [
        "E(Sum(j, (Sum(i, n*u[i, j]*a[i, j])/n - Sum(i, a[i, j])/n)**2))"
        f" == {A}*Sum(i, Sum(j, a[i, j]**2))/n - {B}*Sum(j, (Sum(i, a[i, j])/n)**2)",
        "E(Sum(j, Sum(i, n*u[i, j]*a[i, j])/n*y[j])) == Sum(j, Sum(i, a[i, j])/n*y[j])",
    ],
}
VARIANCE, MEAN = STATEMENT["claim"]
SMALL = model({"n": 2, "q": 2}, arrays={"a": [[1, 2, 0, 1], [3, -1, 1, 1]], "y": [1, 2, 3, 5]})
SCRIPT = Script(
    "permk.joint",
    "PermK: A = B = 1 with equality for d = qn",
    [
        Part(
            STATEMENT,
            [step(VARIANCE), step(MEAN)],
            SMALL,
            [
                ({"claim": [VARIANCE.replace("==", "<=").replace(f"- {B}*", "- 11/10*"), MEAN]}, SMALL),
                (
                    {
                        "claim": [
                            VARIANCE.replace("==", "<=")
                            .replace(f"== {A}*", "<= 9/10*")
                            .replace(f"<= {A}*", "<= 9/10*"),
                            MEAN,
                        ]
                    },
                    SMALL,
                ),
                ({"claim": [VARIANCE, MEAN.replace("n*u", "u")]}, SMALL),
                (
                    {
                        "law": {**STATEMENT["law"], "kind": "coins", "parameter": "1/n"},
                        "domain": [*STATEMENT["domain"], "1/n <= 1"],
                    },
                    SMALL,
                ),
            ],
            "inclusion probabilities",
        )
    ],
)
