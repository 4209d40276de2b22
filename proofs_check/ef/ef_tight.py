"""Error feedback's tight rate, n workers with a shared minimiser: one step at the best step, and the whole run.

Setting: every f_i is mu-strongly convex and L-smooth with the same minimiser x*, C contractive; gamma is the best
    step 2/(L + mu) (1 - s)/(1 + s).
Symbols: s: sqrt(1 - delta); r: root of the rate, r^2 - (1 - s)(L - mu)/(L + mu) r - s = 0; t: a scale, mu = t (1 -
    r)(r + s) and L = t (1 + r)(r - s); e: what the workers have not sent yet; c: the messages C(e + gamma g); y:
    the direction of the instance; v: what is compressed in the instance
Guarantee: V = ||x - mean e_i - x*||^2 + mean||e_i||^2/s shrinks by the factor r^2 a step.
Proof:
    For one worker the form r^2 V - V+ has three vectors, x - x*, e and g, once `comp` with 1/s, the weight of the
    error in V, has replaced the next error by s^2 ||e + gamma g||^2. The multiplier of `convex` is the one number
    at which what remains has rank one: it is the square that the last step names, divided by s (r^2 - s)(1 + s).
    With several workers the averages obey that identity as they stand, and the deviations from the averages
    separate from them. There x - x* has no part, so that r^2/s of e and the multiplier of `convex` times g have to
    exceed s ||e + gamma g||^2: the relation shown first, two squares. Its signs need r^2 > s: r^2 - s is (1 - s)(L
    - mu)/(L + mu) r.
Tight: attained at every step by equal gradients mu (x - x*) and C(v) = (1 + s) v, started from the error that
    reproduces itself.
Source: Berg Thomsen, Taylor and Dieuleveut 2025; several workers: Berg Thomsen, Taylor and Dieuleveut 2026; written
    in r, s, t here.
"""

from fractions import Fraction as F

import sympy

from compth.methods.core.closed_forms import feedback_factor, feedback_step
from compth.methods.ef import EF
from proofs_check._blocks import over_run
from proofs_check._models import model, per_worker
from proofs_check._script import Part, Script, step, symbols, text
from proofs_check._update import Update

# r = sqrt(rho), s = sqrt(1 - delta) and a scale t: every mu < L and 0 < s < 1 is reached, without a root
r, s, t = symbols("r s t")
MU, SMOOTH = t * (1 - r) * (r + s), t * (1 + r) * (r - s)
GAMMA = text(sympy.factor(feedback_step(MU, SMOOTH, 1 - s**2)))
ROOTS = feedback_factor(MU, SMOOTH, 1 - s**2)
RHO = text(
    sympy.factor(
        ROOTS.replace(lambda e: e.is_Pow and not e.exp.is_integer, lambda e: sympy.factor(e.base) ** e.exp)
    )
)
DOMAIN = ["s > 0", "r > s", "r < 1", "r**2 > s", "t > 0"]
SIGNS = [
    step("r**2 - s > 0", {"r**2 > s": "1"}),
    step("1 - r > 0", {"r < 1": "1"}),
    step("1 - s > 0", {"r**2 > s": "1"}, ["(1 - r)*(1 + r)"]),
    step("r**2 - s**2 > 0", {"r**2 > s": "1"}, ["s*(1 - s)"]),
    step("r**2 - s**3 > 0", {"r**2 - s**2 > 0": "1"}, ["s**2*(1 - s)"]),
]

UPDATE = Update(EF, {"gradient": "g", "message": "c"}, {"gamma": "ga"})
MOVES, POTENTIAL = UPDATE.next("x", "e"), "sq(x - xs - P(e)) + sq(e)/s"
STATEMENT = {
    "name": "ef.tight",
    "params": "r s t",
    "domain": DOMAIN,
    "vectors": ["common x", "common xs", "family e", "family g", "family c @ 1"],
    "let": {"mu": text(MU), "L": text(SMOOTH), "ga": GAMMA},
    "given": {
        "convex": "coercive(g, 0, x, xs, mu, L)",
        "comp": f"contraction(c, {UPDATE.argument('message')}, {text(1 - s**2)})",
    },
    "claim": [f"{UPDATE.after(POTENTIAL, MOVES)} <= {RHO}*({POTENTIAL})"],
    "run": over_run(POTENTIAL, MOVES, RHO, "xs"),
}
CLAIM = STATEMENT["claim"][0]
SQUARE = "(1 - r**2)*s*(x - xs) + (r**2 - s)*(1 + s)*P(e) - s*(1 + s)*ga*P(g)"
COERCIVITY = "1/(t**2*(r**2 - s)*(1 + s))"
APART = f"s*sq(e + ga*g - P(e + ga*g)) <= r**2/s*sq(e - P(e)) + {COERCIVITY}*sq(g - P(g))"
STEPS = [
    *SIGNS,
    step(
        APART,
        {},
        [
            "(r**2 - s**2)/s*sq((e - P(e)) - s**2*ga/(r**2 - s**2)*(g - P(g)))",
            "(r**2 - s**3)/((r**2 - s)*(r**2 - s**2)*(1 + s)**2*t**2)*sq(g - P(g))",
        ],
    ),
    step(
        CLAIM,
        {"convex": COERCIVITY, "comp": "1/s", APART: "1"},
        [f"sq({SQUARE})/(s*(r**2 - s)*(1 + s))"],
    ),
]


