"""CAT at an affine cost: once efficiency falls from one level to the next it goes on falling, so one scan may stop.

Setting: efficiency alpha(T)/C(T) at an affine cost C, alpha concave in the level T; three neighbouring levels.
Symbols: A: alpha at the first level; C: cost at the first level; c: cost of one more level; x, y: gains of alpha
    from the first to the second level and from the second to the third
Guarantee: once the efficiency does not rise, it never rises again: it has one peak, ties included.
Proof:
    At three levels the efficiencies are A/C, (A + x)/(C + c) and (A + x + y)/(C + 2 c). Concavity says y <= x
    (`concave`). That the second is not better than the first (`falls`) is x/c <= A/C: the gain per cost is below
    the present ratio. The next ratio adds a gain per cost of y/c <= x/c to a ratio that is at least x/c, so it
    falls again. As a combination: `concave` with 1/(C + 2 c) replaces y by x, and `falls` with C/(C + 2 c) is what
    compares (A + 2 x)/(C + 2 c) with (A + x)/(C + c). Nothing is left over. So a search may stop at the first level
    that does not improve. For packet costs C is no affine function, which is listed as not proved.
Tight: equality where alpha is linear and the ratio constant.
Source: Khirirat, Magnússon, Aytekin and Johansson 2021; with ties by ours.
"""

from proofs_check._models import model
from proofs_check._script import Part, Script, step

STATEMENT = {
    "name": "cat.quasi_concave",
    "title": "alpha/C is quasi-concave: no second rise, with ties included",
    "params": "A x y C c",
    "domain": ["C > 0", "c > 0"],
    "given": {"concave": "order(y, x)", "falls": "order((A + x)/(C + c), A/C)"},
    "claim": ["(A + x + y)/(C + 2*c) <= (A + x)/(C + c)"],
}
[CLAIM] = STATEMENT["claim"]


def at(share, first, second):
    return model({"A": share, "x": first, "y": second, "C": 6, "c": 1})


SCRIPT = Script(
    "cat.quasi_concave",
    "communication-aware tuning: efficiency at an affine cost has one peak",
    [
        Part(
            STATEMENT,
            [step(CLAIM, {"concave": "1/(C + 2*c)", "falls": "C/(C + 2*c)"})],
            at(9, 1, "1/2"),
            [
                ({"given": {"concave": None}}, at(9, 1, 8)),
                ({"given": {"falls": None}}, at(1, 4, 4)),
                ({"claim": [CLAIM.replace("<= ", "<= 9/10*")]}, at(6, 1, 1)),
                ({"claim": [CLAIM.replace("(C + 2*c)", "(C + c)")]}, at(6, 1, 1)),
            ],
            "polynomial",
        )
    ],
)
