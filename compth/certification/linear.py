"""Linear on every path? Run the program on symbolic linear forms: then the claim is a matrix inequality, for ALL x."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from compth.certification.beside import beside
from compth.certification.subject import Subject
from compth.certification.tracer import Affine, NotTraceable, leaves
from compth.claims import Claim

Matrix = list[list[Fraction]]
SIMPLE = 10**6


def simple(value: Any) -> Fraction:
    """A float constant read as the simplest fraction within 1e-13 of it (relative); exact numbers unchanged."""
    if isinstance(value, Fraction | int | np.integer) and not isinstance(value, bool):
        return Fraction(int(value)) if not isinstance(value, Fraction) else value
    return snapped(Fraction(float(value)))


def snapped(exact: Fraction) -> Fraction:
    """The simplest fraction within 1e-13 (relative), the number itself where there is none."""
    near = exact.limit_denominator(SIMPLE)
    return near if abs(near - exact) <= abs(exact) * Fraction(1, 10**13) else exact


class Form:
    """A linear form in x over Fractions. Anything that is not linear refuses."""

    __slots__ = ("c",)
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, c: dict[int, Fraction]) -> None:
        self.c = c

    def _scale(self, by: Any) -> Any:
        if isinstance(by, np.ndarray):
            return NotImplemented
        if isinstance(by, Form | Affine) or not isinstance(by, int | float | Fraction | np.number | np.bool_):
            raise NotTraceable("not linear in x")
        factor = simple(int(by) if isinstance(by, bool | np.bool_) else by)
        return Form({j: v * factor for j, v in self.c.items()} if factor else {})

    def __mul__(self, other: Any) -> Any:
        return self._scale(other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        if isinstance(other, Form | Affine):
            raise NotTraceable("not linear in x")
        return self._scale(1 / simple(other))

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        if isinstance(other, Form):
            out = dict(self.c)
            for j, v in other.c.items():
                out[j] = out.get(j, Fraction(0)) + v
            return Form({j: v for j, v in out.items() if v})
        if isinstance(other, int | float | np.number) and other == 0:
            return self
        raise NotTraceable("affine, not linear in x")

    __radd__ = __add__

    def __neg__(self) -> Form:
        return Form({j: -v for j, v in self.c.items()})

    def __pos__(self) -> Form:
        return self

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def _refuse(self, *_: Any) -> Any:
        raise NotTraceable("the program looks at x")

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse
    __bool__ = __float__ = __int__ = __abs__ = __index__ = __floor__ = __ceil__ = __round__ = __pow__ = (
        _refuse
    )


def path_matrices(subject: Subject, d: int, limit: int, seconds: float) -> list[tuple[Fraction, Matrix]]:
    """(probability, S) of every path: C(x) = S x exactly. Raises NotTraceable unless linear on every path."""
    size = subject.size(d)

    def program(rng: Any) -> Any:
        x = np.empty(size, dtype=object)
        for j in range(size):
            x[j] = Form({j: Fraction(1)})
        return subject.program(x, rng)

    out = []
    for leaf in leaves(program, limit, seconds):
        result = np.asarray(leaf.output, dtype=object)
        if result.shape != (d,):
            raise NotTraceable("the output has another shape")
        rows = []
        for value in result:
            if isinstance(value, Form):
                rows.append([value.c.get(j, Fraction(0)) for j in range(size)])
            elif isinstance(value, int | float | np.number | Fraction) and value == 0:
                rows.append([Fraction(0)] * size)
            else:
                raise NotTraceable("not linear in x")
        probability = Fraction(1)
        for w in leaf.weights:  # a 0.3 that numpy's grid turns into 0.3 + 2^-54 is meant as 3/10
            probability *= snapped(w)
        out.append((probability, rows))
    return out


def averages(paths: list[tuple[Fraction, Matrix]], d: int, size: int) -> tuple[Matrix, Matrix]:
    """E S (d x size) and E S'S (size x size)."""
    mean = [[Fraction(0)] * size for _ in range(d)]
    second = [[Fraction(0)] * size for _ in range(size)]
    for p, s in paths:
        for i in range(d):
            row = s[i]
            held = [j for j in range(size) if row[j]]
            for j in held:
                mean[i][j] += p * row[j]
                weighted = p * row[j]
                for k in held:
                    second[j][k] += weighted * row[k]
    return mean, second


