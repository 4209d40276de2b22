"""DIANA's rate at any step and alpha, optimal at the best: one step of its Lyapunov function, and the whole run.

Setting: every f_i is mu-strongly convex and L-smooth; messages of g_i - h_i, unbiased, independent, variance omega;
    any gamma, any alpha < 1/(1 + omega).
Symbols: lam: curvature of all f_i in the instance; p: probability with which a message is sent; e: error of the
    memories in the instance
Guarantee: V = ||x - x*||^2 + w mean||h_i - h_i*||^2 shrinks by the factor rho = max{1 - alpha, (1 - gamma l)^2 +
    Omega gamma^2 l^2 for l = mu and L}, Omega = omega/(n (1 - alpha (1 + omega))), w = gamma^2 Omega/alpha.
Proof:
    The weight is the one at which noise cancels: memories give w alpha (1 - alpha (1 + omega)) mean||g_i - h_i||^2,
    the mean message has gamma^2 (omega/n) mean||g_i - h_i||^2, and w = gamma^2 Omega/alpha makes them equal. After
    that x and h no longer mix: the memories keep 1 - alpha of their error, and pass on w alpha = gamma^2 Omega of
    mean||g_i - h_i*||^2. So DIANA is DCGD with a shared minimiser in which Omega stands for omega/n, the gradients
    being g_i - h_i* (`optimal`, `sum`, `still`), and the rest is dcgd.tight: `convex` and two squares whose weights
    are the excess of rho over its values at mu and at L, over (L - mu)^2.
Tight: attained: at learnt memories by one curvature, mu or L, and messages sent with probability p; at x* by wrong
    memories (1 - alpha).
Source: ours.
"""

from fractions import Fraction as F

from compth.methods.core.closed_forms import diana_excess, diana_factor, diana_weight, interpolation_factor
from proofs_check._blocks import AT_SOLUTION, CENTRING, DRAWN, over_run, without
from proofs_check._models import coins, model, per_worker
from proofs_check._script import Part, Script, members, step, symbols, text
from proofs_check._steps import SHIFTED as UPDATE
from proofs_check._steps import remembering
from proofs_check.diana.diana_shift import at as shift_at

n, L, mu, om, ga, al = symbols("n L mu om ga al")
EXCESS, WEIGHT = text(diana_excess(om, n, al)), text(diana_weight(om, n, al, ga))
SLOW = [f"rho >= {m}" for m in members(diana_factor(mu, L, om, n, ga, al))]
# the factor at one curvature: with mu = L the two members of the maximum are one
AT_MU, AT_L = (text(interpolation_factor(v, v, diana_excess(om, n, al), ga)) for v in (mu, L))
[MEMORY] = set(SLOW) - {f"rho >= {q}" for q in (AT_MU, AT_L)}

MOVES = UPDATE.next("x", "h")
MOVED = UPDATE.after("sq(x - xs) + w*sq(h - hs)", MOVES)
STATEMENT = {
    "name": "diana.tight",
    "params": "n L mu om ga al rho",
    "domain": [
        *["mu > 0", "L > mu", "om >= 0", "n >= 1", "ga > 0", "al > 0", "al*(1 + om) < 1"],
        *SLOW,
    ],
    "vectors": remembering(UPDATE),
    "given": {
        "convex": "coercive(g, hs, x, xs, mu, L)",
        **AT_SOLUTION,
        **DRAWN,
    },
    "let": {"w": WEIGHT},
    "claim": [f"{MOVED} <= rho*(sq(x - xs) + w*sq(h - hs))"],
    "run": over_run("sq(x - xs) + w*sq(h - hs)", MOVES, "rho", "xs hs"),
}
CLAIM = STATEMENT["claim"][0]
# (1+Omega) gamma^2 |g|^2 - 2 gamma <g, z> + |z|^2 interpolates between its values at g = mu z and g = L z
SPREAD = f"((rho - {AT_MU}) + (rho - {AT_L}))/(L - mu)**2"
STEPS = [
    step("1 - al >= 0", {"al*(1 + om) < 1": "1"}, ["al*om"]),
    step("rho >= 0", {MEMORY: "1"}, ["1 - al"]),
    step("L - mu > 0", {"L > mu": "1"}),
    step(
        CLAIM,
        {
            "convex": f"ga**2*(1 + {EXCESS}) + {SPREAD}",
            **CENTRING,
            "var": "ga**2/n + w*al**2",
            "ind": "ga**2/n",
        },
        [
            "ga**2*sq(g - hs - P(g - hs))",
            f"(rho - {AT_MU})/(L - mu)**2*sq(L*(x - xs) - (g - hs))",
            f"(rho - {AT_L})/(L - mu)**2*sq(g - hs - mu*(x - xs))",
            "(rho - (1 - al))*w*sq(h - hs)",
        ],
    ),
]


def at(curvatures, h, step_size, rho, **params):
    """Bernoulli(1/2) messages, alpha = 1/4, curvatures between mu = 1 and L = 2."""
    found = shift_at(curvatures, [1, -1], h, F(1, 2), step_size, F(1, 4), L=2, mu=1, **params)
    found["params"]["rho"] = str(rho)
    return found


MEMORIES, LEARNT, STRANGE = MEMORY.removeprefix("rho >= "), [1, -1], [9, -9]
SLOWEST = F(226, 256)  # the factor at curvature 1 and gamma = 1/16


def at_shifts(h, x="x"):
    """The Lyapunov function after the step from these shifts."""
    here = {"h": h, "x": x}
    return UPDATE.after("sq(x - xs) + w*sq(h - hs)", {k: UPDATE.after(v, here) for k, v in MOVES.items()})


