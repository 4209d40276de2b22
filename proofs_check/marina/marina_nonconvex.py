"""MARINA without convexity: one step with the squared gradient as gain, and its telescope over the run.

Setting: f is L-smooth and bounded below, L_+ and L_pm as in marina.pl, messages of joint variance A >= B >= 0;
    gamma (L + T) <= 1.
Symbols: M: L_+^2; D: L_pm^2; p: probability of a full round; T: sqrt((1 - p)/p ((A - B) L_+^2 + B L_pm^2)); e: the
    server's estimate of the gradient; Y: its error after the step
Guarantee: over T steps the mean of E||grad f||^2 is at most (2 (f(x_0) - f*)/gamma + ||e_0 - grad f(x_0)||^2/p)/T.
Proof:
    Descent along e times 2/gamma has three squares: the gain ||grad f||^2, (1 - gamma L)||e||^2, and the error ||e
    - grad f||^2 as cost. With weight 1/p the error of the estimate falls by (1/p)(1 - (1 - p)) = 1 times itself,
    the cost exactly, so the weight is half of marina.pl's 2/p in these units and T^2 loses its factor 2. The
    renewed noise is (1 - p)/p times what `joint`, `plus` and `pm` bound, T^2 gamma^2||e||^2, which the equation
    that defines T replaces; `coin` has 1/p. The last term is ||e||^2 times 1 - gamma L - (gamma T)^2, written with
    two factors that the range of gamma makes nonnegative.
Tight: upper: controls refute three times the gain and 3/2 of the weight of f(x+).
Source: Szlendak, Tyurin and Richtárik 2022; the method is of Gorbunov, Burlachenko, Li and Richtárik 2021.
"""

from fractions import Fraction as F

import sympy

from compth.methods.marina import MARINANonconvex, marina_step
from proofs_check._blocks import without
from proofs_check._script import Part, Script, plan_of, step, text
from proofs_check.marina import marina_pl as pl
from proofs_check.marina.marina_pl import FLEET, L, ga, p

_, LIMIT = plan_of(MARINANonconvex(), FLEET, ga)
ROOT = text(sympy.simplify((1 / LIMIT - L) ** 2))  # gamma <= 1/(L + T), T^2 = ROOT
if sympy.simplify(LIMIT - marina_step(FLEET, p, 1)) != 0:
    raise AssertionError("the range is not one reciprocal")
SMALL, SQUARE = "ga*(L + T) <= 1", f"T**2 == {ROOT}"
GONE = (pl.SQUARE, pl.SHORT, "mu > 0")
POTENTIAL = "2*(f - fs)/ga + sq(e - P(g))/p"
STATEMENT = {
    **pl.STATEMENT,
    "name": "marina.nonconvex",
    "params": "L M D ga A B p T",
    "domain": [*(t for t in pl.STATEMENT["domain"] if t not in GONE), SQUARE],
    "given": {k: v for k, v in pl.STATEMENT["given"].items() if k != "pl"},
    "claim": [f"2*(fp - fs)/ga + sq(Y)/p + sq(P(g)) <= {POTENTIAL}"],
    "run": {**pl.STATEMENT["run"], "potential": POTENTIAL, "rate": "1", "gain": "sq(P(g))"},
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("1 - ga*L - ga*T >= 0", {SMALL: "1"}),
    step("1 - ga*T >= 0", {SMALL: "1"}, ["ga*L"]),
    step("1 - p >= 0", {"p <= 1": "1"}),
    step(
        CLAIM,
        {
            "smooth": "2/ga",
            "coin": "1/p",
            "joint": "(1 - p)/p",
            "plus": "(1 - p)/p*(A - B)",
            "pm": "(1 - p)/p*B",
            SQUARE: "-ga**2*sq(e)",
        },
        ["((1 - ga*L - ga*T) + ga*T*(1 - ga*T))*sq(e)"],
    ),
]


def at(*arguments, **params):
    """The model of `marina.pl` without its mu; T^2 is half of what it is there."""
    found = pl.at(*arguments, **params)
    found["params"] = {k: v for k, v in found["params"].items() if k != "mu"}
    return found


HALVED = {"M": 6, "D": 2, "T": 2}  # of the witness: T^2 = (A - B) M + B D = 4
EXACT = {"L": 1, "M": 1, "D": 0, "A": 1, "B": 0, "T": 1}
SCRIPT = Script(
    "marina.nonconvex",
    "MARINA without convexity",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 2], 1, F(1, 10), L=2, **HALVED),
            [
                (
                    {"claim": [CLAIM.replace("+ sq(P(g)) <=", "+ 3*sq(P(g)) <=")]},
                    at([1], 2, F(1, 4), **EXACT),
                ),
                (
                    {"claim": [CLAIM.replace("2*(fp - fs)/ga", "3*(fp - fs)/ga")]},
                    at([1], 2, F(1, 8), **EXACT),
                ),
                (
                    without(STATEMENT, SMALL),
                    at([1], 8, F(1), **EXACT),
                ),
                (
                    {"given": {"coin": None, "smooth": None}},
                    at([1], 2, F(1, 4), **EXACT) | {"values": {"f": "1/2", "fp": "9", "fs": "0"}},
                ),
            ],
            update=pl.UPDATE,
        )
    ],
)
