"""Rounding f x to integers, to the nearest or at random: E||C(x)-x||^2 <= Delta^2 with Delta = sqrt(d)/(2f).

Setting: f x is rounded to integers, at random without bias or to the nearest; d = r^2.
Symbols: r: sqrt(d); f: the scale; h: fractional parts of f x; e: f x less the nearest integer
Guarantee: absolute error E||C(x) - x||^2 <= (sqrt(d)/(2 f))^2 in both cases.
Proof:
    At random: an entry's error is a coin of probability h less h, with variance h (1 - h) <= 1/4, divided by f^2;
    the difference is (h - 1/2)^2/f^2, summed over the d = r^2 entries. To the nearest: the error e lies between
    -1/2 and 1/2, so e^2 <= 1/4 by the product (1/2 - e)(1/2 + e) >= 0 of the two hypotheses `below` and `above`.
    Both are d/(4 f^2), which is written as the square of Delta = sqrt(d)/(2 f) because an absolute error is stated
    as a length. Nothing depends on x: this is a grid of fixed width, and no relative constant omega or delta
    exists.
Tight: tight: all entries in the middle between two integers attain it.
Source: ours; the rounding of Sapio, Canini, Ho, Nelson, Kalnis, Kim, Krishnamurthy, Moshref, Ports and Richtárik
    2021.
"""

import compth as ct
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

r, f = symbols("r f")
DELTA = text(ct.IntegerRounding(f).claims(r**2)[0].Delta)
RANDOM = {
    "name": "integer_rounding.random",
    "title": "d = r^2; h: fractional parts of f x, up with probability h",
    "params": "r f",
    "domain": ["r >= 1", "f > 0"],
    "sizes": {"col": "r**2"},
    "indices": {"j": "col"},
    "arrays": {"h": "col"},
    "law": {"indicator": "u", "kind": "coins", "on": "col", "parameter": "h[j]"},
    "given": {"down": "order(0, h[j])", "up": "order(h[j], 1)"},
    "claim": [f"E(Sum(j, ((u[j] - h[j])/f)**2)) <= {DELTA}**2"],
}
NEAREST = {
    "name": "integer_rounding.nearest",
    "title": "e: f x minus the nearest integer",
    "params": "r f",
    "domain": ["r >= 1", "f > 0"],
    "sizes": {"col": "r**2"},
    "indices": {"j": "col"},
    "arrays": {"e": "col"},
    "given": {"below": "order(e[j], 1/2)", "above": "order(-1/2, e[j])"},
    "claim": [f"Sum(j, (e[j]/f)**2) <= {DELTA}**2"],
}
[COIN], [ROUND] = RANDOM["claim"], NEAREST["claim"]
HALVES = model({"r": 2, "f": 3}, arrays={"h": ["1/2"] * 4})
EDGE = model({"r": 2, "f": 3}, arrays={"e": ["1/2", "-1/2", "1/2", "1/2"]})
FAR = model({"r": 2, "f": 3}, arrays={"e": [2, 0, 0, 0]})
SCRIPT = Script(
    "integer_rounding.delta",
    "rounding to integers at scale f: absolute error sqrt(d)/(2f)",
    [
        Part(
            RANDOM,
            [step(COIN, {}, ["Sum(j, (h[j] - 1/2)**2)/f**2"])],
            HALVES,
            [
                ({"claim": [COIN.replace("<= ", "<= 9/10*")]}, HALVES),
                ({"claim": [COIN.replace(f"{DELTA}**2", f"{DELTA}**2/r")]}, HALVES),
                ({"claim": [COIN.replace(f"{DELTA}**2", f"{DELTA}**3")]}, HALVES),
            ],
            "inclusion probabilities",
        ),
        Part(
            NEAREST,
            [step(ROUND, {}, ["Sum(j, (1/2 - e[j])*(e[j] + 1/2))/f**2"])],
            EDGE,
            [
                ({"claim": [ROUND.replace("<= ", "<= 9/10*")]}, EDGE),
                ({"given": {"below": None}}, FAR),
                ({"given": {"above": None}}, {**FAR, "arrays": {"e": ["-2", "0", "0", "0"]}}),
            ],
            "products of bounds",
        ),
    ],
)
