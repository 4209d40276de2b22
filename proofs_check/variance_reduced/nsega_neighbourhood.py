"""N-SEGA's row of the unified theory: its assumption, and with it the theorem; half the printed D1 is enough.

Setting: that of sega.linear where the seen partial derivative is noisy: N has mean g and E||N - g||^2 <= s2.
Symbols: s2: bound of E||N - g||^2; M: weight of the memory over gamma^2; R: the rate; g: gradient of f at x; h: the
    memory, an estimate of the gradient; N: the gradient with noisy partial derivatives; Q: d times the seen
    coordinate of N - h
Guarantee: SEGA's Lyapunov function shrinks by the factor SEGA's R, up to gamma^2 (2 d + M/d) s2.
Proof:
    Two draws in a row, first the noise, then the coordinate. The coordinate's variance is (d - 1)||N - h||^2,
    `sketch`, and averaging over the noise adds (d - 1) s2 to it; the noise itself adds s2 to ||N||^2. Together d s2
    in the direction, `noise` with d. The published row says 2 d s2: the finer line is shown first and the published
    one is that plus d s2, a term. In the memory h + Q/d the same two contributions are divided by d^2 and add up to
    s2/d, `noise` with 1/d, which is D2. Everything without s2 is sega.linear's, `convex` with 4 d L in the
    direction and 2L/d in the memory.
Tight: upper: half of D1 would do, and SEGA's own rounding is in A and B.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2, N-SEGA.
"""

from dataclasses import replace
from fractions import Fraction as F

from compth.methods.n_sega import NSEGA, NSEGANeighbourhood
from proofs_check._models import model
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check.variance_reduced import sega_linear
from proofs_check.variance_reduced.sega_linear import OMEGA

UPDATE = replace(
    sega_linear.UPDATE,
    method=NSEGA,
    words={**sega_linear.UPDATE.words, "gradient": "N"},
    expected={"g": "gradient"},
)
ALONG, MOVES = UPDATE.direction(), UPDATE.next("h")

d, L, s2 = symbols("d L s2")
ROW = NSEGANeighbourhood().parameters(constants(d=d, L=L, sigma2=s2))
A, B, RHO, C = (text(v) for v in (ROW.A, ROW.B, ROW.rho, ROW.C))
D1, HALF, D2 = text(ROW.D1), text(ROW.D1 / 2), text(ROW.D2)
SEGA = sega_linear.STATEMENT
FAIR, FIRST, SECOND = SEGA["claim"]
PRINTED, SHARP, NEXT = f"{FIRST} + {D1}", f"{FIRST} + {HALF}", f"{SECOND} + {D2}"
if f"2*{A}*(f - fs) + {B}*sq(h)" not in FIRST or f"(1 - {RHO})*sq(h) + 2*{C}*" not in SECOND:
    raise AssertionError("N-SEGA's row is SEGA's but for the noise")
STATEMENT = {
    **SEGA,
    "name": "nsega.neighbourhood.assumption",
    "title": f"{SEGA['title']}; N: g with noisy partial derivatives",
    "params": f"{SEGA['params']} s2",
    "domain": [*SEGA["domain"], "s2 >= 0"],
    "vectors": [*SEGA["vectors"][:-1], "common N ~ g @ 0", f"common Q ~ {UPDATE.mean('message')} @ 1"],
    "given": {**SEGA["given"], "noise": "growth(sq(N - g), 0, 0, 0, 0, 0, s2)"},
    "claim": [FAIR, PRINTED, SHARP, NEXT],
}
STEPS = [
    step(FAIR),
    step(
        SHARP,
        {"convex": "4*d*L", "sketch": "1", "noise": "d"},
        [f"{OMEGA}*sq(g + h)", "sq(g)", "2*sq(h)"],
    ),
    step(PRINTED, {SHARP: "1"}, [HALF]),
    step(NEXT, {"convex": "2*L/d", "sketch": "1/d**2", "noise": "1/d"}),
]


def at(h, g=(2, 0), size=0, curvature=2, **params):
    """The model of SEGA's row, d = 2; both partial derivatives carry +-size: s2 = 2 size^2."""
    low, N, Q = F(curvature), [], []
    for xi in (F(size), -F(size)):
        noisy = [F(a) + xi for a in g]
        diff = [a - F(b) for a, b in zip(noisy, h, strict=True)]
        N += [[noisy]] * 2
        Q += [[[2 * diff[0], 0]], [[0, 2 * diff[1]]]]
    vectors = {"x": [1 + F(a) / low for a in g], "xs": [1, 1], "g": list(g), "h": list(h), "N": N, "Q": Q}
    values = {"f": 1 + sum(F(a) ** 2 for a in g) / (2 * low), "fs": 1}
    numbers = {"d": 2, "L": 2, "s2": 2 * F(size) ** 2, **params}
    return model(numbers, vectors, prob=[F(1, 4)] * 4, dim=2, values=values, cells=[[[0, 1], [2, 3]]])


STILL = at((0, 0), (0, 0), 1)
PART = Part(
    STATEMENT,
    STEPS,
    at((1, 3), (2, 1), 1, curvature=1),
    [
        ({"claim": [FAIR, PRINTED, f"{FIRST} + 9/10*{HALF}", NEXT]}, STILL),
        ({"claim": [FAIR, PRINTED, SHARP, f"{SECOND} + 9/10*{D2}"]}, STILL),
        ({"claim": [FAIR, PRINTED.replace(f"2*{A}", f"{A}/4"), SHARP, NEXT]}, at((0, 0))),
        ({"claim": [FAIR, PRINTED, SHARP.replace(f"{B}*sq", f"{B}/4*sq"), NEXT]}, at((-4, 0))),
        (
            {"claim": [FAIR, PRINTED, SHARP, NEXT.replace(f"1 - {RHO}", f"1 - 11/10*{RHO}")]},
            at((1, 0)),
        ),
        ({"claim": [FAIR, PRINTED, SHARP, NEXT.replace(f"2*{C}", C)]}, at((1, 0))),
        ({"given": {"noise": None}}, at((0, 0), (0, 0), 2, s2=1)),
        ({"given": {"convex": None}}, at((1, 0), curvature=8)),
        ({"given": {"sketch": None}}, at((9, 0), d=1)),
    ],
    update=UPDATE,
)
SCRIPT = Script(
    "nsega.neighbourhood",
    "N-SEGA satisfies the unified assumption, hence its theorem",
    [
        PART,
        theorem_part(
            PART,
            Row(
                "nsega.neighbourhood",
                ROW,
                ALONG,
                "g",
                PRINTED,
                NEXT,
                "sq(h)",
                UPDATE.after("sq(h)", MOVES),
                MOVES,
                update=UPDATE,
            ),
        ),
    ],
)
