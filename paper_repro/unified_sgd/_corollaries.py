"""The paper's corollaries: rates and floors as printed for single methods, against exact second moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from paper_repro.unified_sgd import _rows
from paper_repro.unified_sgd._rows import NOISE, Row

Array = Any


def constants(row: Row) -> tuple[float, float, float]:
    """(L, mu, step) of the row: the common smoothness of the components, and the step that Theorem 4.1 allows."""
    A, _ = _rows.problem()
    mu, p = float(np.linalg.eigvalsh(row.A)[0]), row.parameters
    return _rows.smoothness(A), mu, float(p.largest_step(p.memory(), mu))


def reached(row: Row, gamma: float, doublings: int = 13) -> float:
    """E||x_t - x*||^2 at t = 2^doublings: the operator of the second moments, squared so often."""
    z = row.start()
    operator = np.asarray(sum(p * np.kron(T, T) for p, T in row.outcomes(gamma)))
    Z = np.linalg.matrix_power(operator, 2**doublings) @ np.kron(z, z)
    return float(np.trace(Z.reshape(len(z), -1)[: row.d, : row.d]))


def floors(table: dict[str, Row]) -> dict[str, float]:
    """E||x_t - x*||^2 after 8192 rounds over the printed floor: SGD, SGD-SR, SGD-MB, Q-SGD-SR, N-SAGA, N-SEGA."""
    A, s = _rows.problem()
    n, d = s.shape
    own = np.linalg.eigvalsh(A)[:, -1]
    p = own / own.sum()
    uniform = float((s**2).sum() / n)
    importance = float(((s / (n * p[:, None])) ** 2 * p[:, None]).sum())
    L, whole = _rows.smoothness(A), float(np.linalg.eigvalsh(A.mean(axis=0))[-1])
    found = {}
    for name in ("SGD", "SGD-SR", "SGD-MB", "Q-SGD-SR", "N-SAGA", "N-SEGA"):
        _, mu, gamma = constants(table[name])
        printed = {
            "SGD": 2 * gamma * uniform / mu,
            "SGD-SR": 2 * gamma * importance / mu,
            "SGD-MB": gamma * 2 * importance / (mu * 2),  # D' = 2 s^2, tau = 2
            "Q-SGD-SR": 2 * gamma * d * importance / mu,  # 1 + omega = d for Rand-1
            "N-SAGA": NOISE / (L * min(mu, 3 * L / n)),
            "N-SEGA": NOISE / (whole * mu),
        }[name]
        found[f"{name.lower()}.floor"] = reached(table[name], gamma) / printed
    return found


def rates(table: dict[str, Row], exact: Callable[[Row, float], float]) -> dict[str, float]:
    """1 - rate as printed over that of the exact second moments: SGD-star, SAGA, SEGA, L-SVRG, DIANA."""
    A, s = _rows.problem()
    n, d = s.shape
    L, whole = _rows.smoothness(A), float(np.linalg.eigvalsh(A.mean(axis=0))[-1])
    mean = float(np.linalg.eigvalsh(A)[:, -1].mean())  # script L of importance sampling
    omega = d - 1
    found = {}
    for name in ("SGD-star", "SAGA", "SEGA", "L-SVRG", "DIANA"):
        _, mu, gamma = constants(table[name])
        printed = {
            "SGD-star": 1 - mu / (2 * mean),
            "SAGA": 1 - min(mu / (6 * L), 1 / (2 * n)),
            "SEGA": 1 - mu / (6 * d * whole),
            "L-SVRG": 1 - min(mu / (6 * L), 0.25 / 2),
            "DIANA": 1 - 1 / max(L / mu * (1 + 6 * omega / n), 2 * (omega + 1)),
        }[name]
        found[f"{name.lower()}.rate"] = (1 - printed) / (1 - exact(table[name], gamma))
    return found
