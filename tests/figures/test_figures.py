"""Figures: data say what the caption says, files are the same on every run."""

import importlib

import numpy as np
import pytest
from matplotlib.figure import Figure

import compth as ct
from compth.reporting import files
from compth.reporting.reports import figure_bytes
from compth.studies.problem_search import rate_ratio
from figures._command import main, names
from tests.thorough import alone


@alone
@pytest.mark.slow
def test_floors_have_the_slopes_of_the_caption(monkeypatch):
    module = importlib.import_module("figures.floors")
    monkeypatch.setattr(module, "GAMMAS", module.GAMMAS[2:])
    data = module.compute()
    gamma = np.log(data["gamma"])
    slope = {name: np.polyfit(gamma, np.log(np.maximum(v, 1e-40)), 1)[0] for name, v in data["floor"].items()}
    assert 0.85 < slope["DCGD"] < 1.2
    assert 1.85 < slope["EF"] < 2.2
    assert max(data["floor"]["DIANA"] + data["floor"]["EF21"]) < 1e-20


def test_what_is_rounding_is_drawn_as_zero_below_the_cut():
    module = importlib.import_module("figures.floors")
    data = {
        "gamma": [0.1, 0.2, 0.4],
        "floor": {"DCGD": [1e-3] * 3, "EF": [1e-6] * 3, "DIANA": [1e-30] * 3, "EF21": [0] * 3},
    }
    top, strip = module.draw(data).axes
    assert top.get_ylim()[0] > 1e-8
    assert [line.get_label() for line in strip.get_lines()] == ["DIANA", "EF21"]
    assert [t.get_text() for t in strip.get_yticklabels()] == ["0 (rounding)"]


@pytest.mark.slow
def test_drawing_is_deterministic(tmp_path, monkeypatch):
    module = importlib.import_module("figures.floors")
    data = {
        "gamma": [0.1, 0.2, 0.4],
        "floor": {k: [1e-3, 2e-3, 4e-3] for k in ("DCGD", "EF", "DIANA", "EF21")},
    }
    monkeypatch.setattr(module, "compute", lambda: data)
    for folder in ("a", "b"):
        assert main(["floors", "--out", str(tmp_path / folder)]) == 0
    for kind in ("svg", "pdf", "png", "json"):
        assert (tmp_path / "a" / f"floors.{kind}").read_bytes() == (
            tmp_path / "b" / f"floors.{kind}"
        ).read_bytes()


def test_unknown_figure(capsys):
    assert main(["flors"]) == 2
    assert "floors" in capsys.readouterr().err
    assert "floors" in names()


def test_bad_folders_are_said_before_the_work(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert main(["floors", "--out", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["floors", "--out"])
    assert stop.value.code == 2


@pytest.mark.slow
def test_looseness_is_attained_by_the_stored_problem(monkeypatch):
    module = importlib.import_module("figures.theorem_looseness")
    monkeypatch.setattr(module, "COUNT", 5)
    monkeypatch.setattr(module, "CLIMB", 10)
    kept = [m for m in module.methods() if type(m) in (ct.GD, ct.DIANA, ct.EF21)]
    monkeypatch.setattr(module, "methods", lambda: kept)
    data = module.compute()
    rows = {r["theorem"]: r for r in data["rows"]}
    assert all(r["looseness"] > 1 - 1e-9 for r in data["rows"])
    assert rows["gd.contraction"]["looseness"] == pytest.approx(1, abs=1e-9)
    row = rows["diana.unified"]
    problem = ct.problems.distributed_quadratic(np.array(row["A"]), np.array(row["b"]))
    again = rate_ratio(ct.DIANA(ct.RandK(1)), problem, "diana.unified")
    assert 1 / again == pytest.approx(row["looseness"], rel=1e-6)
    figure = module.draw(data)
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert labels == module.labels(data["rows"])
    assert len(set(labels)) == len(labels)
    assert all(text.startswith(r["theorem"]) for text, r in zip(labels, data["rows"], strict=True))


def test_links_choose_what_the_caption_says():
    data = importlib.import_module("figures.cat_efficiency").compute()
    chosen = {name: link["level"] for name, link in data["links"].items()}
    assert chosen["no overhead"] == 1
    assert 1 < chosen["LoRaWAN"] < chosen["IEEE 802.15.4"] < chosen["TCP on Ethernet"] < 64
    for link in data["links"].values():
        assert link["efficiency"][link["level"] - 1] == max(link["efficiency"]) == 1
    assert all(a >= b - 1e-12 for a, b in zip(data["shares"]["S"], data["shares"]["SS"], strict=True))


def test_the_tuned_run_is_cheaper_than_the_levels_shown():
    data = importlib.import_module("figures.cat_runs").compute()

    def bits_to(run, eps):
        return next((c for c, g in zip(run["bits"], run["gap"], strict=True) if g <= eps), np.inf)

    for eps in (1e-3, 1e-4, 1e-6, 1e-8):
        spent = {name: bits_to(run, eps) for name, run in data["runs"].items()}
        assert spent["tuned"] == min(spent.values())
        assert spent["full gradient"] > 1.4 * spent["tuned"]
    spent = {name: bits_to(run, 1e-2) for name, run in data["runs"].items()}
    assert 0.99 * spent["tuned"] < spent["T = 32"] < spent["tuned"]
    one = data["runs"]["T = 16"]["bits"][1]
    assert one == 16 * 38 + 8 * 78
    for run in data["runs"].values():
        assert (np.diff(run["gap"]) <= 1e-18).all()


def test_a_large_file_of_ours_is_known_by_its_end(tmp_path):
    """PDF holds our mark after the drawing: a second run may write over it; a mark that is far inside is not ours."""
    long, mark = b"x" * 200_000, files.MARK.encode()
    made = b"%PDF-1.4" + long + b"/Creator (" + mark + b")"
    assert b"/Creator (" + mark in figure_bytes(Figure(), "pdf")
    others = (long + mark + long, long + mark, b"%PDF-1.4" + long + mark, made + long, b"")
    for content, own in ((made, True), (mark + long, True), *((other, False) for other in others)):
        (tmp_path / "f.pdf").write_bytes(content)
        assert files.is_own(tmp_path / "f.pdf") is own
