"""m-nice sampling of n workers: (A, B) of `nice_joint` with equality, for symbolic n, m and d; with members' noise.

Setting: m of n workers are drawn uniformly without replacement, their messages, unbiased with variance omega,
    averaged.
Symbols: m: how many workers take part; a: the workers' vectors; e: variance of worker i's message; y: any vector
Guarantee: A = (n - m)/(m (n - 1)) + omega/m and B = (n - m)/(m (n - 1)).
Proof:
    First without compression: the mean of a sample without replacement. Single workers are in with probability m/n,
    pairs with m (m - 1)/(n (n - 1)); expanding the square, the terms i = k and i != k combine to the factor (n -
    m)/(m (n - 1)) on mean||a_i||^2 - ||mean a_i||^2, an identity. This is why A = B: the sampling only sees how far
    the workers differ, and agreeing workers are not disturbed. With compression each of the m messages adds its own
    variance over m^2; a worker is among them with probability m/n, which leaves sum e_i/(m n), and `var`, e_i <=
    omega||a_i||^2, is the only term. So omega/m joins A and not B.
Tight: tight: the first part is an equality, the second one where the compressors attain omega.
Source: Horváth and Richtárik 2021 for samplings; the pair (A, B) is ours.
"""

from compth.calculus import nice_joint
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

m, n, om = symbols("m n om")
C = text(nice_joint(m, n)[0])
A, B = (text(c) for c in nice_joint(m, n, om))
SPREAD = "(Sum(i, Sum(j, a[i, j]**2))/n - Sum(j, (Sum(i, a[i, j])/n)**2))"
SENT = "E(Sum(j, (Sum(i, n/m*u[i]*a[i, j])/n - Sum(i, a[i, j])/n)**2))"

EXACT = {
    "name": "sampling.nice.exact",
    "params": "n m d",
    "domain": ["m >= 1", "n >= m", "n >= 2", "d >= 1"],
    "sizes": {"worker": "n", "col": "d"},
    "indices": {"i": "worker", "j": "col"},
    "arrays": {"a": "worker col", "y": "col"},
    "law": {"indicator": "u", "kind": "deal", "on": "worker", "parameter": "m"},
    "claim": [
        f"{SENT} == {C}*{SPREAD}",
        "E(Sum(j, Sum(i, n/m*u[i]*a[i, j])/n*y[j])) == Sum(j, Sum(i, a[i, j])/n*y[j])",
    ],
}
VARIANCE, MEAN = EXACT["claim"]
NOISY = {
    **EXACT,
    "name": "sampling.nice",
    "title": "e_i: the variance of member i's message; given the sample the members are independent and unbiased",
    "params": "n m d om",
    "domain": [*EXACT["domain"], "om >= 0"],
    "arrays": {"a": "worker col", "e": "worker"},
    "given": {"var": "order(e[i], om*Sum(j, a[i, j]**2))"},
    "claim": [
        f"{SENT} + E(Sum(i, u[i]*e[i])/m**2)"
        f" <= {A}*Sum(i, Sum(j, a[i, j]**2))/n - {B}*Sum(j, (Sum(i, a[i, j])/n)**2)"
    ],
}
CLAIM = NOISY["claim"][0]
ROWS = [[1, 2], [3, -1], [0, 1]]
SMALL = model({"n": 4, "m": 2, "d": 2}, arrays={"a": [*ROWS, [1, 1]], "y": [1, 5]})
FULL = model({"n": 4, "m": 2, "d": 2, "om": 1}, arrays={"a": [*ROWS, [1, 1]], "e": [5, 10, 1, 2]})
SCRIPT = Script(
    "sampling.nice",
    "m-nice sampling: A = B = (n-m)/(m(n-1)), plus omega/m",
    [
        Part(
            EXACT,
            [step(VARIANCE), step(MEAN)],
            SMALL,
            [
                ({"claim": [VARIANCE.replace(f"== {C}*", "== (n - m)/(m*n)*"), MEAN]}, SMALL),
                ({"claim": [VARIANCE.replace("== ", "<= 9/10*"), MEAN]}, SMALL),
                ({"claim": [VARIANCE, MEAN.replace("n/m*u", "u")]}, SMALL),
                (
                    {
                        "law": {**EXACT["law"], "kind": "coins", "parameter": "m/n"},
                        "domain": [*EXACT["domain"], "m/n <= 1"],
                    },
                    SMALL,
                ),
            ],
            "inclusion probabilities",
        ),
        Part(
            NOISY,
            [step(CLAIM, {}, ["Sum(i, om*Sum(j, a[i, j]**2) - e[i])/(m*n)"])],
            FULL,
            [
                ({"claim": [CLAIM.replace(f"<= {A}*", f"<= ({A} - om/(2*m))*")]}, FULL),
                ({"claim": [CLAIM.replace(f"<= {A}*", f"<= {C}*")]}, FULL),
                ({"claim": [CLAIM.replace(f"- {B}*", f"- {A}*")]}, FULL),
                ({"given": {"var": None}}, FULL | {"params": {**FULL["params"], "om": "0"}}),
            ],
            "inclusion probabilities",
        ),
    ],
)
