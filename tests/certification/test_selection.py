"""Selections of k of d coordinates are followed exactly where samples would never hit: and nothing else is."""

import subprocess
import sys
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest

import compth as ct
from compth.certificates import Verdict
from compth.certification import certify, selection
from compth.certification.oracle import enumerated
from compth.certification.subject import as_subject
from compth.certification.tracer import NotTraceable
from compth.cli import run


def rand(k, scale=None, last=1.0, at=-1, negative=1.0):
    def rand_k(x, rng):
        out = np.zeros(len(x))
        chosen = rng.choice(len(x), k, replace=False)
        out[chosen] = x[chosen] * (len(x) / k if scale is None else scale)
        out[at] *= last
        return np.where(out < 0, negative * out, out)

    return rand_k


def rand_1(x, rng):
    out = np.zeros_like(x)
    j = rng.integers(len(x))
    out[j] = x[j] * len(x)
    return out


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_moments_are_those_of_all_draws(k):
    subject, d = as_subject(rand(k, negative=1.1)), 5
    for values in ({0: 1.0}, {4: -2.0}, {1: 2.0, 3: -1.0}, {0: -1.0, 4: 1e-3}):
        x = np.zeros(d)
        x[list(values)] = list(values.values())
        exact = enumerated(subject, x, d, 10_000, (np.inf, np.inf))
        found = selection.selected(subject, x, d)
        for name in ("mean", "error", "second"):
            assert np.allclose(getattr(found, name), getattr(exact, name), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("k", "d"), [(2, 5), (4, 4), (3, 9), (8, 11)])
def test_the_classes_are_all_draws(k, d):
    support = [1, 3]
    assert abs(sum(c.probability for c in selection.classes(k, d, support)) - 1) < 1e-12
    if k > 4:
        return
    draws = list(permutations(range(d), k))
    for stands, probability in selection.classes(k, d, support):
        here = [v for v in draws if {i: j for i, j in enumerate(v) if j in support} == stands]
        assert abs(probability - Fraction(len(here), len(draws))) < 1e-12


LARGE = 100_000
WRONG = [
    (rand(2, scale=1.0), 2, LARGE),
    (rand(2, last=1.001), 2, 1000),
    (rand(2, negative=1.001), 2, 1000),
    (rand(1000, at=61_803, last=1.5), 1000, LARGE),
    (rand(1000, scale=100.1), 1000, LARGE),
    (rand(2, scale=1.001 * LARGE / 2), 2, LARGE),
]


@pytest.mark.parametrize(
    ("program", "k", "d"),
    [
        pytest.param(*w, id=str(i), marks=pytest.mark.slow if w[2] == LARGE else ())
        for i, w in enumerate(WRONG)
    ],
)
def test_wrong_selections_are_refuted_at_any_size(program, k, d):
    (found,) = certify(program, d, claims=ct.Unbiased(f"d/{k} - 1"), budget="quick").certificates
    assert (found.verdict, found.technique) == (Verdict.REFUTED, selection.TECHNIQUE)
    assert found.assumptions == (selection.ASSUMPTION,)


@pytest.mark.slow
@pytest.mark.parametrize("d", [1000, LARGE])
def test_right_selections_are_not(d):
    expected = Verdict.PROVED if d == 1000 else Verdict.CONSISTENT  # by laws on cells, which end at 1024
    for program, k in ((rand(2), 2), (rand(100), 100), (rand_1, 1)):
        assert certify(program, d, claims=ct.Unbiased(f"d/{k} - 1"), budget="quick").verdict is expected


def one_place_matters(x, rng):
    """Unbiased: where place 701 is drawn beside another one, that one counts double, else it makes up for it."""
    d, out = len(x), np.zeros(len(x))
    chosen, q = rng.choice(d, 2, replace=False), 1 / (d - 1)
    beside = 701 in chosen.tolist()
    out[chosen] = x[chosen] * d / 2 * (2.0 if beside else 1 - q / (1 - q))
    if beside:
        out[701] = x[701] * d / 2
    return out


def test_a_place_of_a_zero_entry_that_matters_refutes_nothing():
    report = certify(one_place_matters, 1000, claims=ct.Unbiased("3*d"), budget="quick")
    assert report.verdict is Verdict.CONSISTENT
    assert any("zero entries matter" in note for note in report.info["not_checked"])


def window(x, rng, k=10):
    chosen = (rng.integers(len(x)) + np.arange(k)) % len(x)
    out = np.zeros_like(x)
    out[chosen] = x[chosen] * len(x) / k
    return out


def strided(x, rng, k=5):
    chosen = (rng.integers(len(x)) + len(x) // k * np.arange(k)) % len(x)
    out = np.zeros_like(x)
    out[chosen] = x[chosen] * len(x) / k
    return out


def all_or_nothing(x, rng):
    return x * len(x) if rng.integers(len(x)) == 333 else np.zeros_like(x)


def moved(x, rng):
    return np.roll(x, int(rng.integers(len(x))))


def by_order(x, rng):
    out, chosen = np.zeros_like(x), rng.choice(len(x), 10, replace=False)
    out[chosen] = x[chosen] * len(x) * 2 * np.arange(10) / 90
    return out


def twice(x, rng):
    return rand(10)(x, rng) * (rng.random() < 0.5) * 2


def with_replacement(x, rng):
    out = np.zeros_like(x)
    np.add.at(out, j := rng.integers(0, len(x), 4), x[j] * len(x) / 4)
    return out


@pytest.mark.parametrize(
    "program", [window, strided, all_or_nothing, moved, by_order, twice, with_replacement]
)
def test_what_is_no_plain_selection_is_refused(program):
    """Right compressors, all but `moved`, that draw a place and do something else with it."""
    subject = as_subject(program)
    with pytest.raises(NotTraceable):
        selection.selected(subject, np.eye(1000)[17], 1000)
    claim = ct.Unbiased(9999)
    found = certify(program, 1000, claims=claim, budget="quick").certificates[0]
    assert found.technique != selection.TECHNIQUE
    assert found.verdict is not Verdict.REFUTED or program is moved


FILE = """
import numpy as np
SCALE = 1.0
def rand_2(x, rng):
    out, chosen = np.zeros_like(x), rng.choice(len(x), 2, replace=False)
    out[chosen] = x[chosen] * SCALE
    return out
"""


@pytest.mark.slow
def test_the_script_tells_the_truth(tmp_path):
    judged, again = tmp_path / "judged.py", tmp_path / "again.py"
    judged.write_text(FILE)
    assert run(["check", f"{judged}:rand_2", "--omega", "d/2-1", "-d", "1000", "--script", str(again)]) == 1
    for text, code in ((FILE, 1), (FILE.replace("1.0", "500.0"), 0), (FILE.replace("1.0", "501.0"), 1)):
        judged.write_text(text)
        done = subprocess.run([sys.executable, again], capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr


def test_dense_inputs_are_refused():
    with pytest.raises(NotTraceable, match="more than two"):
        selection.selected(as_subject(rand(2)), np.ones(5), 5)
