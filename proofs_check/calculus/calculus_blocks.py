"""Blocks: C1 on some coordinates, C2 on the others has the larger omega, the smaller delta, the larger (eta, omega).

Setting: x in two blocks x1 and x2, so that ||x||^2 = ||x1||^2 + ||x2||^2 and errors add in the same way; each block
    has a compressor of its own, and their draws may depend on each other. More blocks are two: all but one, and one.
Symbols: o1: omega of the first block; o2: of the second; d1: delta of the first block; d2: of the second; e1: eta of
    the first block; e2: of the second; c1: the message of the first block; c2: of the second; y1: any vector of the
    first block; y2: of the second; v1: the mean message of the first block; v2: of the second; Q1: the unbiased
    message of the first block; Q2: of the second; x1, x2: the blocks of x
Guarantee: unbiased with the larger omega, contractive with the smaller delta, in C(eta, omega) with the larger of
    both.
Proof:
    Norm and error are sums over the blocks, so the inequality of the whole is the sum of the blocks' own, `first` and
    `second` with 1, once each constant is replaced by the worse of the two. What that gives away is (om - o1)||x1||^2
    + (om - o2)||x2||^2, nonnegative term by term; likewise for delta, and for eta^2 as (eta - e1)(eta + e1). No draw
    meets another one, which is why independence is not asked for.
Tight: tight where the worse block's constant is: put all of x there.
Source: ours; used for layers throughout, as in Vogels, Karimireddy and Jaggi 2019.
"""

from fractions import Fraction as F

from compth.calculus import blocks_delta, blocks_omega, blocks_pair
from proofs_check._models import model
from proofs_check._script import Part, Script, members, step, symbols

o1, o2, d1, d2, e1, e2 = symbols("o1 o2 d1 d2 e1 e2")
WHOLE = "(sq(x1) + sq(x2))"
OMEGA = [f"om >= {m}" for m in members(blocks_omega(o1, o2))]
DELTA = [f"de <= {m}" for m in members(blocks_delta(d1, d2))]
ETA = [f"eta >= {m}" for m in members(blocks_pair((e1, o1), (e2, o2))[0])]
COINS = {"prob": ["1/4"] * 4}
"""Each block is sent twice as large or not at all, by a coin of its own."""


def coins(params, **vectors):
    """Both entries are 1."""
    draws = {"Q1": [[[2]], [[2]], [[0]], [[0]]], "Q2": [[[2]], [[0]], [[2]], [[0]]]}
    return model(params, {"x1": [1], "x2": [1], **draws, **vectors}, **COINS)


UNBIASED = {
    "name": "calculus.blocks.omega",
    "params": "o1 o2 om",
    "domain": ["o1 >= 0", "o2 >= 0", *OMEGA],
    "vectors": [
        *("family x1", "family x2", "family y1", "family y2"),
        *("family Q1 ~ x1 @ 0", "family Q2 ~ x2 @ 0"),
    ],
    "given": {"first": "variance(Q1, o1)", "second": "variance(Q2, o2)"},
    "claim": [
        f"sq(Q1 - x1) + sq(Q2 - x2) <= om*{WHOLE}",
        "dot(Q1, y1) + dot(Q2, y2) == dot(x1, y1) + dot(x2, y2)",
    ],
}
CONTRACTIVE = {
    "name": "calculus.blocks.delta",
    "params": "d1 d2 de",
    "domain": ["de > 0", "d1 <= 1", "d2 <= 1", *DELTA],
    "vectors": ["family x1", "family x2", "family c1", "family c2"],
    "given": {"first": "contraction(c1, x1, d1)", "second": "contraction(c2, x2, d2)"},
    "claim": [f"sq(c1 - x1) + sq(c2 - x2) <= (1 - de)*{WHOLE}"],
}
BIAS = {
    "name": "calculus.blocks.eta",
    "params": "e1 e2 eta",
    "domain": ["e1 >= 0", "e2 >= 0", *ETA],
    "vectors": ["family x1", "family x2", "family v1", "family v2"],
    "given": {"first": "bias(v1, x1, e1)", "second": "bias(v2, x2, e2)"},
    "claim": [f"sq(v1 - x1) + sq(v2 - x2) <= eta**2*{WHOLE}"],
}
SPREAD = {
    "name": "calculus.blocks.spread",
    "params": "o1 o2 om",
    "domain": ["o1 >= 0", "o2 >= 0", *OMEGA],
    "vectors": [
        *("family x1", "family x2", "family v1", "family v2"),
        *("family Q1 ~ v1 @ 0", "family Q2 ~ v2 @ 0"),
    ],
    "given": {"first": "spread(Q1, x1, o1)", "second": "spread(Q2, x2, o2)"},
    "claim": [f"sq(Q1 - v1) + sq(Q2 - v2) <= om*{WHOLE}"],
}
SENT = {"y1": [1], "y2": [2]}
LOSES = {"x1": [1], "x2": [1], "c1": [0], "c2": [F(1, 2)]}
EVEN = {"d1": F(1, 4), "d2": F(3, 4), "de": F(1, 4)}
HALVES = {"x1": [1], "x2": [1], "c1": [F(1, 2)], "c2": [F(1, 2)]}
OFF = {"x1": [1], "x2": [1], "v1": [F(1, 2)], "v2": [F(3, 4)]}
INSIDE = {"o1": 1, "o2": 1, "om": 2}
BOTH = {"first": "1", "second": "1"}


