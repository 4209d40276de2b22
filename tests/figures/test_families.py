"""The map of methods and the example of noisy feedback: what pages and captions say holds in their data."""

import importlib
import json

import numpy as np
import pytest

import compth as ct
from figures import families, noisy_feedback

PAGE_TEXT = families.PAGE.with_suffix(".rst")
STORED = json.loads((families.PAGE / "rates.json").read_text())


def rates(data):
    return {(c["method"], c["added"]): c["rate"] for c in data["cells"]}


def test_the_page_shows_the_data():
    assert (families.PAGE / "table.csv").read_text() == families.table(STORED)
    listed = [(e.name, families.ROWS[e.row], families.COLUMNS[e.column]) for e in families.ENTRIES]
    assert listed == [(c["method"], c["memory"], c["added"]) for c in STORED["cells"]]


def test_cells_with_a_closed_form_and_theorems_are_as_stored(monkeypatch):
    """Those that take no search; the searched ones are for the slow test."""
    known = ("DCGD", "DIANA", "EF", "EF21")
    quick = tuple(e for e in families.ENTRIES if e.theorem or (e.name in known and not e.heard))
    monkeypatch.setattr(families, "ENTRIES", quick)
    found, stored = rates(families.compute()), rates(STORED)
    assert found == {k: pytest.approx(stored[k], rel=1e-9) for k in found}
    tight = ct.tight_rate("DIANA", mu=families.MU, L=1, omega=families.OMEGA, n=families.N)
    assert found["DIANA", "alone"] == pytest.approx(float(tight.rho), rel=1e-12)


@pytest.mark.slow
def test_searched_cells_are_as_stored(monkeypatch):
    """All but EF21-SGDM's grid, which takes longest."""
    others = tuple(e for e in families.ENTRIES if e.name != "EF21SGDM")
    monkeypatch.setattr(families, "ENTRIES", others)
    found, stored = rates(families.compute()), rates(STORED)
    assert len(found) == len(stored) - 1
    for key, rate in found.items():
        assert (rate is None) == (stored[key] is None)
        assert rate is None or 1 - rate == pytest.approx(1 - stored[key], rel=1e-3), key


def times(slow, quick):
    """How many times as many rounds."""
    return np.log(quick) / np.log(slow)


def heard(found):
    """Rounds under a compressed broadcast against those without, in the order of the page."""
    pairs = (("DCGD", "DCGD"), ("DIANA", "DIANA"), ("EF21BC", "EF21"), ("EF21P", "DIANA"))
    return [f"{times(found[name, 'downlink'], found[plain, 'alone']):.2g}" for name, plain in pairs]


def check_page(found):
    """What docs/families.rst says of the map."""
    text = PAGE_TEXT.read_text()
    assert (
        f"{times(found['DIANA', 'alone'], found['DCGDStar', 'alone']):.2f} times those of DCGD-STAR" in text
    )
    dcgd, diana, ef21, ef21p = heard(found)
    assert f"costs DCGD {dcgd} times its rounds, DIANA {diana}, EF21 {ef21} (EF21-BC)" in text
    promised = times(families.promised("ef21p.diana"), found["EF21P", "downlink"])
    said = (
        f"needs {ef21p} times DIANA's; its theorem promises {promised:.2g} times as many as its certificate"
    )
    assert said in " ".join(text.split())
    assert (1 - found["DIANA", "alone"]) / (1 - found["EF21", "alone"]) > 4
    assert 0 < found["DIANA", "alone"] - found["DIANAMomentum", "momentum"] < 0.01
    assert min(found["EControl", "momentum"], found["EF21SGDM", "momentum"]) > found["EF21", "alone"] - 1e-6


def test_the_page_says_what_the_map_shows():
    check_page(rates(STORED))
    with pytest.raises(AssertionError):
        check_page({**rates(STORED), ("EF21SGDM", "momentum"): 0.9})
    with pytest.raises(AssertionError):
        check_page({**rates(STORED), ("EF21P", "downlink"): 0.99})


def test_the_page_says_of_every_star_why():
    """In the page and in the caption: what PAGE's entry is for, and why ADIANA's has none but its theorem."""
    for text in (PAGE_TEXT.read_text(), families.__doc__.format(**families.facts({}))):
        said = " ".join(text.split())
        assert "omega = 0" in said
        assert "ADIANA" in said
        assert f"{families.PARTS} parts a worker" in said


def test_the_map_has_every_cell():
    figure = families.draw(STORED)
    shown = [t.get_text() for t in figure.axes[0].texts]
    assert {families.written(c) for c in STORED["cells"]} <= set(shown)
    assert any(text.endswith("floor") for text in shown)


def levels(module, steps):
    return {name: [module.level(module.methods(g)[name], g) for g in steps] for name in ("EF21", "EF21-SGDM")}


def check_noise(found):
    """A fifth of the step: EF21's level hardly moves, with momentum it falls by more than three."""
    assert found["EF21"][1] > 0.5 * found["EF21"][0]
    assert found["EF21-SGDM"][1] < found["EF21-SGDM"][0] / 3


@pytest.mark.slow
def test_ef21_does_not_survive_noise_and_momentum_does(monkeypatch):
    module = importlib.import_module("figures.noisy_feedback")
    monkeypatch.setattr(module, "RUNS", 4)
    found = levels(module, module.GAMMAS[-2:])
    check_noise(found)
    with pytest.raises(AssertionError):
        check_noise({**found, "EF21-SGDM": found["EF21"]})
    assert len(module.draw({"gamma": module.GAMMAS[-2:], "level": found}).axes) == 1


def test_the_noise_has_mean_zero_and_mean_square_one():
    noise = noisy_feedback.NOISE
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=1e-15)
    assert (noise**2).sum(axis=1).mean() == pytest.approx(1)
    problem = noisy_feedback.problem()
    gradients = problem.part_gradients(np.zeros((1, 2)))[0, 0]
    np.testing.assert_allclose(gradients, noise, rtol=1e-12)
