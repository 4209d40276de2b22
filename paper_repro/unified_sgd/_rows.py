"""Rows of the unified table as random linear maps, so that their second moments follow exactly.

A row's state is z = (x - x*, memory - its value at x*, 1); each outcome of a round is a matrix. Components f_j have
Hessians A_j and gradients s_j at x*, sum s_j = 0; L is their largest smoothness.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

import compth as ct
from compth.methods.core.unified import Parameters

Array = Any
NOISE = 0.5
"""sigma^2 of the rows with noisy gradients."""


@dataclass(frozen=True, eq=False)
class Row:
    """outcomes(gamma): (probability, matrix); sigma2: the quadratic form of sigma^2 in z; memory: where it starts."""

    name: str
    parameters: Parameters
    outcomes: Any
    sigma2: Array
    A: Array
    memory: Array

    @property
    def d(self) -> int:
        """Dimension of x."""
        return len(self.A)

    def start(self) -> Array:
        """z at x_0 = x* + (1, .., 1), the memory's own start less its value at x*, and 1."""
        return np.concatenate([np.ones(self.d), self.memory, [1.0]])

    def forms(self) -> tuple[Array, Array]:
        """E||g||^2 and E sigma+^2 as quadratic forms of z, from the outcomes at gamma = 1."""
        k = self.d
        first = sum(p * (T - np.eye(len(T)))[:k].T @ (T - np.eye(len(T)))[:k] for p, T in self.outcomes(1.0))
        second = sum(p * T.T @ self.sigma2 @ T for p, T in self.outcomes(1.0))
        return np.asarray(first), np.asarray(second)


def problem() -> tuple[Array, Array]:
    """(A_j, s_j): four random components in R^3, kappa = 10, different minimisers."""
    q = ct.problems.random_quadratic(4, 3, 10.0, seed=6, minimisers=1.0)
    return np.asarray(q.A), np.asarray(q.gradients_at_star)


def smoothness(A: Array) -> float:
    """Largest eigenvalue of any component."""
    return float(np.linalg.eigvalsh(A).max())


def blank(size: int) -> Array:
    """The identity: memories stay, x stays."""
    return np.eye(size)


def memoryless(name: str, p: Parameters, A: Array, gradients: list[tuple[float, Array, Array]]) -> Row:
    """x+ = x - gamma (G x + c) with probability p: no memory."""
    d = len(A[0])

    def outcomes(gamma: float) -> Iterator[tuple[float, Array]]:
        for q, G, c in gradients:
            T = blank(d + 1)
            T[:d, :d] -= gamma * G
            T[:d, -1] = -gamma * c
            yield q, T

    return Row(name, p, outcomes, np.zeros((d + 1, d + 1)), A.mean(axis=0), np.zeros(0))


def sampled(A: Array, s: Array) -> list[Row]:
    """GD, SGD, SGD-SR (importance), SGD-MB (two draws), SGD-star, Q-SGD-SR (Rand-1)."""
    n, d = s.shape
    L, own = smoothness(A), np.linalg.eigvalsh(A)[:, -1]
    p = own / own.sum()
    LL, whole = own.mean(), float(np.linalg.eigvalsh(A.mean(axis=0))[-1])
    uniform, noise = float((s**2).sum() / n), float((s**2 / (n * p[:, None]) ** 2 * p[:, None]).sum())
    tau, omega = 2, d - 1
    weigh = [(p[j], A[j] / (n * p[j]), s[j] / (n * p[j])) for j in range(n)]
    pairs = [(a * b, (G + H) / tau, (c + e) / tau) for (a, G, c), (b, H, e) in product(weigh, weigh)]
    masks = [d * np.diag(np.eye(d)[j]) for j in range(d)]
    quantised = [(q / d, M @ G, M @ c) for q, G, c in weigh for M in masks]
    return [
        memoryless("GD", Parameters(A=whole), A, [(1.0, A.mean(axis=0), 0 * s[0])]),
        memoryless("SGD", Parameters(A=2 * L, D1=2 * uniform), A, [(1 / n, A[j], s[j]) for j in range(n)]),
        memoryless("SGD-SR", Parameters(A=2 * LL, D1=2 * noise), A, weigh),
        memoryless("SGD-MB", Parameters(A=(2 * LL + whole * (tau - 1)) / tau, D1=2 * noise / tau), A, pairs),
        memoryless("SGD-star", Parameters(A=2 * LL), A, [(q, G, 0 * c) for q, G, c in weigh]),
        memoryless("Q-SGD-SR", Parameters(A=2 * (1 + omega) * LL, D1=2 * (1 + omega) * noise), A, quantised),
    ]