def at(keep, x=1, e=(0,), curvatures=(), r=F(3, 4), s=F(1, 8), t=F(1)):
    """1-D, f_i = l_i x^2/2 with x* = 0 moved to 1, C(v) = keep v; by default every l_i = mu."""
    r, s, t, x, e = F(r), F(s), F(t), F(x), list(map(F, e))
    low, step_size = t * (1 - r) * (r + s), 1 / (r * t * (1 + s))
    g = [F(v) * x for v in curvatures or [low] * len(e)]
    c = [F(keep) * (a + step_size * b) for a, b in zip(e, g, strict=True)]
    vectors = {"x": [1 + x], "xs": [1], **{k: per_worker(v) for k, v in (("e", e), ("g", g), ("c", c))}}
    return model({"r": r, "s": s, "t": t}, vectors, workers=len(e))


WORST = at(F(9, 8), 1, [F(-1, 27)])  # lambda = mu, C(v) = (1 + s) v and the square above equal to 0
# f_i = mu/2 |x - x*|^2, C(v) = (1 + s) v: on the ray through x - x* = r(1+s) y, e = -s(1-r) y every step is r
INSTANCE = {
    "name": "ef.tight.attained",
    "title": "all gradients mu (x - x*), C(v) = (1 + s) v, from e = -s(1-r)/(r(1+s)) (x - x*): equality at every step",
    "params": "r s t",
    "domain": ["r > 0", *DOMAIN],
    "vectors": ["common y", "common xs"],
    "let": {
        "x": "xs + r*(1 + s)*y",
        "e": "-s*(1 - r)*y",
        "v": "(1 - r)*r*y",
        "c": "(1 + s)*v",
    },
    "claim": [
        f"sq(e + {GAMMA}*{text(MU)}*(x - xs) - v) == 0*sq(y)",
        f"sq(c - v) == (1 - {text(1 - s**2)})*sq(v)",
        "sq(x - c - xs - r*(x - xs)) == 0*sq(y)",
        "sq(v - c - r*e) == 0*sq(y)",
        f"sq(x - c - xs - (v - c)) + sq(v - c)/s == {RHO}*(sq(x - xs - e) + sq(e)/s)",
    ],
}
SENT, CONTRACTS, POINT, RAY, EQUAL = INSTANCE["claim"]
ONE = model({"r": F(3, 4), "s": F(1, 8), "t": 1}, {"y": [2], "xs": [1]})


SCRIPT = Script(
    "ef.tight",
    "Error feedback at its best step: the tight rate",
    [
        Part(
            STATEMENT,
            STEPS,
            at(F(19, 20), 1, [F(1, 3), 1], [F(1, 2), F(1, 4)]),
            [
                ({"claim": [CLAIM.replace(f"<= {RHO}*", f"<= (99/100)*{RHO}*")]}, WORST),
                ({"claim": [CLAIM.replace(f"<= {RHO}*", "<= r**3*")]}, WORST),
                ({"given": {"comp": None}}, at(3, 1, [0, 0])),
                ({"given": {"convex": None}}, at(F(9, 8), 1, [0, 0], [-1, -1])),
            ],
            update=UPDATE,
        ),
        Part(
            INSTANCE,
            [step(claim) for claim in INSTANCE["claim"]],
            ONE,
            [
                (
                    {
                        "claim": [
                            SENT,
                            CONTRACTS,
                            POINT,
                            RAY,
                            EQUAL.replace(f"== {RHO}", f"== (99/100)*{RHO}"),
                        ]
                    },
                    ONE,
                ),
                ({"claim": [SENT, CONTRACTS, POINT.replace("r*(x", "s*(x"), RAY, EQUAL]}, ONE),
                ({"claim": [SENT, CONTRACTS, POINT, RAY.replace("r*e", "s*e"), EQUAL]}, ONE),
                ({"claim": [SENT.replace("- v", "- 2*v"), CONTRACTS, POINT, RAY, EQUAL]}, ONE),
            ],
        ),
    ],
)
