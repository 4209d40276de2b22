"""Independent blocks of stochastic gradients with steps 1/w, w = a + ct: the weighted gaps, summed over the run.

Setting: f is mu-strongly convex, f and every f_i convex and L-smooth; independent stochastic gradients of variance
    s2, blocks sent with probability tau, not rescaled; step 1/w with w = a + c t.
Symbols: w: one over the step; a: first w, 2 (tau + 2 (1 - tau)/n) L; c: growth of w a step; r: ||x_0 - x*||^2; t:
    number of steps; z2: mean||grad f_i(x*)||^2; past: tau times the weighted gaps before t; now: the term at t; V:
    the potential at t
Guarantee: the average of f(x_s) - f* with weights w_s is at most (a (a - tau mu) r + t tau (s2 + 2 (1 - tau) z2)/n)
    over tau times the weights' sum.
Proof:
    The potential is w (w - tau mu)||x - x*||^2: times w^2 the step 1/w makes the noise constant. `convex` with 2 w
    tau gives the factor and -2 tau w (f - f*); one w tau (f - f*) is the gain. The mean step's square and the
    blocks' noise (split at h_i*, hence 2 (1 - tau) z2) are bounded by `whole` and `each`, and need tau a (f - f*)
    by the definition of a; since w >= a (`late`) the remaining tau (w - a) goes into `whole` as well. The next
    weight, (w + c)(w + c - tau mu), is below w^2 by 2 c w + 3 c^2 since c = tau mu/4: a term. The last gap, which
    has no step of its own, is below the potential by `smooth`; the third part divides the sum by the weights, a sum
    of integers.
Tight: upper: controls refute half of the noise, 9/10 of the bound and a sum with one noise less.
Source: Mishchenko, Hanzely and Richtárik 2020, Theorem 4.
"""

from dataclasses import replace
from fractions import Fraction as F

from compth.methods.ibcd import block_noise, isgd_rule, weight_sum, weighted_bound
from proofs_check._blocks import over_run
from proofs_check._models import model, quadratic
from proofs_check._noisy import NOISE as INDEPENDENT
from proofs_check._noisy import noisy
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._steps import BLOCKS, stochastic

n, L, mu, tau, s2, z2, a, t, r = symbols("n L mu tau s2 z2 a t r")
FLEET = constants(n=n, L_max=L, mu=mu, sigma2=s2, zeta2_star=z2, params={"tau": tau})
START, PACE = isgd_rule(FLEET)
FIRST = f"a == {text(START.expand())}"
N, C = text(block_noise(tau, s2, z2)), text(PACE)
UPDATE = replace(stochastic(BLOCKS), params={"gamma": "1/w"})
MOVES = UPDATE.next("x", w="w + c")
POTENTIAL, ADDED = "w*(w - tau*mu)*sq(x - xs)", f"tau*{N}/n"
MOVED = UPDATE.after("sq(x - xs)", MOVES)
NEXT = f"(w + c)*(w + c - tau*mu)*{MOVED}"
LATE = "floor(w, a)"
STATEMENT = {
    "name": "isgd.decreasing.step",
    "title": "G the workers' stochastic gradients, Q the blocks they send; w = 1/step, a its least value",
    "params": "n L mu tau s2 a",
    "domain": [
        *["L > 0", "mu > 0", "mu <= L", "n >= 1", "tau > 0", "tau <= 1", "s2 >= 0", "a > 0", FIRST],
    ],
    # blocks kept with probability tau and not rescaled: mean tau G, variance tau (1 - tau) |G|^2
    "vectors": [
        *[
            "common x",
            "common xs",
            "family g",
            "family hs",
            "family G ~ g @ 0",
            f"family Q ~ {UPDATE.mean('message')} @ 1",
        ],
    ],
    "values": "f fs w",
    "let": {"c": C, "z2": "sq(hs)"},
    "given": {
        "late": LATE,
        "convex": "strongly_convex(f, fs, P(g), x, xs, mu)",
        "whole": "cocoercive(f, fs, P(g), 0, x, xs, L)",
        "each": "cocoercive(f, fs, g, hs, x, xs, L)",
        "optimal": "zero(P(hs), x - xs)",
        **INDEPENDENT,
        "var": "variance(Q, 1/tau - 1)",
        "ind": "independent(Q, n)",
    },
    "claim": [f"{NEXT} + tau*w*(f - fs) <= {POTENTIAL} + {ADDED}"],
    "run": over_run(POTENTIAL, MOVES, "1", "xs hs", noise=ADDED, gain="tau*w*(f - fs)"),
}
CLAIM = STATEMENT["claim"][0]
SHARE = "tau*(1 - tau)/n"
STEPS = [
    step("1 - tau >= 0", {"tau <= 1": "1"}),
    step("2 - 2*tau >= 0", {"tau <= 1": "2"}),
    step("w - a >= 0", {"late": "1"}),
    step(
        CLAIM,
        {
            "convex": "2*w*tau",
            "whole": "2*L*tau**2 + tau*(w - a)",
            "each": f"4*L*{SHARE}",
            "optimal": f"-4*L*{SHARE}",
            "noise": "tau",
            "apart": f"-{SHARE}",
            "var": "1/n",
            "ind": "1/n",
            FIRST: "-tau*(f - fs)",
        },
        [
            f"{SHARE}*sq(g - 2*hs)",
            "tau*(w - a)/(2*L)*sq(P(g))",
            f"(2*c*w + 3*c**2)*{MOVED}",
        ],
    ),
]