def saga(A: Array, s: Array, noise: float = 0.0) -> Row:
    """SAGA; with noise, N-SAGA: +-sqrt(noise) on one coordinate of the gradient that is drawn."""
    n, d = s.shape
    L, size = smoothness(A), d * (n + 1) + 1
    name = "N-SAGA" if noise else "SAGA"
    p = Parameters(2 * L, 2, 1 / n, L / n, 2 * noise, noise / n)

    def outcomes(gamma: float) -> Iterator[tuple[float, Array]]:
        for j, sign in product(range(n), (1, -1)):
            T = blank(size)
            own = slice(d * (j + 1), d * (j + 2))
            T[:d, :d] -= gamma * A[j]
            T[:d, d:-1] -= gamma * np.tile(np.eye(d) / n, n)
            T[:d, own] += gamma * np.eye(d)
            T[own] = 0
            T[own, :d] = A[j]
            T[0, -1] -= gamma * sign * np.sqrt(noise)
            T[d * (j + 1), -1] = sign * np.sqrt(noise)
            yield 1 / (2 * n), T

    form = np.zeros((size, size))
    form[d:-1, d:-1] = np.eye(n * d) / n
    return Row(name, p, outcomes, form, A.mean(axis=0), (A @ np.ones(d)).ravel())


def sega(A: Array, noise: float = 0.0) -> Row:
    """SEGA; with noise, N-SEGA: +-sqrt(noise/d) on the partial derivative."""
    mean = A.mean(axis=0)
    d = len(mean)
    L, size = float(np.linalg.eigvalsh(mean)[-1]), 2 * d + 1
    p = Parameters(2 * d * L, 2 * d, 1 / d, L / d, 2 * d * noise, noise / d)

    def outcomes(gamma: float) -> Iterator[tuple[float, Array]]:
        for j, sign in product(range(d), (1, -1)):
            E = np.diag(np.eye(d)[j])
            T, push = blank(size), sign * np.sqrt(noise / d)
            T[:d, :d] -= gamma * d * E @ mean
            T[:d, d:-1] = -gamma * (np.eye(d) - d * E)
            T[d:-1, :d] = E @ mean
            T[d:-1, d:-1] -= E
            T[j, -1] = -gamma * d * push
            T[d + j, -1] = push
            yield 1 / (2 * d), T

    form = np.zeros((size, size))
    form[d:-1, d:-1] = np.eye(d)
    return Row("N-SEGA" if noise else "SEGA", p, outcomes, form, mean, np.zeros(d))


def lsvrg(A: Array, s: Array, refresh: float = 0.25) -> Row:
    """L-SVRG: the reference point is renewed with probability p."""
    n, d = s.shape
    L, size, mean = smoothness(A), 2 * d + 1, A.mean(axis=0)
    p = Parameters(2 * L, 2, refresh, L * refresh)

    def outcomes(gamma: float) -> Iterator[tuple[float, Array]]:
        for j, new in product(range(n), (True, False)):
            T = blank(size)
            T[:d, :d] -= gamma * A[j]
            T[:d, d:-1] = gamma * (A[j] - mean)
            if new:
                T[d:-1, d:-1] = 0
                T[d:-1, :d] = np.eye(d)
            yield (refresh if new else 1 - refresh) / n, T

    form = np.zeros((size, size))
    form[d:-1, d:-1] = np.einsum("jab,jac->bc", A, A) / n
    return Row("L-SVRG", p, outcomes, form, mean, np.ones(d))


