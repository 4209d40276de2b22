"""EF-BV under the Polyak-Lojasiewicz condition, for any scalings lambda, nu in [0, 1]: one step and the whole run.

Setting: f is L-smooth and satisfies the PL condition with mu, gradients jointly L~-Lipschitz; messages Q_i =
    C_i(g_i - h_i) of bias eta, variance omega and averaged variance omega_av, scaled by lambda for the memories and
    nu for the direction.
Symbols: la: lambda; nu: scaling of the direction; oa: omega_av, the averaged variance; r: (1 - lambda + lambda
    eta)^2 + lambda^2 omega; ra: (1 - nu + nu eta)^2 + nu^2 omega_av; s: the root of 2 r (1 + s)^2 = 1 + r; W: L~
    sqrt(ra/r)/s; M: L~^2; v: g - h, what is compressed; c: the messages' means
Guarantee: f(x) - f* + gamma ra/(2 s (1 + s) r) mean||g_i - h_i||^2 shrinks by the factor max{1 - gamma mu, (1 +
    r)/2}, gamma <= 1/(L + L~ sqrt(ra/r)/s).
Proof:
    Two lemmas say how far lambda Q and the mean of nu Q are from v = g - h. Take lambda: `var` times lambda^2 is
    the noise; the bias enters by v - lambda c = (1 - lambda) v + lambda (v - c), at most 1 - lambda + lambda eta of
    v, for which `bias` has lambda^2 + lambda (1 - lambda)/eta and a square is given away. The sum is r, and ra in
    the same way with `av`. One step: descent and `pl` as for EF21, where the direction's error costs gamma/2 ra
    mean||v||^2. The memories' next error is (1 + s) r mean||v||^2 + (1 + 1/s) of the drift, `lip`. With the weight
    w = gamma ra/(2 s (1 + s) r) the cost gamma/2 ra is w s (1 + s) r, and both add up to w r (1 + s)^2 = w (1 +
    r)/2: that defines s. The drift, w (1 + s)/s L~^2 gamma^2, is gamma/2 (gamma W)^2 of the direction's square and
    fits as gamma (L + W) <= 1. The second part is eta = 0, where `bias` is not needed.
Tight: upper: controls refute the cube of the rate and the bound without the memories.
Source: Condat, Yi and Richtárik 2022.
"""

from dataclasses import replace
from fractions import Fraction as F

import sympy

from compth.calculus import ef_bv_contraction
from compth.methods.ef_bv import EFBV, ef_bv_step
from proofs_check._blocks import over_run
from proofs_check._models import coins, model, per_worker
from proofs_check._script import Part, Script, step, symbols, text
from proofs_check._update import Update

