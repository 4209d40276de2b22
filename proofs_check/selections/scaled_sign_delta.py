"""Scaled sign: ||C(x) - x||^2 <= (1 - 1/d) ||x||^2; m the largest absolute value, b_j the p - 1 other nonzero ones."""

import compth as ct
from compth.claims import Contractive
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(d,) = symbols("d")
DELTA = text(next(c for c in ct.ScaledSign().claims(d) if isinstance(c, Contractive)).delta)

STATEMENT = {
    "name": "scaled_sign.delta",
    "title": "s the mean absolute value, p of the d entries are not zero",
    "params": "d p m",
    "domain": ["p >= 1", "d >= p", "m > 0"],
    "sizes": {"rest": "p - 1"},
    "indices": {"j": "rest"},
    "arrays": {"b": "rest"},
    "let": {"s": "(m + Sum(j, b[j]))/d"},
    "given": {"pos": "order(0, b[j])", "top": "order(b[j], m)"},
    "claim": [f"(s - m)**2 + Sum(j, (s - b[j])**2) <= (1 - {DELTA})*(m**2 + Sum(j, b[j]**2))"],
}
CLAIM = STATEMENT["claim"][0]
FLAT = model({"d": 3, "p": 2, "m": 2}, arrays={"b": [1]})
SPIKE = model({"d": 2, "p": 2, "m": 100}, arrays={"b": [1]})
SCRIPT = Script(
    "scaled_sign.delta",
    "scaled sign: delta = 1/d",
    [
        Part(
            STATEMENT,
            [
                step(
                    CLAIM,
                    {},
                    ["(d - p)*s**2", "(Sum(j, b[j]*(m - b[j])) + m*Sum(j, b[j]) + Sum(j, b[j])**2)/d"],
                )
            ],
            FLAT,
            [
                ({"claim": [CLAIM.replace(DELTA, "2/d")]}, SPIKE),
                ({"claim": [CLAIM.replace(f"1 - {DELTA}", "1 - 11/(10*d)")]}, SPIKE),
                ({"given": {"pos": None}}, model({"d": 3, "p": 2, "m": 1}, arrays={"b": [-1]})),
            ],
            "sorting",
        )
    ],
)
