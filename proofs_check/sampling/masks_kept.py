"""Entries kept as they are with probability p_j: delta = min p, eta = 1 - min p, omega = max p(1-p); also blocks.

Setting: entry j is kept with probability p_j and not rescaled (first part), q the least of them; blocks, k of m,
    kept or rescaled (third part).
Symbols: q: the least probability; s: the largest p_j (1 - p_j); m: number of blocks; c: entries per block; p:
    probabilities; y: any vectors; total: ||x||^2
Guarantee: delta = q, bias eta = 1 - q, variance at most max p_j (1 - p_j), and q (1 - q) for equal probabilities;
    for blocks delta = k/m, eta = 1 - k/m, variance k/m (1 - k/m).
Proof:
    An entry that is not kept is lost as a whole: the error of entry j is (1 - p_j) x_j^2 in the mean, so `least`,
    p_j >= q, times x_j^2 is the term of the first claim. The mean is p_j x_j, off by (1 - p_j)|x_j|, whose square
    differs from (1 - q)^2 x_j^2 by (p_j - q) times a sum that `most` makes nonnegative. The spread is p_j (1 - p_j)
    x_j^2 per entry, `spread`. Error is bias squared plus spread, entry by entry: q (1 - q) + (1 - q)^2 = 1 - q. For
    blocks the same numbers hold with k/m in place of p, as identities; times m/k the blocks are unbiased with
    variance m/k - 1, Rand-K on blocks.
Tight: tight: x on an entry with the least probability attains delta and eta; for equal probabilities and for blocks
    all are equalities.
Source: Beznosikov, Horváth, Richtárik and Safaryan 2023 and, for blocks, Mishchenko, Hanzely and Richtárik 2020;
    the pairs (eta, omega) are ours.
"""

from fractions import Fraction as F

import compth as ct
from compth.claims import BiasVariance, Contractive, Unbiased
from proofs_check._blocks import entries
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

d, q, k, m = symbols("d q k m")


def constant(compressor, kind, name):
    return text(getattr(next(c for c in compressor.claims(d) if isinstance(c, kind)), name))


COINS, BLOCKS = ct.BiasedSparsification(q), ct.RandomBlocks(k / m)
DELTA, ETA = constant(COINS, Contractive, "delta"), constant(COINS, BiasVariance, "eta")
SPREAD = constant(COINS, BiasVariance, "omega")
SHARE, BIAS, NOISE = (
    constant(BLOCKS, *which)
    for which in ((Contractive, "delta"), (BiasVariance, "eta"), (BiasVariance, "omega"))
)
OMEGA = constant(ct.RandomBlocks(k / m, unbiased=True), Unbiased, "omega")

