"""A result's words hold for the values with which the package made it: typed, changed or forged ones lose them."""

import copy
import json
import pickle
from dataclasses import replace
from fractions import Fraction as F

import pytest

import compth as ct
from compth.dynamics.fixed_points import Stationary
from compth.dynamics.spectrum import ExactRate
from compth.dynamics.steps import StepSize
from compth.worst_case.floors import heterogeneous_dcgd
from compth.worst_case.tight import TightRate

PROBLEM = ct.problems.random_quadratic(n=2, d=3, kappa=4, seed=0)
METHOD = ct.DCGD(ct.RandK(1), gamma=0.1)
FEEDBACK = {"mu": [0.1, 0.2], "L": [1, 1], "delta": 0.5}
FLOOR = {"mu": F(1, 10), "L": 1, "omega": 1, "n": 2, "gamma": F(1, 4), "zeta2": 1}
RESULTS = {
    "bracket": (lambda: ct.heterogeneous_feedback("EF21", **FEEDBACK), "standing", "DERIVED", "lower"),
    "floor": (lambda: heterogeneous_dcgd(**FLOOR), "standing", "DERIVED", "floor"),
    "tight": (lambda: ct.tight_rate("CGD", mu=F(1, 10), L=1, delta=F(1, 2)), "tight", True, "rho"),
    "standing": (lambda: ct.tight_rate("DCGD", mu=F(1, 10), L=1, omega=1, n=2), "standing", "PROVED", "certified"),
    "rate": (lambda: ct.exact_rate(METHOD, PROBLEM), "converged", True, "rho"),
    "stationary": (lambda: ct.stationary(METHOD, PROBLEM), "converged", True, "gap"),
    "tuning": (lambda: ct.tune([3.0, 1.0, 0.5], "S"), "basis", "exact at this gradient", "improvement"),
    "family": (lambda: ct.tune([F(3), F(1), F(1, 2)], ct.RandK), "basis", "exact at this gradient", "share"),
    "guarantee": (lambda: ct.guarantee(ct.DCGD(ct.RandK(1)), PROBLEM, "dcgd.general"), "standing", "PROVED", "floor"),
}  # fmt: skip


def travelled(thing):
    return pickle.loads(pickle.dumps(thing))


def stuffed(thing):
    """What a pickle makes that holds a state instead of an origin."""
    made = object.__new__(type(thing))
    vars(made).update(vars(thing))
    return made


def overwritten(thing, name):
    object.__setattr__(thing, name, F(1, 100))
    return thing


@pytest.mark.parametrize("name", RESULTS)
def test_words_stand_on_journeys_and_fall_with_any_number(name):
    make, word, says, number = RESULTS[name]
    result = make()
    assert getattr(result, word) == says
    kept = [result, travelled(result), copy.copy(result), copy.deepcopy(result)]
    assert {getattr(r, word) for r in kept} == {getattr(result, word)}
    assert all(float(getattr(r, number)) == float(getattr(result, number)) for r in kept)
    forged = [replace(result, **{number: F(1, 100)}), stuffed(result), overwritten(make(), number)]
    for other in forged:
        assert getattr(other, word) != getattr(result, word), other
        assert "PROVED" not in str(other) or word == "basis"


def test_a_forged_result_travels_as_one():
    forged = replace(RESULTS["standing"][0](), certified=0.1, rho=0.1, attained=0.1)
    assert (travelled(forged).standing, travelled(forged).tight) == ("ASSUMED", False)
    assert not travelled(replace(RESULTS["rate"][0](), rho=0.1)).converged


def zeroed(curve):
    curve.mean_square[:] = 0
    return curve


def hiding(result):
    """The same numbers to whoever asks its namespace; Python finds others."""
    held = type("Hiding", (dict,), {"get": lambda self, name, default=None: vars(twin).get(name, default)})
    twin = RESULTS["tight"][0]()
    object.__setattr__(result, "__dict__", held({**vars(result), "rho": F(1, 100)}))
    return result


def inside(result, path, value):
    """A part of a part with another value: every field of the result itself holds the very object."""
    *parts, last = path.split(".")
    part = result
    for name in parts:
        part = part[int(name)] if name.isdigit() else getattr(part, name)
    object.__setattr__(part, last, value)
    return result


