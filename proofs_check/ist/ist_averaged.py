"""IST's Theorem 1 (15): one step with the squared gradient as gain, and its telescope over the run.

grad f = L x, so ||grad f||^2 in the norm of L^-1 W L^-1 is <x, W x> = <x, L M x>.

Setting: that of ist.theorem1 without lambda: W >= 0 is all that is asked; gamma <= 1/theta.
Symbols: th: theta; R: the root of L; M: E[B]; y: B x, the averaged sketched gradient
Guarantee: over T steps the mean of ||grad f||^2 in the norm of L^-1 W L^-1 is at most 2 f(x_0)/(gamma T).
Proof:
    grad f = L x, so that ||grad f||^2 in that norm is <x, W x>, the gain. `move`, the expansion of the quadratic,
    is multiplied by 2/gamma: 2 f(x+)/gamma = 2 f(x)/gamma - 2<x, W x> + gamma||y||_L^2 in the mean. `second` with
    gamma replaces the square by gamma theta<x, W x>. One <x, W x> is the gain that the claim shows; of the other, 1
    - gamma theta is not needed, and `order`, W >= 0, with this multiplier removes it. Summing over the run leaves
    the first value of 2 f/gamma, since f >= 0.
Tight: upper: within the range the factor 1 - gamma theta of the gain is thrown away.
Source: Shulgin and Richtárik 2024, Theorem 1 (15).
"""

from fractions import Fraction as F

from compth.methods.ist import ISTAveraged
from proofs_check._blocks import over_run
from proofs_check._script import Part, Script, constants, plan_of, step, text
from proofs_check._steps import SKETCHED as UPDATE
from proofs_check.ist import ist_theorem1 as paper
from proofs_check.ist.ist_theorem1 import W, ga, th
from proofs_check.ist.ist_theorem1 import at as with_lam

_, LIMIT = plan_of(ISTAveraged(), constants(facts={"theta": th, "W": 0}), ga)
SMALL, GAIN = f"ga <= {text(LIMIT)}", f"dot(x, {W})"
STATEMENT = {
    **{k: paper.STATEMENT[k] for k in ("operators", "vectors")},
    "values": "f fp",
    "name": "ist.averaged",
    "params": "ga th",
    "domain": ["th > 0", "ga > 0", SMALL],
    "given": {
        "move": paper.STATEMENT["given"]["move"],
        "second": paper.STATEMENT["given"]["second"],
        "order": f"loewner(0, x, {W}, 1)",
    },
    "claim": [f"2*fp/ga + {GAIN} <= 2*f/ga"],
    "run": over_run("2*f/ga", UPDATE.next("x", f="fp"), "1", "", gain=GAIN),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("1 - ga*th >= 0", {SMALL: "th"}),
    step(CLAIM, {"move": "2/ga", "second": "ga", "order": "1 - ga*th"}),
]


def at(*arguments, **params):
    """The model of `ist.theorem1` without f* and lam."""
    found = with_lam(*arguments, **params)
    found["params"] = {k: v for k, v in found["params"].items() if k != "lam"}
    found["values"] = {k: v for k, v in found["values"].items() if k != "fs"}
    return found


SCRIPT = Script(
    "ist.averaged",
    "IST when every worker's minimiser is 0: averaged gradients",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], F(1, 3), root=2),
            [
                # one coordinate at gamma = 1/theta: an equality
                ({"claim": [CLAIM.replace(f"+ {GAIN}", f"+ (101/100)*{GAIN}")]}, at([1, 3], F(2, 5))),
                ({"claim": [CLAIM.replace("<= 2*f/ga", "<= f/ga")]}, at([1, 3], F(2, 5))),
                ({"domain": ["th > 0", "ga > 0"]}, at([1, 3], F(3, 5))),
                ({"given": {"second": None}}, at([1, 9], F(1, 5), th=5)),
            ],
            update=UPDATE,
        )
    ],
)
