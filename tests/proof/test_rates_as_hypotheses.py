"""A rate written as a hypothesis: the kernel's algebra accepts "GD contracts by (1 - gamma mu)^9", the guard never."""

import json
import re

import pytest

from compth.proof import SCHEMAS, Refused, check, guard, identity, kernel
from compth.proof.roles import Roles

RATE, NEXT, NOW = "(1 - ga*mu)**9", "sq(x - ga*g - xs)", "sq(x - xs)"
AHEAD = "x - ga*g - xs"
GD = {
    "params": "L mu ga R",
    "domain": ["L > 0", "mu > 0", "ga > 0", "R >= 0", f"R <= {RATE}", "L > mu"],
    "vectors": ["common x", "common xs", "common g"],
    "values": "f fs",
    "given": {"convex": "strongly_convex(f, fs, g, x, xs, mu)"},
    "claim": [f"{NEXT} <= {RATE}*{NOW}"],
}
BY_FAMILY = [f"sq({AHEAD} - P({AHEAD})) <= {RATE}*{NOW}"]
DRAWN = "common Y ~ x - ga*g - xs @ 0"


def attack(hypothesis, use="1", terms=(), **fields):
    return pytest.param({**fields, "hypothesis": hypothesis, "use": use, "terms": terms}, id=hypothesis[:44])


def squares(u, v):
    """2 <u, v> <= |u|^2 + |v|^2, what a bound on an inner product is multiplied with."""
    return [f"sq({u} - ({v}))"]


ATTACKS = [
    attack(f"strongly_convex({NEXT}, {RATE}*{NOW}, 0, x, xs, 0)"),
    attack(f"strongly_convex({NEXT}, {RATE}*{NOW}, x - x, xs, xs, mu)"),
    attack(f"least({RATE}*{NOW}, {NEXT})"),
    attack(f"descent({NEXT}, {RATE}*{NOW}, 0, x, xs, 0)"),
    attack(f"descent({NEXT}, {RATE}*{NOW}, g, x, x, L)"),
    attack(f"polyak({NEXT}, {RATE}*{NOW}, 0, mu)", "1/(2*mu)"),
    attack(f"cocoercive({RATE}*{NOW}, {NEXT}, 0, 0, x, xs, L)"),
    attack(f"cocoercive({RATE}*{NOW}, {NEXT}, g, g, x, x, L)"),
    attack(f"sector({RATE}*{NOW}, {NEXT}, 0, 0, xs, xs, mu, L)"),
    attack(f"lipschitz({AHEAD}, 0, x, xs, {RATE})"),
    attack(f"lipschitz(x - ga*g, xs, x, xs, {RATE})"),
    attack(
        f"dissimilar({AHEAD}, {RATE}*{NOW})", vectors=["family x", "common xs", "family g"], claim=BY_FAMILY
    ),
    attack(f"contraction({AHEAD} + xs - x, xs - x, 1 - {RATE})", claim=[f"{NEXT} <= {RATE}*{NOW}"]),
    attack("bias(ga*g, x - xs, (1 - ga*mu)**3)", claim=[f"{NEXT} <= (1 - ga*mu)**6*{NOW}"]),
    attack(f"loewner({AHEAD}, x - xs, x - xs, {RATE})"),
    attack(f"loewner({AHEAD}, x, x, {RATE})", claim=[f"{NEXT} <= {RATE}*sq(x)"]),
    attack(f"quadratic({NEXT}, {RATE}*{NOW}, 0, 0*x, 0*x)"),
    attack(f"growth({NEXT}, {NOW}, f, fs, {RATE}, 0, 0)"),
    attack(f"growth({NEXT}, {NOW}, 0, 0, {RATE}, 0, 0)"),
    attack(f"growth(0, {RATE}*{NOW} - {NEXT}, 0, 0, 1, 0, 0)"),
    attack(f"floor({RATE}*{NOW} - {NEXT}, 0)"),
    attack(f"floor({RATE}*{NOW}, {NEXT})"),
    attack(f"zero({AHEAD}, {AHEAD})", claim=[f"{NEXT} <= 0*{NOW}"]),
    attack(f"b1_lower(x - xs, {AHEAD}, 1/{RATE})", f"{RATE}", domain=[*GD["domain"], "1 - ga*mu > 0"]),
    attack(
        f"b_upper({AHEAD}, x - xs, (1 - ga*mu)**3)",
        "2",
        squares(AHEAD, "(1 - ga*mu)**3*(x - xs)"),
        claim=[f"{NEXT} <= (1 - ga*mu)**6*{NOW}"],
    ),
    attack(
        f"b2_lower(x - xs, {AHEAD}, 1/(1 - ga*mu)**3)",
        "2*(1 - ga*mu)**3",
        squares(AHEAD, "(1 - ga*mu)**3*(x - xs)"),
        claim=[f"{NEXT} <= (1 - ga*mu)**6*{NOW}"],
        domain=[*GD["domain"], "1 - ga*mu > 0"],
    ),
    attack(
        "coercive(x - ga*g, xs, x, xs, 0, (1 - ga*mu)**3)",
        "2",
        squares(AHEAD, "(1 - ga*mu)**3*(x - xs)"),
        claim=[f"{NEXT} <= (1 - ga*mu)**6*{NOW}"],
    ),
    attack(
        f"mixture(Y, {RATE}, x - xs, 0*x)",
        vectors=[*GD["vectors"], DRAWN],
        terms=[f"sq(Y - ({AHEAD}))"],
    ),
    attack(
        f"joint(Y, {RATE}*{NOW}, 0)",
        vectors=[*GD["vectors"], "family Y ~ 0 @ 0"],
        claim=["0 <= ga"],
        use="0",
        terms=["ga"],
    ),
    attack(
        f"independent(Y, {NOW})",
        vectors=[*GD["vectors"], "family Y ~ 0 @ 0"],
        claim=["0 <= ga"],
        use="0",
        terms=["ga"],
    ),
    attack(
        f"variance(Y, {RATE}*{NOW})",
        vectors=[*GD["vectors"], "family Y ~ g @ 0"],
        claim=["0 <= ga"],
        use="0",
        terms=["ga"],
    ),
    attack(
        f"variance(Y, {RATE})",
        vectors=[*GD["vectors"], "family Y ~ x - xs @ 0"],
        claim=[f"sq(Y - x + xs) <= {RATE}*{NOW}"],
    ),
    attack(
        f"noise(Y, P, {RATE}*{NOW})",
        vectors=[*GD["vectors"], "common Y ~ g @ 0"],
        claim=[f"sq(Y - g) <= {RATE}*{NOW}"],
    ),
    attack(
        f"spread(Y, x - xs, {RATE})",
        vectors=[*GD["vectors"], "family Y ~ g @ 0"],
        claim=[f"sq(Y - g) <= {RATE}*{NOW}"],
    ),
    attack(
        f"mean_spread(Y, x - xs, {RATE})",
        vectors=[*GD["vectors"], "family Y ~ g @ 0"],
        claim=[f"sq(P(Y - g)) <= {RATE}*{NOW}"],
    ),
]


