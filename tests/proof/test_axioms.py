"""Every axiom schema held against random quadratics and random compressors, and caught when its constant is wrong."""

import json
import random
from fractions import Fraction as F

import pytest

from compth.proof import SCHEMAS, Refused
from compth.proof.meaning import MEANING
from compth.proof.models import Model
from proofs_check._models import coins, model, per_worker

TWO = [(F(3), F(1, 2)), (F(2), F(1))]  # eigenvalues of two workers' diagonal quadratics


def vector(rng):
    return [F(rng.randint(-9, 9), rng.randint(1, 4)) for _ in range(2)]


def gradients(x, centres):
    return [
        [l * (a - c) for l, a, c in zip(ls, x, cs, strict=True)] for ls, cs in zip(TWO, centres, strict=True)
    ]


def value(x, centres):
    terms = (
        l * (a - c) ** 2 / 2
        for ls, cs in zip(TWO, centres, strict=True)
        for l, a, c in zip(ls, x, cs, strict=True)
    )
    return sum(terms) / 2


def smooth(rng, interpolating=False):
    """Points x, xs (the minimiser of the mean) and y with the gradients of two quadratics at each."""
    centre = vector(rng)
    centres = [centre, centre if interpolating else vector(rng)]
    xs = [
        sum(ls[k] * cs[k] for ls, cs in zip(TWO, centres, strict=True)) / sum(ls[k] for ls in TWO)
        for k in range(2)
    ]
    x, y = vector(rng), vector(rng)
    vectors = {"x": x, "xs": xs, "y": y}
    vectors |= {f"g{k}": gradients(v, centres) for k, v in (("x", x), ("s", xs), ("y", y))}
    values = {f"f{k}": value(v, centres) for k, v in (("x", x), ("s", xs), ("y", y))}
    return vectors, values


def smooth_model(rng, **params):
    vectors, values = smooth(rng)
    return model(params, vectors, workers=2, dim=2, values=values)


POINTS = ["common x", "common xs", "common y", "family gx", "family gs", "family gy"]
DRAW = ["family v", "family Q ~ v @ 0"]


def drawn(rng, p=F(1, 2), shared=False, **params):
    v = [F(rng.randint(1, 9), 2), F(-rng.randint(1, 9), 3)]
    prob, q = coins(v, p, shared)
    return model(params, {"v": per_worker(v), "Q": q}, prob=prob, workers=2)


def message(rng, c, x, **params):
    return model(params, {"c": c, "x": x}, dim=2)


def top(rng):
    x = [F(rng.randint(1, 9)), F(-rng.randint(1, 9))]
    return ([x[0], 0] if abs(x[0]) > abs(x[1]) else [0, x[1]]), x


def biased(rng, **params):
    """Half of v is lost, the rest sent with probability 1/2."""
    v = [F(rng.randint(1, 9)), F(-rng.randint(1, 9))]
    prob, q = coins([a / 2 for a in v], F(1, 2))
    vectors = {"v": per_worker(v), "c": per_worker([a / 2 for a in v]), "Q": q}
    return model(params, vectors, prob=prob, workers=2)


def mixed(rng, **params):
    u, w = F(rng.randint(1, 9)), F(rng.randint(1, 9))
    return model(params, {"u": [u], "w": [w], "Y": [[[u]], [[w]]]}, prob=[F(1, 4), F(3, 4)])


ROOT = [[2, 1], [1, 3]]


def apply(matrix, v):
    return [sum(F(a) * b for a, b in zip(row, v, strict=True)) for row in matrix]


def rooted(rng, wrong=0):
    """f = |R (x - xs)|^2/2."""
    x, y, xs = vector(rng), vector(rng), vector(rng)
    half = {
        k: sum(a * a for a in apply(ROOT, [p - q for p, q in zip(v, xs, strict=True)])) / 2
        for k, v in (("fx", x), ("fy", y))
    }
    values = {**half, "fy": half["fy"] + wrong}
    return model({}, {"x": x, "y": y, "xs": xs}, dim=2, values=values, operators={"R": ROOT})


