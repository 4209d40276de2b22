"""Several kinds of steps in one table: a line a method, 100 columns for the demo, and who is first with each."""

import pickle
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest

import compth as ct
from compth.cli import _output
from compth.cli.compare import default_methods
from compth.reporting import plots
from compth.reporting.comparison import comparison_page
from compth.reporting.page import names, spans
from compth.reporting.plots import comparison_figure
from compth.reporting.reports import short_bits, text_table
from compth.reporting.side_by_side import answers, columns, legend, lines, winners
from compth.text.specs import build

STEPS = 400


@pytest.fixture(scope="module")
def held():
    problem = ct.problems.random_quadratic(4, 6, 20, 0)
    methods = [ct.GD(), ct.DIANA(ct.RandK(k=2)), ct.EF21(ct.TopK(k=1)), ct.DCGD(ct.RandK(k=2))]
    return ct.compare(methods, problem, STEPS, 8, stepsizes="theorem,best")


def cells(held, group, name):
    header, rows = columns(held)
    return [row[header.index(f"{group}: {name}")] for row in rows]


def demo(held, **more):
    """The demo's methods with the longest numbers that it prints, in the rows of `held`."""
    from compth.methods import vocabulary

    methods = [build(spec, vocabulary()) for spec in default_methods(64)]
    row = replace(held.rows[0], certified_rounds=69_332, guaranteed_rounds=90_962, stepsize=0.00339)
    best = replace(
        row, stepsize=0.0561, stepsize_from="tuned", exact_rounds=None, exact_rate=None, rounds=None
    )
    rows = [r for _ in methods for r in (row, best)]
    rows[-1] = replace(best, rounds=STEPS)
    trace = replace(held.traces[0], bits=held.traces[0].bits / 7, downlink_bits=held.traces[0].bits * 9.87)
    info = {"kinds": ["theorem", "best"], "stepsizes": ["theorem", "best"] * len(methods),
            "of": [m.label for m in methods for _ in "ab"]}  # fmt: skip
    return SimpleNamespace(rows=rows, traces=[trace] * len(rows), info=info, eps=1e-3, steps=2000, **more)


def test_the_demos_table_fits_100_columns_and_falls_apart_by_kind_at_80(held, capsys, monkeypatch):
    shown = demo(held)
    wide = text_table(*columns(shown)).splitlines()
    assert 90 < max(map(len, wide)) <= 100
    assert "-- at the theorems' steps -" in wide[0]
    assert "- at the best steps -" in wide[0]
    for width, tables in ((200, 1), (100, 1), (80, 2), (60, 3)):
        monkeypatch.setenv("COLUMNS", str(width))
        _output.show_table(*columns(shown))
        printed = capsys.readouterr().out
        assert len(printed.strip().split("\n\n")) == tables
        assert max(map(len, printed.splitlines())) <= width


def test_headings_stand_over_their_columns(held):
    header, rows = columns(held)
    assert spans(header) == [
        ("", 1),
        ("rounds promised", 2),
        ("at the theorems' steps", 4),
        ("at the best steps", 4),
    ]
    assert names(header) == ["method", "theorem", "certified", *["step", "rounds", "up", "down"] * 2]
    top, under, *_ = text_table(header, rows).splitlines()
    assert top.index("at the best steps") > under.index("down")
    short = text_table(["a", "a long heading: b", "a long heading: c"], [["x", "1", "2"]])
    assert short.splitlines()[0] == "   a long heading"
    latex, page = held.to_latex(), comparison_page(held)
    assert r"\multicolumn{4}{c}{at the best steps}" in latex
    assert r"\cmidrule(lr){8-11}" in latex
    assert '<th class="g" colspan="4">at the best steps</th>' in page
    assert 'data-label="at the best steps: rounds"' in page


def test_a_line_holds_the_numbers_of_both_of_its_rows(held):
    assert [method for method, _ in lines(held)] == list(dict.fromkeys(held.info["of"]))
    for at, found in enumerate(("at the theorems' steps", "at the best steps")):
        for i, (rounds, up, down) in enumerate(
            zip(*(cells(held, found, n) for n in ("rounds", "up", "down")), strict=True)
        ):
            row, trace = held.rows[2 * i + at], held.traces[2 * i + at]
            needs = row.exact_rounds if row.exact_rate is not None else row.rounds
            if needs is None:
                assert (up, down) == ("-", "-")
                continue
            assert rounds == f"{needs:,}"
            assert (up, down) == (short_bits(trace.bits[needs]), short_bits(trace.downlink_bits[needs]))
    assert [step.endswith("*") for step in cells(held, "at the best steps", "step")] == [
        False,
        False,
        True,
        False,
    ]
    assert "*: tuned" in legend(held)


