"""Exact expected dynamics on quadratics: curves, rates, stationary moments and step sizes without sampling."""

from compth.dynamics.fixed_points import Stationary, stationary
from compth.dynamics.large_d import LargeDRate, MarchenkoPastur, large_d_rate
from compth.dynamics.spectrum import ExactRate, exact_rate
from compth.dynamics.steps import BestStep, StepSize, best_step, max_stable_step
from compth.dynamics.trajectory import Trajectory, exact

__all__ = [
    "BestStep",
    "ExactRate",
    "LargeDRate",
    "MarchenkoPastur",
    "Stationary",
    "StepSize",
    "Trajectory",
    "best_step",
    "exact",
    "exact_rate",
    "large_d_rate",
    "max_stable_step",
    "stationary",
]
