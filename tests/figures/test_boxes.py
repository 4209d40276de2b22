"""Brackets over boxes: the page's numbers are those of the stored certificates."""

import csv
import json
from fractions import Fraction as F

import pytest

from compth.studies.derivation.boxes import slower
from figures import boxes

STORED = json.loads((boxes.PAGE / "rates.json").read_text())


def test_the_page_shows_what_the_certificates_say():
    for name, text in boxes.tables(STORED).items():
        assert (boxes.PAGE / f"{name}.csv").read_text() == text
        head, *rows = csv.reader(text.splitlines())
        assert {len(row) for row in rows} == {len(head)}
        bullets = [cell for row in rows for cell in row if cell[:2].strip() in ("-", "+", "*", "")]
        assert not bullets
    for asked in boxes.BOXES:
        shown, box = STORED[asked.name], boxes.stored(asked.name)
        assert box.data["method"] == asked.name
        assert F(shown["width"]) == box.width < F(1, 100)
        assert shown["cells"] == len(box.cells) == 16
        assert [F(x) for x in box.data["edges"]["mu"]] == [1 / k for k in reversed(boxes.KAPPAS)]
        assert [1 - F(x) for x in reversed(box.data["edges"]["loss"])] == list(asked.deltas)
        for p in shown["points"][:: len(shown["points"]) // 7]:
            lower, upper, params = box.at(1 / F(p["kappa"]), F(p["delta"]))
            assert (float(lower), float(upper), float(params["gamma"])) == (
                p["lower"],
                p["certified"],
                p["gamma"],
            )
            assert upper - lower <= box.width * (1 - lower)


def test_several_workers_have_a_box_of_their_own():
    box, shown = boxes.stored("EControl", 2), STORED["EControl"]["many"]
    assert F(box.data["n"]) == 2
    assert F(shown["width"]) == box.width < F(1, 100)
    assert shown["cells"] == len(box.cells) == 12
    assert shown["delta"] == ["1/2", "13/20"]
    assert box.cells[7].upper_holds()
    assert all(c.lower_holds() and c.narrow(box.width) for c in box.cells)
    one = {
        **box.data,
        "cells": [{**box.data["cells"][7], "v": boxes.stored("EControl").data["cells"][9]["v"]}],
    }
    assert not boxes.Box(one).cells[0].upper_holds()  # V of one worker says nothing of deviations
    assert boxes.stored("EControl").at(F(1, 10), F(3, 5))[0] == box.at(F(1, 10), F(3, 5))[0]


def test_momentum_helps_all_over_its_boxes_and_econtrol_does_not():
    for name, helps in (("EF21SGDM", True), ("EFMomentum", True), ("EControl", False)):
        shown = STORED[name]
        assert (shown["gain"] is not None) == helps
        assert all((p["times"] > 1) == helps for p in shown["points"])
        if helps:
            cells = boxes.stored(name).cells
            assert all(boxes.better_by(cell, F(shown["gain"])) for cell in cells)
            assert not all(boxes.better_by(cell, F(shown["gain"]) + F(1, 200)) for cell in cells)


def test_econtrol_is_proved_slower_than_ef21_all_over_its_box():
    assert all(slower(cell) for n in (1, 2) for cell in boxes.stored("EControl", n).cells)
    for name in ("EF21SGDM", "EFMomentum"):
        assert not any(slower(cell) for cell in boxes.stored(name).cells)


def test_theorems_promise_more_rounds_than_are_certified():
    for name in ("EF21SGDM", "EControl"):
        assert min(p["theorem"] for p in STORED[name]["points"]) > 3
    assert STORED["EFMomentum"]["points"][0]["theorem"] is None


def test_the_picture_and_its_words():
    from figures._command import caption

    said = " ".join(caption(boxes, STORED).split())
    assert f"EF21-SGDM is at least {float(1 + F(STORED['EF21SGDM']['gain'])):.3f} times" in said
    assert [len(panel.collections) for panel in boxes.draw(STORED).axes] == [5, 5, 5]


@pytest.mark.slow
def test_the_data_are_computed_from_the_certificates():
    assert boxes.compute() == STORED
