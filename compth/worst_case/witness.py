"""Small rational quadratics on which a claimed rate fails, with every number a Fraction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from compth._numbers import Number
from compth.worst_case.exact_algebra import congruence, determinant
from compth.worst_case.model import Form, Model, Quadratic1D

STEPS = 8
"""Rounds of the exact trajectory that comes with a refutation."""
Matrix = list[list[Number]]


@dataclass(frozen=True)
class Witness:
    """A quadratic of the class and what happens on it; `rate` is measured there, `facts` is exact."""

    rate: Number
    facts: Mapping[str, Any]


def exceeds(m: Matrix, rate: Fraction) -> Fraction | None:
    """A number x >= rate below the spectral radius of m, shown by det(x I - m) < 0; None when none was found.

    The determinant is positive beyond the largest real eigenvalue, so a negative value puts an eigenvalue above x.
    """
    real = [e.real for e in np.linalg.eigvals(np.array(m, dtype=float)) if abs(e.imag) < 1e-9]
    above = sorted((e for e in real if e > rate), reverse=True)
    if not above:
        return None
    lower = max(above[1] if len(above) > 1 else float(rate), float(rate))
    for x in (rate, Fraction((above[0] + lower) / 2)):
        shifted = [[(x if i == j else 0) - v for j, v in enumerate(row)] for i, row in enumerate(m)]
        if x >= rate and determinant(shifted) < 0:
            return x
    return None


def asymptotic(model: Model, rate: Fraction) -> Witness | None:
    """A 1-D quadratic whose exact rate is above the claimed one: then no quadratic Lyapunov function contracts so."""
    for q in sorted(model.extremal, key=lambda e: -_radius(model.moments(e)[1])):
        names, m = model.moments(q)
        x = exceeds(m, rate)
        if x is not None:
            run = trajectory(model, q, names, m)
            return Witness(_radius(m), {**described(model, q), "eigenvalue above": x, "mean squares": run})
    return None


def _radius(m: Matrix) -> float:
    return float(np.abs(np.linalg.eigvals(np.array(m, dtype=float))).max())


def described(model: Model, q: Quadratic1D) -> dict[str, Any]:
    """The instance in numbers and words."""
    fixed = parameters_of(model)
    return {"f_i(x)": f"({q.curvature}) x^2/2", "compressor": q.compressor, "factor": q.factor, **fixed}


def parameters_of(model: Model) -> dict[str, Number]:
    """The method's parameters and the number of workers."""
    c = model.constants
    if model.derived:
        return {k: x for k, x in c.items() if k not in ("mu", "L", "delta", "omega", "eta")}
    return {k: c[k] for k in ("gamma", "alpha", "p", "lambda", "nu", "n") if k in c}


def trajectory(model: Model, q: Quadratic1D, names: Sequence[str], m: Matrix) -> list[Fraction]:
    """E of the first state vector squared, exactly, from x - x* = 1 and memories at zero (EF21: d = 0)."""
    start = {a: Fraction(1 if i == 0 else 0) for i, a in enumerate(model.free)}
    if not model.derived and "r" in start:
        start["r"] = Fraction(1)
    if not model.derived and model.method == "MARINA":
        start["q"] = Fraction(q.curvature)
    products = [_product(start, name) for name in names]
    out = [products[0]]
    for _ in range(STEPS):
        products = [
            sum((m[j][i] * products[j] for j in range(len(names))), Fraction(0)) for i in range(len(names))
        ]
        out.append(products[0])
    return out


def _product(start: Mapping[str, Fraction], name: str) -> Fraction:
    """E of the product that a coefficient of V multiplies; deviations start at zero."""
    if name.startswith("Q"):
        return Fraction(0)
    a, b = name[2:-1].split(",")
    return start[a] * start[b] * (1 if a == b else 2)


