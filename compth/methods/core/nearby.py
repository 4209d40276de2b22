"""Classes a hair wider than one asked about, on which an irrational tight rate and its proof are rational.

EF and EF21: r = sqrt rho solves r^2 - (1-s) K r - s = 0, K = (L-mu)/(L+mu), at the step 2/(L+mu) (1-s)/(1+s). Given the
step, a rational s at or above the true one and a rational r above the root fix K and L + mu, hence a class [mu', L'].
CGD: r is the spread of (1-s) mu and (1+s) L, whose sum is 2/gamma: L' just above L fixes mu'.

A rate proved on a class that contains the one asked about is a rate there, too: rounding only ever widens the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import isqrt

from compth._numbers import Number
from compth.claims import Attribution, Contractive
from compth.methods.core import closed_forms as forms
from compth.methods.core.known import Asked, Known, Params, Proof
from compth.sources import TIGHT_N

BITS = 80
"""Binary digits of a root that is rounded up."""
EXCESS = tuple(Fraction(1, 1 << k) for k in range(52, 43, -1))
"""Relative excesses of r (of L for CGD) that are tried: the step's own rounding must stay inside."""


def sqrt_above(x: Fraction) -> Fraction:
    """The least multiple of 2^-BITS that is at least sqrt x; sqrt x itself when it is rational."""
    top, bottom = isqrt(x.numerator), isqrt(x.denominator)
    if top * top == x.numerator and bottom * bottom == x.denominator:
        return Fraction(top, bottom)
    # isqrt rounds down, so one more is above the root: wider classes only, never narrower ones
    return Fraction(isqrt((x.numerator << 2 * BITS) // x.denominator) + 1, 1 << BITS)


def feedback_classes(
    mu: Fraction, L: Fraction, s: Fraction, gamma: Fraction
) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    """(mu', L', r) of EF and EF21, the r nearest to the root first."""
    tau = (1 - s) * (L - mu) / (L + mu)
    root = (tau + sqrt_above(tau * tau + 4 * s)) / 2
    # the step fixes L' + mu', the factor r fixes (L' - mu')/(L' + mu') by r^2 - (1-s) K r - s = 0, which is
    # linear in K: the class follows in Fractions
    both = 2 * (1 - s) / ((1 + s) * gamma)
    # from the least widening up: a factor proved on a wider class is an upper bound here, and the nearer
    # the sharper
    for excess in EXCESS:
        r = root * (1 + excess)
        K = (r * r - s) / ((1 - s) * r)
        yield both * (1 - K) / 2, both * (1 + K) / 2, r


def feedback(lyapunov: str, multipliers: Callable[[Asked, Number, Params], Proof], proof: str) -> Known:
    """The tight rate of error feedback: EF and EF21 share step and factor and differ in V and in the proof."""
    return Known(
        Contractive,
        best=lambda q: (forms.feedback_step(q.mu, q.L, q.delta), {}),
        factor=lambda q: forms.feedback_factor(q.mu, q.L, q.delta),
        lyapunov=lyapunov,
        multipliers=multipliers,
        proof=proof,
        nearby=feedback_classes,
        several=forms.heterogeneous_feedback_step,
        source=TIGHT_N,
        attribution=Attribution.CODE,
    )


def cgd_classes(
    mu: Fraction, L: Fraction, s: Fraction, gamma: Fraction
) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    """(mu', L', r) of CGD."""
    for excess in EXCESS:
        high = L * (1 + excess)
        # 2/gamma = (1-s) mu' + (1+s) L' is CGD's best step, solved for mu' at an L' just above L
        low = (2 / gamma - (1 + s) * high) / (1 - s)
        yield low, high, Fraction(forms.spread((1 - s) * low, (1 + s) * high))
