"""Rounding t in [l, b l] to the nearer end: delta = 4b/(1+b)^2, B1(4/(1+b)^2, 2b/(1+b)), B2(2/(1+b), 2b/(1+b)).

Setting: sizes are rounded to the nearest power of b > 1; x_i are the entries that go down to l_i, y_j those that go
    up to b h_j.
Symbols: k: entries rounded down; m: entries rounded up; b: base of the grid; x: sizes that go down; l: their grid
    points below; y: sizes that go up; h: their grid points below
Guarantee: delta = 4 b/(b + 1)^2, B1(4/(b + 1)^2, 2 b/(b + 1)), B2(2/(b + 1), 2 b/(b + 1)).
Proof:
    The border between down and up is the arithmetic mean (b + 1)/2 times the grid point below (`near`, `far`). All
    claims are sums over entries, so they are ratios of the rounded to the true size, which lies between 2/(b + 1)
    (just below the border, down) and 2 b/(b + 1) (just above, up). The error is at most (b - 1)/(b + 1) of the size
    on either side, whose square is 1 - 4 b/(b + 1)^2. Each term is a product of two factors, one that vanishes at
    the border and one that is nonnegative in the cell: (b + 1)/2 l - x or y - (b + 1)/2 h, against sums of sizes
    and distances. The bounds of B1 and B2 are the square of the lower ratio, the lower ratio itself, and the upper
    ratio.
Tight: tight: entries at the border attain each constant, from its side.
Source: Beznosikov, Horváth, Richtárik and Safaryan 2023.
"""

import compth as ct
from compth.claims import B1, B2, Contractive
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

b, d = symbols("b d")
FOUND = {type(c): c for c in ct.NearestRounding(b).claims(d)}
DELTA, ALPHA, BETA = text(FOUND[Contractive].delta), text(FOUND[B1].alpha), text(FOUND[B1].beta)
GAMMA, UPPER = text(FOUND[B2].gamma), text(FOUND[B2].beta)
SENT = "(Sum(i, l[i]**2) + Sum(j, (b*h[j])**2))"
ALONG = "(Sum(i, l[i]*x[i]) + Sum(j, b*h[j]*y[j]))"
WHOLE = "(Sum(i, x[i]**2) + Sum(j, y[j]**2))"

STATEMENT = {
    "name": "rounding.nearest",
    "title": "sizes: x_i rounded down to l_i, y_j rounded up to b h_j, where l_i and h_j are the grid points below",
    "params": "k m b",
    "domain": ["k >= 0", "m >= 0", "b > 1"],
    "sizes": {"down": "k", "up": "m"},
    "indices": {"i": "down", "j": "up"},
    "arrays": {"x": "down", "l": "down", "y": "up", "h": "up"},
    "given": {
        "size": "order(0, l[i])",
        "too": "order(0, h[j])",
        "above": "order(l[i], x[i])",
        "near": "order(x[i], (1 + b)/2*l[i])",
        "far": "order((1 + b)/2*h[j], y[j])",
        "below": "order(y[j], b*h[j])",
    },
    "claim": [
        f"Sum(i, (x[i] - l[i])**2) + Sum(j, (b*h[j] - y[j])**2) <= (1 - {DELTA})*{WHOLE}",
        f"{ALPHA}*{WHOLE} <= {SENT}",
        f"{SENT} <= {BETA}*{ALONG}",
        f"{GAMMA}*{WHOLE} <= {ALONG}",
        f"{SENT} <= {UPPER}*{ALONG}",
    ],
}
ERROR, LOWER, OVER, ANGLE, TOO = STATEMENT["claim"]
NEAR, FAR = "((1 + b)/2*l[i] - x[i])", "(y[j] - (1 + b)/2*h[j])"
c = "(b - 1)/(b + 1)"
SHORT = f"((b*h[j] - y[j]) + {c}*y[j])"  # b h_j - 2/(1+b) y_j
MIDDLE = model({"k": 1, "m": 1, "b": 3}, arrays={"x": [2], "l": [1], "y": [4], "h": [2]})
ONLY = model({"k": 1, "m": 0, "b": 3}, arrays={"x": [2], "l": [1], "y": [], "h": []})
INSIDE = model({"k": 1, "m": 2, "b": 3}, arrays={"x": ["3/2"], "l": [1], "y": [5, 3], "h": [2, 1]})


def with_one(old, new):
    return {"claim": [new if t == old else t for t in STATEMENT["claim"]]}


def without(name, **arrays):
    return {"given": {name: None}}, {**MIDDLE, "arrays": {**MIDDLE["arrays"], **arrays}}


SCRIPT = Script(
    "rounding.nearest",
    "nearest rounding to the grid of powers of b: delta, B1 and B2",
    [
        Part(
            STATEMENT,
            [
                step(
                    ERROR,
                    {},
                    [
                        f"2/(1 + b)*Sum(i, {NEAR}*(({c}*x[i]) + (x[i] - l[i])))",
                        f"2*b/(1 + b)*Sum(j, {FAR}*({c}*y[j] + (b*h[j] - y[j])))",
                    ],
                ),
                step(
                    LOWER,
                    {},
                    [
                        f"2/(1 + b)*Sum(i, {NEAR}*(l[i] + 2/(1 + b)*x[i]))",
                        f"Sum(j, {SHORT}*(b*h[j] + 2/(1 + b)*y[j]))",
                    ],
                ),
                step(
                    OVER,
                    {},
                    [f"Sum(i, l[i]*((x[i] - l[i]) + {c}*x[i]))", f"2*b**2/(1 + b)*Sum(j, h[j]*{FAR})"],
                ),
                step(ANGLE, {}, [f"2/(1 + b)*Sum(i, {NEAR}*x[i])", f"Sum(j, {SHORT}*y[j])"]),
                step(
                    TOO,
                    {},
                    [f"Sum(i, l[i]*((x[i] - l[i]) + {c}*x[i]))", f"2*b**2/(1 + b)*Sum(j, h[j]*{FAR})"],
                ),
            ],
            INSIDE,
            [
                (with_one(ERROR, ERROR.replace(DELTA, f"11/10*{DELTA}")), MIDDLE),
                (with_one(LOWER, LOWER.replace(ALPHA, f"11/10*{ALPHA}")), ONLY),
                (with_one(OVER, OVER.replace(BETA, f"9/10*{BETA}")), MIDDLE),
                (with_one(ANGLE, ANGLE.replace(GAMMA, f"11/10*{GAMMA}")), ONLY),
                without("near", x=["3"]),
                without("far", y=["2"]),
            ],
            "products of bounds",
        )
    ],
)
