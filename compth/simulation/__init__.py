"""Simulation: one driver loop for every method, and engines that make its rounds.

`driver` runs and averages, `trace` is what a run leaves, `memory` refuses what would not fit, `engines` are ways to
make a round. A new method needs nothing in here; a new engine is a file of `engines` and a name in its `choice`.
"""

from compth.simulation.driver import simulate
from compth.simulation.trace import Trace

__all__ = ["Trace", "simulate"]
