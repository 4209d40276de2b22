"""Binary quantisation to the extreme entries: omega = (d-2)/2 for d >= 2, and the textbook's d/2; d = 1 is exact."""

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
