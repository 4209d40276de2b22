"""Randomized distributed mean estimation: mean squared errors of the encoders, and the best centre.

Setting: the three encoders of randomised mean estimation with centres: variable support (coins), fixed support
    (k-subset), binary (least and largest entry).
Symbols: p: probability with which an entry is kept; c: the centres; lo: the least entry; h: largest less least
    entry; w: places between the two; y: any vector
Guarantee: mean square errors (1/p - 1) sum||x_i - c_i||^2/n^2, (d/k - 1)||x - c||^2, and at most d h^2/4 <= d/2
    (lo^2 + hi^2); the best centre is the mean.
Proof:
    A centre is subtracted, the rest is sparsified and the centre is added back, so the first two errors are those
    of bernoulli.omega and randk.omega for x - c, as identities; with n workers that draw independently the errors'
    squares add up over n^2. Binary: an entry has the variance (hi - v)(v - lo), at most h^2/4 with (w - 1/2)^2
    given away, and h^2/4 <= (lo^2 + hi^2)/2 because (lo + hi)^2 >= 0; `pos` and `top` make w a probability. Best
    centre: sum (x - c)^2 is the variance about the mean plus d times the squared distance of c from the mean, the
    parallel axis theorem, whose second part is the term.
Tight: tight: the first two are equalities at every x; binary has its own script.
Source: Konečný and Richtárik 2018, Lemmas 3.2 and 3.4, Example 4.
"""

from compth.claims import Unbiased
from compth.compressors.mean_estimation import BinaryQuantization, FixedSupport, VariableSupport
from proofs_check._blocks import entries
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

p, d, k = symbols("p d k")


def omega(compressor, name=None):
    found = (c for c in compressor.claims(d) if isinstance(c, Unbiased) and name in {None, c.name})
    return text(next(found).omega)


VARIABLE = omega(VariableSupport(p, "zero"))
FIXED = omega(FixedSupport(k, "zero"))
BINARY = omega(BinaryQuantization(), "textbook")

