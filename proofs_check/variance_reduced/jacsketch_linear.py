"""JacSketch's row of the unified theory with uniform subsets S: its assumption, and with it the theorem.

Setting: f = mean of n components, f mu-strongly quasi-convex; a uniform subset of `size` components is seen and
    renewed in a step; L_1 and L_2 are the expected smoothness of the sample and of the sketch; gamma <= 1/(2 L_1 +
    M L_2/n).
Symbols: n: number of components; size: how many are seen; L: largest smoothness constant of the components; L1:
    expected smoothness of the sampled mean; L2: expected smoothness of the sketch; M: weight of the table over
    gamma^2; R: the rate; g: gradients of the components at x; hs: gradients of the components at x*; t: the table;
    U: (n/size)(g - h*) on the subset, else 0; B: (n/size)(t - h*) on the subset, else 0; Y: error of the next table
Guarantee: ||x - x*||^2 + M gamma^2 mean||t_i - h_i*||^2 shrinks by the factor max{1 - gamma mu, 1 - size/n + 2(n -
    size)/(size (n - 1) M)} in the mean.
Proof:
    The direction is mean t + mean(U - B), that is mean U less the deviation of mean B from its own mean: at most
    twice the square of each. `sampled` with 2 is the definition of L_1. `joint` with 2 is the variance of a uniform
    subset's mean, (n - size)/(size (n - 1)) of mean||t - h*||^2 less that of the mean's square, which is dropped;
    it makes B, and B = 0 when all are seen. The table renews a share size/n of its entries, `renewed`, and
    `sketched` with 1/n turns the size mean||g - h*||^2 of it into 2 L_2 (f - f*): C = L_2/n. Other parts show L_1 =
    L and L_2 = size L for convex L-smooth components, and the case size = n, where the table does not matter and A
    >= mu is shown instead.
Tight: upper: negative controls refute smaller constants of the row.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2, JacSketch; the method: Gower, Richtárik and
    Bach 2021.
"""

from dataclasses import replace
from fractions import Fraction as F
from itertools import combinations

from compth.calculus import nice_joint
from compth.methods.jacsketch import JacSketch, JacSketchLinear, residual
from proofs_check._models import model, per_worker, plain, quadratic
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._update import Update

n, size, L, L1, L2 = symbols("n size L L1 L2")
FACTS = {"L_1": L1, "L_2": L2}
ROW = JacSketchLinear().parameters(constants(n=n, L_max=L, params={"size": size}, facts=FACTS))
A, B, RHO, C = (text(v) for v in (ROW.A, ROW.B, ROW.rho, ROW.C))
JOINT = nice_joint(size, n)
if any(residual(n, size) - n * a != 0 for a in JOINT):
    raise AssertionError("lambda_max is n times the joint variance of a nice sample")
SPREAD = text(JOINT[0])
# the message of the subset is that of g - hs less that of t - hs
UPDATE = Update(
    JacSketch,
    {"table": "t", "gradient": "g", "message": {"U": 1, "B": -1}},
    {"gamma": "ga"},
    own={"size": "size"},
    sizes={"n": "n"},
    given={"size": 2},
    kept="size/n",
    split=("U", "B"),
    later={"Y": ("t", "hs")},
)
ALONG, (SHARE, NEW, OLD) = UPDATE.direction(apart=True), UPDATE.renewed("t", "hs")
MOVES = UPDATE.next("t")

STATEMENT = {
    "name": "jacsketch.linear.assumption",
    "title": "g: gradients of the components at x, hs at xs; t: the table, T the next one, Y = T - hs",
    "params": "n size L1 L2",
    "domain": ["size >= 1", "size <= n", "n >= 2", "L1 > 0", "L2 > 0"],
    "vectors": [
        *["common x", "common xs", "family g", "family hs", "family t"],
        *["family U ~ g - hs @ 0", "family B ~ t - hs @ 0"],
        f"family Y ~ {SHARE}*({NEW}) + (1 - {SHARE})*({OLD}) @ 0",
    ],
    "values": "f fs",
    "given": {
        "sampled": "growth(sq(P(U)), 0, f, fs, 0, L1, 0)",
        "sketched": "growth(size*sq(g - hs), 0, f, fs, 0, L2, 0)",
        "joint": f"joint(B, {SPREAD}, {SPREAD})",
        "still": "zero(P(hs), hs)",
        "sum": "zero(P(hs), g)",
        "renewed": f"mixture(Y, {SHARE}, {NEW}, {OLD})",
    },
    "claim": [
        f"dot({ALONG}, x - xs) == dot(P(g), x - xs)",
        f"sq({ALONG}) <= 2*{A}*(f - fs) + {B}*sq(t - hs)",
        f"sq(Y) <= (1 - {RHO})*sq(t - hs) + 2*{C}*(f - fs)",
    ],
}
FAIR, FIRST, SECOND = STATEMENT["claim"]
LESS = "n - size >= 0"
STEPS = [
    step(LESS, {"size <= n": "1"}),
    step("n - 1 > 0", {"n >= 2": "1"}, ["1"]),
    step(FAIR),
    step(
        FIRST,
        {"sampled": "2", "joint": "2", "sum": "2", "still": "-1"},
        ["sq(P(U) + P(B - t + hs))", "2*(n - size)/((n - 1)*size)*sq(P(t - hs))"],
    ),
    step(SECOND, {"sketched": "1/n", "renewed": "1"}),
]