def texts(statement, use="0", terms=()):
    text = json.dumps(statement)
    step = {"show": statement["claim"][0], "use": {"rate": use}, "terms": list(terms)}
    return text, json.dumps({"statement": identity(text), "steps": [step]})


@pytest.mark.parametrize("found", ATTACKS)
def test_no_schema_carries_a_rate(found):
    """The kernel proves the claim from it: only the guard is in the way."""
    fields = {k: v for k, v in found.items() if k not in {"hypothesis", "use", "terms"}}
    statement = {**GD, **fields, "given": {**GD["given"], "rate": found["hypothesis"]}}
    text, proof = texts(statement, found["use"], found["terms"])
    kernel.check(text, proof)
    with pytest.raises(Refused):
        guard.guard(text)
    with pytest.raises(Refused):
        check(text, proof)


def test_every_schema_is_attacked():
    attacked = {re.match(r"\w+", p.values[0]["hypothesis"])[0] for p in ATTACKS}
    assert attacked == set(SCHEMAS) - {
        "order"
    }  # of parameters and entries only: the kernel reads no vectors there
    with pytest.raises(Refused, match="scalars only"):
        kernel.Theory({**GD, "given": {"rate": f"order({NEXT}, {RATE}*{NOW})"}})


def speaks(given, **fields):
    """Refused, or read: gradient descent with other hypotheses."""
    return guard.guard(json.dumps({**GD, "claim": ["0 <= ga"], **fields, "given": given}))


CONVEX, MOVED = GD["given"]["convex"], "fp f fs"
DRAWS = [*GD["vectors"], "family h", "common c @ 1", "common Y ~ x @ 0"]


