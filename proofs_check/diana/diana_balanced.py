"""DIANA's row of the unified theory: its assumption, and with it the theorem at every M, the best one included.

Setting: f is mu-strongly convex, every f_i convex and L_max-smooth; exact gradients, messages of g_i - h_i of
    variance omega, alpha <= 1/(1 + omega); gamma <= 1/(L_max (1 + 2 omega/n + alpha M)) for any M > 0.
Symbols: M: weight of the memories over gamma^2; R: the rate
Guarantee: ||x - x*||^2 + M gamma^2 mean||h_i - h_i*||^2 shrinks by the factor max{1 - gamma mu, 1 - alpha + 2
    omega/(n M)} a step.
Proof:
    DIANA's row is A = L_max (1 + 2 omega/n), B = 2 omega/n, rho = alpha, C = alpha L_max. The direction's square is
    ||grad f||^2 plus (omega/n) mean||g_i - h_i||^2; centred at x* (`sum` 2, `still` -1) both are at most (1 + 2
    omega/n) mean||g_i - h_i*||^2 and (2 omega/n) mean||h_i - h_i*||^2, and `each` with 2A replaces the former by f
    - f*. For the memory `var` with alpha^2 is covered by alpha (1 - alpha (1 + omega)) mean||g_i - h_i||^2, the
    variance of a convex combination. Nothing ties M to the row: the theorem's step adds the lines with gamma^2 and
    M gamma^2, so that M trades the range of gamma against the memory's member of R, and M is free for the caller to
    balance. Where omega = 0, B = 0 and the last part needs no memory, only A >= mu, shown here.
Tight: upper: controls refute half of A, a quarter of B and forgetting of 2 alpha.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2; every M, our choice of the best one.
"""

from fractions import Fraction as F

from compth.methods.core.symbols import Within
from compth.methods.diana import DIANAUnified, shift_step
from proofs_check._blocks import AT_SOLUTION, DRAWN
from proofs_check._rows import memory_rows
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._sgd import CONVEX, STEEP, claims, steep
from proofs_check._steps import SHIFTED as UPDATE
from proofs_check._steps import remembering
from proofs_check.diana.diana_unified import at as unified_at

n, Lm, om = symbols("n Lm om")
al = Within("al")
FLEET = {"omega": om, "A": om / n, "n": n, "L_max": Lm}
ROW = DIANAUnified().parameters(constants(**FLEET, params={"alpha": al}))
A, B, RHO, C = (text(v) for v in (ROW.A, ROW.B, ROW.rho, ROW.C))
SMALL = f"al <= {text(shift_step(constants(**FLEET)))}"

LATER = UPDATE.after("sq(h - hs)", UPDATE.next("h"))
STATEMENT = {
    "name": "diana.balanced.assumption",
    "title": "sigma^2 = mean||h_i - h_i*||^2; without om nothing is remembered (B = 0)",
    "params": "n Lm mu om al",
    "domain": ["Lm > 0", "mu > 0", "om >= 0", "n >= 1", "al > 0", SMALL],
    "vectors": remembering(UPDATE),
    "values": "f fs",
    "given": {
        "convex": CONVEX["convex"].replace(" g,", " P(g),"),
        "each": "cocoercive(f, fs, g, hs, x, xs, Lm)",
        **AT_SOLUTION,
        **DRAWN,
    },
    "claim": [
        f"dot({UPDATE.direction()}, x - xs) == dot(P(g), x - xs)",
        f"sq({UPDATE.direction()}) <= 2*{A}*(f - fs) + {B}*sq(h - hs)",
        f"{LATER} <= (1 - {RHO})*sq(h - hs) + 2*{C}*(f - fs)",
        claims(ROW, UPDATE.direction(), "P(g)")[-1],  # what the theorem asks for where om = 0
    ],
}
FAIR, FIRST, SECOND, FIRM = STATEMENT["claim"]
STEPS = [
    step(FAIR),
    step("1 - al*(1 + om) >= 0", {SMALL: "1 + om"}),
    step(
        FIRST,
        {
            "each": f"2*{A}",
            "optimal": f"-2*{A}",
            "sum": "2",
            "still": "-1",
            "var": "1/n",
            "ind": "1/n",
        },
        ["om/n*sq(g + h - 2*hs)", "sq(g - hs - P(g - hs))"],
    ),
    step(
        SECOND,
        {"each": f"2*{C}", "optimal": f"-2*{C}", "var": "al**2"},
        ["al*(1 - al*(1 + om))*sq(g - h)"],
    ),
    steep("P(g)"),
    step(
        FIRM,
        {"each": A, "optimal": f"-{A}", "sum": "1", "still": "-1/2", STEEP.format("P(g)"): "1/2"},
        ["1/2*sq(g - hs - P(g - hs))", "om/n*sq(g - hs)"],
    ),
]


def at(*arguments, **params):
    """The model of `diana.unified` without its step."""
    found = unified_at(*arguments[:4], F(1, 2), arguments[4], 1, **params)
    found["params"] = {k: v for k, v in found["params"].items() if k in ("n", "Lm", "mu", "om", "al")}
    return found


EQUAL = {"Lm": 1, "mu": 1}
NEAR = at([1, 1], [1, -1], [1, -1], F(1, 2), F(1, 2), **EQUAL)
FAR = at([1, 1], [1, -1], [9, -9], F(1, 2), F(1, 2), **EQUAL)
PART = Part(
    STATEMENT,
    STEPS,
    at([1, 3], [1, -1], [2, 1], F(1, 2), F(1, 4)),
    [
        ({"claim": [FAIR, FIRST.replace(f"2*{A}", A), SECOND, FIRM]}, NEAR),
        ({"claim": [FAIR, FIRST.replace(f"{B}*", f"{B}/4*"), SECOND, FIRM]}, FAR),
        ({"claim": [FAIR, FIRST, SECOND.replace(f"1 - {RHO}", f"1 - 2*{RHO}"), FIRM]}, FAR),
        ({"given": {"convex": None}}, at([1, 1], [1, -1], [1, -1], F(1, 2), F(1, 2), Lm=1, mu=9)),
        ({"given": {"ind": None}}, at([1, 1], [1, -1], [9, -9], F(1, 2), F(1, 2), **EQUAL, n=64)),
        ({"domain": STATEMENT["domain"][:-1]}, at([1, 1], [1, -1], [9, -9], F(1, 2), F(2), **EQUAL)),
    ],
    update=UPDATE,
)
SCRIPT = Script(
    "diana.balanced",
    "DIANA satisfies the unified assumption, hence its theorem at every M",
    memory_rows(PART, "diana.balanced", ROW, UPDATE, FIRST, SECOND, LATER),
)