def diana(A: Array, s: Array, L: float | None = None) -> Row:
    """DIANA with Rand-1 on n workers, exact gradients; L: the table's (None: the common smoothness, as it must be)."""
    n, d = A.shape[:2]
    L, size, omega = smoothness(A) if L is None else L, d * (n + 1) + 1, d - 1
    alpha = 1 / (1 + omega)
    p = Parameters((1 + 2 * omega / n) * L, 2 * omega / n, alpha, L * alpha)

    def outcomes(gamma: float) -> Iterator[tuple[float, Array]]:
        for kept in product(range(d), repeat=n):
            T = blank(size)
            for i, j in enumerate(kept):
                own, E = slice(d * (i + 1), d * (i + 2)), np.diag(np.eye(d)[j])
                T[:d, :d] -= gamma / n * d * E @ A[i]
                T[:d, own] -= gamma / n * (np.eye(d) - d * E)
                T[own, :d] = alpha * d * E @ A[i]
                T[own, own] -= alpha * d * E
            yield float(d) ** -n, T

    form = np.zeros((size, size))
    form[d:-1, d:-1] = np.eye(n * d) / n
    return Row("DIANA", p, outcomes, form, A.mean(axis=0), -s.ravel())


def vr_diana() -> Row:
    """VR-DIANA (L-SVRG form), two workers with two components each in R^2, Rand-1; all renew together with 1/m."""
    q = ct.problems.random_quadratic(4, 2, 10.0, seed=6, minimisers=1.0)
    A = np.asarray(q.A).reshape(2, 2, 2, 2)
    n, m, d = 2, 2, 2
    L, omega = smoothness(A), d - 1
    alpha = min(1 / (3 * m), 1 / (omega + 1))
    B = 2 * (omega + 1) / n
    p = Parameters((1 + (4 * omega + 2) / n) * L, B, alpha, (1 / m + 4 * alpha) * L)
    size = d * (1 + n + 1) + 1
    reference = slice(d * (1 + n), d * (2 + n))

    def outcomes(gamma: float) -> Iterator[tuple[float, Array]]:
        for picks, kept, new in product(
            product(range(m), repeat=n), product(range(d), repeat=n), (True, False)
        ):
            T = blank(size)
            for i in range(n):
                own, E = slice(d * (i + 1), d * (i + 2)), np.diag(np.eye(d)[kept[i]])
                G, H = A[i, picks[i]], A[i].mean(axis=0) - A[i, picks[i]]  # g_i = G x + H w
                T[:d, :d] -= gamma / n * d * E @ G
                T[:d, reference] -= gamma / n * d * E @ H
                T[:d, own] -= gamma / n * (np.eye(d) - d * E)
                T[own, :d] = alpha * d * E @ G
                T[own, reference] = alpha * d * E @ H
                T[own, own] -= alpha * d * E
            if new:
                T[reference] = 0
                T[reference, :d] = np.eye(d)
            yield (1 / m if new else 1 - 1 / m) / (m * d) ** n, T

    form = np.zeros((size, size))
    form[d : d * (1 + n), d : d * (1 + n)] = np.eye(n * d) / n
    form[reference, reference] = np.einsum("ijab,ijac->bc", A, A) / (n * m)
    shifts = -np.asarray(q.gradients_at_star).reshape(n, m, d).mean(axis=1)  # h starts at 0, w at x_0
    return Row(
        "VR-DIANA", p, outcomes, form, A.mean(axis=(0, 1)), np.concatenate([shifts.ravel(), np.ones(d)])
    )


def rows() -> list[Row]:
    """The table's rows that run."""
    A, s = problem()
    return [
        *sampled(A, s),
        saga(A, s),
        saga(A, s, NOISE),
        sega(A),
        sega(A, NOISE),
        lsvrg(A, s),
        diana(A, s),
        vr_diana(),
    ]
