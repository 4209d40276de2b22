"""DCGD-STAR on heterogeneous data, for any joint variance (A, B) of the messages: one step and the whole run.

Setting: f is mu-strongly convex and L-smooth, every f_i convex and L_max-smooth; messages of grad f_i(x) - h_i*, h_i*
    the gradients at x*, are unbiased with joint variance (A, B); gamma (L max{1 - B, 0} + A L_max) <= 1.
Symbols: S: max{1 - B, 0}, or more; g: the gradients of the f_i less <h_i*, x>, whose mean is grad f
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu) ||x - x*||^2, at every step of a run.
Proof:
    What is compressed vanishes at x*, so that its noise does, too: the f_i less <h_i*, x> are convex and L_max-smooth,
    have the mean f and all rest at x*, whatever the data. So `joint` with `each` pays the noise out of f - f*, which
    takes 2 gamma^2 A L_max of it, `smooth` gets the other 2 gamma (1 - gamma A L_max) for the square of grad f, and
    `convex` with 2 gamma had earned both beside the contraction. Nothing is left at x*: DCGD on interpolating data, and
    no floor.
Tight: upper: controls refute 1 - 2 gamma mu and the square of the factor.
Source: Shulgin and Richtárik 2022; joint variances and constants are ours.
"""

from dataclasses import replace

from compth.methods.dcgd_star import DCGDStar, DCGDStarLinear
from proofs_check._script import Part, Script, constants, plan_of, text, without_max
from proofs_check._steps import SENT
from proofs_check.dcgd import dcgd_interpolation as rest
from proofs_check.dcgd.dcgd_general import A, B, L, Lm, ga, mu

PLAN, LIMIT = plan_of(DCGDStarLinear(), constants(omega=0, A=A, B=B, L=L, L_max=Lm, mu=mu), ga)
STEP, LARGEST = without_max(1 / LIMIT, "S")  # gamma <= 1/STEP for S = max{1 - B, 0}

# it runs on the f_i less <h_i*, x>, which all rest at x*
UPDATE = replace(SENT, method=DCGDStar)
MOVES = UPDATE.next("x")
[PART] = rest.SCRIPT.parts
STATEMENT = {
    **PART.statement,
    "name": "dcgd_star.linear",
    "title": "g the gradients less those at x*",
    "domain": [*rest.CLASS, *LARGEST, "ga > 0", f"ga*{text(STEP)} <= 1"],
    "claim": [f"{UPDATE.after('sq(x - xs)', MOVES)} <= {text(PLAN.rho)}*sq(x - xs)"],
    "run": {**PART.statement["run"], "next": MOVES, "rate": text(PLAN.rho)},
}
SCRIPT = Script(
    "dcgd_star.linear",
    "DCGD-STAR: linear to the solution on heterogeneous data",
    [Part(STATEMENT, rest.STEPS, PART.witness, PART.spoils, update=UPDATE)],
)
