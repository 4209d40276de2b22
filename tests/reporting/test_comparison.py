"""The printed comparison answers its question in 100 columns, and never says what its rows do not."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import compth as ct
from compth.cli.compare import default_methods
from compth.reporting.arrivals import row_label, short_label
from compth.reporting.comparison import answer, columns, figure_words, figures
from compth.reporting.page import STYLE
from compth.reporting.plots import comparison_figure
from compth.reporting.reports import bits, short_bits, text_table, wrapped
from compth.text.specs import build

PROBLEM = ct.problems.random_quadratic(3, 6, 10, seed=2)


@pytest.fixture(scope="module")
def comparison():
    methods = [ct.GD(), ct.DCGD(ct.RandK(2)), ct.EF21(ct.TopK(1)), ct.DIANA(ct.NaturalCompression())]
    return ct.compare(methods, PROBLEM, steps=60, runs=4, eps=1e-2)


def changed(comparison, **row):
    """The same comparison with these fields of its second row."""
    rows = (comparison.rows[0], replace(comparison.rows[1], **row), *comparison.rows[2:])
    held = {k: getattr(comparison, k) for k in ("methods", "traces", "eps", "steps", "info")}
    return SimpleNamespace(rows=rows, **held)


def cell(comparison, name, row=1):
    header, rows = columns(comparison)
    return rows[row][header.index(name)]


def test_the_demos_table_fits_100_columns(comparison):
    """The longest labels and numbers that the default methods print at d = 64."""
    from compth.methods import vocabulary

    methods = [build(spec, vocabulary()) for spec in default_methods(64)]
    row = replace(comparison.rows[0], certified_rounds=69_332, guaranteed_rounds=90_962, stepsize=0.00339)
    row = replace(
        row, stepsize_from="diana.original", bits=163_421.0, exact_rounds=None, simulated_floor=0.071
    )
    rows = [replace(row, method=type(m).__name__, compressor=m.fleet.label) for m in methods]
    shown = SimpleNamespace(
        rows=rows, methods=methods, traces=comparison.traces[:1] * len(rows), eps=1e-3, steps=2000
    )
    assert max(map(len, text_table(*columns(shown)).splitlines())) <= 100


def test_promised_says_never_only_above_the_target(comparison):
    assert cell(changed(comparison, guaranteed_floor=0.5, guaranteed_rounds=None), "promised") == "never"
    assert cell(changed(comparison, guaranteed_floor=1e-3, guaranteed_rounds=None), "promised") == "-"
    assert cell(changed(comparison, guaranteed_floor=1e-3, guaranteed_rounds=7), "promised") == "7"


def test_here_is_the_exact_number_where_there_is_one(comparison):
    held = {"exact_rate": 0.9, "exact_rounds": 40, "rounds": 33, "diverged": 0}
    assert cell(changed(comparison, **held), "here") == "40"
    assert cell(changed(comparison, **{**held, "exact_rate": None, "exact_rounds": None}), "here") == "33"
    assert cell(changed(comparison, **{**held, "exact_rounds": None}), "here") == ">60"
    assert (
        cell(changed(comparison, **{**held, "exact_rounds": None, "simulated_floor": 0.3}), "here") == "never"
    )
    assert cell(changed(comparison, **{**held, "diverged": 2}), "here") == "diverged"


def test_a_bound_on_the_floor_is_marked_as_one(comparison):
    assert cell(changed(comparison, simulated_floor=None, guaranteed_floor=2.6), "floor") == "<=2.6"
    assert cell(changed(comparison, simulated_floor=0.2, guaranteed_floor=2.6), "floor") == "0.2"


def test_the_answer_names_the_least(comparison):
    held = changed(comparison, rounds=1, exact_rounds=1, diverged=0)
    assert answer(held).startswith(
        "At the theorems' steps DCGD RandK(k=2) needs the fewest rounds (1) and uplink bits (70 bit)."
    )
    dear = changed(comparison, rounds=1, exact_rounds=1, diverged=0)
    dear.traces = list(dear.traces)
    dear.traces[1] = replace(dear.traces[1], bits=1e9 * dear.traces[1].bits)
    assert "(1) and DIANA NaturalCompression() the fewest uplink bits (" in answer(dear)
    assert answer(changed(comparison, stepsize_from="given")).startswith("At these steps")
    assert "DCGD" not in answer(changed(comparison, rounds=1, exact_rounds=1, diverged=1))
    nobody = [replace(r, rounds=None, exact_rounds=None) for r in comparison.rows]
    assert answer(SimpleNamespace(rows=nobody, traces=comparison.traces, eps=1e-2)) == ""


def test_bits_are_those_of_the_rounds_that_are_shown(comparison):
    """They were those of the simulated rounds beside exact ones: 163 kbit where 706 messages are 161."""
    held = changed(comparison, exact_rate=0.9, exact_rounds=40, rounds=33, diverged=0)
    assert cell(held, "uplink") == bits(40 * 70)
    assert cell(changed(comparison, exact_rate=None, exact_rounds=None, rounds=33), "uplink") == bits(33 * 70)


def test_curves_of_bits_begin_with_the_first_message(comparison):
    """Drawn from 0 bits on, a logarithmic axis showed a flat line left of the first message."""
    rounds, uplink, downlink = comparison_figure(comparison).axes
    assert min(rounds.get_lines()[0].get_xdata()) == 0
    for panel, sent in ((uplink, comparison.traces[0].bits), (downlink, comparison.traces[0].downlink_bits)):
        assert min(panel.get_lines()[0].get_xdata()) == sent[1]


def test_the_figure_names_guarantees_that_start_above_one(comparison):
    high = [r.label for i, r in enumerate(comparison.rows) if comparison.guarantee_curve(i)[0] > 1.5]
    assert high
    assert all(label in figure_words(comparison).split("bounds")[0] for label in high)
    low = SimpleNamespace(
        rows=comparison.rows, traces=comparison.traces, guarantee_curve=lambda i: np.ones(61)
    )
    assert "above 1" not in figure_words(low)
    assert "rises" not in figure_words(low)
    up = SimpleNamespace(rows=low.rows, traces=low.traces, guarantee_curve=lambda i: np.linspace(1, 2.6, 61))
    assert "A guarantee that rises (GD, DCGD" in figure_words(up)


def test_the_page_stacks_its_panels_and_knows_the_dark(comparison):
    page = figures(comparison)
    assert page.count("<svg") == 3
    assert "DIANA Natural</li>" in page
    assert "flex-wrap:wrap" in STYLE
    assert "prefers-color-scheme:dark" in STYLE


def test_words_and_numbers_stay_whole():
    text = "the certified worst case (PROVED/OURS) promises 971 rounds at gamma = 2163/2 " * 3
    lines = wrapped(text, 40).splitlines()
    assert max(map(len, lines)) <= 40
    assert " ".join(line.strip() for line in lines) == text.strip()
    assert [bits(228), bits(2050), bits(1.6e5), bits(3e7)] == ["228 bit", "2.05 kbit", "160 kbit", "30 Mbit"]
    assert short_label("Induced(TopK(k=3), RandK(k=12))") == "Induced(Top-3,Rand-12)"
    assert short_label("NTopK(k=3)") == "NTopK(k=3)"
    assert row_label("DCGD Induced(TopK(k=3), RandK(k=12))") == "DCGD Top-3+Rand-12"
    assert row_label("Induced(Scaled(RandK(k=3)), RandK(k=12))") == "Induced(Scaled(Rand-3),Rand-12)"
    assert row_label("DIANA NaturalCompression()") == "DIANA Natural"
    assert row_label("NaturalDithering(s=2)") == "NaturalDithering(s=2)"
    assert [short_bits(v) for v in (None, 228, 999_600, 4.05e6)] == ["-", "228", "1M", "4.05M"]


def test_a_run_that_grows_diverges_and_has_no_floor():
    """The lecture's example: it read "never", with a floor of 5e21."""
    methods = [ct.DCGD(ct.TopK(k=1), gamma=0.05), ct.EF21(ct.TopK(k=1), gamma=0.05)]
    held = ct.compare(methods, problem=ct.problems.top1_divergence(), steps=300, runs=1, seed=0)
    assert held.rows[0].simulated_floor is None
    assert (cell(held, "here", 0), cell(held, "floor", 0)) == ("diverges", "-")
    assert cell(held, "here", 1).isdigit()
    assert "diverges: it grows" in held.legend()


def test_an_exact_rate_above_one_diverges_however_few_the_rounds(comparison):
    slow = changed(comparison, exact_rate=1.001, exact_rounds=None, simulated_floor=1.6)
    assert (cell(slow, "here"), cell(slow, "floor")) == ("diverges", "-")
