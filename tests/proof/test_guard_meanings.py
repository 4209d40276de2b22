"""Schemas that could say anything say what they are for: the guard refuses attacks that kernel and witness accept."""

import json
from fractions import Fraction

import pytest

from compth.proof import Refused, check, guard, identity, kernel, witness


def attempt(statement, *steps):
    """(the statement's text, the certificate's): the kernel accepts both."""
    text = json.dumps(statement)
    proof = json.dumps({"statement": identity(text), "steps": [{"terms": [], **s} for s in steps]})
    kernel.check(text, proof)
    return text, proof


def step(statement, use):
    return {"show": statement["claim"][0], "use": use}


HALVED = {  # "gradient descent" whose rate is its own hypothesis
    "params": "L mu ga",
    "domain": ["L > 0", "mu > 0", "ga > 0", "ga*mu < 1"],
    "vectors": ["common x", "common xs", "common g"],
    "values": "f fs",
    "given": {
        "convex": "strongly_convex(f, fs, g, x, xs, mu)",
        "growth": "growth(sq(x - ga*g - xs), sq(x - xs), f, fs, 1 - ga*mu, 0, 0)",
    },
    "claim": ["sq(x - ga*g - xs) + 0*(f - fs) <= (1 - ga*mu)*sq(x - xs)"],
}
POINT = {
    "params": {"L": "1", "mu": "1/2", "ga": "1/2"},
    "vectors": {"x": ["2"], "xs": ["1"], "g": ["1"]},
    "values": {"f": "1/2", "fs": "0"},
}


def test_a_rate_assumed_as_growth_is_refused():
    text, proof = attempt(HALVED, step(HALVED, {"growth": "1"}))
    assert witness(text, POINT) == [Fraction(1, 2)]
    with pytest.raises(Refused, match="not of distances"):
        check(text, proof)


@pytest.mark.parametrize(
    ("name", "growth", "vectors"),
    [
        (
            "a distance to the next point",
            "growth(sq(y - xs), sq(x - xs), f, fs, 1, 0, 0)",
            "common y ~ x @ 0",
        ),
        ("a draw around a point", "growth(sq(y), 0, f, fs, 0, L, 0)", "common y ~ x - xs @ 0"),
        ("a distance as memory", "growth(sq(g), sq(x - xs), f, fs, L, 0, 0)", "common y ~ g @ 0"),
    ],
)
def test_growth_hides_no_point(name, growth, vectors):
    statement = {
        **HALVED,
        "vectors": [*HALVED["vectors"], vectors],
        "given": {"convex": HALVED["given"]["convex"], "growth": growth},
        "claim": ["0*sq(y) <= sq(x)"],
    }
    text, _ = attempt(statement, {**step(statement, {}), "terms": ["sq(x)"]})
    with pytest.raises(Refused, match="not of distances"):
        guard.guard(text)


def test_growth_hides_no_value_of_the_function():
    """f at the next point, bounded by fiat."""
    statement = {
        "params": "L rho",
        "domain": ["L > 0", "rho > 0"],
        "vectors": ["common x", "common y", "common g"],
        "values": "fp f",
        "given": {"smooth": "descent(fp, f, g, y, x, L)", "growth": "growth(fp, f, 0, 0, rho, 0, 0)"},
        "claim": ["fp <= rho*f"],
    }
    text, _ = attempt(statement, step(statement, {"growth": "1"}))
    with pytest.raises(Refused, match="not of values"):
        guard.guard(text)


def test_growth_of_gradients_stays():
    statement = {
        **HALVED,
        "vectors": [*HALVED["vectors"], "common G ~ g @ 0"],
        "given": {
            "convex": HALVED["given"]["convex"],
            "growth": "growth(sq(G), 0, f, fs, 0, L, 0)",
        },
        "claim": ["sq(G) <= 2*L*(f - fs)"],
    }
    text, proof = attempt(statement, step(statement, {"growth": "1"}))
    assert check(text, proof)["unused"] == ["convex"]


def forms(schema, claim, vectors=(), operators=("common B", "common W")):
    return {
        "params": "t",
        "domain": ["t > 0"],
        "operators": list(operators),
        "vectors": ["common x", "common z", *vectors],
        "given": {"order": schema},
        "claim": [claim],
    }


