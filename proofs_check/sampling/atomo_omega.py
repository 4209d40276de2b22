"""ATOMO at budget s over n atoms: unbiased, omega = n/s - 1: its moment is least and p = s/n is allowed.

Setting: n = k + m atoms, budget s; k saturated ones are sent for sure, the others with probability b_j/c and the
    value c = N/(s - k).
Symbols: m: number of unsaturated atoms; s: the budget; N: sum of the b; c: N/(s - k); a: saturated weights; b: the
    other weights; y: any vector; p: any probabilities of at most s; v: values over probabilities
Guarantee: E||C(x)||^2 <= (n/s)||x||^2, so omega = n/s - 1 at every budget; no probabilities within the budget do
    better at one atom.
Proof:
    Sent atoms have the second moment sum a^2 + c sum b. In n/s (sum a^2 + sum b^2) a square is completed for each b
    at the common value c s/n, where all probabilities would equal s/n: n/s b^2 = 2 c b - c^2 s/n + n/s (b - c
    s/n)^2. The a exceed c (`saturated`), so n/s - 1 of a^2 is at least that of c^2. What remains is a number times
    c^2 that comes out as k (n - s)^2/(n s), a square, which vanishes without saturated atoms. `least`, N <= sum b,
    has the multiplier c. So the worst vector has all weights equal and no saturation. The second part: with p <= s
    at every atom, p v^2 (s - p)/s is nonnegative and 1/s - 1 cannot be beaten.
Tight: tight: equal weights, all with probability s/n, leave no term.
Source: Wang, Sievert, Liu, Charles, Papailiopoulos and Wright 2018, Algorithm 1 and Theorem 5; the constant is
    ours.
"""

from compth.compressors.atomo import atomic_omega
from compth.compressors.core.probabilities import active_probability
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

b, s, k, m, N = symbols("b s k m N")
SHARE = text(active_probability(b, s, k, N)).replace("b", "b[j]")
LEVEL = text(b / active_probability(b, s, k, N))
OMEGA = text(atomic_omega(k + m, s))
TOTAL = "(Sum(i, a[i]**2) + Sum(j, b[j]**2))"

STATEMENT = {
    "name": "atomo.omega",
    "title": "a: sizes of k saturated atoms, at least c; b: the others, with probability b_j/c and the value c",
    "params": "k m s N",
    "domain": ["k >= 0", "m >= 1", "s > k", "s <= k + m", "N > 0"],
    "sizes": {"full": "k", "rest": "m"},
    "indices": {"i": "full", "j": "rest"},
    "arrays": {"a": "full", "b": "rest", "y": "rest"},
    "law": {"indicator": "u", "kind": "coins", "on": "rest", "parameter": SHARE},
    "let": {"c": LEVEL},
    "given": {
        "some": f"order(0, {SHARE})",
        "one": f"order({SHARE}, 1)",
        "saturated": "order(c, a[i])",
        "least": "order(N, Sum(j, b[j]))",
    },
    "claim": [
        f"Sum(i, a[i]**2) + E(Sum(j, (u[j]*c)**2)) <= (1 + {OMEGA})*{TOTAL}",
        "E(Sum(j, u[j]*c*y[j])) == Sum(j, b[j]*y[j])",
    ],
}
BOUND, MEAN = STATEMENT["claim"]
SMALL = {
    "name": "atomo.omega.least",
    "title": "probabilities within the budget, b_j = p_j v_j: at least 1/s - 1",
    "params": "m s",
    "domain": ["m >= 1", "s > 0"],
    "sizes": {"col": "m"},
    "indices": {"j": "col"},
    "arrays": {"p": "col", "v": "col"},
    "law": {"indicator": "u", "kind": "coins", "on": "col", "parameter": "p[j]"},
    "given": {
        "some": "order(0, p[j])",
        "one": "order(p[j], 1)",
        "each": "order(p[j], s)",
    },
    "claim": [f"{text(atomic_omega(1, s))}*Sum(j, (p[j]*v[j])**2) <= E(Sum(j, (u[j]*v[j] - p[j]*v[j])**2))"],
}
[LEAST] = SMALL["claim"]
EVEN = model({"k": 0, "m": 2, "s": 1, "N": 2}, arrays={"a": [], "b": [1, 1], "y": [1, 2]})
UNEVEN = model({"k": 1, "m": 2, "s": 2, "N": 3}, arrays={"a": [4], "b": [1, 2], "y": [1, 2]})
SINGLE = model({"m": 1, "s": "1/2"}, arrays={"p": ["1/2"], "v": [2]})
SCRIPT = Script(
    "atomo.omega",
    "ATOMO: omega = n/s - 1 at every budget",
    [
        Part(
            STATEMENT,
            [
                step("k + m - s >= 0", {"s <= k + m": "1"}),
                step(
                    BOUND,
                    {"least": "c"},
                    [
                        "(k + m - s)/s*Sum(i, (a[i] - c)*((a[i] - c) + 2*c))",
                        "(k + m)/s*Sum(j, (b[j] - c*s/(k + m))**2)",
                        "c**2*k*(k + m - s)**2/((k + m)*s)",
                    ],
                ),
                step(MEAN),
            ],
            UNEVEN,
            [
                ({"claim": [BOUND.replace(OMEGA, f"9/10*{OMEGA}"), MEAN]}, EVEN),
                ({"claim": [BOUND.replace(OMEGA, "(1/s - 1)"), MEAN]}, EVEN),
                ({"claim": [BOUND, MEAN.replace("*c*", "*2*c*")]}, EVEN),
            ],
            "tangents, KKT certificate",
        ),
        Part(
            SMALL,
            [step(LEAST, {}, ["Sum(j, p[j]*v[j]**2*(s - p[j]))/s"])],
            model({"m": 2, "s": "3/4"}, arrays={"p": ["1/2", "1/4"], "v": [2, 3]}),
            [
                ({"claim": [f"11/10*{LEAST}"]}, SINGLE),
                ({"claim": [LEAST.replace("(-1 + 1/s)", "(1/s)")]}, SINGLE),
                ({"given": {"each": None}}, {**SINGLE, "params": {"m": "1", "s": "1/4"}}),
            ],
            "inclusion probabilities",
        ),
    ],
)