FLEET = {
    "name": "rdme.variable_support",
    "title": "n workers, any centres c_i; kept entries c + (x - c)/p with probability p, else c, independently",
    "params": "n d p",
    "domain": ["n >= 1", "d >= 1", "p > 0", "p <= 1"],
    "sizes": {"worker": "n", "col": "d"},
    "indices": {"i": "worker", "j": "col"},
    "arrays": {"x": "worker col", "c": "worker", "y": "col"},
    "law": {"indicator": "u", "kind": "coins", "on": "worker col", "parameter": "p"},
    "claim": [
        "E(Sum(j, (Sum(i, c[i] + u[i, j]*(x[i, j] - c[i])/p - x[i, j])/n)**2))"
        f" == {VARIABLE}*Sum(i, Sum(j, (x[i, j] - c[i])**2))/n**2",
        "E(Sum(j, Sum(i, c[i] + u[i, j]*(x[i, j] - c[i])/p)/n*y[j])) == Sum(j, Sum(i, x[i, j])/n*y[j])",
    ],
}
SUPPORT = {
    "name": "rdme.fixed_support",
    "title": "a uniform k-subset is kept, centre c",
    "params": "d k c",
    "domain": ["k >= 1", "d >= k"],
    **entries("x y", "deal", "k"),
    "claim": [
        f"E(Sum(j, (c + d/k*u[j]*(x[j] - c) - x[j])**2)) == {FIXED}*Sum(j, (x[j] - c)**2)",
        "E(Sum(j, (c + d/k*u[j]*(x[j] - c))*y[j])) == Sum(j, x[j]*y[j])",
    ],
}
BITS = {
    "name": "rdme.binary",
    "title": "lo, lo + h: least and largest entry; w_j = (x_j - lo)/h",
    "params": "d lo h",
    "domain": ["d >= 1", "h > 0"],
    **entries("w y", "coins", "w[j]"),
    "given": {"pos": "order(0, w[j])", "top": "order(w[j], 1)"},
    "claim": [
        "E(Sum(j, (h*u[j] - h*w[j])**2)) == Sum(j, (h - h*w[j])*(h*w[j]))",
        "E(Sum(j, (h*u[j] - h*w[j])**2)) <= d*h**2/4",
        f"d*h**2/4 <= {BINARY}*(lo**2 + (lo + h)**2)",
        "E(Sum(j, (lo + h*u[j])*y[j])) == Sum(j, (lo + h*w[j])*y[j])",
    ],
}
CENTRE = {
    "name": "rdme.best_centre",
    "title": "equal probabilities: no centre beats the mean",
    "params": "d c",
    "domain": ["d >= 1"],
    "sizes": {"col": "d"},
    "indices": {"j": "col"},
    "arrays": {"x": "col"},
    "claim": ["Sum(j, (x[j] - Sum(j, x[j])/d)**2) <= Sum(j, (x[j] - c)**2)"],
}
ERROR, MEAN = FLEET["claim"]
FEW, FAIR = SUPPORT["claim"]
TWO, QUARTER, WORST, LEVEL = BITS["claim"]
[BEST] = CENTRE["claim"]
PAIR = model({"n": 2, "d": 2, "p": "1/3"}, arrays={"x": [[1, 2], [3, 5]], "c": [1, 2], "y": [1, 3]})
SMALL = model({"d": 3, "k": 2, "c": 1}, arrays={"x": [1, 3, -1], "y": [1, 2, 5]})
SPREAD = model({"d": 2, "lo": -1, "h": 2}, arrays={"w": ["1/2", "1/2"], "y": [1, 2]})
UNEVEN = model({"d": 2, "lo": -1, "h": 2}, arrays={"w": ["1/3", "1/2"], "y": [1, 2]})
OFF = model({"d": 2, "c": 2}, arrays={"x": [1, 2]})
SCRIPT = Script(
    "rdme.mse",
    "mean estimation: errors of variable support, fixed support and binary encoders; the best centre",
    [
        Part(
            FLEET,
            [step(ERROR), step(MEAN)],
            PAIR,
            [
                ({"claim": [ERROR.replace(VARIABLE, "(1 - p)"), MEAN]}, PAIR),
                ({"claim": [ERROR.replace("/n**2", "/n"), MEAN]}, PAIR),
                ({"claim": [ERROR.replace("(x[i, j] - c[i])**2", "x[i, j]**2"), MEAN]}, PAIR),
                ({"claim": [ERROR, MEAN.replace("(x[i, j] - c[i])/p", "x[i, j]/p")]}, PAIR),
            ],
            "inclusion probabilities",
        ),
        Part(
            SUPPORT,
            [step(FEW), step(FAIR)],
            SMALL,
            [
                ({"claim": [FEW.replace(FIXED, "(1 - k/d)"), FAIR]}, SMALL),
                ({"claim": [FEW.replace("(x[j] - c)**2)", "x[j]**2)"), FAIR]}, SMALL),
                ({"claim": [FEW, FAIR.replace("d/k*", "")]}, SMALL),
            ],
            "inclusion probabilities",
        ),
        Part(
            BITS,
            [
                step(TWO),
                step(QUARTER, {}, ["h**2*Sum(j, (w[j] - 1/2)**2)"]),
                step(WORST, {}, ["d*(2*lo + h)**2/4"]),
                step(LEVEL),
            ],
            UNEVEN,
            [
                ({"claim": [TWO, QUARTER.replace("/4", "/5"), WORST, LEVEL]}, SPREAD),
                ({"claim": [TWO, QUARTER, WORST.replace(BINARY, "(d/3)"), LEVEL]}, SPREAD),
                ({"claim": [TWO.replace("(h*w[j]))", "h)"), QUARTER, WORST, LEVEL]}, SPREAD),
                ({"claim": [TWO, QUARTER, WORST, LEVEL.replace("(lo + h*u[j])", "h*u[j]")]}, SPREAD),
            ],
            "inclusion probabilities",
        ),
        Part(
            CENTRE,
            [step(BEST, {}, ["d*(c - Sum(j, x[j])/d)**2"])],
            OFF,
            [
                ({"claim": [BEST.replace("Sum(j, x[j])/d", "0")]}, OFF),
                ({"claim": [BEST.replace("<=", "<= 9/10*")]}, model({"d": 2, "c": 2}, arrays={"x": [1, 3]})),
                (
                    {"claim": [BEST.replace("/d)", "/(d + 1))")]},
                    model({"d": 2, "c": 2}, arrays={"x": [1, 3]}),
                ),
            ],
            "square",
        ),
    ],
)
