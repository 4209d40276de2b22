"""Which theorems and claims of the catalogue have neither a script nor a reason: `python -m proofs_check` prints them.

A theorem goes by its id; a claim by class, kind and label: `TopK.B1`, `RandomDithering.Unbiased.sharp`. A claim counts
as proved when every instance among the examples names a script; one without needs a reason under its name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from compth.compressors import Fleet, catalogue
from compth.compressors.core.render import smallest_size
from compth.compressors.three_point import ThreePoint
from compth.methods import theorems

SIZES = (1, 2, 3, 4, 6, 9, 16)


def catalogue_objects() -> dict[str, set[str]]:
    """Name -> the proof ids that its instances carry, "" for an instance without one."""
    found: dict[str, set[str]] = {th.id: {th.proof} for th in theorems().values()}
    for cls in catalogue().values():
        for example in cls.examples():
            for name, proof in claims_of(example):
                found.setdefault(name, set()).add(proof)
    for kind in ThreePoint.__subclasses__():
        if kind.__module__ == ThreePoint.__module__:
            found[kind.__name__] = {kind.proof}
    return found


def claims_of(example: Any) -> Iterator[tuple[str, str]]:
    """(name, proof id) of every claim of an instance at several sizes."""
    for n, d in sorted({smallest_size(example, start) for start in SIZES}):
        for claim in example.claims(n, d) if isinstance(example, Fleet) else example.claims(d):
            label = f".{claim.name}" * bool(claim.name)
            yield f"{type(example).__name__}.{type(claim).__name__}{label}", claim.proof


def missing(
    objects: Mapping[str, set[str]], proved: Collection[str], reasons: Collection[str]
) -> dict[str, str]:
    """Name -> what is wrong: an id without a script and without a reason, or neither id nor reason."""
    out = {}
    for name, ids in sorted(objects.items()):
        unknown = ids - {""} - set(proved) - set(reasons)
        if unknown:
            out[name] = f"names {', '.join(sorted(unknown))}, which is no script and has no reason"
        elif "" in ids and name not in reasons:
            out[name] = "has neither a script nor a reason"
    return out


def stale(objects: Mapping[str, set[str]], proved: Collection[str], reasons: Collection[str]) -> list[str]:
    """Reasons that nothing needs any more: the statement has a script, or each instance of the object names one."""
    covered = {name for name, ids in objects.items() if ids <= set(proved)}
    return sorted((covered | set(proved)) & set(reasons))
