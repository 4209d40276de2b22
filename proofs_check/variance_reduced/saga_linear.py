"""SAGA's row of the unified theory: its assumption, and with it the theorem."""

from fractions import Fraction as F

from compth.methods.saga import SAGALinear
from proofs_check._script import Script, constants, symbols
from proofs_check._table import assumption, table_part, table_theorem

n, L = symbols("n L")
ROW = SAGALinear().parameters(constants(n=n, L_max=L))
STATEMENT = assumption("saga.linear", ROW, "1/n", "n", ["n >= 1"])
DRAWN = [(F(1, 2), (1, 0)), (F(1, 2), (0, 1))]
PART = table_part(STATEMENT, ROW, DRAWN, n=2)
SCRIPT = Script(
    "saga.linear",
    "SAGA satisfies the unified assumption, hence its theorem",
    [PART, table_theorem(PART, "saga.linear", ROW)],
)
