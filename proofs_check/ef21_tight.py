"""EF21's tight rate: one step at the best step size, and the whole run."""

from fractions import Fraction as F

from proofs_check._models import model
from proofs_check._script import Part, Script, step, text
from proofs_check.ef_tight import DOMAIN, GAMMA, MU, RHO, SIGNS, SMOOTH, s

STATEMENT = {
    "name": "ef21.tight",
    "params": "r s t",
    "domain": DOMAIN,
    "vectors": ["common x", "common g", "common gp", "common e", "common c @ 1"],
    "let": {"mu": text(MU), "L": text(SMOOTH), "ga": GAMMA, "xp": "x - ga*e"},
    "given": {
        "convex": "coercive(gp - g, xp - x, mu, L)",
        "comp": f"contraction(c, gp - e, {text(1 - s**2)})",
    },
    "claim": [f"s*sq(gp) + sq(gp - e - c) <= {RHO}*(s*sq(g) + sq(g - e))"],
    "run": {
        "potential": "s*sq(g) + sq(g - e)",
        "next": {"x": "xp", "g": "gp", "e": "e + c"},
        "rate": RHO,
        "gain": "0",
        "noise": "0",
        "fixed": "",
    },
}
CLAIM = STATEMENT["claim"][0]
SQUARE = "(r**2 - s**2)*e - r**2*(1 + s)*g + s*(1 + s)*gp"
STEPS = [
    *SIGNS,
    step(
        CLAIM,
        {"convex": "r**2*s*(1 + s)/(r**2 - s)", "comp": "1"},
        [f"sq({SQUARE})/((r**2 - s)*(1 + s))"],
    ),
]


def at(keep, x=1, e=0, curvature=None, r=F(3, 4), s=F(1, 8), t=F(1)):
    """1-D, f = lambda x^2/2, C(v) = keep v; by default lambda = mu."""
    r, s, t, x, e = map(F, (r, s, t, x, e))
    low, step_size = t * (1 - r) * (r + s), 1 / (r * t * (1 + s))
    slope = low if curvature is None else F(curvature)
    gp = slope * (x - step_size * e)
    vectors = {"x": [x], "g": [slope * x], "gp": [gp], "e": [e], "c": [F(keep) * (gp - e)]}
    return model({"r": r, "s": s, "t": t}, vectors)


# lambda = mu, C(v) = (1 + s) v and the square above equal to 0
SLOPE, GA = F(7, 32), F(32, 27)
WORST = at(
    F(9, 8),
    1,
    SLOPE * (F(9, 16) - F(1, 8)) * F(9, 8) / (F(9, 16) - F(1, 64) - F(9, 64) * SLOPE * GA),
)
SCRIPT = Script(
    "ef21.tight",
    "EF21 at its best step: the tight rate",
    [
        Part(
            STATEMENT,
            STEPS,
            at(F(19, 20), 1, F(1, 3), F(1, 2)),
            [
                ({"claim": [CLAIM.replace(f"<= {RHO}*", f"<= (99/100)*{RHO}*")]}, WORST),
                ({"claim": [CLAIM.replace(f"<= {RHO}*", "<= r**3*")]}, WORST),
                ({"given": {"comp": None}}, at(4, 1, 0)),
                ({"given": {"convex": None}}, at(F(9, 8), 1, -2, -2)),
            ],
        )
    ],
)
