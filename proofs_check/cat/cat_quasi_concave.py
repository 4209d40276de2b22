"""CAT at an affine cost: once efficiency falls from one level to the next it goes on falling, so one scan may stop.

A the share at some level, x and y its next two increments (for S the sorted g_j^2/||g||^2: y <= x); the cost C of that
level grows by c per level.
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
