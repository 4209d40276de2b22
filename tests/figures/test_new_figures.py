"""The figures of links, audits, step sizes and evidence: what their captions say holds in their data."""

import importlib
import json
from dataclasses import replace

import numpy as np
import pytest

import compth as ct
from compth.reporting.reports import figure_bytes
from figures._command import caption, gallery, main


@pytest.mark.slow
def test_links_cells(monkeypatch):
    module = importlib.import_module("figures.links")
    monkeypatch.setattr(module, "KAPPAS", (3.0, 100.0, 1000.0))
    monkeypatch.setattr(module, "KEPT", (500, 50, 1))
    data = module.compute()

    def ratios(link, n):
        return np.array([[c["diana"] for c in row] for row in data["cells"][link][str(n)]])

    check_links(ratios)
    for panels in data["cells"].values():
        for rows in panels.values():
            assert all(c["ef21"] > 1 for row in rows for c in row)
    even = data["cells"]["bits only"]["1"][1][1]["ef21_even_delta"]
    gd = ct.tight_rate("DCGD", mu=0.01, L=1.0, omega=0).rho
    feedback = ct.tight_rate("EF21", mu=0.01, L=1.0, delta=even).rho
    assert 50 * 42 / np.log(feedback) == pytest.approx(1000 * 32 / np.log(float(gd)))
    assert len(module.draw(data).axes) == 7


def check_links(ratios):
    """One worker never gains; more workers never lose; headers never help the smaller message."""
    for link in ("bits only", "TCP on Ethernet"):
        assert (ratios(link, 1) >= 1).all()
        assert (ratios(link, 100) <= ratios(link, 10) + 1e-9).all()
    for n in (1, 10, 100):
        assert (ratios("TCP on Ethernet", n) >= ratios("bits only", n)).all()
    assert ratios("bits only", 100).min() < 0.05


def test_a_planted_error_in_the_links(monkeypatch):
    """The cost of a message without its headers: the links would look alike."""
    module = importlib.import_module("figures.links")
    monkeypatch.setattr(module, "KAPPAS", (100.0,))
    monkeypatch.setattr(module, "KEPT", (50, 1))
    monkeypatch.setattr(module, "LINKS", {"bits only": module.LINKS["TCP on Ethernet"],
                                          "TCP on Ethernet": module.LINKS["bits only"]})  # fmt: skip
    data = module.compute()
    with pytest.raises(AssertionError):
        check_links(lambda link, n: np.array([[c["diana"] for c in r] for r in data["cells"][link][str(n)]]))


@pytest.fixture(scope="module")
def audited():
    return importlib.import_module("figures.audited").compute()


@pytest.mark.slow
def test_audited_defects(audited):
    rows = {r["label"]: r for r in audited["rows"]}
    assert [r["verdict"] == "REFUTED" for r in audited["rows"]] == [True] * 7 + [False]
    assert all(r["found"] > r["allowed"] for r in audited["rows"][:7])
    assert rows["TernGrad that declares ω = 0"]["found"] == pytest.approx((np.sqrt(20) - 1) / 2)
    assert rows["sign with scale ‖x‖/√d"]["found"] == pytest.approx(2 - 2 / np.sqrt(1000))
    assert rows["Rand-2 without its scale"]["found"] == pytest.approx(0.9**2)
    multipliers = np.array([0.9125 / 0.857, 0.646 / 0.571, 0.2205 / 0.2857, 0.2205 / 0.2857])
    x = np.array([3.0, 2.0, 1.0, 1.0])
    expected = (((multipliers - 1) * x) ** 2).sum() / (x @ x)
    assert rows["ATOMO, redrawn to 2 atoms"]["found"] == pytest.approx(expected, rel=0.01)
    assert rows["dithering that returns x"]["found"] == 0
    assert not audited["wire_of_dithering_holds"]


def test_an_honest_program_in_the_audit_is_not_refuted():
    module = importlib.import_module("figures.audited")
    row = module.row(module.Program("honest", module.ternary, ct.Unbiased("(sqrt(d)-1)/2")))
    assert row["verdict"] != "REFUTED"


def check_steps(curve):
    """Where several are known: promised >= worst case >= this problem."""
    for promised, worst, here in zip(curve["guarantee"], curve["worst"], curve["here"], strict=True):
        if worst is not None:
            assert promised is None or promised >= worst * (1 - 1e-6)
            assert here is None or here <= worst * 1.001


@pytest.mark.slow
def test_step_costs_are_ordered(monkeypatch):
    module = importlib.import_module("figures.step_cost")
    monkeypatch.setattr(module, "POINTS", 3)
    data = module.compute()
    for curve in data["panels"].values():
        check_steps(curve)
        assert min(v for v in curve["here"] if v is not None) < curve["planned"][1] / 3
    swapped = {**curve, "guarantee": curve["here"], "worst": curve["guarantee"], "here": curve["guarantee"]}
    swapped["here"] = [2 * v if v else v for v in swapped["here"]]
    with pytest.raises(AssertionError):
        check_steps(swapped)


