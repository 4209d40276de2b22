"""The catalogue as rows: every object, formulas that evaluate to the claims' own numbers."""

from __future__ import annotations

import pytest
import sympy

import compth as ct
from compth.claims import Attribution, Sharpness, Standing
from compth.compressors import catalogue
from compth.compressors.core.render import catalogue_rows

ROWS = {row.name: row for row in catalogue_rows()}


def test_every_object_has_a_row():
    assert set(ROWS) == set(catalogue())
    for row in ROWS.values():
        assert row.summary
        assert row.bits
        assert row.bits_at.startswith("d = ")
        for claim in row.claims:
            assert claim.standing in {str(s) for s in Standing}
            assert claim.attribution in {str(a) for a in Attribution}
            assert claim.sharpness.partition(":")[0] in {str(s) for s in Sharpness}
            assert claim.source
            assert all(c.latex for c in claim.constants)


@pytest.mark.parametrize(
    ("name", "claim", "constant", "instance", "d"),
    [
        ("RandK", "Unbiased", "omega", ct.RandK(3), 12),
        ("TopK", "Contractive", "delta", ct.TopK(3), 12),
        ("NaturalDithering", "Unbiased", "omega", ct.NaturalDithering(3), 12),
        ("ScaledSign", "Contractive", "delta", ct.ScaledSign(), 12),
        ("NearestRounding", "Contractive", "delta", ct.NearestRounding(3), 12),
        ("IntegerRounding", "AbsoluteError", "Delta", ct.IntegerRounding(3), 12),
    ],
)
def test_rendered_formulas_are_the_claims(name, claim, constant, instance, d):
    """Substituting the instance's parameters into the shown text gives the number that the instance declares."""
    row = next(c for c in ROWS[name].claims if c.kind == claim)
    text = next(c.text for c in row.constants if c.name == constant)
    values = {"d": d} | {s: getattr(instance, s) for s in ROWS[name].symbols}
    names = {s: sympy.Symbol(s, positive=True) for s in values}
    shown = sympy.sympify(text, locals=names).subs({names[k]: v for k, v in values.items()})
    declared = next(c for c in instance.claims(d) if type(c).__name__ == claim)
    assert float(shown) == pytest.approx(float(declared.constants[constant]), rel=1e-12)


def test_formulas_as_text_and_latex():
    omega = ROWS["RandK"].claims[0].constants[0]
    assert (omega.text, omega.latex) == ("d/k - 1", r"\frac{d}{k} - 1")
    assert ROWS["RandK"].claims[0].attribution == "READ"
    assert str(ROWS["NaturalCompression"].claims[0]) == "Unbiased(omega = 1/8)"
    assert ROWS["AtomoEntrywise"].claims[0].constants[0].latex == r"-1 + \frac{d}{\mathrm{budget}}"
    assert ROWS["Wangni"].claims[0].constants[0].latex == r"\epsilon"
    assert ROWS["Scaled"].claims[0].constants[0].text == "2/d"
