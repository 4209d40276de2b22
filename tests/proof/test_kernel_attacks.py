"""The kernel refuses what is false: planted errors in statements, certificates and signs."""

import copy
import json

import pytest

from compth.proof import Refused, check, counterexample, identity, kernel, witness
from compth.proof.printing import as_latex, as_text

VARIANCE = {
    "name": "second moment",
    "params": "om",
    "domain": ["om >= 0"],
    "vectors": ["family x", "family Q ~ x @ 0"],
    "given": {"var": "variance(Q, om)"},
    "claim": ["sq(Q) <= (1 + om)*sq(x)"],
}
STEP = {"show": VARIANCE["claim"][0], "use": {"var": "1"}, "terms": []}
COIN = {"params": {"om": "1"}, "prob": ["1/2", "1/2"], "vectors": {"x": ["1"], "Q": [[["2"]], [["0"]]]}}


def prove(statement, *steps):
    text = json.dumps(statement)
    return check(text, json.dumps({"statement": identity(text), "steps": list(steps)}))


def changed(**fields):
    return {**copy.deepcopy(VARIANCE), **fields}


def test_a_true_statement_is_proved_and_names_its_axioms():
    record = prove(VARIANCE, STEP)
    assert record["hypotheses"] == {"var": "variance(Q, om)"}
    assert record["unused"] == []
    assert witness(json.dumps(VARIANCE), COIN) == [0]


def test_a_true_strengthening_is_proved():
    claim = "sq(Q) + sq(x - 2*x) <= (2 + om)*sq(x)"
    assert prove(changed(claim=[claim]), {"show": claim, "use": {"var": "1"}, "terms": []})["claims"] == [
        claim
    ]


@pytest.mark.parametrize(
    ("claim", "use", "terms"),
    [
        ("sq(Q) <= om*sq(x)", {"var": "1"}, []),
        ("sq(Q) <= om*sq(x)", {"var": "1"}, ["-sq(x)"]),
        ("sq(Q) <= om*sq(x)", {"var": "1"}, ["(0 - 1)*sq(x)"]),
        ("sq(Q) <= om*sq(x)", {"var": "1", "om >= 0": "-sq(x)/1"}, []),
        ("sq(Q) >= 2*sq(x)", {"var": "-1"}, ["(1 - om)*sq(x)"]),
        ("sq(Q) == (1 + om)*sq(x)", {"var": "1"}, []),
        ("sq(Q) < (1 + om)*sq(x)", {"var": "1"}, []),
    ],
)
def test_false_claims_and_hidden_negative_multipliers_are_refused(claim, use, terms):
    with pytest.raises(Refused):
        prove(changed(claim=[claim]), {"show": claim, "use": use, "terms": terms})