def one(statement, terms, witness, spoils):
    claims = [step(statement["claim"][0], BOTH, terms), *map(step, statement["claim"][1:])]
    return Part(statement, claims, witness, spoils)


SCRIPT = Script(
    "calculus.blocks",
    "blocks: the larger omega, the smaller delta",
    [
        one(
            UNBIASED,
            ["(om - o1)*sq(x1)", "(om - o2)*sq(x2)"],
            coins(INSIDE, **SENT),
            [
                (
                    {"claim": [f"sq(Q1 - x1) + sq(Q2 - x2) <= 9/10*om*{WHOLE}", UNBIASED["claim"][1]]},
                    coins({"o1": 1, "o2": 1, "om": 1}, **SENT),
                ),
                (
                    {"claim": ["sq(Q1 - x1) + sq(Q2 - x2) <= om*sq(x1)", UNBIASED["claim"][1]]},
                    coins({"o1": 1, "o2": 1, "om": 1}, **SENT),
                ),
                (
                    {"given": {"second": None}},
                    coins({"o1": 1, "o2": 0, "om": 1}, x2=[2], Q2=[[[8]], [[0]], [[0]], [[0]]], **SENT),
                ),
            ],
        ),
        one(
            CONTRACTIVE,
            ["(d1 - de)*sq(x1)", "(d2 - de)*sq(x2)"],
            model({**EVEN, "de": F(1, 8)}, HALVES),
            [
                ({"claim": [f"sq(c1 - x1) + sq(c2 - x2) <= (1 - d1)*(1 - d2)*{WHOLE}"]}, model(EVEN, HALVES)),
                ({"claim": [f"sq(c1 - x1) + sq(c2 - x2) <= (1 - 4*de)*{WHOLE}"]}, model(EVEN, HALVES)),
                ({"given": {"first": None}}, model(EVEN, {**LOSES, "c1": [-1]})),
            ],
        ),
        one(
            BIAS,
            ["(eta - e1)*(eta + e1)*sq(x1)", "(eta - e2)*(eta + e2)*sq(x2)"],
            model({"e1": F(1, 2), "e2": F(1, 4), "eta": F(3, 4)}, OFF),
            [
                (
                    {"claim": [f"sq(v1 - x1) + sq(v2 - x2) <= e1*e2*{WHOLE}"]},
                    model({"e1": F(1, 2), "e2": F(1, 4), "eta": F(1, 2)}, OFF),
                ),
                (
                    {"claim": [f"sq(v1 - x1) + sq(v2 - x2) <= eta**2/2*{WHOLE}"]},
                    model({"e1": F(1, 2), "e2": F(1, 4), "eta": F(1, 2)}, OFF),
                ),
                ({"given": {"first": None}}, model({"e1": F(1, 4), "e2": F(1, 4), "eta": F(1, 4)}, OFF)),
            ],
        ),
        one(
            SPREAD,
            ["(om - o1)*sq(x1)", "(om - o2)*sq(x2)"],
            coins(INSIDE, v1=[1], v2=[1]),
            [
                (
                    {"claim": [f"sq(Q1 - v1) + sq(Q2 - v2) <= 9/10*om*{WHOLE}"]},
                    coins({"o1": 1, "o2": 1, "om": 1}, v1=[1], v2=[1]),
                ),
                (
                    {"claim": ["sq(Q1 - v1) + sq(Q2 - v2) <= om*sq(x2)"]},
                    coins({"o1": 1, "o2": 1, "om": 1}, v1=[1], v2=[1]),
                ),
                (
                    {"given": {"second": None}},
                    coins({"o1": 1, "o2": F(1, 2), "om": 1}, v1=[1], v2=[2], Q2=[[[4]], [[0]], [[4]], [[0]]]),
                ),
            ],
        ),
    ],
)
