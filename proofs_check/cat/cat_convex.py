"""CAT, S, convex f: 1/e_k grows by alpha/(2 L R^2) a step, e = f - f*, R the radius of the level set. One step.

Setting: f convex and L-smooth on one worker, iterates within R of a minimiser, descent of at least a||g||^2/(2 L) a
    step.
Symbols: e: f(x) - f* before the step; ep: the same after it; G: ||g||^2; a: a lower bound of the shares; R: bound
    of ||x - x*||
Guarantee: 1/(f(x+) - f*) >= 1/(f(x) - f*) + a/(2 L R^2), so f - f* <= 2 L R^2/(a k) after k steps.
Proof:
    Convexity and Cauchy's inequality give e^2 <= R^2||g||^2, `convex`; with the multiplier a/(2 L R^2) it turns the
    descent, `step`, into ep <= e - a/(2 L R^2) e^2. In particular ep <= e. Dividing by e ep gives 1/e <= 1/ep -
    a/(2 L R^2) e/ep, and e/ep >= 1 finishes it: the two relations just shown have the multipliers 1/(e ep) and a/(2
    L R^2 ep). It is the usual argument for the 1/k rate of gradient descent, with the share a as a factor of the
    descent. Summing the reciprocals over the steps is left to the reader: the statement is about one step, e and ep
    positive.
Tight: upper: Cauchy's inequality is used at every step.
Source: Khirirat, Magnússon, Aytekin and Johansson 2021.
"""

from compth.tuning.schemes import improvement
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

a, G, L = symbols("a G L")
GAIN = text(improvement(a, G, L))
STATEMENT = {
    "name": "cat.convex",
    "title": "e, ep: f - f* before and after the step, G = ||g||^2, a: a lower bound of the shares",
    "params": "e ep a G L R",
    "domain": ["e > 0", "ep > 0", "a > 0", "L > 0", "R > 0"],
    "given": {"convex": "order(e**2, R**2*G)", "step": f"order(ep, e - {GAIN})"},
    "claim": ["1/e + a/(2*L*R**2) <= 1/ep"],
}
[CLAIM] = STATEMENT["claim"]
SHORTER = "ep <= e - a/(2*L*R**2)*e**2"
EXACT = model({"e": 1, "ep": "1/2", "a": 1, "G": 1, "L": 1, "R": 1})
SMALL = model({"e": "1/10", "ep": "19/200", "a": 1, "G": "1/100", "L": 1, "R": 1})
SCRIPT = Script(
    "cat.convex",
    "communication-aware tuning, convex f: one step of the 1/k rate",
    [
        Part(
            STATEMENT,
            [
                step(SHORTER, {"step": "1", "convex": "a/(2*L*R**2)"}),
                step("ep <= e", {SHORTER: "1"}, ["a/(2*L*R**2)*e**2"]),
                step(CLAIM, {SHORTER: "1/(e*ep)", "ep <= e": "a/(2*L*R**2*ep)"}),
            ],
            EXACT,
            [
                ({"claim": [CLAIM.replace("+ a", "+ 11/10*a")]}, SMALL),
                (
                    {"given": {"convex": None}},
                    {**EXACT, "params": {**EXACT["params"], "e": "9", "ep": "17/2"}},
                ),
                ({"given": {"step": None}}, {**EXACT, "params": {**EXACT["params"], "ep": "1"}}),
            ],
            "polynomial",
        )
    ],
)