@pytest.mark.parametrize(
    "fields",
    [
        {"given": {"var": "sq(Q - x) <= 0"}},
        {"given": {"var": "variance(x, om)"}},
        {"given": {"var": "order(sq(Q), om*sq(x))"}},
        {"given": {"var": "variance(Q, om)", "ind": "independent(x, 2)"}},
        {"vectors": ["family x @ 1", "family Q ~ x @ 0"]},
        {"vectors": ["family x", "common Q ~ x @ 0"]},
        {"vectors": ["family om", "family Q ~ om @ 0"]},
        {"vectors": ["family P", "family Q ~ P @ 0"]},
        {"let": {"om": "om + 1"}},
        {"let": {"x": "om"}},
        {"domain": ["sq(x) <= 0"]},
        {"claim": ["__import__('os')"]},
        {"claim": ["sq(Q) <= (1 + om)*sq(x) <= om"]},
        {"claim": ["sq(Q) <= (1 + 1.5)*sq(x)"]},
        {"claim": ["sq(Q) <= sq(x)/(om - 1)"]},
        {"claim": ["sq(Q) <= sq(x)*2**99999"]},
        {"claim": ["sq(Q) <= True*sq(x)"]},
        {"claim": []},
        {"extra": "1"},
        {"claim": ["sq(Q) <= (1 + om)*sq(x) # <= sq(x)"]},
        {"claim": ["sq(Q) <= \\\n(1 + om)*sq(x)"]},
        {"claim": ["sq(Q) <= (1 + om)*sq(\uff58)"]},
        {"claim": ["sq(Q) <= (1 + \u043em)*sq(x)"]},
        {"params": "om \u03c9"},
        {"params": 1},
        {"params": ["om"]},
        {"claim": ["sq(Q) <= (1 + om)*sq(x)*1e0"]},
        {"claim": ["sq(Q) <= (1 + om)*sq(x)*1j"]},
        {"claim": ["sq(Q) <= (1 + om)*sq(x)**(0 - 1)"]},
        {"claim": ["sq(Q) <= (1 + om)*sq(x)**1.0"]},
        {"claim": ["sq(Q) <= (1 + om)*x*x"]},
        {"claim": ["sq(Q) <= (1 + om)*x**2"]},
        {"claim": ["sq(Q) <= (1 + om)*(sq(x) + x)"]},
        {"claim": ["sq(Q) <= nan*sq(x)"]},
        {"claim": ["sq(Q) <= (om := 1)*sq(x)"]},
        {"claim": ["sq(Q) <= (lambda: 1)()*sq(x)"]},
        {"claim": [float("nan")]},
        {"claim": [True]},
        {"domain": [1.0]},
        {"given": {"var": "variance(Q, om, om)"}},
        {"given": {"om >= 0": "variance(Q, om)"}},
        {"given": {"1 > 0": "variance(Q, om)"}},
        {"values": "om"},
        {"values": "x"},
        {"operators": ["common x"]},
        {"operators": ["common B ~ x"]},
        {"let": {"sq": "om"}},
        {"let": {"variance": "om"}},
        {"sizes": {"om": "2"}},
        {"indices": {"i": "col"}},
    ],
)
def test_malformed_statements_are_refused(fields):
    statement = changed(**fields)
    with pytest.raises(Refused):
        prove(statement, {**STEP, "show": (statement["claim"] or [STEP["show"]])[0]})


def test_a_certificate_of_another_statement_is_refused():
    text = json.dumps(VARIANCE)
    with pytest.raises(Refused, match="another statement"):
        check(text, json.dumps({"statement": identity(json.dumps(changed(name="b"))), "steps": [STEP]}))


def test_objects_instead_of_texts_are_refused():
    with pytest.raises(Refused, match="JSON texts"):
        check(VARIANCE, {"statement": "", "steps": []})


def test_the_claim_itself_has_to_be_shown():
    with pytest.raises(Refused, match="not shown"):
        prove(VARIANCE, {"show": "sq(x) >= 0", "terms": ["sq(x)"]})
    with pytest.raises(Refused, match="not shown"):
        prove(VARIANCE)


def test_a_step_cannot_use_what_it_shows():
    claim = "sq(Q) <= sq(x)"
    with pytest.raises(Refused, match="not known"):
        prove(changed(claim=[claim]), {"show": claim, "use": {claim: "1"}})


def test_the_tower_rule_needs_measurability():
    two = {
        "name": "two draws",
        "vectors": ["family x", "family Q ~ x @ 0", "family R ~ x @ 0"],
        "claim": ["dot(Q, R) == sq(x)"],
    }
    with pytest.raises(Refused, match="identity fails"):
        prove(two, {"show": two["claim"][0]})
    later = {**two, "vectors": ["family x", "family Q ~ x @ 0", "family R ~ x @ 1"]}
    assert prove(later, {"show": two["claim"][0]})
    same = {"prob": ["1/2", "1/2"], "vectors": {"x": ["1"], "Q": [[["2"]], [["0"]]], "R": [[["2"]], [["0"]]]}}
    assert counterexample(json.dumps(two), same) == -1


def test_a_family_operator_does_not_commute_with_the_mean():
    base = {"name": "operators", "vectors": ["family x", "common c"]}
    own = {**base, "operators": ["family B"], "claim": ["dot(c, P(B(x))) == dot(c, B(P(x)))"]}
    with pytest.raises(Refused, match="identity fails"):
        prove(own, {"show": own["claim"][0]})
    assert prove({**own, "operators": ["common B"]}, {"show": own["claim"][0]})
    assert prove(
        {**own, "claim": ["dot(c, P(B(x))) == dot(B(c), x)"]}, {"show": "dot(c, P(B(x))) == dot(B(c), x)"}
    )


