"""SEGA's row of the unified theory: its assumption, and with it the theorem.

d e_j e_j' of a uniform coordinate j is Rand-1, whose omega is imported: g = h + Q, h+ = h + Q/d, Q = Rand-1 of
grad f(x) - h.
"""

from fractions import Fraction as F

import compth as ct
from compth.claims import Unbiased
from compth.methods.sega import SEGALinear
from proofs_check._models import model
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, Script, constants, step, symbols, text

d, L = symbols("d L")
ROW = SEGALinear().parameters(constants(d=d, L=L))
OMEGA = text(next(c.omega for c in ct.RandK(1).claims(d) if isinstance(c, Unbiased)))
A, B, RHO, C = (text(v) for v in (ROW.A, ROW.B, ROW.rho, ROW.C))

STATEMENT = {
    "name": "sega.linear.assumption",
    "title": "g the gradient at x, 0 that at xs; h the memory",
    "params": "d L",
    "domain": ["d >= 1", "L > 0"],
    "vectors": ["common x", "common xs", "common g", "common h", "common Q ~ g - h @ 0"],
    "values": "f fs",
    "given": {"convex": "cocoercive(f, fs, g, 0, x, xs, L)", "sketch": f"variance(Q, {OMEGA})"},
    "claim": [
        "dot(h + Q, x - xs) == dot(g, x - xs)",
        f"sq(h + Q) <= 2*{A}*(f - fs) + {B}*sq(h)",
        f"sq(h + Q/d) <= (1 - {RHO})*sq(h) + 2*{C}*(f - fs)",
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
)
SCRIPT = Script(
    "sega.linear",
    "SEGA satisfies the unified assumption, hence its theorem",
    [
        PART,
        theorem_part(
            PART,
            Row("sega.linear", ROW, "h + Q", "g", FIRST, SECOND, "sq(h)", "sq(h + Q/d)", {"h": "h + Q/d"}),
        ),
    ],
)
