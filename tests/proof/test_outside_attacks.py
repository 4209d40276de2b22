"""Attacks from outside on runs and witnesses: each was accepted once."""

import copy
import json

import pytest

from compth.proof import Refused, check, identity, kernel, witness


def texts(statement, *steps):
    """(statement, certificate) as texts; the kernel accepts both."""
    text = json.dumps(statement)
    full = [{"terms": [], "use": {}, **step} for step in steps]
    proof = json.dumps({"statement": identity(text), "steps": full})
    kernel.check(text, proof)
    return text, proof


DRIFT = {  # a common x that moves by a family: the workers drift apart, the lifted claim is false at k = 2
    "params": "q",
    "domain": ["q > 0"],
    "vectors": ["common x", "family z"],
    "given": {"apart": "dissimilar(z, q)"},
    "claim": ["sq(x + z - P(x + z)) <= 0*sq(x - P(x)) + q"],
    "run": {
        "potential": "sq(x - P(x))",
        "next": {"x": "x + z"},
        "rate": "0",
        "gain": "0",
        "noise": "q",
        "fixed": "",
    },
}
DRIFT_STEP = {"show": DRIFT["claim"][0], "use": {"apart": "1"}}


def test_a_common_vector_stays_common_along_a_run():
    text, proof = texts(DRIFT, DRIFT_STEP)
    with pytest.raises(Refused, match="x is common, after a step it is not"):
        check(text, proof)


def test_workers_that_do_drift_apart_break_what_was_lifted():
    """z = (1, -1) at both steps: dissimilarity 1 each time, but the squared distance after two steps is 4 > q = 1."""
    x = [0, 0]
    for z in ([1, -1], [1, -1]):
        x = [a + b for a, b in zip(x, z, strict=True)]
    mean = sum(x) / 2
    assert sum((a - mean) ** 2 for a in x) / 2 == 4


def test_a_common_step_still_lifts():
    run = {**DRIFT["run"], "potential": "sq(x)", "rate": "1", "next": {"x": "x - P(z)"}, "noise": "0"}
    run["gain"] = "sq(x) - sq(x - P(z))"
    statement = {**DRIFT, "given": {}, "claim": ["sq(x - P(z)) + sq(x) - sq(x - P(z)) <= sq(x)"], "run": run}
    text, proof = texts(statement, {"show": statement["claim"][0]})
    assert check(text, proof)["runs"]


FROZEN = {  # the gradient at the moving point called constant: a sublinear method would have a constant noise
    "params": "ga M",
    "domain": ["ga > 0", "M > 0"],
    "vectors": ["common x", "common xs", "common g"],
    "values": "f fs",
    "given": {
        "convex": "strongly_convex(f, fs, g, x, xs, 0)",
        "smooth": "lipschitz(g, 0, x, xs, M)",
        "least": "least(f, fs)",
    },
    "claim": ["sq(x - ga*g - xs) <= 1*sq(x - xs) + ga**2*sq(g)"],
    "run": {
        "potential": "sq(x - xs)",
        "next": {"x": "x - ga*g"},
        "rate": "1",
        "gain": "0",
        "noise": "ga**2*sq(g)",
        "fixed": "xs g",
    },
}


@pytest.mark.parametrize("given", ["convex", "smooth"])
def test_the_gradient_at_a_moving_point_is_not_fixed(given):
    statement = copy.deepcopy(FROZEN)
    if given == "smooth":  # refused by that schema, too
        del statement["given"]["convex"], statement["given"]["least"]
        statement["claim"] = ["sq(x - xs) <= 1*sq(x - xs) + ga**2*sq(g)"]
        statement["run"]["next"] = {"x": "x + 0*g"}
        text, proof = texts(statement, {"show": statement["claim"][0], "terms": ["ga**2*sq(g)"]})
    else:
        step = {"show": statement["claim"][0], "use": {"convex": "2*ga", "least": "2*ga"}}
        text, proof = texts(statement, step)
    with pytest.raises(Refused, match="g is fixed, its point moves"):
        check(text, proof)


LATER = {  # b2_lower contradicts the draw's mean: only a model without cells at level 1 hides it
    "params": "om",
    "domain": ["om > 0"],
    "vectors": ["family x @ 1", "family Q ~ x @ 1"],
    "given": {"b": "b2_lower(Q, x, 1 + om)"},
    "claim": ["sq(x) <= om*sq(x)"],
}
TWICE = {"params": {"om": "1"}, "prob": ["1/2", "1/2"], "vectors": {"x": ["1"], "Q": [[["3"]], [["1"]]]}}


