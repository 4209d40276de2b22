"""Problems: distributed quadratics and finite sums with exact constants, gradient oracles, ridge on real data."""

from compth.problems.datasets import DATASETS, SPLITS, from_rows, least_squares, ridge
from compth.problems.finite_sum import FiniteSum, additive_noise, random_finite_sum
from compth.problems.generate import SPECTRA, extremal_problems, ibcd_toy, random_quadratic, top1_divergence
from compth.problems.oracle import Arbitrary, Coordinates, Full, Importance, Minibatch, Oracle, oracles
from compth.problems.quadratic import DistributedQuadratic, Quadratic, distributed_quadratic
from compth.problems.rosenbrock import Rosenbrock
from compth.problems.rows import RowQuadratic

__all__ = [
    "DATASETS",
    "SPECTRA",
    "SPLITS",
    "Arbitrary",
    "Coordinates",
    "DistributedQuadratic",
    "FiniteSum",
    "Full",
    "Importance",
    "Minibatch",
    "Oracle",
    "Quadratic",
    "Rosenbrock",
    "RowQuadratic",
    "additive_noise",
    "distributed_quadratic",
    "extremal_problems",
    "from_rows",
    "ibcd_toy",
    "least_squares",
    "oracles",
    "random_finite_sum",
    "random_quadratic",
    "ridge",
    "top1_divergence",
]
