"""Error feedback on heterogeneous data with explicit constants: one step of its Lyapunov function, and the run.

Setting: f is mu-strongly convex and L-smooth, every f_i convex and L_max-smooth with gradient h_i* at x*; C
    contractive with delta, errors e_i are kept and sent later; gamma <= 1/(4L) and 192 gamma^2 L L_max (1 -
    delta)/delta^2 <= 1.
Symbols: e: what the workers have not sent yet; c: the messages C(e + gamma g); p: e + gamma g
Guarantee: ||v - x*||^2 + (12 L gamma/delta) mean||e_i||^2, v = x - mean e_i, shrinks by the factor max{1 - gamma
    mu/2, 1 - delta/4} up to 48 L gamma^3 zeta*^2 (1 - delta)/delta^2.
Proof:
    The virtual iterate v makes an exact gradient step, v+ = v - gamma grad f(x), but the gradient is taken at x = v
    + mean e_i. Hence -2 gamma <grad f, v - x*> has the additional 2 gamma <grad f, mean e_i>, split so that it
    costs gamma/(2L)||grad f||^2 and 2 L gamma ||mean e_i||^2. `convex` with 2 gamma leaves -2 gamma (f - f*),
    `smooth` with 2 L gamma^2 + gamma takes what both squares of grad f need. The distance is that of x, so mu acts
    on v by half and returns gamma mu of the errors: they cost at most 3 L gamma in all, which is delta/4 of their
    weight 12 L gamma/delta. The errors themselves shrink by 1 - delta/2 and take up 2 (1 - delta)/delta gamma^2
    ||g_i||^2 (`comp` and Young's inequality); `each` bounds that by f - f* and zeta*^2, within the second limit of
    gamma.
Tight: upper: controls refute the bound without a floor and the fifth power of rho.
Source: ours; error feedback is Seide, Fu, Droppo, Li and Yu 2014.
"""

from fractions import Fraction as F

import sympy

from compth.claims import Contractive
from compth.methods.ef import EF, EFExplicit
from proofs_check._blocks import over_run, without
from proofs_check._models import model, per_worker, quadratic
from proofs_check._script import Part, Script, constants, members, plan_of, step, symbols, text
from proofs_check._update import Update