def derived():
    return ct.derive("EF21", mu=F(1, 10), L=1, delta=F(1, 2))


def of_another_class(result, **shown):
    """Its numbers shown by a class of somebody's, which has no words that could be lost."""
    space = {name: property(lambda self, v=v: v) for name, v in shown.items()}
    space |= {"WORDS": {}, "inside": lambda self: type("Any", (), {"__eq__": lambda a, b: True})()}
    object.__setattr__(result, "__class__", type("Mine", (type(result),), space))
    return result


def refuted():
    return ct.certify(lambda x: 0 * x, 2, claims=ct.Unbiased(1), budget="quick")


FORGED = {
    "a bracket in a cell": (lambda: inside(derived(), "cells.0.bracket.certified", F(1, 9)), "tight", False),
    "a certificate in a rate": (lambda: inside(RESULTS["tight"][0](), "certificate.rho", F(1, 9)), "tight", False),
    "the plan of a rate": (lambda: inside(RESULTS["guarantee"][0](), "plan.rho", 0.1), "standing", "ASSUMED"),
    "the class of a rate": (lambda: of_another_class(RESULTS["tight"][0](), rho=F(1, 9)), "tight", False),
    "the class of a promise": (lambda: of_another_class(RESULTS["guarantee"][0](), rho=0.1), "standing", "ASSUMED"),
    "the class of a report": (lambda: of_another_class(refuted(), verdict=ct.Verdict.PROVED), "stored", True),
    "a curve's array": (lambda: zeroed(ct.exact(METHOD, PROBLEM, 3)), "mode", "assumed"),
    "a mean-field curve": (lambda: replace(ct.exact(METHOD, PROBLEM, 3), mode="exact"), "mode", "assumed"),
    "a floor's constants": (lambda: constants_of(RESULTS["floor"][0]()), "standing", "ASSUMED"),
    "a namespace": (lambda: hiding(RESULTS["tight"][0]()), "tight", False),
    "a step": (lambda: StepSize(9.0, (9.0, 9.0), True), "converged", False),
    "a best step": (lambda: ct.best_step(METHOD, PROBLEM)._replace(gamma=STEP()), "converged", False),
    "an estimate": (lambda: ct.Estimate("C", 3, "unbiased", exact=F(1, 9)), "exact", None),
    "a row": (lambda: replace(row(), guaranteed_rate=0.1), "theorem_standing", "ASSUMED"),
}  # fmt: skip


def STEP():
    return ct.max_stable_step(METHOD, PROBLEM)


def row():
    return ct.compare([ct.GD()], PROBLEM, 3, 2, 0).rows[0]


def constants_of(floor):
    floor.constants["zeta2"] = F(1, 100)
    return floor


@pytest.mark.parametrize("name", FORGED)
def test_what_is_typed_or_changed_inside_loses_its_words(name):
    make, word, says = FORGED[name]
    assert getattr(make(), word) == says


def test_a_certificate_of_another_class_makes_its_report_a_word():
    report = refuted()
    assert not report.stored
    of_another_class(report.certificates[0], verdict=ct.Verdict.PROVED)
    assert (report.verdict, report.stored) == ("PROVED", True)
    assert "judge it again" in str(report)


def test_what_is_looked_at_inside_may_be_used():
    """Nothing loses its words by being read, printed or written."""
    for result, word, says in ((derived(), "tight", True), (refuted(), "stored", False)):
        assert all((str(result), result.to_json(), result.to_latex()))
        assert getattr(result, word) == says
    assert derived().check()


def test_steps_and_estimates_that_were_found_here_have_their_words():
    best = ct.best_step(METHOD, PROBLEM)
    written = STEP()
    found = [best, best.gamma, written]
    assert all(r.converged and travelled(r).converged and copy.copy(r).converged for r in found)
    assert ct.exact(METHOD, PROBLEM, 3).mode == travelled(ct.exact(METHOD, PROBLEM, 3)).mode == "exact"
    assert row().theorem_standing == "PROVED/OURS"
    written.bracket = (99.0, 99.0)
    assert not written.converged
    known = ct.estimate(ct.RandK(1), 3, budget="quick")
    assert known.exact == 2
    assert "exactly" not in str(replace(known, exact=F(1, 9)))


