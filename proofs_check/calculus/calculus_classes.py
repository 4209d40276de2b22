"""How the classes B1, B2 and B3 (contractive) imply each other, with the catalogue's constants.

Setting: the three classes of biased compressors, B1(alpha, beta), B2(gamma, beta) and contractions with delta.
Symbols: al: alpha, alpha||x||^2 <= ||c||^2; be: beta, ||c||^2 <= beta<c, x>; gm: gamma, gamma||x||^2 <= <c, x>; c:
    C(x)
Guarantee: B1 gives B2(alpha/beta, beta) and C/beta contractive with alpha/beta^2; B2 gives B1(gamma^2, beta) and
    C/beta with gamma/beta; delta gives B1(delta^2/4, 2) and B2(delta/2, 2).
Proof:
    All relations are linear in ||c||^2, <c, x> and ||x||^2, so each implication is a nonnegative combination. B1 to
    B2: divide both `lower` and `upper` by beta and chain them. To a contraction: ||c/beta - x||^2 = ||c||^2/beta^2
    - 2<c, x>/beta + ||x||^2, where `upper` replaces <c, x> from below by ||c||^2/beta (with 2/beta^2 for B1, as
    `lower` then speaks of ||c||^2, and with 1/beta^2 for B2, where `lower` speaks of <c, x>). B2 to B1 is Cauchy's
    inequality, ||c - gamma x||^2 >= 0. From a contraction: `ball` is ||c||^2 + delta||x||^2 <= 2<c, x>; dropping
    one of the two gives the bounds on <c, x>, and the lower bound on ||c||^2 completes the square ||c - delta/2
    x||^2.
Tight: upper: each constant is what the combination gives; no instance is attached here.
Source: Beznosikov, Horváth, Richtárik and Safaryan 2023.
"""

from fractions import Fraction as F

from compth import calculus
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

al, be, gm, de = symbols("al be gm de")
LOWER1, LOWER2, UPPER = "b1_lower(c, x, al)", "b2_lower(c, x, gm)", "b_upper(c, x, be)"
BALL = "contraction(c, x, de)"


def at(c, x=1, **params):
    """One deterministic message c at x."""
    x, c = (v if isinstance(v, list) else [v] for v in (x, c))
    return model(params, {"x": x, "c": c}, dim=len(x))


def part(name, params, domain, given, claim, use, terms, witness, spoils):
    statement = {
        "name": f"calculus.classes.{name}",
        "params": params,
        "domain": domain,
        "vectors": ["family x", "family c @ 1"],
        "given": given,
        "claim": [claim],
    }
    return Part(statement, [step(claim, use, terms)], witness, [({"claim": [s]}, m) for s, m in spoils])


def scaled(delta):
    return f"sq(c/be - x) <= (1 - {delta})*sq(x)"


B1 = ("al be", ["al > 0", "be > 0"], {"lower": LOWER1, "upper": UPPER})
B2 = ("gm be", ["gm > 0", "be > 0"], {"lower": LOWER2, "upper": UPPER})
B3 = ("de", ["de > 0", "de <= 1"], {"ball": BALL})
B1B3, B2B3 = text(calculus.b1_to_b3(al, be)), text(calculus.b2_to_b3(gm, be))
B1B2, B2B1 = text(calculus.b1_to_b2(al, be)[0]), text(calculus.b2_to_b1(gm, be)[0])
(B3LOWER, B3UPPER), B3B2 = map(text, calculus.b3_to_b1(de)), text(calculus.b3_to_b2(de)[0])
HALF1, HALF2 = {"al": F(1, 4), "be": 1}, {"gm": F(1, 2), "be": 1}  # c = x/2 in one dimension
MASK1, MASK2 = {"al": F(1, 2), "be": 1}, {"gm": F(1, 2), "be": 1}  # one of two equal entries
LOOSE1, LOOSE2 = {"al": F(1, 8), "be": 2}, {"gm": F(1, 4), "be": 2}
TOP = ([1, 0], [1, 1])
TURNED = ([F(1, 2), F(1, 2)], [1, 0])  # |c - x|^2 = 1/2 with c orthogonal to c - x

