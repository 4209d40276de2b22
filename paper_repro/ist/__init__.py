"""IST: fixed point and bias, the exact law, speed against neighbourhood, the counterexample, slips in print."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

import compth as ct
from compth import sources
from compth.compressors.double_sketch import DoubleSketch
from compth.methods.ist import double_sketch_constants, law_of, remark1
from compth.reporting.plots import COLOURS, STYLE
from paper_repro._papers import Results
from paper_repro.ist._starts import draw_starts, starts
from paper_repro.ist._statements import statements

SOURCE = sources.IST
Array = Any
GAMMAS = (0.1, 0.3, 0.6, 1.0)
PARTS = (0.02, 0.1, 0.25)
"""Step sizes of the heterogeneous figure, in units of 1/L."""


def gaussian(n: int, d: int, seed: int, homogeneous: bool = False) -> Any:
    """L_i = B_i'B_i/d, entries of B_i and b_i standard normal (the paper's recipe as we recall it, divided by d)."""
    rng = np.random.default_rng(seed)
    B = rng.standard_normal((1 if homogeneous else n, d, d))
    A = np.einsum("ikj,ikl->ijl", B, B, optimize=True) / d
    return ct.problems.distributed_quadratic(np.broadcast_to(A, (n, d, d)), rng.standard_normal((n, d)))


def preconditioned(n: int, seed: int, homogeneous: bool = False) -> tuple[Any, Any]:
    """n = d and the sketch (23), read with D_i."""
    q = ct.problems.random_quadratic(
        n, n, 8.0, seed=seed, minimisers=1.0, hessians=0.0 if homogeneous else 1.0
    )
    if homogeneous:
        q = ct.problems.distributed_quadratic(q.A, np.broadcast_to(q.b.mean(axis=0), q.b.shape))
    return q, ct.ScaledPermK.preconditioned(q.A)


def permutation_weights(q: Any, scale: Array) -> Array:
    """All n! weight matrices (n!, n, d) of Perm-1 with the given entries of (n, d)."""
    n = q.n
    found = np.zeros((0, n, n))
    for order in permutations(range(n)):
        w = np.zeros((1, n, n))
        w[0, range(n), order] = scale[range(n), order]
        found = np.concatenate([found, w])
    return found


def double(q: Any, w: Array) -> Array:
    """(1/n) sum C_i L_i C_i for each weight matrix."""
    return np.einsum("pij,ijk,pik->pjk", w, q.A, w) / q.n


def fixed_point() -> dict[str, Any]:
    """(27), (28) and the exact law by enumeration of 5! permutations."""
    q, sketch = preconditioned(5, 3)
    scale = np.asarray(sketch.scaling)
    w = permutation_weights(q, scale)
    steps = np.einsum("pij,ij->pj", w, q.b) / q.n
    law = law_of(ct.IST(sketch, 0.3), q)
    assert law is not None
    run = ct.exact(ct.IST(sketch, 0.3), q, 12)
    spread = (steps - law.x_inf).T @ (steps - law.x_inf) / len(steps)
    mean = max(float(np.abs(run.mean[t] - law.mean(t, 0.3, q.start)).max()) for t in range(13))
    limit = ct.stationary(ct.IST(sketch, 0.3), q)
    return {
        "sec4.mean": mean,
        "sec4.x_inf": float(np.abs(steps.mean(axis=0) - law.x_inf).max()),
        "sec4.bias": float(np.linalg.norm(law.bias) / np.linalg.norm(q.x_star)),
        "law.covariance": float(np.abs(spread - law.covariance).max() / np.abs(spread).max()),
        "law.limit": 2 * limit.gap / (law.bias_square + 0.3 * law.sigma2 / 1.7),
    }


def theorem2() -> dict[str, Any]:
    """Largest ratio of the averaged gradient (exact) to the bounds, over step sizes; how loose the printed one is."""
    q, sketch = preconditioned(6, 1)
    worst, looseness = {"ist.neighbourhood": 0.0, "ist.neighbourhood_sharp": 0.0}, []
    for gamma in GAMMAS:
        run = ct.exact(ct.IST(sketch, gamma), q, 200)
        average = np.cumsum(2 * np.asarray(run.mean_gap[:-1])) / np.arange(1, 201)
        for name in worst:
            if gamma == 1 and name == "ist.neighbourhood":
                continue
            rate = ct.guarantee(ct.IST(sketch, gamma), q, name)
            bounds = np.array([rate.bound(t) for t in range(1, 201)])
            worst[name] = max(worst[name], float((average / bounds).max()))
            if name == "ist.neighbourhood":
                looseness.append(float(bounds[-1] / average[-1]))
    return {
        "thm2.holds": worst["ist.neighbourhood"],
        "thm2.sharp": worst["ist.neighbourhood_sharp"],
        "thm2.loose": min(looseness),
    }


def interpolation() -> dict[str, Any]:
    """Theorem 1 with its exact theta: the factor, and preconditioned runs that end in one step."""
    q = ct.problems.random_quadratic(4, 4, 3.0, seed=2, interpolation=True)
    zero = ct.problems.distributed_quadratic(q.A, np.zeros_like(q.b))
    theta, lam = double_sketch_constants(ct.PermK(4), zero)
    gamma = 1 / theta
    x0 = np.random.default_rng(0).standard_normal(4)
    run = ct.exact(ct.IST(ct.PermK(4), gamma), zero, 20, x0=x0)
    ratio = max(run.mean_gap[t] / run.mean_gap[0] / (1 - gamma * lam) ** t for t in range(1, 21))
    sketch = ct.ScaledPermK.preconditioned(zero.A)
    once = ct.exact(ct.IST(sketch, 1.0), zero, 1, x0=x0)
    return {"thm1.holds": float(ratio), "sec312.one_step": float(once.mean_gap[1] / once.mean_gap[0])}


def mean_operator(sketch: Any, q: Any) -> Array:
    """E[B], from one exact step without a linear term from each unit vector."""
    zero = ct.problems.distributed_quadratic(q.A, np.zeros_like(q.b))
    steps = [x - ct.exact(ct.IST(sketch, 1.0), zero, 1, x0=x).mean[1] for x in np.eye(q.d)]
    return np.array(steps).T


def slips() -> dict[str, Any]:
    """What the printed (17), (21), (23) and the remark on large n give."""
    q, sketch = preconditioned(4, 5)
    raw = permutation_weights(q, np.full((4, 4), 4.0))
    B = double(q, raw)
    mean = mean_operator(ct.PermK(4), q)
    second = np.einsum("pij,jk,pkl->il", B, q.hessian, B) / len(B)
    printed = mean @ q.hessian @ mean
    roots = []
    for a in q.A:
        values, vectors = np.linalg.eigh(a)
        roots.append(np.sqrt(np.diag((vectors / np.sqrt(values)) @ vectors.T) ** 2))
    literal = mean_operator(ct.ScaledPermK(4, tuple(tuple(row) for row in 2.0 * np.array(roots))), q)
    big, big_sketch = preconditioned(60, 9)
    law = law_of(ct.IST(big_sketch, 0.5), big)
    assert law is not None
    return {
        "eq17.gap": float(np.linalg.norm(second - printed) / np.linalg.norm(second)),
        "eq21.factor": rate_constant(q.A[0] / np.sqrt(np.outer(np.diag(q.A[0]), np.diag(q.A[0])))),
        "eq23.literal": float(np.abs(literal - np.eye(4)).max()),
        "eq23.diagonal": diagonal_reading(q, sketch),
        "sec4.large_n": float(np.linalg.norm(law.bias) / np.linalg.norm(big.x_star)),
    }


def rate_constant(L: Array) -> float:
    """Largest c with L^-1 W L^-1 >= c I, W the symmetric part of L E[B] for Perm-1 on n = d equal L, over the printed
    n lambda_max(L)."""
    n = len(L)
    sketch = DoubleSketch(ct.PermK(n), n, n)
    product = L @ sketch.mean_map(float(sketch.scale) ** 2 * np.broadcast_to(L, (n, n, n)))
    inverse = np.linalg.inv(L)
    weight = inverse @ (product + product.T) @ inverse / 2
    return float(np.linalg.eigvalsh(weight)[0] / (n * np.linalg.eigvalsh(L)[-1]))


def diagonal_reading(q: Any, sketch: Any) -> float:
    """Largest entry of B - I over all permutations with D_i^(-1/2)."""
    right = double(q, permutation_weights(q, np.asarray(sketch.scaling)))
    return float(np.abs(right - np.eye(q.n)).max())


def counterexample() -> dict[str, Any]:
    """Remark 1 at a = 1, b = 9, c = 5/2."""
    W = np.array(remark1(1.0, 9.0, 2.5))
    q = ct.problems.distributed_quadratic(np.tile([[1, 2.5], [2.5, 9]], (2, 1, 1)), np.zeros((2, 2)))
    bad = np.linalg.eigh(W)[1][:, 0]
    run = ct.exact(ct.IST(ct.PermK(2), 1e-3 / 2), q, 4000, x0=bad)
    return {
        "remark1.det": float(np.linalg.det(W)),
        "remark1.rises": float(run.mean_gap[1] / run.mean_gap[0]),
        "remark1.converges": float(run.mean_gap[-1] / run.mean_gap[0]),
        "remark1.step": float(ct.max_stable_step(ct.IST(ct.PermK(2)), q)),
    }


def homogeneous() -> tuple[dict[str, Any], dict[str, Any]]:
    """n = d = 50, equal data: linear to x_inf, not to x*."""
    q, sketch = preconditioned(50, 7, homogeneous=True)
    law = law_of(ct.IST(sketch, 0.3), q)
    assert law is not None
    curves: dict[str, Any] = {}
    error = 0.0
    for gamma in (0.1, 0.3, 0.6):
        trace = ct.simulate(ct.IST(sketch, gamma), q, 60, 2, seed=0)
        mean = np.asarray(trace.mean)
        to_limit = np.linalg.norm(mean - law.x_inf, axis=1)
        to_star = np.sqrt(trace.mean_square)
        predicted = (1 - gamma) ** np.arange(61) * to_limit[0]
        error = max(error, float(np.abs(to_limit - predicted).max() / to_limit[0]))
        curves[f"{gamma:g}"] = {"to_limit": to_limit.tolist(), "to_star": to_star.tolist()}
        if gamma == 0.3:
            shrunk = float(to_limit[20] / to_limit[0])
            left = float(to_star[-1] / np.linalg.norm(law.bias))
    found = {"fig1b.law": error, "fig1b.shrunk": shrunk, "fig1b.floor": left, "eq31.sigma2": law.sigma2}
    return {**found, "sec4.eigenvector": eigenvector()}, curves


def eigenvector() -> float:
    """||x* - x_inf||/||x*|| where Diag(L) = I and L b = sqrt(n) b, n = 9."""
    n = 9
    r = (np.sqrt(n) - 1) / (n - 1)
    L = (1 - r) * np.eye(n) + r * np.ones((n, n))
    q = ct.problems.distributed_quadratic(np.tile(L, (n, 1, 1)), np.ones((n, n)))
    law = law_of(ct.IST(ct.ScaledPermK.preconditioned(q.A), 0.5), q)
    assert law is not None
    return float(np.linalg.norm(q.x_star - law.x_inf) / np.linalg.norm(q.x_star))


def mean_path(q: Any, n: int, gamma: float, steps: int) -> tuple[Array, Array]:
    """(E f(mean path) - f* by the affine recursion of the mean, its fixed point)."""
    sketch = DoubleSketch(ct.PermK(n), n, q.d)
    M = sketch.mean_map(float(sketch.scale) ** 2 * q.A)
    m = sketch.mean_shift(float(sketch.scale) * q.b)
    x, gaps = q.start.copy(), []
    for _ in range(steps + 1):
        gaps.append(float(q.gap(x)))
        x = x - gamma * (M @ x - m)
    return np.array(gaps), np.linalg.solve(M, m)


def heterogeneous(quick: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Perm-q on Gaussian quadratics, n = 10: second moments at d = 100, and d = 1000 in the full run."""
    n = 10
    small = gaussian(n, 20 if quick else 100, 0)
    top = ct.max_stable_step(ct.IST(ct.PermK(n)), small, tol=1e-3)
    exact_floor, worst = [], 0.0
    for part in (0.1, 0.3, 0.6):
        method = ct.IST(ct.PermK(n), part * top)
        exact_floor.append(ct.stationary(method, small).gap)
        steps = 200
        run, trace = ct.exact(method, small, steps), ct.simulate(method, small, steps, 256, seed=1)
        z = np.abs(trace.mean_gap - run.mean_gap)[1:] / trace.se_gap[1:]
        worst = max(worst, float(z.max()))
    speed = [ct.exact_rate(ct.IST(ct.PermK(n), part * top), small).rho_mean for part in (0.1, 0.3, 0.6)]
    star = small.x_star
    away = ct.exact(ct.IST(ct.PermK(n), 0.1 * top), small, 1, x0=star).mean[1] - star
    stays = ct.exact(ct.DCGD(ct.PermK(n), 0.1 * top), small, 1, x0=star).mean[1] - star
    found = {
        "fig1a.moments": worst,
        "fig1a.tradeoff": bool(np.all(np.diff(exact_floor) > 0) and np.all(np.diff(speed) < 0)),
        "fig1a.ist_leaves": float(np.linalg.norm(away) / np.linalg.norm(star) / (0.1 * top)),
        "fig1a.dcgd_stays": float(np.linalg.norm(stays) / np.linalg.norm(star)),
    }
    q, steps, runs = (gaussian(n, 200, 1), 150, 8) if quick else (gaussian(n, 1000, 1), 150, 4)
    scale = float(np.linalg.eigvalsh(q.hessian)[-1])
    curves: dict[str, Any] = {"d": q.d, "runs": {}}
    ends = []
    for part in PARTS:
        gamma = part / scale
        trace = ct.simulate(ct.IST(ct.PermK(n), gamma), q, steps, runs, seed=2)
        gaps, limit = mean_path(q, n, gamma, steps)
        curves["runs"][f"{part:g}"] = {
            "simulated": (trace.mean_gap / trace.mean_gap[0]).tolist(),
            "mean": (gaps / gaps[0]).tolist(),
            "fixed_point": float(q.gap(limit) / gaps[0]),
        }
        ends.append(float(trace.mean_gap[-1] / trace.mean_gap[0]))
    rounds = [
        np.flatnonzero(np.array(r["mean"]) < 1.01 * r["fixed_point"])[:1] for r in curves["runs"].values()
    ]
    first = [int(r[0]) if len(r) else steps + 1 for r in rounds]
    above = bool(min(ends) > curves["runs"]["0.1"]["fixed_point"])
    found["fig1a.large"] = bool(np.all(np.diff(ends) > 0) and np.all(np.diff(first) < 0) and above)
    return found, curves


