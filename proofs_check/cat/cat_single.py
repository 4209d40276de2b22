"""CAT on one worker: each scheme buys 1/d of a full step or more at every level: 1 - mu/(dL) a step.

Setting: f L-smooth with the PL condition on one worker, any level of S, S+Q or SS in each step, step 1/(t L) of
    cat.descent.
Symbols: T: how many entries are kept; t: E||Q||^2 <= t <g, E Q>, or a number between kept and dropped squares; p:
    <g, E Q> >= p||g||^2; H: sum of the kept squares; N: ||g||^2; h: sum of the kept sizes; m: entries that may be
    skipped; c: scale of the probabilities of SS; Q: the direction; R: Q/t, L times what moves x; a: kept squares or
    sizes, or entries sent for sure; b: the dropped ones, or sizes of the others
Guarantee: E f(x+) - f* <= (1 - mu/(d L))(f(x) - f*) whatever level is chosen.
Proof:
    In units of its own step every direction R = Q/t is the same: <g, R> >= ||g||^2/d (`along`) and ||R||^2 <= <g,
    R> (`size`), because alpha = p/t is at least 1/d. Then `smooth` with 1 and one half of both, 1/(2 L), give the
    descent ||g||^2/(2 d L), and PL, `growth` with 1/(2 d L), the factor. It remains that alpha >= 1/d: for S the
    kept squares have at least the share T/d of all, by a number t between kept and dropped ones, as for topk.delta;
    for S+Q h^2 >= sum a^2 loses a factor T and T/d/T is left; for SS the second moment is at most (k + m)/T of
    ||g||^2, atomo.omega's inequality in other letters.
Tight: upper: 1/d is the worst share of all three and of every level.
Source: Khirirat, Magnússon, Aytekin and Johansson 2021; for any level and all three by ours.
"""

from fractions import Fraction as F

from compth.methods.cat import CATSingle
from compth.tuning.schemes import alpha, beta, omega
from proofs_check._blocks import over_run
from proofs_check._models import model
from proofs_check._own_step import TunedStep
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check.cat import cat_descent