LAST = {
    "name": "isgd.decreasing.last",
    "title": "a gap against the potential at the same time",
    "params": "n L mu tau a",
    "domain": [t for t in STATEMENT["domain"] if t != "s2 >= 0"],
    "vectors": ["common x", "common xs"],
    "values": "f fs w",
    "given": {"late": LATE, "smooth": "descent(f, fs, 0, x, xs, L)"},
    "claim": [f"tau*w*(f - fs) <= {POTENTIAL}"],
}
LAST_CLAIM = LAST["claim"][0]
LAST_STEPS = [
    STEPS[0],
    STEPS[2],
    step(
        "a - tau*mu - tau*L/2 >= 0",
        {FIRST: "-1", "mu <= L": "tau"},
        ["tau*L/2", "4*L*(1 - tau)/n"],
    ),
    step(
        LAST_CLAIM,
        {"smooth": "tau*w"},
        ["w*((w - a) + (a - tau*mu - tau*L/2))*sq(x - xs)"],
    ),
]

WEIGHTS = [text(weight_sum(a, PACE, k)) for k in (0, t, t + 1)]
BOUND = text(weighted_bound(FLEET, t, r).subs(START, a))
TOTAL = {
    "name": "isgd.decreasing.bound",
    "title": "past: tau times the sum of w_s (f(x_s) - fs) over s < t, now: its term s = t, V: the potential at t",
    "params": "n mu tau s2 z2 a t r past now V",
    "domain": ["n >= 1", "mu > 0", "tau > 0", "s2 >= 0", "z2 >= 0", "a > 0", "t >= 1", "r >= 0"],
    "let": {"c": C},
    "given": {
        "run": f"order(past + V, a*(a - tau*mu)*r + t*{ADDED})",
        "last": "order(now, V)",
    },
    "claim": [
        f"{WEIGHTS[0]} == a",
        f"{WEIGHTS[2]} == {WEIGHTS[1]} + (a + c*(t + 1))",
        f"(past + now)/(tau*{WEIGHTS[1]}) <= {BOUND}",
    ],
}
[FRESH, GROWING, TOGETHER] = TOTAL["claim"]
TOTAL_STEPS = [
    step(FRESH),
    step(GROWING),
    step(TOGETHER, {"run": f"1/(tau*{WEIGHTS[1]})", "last": f"1/(tau*{WEIGHTS[1]})"}),
]


def weights(params, w):
    """With a by its rule and w (a unless told otherwise)."""
    v = {k: F(x) for k, x in params.items()}
    first = 2 * (v["tau"] + 2 * (1 - v["tau"]) / v["n"]) * v["L"]
    return {**params, "a": str(first)}, str(first if w is None else F(w))


