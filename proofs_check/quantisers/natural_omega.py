"""Natural compression: rounding t in [l, 2l] to l or 2l without bias has variance at most t^2/8, entry by entry.

Setting: sizes are rounded to one of the two neighbouring powers of two, up with the probability that makes it
    unbiased.
Symbols: l: the power of two below an entry's size, 0 for a zero; w: the entry's place between l and 2 l; y: any
    vector
Guarantee: unbiased, E||C(x) - x||^2 <= ||x||^2/8, so omega = 1/8.
Proof:
    A size l (1 + w) becomes l (1 + u) with a coin u of probability w, so the error is l^2 w (1 - w) and the size's
    square l^2 (1 + w)^2. The ratio w (1 - w)/(1 + w)^2 is largest at w = 1/3, where it is (2/9)/(16/9) = 1/8, and
    (1 + w)^2/8 - w (1 - w) = (3 w - 1)^2/8 shows it for all w at once: the term, summed over the entries with
    weight l^2. There is no dependence on d, as every entry is rounded relative to itself. Zeros have l = 0 and drop
    out. `down` and `up` say that w is a probability, which the law of the coins needs; the inequality itself holds
    for all w.
Tight: attained in every dimension by entries 4/3 of powers of two.
Source: Horváth, Ho, Horváth, Sahu, Canini and Richtárik 2022, Theorem 3.
"""

import compth as ct
from compth.claims import Unbiased
from proofs_check._blocks import entries
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(d,) = symbols("d")
OMEGA = text(next(c for c in ct.NaturalCompression().claims(d) if isinstance(c, Unbiased)).omega)

STATEMENT = {
    "name": "natural.omega",
    "title": "absolute values l (1 + w), l the power of two below (0 for a zero), up with probability w; y: any vector"
    " in the basis of the signs",
    "params": "d",
    "domain": ["d >= 1"],
    **entries("l w y", "coins", "w[j]"),
    "given": {"down": "order(0, w[j])", "up": "order(w[j], 1)"},
    "claim": [
        f"E(Sum(j, (l[j]*(1 + u[j]) - l[j]*(1 + w[j]))**2)) <= {OMEGA}*Sum(j, (l[j]*(1 + w[j]))**2)",
        "E(Sum(j, l[j]*(1 + u[j])*y[j])) == Sum(j, l[j]*(1 + w[j])*y[j])",
    ],
}
VARIANCE, MEAN = STATEMENT["claim"]
# every entry 4/3 of a power of two
ATTAINED = {
    **{k: v for k, v in STATEMENT.items() if k != "given"},
    "name": "natural.omega.attained",
    "title": "absolute values (4/3) l_j: omega is attained in every dimension",
    "arrays": {"l": "col"},
    "law": {**STATEMENT["law"], "parameter": "1/3"},
    "claim": [f"E(Sum(j, (l[j]*(1 + u[j]) - 4/3*l[j])**2)) == {OMEGA}*Sum(j, (4/3*l[j])**2)"],
}
[EQUAL] = ATTAINED["claim"]
WORST = model({"d": 2}, arrays={"l": [1, 4], "w": ["1/3", "1/3"], "y": [1, 2]})
POWERS = model({"d": 2}, arrays={"l": [1, 4]})
SCRIPT = Script(
    "natural.omega",
    "natural compression: omega = 1/8, attained",
    [
        Part(
            STATEMENT,
            [step(VARIANCE, {}, ["1/8*Sum(j, l[j]**2*(3*w[j] - 1)**2)"]), step(MEAN)],
            WORST,
            [
                ({"claim": [VARIANCE.replace(f"<= {OMEGA}", "<= 1/9"), MEAN]}, WORST),
                ({"claim": [f"{VARIANCE.split(' <= ')[0]} <= {OMEGA}*Sum(j, l[j]**2)", MEAN]}, WORST),
                ({"claim": [VARIANCE, MEAN.replace("(1 + u[j])", "(1 + 2*u[j])")]}, WORST),
                (
                    {
                        "law": {**STATEMENT["law"], "parameter": "w[j]**2"},
                        "given": {"down": "order(0, w[j]**2)", "up": "order(w[j]**2, 1)"},
                    },
                    WORST,
                ),
            ],
            "inclusion probabilities",
        ),
        Part(
            ATTAINED,
            [step(EQUAL)],
            POWERS,
            [
                ({"claim": [EQUAL.replace(f"== {OMEGA}", "== 1/9")]}, POWERS),
                ({"claim": [f"{EQUAL.split(' == ')[0]} == {OMEGA}*Sum(j, l[j]**2)"]}, POWERS),
                ({"law": {**STATEMENT["law"], "parameter": "1/2"}}, POWERS),
            ],
            "inclusion probabilities",
        ),
    ],
)
