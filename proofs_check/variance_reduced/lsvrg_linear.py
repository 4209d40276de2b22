"""L-SVRG's row of the unified theory: its assumption, and with it the theorem."""

from fractions import Fraction as F

from compth.methods.l_svrg import LSVRGLinear
from proofs_check._script import Script, constants, symbols
from proofs_check._table import assumption, table_part, table_theorem

p, L = symbols("p L")
ROW = LSVRGLinear().parameters(constants(n=1, L_max=L, params={"p": p}))
STATEMENT = assumption("lsvrg.linear", ROW, "p", "p", ["p > 0", "p <= 1"])
COIN = [(F(1, 3), (1, 1)), (F(2, 3), (0, 0))]
PART = table_part(STATEMENT, ROW, COIN, p=F(1, 3))
SCRIPT = Script(
    "lsvrg.linear",
    "L-SVRG satisfies the unified assumption, hence its theorem",
    [PART, table_theorem(PART, "lsvrg.linear", ROW)],
)