@pytest.mark.parametrize("cells", [[[]], [[[0]]], [[[0, 1], [1]]], [[[0, 1], []]], [[[0], [1]], [[0, 1]]]])
def test_cells_are_partitions_that_refine(cells):
    first = "0 - om*sq(x) >= 0"
    steps = (
        {"show": first, "use": {"b": "1"}},
        {
            "show": LATER["claim"][0],
            "use": {first: "1/om"},
            "terms": ["om*sq(x)"],
        },
    )
    text, _ = texts(LATER, *steps)
    with pytest.raises(Refused, match="no finer partition"):
        witness(text, {**TWICE, "cells": cells})
    with pytest.raises(Refused, match="another mean"):
        witness(text, {**TWICE, "cells": [[[0, 1]]]})


SUMS = {
    "params": "d k",
    "domain": ["k > 0", "d > 1", "d >= k"],
    "sizes": {"col": "d"},
    "indices": {"i": "col"},
    "arrays": {"x": "col"},
    "law": {"indicator": "u", "kind": "deal", "on": "col", "parameter": "k"},
    "claim": ["Sum(i, x[i]**2) >= 0"],
}


def test_half_a_card_is_not_dealt():
    statement = {**SUMS, "claim": ["E(Sum(i, u[i]*x[i]**2)) >= 0"]}
    with pytest.raises(Refused, match="cannot be dealt"):
        witness(json.dumps(statement), {"params": {"d": "3", "k": "1/2"}, "arrays": {"x": ["1", "2", "3"]}})


@pytest.mark.parametrize("zero", ["0/1", "-0", "0.0", 0])
def test_an_array_of_zeros_is_not_alive(zero):
    with pytest.raises(Refused, match="the array x vanishes"):
        witness(json.dumps(SUMS), {"params": {"d": "2", "k": "1"}, "arrays": {"x": [zero, zero]}})


def test_an_operator_that_vanishes_is_not_alive():
    statement = {
        "params": "t",
        "domain": ["t > 0"],
        "operators": ["common B"],
        "vectors": ["common x"],
        "given": {"zero": "zero(B(x), B(x))"},
        "claim": ["t*sq(B(x)) <= 0"],
    }
    with pytest.raises(Refused, match="B vanishes"):
        witness(
            json.dumps(statement), {"params": {"t": "1"}, "operators": {"B": "0"}, "vectors": {"x": ["1"]}}
        )


STEEP = {  # mu > L: only x = xs satisfies both
    "params": "L mu R",
    "domain": ["L > 0", "mu > L", "R > 0"],
    "vectors": ["common x", "common xs", "common h"],
    "values": "f fs",
    "given": {"below": "strongly_convex(fs, f, h, xs, x, mu)", "above": "descent(f, fs, h, x, xs, L)"},
    "claim": ["R*sq(x - xs) <= 0"],
}


def test_contradictory_constants_leave_only_one_point():
    first, room = "(mu - L)*sq(x - xs)/2 <= 0", "mu - L > 0"
    text, _ = texts(
        STEEP,
        {"show": first, "use": {"below": "1", "above": "1"}},
        {"show": room, "use": {"mu > L": "1"}},
        {"show": STEEP["claim"][0], "use": {first: "2*R/(mu - L)"}},
    )
    model = {
        "params": {"L": "1", "mu": "2", "R": "1"},
        "vectors": {"x": ["1"], "xs": ["1"], "h": ["1"]},
        "values": {"f": "0", "fs": "0"},
    }
    with pytest.raises(Refused, match="xs - x vanishes"):
        witness(text, model)


def test_a_contraction_beyond_one_leaves_only_zero():
    statement = {
        "params": "de",
        "domain": ["de > 1"],
        "vectors": ["family g", "family e", "family c", "family b"],
        "given": {"comp": "contraction(c, g - e, de)"},
        "claim": ["(1 - de)*sq(g - e) <= sq(g - e - c)"],
    }
    model = {"params": {"de": "2"}, "vectors": {"g": ["1"], "e": ["1"], "c": ["0"], "b": ["1"]}}
    with pytest.raises(Refused, match="vanishes"):
        witness(json.dumps(statement), model)