def one_step(model: Model, v: Mapping[str, Number], rate: Fraction) -> Witness | None:
    """A state of a quadratic with E V+ > rate V: 1-D for random compressors, 2-D with C = I + s Rotation otherwise."""
    plain = not model.derived
    found = [_turned(model, v, rate)] if plain and "delta" in model.constants else []
    found += [_violation(_linear(model, v, rate, q), described(model, q)) for q in model.extremal]
    found += [_violation(x, facts) for x, facts in _apart(model, v, rate)] if plain else []
    return next((w for w in found if w is not None), None)


def _turned(model: Model, v: Mapping[str, Number], rate: Fraction) -> Witness | None:
    """The best of the rotations R, the coarse ones and then closer and closer around the best of them."""

    def tried(t: Fraction) -> tuple[float, Fraction, Matrix]:
        x = _planar(model, v, rate, t)
        return float(np.linalg.eigvalsh(np.array(x, dtype=float))[-1]), t, x

    best = max(map(tried, TANGENTS), key=lambda found: found[0])
    width = Fraction(1, 4)
    for _ in range(CLOSER):
        if best[0] > 0:
            break
        middle = best[1]
        best = max(best, tried(middle - width * (1 + abs(middle))), tried(middle + width * (1 + abs(middle))),
                   key=lambda found: found[0])  # fmt: skip
        width /= 2
    c = model.constants
    text = f"C(v) = v + s R v, R the rotation of tan(angle/2) = {best[1]}"
    shown = {"f_i(x)": f"x' diag({c['mu']}, {c['L']}) x/2", "compressor": text, "gamma": c["gamma"]}
    return _violation(best[2], shown)


CLOSER = 8
"""Halvings of the search for a rotation."""


def _apart(model: Model, v: Mapping[str, Number], rate: Fraction) -> Iterator[tuple[Matrix, dict[str, Any]]]:
    """The same with workers that differ: in their memories (random compressors), or in C_i(v) = (1 +- s) v."""
    if not model.space.worker:
        return
    for q in model.extremal:
        facts = described(model, q)
        if "delta" not in model.constants:
            own = [a for a in model.free if a in model.space.worker]
            if own:
                text = f"{', '.join(own)} of worker 1, minus that of worker 2; all else at its value at x*"
                yield _deviation(model, v, rate, q, own), {**facts, "the state is": text}
            for other in model.extremal:
                if other.curvature > q.curvature:
                    yield from _curved(model, v, rate, q, other)
        elif q.factor > 1:
            n, signs = int(model.constants["n"]), (1, -1)
            few = min(n, MOST_WORKERS)
            text = f"{', '.join(model.free[:1])} and the memories of workers 1 to {few}, the others' at 0"
            facts["compressor"] = "C_i(v) = (1+s) v for odd i, (1-s) v for even i"
            yield (
                _signed(model, v, rate, q, [signs[i % 2] for i in range(n)], few),
                {**facts, "the state is": text},
            )


MOST_WORKERS = 4
"""Workers of a contractive method whose memories are searched."""


def _curved(
    model: Model, v: Mapping[str, Number], rate: Fraction, q: Quadratic1D, other: Quadratic1D
) -> Iterator[tuple[Matrix, dict[str, Any]]]:
    """Workers of alternating curvature, the same minimiser: `_mixed` and what it is."""
    n = int(model.constants["n"])
    few = min(n, 2)
    own = [a for a in model.free if a in model.space.worker]
    common = [a for a in model.free if a not in own]
    memories = [f"{a} of worker {i + 1}" for i in range(few) for a in own]
    facts = described(model, q) | {
        "f_i(x)": f"({q.curvature}) x^2/2 for odd i, ({other.curvature}) x^2/2 for even i",
        "the state is": ", ".join([*common, *memories]) + "; all else at its value at x*",
    }
    yield _mixed(model, v, rate, [(q, other)[i % 2] for i in range(n)], few), facts


