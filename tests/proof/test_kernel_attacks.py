"""The kernel refuses what is false: planted errors in statements, certificates and signs."""

import copy
import json

import pytest

from compth.proof import Refused, check, counterexample, identity, witness
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
