"""CAT's iteration complexity for S: linear under Polyak-Lojasiewicz; without convexity the mean squared gradient.

Setting: f L-smooth on one worker, S at any level with share at least a of ||g||^2, step 1/L; PL with mu in the
    first part.
Symbols: a: a lower bound of the shares, at least T/d; Q: the kept entries of the gradient
Guarantee: f(x+) - f* <= (1 - a mu/L)(f(x) - f*) under PL; without it the mean of ||g||^2 over K steps is at most 2
    L (f(x_0) - f*)/(a K).
Proof:
    A selection Q of the gradient has <g, Q> = ||Q||^2, `size` with beta = 1, and ||Q||^2 >= a||g||^2, `along`. In
    the descent `smooth` at the step 1/L the linear term is -<g, Q>/L and the square ||Q||^2/(2 L). `size` with 1/L
    replaces the former by -||Q||^2/L, and `along` with 1/(2 L) the remaining half by a||g||^2/(2 L). PL, `growth`
    with a/(2 L), makes that a mu/L (f - f*). Without PL the same line is the gain, and summing it telescopes. The
    share may change from step to step, as the level is chosen anew; the statement takes the least one, so that one
    rate holds over the run.
Tight: upper: the share of a step is usually larger than the least one.
Source: Khirirat, Magnússon, Aytekin and Johansson 2021.
"""

from fractions import Fraction as F

from compth.methods.cat import CATSingle
from compth.tuning.schemes import improvement
from proofs_check._blocks import over_run
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check.cat import cat_descent

L, mu, a, N = symbols("L mu a N")
RHO = text(CATSingle().plan(constants(n=1, L=L, mu=mu, d=1 / a)).rho)
GAIN = text(improvement(a, N, L)).replace("N", "sq(g)")
GIVEN = {**cat_descent.TOP["given"], "along": "b1_lower(Q, g, a)"}
RUN = over_run("f - fs", {"f": "fp"}, "1", "fs", gain=GAIN)
LINEAR = {
    "name": "cat.complexity.linear",
    "title": "a: the least alpha along the run, at least T/d; step 1/L",
    "params": "L mu a",
    "domain": ["L > 0", "mu > 0", "mu <= L", "a > 0", "a <= 1"],
    "vectors": ["common x", "common g", "common Q @ 1"],
    "values": "fp f fs",
    "given": {**GIVEN, "growth": "polyak(f, fs, g, mu)"},
    "claim": [f"fp - fs <= {RHO}*(f - fs)"],
    "run": {**RUN, "rate": RHO, "gain": "0"},
}
MEAN = {
    **{key: v for key, v in LINEAR.items() if key != "title"},
    "name": "cat.complexity.nonconvex",
    "params": "L a",
    "domain": ["L > 0", "a > 0"],
    "given": GIVEN,
    "claim": [f"fp - fs + {GAIN} <= f - fs"],
    "run": RUN,
}
[RATE], [SUM] = LINEAR["claim"], MEAN["claim"]
STEP = {"smooth": "1", "along": "1/(2*L)", "size": "1/L"}


def at(Q, x, **params):
    """The model of `cat.descent`'s S with the least value 0."""
    found = cat_descent.at(1, [Q], x=x, **params)
    return {**found, "values": {**found["values"], "fs": "0"}}


EVEN = at([2, 0], [1, 1], mu=2, a=F(1, 2))
GROWS = at([2, 0], [1, 1], a=F(1, 2))
SCRIPT = Script(
    "cat.complexity",
    "communication-aware tuning, S: 1 - alpha mu/L per step, and the mean squared gradient",
    [
        Part(
            LINEAR,
            [
                step("L - a*mu >= 0", {"mu <= L": "a", "a <= 1": "L"}),
                step(f"{RHO} >= 0", {"L - a*mu >= 0": "1/L"}),
                step(RATE, {**STEP, "growth": "a/(2*L)"}),
            ],
            at([6, 4, 0], [3, 2, 1], mu=1, a=F(1, 3)),
            [
                ({"claim": [RATE.replace(f"<= {RHO}", f"<= 9/10*{RHO}")]}, EVEN),
                ({"claim": [RATE.replace(f"<= {RHO}", f"<= {RHO}**2")]}, EVEN),
                ({"given": {"along": None}}, at([2, 0], [1, 1], mu=2, a=1)),
                ({"given": {"growth": None}}, {**EVEN, "values": {**EVEN["values"], "fs": "-9"}}),
            ],
        ),
        Part(
            MEAN,
            [step(SUM, STEP)],
            at([6, 4, 0], [3, 2, 1], a=F(1, 3)),
            [
                ({"claim": [SUM.replace("+ (", "+ 11/10*(")]}, GROWS),
                ({"given": {"along": None}}, at([2, 0], [1, 1], a=1)),
                ({"given": {"size": None}}, at([6], [1], a=1)),
            ],
        ),
    ],
)
