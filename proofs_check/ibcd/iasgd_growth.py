"""IASGD: one step of its Lyapunov function from the growth of its estimate, the whole run, and the growth's constants.

Setting: f is mu-strongly convex and L-smooth; the estimate q of the gradient G at y obeys strong growth, E||q||^2
    <= rho||G||^2 + s2; gamma L rho <= 1, theta = sqrt(gamma mu/rho).
Symbols: th: theta; rho: growth factor of the estimate; s2: noise of the estimate; v: second sequence of the method;
    y: where the gradient is taken; G: gradient of f at y; q: its estimate; fx, fy: f at x and y; z: mean||grad f_i
    - grad f||^2 where Hessians are equal; sg: variance of the stochastic gradients; N: stochastic gradients; Q:
    their blocks over tau; om: 1/tau - 1
Guarantee: f(x) - f* + mu/2||v - x*||^2 shrinks by the factor 1 - theta in the mean, up to theta^2 s2/mu.
Proof:
    The point y = (theta v + x)/(1 + theta) is where `convex` with 1 - theta, towards x, and `strong` with theta,
    towards x*, add up so that all inner products with G meet the one of the v-step and cancel; the square of v - y
    is left, times mu/2 (1 - theta) theta. ||q||^2 occurs twice: L gamma^2/2 from `smooth`, and in mu/2||v+ - x*||^2
    with (gamma/(rho theta))^2, which is gamma/(2 rho) since gamma mu = rho theta^2. `growth` has their sum as
    multiplier, and gamma/2 (1 - L gamma rho)||G||^2 of the descent is not needed. The other parts show the growth:
    messages have the noise (omega/n) mean||N_i||^2 and N_i their own (`var`, `apart`, `noise`), and mean||g_i||^2
    is ||grad f||^2 + z where the Hessians are equal, or L_max/mu||grad f||^2 by `each` and `polyak` where x* is
    shared.
Tight: upper: negative controls refute smaller constants, also those of the growth.
Source: Mishchenko, Hanzely and Richtárik 2020, Lemma 1 and Theorem 6.
"""

from fractions import Fraction as F
from itertools import product

import sympy

from compth.methods.iasgd import IASGD, IASGDGrowth, acceleration, block_growth
from proofs_check._blocks import DRAWN, over_run
from proofs_check._models import model, per_worker
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._update import Update

n, L, Lm, mu, om, z, sg, th, rho, s2 = symbols("n L Lm mu om z sg th rho s2")
TAU = {"params": {"tau": 1 / (1 + om)}}
EQUAL = constants(n=n, L=L, mu=mu, zeta2_star=z, sigma2=sg, **TAU)
SHARED = constants(n=n, L=L, mu=mu, L_max=Lm, L_pm=1, sigma2=sg, **TAU)  # no two Hessians need be equal
GAMMA = rho * th**2 / mu
RULE = acceleration(GAMMA, mu, rho)
for fleet in (EQUAL, SHARED):
    its, noise = block_growth(fleet, TAU["params"]["tau"])
    plan, limit = plan_of(IASGDGrowth(), fleet, its * th**2 / mu)
    planned = (plan.rho - RULE["beta"], plan.floor - noise * th / mu, limit - 1 / (its * L))
    if any(sympy.simplify(v) != 0 for v in planned):
        raise AssertionError("the plan is that of rho and s2")
MIX, BETA, MOMENTUM = (text(sympy.cancel(RULE[name])) for name in ("mix", "beta", "momentum"))
ADDED = text(sympy.simplify((1 - RULE["beta"]) * s2 * th / mu))  # floor times 1 - rate
SMALL = f"ga*{text(rho * L)} <= 1".replace("ga", text(GAMMA))

UPDATE = Update(
    IASGD,
    {"mean gradient": "G", "mean message": "q"},
    {"gamma": "ga", "mix": "mix", "beta": "be", "momentum": "mo"},
    called={"y": "gradient"},
)
# the estimate at any point: what the statement calls x is where the gradient is taken
BLOCKS = Update(
    IASGD,
    {"x": "x0", "v": "v0", "point gradient": "x", "gradient": "N", "message": "Q"},
    expected={"g": "gradient"},
)
MOVES = UPDATE.next("x", "v")

