"""The step-size table: which steps, what each buys, and that a wrong one is seen."""

import numpy as np
import pytest

import compth as ct
from compth.errors import NoGuarantee
from compth.studies.step_sizes import descent_step, worst_case_rate

SHARED = ct.problems.random_quadratic(4, 6, 20, seed=1, interpolation=True, hessians=0.2)
APART = ct.problems.random_quadratic(4, 6, 20, seed=1)


def rows(table):
    return {r.name: r for r in table.rows}


def test_dcgd_has_all_four_steps_in_the_right_order():
    found = rows(ct.step_sizes(ct.DCGD(ct.RandK(2)), SHARED))
    assert list(found) == ["theorem", "descent lemma at x_0", "tight worst case", "exact best"]
    exact = {name: r.factors["exact"] for name, r in found.items()}
    assert exact["exact best"] == min(exact.values())
    worst = {name: r.factors["worst case"] for name, r in found.items()}
    assert worst["tight worst case"] == min(worst.values())
    for r in found.values():
        assert r.factors["exact"] <= r.factors["worst case"] * (1 + 1e-9)
        promised = r.factors["guaranteed"]
        assert np.isnan(promised) or r.factors["worst case"] <= promised * (1 + 1e-9)
    assert found["exact best"].gain["exact"] > 1
    assert found["theorem"].gain["exact"] == 1


def test_diana_keeps_its_shift_step():
    table = ct.step_sizes(ct.DIANA(ct.RandK(2), alpha=0.15), APART)
    found = rows(table)
    assert "tight worst case" in found
    assert found["tight worst case"].factors["worst case"] <= found["theorem"].factors["worst case"]
    head, cells = table.columns()
    assert head[:2] == ["step", "gamma"]
    assert len(cells) == len(found)


def test_the_lemma_step_is_the_minimiser_of_the_descent_bound():
    """F(x - gamma mean C_i(g_i)) <= F - gamma u + (L gamma^2/2)(u + v): v by enumeration of Rand-1."""
    method = ct.DCGD(ct.RandK(1))
    g = APART.gradients(APART.start[None])[0]
    u, v = float((g.mean(0) ** 2).sum()), float((APART.d - 1) * (g**2).sum() / APART.n**2)
    assert descent_step(method, APART) == pytest.approx(u / (u + v) / APART.L, rel=1e-12)


def test_what_is_not_covered_is_left_out():
    assert worst_case_rate(ct.DCGD(ct.RandK(2)), APART, 0.1) is None
    fast = worst_case_rate(ct.DIANA(ct.RandK(2)), APART, 0.1, {"alpha": 0.4})  # more than 1/(1+omega)
    assert fast is None or fast > ct.exact_rate(ct.DIANA(ct.RandK(2), gamma=0.1, alpha=0.4), APART).rho
    assert worst_case_rate(ct.EF(ct.TopK(2)), APART, 0.1) is None
    one = ct.problems.random_quadratic(1, 4, 5, seed=2)
    assert 0 < worst_case_rate(ct.EF(ct.TopK(2)), one, 0.05) < 1
    with pytest.raises(NoGuarantee):
        ct.step_sizes(ct.DCGD(ct.TopK(1)), APART)


def test_compare_shows_the_tight_column():
    found = ct.compare([ct.DCGD(ct.RandK(2)), ct.GD()], SHARED, steps=50, runs=4)
    row = found.rows[0]
    assert row.exact_rate <= row.tight_rate * (1 + 1e-9)
    assert row.tight_rate <= row.guaranteed_rate
    assert "rate class" in found.details()[0]


def test_the_worst_case_of_gd_is_that_of_f_itself():
    """At 2/(mu + L) of f, beyond 2/L_max: all problems whose workers have L_max would diverge there."""
    problem = ct.problems.random_quadratic(3, 4, 4, seed=0)
    method = ct.GD()
    gamma = 2 / (problem.mu + problem.L)
    assert gamma * problem.L_max > 2
    row = ct.compare([method], problem, steps=5, runs=2).rows[0]
    assert row.tight_rate == pytest.approx(
        max((1 - gamma * problem.mu) ** 2, (1 - gamma * problem.L) ** 2), rel=1e-6
    )


class Quieter(ct.Minibatch):
    """An oracle that states half of its noise."""

    def second(self, problem):
        return super().second(problem) / 2


class Silent(ct.Oracle):
    """No dataclass: it draws noise and states that there is none."""

    components = False

    def gradients(self, problem, x, rng):
        exact = problem.gradients(x)
        return exact + rng.normal(size=exact.shape)

    def noise(self, problem):
        return ct.problems.Full().noise(problem)


@pytest.mark.parametrize("oracle", [Quieter(), Silent()])
def test_a_table_says_what_its_guaranteed_and_exact_factors_take_on_a_users_word(oracle):
    """They stood there without a word."""
    problem = ct.problems.random_finite_sum(n=2, m=3, d=3, kappa=4, seed=0)
    method = ct.DCGD(ct.RandK(k=1), gamma=0.02, oracle=oracle)
    for shown in (str(ct.step_sizes(method, problem)), ct.step_sizes(method, problem).to_latex()):
        assert "draws with the noise that it states" in " ".join(shown.split())
    assert "assumed" not in str(ct.step_sizes(ct.DCGD(ct.RandK(k=1), gamma=0.02), problem))
    assert "draws with the noise that it states" in str(ct.exact_rate(method, problem))