PLAIN = JacSketchLinear().parameters(constants(n=n, L_max=L, params={"size": size}))
LARGE1, LARGE2 = text(PLAIN.A / 2), text(PLAIN.C * n)
LARGEST = {
    "name": "jacsketch.linear.constants",
    "title": "L_1 and L_2 that hold for convex L-smooth components",
    "params": "n size L",
    "domain": ["size >= 1", "size <= n", "n >= 2", "L > 0"],
    "vectors": ["common x", "common xs", "family g", "family hs", "family U ~ g - hs @ 0"],
    "values": "f fs",
    "given": {
        "convex": "cocoercive(f, fs, g, hs, x, xs, L)",
        "optimal": "zero(P(hs), x - xs)",
        "joint": f"joint(U, {SPREAD}, {SPREAD})",
    },
    "claim": [f"sq(P(U)) <= 2*{LARGE1}*(f - fs)", f"size*sq(g - hs) <= 2*{LARGE2}*(f - fs)"],
}
ONE, ALL = LARGEST["claim"]
LARGEST_STEPS = [
    step("n - 1 > 0", {"n >= 2": "1"}, ["1"]),
    step("size - 1 >= 0", {"size >= 1": "1"}),
    step(
        ONE,
        {"convex": "2*L", "optimal": "-2*L", "joint": "1"},
        ["n*(size - 1)/((n - 1)*size)*sq(g - hs - P(g - hs))"],
    ),
    step(ALL, {"convex": "2*size*L", "optimal": "-2*size*L"}),
]

# size = n: no noise, no memory; a single component is of this kind
WHOLE = JacSketchLinear().parameters(constants(n=n, L_max=L, params={"size": n}, facts=FACTS))
if WHOLE.B != 0 or JacSketchLinear().parameters(constants(n=1, params={"size": 1}, facts=FACTS)).B != 0:
    raise AssertionError("B = 0 when every component is drawn")
TOP = text(WHOLE.A)
EVERY = replace(
    UPDATE,
    words={**UPDATE.words, "message": {"g": 1, "t": -1}},
    params={"gamma": "ga", "size": "n"},
    own={},
    given={"size": UPDATE.workers},
    split=(),
    later={},
)
ALL_SEEN = EVERY.direction(apart=True)
FULL = {
    "name": "jacsketch.linear.all",
    "title": "every component is drawn",
    "params": "L1 mu",
    "domain": ["L1 > 0", "mu > 0"],
    "vectors": ["common x", "common xs", "family g", "family hs", "family t"],
    "values": "f fs",
    "given": {
        "convex": "strongly_convex(f, fs, P(g), x, xs, mu)",
        "sampled": "growth(sq(P(g - hs)), 0, f, fs, 0, L1, 0)",
        "still": "zero(P(hs), hs)",
        "sum": "zero(P(hs), g)",
        "least": "least(f, fs)",
    },
    # without a memory the theorem asks for A >= mu, too
    "claim": [
        f"sq({ALL_SEEN}) <= 2*{TOP}*(f - fs)",
        f"mu*(f - fs) <= {TOP}*(f - fs)",
    ],
}
BOUND, FIRM = FULL["claim"]
STEEP = "2*mu*(f - fs) <= sq(P(g))"
FULL_STEPS = [
    step(BOUND, {"sampled": "1", "still": "-1", "sum": "2", "least": "2*L1"}),
    step(STEEP, {"convex": "2*mu"}, ["sq(P(g) - mu*(x - xs))"]),
    step(
        FIRM,
        {STEEP: "1/2", "sampled": "1/2", "still": "-1/2", "sum": "1", "least": "L1"},
    ),
]


