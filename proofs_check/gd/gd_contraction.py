"""Gradient descent contracts the distance: its factor at any step, for mu < L and for mu = L, and the whole run.

Setting: f is mu-strongly convex and L-smooth, x+ = x - gamma grad f(x) with any step gamma (gamma <= 2/mu where mu
    = L).
Guarantee: ||x+ - x*||^2 <= rho ||x - x*||^2 with rho = max{(1 - gamma mu)^2, (1 - gamma L)^2}, at every step of a
    run.
Proof:
    Let z = x - x* and a, b be the two members of rho, its values at g = mu z and g = L z. Strong convexity with
    smoothness is `convex`: <g - mu z, L z - g> >= 0. The form rho |z|^2 - |z - gamma g|^2 is a combination of that
    product and of the squares |L z - g|^2 and |g - mu z|^2. Setting g = mu z leaves the first square alone, so that
    its weight is (rho - a)/(L - mu)^2; g = L z gives (rho - b)/(L - mu)^2 for the other. Comparing |g|^2 then fixes
    the multiplier of `convex`, gamma^2 plus both weights. All three are nonnegative as soon as rho is at least a
    and b. Where mu = L these weights have no meaning: there `convex` and `growing` add up to <g, z> >= mu |z|^2,
    `smooth` and `bounded` to <g, z> >= |g|^2/mu, and gamma^2 mu and gamma (2 - gamma mu) of them leave nothing.
Tight: tight: f = mu/2 |x|^2 and f = L/2 |x|^2 attain the members, so that no smaller rho is true (negative
    controls).
Source: ours; the factor itself is a textbook fact.
"""

from fractions import Fraction as F

from compth.methods.gd import rho_gd
from proofs_check._blocks import over_run, without
from proofs_check._models import model
from proofs_check._script import Part, Script, members, step, symbols, text
from proofs_check._steps import PLAIN as UPDATE

mu, L, ga = symbols("mu L ga")
AT_MU, AT_L = (text(rho_gd(ga, v, v)) for v in (mu, L))
SLOW = [f"rho >= {m}" for m in members(rho_gd(ga, mu, L))]
if set(SLOW) != {f"rho >= {AT_MU}", f"rho >= {AT_L}"}:
    raise AssertionError(f"not the factors at mu and L: {SLOW}")

MOVES = UPDATE.next("x")
MOVED = UPDATE.after("sq(x - xs)", MOVES)
STATEMENT = {
    "name": "gd.contraction",
    "title": "f strongly convex and smooth, g its gradient at x",
    "params": "mu L ga rho",
    "domain": ["mu > 0", "L > mu", "ga > 0", *SLOW],
    "vectors": ["common x", "common xs", "common g"],
    "given": {"convex": "coercive(g, 0, x, xs, mu, L)"},
    "claim": [f"{MOVED} <= rho*sq(x - xs)"],
    "run": over_run("sq(x - xs)", MOVES, "rho", "xs"),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("rho >= 0", {f"rho >= {AT_MU}": "1"}, ["(1 - ga*mu)**2"]),
    step("L - mu > 0", {"L > mu": "1"}),
    step(
        CLAIM,
        {"convex": f"ga**2 + ((rho - {AT_MU}) + (rho - {AT_L}))/(L - mu)**2"},
        [
            f"(rho - {AT_MU})/(L - mu)**2*sq(L*(x - xs) - g)",
            f"(rho - {AT_L})/(L - mu)**2*sq(g - mu*(x - xs))",
        ],
    ),
]

# mu = L: no multiplier of the one inequality above does, the two it comes from do
RATE = text(rho_gd(ga, mu, mu))
SMALL = f"ga <= {text(2 / mu)}"
EQUAL = {
    **STATEMENT,
    "name": "gd.contraction.equal",
    "title": "f strongly convex and smooth with equal constants, g its gradient at x",
    "params": "mu ga",
    "domain": ["mu > 0", "ga > 0", SMALL],
    "values": "f fs",
    "given": {
        "convex": "strongly_convex(f, fs, g, x, xs, mu)",
        "growing": "strongly_convex(fs, f, 0, xs, x, mu)",
        "smooth": "cocoercive(f, fs, g, 0, x, xs, mu)",
        "bounded": "cocoercive(fs, f, 0, g, xs, x, mu)",
    },
    "claim": [f"{MOVED} <= {RATE}*sq(x - xs)"],
    "run": {**STATEMENT["run"], "rate": RATE},
}
EQUAL_CLAIM = EQUAL["claim"][0]
EQUAL_STEPS = [
    step("2 - ga*mu >= 0", {SMALL: "mu"}),
    step(
        EQUAL_CLAIM,
        {
            "smooth": "ga**2*mu",
            "bounded": "ga**2*mu",
            "convex": "ga*(2 - ga*mu)",
            "growing": "ga*(2 - ga*mu)",
        },
    ),
]


def at(curvatures, step_size, rho=None, **params):
    """f = sum of l_j x_j^2/2 with x* moved to 1, at x = 2; mu = 1, L = 2 unless told otherwise."""
    base = {"mu": 1, "L": 2, "ga": step_size} | ({} if rho is None else {"rho": rho})
    d = len(curvatures)
    vectors = {"x": [2] * d, "xs": [1] * d, "g": list(curvatures)}
    return model({**base, **params}, vectors, dim=d)


def equal(curvature, step_size, mu):
    """The same with values, mu = L."""
    found = at([curvature], step_size, mu=mu)
    return found | {
        "params": {k: v for k, v in found["params"].items() if k != "L"},
        "values": {"f": str(1 + F(curvature) / 2), "fs": "1"},
    }


SCRIPT = Script(
    "gd.contraction",
    "Gradient descent: the tight factor of the distance",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 2], F(1, 4), F(3, 4)),
            [
                # each curvature attains its member: nothing less is true
                ({"claim": [CLAIM.replace("<= rho*", "<= (99/100)*rho*")]}, at([1], F(1, 4), F(9, 16))),
                (without(STATEMENT, f"rho >= {AT_MU}"), at([1], F(1, 4), F(1, 2))),
                (without(STATEMENT, f"rho >= {AT_L}"), at([2], F(7, 8), F(1, 2))),
                ({"given": {"convex": None}}, at([3], F(7, 8), F(9, 16))),
            ],
            update=UPDATE,
        ),
        Part(
            EQUAL,
            EQUAL_STEPS,
            equal(2, F(1, 4), 2),
            [
                ({"claim": [EQUAL_CLAIM.replace(RATE, f"(99/100)*{RATE}")]}, equal(2, F(1, 4), 2)),
                ({"given": {"smooth": None, "bounded": None}}, equal(4, F(3, 4), 2)),
                ({"given": {"convex": None, "growing": None}}, equal(1, F(1, 4), 2)),
            ],
            update=UPDATE,
        ),
    ],
)
