"""Scaled sign: ||C(x) - x||^2 <= (1 - 1/d) ||x||^2; m the largest absolute value, b_j the p - 1 other nonzero ones.

Setting: C(x) = (||x||_1/d) sign(x); p of the d entries are not zero, m is the largest size.
Symbols: p: number of non-zero entries; m: the largest size; s: ||x||_1/d; b: the other sizes
Guarantee: ||C(x) - x||^2 <= (1 - 1/d)||x||^2, so delta = 1/d.
Proof:
    Non-zero entries err by s - b_j, zeros not at all: the error is p s^2 - 2 s||x||_1 + ||x||^2 = ||x||^2 - 2 d s^2
    + p s^2. So the claim is ||x||^2/d <= d s^2 + (d - p) s^2. The second is a term. The first is ||x||_1^2/d, and
    ||x||_1^2 >= ||x||^2 because the products of different sizes are nonnegative: with the largest one, m, apart
    this is m sum b, sum b^2 <= m sum b by `top` and `pos`, and (sum b)^2, the other term over d. The largest entry
    is singled out only so that at least one is not zero, which the division by d and the count p - 1 of the others
    ask for.
Tight: tight: approached by one large entry and d - 1 others that tend to zero, where p = d and ||x||_1 tends to
    ||x||.
Source: Karimireddy, Rebjock, Stich and Jaggi 2019.
"""

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