def at(curvatures, shifts, away=1, keep=F(1, 2), w=None, **params):
    """f_i = l_i x^2/2 + h_i x, x* = 0 moved to 1, at x = 2; one block; L = mu = the largest curvature."""
    q, keep = quadratic(curvatures, shifts), F(keep)
    top = max(curvatures)
    base = model({"n": len(shifts), "L": top, "mu": top, "tau": keep}, {k: q[k] for k in ("x", "xs")})
    base["vectors"] |= {k: [[str(v)] for v in q[k]] for k in ("g", "hs")}
    found = noisy(base, away, keep, **params)
    blocks = [[[str(keep * F(v[0]))] for v in o] for o in found["vectors"]["Q"]]
    found["params"], late = weights(found["params"], w)
    values = {"f": str(q["f"]), "fs": str(q["fs"]), "w": late}
    return found | {"vectors": {**found["vectors"], "Q": blocks}, "workers": len(shifts), "values": values}


def last(curvature, w=None, **params):
    """f = l x^2/2, x* = 0 moved to 1, at x = 2."""
    numbers = {"n": "1", "L": str(curvature), "mu": str(curvature), "tau": "1/2", **params}
    numbers, late = weights(numbers, w)
    values = {"f": 1 + F(curvature) / 2, "fs": 1, "w": late}
    return model(numbers, {"x": [2], "xs": [1]}, values=values)


def total(**params):
    """t = 1, n = 1, tau = 1/2, mu = 8/9, a = 1: everything with equality unless told otherwise."""
    base = {"n": 1, "mu": F(8, 9), "tau": F(1, 2), "s2": 3, "z2": 2, "a": 1, "t": 1, "r": 9}
    found = {k: F(v) for k, v in {**base, **params}.items()}
    noise = found["tau"] * (found["s2"] + 2 * (1 - found["tau"]) * found["z2"]) / found["n"]
    whole = found["a"] * (found["a"] - found["tau"] * found["mu"]) * found["r"] + found["t"] * noise
    return model({"V": whole / 2, "now": whole / 2, "past": whole / 2, **found})


LOUD, QUIET = ([1, 1], [0, 0], 9), ([1, 1], [0, 0], F(1, 9))
SCRIPT = Script(
    "isgd.decreasing",
    "Independent blocks of stochastic gradients, decreasing steps: no floor, 1/t",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], L=4, mu=F(1, 2), s2=2, w=20),
            [
                ({"claim": [CLAIM.replace(ADDED, f"{ADDED}/2")]}, at(*LOUD)),
                ({"claim": [CLAIM.replace(f"+ {ADDED}", "")]}, at(*LOUD)),
                ({"claim": [CLAIM.replace("tau*w*(f - fs)", "9*tau*w*(f - fs)")]}, at(*QUIET, w=99)),
                ({"given": {"late": None}}, at(*QUIET, w=F(1, 2))),
                ({"given": {"noise": None}}, at(*LOUD, s2=0)),
                ({"given": {"each": None}}, at([-98, 100], [0, 0], L=1, mu=1)),
            ],
            update=UPDATE,
        ),
        Part(
            LAST,
            LAST_STEPS,
            last(1, L="2", mu="1/2", n="2", w=9),
            [
                ({"claim": [LAST_CLAIM.replace("tau*w*(f", "99*tau*w*(f")]}, last(1)),
                ({"given": {"smooth": None}}, last(99, L="1", mu="1")),
                ({"given": {"late": None}}, last(1, w=F(1, 9))),
            ],
        ),
        Part(
            TOTAL,
            TOTAL_STEPS,
            total(mu=F(1, 2), now=0, t=3, n=2),
            [
                ({"claim": [FRESH, GROWING, TOGETHER.replace("t*(s2", "(t - 1)*(s2")]}, total()),
                ({"claim": [FRESH, GROWING, TOGETHER.replace("<= ", "<= 9/10*")]}, total()),
                ({"claim": [FRESH, GROWING.replace("+ (a +", "+ 1/2*(a +"), TOGETHER]}, total()),
                ({"given": {"last": None}}, total(now=99)),
                ({"given": {"run": None}}, total(past=99)),
            ],
            "sum over the run",
        ),
    ],
)