def sketched(rng, **params):
    """y = B x, B = 1 or 3 times the identity: M = 2, E[B L B] = 5 L = 5/2 W; the variance is |R x|^2."""
    x = vector(rng)
    drawn = [[b * a for a in x] for b in (1, 3)]
    draw = {"x": x, "y": [[v] for v in drawn]}
    return model(params, draw, prob=[F(1, 2)] * 2, dim=2, operators={"R": ROOT, "M": 2})


BIASED = ["family v", "family c", "family Q ~ c @ 0"]
PAIR = ["family x", "family c"]
# schema: (instance, vectors (operators end with *), values, model with true constants, false constants)
CASES = {
    "variance": ("variance(Q, om)", DRAW, "", drawn, {"om": 1}, {"om": F(9, 10)}),
    "independent": ("independent(Q, n)", DRAW, "", drawn, {"n": 2}, {"n": 3}),
    "joint": ("joint(Q, A, B)", DRAW, "", drawn, {"A": F(1, 2), "B": 0}, {"A": F(1, 3), "B": 0}),
    "mixture": (
        "mixture(Y, p, u, w)",
        ["common u", "common w", "common Y ~ u/4 + 3*w/4 @ 0"],
        "",
        mixed,
        {"p": F(1, 4)},
        {"p": F(3, 4)},
    ),
    "contraction": (
        "contraction(c, x, de)",
        PAIR,
        "",
        lambda r, **k: message(r, *top(r), **k),
        {"de": F(1, 2)},
        {"de": 1},
    ),
    "bias": ("bias(c, v, eta)", BIASED, "", biased, {"eta": F(1, 2)}, {"eta": F(1, 3)}),
    "spread": ("spread(Q, v, om)", BIASED, "", biased, {"om": F(1, 4)}, {"om": F(1, 5)}),
    "mean_spread": ("mean_spread(Q, v, om)", BIASED, "", biased, {"om": F(1, 8)}, {"om": F(1, 9)}),
    "b1_lower": (
        "b1_lower(c, x, al)",
        PAIR,
        "",
        lambda r, **k: message(r, *top(r), **k),
        {"al": F(1, 2)},
        {"al": 1},
    ),
    "b2_lower": (
        "b2_lower(c, x, gm)",
        PAIR,
        "",
        lambda r, **k: message(r, *top(r), **k),
        {"gm": F(1, 2)},
        {"gm": 1},
    ),
    "b_upper": (
        "b_upper(c, x, be)",
        PAIR,
        "",
        lambda r, **k: message(r, *top(r), **k),
        {"be": 1},
        {"be": F(9, 10)},
    ),
    "strongly_convex": (
        "strongly_convex(fx, fy, P(gx), x, y, mu)",
        POINTS,
        "fx fs fy",
        smooth_model,
        {"mu": F(3, 4)},
        {"mu": 3},
    ),
    "cocoercive": (
        "cocoercive(fx, fy, gx, gy, x, y, L)",
        POINTS,
        "fx fs fy",
        smooth_model,
        {"L": 3},
        {"L": F(1, 4)},
    ),
    "sector": (
        "sector(fx, fy, gx, gy, x, y, mu, L)",
        POINTS,
        "fx fs fy",
        smooth_model,
        {"mu": F(1, 2), "L": 3},
        {"mu": 2, "L": 3},
    ),
    "coercive": (
        "coercive(gx, gy, x, y, mu, L)",
        POINTS,
        "fx fs fy",
        smooth_model,
        {"mu": F(1, 2), "L": 3},
        {"mu": 2, "L": 3},
    ),
    "descent": (
        "descent(fy, fx, P(gx), y, x, L)",
        POINTS,
        "fx fs fy",
        smooth_model,
        {"L": F(5, 2)},
        {"L": F(1, 2)},
    ),
    "polyak": ("polyak(fx, fs, P(gx), mu)", POINTS, "fx fs fy", smooth_model, {"mu": F(3, 4)}, {"mu": 3}),
    "lipschitz": (
        "lipschitz(gx, gy, x, y, M)",
        POINTS,
        "fx fs fy",
        smooth_model,
        {"M": F(13, 2)},
        {"M": F(1, 2)},
    ),
    "floor": (
        "floor(s, a)",
        ["common x"],
        "s",
        lambda r, **k: model(k, {"x": [1]}, values={"s": r.randint(3, 9)}),
        {"a": 3},
        {"a": 4},
    ),
    "least": ("least(fx, fs)", POINTS, "fx fs fy", smooth_model, {}, None),
    # one worker's gradient, drawn uniformly: A = 2 L_max, sigma^2 = mean |grad f_i(x*)|^2 with B = 2
    "growth": (
        "growth(sq(gx), sq(gs), fx, fs, B, A, 0)",
        POINTS,
        "fx fs fy",
        smooth_model,
        {"A": 6, "B": 2},
        {"A": F(1, 4), "B": F(1, 2)},
    ),
    "quadratic": (
        "quadratic(fy, fx, R(R(x - xs)), y - x, R(y - x))",
        ["common R*", "common x", "common y", "common xs"],
        "fx fy",
        rooted,
        {},
        None,
    ),
    "loewner": (
        "loewner(R(y), x, R(R(M(x))), t)",
        ["common R*", "common M*", "common x", "common y ~ M(x) @ 0"],
        "",
        sketched,
        {"t": F(5, 2)},
        {"t": 2},
    ),
    "noise": (
        "noise(y, R, s)",
        ["common R*", "common M*", "common x", "common y ~ M(x) @ 0"],
        "",
        sketched,
        {"s": 3000},
        {"s": 1},
    ),
    "dissimilar": ("dissimilar(gx, z)", POINTS, "fx fs fy", smooth_model, {"z": 5000}, {"z": 1}),
    "zero": ("zero(P(gs), x - y)", POINTS, "fx fs fy", smooth_model, {}, None),
    "order": ("order(a, b)", [], "", lambda r, **k: model(k), {"a": 1, "b": 2}, {"a": 2, "b": 1}),
}


