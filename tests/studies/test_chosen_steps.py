"""Whose step a comparison uses: each kind is what its name says, and what is not there is said."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter, NoGuarantee
from compth.studies import chosen_steps
from compth.studies import comparison as comparison_of
from compth.studies.chosen_steps import CHOICES, chosen, names_of

HOW = {"steps": 300, "seed": 0, "eps": 1e-3}


@pytest.fixture(scope="module")
def problem():
    return ct.problems.random_quadratic(4, 6, 20, 0)


@pytest.fixture(scope="module")
def compared(problem):
    methods = [ct.GD(), ct.DIANA(ct.RandK(k=2)), ct.EF21(ct.TopK(k=2)), ct.DCGD(ct.RandK(k=2))]
    return ct.compare(methods, problem, 300, 8, stepsizes=["theorem", "certified", "best"])


def rows_of(compared, whose):
    return {
        r.method: r
        for r, kind in zip(compared.rows, compared.info["stepsizes"], strict=True)
        if kind == whose
    }


def test_a_row_for_every_method_and_kind_of_step(compared):
    assert list(compared.info["stepsizes"]).count("theorem") == 4
    theirs, best = rows_of(compared, "theorem"), rows_of(compared, "best")
    assert set(theirs) == set(best) == {"GD", "DIANA", "EF21", "DCGD"}
    assert best["EF21"].stepsize_from == "tuned"
    assert [r.stepsize_from for r in rows_of(compared, "certified").values()] == ["certified"] * 3
    assert len({t.label for t in compared.traces}) == len(compared.rows)


def test_the_best_step_is_the_one_that_the_theorems_row_speaks_of(compared):
    theirs, best = rows_of(compared, "theorem")["DIANA"], rows_of(compared, "best")["DIANA"]
    assert best.stepsize == pytest.approx(theirs.best_step)
    assert best.exact_rate == pytest.approx(theirs.best_rate, rel=1e-6)
    assert best.exact_rounds < theirs.exact_rounds


def test_the_certified_step_is_that_of_the_theorems_row(compared):
    theirs, certified = rows_of(compared, "theorem")["DIANA"], rows_of(compared, "certified")["DIANA"]
    assert certified.stepsize == pytest.approx(theirs.certified_step)


def test_what_is_not_there_is_said(compared):
    text = str(compared)
    assert "DCGD Rand-2: no certified step" in text.replace("\n  ", " ")
    assert "tuned instead of the best step (second moments do not close), by powers" in text.replace(
        "\n  ", " "
    )
    assert "EF21 Top-2 2^" in text.replace("\n  ", " ")
    assert "At the certified steps" in text


def test_a_search_serves_the_same_parameters_only(problem):
    """DIANA with an alpha of its own is another method than the one whose search is known."""
    (theirs, best), _ = chosen([ct.DIANA(ct.RandK(k=2))], problem, ("theorem", "best"), **HOW)
    assert theirs.found is best.found
    fixed = best.found[0]
    rate = comparison_of._best(fixed, problem, 0.5, best.found)
    assert rate["best_step"] == float(best.found[1].gamma)
    other = comparison_of._best(replace(fixed, alpha=fixed.alpha / 8), problem, 0.5, best.found)
    assert other["best_step"] != rate["best_step"]


def test_a_rate_among_very_many_moments_is_not_searched(problem, monkeypatch):
    """A dozen of such rates take a quarter of an hour at d = 64, as those of ADIANA or Rand-DIANA: it is tuned."""
    artemis = ct.Artemis(ct.RandK(k=2))
    monkeypatch.setattr(chosen_steps, "RATE_ENTRIES", 10)
    (found,), lines = chosen([artemis], problem, ["best"], **HOW)
    assert found.whose == "tuned"
    assert "tuned instead of the best step (its exact rate follows " in lines[0]
    assert "moments, searched up to 10)" in lines[0]
    monkeypatch.undo()
    assert chosen([ct.DIANA(ct.RandK(k=2))], problem, ["best"], **HOW)[0][0].whose == "best"


def test_a_floor_above_the_target_shortens_the_best_step(problem):
    method = ct.DCGD(ct.RandK(k=2))
    least = ct.best_step(method, problem).gamma
    found = CHOICES["best"](method, problem, **HOW)
    start = problem.distance_squared(problem.start[None])[0]
    assert (
        ct.stationary(found.method, problem).mean_square
        < ct.stationary(ct.DCGD(ct.RandK(k=2), gamma=float(least)), problem).mean_square
    )
    assert ct.stationary(ct.DCGD(ct.RandK(k=2), gamma=float(least)), problem).mean_square > 1e-3 * start
    assert "ends lowest: none stays below eps within 300 rounds" in found.how
    reached = CHOICES["best"](method, problem, **HOW | {"eps": 0.1})
    assert "below eps first" in reached.how
    curve = ct.exact(reached.method, problem, HOW["steps"]).mean_square
    assert np.array_equal(reached.curve.mean_square, curve)
    assert curve[-1] < 0.1 * curve[0]


@pytest.mark.parametrize("best", range(chosen_steps.FARTHEST + 1))
def test_the_least_of_curves_that_fall_and_rise_is_found_with_nine_at_most(best):
    def curve_at(j):
        return SimpleNamespace(mean_square=np.array([1.0, 1.0 + abs(j - best)]))

    tried = chosen_steps._Shortened(curve_at, 1e-3)
    assert tried.least() == best
    assert len(tried.curves) <= 9


def test_a_best_step_that_is_the_theorems_is_run_once(problem, monkeypatch):
    runs = []
    monkeypatch.setattr(comparison_of, "simulate", lambda *a, **k: runs.append(a[0]) or ct.simulate(*a, **k))
    both = ct.compare([ct.GD()], problem, 60, 2, stepsizes="theorem,best")
    assert len(runs) == 1
    assert [r.stepsize_from for r in both.rows] == ["gd.contraction", "best"]
    assert both.rows[0].best_step == pytest.approx(both.rows[1].stepsize, rel=1e-6)


def test_the_tuned_step_needs_the_fewest_rounds_among_powers_of_two(problem):
    method = ct.EF21(ct.TopK(k=2))
    found = CHOICES["tuned"](method, problem, **HOW)
    first = float(ct.guarantee(method, problem).plan.gamma)
    power = np.log2(float(found.method.gamma) / first)
    assert power == pytest.approx(round(power))
    assert power >= 3
    runs = [
        ct.simulate(ct.EF21(ct.TopK(k=2), gamma=found.method.gamma * s), problem, 300, 1) for s in (0.5, 1, 2)
    ]
    rounds = [trace.rounds_to(1e-3) or np.inf for trace in runs]
    assert rounds[1] <= 1.2 * min(rounds)


def test_pilots_use_a_start_and_a_seed_of_their_own(problem, monkeypatch):
    seen = []

    def noted(method, problem, steps, runs, seed, x0=None, **more):
        seen.append((seed, None if x0 is None else tuple(np.asarray(x0))))
        return ct.simulate(method, problem, steps, runs, seed, x0, **more)

    monkeypatch.setattr(chosen_steps, "simulate", noted)
    CHOICES["tuned"](ct.DIANA(ct.RandK(k=2)), problem, **HOW)
    assert len(seen) >= 3
    assert len(set(seen)) == 1
    assert seen[0][0] != HOW["seed"]
    assert seen[0][1] is not None
    assert np.linalg.norm(np.array(seen[0][1]) - problem.start) > 0


def test_a_climb_passes_over_one_step_that_does_not_help_and_stops_at_two():
    scores = {0: 9, 1: 7, 2: 8, 3: 5, 4: 6, 5: 6, 6: 1}
    tried = []

    def score(j):
        tried.append(j)
        return (float(scores[j]), 0.0)

    assert chosen_steps._climb(score, {0: (9.0, 0.0)}, 0, 1) == 3
    assert tried == [1, 2, 3, 4, 5]


def test_a_step_that_diverges_is_never_chosen(problem):
    found = CHOICES["tuned"](ct.GD(), problem, **HOW)
    assert (found.method.gamma or ct.guarantee(ct.GD(), problem).stepsize) < 2 / problem.L


def test_methods_without_theorem_start_from_the_smoothness(problem, monkeypatch):
    class Plain(ct.EF21):
        @classmethod
        def theorems(cls):
            return ()

    found = CHOICES["tuned"](Plain(ct.TopK(k=2), gamma=0.1), problem, **HOW)
    assert "1/L_max" in found.how
    with pytest.raises(InvalidParameter, match="'fastest' is not known"):
        ct.compare([Plain(ct.TopK(k=2), gamma=0.1)], problem, 10, 2, stepsizes="fastest")


def test_names():
    assert names_of("theorem, best,best") == ("theorem", "best")
    with pytest.raises(InvalidParameter, match="give some of theorem, certified, best, tuned"):
        names_of(())


@pytest.mark.parametrize("given", [None, [1], "best,"])
def test_what_is_no_name_is_one_line(problem, given):
    with pytest.raises(InvalidParameter, match="is not known: give some of"):
        ct.compare([ct.GD()], problem, 10, 2, stepsizes=given)


def test_one_unstable_method_leaves_the_others_their_rows(problem):
    both = ct.compare([ct.GD(), ct.DIANA(ct.RandK(k=2), gamma=0.1, alpha=5)], problem, 20, 2)
    assert [r.method for r in both.rows] == ["GD", "DIANA"]
    assert both.rows[1].best_step is None


def test_a_pilot_that_cannot_run_counts_as_no_help(problem):
    found = CHOICES["tuned"](ct.LoCoDL(ct.RandK(k=2)), problem, **HOW)
    assert found.whose == "tuned"


def test_nothing_to_compare_is_one_line(problem):
    with pytest.raises(NoGuarantee, match="no certified step"):
        ct.compare([ct.DCGD(ct.RandK(k=2))], problem, 10, 2, stepsizes="certified")
    assert chosen([ct.GD()], problem, ("best",), **HOW)[1] == []


def test_the_figure_has_a_row_of_panels_for_each_kind_of_step(compared):
    figure = compared.plot()
    assert len(figure.axes) == 9
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert titles[0] == "at the theorems' steps"
    assert titles[6] == "at the best steps"
    methods = [text.get_text() for text in figure.legends[0].get_texts()]
    assert methods == ["GD", "DIANA Rand-2", "EF21 Top-2", "DCGD Rand-2"]
    solid = [len([line for line in axis.lines if line.get_linestyle() == "-"]) for axis in figure.axes[::3]]
    assert solid == [4, 3, 4]


def test_the_command_takes_rounds_and_kinds_in_one_option(tmp_path, capsys):
    from compth.cli import run

    given = ["compare", "--dataset", "random", "--dim", "5", "--workers", "2", "--runs", "2", "-m", "GD()"]
    assert run([*given, "--steps", "40,theorem,best", "--out", str(tmp_path / "a")]) == 0
    assert "2 runs of 40 rounds" in capsys.readouterr().out.replace("\n  ", " ")
    assert run([*given, "--steps", "fast", "--out", str(tmp_path / "b")]) == 2
    assert "steps='fast'" in capsys.readouterr().err


ALONE = ct.problems.random_quadratic(1, 6, 10, 2)


def test_where_no_theorem_speaks_the_certificates_step_stands_in_for_the_theorems():
    found = ct.compare(
        [ct.DCGD(ct.TopK(k=2)), ct.GD()], ALONE, steps=30, runs=2, stepsizes=["theorem", "best"]
    )
    row = found.rows[0]
    assert row.stepsize_from == "certified"
    assert found.methods[0].gamma == pytest.approx(row.certified_step)
    assert found.info["stepsizes"][0] == "theorem"
    assert "no theorem speaks of them" in found.table()
    assert 0 < row.certified_rate < 1


class Half(ct.TopK):
    """Its inherited delta is false."""

    def _compress(self, x, rng):
        return 0.5 * super()._compress(x, rng)


@pytest.mark.parametrize("kinds", [["theorem"], ["theorem", "best"], ["certified"]])
def test_a_certified_step_says_what_it_takes_on_a_users_word(kinds):
    told = ct.compare([ct.DCGD(Half(k=2))], ALONE, steps=30, runs=2, stepsizes=kinds).table()
    assert "certified steps: DCGD Half(k=2)" in " ".join(told.split())
    assert "assumed: Contractive(delta=1/3) of Half(k=2)" in " ".join(told.split())
    own = ct.compare([ct.DCGD(ct.TopK(k=2))], ALONE, steps=30, runs=2, stepsizes=kinds).table()
    assert "assumed" not in own


def test_a_method_that_nothing_plans_is_refused_as_before(monkeypatch):
    """Planted: no certificate either."""

    def nothing(method, problem, **_):
        raise NoGuarantee("nothing is certified")

    monkeypatch.setattr(chosen_steps, "certified_step", nothing)
    with pytest.raises(NoGuarantee, match="has no guarantee here"):
        ct.compare([ct.DCGD(ct.TopK(k=2))], ALONE, steps=30, runs=2)


def test_methods_that_run_to_another_point_have_no_best_step():
    """Nothing plans IST's step, and the refusal is for what it is, not for want of a step that was given."""
    three = ct.problems.random_quadratic(3, 6, 10, 2)
    with pytest.raises(ct.errors.Unsupported, match="a point of its own"):
        CHOICES["best"](ct.IST(ct.PermK(n=3), gamma=0.1), three, **HOW)


def test_parameters_that_a_class_plans_itself_are_not_said_to_be_searched_for():
    given = ct.DASHAPAGE(ct.RandK(k=2), gamma=0.1)
    assert comparison_of._searched(given) == ()
    assert comparison_of._searched(replace(given, gamma=None)) == ("gamma", *given.left_out)