UNEVEN = {
    "name": "masks.kept.coins",
    "title": "q: the least of the probabilities p_j; s: the largest p_j (1 - p_j)",
    "params": "d q s",
    "domain": ["d >= 1", "q > 0", "q <= 1"],
    **entries("x p", "coins", "p[j]"),
    "given": {"least": "order(q, p[j])", "most": "order(p[j], 1)", "spread": "order(p[j]*(1 - p[j]), s)"},
    "claim": [
        f"E(Sum(j, (u[j]*x[j] - x[j])**2)) <= (1 - {DELTA})*Sum(j, x[j]**2)",
        f"Sum(j, (p[j]*x[j] - x[j])**2) <= {ETA}**2*Sum(j, x[j]**2)",
        "E(Sum(j, (u[j]*x[j] - p[j]*x[j])**2)) <= s*Sum(j, x[j]**2)",
    ],
}
EVEN = {
    **{key: v for key, v in UNEVEN.items() if key != "title"},
    "name": "masks.kept.even",
    "params": "d q",
    "arrays": {"x": "col"},
    "law": {**UNEVEN["law"], "parameter": "q"},
    "given": {},
    "claim": [f"E(Sum(j, (u[j]*x[j] - q*x[j])**2)) == {SPREAD}*Sum(j, x[j]**2)"],
}
DEALT = {
    "name": "masks.kept.blocks",
    "title": "k of m blocks of c entries are kept, or sent as m/k times their entries",
    "params": "m k c",
    "domain": ["k >= 1", "m >= k", "c >= 1"],
    "sizes": {"block": "m", "col": "c"},
    "indices": {"b": "block", "j": "col"},
    "arrays": {"x": "block col", "y": "block col"},
    "law": {"indicator": "u", "kind": "deal", "on": "block", "parameter": "k"},
    "let": {"total": "Sum(b, Sum(j, x[b, j]**2))"},
    "claim": [
        f"E(Sum(b, Sum(j, (u[b]*x[b, j] - x[b, j])**2))) == (1 - {SHARE})*total",
        f"Sum(b, Sum(j, (k/m*x[b, j] - x[b, j])**2)) == {BIAS}**2*total",
        f"E(Sum(b, Sum(j, (u[b]*x[b, j] - k/m*x[b, j])**2))) == {NOISE}*total",
        f"E(Sum(b, Sum(j, (m/k*u[b]*x[b, j] - x[b, j])**2))) == {OMEGA}*total",
        "E(Sum(b, Sum(j, u[b]*x[b, j]*y[b, j]))) == k/m*Sum(b, Sum(j, x[b, j]*y[b, j]))",
    ],
}
ERROR, MEAN, VARIANCE = UNEVEN["claim"]
[EQUAL] = EVEN["claim"]
SIZES = DEALT["claim"]
LOW = "Sum(j, (p[j] - q)*x[j]**2)"
PAIR = model({"d": 2, "q": F(1, 4), "s": F(1, 4)}, arrays={"x": [3, 1], "p": [F(1, 4), F(1, 2)]})
SAME = model({"d": 2, "q": F(1, 4)}, arrays={"x": [3, 1]})
HALF = model({"m": 4, "k": 2, "c": 2}, arrays={"x": [[1, 2], [3, 4], [0, 1], [2, 2]], "y": [[1, 0]] * 4})


def one_of(claims, old, new):
    """The claims with one replaced."""
    return {"claim": [new if c == old else c for c in claims]}


SCRIPT = Script(
    "masks.kept",
    "entries kept without rescaling: delta = q, eta = 1 - q, omega = q(1 - q)",
    [
        Part(
            UNEVEN,
            [
                step(ERROR, {}, [LOW]),
                step(MEAN, {}, ["Sum(j, (p[j] - q)*((1 - q) + (1 - p[j]))*x[j]**2)"]),
                step(VARIANCE, {}, ["Sum(j, (s - p[j]*(1 - p[j]))*x[j]**2)"]),
            ],
            PAIR,
            [
                (one_of(UNEVEN["claim"], ERROR, ERROR.replace(DELTA, f"2*{DELTA}")), PAIR),
                (one_of(UNEVEN["claim"], MEAN, MEAN.replace("**2*Sum", "**3*Sum")), PAIR),
                (one_of(UNEVEN["claim"], VARIANCE, VARIANCE.replace("<= s", "<= s/2")), PAIR),
                ({"given": {"least": None}}, PAIR | {"params": {"d": "2", "q": "1", "s": "1/4"}}),
            ],
            "inclusion probabilities",
        ),
        Part(
            EVEN,
            [step(EQUAL)],
            SAME,
            [
                ({"claim": [EQUAL.replace("== ", "== 2*")]}, SAME),
                ({"claim": [EQUAL.replace("== ", "<= 9/10*")]}, SAME),
                ({"claim": [EQUAL.replace(SPREAD, "q**2")]}, SAME),
            ],
            "inclusion probabilities",
        ),
        Part(
            DEALT,
            [step(c) for c in SIZES],
            HALF,
            [
                (one_of(SIZES, SIZES[0], SIZES[0].replace(SHARE, f"{SHARE}**2")), HALF),
                (one_of(SIZES, SIZES[1], SIZES[1].replace("**2*total", "*total")), HALF),
                (one_of(SIZES, SIZES[2], SIZES[2].replace("== ", "== 2*")), HALF),
                (one_of(SIZES, SIZES[3], SIZES[3].replace(OMEGA, "(m/k)")), HALF),
                (one_of(SIZES, SIZES[4], SIZES[4].replace("== k/m", "== 1")), HALF),
            ],
            "inclusion probabilities",
        ),
    ],
)
