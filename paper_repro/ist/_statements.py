"""What the text of IST's first version states, sentence by sentence, on small instances by exact laws and moments."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

import compth as ct
from compth.methods import find_guarantee
from compth.methods.ist import double_sketch_constants, law_of, remark1
from paper_repro._exact import law, relative_error

Array = Any
X = np.array([1.0, -2.0, 0.5, 3.0, 0.25, -1.5])
ROUNDS = 20


def sketches() -> dict[str, Any]:
    """Definitions 1 and 2, (4), the reconstruction before Definition 2, and (11)."""
    perm, rng = ct.PermK(3), np.random.default_rng(0)
    means = [sum(float(p) * np.array(y) for y, p in law(perm.member(i), X).items()) for i in range(3)]
    dealt = perm._compress(np.broadcast_to(X, (50, 3, 6)).copy(), rng)
    rand = relative_error(ct.RandK(2), X) / float(ct.RandK(2).claims(6)[0].omega)
    return {
        "def2.unbiased": max(float(np.abs(m - X).max()) for m in means),
        "def2.partition": float(np.abs(dealt.mean(axis=1) - X).max()),
        "eq4.variance": rand,
        "eq11.grows": squared_gradient(10.0),
    }


def squared_gradient(size: float) -> float:
    """E||grad f(C(size x))||^2 by the exact law, f = x'Ax, C = Rand-2, over its closed form at x: with M = 4 A^2,
    E[CMC] = (d/q)((q - 1) M + (d - q) Diag(M))/(d - 1), since two entries are kept with probability q(q-1)/(d(d-1)).
    """
    A = np.diag(np.arange(1.0, 7.0)) + 0.1
    d, q, M = 6, 2, 4 * A @ A
    at_x = d / q / (d - 1) * float(X @ ((q - 1) * M + (d - q) * np.diag(np.diag(M))) @ X)
    found = law(ct.RandK(q), size * X).items()
    return sum(float(p) * float(((2 * A @ np.array(y)) ** 2).sum()) for y, p in found) / at_x


def no_linear_term(n: int, seed: int, equal: bool = False) -> Any:
    """n = d, b_i = 0; equal: one L with unit diagonal, as after (20)."""
    q = ct.problems.random_quadratic(n, n, 3.0, seed=seed, hessians=0.0 if equal else 1.0)
    A = np.array(q.A)
    if equal:
        root = np.sqrt(np.diag(A[0]))
        A = np.tile(A[0] / np.outer(root, root), (n, 1, 1))
    return ct.problems.distributed_quadratic(A, np.zeros((n, n)))


def averaged(method: Any, q: Any) -> float:
    """Largest sum ||grad f(x_k)||^2 (exact) over 2 lambda_max(L)(f(x_0) - E f(x_K)), the right side of (22) and (24)
    times K, over the eigenvectors of L as starts: gamma = 1/theta ends in one round, so that x_0 alone has a gradient.
    """
    L, worst = q.hessian, 0.0
    top = float(np.linalg.eigvalsh(L)[-1])
    for x0 in np.linalg.eigh(L)[1].T:
        run = ct.exact(method, q, ROUNDS, x0=x0)
        seen = float(run.mean_gradient_square[:ROUNDS].sum())
        worst = max(worst, seen / (2 * top * float(run.mean_gap[0] - run.mean_gap[-1])))
    return worst


def interpolation() -> dict[str, Any]:
    """Section 3: the identity, Remark 1's threshold, both preconditionings, (15), (22) and (24)."""
    q = no_linear_term(4, 2)
    theta, lam = double_sketch_constants(ct.as_fleet(ct.RandK(4)), q)
    W = remark1(Fraction(1), Fraction(9), Fraction(9, 5))
    equal, different = no_linear_term(4, 3, equal=True), no_linear_term(4, 4)
    scaled = ct.ScaledPermK.preconditioned(different.A)
    found = find_guarantee(ct.IST(ct.PermK(4)), no_linear_term(4, 2), "ist.averaged", x0=np.ones(4))
    method = ct.IST(ct.PermK(4), found.plan.gamma)
    run = ct.exact(method, q, 60, theorem="ist.averaged", x0=np.ones(4))
    seen = found.theorem.trajectory(run)
    return {
        "identity.theta": theta / float(np.linalg.eigvalsh(q.hessian)[-1]),
        "identity.rate": lam / theta * q.kappa,
        "remark1.threshold": W[0][0] * W[1][1] - W[0][1] * W[1][0],
        "sec311.theta": double_sketch_constants(ct.PermK(4), equal)[0],
        "sec312.theta": double_sketch_constants(scaled, different)[0],
        "eq15.holds": max(float(seen[t]) / found.rate.bound(t) for t in range(1, 61)),
        "eq22.holds": averaged(ct.IST(ct.PermK(4), 1 / 4), equal),
        "eq24.holds": averaged(ct.IST(scaled, 1.0), different),
    }


def general() -> dict[str, Any]:
    """Section 4: (6) against (2), the split (27), one limit for every step, and what no small step removes."""
    q = ct.problems.random_quadratic(5, 5, 8.0, seed=3, minimisers=1.0)
    sketch = ct.ScaledPermK.preconditioned(q.A)
    exact = law_of(ct.IST(sketch, 0.3), q)
    assert exact is not None
    x0 = np.arange(1.0, 6.0)
    step = (x0 - ct.exact(ct.IST(sketch, 0.3), q, 1, x0=x0).mean[1]) / 0.3
    split = np.linalg.solve(q.hessian, q.hessian @ x0 - q.b.mean(axis=0)) + exact.bias
    limits = [ct.exact(ct.IST(sketch, gamma), q, 200, x0=x0).mean[-1] for gamma in (0.3, 0.9)]
    forms = [
        ct.exact(ct.IST(ct.PermK(5), 0.01, form=form), q, ROUNDS, x0=x0).mean_square
        for form in ("algorithm", "estimator")
    ]
    small = ct.stationary(ct.IST(sketch, 1e-3), q)
    return {
        "eq6.forms": float(np.abs(forms[0] / forms[1] - 1).max()),
        "eq27.split": float(np.abs(step - split).max()),
        "sec41.any_step": float(np.abs(limits[0] - limits[1]).max()),
        "thm2.irreducible": 2 * small.gap / exact.bias_square,
    }


def statements() -> dict[str, Any]:
    """All of them."""
    return {**sketches(), **interpolation(), **general()}