def _mixed(
    model: Model, v: Mapping[str, Number], rate: Fraction, kinds: Sequence[Quadratic1D], few: int
) -> Matrix:
    """E V+ - rate V on (common vectors, memories of the first workers), worker i holding the quadratic kinds[i]."""
    n, space = len(kinds), model.space
    own = [a for a in model.free if a in space.worker]
    common = [a for a in model.free if a not in own]
    size = len(common) + few * len(own)
    nothing = np.zeros(size, dtype=object) + Fraction(0)
    units = np.array([[Fraction(int(i == j)) for j in range(size)] for i in range(size)], dtype=object)

    def vector(i: int, name: str) -> Any:
        at = dict(zip(common, units, strict=False))
        at |= {a: units[len(common) + i * len(own) + k] if i < few else nothing for k, a in enumerate(own)}
        return sum((c * at[a] for a, c in kinds[i].common[name].items()), nothing)

    each = {name: [vector(i, name) for i in range(n)] for name in space.common}
    means = {name: sum(rows, nothing) / Fraction(n) for name, rows in each.items()}
    out = np.zeros((size, size), dtype=object) + Fraction(0)

    def accumulate(c: Number, form: Form) -> None:
        nonlocal out
        for block, names in (("mean", space.common), ("deviation", space.worker)):
            rows = (
                [means] if block == "mean" else [{k: each[k][i] - means[k] for k in names} for i in range(n)]
            )
            for a, line in zip(names, form.get(block, ()), strict=False):
                for b, entry in zip(names, line, strict=True):
                    if entry:
                        products = sum(
                            (np.outer(r[a], r[b]) for r in rows), np.zeros((size, size), dtype=object)
                        )
                        out = out + (c * entry / Fraction(len(rows))) * products

    bend = sum((q.curvature for q in kinds), Fraction(0)) / (2 * n)
    for name, value in v.items():
        square = next(k for k in model.now if k.startswith("P")) if name == "f" else name
        scaled = value * bend if name == "f" else value
        accumulate(scaled, model.after[square])
        accumulate(-rate * scaled, model.now[square])
    matrix: Matrix = out.tolist()
    return matrix


def _deviation(
    model: Model, v: Mapping[str, Number], rate: Fraction, q: Quadratic1D, own: Sequence[str]
) -> Matrix:
    """E V+ - rate V of a in worker 1 and -a in worker 2, so that mean|a_i|^2 = 2 a^2/n and every mean is zero."""
    worker = [[q.worker.get(b, {}).get(a, 0) for a in own] for b in model.space.worker]
    out: Matrix = [[Fraction(0)] * len(own) for _ in own]
    share = 2 / Fraction(model.constants["n"])
    for name, value in v.items():
        for c, form in ((value, model.after[name]), (-rate * value, model.now[name])):
            if "deviation" in form:
                part = congruence(worker, form["deviation"])
                for i, row in enumerate(part):
                    out[i] = [x + share * c * y for x, y in zip(out[i], row, strict=True)]
    return out


def _signed(
    model: Model, v: Mapping[str, Number], rate: Fraction, q: Quadratic1D, signs: Sequence[int], few: int
) -> Matrix:
    """V+ - rate V on (iterate or gradient, memories of the first workers), worker i compressing by 1 + sign s."""
    n, gamma, lam, s = len(signs), model.constants["gamma"], q.curvature, q.factor - 1
    units = np.array([[Fraction(int(i == j)) for j in range(few + 1)] for i in range(few + 1)], dtype=object)
    nothing = units[0] * 0
    memories = [units[i + 1] if i < few else nothing for i in range(n)]

    def average(rows: Sequence[Any]) -> Any:
        return sum(rows, nothing) / Fraction(n)

    mean = average(memories)
    if model.method == "EF":
        inputs = [e + gamma * lam * units[0] for e in memories]
        first = units[0] - average([(1 + sign * s) * u for sign, u in zip(signs, inputs, strict=True)])
    else:
        move = -gamma * lam * (units[0] - mean)
        inputs = [r + move for r in memories]
        first = units[0] + move
    left = [-sign * s * u for sign, u in zip(signs, inputs, strict=True)]
    a, b = model.free

    def value(first: Any, rows: Sequence[Any]) -> Any:
        middle = average(rows)
        each = sum((np.outer(x, x) for x in rows if x.any()), np.outer(nothing, nothing)) / Fraction(n)
        square, cross = np.outer(middle, middle), np.outer(first, middle)
        out = v[f"P[{a},{a}]"] * np.outer(first, first) + v[f"P[{a},{b}]"] * (cross + cross.T)
        return out + v[f"P[{b},{b}]"] * square + v[f"Q[{b},{b}]"] * (each - square)

    out: Matrix = (value(first, left) - rate * value(units[0], memories)).tolist()
    return out


