"""The methods whose worst case is settled: their LMIs, and their exact values on extremal 1-D quadratics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from compth._numbers import Number, is_exact, ratio, sqrt
from compth.compressors.bernoulli import Bernoulli
from compth.compressors.combinators import Scaled
from compth.compressors.identity import Identity
from compth.dynamics import exact_rate
from compth.methods import Method
from compth.methods.dcgd import DCGD
from compth.methods.diana import DIANA
from compth.methods.ef import EF
from compth.methods.ef21 import EF21
from compth.problems import distributed_quadratic
from compth.worst_case import closed
from compth.worst_case.lmi import LMI, Block, Builder, contraction, form, interpolation, lyapunov, rows

Array = Any


@dataclass(frozen=True)
class Setting:
    """The constants of one question; gamma and alpha are fixed by then."""

    mu: Number
    L: Number
    n: int
    gamma: Number
    delta: Number = None
    omega: Number = None
    alpha: Number = None

    def of(self, number: Callable[[Any], Any]) -> Setting:
        """The same in one number type."""
        values = {k: None if v is None else number(v) for k, v in vars(self).items() if k != "n"}
        return Setting(n=self.n, **values)

    def normal(self) -> Setting:
        """The same question with L = 1 (f divided by L): same rates, better conditioned."""
        return replace(self, mu=ratio(self.mu, self.L), L=1, gamma=self.gamma * self.L)


@dataclass(frozen=True)
class Instance:
    """A 1-D quadratic with curvature lam for every worker, and the compressor, that attain a rate."""

    lam: Number
    factor: Number
    method: Method
    problem: Any


@dataclass(frozen=True)
class Family:
    """name; kind: "delta" or "omega"; what V is; builder; exact worst value over 1-D instances."""

    name: str
    kind: str
    lyapunov: str
    builder: Callable[[Setting], Builder]
    attained: Callable[[Setting], tuple[float, Instance]]
    scope: str


def _cgd(setting: Setting) -> Builder:
    """V = f - f*: multipliers of the six interpolation inequalities among x*, x, x+ and of the compression."""

    def build(rho: Number, number: Callable[[Any], Any]) -> LMI:
        q = setting.of(number)
        z, g, g1, c = rows(number, (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
        points = {"*": (0 * z, 0 * z), "0": (z, g), "1": (z - q.gamma * c, g1)}
        kappa = 1 - ratio(q.mu, q.L)
        names, quadratic, values = [], [], []
        for a, (xa, ga) in points.items():
            for b, (xb, gb) in points.items():
                if a == b:
                    continue
                dx, dg = xa - xb, ga - gb
                # f_a - f_b - <g_b, dx> - (|dg|^2/L + mu |dx|^2 - 2 (mu/L) <dg, dx>)/(2 (1 - mu/L)) >= 0
                gap = ratio(1, q.L) * form(dg, dg) + q.mu * form(dx, dx) - 2 * ratio(q.mu, q.L) * form(dg, dx)
                quadratic.append(-form(gb, dx) - gap / (2 * kappa))
                values.append({a: 1, b: -1})
                names.append(f"f{a} f{b}")
        # rho f0 - f1 - sum y (f_a - f_b) = 0 in f0 and f1: solve for the multipliers of (0,*) and (1,*)
        zero = 0 * quadratic[0]
        parts = [zero, *(-m for m in quadratic), -contraction(g, c, q.delta)]
        equal = []
        for point, wanted in (("0", number(rho)), ("1", number(-1))):
            row = [-wanted + 0 * rho, *(number(v.get(point, 0)) for v in values), number(0)]
            equal.append(row)
        return _eliminated(parts, equal, [*names, "compression"])

    return build


def _eliminated(parts: list[Array], equal: list[list[Any]], names: list[str]) -> LMI:
    """The LMI with two of the multipliers solved from linear equations, and their signs kept as 1 x 1 blocks."""
    solved = {"0": names.index("f0 f*"), "1": names.index("f1 f*")}
    free = [k for k in range(len(names)) if k not in solved.values()]
    first = [parts[0]] + [parts[1 + k] for k in free]
    blocks = []
    for row, at in zip(equal, solved.values(), strict=True):
        # row[0] + sum row[1+k] y_k = 0, coefficient of y_at is 1 and no other solved one appears
        constant, coefficients = -row[0], [-row[1 + k] for k in free]
        first[0] = first[0] + constant * parts[1 + at]
        first[1:] = [m + c * parts[1 + at] for m, c in zip(first[1:], coefficients, strict=True)]
        blocks.append(Block(np.array([np.array([[v]]) for v in (constant, *coefficients)])))
    kept = tuple(names[k] for k in free)
    return LMI((Block(np.array(first)), *blocks), (True,) * len(free), kept)


def _ef(setting: Setting) -> Builder:
    """V on (x - x*, e): basis x - x*, e, grad f(x), C(e + gamma grad f)."""

    def build(rho: Number, number: Callable[[Any], Any]) -> LMI:
        q = setting.of(number)
        z, e, g, c = rows(number, (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
        p = e + q.gamma * g
        known = {"interpolation": interpolation(z, g, q.mu, q.L), "compression": contraction(p, c, q.delta)}
        return lyapunov([z, e], [z - c, p - c], known, number(rho))

    return build


def _ef21(setting: Setting) -> Builder:
    """V on (grad f(x), d): basis grad f(x), d, grad f(x+), C(grad f(x+) - d)."""

    def build(rho: Number, number: Callable[[Any], Any]) -> LMI:
        q = setting.of(number)
        g, d, g1, c = rows(number, (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
        known = {
            "interpolation": interpolation(-q.gamma * d, g1 - g, q.mu, q.L),
            "compression": contraction(g1 - d, c, q.delta),
        }
        return lyapunov([g, d], [g1, d + c], known, number(rho))

    return build


def _dcgd(setting: Setting) -> Builder:
    """V = ||x - x*||^2, shared minimiser: basis x - x*, mean gradient; and the deviations, whose noise counts."""

    def build(rho: Number, number: Callable[[Any], Any]) -> LMI:
        q = setting.of(number)
        z, g = rows(number, (1, 0), (0, 1))
        noise = q.gamma * q.gamma * ratio(q.omega or 0, q.n)
        after = form(z - q.gamma * g, z - q.gamma * g) + noise * form(g, g)
        main = np.array([rho * form(z, z) - after, -interpolation(z, g, q.mu, q.L)])
        one = np.array([[number(1)]])
        blocks = [Block(main)]
        if q.n > 1:  # mean ||g_i||^2 = ||g||^2 + mean ||g_i - g||^2: its multiplier must pay for the noise
            blocks.append(Block(np.array([-noise * one, one])))
        return LMI(tuple(blocks), (True,), ("interpolation",))

    return build


def _diana(setting: Setting) -> Builder:
    """V = (z, hbar) P_S (z, hbar)' + P_D mean||h_i - hbar||^2; blocks of means and of deviations from them."""

    def build(rho: Number, number: Callable[[Any], Any]) -> LMI:
        q = setting.of(number)
        z, g, e = rows(number, (1, 0, 0), (0, 1, 0), (0, 0, 1))
        gt, et = rows(number, (1, 0), (0, 1))
        one = number(1)
        variance, spread = q.omega * form(g - e, g - e), q.omega * form(gt - et, gt - et)
        moved, kept = z - q.gamma * g, (one - q.alpha) * e + q.alpha * g
        n = number(q.n)
        # E V+ entry by entry, then mean and deviation blocks of each unknown P00, P01, P11, PD and the multiplier
        squares = {
            "P00": (form(z, z), form(moved, moved), q.gamma * q.gamma / n),
            "P01": (2 * form(z, e), 2 * form(moved, kept), -2 * q.gamma * q.alpha / n),
            "P11": (form(e, e), form(kept, kept), q.alpha * q.alpha / n),
        }
        mean, away = [0 * variance], [0 * spread]
        for before, after, weight in squares.values():
            mean.append(rho * before - after - weight * variance)
            away.append(-weight * spread)
        drift = (one - q.alpha) * et + q.alpha * gt
        extra = q.alpha * q.alpha * (one - one / n)
        mean.append(-extra * variance)
        away.append(rho * form(et, et) - form(drift, drift) - extra * spread)
        mean.append(-interpolation(z, g, q.mu, q.L))
        away.append(form(gt, gt))
        unit = [np.array([[-one, 0 * one], [0 * one, 0 * one]])]
        for i, j in ((0, 0), (0, 1), (1, 1)):
            m = np.array([[0 * one, 0 * one], [0 * one, 0 * one]])
            m[i, j] = m[j, i] = one
            unit.append(m)
        unit += [0 * unit[0], 0 * unit[0]]
        blocks = [Block(np.array(mean)), Block(np.array(unit))]
        if q.n > 1:
            blocks.append(Block(np.array(away)))
        names = ("P00", "P01", "P11", "PD", "interpolation")
        return LMI(tuple(blocks), (False, False, False, True, True), names)

    return build


