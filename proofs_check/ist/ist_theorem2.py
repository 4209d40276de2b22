"""IST's Theorem 2 (30), heterogeneous data: one step with the squared gradient as gain, and its telescope.

Setting: f(x) = ||x - x*||_L^2/2, workers with different minimisers; the sketches make B = I, so the step is x - c
    with mean x - x* + h; its variance in the norm of L is at most s2; gamma < 1.
Symbols: R: the root of L; h: x* - x_inf, the bias that no step size removes; g: the step's direction; s2: variance
    of the direction in the norm of L; h2: ||h||_L^2
Guarantee: over T steps the mean of ||grad f||^2 in the norm of L^-1 is at most 2 (f(x_0) - f*)/(gamma T) + (4 + 5
    gamma)||h||_L^2 + gamma s2.
Proof:
    `move` times 2/gamma expands the quadratic: -2<z, z + h>_L + gamma||g||_L^2 with z = x - x*. The first is
    -||z||_L^2 - ||z + h||_L^2 + ||h||_L^2, exactly, and the mean of the second is gamma||z + h||_L^2 plus the
    variance, `noise` with gamma. So (1 - gamma)||z + h||_L^2 can be dropped, and ||z||_L^2, the gain, is bounded by
    ||h||_L^2 + gamma s2. The paper's constant before ||h||_L^2 is 4 + 5 gamma: the difference 3 + 5 gamma is a
    term, nothing of the proof needs it.
Tight: upper: at least four times too large before ||h||^2 (ist.theorem2_sharp).
Source: Shulgin and Richtárik 2024, Theorem 2 (30).
"""

from fractions import Fraction as F

from compth.methods.ist import largest_beta, neighbourhood_paper
from proofs_check._script import Part, Script, step, text
from proofs_check.ist import ist_theorem2_sharp as sharp
from proofs_check.ist.ist_theorem2_sharp import GAIN, UPDATE, at, ga, h2, s2

NOISE = text(neighbourhood_paper(ga, largest_beta(ga), h2, s2).simplify())
STATEMENT = {
    **sharp.STATEMENT,
    "name": "ist.theorem2",
    "domain": ["ga > 0", "ga < 1", "s2 >= 0"],
    "claim": [f"2*(fp - fs)/ga + {GAIN} <= 2*(f - fs)/ga + {NOISE}"],
    "run": {**sharp.STATEMENT["run"], "noise": NOISE},
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("1 - ga >= 0", {"ga < 1": "1"}),
    step(
        CLAIM,
        {"move": "2/ga", "noise": "ga"},
        ["(1 - ga)*sq(R(x - xs + h))", "(3 + 5*ga)*h2"],
    ),
]
SCRIPT = Script(
    "ist.theorem2",
    "IST on heterogeneous data: a neighbourhood that no step size removes",
    [
        Part(
            STATEMENT,
            STEPS,
            at(2, 1, F(1, 2), root=2, s2=5),
            [
                ({"claim": [CLAIM.replace(NOISE, "ga*h2 + ga*s2")]}, at(-1, 1, F(1, 2))),
                ({"claim": [CLAIM.replace(NOISE, f"ga*{NOISE}")]}, at(-1, 1, F(1, 8), away=4)),
                ({"domain": ["ga > 0", "s2 >= 0"]}, at(3, 0, 3)),
                ({"given": {"noise": None}}, at(-1, F(1, 8), F(1, 2), away=2, s2=0)),
            ],
            update=UPDATE,
        )
    ],
)
