"""The referee: certify declared constants, refute them with a counterexample, or say which could be declared."""

from compth.certification.adapters import Batched, adapt
from compth.certification.pipeline import BUDGETS, Estimate, certify, estimate

__all__ = ["BUDGETS", "Batched", "Estimate", "adapt", "certify", "estimate"]
