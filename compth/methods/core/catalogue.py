"""Which methods there are: the files of the package, and what other packages contribute.

A method is found because its file lies in `compth.methods`: there is no list to keep.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache

from compth._plugins import plugins
from compth.methods.core.method import Method

PACKAGE = __name__.rpartition(".core.")[0]


ALIASES = {"DCSGD": "DCGD", "DQGD": "DCGD", "EF14": "EF"}
"""Names that papers use for methods that are called otherwise here."""


def names() -> dict[str, type[Method]]:
    """The catalogue, and its methods under the names that papers use for them."""
    found = catalogue()
    return {**found, **{also: found[name] for also, name in ALIASES.items()}}


def catalogue() -> dict[str, type[Method]]:
    """Every concrete Method class of the package by name; what is done to this dictionary changes no other."""
    return dict(_found())


@cache
def _found() -> dict[str, type[Method]]:
    found: dict[str, type[Method]] = {}
    # a file is enough: no list to extend. Classes that a file merely imports, abstract ones and private
    # ones are not methods
    for info in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__):
        module = importlib.import_module(f"{PACKAGE}.{info.name}")
        for name, thing in vars(module).items():
            concrete = inspect.isclass(thing) and issubclass(thing, Method) and not inspect.isabstract(thing)
            if concrete and thing.__module__ == module.__name__ and not name.startswith("_"):
                found[name] = thing
    for name, thing in plugins("compth.methods").items():
        if inspect.isclass(thing) and issubclass(thing, Method) and not inspect.isabstract(thing):
            # a plug-in adds names and replaces none
            found.setdefault(name, thing)
    return dict(sorted(found.items()))
