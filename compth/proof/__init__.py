"""Proofs: a small trusted kernel, finite models that guard its statements, and printing."""

from __future__ import annotations

from compth.proof.axioms import SCHEMAS
from compth.proof.kernel import Refused, check, identity
from compth.proof.models import counterexample, witness

__all__ = ["SCHEMAS", "Refused", "check", "counterexample", "identity", "witness"]
