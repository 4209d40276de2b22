"""Forms in the sorted magnitudes, by their values on the rays of their cone (`proof.cones`), and their signs on it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from compth.certification.cells.nodes import Stopped


@dataclass(frozen=True)
class Form:
    """A number (degree 0), a linear form by its values on rays (1), a quadratic one between them (2), or its root."""

    degree: int
    data: Any
    root: bool = False

    @property
    def number(self) -> Fraction | None:
        """The number that it is, None for a form."""
        return self.data if self.degree == 0 and not self.root else None


def num(v: Fraction | int) -> Form:
    """A number as a form."""
    return Form(0, Fraction(v))


def flat(f: Form) -> list[Fraction]:
    return (
        [f.data] if f.degree == 0 else list(f.data) if f.degree == 1 else [v for row in f.data for v in row]
    )


def _map(f: Form, by: Any) -> Form:
    if f.degree == 0:
        return Form(0, by(f.data), f.root)
    rows = [by(v) for v in f.data] if f.degree == 1 else [[by(v) for v in row] for row in f.data]
    return Form(f.degree, rows, f.root)


def scaled(f: Form, by: Fraction) -> Form:
    """by f."""
    if f.root:
        if by < 0:
            raise Stopped("the negative of a root of a quadratic form")
        return _map(f, lambda v: by * by * v)
    return _map(f, lambda v: by * v)


def plus(a: Form, b: Form) -> Form:
    """a + b."""
    for one, other in ((a, b), (b, a)):
        if not any(flat(one)):
            return other
    if a.degree != b.degree or a.root or b.root:
        raise Stopped("a sum of forms of two degrees, or of roots")
    if a.degree == 0:
        return num(a.data + b.data)
    if a.degree == 1:
        return Form(1, [u + v for u, v in zip(a.data, b.data, strict=True)])
    return Form(2, [[u + v for u, v in zip(r, s, strict=True)] for r, s in zip(a.data, b.data, strict=True)])


def times(a: Form, b: Form) -> Form:
    """a b."""
    for one, other in ((a, b), (b, a)):
        if one.number is not None:
            return scaled(other, one.number)
    if a.root and b.root and a == b:
        return Form(a.degree, a.data)
    if a.root or b.root:
        left, right = squared(a), squared(b)  # of numbers and forms that are not negative
        if left.degree and right.degree:
            raise Stopped("a product of a root and a form")
        held, factor = (left, right) if left.degree else (right, left)
        return Form(held.degree, _map(held, lambda v: v * factor.data).data, True)
    if a.degree + b.degree > 2:
        raise Stopped("a product of more than two magnitudes")
    return Form(2, [[(u * s + v * r) / 2 for v, s in zip(a.data, b.data, strict=True)]
                    for u, r in zip(a.data, b.data, strict=True)])  # fmt: skip


def squared(f: Form) -> Form:
    """f^2; under a root, what stands there. Only for f >= 0."""
    if f.root:
        return Form(f.degree, f.data)
    if f.degree and any(v < 0 for v in flat(f)):
        raise Stopped("a comparison of a root with a form of both signs")
    if f.degree == 2:
        raise Stopped("the square of a quadratic form")
    return num(f.data**2) if f.degree == 0 else times(f, f)


@dataclass
class Case:
    """nonzero entries, of `d`; open: exactly so many are not 0 (else at most)."""

    d: int
    nonzero: int
    open: bool

    def magnitude(self, rank: int) -> Form:
        """z_r."""
        return Form(1, [Fraction(int(a >= rank)) for a in range(self.nonzero)])

    def signs(self, rank: int) -> tuple[int, ...]:
        """The signs that an entry of this rank may have."""
        return (1, -1) if rank < self.nonzero else (0,)

    def side(self, f: Form) -> tuple[bool, bool, bool]:
        """(f >= 0, f <= 0, never 0) on the whole cone."""
        listed = flat(f)
        ends = (
            [f.data]
            if f.degree == 0
            else list(f.data)
            if f.degree == 1
            else [f.data[a][a] for a in range(len(f.data))]
        )
        apart = bool(ends[-1]) if self.open else all(ends)
        return all(v >= 0 for v in listed), all(v <= 0 for v in listed), apart
