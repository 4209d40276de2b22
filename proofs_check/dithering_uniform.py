"""Random dithering with s levels: min{d/(4 s^2), sqrt(d)/s}, for large d sqrt(d)/s - 1; p = 1: d, not sqrt(d).

Entries l + h w between two levels, h = ||x||_p/s, have variance h^2 w (1-w) (`dithering.coordinate`). For p >= 2
||x||_p <= ||x||; for p = 1 ||x||_1^2 <= d ||x||^2.
"""

import sympy

from compth.compressors.random_dithering import RandomDithering, euclidean_omega, sharp_omega
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

r, s, d = symbols("r s d")
WIDE, NARROW = (text(piece.expr) for piece in euclidean_omega(r**2, s).args)


def both(least):
    """The members of a minimum, as texts."""
    return [text(m) for m in sorted(sympy.sympify(least).args, key=str)]


QUARTER, LINEAR = both(sharp_omega(r**2, s, 2))
TEXTBOOK = both(next(c for c in RandomDithering(s).claims(r**2) if c.name == "textbook").omega)
WIDER, LONG = both(sharp_omega(d, s, 1))
ERROR, X, TOTAL = "Sum(j, (N/s)**2*w[j]*(1 - w[j]))", "(l[j] + N/s*w[j])", "Sum(j, (l[j] + N/s*w[j])**2)"
BOUNDS = {
    "name": "dithering.uniform.p2",
    "title": "N = ||x||_p <= ||x||, d = r^2; sizes l_j + N/s w_j between two levels",
    "params": "r s N",
    "domain": ["r >= 1", "s >= 1", "N > 0"],
    "sizes": {"col": "r**2"},
    "indices": {"j": "col"},
    "arrays": {"l": "col", "w": "col"},
    "given": {"level": "order(0, l[j])", "norm": f"order(N**2, {TOTAL})"},
    "claim": [f"{ERROR} <= {limit}*{TOTAL}" for limit in (QUARTER, LINEAR, NARROW, *TEXTBOOK)],
}
FIRST = {
    **BOUNDS,
    "name": "dithering.uniform.p1",
    "title": "N = ||x||_1",
    "params": "d s N",
    "domain": ["d >= 1", "s >= 1", "N > 0"],
    "sizes": {"col": "d"},
    "given": {
        "level": "order(0, l[j])",
        "least": f"order(N, Sum(j, {X}))",
        "most": f"order(Sum(j, {X}), N)",
    },
    "claim": [f"{ERROR} <= {limit}*{TOTAL}" for limit in (WIDER, LONG)],
}
SHARP = {
    "name": "dithering.uniform.sharp",
    "title": "p = 2: N = ||x||; entries w_i N/s in the first bin, others l_j + N/s w_j with l_j >= N/s",
    "params": "r s N m",
    "domain": ["s >= 1", "r >= 2*s", "N > 0", "m >= 0", "r**2 >= m"],
    "sizes": {"first": "r**2 - m", "col": "m"},
    "indices": {"i": "first", "j": "col"},
    "arrays": {"v": "first", "l": "col", "w": "col"},
    "given": {
        "above": "order(N/s, l[j])",
        "inside": "order(0, w[j])",
        "norm": f"order(N**2, Sum(i, (N/s*v[i])**2) + {TOTAL})",
    },
    "claim": [
        f"Sum(i, (N/s)**2*v[i]*(1 - v[i])) + {ERROR} <= {WIDE}*(Sum(i, (N/s*v[i])**2) + {TOTAL})",
    ],
}
SQUARES = "(N/s)**2*Sum(j, (w[j] - 1/2)**2)"
FOURTH, ROOT, SAME, OTHER, AGAIN = BOUNDS["claim"]
CAUCHY = f"N**2 <= d*{TOTAL}"
[BEST], [FOURTH1, LONG1] = SHARP["claim"], FIRST["claim"]
PROOF = {
    LINEAR: (
        {"norm": "r/(2*s)"},
        [f"r/(2*s)*Sum(j, ({X} - N/r)**2)", "N/s*Sum(j, l[j])", "Sum(j, (N/s*w[j])**2)"],
    ),
    QUARTER: ({"norm": "r**2/(4*s**2)"}, [SQUARES]),
    f"({r**2 / s**2})": ({FOURTH: "1"}, [f"3*r**2/(4*s**2)*{TOTAL}"]),
}
HALVES = model({"r": 2, "s": 1, "N": 2}, arrays={"l": [0] * 4, "w": ["1/2"] * 4})
INSIDE = model({"r": 2, "s": 2, "N": 2}, arrays={"l": [0, 1, 1, 0], "w": ["1/2", "1/2", "1/2", "2/3"]})
THIRDS = model({"r": 4, "s": 1, "N": 4, "m": 0}, arrays={"v": ["1/4"] * 16, "l": [], "w": []})
MIXED = model({"r": 3, "s": "5/4", "N": 3, "m": 1}, arrays={"v": ["3/8"] * 8, "l": ["12/5"], "w": ["1/4"]})
LINE = model({"d": 2, "s": "3/2", "N": 3}, arrays={"l": [2, 0], "w": ["1/10", "2/5"]})
SMALL = model({"d": 4, "s": 2, "N": 4}, arrays={"l": [0] * 4, "w": ["1/2"] * 4})


