"""The benchmark table: spread and verdicts as measured, files that belong together."""

import csv
import json
import math

import numpy as np
import pytest

import compth as ct
from benchmarks import _command as bench
from benchmarks import bench_engines, bench_peers, bench_scaling
from benchmarks._timing import Line, line, missing, ratios, steady


def test_every_benchmark_is_listed_and_has_lines():
    assert {"simulation", "certification", "dynamics", "peers", "scaling"} <= set(bench.names())


def test_a_missed_target_says_so(capsys, tmp_path, monkeypatch):
    rows = [line("good", [1.5, 2.0, 2.5], most=2.5), line("bad", [1.5, 2.0, 2.5], least=5)]
    monkeypatch.setattr(bench, "measure", lambda name: rows)
    assert bench.main(["peers", "--out", str(tmp_path)]) == 0
    assert "1 target(s) missed" in capsys.readouterr().out
    stored = json.loads((tmp_path / "results.json").read_text())["rows"]
    with (tmp_path / "results.csv").open() as file:
        next(file)
        listed = list(csv.DictReader(file))
    assert [float(r["ratio"]) for r in listed] == [r["ratio"] for r in stored] == [2.0, 2.0]
    assert [r["met"] for r in stored] == [True, False]
    assert "(missed)" in (tmp_path / "table.rst").read_text()


def test_unknown_names_are_one_line(capsys):
    assert bench.main(["peer"]) == 2
    assert "choose from" in capsys.readouterr().err


def test_the_slope_of_a_power_law_is_its_exponent():
    times = {n: [3e-4 * n**1.5, 2e-4 * n**1.5] for n in (4, 8, 16, 32)}
    assert bench_scaling.exponents(times) == pytest.approx([1.5, 1.5])
    figure = bench_scaling.draw({"n": times, "d": times})
    assert [a.get_title() for a in figure.axes] == ["exponent 1.50"] * 2


def test_ratios_are_of_the_same_round():
    assert ratios({"a": lambda: None}, "a", rounds=3)["a"] == [1.0, 1.0, 1.0]


@pytest.mark.optional
def test_pepit_and_the_theorem_agree_on_gradient_descent():
    pepit = pytest.importorskip("PEPit")
    mu, L, gamma = 0.1, 1.0, 1.0
    assert bench_peers.pepit_rate(pepit, mu, L, gamma) == pytest.approx((1 - mu) ** 2, rel=1e-4)


@pytest.mark.optional
@pytest.mark.parametrize(("biased", "kind"), [(False, ct.DCGD), (True, ct.EF)])
def test_the_torch_script_is_the_method_that_it_is_compared_with(biased, kind):
    """Top-K runs agree exactly, with and without loss; Rand-K at k = d is gradient descent."""
    torch = pytest.importorskip("torch")
    problem = ct.problems.random_quadratic(3, 10, 5, seed=0)
    for k in (3, 10) if biased else (10,):
        last = bench_peers.torch_run(torch, problem, biased, 0.1, k, steps=30).numpy()
        method = kind((ct.TopK if biased else ct.RandK)(k), gamma=0.1)
        trace = ct.simulate(method, problem, 30, 1, x0=np.zeros(10))
        assert float(problem.distance_squared(last)) == pytest.approx(trace.mean_square[-1], rel=1e-9)


def test_lines_keep_quartiles():
    found = line("x", [4.0, 1.0, 2.0, 3.0, 5.0])
    assert found == Line("x", 3.0, 2.0, 4.0, "", True)
    assert not math.isnan(found.ratio)


def test_what_spreads_too_far_is_measured_again_and_then_no_measurement(capsys, tmp_path, monkeypatch):
    runs = iter([[1.0, 2.0, 9.0], [1.0, 1.1, 1.2], [1.0, 2.0, 9.0], [1.0, 2.0, 9.0]])
    assert steady(lambda: {"x": next(runs)}) == {"x": [1.0, 1.1, 1.2]}
    twice = steady(lambda: {"x": next(runs)})["x"]
    lost = line("x", twice, most=10)
    assert (lost.measured, lost.met) == (False, False)
    assert line("edge", [1.0, 1.0, 2.0]).measured
    assert line("signs", [-1.0, 0.0, 9.0]).measured
    monkeypatch.setattr(bench, "measure", lambda name: [lost, missing("y", "torch")])
    assert bench.main(["peers", "--out", str(tmp_path)]) == 0
    assert "0 target(s) missed, 2 not measured" in capsys.readouterr().out
    table = (tmp_path / "table.rst").read_text()
    assert table.count("- not measured") == 2
    assert "torch is not installed" in table
    assert "(missed)" not in table


def test_the_numpy_script_is_the_method_that_it_is_compared_with():
    problem = ct.problems.random_quadratic(3, 10, 5, seed=0)
    for biased, k, method in ((True, 3, ct.EF(ct.TopK(3), gamma=0.1)), (False, 10, ct.GD(gamma=0.1))):
        last = bench_peers.numpy_run(problem, biased, 0.1, k, steps=30, runs=2)[1]
        trace = ct.simulate(method, problem, 30, 1, x0=np.zeros(10))
        assert float(problem.distance_squared(last)) == pytest.approx(trace.mean_square[-1], rel=1e-9)


@pytest.mark.optional
@pytest.mark.parametrize("biased", [True, False])
def test_the_scan_in_jax_is_the_numpy_script(biased):
    jax = pytest.importorskip("jax")
    problem, k = ct.problems.random_quadratic(3, 10, 5, seed=0), 3 if biased else 10
    scanned = np.asarray(bench_peers.jax_run(jax, problem, biased, 0.1, k, steps=30, runs=2)(0))
    assert scanned == pytest.approx(
        bench_peers.numpy_run(problem, biased, 0.1, k, steps=30, runs=2), rel=1e-9
    )


@pytest.mark.optional
def test_a_method_that_engine_fast_refuses_is_counted_as_such(monkeypatch):
    pytest.importorskip("numba")
    loops = bench_engines.with_loops()
    assert (loops["RandK"], loops["TopK"], loops["PowerSGD"]) == (True, True, False)
    method = ct.DCGD(ct.Bernoulli(p=0.5), gamma=0.1)
    assert "Bernoulli" in bench_engines.refusal(method)
    assert bench_engines.refusal(ct.DCGD(ct.RandK(2), gamma=0.1)) == ""
