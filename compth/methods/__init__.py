"""Methods with their theorems: one file each; discovered by walking this package."""

from __future__ import annotations

from compth.methods.core import (
    Constants,
    Guarantee,
    Method,
    Plan,
    State,
    Theorem,
    find_guarantee,
    guarantee,
    plan_of,
)
from compth.methods.core.catalogue import catalogue
from compth.methods.core.catalogue import names as method_names
from compth.methods.core.compatibility import Compatibility, compatibility

OWN_STEPS = {
    "ISAGA": "its workers choose distinct components together and then draw blocks, which they apply to two vectors",
    "LAG": "its workers speak where the gradients' values tell them to: no linear step",
    "CLAG": "its workers speak where the gradients' values tell them to: no linear step",
    "CAT": "its levels and steps are chosen by the gradients' values: no linear step",
}
"""Methods of the catalogue whose step is no body, and why; everything else is derived from `body`."""


def vocabulary() -> dict[str, type]:
    """Every name that a spec text may hold: compressors, fleets, samplings, oracles and methods."""
    from compth import problems
    from compth.compressors import names, sampling

    kinds = (sampling.ArbitrarySampling, sampling.IndependentSampling, sampling.NiceSampling)
    return {**names(), **{k.__name__: k for k in kinds}, **problems.oracles(), **method_names()}


def theorems() -> dict[str, Theorem]:
    """Every theorem of every method by id."""
    return {th.id: th for method in catalogue().values() for th in method.theorems()}


def __getattr__(name: str) -> type[Method]:
    if not name.startswith("_") and name in method_names():
        return method_names()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Compatibility",
    "Constants",
    "Guarantee",
    "Method",
    "Plan",
    "State",
    "Theorem",
    "catalogue",
    "compatibility",
    "find_guarantee",
    "guarantee",
    "method_names",
    "plan_of",
    "theorems",
    "vocabulary",
]