DEAL = {
    "name": "deal",
    "params": "d k",
    "domain": ["k >= 1", "d >= k", "d >= 2"],
    "sizes": {"col": "d"},
    "indices": {"i": "col", "j": "col"},
    "arrays": {"x": "col"},
    "law": {"indicator": "u", "kind": "deal", "on": "col", "parameter": "k"},
}
PAIRS = (
    "E(Sum(j, u[j]*x[j])**2) == k*(d - k)/(d*(d - 1))*Sum(j, x[j]**2) + k*(k - 1)/(d*(d - 1))*Sum(j, x[j])**2"
)


def test_second_moments_of_a_deal_by_inclusion_probabilities():
    statement = {**DEAL, "claim": [PAIRS]}
    assert prove(statement, {"show": PAIRS})
    model = {"params": {"d": "4", "k": "2"}, "arrays": {"x": ["1", "-2", "3", "5"]}}
    assert witness(json.dumps({**statement, "domain": ["k >= 1", "d >= k", "d >= 2"]}), model) == [0]


def test_a_deal_needs_as_many_cards_as_it_looks_at():
    with pytest.raises(Refused, match="which was not shown"):
        prove({**DEAL, "domain": ["k >= 1", "d >= k"], "claim": [PAIRS]}, {"show": PAIRS})


@pytest.mark.parametrize(
    "claim",
    [
        "E(Sum(j, u[j]*x[j])**2) == k**2/d**2*Sum(j, x[j])**2",
        "u[j] >= 0",
        "Sum(j, x[j])**2 == Sum(j, x[j]**2)",
    ],
)
def test_index_sums_are_not_confused(claim):
    with pytest.raises(Refused):
        prove({**DEAL, "claim": [claim]}, {"show": claim})


RUN = {
    "name": "run",
    "params": "q",
    "domain": ["q >= 0", "q <= 1"],
    "vectors": ["common x", "common c @ 1"],
    "given": {"comp": "contraction(c, x, q)"},
    "claim": ["sq(x - c) <= (1 - q)*sq(x)"],
    "run": {
        "potential": "sq(x)",
        "next": {"x": "x - c"},
        "rate": "1 - q",
        "gain": "0",
        "noise": "0",
        "fixed": "",
    },
}
RUN_STEPS = [{"show": "1 - q >= 0", "use": {"q <= 1": "1"}}, {"show": RUN["claim"][0], "use": {"comp": "1"}}]


def test_one_step_claims_lift_to_runs():
    assert "V_k <= r**k*V_0" in prove(RUN, *RUN_STEPS)["runs"]


@pytest.mark.parametrize(
    "fields",
    [
        {"rate": "(1 - q)**2"},
        {"rate": "1 - 2*q"},
        {"rate": "sq(x)"},
        {"noise": "-1"},
        {"noise": "sq(x)"},
        {"next": {"x": "c"}},
        {"next": {}},
        {"fixed": "x"},
        {"potential": "sq(x - c)"},
    ],
)
def test_false_lifts_are_refused(fields):
    with pytest.raises(Refused):
        prove({**RUN, "run": {**RUN["run"], **fields}}, *RUN_STEPS)


def test_a_negative_rate_does_not_lift():
    with pytest.raises(Refused, match="rate or noise"):
        prove({**RUN, "domain": ["q >= 0"]}, RUN_STEPS[1])


@pytest.mark.parametrize(
    "model",
    [
        {**COIN, "params": {"om": "0"}},
        {**COIN, "vectors": {"x": ["0"], "Q": [[["1"]], [["-1"]]]}},
        {**COIN, "vectors": {"x": ["1"], "Q": ["1"]}},
        {**COIN, "vectors": {"x": ["1"], "Q": [[["3"]], [["0"]]]}},
        {**COIN, "prob": ["1/2", "1/4"]},
    ],
)
def test_witnesses_that_break_a_hypothesis_or_are_degenerate_are_refused(model):
    with pytest.raises(Refused):
        witness(json.dumps(VARIANCE), model)


def test_contradictory_hypotheses_have_no_witness():
    shared = changed(params="om n", domain=["om >= 0", "n >= 2"])
    shared["given"] = {"var": "variance(Q, om)", "ind": "independent(Q, n)"}
    model = {**COIN, "params": {"om": "2", "n": "3"}}
    with pytest.raises(Refused, match="breaks ind"):
        witness(json.dumps(shared), model)


