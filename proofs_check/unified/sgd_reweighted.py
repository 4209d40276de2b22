"""SGD with any unbiased reweighting: its row of the unified theory from expected smoothness, and the theorem.

Setting: f is mu-strongly quasi-convex; one draw with arbitrary sampling, unbiased, of expected smoothness LL; gamma
    <= 1/(2 LL).
Symbols: S: the gradient that the same draw gives at x*; s2: E||S||^2 or a bound of it; g: gradient of f at x; G:
    the drawn gradient at x
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2 + 2 gamma^2 s2.
Proof:
    Only the draw at x* is known, so G is written (G - S) + S and ||G||^2 <= 2||G - S||^2 + 2||S||^2, the square of
    G - 2S being given away. Expected smoothness, `smooth` with 2, bounds the first by 4 LL (f - f*): A = 2 LL. The
    second is D1 = 2 s2, in the theorem by the number `at_s2`. Both factors 2 have this one origin, and sgd_star,
    which takes S off, has neither. Then, as for every row without a memory: `convex` with 2 gamma leaves -2 gamma
    (f - f*), gamma^2 times the row returns 2 gamma^2 A (f - f*), and gamma A <= 1 makes the difference a multiple
    of `low`.
Tight: upper: negative controls refute smaller A and D1.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2.
"""

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
    UPDATE.direction(),
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
    update=UPDATE,
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
