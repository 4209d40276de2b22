"""CAT on one worker: each scheme buys 1/d of a full step or more at every level: 1 - mu/(dL) a step.

S: p = alpha, t = 1. S+Q: p = h/r, t = T r/h, share beta. SS: p = 1, t = 1/omega*. The three shares and the step. p and
t belong to one step, given x: they may change from step to step, as the rate knows neither.
"""

from fractions import Fraction as F

from compth.methods.cat import CATSingle
from compth.tuning.schemes import alpha, beta, omega
from proofs_check import cat_descent
from proofs_check._models import model
from proofs_check._script import Part, Script, constants, step, symbols, text

L, mu, d, H, N, h, T, left = symbols("L mu d H N h T left")
RHO = text(CATSingle().plan(constants(n=1, L=L, mu=mu, d=d)).rho)
GENERIC = cat_descent.GENERIC
STEP = {
    "name": "cat.single",
    "title": "<g, EQ> >= p ||g||^2, E||Q||^2 <= t <g, EQ>, share p/t >= 1/d; the step is 1/(tL)",
    "params": "L mu d p t",
    "domain": ["L > 0", "mu > 0", "mu <= L", "d >= 1", "p > 0", "t > 0", "p/t >= 1/d"],
    "vectors": GENERIC["vectors"],
    "values": "fp f fs",
    "given": {**GENERIC["given"], "growth": "polyak(f, fs, g, mu)"},
    "claim": [f"fp - fs <= {RHO}*(f - fs)"],
    "run": {
        "potential": "f - fs",
        "next": {"f": "fp"},
        "rate": RHO,
        "gain": "0",
        "noise": "0",
        "fixed": "fs",
    },
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


def at(size, Q, x, **params):
    """f = L||x||^2/2 with the least value 0."""
    found = cat_descent.at(size, Q, x=x, **params)
    return {**found, "values": {**found["values"], "fs": "0"}}


EVEN = at(1, [[2, 0]], [1, 1], mu=2, d=2, p=F(1, 2), t=1)
FLAT = model({"d": 2, "T": 1, "t": 1, "H": 1, "N": 2}, arrays={"a": [1], "b": [1]})
ONE = model({"d": 2, "T": 1, "h": 1, "N": 2}, arrays={"a": [1]})
ALL = model({"m": 2, "T": 1, "k": 0}, arrays={"a": [], "b": [1, 1]})
SCRIPT = Script(
    "cat.single",
    "communication-aware tuning on one worker: 1 - mu/(dL) a step, S, S+Q and SS at any level",
    [
        Part(
            STEP,
            [
                step("d*L - mu >= 0", {"mu <= L": "1", "d >= 1": "L"}),
                step(f"{RHO} >= 0", {"d*L - mu >= 0": "1/(d*L)"}),
                step(
                    RATE,
                    {
                        "smooth": "1",
                        "along": "1/(2*L*t)",
                        "size": "1/(2*L*t**2)",
                        "p/t >= 1/d": "sq(g)/(2*L)",
                        "growth": "1/(2*d*L)",
                    },
                ),
            ],
            at(1, [[6, 4, 0]], [3, 2, 1], mu=1, d=3, p=F(1, 2), t=1),
            [
                ({"claim": [RATE.replace(f"<= {RHO}", f"<= 9/10*{RHO}")]}, EVEN),
                ({"claim": [RATE.replace(f"<= {RHO}", f"<= {RHO}**2")]}, EVEN),
                ({"domain": STEP["domain"][:-1]}, {**EVEN, "params": {**EVEN["params"], "d": "1"}}),
                ({"given": {"growth": None}}, {**EVEN, "values": {**EVEN["values"], "fs": "-9"}}),
            ],
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