SCRIPT = Script(
    "calculus.classes",
    "relations between B1, B2 and contractive compressors",
    [
        part(
            "b1_b3",
            *B1,
            scaled(B1B3),
            {"upper": "2/be**2", "lower": "1/be**2"},
            [],
            at(F(1, 2), **LOOSE1),
            [
                (scaled("2*al/be**2"), at(*TOP, **MASK1)),
                (scaled("11/10*al/be**2"), at(*TOP, **MASK1)),
                (f"sq(c - x) <= (1 - {B1B3})*sq(x)", at(2, al=4, be=2)),
            ],
        ),
        part(
            "b1_b2",
            *B1,
            f"{B1B2}*sq(x) <= dot(c, x)",
            {"upper": "1/be", "lower": "1/be"},
            [],
            at(F(1, 2), **LOOSE1),
            [
                (f"2*{B1B2}*sq(x) <= dot(c, x)", at(*TOP, **MASK1)),
                ("al*sq(x) <= dot(c, x)", at(2, al=4, be=2)),
                (f"{B1B2}*sq(x) >= dot(c, x)", at(F(1, 2), **HALF1)),
            ],
        ),
        part(
            "b2_b1",
            "gm",
            ["gm > 0"],
            {"lower": LOWER2},
            f"{B2B1}*sq(x) <= sq(c)",
            {"lower": "2*gm"},
            ["sq(c - gm*x)"],
            at(F(1, 2), gm=F(1, 4)),
            [
                ("gm*sq(x) <= sq(c)", at(F(1, 2), gm=F(1, 2))),
                (f"11/10*{B2B1}*sq(x) <= sq(c)", at(F(1, 2), gm=F(1, 2))),
                ("sq(x) <= sq(c)", at(F(1, 2), gm=F(1, 2))),
            ],
        ),
        part(
            "b2_b3",
            *B2,
            scaled(B2B3),
            {"upper": "1/be**2", "lower": "1/be"},
            [],
            at(F(1, 2), **LOOSE2),
            [
                (scaled("2*gm/be"), at(*TOP, **MASK2)),
                (scaled("11/10*gm/be"), at(*TOP, **MASK2)),
                (f"sq(c - x) <= (1 - {B2B3})*sq(x)", at(3, gm=3, be=3)),
            ],
        ),
        part(
            "b3_upper",
            *B3,
            f"sq(c) <= {B3UPPER}*dot(c, x)",
            {"ball": "1"},
            ["de*sq(x)"],
            at(F(3, 4), de=F(1, 2)),
            [
                ("sq(c) <= dot(c, x)", at(F(3, 2), de=F(3, 4))),
                ("sq(c) <= 11/10*dot(c, x)", at(F(3, 2), de=F(3, 4))),
                ("sq(c) <= sq(x)", at(F(3, 2), de=F(3, 4))),
            ],
        ),
        part(
            "b3_lower",
            *B3,
            f"{B3LOWER}*sq(x) <= sq(c)",
            {"ball": "de/2"},
            ["sq(c - de/2*x)", "de/2*sq(c)"],
            at(F(3, 4), de=F(1, 2)),
            [
                ("de**2*sq(x) <= sq(c)", at(F(1, 2), de=F(3, 4))),
                (f"2*{B3LOWER}*sq(x) <= sq(c)", at(F(1, 4), de=F(7, 16))),
                ("de*sq(x) <= sq(c)", at(F(1, 2), de=F(3, 4))),
            ],
        ),
        part(
            "b3_b2",
            *B3,
            f"{B3B2}*sq(x) <= dot(c, x)",
            {"ball": "1/2"},
            ["sq(c)/2"],
            at(F(3, 4), de=F(1, 2)),
            [
                ("de*sq(x) <= dot(c, x)", at(F(1, 2), de=F(3, 4))),
                ("3/2*de/2*sq(x) <= dot(c, x)", at(F(1, 4), de=F(7, 16))),
                ("2*de*sq(x) <= dot(c, x)", at(*TURNED, de=F(1, 2))),
            ],
        ),
    ],
)
