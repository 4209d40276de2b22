"""Methods of others through the public form: exact curves and rates against enumeration of steps on plain arrays."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import compth as ct
from compth.cli import run
from tests.dynamics.test_traced import Enumerated
from tests.methods.unseen import ALL, CELL

PROBLEMS = {
    "quadratic": ct.problems.random_quadratic(2, 2, 5, seed=7, minimisers=2.0),
    "downlink": ct.problems.random_quadratic(2, 2, 5, seed=7, minimisers=2.0),
    "sum": ct.problems.random_finite_sum(2, 2, 2, 5, seed=7, minimisers=2.0),
    "oracle": ct.problems.random_finite_sum(2, 2, 2, 5, seed=7, minimisers=2.0),
}
GAMMA, STEPS = 0.25, 3
HAND = {name: case for name, case in ALL.items() if case[1] is not None}


def made(name):
    kind, _, params, problem = ALL[name]
    more = {"downlink": {"downlink": ct.RandK(1)}, "oracle": {"oracle": ct.Minibatch(1)}}.get(problem, {})
    return kind(ct.RandK(1), gamma=GAMMA, **params, **more), PROBLEMS[problem]


class Tree:
    """All outcomes of one round of a step on plain arrays: Rand-1 of every worker, Rand-1 of a broadcast, coins."""

    def __init__(self, n, d):
        ones = [d * row for row in np.eye(d)]
        self.draws = [np.array(rows) for rows in itertools.product(ones, repeat=n)]
        self.down = ones

    def outcomes(self, run):
        """(probability, result) of run(draw, coin)."""
        todo, out = [()], []
        while todo:
            path = todo.pop()
            at, p = [], 1.0

            def choose(options, weights, path=path, at=at):
                nonlocal p
                k = path[len(at)] if len(at) < len(path) else 0
                if len(at) >= len(path):
                    todo.extend((*at, other) for other in range(1, len(options)))
                at.append(k)
                p *= weights[k]
                return options[k]

            def draw(where="up"):
                options = self.down if where == "down" else self.draws
                return choose(options, [1 / len(options)] * len(options))

            def coin(chance):
                return choose([True, False], [chance, 1 - chance])

            result = run(draw, coin)
            out.append((p, result))
        return out


def enumerated(name, steps):
    """E||x_t - x*||^2 by every path of the hand-written step."""
    kind, step, params, problem = ALL[name][0], ALL[name][1], ALL[name][2], PROBLEMS[ALL[name][3]]
    start, form, n = problem.start, kind.signature, problem.n
    first = {"x": start}
    for k in (*form.server[1:], *form.worker):
        here = start if form.start.get(k) == "x0" else 0 * start
        first[k] = np.repeat(here[None], n, axis=0) if k in form.worker else here
    tree, states = Tree(n, problem.d), [(1.0, first)]
    curve = [problem.distance_squared(start)]
    for _ in range(steps):
        after = []
        for p, s in states:

            def one(draw, coin, s=s):
                return step(problem, s, draw, coin, gamma=GAMMA, **params)

            after += [(p * q, new) for q, new in tree.outcomes(one)]
        states = after
        curve.append(sum(p * problem.distance_squared(s["x"]) for p, s in states))
    return np.array(curve)


@pytest.mark.parametrize("name", HAND)
def test_exact_curves_are_those_of_the_step_on_plain_arrays(name):
    method, problem = made(name)
    steps = 2 if name in ("Corrected", "Renewed", "PrimalShift") else STEPS
    assert ct.exact(method, problem, steps).mean_square == pytest.approx(enumerated(name, steps), rel=1e-10)


LONG = ("MomentumEF21", "Renewed", "Recursive")
"""Rates of many outcomes or numbers."""


@pytest.mark.parametrize("name", [pytest.param(k, marks=pytest.mark.slow) if k in LONG else k for k in ALL])
def test_rates_are_those_of_the_whole_map(name):
    method, problem = made(name)
    whole = Enumerated(method, problem)
    assert ct.exact(method, problem, 6).mean_square == pytest.approx(whole.curve(6), rel=1e-10)
    found = ct.exact_rate(method, problem)
    assert found.rho_noise == pytest.approx(whole.radius(), abs=1e-10)
    settled = ct.stationary(method, problem)
    if found.rho < 1 and settled.converged:
        late = ct.exact(method, problem, 3000).mean_square[-1]
        assert settled.mean_square == pytest.approx(
            late, rel=1e-6, abs=1e-12 * problem.distance_squared(problem.start)
        )


@pytest.mark.parametrize("name", ALL)
def test_they_run_like_any_method(name):
    method, problem = made(name)
    trace = ct.simulate(method, problem, 20, 400, seed=3)
    exact = ct.exact(method, problem, 20)
    away = np.abs(trace.mean_square - exact.mean_square)
    assert (away <= 7 * trace.se_square + 1e-9 * exact.mean_square).all()
    assert trace.bits[-1] > 0


@pytest.mark.slow
def test_a_file_on_the_command_line(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(CELL)
    assert (
        run(
            [
                "analyse",
                f"{file}:Cell",
                "-c",
                "RandK(k=1)",
                "--param",
                "gamma=1/4",
                "--dim",
                "2",
                "--workers",
                "2",
            ]
        )
        == 0
    )
    shown = capsys.readouterr().out
    assert "m+ = beta m + mean(h) + mean(c)" in shown
    assert "h_i+ = h_i + 1/2 c_i" in shown
    assert "exact rate" in shown


def test_what_is_too_large_to_enumerate_says_which_line_stops_it():
    kind = ALL["LocalSteps"][0]
    large = ct.problems.random_quadratic(30, 5, 5, seed=0)
    with pytest.raises(
        ct.errors.Unsupported, match=r"LocalSteps, line \d+: a gradient at a worker's own point"
    ):
        ct.exact(kind(ct.RandK(1), gamma=0.1), large, 3)
    given = {"mu": 0.1, "L": 1, "omega": 1, "n": 2, "p": 0.5}
    with pytest.raises(
        ct.errors.Unsupported, match=r"Skipping, line \d+: a gradient at a worker's own point"
    ):
        ct.check_rate(ALL["Skipping"][0], rate="1 - gamma*mu", stepsize=0.5, **given)
    found = ct.tight_rate(ALL["Skipping"][0], gamma=0.5, **given)
    assert found.certified is None or found.attained <= found.certified
