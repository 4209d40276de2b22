"""The scripts of the family folders."""

from __future__ import annotations

import importlib
from pathlib import Path

from proofs_check._script import Script

HERE = Path(__file__).resolve().parent
HELPERS = {"recheck", "not_provable"}


def families(here: Path = HERE) -> dict[str, list[str]]:
    """Family folder -> the names of its scripts. What would never be found is a ValueError."""
    stray = sorted(p.name for p in here.glob("[a-z]*.py") if p.stem not in HELPERS)
    if stray:
        raise ValueError(f"proofs_check/{stray[0]} is in no family: put it into proofs_check/<family>/")
    bare = sorted(
        {p.parent.name for p in here.glob("[a-z]*/[a-z]*.py")}
        - {p.parent.name for p in here.glob("*/__init__.py")}
    )
    if bare:
        raise ValueError(f"proofs_check/{bare[0]}/ has scripts and no __init__.py: add one")
    folders = sorted(p.parent for p in here.glob("[a-z]*/__init__.py") if p.parent.name != "coq")
    return {f.name: sorted(p.stem for p in f.glob("[a-z]*.py")) for f in folders}


def scripts() -> dict[str, Script]:
    """Every script by its theorem's id, in the order of the ids."""
    found: dict[str, Script] = {}
    for name, family in sorted((name, family) for family, names in families().items() for name in names):
        script: Script = importlib.import_module(f"proofs_check.{family}.{name}").SCRIPT
        if script.id.replace(".", "_") != name:
            raise ValueError(
                f"proofs_check/{family}/{name}.py holds {script.id}: the file is named after its theorem"
            )
        if script.id in found:
            raise ValueError(f"proofs_check/{family}/{name}.py: another family has {script.id}, too")
        found[script.id] = script
    return found