def test_proofs_print_as_text_and_latex():
    proof = {"statement": identity(json.dumps(RUN)), "steps": RUN_STEPS}
    assert "Multiply (comp) by 1 and add." in as_text(RUN, proof)
    assert r"\mathbb{E}\left\|x - c\right\|^2 \le \left(1 - q\right)\," in as_latex(RUN, proof)


def test_a_nonnegative_sum_says_nothing_of_its_terms():
    statement = {
        "name": "sums",
        "params": "d",
        "domain": ["d >= 2"],
        "sizes": {"col": "d"},
        "indices": {"j": "col"},
        "arrays": {"x": "col", "y": "col"},
        "given": {"a": "order(0, Sum(j, x[j]))", "b": "order(0, Sum(j, y[j]))"},
        "claim": ["Sum(j, x[j]*y[j]) >= 0"],
    }
    model = {"params": {"d": "2"}, "arrays": {"x": ["2", "-1"], "y": ["-1", "2"]}}
    assert counterexample(json.dumps(statement), model) == -4
    for terms in (["Sum(j, x[j]*y[j])"], ["Sum(j, x[j])*Sum(j, y[j])"]):
        with pytest.raises(Refused):
            prove(statement, {"show": statement["claim"][0], "terms": terms})


@pytest.mark.parametrize(
    "fields",
    [
        {"sizes": {"col": "d - 5"}, "claim": ["Sum(j, 1) >= 0"]},
        {"law": {**DEAL["law"], "parameter": "k + d"}},
        {"law": {**DEAL["law"], "kind": "coins", "parameter": "k/d + 1"}},
    ],
)
def test_sorts_and_laws_that_cannot_exist_are_refused(fields):
    statement = {**DEAL, "claim": ["d >= 0"], **fields}
    with pytest.raises(Refused, match="was not shown"):
        prove(statement, {"show": statement["claim"][0], "terms": ["d"]})


@pytest.mark.parametrize("parameter", ["Sum(i, x[i]**2)", "x[j]**2"])
def test_a_law_uses_its_own_indices_only(parameter):
    law = {**DEAL["law"], "kind": "coins", "parameter": parameter}
    given = {"top": f"order({parameter}, 1)", "low": f"order(0, {parameter})"}
    statement = {**DEAL, "law": law, "given": given, "claim": ["E(Sum(j, u[j]*x[j])) == 0"]}
    with pytest.raises(Refused, match="its indices are the first declared"):
        prove(statement, {"show": statement["claim"][0]})


def test_a_key_that_stands_twice_is_refused():
    text = json.dumps(VARIANCE)
    twice = text[:-1] + ', "claim": ["sq(Q) <= (1 + om)*sq(x)"]}'
    with pytest.raises(Refused, match="a key twice"):
        check(twice, json.dumps({"statement": identity(twice), "steps": [STEP]}))


def test_a_definition_is_not_changed_by_the_run_that_uses_it():
    """V <= V is true, V_k <= V_0 along x -> x - c is not: the potential is a `let` name."""
    run = {**RUN["run"], "potential": "V", "rate": "1"}
    statement = {**RUN, "let": {"V": "sq(x)"}, "claim": ["V <= V"], "run": run}
    with pytest.raises(Refused, match="no claim is the run's one step"):
        prove(statement, {"show": "V <= V"})
    true = {**statement, "claim": ["sq(x - c) <= V"]}
    steps = [{"show": "1 - q >= 0", "use": {"q <= 1": "1"}}]
    steps += [{"show": true["claim"][0], "use": {"comp": "1"}, "terms": ["q*sq(x)"]}]
    assert prove(true, *steps)["runs"]


TELESCOPE = {
    "name": "telescope",
    "params": "q",
    "domain": ["q >= 0", "q <= 1"],
    "vectors": ["common x", "common c @ 1"],
    "given": {"comp": "contraction(c, x, q)"},
    "claim": ["sq(x - c) + q*sq(x) <= sq(x)"],
    "run": {**RUN["run"], "rate": "1", "gain": "q*sq(x)"},
}


def test_one_step_decreases_add_up():
    record = prove(TELESCOPE, {"show": TELESCOPE["claim"][0], "use": {"comp": "1"}})
    assert record["runs"].startswith("V_k + sum_(t<k) r**(k-1-t)*(q*sq(x))_t <= r**k*V_0")


