"""DIANA of stochastic gradients: its row of the unified theory, and with it the theorem (omega = 0: without memory).

Setting: f is mu-strongly convex, every f_i convex and L_max-smooth; stochastic gradients G_i of variance s2 in
    messages of G_i - h_i, variance omega, alpha <= 1/(1 + omega); gamma <= 1/(A + C M).
Symbols: M: weight of the memories over gamma^2; R: the rate
Guarantee: ||x - x*||^2 + M gamma^2 mean||h_i - h_i*||^2 shrinks by the factor max{1 - gamma mu, 1 - alpha + 2
    omega/(n M)}, up to gamma^2 ((1 + omega)/n + alpha M) s2; with omega = 0 no memory is needed.
Proof:
    The assumption has two lines. E||direction||^2: `each` with 2A, A = L_max (1 + 2 omega/n), pays mean||g_i -
    h_i*||^2 from the mean gradient and from one half of the compressor's noise, whose other half is B = 2 omega/n
    on the memories; `noise` with 1 + omega and `apart` with -omega/n collect what the draws add. The memory's line:
    it forgets alpha, learns alpha mean||g_i - h_i*||^2 <= 2C(f - f*) with C = alpha L_max, and picks up noise
    alpha^2 (1 + omega) s2, rounded up to alpha s2. The theorem is then the same for every row: `convex` with 2
    gamma, the first line with gamma^2, the second with M gamma^2, and `low`, f >= f*, for whatever gamma (A + C M)
    <= 1 leaves of -2 gamma (f - f*). Two terms say that R exceeds the factors of distance and memory.
Tight: upper: controls refute a quarter of B, the lines without their noise, and forgetting of 3/2 alpha.
Source: Gorbunov, Hanzely and Richtárik 2020, Section 5, DIANA.
"""

from fractions import Fraction as F

from compth.methods.core.symbols import Within
from compth.methods.diana import DIANANoisy
from proofs_check._blocks import without
from proofs_check._noisy import NOISE, noisy
from proofs_check._rows import memory_rows
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._sgd import STEEP, claims, steep
from proofs_check._steps import SHIFTED, stochastic
from proofs_check.diana.diana_unified import ALPHA
from proofs_check.diana.diana_unified import STATEMENT as EXACT
from proofs_check.diana.diana_unified import at as unified_at

UPDATE = stochastic(SHIFTED)
n, Lm, om, s2 = symbols("n Lm om s2")
FLEET = constants(omega=om, A=om / n, n=n, L_max=Lm, sigma2=s2, params={"alpha": Within("al")})
ROW = DIANANoisy().parameters(FLEET)
A, B, RHO, C, D1, D2 = (text(v) for v in (ROW.A, ROW.B, ROW.rho, ROW.C, ROW.D1, ROW.D2))
SMALL = f"al <= {ALPHA}"
LATER = UPDATE.after("sq(h - hs)", UPDATE.next("h"))
FAIR, FIRST, FIRM = claims(ROW, UPDATE.direction(), "P(g)")
FIRST = f"{FIRST} + {B}*sq(h - hs)"
SECOND = f"{LATER} <= (1 - {RHO})*sq(h - hs) + 2*{C}*(f - fs) + {D2}"
STATEMENT = {
    "name": "diana.noisy.assumption",
    "title": "G the workers' stochastic gradients, Q their messages, h the shifts; hs: gradients at xs",
    "params": "n Lm mu om al s2",
    "domain": ["Lm > 0", "mu > 0", "om >= 0", "n >= 1", "al > 0", SMALL, "s2 >= 0"],
    "vectors": [*EXACT["vectors"][:-1], "family G ~ g @ 0", f"family Q ~ {UPDATE.mean('message')} @ 1"],
    "values": "f fs",
    "given": {**EXACT["given"], **NOISE},
    "claim": [FAIR, FIRST, SECOND, FIRM],
}
MEMORY = "al**2*(1 + om)"
STEPS = [
    step("1 - al*(1 + om) >= 0", {SMALL: "1 + om"}),
    step(FAIR),
    step(
        FIRST,
        {
            "each": f"2*{A}",
            "optimal": f"-2*{A}",
            "sum": "2",
            "still": "-1",
            "var": "1/n",
            "ind": "1/n",
            "noise": "1 + om",
            "apart": "-om/n",
        },
        ["om/n*sq(g + h - 2*hs)", "sq(g - hs - P(g - hs))"],
    ),
    step(
        SECOND,
        {
            "each": f"2*{C}",
            "optimal": f"-2*{C}",
            "var": "al**2",
            "noise": f"n*{MEMORY}",
            "apart": f"-{MEMORY}",
        },
        ["al*(1 - al*(1 + om))*sq(g - h)", "al*(1 - al*(1 + om))*s2"],
    ),
    steep("P(g)"),
    step(
        FIRM,
        {"each": A, "optimal": f"-{A}", "sum": "1", "still": "-1/2", STEEP.format("P(g)"): "1/2"},
        ["1/2*sq(g - hs - P(g - hs))", "om/n*sq(g - hs)"],
    ),
]


def at(curvatures, shifts, h, p, alpha, away=1, **params):
    """The model of `diana.unified` with noisy gradients."""
    found = noisy(unified_at(curvatures, shifts, h, p, 1, alpha, 1), away, p, **params)
    return found | {"params": {k: v for k, v in found["params"].items() if k not in ("ga", "rho")}}


TIGHT = {"Lm": 1, "mu": 1}
HALF = F(1, 2)
ALIKE = [1, 1], [1, -1]
PART = Part(
    STATEMENT,
    STEPS,
    at([1, 3], [1, -1], [2, 1], HALF, F(1, 4), s2=2),
    [
        (
            {"claim": [FAIR, FIRST.replace(f" + {D1}", ""), SECOND, FIRM]},
            at(*ALIKE, [1, -1], HALF, HALF, 9, **TIGHT),
        ),
        (
            {"claim": [FAIR, FIRST.replace(f" + {B}*", f" + 1/4*{B}*"), SECOND, FIRM]},
            at(*ALIKE, [9, -9], HALF, HALF, **TIGHT),
        ),
        (
            {"claim": [FAIR, FIRST, SECOND.replace(f"+ {D2}", "+ 0"), FIRM]},
            at(*ALIKE, [1, -1], HALF, HALF, 9, **TIGHT),
        ),
        (
            {"claim": [FAIR, FIRST, SECOND.replace(f"(1 - {RHO})", f"(1 - 3/2*{RHO})"), FIRM]},
            at(*ALIKE, [9, -9], HALF, HALF, **TIGHT),
        ),
        (
            without(STATEMENT, SMALL),
            at(*ALIKE, [9, -9], F(1, 4), F(2), **TIGHT),
        ),
        ({"given": {"noise": None}}, at(*ALIKE, [1, -1], HALF, HALF, 9, s2=0, **TIGHT)),
    ],
    update=UPDATE,
)
SCRIPT = Script(
    "diana.noisy",
    "DIANA of stochastic gradients satisfies the unified assumption, hence its theorem",
    memory_rows(PART, "diana.noisy", ROW, UPDATE, FIRST, SECOND, LATER),
)
