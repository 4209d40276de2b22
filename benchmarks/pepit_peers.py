"""The same one-step worst cases written for PEPit (extra `peers`): EF21 with n workers, CGD and DCGD."""

from __future__ import annotations

from typing import Any

from compth.worst_case.solver import VALUE

TOLERANCES = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), VALUE)
"""The tolerance of our own least rho."""


def _solve(problem: Any) -> float:
    value: float = problem.solve(verbose=0, wrapper="cvxpy", solver="CLARABEL", **TOLERANCES)
    return value


def ef21(mu: float, L: float, delta: float, gamma: float, n: int = 1) -> float:
    """sup of V+ over V <= 1, V = s||gbar||^2 + mean||g_i - d_i||^2."""
    from PEPit import PEP, Point
    from PEPit.functions import SmoothStronglyConvexFunction

    problem = PEP()
    fs = [problem.declare_function(SmoothStronglyConvexFunction, mu=mu, L=L) for _ in range(n)]
    f = sum(fs[1:], fs[0])
    f.stationary_point()
    x = problem.set_initial_point()
    s = (1 - delta) ** 0.5
    g, d = [fi.gradient(x) for fi in fs], [Point() for _ in fs]

    def lyapunov(g: list[Any], d: list[Any]) -> Any:
        mean = sum(g[1:], g[0]) / n
        errors = [(gi - di) ** 2 for gi, di in zip(g, d, strict=True)]
        return s * mean**2 + sum(errors[1:], errors[0]) / n

    problem.set_initial_condition(lyapunov(g, d) <= 1)
    x = x - gamma * (sum(d[1:], d[0]) / n)
    new = [fi.gradient(x) for fi in fs]
    after = []
    for gi, di in zip(new, d, strict=True):
        c = Point()
        problem.add_constraint((c - (gi - di)) ** 2 <= (1 - delta) * (gi - di) ** 2)
        after.append(di + c)
    problem.set_performance_metric(lyapunov(new, after))
    return _solve(problem)


def cgd(mu: float, L: float, delta: float, gamma: float) -> float:
    """sup of f(x+) - f* over f(x) - f* <= 1."""
    from PEPit import PEP, Point
    from PEPit.functions import SmoothStronglyConvexFunction

    problem = PEP()
    f = problem.declare_function(SmoothStronglyConvexFunction, mu=mu, L=L)
    star = f.stationary_point()
    x = problem.set_initial_point()
    g, c = f.gradient(x), Point()
    problem.set_initial_condition(f(x) - f(star) <= 1)
    problem.add_constraint((c - g) ** 2 <= (1 - delta) * g**2)
    problem.set_performance_metric(f(x - gamma * c) - f(star))
    return _solve(problem)


def dcgd(mu: float, L: float, omega: float, gamma: float) -> float:
    """sup of E||x+ - x*||^2 over ||x - x*||^2 <= 1 at variance omega."""
    from PEPit import PEP
    from PEPit.functions import SmoothStronglyConvexFunction

    problem = PEP()
    f = problem.declare_function(SmoothStronglyConvexFunction, mu=mu, L=L)
    star = f.stationary_point()
    x = problem.set_initial_point()
    g = f.gradient(x)
    problem.set_initial_condition((x - star) ** 2 <= 1)
    problem.set_performance_metric((x - gamma * g - star) ** 2 + gamma**2 * omega * g**2)
    return _solve(problem)
