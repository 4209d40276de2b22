"""Forms in the sorted magnitudes, by their values on the rays of their cone (`proof.cones`), and their signs on it.

The cone z_0 >= z_1 >= ... >= z_(m-1) >= 0 is spanned by the rays r_a = (1, ..., 1, 0, ..., 0) with a + 1 ones. A
linear form is known by its values on the rays, a quadratic one by the values of its bilinear form on pairs of rays;
either has one sign on the whole cone if all of these numbers have it. That is sufficient, and for linear forms also
necessary: what has numbers of both signs stops, and nothing is proved. What may be changed: more operations on forms,
each exact. What must not: a sign that is told must hold on every point of the cone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from compth.certification.cells.nodes import Stopped

NOUGHT = Fraction(0)


@dataclass(frozen=True)
class Form:
    """A number (degree 0), a linear form in z (1), a quadratic one (2), or the square root of such.

    value: the number. rays: (m,) values of a linear form on the rays. pairs: (m, m) values of a quadratic form's
    bilinear form, symmetric. root: what stands there is the square, of a form that is not negative.
    """

    degree: int
    value: Fraction = NOUGHT
    rays: list[Fraction] = field(default_factory=list)
    pairs: list[list[Fraction]] = field(default_factory=list)
    root: bool = False

    @property
    def number(self) -> Fraction | None:
        """The number that it is, None for a form."""
        return self.value if self.degree == 0 and not self.root else None


def num(v: Fraction | int) -> Form:
    """A number as a form."""
    return Form(0, Fraction(v))


def linear(rays: list[Fraction]) -> Form:
    """The linear form with these values on the rays."""
    return Form(1, rays=rays)


def quadratic(pairs: list[list[Fraction]], root: bool = False) -> Form:
    """The quadratic form whose bilinear form has these values on pairs of rays, or its root."""
    return Form(2, pairs=pairs, root=root)


def flat(f: Form) -> list[Fraction]:
    """All numbers of a form: it is 0 where they are."""
    if f.degree == 0:
        return [f.value]
    return list(f.rays) if f.degree == 1 else [v for row in f.pairs for v in row]


def _map(f: Form, by: Callable[[Fraction], Fraction]) -> Form:
    """The form with every number changed; `by` is linear, so that this is the form changed by it."""
    if f.degree == 0:
        return replace(f, value=by(f.value))
    if f.degree == 1:
        return replace(f, rays=[by(v) for v in f.rays])
    return replace(f, pairs=[[by(v) for v in row] for row in f.pairs])


def scaled(f: Form, by: Fraction) -> Form:
    """by f. Raises Stopped for the negative of a root, which is none."""
    if f.root:
        # c sqrt(q) = sqrt(c^2 q) for c >= 0
        if by < 0:
            raise Stopped("the negative of a root of a quadratic form")
        return _map(f, lambda v: by * by * v)
    return _map(f, lambda v: by * v)


def plus(a: Form, b: Form) -> Form:
    """a + b. Raises Stopped for two degrees, and for roots."""
    for one, other in ((a, b), (b, a)):
        if not any(flat(one)):
            return other
    if a.degree != b.degree or a.root or b.root:
        raise Stopped("a sum of forms of two degrees, or of roots")
    if a.degree == 0:
        return num(a.value + b.value)
    if a.degree == 1:
        return linear([u + v for u, v in zip(a.rays, b.rays, strict=True)])
    return quadratic(
        [[u + v for u, v in zip(r, s, strict=True)] for r, s in zip(a.pairs, b.pairs, strict=True)]
    )


def times(a: Form, b: Form) -> Form:
    """a b. Raises Stopped for more than two magnitudes, and for a root times a form of another kind."""
    for one, other in ((a, b), (b, a)):
        if one.number is not None:
            return scaled(other, one.number)
    if a.root and b.root and a == b:
        return replace(a, root=False)
    if a.root or b.root:
        left, right = squared(a), squared(b)  # of numbers and forms that are not negative
        if left.degree and right.degree:
            raise Stopped("a product of a root and a form")
        held, factor = (left, right) if left.degree else (right, left)
        return replace(_map(held, lambda v: v * factor.value), root=True)
    if a.degree + b.degree > 2:
        raise Stopped("a product of more than two magnitudes")
    # the symmetric bilinear form of a(z) b(z) on the rays u, v is (a(u) b(v) + a(v) b(u)) / 2
    return quadratic([[(u * s + v * r) / 2 for v, s in zip(a.rays, b.rays, strict=True)]
                      for u, r in zip(a.rays, b.rays, strict=True)])  # fmt: skip


def squared(f: Form) -> Form:
    """f^2; under a root, what stands there. Only for f >= 0: then f <= g if and only if f^2 <= g^2. Raises Stopped."""
    if f.root:
        return replace(f, root=False)
    if f.degree and any(v < 0 for v in flat(f)):
        raise Stopped("a comparison of a root with a form of both signs")
    if f.degree == 2:
        raise Stopped("the square of a quadratic form")
    return num(f.value**2) if f.degree == 0 else times(f, f)


@dataclass
class Case:
    """nonzero entries, of `d`; open: exactly so many are not 0 (else at most)."""

    d: int
    nonzero: int
    open: bool

    def magnitude(self, rank: int) -> Form:
        """z_r: 1 on the rays that reach so far, 0 on those before; 0 for ranks of zeros."""
        return linear([Fraction(int(a >= rank)) for a in range(self.nonzero)])

    def signs(self, rank: int) -> tuple[int, ...]:
        """The signs that an entry of this rank may have."""
        return (1, -1) if rank < self.nonzero else (0,)

    def side(self, f: Form) -> tuple[bool, bool, bool]:
        """(f >= 0, f <= 0, never 0) on the whole cone, each True only where it is seen.

        never 0: of a form that has one sign. z is a sum of rays with weights >= 0, so that a form of one sign is 0
        only where every ray with a weight has the value 0. Where exactly `nonzero` entries are not 0 the last ray has
        a weight, and its value alone settles it; else any ray may be the only one.
        """
        listed = flat(f)
        on_rays = {0: [f.value], 1: f.rays, 2: [f.pairs[a][a] for a in range(len(f.pairs))]}[f.degree]
        apart = bool(on_rays[-1]) if self.open else all(on_rays)
        return all(v >= 0 for v in listed), all(v <= 0 for v in listed), apart
