"""SGD-star, which knows the gradients at x*: its row of the unified theory, and with it the theorem.

Setting: f is mu-strongly quasi-convex; one draw of expected smoothness LL, from which the gradient of the same draw
    at x* is taken off; gamma <= 1/(2 LL).
Symbols: S: the gradient that the same draw gives at x*; g: gradient of f at x; G: the drawn gradient at x
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2, no floor.
Proof:
    The step is along G - S, and `smooth` speaks of G - S: E||G - S||^2 <= 2 LL (f - f*). No splitting is needed and
    nothing of the draw at x* is left, so D1 = 0. The table's A is 2 LL, twice what `smooth` says; the script shows
    the table's row, hence `smooth` with 2 and a whole ||G - S||^2 left as a term. sgd_star.sharp has the row
    without that. G - S is unbiased because E S = grad f(x*) = 0. A >= mu and the theorem's step (`convex` 2 gamma,
    the row gamma^2, `low` the rest) are as for the other rows without a memory.
Tight: upper: twice too large an A, see sgd_star.sharp.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2.
"""

from compth.methods.sgd import SGDStarRow
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._sgd import at, one_draw, one_draw_steps
from proofs_check._steps import CORRECTED as UPDATE

(LL,) = symbols("LL")
ROW = SGDStarRow().parameters(constants(facts={"LL": LL}))
TITLE = "G: the workers' mean of the drawn gradients at x, S: that of the same draws at xs; G - S: the step"
STATEMENT = one_draw("sgd_star.linear", ROW, TITLE, UPDATE.direction(), {})
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
    update=UPDATE,
)
SCRIPT = Script(
    "sgd_star.linear",
    "SGD-star satisfies the unified assumption without noise, hence its theorem",
    [
        PART,
        theorem_part(PART, Row("sgd_star.linear", ROW, UPDATE.direction(), "g", FIRST, update=UPDATE)),
    ],
)
