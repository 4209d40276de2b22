"""Top-K with signs and the full norm: B1(1, max{k, sqrt d}), B2(min{1, k/sqrt d}, max{k, sqrt d}).

Setting: C(x) = ||x|| sign(x) on the k largest entries, 0 elsewhere; d = r^2.
Symbols: r: sqrt(d); m: how many of the kept entries are not zero; t: a number between kept and dropped sizes; S:
    sum of the kept sizes; N: ||x||; be: beta; ga: gamma of class B2; a: sizes of the kept entries; b: sizes of the
    dropped entries
Guarantee: C is in B1(1, beta) and B2(gamma, beta) with beta = max{k, sqrt(d)}, gamma = min{1, k/sqrt(d)}.
Proof:
    ||C||^2 = m N^2 and <C, x> = N S, so the claims compare m N with S. Write S = k t + e. The kept sizes exceed t
    by numbers that are each at most e (`one`) and add up to e, so the sum of their squares is at most k t^2 + 2 t e
    + e^2; the dropped ones are at most t each: `norm` turns into N^2 <= d t^2 + 2 t e + e^2. This is compared with
    S^2 = k^2 t^2 + 2 k t e + e^2 coefficient by coefficient. beta^2 S^2 >= m^2 N^2: the coefficients want beta k >=
    m r, beta^2 k >= m^2, beta >= m, all true for beta = max{k, r} and m <= k. S^2 >= gamma^2 N^2: k >= gamma r, k
    >= gamma^2, 1 >= gamma. Roots are taken by dividing by the sum of both sides.
Tight: tight: equal entries attain sqrt(d) and k/sqrt(d); one large entry beside tiny ones approaches k and 1.
Source: Khirirat, Magnússon, Aytekin and Johansson 2021 uses the compressor; the classes' constants are ours.
"""

from fractions import Fraction as F

import compth as ct
from compth.claims import B1, B2
from proofs_check._models import model
from proofs_check._script import Part, Script, members, step, symbols, text

k, r = symbols("k r")
FOUND = {type(c): c for c in ct.TopKSign(k).claims(r**2)}
ALPHA = text(FOUND[B1].alpha)
TOPS, LOWS = members(FOUND[B1].beta), members(FOUND[B2].gamma)
assert FOUND[B1].beta == FOUND[B2].beta

N2, SENT, ALONG = "N**2", "m*N**2", "N*S"
STATEMENT = {
    "name": "topk_sign.classes",
    "title": "a, b: sizes of kept and dropped entries, t between, S = sum a, N = ||x||, m non-zeros kept, d = r^2",
    "params": "r k m t S N be ga",
    "domain": [
        "k >= 1",
        "r**2 >= k",
        "r >= 1",
        "m >= 1",
        "m <= k",
        "t >= 0",
        "S > 0",
        "N > 0",
        *(f"be >= {top}" for top in TOPS),
        "ga > 0",
        *(f"ga <= {low}" for low in LOWS),
    ],
    "sizes": {"kept": "k", "dropped": "r**2 - k"},
    "indices": {"i": "kept", "j": "dropped"},
    "arrays": {"a": "kept", "b": "dropped"},
    "given": {
        "top": "order(t, a[i])",
        "size": "order(0, b[j])",
        "rest": "order(b[j], t)",
        "one": "order(a[i] - t, S - k*t)",
        "most": "order(Sum(i, a[i]), S)",
        "norm": "order(N**2, Sum(i, a[i]**2) + Sum(j, b[j]**2))",
    },
    "claim": [f"{ALPHA}*{N2} <= {SENT}", f"{SENT} <= be*{ALONG}", f"ga*{N2} <= {ALONG}"],
}
FIRST, UPPER, LOWER = STATEMENT["claim"]


def without(bound):
    """The domain without the relation to one member of a maximum or minimum."""
    return [text for text in STATEMENT["domain"] if not text.endswith(f"= {bound}")]


E = "(S - k*t)"
SHAPE = f"{N2} <= r**2*t**2 + 2*t*{E} + {E}**2"
WIDE, NARROW = "be**2*S**2 >= m**2*N**2", "S**2 >= ga**2*N**2"
MORE, FEWER = "(be - k)*(be + k)", "(k - m)*(k + m)"
LESS = "(1 - ga)*(1 + ga)"


def at(a, b, N, **params):
    """Sizes of kept and dropped entries with their sums."""
    size = len(a) + len(b)
    root = next(v for v in range(9) if v * v == size)
    found = {"r": root, "k": len(a), "m": sum(v > 0 for v in a), "t": min(a), "S": sum(a), "N": N, **params}
    return model(found, arrays={"a": a, "b": b})


ALONE = at([1], [0, 0, 0], 1, be=2, ga=F(1, 2))  # one entry
ONE = at([1], [1, 1, 1], 2, be=2, ga=F(1, 2))
SPIKE = at([10, F(1, 10), F(1, 10)], [0], 10, be=3, ga=1)  # one entry dominates


def changed(found, **params):
    return {**found, "params": {**found["params"], **{key: str(v) for key, v in params.items()}}}


SCRIPT = Script(
    "topk_sign.classes",
    "top-K signs times the norm: B1 and B2",
    [
        Part(
            STATEMENT,
            [
                step(f"{E} >= 0", {"most": "1"}, ["Sum(i, a[i] - t)"]),
                step(
                    SHAPE,
                    {"norm": "1", "most": f"{E} + 2*t"},
                    [f"Sum(i, (a[i] - t)*({E} - (a[i] - t)))", "Sum(j, (t - b[j])*(t + b[j]))"],
                ),
                step(
                    WIDE,
                    {SHAPE: "m**2"},
                    [
                        f"((be - r)*(be + r)*k**2 + r**2*{FEWER})*t**2",
                        f"2*t*{E}*(be**2*(k - 1) + {MORE} + {FEWER})",
                        f"{E}**2*({MORE} + {FEWER})",
                    ],
                ),
                step(
                    NARROW,
                    {SHAPE: "ga**2"},
                    [
                        "r*(k/r - ga)*(k + ga*r)*t**2",
                        f"2*t*{E}*((k - 1) + {LESS})",
                        f"{E}**2*{LESS}",
                    ],
                ),
                step(FIRST, {"m >= 1": "N**2"}),
                step(UPPER, {WIDE: "N/(be*S + m*N)"}),
                step(LOWER, {NARROW: "N/(S + ga*N)"}),
            ],
            at([F(4), F(3), F(2)], [F(1)], F(5), be=4, ga=F(3, 4), m=F(5, 2)),
            [
                ({"claim": [FIRST.replace(ALPHA, "11/10"), UPPER, LOWER]}, ALONE),
                ({"claim": [FIRST, UPPER.replace("be*", "9/10*be*"), LOWER]}, ONE),
                ({"claim": [FIRST, UPPER, LOWER.replace("ga*", "11/10*ga*")]}, ONE),
                ({"domain": without(TOPS[1])}, changed(ONE, be=1)),
                ({"domain": without(TOPS[0])}, changed(SPIKE, be=2)),
                ({"domain": without(LOWS[0])}, changed(SPIKE, ga="3/2")),
                ({"domain": without(LOWS[1])}, changed(ONE, ga=1)),
            ],
            "sorting",
        )
    ],
)
