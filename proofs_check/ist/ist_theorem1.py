"""IST's Theorem 1 (16), every worker's minimiser 0: one step of f - f* = ||x||_L^2/2, and the whole run.

R is the root of L, y = B x with B = (1/n) sum C_i L_i C_i drawn, M = E[B]; <x, L M x> is the form of W = (LM + ML)/2.

Setting: f(x) = ||x||_L^2/2, every worker's minimiser is 0; B = mean of C_i L_i C_i for drawn sketches, y = B x; M =
    E[B], W = (L M + M L)/2; E[B L B] <= theta W and W >= lambda L; gamma <= 1/theta.
Symbols: th: theta; lam: lambda; R: the root of L; M: E[B]; y: B x, the averaged sketched gradient
Guarantee: E f(x+) - f* <= (1 - gamma lambda)(f(x) - f*).
Proof:
    f is quadratic, so `move` is an equality: f(x+) = f(x) - gamma<L x, y> + gamma^2/2||y||_L^2. In the mean <L x,
    y> is <x, W x>, and `second`, with gamma^2/2, bounds the last term by gamma^2 theta/2 of the same number: f
    falls by gamma (1 - gamma theta/2)<x, W x>. `least` says <x, W x> >= lambda||x||_L^2, which is 2 lambda (f - f*)
    by `here`; its multiplier is lambda gamma (2 - gamma theta)/2, all that is there. So the factor is 1 - gamma
    lambda (2 - gamma theta), and the statement rounds it up to 1 - gamma lambda, as gamma theta <= 1: the term
    lambda gamma (1 - gamma theta)/2||x||_L^2. `here` has one minus the stated factor.
Tight: upper: ist.theorem1_sharp keeps the factor that is rounded here.
Source: Shulgin and Richtárik 2024, Theorem 1 (16).
"""

from fractions import Fraction as F

from compth.methods.ist import ISTInterpolation
from proofs_check._blocks import over_run, without
from proofs_check._models import model
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._steps import SKETCHED as UPDATE

ga, th, lam = symbols("ga th lam")
PLAN, LIMIT = plan_of(ISTInterpolation(), constants(facts={"theta": th, "lam": lam}), ga)
RHO, SMALL = text(PLAN.rho), f"ga <= {text(LIMIT)}"
W = "R(R(M(x)))"
STATEMENT = {
    "name": "ist.theorem1",
    "params": "ga th lam",
    # lam <= theta: W <= theta L, since M L M <= E[B L B] <= theta W
    "domain": ["th > 0", "lam > 0", "lam <= th", "ga > 0", SMALL],
    "operators": ["common R", "common M"],
    "vectors": ["common x", "common y ~ M(x) @ 0"],
    "values": "f fp fs",
    "given": {
        "here": "quadratic(f, fs, 0, x, R(x))",
        "move": "quadratic(fp, f, R(R(x)), -ga*y, -ga*R(y))",
        "second": f"loewner(R(y), x, {W}, th)",
        "least": f"loewner(R(x), x, {W}, 1/lam)",
    },
    "claim": [f"fp - fs <= {RHO}*(f - fs)"],
    "run": over_run("f - fs", UPDATE.next("x", f="fp"), RHO, "fs"),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("1 - ga*th >= 0", {SMALL: "th"}),
    step(f"{RHO} >= 0", {"1 - ga*th >= 0": "1", "lam <= th": "ga"}),
    step(
        CLAIM,
        {
            "move": "1",
            "here": f"1 - {RHO}",
            "second": "ga**2/2",
            "least": "lam*ga*(1 + (1 - ga*th))/2",
        },
        ["lam*ga*(1 - ga*th)/2*sq(R(x))"],
    ),
]


def at(draws, step_size, root=1, x=2, **params):
    """1-D: B takes the given values with equal chances; theta and lam are the least and the largest that hold."""
    root, x, draws, step_size = F(root), F(x), list(map(F, draws)), F(step_size)
    mean, square = sum(draws) / len(draws), sum(b * b for b in draws) / len(draws)
    after = sum((root * (x - step_size * b * x)) ** 2 for b in draws) / len(draws) / 2
    vectors = {"x": [x], "y": [[[b * x]] for b in draws]}
    values = {"f": 1 + (root * x) ** 2 / 2, "fp": 1 + after, "fs": 1}
    base = {"ga": step_size, "th": square / mean, "lam": mean}
    prob = [F(1, len(draws))] * len(draws)
    return model({**base, **params}, vectors, prob=prob, values=values, operators={"R": root, "M": mean})


SCRIPT = Script(
    "ist.theorem1",
    "IST when every worker's minimiser is 0",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], F(1, 3), root=2, lam=1),
            [
                # one coordinate at gamma = 1/theta: an equality
                ({"claim": [CLAIM.replace(RHO, f"(99/100)*{RHO}")]}, at([1, 3], F(2, 5))),
                ({"claim": [CLAIM.replace(RHO, "(1 - 2*ga*lam)")]}, at([1], F(1, 4))),
                (without(STATEMENT, SMALL), at([1, 3], F(3, 5))),
                ({"given": {"second": None}}, at([1, 9], F(1, 5), th=5)),
                ({"given": {"least": None}}, at([1], F(1, 4), th=4, lam=4)),
            ],
            update=UPDATE,
        )
    ],
)
