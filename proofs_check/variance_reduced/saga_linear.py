"""SAGA's row of the unified theory: its assumption, and with it the theorem.

Setting: f = mean of n components, convex and L-smooth, f mu-strongly quasi-convex; a table of their gradients, one
    uniform entry is used and renewed in a step; gamma <= 1/(2L + L M/n).
Symbols: n: number of components; L: largest smoothness constant of the components; M: weight of the table over
    gamma^2; R: the rate; g: gradients of the components at x; hs: gradients of the components at x*; t: the table;
    Y: error of the next table; J: the step's direction
Guarantee: ||x - x*||^2 + M gamma^2 mean||t_i - h_i*||^2 shrinks by the factor R = max{1 - gamma mu, 1 - 1/n + 2/M} in
    the mean.
Proof:
    The direction g - t + mean t is (g - h*) minus the deviation of t - h* from its mean, as the h* average to zero.
    So its square is at most 2 mean||g - h*||^2 + 2 mean||t - h*||^2, the mean of the table being given away:
    `convex`, co-coercivity of the components, with 4L and `optimal` make A = 2L, and B = 2. The drawn entry is
    every entry with probability 1/n, `renewed` with 1: the error becomes mean||g - h*||^2/n plus (1 - 1/n) of the
    old, exactly, so rho = 1/n and C = L/n with nothing left. The theorem's step takes `strong` with 2 gamma, these
    two lines with gamma^2 and M gamma^2, and `uniform` with gamma^2, which says that the squares above are those of
    the drawn component.
Tight: upper: negative controls refute smaller A, B and C.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2, SAGA; the method: Defazio, Bach and
    Lacoste-Julien 2014.
"""

from fractions import Fraction as F

from compth.methods.saga import SAGA, SAGALinear
from proofs_check._script import Script, constants, symbols
from proofs_check._table import DIRECTION, TABLE, assumption, table_part, table_theorem
from proofs_check._update import Update

n, L = symbols("n L")
ROW = SAGALinear().parameters(constants(n=n, L_max=L))
UPDATE = Update(
    SAGA,
    {"table": "t", "gradient": "g", "mean message": DIRECTION},
    sizes={"n": "n"},
    kept="1/n",
    **TABLE,
)
STATEMENT = assumption("saga.linear", ROW, UPDATE, "n", ["n >= 1"])
DRAWN = [(F(1, 2), (1, 0)), (F(1, 2), (0, 1))]
PART = table_part(STATEMENT, ROW, UPDATE, DRAWN, n=2)
SCRIPT = Script(
    "saga.linear",
    "SAGA satisfies the unified assumption, hence its theorem",
    [PART, table_theorem(PART, "saga.linear", ROW, UPDATE, *STATEMENT["claim"][1:])],
)
