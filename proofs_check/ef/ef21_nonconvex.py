"""EF21 without convexity: one step with the squared gradient as gain, and its telescope over the run.

Setting: f is L-smooth and bounded below, the gradients of the f_i are jointly L~-Lipschitz, C contractive with
    delta; gamma <= 1/(L + L~ sqrt(beta/theta)).
Symbols: r: sqrt(1 - delta); T: L~; M: L~^2; e: the estimates that server and workers share; c: the messages C(gp -
    e)
Guarantee: over T steps the mean of ||grad f||^2 is at most (2 (f(x_0) - f*)/gamma + mean||grad f_i(x_0) -
    e_i||^2/theta)/T.
Proof:
    The descent of ef21.pl, multiplied by 2/gamma: `smooth` then yields ||grad f||^2 itself, the gain, next to
    ||mean e||^2 (1 - gamma L), and the error of the direction ||mean(g - e)||^2. No PL condition uses the gain up.
    The estimates lose theta of mean||g - e||^2 by the three-point lemma; with the weight 1/theta this is one
    mean||g - e||^2, just what the direction's error needs, so nothing is halved, which is why sqrt(beta/theta)
    stands here and sqrt(2 beta/theta) under PL. Their drift is `lip` with beta/theta, K^2 ||mean e||^2 with K =
    gamma T r/(1 - r), and K <= 1 - gamma L <= 1 gives K^2 <= 1 - gamma L.
Tight: upper: controls refute twice the gain and 3/2 of the weight of f(x+).
Source: Richtárik, Sokolov and Fatkhullin 2021.
"""

from fractions import Fraction as F

import sympy

from compth.claims import Contractive
from compth.methods.ef21 import EF21Nonconvex, ef21_step
from proofs_check._blocks import over_run, without
from proofs_check._script import Part, Script, constants, plan_of, quotient, step, text
from proofs_check._steps import BELIEVED as UPDATE
from proofs_check.ef import ef21_pl as pl

# L~ = T here: with delta = 1 - r^2, L~ sqrt(beta/theta) = T r/(1-r)
r, L, T, mu, ga = pl.r, pl.L, pl.T, pl.mu, pl.ga
PLAN, LIMIT = plan_of(EF21Nonconvex(), constants(L=L, L_tilde=T, claims=(Contractive(pl.DELTA),)), ga)
SLOPE = sympy.simplify(1 / ef21_step(pl.DELTA, L, T, 1)).subs(sympy.Abs(r - 1), 1 - r) - L  # r < 1
STEP, TH = f"(L + ({quotient(SLOPE, pl.HALF)}))", text(sympy.simplify(PLAN["theta"]))
SMALL, K, LEMMA = f"ga*{STEP} <= 1", pl.K, pl.LEMMA
POTENTIAL = f"2*(f - fs)/ga + sq(g - e)/{TH}"
STATEMENT = {
    "name": "ef21.nonconvex",
    "params": "r L T ga",
    "domain": ["r >= 0", "r < 1", "L > 0", "T > 0", "ga > 0", SMALL],
    "vectors": pl.PL["vectors"],
    "values": "f fp fs",
    "let": {**pl.PL["let"], "M": text(T**2)},
    "given": {
        "comp": pl.PL["given"]["comp"],
        "smooth": pl.PL["given"]["smooth"],
        "lip": "lipschitz(gp, g, xp, x, M)",
    },
    "claim": [f"{UPDATE.after(POTENTIAL, pl.MOVES)} + sq(P(g)) <= {POTENTIAL}"],
    "run": over_run(POTENTIAL, pl.PL["run"]["next"], "1", "fs", gain="sq(P(g))"),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step(LEMMA, {"comp": "1"}, [pl.YOUNG]),
    step(f"1 - ga*L - {K} >= 0", {SMALL: "1"}),
    step(f"1 - {K} >= 0", {f"1 - ga*L - {K} >= 0": "1"}, ["ga*L"]),
    step(
        CLAIM,
        {"smooth": "2/ga", "lip": f"{pl.BE}/{TH}", LEMMA: f"1/{TH}"},
        ["sq(g - e - P(g - e))", f"((1 - ga*L - {K}) + {K}*(1 - {K}))*sq(P(e))"],
    ),
]


def at(*arguments, **params):
    """The model of `ef21.pl` without its mu."""
    found = pl.at(*arguments, **params)
    found["params"] = {k: v for k, v in found["params"].items() if k != "mu"}
    return found


EXACT = at([1, 1], [2, 2], F(1, 2), F(1, 4), T=1)
SCRIPT = Script(
    "ef21.nonconvex",
    "EF21 without convexity",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, 4], F(3, 4), F(1, 20), L=3, r=F(1, 2)),
            [
                ({"claim": [CLAIM.replace("+ sq(P(g)) <=", "+ 2*sq(P(g)) <=")]}, EXACT),
                ({"claim": [CLAIM.replace("2*(fp - fs)/ga", "3*(fp - fs)/ga")]}, EXACT),
                (
                    without(STATEMENT, SMALL),
                    at([1, 1], [2, 2], F(1, 2), F(3), T=1),
                ),
                ({"given": {"comp": None}}, at([1, 1], [2, 2], F(-12), F(1, 8), r=F(1, 2), T=1)),
            ],
            update=UPDATE,
        )
    ],
)
