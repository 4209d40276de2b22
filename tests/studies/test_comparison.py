"""Comparison: the table's numbers are those of the run and of the theorem."""

import json
from dataclasses import replace

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter
from compth.studies.comparison import rounding

PROBLEM = ct.problems.random_quadratic(3, 6, 10, seed=2)
METHODS = [ct.GD(), ct.DCGD(ct.RandK(2)), ct.DIANA(ct.RandK(2)), ct.DCGD(ct.TopK(1), gamma=0.05)]


@pytest.fixture(scope="module")
def comparison():
    return ct.compare(METHODS, PROBLEM, steps=400, runs=16, eps=1e-2)


def test_rows_repeat_the_theorem_and_the_run(comparison):
    for method, row, trace in zip(METHODS, comparison.rows, comparison.traces, strict=True):
        if row.label.endswith("TopK(k=1)"):
            assert row.theorem == ""
            assert "no guarantee" in row.note
            assert comparison.guarantee_curve(3) is None
            continue
        rate = ct.guarantee(method, PROBLEM, horizon=400)
        assert row.guaranteed_rate == rate.rho
        assert row.stepsize == rate.stepsize
        assert row.rounds == trace.rounds_to(1e-2)
        bound_at = rate.distance_bound(row.guaranteed_rounds) if row.guaranteed_rounds else None
        if bound_at is not None:
            target = 1e-2 * trace.mean_square[0]
            assert bound_at <= target < rate.distance_bound(row.guaranteed_rounds - 1)


def test_simulation_stays_below_the_guarantee(comparison):
    for i in (0, 1, 2):
        trace, promised = comparison.traces[i], comparison.guarantee_curve(i)
        seen = (trace.mean_square - 7 * trace.se_square) / trace.mean_square[0]
        assert (seen <= promised * (1 + 1e-9) + 1e-28).all()


def test_fixed_and_given_steps_are_told_apart(comparison):
    assert comparison.rows[0].stepsize_from == "gd.contraction"
    assert comparison.rows[3].stepsize_from == "given"


def test_exact_column_and_curve(comparison):
    for i, (row, curve, trace) in enumerate(
        zip(comparison.rows, comparison.exact, comparison.traces, strict=True)
    ):
        if row.label.endswith("TopK(k=1)"):
            assert curve is None
            assert row.exact_rate is None
            continue
        off = np.abs(curve.mean_square - trace.mean_square)
        assert (off <= 7 * trace.se_square + rounding(curve.mean_square)).all()
        assert row.warning == ""
        promised = comparison.guarantee_curve(i) * curve.mean_square[0]
        assert (curve.mean_square <= promised + rounding(curve.mean_square)).all()


def test_a_simulated_mean_that_misses_the_exact_one_is_warned_about(comparison):
    from compth.studies.comparison import _exact_facts

    trace = comparison.traces[1]
    low = replace(trace, mean_square=trace.mean_square * 0.1)
    assert "not to be trusted" in _exact_facts(comparison.exact[1], 0.9, low, 1e-2)["warning"]


def test_steps_far_from_the_exact_best_one_are_named(comparison):
    from compth.dynamics import best_step

    row = comparison.rows[1]
    gamma, found = best_step(comparison.methods[1], comparison.problem)
    assert row.best_step == pytest.approx(gamma, rel=1e-2)
    assert row.best_rate == pytest.approx(found.rho, rel=1e-4)
    assert f"{gamma / row.stepsize:.2g} x too short here" in row.step_remark
    assert f"{row.label}: {row.step_remark}" in " ".join(comparison.table().split())
    near = replace(row, stepsize=gamma, exact_rate=row.best_rate)
    assert near.step_remark == ""
    far = replace(row, stepsize=3 * gamma, stepsize_from="given", exact_rate=0.999)
    assert far.step_remark.startswith("the given step is 3 x too long")


def test_json_round_trip_and_provenance(comparison):
    data = json.loads(comparison.to_json())
    assert np.allclose(data["curves"][1]["mean_square"], comparison.traces[1].mean_square)
    assert "seed 0" in data["provenance"]
    assert data["problem"]["kappa"] == pytest.approx(10)


def test_text_latex_html_and_citations(comparison):
    table = comparison.table()
    assert len({len(line) for line in table.splitlines()[1:2]}) == 1
    assert "compth 0" in table
    latex = comparison.to_latex()
    assert latex.count(r"\\") == 1 + len(METHODS)
    assert r"zeta2*" in latex
    assert "@misc{diana" in comparison.cite()
    assert comparison.cite().count("{unified_sgd,") == 1


def test_figure_has_three_panels_with_dashed_guarantees(comparison):
    figure = comparison.plot()
    assert [a.get_xlabel() for a in figure.axes] == [
        "round t",
        "uplink bits sent per worker",
        "downlink bits received per worker",
    ]
    styles = [line.get_linestyle() for line in figure.axes[0].lines]
    assert styles.count("--") == 3
    assert styles.count("-") == 4
    assert [line.get_marker() for line in figure.axes[0].lines].count("o") == 3


