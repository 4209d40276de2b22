"""The atlas of looseness: no theorem beats the worst case, and cells agree with the closed forms."""

import importlib
from math import log

import pytest

from compth.methods.core import closed_forms as forms


def test_atlas_cells(monkeypatch):
    module = importlib.import_module("figures.looseness")
    monkeypatch.setattr(module, "KAPPAS", (2.0, 100.0))
    monkeypatch.setattr(module, "DELTAS", (0.5, 0.1))
    monkeypatch.setattr(module, "OMEGAS", (1.0, 9.0))
    data = module.compute()
    for method, panels in data["atlas"].items():
        for n, rows in panels.items():
            for row in rows:
                for cell in row:
                    assert cell["looseness"] >= 1, (method, n)
                    assert cell["attained"] == pytest.approx(cell["worst"], abs=1e-9)
    cell = data["atlas"]["EF21"]["10"][1][1]
    assert cell["looseness"] == pytest.approx(
        log(forms.feedback_factor(0.01, 1, 0.1)) / log(cell["guarantee"])
    )
    figure = module.draw(data)
    titles = [axes.get_title() for axes in figure.axes]
    both, each = "n = 1 or 10", [f"DIANA (printed), n = {n}" for n in (1, 10)]
    assert titles[:4] == [f"EF21 (its authors'), {both}", f"EF (ours), {both}", *each]
    assert titles.count("") == 1  # the scale of colours


def test_the_caption_calls_printed_what_is_printed():
    """It called all of them printed; EF's and DCGD's constants are ours."""
    module = importlib.import_module("figures.looseness")
    assert "printed" not in module.__doc__
    said = module.facts({})["whose"]
    assert said == "ef21.pl its authors', ef.explicit ours, diana.unified printed, dcgd.interpolation ours"
    assert module.__doc__.format(whose=said)
