"""Checks of errata that need a method's run or a moment operator: each gives what is promised and what is found."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.linalg import eigh

import compth as ct
from compth.dynamics.enumerated import EnumeratedSystem
from compth.methods import Plan
from compth.methods.isaga import ISAGAShared
from compth.tuning import costs
from paper_repro import ist
from paper_repro._targets import Value, show

Array = Any


@dataclass(frozen=True)
class Shown:
    """What a check computed: the promised value, the one found, and where."""

    promised: Value
    found: Value
    at: str
    stands: bool

    def __str__(self) -> str:
        return f"promised {show(self.promised)}, found {show(self.found)} ({self.at})"


def beyond(promised: Value, found: Value, at: str) -> Shown:
    """A bound that is exceeded."""
    return Shown(promised, found, at, found > promised)


def isega_start(equal: bool = False) -> Shown:
    """ISEGA's first step from x_0 = x* with h^0 = 0, where Phi_0 is 0 as it is printed; equal: minimisers shared."""
    q = ct.problems.random_quadratic(
        3, 6, 10.0, seed=1, interpolation=equal, minimisers=0.0 if equal else 1.0
    )
    run = ct.exact(ct.ISEGA(tau=Fraction(1, 3)), q, 1, x0=q.x_star)
    at = "three workers in R^6, tau = 1/3, x_0 = x*, h^0 = 0: E||x_1 - x*||^2"
    return beyond(0, float(run.mean_square[1]) if run.mean_square[1] > 1e-20 else 0.0, at)


def iasgd_rounds(inverse: bool = True) -> Shown:
    """Rounds for a factor e of an exact run of IASGD beside 1/(rho sqrt(L/mu)), or beside rho sqrt(L/mu) itself."""
    q = ct.problems.random_quadratic(4, 6, 50, seed=2, hessians=0, interpolation=True)
    run = ct.exact(ct.IASGD(tau=Fraction(1, 3)), q, 200, theorem="iasgd.growth").mean_square
    size = (1 + (1 / 4) * (3 - 1)) * np.sqrt(q.kappa)
    rounds = 150 / float(np.log(run[50] / run[200]))
    at = "n = 4, tau = 1/3, kappa = 50: rounds for one factor e of E||x_t - x*||^2"
    return beyond(float(1 / size if inverse else size), rounds, at)


def isaga_step(share: float = 0.5) -> Shown:
    """Largest E V_1/V_0 of ISAGA, one worker, tau = 1/2, one of six components curved; share: tau in the constants, or
    max{tau, 1/n} = 1 in its place.
    """
    count, tau, gamma = 6, 0.5, 0.24
    A = np.zeros((count, 2, 2))
    A[0] = np.eye(2)
    q = ct.problems.distributed_quadratic(A, np.zeros((count, 2)))
    method = ct.ISAGA(workers=1, tau=Fraction(1, 2))
    c = method.check(q)
    memory = 1 / (gamma * c.L_max) - 1 - share  # the paper's c at n = 1
    pace = tau * min(gamma * c.mu, 1 / count - 2 / (count * memory))
    system = EnumeratedSystem(method, q, Plan(gamma, {"weight": memory * gamma**2}))
    form = system.form(ISAGAShared())
    after = np.einsum("k,kba,bc,kcd->ad", system.p, system.T, form, system.T)
    worst = float(eigh(after, form, eigvals_only=True)[-1])
    return beyond(1 - pace, worst, f"n = 1, tau = 1/2, N = {count}, gamma = 0.24/L: the largest E V_1/V_0")


def ist_square() -> Shown:
    """E[B] of Perm-1 over n Dbar, entry by entry of the diagonal: 1, where the middle of the display gives n^2."""
    q, _ = ist.preconditioned(4, 5)
    mean = np.diag(ist.mean_operator(ct.PermK(4), q))
    share = float((mean / (4 * np.diag(q.hessian))).max())
    return Shown(16, share, "n = d = 4: E[B] over n Dbar, largest entry", abs(share - 16) > 1e-9)


def ist_converges() -> Shown:
    """f(x_4000)/f(x_0) at W indefinite, where f rises in the first round."""
    found = ist.counterexample()
    at = "a = 1, b = 9, c = 5/2, gamma n = 1e-3: f(x_4000)/f(x_0) of a run that begins by rising"
    stands = found["remark1.rises"] > 1 > found["remark1.converges"]
    return Shown(found["remark1.rises"], found["remark1.converges"], at, stands)