def holds(name, params, seed):
    instance, vectors, values, build, _, _ = CASES[name]
    statement = {"params": " ".join(params), "values": values}
    statement["operators"] = [v.rstrip("*") for v in vectors if v.endswith("*")]
    statement["vectors"] = [v for v in vectors if not v.endswith("*")]
    statement |= {"given": {"it": instance}, "claim": ["0 <= 0"]}
    statement["domain"] = [f"{p} > 0" for p, v in params.items() if v > 0]
    statement["domain"] += ["L > mu"] * ({"L", "mu"} <= set(params))
    found = Model(json.dumps(statement), build(random.Random(seed), **params))
    try:
        found.hypotheses_hold(statement)
    except Refused:
        return False
    return True


def test_every_schema_says_what_it_means():
    assert set(MEANING) == set(SCHEMAS) == set(CASES)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_holds_on_random_instances_and_fails_with_a_false_constant(name):
    true, false = CASES[name][-2:]
    assert all(holds(name, true, seed) for seed in range(40))
    if false is not None:
        assert not all(holds(name, false, seed) for seed in range(40))


@pytest.mark.parametrize("instance", ["least(fs, fx)", "zero(P(gx), x - y)"])
def test_parameterless_schemas_fail_where_they_are_false(instance):
    statement = {"vectors": POINTS, "values": "fx fs fy", "given": {"it": instance}, "claim": ["0 <= 0"]}
    with pytest.raises(Refused, match="breaks it"):
        Model(json.dumps(statement), smooth_model(random.Random(0))).hypotheses_hold(statement)


def test_a_quadratic_of_another_value_is_refused():
    instance, vectors, *_ = CASES["quadratic"]
    statement = {"operators": ["common R"], "vectors": vectors[1:], "values": "fx fy"}
    statement |= {"given": {"it": instance}, "claim": ["0 <= 0"]}
    Model(json.dumps(statement), rooted(random.Random(0))).hypotheses_hold(statement)
    with pytest.raises(Refused, match="breaks it"):
        Model(json.dumps(statement), rooted(random.Random(0), wrong=1)).hypotheses_hold(statement)
