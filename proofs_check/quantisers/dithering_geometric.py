"""Natural and exponential dithering: (b-1)^2/(4b) above the lowest level t ||x||_p, a min{1, a} below it.

Setting: sizes over N = ||x||_p are rounded at random to the levels 0, t, t b, t b^2, ..., 1; p = 2 or more (first
    part), p = 1 (second).
Symbols: r: sqrt(d); b: ratio of the levels; t: the lowest level over N; N: ||x||_p; l: the level below an entry's
    size, 0 at the bottom; w: the entry's place between its levels; z: 1 for an entry above the lowest level, else
    0; y: any vector
Guarantee: unbiased with omega <= (b - 1)^2/(4 b) + min{a, a^2}, a = t sqrt(d) for p >= 2 and a = t d for p = 1.
Proof:
    An entry has two cases, told apart by z, a number with z^2 = z (`bit`, `unit`) and l (1 - z) = 0 (`first`,
    `last`). Above the lowest level the cell is (l, b l) and its variance is at most (b - 1)^2/(4 b) of the square,
    as in rounding.geometric. Below, the cell is (0, t N) and the variance is w (1 - w) t^2 N^2: at most t^2 N^2/4,
    or at most t N times the size. The long multipliers of the first steps are what writing both cases in one
    polynomial costs; they are found by collecting what has z = 0 or 1. Summing the bounds of the bottom cells and
    using N^2 <= ||x||^2 (`norm`), or N^2 <= d||x||^2 for p = 1, gives a^2; the other bound, t N sum|x_j|, gives a
    by completing squares at N/r.
Tight: upper: the two cases are added, though an entry is only in one of them.
Source: Horváth, Ho, Horváth, Sahu, Canini and Richtárik 2022, Theorem 7 for b = 2; Beznosikov, Horváth, Richtárik
    and Safaryan 2023.
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


H = "((b - 1)*l[j] + (1 - z[j])*t*N)"
X, SENT, BELOW = f"(l[j] + {H}*w[j])", f"(l[j] + {H}*u[j])", "(t*N*w[j])"
ERROR, TOTAL, SUM = f"E(Sum(j, ({SENT} - {X})**2))", f"Sum(j, {X}**2)", f"Sum(j, {X})"
MEAN = f"E(Sum(j, {SENT}*y[j])) == Sum(j, {X}*y[j])"
BINS = {
    "level": "order(0, l[j])",
    "down": "order(0, w[j])",
    "up": "order(w[j], 1)",
    "first": "order(l[j]*(1 - z[j]), 0)",
    "last": "order(0, l[j]*(1 - z[j]))",
    "bit": "order(z[j], z[j]**2)",
    "unit": "order(z[j]**2, z[j])",
    "some": "order(0, z[j])",
    "all": "order(z[j], 1)",
}
# entry by entry (b-1)^2/(4b) x^2 - h^2 w (1-w), and what is left of it above and below the lowest level
SPARE = f"(b - 1)**2/(4*b)*{X}**2 - {H}**2*w[j]*(1 - w[j])"
ROUNDED, SMALL = "(b - 1)**2/(4*b)*l[j]**2*((b + 1)*w[j] - 1)**2", f"(b - 1)**2/(4*b)*{BELOW}**2"


def entry(added, above, below):
    """The step SPARE + added >= 0: `above` where z = 1 and `below` where z = 0, by l (1-z) = 0 and z^2 = z."""
    l, w, z, b, t, N, c = sympy.symbols("l w z b t N c")
    names = {"l": l, "w": w, "z": z, "b": b, "t": t, "N": N, **{str(k): k for k in (r, d)}}

    def value(formula):
        return sympy.sympify(formula.replace("[j]", ""), locals=names)

    found = value(f"{SPARE} + {added}") - z * value(above) - (1 - z) * value(below)
    (first, bit), rest = sympy.reduced(sympy.expand(found), [l * (1 - z), z**2 - z], l, w, z, t, N)
    if sympy.simplify(rest) != 0:
        raise AssertionError(f"beyond l (1-z) = 0 and z^2 = z: {rest}")
    use = {}
    for quotient, plus, minus in ((first, "last", "first"), (bit, "bit", "unit")):
        terms = sympy.Add.make_args(sympy.expand(sympy.expand(quotient * b).subs(b, 1 + c)))
        for name, sign in ((plus, 1), (minus, -1)):
            kept = sum(sign * v for v in terms if (v.as_coeff_Mul()[0] > 0) == (sign > 0))
            if kept != 0:
                entries = {k: sympy.Symbol(f"{k}[j]") for k in (l, w, z)}
                use[name] = f"({kept.subs(c, sympy.Symbol('(b - 1)')).subs(entries)})/b"
    return step(f"{SPARE} + {added} >= 0", use, [f"z[j]*({above})", f"(1 - z[j])*({below})"])


def statement(name, param, size, norms, limits):
    return {
        "name": f"dithering.geometric.{name}",
        "title": "N = ||x||_p; sizes l + h w, z: above the lowest level t N; y: any vector in the basis of the signs",
        "params": f"{param} b t N",
        "domain": [f"{param} >= 1", "b > 1", "t > 0", "N > 0"],
        "sizes": {"col": size},
        "indices": {"j": "col"},
        "arrays": dict.fromkeys("lwzy", "col"),
        "law": {"indicator": "u", "kind": "coins", "on": "col", "parameter": "w[j]"},
        "given": {**BINS, **norms},
        "claim": [*(f"{ERROR} <= {limit}*{TOTAL}" for limit in limits), MEAN],
    }


ONE, SQUARE = bounds(r**2, 2)
WIDE, WIDER = bounds(d, 1)
TWO = statement("p2", "r", "r**2", {"norm": f"order(N**2, {TOTAL})"}, (ONE, SQUARE))
NORMS = {"norm": f"order(N, {SUM})", "least": f"order({SUM}, N)"}
FIRST = statement("p1", "d", "d", NORMS, (WIDE, WIDER))
[LINEAR, SQUARED, _], [LINEAR1, SQUARED1, _] = TWO["claim"], FIRST["claim"]
CAUCHY = f"N**2 <= d*{TOTAL}"
HALVED, FLATTER, SHORTER = (
    entry("(1 - z[j])*t**2*N**2/4", ROUNDED, f"{SMALL} + ({BELOW} - t*N/2)**2"),
    entry(
        f"t*r/2*{X}**2 + (1 - z[j])*t*N**2/(2*r)",
        f"{ROUNDED} + t*r/2*{X}**2",
        f"{SMALL} + {BELOW}**2 + t*r/2*({BELOW} - N/r)**2",
    ),
    entry(f"t*N*{X}", f"{ROUNDED} + t*N*{X}", f"{SMALL} + {BELOW}**2"),
)


def summed(lemma):
    return f"Sum(j, {lemma['show'].removesuffix(' >= 0')})"


def at(size, b, t, N, rows):
    """Entries (l, w, z)."""
    l, w, z = zip(*rows, strict=True)
    arrays = {"l": l, "w": w, "z": z, "y": list(range(1, len(rows) + 1))}
    return model({**size, "b": b, "t": t, "N": N}, arrays=arrays)


ROWS = [(1, "1/2", 1), (0, "1/2", 0), (0, "1", 0), (0, "1", 0)]
FLAT2 = at({"r": 2}, 2, "1/2", 2, ROWS)
FLAT1 = at({"d": 4}, 2, "1/2", 4, [(1, "1/2", 1), (0, "1/4", 0), (0, "1/2", 0), (0, "1/2", 0)])
ROUNDING = text(rounding_omega(b))
LOW2 = at({"r": 2}, 2, 1, 2, [(0, "1/2", 0)] * 4)
SCRIPT = Script(
    "dithering.geometric",
    "natural and exponential dithering: (b-1)^2/(4b) + a min{1, a}",
    [
        Part(
            TWO,
            [
                HALVED,
                FLATTER,
                step(LINEAR, {"norm": "t*r/2"}, [summed(FLATTER), "t*N**2/(2*r)*Sum(j, z[j])"]),
                step(
                    SQUARED,
                    {"norm": "r**2*t**2"},
                    [summed(HALVED), "t**2*N**2*(3/4*r**2 + Sum(j, z[j])/4)"],
                ),
                step(MEAN),
            ],
            FLAT2,
            [
                ({"claim": [LINEAR.replace(ONE, ROUNDING), SQUARED, MEAN]}, LOW2),
                ({"claim": [LINEAR, SQUARED.replace(SQUARE, f"{SQUARE}/5"), MEAN]}, LOW2),
                ({"claim": [LINEAR, SQUARED, MEAN.replace("*u[j]", "*w[j]*u[j]")]}, LOW2),
                ({"given": {"norm": None}}, at({"r": 2}, 2, 1, 2, [(0, "1/40", 0)] * 4)),
            ],
            "inclusion probabilities, sums of squares",
        ),
        Part(
            FIRST,
            [
                HALVED,
                SHORTER,
                step(CAUCHY, {"norm": f"{SUM} + N"}, [f"d*Sum(j, ({X} - {SUM}/d)**2)"]),
                step(LINEAR1, {CAUCHY: "t", "least": "t*N"}, [summed(SHORTER)]),
                step(
                    SQUARED1,
                    {CAUCHY: "d*t**2"},
                    [summed(HALVED), "t**2*N**2*(3/4*d + Sum(j, z[j])/4)"],
                ),
                step(MEAN),
            ],
            FLAT1,
            [
                ({"claim": [LINEAR1.replace(WIDE, ROUNDING), SQUARED1, MEAN]}, FLAT1),
                ({"claim": [LINEAR1, SQUARED1.replace(WIDER, ROUNDING), MEAN]}, FLAT1),
                ({"given": {"norm": None}}, at({"d": 4}, 2, 1, 4, [(0, "1/40", 0)] * 4)),
            ],
            "inclusion probabilities, sums of squares",
        ),
    ],
)