eta, om, oa, la, nu, L, M, r, ra, s = symbols("eta om oa la nu L M r ra s")
R, RA = text(ef_bv_contraction(eta, om, la)), text(ef_bv_contraction(eta, oa, nu))
# s* = sqrt((1+r)/(2r)) - 1 is 2 r (1+s)^2 = 1 + r; W = L~ sqrt(r_av/r)/s*, L~^2 = M
STAR = sympy.sqrt((1 + r) / (2 * r)) - 1
SLOPE = sympy.simplify((1 / ef_bv_step(L, sympy.sqrt(M), r, ra) - L) * STAR / s)
ROOT = text(sympy.simplify(SLOPE**2))
WEIGHT = "(ga*ra/(2*s*(1 + s)*r))"  # gamma/(2 theta*), theta* = s(1+s) r/r_av
UPDATE = Update(
    EFBV,
    {"gradient": "g", "message": "Q"},
    {"gamma": "ga", "lam": "la", "nu": "nu"},
    ahead={"gp": "x"},
    expected={"c": "message"},
)
MOVES = UPDATE.next("x", f="fp") | UPDATE.next("g", "h")
POTENTIAL = f"f - fs + {WEIGHT}*sq(g - h)"
CLAIM = f"{UPDATE.after(POTENTIAL, MOVES)} <= rho*({POTENTIAL})"
SMALL, TURN, SQUARE = "ga*(L + W) <= 1", "2*r*(1 + s)**2 == 1 + r", f"W**2 == {ROOT}"
STATEMENT = {
    "name": "efbv.pl",
    "title": "c the mean of the messages Q_i = C_i(g_i - h_i)",
    "params": "L M mu ga eta om oa la nu r ra s W rho",
    "domain": [
        "L > 0",
        "M > 0",
        "mu > 0",
        "ga > 0",
        "eta > 0",
        "om >= 0",
        "oa >= 0",
        "la >= 0",
        "la <= 1",
        "nu >= 0",
        "nu <= 1",
        "r > 0",
        "ra > 0",
        "s > 0",
        "W > 0",
        f"r == {R}",
        f"ra == {RA}",
        TURN,
        SQUARE,
        SMALL,
        "rho >= 1 - ga*mu",
        "rho >= (1 + r)/2",
    ],
    "vectors": ["common x", "family g", "family h", "family c", "family Q ~ c @ 0", "family gp @ 1"],
    "values": "f fp fs",
    "let": {"xp": MOVES["x"], "v": UPDATE.argument("message")},
    "given": {
        "smooth": "descent(fp, f, P(g), xp, x, L)",
        "pl": "polyak(f, fs, P(g), mu)",
        "low": "least(f, fs)",
        "lip": "lipschitz(gp, g, xp, x, M)",
        "bias": "bias(c, v, eta)",
        "var": "spread(Q, v, om)",
        "av": "mean_spread(Q, v, oa)",
    },
    "claim": [CLAIM],
    "run": over_run(POTENTIAL, MOVES | {"x": "xp"}, "rho", "fs"),
}
KEEP = "sq(v - la*Q) <= r*sq(v)"
ERROR = "sq(P(v - nu*Q)) <= ra*sq(v)"
STEPS = [
    step("1 - la >= 0", {"la <= 1": "1"}),
    step("1 - nu >= 0", {"nu <= 1": "1"}),
    step("1 - ga*L - ga*W >= 0", {SMALL: "1"}),
    step("1 - ga*W >= 0", {SMALL: "1"}, ["ga*L"]),
    step("rho >= 0", {"rho >= (1 + r)/2": "1"}, ["(1 + r)/2"]),
    step(
        KEEP,
        {"bias": "la**2 + la*(1 - la)/eta", "var": "la**2", f"r == {R}": "-sq(v)"},
        ["la*(1 - la)/eta*sq(eta*v - (v - c))"],
    ),
    step(
        ERROR,
        {"bias": "nu**2 + nu*(1 - nu)/eta", "av": "nu**2", f"ra == {RA}": "-sq(v)"},
        ["nu*(1 - nu)/eta*sq(eta*v - (v - c))", "sq(v - nu*c - P(v - nu*c))"],
    ),
    step(
        CLAIM,
        {
            "smooth": "1",
            "pl": "ga/2",
            "lip": f"{WEIGHT}*(1 + s)/s",
            KEEP: f"{WEIGHT}*(1 + s)",
            ERROR: "ga/2",
            TURN: f"{WEIGHT}/2*sq(v)",
            SQUARE: "-ga**3/2*sq(P(h + nu*Q))",
        },
        [
            f"{WEIGHT}/s*sq(gp - g - s*(v - la*Q))",
            "ga/2*((1 - ga*L - ga*W) + ga*W*(1 - ga*W))*sq(P(h + nu*Q))",
            "(rho - (1 - ga*mu))*(f - fs)",
            f"{WEIGHT}*(rho - (1 + r)/2)*sq(v)",
        ],
    ),
]
UNBIASED = {
    **STATEMENT,
    "name": "efbv.pl.unbiased",
    "title": "eta = 0: the messages are unbiased",
    "params": STATEMENT["params"].replace("eta ", ""),
    "domain": [u for u in STATEMENT["domain"] if "eta" not in u]
    + [f"r == {text(ef_bv_contraction(0, om, la))}", f"ra == {text(ef_bv_contraction(0, oa, nu))}"],
    "vectors": [
        u.replace("~ c @", f"~ {UPDATE.mean('message')} @") for u in STATEMENT["vectors"] if u != "family c"
    ],
    "given": {k: u for k, u in STATEMENT["given"].items() if k != "bias"},
}
R0, RA0 = UNBIASED["domain"][-2:]
STEPS0 = [
    *STEPS[:5],
    step(KEEP, {"var": "la**2", R0: "-sq(v)"}),
    step(ERROR, {"av": "nu**2", RA0: "-sq(v)"}, ["sq(v - nu*v - P(v - nu*v))"]),
    STEPS[-1],
]


