"""What `derive` returns: cells with their brackets, the active quadratics, and the closed form where one was found."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from compth._earned import Earned
from compth._shown import Shown
from compth._types import Json
from compth.certificates import Report
from compth.claims import Standing
from compth.errors import Unsupported
from compth.studies.derivation.cell import Cell
from compth.studies.derivation.elimination import ClosedForm
from compth.studies.derivation.proofs import SymbolicProof
from compth.studies.derivation.published import Promise


@dataclass(frozen=True)
class Derivation(Earned, Shown):
    """A method's theorem as far as it was found: at the constants asked for, and as formulas.

    cells : one for each choice of constants. closed : the closed form by elimination, None without one (then `reason`).
    confirmed : every cell's bracket is narrow and holds the closed form's root. algorithm : the round, from the trace.
    report : what became of the conjecture, None where none was offered. proof : V and multipliers in symbols, checked
    for all constants and one worker, None where none was asked for or found. published : what the best of the method's
    own theorems promises at the first cell's constants, at its own step; None where none promises a factor.
    tight : every cell's two sides meet. standing : DERIVED; brackets are exact, `check()` repeats them in Fractions.
    The words of one that was typed or changed: not tight, not confirmed, no proof, ASSUMED.
    """

    WORDS = MappingProxyType(
        {"standing": Standing.ASSUMED, "tight": False, "confirmed": False, "proof": None, "published": None}
    )

    method: str
    algorithm: tuple[str, ...]
    latex_algorithm: str = field(repr=False)
    cells: tuple[Cell, ...]
    closed: ClosedForm | None
    reason: str
    report: Report | None = None
    proof: SymbolicProof | None = field(repr=False, default=None)
    published: Promise | None = None
    standing: Standing = Standing.DERIVED

    @property
    def tight(self) -> bool:
        """True where the two sides meet at every choice of constants asked for."""
        return bool(self.cells) and all(c.met for c in self.cells)

    @property
    def confirmed(self) -> bool:
        """True where at every choice of constants the closed form's root lies in a bracket that is tight."""
        return self.closed is not None and all(
            c.met and c.root is not None and c.holds(c.root) for c in self.cells
        )

    def check(self) -> bool:
        """Every certificate again, in Fractions, with its instance for contractive messages; False without one."""
        symbols = self.proof is None or self.proof.holds()
        certified = [c for c in self.cells if c.certified is not None]
        return symbols and bool(certified) and all(c.bracket.check() for c in certified)

    def save_certificates(self, folder: str | Path) -> list[Path]:
        """One JSON file a cell, which `recheck.py` reads with the standard library alone.

        Unsupported where a cell has none, before anything is written: unbiased messages, or no rate below 1.
        """
        # All or nothing: a folder that holds some of the cells would look complete.
        none = next((c for c in self.cells if c.bracket.data is None), None)
        if none is not None:
            raise Unsupported(f"{self.method}, {none}: there is no certificate that recheck.py reads")
        out = [Path(folder) / f"{self.method.lower()}_{k}.json" for k in range(1, len(self.cells) + 1)]
        for path, cell in zip(out, self.cells, strict=True):
            path.write_text(json.dumps(cell.bracket.data, indent=1) + "\n", encoding="utf-8")
        return out

    def proof_file(self) -> Json:
        """The symbolic proof as `recheck_symbols.py` reads it. Unsupported without one."""
        from compth.studies.derivation.proof_files import described

        if self.proof is None:
            raise Unsupported(f"{self.method}: there is no proof in symbols: ask for one by proof=True")
        return described(self.proof, self.method)

    def to_dict(self) -> Json:
        """Everything as plain values."""
        from compth.studies.derivation.words import cell_values, formulas, proof_of

        return {
            "method": self.method,
            "algorithm": list(self.algorithm),
            "cells": [cell_values(c) for c in self.cells],
            "closed_form": formulas(self),
            "reason": self.reason,
            "proof": None if self.proof is None else proof_of(self.proof),
            "published": None if self.published is None else vars(self.published),
            "tight": self.tight,
            "confirmed": self.confirmed,
            "verdict": None if self.report is None else self.report.verdict.value,
        }
