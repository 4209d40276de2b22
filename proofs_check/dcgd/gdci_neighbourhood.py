"""Gradient descent with compressed iterates: one step to a neighbourhood, and the whole run.

Setting: f is mu-strongly convex and L-smooth; the iterate itself is compressed without bias, y = C(x), and the step
    is taken from y: x+ = y - gamma grad f(y); gamma <= 1/(2L) and omega small enough.
Symbols: y: the compressed iterate C(x); g: gradient of f at y; star2: ||x*||^2
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2 + 2 omega gamma (4 gamma L^2 + L - mu + 4/gamma)||x*||^2.
Proof:
    From y it is a step of gradient descent. `convex` times 2 gamma gives -2 gamma (f(y) - f*) - gamma mu ||y -
    x*||^2; `smooth` times 2 gamma^2 L pays gamma^2 ||g||^2 out of the first, and `back`, f(y) - f* >= mu/2 ||y -
    x*||^2, turns the remaining 2 gamma (1 - gamma L) into gamma mu (1 - gamma L)||y - x*||^2. So the step contracts
    ||y - x*||^2 by 1 - 2 gamma mu + gamma^2 mu L. The compressor's noise is met once, by `var` with just this
    factor as multiplier: E||y - x*||^2 <= ||x - x*||^2 + omega ||x||^2. Finally ||x||^2 <= 2||x - x*||^2 +
    2||x*||^2 (the square |x - 2 xs|^2 is given away); the bound on omega keeps the first share within 1 - gamma mu,
    the second is the neighbourhood, smaller than the one that is stated.
Tight: upper: the neighbourhood that comes out is below the stated one; a hundredth of it is refuted by a control.
Source: Khaled and Richtárik 2019, Theorem 1.
"""

from fractions import Fraction as F

from compth.methods.core.symbols import Within
from compth.methods.gdci import GDCI, GDCINeighbourhood, largest_omega
from proofs_check._blocks import over_run
from proofs_check._models import model
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._update import Update


class Few(Within):
    """A variance within the theorem's range, which the domain states."""

    def __gt__(self, other):
        return False


L, mu, ga, star2 = symbols("L mu ga star2")
om = Few("om")
PLAN, LIMIT = plan_of(GDCINeighbourhood(), constants(omega=om, L=L, mu=mu, facts={"star2": star2}), ga)
RHO, NOISE = text(PLAN.rho), text(PLAN.floor * (1 - PLAN.rho))
SMALL, FEW = f"ga*{text(1 / LIMIT)} <= 1", f"om <= {text(largest_omega(ga, L, mu))}"

UPDATE = Update(GDCI, {"mean gradient": "g", "broadcast": "y"}, {"gamma": "ga"}, downlink=True)
MOVES = UPDATE.next("x")
STATEMENT = {
    "name": "gdci.neighbourhood",
    "params": "L mu om ga",
    "domain": ["L > 0", "mu > 0", "mu <= L", "om >= 0", "ga > 0", SMALL, FEW],
    "vectors": ["common x", "common xs", f"common y ~ {UPDATE.mean('broadcast')} @ 0", "common g @ 1"],
    "values": "f fs",
    "let": {"star2": "sq(xs)"},
    "given": {
        "convex": "strongly_convex(f, fs, g, y, xs, mu)",
        "back": "strongly_convex(fs, f, 0, xs, y, mu)",
        "smooth": "cocoercive(f, fs, g, 0, y, xs, L)",
        "var": "variance(y, om)",
    },
    "claim": [f"{UPDATE.after('sq(x - xs)', MOVES)} <= {RHO}*sq(x - xs) + {NOISE}"],
    "run": over_run("sq(x - xs)", MOVES, RHO, "xs", noise=NOISE),
}
CLAIM = STATEMENT["claim"][0]
KEPT, REST = "((1 - 2*ga*mu) + ga**2*mu*L)", "(6 + 2*ga*mu*(1 + (1 - ga*L)))"
STEPS = [
    step("L - mu >= 0", {"mu <= L": "1"}),
    step("1 - 2*ga*L >= 0", {SMALL: "1"}),
    step("1 - ga*L >= 0", {"1 - 2*ga*L >= 0": "1"}, ["ga*L"]),
    step("1 - 2*ga*mu >= 0", {"1 - 2*ga*L >= 0": "1"}, ["2*ga*(L - mu)"]),
    step("1 - ga*mu >= 0", {"1 - 2*ga*mu >= 0": "1"}, ["ga*mu"]),
    step(
        "ga*mu*(1 - 2*ga*L) - 8*om >= 0",
        {FEW: "4*ga*(2*ga*L**2 + 2/ga + (L - mu))"},
        ["4*ga*(2*ga*L**2 + (L - mu))*om"],
    ),
    step(
        CLAIM,
        {"convex": "2*ga", "smooth": "2*ga**2*L", "back": "2*ga*(1 - ga*L)", "var": KEPT},
        [
            f"{KEPT}*om*sq(x - 2*xs)",
            f"((ga*mu*(1 - 2*ga*L) - 8*om) + ga**2*mu*L + {REST}*om)*sq(x - xs)",
            f"({REST}*om + 8*om*ga**2*L**2 + 2*om*ga*(L - mu))*sq(xs)",
        ],
    ),
]


def at(x, xs, omega, step_size, slope=1, **params):
    """f = slope |x - xs|^2/2 in one dimension; the iterate is sent as (1 +- sqrt(omega)) x."""
    x, xs, step_size, slope = map(F, (x, xs, step_size, slope))
    spread = F(omega) * abs(x)
    points = [x - spread, x + spread]
    y, g = ([[[v]] for v in vs] for vs in (points, [slope * (p - xs) for p in points]))
    value = sum(slope * (p - xs) ** 2 / 4 for p in points)
    base = {"L": 2, "mu": F(1, 2), "om": F(omega) ** 2, "ga": step_size}
    vectors = {"x": [x], "xs": [xs], "y": y, "g": g}
    return model({**base, **params}, vectors, prob=[F(1, 2)] * 2, values={"f": value, "fs": 0})


EQUAL = {"L": 1, "mu": 1}
HOME = at(1, 1, F(1, 20), F(1, 4), **EQUAL)  # from x* the compressed iterate moves away
SCRIPT = Script(
    "gdci.neighbourhood",
    "Compressed iterates: linear to a neighbourhood",
    [
        Part(
            STATEMENT,
            STEPS,
            at(3, 1, F(1, 50), F(1, 8)),
            [
                ({"claim": [CLAIM.replace(NOISE, "0")]}, HOME),
                ({"claim": [CLAIM.replace(NOISE, f"{NOISE}/100")]}, HOME),
                ({"claim": [CLAIM.replace(RHO, "(1 - 2*ga*mu)")]}, at(3, 0, F(1, 100), F(1, 4), **EQUAL)),
                ({"given": {"var": None}}, at(3, 0, 1, F(1, 4), **{**EQUAL, "om": F(1, 1000)})),
            ],
            update=UPDATE,
        )
    ],
)
