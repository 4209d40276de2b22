"""Portraits of compressors: the error in every direction of a plane, laws known by hand, and planted errors."""

import json
from dataclasses import replace

import numpy as np
import pytest

import compth as ct
from compth.certificates import Report
from compth.certification.portrait import beyond, biased, circle, of_report, plane, portrait_of, with_portrait
from compth.reporting.portraits import portrait_figure, portrait_words
from compth.reporting.verdict_page import html_page


def unscaled(x, rng):
    out = np.zeros_like(x)
    chosen = rng.choice(len(x), 1, replace=False)
    out[chosen] = x[chosen]
    return out


def top1(x):
    out = np.zeros_like(x)
    k = np.argmax(np.abs(x))
    out[k] = x[k]
    return out


def test_errors_known_by_hand():
    """Rand-1: (d - 1)||x||^2 in every direction; Top-1: the smaller square; dithering: ||x||_1 - 1."""
    rand, top, dither = (portrait_of(C) for C in (ct.RandK(1), ct.TopK(1), ct.RandomDithering(s=1)))
    c, s = np.cos(rand["angles"]), np.sin(rand["angles"])
    assert np.allclose(rand["error"], 1, atol=1e-12)
    assert np.allclose(rand["mean"], np.column_stack([c, s]), atol=1e-12)
    assert np.allclose(top["error"], np.minimum(c**2, s**2), atol=1e-12)
    assert np.allclose(dither["error"], np.abs(c) + np.abs(s) - 1, atol=1e-12)
    assert [p["ring"]["value"] for p in (rand, top, dither)] == pytest.approx([1, 0.5, np.sqrt(2) - 1])
    assert not any(beyond(p).any() or biased(p) for p in (rand, top, dither))
    assert {tuple(o) for o in rand["outcomes"] if o[0] == 2.0} == {(2.0, 0.0, 0.5)}


def test_planted_errors_are_seen():
    """A constant that is too small, a mean that shrinks; the honest constants of both pass."""
    assert beyond(portrait_of(top1, claims=ct.Contractive("1/2 + 1/100"))).sum() == 4  # the diagonals
    assert not beyond(portrait_of(top1, claims=ct.Contractive("1/2"))).any()
    assert biased(portrait_of(unscaled, claims=ct.Unbiased("d - 1")))
    assert not biased(portrait_of(lambda x, rng: 2 * unscaled(x, rng), claims=ct.Unbiased("d - 1")))
    assert "biased" in portrait_words(portrait_of(unscaled, claims=ct.Unbiased("d - 1")))


def test_a_limit_beside_the_axes_is_seen():
    """sign(0) is 0: the scaled sign errs by (1 - 1/2)^2 on an axis and by 1/2 beside it."""
    data = portrait_of(ct.ScaledSign())
    assert max(data["error"]) == pytest.approx(0.5, abs=1e-5)
    assert data["error"][0] == 0.25


def test_sections_go_through_the_worst_input():
    report = ct.certify(top1, 5, claims=ct.Contractive("1/3"), budget="quick")
    x = np.array(report.certificates[-1].witness, dtype=float)
    data = of_report(top1, report, claims=ct.Contractive("1/3"))
    angles, points = circle(np.array(data["basis"]))
    at = int(np.argmax(points @ x))
    assert points[at] == pytest.approx(x / np.linalg.norm(x))
    off = top1(points[at]) - points[at]
    assert data["error"][at] == pytest.approx(off @ off)
    assert beyond(data)[at]
    assert data["angles"] == angles.tolist()
    basis = plane(7, [0, 3, 0, 0, 0, 4, 0])
    assert basis @ basis.T == pytest.approx(np.eye(2))


def test_what_has_no_picture():
    gauss = ct.compressor(lambda x, rng: x + rng.normal(size=len(x)), claims=ct.Unbiased(1))
    assert portrait_of(gauss) is None  # no exact law
    assert portrait_of(top1, claims=ct.AbsoluteError(1)) is None
    assert portrait_of(ct.PermK(n=2)) is None
    assert portrait_of(top1, d=1, claims=ct.Contractive(1)) is None


def test_a_program_that_fails_has_its_verdict_and_no_picture():
    def moody(x, rng):
        if len(x) == 2 and x[0] < 0:
            raise ValueError("no")
        return x

    report = ct.certify(moody, 2, claims=ct.Unbiased(0), budget="quick")
    assert report.verdict == "REFUTED"
    assert with_portrait(report, moody, ct.Unbiased(0)).info.get("portrait") is None


@pytest.mark.parametrize(
    ("witness", "drawn"),
    [
        ({"x": 1}, True),
        ([np.nan, 1.0], True),
        ([0.0, 0.0], True),
        ([1.0, "a"], False),
        ([[1.0], [1.0, 2.0]], False),
    ],
)
def test_a_witness_that_is_no_direction_stops_no_report(witness, drawn):
    """The flat plane is drawn instead, or nothing where it is no array of numbers."""
    report = ct.certify(top1, 2, claims=ct.Contractive(0.9), budget="quick")
    worst = replace(next(c for c in report.certificates if c.witness is not None), witness=witness)
    found = of_report(top1, Report("top1", (worst,)), ct.Contractive(0.9))
    assert (found is not None) is drawn
    if drawn:
        assert found["through"] == "(1, ..., 1)"
        assert np.isfinite(found["error"]).all()


def test_pages_show_it_where_it_was_made():
    report = with_portrait(ct.certify(ct.TopK(1), 2, budget="quick"), ct.TopK(1))
    assert not report.stored
    assert '<h2>In every direction</h2><figure class="portrait"><svg' in html_page(report)
    again = ct.Report.from_json(report.to_json())
    assert json.loads(again.to_json())["info"]["portrait"]["d"] == 2
    assert "In every direction" not in html_page(again)  # a file's word: nothing was run
    typed = ct.Report.from_json(report.to_json().replace("TopK(k=1)", "mine"))
    assert with_portrait(typed, ct.TopK(1)) is typed  # a picture makes no file's word the referee's
    assert typed.stored


def test_the_picture_has_the_ring_and_the_error():
    left, right = portrait_figure(portrait_of(ct.TopK(1), claims=ct.Contractive("3/4"))).axes
    ring = right.lines[-1].get_xydata()
    assert np.hypot(*ring.T) == pytest.approx(np.full(len(ring), 0.25))
    assert "0.5 > 1 − δ = 0.25" in right.get_title()
    assert left.get_title() == "where unit vectors go"
