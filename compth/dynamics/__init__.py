"""Exact expected dynamics on quadratics: curves, rates, stationary moments and step sizes without sampling."""

from compth.dynamics.spectrum import (
    ExactRate,
    Stationary,
    best_step,
    exact_rate,
    max_stable_step,
    stationary,
)
from compth.dynamics.study import Finding, study
from compth.dynamics.trajectory import Trajectory, exact

__all__ = [
    "ExactRate",
    "Finding",
    "Stationary",
    "Trajectory",
    "best_step",
    "exact",
    "exact_rate",
    "max_stable_step",
    "stationary",
    "study",
]
