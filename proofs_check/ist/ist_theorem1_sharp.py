"""IST's Theorem 1 with its finer factor, for every step below 2/theta: one step of f - f* and the whole run.

Setting: that of ist.theorem1 with any gamma < 2/theta.
Symbols: th: theta; lam: lambda; R: the root of L; M: E[B]; y: B x, the averaged sketched gradient
Guarantee: E f(x+) - f* <= (1 - gamma lambda (2 - gamma theta))(f(x) - f*), smallest at gamma = 1/theta.
Proof:
    The same three facts as in ist.theorem1 and no rounding: `move` with 1 expands the quadratic, `second` with
    gamma^2/2 compares the second moment of the sketched step with its mean, `least` with lambda gamma (2 - gamma
    theta)/2 compares that mean with f - f*. Nothing is left over, so the list of terms is empty. The only sign that
    is used is 2 - gamma theta > 0, hence the range, twice the paper's. The factor itself is nonnegative because
    lambda <= theta: it is (1 - gamma theta)^2 plus gamma (theta - lambda)(2 - gamma theta).
Tight: upper: equality as soon as `second` and `least` are equalities at the same x; no instance is shown.
Source: Shulgin and Richtárik 2024, Theorem 1 (16); the finer factor is ours.
"""

from fractions import Fraction as F

from compth.methods.ist import sharp_factor
from proofs_check._script import Part, Script, step, text
from proofs_check._steps import SKETCHED as UPDATE
from proofs_check.ist import ist_theorem1 as paper
from proofs_check.ist.ist_theorem1 import at, ga, lam, th

RHO = text(sharp_factor(ga, th, lam))
STATEMENT = {
    **paper.STATEMENT,
    "name": "ist.theorem1_sharp",
    "domain": ["th > 0", "lam > 0", "lam <= th", "ga > 0", "ga*th < 2"],
    "claim": [f"fp - fs <= {RHO}*(f - fs)"],
    "run": {**paper.STATEMENT["run"], "rate": RHO},
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("2 - ga*th >= 0", {"ga*th < 2": "1"}),
    step(f"{RHO} >= 0", {"lam <= th": "ga*(2 - ga*th)"}, ["(1 - ga*th)**2"]),
    step(
        CLAIM,
        {"move": "1", "here": f"1 - {RHO}", "second": "ga**2/2", "least": "lam*ga*(2 - ga*th)/2"},
    ),
]
SCRIPT = Script(
    "ist.theorem1_sharp",
    "IST when every worker's minimiser is 0, finer factor",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], F(1, 2), root=2, lam=1),
            [
                # one coordinate: an equality at every step
                ({"claim": [CLAIM.replace(RHO, f"(99/100)*{RHO}")]}, at([1, 3], F(1, 4))),
                ({"claim": [CLAIM.replace(RHO, "(1 - 2*ga*lam)")]}, at([1], F(1, 4))),
                ({"domain": ["th > 0", "lam > 0", "lam <= th", "ga > 0"]}, at([1], 3, lam=F(1, 4))),
                ({"given": {"second": None}}, at([1, 9], F(1, 5), th=5)),
                ({"given": {"least": None}}, at([1], F(1, 4), th=4, lam=4)),
            ],
            update=UPDATE,
        )
    ],
)
