"""The referee: certify declared constants, refute them with a counterexample, or say which could be declared.

A call goes: `pipeline` (dimensions, forms, one error level) -> `stages` (contract, proofs, search, audits, cells, bits)
-> certificates. Below them: `subject` (what is judged, as one program), `tracer` and `oracle` (exact laws), `adversary`
(where to look), `sampled` and `evalues` (what samples may say), `supervisor`, `worker` and `channel` (a judged file
lives in another process). What must not change: only code that ran earns a verdict, never a name, a type or a word.
"""

from compth.certification.adapters import Batched
from compth.certification.adapting.adapted import adapt
from compth.certification.estimated import Estimate
from compth.certification.estimation import estimate
from compth.certification.pipeline import certify
from compth.certification.run import BUDGETS

__all__ = ["BUDGETS", "Batched", "Estimate", "adapt", "certify", "estimate"]
