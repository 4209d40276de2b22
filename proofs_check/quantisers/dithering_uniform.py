"""Random dithering with s levels: min{d/(4 s^2), sqrt(d)/s}, for large d sqrt(d)/s - 1; p = 1: d, not sqrt(d).

Setting: sizes over N = ||x||_p are rounded at random to the levels 0, 1/s, 2/s, ..., 1; p >= 2, or p = 1 in the
    second part.
Symbols: r: sqrt(d); s: number of levels; N: ||x||_p; l: the level below an entry's size; w: the entry's place
    between its levels; y: any vector
Guarantee: unbiased with omega <= min{d/(4 s^2), sqrt(d)/s}; sqrt(d)/s - 1 where d >= 4 s^2; with d^2 and d for d
    and sqrt(d) at p = 1.
Proof:
    An entry's variance is h^2 w (1 - w) with h = N/s. First bound: h^2/4 each, d of them, and N^2 <= ||x||^2
    (`norm` with d/(4 s^2)). Second: h^2 w (1 - w) <= h times the size, so the sum is at most N/s sum|x_j|, and
    sum|x_j| <= sqrt(d)||x|| enters as the square (|x_j| - N/r)^2 with r/(2 s); N sum l/s and the squares of h w are
    what was given away on the way. Sharp: keeping these two, the square is completed at h w instead of |x_j|, and
    the l are left with the factor (r - 2 s)/(2 s), nonnegative for r >= 2 s: one ||x||^2 less. p = 1 uses N^2 <=
    d||x||^2, which `least` and a variance give.
Tight: attained for d >= 4 s^2 by equal sizes N/r, which lie in the lowest cell (last part); upper elsewhere.
Source: Alistarh, Grubic, Li, Tomioka and Vojnović 2017 and Horváth, Ho, Horváth, Sahu, Canini and Richtárik 2022,
    Table 1; the sharp constant is ours.
"""

import sympy