@pytest.mark.parametrize(
    ("schema", "claim", "vectors", "match"),
    [
        ("loewner(z, x, x, t)", "sq(z) <= t*sq(x)", (), "no B u"),
        ("loewner(B(B(x)) - 2*x, x, x, t)", "sq(B(B(x)) - 2*x) <= t*sq(x)", (), "no B u"),
        ("loewner(x - t*B(x), x, x, t)", "sq(x - t*B(x)) <= t*sq(x)", (), "no B u"),
        ("loewner(B(x) - z, x, x, t)", "sq(B(x) - z) <= t*sq(x)", (), "no B u"),
        ("loewner(x - z, x, x, t)", "sq(x - z) <= t*sq(x)", (), "no B u"),
        ("loewner(y, x, x, t)", "sq(y) <= t*sq(x)", ("common y ~ z @ 0",), "no B u"),
        ("loewner(B(x), x, z, t)", "sq(B(x)) <= t*dot(x, z)", (), "no W u"),
        ("loewner(B(x), x, -x, t)", "sq(B(x)) <= -t*sq(x)", (), "no W u"),
        ("loewner(B(x), x, W(x) - B(x), t)", "sq(B(x)) <= t*dot(x, W(x) - B(x))", (), "no W u"),
        ("loewner(B(x), x - z, W(x - z), t)", "sq(B(x)) <= t*dot(x - z, W(x - z))", (), "no B u"),
    ],
)
def test_loewner_of_unrelated_vectors_is_refused(schema, claim, vectors, match):
    statement = forms(schema, claim, vectors)
    text, _ = attempt(statement, step(statement, {"order": "1"}))
    with pytest.raises(Refused, match=match):
        guard.guard(text)


@pytest.mark.parametrize(
    ("schema", "claim", "vectors"),
    [
        ("loewner(B(x), x, W(x), t)", "sq(B(x)) <= t*dot(x, W(x))", ()),
        ("loewner(B(x) - x, x, x, t)", "sq(B(x) - x) <= t*sq(x)", ()),
        ("loewner(B(x - z), x - z, W(x - z), t)", "sq(B(x - z)) <= t*dot(x - z, W(x - z))", ()),
        ("loewner(B(y), x, W(x), t)", "sq(B(y)) <= t*dot(x, W(x))", ("common y ~ W(x) @ 0",)),
        ("loewner(0, x, W(x), t)", "0 <= t*dot(x, W(x))", ()),
    ],
)
def test_loewner_of_forms_stays(schema, claim, vectors):
    statement = forms(schema, claim, vectors)
    text, proof = attempt(statement, step(statement, {"order": "1"}))
    assert check(text, proof)["hypotheses"] == {"order": schema}


@pytest.mark.parametrize(
    "message",
    [
        "contraction(ga*g, x - xs, ga*mu)",  # the rate itself: |x - ga g - xs|^2 <= (1 - ga mu)|x - xs|^2
        "contraction(x - ga*g, xs, ga*mu)",
        "contraction(xs, x, ga*mu)",
        "contraction(g, x - xs, ga*mu)",
        "bias(ga*g, x - xs, 1 - ga*mu)",
        "b1_lower(g, x - xs, mu)",
        "b2_lower(g, x - xs, mu)",
        "b_upper(g, x - xs, L)",
    ],
)
def test_points_and_gradients_are_no_messages(message):
    statement = {**HALVED, "given": {"convex": HALVED["given"]["convex"], "sent": message}}
    relation = {
        "contraction": "sq({0} - ({1})) <= (1 - {2})*sq({1})",
        "bias": "sq({0} - ({1})) <= ({2})**2*sq({1})",
        "b1_lower": "{2}*sq({1}) <= sq({0})",
        "b2_lower": "{2}*sq({1}) <= dot({0}, {1})",
        "b_upper": "sq({0}) <= {2}*dot({0}, {1})",
    }
    schema, inside = message[:-1].split("(", 1)
    statement["claim"] = [relation[schema].format(*inside.split(", "))]
    text, _ = attempt(statement, step(statement, {"sent": "1"}))
    with pytest.raises(Refused, match="no point and no gradient"):
        guard.guard(text)


@pytest.mark.parametrize(
    "growth",
    [
        "growth(fp - fs, f - fs, f, fs, 1 - p, p/2, 0)",
        "growth(fw, f - fs, f, fs, 1 - p, p/2, 0)",
        "growth(fp, fw, 0, 0, 1 - p, 0, 0)",
    ],
)
def test_growth_of_values_is_refused(growth):
    statement = {
        "params": "L p",
        "domain": ["L > 0", "p > 0", "p < 1"],
        "vectors": ["common x", "common y", "common g"],
        "values": "fp f fw fs",
        "given": {"smooth": "descent(fp, f, g, y, x, L)", "least": "least(f, fs)", "memory": growth},
        "claim": ["fp <= fw + f"],
    }
    with pytest.raises(Refused, match="not of values"):
        guard.guard(json.dumps(statement))
