"""Data files: what is taken as header, target and numbers, by rules that are written down here.

CSV: UTF-8 (a byte-order mark is allowed); the delimiter is the first of , ; tab | that splits every line that is not
empty into the same number (two or more) of fields; quotes as in RFC 4180. The first row is a header exactly when none
of its fields is a number and none is a mark of a missing value (NA, nan, null, ?, -, nothing). A number is a decimal
with an optional exponent; anything else in a data row is refused with its row and column. The target is the last
column, or the one that is named or counted (from 1).

NPZ: real arrays X (rows, d) and y (rows,).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compth._door import no_mask
from compth._types import Array
from compth.errors import InvalidParameter, UnusableInput

DELIMITERS = (",", ";", "\t", "|")
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-", "."})
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Table:
    """What was read: X (rows, d), y (rows,), and in words what was taken as header and as target."""

    x: Array
    y: Array
    taken: str


def read_table(path: str | Path, target: str | int | None = None) -> Table:
    """X and y of a .csv or .npz file.

    target: the name of a header's column, or its number from 1; None: the last column.
    Raises UnusableInput, with row and column, for what cannot be read as such a table.
    """
    file = Path(path)
    with _readable(file):
        if file.suffix == ".npz":
            return _npz(file, target)
        return _csv(file, file.read_text(encoding="utf-8-sig"), target)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Every way in which a file fails to be a table, as one line."""
    try:
        yield
    except (UnusableInput, InvalidParameter):
        raise
    except UnicodeDecodeError as problem:
        raise _unusable(file, f"byte {problem.start} is not UTF-8: save it as UTF-8 text") from None
    except (OSError, ValueError, csv.Error) as problem:
        said = (str(problem).splitlines() or [type(problem).__name__])[0]
        raise _unusable(file, getattr(problem, "strerror", None) or said) from None


def _unusable(file: Path, reason: str) -> UnusableInput:
    """The error of a file, with its name."""
    return UnusableInput(f"dataset={str(file)!r} cannot be read: {reason}")


def _npz(file: Path, target: str | int | None) -> Table:
    """X and y of an archive; nothing in it is unpickled."""
    if target is not None:
        raise UnusableInput(f"target={target!r}: an npz file names its target y; leave the option out")
    with file.open("rb") as raw:
        try:
            held = np.load(raw, allow_pickle=False)
            arrays = (
                {name: held[name] for name in held.files} if isinstance(held, np.lib.npyio.NpzFile) else None
            )
        except (
            Exception
        ) as problem:  # zipfile, zlib and numpy each have their own errors for damaged archives
            raise _unusable(
                file, f"it is no npz archive of plain arrays ({type(problem).__name__})"
            ) from None
    if arrays is None:
        raise _unusable(file, "it is no npz archive: write it with numpy.savez(FILE, X=X, y=y)")
    lacking = [name for name in ("X", "y") if name not in arrays]
    if lacking:
        raise _unusable(
            file, f"it has no array {' and '.join(lacking)} (it has {', '.join(arrays) or 'none'})"
        )
    return Table(arrays["X"], arrays["y"], "arrays X and y")


def _csv(file: Path, text: str, target: str | int | None) -> Table:
    """X, y and what was taken of a text file."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise _unusable(file, "it is empty")
    delimiter, rows = _split(file, "\n".join(lines))
    # A header by rule and not by guess: the same file is read alike wherever it is read, and the words say
    # how.
    header = rows[0] if _is_header(rows[0]) else None
    body = rows[1:] if header else rows
    if not body:
        raise _unusable(file, "it has a header and no rows")
    names = header or [f"column {j + 1}" for j in range(len(rows[0]))]
    at = _target(names, target, header is not None)
    table = np.array(
        [[_number(file, rows, names, i, j) for j in range(len(names))] for i in _numbers(header, rows)]
    )
    said = "the first row as header" if header else "no header"
    which = "the last column" if target is None else "as asked"
    spelled = f"{names[at]!r}" if header else f"column {at + 1}"
    separator = {"\t": "tab"}.get(delimiter, delimiter)
    taken = f"{said}, {spelled} ({which}) as target, fields separated by {separator}"
    return Table(np.delete(table, at, axis=1), table[:, at], taken)


def _numbers(header: list[str] | None, rows: list[list[str]]) -> range:
    """Indices of the rows that hold numbers."""
    return range(1 if header else 0, len(rows))


def _split(file: Path, text: str) -> tuple[str, list[list[str]]]:
    """The delimiter, and the fields of every row."""
    # The first delimiter that splits every row into equally many fields; ragged rows under all of them are an
    # error.
    for delimiter in DELIMITERS:
        rows = [
            [f.strip() for f in row]
            for row in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
        ]
        widths = {len(row) for row in rows}
        if len(widths) == 1 and widths.pop() >= 2:
            return delimiter, rows
    rows = list(csv.reader(io.StringIO(text)))
    if all(len(row) == 1 for row in rows):
        raise _unusable(file, "it has one column: a table needs at least one column of X and the target")
    odd = next(i for i, row in enumerate(rows) if len(row) != len(rows[0]))
    raise _unusable(
        file,
        f"row {odd + 1} has {len(rows[odd])} fields and row 1 has {len(rows[0])}: every row needs the same",
    )


def _is_header(row: list[str]) -> bool:
    """True where no field is a number or a mark of a missing value."""
    return not any(NUMBER.fullmatch(f) or f.lower() in MISSING for f in row)


def _target(names: list[str], target: str | int | None, named: bool) -> int:
    """Index of the target column."""
    if target is None:
        return len(names) - 1
    if named and isinstance(target, str) and names.count(target) == 1:
        return names.index(target)
    counted = int(target) if str(target).isascii() and str(target).isdigit() else 0
    if 1 <= counted <= len(names):
        return counted - 1
    known = ", ".join(names) if named else f"1 to {len(names)} (the file has no header)"
    raise InvalidParameter(f"target={target!r} is not a column: choose one of {known[:200]}")


def _number(file: Path, rows: list[list[str]], names: list[str], i: int, j: int) -> float:
    """One cell; UnusableInput with its row and column for what is no number."""
    field = rows[i][j]
    if NUMBER.fullmatch(field):
        return float(field)
    what = "is missing" if field.lower() in MISSING else "is not a number"
    remedy = (
        "drop or impute that row" if field.lower() in MISSING else "encode that column as numbers, or drop it"
    )
    raise _unusable(file, f"row {i + 1}, {_column(names[j])}: {field[:40]!r} {what}: {remedy}")


def _column(name: str) -> str:
    """A column in words."""
    return name if name.startswith("column ") else f"column {name[:40]!r}"


def real_array(label: str, values: object) -> Array:
    """A float64 array of real numbers. Raises InvalidParameter for text, dates, complex numbers, ragged lists."""
    no_mask(label, values)
    try:
        held = np.asarray(values)
        if held.dtype.kind == "O":
            held = held.astype(np.float64)
    except (TypeError, ValueError):
        raise InvalidParameter(
            f"{label} is no array of numbers: give equally long rows of real numbers"
        ) from None
    if held.dtype.kind not in "biuf":
        raise InvalidParameter(f"{label} holds {held.dtype}: real numbers are needed")
    return held.astype(np.float64, copy=False)