def few(found, name):
    """The model with entries far below its N."""
    return {**found, "arrays": {**found["arrays"], name: ["1/40"] * len(found["arrays"][name])}}


def lowered(statement, index, by, models):
    """One claim with its constant times `by`."""
    claims = list(statement["claim"])
    claims[index] = claims[index].replace("<= ", f"<= {by}*")
    return {"claim": claims}, models


SCRIPT = Script(
    "dithering.uniform",
    "random dithering: min{d/(4 s^2), sqrt(d)/s}, and sqrt(d)/s - 1 for d >= 4 s^2",
    [
        Part(
            BOUNDS,
            [step(c, *PROOF[c.split(" <= ")[1].split("*Sum")[0]]) for c in BOUNDS["claim"]],
            INSIDE,
            [
                lowered(BOUNDS, 0, "9/10", HALVES),
                lowered(BOUNDS, 1, "1/3", HALVES),
                ({"given": {"norm": None}}, few(HALVES, "w")),
            ],
            "sums of squares",
        ),
        Part(
            FIRST,
            [
                step(CAUCHY, {"least": f"Sum(j, {X}) + N"}, [f"d*Sum(j, ({X} - Sum(j, {X})/d)**2)"]),
                step(FOURTH1, {CAUCHY: "d/(4*s**2)"}, [SQUARES]),
                step(
                    LONG1,
                    {CAUCHY: "1/s", "most": "N/s"},
                    ["N/s*Sum(j, l[j])", "Sum(j, (N/s*w[j])**2)"],
                ),
            ],
            LINE,
            [
                lowered(FIRST, 0, "9/10", SMALL),
                lowered(FIRST, 1, "2/5", SMALL),
                ({"given": {"least": None}}, few(SMALL, "w")),
            ],
            "sums of squares",
        ),
        Part(
            SHARP,
            [
                step(
                    BEST,
                    {"norm": "r/(2*s)"},
                    [
                        "r/(2*s)*Sum(i, (N/s*v[i] - N/r)**2)",
                        SQUARES,
                        f"(r - 2*s)/(2*s)*Sum(j, ({X} - N/s)*({X} + N/s))",
                        "m*N**2/s**2*(2*(r - 2*s) + 3*s)*(r - 2*s)/(4*r*s)",
                    ],
                )
            ],
            MIXED,
            [
                lowered(SHARP, 0, "9/10", THIRDS),
                ({"given": {"norm": None}}, few(THIRDS, "v")),
                (
                    {"domain": [t for t in SHARP["domain"] if t != "r >= 2*s"]},
                    model({"r": 2, "s": 2, "N": 2, "m": 4}, arrays={"v": [], "l": [1] * 4, "w": ["1/4"] * 4}),
                ),
                (
                    {"given": {"above": None}},
                    model(
                        {"r": 4, "s": 1, "N": 4, "m": 1}, arrays={"v": ["1/4"] * 15, "l": [-1], "w": ["1/2"]}
                    ),
                ),
            ],
            "sums of squares",
        ),
    ],
)
