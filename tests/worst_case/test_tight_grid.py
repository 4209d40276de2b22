"""tight_rates: every point is the single call's, closed forms on columns, LMIs from their neighbours, errors kept."""

import pickle
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth._own import remembered
from compth.errors import InvalidParameter
from compth.worst_case.bodies import asked_for, question
from compth.worst_case.tight import searched
from compth.worst_case.tight_grid import Column, Mixed, _Points
from compth.worst_case.tight_radius import attained_by
from compth.worst_case.tight_step import ACCURACY, attained_step, settled_step
from compth.worst_case.tight_warm import TOLERANCE, Warm, certified_near

MU = np.array([0.5, 0.1, 0.01])


def singles(method, grid, **fixed):
    """The single call at every point without an error."""
    for place in np.ndindex(grid.shape):
        if place not in grid.errors:
            given = {k: v[place].item() for k, v in grid.constants.items()}
            yield place, ct.tight_rate(method, **given)


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("CGD", {"mu": MU[:, None], "L": 1, "delta": [0.25, 1.0]}),
        ("EF21", {"mu": MU, "L": 2.0, "delta": 0.3, "n": 3}),
        ("EF", {"mu": MU, "L": 1, "delta": [1.0, 0.5, 1e-3]}),
        ("DIANA", {"mu": MU[:, None], "L": 1, "omega": [0, 1, 40], "n": 4}),
        ("DCGD", {"mu": 0.1, "L": [1.0, 2.0], "omega": 3, "n": [[1], [7]], "gamma": [0.1, 0.2]}),
        ("GD", {"mu": MU, "L": 1, "omega": 0, "gamma": 1.5}),
    ],
)
def test_closed_forms_on_columns_are_those_of_single_calls(method, given):
    grid = ct.tight_rates(method, **given)
    assert grid.closed_form.all()
    for place, one in singles(method, grid):
        assert grid.rho[place] == pytest.approx(float(one.rho), rel=1e-14)
        assert grid.stepsize[place] == pytest.approx(float(one.stepsize), rel=1e-14)
        assert grid[place].rho == one.rho
    assert grid.tight.all()
    assert (grid.attained <= grid.rho + 1e-12).all()


def test_columns_that_do_not_agree_say_so():
    values = np.array([0.0, 1.0]).view(Column)
    assert values >= 0
    assert not values > 2
    with pytest.raises(Mixed):
        bool(values > 0)


def within(grid, method):
    """How far warm points lie above single calls, relative to 1 - rho; every certificate is checked."""
    apart = []
    for place, one in singles(method, grid):
        assert grid[place].certificate.check()
        assert grid.rho[place] >= one.attained
        apart.append((grid.rho[place] - one.certified) / (1 - one.attained))
    return max(apart)


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("EF21", {"mu": 0.1, "L": 1, "delta": 0.75, "gamma": np.linspace(0.1, 0.3, 6)}),
        ("EF-BV", {"mu": np.linspace(0.1, 0.12, 4), "L": 3, "omega": 4, "n": 4, "gamma": 0.1, "lam": 0.2, "nu": 0.5}),
        # not tight: a share that is not 0 is followed
        ("Artemis", {"mu": np.linspace(0.1, 0.13, 4), "L": 1, "omega": 2, "n": 2, "omega_down": 2,
                     "gamma": 0.03, "alpha": 0.3, "alpha_down": 0.3}),
    ],
)  # fmt: skip
def test_warm_points_are_within_the_tolerance_of_single_calls(method, given):
    assert within(ct.tight_rates(method, **given), method) <= TOLERANCE


def test_a_wrong_continuation_costs_a_solve_and_no_proof():
    q = question(asked_for("EF21"), Fraction(1, 10), Fraction(1), Fraction(3, 4), None, None, 1)
    warm, step = Warm(searched), Fraction(1, 5)
    for mu in (Fraction(1, 10), Fraction(11, 100), Fraction(12, 100)):
        warm.place += 1
        at = replace(q, mu=mu)
        rate = attained_by(at.model(step, {}, full=False))[0]
        found = warm.searched(at, step, {}, rate)
        assert found.check()
        assert float(found.rho) - rate <= TOLERANCE * (1 - rate)
        warm.left[-1].numbers[:] = -1.0  # what is left to the next point is no certificate of anything
    assert warm.reused == 0