def at(beta, at=1, curvatures=(2, 0), size=1, **params):
    """size of n components l_j x^2/2 with slopes 1, -1, 0 added; their table is off by (-beta, beta, 0)."""
    n = len(curvatures)
    q = quadratic(curvatures, [1, -1, 0][:n], at)
    new = [g - h for g, h in zip(q["g"], q["hs"], strict=True)]
    old = [-F(beta), F(beta), F(0)][:n]
    masks = [[j in drawn for j in range(n)] for drawn in combinations(range(n), size)]
    U, B = (
        [[[F(n, size) * v * up] for v, up in zip(v_, m, strict=True)] for m in masks] for v_ in (new, old)
    )
    Y = [[[a if up else b] for up, a, b in zip(mask, new, old, strict=True)] for mask in masks]
    vectors = {"x": q["x"], "xs": q["xs"], "g": per_worker(q["g"]), "hs": per_worker(q["hs"])}
    vectors |= {"t": per_worker([h + b for h, b in zip(q["hs"], old, strict=True)]), "U": U, "B": B, "Y": Y}
    numbers = {"n": n, "size": size, "L1": 2, "L2": 2, **params}
    prob, values = [F(1, len(masks))] * len(masks), {"f": q["f"], "fs": q["fs"]}
    return model(numbers, vectors, prob=prob, workers=n, values=values)


def jolted(size):
    """B with more noise than a sample has."""
    found = at(1)
    B = [[[size - 1], [size + 1]], [[-size - 1], [-size + 1]]]
    return {**found, "vectors": {**found["vectors"], "B": plain(B)}}


def part_of(found, statement, **params):
    """The model's names that a statement declares."""
    declared = {v.split()[1] for v in statement["vectors"]}
    numbers = {k: v for k, v in {**found["params"], **params}.items() if k in statement["params"].split()}
    return {
        **found,
        "params": numbers,
        "vectors": {k: v for k, v in found["vectors"].items() if k in declared},
    }


def largest(*arguments, **params):
    return part_of(at(*arguments, **params), LARGEST, L="2")


def whole(*arguments, curvatures=(2, 0), mu=None, **vectors):
    firm = F(sum(curvatures), len(curvatures)) if mu is None else mu
    found = part_of(at(*arguments, curvatures=curvatures), FULL, mu=str(firm))
    return {**found, "vectors": {**found["vectors"], **plain(vectors)}}


PART = Part(
    STATEMENT,
    STEPS,
    at(F(1, 2), curvatures=(3, 2, 1), size=2, L1=3, L2=6),
    [
        ({"claim": [FAIR, FIRST.replace(f"{B}*sq", f"{B}/2*sq"), SECOND]}, at(2)),
        ({"claim": [FAIR, FIRST.replace(f"2*{A}", A), SECOND]}, at(1)),
        ({"claim": [FAIR, FIRST, SECOND.replace(f"1 - {RHO}", f"1 - 11/10*{RHO}")]}, at(2)),
        ({"claim": [FAIR, FIRST, SECOND.replace(f"2*{C}", C)]}, at(1)),
        ({"given": {"sampled": None}}, at(0, L1=F(1, 8))),
        ({"given": {"sketched": None}}, at(0, L2=1)),
        ({"given": {"joint": None}}, jolted(9)),
    ],
    update=UPDATE,
)
WHOLE_PART = Part(
    FULL,
    FULL_STEPS,
    whole(2, curvatures=(2, 1)),
    [
        ({"claim": [BOUND.replace(f"2*{TOP}", f"{TOP}/2"), FIRM]}, whole(1, curvatures=(2, 2))),
        ({"claim": [BOUND, FIRM.replace(TOP, f"{TOP}/5")]}, whole(1, curvatures=(2, 2))),
        ({"given": {"convex": None}}, whole(1, curvatures=(2, 2), mu=9)),
        ({"given": {"sampled": None}}, whole(1, curvatures=(9, 9))),
        ({"given": {"sum": None, "still": None}}, whole(2, 0, hs=[[1], [1]], g=[[1], [1]])),
    ],
    update=EVERY,
)
SCRIPT = Script(
    "jacsketch.linear",
    "JacSketch with uniform subsets satisfies the unified assumption, hence its theorem",
    [
        PART,
        Part(
            LARGEST,
            LARGEST_STEPS,
            largest(1, curvatures=(2, 1, 1), size=2),
            [
                ({"claim": [ONE.replace("2*", "9/5*", 1), ALL]}, largest(1)),
                ({"claim": [ONE, ALL.replace("2*", "9/5*", 1)]}, largest(1)),
                ({"given": {"convex": None}}, largest(1, curvatures=(8, 0))),
            ],
        ),
        WHOLE_PART,
        theorem_part(
            WHOLE_PART,
            Row("jacsketch.linear.whole", WHOLE, ALL_SEEN, "P(g)", BOUND, fixed="xs hs", update=EVERY),
        ),
        theorem_part(
            PART,
            Row(
                "jacsketch.linear",
                ROW,
                ALONG,
                "P(g)",
                FIRST,
                SECOND,
                "sq(t - hs)",
                "sq(Y)",
                MOVES,
                "xs hs",
                update=UPDATE,
            ),
        ),
    ],
)
