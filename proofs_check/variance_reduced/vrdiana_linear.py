"""VR-DIANA's row of the unified theory: its assumption, and with it the theorem, by the smaller A and C that suffice.

Setting: n workers with m components each, convex and L-smooth, f mu-strongly quasi-convex; L-SVRG at each worker
    and DIANA on top, messages of variance omega; alpha <= min{1/(3m), 1/(1 + omega)}; gamma <= 1/(A + C M) with the
    published A and C.
Symbols: m: number of components of a worker; L: smoothness constant of the components; M: weight of the memories
    over gamma^2; R: the rate; e: mean of D; H: gradients of the drawn components at x*; Z: gradients of the drawn
    components at x; X: Z less the drawn component's gradient at the reference; D: Z - X - H, error of the drawn
    component's reference; Q: messages; Y: D after the coin; k, kp: mean||D||^2 now and after the step
Guarantee: ||x - x*||^2 + M gamma^2 (mean||h_i - h_i*||^2 + mean||D||^2) shrinks by the factor R = max{1 - gamma mu, 1
    - alpha + 2(1 + omega)/(n M)} in the mean.
Proof:
    A worker's estimate is X plus the reference's mean gradient, X = (Z - H) - D. Its sampling noise over n is
    `apart` with 1/n, the compressor's noise `var` and `ind` with 1/n; `components` pays mean||Z - H||^2, with 4L(1
    + omega)/n for both, and `whole` with 2L pays ||grad f||^2. That makes A = L(1 + 2(1 + omega)/n) and leaves 2(1
    + omega)/n of both memories, B. DIANA's memory learns from X + e, whose square is at most 2 mean||Z - H||^2 + 2
    mean||D||^2; the reference renews with probability 1/m, `coin`: together 1/m + 2 alpha of mean||Z - H||^2 and 1
    - 1/m + 2 alpha of mean||D||^2, which is at most 1 - alpha since 3 m alpha <= 1. The published row has 4 omega
    in A and 4 alpha in C: multiples of f - f* >= 0 are added to get it.
Tight: upper: vrdiana.sharp is the row without the additions.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2, VR-DIANA; the method: Horváth, Kovalev,
    Mishchenko, Stich and Richtárik 2019.
"""

from fractions import Fraction as F
from itertools import product

from compth.methods.core.symbols import Within
from compth.methods.vr_diana import VRDIANA, VRDIANALinear, VRDIANASharp, learning_rate
from proofs_check._blocks import DRAWN
from proofs_check._models import model, per_worker
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, Script, constants, members, step, symbols, text
from proofs_check._update import Update

n, m, om, L = symbols("n m om L")
al = Within("al")
FLEET = {"omega": om, "A": om / n, "n": n, "facts": {"m": m, "L_part": L}}
ROW = VRDIANALinear().parameters(constants(**FLEET, params={"alpha": al}))
LIMITS = members(learning_rate(constants(**FLEET)))
A, B, RHO, C = (text(v) for v in (ROW.A, ROW.B, ROW.rho, ROW.C))
SMALLER = VRDIANASharp().parameters(constants(**FLEET, params={"alpha": al}))
LESS_A, LESS_C = text(SMALLER.A), text(SMALLER.C)
if (SMALLER.B, SMALLER.rho) != (ROW.B, ROW.rho):
    raise AssertionError("the two rows have the same B and rho")
SMALL, SHORT = sorted((f"al <= {limit}" for limit in LIMITS), key=lambda t: "om" in t)
PLANNED = VRDIANALinear().run_parameters(constants(**FLEET, params={"alpha": al}))
UPDATE = Update(
    VRDIANA,
    {
        "gradient": {"hs": 1, "e": 1},
        "gradient 1": "g",
        "drawn gradient": {"Z": 1, "X": -1},
        "drawn gradient 1": "Z",
        "picked": "X",
        "message": "Q",
    },
    {"gamma": "ga", "alpha": "al", "p": text(PLANNED["p"])},
    sizes={"m": "m"},
    parts=2,
)
# the reference moves by a coin: so does what its drawn component is off by
CHANCE, NEW, OLD = UPDATE.renewed("w", "H")
ALONG, SENT, PICKED = UPDATE.direction(), UPDATE.mean("message", order="X e"), UPDATE.mean("picked")
EACH = ALONG.removeprefix("P(").removesuffix(")")  # what every worker adds to the mean
MOVES = UPDATE.next("h", k="kp")
MEMORY = "sq(h - hs)"
LATER = UPDATE.after(MEMORY, UPDATE.next("h"))

