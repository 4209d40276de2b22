"""A method of another package, one file with one body and an entry point: what it gets, and that each part is right."""

from __future__ import annotations

import importlib
import sys
from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth.methods import catalogue
from compth.methods.core.catalogue import _found

pytest.importorskip("clarabel")
PROBLEM = ct.problems.random_quadratic(2, 2, 4, seed=0)
BODY = '''
import compth as ct

@ct.method
def Contributed(w, x, h: ct.Worker, m: ct.Server, *, gamma, alpha, beta=0):
    """Shifted gradients with momentum."""
    c = w.compress(w.gradient(x) - h)
    m_next = beta * m + w.mean(h) + w.mean(c)
    return dict(x=x - gamma * m_next, h=h + alpha * c, m=m_next)
'''
PARAMS = {"alpha": 0.25, "beta": 0.125}


@pytest.fixture
def kind(tmp_path, monkeypatch):
    (tmp_path / "contributed_package.py").write_text(BODY)
    info = tmp_path / "contributed_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: contributed-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[compth.methods]\nContributed = contributed_package:Contributed\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    _found.cache_clear()
    yield importlib.import_module("contributed_package").Contributed
    del sys.modules["contributed_package"]
    _found.cache_clear()


def test_it_is_found_by_name(kind, tmp_path, capsys):
    from compth.cli import run

    assert catalogue()["Contributed"] is kind
    assert ct.Contributed is kind
    small = [
        "--dataset",
        "random",
        "--workers",
        "2",
        "--dim",
        "2",
        "--kappa",
        "4",
        "--steps",
        "4",
        "--runs",
        "2",
    ]
    spec = "Contributed(RandK(k=1), gamma=0.1, alpha=0.25)"
    assert run(["compare", "-m", spec, *small, "--out", str(tmp_path / "out")]) == 0
    assert "Contributed" in capsys.readouterr().out


def by_enumeration(steps):
    """E||x_t - x*||^2 over all draws of Rand-1 of two workers in two dimensions."""
    p = PROBLEM
    states = [(1.0, p.start, np.zeros((2, 2)), np.zeros(2))]
    curve = [((p.start - p.x_star) ** 2).sum()]
    masks = [2 * np.eye(2)[[i, j]] for i in range(2) for j in range(2)]
    for _ in range(steps):
        after = []
        for q, x, h, m in states:
            for mask in masks:
                c = mask * (p.gradients(x[None])[0] - h)
                new = PARAMS["beta"] * m + (h + c).mean(0)
                after.append((q / 4, x - 0.1 * new, h + PARAMS["alpha"] * c, new))
        states = after
        curve.append(sum(q * ((x - p.x_star) ** 2).sum() for q, x, *_ in states))
    return np.array(curve)


def test_its_dynamics_follow(kind):
    method = kind(ct.RandK(1), gamma=0.1, **PARAMS)
    exact = ct.exact(method, PROBLEM, 60)
    assert exact.mean_square[:5] == pytest.approx(by_enumeration(4), rel=1e-12)
    run = ct.simulate(method, PROBLEM, 60, 200, seed=3)
    assert np.abs(run.mean_square - exact.mean_square)[1:].max() < 7 * run.se_square[1:].max()
    assert run.bits[-1] == 60 * float(ct.RandK(1).bits(2).total)
    rate = ct.exact_rate(method, PROBLEM).rho
    tail = ct.exact(method, PROBLEM, 400).mean_square
    assert tail[400] / tail[399] == pytest.approx(rate, rel=1e-6)
    most = float(ct.max_stable_step(method, PROBLEM))
    below, above = (
        ct.exact_rate(kind(ct.RandK(1), gamma=most * s, **PARAMS), PROBLEM).rho for s in (0.999, 1.001)
    )
    assert below < 1 < above
    best = ct.best_step(method, PROBLEM)
    others = [
        ct.exact_rate(kind(ct.RandK(1), gamma=best.gamma * s, **PARAMS), PROBLEM).rho for s in (0.9, 1.1)
    ]
    assert best.rate.rho < min(others)
    assert best.rate.rho < rate


def test_its_worst_case_follows(kind):
    given = {"mu": F(1, 4), "L": 1, "omega": 1, "n": 2}
    params = {"alpha": F(1, 4), "beta": F(1, 8)}
    found = ct.tight_rate(kind, gamma=F(1, 4), **params, **given)
    attained = ct.exact_rate(found.worst_case.method, found.worst_case.problem).rho
    assert isinstance(found.worst_case.method, kind)
    assert attained <= found.certified < 1
    assert attained == pytest.approx(found.worst_case.rate, rel=1e-9)
    true, false = (
        ct.check_rate(kind, rate=rate, stepsize=F(1, 4), **params, **given)
        for rate in ("1 - gamma*mu/4", "1 - 4*gamma*mu")
    )
    assert true.verdict is ct.Verdict.PROVED
    assert false.verdict is ct.Verdict.REFUTED


def test_compare_and_analyse_speak_of_it(kind):
    method = kind(ct.RandK(1), gamma=0.1, **PARAMS)
    row = ct.compare([method, ct.DIANA(ct.RandK(1))], PROBLEM, steps=20, runs=4).rows[0]
    assert row.method == "Contributed"
    assert row.exact_rate == ct.exact_rate(method, PROBLEM).rho
    limits = {"mu": PROBLEM.mu_min, "L": PROBLEM.L_max, "omega": 1, "n": 2}
    assert row.tight_rate == ct.tight_rate(kind, gamma=0.1, **PARAMS, **limits).certified
    text = str(ct.analyse(kind, [ct.RandK(1)], PROBLEM, gamma=0.1, params=PARAMS))
    assert "Shifted gradients with momentum" in text
    assert "m+ = beta m + mean(h) + mean(c)" in text
    assert f"{row.exact_rate:.6g}" in text