def test_a_certificate_that_still_holds_is_reused():
    q = question(asked_for("EF21"), Fraction(1, 10), Fraction(1), Fraction(3, 4), None, None, 1)
    warm, step = Warm(searched), Fraction(1, 5)
    for mu in (Fraction(1, 10), Fraction(1, 10) + Fraction(1, 10**9)):
        warm.place += 1
        at = replace(q, mu=mu)
        rate = attained_by(at.model(step, {}, full=False))[0]
        found = warm.searched(at, step, {}, rate)
        assert found.check()
        assert found.model.constants["mu"] == mu
    assert warm.reused + warm.solved == 1


def test_a_share_is_found_from_wrong_guesses():
    q = question(asked_for("DIANA"), Fraction(1, 10), Fraction(1), None, Fraction(4), None, 2)
    model = q.model(Fraction(1, 5), {"alpha": Fraction(1, 10)})
    truth = float(certified_near(model, 0.5, 0.5, 0.1, 1e-6).rho)
    for guess, width in ((0.0, 1e-6), (0.9, 1e-3)):
        assert float(certified_near(model, 0.5, guess, width, 1e-6).rho) == pytest.approx(truth, abs=2e-6)
    assert certified_near(q.model(Fraction(5), {"alpha": Fraction(1, 10)}), 0.5, 0.5, 0.1, 1e-6) is None


def test_points_that_break_a_rule_are_results():
    grid = ct.tight_rates("EF21", mu=[0.1, 2.0, float("nan"), 0.1], L=1, delta=[0.5, 0.5, 0.5, 1.5])
    assert np.isfinite(grid.rho[0])
    assert np.isnan(grid.rho[1:]).all()
    assert np.isnan(grid.certified[1:]).all()
    assert list(grid.errors) == [(1,), (2,), (3,)]
    for place, (mu, delta) in zip(grid.errors, [(2.0, 0.5), (float("nan"), 0.5), (0.1, 1.5)], strict=True):
        with pytest.raises(InvalidParameter) as single:
            ct.tight_rate("EF21", mu=mu, L=1, delta=delta)
        assert grid.errors[place] == str(single.value)
    with pytest.raises(InvalidParameter, match=r"mu=2\.0"):
        grid[1]
    assert "3 points have none" in str(grid)
    unstable = ct.tight_rates("DIANA", mu=0.1, L=1, omega=4, n=2, gamma=[0.1, 5.0], alpha=0.1)
    assert unstable.rho[0] < 1 < unstable.rho[1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mu": [0.1, 0.2], "L": 1}, "needs delta"),
        ({"mu": [0.1, 0.2], "L": [1, 2, 3], "delta": 0.5}, "do not broadcast"),
        ({"mu": "a", "L": 1, "delta": 0.5}, "mu='a'"),
        ({"mu": [], "L": 1, "delta": 0.5}, "mu="),
        ({"mu": [2.0, 3.0], "L": 1, "delta": 0.5}, "mu=2.0"),
    ],
)
def test_a_grid_without_a_point_raises(given, said):
    with pytest.raises(InvalidParameter, match=said):
        ct.tight_rates("EF21", **given)


def test_words_of_typed_grids_do_not_stand():
    grid = ct.tight_rates("EF21", mu=MU, L=1, delta=0.5)
    typed = replace(grid, rho=grid.rho / 2)
    assert typed.closed_form is False
    with pytest.raises(InvalidParameter, match="typed or changed"):
        _ = typed.certified
    again = pickle.loads(pickle.dumps(grid))
    assert (again.rho == grid.rho).all()
    assert again.closed_form.all()


def test_a_grid_is_a_table():
    grid = ct.tight_rates("EF21", mu=MU[:, None], L=1, delta=[0.5, 0.9])
    frame = grid.to_frame()
    assert list(frame["mu"]) == [0.5, 0.5, 0.1, 0.1, 0.01, 0.01]
    assert list(frame["rho"]) == grid.rho.ravel().tolist()
    assert "6 points (mu 0.01 to 0.5, delta 0.5 to 0.9)" in str(grid)


def test_exact_constants_stay_exact_at_a_point():
    grid = ct.tight_rates("EF21", mu=1, L=[5, Fraction(7, 2)], delta=[Fraction(63, 64), Fraction(15, 16)])
    assert [grid[i].rho for i in range(2)] == [Fraction(9, 16)] * 2


