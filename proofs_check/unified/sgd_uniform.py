"""SGD with one uniformly chosen component: its row of the unified theory, and with it the theorem.

The components are the family, so that P is the mean over the uniform index: E||g_j||^2 = sq(g).

Setting: f = mean of components that are convex and L-smooth, f mu-strongly quasi-convex; one component drawn
    uniformly; gamma <= 1/(2L).
Symbols: L: largest smoothness constant of the components; g: gradients of the components at x; hs: gradients of the
    components at x*; s2: mean||grad f_i(x*)||^2; J: the gradient of the drawn component
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2 + 2 gamma^2 s2, s2 = mean||grad f_i(x*)||^2.
Proof:
    The components are the family, so that the mean over workers is the mean over the uniform index: E||J||^2 =
    mean||g_i||^2 (`uniform`). At the minimiser the same component has h_i, and mean||g_i||^2 <= 2 mean||g_i -
    h_i||^2 + 2 s2. `each` with 4L bounds the first by 4L(f - f*): the Bregman distances of the components add up to
    f - f* because the h_i have mean zero (`optimal`). Thus A = 2L and D1 = 2 s2, sgd.reweighted with expected
    smoothness proved instead of assumed. A >= mu uses mean||g_i - h_i||^2 >= ||grad f||^2, which is where `sum` and
    `still` come in.
Tight: upper: negative controls refute smaller A and D1.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2.
"""

from dataclasses import replace

from compth.methods.sgd import SGDUniform
from proofs_check._blocks import AT_SOLUTION
from proofs_check._models import model, per_worker, quadratic
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._sgd import STEEP, claims, steep
from proofs_check._steps import DRAWN

L, s2 = symbols("L s2")
ROW = SGDUniform().parameters(constants(facts={"L_part": L, "sigma2_mean": s2}))
UPDATE = replace(DRAWN, words={"mean gradient": "J"})
STATEMENT = {
    "name": "sgd.uniform.assumption",
    "title": "g: gradients of the components at x, hs: at xs; the drawn one is that of a uniform component",
    "params": "L mu",
    "domain": ["L > 0", "mu > 0"],
    "vectors": ["common x", "common xs", "family g", "family hs"],
    "values": "f fs",
    "given": {
        "convex": "strongly_convex(f, fs, P(g), x, xs, mu)",
        "each": "cocoercive(f, fs, g, hs, x, xs, L)",
        **AT_SOLUTION,
    },
    "let": {"s2": "sq(hs)"},
    "claim": claims(ROW, "g", "P(g)"),
}
FAIR, FIRST, FIRM = STATEMENT["claim"]
A, D1 = text(ROW.A), text(ROW.D1)
STEPS = [
    step(FAIR),
    step(FIRST, {"each": "4*L", "optimal": "-4*L"}, ["sq(g - 2*hs)"]),
    steep("P(g)"),
    step(
        FIRM,
        {
            "each": "2*L",
            "optimal": "-2*L",
            STEEP.format("P(g)"): "1/2",
            "sum": "2",
            "still": "-1",
        },
        ["1/2*sq(P(g))", "sq(g - hs - P(g - hs))"],
    ),
]


def at(curvatures, shift, **params):
    """Two components l_j x^2/2 +- shift x, x* = 0 moved to 1, at x = 2; mu is the mean of the l_j."""
    q = quadratic(curvatures, [shift, -shift])
    vectors = {"x": q["x"], "xs": q["xs"], "g": per_worker(q["g"]), "hs": per_worker(q["hs"])}
    base = {"L": max(curvatures), "mu": sum(curvatures) / 2}
    return model({**base, **params}, vectors, workers=2, values={"f": q["f"], "fs": q["fs"]})


PART = Part(
    STATEMENT,
    STEPS,
    at([2, 1], 1, mu=1),
    [
        ({"claim": [FAIR, FIRST.replace(f"2*{A}", A), FIRM]}, at([2, 0], 1, mu=1)),
        ({"claim": [FAIR, FIRST.replace(D1, "s2"), FIRM]}, at([2, 0], 2, mu=1)),
        ({"claim": [FAIR, FIRST.replace(f" + {D1}", ""), FIRM]}, at([2, 0], 3, mu=1)),
        ({"given": {"each": None}}, at([4, 0], 1, mu=1, L=1)),
        ({"given": {"convex": None}}, at([2, 2], 1, mu=9)),
    ],
)
SCRIPT = Script(
    "sgd.uniform",
    "SGD with one uniform component satisfies the unified assumption, hence its theorem",
    [
        PART,
        theorem_part(
            PART, Row("sgd.uniform", ROW, "g", "P(g)", FIRST, fixed="xs hs", uniform=True, update=UPDATE)
        ),
    ],
)
