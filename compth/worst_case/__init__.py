"""Tight worst-case rates: closed forms, one-step LMIs with rational certificates, instances that attain them."""

from compth.worst_case.refute import check_rate
from compth.worst_case.tight import RateCertificate, TightRate, tight_rate

__all__ = ["RateCertificate", "TightRate", "check_rate", "tight_rate"]