def test_a_step_that_is_settled_has_no_better_one():
    q = question(asked_for("EControl"), Fraction(1, 10), Fraction(1), Fraction(1, 2), None, None, 2)
    fixed = {"eta": Fraction(1, 10)}
    gamma = settled_step(q, fixed)
    at = attained_by(q.model(Fraction(repr(gamma)), fixed))[0]
    for other in np.geomspace(0.05, 20, 30):
        rate = attained_by(q.model(Fraction(repr(float(gamma * other))), fixed, full=False))[0]
        assert rate >= at - ACCURACY * (1 - at)
    assert attained_step(q, fixed) == gamma


@pytest.mark.slow
def test_steps_of_least_rate_along_a_grid():
    grid = ct.tight_rates("MARINA", mu=[0.1, 0.105], L=1, omega=4, n=4, p=0.2)
    for place, one in singles("MARINA", grid):
        assert abs(grid.rho[place] - one.rho) <= 5 * ACCURACY * (1 - one.rho)


def test_arrays_that_were_given_may_change_afterwards():
    """The buffer of mu, filled anew for the next grid, became the constants of the rates that were already there."""
    mu = np.array([0.1, 0.2])
    found = ct.tight_rates("EF21", mu=mu, L=1, delta=0.5)
    mu[:] = 0.9
    assert found.constants["mu"].tolist() == [0.1, 0.2]
    assert found.tight.all()
    again = pickle.loads(pickle.dumps(found))
    assert np.array_equal(again.rho, found.rho)
    assert again.tight.all()


@pytest.mark.parametrize(
    "change",
    [
        lambda g, other: g.rho.__setitem__(0, 0.1),
        lambda g, other: g.constants["mu"].fill(0.9),
        lambda g, other: g.constants.update(mu=other.constants["mu"]),
        lambda g, other: g.errors.clear(),
    ],
)
def test_a_changed_grid_is_not_tight(change):
    found, other = (
        ct.tight_rates("EF21", mu=[*two, 2.0], L=1, delta=0.5) for two in ((0.1, 0.2), (0.5, 0.6))
    )
    assert found.tight[:2].all()
    assert "somebody's word" not in str(found)
    change(found, other)
    assert not found.tight.any()
    assert "somebody's word" in str(found)


def held(result):
    """What a result holds of its own, at any depth."""
    left, seen = [result], {}
    while left:
        part = left.pop()
        if id(part) not in seen and not isinstance(part, type):
            seen[id(part)] = part
            left += (
                part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else []
            )
            left.append(getattr(part, "__dict__", None))
    return list(seen.values())


def test_nothing_that_a_grid_holds_leads_to_its_points():
    """Entries of what was asked, solved and made at the points were exchanged there, and the grid was tight still."""
    found, other = (ct.tight_rates("EF21", mu=[mu, 0.3], L=1, delta=0.5) for mu in (0.1, 0.5))
    single = found[0]
    assert [type(part).__name__ for part in held(found) if "Points" in type(part).__name__] == []
    for name in ("_points", "_remembered"):
        object.__setattr__(found, name, dict.fromkeys(map(type, held(other)), other))
    assert found.tight.all()
    assert found[0] is single


@pytest.mark.parametrize(
    "change",
    [
        lambda rate: object.__setattr__(rate.certificate, "rho", Fraction(1, 9)),
        lambda rate: object.__setattr__(rate.certificate.model, "constants", {"mu": 9}),
        lambda rate: rate.constants.update(mu=9),
        lambda rate: object.__setattr__(rate, "attained", 0.1),
    ],
)
def test_a_point_that_was_changed_is_computed_again(change):
    """A point's rate shares its certificate with the grid: changed there, the grid's column said so and was tight."""
    found = ct.tight_rates("EF21", mu=[0.1, 0.2], L=1, delta=0.5)
    certified, rate = found.certified, found[0]
    change(rate)
    assert not rate.tight
    assert np.allclose(found.certified, certified, rtol=1e-9)
    assert found[0].tight
    assert found[0].certificate.check()
    assert found[0].certified == found.certified[0]


def test_points_solved_while_numpy_was_patched_are_solved_again(monkeypatch):
    """They were kept, and stood once numpy was as before."""
    before = ct.tight_rates("CGD", mu=[0.1, 0.2], L=1, delta=0.5)
    with monkeypatch.context() as patch:
        patch.setattr(np, "max", lambda *given, **named: 0)
        during = ct.tight_rates("EF21", mu=[0.1, 0.2], L=1, delta=0.5)
        assert not before.tight.any()
        assert not during.tight.any()
        assert not during[0].tight
    kept = remembered(during, _Points, dict)
    assert kept.solved == {}
    assert not during.tight.any()
    assert during[0].tight
    assert before.tight.all()
