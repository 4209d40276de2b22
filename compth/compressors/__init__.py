"""Compressors and fleets: one file each; discovered by walking this package.

A compressor is one file with one class or a few that belong together: the mathematics on rows (`_compress`), declared
constants at dimension d (`claims`), what a message costs (`bits`) and small instances (`examples`). A new file is
found by itself; the tests, the command line and the pages take it from the catalogue and hold every declaration
against the mathematics. What two files share lies in `core`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from typing import Any

from compth._plugins import plugins
from compth.compressors.core.base import Compressor, DiagonalSketch, MomentMap, Noise
from compth.compressors.fleets import CompressorLike, Fleet, Independent, Shared, as_fleet


def catalogue() -> dict[str, type[Compressor | Fleet]]:
    """Every concrete Compressor and Fleet class of the package by name, in alphabetical order.

    What is done to this dictionary changes no other.
    """
    return dict(_found())


@cache
def _found() -> dict[str, type[Compressor | Fleet]]:
    found: dict[str, type[Compressor | Fleet]] = {}
    # a file is enough to be in the catalogue: concrete classes that the file itself defines
    for info in pkgutil.iter_modules(__path__):
        if info.name.startswith("_"):  # machinery, not objects
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        for name, thing in vars(module).items():
            concrete = (
                inspect.isclass(thing)
                and issubclass(thing, Compressor | Fleet)
                and not inspect.isabstract(thing)
            )
            if concrete and thing.__module__ == module.__name__ and not name.startswith("_"):
                found[name] = thing
    for name, thing in plugins("compth.compressors").items():
        if inspect.isclass(thing) and issubclass(thing, Compressor | Fleet) and not inspect.isabstract(thing):
            found.setdefault(name, thing)
    return dict(sorted(found.items()))


def unfinished(name: str) -> str:
    """Why a class of the package is in no catalogue: the methods that it lacks; "" where there is no such class."""
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        thing: Any = vars(module).get(name)
        if inspect.isabstract(thing) and thing.__module__ == module.__name__:
            lacks = ", ".join(sorted(thing.__abstractmethods__))
            return f"{name} of compth/compressors/{info.name}.py lacks {lacks}"
    return ""


ALIASES = {
    "QSGD": "RandomDithering",
    "StandardDithering": "RandomDithering",
    "CNat": "NaturalCompression",
    "RandomK": "RandK",
    "Layerwise": "Blocks",
}
"""Names that papers use for classes that are called otherwise here."""


def names() -> dict[str, type[Compressor | Fleet]]:
    """The catalogue, and its classes under the names that papers use for them."""
    found = catalogue()
    return {**found, **{also: found[name] for also, name in ALIASES.items()}}


def __getattr__(name: str) -> type[Compressor | Fleet]:
    if not name.startswith("_") and name in names():
        return names()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Compressor",
    "CompressorLike",
    "DiagonalSketch",
    "Fleet",
    "Independent",
    "MomentMap",
    "Noise",
    "Shared",
    "as_fleet",
    "catalogue",
    "names",
    "unfinished",
]
