"""Binary quantisation to the extreme entries: omega = (d-2)/2 for d >= 2, and the textbook's d/2; d = 1 is exact.

Setting: the least and the largest entry, lo and lo + h, are sent as they are; every other entry as one of the two,
    at random without bias.
Symbols: lo: the least entry; h: largest less least entry; w: places of the others between the two; y: any vector
Guarantee: omega = (d - 2)/2, against d/2 in print.
Proof:
    An entry v between lo and hi = lo + h has the variance (v - lo)(hi - v). It is compared with half of the two
    ends' squares, which the vector is known to contain: (lo^2 + hi^2)/2 - (v - lo)(hi - v) = (lo + hi - v)^2/2 +
    v^2/2, two squares, hence two terms. So each of the d - 2 other entries costs at most half of lo^2 + hi^2, which
    gives d/2 - 1; the third term is what the entries themselves add on the right side. The printed constant counts
    all d entries, though the two ends are sent exactly: it is the sharp one plus the whole square norm. `down` and
    `up` say that places are probabilities.
Tight: tight: entries v = 0 with hi = -lo leave no term.
Source: Konečný and Richtárik 2018, Example 4; the sharp constant is ours.
"""

import sympy

import compth as ct
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(d,) = symbols("d")
FOUND = {c.name: c.omega for c in ct.BinaryQuantization().claims(d)}
[SHARP] = [text(m) for m in sympy.sympify(FOUND["sharp"]).args if m != 0]
TEXTBOOK = text(FOUND["textbook"])
ERROR = "E(Sum(j, (lo + h*u[j] - (lo + h*w[j]))**2))"
TOTAL = "(lo**2 + (lo + h)**2 + Sum(j, (lo + h*w[j])**2))"

STATEMENT = {
    "name": "rdme.binary_sharp",
    "title": "lo and lo + h: the least and the largest entry, sent as they are; w_j: the places of the others between",
    "params": "d lo h",
    "domain": ["d >= 2", "h > 0"],
    "sizes": {"col": "d - 2"},
    "indices": {"j": "col"},
    "arrays": {"w": "col", "y": "col"},
    "law": {"indicator": "u", "kind": "coins", "on": "col", "parameter": "w[j]"},
    "given": {"down": "order(0, w[j])", "up": "order(w[j], 1)"},
    "claim": [
        f"{ERROR} <= {SHARP}*{TOTAL}",
        f"{ERROR} <= {TEXTBOOK}*{TOTAL}",
        "E(Sum(j, (lo + h*u[j])*y[j])) == Sum(j, (lo + h*w[j])*y[j])",
    ],
}
BEST, PRINTED, MEAN = STATEMENT["claim"]
X = "(lo + h*w[j])"
HALF = "Sum(j, (2*lo + h - (lo + h*w[j]))**2)/2"
EVEN = model({"d": 4, "lo": -1, "h": 2}, arrays={"w": ["1/2", "1/2"], "y": [1, 2]})
SCRIPT = Script(
    "rdme.binary_sharp",
    "binary quantisation: omega = (d-2)/2",
    [
        Part(
            STATEMENT,
            [
                step(BEST, {}, [HALF, f"Sum(j, {X}**2)/2", f"(d - 2)/2*Sum(j, {X}**2)"]),
                step(PRINTED, {BEST: "1"}, [TOTAL]),
                step(MEAN),
            ],
            EVEN,
            [
                ({"claim": [BEST.replace(SHARP, f"9/10*{SHARP}"), PRINTED, MEAN]}, EVEN),
                ({"claim": [BEST.replace(SHARP, "(d - 3)/2"), PRINTED, MEAN]}, EVEN),
                ({"claim": [BEST, PRINTED.replace(TEXTBOOK, f"{TEXTBOOK}/3"), MEAN]}, EVEN),
                ({"claim": [BEST, PRINTED, MEAN.replace("+ h*u[j]", "+ h/2*u[j]")]}, EVEN),
            ],
            "inclusion probabilities",
        )
    ],
)