def at(curvatures, h, step_size, keep=F(1, 2), gap=2, **params):
    """f_i = l_i x^2/2 at x = gap; C(v) = 2 keep v or 0 with probability 1/2; r = 32/49, r_av = 5/8, s* = 1/8."""
    mean, gap, step_size = sum(map(F, curvatures)) / len(curvatures), F(gap), F(step_size)
    g = [F(c) * gap for c in curvatures]
    c = [keep * (a - F(b)) for a, b in zip(g, h, strict=True)]
    prob, message = coins(c, F(1, 2))
    after = [
        gap - step_size * sum(F(b) + m[0] / 2 for b, m in zip(h, q, strict=True)) / len(h) for q in message
    ]
    vectors = {"x": [gap], "g": per_worker(g), "h": per_worker(h), "Q": message}
    vectors["gp"] = [[[F(k) * x] for k in curvatures] for x in after]
    if keep != 1:
        vectors["c"] = per_worker(c)
    base = {"L": 3, "mu": 1, "ga": step_size, "la": F(1, 2), "nu": F(1, 2), "s": F(1, 8), "rho": F(99, 100)}
    base |= {"eta": F(1, 2), "om": F(71, 196), "oa": F(1, 4), "r": F(32, 49), "ra": F(5, 8), "W": 20}
    base |= params
    base["M"] = F(base["W"]) ** 2 * F(base["s"]) ** 2 * F(base["r"]) / F(base["ra"])
    values = {"f": mean * gap**2 / 2, "fs": 0}
    values["fp"] = sum(q * mean * x**2 / 2 for q, x in zip(prob, after, strict=True))
    if keep == 1:
        del base["eta"]
    return model(base, vectors, prob=prob, workers=len(g), values=values)


DESCENT = {"L": 1, "W": 9, "rho": F(9, 10)}
LEARNT = at([1], [2], F(1, 10), **DESCENT)  # h = g: plain gradient descent
FRESH = at([1], [-8], F(1, 10), **DESCENT)
NOISY = {"om": F(79, 49), "oa": F(3, 2), "r": F(32, 49), "ra": F(5, 8)}


def spoils(learnt, fresh, far):
    return [
        ({"claim": [CLAIM.replace("<= rho*", "<= rho**3*")]}, learnt),
        ({"claim": [CLAIM.replace(f"(f - fs + {WEIGHT}*sq(g - h))", "(f - fs)")]}, fresh),
        ({"domain": None}, far),
    ]


def without_step(statement, found):
    short = {"domain": [u for u in statement["domain"] if u != SMALL]}
    return [(short if change == {"domain": None} else change, m) for change, m in found]


BIASED = spoils(LEARNT, FRESH, at([1], [2], F(3), **DESCENT))
FREE = [
    at([1], h, ga, F(1), **DESCENT, **NOISY) for h, ga in (([2], F(1, 10)), ([-8], F(1, 10)), ([2], F(3)))
]
SCRIPT = Script(
    "efbv.pl",
    "EF-BV under the PL condition",
    [
        Part(STATEMENT, STEPS, at([1, 3], [1, 2], F(1, 30)), without_step(STATEMENT, BIASED), update=UPDATE),
        Part(
            UNBIASED,
            STEPS0,
            at([1, 3], [1, 2], F(1, 30), F(1), **NOISY),
            without_step(UNBIASED, spoils(*FREE)),
            update=replace(UPDATE, expected={}),
        ),
    ],
)