def test_who_is_first_is_the_least_of_each_kind(held):
    for kind, first in (("theorem", 0), ("best", 1)):
        for j, measure in enumerate(("rounds", "uplink bits", "downlink bits")):
            needs = {}
            for i in range(first, len(held.rows), 2):
                row, trace = held.rows[i], held.traces[i]
                rounds = row.exact_rounds if row.exact_rate is not None else row.rounds
                if rounds is not None:
                    needs[i] = (rounds, trace.bits[rounds], trace.downlink_bits[rounds])[j]
            i, value = winners(held, kind)[measure]
            assert value == min(needs.values()) == needs[i]


def test_the_order_turns_by_the_theorems_looseness(held):
    """GD is first at the theorems' steps, another at the best; of an order that stays nothing is said."""
    said = answers(held)
    assert said[0].startswith("At the theorems' steps GD needs the fewest rounds (")
    assert said[1].startswith("At the best steps ")
    assert said[2].startswith("The order turns by the theorems' looseness")
    assert said[2].endswith(" and 1 x for GD.")
    same = [replace(r, stepsize_from="given") if k == "theorem" else r
            for r, k in zip(held.rows, held.info["stepsizes"], strict=True)]  # fmt: skip
    given = SimpleNamespace(rows=same, traces=held.traces, info=held.info, eps=held.eps, steps=held.steps)
    assert [line.partition("steps ")[0] for line in answers(given)] == ["At the given ", "At the best "]
    alone = SimpleNamespace(rows=held.rows[:2], traces=held.traces[:2], eps=held.eps, steps=held.steps,
                            info={k: v[:2] for k, v in held.info.items()})  # fmt: skip
    assert len(answers(alone)) == 2


def test_a_method_without_a_kind_of_step_has_dashes_there(held):
    info = held.info | {"stepsizes": held.info["stepsizes"][:-1], "of": held.info["of"][:-1]}
    fewer = SimpleNamespace(
        rows=held.rows[:-1], traces=held.traces[:-1], info=info, eps=held.eps, steps=held.steps
    )
    assert columns(fewer)[1][-1][-4:] == ["-"] * 4
    assert columns(fewer)[1][:-1] == columns(held)[1][:-1]


def test_a_stored_comparison_knows_whose_steps_they_are(held):
    again = pickle.loads(pickle.dumps(held))
    assert [r.stepsize_from for r in again.rows] == [r.stepsize_from for r in held.rows]
    assert again.columns() == held.columns()
    assert [r.label for r in again.rows] == [r.label for r in held.rows]


def test_the_figure_marks_who_is_first_and_its_rows_share_their_axes(held):
    figure = held.plot()
    titles = [axis.get_title(loc="right") for axis in figure.axes]
    assert titles[0].startswith("first: GD, ")
    assert all(title.startswith("first: ") for title in titles)
    for above, below in zip(figure.axes[:3], figure.axes[3:], strict=True):
        assert above.get_xlim() == below.get_xlim()
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert [float(mark.get_xdata()[0]) for mark in marks] == [winners(held, "theorem")["rounds"][1]]


def test_titles_do_not_lie_on_each_other(held):
    """Whose steps a row shows, and who is first, stand over the same panel."""
    figure = comparison_figure(held)
    figure.canvas.draw()
    met = 0
    for panel in figure.axes[:6]:
        shown = [t for t in (panel._left_title, panel.title, panel._right_title) if t.get_text()]
        boxes = [t.get_window_extent() for t in shown]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
        met += len(boxes)
    assert met > 6


def over_the_neighbour(comparison):
    """Whether a title of a panel lies on one of the panel on its left."""
    figure = comparison_figure(comparison)
    figure.canvas.draw()
    rows = [figure.axes[:3], figure.axes[3:6]]
    beside = [(a._right_title, b._right_title) for row in rows for a, b in pairwise(row)]
    assert all(a.get_text() and b.get_text() for a, b in beside)
    return any(a.get_window_extent().overlaps(b.get_window_extent()) for a, b in beside)


def test_a_long_name_does_not_lie_over_the_panel_on_its_left(held, monkeypatch):
    monkeypatch.setattr(plots, "row_label", lambda name: f"{name} CompressedScaffnew Owners(n=10,owners=2)")
    assert not over_the_neighbour(held)
    monkeypatch.setattr(plots, "LONGEST", 100)
    assert over_the_neighbour(held)