def run(quick: bool) -> Results:
    """All targets; --quick takes d = 20 for the second moments and d = 200 for the figure."""
    values = {**fixed_point(), **theorem2(), **interpolation(), **slips(), **counterexample(), **statements()}
    same, left = homogeneous()
    other, right = heterogeneous(quick)
    values |= {**same, **other}
    figures: dict[str, Any] = {"ist": {"homogeneous": left, "heterogeneous": right}}
    if not quick:
        seen, figures["ist_starts"] = starts(gaussian(10, 200, 1), 8)
        values |= seen
    return Results(values, figures)


def draw(data: Any) -> Any:
    """Speed against neighbourhood, and a limit that is not the solution.

    Left, heterogeneous data with Perm-q, n = 10 (d = 1000; 200 in the quick run), step sizes in units of 1/L: relative
    functional error, simulated (solid) and of the exact mean (dashed); dotted the mean's fixed point, which no step
    size leaves behind. Larger steps are faster and end higher. Right, equal data, n = d = 50, scaled Perm-1: distance
    to x_inf (solid) falls linearly by (1 - gamma) a round, distance to x* (dashed) does not vanish.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        for i, (name, run) in enumerate(data["heterogeneous"]["runs"].items()):
            left.plot(run["simulated"], color=COLOURS[i], label=f"γ = {name}/L")
            left.plot(run["mean"], "--", color=COLOURS[i], linewidth=1)
        left.axhline(run["fixed_point"], color="0.4", linestyle=":", label="fixed point of the mean")
        left.set_ylabel(r"$(f(x_t)-f^*)/(f(x_0)-f^*)$")
        for i, (name, run) in enumerate(data["homogeneous"].items()):
            right.plot(np.maximum(run["to_limit"], 1e-16), color=COLOURS[i], label=f"γ = {name}")
            right.plot(run["to_star"], "--", color=COLOURS[i], linewidth=1)
        right.set_yscale("log")
        right.set_ylabel(r"$\|x_t-x_\infty\|$ (solid), $\|x_t-x^*\|$ (dashed)")
        for panel in (left, right):
            panel.set_xlabel("round t")
            panel.legend(fontsize=7)
    return figure


FIGURES = {"ist": draw, "ist_starts": draw_starts}
OPTIONAL = ("ist_starts",)  # --quick leaves it out
