"""IST with scaled Perm-1 sketches, n = d: the covariance of c, and the second moment of x+ = (1 - gamma) x + gamma c.

Powers of the step: the mean contracts by 1 - gamma, the squared deviation by (1 - gamma)^2, plus gamma^2 tr(A Cov c).
A norm's matrix is no restriction: the step is a scalar map, so x may stand for the root of A times x.

Setting: IST with n = d workers and scaled Perm-1 sketches (a random permutation deals one coordinate to each
    worker) on one quadratic; x+ = (1 - gamma) x + gamma c, where c is drawn anew in each step.
Symbols: m: the mean of c; c: what the step moves to; v: the variance of c; u: u[i, j], worker i's entry at
    coordinate j; a: any coefficients; D: sum over j of a_j^2 times the variance over i of u[i, j]; V: variance over
    i of sum_j a_j u[i, j]
Guarantee: E||x+ - m||^2 = (1 - gamma)^2||x - m||^2 + gamma^2 Var c, where the covariance of c is D/(n - 1) - V/(n
    (n - 1)) along a.
Proof:
    First part: sum_j a_j u[i(j), j] for a random permutation. A card falls on worker i with probability 1/n, which
    gives the mean. The square needs pairs: two coordinates lie on two different workers, each ordered pair with
    probability 1/(n (n - 1)). The terms with one coordinate make D, those with two make V and the rest of D; after
    subtracting the squared mean the stated combination is an identity, with no hypothesis used. Second part: x+ - m
    = (1 - gamma)(x - m) + gamma (c - m), and c - m has mean zero given x, so the cross term vanishes: an equality.
    `noise` with gamma^2 replaces the variance by its bound v, for the run; the equality itself is used with
    multiplier -1.
Tight: equality in both parts, except for the bound v of the variance.
Source: Shulgin and Richtárik 2024; the exact law is ours.
"""

from dataclasses import replace
from fractions import Fraction as F

from compth.methods.ist import dealt_covariance
from proofs_check._blocks import over_run
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text
from proofs_check._steps import SKETCHED

n, D, V, ga, v = symbols("n D V ga v")
# c_j = u[i, j]/sqrt(n) for the worker i whose card j is: a permutation deals one card to each of n workers
MIXED, MEAN = "E(Sum(i, Sum(j, a[j]*s[i, j]*u[i, j]))**2)/n", "Sum(i, Sum(j, a[j]*u[i, j]))"
COVARIANCE = text(dealt_covariance(D, V, n))
LAW = {
    "name": "ist.exact_law.covariance",
    "params": "n",
    "domain": ["n > 1"],
    "sizes": {"row": "n", "col": "n"},
    "indices": {"i": "row", "j": "col"},
    "arrays": {"u": "row col", "a": "col"},
    "law": {"indicator": "s", "kind": "deal", "on": "row col", "parameter": "1"},
    "let": {
        "D": "Sum(j, a[j]**2*(Sum(i, u[i, j]**2)/n - Sum(i, u[i, j])**2/n**2))",
        "V": f"Sum(i, Sum(j, a[j]*u[i, j])**2)/n - {MEAN}**2/n**2",
    },
    "claim": [
        f"E(Sum(i, Sum(j, a[j]*s[i, j]*u[i, j]))) == {MEAN}/n",
        f"{MIXED} - {MEAN}**2/n**3 == {COVARIANCE}",
    ],
}
FIRST, SECOND = LAW["claim"]
ARRAYS = model({"n": 3}, arrays={"a": [1, 2, -1], "u": [[1, 2, 0], [3, 1, 1], [0, 1, 5]]})

# what IST steps along is x - c on this quadratic
UPDATE = replace(SKETCHED, words={"mean message 1": {"x": 1, "c": -1}}, stated=("c",))
MOVES = UPDATE.steps()
LATER = UPDATE.after("sq(x - m)", MOVES)
RATE, NOISE = "(1 - ga)**2", "ga**2*v"
EXACT = f"{LATER} == {RATE}*sq(x - m) + ga**2*sq(c - m)"
MOMENT = {
    "name": "ist.exact_law",
    "params": "ga v",
    "domain": ["ga > 0", "v >= 0"],
    "vectors": ["common x", "common m", "common c ~ m @ 0"],
    "given": {"noise": "noise(c, P, v)"},
    "claim": [EXACT, f"{LATER} <= {RATE}*sq(x - m) + {NOISE}"],
    "run": over_run("sq(x - m)", MOVES, RATE, "m", noise=NOISE),
}
BOUND = MOMENT["claim"][1]


def at(x=3, away=1, step_size=F(1, 2), var=None, mean=1):
    """1-D: c = mean +- away."""
    params = {"ga": step_size, "v": away**2 if var is None else var}
    vectors = {"x": [x], "m": [mean], "c": [[[mean + away]], [[mean - away]]]}
    return model(params, vectors, prob=[F(1, 2), F(1, 2)])


SCRIPT = Script(
    "ist.exact_law",
    "IST with scaled Perm-1 sketches: covariance and second moment",
    [
        Part(
            LAW,
            [step(FIRST), step(SECOND)],
            ARRAYS,
            [
                ({"claim": [FIRST, SECOND.replace(f"== {COVARIANCE}", "== D/n - V/(n*(n - 1))")]}, ARRAYS),
                ({"claim": [FIRST, SECOND.replace(f"== {COVARIANCE}", "== D/(n - 1)")]}, ARRAYS),
                ({"claim": [FIRST.replace(f"{MEAN}/n", MEAN), SECOND]}, ARRAYS),
            ],
            "inclusion probabilities",
        ),
        Part(
            MOMENT,
            [step(EXACT), step(BOUND, {EXACT: "-1", "noise": "ga**2"})],
            at(var=2),
            [
                ({"claim": [EXACT, BOUND.replace(NOISE, f"{NOISE}/2")]}, at()),
                ({"claim": [EXACT, BOUND.replace(RATE, "(1 - ga)**3")]}, at()),
                ({"claim": [EXACT.replace("ga**2*", "ga*"), BOUND]}, at()),
                ({"given": {"noise": None}}, at(var=0)),
            ],
            update=UPDATE,
        ),
    ],
)