def test_a_result_that_is_typed_has_no_words():
    assert not ExactRate(0.1, 0.1, 0.1, (0.1, 0.1), False, True, 1).converged
    assert not Stationary(0.0, 0.0, True, (0.0, 0.0), (0.0, 0.0)).converged
    typed = TightRate("EF", 0.1, 0.1, 0.1, 1, {}, {}, None, None, True, ct.Standing.PROVED)
    assert (typed.tight, typed.standing, typed.closed_form) == (False, "ASSUMED", False)


def test_numbers_of_a_rate_that_are_set_make_its_standing_a_word():
    rate = RESULTS["guarantee"][0]()
    object.__setattr__(rate, "values", lambda t: 0.0)
    assert rate.standing == "ASSUMED"
    assert travelled(rate).bound(3) > 0


def compared():
    return ct.compare([ct.GD(), ct.DCGD(ct.RandK(1))], PROBLEM, 5, 2, 0)


def with_row(comparison, **values):
    first, second = comparison.rows
    return replace(comparison, rows=(first, replace(second, **values)))


def with_curve(comparison):
    comparison.traces[1].mean_square[1:] = 0
    return comparison


def overwritten_row(comparison):
    object.__setattr__(comparison.rows[1], "exact_rounds", 1)
    return comparison


COMPARED = {
    "a typed row": (lambda c: with_row(c, exact_rounds=1, exact_rate=0.1), "DCGD RandK(k=1): this row"),
    "a row that claims to be proved": (lambda c: with_row(c, standing="PROVED/OURS", rounds=1), "DCGD RandK(k=1)"),
    "a row that was written to": (overwritten_row, "DCGD RandK(k=1): this row"),
    "rows of another comparison": (lambda c: replace(c, rows=compared().rows[::-1]), "this comparison"),
    "another target": (lambda c: replace(c, eps=0.5), "this comparison"),
    "a curve": (with_curve, "this comparison"),
    "one that travelled": (lambda c: travelled(with_row(c, exact_rounds=1)), "DCGD RandK(k=1): this row"),
    "a copy": (lambda c: copy.copy(with_row(c, exact_rounds=1)), "DCGD RandK(k=1): this row"),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPARED)
def test_a_comparison_says_which_of_its_rows_were_typed(name):
    """Numbers typed into a row were printed as if compare had found them, in a table, a page, a file and a paper."""
    make, whose = COMPARED[name]
    forged = make(compared())
    (said,) = forged.doubts()
    assert said.startswith(f"warning: {whose}")
    page = [forged.to_html()] if name == "a typed row" else []
    for shown in (forged.table(), str(forged), forged._repr_html_(), forged.to_latex(), *page):
        assert "typed or changed by hand" in " ".join(shown.split())
    held = json.loads(forged.to_json())
    assert held["doubts"] == [said]
    assert "this comparison" in said or held["rows"][1]["standing"] == "ASSUMED"


def test_an_honest_comparison_says_nothing_of_hands():
    honest = compared()
    for c in (honest, travelled(honest), copy.copy(honest), copy.deepcopy(honest)):
        assert c.doubts() == []
        assert "by hand" not in c.table() + c.to_json()
        assert c.rows[1].theorem_standing == "PROVED/OURS"


SEEN = {
    "a run": (lambda: ct.simulate(METHOD, PROBLEM, 4, 3, 0), {"runs": 10**6}),
    "levels": (lambda: ct.compare_levels(PROBLEM, steps=5, runs=2, levels=[1]), {"tuned": 1.0}),
    "steps": (lambda: ct.step_sizes(METHOD, PROBLEM), {"reference": "theorem"}),
    "a worst case": (lambda: RESULTS["tight"][0]().worst_case, {"rate": 0.1}),
    "an estimation": (lambda: ct.mean_estimation([[1.0, 2.0, 4.0]], 1.0), {"mse": 0.0}),
    "a search": (lambda: ct.study(lambda q: 0.5, count=1), {"worst": 0.1}),
    "a curve": (lambda: ct.exact(METHOD, PROBLEM, 3), {"label": "EF21"}),
    "a rate": (lambda: RESULTS["rate"][0](), {"rho": 0.1, "bracket": (0.1, 0.1)}),
    "a floor": (lambda: RESULTS["stationary"][0](), {"bracket": (0.0, 0.0)}),
    "a row of the unified table": (lambda: ct.unified_table()[0], {"step": 9}),
    "a row of who takes what": (
        lambda: ct.compatibility([ct.RandK(1)])[0],
        {"verdict": "theorem", "theorems": ("x",)},
    ),
    "an analysis": (lambda: ct.analyse(ct.DCGD(ct.RandK(1))), {"derived": (("worst case", "0.1"),)}),
}
"""Results whose numbers have no word beside them, and a change that nobody computed."""


