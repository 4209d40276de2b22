"""Problems: distributed quadratics with exact constants, seeded families, ridge regression on real data."""

from compth.problems.datasets import DATASETS, SPLITS, least_squares, ridge
from compth.problems.generate import SPECTRA, extremal_problems, ibcd_toy, random_quadratic, top1_divergence
from compth.problems.quadratic import DistributedQuadratic, Quadratic, distributed_quadratic
from compth.problems.rosenbrock import Rosenbrock

__all__ = [
    "DATASETS",
    "SPECTRA",
    "SPLITS",
    "DistributedQuadratic",
    "Quadratic",
    "Rosenbrock",
    "distributed_quadratic",
    "extremal_problems",
    "ibcd_toy",
    "least_squares",
    "random_quadratic",
    "ridge",
    "top1_divergence",
]
