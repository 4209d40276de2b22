"""SwitchML: at the scale of `no_overflow_scale` no sum of n rounded integers leaves 32 bits; the sum's error.

Setting: n workers, entries at most B in size, scale f = (2^31 - 1 - n)/(n B), 32-bit integers; rounding to either
    neighbour, to the nearest, or at random.
Symbols: B: bound of the entries; f: the scale; x: one coordinate of the workers; r: its rounded values; h:
    fractional parts
Guarantee: sums stay within 2^31 - 1; the sum's error is at most n/(2 f) to the nearest and n/f otherwise; at random
    the mean's square error is at most d/(4 n f^2).
Proof:
    A rounded number exceeds f x by less than 1 (`up`), so n of them exceed f sum x by at most n, and f sum x <= f n
    B = 2^31 - 1 - n: the scale leaves exactly the n units that rounding can add. The terms are the slacks of the
    two hypotheses, summed over the workers, the second times f; the lower bound is the same with signs turned
    (`down`, `least`). The errors of the sum are the same slacks divided by f, with 1/2 or 1 per worker. At random
    the workers' errors are independent, each has variance h (1 - h)/f^2 <= 1/(4 f^2), and the mean over n has 1/n
    of it: the square (h - 1/2)^2 is given away. Bounds that hold for sure need no law, so the first three parts
    have no expectation.
Tight: upper: a control at the extreme entries refutes a larger scale.
Source: Sapio, Canini, Ho, Nelson, Kalnis, Kim, Krishnamurthy, Moshref, Ports and Richtárik 2021.
"""

from fractions import Fraction as F

from compth.calculus import integer_mean_error, integer_sum_error, no_overflow_scale
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

n, B, f, d = symbols("n B f d")
TOP = 2**31 - 1
SCALE = text(no_overflow_scale(n, B))
NEAREST, ANY = text(integer_sum_error(n, f)), text(integer_sum_error(n, f, nearest=False))
MEAN_ERROR = text(integer_mean_error(n, d, f))

RANGE = {
    "name": "switchml.no_overflow",
    "title": "r_i: one coordinate of worker i's entry x_i, scaled and rounded to one of its two neighbours",
    "params": "n B",
    "domain": ["n >= 1", "B > 0", f"n <= {TOP}"],
    "sizes": {"worker": "n"},
    "indices": {"i": "worker"},
    "arrays": {"x": "worker", "r": "worker"},
    "let": {"f": SCALE},
    "given": {
        "up": "order(r[i], f*x[i] + 1)",
        "down": "order(f*x[i] - 1, r[i])",
        "most": "order(x[i], B)",
        "least": "order(-B, x[i])",
    },
    "claim": [f"Sum(i, r[i]) <= {TOP}", f"-{TOP} <= Sum(i, r[i])"],
}
UPPER, LOWER = RANGE["claim"]


def error(name, slack, limit):
    return {
        "name": name,
        "params": "n f",
        "domain": ["n >= 1", "f > 0"],
        "sizes": {"worker": "n"},
        "indices": {"i": "worker"},
        "arrays": {"x": "worker", "r": "worker"},
        "given": {"up": f"order(r[i], f*x[i] + {slack})", "down": f"order(f*x[i] - {slack}, r[i])"},
        "claim": [
            f"Sum(i, r[i])/f - Sum(i, x[i]) <= {limit}",
            f"-{limit} <= Sum(i, r[i])/f - Sum(i, x[i])",
        ],
    }