@pytest.mark.parametrize("name", SEEN)
def test_a_typed_result_is_told_as_such_wherever_it_is_shown(name):
    make, change = SEEN[name]
    result = make()
    for honest in (result, travelled(result), copy.deepcopy(result)):
        assert "somebody's word" not in str(honest)
        assert "was computed here" not in str(honest)
    for forged in (replace(result, **change), travelled(replace(result, **change)), stuffed(result)):
        for shown in (str(forged), forged._repr_html_(), forged.to_latex()):
            words = " ".join(shown.replace("&#x27;", "'").split())
            assert "somebody's word" in words or "nothing of them was computed here" in words, words


def test_a_typed_step_is_told_as_such_wherever_it_is_shown():
    """StepSize(9.0, (9.0, 9.0), True) printed 9.0, and a best step put together of two had no word."""
    best, other = ct.best_step(METHOD, PROBLEM), STEP()
    for honest in (best, best.gamma, other, travelled(best), copy.copy(other)):
        assert "somebody's word" not in "".join((str(honest), honest._repr_html_(), honest.to_latex()))
    other.bracket = (1.0, 1.0)
    typed = StepSize(9.0, (9.0, 9.0), True)
    mixed = [best._replace(gamma=g) for g in (typed, STEP())] + [best._replace(rate=RESULTS["rate"][0]())]
    pair = ct.best_step(METHOD, PROBLEM)
    object.__setattr__(pair.rate, "rho", 0.1)
    for forged in (typed, other, *mixed, pair, travelled(mixed[0]), travelled(typed)):
        for shown in (str(forged), forged._repr_html_(), forged.to_latex()):
            assert "somebody's word" in " ".join(shown.replace("&#x27;", "'").split()), shown


def test_the_latex_of_a_typed_estimate_says_so():
    """It stood there as "seems unbiased ..., with ." and no word."""
    assert "somebody's word" in replace(ct.estimate(ct.RandK(1), 3), exact=F(1, 9)).to_latex()


def test_an_array_of_a_run_that_was_written_into_is_told():
    run = ct.simulate(METHOD, PROBLEM, 4, 3, 0)
    run.mean_square[2] = 0
    assert "somebody's word" in str(run)


def test_a_certificate_of_matrices_says_what_they_show():
    """A typed rho said "check() proves it", and the name beside the matrices was taken for what they prove."""
    certificate = RESULTS["tight"][0]().certificate
    assert "check() proves it" in " ".join(str(certificate).split())
    other = replace(certificate, rho=certificate.rho / 2)
    assert "check() FAILS" in " ".join(str(other).split())
    assert "labels" in str(certificate)


def test_a_table_of_given_factors_vouches_for_none():
    table = ct.step_table({"theorem": 0.1}, {"guaranteed": {"theorem": 0.5}})
    assert "nothing of them was computed here" in " ".join(str(table).split())


def test_a_refuted_rate_prints_alone():
    """Its witness is a table of names: printing its certificate raised a TypeError."""
    (found,) = ct.check_rate("CGD", rate=F(1, 2), stepsize=1, mu=F(1, 10), L=1, delta=F(1, 2)).certificates
    for shown in (str(found), found._repr_html_(), found.to_latex()):
        assert "REFUTED" in shown
    said = " ".join(str(found).split())
    assert "at mu = 1/10, L = 1, delta = 1/2, n = 1; fails on" in said
    assert "by hand: curvature = 1/10" in said
