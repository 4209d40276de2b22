"""DIANA with decreasing steps and stochastic gradients: one step from gamma to any smaller gamma.

Setting: that of diana.original with stochastic gradients of variance s2, where the step may go from gamma to any gn
    <= gamma; the Lyapunov function's weight is that of the step at hand.
Symbols: w: 1 + omega; gn: the next step size
Guarantee: ||x+ - x*||^2 + c gn^2 mean||h_i+ - h_i*||^2 <= (1 - gamma mu)(||x - x*||^2 + c gamma^2 mean||h_i -
    h_i*||^2) + gamma^2 (1 + 2 omega) s2/n, c = 4 w omega/n.
Proof:
    For gn = gamma this is diana.original_noisy with c gamma^2 for the weight: at alpha = 1/(2w) the memories' gain
    c gamma^2 alpha/2 equals the noise gamma^2 omega/n, `convex` with 2 gamma/(mu + L) pays mean||g_i - h_i*||^2,
    and the draws enter by `noise` and `apart`. A smaller next step only lowers the left side: the difference is c
    (gamma - gn)(gamma + gn) times the error of the next memories, the last term. That is all that decreasing steps
    need, because noise and weight scale with gamma^2 alike. diana.lemma6 turns the contraction with noise gamma^2 N
    into a bound that decays like 1/k.
Tight: upper: controls refute 1 - 3 gamma mu and an eighth of the noise; growing steps are refuted.
Source: Mishchenko, Gorbunov, Takáč and Richtárik 2019, Theorem 3.
"""

from fractions import Fraction as F

import sympy

from compth.methods.diana import DIANADecreasing, DIANAOriginal, gradient_noise, original_parameters
from proofs_check._blocks import AT_SOLUTION, CENTRING, without
from proofs_check._models import model, per_worker
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._steps import SHIFTED, stochastic
from proofs_check.dcgd.dcgd_nonconvex import chain

if not issubclass(DIANADecreasing, DIANAOriginal):
    raise AssertionError("the decreasing steps start from another rule")
n, L, mu, w, ga, s2 = symbols("n L mu w ga s2")  # w = 1 + omega: no divisor has more than one term of it
FLEET = constants(omega=w - 1, A=(w - 1) / n, n=n, L=L, L_max=L, mu_min=mu, sigma2=s2)
PLAN, LIMIT = plan_of(DIANAOriginal(), FLEET, ga)
[MEMORY] = [m for m in LIMIT.args if not m.has(n)]
[MOVE] = set(LIMIT.args) - {MEMORY}
ALPHA, WEIGHT = map(text, original_parameters(w - 1, n))
RHO, NOISE = text(PLAN.rho), f"(ga**2*{text(gradient_noise(FLEET))})"
SHORT, SMALL = f"ga <= {text(MEMORY)}", f"ga*{text(sympy.expand(1 / MOVE))} <= 1"
UPDATE = stochastic(SHIFTED)
MOVES = UPDATE.next("x", "h")
NEXT = f"sq(x - xs) + {WEIGHT}*gn**2*sq(h - hs)"
STATEMENT = {
    "name": "diana.decreasing",
    "title": "G the workers' stochastic gradients; gn is the next step size",
    "params": "n L mu w ga gn s2",
    "domain": [
        *["L > 0", "mu > 0", "mu <= L", "w >= 1", "n >= 1", "s2 >= 0", "ga > 0", "gn > 0", "gn <= ga"],
        *[SMALL, SHORT],
    ],
    "vectors": [
        *["common x", "common xs", "family g", "family h", "family hs", "family G ~ g @ 0"],
        f"family Q ~ {UPDATE.mean('message')} @ 1",
    ],
    "let": {"al": ALPHA},
    "given": {
        "convex": "coercive(g, hs, x, xs, mu, L)",
        **AT_SOLUTION,
        "noise": "noise(G, P, s2/n)",
        "apart": "independent(G, n)",
        "var": "variance(Q, w - 1)",
        "ind": "independent(Q, n)",
    },
    "claim": [UPDATE.after(NEXT, MOVES) + f" <= {RHO}*(sq(x - xs) + {WEIGHT}*ga**2*sq(h - hs)) + {NOISE}"],
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("4*w - 4 >= 0", {"w >= 1": "4"}),
    step("ga - gn >= 0", {"gn <= ga": "1"}),
    step("al - ga*mu >= 0", {SHORT: "mu"}),
    step(
        CLAIM,
        {
            "convex": "2*ga/(mu + L)",
            **CENTRING,
            "noise": f"ga**2*(1 + n*{WEIGHT}*al)",
            "apart": f"-ga**2*{WEIGHT}*al",
            "var": f"ga**2/n + {WEIGHT}*ga**2*al**2",
            "ind": "ga**2/n",
        },
        [
            "ga**2*sq(g - hs - P(g - hs))",
            f"2*ga/(mu + L)*(1 - ga*{text(sympy.expand(1 / MOVE))})*sq(g - hs)",
            "ga*mu*(L - mu)/(mu + L)*sq(x - xs)",
            f"{WEIGHT}*ga**2*(al - ga*mu)*sq(h - hs)",
            f"{WEIGHT}*(ga - gn)*(ga + gn)*sq(h + al*Q - hs)",
        ],
    ),
]


def at(curvatures, shifts, h, step_size, away=1, p=F(1, 2), **params):
    """f_i = l_i x^2/2 + h_i x moved to x* = 1, at x = 2; the same step next."""
    count = len(shifts)
    g = [F(c) + F(b) for c, b in zip(curvatures, shifts, strict=True)]
    groups = chain(g, away, h, p)
    outcomes, cells = [o for group in groups for o in group], []
    for group in groups:
        begin = cells[-1][-1] + 1 if cells else 0
        cells.append(list(range(begin, begin + len(group))))
    vectors = {"x": [2], "xs": [1], **{k: per_worker(v) for k, v in (("g", g), ("h", h), ("hs", shifts))}}
    vectors |= {"G": [per_worker(o[1]) for o in outcomes], "Q": [o[2] for o in outcomes]}
    base = {"n": count, "L": 1, "mu": 1, "w": 1 / F(p), "ga": step_size, "gn": step_size, "s2": F(away) ** 2}
    return model({**base, **params}, vectors, prob=[o[0] for o in outcomes], workers=count, cells=[cells])


ONE, TWO = [1, 1], [1, -1]
SCRIPT = Script(
    "diana.decreasing",
    "DIANA with decreasing steps: the noisy contraction of one step",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 2], TWO, [2, 1], F(1, 40), L=3, mu=F(1, 2), gn=F(1, 50), s2=2),
            [
                ({"claim": [CLAIM.replace(NOISE, f"{NOISE}/8")]}, at(ONE, TWO, TWO, F(1, 4), away=9)),
                ({"claim": [CLAIM.replace(RHO, "(1 - 3*ga*mu)")]}, at(ONE, TWO, TWO, F(1, 4))),
                ({"given": {"noise": None}}, at(ONE, TWO, TWO, F(1, 4), away=9, s2=0)),
                (
                    without(STATEMENT, "gn <= ga"),
                    at(ONE, TWO, [9, -9], F(1, 8), gn=1),
                ),
            ],
            update=UPDATE,
            left=NEXT,
        )
    ],
)