def companion(q: Setting, name: str, lam: Any, c: Any) -> Array:
    """The 2 x 2 (CGD: 1 x 1) iteration matrix on a 1-D quadratic with C(v) = c v."""
    g = q.gamma
    if name == "CGD":
        return np.array([[1 - g * c * lam]])
    if name == "EF":  # (x - x*, e)
        return np.array([[1 - c * g * lam, -c], [(1 - c) * g * lam, 1 - c]])
    return np.array([[1 + 0 * g, -g], [c * lam, 1 - c - c * g * lam]])  # EF21: (x - x*, d)


def multipliers(name: str, q: Setting) -> tuple[Fraction, ...] | None:
    """Closed-form unknowns at the best step, in the LMI's order; None at other steps or where they are irrational.

    EF: V = ||x-x*-e||^2 + ||e||^2/s; EF21: V = s||g||^2 + ||g-d||^2 (both scaled to dominate the pinned state);
    DCGD and DIANA: 2 gamma/(L+mu).
    """
    total = q.L + q.mu
    if name == "DCGD":
        return (Fraction(2 * q.gamma / total),)
    if name == "DIANA" and q.alpha is not None and q.omega and q.alpha * (1 + q.omega) < 1:
        a = q.gamma**2 * closed.diana_noise(q.omega, q.n, q.alpha) / q.alpha
        return (Fraction(1), Fraction(0), Fraction(a), Fraction(a), Fraction(2 * q.gamma / total))
    if name not in ("EF", "EF21") or q.delta is None or q.gamma != closed.ef_step(q.mu, q.L, q.delta):
        return None
    s = closed.error(q.delta)
    if not is_exact(s) or s == 0 or q.mu == q.L:
        return None
    root = sqrt((q.L - q.mu) ** 2 + 16 * q.L * q.mu * s / (1 + s) ** 2)
    if not is_exact(root):
        return None
    bracket = (1 - s) * (q.L - q.mu) + (1 + s) * root
    if name == "EF":
        lam, scale = q.gamma / total * bracket / (q.L - q.mu), 1 + s
        found = (Fraction(1), Fraction(-1), 1 + 1 / s, lam, 1 / s)
    else:
        lam, scale = s / (q.gamma * total) * bracket / (q.L - q.mu), 1 / s
        found = (1 + s, Fraction(-1), Fraction(1), lam, Fraction(1))
    return tuple(Fraction(scale * v) for v in found)


