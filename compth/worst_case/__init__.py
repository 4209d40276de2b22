"""Worst cases: tight rates in closed form and by LMI, rational certificates, and a referee for claimed rates."""

from compth.worst_case.certified_theorem import Certified, certified
from compth.worst_case.floors import Floor, heterogeneous_dcgd
from compth.worst_case.heterogeneous import HeterogeneousBracket, heterogeneous_feedback
from compth.worst_case.modelling import Analysis
from compth.worst_case.promised import guarantee
from compth.worst_case.rational import RateCertificate
from compth.worst_case.referee import check_rate
from compth.worst_case.tight import TightRate, tight_rate
from compth.worst_case.tight_grid import TightRates, tight_rates

__all__ = [
    "Analysis",
    "Certified",
    "Floor",
    "HeterogeneousBracket",
    "RateCertificate",
    "TightRate",
    "TightRates",
    "certified",
    "check_rate",
    "guarantee",
    "heterogeneous_dcgd",
    "heterogeneous_feedback",
    "tight_rate",
    "tight_rates",
]
