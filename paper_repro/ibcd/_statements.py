"""More of the text of June 2019: what is sent, how tau and n trade, ISEGA beside gradient descent, Theorem 7."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

import compth as ct
from compth.methods import find_guarantee

EPS = 1e-6
REAL: dict[str, Any] = {"dataset": "diabetes", "workers": 5, "split": "kmeans", "regularisation": 0.1}


def rounds(square: Any) -> int:
    """First round with E||x_t - x*||^2 <= eps ||x_0 - x*||^2 (-1: none)."""
    below = np.flatnonzero(square <= EPS * square[0])
    return int(below[0]) if below.size else -1


def constants(n: int, tau: Fraction) -> ct.Constants:
    """L = 1, kappa = 100, h_i with Rand-tau."""
    return ct.Constants(
        n=n, d=100, L=1, mu=Fraction(1, 100), L_max=1, L_tilde=1, mu_min=0, params={"alpha": tau, "tau": tau}
    )


def trade() -> dict[str, Any]:
    """Twice the workers for half of the blocks (ISEGA): (1 - rate) kappa of both."""
    isega: Any = ct.methods.theorems()["isega.linear"]
    return {"sec5.linear": [100 * (1 - isega.plan(constants(n, Fraction(1, n))).rho) for n in (10, 20)]}


def toy() -> dict[str, float]:
    """Figure 3: rounds of Algorithm 1 with n tau = 1 over those of gradient descent at 1/L, toy quadratic."""
    q = ct.problems.ibcd_toy(10, 20)
    descent = rounds(ct.exact(ct.GD(1 / q.L), q, 800).mean_square)
    tau = Fraction(1, 10)
    own, doubled = (
        find_guarantee(ct.IBCD(tau=tau), q, name).plan.gamma for name in ("ibcd.interpolation", "ibcd.sharp")
    )
    found = {}
    for name, gamma in (("fig3.printed", own), ("fig3.doubled", doubled)):
        found[name] = rounds(ct.exact(ct.IBCD(tau=tau, gamma=gamma), q, 800).mean_square) / descent
    return found


def learned() -> dict[str, float]:
    """Figures 2 and 11: ISEGA at 1/(L(1 + 1/(n tau))) = 1/(2L), n tau = 1, over gradient descent at 1/(2L), rounds."""
    q = ct.problems.ridge(**REAL)
    descent = rounds(ct.exact(ct.GD(1 / (2 * q.L)), q, 800).mean_square)
    method = ct.ISEGA(tau=Fraction(1, q.n), gamma=1 / (2 * q.L))
    return {"fig11.rounds": rounds(ct.exact(method, q, 800).mean_square) / descent}


def nonconvex() -> float:
    """Largest exact mean squared gradient over Theorem 7's bound, equal Hessians, tau = 1/3."""
    q = ct.problems.random_quadratic(4, 6, 50, seed=2, hessians=0)
    method = ct.IBCD(tau=Fraction(1, 3))
    found = find_guarantee(method, q, "isgd.nonconvex")
    seen = found.theorem.trajectory(ct.exact(method, q, 100, theorem="isgd.nonconvex"))
    return max(float(seen[t]) / found.rate.bound(t) for t in range(1, 101))


def blocks() -> float:
    """Bits of d/n single coordinates with 32-bit positions over those of one block of d/n and its number."""
    d, n = 2**32, 2**10
    one = ct.TopK(d // n).bits(d)  # values and positions
    return float(Fraction(one.total, 32 * (d // n) + 10))


def statements() -> dict[str, Any]:
    """All of them."""
    return {**trade(), **toy(), **learned(), "thm7.bound": nonconvex(), "sec35.blocks": blocks()}