from compth.compressors.random_dithering import RandomDithering, euclidean_omega, sharp_omega
from proofs_check._blocks import without
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
X, SENT = "(l[j] + N/s*w[j])", "(l[j] + N/s*u[j])"
ERROR, TOTAL = f"E(Sum(j, ({SENT} - {X})**2))", f"Sum(j, {X}**2)"
MEAN = f"E(Sum(j, {SENT}*y[j])) == Sum(j, {X}*y[j])"
INSIDE = {"level": "order(0, l[j])", "down": "order(0, w[j])", "up": "order(w[j], 1)"}
BOUNDS = {
    "name": "dithering.uniform.p2",
    "title": "N = ||x||_p <= ||x||, d = r^2; sizes l_j + N/s w_j between two levels, up with probability w_j;"
    " y: any vector in the basis of the signs",
    "params": "r s N",
    "domain": ["r >= 1", "s >= 1", "N > 0"],
    "sizes": {"col": "r**2"},
    "indices": {"j": "col"},
    "arrays": {"l": "col", "w": "col", "y": "col"},
    "law": {"indicator": "u", "kind": "coins", "on": "col", "parameter": "w[j]"},
    "given": {**INSIDE, "norm": f"order(N**2, {TOTAL})"},
    "claim": [*(f"{ERROR} <= {limit}*{TOTAL}" for limit in (QUARTER, LINEAR, NARROW, *TEXTBOOK)), MEAN],
}
FIRST = {
    **BOUNDS,
    "name": "dithering.uniform.p1",
    "title": "N = ||x||_1",
    "params": "d s N",
    "domain": ["d >= 1", "s >= 1", "N > 0"],
    "sizes": {"col": "d"},
    "given": {**INSIDE, "least": f"order(N, Sum(j, {X}))", "most": f"order(Sum(j, {X}), N)"},
    "claim": [*(f"{ERROR} <= {limit}*{TOTAL}" for limit in (WIDER, LONG)), MEAN],
}
SHARP = {
    **BOUNDS,
    "name": "dithering.uniform.sharp",
    "domain": ["s >= 1", "r >= 2*s", "N > 0"],
    "claim": [f"{ERROR} <= {WIDE}*{TOTAL}", MEAN],
}
# flat vectors, N/r in every entry: the first bin
ATTAINED = {
    **{k: v for k, v in SHARP.items() if k not in ("arrays", "given")},
    "name": "dithering.uniform.attained",
    "title": "all sizes N/r, N = ||x||, d = r^2 >= 4 s^2: sqrt(d)/s - 1 is attained",
    "domain": ["r > 0", "s/r <= 1/2", *SHARP["domain"]],
    "law": {**BOUNDS["law"], "parameter": "s/r"},
    "claim": [f"E(Sum(j, (N/s*u[j] - N/r)**2)) == {WIDE}*Sum(j, (N/r)**2)"],
}
[EQUAL] = ATTAINED["claim"]
FOUR = model({"r": 2, "s": 1, "N": 2})
SQUARES = "(N/s)**2*Sum(j, (w[j] - 1/2)**2)"
FOURTH, *_ = BOUNDS["claim"]
CAUCHY = f"N**2 <= d*{TOTAL}"
[BEST, _], [FOURTH1, LONG1, _] = SHARP["claim"], FIRST["claim"]
PROOF = {
    LINEAR: (
        {"norm": "r/(2*s)"},
        [f"r/(2*s)*Sum(j, ({X} - N/r)**2)", "N/s*Sum(j, l[j])", "Sum(j, (N/s*w[j])**2)"],
    ),
    QUARTER: ({"norm": "r**2/(4*s**2)"}, [SQUARES]),
    f"({r**2 / s**2})": ({FOURTH: "1"}, [f"3*r**2/(4*s**2)*{TOTAL}"]),
}
HALVES = model({"r": 2, "s": 1, "N": 2}, arrays={"l": [0] * 4, "w": ["1/2"] * 4, "y": [1, 2, 3, 4]})
SOME = model(
    {"r": 2, "s": 2, "N": 2},
    arrays={"l": [0, 1, 1, 0], "w": ["1/2", "1/2", "1/2", "2/3"], "y": [1, 2, 3, 4]},
)
FLAT = model({"r": 2, "s": 1, "N": 2}, arrays={"l": [0] * 4, "w": ["1/2"] * 4, "y": [1, 2, 3, 4]})
MIXED = model(
    {"r": 3, "s": "5/4", "N": 3},
    arrays={"l": [0] * 8 + ["12/5"], "w": ["3/8"] * 8 + ["1/4"], "y": list(range(9))},
)
ABOVE = model({"r": 2, "s": 2, "N": 2}, arrays={"l": [1] * 4, "w": ["1/4"] * 4, "y": [1, 2, 3, 4]})
LINE = model({"d": 2, "s": "3/2", "N": 3}, arrays={"l": [2, 0], "w": ["1/10", "2/5"], "y": [1, 2]})
SMALL = model({"d": 4, "s": 2, "N": 4}, arrays={"l": [0] * 4, "w": ["1/2"] * 4, "y": [1, 2, 3, 4]})


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
            [step(c, *PROOF[c.split(" <= ")[1].split("*Sum")[0]]) for c in BOUNDS["claim"][:-1]]
            + [step(MEAN)],
            SOME,
            [
                lowered(BOUNDS, 0, "9/10", HALVES),
                lowered(BOUNDS, 1, "1/3", HALVES),
                ({"given": {"norm": None}}, few(HALVES, "w")),
            ],
            "inclusion probabilities, sums of squares",
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
                step(MEAN),
            ],
            LINE,
            [
                lowered(FIRST, 0, "9/10", SMALL),
                lowered(FIRST, 1, "2/5", SMALL),
                ({"given": {"least": None}}, few(SMALL, "w")),
            ],
            "inclusion probabilities, sums of squares",
        ),
        Part(
            SHARP,
            [
                step(
                    BEST,
                    {"norm": "r/(2*s)"},
                    ["r/(2*s)*Sum(j, (N/s*w[j] - N/r)**2)", f"(r - 2*s)/(2*s)*Sum(j, l[j]*({X} + N/s*w[j]))"],
                ),
                step(MEAN),
            ],
            MIXED,
            [
                lowered(SHARP, 0, "9/10", FLAT),
                ({"given": {"norm": None}}, few(FLAT, "w")),
                (without(SHARP, "r >= 2*s"), ABOVE),
            ],
            "inclusion probabilities, sums of squares",
        ),
        Part(
            ATTAINED,
            [step(EQUAL)],
            model({"r": 3, "s": "5/4", "N": 3}),
            [
                ({"claim": [EQUAL.replace(WIDE, f"9/10*{WIDE}")]}, FOUR),
                ({"claim": [EQUAL.replace(WIDE, f"(1 + {WIDE})")]}, FOUR),
                ({"claim": [EQUAL.replace("u[j] - N/r", "u[j] - N/s")]}, FOUR),
            ],
            "inclusion probabilities",
        ),
    ],
)
