"""Worst cases: tight rates in closed form and by LMI, rational certificates, and a referee for claimed rates."""

from compth.worst_case.rational import RateCertificate
from compth.worst_case.referee import check_rate
from compth.worst_case.tight import TightRate, tight_rate

__all__ = ["RateCertificate", "TightRate", "check_rate", "tight_rate"]