def test_the_caption_of_step_costs_counts_in_its_data():
    module = importlib.import_module("figures.step_cost")
    data = small_data()["step_cost"]
    for curve in data["panels"].values():
        curve.update(here=[42.0, 5.0], planned=[0.1, 9.0])
    said = " ".join(caption(module, data).split())
    assert "costs 8.4 times the rounds of the best for DIANA and 8.4 times for EF21." in said


@pytest.mark.slow
def test_a_population_of_runs_meets_the_rate_and_sees_another_method():
    """Within three standard errors on the attaining quadratic; a step 3 % shorter is found out."""
    module = importlib.import_module("figures.evidence")
    tight = ct.tight_rate("DIANA", mu=0.01, L=1.0, omega=3.0, n=10)
    worst = tight.worst_case

    def score(method):
        logs = np.array([module.grown(method, worst.problem, seed) for seed in range(module.POPULATIONS)])
        return abs(logs.mean() - np.log(worst.rate)) / (logs.std(ddof=1) / np.sqrt(len(logs)))

    assert score(worst.method) < 3
    assert score(replace(worst.method, gamma=worst.method.gamma * 0.97)) > 10


def test_evidence_is_a_ladder():
    module = importlib.import_module("figures.evidence")
    point = module.point(5.0, 0.4)
    check_ladder(point)
    found = module.diana_point(5.0, 1.0)
    assert 0 < found["simulated_3se"] < 0.01 * found["exact"]
    check_ladder(found, noise=found["simulated_3se"] / found["exact"])
    with pytest.raises(AssertionError):
        check_ladder({**point, "tight": point["exact"] * 1.01})


def check_ladder(p, noise=1e-2):
    """The attaining quadratic meets the tight rate; a run meets the quadratic; theorem above, Top-k below."""
    assert p["exact"] == pytest.approx(p["tight"], rel=1e-6)
    assert p["simulated"] == pytest.approx(p["exact"], rel=noise)
    assert p["practice"] < p["tight"] < p["guarantee"]


def test_gallery_holds_every_figure_of_the_folder(tmp_path, monkeypatch):
    module = importlib.import_module("figures.floors")
    data = {
        "gamma": [0.1, 0.2, 0.4],
        "floor": {k: [1e-3, 2e-3, 4e-3] for k in ("DCGD", "EF", "DIANA", "EF21")},
    }
    monkeypatch.setattr(module, "compute", lambda: data)
    assert main(["floors", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "gallery.html").read_text()
    assert text.count("<img") == 1
    assert "data:image/svg+xml;base64," in text
    assert "<script" not in text
    assert "http" not in text.split("</style>")[1]
    assert "Limit of E||x_t - x*||^2 relative to its start" in text
    stored = json.loads((tmp_path / "floors.json").read_text())
    stored["caption"] = "A <b>\n\nCaption: <script>x</script>"
    (tmp_path / "floors.json").write_text(json.dumps(stored))
    gallery(tmp_path)
    assert "<script" not in (tmp_path / "gallery.html").read_text()


def small_data():
    """Data of the right shape for each new figure."""
    cell = {"diana": 0.5, "ef21": 4.0, "ef21_even_delta": 0.4}
    grid = {"1": [[cell, cell]], "10": [[cell, cell]], "100": [[cell, cell]]}
    steps = {
        "gamma": [0.1, 0.2],
        "guarantee": [9.0, None],
        "worst": [8.0, 7.0],
        "here": [6.0, 5.0],
        "planned": [0.1, 9],
    }
    point = dict.fromkeys(("guarantee", "tight", "exact", "simulated", "practice"), 10.0)
    row = {"label": "x", "verdict": "REFUTED", "inequality": "bias", "allowed": 0.0, "found": 0.5}
    return {
        "links": {"kappa": [3.0, 10.0], "omega": [1.0], "cells": {"bits only": grid, "TCP on Ethernet": grid}},
        "step_cost": {"panels": {"DIANA, Rand-2": steps, "EF21, Top-2": steps}},
        "evidence": {name: {"x": [1.0, 2.0], "points": [point, point]}
                     for name in ("EF21, κ", "EF21, δ", "DIANA, κ", "DIANA, ω")},
        "audited": {"rows": [row, {**row, "verdict": "PROVED", "inequality": "error"}]},
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["links", "step_cost", "evidence", "audited"])
def test_drawing_twice_gives_the_same_bytes(name):
    draw, data = importlib.import_module(f"figures.{name}").draw, small_data()[name]
    for kind in ("svg", "pdf"):
        assert figure_bytes(draw(data), kind) == figure_bytes(draw(data), kind)
