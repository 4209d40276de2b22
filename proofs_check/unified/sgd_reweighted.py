"""SGD with any unbiased reweighting: its row of the unified theory from expected smoothness, and the theorem."""

from compth.methods.sgd import SGDReweighted
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._sgd import at, one_draw, one_draw_steps
from proofs_check._steps import DRAWN as UPDATE

LL, s2 = symbols("LL s2")
ROW = SGDReweighted().parameters(constants(facts={"LL": LL, "sigma2_mean": s2}))
STATEMENT = one_draw(
    "sgd.reweighted",
    ROW,
    "G: the workers' mean of the drawn gradients at x, S: that of the same draws at xs",
    "G",
    {"s2": "sq(S)"},
)
FAIR, FIRST, FIRM = STATEMENT["claim"]
A, D1 = text(ROW.A), text(ROW.D1)
PART = Part(
    STATEMENT,
    one_draw_steps(STATEMENT, step(FIRST, {"smooth": "2"}, ["sq(G - 2*S)"]), double=True),
    at([2, 1], 1),
    [
        ({"claim": [FAIR, FIRST.replace(f"2*{A}", A), FIRM]}, at([2, 0], 1)),
        ({"claim": [FAIR, FIRST.replace(D1, "s2"), FIRM]}, at([2, 0], 2)),
        ({"claim": [FAIR, FIRST.replace(f" + {D1}", ""), FIRM]}, at([2, 0], 3)),
        ({"given": {"smooth": None}}, at([2, 0], 1, LL="1/4")),
        ({"given": {"convex": None}}, at([2, 2], 1, mu=9)),
    ],
)
SCRIPT = Script(
    "sgd.reweighted",
    "SGD with arbitrary sampling satisfies the unified assumption, hence its theorem",
    [
        PART,
        theorem_part(
            PART, Row("sgd.reweighted", ROW, UPDATE.direction(), "g", FIRST, stars={"s2": "S"}, update=UPDATE)
        ),
    ],
)
