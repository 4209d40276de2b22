"""The scripts of this folder."""

from __future__ import annotations

import importlib
from pathlib import Path

from proofs_check._script import Script

HERE = Path(__file__).resolve().parent
HELPERS = {"recheck", "not_provable"}


def scripts() -> dict[str, Script]:
    """Every script of the folder by its theorem's id."""
    names = sorted(p.stem for p in HERE.glob("[a-z]*.py") if p.stem not in HELPERS)
    found: list[Script] = [importlib.import_module(f"proofs_check.{name}").SCRIPT for name in names]
    for name, script in zip(names, found, strict=True):
        if script.id.replace(".", "_") != name:
            raise ValueError(f"proofs_check/{name}.py holds {script.id}: the file is named after its theorem")
    return {s.id: s for s in found}
