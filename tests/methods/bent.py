"""Problems that are no quadratics: strongly convex with falling curvature, and not convex with Polyak-Lojasiewicz.

Each offers what `compth.problems.interface.Problem` lists; its constants are upper (mu: lower) bounds by hand.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np


class _Sum:
    """What both share: f_i in d dimensions, given `_each(x)` and `gradients_at(x)` on (..., n, d)."""

    interpolation = False

    def _all(self, x):
        return np.repeat(np.asarray(x, dtype=float)[..., None, :], self.n, axis=-2)

    def gradients(self, x):
        return self.gradients_at(self._all(x))

    def gradient(self, x):
        return self.gradients(x).mean(axis=-2)

    def value(self, x):
        return self._each(self._all(x)).mean(axis=-1)

    def gap(self, x):
        return self.value(x) - self.f_star

    def distance_squared(self, x):
        return ((x - self.x_star) ** 2).sum(axis=-1)

    def measures(self, x):
        g = self.gradient(x)
        return np.stack([self.distance_squared(x), self.gap(x), np.vecdot(g, g)])

    @property
    def f_star(self):
        return float(self.value(self.x_star))

    @property
    def gradients_at_star(self):
        return self.gradients(self.x_star)

    @property
    def zeta2_star(self):
        return float((self.gradients_at_star**2).sum(axis=1).mean())

    @property
    def L_max(self):
        return float(self.L_i.max())

    @property
    def L_plus(self):
        return float(np.sqrt((self.L_i**2).mean()))


class Bent(_Sum):
    """f_i = (m_i/2)|x-c_i|^2 + (L_i-m_i) sum log cosh of B_i(x-c_i): curvature L_i near c_i, m_i far from it."""

    convex = True

    def __init__(self, seed, n, d, kappa, scale=1.0, shared=False):
        rng = np.random.default_rng(seed)
        self.n, self.d, self.interpolation = n, d, shared
        self.L_i = scale * rng.uniform(0.5, 1, n)
        self._low = self.L_i / kappa if seed % 2 else np.full(n, self.L_i.min() / kappa)
        centres = 2 * rng.standard_normal((n, d))
        self._centres = np.repeat(centres[:1], n, axis=0) if shared or n == 1 else centres
        self._bases = np.linalg.qr(rng.standard_normal((n, d, d)))[0]
        self.start = 10.0 ** rng.integers(-1, 2) * rng.standard_normal(d)
        self.L, self.mu = float(self.L_i.mean()), float(self._low.mean())
        self.mu_min, self.L_pm = float(self._low.min()), self.L_plus

    def _moved(self, x):
        return np.einsum("nij,...nj->...ni", self._bases, x - self._centres)

    def gradients_at(self, x):
        y = self._moved(x)
        slope = self._low[:, None] * y + (self.L_i - self._low)[:, None] * np.tanh(y)
        return np.einsum("nji,...nj->...ni", self._bases, slope)

    def _each(self, x):
        y = self._moved(x)
        bend = np.logaddexp(y, -y) - np.log(2)
        return (self._low[:, None] * y**2 / 2 + (self.L_i - self._low)[:, None] * bend).sum(axis=-1)

    @cached_property
    def x_star(self):
        """By Newton's method: the curvature varies slowly on the scale of the centres."""
        if self.interpolation or self.n == 1:
            return self._centres[0].copy()
        x = self._centres.mean(axis=0)
        for _ in range(200):
            y = self._moved(self._all(x))
            bent = self._low[:, None] + (self.L_i - self._low)[:, None] / np.cosh(y) ** 2
            hessian = np.einsum("nij,ni,nik->jk", self._bases, bent, self._bases) / self.n
            step = np.linalg.solve(hessian, self.gradient(x))
            while self.value(x - step) > self.value(x) and np.abs(step).max() > 1e-15:
                step = step / 2
            x = x - step
        return x

    @property
    def heterogeneity(self):
        """f* - mean min f_i, and min f_i = 0."""
        return self.f_star


class Wavy(_Sum):
    """f_i = s_i g + c_i'x, g = (L/8) sum (x_j^2 + 3 sin^2 x_j), mean s_i = 1, mean c_i = 0: f = g, not convex.

    x^2 + 3 sin^2 x is 8-smooth and has PL with 0.18 (Karimi, Nutini and Schmidt print 1/32), sums over coordinates too.
    """

    convex = False

    def __init__(self, seed, n, d, scale=1.0):
        rng = np.random.default_rng(seed)
        self.n, self.d = n, d
        shares = rng.uniform(0.5, 1.5, n) if seed % 3 else np.ones(n)
        self._shares = shares / shares.mean()
        tilt = scale * rng.standard_normal((n, d)) * (seed % 2)
        self._tilt = tilt - tilt.mean(axis=0)
        self._unit = scale / 8
        self.L, self.mu, self.mu_min = scale, 0.18 * scale / 8, 0.0
        self.L_i = scale * self._shares
        self.L_pm = scale * float(self._shares.std())
        self.start = 3 * rng.standard_normal(d)
        self.x_star = np.zeros(d)

    def gradients_at(self, x):
        slope = self._unit * (2 * x + 3 * np.sin(2 * x))
        return self._shares[:, None] * slope + self._tilt

    def _each(self, x):
        g = self._unit * (x**2 + 3 * np.sin(x) ** 2).sum(axis=-1)
        return self._shares * g + (self._tilt * x).sum(axis=-1)

    @property
    def heterogeneity(self):
        """-mean min f_i at most: s_i g + c_i'x >= s_i L/8 |x|^2 + c_i'x."""
        return float(((self._tilt**2).sum(axis=1) / (4 * self._unit * self._shares)).mean())