STATEMENT = {
    "name": "vrdiana.linear.assumption",
    "title": "g, hs: the workers' gradients at x, x*; h: shifts; Y: D after the coin, of any component",
    "params": "n m om L al",
    "domain": ["n >= 1", "m >= 1", "om >= 0", "L > 0", "al > 0", SMALL, SHORT],
    "vectors": [
        *["common x", "common xs", "family g", "family hs", "family h", "family e"],
        *["family H ~ hs @ 0", "family Z ~ g @ 0", f"family X ~ {PICKED} @ 0"],
        *[f"family Q ~ {SENT} @ 1", f"family Y ~ ({CHANCE})*({NEW}) + (1 - {CHANCE})*({OLD}) @ 1"],
    ],
    "values": "f fs",
    "let": {"D": OLD},
    "given": {
        "components": "cocoercive(f, fs, Z, H, x, xs, L)",
        "whole": "cocoercive(f, fs, P(g), 0, x, xs, L)",
        "optimal": "zero(P(hs), x - xs)",
        **DRAWN,
        "apart": "independent(X, n)",
        "coin": f"mixture(Y, {CHANCE}, {NEW}, D)",
    },
    "claim": [
        f"dot({EACH}, x - xs) == dot(P(g), x - xs)",
        f"sq({ALONG}) <= 2*{A}*(f - fs) + {B}*({MEMORY} + sq(D))",
        f"{LATER} + sq(Y) <= (1 - {RHO})*({MEMORY} + sq(D)) + 2*{C}*(f - fs)",
        f"sq({ALONG}) <= 2*{LESS_A}*(f - fs) + {B}*({MEMORY} + sq(D))",
        f"{LATER} + sq(Y) <= (1 - {RHO})*({MEMORY} + sq(D)) + 2*{LESS_C}*(f - fs)",
    ],
}
FAIR, FIRST, SECOND, SHARP, NEXT = STATEMENT["claim"]
GAP = "f - fs >= 0"
STEPS = [
    step("1 - 3*m*al >= 0", {SMALL: "3*m"}),
    step("1 - al*(1 + om) >= 0", {SHORT: "1 + om"}),
    step(GAP, {"whole": "1"}, ["sq(P(g))/(2*L)"]),
    step(FAIR),
    step(
        SHARP,
        {
            "whole": "2*L",
            "components": "4*L*(1 + om)/n",
            "optimal": "-4*L*(1 + om)/n",
            "var": "1/n",
            "ind": "1/n",
            "apart": "1/n",
        },
        [
            "om/n*sq(X + D + (D - e) + (h - hs))",
            "2*om/n*sq(e)",
            "sq(X + 2*D)/n",
            "sq(g - hs - e)/n",
            "2/n*sq(h - hs)",
        ],
    ),
    step(FIRST, {SHARP: "1", GAP: "4*om*L/n"}),
    step(
        NEXT,
        {
            "components": "2*L*(1/m + 2*al)",
            "optimal": "-2*L*(1/m + 2*al)",
            "var": "al**2",
            "coin": "1",
        },
        [
            "al*(1 - al*(1 + om))*sq(X + e + hs - h)",
            "al*sq(X + D + (D - e))",
            "2*al*sq(e)",
            "(1 - 3*m*al)/m*sq(D)",
        ],
    ),
    step(SECOND, {NEXT: "1", GAP: "4*al*L"}),
]


