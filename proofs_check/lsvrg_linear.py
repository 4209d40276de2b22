"""L-SVRG's row of the unified theory: its assumption, and with it the theorem."""

from fractions import Fraction as F

from compth.methods.l_svrg import LSVRGLinear
from proofs_check import unified_theorem
from proofs_check._script import Script, constants, symbols
from proofs_check._table import assumption, table_part

p, L = symbols("p L")
ROW = LSVRGLinear().parameters(constants(n=1, L_max=L, params={"p": p}))
STATEMENT = assumption("lsvrg.linear", ROW, "p", "p", ["p > 0", "p <= 1"])
COIN = [(F(1, 3), (1, 1)), (F(2, 3), (0, 0))]
SCRIPT = Script(
    "lsvrg.linear",
    "L-SVRG satisfies the unified assumption, hence its theorem",
    [table_part(STATEMENT, ROW, COIN, p=F(1, 3)), unified_theorem.SCRIPT.parts[0]],
)