TANGENTS = tuple(Fraction(k, 4) for k in (0, 1, 2, 3, 4, 6, 8, 16, -1, -2, -3, -4, -6, -8, -16))


def _violation(x: Matrix, facts: dict[str, Any]) -> Witness | None:
    """A rational state w with w' X w > 0, from the float eigenvector of the largest eigenvalue."""
    values, vectors = np.linalg.eigh(np.array(x, dtype=float))
    if not values[-1] > 0:
        return None
    w = [Fraction(float(c)).limit_denominator(1000) for c in vectors[:, -1] / np.abs(vectors[:, -1]).max()]
    excess = sum((w[i] * x[i][j] * w[j] for i in range(len(w)) for j in range(len(w))), Fraction(0))
    return Witness(excess, {**facts, "state": w, "E V+ - rate V": excess}) if excess > 0 else None


def _linear(model: Model, v: Mapping[str, Number], rate: Fraction, q: Quadratic1D) -> Matrix:
    """E V+ - rate V on the free state of a 1-D quadratic, workers identical."""
    common = [[q.common[b].get(a, 0) for a in model.free] for b in model.space.common]
    size = len(model.free)
    out: Matrix = [[Fraction(0)] * size for _ in range(size)]

    def accumulate(weight: Number, form: Form) -> None:
        matrix = congruence(common, form["mean"]) if "mean" in form else None
        for i in range(size):
            for j in range(size):
                out[i][j] += weight * matrix[i][j] if matrix is not None else 0

    for name, value in v.items():
        if name == "f":
            square = next(k for k in model.now if k.startswith("P"))
            value, name = value * q.curvature / 2, square
        accumulate(value, model.after[name])
        accumulate(-rate * value, model.now[name])
    return out


def _planar(model: Model, v: Mapping[str, Number], rate: Fraction, t: Fraction) -> Matrix:
    """The same on R^2 with Hessian diag(mu, L) and C = I + s R: blocks of 2 per vector of the free state."""
    c = model.constants
    s = model.extremal[0].factor - 1
    cos, sin = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    hessian = np.array([[c["mu"], 0], [0, c["L"]]], dtype=object)
    act = np.array([[1 + s * cos, -s * sin], [s * sin, 1 + s * cos]], dtype=object)
    eye = np.array([[Fraction(1), 0], [0, Fraction(1)]], dtype=object)
    gamma = c["gamma"]
    if model.method == "CGD":
        step = eye - gamma * act @ hessian
    elif model.method == "EF":
        step = np.block([[eye - gamma * act @ hessian, -act], [gamma * (eye - act) @ hessian, eye - act]])
    else:
        rest = eye - act
        step = np.block(
            [
                [eye - gamma * hessian, gamma * hessian],
                [-gamma * rest @ hessian, rest @ (eye + gamma * hessian)],
            ]
        )
    weight = _planar_weight(model, v, hessian, eye)
    out: Matrix = (step.T @ weight @ step - rate * weight).tolist()
    return out


def _planar_weight(model: Model, v: Mapping[str, Number], hessian: Any, eye: Any) -> Any:
    """V's matrix on the stacked free state."""
    index = {a: i for i, a in enumerate(model.free)}
    out = np.zeros((2 * len(index), 2 * len(index)), dtype=object)
    for name, value in v.items():
        if name.startswith("Q"):
            continue
        a, b = ("x", "x") if name == "f" else name[2:-1].split(",")
        part = value * (hessian / Fraction(2) if name == "f" else eye)
        i, j = 2 * index[a], 2 * index[b]
        out[i : i + 2, j : j + 2] += part
        if i != j:
            out[j : j + 2, i : i + 2] += part
    return out
