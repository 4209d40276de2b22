"""From a method's body to its theorem: exact brackets, the active quadratics, closed forms by elimination."""

from compth.studies.derivation.derive import derive
from compth.studies.derivation.result import Derivation

__all__ = ["Derivation", "derive"]