def are_matrices(answer: Any, subject: Subject, d: int, *_: Any) -> bool:
    """True for Fractions in a (d, size) and a symmetric (size, size) matrix."""
    size = subject.size(d)
    if not isinstance(answer, tuple) or len(answer) != 2 or [len(m) for m in answer] != [d, size]:
        return False
    rows = [row for m in answer for row in m]
    exact = all(len(row) == size and all(isinstance(v, Fraction) for v in row) for row in rows)
    return exact and all(answer[1][i][j] == answer[1][j][i] for i in range(size) for j in range(i))


@beside(are_matrices)
def mean_matrices(subject: Subject, d: int, limit: int, seconds: float) -> tuple[Matrix, Matrix]:
    """E S and E S'S of a program that is linear on every path."""
    return averages(path_matrices(subject, d, limit, seconds), d, subject.size(d))


def slack_matrices(claim: Claim, mean: Matrix, second: Matrix) -> list[tuple[str, Matrix]]:
    """Each inequality's slack as a quadratic form in x, by polarisation of the claim's own margins."""
    size = len(second)

    def slacks(x: list[Fraction]) -> list[tuple[str, Fraction]]:
        m = [sum((a * b for a, b in zip(row, x, strict=True) if a and b), start=Fraction(0)) for row in mean]
        sx = [
            sum((a * b for a, b in zip(row, x, strict=True) if a and b), start=Fraction(0)) for row in second
        ]
        square = sum((a * b for a, b in zip(x, sx, strict=True)), start=Fraction(0))
        return [(g.name, simple(g.bound) - simple(g.value)) for g in exactly(claim).margins(x, m, square)]

    unit = [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    single = [slacks(e) for e in unit]
    out = []
    pairs: dict[tuple[int, int], list[tuple[str, Fraction]]] = {}
    for i in range(size):
        for j in range(i):
            pairs[i, j] = slacks([a + b for a, b in zip(unit[i], unit[j], strict=True)])
    for r, (name, _) in enumerate(single[0]):
        q = [[Fraction(0)] * size for _ in range(size)]
        for i in range(size):
            q[i][i] = single[i][r][1]
            for j in range(i):
                q[i][j] = q[j][i] = (pairs[i, j][r][1] - single[i][r][1] - single[j][r][1]) / 2
        out.append((name, q))
    return out


def exactly(claim: Claim) -> Claim:
    """The claim with its constants as Fractions (floats read as the simplest fraction)."""
    worker_count = {"n"}
    constants = {k: simple(v) for k, v in claim.constants.items() if k not in worker_count}
    return claim.with_constants(**constants)


def positive_semidefinite(q: Matrix) -> list[Fraction] | None:
    """None when x'Qx >= 0 for all x (exact LDL'), else a vector with x'Qx < 0."""
    size = len(q)
    a = [row[:] for row in q]
    order, basis = list(range(size)), [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    while order:
        pivot = next((i for i in order if a[i][i] > 0), None)
        bad = next((i for i in order if a[i][i] < 0), None)
        if bad is not None:
            return basis[bad]
        if pivot is None:
            for i in order:
                for j in order:
                    if i != j and a[i][j] != 0:  # zero diagonal, non-zero entry: indefinite
                        sign = -1 if a[i][j] > 0 else 1
                        return [u + sign * v for u, v in zip(basis[i], basis[j], strict=True)]
            return None
        order.remove(pivot)
        for i in order:
            if a[i][pivot]:
                f = a[i][pivot] / a[pivot][pivot]
                for j in order:
                    a[i][j] -= f * a[pivot][j]
                basis[i] = [u - f * v for u, v in zip(basis[i], basis[pivot], strict=True)]
        for i in order:
            a[i][pivot] = Fraction(0)
    return None


Verifier = Callable[[Claim], tuple[bool, str, list[Fraction] | None]]


def verifier(subject: Subject, d: int, limit: int, seconds: float) -> Verifier:
    """claim -> (holds for all x, failing inequality, a witness). Raises NotTraceable when not linear."""
    mean, second = mean_matrices(subject, d, limit, seconds)

    def verify(claim: Claim) -> tuple[bool, str, list[Fraction] | None]:
        for name, q in slack_matrices(claim, mean, second):
            witness = positive_semidefinite(q)
            if witness is not None:
                return False, name, witness
        return True, "", None

    return verify