@pytest.mark.parametrize(
    ("given", "match", "fields"),
    [
        ("lipschitz(x - ga*g, xs, x, xs, M)", "no gradient", {"let": {"M": RATE}}),
        (
            "lipschitz(g, 0, x, xs, M)",
            "plain name",
            {"let": {"m": RATE}, "given": "lipschitz(g, 0, x, xs, 2*m)"},
        ),
        ("lipschitz(g, 0, x, xs, M)", "not shown nonnegative", {"let": {"M": "0 - mu"}}),
        ("descent(fs, f, g, xs, x, M)", "not shown positive", {"let": {"M": "mu - mu"}}),
        ("cocoercive(f, f, g, 0, x, xs, L)", "f belongs to two points", {}),
        ("descent(fs, f, g, x, xs, L)", "belongs to two points", {}),
        ("cocoercive(f, fs, 0, g, x, xs, L)", "g belongs to two points", {}),
        ("coercive(x, xs, x, xs, mu, L)", "are a point and a gradient", {}),
        ("coercive(g, 0, 2*x, xs, mu, L)", "g belongs to two points", {}),
        ("cocoercive(L, fs, g, 0, x, xs, L)", "no plain name of a value", {}),
        ("cocoercive(f, fs, g - mu*(x - xs), 0, x, xs, L)", "no gradient", {}),
        ("cocoercive(f, fs, -g, 0, x, xs, L)", "no gradient", {}),
        ("descent(fp, f, g, g, x, L)", "is no point|a point and a gradient", {"values": MOVED}),
        ("polyak(f, fs, h, mu)", "no common point", {"vectors": DRAWS}),
        ("polyak(f, f, g, mu)", "no common point", {"values": MOVED, "given": "polyak(fp, fs, g, mu)"}),
        ("zero(P(c), c)", "no family of gradients", {"vectors": DRAWS}),
        ("zero(P(h), c) ", "no mean of gradients", {"vectors": DRAWS, "given": "zero(P(h) - g, c)"}),
        ("contraction(c, x - xs, mu)", "of a point is sent", {"vectors": DRAWS}),
        ("growth(sq(h - x), 0, f, fs, 0, L, 0)", "distances between points", {"vectors": DRAWS}),
        ("growth(sq(h), 0, f, fs, 0, 0, 0)", "nothing bounds a", {"vectors": DRAWS}),
        ("growth(0 - sq(h), 0, f, fs, 0, L, 0)", "no plain name", {"vectors": DRAWS}),
        ("growth(fs, 0, f, fs, 0, L, 0)", "not of values of f", {}),
        ("floor(f, mu)", "a value of f", {}),
        ("dissimilar(c, mu)", "no family of gradients", {"vectors": DRAWS}),
        ("spread(Y, g, mu)", "no family of vectors", {"vectors": DRAWS}),
    ],
)
def test_arguments_have_one_role(given, match, fields):
    fields = {**fields}
    speaks({"convex": CONVEX}, **{k: v for k, v in fields.items() if k != "given"})
    with pytest.raises(Refused, match=match):
        speaks({"convex": CONVEX, "rate": fields.pop("given", given)}, **fields)


SMOOTH = "descent(fp, f, g, x - ga*g, x, L)"


@pytest.mark.parametrize(
    ("given", "match", "vectors"),
    [
        ({"smooth": SMOOTH, "below": "least(f, fp)"}, "value at an iterate", GD["vectors"]),
        ({"smooth": SMOOTH, "flat": "polyak(f, fp, g, mu)"}, "value at an iterate", GD["vectors"]),
        (
            {"smooth": SMOOTH.replace("g,", "P(g),"), "there": "zero(P(g), g)"},
            "a minimiser in an iterate",
            ["common x", "common xs", "family g"],
        ),
        # an implicit step: the gradient at the point that it makes
        ({"convex": "strongly_convex(f, fs, g, x - ga*g, xs, mu)"}, "made of itself", GD["vectors"]),
        (
            {"a": "strongly_convex(f, fs, g, x - ga*c, xs, mu)", "b": "contraction(c, g, ga)"},
            "made of itself",
            ["common x", "common xs", "common g @ 1", "common c @ 1"],
        ),
        # known before the point that it belongs to is drawn: uncorrelated with it
        (
            {"convex": "strongly_convex(f, fs, g, y, xs, mu)"},
            "g is known before",
            [*GD["vectors"], "common y ~ x @ 0"],
        ),
        ({"sent": "contraction(c, g, ga)"}, "c is known before", ["common g @ 1", "common c"]),
        ({"sent": "contraction(c, g, ga)"}, "c is random", ["common g", "common c", "common y ~ g @ 0"]),
        ({"sent": "contraction(c, g, ga)"}, "what it is made of is not", ["family g", "common c @ 1"]),
        (
            {"convex": "strongly_convex(f, fs, g, x, xs, mu)"},
            "what it is made of is not",
            ["family x", "common xs", "common g"],
        ),
        (
            {"convex": "strongly_convex(f, fs, g, x, xs, mu)"},
            "around more than a gradient",
            ["common x", "common xs", "common g ~ x - xs @ 0"],
        ),
        (
            {"sent": "contraction(c, g, ga)", "tie": "growth(sq(c - ga*g), 0, 0, 0, 0, 0, R)"},
            "not of messages",
            [*GD["vectors"], "common c @ 1"],
        ),
    ],
)
def test_hypotheses_do_not_conspire(given, match, vectors):
    with pytest.raises(Refused, match=match):
        speaks(given, vectors=vectors, values=MOVED)


