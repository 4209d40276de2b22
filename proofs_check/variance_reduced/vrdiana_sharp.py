"""VR-DIANA with the smaller A and C: the assumption that `vrdiana.linear` shows on its way, and the theorem.

Setting: that of vrdiana.linear; gamma <= 1/(A + C M) with A = L(1 + 2(1 + omega)/n) and C = L(2 alpha + 1/m).
Symbols: m: number of components of a worker; L: smoothness constant of the components; M: weight of the memories
    over gamma^2; R: the rate; e: mean of D; H: gradients of the drawn components at x*; Z: gradients of the drawn
    components at x; X: Z less the drawn component's gradient at the reference; D: Z - X - H, error of the drawn
    component's reference; Q: messages; Y: D after the coin; k, kp: mean||D||^2 now and after the step
Guarantee: the Lyapunov function of vrdiana.linear shrinks by the same factor R for longer steps, up to twice as long.
Proof:
    The two lines that vrdiana.linear shows on the way are the row here; no multiple of f - f* is added. Noise of
    the compressor: ||X + e - (h - h*)||^2 is split into 2||Z - H||^2 and 2||(D - e) + (h - h*)||^2, and D - e has
    mean zero given the past, so the last square has no cross term and ||e||^2 is a gain. The published constant has
    4 omega there. The memory's line saves in the same way, 2 alpha instead of 4 alpha in C. In the theorem's step
    `strong` has 2 gamma, the lines gamma^2 and M gamma^2; `table` and `later` name mean||D||^2 before and after by
    the numbers k and kp, since D, the error of the component that is drawn, is no vector of the state.
Tight: upper: negative controls refute smaller constants of the row.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2, VR-DIANA; the smaller A and C are ours.
"""

from fractions import Fraction as F

from proofs_check._rows import theorem_part
from proofs_check._script import Part, Script
from proofs_check.variance_reduced import vrdiana_linear
from proofs_check.variance_reduced.vrdiana_linear import (
    FAIR,
    FIRST,
    LESS_A,
    LESS_C,
    NEXT,
    ONE,
    RHO,
    SECOND,
    SHARP,
    TWO,
    B,
    at,
    row,
)
from proofs_check.variance_reduced.vrdiana_linear import SMALLER as ROW

STATEMENT = {
    **vrdiana_linear.STATEMENT,
    "name": "vrdiana.sharp.assumption",
    "claim": [c for c in vrdiana_linear.STATEMENT["claim"] if c not in (FIRST, SECOND)],
}
STEPS = [s for s in vrdiana_linear.STEPS if s["show"] not in (FIRST, SECOND, vrdiana_linear.GAP)]
PART = Part(
    STATEMENT,
    STEPS,
    at([[2, 1], [1, 3]], [[1, 2], [-1, -2]], 1, F(1, 2), [1, 2], L=4, al=F(1, 8)),
    [
        ({"claim": [FAIR, SHARP.replace(f"2*{LESS_A}", f"2/3*{LESS_A}"), NEXT]}, at(*ONE, 1, 0, [0])),
        ({"claim": [FAIR, SHARP.replace(f"+ {B}", f"+ {B}/4"), NEXT]}, at(*ONE, 0, 0, [1], F(1, 4))),
        ({"claim": [FAIR, SHARP, NEXT.replace(f"2*{LESS_C}", LESS_C)]}, at(*ONE, 1, 0, [0], F(1, 3))),
        (
            {"claim": [FAIR, SHARP, NEXT.replace(f"1 - {RHO}", f"1 - 2*{RHO}")]},
            at(*ONE, 0, 0, [1], F(1, 3)),
        ),
        ({"given": {"apart": None}}, at(*TWO, 1, -1, [0], 1, n=1000)),
    ],
    update=vrdiana_linear.UPDATE,
)
SCRIPT = Script(
    "vrdiana.sharp",
    "VR-DIANA satisfies the unified assumption with less A and C than the table's, hence the theorem",
    [
        PART,
        theorem_part(PART, row("vrdiana.sharp", ROW, SHARP, NEXT), k=2, kp=1),
    ],
)