def ist_average(literal: bool = True) -> Shown:
    """Largest entry of E (1/n) sum C_i - I for the sketch (23); not literal: Perm-1 as in Definition 2."""
    q, sketch = ist.preconditioned(4, 5)
    scale = np.asarray(sketch.scaling) if literal else np.full((4, 4), 4.0)
    mean = ist.permutation_weights(q, scale).mean(axis=0).mean(axis=0)
    gap = float(np.abs(mean - 1).max())
    return Shown(0, gap, "n = d = 4: largest entry of E (1/n) sum C_i - I", gap > 1e-9)


def decayed(works: bool = False) -> Shown:
    """One step of the optimiser on w = 1 with gradient 0, and weight decay 1/2, and what it should be."""
    w, moved = 1.0, 0.0
    total = moved + 0.5 * w  # made in either case, kept only where it works
    after = w - (total if works else moved)
    return Shown(
        0.5, after, "w = 1, gradient 0, weight decay 1/2: what one step leaves of w", abs(after - 0.5) > 1e-12
    )


def one_clip_spent() -> Shown:
    """Expected number of atoms that one clip keeps, (10, 1, 1, 1, 1), budget 3."""
    w = np.array([10.0, 1, 1, 1, 1])
    spent = float(np.minimum(1, 3 * w / w.sum()).sum())
    return Shown(3, spent, "(10, 1, 1, 1, 1), budget 3: expected number of atoms", spent < 3 - 1e-9)


def packets(bits: int = 48 * 85) -> Shown:
    """Cost of one message of 85 entries at d = 47,236, 510 octets, by the model with octets and by the code."""
    model = float(costs.LINKS["cat"].cost(bits)) / 8
    return beyond(model, 576 * bits / 512 + 64, "d = 47,236, 85 entries, one packet: octets on the wire")


def feedback_cubic(mu: list[Fraction], L: list[Fraction], s: Fraction) -> float:
    """The largest root of the cubic given for EF21 with two workers, V weighted by 1/(L_i + mu_i)."""
    share = [(b + a) / sum((*mu, *L), Fraction(0)) for a, b in zip(mu, L, strict=True)]
    spread = [(b - a) / (b + a) for a, b in zip(mu, L, strict=True)]
    square = sum((w * q * q for w, q in zip(share, spread, strict=True)), Fraction(0))
    mean2 = sum((w * q for w, q in zip(share, spread, strict=True)), Fraction(0)) ** 2
    r = (1 - s) ** 2 / (1 + s)
    powers = (
        1,
        -(s * (2 + s) + r * (s * square + mean2)),
        s * s * (1 + 2 * s + r * (square + s * mean2)),
        -(s**4),
    )
    return float(max(np.roots([float(c) for c in powers]).real))


def unequal_rate(equal: bool = False) -> Shown:
    """EF21's certified rate beside the cubic's: two workers with L = 1, mu = 1/10 and 9/10, or both 1/10."""
    mu, L, s = (
        [Fraction(1, 10), Fraction(1, 10) if equal else Fraction(9, 10)],
        [Fraction(1)] * 2,
        Fraction(1, 2),
    )
    found = float(ct.heterogeneous_feedback("EF21", mu, L, 1 - s * s).certified)
    given = feedback_cubic(mu, L, s)
    at = f"certified rate of EF21, mu = ({mu[0]}, {mu[1]}), L = (1, 1), delta = 3/4"
    return Shown(given, found, at, found < given * (1 - 1e-5))


def unequal_step(equal: bool = False) -> Shown:
    """A rate certified at a step shorter by 0.669 % beside what quadratics attain at the printed step."""
    mu = [Fraction("0.8936"), Fraction("0.7066"), Fraction("0.1567")]
    L = [Fraction("12.046"), Fraction("0.86"), Fraction("3.872")]
    if equal:
        mu, L = mu[:1] * 3, L[:1] * 3
    printed = ct.heterogeneous_feedback("EF21", mu, L, Fraction("0.55"))
    step = printed.stepsize * Fraction(99331, 100000)
    shorter = ct.heterogeneous_feedback("EF21", mu, L, Fraction("0.55"), stepsize=step)
    at = "rate of EF21 with three unequal workers: attained at the printed step, certified at one 0.669 % shorter"
    return Shown(float(printed.lower), float(shorter.certified), at, shorter.certified < printed.lower)
