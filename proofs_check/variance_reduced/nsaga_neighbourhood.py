"""N-SAGA's row of the unified theory: its assumption, and with it the theorem; half the printed D1 is enough.

Setting: that of saga.linear where the gradients of the components are noisy, N_i with mean g_i and mean||N_i -
    g_i||^2 <= s2.
Symbols: n: number of components; L: largest smoothness constant of the components; M: weight of the table over
    gamma^2; R: the rate; s2: bound of mean E||N_i - g_i||^2; g: gradients of the components at x; hs: gradients of
    the components at x*; N: noisy gradients of the components; t: the table; Y: error of the next table; J: the
    step's direction
Guarantee: SAGA's Lyapunov function shrinks by the factor SAGA's R, up to gamma^2 (2 + M/n) s2.
Proof:
    Noise is independent of what is known, so squares add. In the direction it occurs once, `noise` with 1: the
    finer line with s2 is shown first, and the table's D1 = 2 s2 is that line plus s2 to spare. In the table a drawn
    entry now holds N instead of g, so `renewed` compares N - h* with t - h*, and a noisy entry has the square of an
    exact one plus the noise, with probability 1/n: `noise` with 1/n, D2 = s2/n. A, B, rho and C are those of
    saga.linear, by the same splitting of the direction at h*. The floor is gamma^2 (D1 + M D2).
Tight: upper: the direction's noise is counted twice in the table's row; half of D1 would do.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2, N-SAGA.
"""

from dataclasses import replace
from fractions import Fraction as F

from compth.methods.n_saga import NSAGA, NSAGANeighbourhood
from proofs_check import _table
from proofs_check._models import model, per_worker, quadratic
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check.variance_reduced import saga_linear
from proofs_check.variance_reduced.saga_linear import DRAWN

n, L, s2 = symbols("n L s2")
ROW = NSAGANeighbourhood().parameters(constants(n=n, L_max=L, sigma2=s2))
D1, HALF, D2 = text(ROW.D1), text(ROW.D1 / 2), text(ROW.D2)
UPDATE = replace(
    saga_linear.UPDATE,
    method=NSAGA,
    words={**saga_linear.UPDATE.words, "gradient": "N"},
    expected={"g": "gradient"},
)
SAGA = _table.assumption("nsaga.neighbourhood", ROW, UPDATE, "n", ["n >= 1"])
FAIR, FIRST, SECOND = SAGA["claim"]
PRINTED, SHARP, NEXT = f"{FIRST} + {D1}", f"{FIRST} + {HALF}", f"{SECOND} + {D2}"
STATEMENT = {
    **SAGA,
    "title": f"{SAGA['title']}; N: the noisy gradients",
    "params": f"{SAGA['params']} s2",
    "domain": [*SAGA["domain"], "s2 >= 0"],
    "vectors": [
        *SAGA["vectors"][:-1],
        "family N ~ g @ 0",
        SAGA["vectors"][-1].replace("@ 0", "@ 1"),
    ],
    "given": {
        **SAGA["given"],
        "noise": "growth(sq(N - g), 0, 0, 0, 0, 0, s2)",
    },
    "claim": [FAIR, PRINTED, SHARP, NEXT],
}
DOUBLE, C = text(2 * ROW.A), text(ROW.C)
STEPS = [
    step(FAIR),
    step(
        SHARP,
        {"convex": DOUBLE, "optimal": f"-{DOUBLE}", "sum": "2", "still": "-1", "noise": "1"},
        ["sq(g - hs + (t - hs) - P(t - hs))", "2*sq(P(t - hs))"],
    ),
    step(PRINTED, {SHARP: "1"}, [HALF]),
    step(NEXT, {"convex": f"2*{C}", "optimal": f"-2*{C}", "renewed": "1", "noise": "1/n"}),
]


def at(beta, size, at=1, curvatures=(2, 0), **params):
    """The model of SAGA's row; every gradient carries +-size."""
    q = quadratic(curvatures, [1, -1], at)
    t = [h + b for h, b in zip(q["hs"], [-F(beta), F(beta)], strict=True)]
    N, Y = [], []
    for xi in (F(size), -F(size)):
        for _, mask in DRAWN:
            N.append([[g + xi] for g in q["g"]])
            entries = zip(mask, q["g"], t, q["hs"], strict=True)
            Y.append([[(g + xi if up else old) - h] for up, g, old, h in entries])
    vectors = {"x": q["x"], "xs": q["xs"], "g": per_worker(q["g"]), "hs": per_worker(q["hs"])}
    vectors |= {"t": per_worker(t), "N": N, "Y": Y}
    numbers = {"n": 2, "L": 2, "s2": F(size) ** 2, **params}
    values = {"f": q["f"], "fs": q["fs"]}
    return model(numbers, vectors, prob=[F(1, 4)] * 4, workers=2, values=values, cells=[[[0, 1], [2, 3]]])


STILL = at(0, 1, at=0)
PART = Part(
    STATEMENT,
    STEPS,
    at(F(1, 2), 1, curvatures=(2, 1)),
    [
        ({"claim": [FAIR, PRINTED, f"{FIRST} + 9/10*{HALF}", NEXT]}, STILL),
        ({"claim": [FAIR, PRINTED, SHARP, f"{SECOND} + 9/10*{D2}"]}, STILL),
        ({"claim": [FAIR, PRINTED, SHARP.replace("+ (2)*", "+ "), NEXT]}, at(2, F(1, 9))),
        (
            {"claim": [FAIR, PRINTED.replace(f"2*{text(ROW.A)}", text(ROW.A)), SHARP, NEXT]},
            at(1, F(1, 9)),
        ),
        (
            {"claim": [FAIR, PRINTED, SHARP, NEXT.replace("1 - (1/n)", "1 - 11/10*(1/n)")]},
            at(2, F(1, 9)),
        ),
        ({"claim": [FAIR, PRINTED, SHARP, NEXT.replace(f"2*{C}", C)]}, at(1, F(1, 9))),
        ({"given": {"noise": None}}, at(0, 2, at=0, s2=1)),
        ({"given": {"convex": None}}, at(1, F(1, 9), curvatures=(8, 0))),
    ],
    update=_table.averaged(UPDATE),
)
SCRIPT = Script(
    "nsaga.neighbourhood",
    "N-SAGA satisfies the unified assumption, hence its theorem",
    [
        PART,
        _table.table_theorem(PART, "nsaga.neighbourhood", ROW, UPDATE, PRINTED, NEXT),
    ],
)
