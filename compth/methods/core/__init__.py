"""What the files of the catalogue are written in: constants, theorems, methods, and a method as one body.

`constants`, `theorem`, `method` and `guarantee` are the contract with the rest of the package; `body` and what it uses
make a method of one function: the symbols it is traced on, the program that a trace is, its fixed point, its bits.
"""

from compth._types import Array
from compth.methods.core.constants import Constants
from compth.methods.core.guarantee import Guarantee, find_guarantee, guarantee, plan_of
from compth.methods.core.method import Method, mean_square
from compth.methods.core.state import State
from compth.methods.core.theorem import Plan, Recorded, Theorem

__all__ = [
    "Array",
    "Constants",
    "Guarantee",
    "Method",
    "Plan",
    "Recorded",
    "State",
    "Theorem",
    "find_guarantee",
    "guarantee",
    "mean_square",
    "plan_of",
]
