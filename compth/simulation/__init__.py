"""Simulation: one driver loop for every method."""

from compth.simulation.driver import simulate
from compth.simulation.trace import Trace

__all__ = ["Trace", "simulate"]