METHODS: dict[str, type[Method]] = {"CGD": DCGD, "EF": EF, "EF21": EF21}


def _contractive_attained(name: str) -> Callable[[Setting], tuple[float, Instance]]:
    def attained(setting: Setting) -> tuple[float, Instance]:
        q = setting.of(float)
        s = float(closed.error(q.delta))
        best: tuple[float, float, float] = (-1.0, 0.0, 0.0)
        for lam in (q.mu, q.L):
            for c in (1 - s, 1 + s):
                values = np.linalg.eigvals(companion(q, name, lam, c))
                best = max(best, (float(np.abs(values).max()) ** 2, lam, c))
        rho, lam, c = best
        compressor = Scaled(Identity(), factor=c) if c > 0 else Identity()
        problem = distributed_quadratic(np.full((setting.n, 1, 1), lam), np.zeros((setting.n, 1)))
        return rho, Instance(lam, c, METHODS[name](compressor, q.gamma), problem)

    return attained


def _unbiased_attained(make: Callable[[Any, Setting], Method]) -> Callable[[Setting], tuple[float, Instance]]:
    """C(v) = (1+omega) v with probability 1/(1+omega), else 0, on 1-D quadratics with equal curvature mu or L."""

    def attained(setting: Setting) -> tuple[float, Instance]:
        q = setting.of(float)
        compressor = Bernoulli(ratio(1, 1 + Fraction(setting.omega or 0).limit_denominator(10**9)))
        found = []
        for lam in (q.mu, q.L):
            problem = distributed_quadratic(np.full((setting.n, 1, 1), lam), np.zeros((setting.n, 1)))
            method = make(compressor, q)
            found.append((exact_rate(method, problem).rho_noise, lam, method, problem))
        rho, lam, method, problem = max(found, key=lambda f: f[0])
        return rho, Instance(lam, 1 + float(setting.omega or 0), method, problem)

    return attained


FAMILIES = {
    "CGD": Family("CGD", "delta", "f(x) - f*", _cgd, _contractive_attained("CGD"), "one worker"),
    "EF": Family("EF", "delta", "quadratic in (x - x*, e)", _ef, _contractive_attained("EF"), "one worker"),
    "EF21": Family("EF21", "delta", "quadratic in (grad f, d)", _ef21, _contractive_attained("EF21"), "one worker"),
    "DCGD": Family(
        "DCGD", "omega", "||x - x*||^2", _dcgd, _unbiased_attained(lambda c, q: DCGD(c, q.gamma)),
        "independent workers that share a minimiser",
    ),
    "DIANA": Family(
        "DIANA", "omega", "quadratic in (x - x*, h - grad f(x*))", _diana,
        _unbiased_attained(lambda c, q: DIANA(c, q.gamma, alpha=q.alpha)), "independent workers, any minimisers",
    ),
}  # fmt: skip
"""Functions are L-smooth and mu-strongly convex, every f_i for n workers."""