L, mu, d, H, N, h, T, left = symbols("L mu d H N h T left")
RHO = text(CATSingle().plan(constants(n=1, L=L, mu=mu, d=d)).rho)
GENERIC = cat_descent.GENERIC
OWN = TunedStep()
MOVES = OWN.next()
MOVED = {
    "name": "cat.single.moved",
    "title": "given x: <g, EQ> >= p ||g||^2, E||Q||^2 <= t <g, EQ>, share p/t >= 1/d; the step 1/(tL) moves x by Q/t/L",
    "params": "d p t",
    "domain": ["d >= 1", "p > 0", "t > 0", "p/t >= 1/d"],
    "vectors": ["common g", "common Q @ 1"],
    "given": {name: GENERIC["given"][name] for name in ("along", "size")},
    "claim": ["1/d*sq(g) <= dot(Q/t, g)", "sq(Q/t) <= 1*dot(Q/t, g)"],
}
STEP = {
    "name": "cat.single",
    "title": "R: L times what moves x, f at the next point in the mean",
    "params": "L mu d",
    "domain": ["L > 0", "mu > 0", "mu <= L", "d >= 1"],
    "vectors": ["common x", "common g", "common R @ 1"],
    "values": "fp f fs",
    "given": {
        "smooth": f"descent(fp, f, g, {MOVES['x']}, x, L)",
        "along": "b2_lower(R, g, 1/d)",
        "size": "b_upper(R, g, 1)",
        "growth": "polyak(f, fs, g, mu)",
    },
    "claim": [f"fp - fs <= {RHO}*(f - fs)"],
    "run": over_run("f - fs", MOVES | {"f": "fp"}, RHO, "fs"),
}
KEPT = {
    "sizes": {"kept": "T", "dropped": "d - T"},
    "indices": {"i": "kept", "j": "dropped"},
    "arrays": {"a": "kept", "b": "dropped"},
}
TOP = {
    "name": "cat.single.s",
    "title": "a, b: squares of the T largest entries and of the others; H and N: sums of the first and of all",
    "params": "d T t H N",
    "domain": ["T >= 1", "d >= T", "H > 0", "N > 0"],
    **KEPT,
    "given": {
        "top": "order(t, a[i])",
        "rest": "order(b[j], t)",
        "head": "order(Sum(i, a[i]), H)",
        "norm": "order(N, Sum(i, a[i]) + Sum(j, b[j]))",
    },
    "claim": [f"{text(alpha(H, N))} >= T/d"],
}
SIGNS = {
    "name": "cat.single.sq",
    "title": "a: sizes of the T largest entries, h their sum; alpha = sum a^2/N >= T/d",
    "params": "d T h N",
    "domain": ["T >= 1", "d >= T", "h > 0", "N > 0"],
    "sizes": {"kept": "T"},
    "indices": {"i": "kept"},
    "arrays": {"a": "kept"},
    "given": {
        "size": "order(0, a[i])",
        "one": "order(a[i], h)",
        "sum": "order(Sum(i, a[i]), h)",
        "alpha": "order(T/d, Sum(i, a[i]**2)/N)",
    },
    "claim": [f"{text(beta(h, T, N))} >= 1/d"],
}
MOMENT = text(1 / omega(1, H, h, left)).replace("left", "(T - k)")
MOMENT = MOMENT.replace("H", "Sum(i, a[i]**2)").replace("h", "Sum(j, b[j])")
SAMPLED = {
    "name": "cat.single.ss",
    "title": "a: sizes sent for sure, b: the others, c the scale of their probabilities b_j/c; ||g||^2/omega* below",
    "params": "m T k",
    "domain": ["k >= 0", "m >= 1", "T > k", "k + m >= T"],
    "sizes": {"full": "k", "rest": "m"},
    "indices": {"i": "full", "j": "rest"},
    "arrays": {"a": "full", "b": "rest"},
    "let": {"c": "Sum(j, b[j])/(T - k)"},
    "given": {"size": "order(0, b[j])", "sure": "order(c, a[i])"},
    "claim": [f"{MOMENT} <= (k + m)/T*(Sum(i, a[i]**2) + Sum(j, b[j]**2))"],
}
[RATE], [SHARE], [BETA], [ENERGY] = (s["claim"] for s in (STEP, TOP, SIGNS, SAMPLED))
ANGLE, LENGTH = MOVED["claim"]


def at(R, x, **params):
    """f = L||x||^2/2 with the least value 0; R at each outcome, equally likely."""
    found = cat_descent.at(1, R, x=x, **params)
    vectors = {("R" if name == "Q" else name): v for name, v in found["vectors"].items()}
    return {**found, "vectors": vectors, "values": {**found["values"], "fs": "0"}}


def given(Q, g, **params):
    return model(params, {"g": g, "Q": Q}, dim=len(g))


