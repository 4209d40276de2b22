"""Files in LIBSVM's format, `label index:value index:value ...`, by scikit-learn's reader: X is sparse."""

from __future__ import annotations

import bz2
import gzip
import re
from pathlib import Path
from typing import IO

import numpy as np

from compth.errors import UnusableInput
from compth.problems.tables import Table

NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
LINE = re.compile(rf"{NUMBER}(\s+(qid:\d+|\d+:{NUMBER}))*\s*(#.*)?")


def read_libsvm(path: str | Path) -> Table:
    """X (CSR) and y of a file, also .gz or .bz2; indices from 0 or from 1, as the file has them.

    Raises UnusableInput with the line that is not of the format.
    """
    file = Path(path)
    try:
        # scikit-learn's reader takes some other text for zeros or fails without a line: every line is looked
        # at first.
        _check_lines(file)
        from sklearn.datasets import load_svmlight_file

        x, y = load_svmlight_file(str(file), dtype=np.float64)
    except (OSError, EOFError, UnicodeDecodeError, ValueError, OverflowError) as problem:
        said = (getattr(problem, "strerror", None) or str(problem) or type(problem).__name__).splitlines()[0]
        raise UnusableInput(f"dataset={str(file)!r} cannot be read: {said}") from None
    held = f"the LIBSVM format, {x.shape[1]} columns, {100 * x.nnz / max(x.shape[0] * x.shape[1], 1):.3g} % not zero"
    return Table(x, y, held)


def _opened(file: Path) -> IO[str]:
    """The file as text, unpacked where its name says so."""
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8")
    if file.suffix == ".bz2":
        return bz2.open(file, "rt", encoding="utf-8")
    return file.open(encoding="utf-8")


def _check_lines(file: Path) -> None:
    """Refuse, by its number, a line that the reader would refuse without one or read as something else."""
    found = 0
    with _opened(file) as lines:
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            found += 1
            if not LINE.fullmatch(text):
                raise UnusableInput(
                    f"dataset={str(file)!r} cannot be read: line {number} is not `label index:value ...`:"
                    f" {text[:40]!r}; a table needs the name FILE.csv"
                )
    if not found:
        raise UnusableInput(f"dataset={str(file)!r} cannot be read: it is empty")
