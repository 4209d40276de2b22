"""L-SVRG's row of the unified theory: its assumption, and with it the theorem.

Setting: f = mean of components, convex and L-smooth, f mu-strongly quasi-convex; gradients at a reference point
    that moves to x with probability p; gamma <= 1/(2L + L M p).
Symbols: L: largest smoothness constant of the components; p: probability with which the reference moves; M: weight
    of the reference over gamma^2; R: the rate; g: gradients of the components at x; hs: gradients of the components
    at x*; t: gradients at the reference point; Y: their next error; J: the step's direction
Guarantee: ||x - x*||^2 + M gamma^2 mean||t_i - h_i*||^2 shrinks by the factor R = max{1 - gamma mu, 1 - p + 2/M} in
    the mean.
Proof:
    Formally SAGA with another table: here all entries are gradients at one reference point and are renewed
    together. The direction g - t + mean t does not care how t came about, so A = 2L by `convex` with 4L, and B = 2,
    are as there. The memory's line looks at mean squares only: whether entries are renewed one by one with
    probability 1/n or all at once with probability p, each is renewed with its probability, and `renewed` gives p
    mean||g - h*||^2 + (1 - p) mean||t - h*||^2. Hence rho = p and C = p L. The same two scripts share their
    statement (proofs_check/_table.py), and differ in the law of the renewal alone.
Tight: upper: negative controls refute smaller A, B and C.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2, L-SVRG; the method: Kovalev, Horváth and
    Richtárik 2020.
"""

from fractions import Fraction as F

from compth.methods.l_svrg import LSVRG, LSVRGLinear
from proofs_check._script import Script, constants, symbols
from proofs_check._table import DIRECTION, TABLE, assumption, table_part, table_theorem
from proofs_check._update import Update

p, L = symbols("p L")
ROW = LSVRGLinear().parameters(constants(n=1, L_max=L, params={"p": p}))
# the table's entries are the gradients at the reference point
UPDATE = Update(LSVRG, {"gradient": "t", "gradient 1": "g", "mean message": DIRECTION}, **TABLE)
STATEMENT = assumption("lsvrg.linear", ROW, UPDATE, "p", ["p > 0", "p <= 1"])
COIN = [(F(1, 3), (1, 1)), (F(2, 3), (0, 0))]
PART = table_part(STATEMENT, ROW, UPDATE, COIN, p=F(1, 3))
SCRIPT = Script(
    "lsvrg.linear",
    "L-SVRG satisfies the unified assumption, hence its theorem",
    [PART, table_theorem(PART, "lsvrg.linear", ROW, UPDATE, *STATEMENT["claim"][1:])],
)
