"""Seeded families of quadratics with prescribed constants, and the extremal ones that theorems should be tried on."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from compth._door import at_the_door, finite, optional, text, whole
from compth._memory import SMALLER_PROBLEM, require_fit
from compth._rng import stream
from compth._types import Array
from compth.errors import InvalidParameter
from compth.problems.quadratic import DistributedQuadratic

SPECTRA: dict[str, Callable[[int, float, float], Array]] = {
    "log": lambda d, mu, L: np.geomspace(mu, L, d),
    "uniform": lambda d, mu, L: np.linspace(mu, L, d),
    "two-point": lambda d, mu, L: np.where(np.arange(d) < (d + 1) // 2, mu, L),
    "one-small": lambda d, mu, L: np.where(np.arange(d) < 1, mu, L),
    "one-large": lambda d, mu, L: np.where(np.arange(d) < d - 1, mu, L),
}
"""Named spectra: (d, mu, L) -> eigenvalues, holding both mu and L for d >= 2."""


@at_the_door(
    n=whole(1), d=whole(1), kappa=finite, L=finite, hessians=finite, minimisers=finite, rank=optional(whole(1)),
    spectrum=text, family=text,
)  # fmt: skip
def random_quadratic(
    n: int = 10,
    d: int = 20,
    kappa: float = 100.0,
    seed: int = 0,
    *,
    L: float = 1.0,
    spectrum: str = "log",
    hessians: float = 1.0,
    minimisers: float = 1.0,
    interpolation: bool = False,
    rank: int | None = None,
    family: str = "dense",
) -> DistributedQuadratic:
    """A random distributed quadratic whose mean Hessian has exactly the spectrum asked for.

    kappa = L/mu of f (d = 1 forces kappa = 1); spectrum: a name of SPECTRA; hessians in [0, 1]: 0 all A_i
    equal, 1 independent; minimisers: standard deviation of the workers' own minimisers (interpolation=True
    sets it to 0); rank < d: singular mean Hessian; family "coordinate": n = d workers, each sees one coordinate only.
    """
    _check(
        n,
        d,
        kappa,
        L=L,
        spectrum=spectrum,
        hessians=hessians,
        minimisers=minimisers,
        rank=rank,
        family=family,
    )
    rng = stream(seed, n, d)
    count = d if rank is None else rank
    # Ascending eigenvalues; below full rank the first ones are 0 and those directions get no curvature at all.
    target = np.zeros(d)
    target[d - count :] = SPECTRA[spectrum](count, L / kappa, L) if count > 1 else L
    if family == "coordinate":
        # Worker i sees coordinate i alone: d times its eigenvalue, for the mean over d workers divides by d.
        a = np.zeros((d, d, d))
        a[np.arange(d), np.arange(d), np.arange(d)] = d * target
    else:
        # Hessians with exactly this mean in the eigenbasis, then turned by a random orthogonal matrix.
        basis = _orthogonal(rng, d)[:, d - count :]
        a = basis @ _with_mean(rng, n, np.diag(target[d - count :]), hessians) @ basis.T
    own = rng.standard_normal((a.shape[0], d)) * (0.0 if interpolation else minimisers)
    centre = rng.standard_normal(d)
    # b_i = A_i c_i: worker i's own minimiser is c_i, a common centre plus its own deviation.
    b = np.einsum("ijk,ik->ij", a, centre + own)
    name = "random" if family == "dense" else "coordinate"
    info = {"seed": seed, "kappa": kappa, "spectrum": spectrum, "hessians": hessians}
    made = DistributedQuadratic(a, b, name, info)
    # What is promised is checked on what was made: at extreme kappa the smallest eigenvalue drowns in
    # rounding.
    if count > 1 and not abs(made.kappa / kappa - 1) < 1e-2:
        raise InvalidParameter(
            f"kappa={kappa:g}: mu = L/kappa is lost in rounding at d={d}: need a smaller one"
        )
    return made


def _check(
    n: int,
    d: int,
    kappa: float,
    L: float,
    spectrum: str,
    hessians: float,
    minimisers: float,
    rank: int | None,
    family: str,
) -> None:
    """InvalidParameter for the first rule that is broken; a memory estimate last."""
    rules = (
        (n >= 1, f"n={n} workers: need n >= 1"),
        (d >= 1, f"d={d}: need d >= 1"),
        (
            1 <= kappa < math.inf,
            f"kappa={kappa}: need 1 <= kappa = L/mu < inf (rank= gives singular Hessians)",
        ),
        (0 < L < math.inf, f"L={L}: need 0 < L < inf"),
        (spectrum in SPECTRA, f"spectrum={spectrum!r}: choose one of {', '.join(SPECTRA)}"),
        (0 <= hessians <= 1, f"hessians={hessians}: need 0 (all equal) <= hessians <= 1 (independent)"),
        (0 <= minimisers < math.inf, f"minimisers={minimisers}: a standard deviation is finite and >= 0"),
        (rank is None or 1 <= rank <= d, f"rank={rank}: need 1 <= rank <= d={d}"),
        (family in ("dense", "coordinate"), f"family={family!r}: choose dense or coordinate"),
        (family == "dense" or n == d, f"family='coordinate' needs n = d workers, got n={n}, d={d}"),
    )
    for holds, message in rules:
        if not holds:
            raise InvalidParameter(message)
    require_fit(
        5 * n * d * d * 8, f"n={n}, d={d}", SMALLER_PROBLEM
    )  # factors, products, Hessians and two copies


def _orthogonal(rng: np.random.Generator, d: int) -> Array:
    """A random orthogonal matrix, uniform over all."""
    # Signs of R's diagonal make the distribution that of Haar: QR alone prefers some orthogonal matrices.
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return np.asarray(q * np.sign(np.diag(r)))


def _with_mean(rng: np.random.Generator, n: int, target: Array, spread: float) -> Array:
    """n positive definite matrices whose mean is `target`: T^(1/2) M^(-1/2) B_i M^(-1/2) T^(1/2), M = mean B_i."""
    m = target.shape[0]
    factors = rng.standard_normal((n, m, m + 2)) / np.sqrt(m + 2)
    raw = (1 - spread) * np.eye(m) + spread * factors @ factors.transpose(0, 2, 1)
    # A congruence takes the sample mean M to the target T and keeps every matrix positive definite.
    values, vectors = np.linalg.eigh(raw.mean(axis=0))
    half = np.sqrt(target) @ (vectors / np.sqrt(values)) @ vectors.T
    return np.asarray(half @ raw @ half.T)


def top1_divergence() -> DistributedQuadratic:
    """f_i = <a_i,x>^2 + ||x||^2/4, n = d = 3: DCGD with Top-1 multiplies x = (t,t,t) by 1 + 11 gamma/6 at every step.

    Source: Beznosikov et al. 2023; x* = 0 minimises every f_i.
    """
    rows = np.array([[-3.0, 2, 2], [2, -3, 2], [2, 2, -3]])
    a = 2 * rows[:, :, None] * rows[:, None, :] + np.eye(3) / 2
    return DistributedQuadratic(a, np.zeros((3, 3)), "top-1 divergence")


def ibcd_toy(n: int = 10, d: int = 20, seed: int = 0) -> DistributedQuadratic:
    """f_i = x'M_i x/2, M_i = vv' + (I-vv')(A_iA_i'/lambda_max)(I-vv'), v unit, A_i Gaussian: x* = 0 for every worker.

    Source: the toy quadratic of Mishchenko, Hanzely and Richtarik (1901.09437). L_i = 1.
    """
    if n < 1 or d < 2:
        raise InvalidParameter(f"n={n}, d={d}: the toy quadratic needs n >= 1 and d >= 2")
    rng = stream(seed, n, d)
    v = rng.standard_normal(d)
    v /= np.linalg.norm(v)
    away = np.eye(d) - np.outer(v, v)
    g = rng.standard_normal((n, d, d))
    square = g @ g.transpose(0, 2, 1)
    square /= np.linalg.eigvalsh(square)[:, -1][:, None, None]
    a = np.outer(v, v) + away @ square @ away
    return DistributedQuadratic(a, np.zeros((n, d)), "99 % toy", {"seed": seed})


def extremal_problems() -> dict[str, DistributedQuadratic]:
    """Small problems at the edges where theorems break: tried by the tests, studies and refutations."""
    scalar = DistributedQuadratic(np.array([[[1.0]], [[3.0]]]), np.array([[1.0], [-2.0]]), "1-D")
    isotropic = DistributedQuadratic(
        np.tile(np.eye(3), (2, 1, 1)), np.array([[1.0, 0, 2], [0, -1, 1]]), "isotropic"
    )
    return {
        "1-D": scalar,
        "isotropic": isotropic,
        "one worker": random_quadratic(1, 4, 20, seed=1),
        "interpolation": random_quadratic(4, 5, 30, seed=2, interpolation=True),
        "heterogeneous": random_quadratic(4, 5, 10, seed=3, minimisers=2.0),
        "coordinate": random_quadratic(4, 4, 10, seed=4, family="coordinate"),
        "singular": random_quadratic(3, 6, 10, seed=5, rank=4),
        "top-1 divergence": top1_divergence(),
    }
