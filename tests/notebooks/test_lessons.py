"""Every lesson runs; its exercises take the right answer, worked out here by hand, and refuse wrong ones."""

import importlib
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure

pytest.importorskip("marimo")
pytestmark = pytest.mark.optional

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
# d/k - 1; k/d; the diagonal; 1/(1 + omega).
# Floor of order gamma; of order zeta^2; nothing to compress; differences vanish.
# 1 + 11 gamma/6 at gamma = 0.6 (Beznosikov et al.); 1/d; omega (1 - delta) = 2 * 2/3.
# p = k/d on a diagonal A; the same; S = I; b_1/A_11 * k/d.
# Largest entry only; all; 9/14; 1/(3 + 2 + 1).
ANSWERS = {
    "lesson_1_omega_and_delta": (20 / 5 - 1, 1 / 2, 45, 1 / 2),
    "lesson_2_floors": (1 / 2, 4, 0, 0),
    "lesson_3_biased": (1 + 11 * 0.6 / 6, 1 / 3, 4 / 3),
    "lesson_4_subnetworks": (1 / 2, 1 / 4, 0, 1 / 2),
    "lesson_5_bits": (1, 3, 9 / 14, 1 / 6),
}


def run(name, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module(name).app.run()[1]


def test_every_lesson_is_tested():
    assert sorted(ANSWERS) == sorted(p.stem for p in FOLDER.glob("lesson_*.py"))


@pytest.mark.parametrize("name", ANSWERS)
def test_right_answers_are_taken_and_wrong_ones_refused(name, monkeypatch):
    exercises = run(name, monkeypatch)["exercises"]
    assert len(exercises) == len(ANSWERS[name]) >= 3
    for exercise, answer in zip(exercises, ANSWERS[name], strict=True):
        assert exercise.accepts(answer), (exercise.question, exercise.truth)
        assert exercise.feedback(answer) == "**Right.**"
        for wrong in (1.05 * answer + 0.1, 0.95 * answer - 0.1, 2 * answer + 1):
            assert not exercise.accepts(wrong), (exercise.question, wrong)
            assert exercise.hint in exercise.feedback(wrong)
        assert not exercise.accepts(None)


def test_a_lesson_run_as_a_script_says_what_to_do(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    exercise = importlib.import_module("exercise")
    assert exercise.started_as_script() == ""
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(app=exercise.mo.App()))
    monkeypatch.setattr(sys, "argv", ["notebooks/lesson_9.py"])
    assert "`python -m marimo run notebooks/lesson_9.py` opens it" in exercise.started_as_script()


def test_outcomes_are_a_law_with_the_right_mean(monkeypatch):
    import numpy as np

    import compth as ct

    monkeypatch.syspath_prepend(str(FOLDER))
    outcomes = importlib.import_module("exercise").outcomes
    x = np.array([0.8, 0.6])
    for compressor in (ct.RandK(1), ct.TernGrad(), ct.RandomDithering(2), ct.NaturalCompression()):
        law = outcomes(compressor, x)
        assert sum(p for p, _ in law) == pytest.approx(1, abs=1e-12)
        assert sum(p * y for p, y in law) == pytest.approx(x, abs=1e-12)


def test_the_subnetwork_limit_is_where_the_mean_goes(monkeypatch):
    names = run("lesson_4_subnetworks", monkeypatch)
    run_, biased, problem = names["run"], names["biased"], names["problem"]
    import numpy as np

    away = np.linalg.norm(run_.mean - biased, axis=1)
    assert away[-1] < 0.2 * away[0]
    assert np.linalg.norm(run_.mean[-1] - problem.x_star) > 5 * away[-1]


def test_panels_of_a_picture_stack_on_a_phone(monkeypatch):
    """Each panel is a drawing of its own, as wide as there is room; together they show the whole figure once."""
    monkeypatch.syspath_prepend(str(FOLDER))
    exercise = importlib.import_module("exercise")
    figure = Figure(figsize=(8, 3), layout="tight")
    left, right = figure.subplots(1, 2)
    left.set_ylabel("left")
    right.set_ylabel("right")
    text = exercise.picture(figure).text
    windows = [
        tuple(map(float, w))
        for w in re.findall(r'viewBox="(\S+) 0 (\S+) 216.0" style="width:100%;height', text)
    ]
    (a, first), (b, second) = windows
    assert a == 0
    assert b == pytest.approx(first, abs=0.11)
    assert b + second == pytest.approx(576, abs=0.11)
    assert 250 < b < 320  # between the panels, left of the right one's label
    assert re.findall(r'<svg[^>]* width="\d', text) == []  # nothing keeps a fixed width
    assert len(re.findall("viewBox", exercise.picture(Figure(figsize=(4, 3))).text)) == 1
