"""Bits per improvement: compression levels, step sizes and sampling probabilities for a given gradient and link."""

from __future__ import annotations

from compth.tuning import costs
from compth.tuning.answer import Tuning
from compth.tuning.probabilities import (
    MeanEstimation,
    kkt_residual,
    mean_estimation,
    quadratic_probabilities,
    sampling_probabilities,
)
from compth.tuning.rules import tune
from compth.tuning.steps import StepTable, step_table

__all__ = [
    "MeanEstimation",
    "StepTable",
    "Tuning",
    "costs",
    "kkt_residual",
    "mean_estimation",
    "quadratic_probabilities",
    "sampling_probabilities",
    "step_table",
    "tune",
]
