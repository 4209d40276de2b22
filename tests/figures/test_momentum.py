"""Momentum in the worst case: the page's numbers, its files, and the identity at eta = 1."""

import json
from fractions import Fraction as F

import pytest
import sympy

import compth as ct
from compth.studies.derivation import recheck
from figures import momentum

STORED = json.loads((momentum.PAGE / "rates.json").read_text())
FILES = sorted(momentum.PAGE.glob("*_*.json"))
ROWS = {(c["method"], c["kappa"], *c["claim"].values()): c for c in STORED["cells"]}


def test_the_page_shows_the_data():
    assert (momentum.PAGE / "table.csv").read_text() == momentum.table(STORED)
    listed = [(c.name, c.kappa, str(c.gamma), {k: str(v) for k, v in c.own.items()}) for c in momentum.CELLS]
    assert listed == [(c["method"], c["kappa"], c["gamma"], c["own"]) for c in STORED["cells"]]


def test_every_file_rechecks_and_is_its_row():
    contractive = [(k, c) for k, c in enumerate(STORED["cells"]) if "delta" in c["claim"]]
    assert {f.name for f in FILES} == {f"{c['method'].lower()}_{k + 1}.json" for k, c in contractive}
    for k, c in contractive:
        data = json.loads((momentum.PAGE / f"{c['method'].lower()}_{k + 1}.json").read_text())
        assert recheck.upper_holds(data)
        assert recheck.lower_holds(data)
        assert float(F(data["upper"]["rho"])) == c["certified"]
        assert float(F(data["lower"]["radius"]) ** 2) == c["lower"]
        assert F(data["class"]["loss"]) == 1 - F(c["claim"]["delta"])
        assert F(data["class"]["mu"]) * c["kappa"] == 1
        assert data["parameters"] == {"gamma": c["gamma"], **c["own"]}


def test_momentum_helps_where_the_page_says_so():
    for (method, *_), c in ROWS.items():
        assert (c["certified"] < c["base_rate"]) == (method != "EControl"), c
        assert (c["times"] > 1) == (method != "EControl")
    for (method, *_), c in ROWS.items():
        assert c["width"] < (0.01 if method != "EFMomentum" else 0.05)
    assert ROWS["DIANAMomentum", 100, "3"]["times"] == pytest.approx(1.47, abs=5e-3)
    text = momentum.PAGE.with_suffix(".rst").read_text()
    for c in STORED["cells"]:
        named = f"momentum/{c['method'].lower()}"
        assert named in text or "omega" in c["claim"]


@pytest.mark.slow
def test_a_stored_row_is_certified_again():
    cell = momentum.CELLS[0]
    row = momentum.row_of(cell, momentum.bracketed(cell))
    assert row["certified"] == pytest.approx(STORED["cells"][0]["certified"], rel=1e-9)
    tight = ct.tight_rate("EF21", mu=F(1, 10), L=1, delta=F(1, 20))
    assert row["base_rate"] == pytest.approx(float(tight.rho), rel=1e-12)


def test_less_weight_on_the_new_gradient_helps_on_both_active_quadratics():
    r, s = sympy.symbols("r s", positive=True)
    printed = (1 - r**2) * (r**2 - s**2) / (r * (r**2 + s) * (1 - s))
    found = momentum.gain_at_one()
    assert sympy.simplify(found - printed) == 0
    assert sympy.simplify(found - printed * (1 + s)) != 0
    t, q = sympy.symbols("t q", positive=True)  # s = r^2 t/(1+t), r = q/(1+q): every 0 < s < r^2 < 1
    put = printed.subs(s, r**2 * t / (1 + t)).subs(r, q / (1 + q))
    for part in sympy.fraction(sympy.cancel(put)):
        assert {c > 0 for c in sympy.Poly(part, q, t).coeffs()} == {True}


def test_the_caption_has_its_numbers():
    from figures._command import caption

    said = caption(momentum, STORED)
    assert "1.005 at delta = 1/20 to 1.35 at delta = 9/10" in " ".join(said.split())
    assert len(momentum.draw(STORED).axes) == 2
