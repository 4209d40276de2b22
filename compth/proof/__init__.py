"""Proofs: a small trusted kernel (`kernel`, `axioms`), what guards its statements' meaning, and printing."""

from __future__ import annotations

from compth.proof.axioms import SCHEMAS
from compth.proof.guard import check
from compth.proof.kernel import Refused, identity
from compth.proof.models import counterexample, witness

__all__ = ["SCHEMAS", "Refused", "check", "counterexample", "identity", "witness"]