def error_part(name, slack, limit):
    statement = error(name, slack, limit)
    above, below = statement["claim"]
    ups, downs = f"Sum(i, f*x[i] + {slack} - r[i])/f", f"Sum(i, r[i] - f*x[i] + {slack})/f"
    edge = model({"n": 2, "f": 1}, arrays={"x": ["1/2", "1/2"], "r": [F(1, 2) + F(slack)] * 2})
    far = {**edge, "arrays": {"x": ["1/2", "1/2"], "r": ["-5", "-5"]}}
    high = {**edge, "arrays": {"x": ["1/2", "1/2"], "r": ["5", "5"]}}
    return Part(
        statement,
        [step(above, {}, [ups]), step(below, {}, [downs])],
        edge,
        [
            ({"claim": [above.replace(f"<= {limit}", f"<= 9/10*{limit}"), below]}, edge),
            ({"given": {"up": None}}, high),
            ({"given": {"down": None}}, far),
        ],
        "sums of bounds",
    )


SQUARE = {
    "name": "switchml.mean_error",
    "title": "h: fractional parts of f x; rounding up with probability h, independently at all workers",
    "params": "n d f",
    "domain": ["n >= 1", "d >= 1", "f > 0"],
    "sizes": {"worker": "n", "col": "d"},
    "indices": {"i": "worker", "j": "col"},
    "arrays": {"h": "worker col"},
    "law": {"indicator": "u", "kind": "coins", "on": "worker col", "parameter": "h[i, j]"},
    "given": {"pos": "order(0, h[i, j])", "top": "order(h[i, j], 1)"},
    "claim": [f"E(Sum(j, (Sum(i, (u[i, j] - h[i, j])/f)/n)**2)) <= {MEAN_ERROR}"],
}
[SQUARED] = SQUARE["claim"]
FIT = model({"n": 2, "B": 1}, arrays={"x": [1, 1], "r": [(TOP - 3) // 2] * 2})
EDGE = model({"n": 1, "B": 1}, arrays={"x": [1], "r": [TOP]})
BELOW = model({"n": 1, "B": 1}, arrays={"x": [-1], "r": [-TOP]})
HALVES = model({"n": 2, "d": 2, "f": 3}, arrays={"h": [["1/2", "1/2"]] * 2})
ROOM = f"{SCALE}*Sum(i, B - x[i])"
FLOOR = f"{SCALE}*Sum(i, x[i] + B)"
SCRIPT = Script(
    "switchml.no_overflow",
    "SwitchML: no overflow, error of the sum n/(2f) or n/f, mean square d/(4 n f^2)",
    [
        Part(
            RANGE,
            [
                step(UPPER, {}, ["Sum(i, f*x[i] + 1 - r[i])", ROOM]),
                step(LOWER, {}, ["Sum(i, r[i] - f*x[i] + 1)", FLOOR]),
            ],
            FIT,
            [
                ({"claim": [UPPER.replace(str(TOP), str(TOP - 1)), LOWER]}, EDGE),
                ({"claim": [UPPER, LOWER.replace(str(TOP), str(TOP - 1))]}, BELOW),
                (
                    {"given": {"most": None}},
                    {**EDGE, "arrays": {"x": ["2"], "r": [str(2 * TOP - 2)]}},
                ),
                (
                    {"let": {"f": f"{TOP}/(n*B)"}},
                    {**EDGE, "arrays": {"x": ["1"], "r": [str(TOP + 1)]}},
                ),
            ],
            "sums of bounds",
        ),
        error_part("switchml.nearest", "1/2", NEAREST),
        error_part("switchml.any", "1", ANY),
        Part(
            SQUARE,
            [step(SQUARED, {}, ["Sum(i, Sum(j, (h[i, j] - 1/2)**2))/(n**2*f**2)"])],
            HALVES,
            [
                ({"claim": [SQUARED.replace(MEAN_ERROR, f"9/10*{MEAN_ERROR}")]}, HALVES),
                ({"claim": [SQUARED.replace(MEAN_ERROR, f"{MEAN_ERROR}/n")]}, HALVES),
                (
                    {
                        "law": {**SQUARE["law"], "kind": "coins", "parameter": "h[i, j]**2"},
                        "given": {"pos": "order(0, h[i, j]**2)", "top": "order(h[i, j]**2, 1)"},
                    },
                    HALVES,
                ),
            ],
            "inclusion probabilities",
        ),
    ],
)
