"""Rows of the unified theory without a memory: the assumption E||.||^2 <= 2A (f - f*) + D1, and A >= mu.

G is the drawn gradient at x (mean g), S the one that the same draw gives at x* (mean 0): expected smoothness compares
them. The theorem that follows is the unified theory's at B = 0.
"""

from fractions import Fraction as F

from proofs_check._models import model
from proofs_check._script import step, text

CONVEX = {"convex": "strongly_convex(f, fs, g, x, xs, mu)"}


def claims(row, drawn, mean="g"):
    """The drawn gradient is unbiased; the assumption; A >= mu, as what it says of (f - f*)."""
    a, added = text(row.A), f" + {text(row.D1)}" * (row.D1 != 0)
    return [
        f"dot({drawn}, x - xs) == dot({mean}, x - xs)",
        f"sq({drawn}) <= 2*{a}*(f - fs){added}",
        f"mu*(f - fs) <= {a}*(f - fs)",
    ]


STEEP = "2*mu*(f - fs) <= sq({})"


def steep(mean="g"):
    """||grad f||^2 >= 2 mu (f - f*)."""
    return step(STEEP.format(mean), {"convex": "2*mu"}, [f"sq({mean} - mu*(x - xs))"])


def one_draw(name, row, title, drawn, noise):
    """The statement for one draw G of expected smoothness LL."""
    return {
        "name": f"{name}.assumption",
        "title": title,
        "params": "LL mu",
        "domain": ["LL > 0", "mu > 0"],
        "vectors": ["common x", "common xs", "common g", "common G ~ g @ 0", "common S ~ 0 @ 0"],
        "values": "f fs",
        "given": {**CONVEX, "smooth": "growth(sq(G - S), 0, f, fs, 0, LL, 0)"},
        "let": noise,
        "claim": claims(row, drawn),
    }


def one_draw_steps(statement, first, double):
    """Its proof; first: the step of the assumption, double: A = 2 LL and not LL."""
    fair, _, firm = statement["claim"]
    below = {"smooth": "1" if double else "1/2", STEEP.format("g"): "1/2"}
    rest = ["sq(G - S - g)", "1/2*sq(g)"] if double else ["1/2*sq(G - S - g)"]
    return [step(fair), first, steep(), step(firm, below, rest)]


def at(slopes, shift, **params):
    """Two equally likely components l_j x^2/2 +- shift x, x* = 0 moved to 1, at x = 2; LL = E l^2/E l, mu = E l."""
    mean = sum(map(F, slopes)) / 2
    S = [F(shift), -F(shift)]
    G = [F(l) + s for l, s in zip(slopes, S, strict=True)]
    vectors = {"x": [2], "xs": [1], "g": [mean], "G": [[[v]] for v in G], "S": [[[v]] for v in S]}
    base = {"LL": sum(F(l) ** 2 for l in slopes) / (2 * mean), "mu": mean}
    values = {"f": 1 + mean / 2, "fs": 1}
    return model({**base, **params}, vectors, prob=[F(1, 2)] * 2, values=values)
