"""Which engine a run takes, by its name: the optional ones are imported when they are asked for.

numba and torch cost seconds to import and need not be installed: nothing else in the package imports their engines.
"""

from __future__ import annotations

from compth.errors import InvalidParameter
from compth.methods import Method, Plan
from compth.problems.interface import Problem
from compth.simulation.engines.base import Engine

NAMES = ("numpy", "fast", "torch", "torch:DEVICE")


def engine_of(name: str, method: Method, problem: Problem, plan: Plan, seed: int) -> Engine:
    """The engine of this name. Raises InvalidParameter for an unknown one, Unsupported where it does not apply."""
    if name == "numpy":
        return Engine(method, problem, plan, seed)
    if name == "fast":
        from compth.simulation.engines.looped import fast_engine

        return fast_engine(method, problem, plan, seed)
    if name == "torch" or str(name).startswith("torch:"):
        from compth.simulation.engines.torch_engine import TorchEngine

        return TorchEngine(method, problem, plan, seed, name.partition(":")[2])
    raise InvalidParameter(f"engine={name!r} is not known: use {', '.join(NAMES)}")
