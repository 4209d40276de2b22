"""EF21's tight rate, n workers, any minimisers: one step at the best step size, and the whole run.

Setting: every f_i is mu-strongly convex and L-smooth, minimisers may differ, C contractive; gamma is the best step
    2/(L + mu) (1 - s)/(1 + s).
Symbols: s: sqrt(1 - delta); r: root of the rate, r^2 - (1 - s)(L - mu)/(L + mu) r - s = 0; t: a scale, mu = t (1 -
    r)(r + s) and L = t (1 + r)(r - s); e: the estimates that server and workers share; c: the messages C(gp - e)
Guarantee: s ||grad f(x)||^2 + mean||grad f_i(x) - e_i||^2 shrinks by the factor r^2 a step.
Proof:
    V holds gradients only, hence no x*: between x and x+ = x - gamma mean e_i the workers' gradients obey `convex`,
    coercivity of the pair (g, gp), and x - x+ is gamma mean e_i. `comp` with 1 bounds the next error by s^2
    mean||gp - e||^2. The averages of e, g and gp then form one quadratic form; at the multiplier r^2 s (1 + s)/(r^2
    - s) of `convex` it is a single square. The deviations from the averages, which x does not see, leave s^2 of (g
    - e) + (gp - g) against r^2 of g - e and the same multiplier of gp - g: two squares, the relation that is shown
    first. The step and r are those of ef.tight, where the letters r, s, t come from.
Tight: attained at every step by equal gradients mu (x - x*) and C(v) = (1 + s) v, the estimates a fixed multiple of
    the gradients.
Source: Berg Thomsen, Taylor and Dieuleveut 2025; several workers: Berg Thomsen, Taylor and Dieuleveut 2026; written
    in r, s, t here.
"""

from fractions import Fraction as F

import sympy

from proofs_check._blocks import over_run
from proofs_check._models import model, per_worker
from proofs_check._script import Part, Script, step, text
from proofs_check._steps import BELIEVED as UPDATE
from proofs_check.ef.ef_tight import DOMAIN, GAMMA, MU, RHO, SIGNS, SMOOTH, r, s

MOVES, POTENTIAL = UPDATE.next("x", "g", "e"), "s*sq(P(g)) + sq(g - e)"
STATEMENT = {
    "name": "ef21.tight",
    "params": "r s t",
    "domain": DOMAIN,
    "vectors": ["common x", "family g", "family gp", "family e", "family c @ 1"],
    "let": {"mu": text(MU), "L": text(SMOOTH), "ga": GAMMA, **UPDATE.let()},
    "given": {
        "convex": "coercive(gp, g, xp, x, mu, L)",
        "comp": f"contraction(c, {UPDATE.argument('message')}, {text(1 - s**2)})",
    },
    "claim": [f"{UPDATE.after(POTENTIAL, MOVES)} <= {RHO}*({POTENTIAL})"],
    "run": over_run(POTENTIAL, MOVES, RHO, ""),
}
CLAIM = STATEMENT["claim"][0]
SQUARE = "(r**2 - s**2)*P(e) - r**2*(1 + s)*P(g) + s*(1 + s)*P(gp)"
APART, MOVED = "(g - e - P(g - e))", "(gp - g - P(gp - g))"
COERCIVITY = "r**2*s*(1 + s)/(r**2 - s)"
LEMMA = f"s**2*sq({APART} + {MOVED}) <= r**2*sq({APART}) + {COERCIVITY}*sq({MOVED})"
STEPS = [
    *SIGNS,
    step(
        LEMMA,
        {},
        [
            f"(r**2 - s**2)*sq({APART} - s**2/(r**2 - s**2)*{MOVED})",
            f"r**2*s*(r**2 - s**3)/((r**2 - s)*(r**2 - s**2))*sq({MOVED})",
        ],
    ),
    step(
        CLAIM,
        {"convex": COERCIVITY, "comp": "1", LEMMA: "1"},
        [f"sq({SQUARE})/((r**2 - s)*(1 + s))"],
    ),
]


