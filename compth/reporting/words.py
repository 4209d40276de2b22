"""What is said of a result, before any format: the value that text, notebook, LaTeX and data frame are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Told:
    """What is said of one result, before any format.

    head: what it is, in a sentence. verdict: "" where there is none. facts: (heading, text). header, rows: of the
    table. notes: lines below it. statements: LaTeX. columns: name -> numbers, of the data frame.
    """

    head: str
    facts: Sequence[tuple[str, str]] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()
    verdict: str = ""
    statements: Sequence[str] = ()
    columns: Mapping[str, object] = field(default_factory=dict)