POTENTIAL = "fx - fs + mu/2*sq(v - xs)"
STATEMENT = {
    "name": "iasgd.growth",
    "title": "G the gradient at y, q its estimate; ga the step; fx, fy, fp: f at x, y, the next x",
    "params": "L mu rho s2 th",
    "domain": ["L > 0", "mu > 0", "mu <= L", "rho >= 1", "s2 >= 0", "th > 0", SMALL],
    "vectors": ["common x", "common v", "common xs", "common G", "common q ~ G @ 0"],
    "values": "fx fy fs fp",
    "let": {
        "ga": text(GAMMA),
        **{"mix": MIX, "be": BETA, "mo": MOMENTUM},
        **UPDATE.let(),
        "vp": MOVES["v"],
    },
    "given": {
        "convex": "strongly_convex(fy, fx, G, y, x, 0)",
        "strong": "strongly_convex(fy, fs, G, y, xs, mu)",
        "smooth": f"descent(fp, fy, G, {MOVES['x']}, y, L)",
        "growth": "growth(sq(q), sq(G), fy, fs, rho, 0, s2)",
    },
    "claim": [f"fp - fs + mu/2*sq(vp - xs) <= {BETA}*({POTENTIAL}) + {ADDED}"],
    "run": over_run(POTENTIAL, {"x": MOVES["x"], "v": "vp", "fx": "fp"}, BETA, "xs fs", noise=ADDED),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("1 - L*ga*rho >= 0", {SMALL: "1"}),
    step("rho - 1 >= 0", {"rho >= 1": "1"}),
    step(
        "1 - th**2 >= 0",
        {"1 - L*ga*rho >= 0": "1"},
        ["th**2*(rho - 1)*(rho + 1)", "th**2*rho**2*(L - mu)/mu"],
    ),
    step("1 - th >= 0", {"1 - th**2 >= 0": "1/(1 + th)"}),
    step(
        CLAIM,
        {"convex": "1 - th", "strong": "th", "smooth": "1", "growth": "L*ga**2/2 + ga/(2*rho)"},
        [
            "mu/2*(1 - th)*th*sq(v - y)",
            "ga/2*(1 - L*ga*rho)*sq(G)",
            "s2*ga/(2*rho)*(1 - L*ga*rho)",
        ],
    ),
]


def growth(name, fleet, params, domain, given, title):
    """E||mean Q_i||^2 <= rho ||grad f||^2 + s2 with the catalogue's rho and s2."""
    its, noise = (text(sympy.expand(v)) for v in block_growth(fleet, TAU["params"]["tau"]))
    return {
        "name": f"iasgd.growth.{name}",
        "title": f"{title}; N: stochastic gradients, Q: their blocks over tau, om = 1/tau - 1",
        "params": f"n om sg {params}",
        "domain": ["n >= 1", "om >= 0", "sg >= 0", *domain],
        "vectors": [
            *given.pop("vectors", []),
            "family g",
            "family N ~ g @ 0",
            f"family Q ~ {BLOCKS.mean('message')} @ 1",
        ],
        "given": {
            **given,
            "noise": "growth(sq(N - g), 0, 0, 0, 0, 0, sg)",
            "apart": "independent(N, n)",
            **DRAWN,
        },
        "claim": [f"sq(P(Q)) <= {its}*sq(P(g)) + {noise}"],
    }


HESSIANS = growth("equal", EQUAL, "z", ["z >= 0"], {"apart_from_mean": "dissimilar(g, z)"}, "equal Hessians")
LINES = {
    "each": "cocoercive(f, fs, g, 0, x, xs, Lm)",
    "polyak": "polyak(f, fs, P(g), mu)",
    "vectors": ["common x", "common xs"],
}
MINIMISER = {
    **growth("shared", SHARED, "Lm mu", ["Lm > 0", "mu > 0"], LINES, "a shared minimiser, convex f_i"),
    "values": "f fs",
}
COMMON = {"noise": "(1 + om)/n", "apart": "1/n", "var": "1/n", "ind": "1/n"}
EQUAL_STEPS = [step(HESSIANS["claim"][0], {**COMMON, "apart_from_mean": "om/n"})]
SHARED_STEPS = [step(MINIMISER["claim"][0], {**COMMON, "each": "2*om*Lm/n", "polyak": "om*Lm/(n*mu)"})]


def at(x, v, pace, noise=0, curvature=1, **params):
    """f = curvature x^2/2, x* = 0 moved to 1; q = G +- noise; L = mu = curvature and rho = 1 unless given."""
    lam, t = F(curvature), F(pace)
    numbers = {"L": lam, "mu": lam, "rho": 1, "s2": F(noise) ** 2, "th": t, **params}
    ga = F(numbers["rho"]) * t * t / F(numbers["mu"])
    y = (t * F(v) + F(x)) / (1 + t)
    ends = [y - ga * (lam * y + s * F(noise)) for s in (1, -1)]
    vectors = {"x": [1 + F(x)], "v": [1 + F(v)], "xs": [1], "G": [lam * y]}
    vectors |= {"q": [[[lam * y + s * F(noise)]] for s in (1, -1)]}
    values = {"fx": F(x) ** 2, "fy": y * y, "fs": F(0), "fp": sum(e * e for e in ends) / 2}
    values = {k: 1 + lam / 2 * value for k, value in values.items()}
    return model(numbers, vectors, prob=[F(1, 2)] * 2, values=values)