def at(curvatures, slopes, x, w, a, p=F(1, 2), **params):
    """f_ij = l_ij x^2/2 + s_ij x in 1-D, x* = 0 moved to 1; h = h* + a; workers send all with probability p."""
    n, m = len(curvatures), len(curvatures[0])
    x, w, p = F(x), F(w), F(p)
    at_star = [sum(map(F, row)) / m for row in slopes]
    mean = [sum(map(F, row)) / m for row in curvatures]
    drawn = list(product(range(m), repeat=n))
    sent = list(product(*[(1, 0)] * n)) if p < 1 else [(1,) * n]
    coins = [(1, F(1, m)), (0, 1 - F(1, m))][: 1 + (m > 1)]
    prob, X, Z, H, Q, Y = [], [], [], [], [], []
    for js, bits, (up, chance) in product(drawn, sent, coins):
        weight = chance / F(m) ** n
        for bit in bits:
            weight *= p if bit else 1 - p
        rows = [(F(curvatures[i][j]), F(slopes[i][j])) for i, j in enumerate(js)]
        prob.append(weight)
        X.append([[c * (x - w)] for c, _ in rows])
        Z.append([[c * x + s] for c, s in rows])
        H.append([[s] for _, s in rows])
        means = [c * (x - w) + mean[i] * w - a[i] for i, (c, _) in enumerate(rows)]
        Q.append([[b * v / p] for b, v in zip(bits, means, strict=True)])
        Y.append([[c * (x if up else w)] for c, _ in rows])
    vectors = {"x": [1 + x], "xs": [1], "H": H, "Z": Z, "X": X, "Q": Q, "Y": Y}
    vectors |= {"g": per_worker([c * x + s for c, s in zip(mean, at_star, strict=True)])}
    vectors |= {"hs": per_worker(at_star), "e": per_worker([c * w for c in mean])}
    vectors |= {"h": per_worker([s + F(b) for s, b in zip(at_star, a, strict=True)])}
    values = {"f": 1 + sum(mean) / n * x * x / 2, "fs": 1}
    block = len(sent) * len(coins)
    cells = [[list(range(k * block, (k + 1) * block)) for k in range(len(drawn))]]
    largest = max(max(map(F, row)) for row in curvatures)
    numbers = {"n": n, "m": m, "om": 1 / p - 1, "L": largest, "al": min(F(1, 3 * m), p), **params}
    return model(numbers, vectors, prob=prob, workers=n, values=values, cells=cells)


def without(claim, old, new):
    """The claims with this one changed."""
    return {"claim": [c.replace(old, new) if c == claim else c for c in STATEMENT["claim"]]}


def row(name, row, first, second):
    """k, kp: the mean of the components' |D|^2 in the table and in the next one, a number of the state."""
    _, b, rho, _ = (text(v) for v in (row.A, row.B, row.rho, row.C))
    table = {
        "table": "growth(sq(D), k, 0, 0, 1, 0, 0)",
        "later": "growth(kp, sq(Y), 0, 0, 1, 0, 0)",
        "size": "floor(k, 0)",
        "next": "floor(kp, 0)",
    }
    return Row(
        name,
        row,
        ALONG,
        "P(g)",
        first,
        second,
        f"{MEMORY} + k",
        f"{LATER} + kp",
        MOVES,
        "xs hs",
        more={"given": table, "values": "k kp"},
        uses={"table": f"ga**2*{b} + M*ga**2*(1 - {rho})", "later": "M*ga**2"},
        update=UPDATE,
        before=[step("1 - al >= 0", {"1 - al*(1 + om) >= 0": "1"}, ["al*om"]), step("k >= 0", {"size": "1"})],
    )


ONE = [[1]], [[0]]  # a single quadratic
TWO = [[2, 0]], [[0, 0]]  # two components on one worker
PART = Part(
    STATEMENT,
    STEPS,
    at([[2, 1], [1, 3]], [[1, 2], [-1, -2]], 1, F(1, 2), [1, 2], L=4, al=F(1, 8)),
    [
        (without(SHARP, f"2*{LESS_A}", f"2/3*{LESS_A}"), at(*ONE, 1, 0, [0])),
        (without(FIRST, f"2*{A}", f"1/2*{A}"), at(*ONE, 1, 0, [0])),
        (without(SHARP, f"+ {B}", f"+ {B}/4"), at(*ONE, 0, 0, [1], F(1, 4))),
        (without(NEXT, f"2*{LESS_C}", LESS_C), at(*ONE, 1, 0, [0], F(1, 3))),
        (without(SECOND, f"1 - {RHO}", f"1 - 2*{RHO}"), at(*ONE, 0, 0, [1], F(1, 3))),
        ({"given": {"apart": None}}, at(*TWO, 1, -1, [0], 1, n=1000)),
        ({"given": {"components": None}}, at(*TWO, 1, 0, [0], 1, L=1)),
        ({"given": {"var": None}}, at(*ONE, 1, 0, [0], F(1, 10), om=0)),
    ],
    update=UPDATE,
)
SCRIPT = Script(
    "vrdiana.linear",
    "VR-DIANA satisfies the unified assumption, hence its theorem",
    [
        PART,
        theorem_part(PART, row("vrdiana.linear", ROW, FIRST, SECOND), k=2, kp=1),
    ],
)