def test_html_escapes_everything():
    plain = ct.problems.random_quadratic(2, 3, 4, seed=2)
    problem = ct.problems.distributed_quadratic(plain.A, plain.b, name="<script>alert(1)</script>")
    page = ct.compare([ct.GD()], problem, steps=5, runs=1).to_html("compth compare '<b>'")
    assert "<script" not in page
    assert "&lt;b&gt;" in page


@pytest.mark.parametrize("eps", [0, -0.1, 1, 2])
def test_eps_is_checked(eps):
    with pytest.raises(InvalidParameter, match=f"eps={eps}"):
        ct.compare([ct.GD()], PROBLEM, eps=eps)


def test_no_methods():
    with pytest.raises(InvalidParameter, match=r"methods=\[\] (is empty|must be a list)"):
        ct.compare([], PROBLEM)


def test_the_exact_rate_is_at_the_step_of_the_run():
    """The best theorem at 60 rounds plans another step than at 1000, where it is a schedule without a rate."""
    problem = ct.problems.random_quadratic(3, 5, 5, seed=0)
    method = ct.DCGD(ct.RandK(2))
    assert ct.guarantee(method, problem, horizon=1000).plan.schedule is not None
    row = ct.compare([method], problem, steps=60, runs=8).rows[0]
    assert row.stepsize_from == "dcsgd.constant"
    fixed = ct.DCGD(ct.RandK(2), gamma=row.stepsize)
    assert row.exact_rate == pytest.approx(ct.exact_rate(fixed, problem).rho, rel=1e-9)


def test_a_step_schedule_has_a_curve_and_no_exact_rate():
    problem = ct.problems.random_quadratic(3, 5, 5, seed=0)
    row = ct.compare([ct.DCGD(ct.RandK(2))], problem, steps=1000, runs=4).rows[0]
    assert row.stepsize_from == "dcsgd.horizon"
    assert row.exact_rate is None


def test_no_faster_step_is_named_for_a_method_that_runs_elsewhere():
    problem = ct.problems.random_quadratic(2, 4, 10, seed=2)
    row = ct.compare([ct.IST(ct.PermK(2), 0.05)], problem, steps=20, runs=4).rows[0]
    assert row.exact_rate is not None
    assert row.step_remark == ""


def test_a_step_that_is_not_shown_to_be_the_best_is_not_called_so(comparison):
    row = replace(comparison.rows[1], stepsize=0.1, exact_rate=0.99, best_step=0.3, best_rate=0.9)
    assert "too short" in row.step_remark
    unsure = replace(row, best_found=False)
    assert "too short" not in unsure.step_remark
    assert "gamma = 0.3 would be 10 x as fast here" in unsure.step_remark
    assert "not shown" in unsure.step_remark


@pytest.mark.slow
def test_the_certified_column_is_filled_or_says_why():
    """Bodies without a closed form are searched; the reasons of the others are a line each, of all that share it."""
    both = {"downlink": ct.Scaled(ct.RandK(2))}
    contracted, unbiased = ct.Scaled(ct.RandK(2)), ct.RandK(2)
    methods = [ct.DCGDStar(unbiased), ct.LAG(), ct.EF21BC(contracted, **both), ct.EF21P(unbiased, **both)]
    found = ct.compare(methods, PROBLEM, steps=5, runs=2)
    certified = ct.guarantee(methods[0], PROBLEM, "dcgdstar.certified")
    assert found.rows[0].certified_rate == certified.rho
    assert found.rows[0].certified_rounds == certified.iterations_to(1e-3 * found.traces[0].mean_square[0])
    lines = [line for line in found.remarks() if line.startswith("nothing is certified of")]
    assert [r.certified_step is not None for r in found.rows] == [True, False, True, True]
    (line,) = lines
    assert line.startswith(
        "nothing is certified of LAG Identity() zeta=1: LAG is no method written as a body"
    )


def test_a_certified_step_is_certified_there():
    found = ct.compare([ct.DCGDStar(ct.RandK(2))], PROBLEM, steps=5, runs=2, stepsizes="certified").rows[0]
    assert found.certified_step == found.stepsize
    assert found.certified_rounds > 0


def test_an_exact_curve_that_is_too_large_is_left_out_with_its_size(monkeypatch):
    method, limit = ct.RandDIANA(ct.RandK(2), 0.05), "compth.studies.comparison.MOMENTS"
    monkeypatch.setattr("compth.studies.comparison.certified_facts", lambda *given: {})
    whole = ct.compare([method], PROBLEM, steps=6, runs=2)
    assert whole.exact[0] is not None
    assert whole.rows[0].exact_note == ""
    monkeypatch.setattr(limit, 6)
    less = ct.compare([method], PROBLEM, steps=6, runs=2)
    assert less.exact[0] is None
    count = less.rows[0].exact_note.split()[0]
    assert int(count.replace(",", "")) > 2 * 6 * 6
    assert (
        f"{method.label}: {count} moments x 6 rounds are left out here: ct.exact computes them"
        in less.remarks()
    )
