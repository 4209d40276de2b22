"""What every result can do for a reader: print, show itself in a notebook, be LaTeX, a data frame, or a file.

How a result looks is the business of `compth.reporting`, above the modules that make results: it is asked for by name
when something is first shown, and results know nothing of it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compth._types import Tensor


def _presenter() -> ModuleType:
    """The module above that knows how results look."""
    # By name and late: results are made in rooms below `reporting`, and layers import downwards only.
    return importlib.import_module("compth.reporting.results")


class Shown:
    """A result that a person can read. Formats are made when they are asked for."""

    def __str__(self) -> str:
        return str(_presenter().text(self))

    def _repr_html_(self) -> str:
        """For notebooks: the same words and tables, everything escaped."""
        return str(_presenter().fragment(self))

    def to_latex(self) -> str:
        """The statement with its evidence, or the table, for a paper: needs amsmath, amssymb and booktabs."""
        return str(_presenter().latex(self))

    def to_frame(self) -> Tensor:
        """A pandas DataFrame of the numbers. Raises Unsupported where pandas is not installed."""
        return _presenter().frame(self)

    def to_json(self) -> str:
        """One JSON object: `kind`, `said` (the text) and the fields; exact numbers as "p/q" beside the float."""
        return str(_presenter().json_of(self))

    def save(self, path: str | Path) -> Path:
        """Write the JSON to a file; `ct.load` reads it. Raises UnusableInput for a file that compth did not write."""
        return Path(_presenter().save(self, path))
