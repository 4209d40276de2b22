"""SEGA's row of the unified theory: its assumption, and with it the theorem.

Setting: f is convex and L-smooth, mu-strongly quasi-convex; one random coordinate of the gradient is seen in a
    step; gamma <= 1/(2 d L + M L/d).
Symbols: M: weight of the memory over gamma^2; R: the rate; g: gradient of f at x; h: the memory, an estimate of the
    gradient; Q: d times the seen coordinate of g - h
Guarantee: ||x - x*||^2 + M gamma^2 ||h||^2 shrinks by the factor R = max{1 - gamma mu, 1 - 1/d + 2d/M} in the mean.
Proof:
    The seen coordinate of g - h, times d, is Rand-1: Q has mean g - h and variance (d - 1)||g - h||^2, `sketch`.
    For the direction h + Q this is ||g||^2 + (d - 1)||g - h||^2, at most (2d - 1)||g||^2 + 2(d - 1)||h||^2 by
    splitting; `convex` with 4 d L pays 2d||g||^2, the row's A = 2 d L and B = 2d round both numbers up. For the
    memory h + Q/d the noise is (d - 1)/d^2||g - h||^2, `sketch` with 1/d^2, just what makes the mean square an
    exact mixture, (1 - 1/d)||h||^2 + ||g||^2/d: a coordinate is replaced with probability 1/d. So rho = 1/d and C =
    L/d without a loss. The gradient at x* is 0, hence ||h||^2 is the error.
Tight: upper: the row rounds 2d - 1 up to 2d and 2d - 2 up to 2d.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2, SEGA; the method: Hanzely, Mishchenko and
    Richtárik 2018.
"""

from fractions import Fraction as F

from compth.claims import Unbiased
from compth.methods.sega import SEGA, SEGALinear
from proofs_check._models import model
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._update import Update

d, L = symbols("d L")
ROW = SEGALinear().parameters(constants(d=d, L=L))
OMEGA = text(next(c.omega for c in SEGA().compressor.claims(d) if isinstance(c, Unbiased)))
UPDATE = Update(SEGA, {"gradient": "g", "mean message": "Q"}, {"gamma": "ga"}, sizes={"d": "d"}, workers=1)
ALONG, MOVES = UPDATE.direction(), UPDATE.next("h")
LATER = UPDATE.after("sq(h)", MOVES)
A, B, RHO, C = (text(v) for v in (ROW.A, ROW.B, ROW.rho, ROW.C))

STATEMENT = {
    "name": "sega.linear.assumption",
    "title": "g the gradient at x, 0 that at xs; h the memory",
    "params": "d L",
    "domain": ["d >= 1", "L > 0"],
    "vectors": ["common x", "common xs", "common g", "common h", f"common Q ~ {UPDATE.mean('message')} @ 0"],
    "values": "f fs",
    "given": {"convex": "cocoercive(f, fs, g, 0, x, xs, L)", "sketch": f"variance(Q, {OMEGA})"},
    "claim": [
        f"dot({ALONG}, x - xs) == dot(g, x - xs)",
        f"sq({ALONG}) <= 2*{A}*(f - fs) + {B}*sq(h)",
        f"{LATER} <= (1 - {RHO})*sq(h) + 2*{C}*(f - fs)",
    ],
}
FAIR, FIRST, SECOND = STATEMENT["claim"]
STEPS = [
    step(FAIR),
    step(FIRST, {"convex": "4*d*L", "sketch": "1"}, [f"{OMEGA}*sq(g + h)", "sq(g)", "2*sq(h)"]),
    step(SECOND, {"convex": "2*L/d", "sketch": "1/d**2"}),
]


def at(h, g=(2, 0), d=2, curvature=2):
    """f = curvature ||x||^2/2 in the plane, x* moved to 1; the drawn partial derivative is that of either axis."""
    diff = [F(a) - F(b) for a, b in zip(g, h, strict=True)]
    Q = [[[2 * diff[0], 0]], [[0, 2 * diff[1]]]]
    low = F(curvature)
    vectors = {"x": [1 + F(a) / low for a in g], "xs": [1, 1], "g": list(g), "h": list(h), "Q": Q}
    values = {"f": 1 + sum(F(a) ** 2 for a in g) / (2 * low), "fs": 1}
    return model({"d": d, "L": 2}, vectors, prob=[F(1, 2)] * 2, dim=2, values=values)


PART = Part(
    STATEMENT,
    STEPS,
    at((1, 3), (2, 1), curvature=1),
    [
        ({"claim": [FAIR, FIRST.replace(f"2*{A}", f"{A}/4"), SECOND]}, at((0, 0))),
        ({"claim": [FAIR, FIRST.replace(f"{B}*sq", f"{B}/4*sq"), SECOND]}, at((-4, 0))),
        ({"claim": [FAIR, FIRST, SECOND.replace(f"1 - {RHO}", f"1 - 11/10*{RHO}")]}, at((1, 0))),
        ({"claim": [FAIR, FIRST, SECOND.replace(f"2*{C}", C)]}, at((1, 0))),
        ({"given": {"convex": None}}, at((1, 0), curvature=8)),
        ({"given": {"sketch": None}}, at((9, 0)) | {"params": {"d": "1", "L": "2"}}),
    ],
    update=UPDATE,
)
SCRIPT = Script(
    "sega.linear",
    "SEGA satisfies the unified assumption, hence its theorem",
    [
        PART,
        theorem_part(
            PART,
            Row("sega.linear", ROW, ALONG, "g", FIRST, SECOND, "sq(h)", LATER, MOVES, update=UPDATE),
        ),
    ],
)
