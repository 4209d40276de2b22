"""SGD-star with twice the table's step: the assumption with A = LL, and with it the theorem.

Setting: that of sgd_star.linear with gamma <= 1/LL.
Symbols: S: the gradient that the same draw gives at x*; g: gradient of f at x; G: the drawn gradient at x
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2, no floor, for steps twice as long.
Proof:
    E||G - S||^2 <= 2A(f - f*) with A = LL is `smooth` itself, multiplier 1 and nothing left. What has to be shown
    anew is A >= mu, which the theorem without a memory asks for and which is less obvious for the smaller A: half
    of `smooth` bounds E||G - S||^2/2 by LL (f - f*), Jensen's inequality gives E||G - S||^2 >= ||g||^2 (the square
    of G - S - g is the term), and ||g||^2 >= 2 mu (f - f*) from `convex` with 2 mu, half of it, closes the chain at
    mu (f - f*) <= LL (f - f*). The step of the theorem is `convex` with 2 gamma, the row with gamma^2, and `low`
    with 2 gamma (1 - gamma LL).
Tight: upper: a control refutes less than this A.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2; half of the table's A is ours.
"""

from compth.methods.sgd import SGDStarSharp
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._sgd import at, one_draw, one_draw_steps
from proofs_check._steps import CORRECTED as UPDATE
from proofs_check.unified.sgd_star_linear import TITLE

(LL,) = symbols("LL")
ROW = SGDStarSharp().parameters(constants(facts={"LL": LL}))
STATEMENT = one_draw("sgd_star.sharp", ROW, TITLE, UPDATE.direction(), {})
FAIR, FIRST, FIRM = STATEMENT["claim"]
A = text(ROW.A)
PART = Part(
    STATEMENT,
    one_draw_steps(STATEMENT, step(FIRST, {"smooth": "1"}), double=False),
    at([2, 1], 1),
    [
        # the expected smoothness is attained: nothing less is true
        ({"claim": [FAIR, FIRST.replace(f"2*{A}", f"99/100*2*{A}"), FIRM]}, at([2, 0], 1)),
        ({"claim": [FAIR, FIRST.replace("sq(G - S)", "sq(G)"), FIRM]}, at([2, 0], 3)),
        ({"claim": [FAIR, FIRST, FIRM.replace(A, f"1/2*{A}")]}, at([2, 2], 1)),
        ({"given": {"smooth": None}}, at([2, 0], 1, LL="1/4")),
        ({"given": {"convex": None}}, at([2, 2], 1, mu=9)),
    ],
    update=UPDATE,
)
SCRIPT = Script(
    "sgd_star.sharp",
    "SGD-star satisfies the unified assumption with half the table's A, hence the theorem with twice its step",
    [
        PART,
        theorem_part(PART, Row("sgd_star.sharp", ROW, UPDATE.direction(), "g", FIRST, update=UPDATE)),
    ],
)
