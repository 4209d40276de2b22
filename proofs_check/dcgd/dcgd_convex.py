"""DCGD, f strongly convex and every f_i convex, a shared minimiser: a rate for any step, and the whole run.

Setting: f is mu-strongly convex and L-smooth, every f_i convex and L-smooth only, all share x*; independent
    unbiased messages with variance omega; any step.
Guarantee: E||x+ - x*||^2 <= rho ||x - x*||^2 with rho the larger of (1 - gamma mu)^2 + (omega/n) gamma^2 mu L and
    (1 - gamma L)^2 + (omega/n) gamma^2 L^2.
Proof:
    The noise of the mean message is (omega/n) mean||g_i||^2, by `var` and `ind`, each times gamma^2/n. A worker
    that is merely convex has ||g_i||^2 <= L <g_i, z> with z = x - x*: `each` times gamma^2 omega/n, summed over the
    workers, gives (omega/n) gamma^2 L <grad f, z>. So the step is bounded by a form in z and grad f alone, whose
    values at grad f = mu z and at grad f = L z are the two members of rho. `convex`, now an inequality of f, and
    two squares share out the rest as in gd.contraction: the weights of the squares are rho minus its members over
    (L - mu)^2, and the multiplier of `convex` is gamma^2 plus both.
Tight: upper; where L = 2 mu a control attains it, half of the workers being flat and half of curvature L.
Source: ours.
"""

from fractions import Fraction as F

from compth.calculus import averaged_omega
from compth.methods.core.closed_forms import convex_factor
from proofs_check._blocks import without
from proofs_check._script import Part, Script, members, step, text
from proofs_check._steps import SENT as UPDATE
from proofs_check.dcgd import dcgd_tight as tight
from proofs_check.dcgd.dcgd_tight import EXCESS, L, at, ga, mu, n, om

SLOW = members(convex_factor(mu, L, averaged_omega(om, n), ga))
[AT_L] = [m for m in SLOW if not m.count("mu")]
[AT_MU] = set(SLOW) - {AT_L}
STATEMENT = {
    **tight.STATEMENT,
    "name": "dcgd.convex",
    "domain": [
        *["mu > 0", "L > mu", "om >= 0", "n >= 1", "ga > 0"],
        *[f"rho >= {m}" for m in (AT_MU, AT_L)],
    ],
    "given": {
        "convex": "coercive(P(g), 0, x, xs, mu, L)",
        "each": "coercive(g, 0, x, xs, 0, L)",
        **{k: tight.STATEMENT["given"][k] for k in ("var", "ind")},
    },
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("rho >= 0", {f"rho >= {AT_L}": "1"}, [f"(1 - ga*L)**2 + ga**2*L**2*{text(EXCESS)}"]),
    step("L - mu > 0", {"L > mu": "1"}),
    step(
        CLAIM,
        {
            "convex": f"ga**2 + ((rho - {AT_MU}) + (rho - {AT_L}))/(L - mu)**2",
            "each": f"ga**2*{text(EXCESS)}",
            "var": "ga**2/n",
            "ind": "ga**2/n",
        },
        [
            f"(rho - {AT_MU})/(L - mu)**2*sq(L*(x - xs) - P(g))",
            f"(rho - {AT_L})/(L - mu)**2*sq(P(g) - mu*(x - xs))",
        ],
    ),
]


SCRIPT = Script(
    "dcgd.convex",
    "DCGD with a shared minimiser, convex workers",
    [
        Part(
            STATEMENT,
            STEPS,
            at([F(1, 2), 2], F(1, 8), F(9, 10)),
            [
                # half of the workers flat, the others of curvature L = 2: f has mu = 1, and the rate is attained
                ({"claim": [CLAIM.replace("<= rho*", "<= (99/100)*rho*")]}, at([0, 2], F(1, 8), F(25, 32))),
                (without(STATEMENT, f"rho >= {AT_MU}"), at([0, 2], F(1, 8), F(3, 4))),
                (without(STATEMENT, f"rho >= {AT_L}"), at([2, 2], F(2, 3), F(3, 5))),
                ({"given": {"ind": None}}, at([1, 1], F(1, 8), F(1569, 2048), shared=True, n=64)),
                ({"given": {"each": None}}, at([-6, 8], F(1, 8), F(25, 32))),
            ],
            update=UPDATE,
        )
    ],
)