def test_what_hypotheses_are_for_stays():
    """Read as they are meant: f and its gradient at x, fp at the point of the step, a gradient that vanishes at xs."""
    given = {"convex": CONVEX, "smooth": SMOOTH, "low": "least(fp, fs)", "pl": "polyak(f, fs, g, mu)"}
    theory = speaks(given, values=MOVED)
    roles = Roles(theory)
    read = {name: theory.value(kernel.read(text, {})) for name, text in (("x", "x"), ("step", "x - ga*g"))}
    assert roles.points["f"] == roles.points["g"] == read["x"]
    assert roles.points["fp"] == read["step"]
    assert set(theory.known) >= set(given)


DOUBLED = {  # w <= 1 does not survive w -> 2 w: the lifted bound w_k <= w_0 + k is false
    "params": "q",
    "domain": ["q > 0"],
    "vectors": ["common x"],
    "values": "w a",
    "given": {"rate": "least(1, w)"},
    "claim": ["2*w <= 1*w + 1"],
    "run": {"potential": "w", "next": {"w": "2*w"}, "rate": "1", "gain": "0", "noise": "1", "fixed": "a"},
}


@pytest.mark.parametrize("given", ["least(1, w)", "least(a, w)"])
def test_a_hypothesis_on_the_state_has_to_survive_the_step(given):
    statement = {**DOUBLED, "given": {"rate": given}}
    if "a" in given.split("(")[1]:
        statement["claim"] = ["2*w <= 1*w + a"]
        statement["run"] = {**DOUBLED["run"], "noise": "sq(x) - sq(x) + a"}
        with pytest.raises(Refused, match="at no point"):
            guard.guard(json.dumps(statement))
        return
    text, proof = texts(statement, "1")
    kernel.check(text, proof)
    with pytest.raises(Refused, match="no plain name of a value"):
        check(text, proof)


@pytest.mark.parametrize(
    ("after", "stands"), [("w + q", True), ("2*w", False), ("w - q", False), ("w/2", False)]
)
def test_a_floor_of_the_state_is_shown_after_the_step(after, stands):
    """w >= q is used at every step; 2 w >= q is true, but nobody showed it."""
    run = {**DOUBLED["run"], "next": {"w": after}, "potential": "w", "rate": "2"}
    statement = {**DOUBLED, "given": {"rate": "floor(w, q)"}, "claim": ["0 <= q"], "run": run}
    if stands:
        guard.guard(json.dumps(statement))
    else:
        with pytest.raises(Refused, match="was not shown after the step"):
            guard.guard(json.dumps(statement))


STEPPED = {
    **GD,
    "vectors": ["common x", "common xs", "common g", "common gp", "common c @ 1", "family h"],
    "values": MOVED,
    "given": {"convex": CONVEX, "smooth": "cocoercive(fp, f, gp, g, x - ga*g, x, L)"},
    "claim": ["0 <= ga"],
    "run": {
        "potential": "f - fs",
        "next": {"x": "x - ga*g", "f": "fp", "g": "gp"},
        "rate": "1",
        "gain": "0",
        "noise": "0",
        "fixed": "xs fs",
    },
}


