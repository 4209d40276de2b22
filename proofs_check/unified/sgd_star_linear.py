"""SGD-star, which knows the gradients at x*: its row of the unified theory, and with it the theorem."""

from compth.methods.sgd import SGDStarRow
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._sgd import at, one_draw, one_draw_steps
from proofs_check._steps import CORRECTED as UPDATE

(LL,) = symbols("LL")
ROW = SGDStarRow().parameters(constants(facts={"LL": LL}))
TITLE = "G: the workers' mean of the drawn gradients at x, S: that of the same draws at xs; G - S: the step"
STATEMENT = one_draw("sgd_star.linear", ROW, TITLE, "G - S", {})
FAIR, FIRST, FIRM = STATEMENT["claim"]
A = text(ROW.A)
PART = Part(
    STATEMENT,
    one_draw_steps(STATEMENT, step(FIRST, {"smooth": "2"}, ["sq(G - S)"]), double=True),
    at([2, 1], 1),
    [
        ({"claim": [FAIR, FIRST.replace("2*(2*LL)", "1/2*(2*LL)"), FIRM]}, at([2, 0], 1)),
        ({"claim": [FAIR, FIRST.replace("sq(G - S)", "sq(G)"), FIRM]}, at([2, 0], 3)),
        ({"given": {"smooth": None}}, at([2, 0], 1, LL="1/4")),
        ({"given": {"convex": None}}, at([2, 2], 1, mu=9)),
    ],
)
SCRIPT = Script(
    "sgd_star.linear",
    "SGD-star satisfies the unified assumption without noise, hence its theorem",
    [
        PART,
        theorem_part(PART, Row("sgd_star.linear", ROW, UPDATE.direction(), "g", FIRST, update=UPDATE)),
    ],
)
