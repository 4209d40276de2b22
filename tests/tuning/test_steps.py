"""The table of what each step size buys: rounds and gains from factors, and its refusals."""

from __future__ import annotations

import math

import pytest

import compth as ct
from compth.errors import InvalidParameter
from compth.methods.gd import rho_gd


def table():
    mu, L = 1.0, 10.0
    return ct.step_table(
        {"1/L": 1 / L, "2/(L+mu)": 2 / (L + mu), "too long": 2.5 / L},
        {
            "exact": lambda g: rho_gd(g, mu, L),
            "promised": {"1/L": 1 - mu / L, "2/(L+mu)": None},
        },
        eps=1e-4,
    )


def test_rounds_and_gains_follow_from_the_factors():
    short, best, long = table().rows
    assert short.factors["exact"] == pytest.approx(0.81)
    assert best.factors["exact"] == pytest.approx((9 / 11) ** 2)
    assert short.rounds["exact"] == pytest.approx(math.log(1e-4) / math.log(0.81))
    assert best.gain["exact"] == pytest.approx(math.log((9 / 11) ** 2) / math.log(0.81))
    assert best.gain["exact"] > 1.9
    assert short.gain == {"exact": 1.0, "promised": 1.0}
    assert math.isinf(long.rounds["exact"])
    assert long.gain["exact"] == 0
    assert math.isnan(best.rounds["promised"])


def test_cells_say_never_and_dash():
    head, cells = table().columns()
    assert head[:5] == ["step", "gamma", "exact: 1 - factor", "rounds", "x 1/L"]
    assert len(head) == len(cells[0]) == 8
    assert cells[2][3] == "never"
    assert cells[1][-2:] == ["-", "-"]


def test_a_real_method_with_measured_factors():
    """DCGD's theorem step against twice it, on a problem where the exact factor is known: kappa = 1, interpolation."""
    problem = ct.problems.random_quadratic(2, 3, 1, seed=3, interpolation=True, hessians=0)
    method = ct.DCGD(ct.RandK(1))
    gamma = float(ct.guarantee(method, problem).stepsize)
    omega, n, L = 2, 2, problem.L

    def exact(g):
        return 1 - 2 * g * L + (g * L) ** 2 * (1 + omega / n)

    rows = ct.step_table({"theorem": gamma, "half": gamma / 2}, {"exact": exact}).rows
    trace = ct.simulate(ct.DCGD(ct.RandK(1), gamma=gamma), problem, 3, 20_000, seed=1)
    assert trace.mean_square[1] / trace.mean_square[0] == pytest.approx(rows[0].factors["exact"], rel=0.05)
    assert rows[1].gain["exact"] < 1


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: ct.step_table({}, {"m": {}}), "must not be empty"),
        (lambda: ct.step_table({"a": 0.1}, {}), "must not be empty"),
        (lambda: ct.step_table({"a": 0.0}, {"m": {}}), r"steps\['a'\]=0.0"),
        (lambda: ct.step_table({"a": 0.1}, {"m": {}}, reference="b"), "reference='b'"),
        (lambda: ct.step_table({"a": 0.1}, {"m": {}}, eps=2), "eps=2"),
        (lambda: ct.step_table({"a": 0.1}, {"m": {"a": -1.0}}), "is negative"),
    ],
)
def test_unusable_tables(call, rule):
    with pytest.raises(InvalidParameter, match=rule):
        call()
