"""ATOMO at budget s over n atoms: unbiased, omega = n/s - 1: its moment is least and p = s/n is allowed.

The same number bounds the mean squared error of distributed mean estimation at its best probabilities from above
(n: the entries that are not 0); from below it is 1/s - 1, as no probability exceeds the budget.
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
