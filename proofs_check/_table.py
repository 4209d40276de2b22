"""The unified assumption for methods that keep a table of component gradients: both inequalities, exactly drawn.

The components are the family, so that P is the mean over the uniform index: E||v_j||^2 = sq(v). The next table is T;
every entry is renewed with the row's probability, whatever the entries have to do with each other.
"""

from dataclasses import replace
from fractions import Fraction as F

from proofs_check._models import model, per_worker, quadratic
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, step, text

# what the methods with a table have in common: t the table, J the direction, Y the next table less the gradients at xs
TABLE = {
    "params": {"gamma": "ga"},
    "one_of": ("J",),
    "later": {"Y": ("t", "hs")},
}
DIRECTION = {"J": 1, "P(t)": -1}  # the mean of the messages


def assumption(name, row, update, params, domain):
    """The statement of both inequalities for the row's parameters and the method's step."""
    a, b, rho, c = (text(v) for v in (row.A, row.B, row.rho, row.C))
    along, (renewal, new, old) = update.one(), update.renewed("t", "hs")
    return {
        "name": f"{name}.assumption",
        "title": "g: gradients of the components at x, hs at xs; t: the table, T the next one, Y = T - hs",
        "params": f"{params} L",
        "domain": [*domain, "L > 0"],
        "vectors": [
            "common x",
            "common xs",
            "family g",
            "family hs",
            "family t",
            f"family Y ~ {renewal}*({new}) + (1 - {renewal})*({old}) @ 0",
        ],
        "values": "f fs",
        "given": {
            "convex": "cocoercive(f, fs, g, hs, x, xs, L)",
            "optimal": "zero(P(hs), x - xs)",
            "still": "zero(P(hs), hs)",
            "sum": "zero(P(hs), g)",
            "renewed": f"mixture(Y, {renewal}, {new}, {old})",
        },
        "claim": [
            f"dot({along}, x - xs) == dot(P(g), x - xs)",
            f"sq({along}) <= 2*{a}*(f - fs) + {b}*sq(t - hs)",
            f"sq(Y) <= (1 - {rho})*sq(t - hs) + 2*{c}*(f - fs)",
        ],
    }


def at(beta, outcomes, at=1, curvatures=(2, 0), **params):
    """f_1 = l_1 x^2/2, f_2 = l_2 x^2/2 with slopes 1, -1 added, x* moved to 1; the table is off by (-beta, beta)."""
    q = quadratic(curvatures, [1, -1], at)
    new = [g - h for g, h in zip(q["g"], q["hs"], strict=True)]
    old = [-F(beta), F(beta)]
    prob, masks = zip(*outcomes, strict=True)
    Y = [[[a if up else b] for up, a, b in zip(mask, new, old, strict=True)] for mask in masks]
    vectors = {
        "x": q["x"],
        "xs": q["xs"],
        "g": per_worker(q["g"]),
        "hs": per_worker(q["hs"]),
        "t": per_worker([h + b for h, b in zip(q["hs"], old, strict=True)]),
        "Y": Y,
    }
    values = {"f": q["f"], "fs": q["fs"]}
    return model({"L": 2, **params}, vectors, prob=list(prob), workers=2, values=values)


def table_part(statement, row, update, outcomes, **params):
    """The proof, its witness and the false versions; outcomes: (probability, which entries are renewed)."""
    fair, first, second = statement["claim"]
    double, rho, c = (text(v) for v in (2 * row.A, row.rho, row.C))
    steps = [
        step(fair),
        step(
            first,
            {"convex": double, "optimal": f"-{double}", "sum": "2", "still": "-1"},
            ["sq(g - hs + (t - hs) - P(t - hs))", "2*sq(P(t - hs))"],
        ),
        step(second, {"convex": f"2*{c}", "optimal": f"-2*{c}", "renewed": "1"}),
    ]

    def model_of(beta, **changes):
        return at(beta, outcomes, **{**params, **changes})

    spoils = [
        ({"claim": [fair, first.replace("+ (2)*", "+ "), second]}, model_of(2)),
        ({"claim": [fair, first.replace(f"2*{text(row.A)}", text(row.A)), second]}, model_of(1)),
        ({"claim": [fair, first, second.replace(f"1 - {rho}", f"1 - 11/10*{rho}")]}, model_of(2)),
        ({"claim": [fair, first, second.replace(f"2*{c}", c)]}, model_of(1)),
        ({"given": {"convex": None}}, model_of(1, curvatures=(8, 0))),
    ]
    witness = model_of(F(1, 2), curvatures=(2, 1))
    return Part(statement, steps, witness, spoils, update=averaged(update))


def averaged(update):
    """The step in a statement that takes the mean over the drawn component, and has no name for its vector."""
    return replace(update, hidden=("message",), one_of=())


def table_theorem(part, name, row, update, first, second):
    """The theorem for a method with a table: the drawn component is a uniform one."""
    memory = ("sq(t - hs)", "sq(Y)", update.next("t"), "xs hs")
    return theorem_part(
        part, Row(name, row, update.one(), "P(g)", first, second, *memory, uniform=True, update=update)
    )
