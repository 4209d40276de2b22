"""Composition of unbiased compressors: omega = (1+omega1)(1+omega2) - 1, unbiased again.

Setting: two unbiased compressors in a row, the outer one drawn after the inner one, variances omega_1 (inner) and
    omega_2 (outer).
Symbols: o1: omega of the inner compressor; o2: omega of the outer one; y: any vector; Q1: the inner message; Q2:
    the outer message
Guarantee: C2(C1(x)) is unbiased with 1 + omega = (1 + omega_1)(1 + omega_2).
Proof:
    The error is Q2 - x = (Q2 - Q1) + (Q1 - x). The first has mean zero given Q1, so the two are orthogonal and the
    squares add. `outer` with 1 bounds the first by omega_2||Q1||^2, and E||Q1||^2 = ||x||^2 + E||Q1 - x||^2 since
    Q1 is unbiased. Thus ||Q1 - x||^2 occurs 1 + omega_2 times, the multiplier of `inner`, and omega_2||x||^2 once:
    omega_2 + (1 + omega_2) omega_1, which is the product less 1. Unbiasedness is the tower of conditional means,
    with any y to test it. The order of the two does not change the constant, only who is drawn first.
Tight: upper: attained only if the outer compressor attains omega_2 at every output of the inner one.
Source: Horváth, Ho, Horváth, Sahu, Canini and Richtárik 2022, Theorem 5.
"""

from compth.calculus import composed_omega
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

o1, o2 = symbols("o1 o2")
OMEGA = text(composed_omega(o2, o1))

STATEMENT = {
    "name": "calculus.composition",
    "params": "o1 o2",
    "domain": ["o1 >= 0", "o2 >= 0"],
    "vectors": ["family x", "family y", "family Q1 ~ x @ 0", "family Q2 ~ Q1 @ 1"],
    "given": {"inner": "variance(Q1, o1)", "outer": "variance(Q2, o2)"},
    "claim": [f"sq(Q2 - x) <= {OMEGA}*sq(x)", "dot(Q2, y) == dot(x, y)"],
}
TWICE = model(
    {"o1": 1, "o2": 1},
    {"x": [1], "y": [3], "Q1": [[[2]], [[2]], [[0]]], "Q2": [[[4]], [[0]], [[0]]]},
    prob=["1/4", "1/4", "1/2"],
    cells=[[[0, 1], [2]]],
)
UNBIASED = STATEMENT["claim"][1]
SCRIPT = Script(
    "calculus.composition",
    "composition of unbiased compressors",
    [
        Part(
            STATEMENT,
            [step(STATEMENT["claim"][0], {"inner": "1 + o2", "outer": "1"}), step(UNBIASED)],
            TWICE,
            [
                ({"claim": ["sq(Q2 - x) <= (o1 + o2)*sq(x)", UNBIASED]}, TWICE),
                ({"claim": [f"sq(Q2 - x) <= ({OMEGA} - o2/100)*sq(x)", UNBIASED]}, TWICE),
                ({"claim": ["sq(Q2 - x) <= o1*(1 + o2)*sq(x)", UNBIASED]}, TWICE),
                ({"given": {"outer": None}}, TWICE | {"params": {"o1": "1", "o2": "0"}}),
            ],
        )
    ],
)
