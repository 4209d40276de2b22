"""Composition of unbiased compressors: omega = (1+omega1)(1+omega2) - 1, unbiased again."""

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
