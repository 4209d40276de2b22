"""Natural and exponential dithering: (b-1)^2/(4b) above the lowest level t ||x||_p, a min{1, a} below it.

a = d^(1/r) t with t = b^(1-s), r = min(p, 2): for p >= 2 (||x||_p <= ||x||, d^(1/r) = sqrt d) and for p = 1. That
rounding is unbiased with the variances below: `rounding.geometric` and `dithering.coordinate`.
"""

import sympy

from compth.compressors.grid import rounding_omega
from compth.compressors.natural_dithering import dithering_omega
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

b, s, r, d, t = symbols("b s r d t")


def bounds(size, order):
    """The catalogue's omega with either member of its minimum (1 first), b^(1-s) written t."""
    omega = dithering_omega(size, s, order, b).subs(b ** (1 - s), t)
    [least] = omega.atoms(sympy.Min)
    return [text(omega.subs(least, m)) for m in sorted(least.args, key=str)]


ABOVE = "Sum(i, (l[i] + (b - 1)*l[i]*w[i])**2)"
ERROR = "Sum(i, ((b - 1)*l[i])**2*w[i]*(1 - w[i])) + Sum(j, y[j]*(t*N - y[j]))"
SUM = "(Sum(i, l[i] + (b - 1)*l[i]*w[i]) + Sum(j, y[j]))"
TOTAL = f"({ABOVE} + Sum(j, y[j]**2))"
ROUNDED = ["(b - 1)**2/(4*b)*Sum(i, l[i]**2*((b + 1)*w[i] - 1)**2)", "(b - 1)**2/(4*b)*Sum(j, y[j]**2)"]


def statement(name, param, size, norms, limits):
    return {
        "name": f"dithering.geometric.{name}",
        "title": "N = ||x||_p; sizes y_j below the level t N, l_i (1 + (b-1) w_i) between the levels l_i and b l_i",
        "params": f"{param} m b t N",
        "domain": [f"{param} >= 1", "m >= 0", f"{size} >= m", "b > 1", "t > 0", "N > 0"],
        "sizes": {"above": f"{size} - m", "below": "m"},
        "indices": {"i": "above", "j": "below"},
        "arrays": {"l": "above", "w": "above", "y": "below"},
        "given": norms,
        "claim": [f"{ERROR} <= {limit}*{TOTAL}" for limit in limits],
    }


ONE, SQUARE = bounds(r**2, 2)
WIDE, WIDER = bounds(d, 1)
TWO = statement("p2", "r", "r**2", {"norm": f"order(N**2, {TOTAL})"}, (ONE, SQUARE))
NORMS = {"norm": f"order(N, {SUM})", "least": f"order({SUM}, N)"}
FIRST = statement(
    "p1", "d", "d", {**NORMS, "level": "order(0, l[i])", "down": "order(0, w[i])"}, (WIDE, WIDER)
)
[LINEAR, SQUARED], [LINEAR1, SQUARED1] = TWO["claim"], FIRST["claim"]
HALVES = "Sum(j, (y[j] - t*N/2)**2)"
CAUCHY = f"N**2 <= d*{TOTAL}"
MEAN = f"{SUM}/d"
SPREAD = f"d*(Sum(i, (l[i] + (b - 1)*l[i]*w[i] - {MEAN})**2) + Sum(j, (y[j] - {MEAN})**2))"
FLAT2 = model(
    {"r": 2, "m": 3, "b": 2, "t": "1/2", "N": 2}, arrays={"l": [1], "w": ["1/2"], "y": ["1/2", 1, 1]}
)
FLAT1 = model(
    {"d": 4, "m": 3, "b": 2, "t": "1/2", "N": 4}, arrays={"l": [1], "w": ["1/2"], "y": ["1/2", 1, 1]}
)
ROUNDING = text(rounding_omega(b))
LOW2 = model({"r": 2, "m": 4, "b": 2, "t": 1, "N": 2}, arrays={"l": [], "w": [], "y": [1, 1, 1, 1]})
FLAT = model({"r": 4, "m": 16, "b": 2, "t": 1, "N": 4}, arrays={"l": [], "w": [], "y": [1] * 16})
SCRIPT = Script(
    "dithering.geometric",
    "natural and exponential dithering: (b-1)^2/(4b) + a min{1, a}",
    [
        Part(
            TWO,
            [
                step(
                    LINEAR,
                    {"norm": "t*r/2"},
                    [
                        *ROUNDED,
                        "t*r/2*Sum(j, (y[j] - N/r)**2)",
                        f"t*r/2*{ABOVE}",
                        "t*N**2/(2*r)*(r**2 - m)",
                        "Sum(j, y[j]**2)",
                    ],
                ),
                step(
                    SQUARED,
                    {"norm": "r**2*t**2"},
                    [*ROUNDED, HALVES, "t**2*N**2*((r**2 - m) + 3/4*m)"],
                ),
            ],
            FLAT2,
            [
                ({"claim": [LINEAR.replace(ONE, ROUNDING), SQUARED]}, LOW2),
                ({"claim": [LINEAR.replace(ONE, f"({ROUNDING} + r*t/2)"), SQUARED]}, FLAT),
                ({"claim": [LINEAR, SQUARED.replace(SQUARE, f"{SQUARE}/5")]}, LOW2),
                ({"given": {"norm": None}}, {**LOW2, "params": {**LOW2["params"], "N": "40"}}),
            ],
            "sums of squares",
        ),
        Part(
            FIRST,
            [
                step(CAUCHY, {"norm": f"{SUM} + N"}, [SPREAD]),
                step(
                    LINEAR1,
                    {CAUCHY: "t", "least": "t*N"},
                    [*ROUNDED, "t*N*Sum(i, l[i] + (b - 1)*l[i]*w[i])", "Sum(j, y[j]**2)"],
                ),
                step(SQUARED1, {CAUCHY: "d*t**2"}, [*ROUNDED, HALVES, "t**2*N**2*((d - m) + 3/4*m)"]),
            ],
            FLAT1,
            [
                ({"claim": [LINEAR1.replace(WIDE, ROUNDING), SQUARED1]}, FLAT1),
                ({"claim": [LINEAR1, SQUARED1.replace(WIDER, ROUNDING)]}, FLAT1),
                ({"given": {"norm": None}}, {**FLAT1, "params": {**FLAT1["params"], "N": "40"}}),
            ],
            "sums of squares",
        ),
    ],
)
