"""IST's Theorem 2 (30) at the best beta that it allows: one step with its gain, and its telescope."""

from fractions import Fraction as F

from compth.methods.ist import largest_beta, neighbourhood_paper
from proofs_check._script import Part, Script, step, text
from proofs_check.ist import ist_theorem2_sharp as sharp
from proofs_check.ist.ist_theorem2_sharp import GAIN, at, ga, h2, s2

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
        )
    ],
)