@pytest.mark.parametrize(
    ("moves", "fixed", "given", "match"),
    [
        ({"f": "fs"}, "xs fs", {}, "f does not move to where its point goes"),
        ({"f": "f"}, "xs fs", {}, "f does not move to where its point goes"),
        ({"f": "fp/2 + f/2"}, "xs fs", {}, "f does not move to where its point goes"),
        ({"g": "g"}, "xs fs", {}, "g does not move to where its point goes"),
        ({"x": "x - ga*gp"}, "xs fs", {}, "does not move to where its point goes"),
        ({"x": None, "f": None}, "xs fs", {}, "g moves, its point does not"),
        ({"x": None, "g": None, "f": "fs/2 + fp"}, "xs fs", {}, "nor to a mixture"),
        ({"x": None, "g": None, "f": "(1 + mu)*fp - mu*fs"}, "xs fs", {}, "nor to a mixture"),
        ({"f": None, "g": None}, "xs fs g", {}, "g is fixed, its point moves"),
        ({"f": None}, "xs fs f", {}, "f is fixed, its point moves"),
        ({"fs": "fp"}, "xs", {"low": "least(f, fs)"}, "fs does not move|does not move"),
        ({}, "xs fs h", {"grown": "growth(sq(h), 0, f, fs, 0, L, 0)"}, "is of the state"),
        ({"h": "h - g"}, "xs fs", {"grown": "growth(sq(h), 0, f, fs, 0, L, 0)"}, "is of the state"),
        ({"h": "h - g"}, "xs fs", {"still": "zero(P(h), g)"}, "need not hold after the step"),
    ],
)
def test_an_evaluation_moves_as_a_whole(moves, fixed, given, match):
    guard.guard(json.dumps(STEPPED))
    run = {**STEPPED["run"], "fixed": fixed}
    run["next"] = {k: v for k, v in {**run["next"], **moves}.items() if v is not None}
    with pytest.raises(Refused, match=match):
        guard.guard(json.dumps({**STEPPED, "given": {**STEPPED["given"], **given}, "run": run}))


def test_a_message_is_new_at_every_step():
    statement = {**STEPPED, "vectors": ["common x", "common xs", "common g", "common gp", "common c"]}
    statement["given"] = {**STEPPED["given"], "sent": "contraction(c, g, mu)"}
    statement["run"] = {**STEPPED["run"], "fixed": "xs fs c"}
    with pytest.raises(Refused, match="new at every step"):
        guard.guard(json.dumps(statement))


GROWING = {
    **STEPPED,
    "vectors": [*STEPPED["vectors"], "common J ~ g @ 0"],
    "values": f"{MOVED} s sp w",
}


@pytest.mark.parametrize(
    ("given", "moves", "match"),
    [
        ("growth(sq(J), s, f, fs, 1, L, 0)", {"s": "s/2"}, "s moves otherwise"),
        ("growth(sq(J), s, f, fs, 1, L, 0)", {"s": "sp"}, "s moves otherwise"),
        ("growth(sq(J), 0, w, fs, 0, L, 0)", {"w": "w/2"}, "moves without a point"),
        ("growth(sq(J), sq(h - P(h) + g), 0, 0, 2, 0, 0)", {"h": "h - g"}, "no uniform component"),
        ("growth(sq(gp), sq(h), 0, 0, 1, 0, 0)", {"h": "h - g"}, "no uniform component"),
        ("growth(sq(J), sq(h + g), 0, 0, 1, 0, 0)", {"h": "h - g"}, "the mean is not the family's"),
        ("least(w, fs)", {"w": "w/2"}, "f is the value at no point"),
    ],
)
def test_what_bounds_a_draw_moves_with_the_method(given, moves, match):
    run = {**STEPPED["run"], "next": {**STEPPED["run"]["next"], **moves}}
    statement = {**GROWING, "run": run, "given": {**GROWING["given"], "grown": given}}
    with pytest.raises(Refused, match=match):
        guard.guard(json.dumps(statement))


def test_a_uniform_component_and_a_memory_stay():
    run = {**STEPPED["run"], "next": {**STEPPED["run"]["next"], "s": "sp", "h": "h - g"}}
    grown = {
        "uniform": "growth(sq(J), sq(h - P(h) + g), 0, 0, 1, 0, 0)",
        "first": "growth(sq(J), s, f, fs, 1, L, 0)",
        "second": "growth(sp, s, f, fs, mu, L, 0)",
    }
    theory = guard.guard(json.dumps({**GROWING, "run": run, "given": {**GROWING["given"], **grown}}))
    assert theory.given == {**GROWING["given"], **grown}
    # and not where s moves to another number than the one whose growth is bounded
    stays = {**run, "next": {**run["next"], "s": "s"}}
    with pytest.raises(Refused, match="s moves otherwise"):
        guard.guard(json.dumps({**GROWING, "run": stays, "given": {**GROWING["given"], **grown}}))


def test_a_hessian_has_one_root():
    statement = {
        "operators": ["common R", "common S"],
        "vectors": ["common x"],
        "values": "f fs",
        "given": {"one": "quadratic(f, fs, 0, x, R(x))", "two": "quadratic(f, fs, 0, x, S(x))"},
        "claim": ["sq(R(x)) >= 0*sq(x)"],
    }
    with pytest.raises(Refused, match="one root"):
        guard.guard(json.dumps(statement))
