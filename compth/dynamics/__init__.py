"""Exact expected dynamics on quadratics: curves, rates, stationary moments and step sizes without sampling."""

from compth.dynamics.fixed_points import Stationary, stationary
from compth.dynamics.spectrum import ExactRate, exact_rate
from compth.dynamics.steps import BestStep, StepSize, best_step, max_stable_step
from compth.dynamics.trajectory import Trajectory, exact

__all__ = [
    "BestStep",
    "ExactRate",
    "Stationary",
    "StepSize",
    "Trajectory",
    "best_step",
    "exact",
    "exact_rate",
    "max_stable_step",
    "stationary",
]
