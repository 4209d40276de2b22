"""DCGD with unbiased independent compressors and a shared minimiser: the tight rate at any step, and the whole run.

Setting: every f_i is mu-strongly convex and L-smooth, all share the minimiser x*; independent unbiased messages
    with variance omega; any step.
Symbols: lam: curvature of all f_i in the instance; p: probability with which a message is sent
Guarantee: E||x+ - x*||^2 <= rho ||x - x*||^2, rho the larger of (1 - gamma l)^2 + (omega/n) gamma^2 l^2 at l = mu
    and l = L.
Proof:
    Independence (`ind`) and `var`, each times gamma^2/n, replace the noise of the mean message by (omega/n)
    mean||g_i||^2, and ||mean g_i||^2 is at most mean||g_i||^2, which is the first square. What is left is, for each
    worker, rho |z|^2 - |z|^2 + 2 gamma <g, z> - (1 + omega/n) gamma^2 |g|^2 with z = x - x*. As for gradient
    descent it is a combination of the product in `convex`, <g - mu z, L z - g> >= 0, and of two squares; the
    squares' weights are the excess of rho over its values at g = mu z and at g = L z, divided by (L - mu)^2. The
    multiplier of `convex` is what |g|^2 then asks for. At omega = 0 this is the proof of gd.contraction.
Tight: attained by workers with one curvature, mu or L, whose messages are sent with probability p = 1/(1 + omega).
Source: ours.
"""

from fractions import Fraction as F

from compth.calculus import averaged_omega
from compth.methods.core.closed_forms import interpolation_factor
from proofs_check._blocks import DRAWN, over_run, without
from proofs_check._models import coins, model, per_worker, quadratic
from proofs_check._script import Part, Script, members, step, symbols, text
from proofs_check._steps import SENT as UPDATE

n, L, mu, om, ga = symbols("n L mu om ga")
EXCESS = averaged_omega(om, n)
AT_MU, AT_L = (text(interpolation_factor(v, v, EXCESS, ga)) for v in (mu, L))
SLOW = [f"rho >= {m}" for m in members(interpolation_factor(mu, L, EXCESS, ga))]
if set(SLOW) != {f"rho >= {AT_MU}", f"rho >= {AT_L}"}:
    raise AssertionError(f"not the factors at mu and L: {SLOW}")

MOVES = UPDATE.next("x")
MOVED = UPDATE.after("sq(x - xs)", MOVES)
STATEMENT = {
    "name": "dcgd.tight",
    "params": "n L mu om ga rho",
    "domain": ["mu > 0", "L > mu", "om >= 0", "n >= 1", "ga > 0", *SLOW],
    "vectors": ["common x", "common xs", "family g", f"family Q ~ {UPDATE.mean('message')} @ 0"],
    "given": {
        "convex": "coercive(g, 0, x, xs, mu, L)",
        **DRAWN,
    },
    "claim": [f"{MOVED} <= rho*sq(x - xs)"],
    "run": over_run("sq(x - xs)", MOVES, "rho", "xs"),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("rho >= 0", {f"rho >= {AT_MU}": "1"}, ["(1 - ga*mu)**2 + ga**2*mu**2*om/n"]),
    step("L - mu > 0", {"L > mu": "1"}),
    step(
        CLAIM,
        {
            "convex": f"ga**2*(1 + om/n) + ((rho - {AT_MU}) + (rho - {AT_L}))/(L - mu)**2",
            "var": "ga**2/n",
            "ind": "ga**2/n",
        },
        [
            "ga**2*sq(g - P(g))",
            f"(rho - {AT_MU})/(L - mu)**2*sq(L*(x - xs) - g)",
            f"(rho - {AT_L})/(L - mu)**2*sq(g - mu*(x - xs))",
        ],
    ),
]


def at(curvatures, step_size, rho, shared=False, **params):
    """Bernoulli(1/2) messages on quadratics with a shared minimiser, mu = 1, L = 2."""
    q = quadratic(curvatures, [0] * len(curvatures))
    prob, message = coins(q["g"], F(1, 2), shared)
    base = {"n": len(curvatures), "L": 2, "mu": 1, "om": 1, "ga": step_size, "rho": rho}
    vectors = {"x": q["x"], "xs": q["xs"], "g": per_worker(q["g"]), "Q": message}
    return model({**base, **params}, vectors, prob=prob, workers=len(curvatures))


# f_i = lam/2 |x - x*|^2 for every i, and messages sent with probability p: both members of the rate, lam = mu and L
lam, p = symbols("lam p")
FACTOR = text(interpolation_factor(lam, lam, averaged_omega(1 / p - 1, n), ga))
INSTANCE = {
    "name": "dcgd.tight.attained",
    "title": "all gradients lam (x - x*), messages sent over p with probability p, omega = 1/p - 1: equality",
    "params": "n lam p ga",
    "domain": ["n >= 1", "lam > 0", "p > 0", "p <= 1", "ga > 0"],
    "vectors": ["common x", "common xs", "family Q ~ lam*(x - xs) @ 0"],
    "given": {"coin": "mixture(Q, p, lam*(x - xs)/p, 0*x)", "ind": "independent(Q, n)"},
    "claim": [
        f"{MOVED} == {FACTOR}*sq(x - xs)",
        "sq(Q - lam*(x - xs)) == (1/p - 1)*sq(lam*(x - xs))",
    ],
}
EQUAL, VARIANCE = INSTANCE["claim"]
INSTANCE_STEPS = [step(EQUAL, {"ind": "ga**2/n", "coin": "ga**2/n"}), step(VARIANCE, {"coin": "1"})]


def one_curvature(slope, chance, step_size, **params):
    """Two workers with the same gradient slope (x - x*)."""
    prob, message = coins([slope, slope], chance)
    base = {"n": 2, "lam": slope, "p": chance, "ga": step_size}
    return model({**base, **params}, {"x": [2], "xs": [1], "Q": message}, prob=prob, workers=2)


SENT = one_curvature(2, F(1, 2), F(1, 8))


SCRIPT = Script(
    "dcgd.tight",
    "DCGD with a shared minimiser: the tight rate",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 2], F(1, 8), F(9, 10)),
            [
                # one curvature and such messages attain the rate: nothing less is true
                ({"claim": [CLAIM.replace("<= rho*", "<= (99/100)*rho*")]}, at([1, 1], F(1, 8), F(99, 128))),
                (without(STATEMENT, f"rho >= {AT_MU}"), at([1, 1], F(1, 8), F(3, 4))),
                (without(STATEMENT, f"rho >= {AT_L}"), at([2, 2], F(2, 3), F(3, 5))),
                ({"given": {"ind": None}}, at([1, 1], F(1, 8), F(99, 128), shared=True)),
                ({"given": {"var": None}}, at([1, 1], F(1, 8), F(393, 512), om=F(1, 4))),
            ],
            update=UPDATE,
        ),
        Part(
            INSTANCE,
            INSTANCE_STEPS,
            SENT,
            [
                ({"claim": [EQUAL.replace(FACTOR, f"99/100*{FACTOR}"), VARIANCE]}, SENT),
                ({"claim": [EQUAL, VARIANCE.replace("(1/p - 1)", "1/p")]}, SENT),
                ({"given": {"ind": None}}, {**SENT, "params": {**SENT["params"], "n": "5"}}),
                ({"given": {"coin": None}}, {**SENT, "params": {**SENT["params"], "p": "1/3"}}),
            ],
        ),
    ],
)
