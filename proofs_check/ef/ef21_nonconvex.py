"""EF21 without convexity: one step with the squared gradient as gain, and its telescope over the run."""

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