def sent(gradients, noise, p, **params):
    """Two workers; +-noise on their gradients, then each sends all over p with probability p."""
    g = list(map(F, gradients))
    signs = list(product((1, -1), repeat=2)) if noise else [(0, 0)]
    bits = list(product((1, 0), repeat=2)) if p < 1 else [(1, 1)]
    prob, N, Q = [], [], []
    for xi, up in product(signs, bits):
        noisy = [v + s * F(noise) for v, s in zip(g, xi, strict=True)]
        prob.append(F(p) ** sum(up) * (1 - F(p)) ** (2 - sum(up)) / len(signs))
        N.append([[v] for v in noisy])
        Q.append([[b * v / F(p)] for b, v in zip(up, noisy, strict=True)])
    block = len(bits)
    cells = [[list(range(k * block, (k + 1) * block)) for k in range(len(signs))]]
    numbers = {"n": 2, "om": 1 / F(p) - 1, "sg": F(noise) ** 2, **params}
    vectors = {"g": per_worker(g), "N": N, "Q": Q}
    return model(numbers, vectors, prob=prob, workers=2, cells=cells)


def shared(curvatures, noise, p, **params):
    """f_i = l_i x^2/2 at x = 1, x* = 0 moved to 1."""
    mean = sum(map(F, curvatures)) / 2
    found = sent(curvatures, noise, p, **{"Lm": max(curvatures), "mu": mean, **params})
    vectors = {**found["vectors"], "x": ["2"], "xs": ["1"]}
    return {**found, "vectors": vectors, "values": {"f": str(1 + mean / 2), "fs": "1"}}


def without(domain, text_):
    return {"domain": [t for t in domain if t != text_]}


GROWN, FAR = HESSIANS["claim"][0], MINIMISER["claim"][0]
TWO = sent([2, 0], 1, F(1, 2), z=1)
SAME = shared([1, 1], 1, F(1, 2))
SCRIPT = Script(
    "iasgd.growth",
    "IASGD: accelerated up to a floor, under strong growth",
    [
        Part(
            STATEMENT,
            STEPS,
            at(1, 2, F(1, 4), F(1, 2), F(3, 2), L=2, mu=1, rho=F(3, 2), s2=1),
            [
                ({"claim": [CLAIM.replace(f"<= {BETA}*", f"<= {BETA}**2*")]}, at(1, 1, F(1, 4))),
                ({"claim": [CLAIM.replace(ADDED, f"9/10*{ADDED}")]}, at(0, 0, 1, 1)),
                (without(STATEMENT["domain"], SMALL), at(1, 1, 3)),
                ({"given": {"growth": None}}, at(0, 0, F(1, 2), 1, s2=0)),
                ({"given": {"strong": None}}, at(1, 1, F(1, 2), curvature=F(1, 9), L=1, mu=1)),
                ({"given": {"smooth": None}}, at(1, 1, F(9, 10), curvature=9, L=1, mu=1)),
            ],
            update=UPDATE,
        ),
        Part(
            HESSIANS,
            EQUAL_STEPS,
            sent([3, 1], 1, F(1, 2), z=2),
            [
                ({"claim": [GROWN.replace("om*z/n", "om*z/(2*n)")]}, TWO),
                ({"claim": [GROWN.replace("+ sg/n", "+ sg/(2*n)")]}, TWO),
                ({"claim": [GROWN.replace("om/n)*", "om/(2*n))*")]}, TWO),
                ({"given": {"apart_from_mean": None}}, sent([2, 0], 1, F(1, 2), z=0)),
                ({"given": {"ind": None}}, sent([2, 0], 0, F(1, 2), z=1, n=1000)),
                ({"given": {"apart": None}}, sent([1, 1], 1, 1, z=0, n=1000)),
            ],
            update=BLOCKS,
        ),
        Part(
            MINIMISER,
            SHARED_STEPS,
            shared([2, 1], 1, F(1, 2), Lm=3, mu=1),
            [
                ({"claim": [FAR.replace("Lm*om", "Lm/2*om")]}, SAME),
                ({"claim": [FAR.replace("om*sg", "om/2*sg")]}, SAME),
                ({"given": {"each": None}}, shared([2, 0], 1, F(1, 2), Lm=1)),
                ({"given": {"polyak": None}}, shared([1, 1], 1, F(1, 2), mu=2)),
            ],
            update=BLOCKS,
        ),
    ],
)
