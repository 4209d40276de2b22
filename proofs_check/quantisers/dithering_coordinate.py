"""Unbiased rounding of y to the ends of a level [l, l + h]: variance (y - l)(l + h - y) <= h^2/4.

Setting: one number y between two grid points l and l + h, rounded up with probability (y - l)/h.
Symbols: l: the grid point below y; h: the distance of the grid points; y: the number that is rounded; f: 1/h
Guarantee: unbiased, with variance (y - l)(l + h - y) <= h^2/4.
Proof:
    The rounded number is l + h u with a coin u of probability w = (y - l)/h. A coin has variance w (1 - w), so the
    number's is h^2 w (1 - w), which is (y - l)(l + h - y): the product of the distances to the two grid points.
    Their sum is h, so the product is largest in the middle and h^2/4 there; the difference is the square (2 y - 2 l
    - h)^2/4, the one term. The mean is l + (y - l) = y by the choice of the probability. That w is a probability is
    a relation of the domain. All quantisers of this folder start from this line, entry by entry.
Tight: tight: equality in the middle between two grid points.
Source: ours; the computation is behind Alistarh, Grubic, Li, Tomioka and Vojnović 2017 and Horváth, Ho, Horváth,
    Sahu, Canini and Richtárik 2022.
"""

from compth.calculus import integer_mean_error
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(f,) = symbols("f")
GRID = text(integer_mean_error(1, 1, f))

STATEMENT = {
    "name": "dithering.coordinate",
    "params": "l h y",
    "domain": ["h > 0", "y >= l", "y <= l + h", "(y - l)/h >= 0", "(y - l)/h <= 1"],
    "sizes": {"one": "1"},
    "indices": {"i": "one"},
    "law": {"indicator": "u", "kind": "coins", "on": "one", "parameter": "(y - l)/h"},
    "let": {"f": "1/h"},
    "claim": [
        "E(Sum(i, (l + h*u[i] - y)**2)) == (y - l)*(l + h - y)",
        f"E(Sum(i, (l + h*u[i] - y)**2)) <= {GRID}",
        "E(Sum(i, l + h*u[i])) == y",
    ],
}
EXACT, BOUND, MEAN = STATEMENT["claim"]
MIDDLE = model({"l": -1, "h": 2, "y": 0})
SCRIPT = Script(
    "dithering.coordinate",
    "random rounding to a grid: at most h^2/4 a coordinate",
    [
        Part(
            STATEMENT,
            [step(EXACT), step(BOUND, {}, ["(2*y - 2*l - h)**2/4"]), step(MEAN)],
            MIDDLE,
            [
                ({"claim": [EXACT, BOUND.replace(GRID, f"{GRID}*9/10"), MEAN]}, MIDDLE),
                (
                    {"claim": [EXACT.replace("(y - l)*", ""), BOUND, MEAN]},
                    model({"l": 0, "h": 1, "y": "1/4"}),
                ),
                (
                    {
                        "law": {**STATEMENT["law"], "parameter": "(y - l)**2/h**2"},
                        "domain": [*STATEMENT["domain"], "(y - l)**2/h**2 <= 1", "(y - l)**2/h**2 >= 0"],
                    },
                    MIDDLE,
                ),
            ],
            "one coordinate, two points",
        )
    ],
)
