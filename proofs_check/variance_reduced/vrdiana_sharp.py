"""VR-DIANA with the smaller A and C: the assumption that `vrdiana.linear` shows on its way, and the theorem."""

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
)
SCRIPT = Script(
    "vrdiana.sharp",
    "VR-DIANA satisfies the unified assumption with less A and C than the table's, hence the theorem",
    [
        PART,
        theorem_part(PART, row("vrdiana.sharp", ROW, SHARP, NEXT), k=2, kp=1),
    ],
)