@pytest.mark.parametrize(
    "fields",
    [
        {"gain": "2*q*sq(x)"},
        {"gain": "0"},
        {"gain": "-q*sq(x)"},
        {"noise": "q"},
        {"rate": "1 - q"},
        {"rate": "q"},
    ],
)
def test_false_telescopes_are_refused(fields):
    statement = {**TELESCOPE, "run": {**TELESCOPE["run"], **fields}}
    with pytest.raises(Refused):
        prove(statement, {"show": TELESCOPE["claim"][0], "use": {"comp": "1"}})


def test_products_of_bounds_are_certificates():
    """sum c_a prod g_i^a: every factor is a known relation, in `use` times factors, or in `terms`."""
    statement = {
        "name": "product",
        "params": "a b",
        "domain": ["a >= 0", "b >= 0", "a <= 1", "b <= 1"],
        "claim": ["a*b*(1 - a)*(1 - b) + 3*(1 - a)**2*b >= 0", "a + b <= 1 + a*b"],
    }
    known = [{"show": f"1 - {v} >= 0", "use": {f"{v} <= 1": "1"}} for v in "ab"]
    product = {"show": statement["claim"][0], "terms": ["a*b*(1 - a)*(1 - b)", "3*(1 - a)**2*b"]}
    corner = {"show": statement["claim"][1], "use": {"1 - a >= 0": "1 - b"}}
    assert prove(statement, *known, product, corner)
    with pytest.raises(Refused, match="was not shown nonnegative"):
        prove({**statement, "domain": ["a >= 0", "b >= 0", "a <= 1"]}, known[0], product)
    false = {**statement, "claim": ["a + b <= 1"]}
    with pytest.raises(Refused, match="identity fails"):
        prove(false, *known, {"show": "a + b <= 1", "use": {"1 - a >= 0": "1 - b"}})
    assert counterexample(json.dumps(false), {"params": {"a": "1", "b": "1"}}) == -1


def test_dealing_two_cards_of_one_is_refused():
    """(d)_2 = d (d - 1) vanishes at d = 1."""
    for domain in (["k >= 1", "d >= k"], ["k >= 1", "d >= k", "d >= 1"]):
        for claim in (PAIRS, PAIRS.replace("(d - 1)", "d")):
            with pytest.raises(Refused, match="was not shown"):
                prove({**DEAL, "domain": domain, "claim": [claim]}, {"show": claim})


def test_an_indicator_cannot_hide_in_a_divisor():
    for law in ({**DEAL["law"], "kind": "coins", "on": "", "parameter": "k/d"}, DEAL["law"]):
        claim = "E(1/(1 + u[()]**2)) == 1" if not law["on"] else "E(Sum(j, 1/(1 + u[j]**2))) == d"
        with pytest.raises(Refused):
            prove({**DEAL, "law": law, "claim": [claim]}, {"show": claim})


def test_the_kernel_alone_needs_no_guard_to_refuse_false_claims():
    text = json.dumps(changed(claim=["sq(Q) <= om*sq(x)"]))
    proof = {"statement": identity(text), "steps": [{**STEP, "show": "sq(Q) <= om*sq(x)"}]}
    with pytest.raises(Refused, match="identity fails"):
        kernel.check(text, json.dumps(proof))


@pytest.mark.parametrize(
    "given", ["noise(x, P, om)", "noise(Q, x, om)", "loewner(Q, x, om)", "least(om, om, om)"]
)
def test_schemas_refuse_other_arguments(given):
    with pytest.raises(Refused):
        prove(changed(given={"var": "variance(Q, om)", "it": given}), STEP)


@pytest.mark.parametrize("level", [0, 1])
def test_operators_in_a_run_belong_to_the_problem(level):
    run = {
        **RUN["run"],
        "potential": "sq(B(x))",
        "next": {"x": "x"},
        "rate": "1",
        "noise": "sq(B(y))",
        "fixed": "y",
    }
    statement = {
        "name": "operators in a run",
        "operators": [f"common B @ {level}"],
        "vectors": ["common x", "common y"],
        "claim": ["sq(B(x)) <= sq(B(x)) + sq(B(y))"],
    }
    step = {"show": statement["claim"][0], "terms": ["sq(B(y))"]}
    if level == 0:
        assert prove({**statement, "run": run}, step)["runs"]
        return
    for potential in ("sq(B(x))", "sq(x)"):
        with pytest.raises(Refused, match=r"the same at every step|neither moving nor fixed"):
            prove({**statement, "run": {**run, "potential": potential}}, step)
