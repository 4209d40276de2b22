"""ADIANA at the step of its paper: 64 omega (1+2q)^2 L eta <= n implies the condition of `adiana.accelerated`.

Setting: that of adiana.accelerated with the step of its paper, 64 omega (1 + 2 p (1 + omega))^2 L eta <= n beside 2
    L eta <= 1.
Symbols: o: 1 + omega; p: probability with which w becomes y; eta: the step; th: theta_1; s: step of z; c: weight of
    f(y) - f*; b: weight of the memories; R: the rate; z, y, u: the method's points; l: gradients at u; k: gradients
    at w; kp: gradients at y; e: error of the memories, h = k + e; Q: h + C(l - h); M: the second message, C of -e;
    Y: the next e; fu, fy, fw: f at u, y, w; fyp: f at the next y
Guarantee: the Lyapunov function of adiana.accelerated shrinks by the same factor R.
Proof:
    Only one line is new: the paper's limit implies ours. With q = p (1 + omega) ours asks for 8 L omega (1 + 4q)^2
    eta <= n and the paper's is 64 L omega (1 + 2q)^2 eta <= n. Their difference is 8 L omega eta (8 (1 + 2q)^2 - (1
    + 4q)^2) = 8 L omega eta (7 + 24 q + 16 q^2), which is the term of that step. All the rest is
    adiana.accelerated's list of steps: `strong` with 2 s, `smooth` with c, `at_w` and `at_y` for the momentum,
    `var` with `ind` for the noise of the direction, `shift` and `coin` for the memories. At large q the paper's
    limit is about twice as short as ours needs, at q = 0 eight times.
Tight: upper: the paper's step is shorter than the proof needs.
Source: Li, Kovalev, Qian and Richtárik 2020; constants of the Lyapunov function are ours.
"""

from compth.methods.adiana import ADIANAPaper
from proofs_check._script import Part, Script, step
from proofs_check.diana.adiana_accelerated import (
    ALGEBRA,
    FIT,
    LAST,
    SHORT,
    controls,
    inside,
    statement,
    update,
)

STATEMENT = statement(ADIANAPaper())
[SMALL] = [t for t in STATEMENT["domain"] if t.startswith("eta*") and t != SHORT]
STEPS = [*ALGEBRA, step(FIT, {SMALL: "n"}, ["8*L*(o - 1)*eta*(7 + 24*p*o + 16*(p*o)**2)"]), *LAST]
SCRIPT = Script(
    "adiana.paper",
    "ADIANA at the step size of its paper: accelerated, without a floor",
    [Part(STATEMENT, STEPS, inside(), controls(STATEMENT, SMALL)[:4], update=update(ADIANAPaper()))],
)
