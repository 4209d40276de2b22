"""IST on heterogeneous data, the finer neighbourhood: one step with the squared gradient as gain, and its telescope.

R is the root of L; the sketches make B = I, so g = x - c with E g = L^-1 grad f(x) + h and h = x* - x_inf.

Setting: that of ist.theorem2 with gamma <= 1.
Symbols: R: the root of L; h: x* - x_inf, the bias that no step size removes; g: the step's direction; s2: variance
    of the direction in the norm of L; h2: ||h||_L^2
Guarantee: over T steps the mean of ||grad f||^2 in the norm of L^-1 is at most 2 (f(x_0) - f*)/(gamma T) +
    ||h||_L^2 + gamma s2.
Proof:
    One identity does it. With z = x - x*, and everything in the norm of L, `move` times 2/gamma brings -2<z, g> +
    gamma||g||^2, in the mean -2<z, z + h> + gamma||z + h||^2 + gamma (the variance of g). Since -2<z, z + h> =
    ||h||^2 - ||z||^2 - ||z + h||^2, the claim's gain ||z||^2 appears by itself, the bias enters once, and (1 -
    gamma)||z + h||^2 >= 0 is the only thing given away, which is where gamma <= 1 comes from. `noise` with gamma
    bounds the variance. Compare dcgd.general: there a shorter step shrinks the floor, here ||h||^2 has no gamma in
    front.
Tight: upper: at gamma = 1 one step is an equality where the variance is s2; no instance of a run is shown.
Source: Shulgin and Richtárik 2024, Theorem 2 (30); the smaller constant is ours.
"""

from dataclasses import replace
from fractions import Fraction as F

from compth.methods.ist import neighbourhood_sharp
from proofs_check._blocks import over_run
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text
from proofs_check._steps import SKETCHED

ga, h2, s2 = symbols("ga h2 s2")
NOISE = text(neighbourhood_sharp(ga, h2, s2))
# the step is IST's; that the mean of g is x - x* + h holds for the quadratic and its sketches with B = I
UPDATE = replace(SKETCHED, words={"mean message 1": "g"}, stated=("g",))
GAIN = "sq(R(x - xs))"  # ||grad f||^2 in the norm of L^-1
STATEMENT = {
    "name": "ist.theorem2_sharp",
    "params": "ga s2",
    "domain": ["ga > 0", "ga <= 1", "s2 >= 0"],
    "operators": ["common R"],
    "vectors": ["common x", "common xs", "common h", "common g ~ x - xs + h @ 0"],
    "values": "f fp fs",
    "let": {"h2": "sq(R(h))"},
    "given": {
        "move": "quadratic(fp, f, R(R(x - xs)), -ga*g, -ga*R(g))",
        "noise": "noise(g, R, s2)",
    },
    "claim": [f"2*(fp - fs)/ga + {GAIN} <= 2*(f - fs)/ga + {NOISE}"],
    "run": over_run("2*(f - fs)/ga", UPDATE.next("x", f="fp"), "1", "xs h fs", noise=NOISE, gain=GAIN),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("1 - ga >= 0", {"ga <= 1": "1"}),
    step(CLAIM, {"move": "2/ga", "noise": "ga"}, ["(1 - ga)*sq(R(x - xs + h))"]),
]


def at(x, h, step_size, away=1, root=1, **params):
    """1-D with x* = 0 moved to 1; g = x - x* + h +- away."""
    root, x, h, step_size, away = map(F, (root, x, h, step_size, away))
    drawn = [x + h + away, x + h - away]
    after = sum((root * (x - step_size * g)) ** 2 for g in drawn) / 4
    vectors = {"x": [1 + x], "xs": [1], "h": [h], "g": [[[g]] for g in drawn]}
    values = {"f": 1 + (root * x) ** 2 / 2, "fp": 1 + after, "fs": 1}
    base = {"ga": step_size, "s2": (root * away) ** 2}
    return model({**base, **params}, vectors, prob=[F(1, 2)] * 2, values=values, operators={"R": root})


SCRIPT = Script(
    "ist.theorem2_sharp",
    "IST on heterogeneous data, four times smaller neighbourhood",
    [
        Part(
            STATEMENT,
            STEPS,
            at(2, 1, F(1, 2), root=2, s2=5),
            [
                # x - x* = -h: an equality
                ({"claim": [CLAIM.replace(NOISE, f"(99/100)*{NOISE}")]}, at(-1, 1, F(1, 2))),
                ({"claim": [CLAIM.replace(NOISE, "ga*h2 + ga*s2")]}, at(-1, 1, F(1, 2))),
                ({"claim": [CLAIM.replace(NOISE, "h2")]}, at(-1, 1, F(1, 2))),
                ({"domain": ["ga > 0", "s2 >= 0"]}, at(2, 1, 2)),
                ({"given": {"noise": None}}, at(-1, 1, F(1, 2), s2=0)),
            ],
            update=UPDATE,
        )
    ],
)