# f_i with Hessian lam and messages sent with probability p, omega = 1/p - 1: at learnt shifts the members at mu and L,
# at the solution the memory's
lam, p = symbols("lam p")
MESSAGES = 1 / p - 1
FACTOR = text(interpolation_factor(lam, lam, diana_excess(MESSAGES, n, al), ga))
WEIGHED = text(diana_weight(MESSAGES, n, al, ga))
SMALL = "al < p"
LEARNT_ALL = {
    "name": "diana.tight.attained",
    "title": "gradients hs + lam (x - x*), shifts hs, messages sent over p with probability p: equality",
    "params": "n lam p ga al",
    "domain": ["n >= 1", "lam > 0", "p > 0", "p <= 1", "ga > 0", "al > 0", SMALL],
    "vectors": ["common x", "common xs", "family hs", "family Q ~ lam*(x - xs) @ 0"],
    "given": {
        "optimal": "zero(P(hs), x - xs)",
        "still": "zero(P(hs), hs)",
        "coin": "mixture(Q, p, lam*(x - xs)/p, 0*x)",
        "ind": "independent(Q, n)",
    },
    "let": {"w": WEIGHED},
    "claim": [f"{at_shifts('hs')} == {FACTOR}*(sq(x - xs) + w*sq(hs - hs))"],
}
[EQUAL] = LEARNT_ALL["claim"]
SOLVED = {
    **LEARNT_ALL,
    "name": "diana.tight.attained.memory",
    "title": "at the solution, shifts hs + e: equality with the memory's member 1 - alpha",
    "params": "n p ga al",
    "domain": [t for t in LEARNT_ALL["domain"] if t != "lam > 0"],
    "vectors": ["common xs", "family hs", "family e", "family Q ~ -e @ 0"],
    "given": {
        "still": "zero(P(hs), hs)",
        "coin": "mixture(Q, p, -e/p, 0*e)",
        "ind": "independent(Q, n)",
    },
    "claim": [f"{at_shifts('hs + e', 'xs')} == ({MEMORY.removeprefix('rho >= ')})*w*sq(e)"],
}
[KEPT] = SOLVED["claim"]


def instance(e, slope=0, chance=F(1, 2), step_size=F(1, 4), rate=F(1, 4), **params):
    """Two workers at x - x* = 1 (at the solution where slope = 0), shifts hs + e."""
    prob, message = coins([slope - F(b) for b in e], chance)
    base = {"n": 2, "p": chance, "ga": step_size, "al": rate} | ({"lam": slope} if slope else {})
    vectors = {"xs": [1], "hs": per_worker([1, -1]), "Q": message}
    vectors |= {"x": [2]} if slope else {"e": per_worker(e)}
    return model({**base, **params}, vectors, prob=prob, workers=2)


KNOWN, UNKNOWN = instance([0, 0], 2), instance([3, -3])


SCRIPT = Script(
    "diana.tight",
    "DIANA: the optimal rate in closed form",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 2], [5, -1], F(1, 8), F(9, 10)),
            [
                # equal curvatures mu or L and such messages attain the rate: nothing less is true
                (
                    {"claim": [CLAIM.replace("<= rho*", "<= (99/100)*rho*")]},
                    at([1, 1], LEARNT, F(1, 16), SLOWEST),
                ),
                (without(STATEMENT, f"rho >= {AT_MU}"), at([1, 1], LEARNT, F(1, 16), F(4, 5))),
                (without(STATEMENT, f"rho >= {AT_L}"), at([2, 2], LEARNT, F(1, 2), F(3, 4))),
                (without(STATEMENT, f"rho >= {MEMORIES}"), at([1, 1], STRANGE, F(1, 4), F(5, 8))),
                ({"let": {"w": f"{WEIGHT}/2"}}, at([1, 1], STRANGE, F(1, 4), F(3, 4))),
                ({"given": {"ind": None}}, at([1, 1], STRANGE, F(1, 4), F(3, 4), n=64)),
            ],
            update=UPDATE,
        ),
        Part(
            LEARNT_ALL,
            [
                step("1 - al/p > 0", {SMALL: "1/p"}),
                step(
                    EQUAL,
                    {
                        "optimal": "2*ga**2*lam - 2*ga",
                        "still": "ga**2",
                        "coin": f"ga**2/n + {WEIGHED}*al**2",
                        "ind": "ga**2/n",
                    },
                ),
            ],
            KNOWN,
            [
                ({"claim": [EQUAL.replace(FACTOR, f"99/100*{FACTOR}")]}, KNOWN),
                ({"given": {"ind": None}}, {**KNOWN, "params": {**KNOWN["params"], "n": "5"}}),
                ({"let": {"w": f"{WEIGHED}/2"}}, KNOWN),
            ],
        ),
        Part(
            SOLVED,
            [
                step("1 - al/p > 0", {SMALL: "1/p"}),
                step(KEPT, {"still": "ga**2", "coin": f"ga**2/n + {WEIGHED}*al**2", "ind": "ga**2/n"}),
            ],
            UNKNOWN,
            [
                ({"claim": [KEPT.replace("w*sq(e)", "99/100*w*sq(e)")]}, UNKNOWN),
                ({"given": {"ind": None}}, {**UNKNOWN, "params": {**UNKNOWN["params"], "n": "5"}}),
                ({"let": {"w": f"{WEIGHED}/2"}}, UNKNOWN),
            ],
        ),
    ],
)
