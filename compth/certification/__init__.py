"""The referee: certify declared constants, refute them with a counterexample, or say which could be declared."""

from compth.certification.adapters import Batched
from compth.certification.adapting.adapted import adapt
from compth.certification.estimated import Estimate
from compth.certification.estimation import estimate
from compth.certification.pipeline import certify
from compth.certification.run import BUDGETS

__all__ = ["BUDGETS", "Batched", "Estimate", "adapt", "certify", "estimate"]