EVEN = at([[2, 0]], [1, 1], mu=2, d=2)
SIGN = given([2, 0], [1, 1], d=2, p=1, t=2)
FLAT = model({"d": 2, "T": 1, "t": 1, "H": 1, "N": 2}, arrays={"a": [1], "b": [1]})
ONE = model({"d": 2, "T": 1, "h": 1, "N": 2}, arrays={"a": [1]})
ALL = model({"m": 2, "T": 1, "k": 0}, arrays={"a": [], "b": [1, 1]})
SCRIPT = Script(
    "cat.single",
    "communication-aware tuning on one worker: 1 - mu/(dL) a step, S, S+Q and SS at any level",
    [
        Part(
            MOVED,
            [
                step(ANGLE, {"along": "1/t", "p/t >= 1/d": "sq(g)"}),
                step(LENGTH, {"size": "1/t**2"}),
            ],
            given([4, 3, 1], [3, 2, 1], d=3, p=1, t=2),
            [
                ({"claim": [ANGLE.replace("1/d", "11/10/d"), LENGTH]}, SIGN),
                ({"claim": [ANGLE, LENGTH.replace("<= 1*", "<= 9/10*")]}, SIGN),
                ({"domain": MOVED["domain"][:-1]}, {**SIGN, "params": {**SIGN["params"], "d": "1"}}),
                ({"given": {"along": None}}, given([F(1, 9), 0], [1, 1], d=2, p=1, t=2)),
                ({"given": {"size": None}}, given([9, 0], [1, 1], d=2, p=1, t=2)),
            ],
        ),
        Part(
            STEP,
            [
                step("d*L - mu >= 0", {"mu <= L": "1", "d >= 1": "L"}),
                step(f"{RHO} >= 0", {"d*L - mu >= 0": "1/(d*L)"}),
                step(
                    RATE,
                    {"smooth": "1", "along": "1/(2*L)", "size": "1/(2*L)", "growth": "1/(2*d*L)"},
                ),
            ],
            at([[6, 4, 0]], [3, 2, 1], mu=1, d=3),
            [
                ({"claim": [RATE.replace(f"<= {RHO}", f"<= 9/10*{RHO}")]}, EVEN),
                ({"claim": [RATE.replace(f"<= {RHO}", f"<= {RHO}**2")]}, EVEN),
                ({"given": {"along": None}}, {**EVEN, "params": {**EVEN["params"], "d": "1"}}),
                ({"given": {"growth": None}}, {**EVEN, "values": {**EVEN["values"], "fs": "-9"}}),
            ],
            own_step=OWN,
        ),
        Part(
            TOP,
            [
                step(
                    "T*N <= d*H",
                    {"norm": "T", "head": "d"},
                    ["(d - T)*Sum(i, a[i] - t)", "T*Sum(j, t - b[j])"],
                ),
                step(SHARE, {"T*N <= d*H": "1/(d*N)"}),
            ],
            model({"d": 4, "T": 2, "t": 2, "H": 7, "N": 9}, arrays={"a": [3, 4], "b": [1, 1]}),
            [
                ({"claim": [SHARE.replace(">= ", ">= 11/10*")]}, FLAT),
                ({"claim": [SHARE.replace("T/d", "(T + 1)/d")]}, FLAT),
                (
                    {"given": {"rest": None}},
                    {**FLAT, "params": {**FLAT["params"], "N": "4"}, "arrays": {"a": ["1"], "b": ["3"]}},
                ),
            ],
            "sorting",
        ),
        Part(
            SIGNS,
            [
                step("Sum(i, a[i]**2) <= h**2", {"sum": "h"}, ["Sum(i, a[i]*(h - a[i]))"]),
                step("T/d*N <= h**2", {"alpha": "N", "Sum(i, a[i]**2) <= h**2": "1"}),
                step(BETA, {"T/d*N <= h**2": "1/(T*N)"}),
            ],
            model({"d": 4, "T": 2, "h": 7, "N": 30}, arrays={"a": [4, 3]}),
            [
                ({"claim": [BETA.replace(">= ", ">= 11/10*")]}, ONE),
                (
                    {"claim": [BETA.replace(">= 1/d", ">= T/d")]},
                    model({"d": 2, "T": 2, "h": 1, "N": 1}, arrays={"a": [1, 0]}),
                ),
                ({"given": {"alpha": None}}, {**ONE, "params": {**ONE["params"], "N": "4"}}),
            ],
            "products of bounds",
        ),
        Part(
            SAMPLED,
            [
                step(
                    ENERGY,
                    {},
                    [
                        "(k + m - T)/T*Sum(i, (a[i] - c)*((a[i] - c) + 2*c))",
                        "(k + m)/T*Sum(j, (b[j] - c*T/(k + m))**2)",
                        "c**2*k*(k + m - T)**2/((k + m)*T)",
                    ],
                )
            ],
            model({"m": 2, "T": 2, "k": 1}, arrays={"a": [4], "b": [1, 2]}),
            [
                ({"claim": [ENERGY.replace("<= ", "<= 9/10*")]}, ALL),
                ({"claim": [ENERGY.replace("(k + m)/T", "(k + m - 1)/T")]}, ALL),
                ({"given": {"sure": None}}, model({"m": 2, "T": 2, "k": 1}, arrays={"a": [0], "b": [1, 1]})),
            ],
            "tangents, KKT certificate",
        ),
    ],
)