de, L, Lm, mu, ga, zeta2 = symbols("de L Lm mu ga zeta2")
FLEET = constants(L=L, L_max=Lm, mu=mu, zeta2_star=zeta2, claims=(Contractive(de),))
PLAN, LIMIT = plan_of(EFExplicit(), FLEET, ga)
[ROOT] = [m for m in LIMIT.args if m.has(de)]
[SHORT] = set(LIMIT.args) - {ROOT}
SQUARE = f"ga**2*{text(sympy.simplify(1 / ROOT**2))} <= 1"
SMALL = f"ga*{text(1 / SHORT)} <= 1"
SLOW = members(sympy.sympify(1 - PLAN.rho))
NOISE, W = text(sympy.simplify(PLAN.floor * (1 - PLAN.rho))), text(PLAN["weight"])
UPDATE = Update(EF, {"gradient": "g", "message": "c"}, {"gamma": "ga"}, called={"p": "message"})
MOVES = UPDATE.next("x", "e")
Z = "(x - P(e) - xs)"
POTENTIAL = f"sq(x - P(e) - xs) + {W}*sq(e)"
CLAIM = f"{UPDATE.after(POTENTIAL, MOVES)} <= rho*({POTENTIAL}) + {NOISE}"
STATEMENT = {
    "name": "ef.explicit",
    "params": "de L Lm mu ga rho",
    "domain": ["de > 0", "de <= 1", "L > 0", "Lm > 0", "mu > 0", "mu <= L", "ga > 0", SMALL, SQUARE]
    + [f"rho >= 1 - {m}" for m in SLOW],
    "vectors": ["common x", "common xs", "family g", "family hs", "family e", "family c @ 1"],
    "values": "f fs",
    "let": {"zeta2": "sq(hs)", **UPDATE.let()},
    "given": {
        "comp": "contraction(c, p, de)",
        "convex": "strongly_convex(f, fs, P(g), x, xs, mu)",
        "smooth": "cocoercive(f, fs, P(g), 0, x, xs, L)",
        "each": "cocoercive(f, fs, g, hs, x, xs, Lm)",
        "optimal": "zero(P(hs), x - xs)",
        "low": "least(f, fs)",
    },
    "claim": [CLAIM],
    "run": over_run(POTENTIAL, MOVES, "rho", "xs hs", noise=NOISE),
}
EACH = f"{W}*2*(1 - de)/de*ga**2"  # the weight of mean||g_i||^2
SPEED = {("mu" in m): m for m in SLOW}
STEPS = [
    step("1 - de >= 0", {"de <= 1": "1"}),
    step("rho >= 0", {f"rho >= 1 - {SPEED[False]}": "1"}, ["3/4 + (1 - de)/4"]),
    step(
        CLAIM,
        {
            "comp": W,
            "convex": "2*ga",
            "smooth": "2*L*ga**2 + ga",
            "each": f"4*Lm*{EACH}",
            "optimal": f"-4*Lm*{EACH}",
        },
        [
            "ga/(2*L)*sq(P(g) - 2*L*P(e))",
            f"ga*mu/2*sq({Z} + 2*P(e))",
            "ga*(L - mu)*sq(P(e))",
            "3*L*ga*sq(e - P(e))",
            f"ga/2*(1 - ga*{text(1 / SHORT)})*(f - fs)",
            f"ga/2*(1 - ga**2*{text(sympy.simplify(1 / ROOT**2))})*(f - fs)",
            f"{EACH}*sq(g - 2*hs)",
            f"{W}*de/2*sq(e - 2*(1 - de)/de*ga*g)",
            f"{W}*(1 - de)*ga**2*sq(g)",
            f"(rho - (1 - {SPEED[True]}))*sq{Z}",
            f"{W}*(rho - (1 - {SPEED[False]}))*sq(e)",
        ],
    ),
]


def at(curvatures, shifts, e, keep, step_size, rho, gap=1, sent=None, **params):
    """f_i = l_i x^2/2 + h_i x at distance `gap` from the solution, C(v) = keep v (or `sent`)."""
    q = quadratic(curvatures, shifts, gap)
    mean = sum(map(F, curvatures)) / len(curvatures)
    c = sent or [F(keep) * (F(a) + F(step_size) * b) for a, b in zip(e, q["g"], strict=True)]
    base = {"de": 1 - (1 - F(keep)) ** 2, "L": mean + F(1, 2), "Lm": max(curvatures) + 1, "mu": mean / 2}
    base |= {"ga": step_size, "rho": rho}
    vectors = {"x": q["x"], "xs": q["xs"], **{k: per_worker(v) for k, v in (("e", e), ("c", c))}}
    vectors |= {k: per_worker(q[k]) for k in ("g", "hs")}
    return model({**base, **params}, vectors, workers=len(e), values={"f": q["f"], "fs": q["fs"]})


EXACT = {"L": 1, "Lm": 1, "mu": 1}
SCRIPT = Script(
    "ef.explicit",
    "error feedback on heterogeneous data with explicit constants",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], [1, 2], F(1, 2), F(1, 40), F(999, 1000)),
            [
                (
                    {"claim": [CLAIM.replace(NOISE, "0")]},
                    at([1, 1], [1, -1], [0, 0], F(1, 2), F(1, 40), F(999, 1000), 0),
                ),
                (
                    {"claim": [CLAIM.replace("rho*", "rho**5*")]},
                    at([1], [0], [0], 1, F(1, 4), F(7, 8), **EXACT),
                ),
                (
                    {"given": {"comp": None}},
                    at([1], [0], [0], F(1, 2), F(1, 40), F(99, 100), sent=[9], **EXACT),
                ),
                (
                    without(STATEMENT, SMALL, SQUARE),
                    at([1], [0], [0], 1, 3, F(7, 8), **EXACT),
                ),
            ],
            update=UPDATE,
        )
    ],
)
