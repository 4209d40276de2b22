"""An unbiased C divided by 1 + omega is contractive with delta = 1/(1+omega); the constant is the catalogue's.

Setting: C unbiased with variance omega, scaled by a factor fa > 0.
Symbols: fa: the factor
Guarantee: E||fa C(x) - x||^2 <= (fa^2 omega + (1 - fa)^2)||x||^2; at fa = 1/(1 + omega) this is a contraction with
    delta = 1/(1 + omega); for fa <= 1 bias 1 - fa and variance fa^2 omega.
Proof:
    fa Q - x = fa (Q - x) - (1 - fa) x, noise and a multiple of x, orthogonal because Q has mean x. So the squares
    add without a cross term: fa^2 of the noise, which is the multiplier of `var` in every part, and (1 -
    fa)^2||x||^2 exactly. The sum is a parabola in fa with its vertex at 1/(1 + omega), where it is omega/(1 +
    omega) = 1 - 1/(1 + omega): the best delta. The pair (eta, omega) is the same computation before the squares are
    added: the mean of fa Q is fa x, which is off by exactly (1 - fa)||x||. The last part writes 1 - delta as
    omega/(1 + omega), the form in which the uncertainty principle is usually stated.
Tight: tight whenever omega is: equality in all parts where `var` is one.
Source: Horváth and Richtárik 2021.
"""

from fractions import Fraction as F

from compth.calculus import delta_of_scaled_unbiased, scaled_error, scaled_pair, uncertainty_alpha_of_omega
from proofs_check._models import coins, model, per_worker
from proofs_check._script import Part, Script, step, symbols, text

(om, fa) = symbols("om fa")
ERROR = text(scaled_error(om, fa))
DELTA = text(delta_of_scaled_unbiased(om))
FACTOR = text(1 / (1 + om))
ALPHA = text(uncertainty_alpha_of_omega(om))


def at(omega, vector=(1, 2), **params):
    prob, q = coins(vector, 1 / (1 + omega))
    return model({"om": omega, **params}, {"x": per_worker(vector), "Q": q}, prob=prob, workers=len(vector))


ANY = {
    "name": "calculus.scaling.factor",
    "params": "om fa",
    "domain": ["om >= 0"],
    "vectors": ["family x", "family Q ~ x @ 0"],
    "given": {"var": "variance(Q, om)"},
    "claim": [f"sq(fa*Q - x) <= {ERROR}*sq(x)"],
}
BEST = {
    **ANY,
    "name": "calculus.scaling",
    "params": "om",
    "claim": [f"sq({FACTOR}*Q - x) <= (1 - {DELTA})*sq(x)"],
}
NORMALISED = {
    **BEST,
    "name": "calculus.scaling.alpha",
    "claim": [f"sq({FACTOR}*Q - x) <= {ALPHA}*sq(x)"],
}
ETA, SPREAD = (text(c) for c in scaled_pair(om, fa))
PAIR = {
    **ANY,
    "name": "calculus.scaling.pair",
    "title": "fa <= 1: eta = 1 - fa",
    "domain": ["om >= 0", "fa > 0", "fa <= 1"],
    "claim": [f"sq(fa*x - x) <= {ETA}**2*sq(x)", f"sq(fa*Q - fa*x) <= {SPREAD}*sq(x)"],
}
[ERROR_OF_ALPHA], [BIAS, VARIANCE] = NORMALISED["claim"], PAIR["claim"]
SCRIPT = Script(
    "calculus.scaling",
    "C/(1+omega) is contractive with delta = 1/(1+omega)",
    [
        Part(
            ANY,
            [step(ANY["claim"][0], {"var": "fa**2"})],
            at(F(1), fa=F(1, 3)),
            [
                ({"claim": [f"sq(fa*Q - x) <= ({ERROR} - om*fa**2/2)*sq(x)"]}, at(F(1), fa=F(1, 3))),
                ({"claim": ["sq(fa*Q - x) <= fa**2*om*sq(x)"]}, at(F(1), fa=F(1, 3))),
                (
                    {"given": {"var": "variance(Q, om + 1)"}},
                    at(F(1, 2), fa=F(1)) | {"params": {"om": "0", "fa": "1"}},
                ),
            ],
        ),
        Part(
            BEST,
            [step(BEST["claim"][0], {"var": f"{FACTOR}**2"})],
            at(F(1)),
            [
                ({"claim": [f"sq({FACTOR}*Q - x) <= (1 - {DELTA})**2*sq(x)"]}, at(F(1))),
                ({"claim": [f"sq(Q - x) <= (1 - {DELTA})*sq(x)"]}, at(F(1))),
                ({"claim": [f"sq({FACTOR}*Q - x) <= (1 - 2*{DELTA})*sq(x)"]}, at(F(1, 2))),
            ],
        ),
        Part(
            PAIR,
            [step(BIAS), step(VARIANCE, {"var": "fa**2"})],
            at(F(1), fa=F(1, 3)),
            [
                ({"claim": [BIAS.replace("**2*sq(x)", "**3*sq(x)"), VARIANCE]}, at(F(1), fa=F(1, 3))),
                ({"claim": [BIAS, VARIANCE.replace(SPREAD, f"9/10*{SPREAD}")]}, at(F(1), fa=F(1, 3))),
                ({"claim": [BIAS, VARIANCE.replace(SPREAD, "fa*om/4")]}, at(F(1), fa=F(1, 3))),
            ],
        ),
        Part(
            NORMALISED,
            [step(ERROR_OF_ALPHA, {"var": f"{FACTOR}**2"})],
            at(F(1)),
            [
                ({"claim": [ERROR_OF_ALPHA.replace(ALPHA, f"9/10*{ALPHA}")]}, at(F(1))),
                ({"claim": [ERROR_OF_ALPHA.replace(ALPHA, f"{ALPHA}**2")]}, at(F(1))),
                ({"claim": [f"sq(Q - x) <= {ALPHA}*sq(x)"]}, at(F(1))),
            ],
        ),
    ],
)