def at(keep, x=1, e=(0,), curvatures=(), shifts=(), r=F(3, 4), s=F(1, 8), t=F(1)):
    """1-D, f_i = l_i x^2/2 + h_i x, C(v) = keep v; by default every l_i = mu and h_i = 0."""
    r, s, t, x, e = F(r), F(s), F(t), F(x), list(map(F, e))
    low, step_size = t * (1 - r) * (r + s), 1 / (r * t * (1 + s))
    slopes, shifts = curvatures or [low] * len(e), shifts or [0] * len(e)
    after = x - step_size * sum(e) / len(e)
    g, gp = ([F(v) * y + F(b) for v, b in zip(slopes, shifts, strict=True)] for y in (x, after))
    c = [F(keep) * (a - b) for a, b in zip(gp, e, strict=True)]
    vectors = {"x": [x], **{k: per_worker(v) for k, v in (("g", g), ("gp", gp), ("e", e), ("c", c))}}
    return model({"r": r, "s": s, "t": t}, vectors, workers=len(e))


# lambda = mu, C(v) = (1 + s) v and the square above equal to 0
SLOPE, GA = F(7, 32), F(32, 27)
WORST = at(
    F(9, 8),
    1,
    [SLOPE * (F(9, 16) - F(1, 8)) * F(9, 8) / (F(9, 16) - F(1, 64) - F(9, 64) * SLOPE * GA)],
)
# f_i = mu/2 |x - x*|^2, C(v) = (1 + s) v: on the ray e = k g every step multiplies the gradient and e by r
RAY_OF_E = text(sympy.factor(r * (1 + s) / (r + s) * MU))
INSTANCE = {
    "name": "ef21.tight.attained",
    "title": "all gradients mu (x - x*), C(v) = (1 + s) v, from e = r(1+s)/(r+s) g: equality at every step",
    "params": "r s t",
    "domain": ["r > 0", *DOMAIN],
    "vectors": ["common x", "common xs"],
    "let": {
        "mu": text(MU),
        "g": "mu*(x - xs)",
        "gp": "r*g",
        "e": f"{RAY_OF_E}*(x - xs)",
        "c": "(1 + s)*(gp - e)",
    },
    "claim": [
        f"sq(mu*(x - {GAMMA}*e - xs) - gp) == 0*sq(g)",
        f"sq(c - (gp - e)) == (1 - {text(1 - s**2)})*sq(gp - e)",
        f"sq({MOVES['e']} - r*e) == 0*sq(e)",
        f"s*sq(gp) + {UPDATE.after('sq(g - e)', MOVES)} == {RHO}*(s*sq(g) + sq(g - e))",
    ],
}
POINT, CONTRACTS, RAY, EQUAL = INSTANCE["claim"]
ONE = model({"r": F(3, 4), "s": F(1, 8), "t": 1}, {"x": [2], "xs": [1]})


SCRIPT = Script(
    "ef21.tight",
    "EF21 at its best step: the tight rate",
    [
        Part(
            STATEMENT,
            STEPS,
            at(F(19, 20), 1, [F(1, 3), 2], [F(1, 2), F(1, 4)], [1, -1]),
            [
                ({"claim": [CLAIM.replace(f"<= {RHO}*", f"<= (99/100)*{RHO}*")]}, WORST),
                ({"claim": [CLAIM.replace(f"<= {RHO}*", "<= r**3*")]}, WORST),
                ({"given": {"comp": None}}, at(4, 1, [0, 0])),
                ({"given": {"convex": None}}, at(F(9, 8), 1, [-2], [-2])),
            ],
            update=UPDATE,
        ),
        Part(
            INSTANCE,
            [step(claim) for claim in INSTANCE["claim"]],
            ONE,
            [
                ({"claim": [POINT, CONTRACTS, RAY, EQUAL.replace(f"== {RHO}", f"== (99/100)*{RHO}")]}, ONE),
                ({"claim": [POINT.replace("- gp", "- 2*gp"), CONTRACTS, RAY, EQUAL]}, ONE),
                ({"claim": [POINT, CONTRACTS, RAY.replace("r*e", "s*e"), EQUAL]}, ONE),
            ],
        ),
    ],
)
