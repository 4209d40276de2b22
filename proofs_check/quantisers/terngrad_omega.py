"""TernGrad: omega = (sqrt(d) - 1)/2. The largest entry m is sent exactly, the others b_j <= m by coins b_j/m.

Setting: sizes over the largest one, m, are rounded at random to 0 or 1; d = r^2; the largest entry is sent as it
    is.
Symbols: r: sqrt(d); m: the largest size; b: the other sizes; y0, y: any vector, at the largest entry and at the
    others
Guarantee: unbiased, E||C(x) - x||^2 <= (sqrt(d) - 1)/2 ||x||^2, so omega = (sqrt(d) - 1)/2.
Proof:
    An entry of size b is m with probability b/m, so its variance is b m - b^2 = b (m - b); the largest has none.
    The claim is sum b (m - b) <= (r - 1)/2 (m^2 + sum b^2). Bring the sum to the right: sum b^2 has (r + 1)/2, sum
    b has -m, and a square is completed at m/(r + 1) for each of the d - 1 entries. What the squares add, (r + 1)/2
    (d - 1) m^2/(r + 1)^2, is (r - 1)/2 m^2 since d - 1 = (r - 1)(r + 1): exactly the part of the largest entry, so
    the sum of squares is the only term. `pos` and `top` say that b/m is a probability. Had the largest entry been
    treated like the others, d/4 or sqrt(d) would come out (dithering.uniform).
Tight: attained by one entry m beside d - 1 entries m/(sqrt(d) + 1).
Source: Wen, Xu, Yan, Wu, Wang, Chen and Li 2017 has the compressor, Horváth, Ho, Horváth, Sahu, Canini and
    Richtárik 2022 the class; the constant is ours.
"""

import compth as ct
from compth.claims import Unbiased
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(r,) = symbols("r")
OMEGA = text(next(c for c in ct.TernGrad().claims(r**2) if isinstance(c, Unbiased)).omega)

STATEMENT = {
    "name": "terngrad.omega",
    "title": "absolute values, d = r^2; y_0, y: any vector in the basis of the signs",
    "params": "r m y0",
    "domain": ["r > 0", "r**2 >= 1", "m > 0"],
    "sizes": {"rest": "r**2 - 1"},
    "indices": {"j": "rest"},
    "arrays": {"b": "rest", "y": "rest"},
    "law": {"indicator": "u", "kind": "coins", "on": "rest", "parameter": "b[j]/m"},
    "given": {"pos": "order(0, b[j]/m)", "top": "order(b[j]/m, 1)"},
    "claim": [
        f"E(Sum(j, (m*u[j] - b[j])**2)) <= {OMEGA}*(m**2 + Sum(j, b[j]**2))",
        "m*y0 + E(Sum(j, m*u[j]*y[j])) == m*y0 + Sum(j, b[j]*y[j])",
    ],
}
VARIANCE, MEAN = STATEMENT["claim"]
FLAT = {"b": [1, 1, 1], "y": [1, 2, 5]}
WORST = model({"r": 2, "m": 3, "y0": 1}, arrays=FLAT)
# every other entry m/(r + 1): one number, no array
ATTAINED = {
    "name": "terngrad.omega.attained",
    "title": "entries m/(r + 1) beside the largest, m: omega is attained, for every d = r^2",
    "params": "r m",
    "domain": STATEMENT["domain"],
    "sizes": STATEMENT["sizes"],
    "indices": STATEMENT["indices"],
    "law": {**STATEMENT["law"], "parameter": "1/(r + 1)"},
    "claim": [f"E(Sum(j, (m*u[j] - m/(r + 1))**2)) == {OMEGA}*(m**2 + Sum(j, (m/(r + 1))**2))"],
}
[EQUAL] = ATTAINED["claim"]
FOUR = model({"r": 2, "m": 3})
SCRIPT = Script(
    "terngrad.omega",
    "TernGrad: omega = (sqrt(d) - 1)/2, attained",
    [
        Part(
            STATEMENT,
            [step(VARIANCE, {}, ["(r + 1)/2*Sum(j, (b[j] - m/(r + 1))**2)"]), step(MEAN)],
            WORST,
            [
                ({"claim": [VARIANCE.replace(OMEGA, "(r - 1)/3"), MEAN]}, WORST),
                ({"claim": [VARIANCE.replace(f"{OMEGA}*", "0*"), MEAN]}, WORST),
                ({"claim": [VARIANCE.replace("m**2 + ", ""), MEAN]}, WORST),
                ({"claim": [VARIANCE, MEAN.replace("m*u[j]*y[j]", "b[j]*u[j]*y[j]")]}, WORST),
                (
                    {"sizes": {"rest": "r**2"}},
                    model({"r": 2, "m": 3, "y0": 1}, arrays={"b": [1, 1, 1, 1], "y": [1, 2, 3, 4]}),
                ),
            ],
            "inclusion probabilities",
        ),
        Part(
            ATTAINED,
            [step(EQUAL)],
            FOUR,
            [
                ({"claim": [EQUAL.replace(OMEGA, "(r - 1)/3")]}, FOUR),
                ({"claim": [EQUAL.replace(f"{OMEGA}*(m**2 + ", f"{OMEGA}*(0*m + ")]}, FOUR),
                ({"law": {**STATEMENT["law"], "parameter": "1/(r + 2)"}}, FOUR),
            ],
            "inclusion probabilities",
        ),
    ],
)
