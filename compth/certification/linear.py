"""Linear on every path? Run the program on symbolic linear forms: then the claim is a matrix inequality, for ALL x.

With C(x) = S x on each path, E||C(x) - x||^2 = x'(E S'S - 2 E S + I) x, so a claim with quadratic bounds is the
statement that a matrix of Fractions is positive semidefinite, decided exactly. `Form` must refuse whatever is not
linear: an operation that it answered wrongly would be a false proof.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NoReturn, cast

import numpy as np

from compth._types import Array
from compth.certification import traced
from compth.certification.allowance import Allowance, Limits
from compth.certification.beside import beside
from compth.certification.constants import Answer, Matrix, noted, settle
from compth.certification.readings import as_written, named, noting, simple
from compth.certification.subject import Subject
from compth.certification.tracer import Affine, NotTraceable, Symbol, leaves
from compth.claims import Claim

DRIFT = Fraction(4, 2**52)
"""How far readings together may move a coefficient of a path: relative, absolute below 1."""


class Form(Symbol):
    """A linear form in x over Fractions. Anything that is not linear refuses.

    c: coefficients with float constants read as `readings` says; raw: the same by their exact binary values.
    """

    __slots__ = ("c", "raw")
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, c: dict[int, Fraction], raw: dict[int, Fraction] | None = None) -> None:
        self.c, self.raw = c, c if raw is None else raw

    def _scale(self, by: object) -> Form:
        """Times a number; anything else is not linear in x."""
        if isinstance(by, Form | Affine) or not isinstance(by, int | float | Fraction | np.number | np.bool_):
            raise NotTraceable("not linear in x")
        return self._times(simple(by), as_written(by))

    def _times(self, read: Fraction, exact: Fraction) -> Form:
        """Both coefficient lists scaled, each by its own reading of the factor."""
        c = _scaled(self.c, read)
        return Form(c, None if read == exact and self.raw is self.c else _scaled(self.raw, exact))

    def __mul__(self, other: object) -> Form:
        return NotImplemented if isinstance(other, np.ndarray) else self._scale(other)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Form:
        """Divided by a number."""
        if isinstance(other, np.ndarray):
            return NotImplemented
        if isinstance(other, Form | Affine):
            raise NotTraceable("not linear in x")
        return self._times(1 / simple(other), 1 / as_written(other))

    def __add__(self, other: object) -> Form:
        """The sum of two forms, or with 0; any other number makes it affine."""
        if isinstance(other, np.ndarray):
            return NotImplemented
        if isinstance(other, Form):
            exact = self.raw is self.c and other.raw is other.c
            return Form(_sum(self.c, other.c), None if exact else _sum(self.raw, other.raw))
        if isinstance(other, int | float | np.number) and other == 0:
            return self
        raise NotTraceable("affine, not linear in x")

    __radd__ = __add__

    def __neg__(self) -> Form:
        return self._times(Fraction(-1), Fraction(-1))

    def __pos__(self) -> Form:
        return self

    def __sub__(self, other: object) -> Form:
        return NotImplemented if isinstance(other, np.ndarray) else self + (-cast("Form", other))

    def __rsub__(self, other: object) -> Form:
        return -self + other

    def _refuse(self, *_: object) -> NoReturn:
        """Whatever looks at x."""
        raise NotTraceable("the program looks at x")

    # A linear map never looks at x: a comparison, a rounding or a product of forms ends the attempt. What is
    # left runs the same way for every real vector, so its coefficients hold for ALL x and not only at the
    # inputs tried.
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse
    __bool__ = __float__ = __int__ = __abs__ = __index__ = __floor__ = __ceil__ = __round__ = __pow__ = (
        _refuse
    )


def _scaled(c: dict[int, Fraction], factor: Fraction) -> dict[int, Fraction]:
    """c times a factor."""
    return {j: v * factor for j, v in c.items()} if factor else {}


def _sum(a: dict[int, Fraction], b: dict[int, Fraction]) -> dict[int, Fraction]:
    """a + b, zero coefficients left out."""
    out = dict(a)
    for j, v in b.items():
        out[j] = out.get(j, Fraction(0)) + v
    return {j: v for j, v in out.items() if v}


def _at(value: object, x: Array) -> float:
    """The number that a form is at x."""
    if isinstance(value, Form):
        return float(sum(v * Fraction(x[j]) for j, v in value.c.items()))
    return float(cast("float", value))


def _row(form: Form, size: int) -> list[Fraction]:
    """The coefficients of one output, where the readings of its constants have not moved it further than rounding."""
    # Each reading moves a constant by at most an ulp or two, but a thousand of them in a row could turn a
    # false claim into a true one. Their product must stay within rounding of the coefficient computed from
    # the exact binary values.
    for j in form.c.keys() | form.raw.keys():
        read, exact = form.c.get(j, Fraction(0)), form.raw.get(j, Fraction(0))
        if abs(read - exact) > DRIFT * max(abs(exact), Fraction(1)):
            raise NotTraceable("many float constants, which together are not what each names")
    return [form.c.get(j, Fraction(0)) for j in range(size)]


def path_matrices(subject: Subject, d: int, limit: int, limits: Limits) -> list[tuple[Fraction, Matrix]]:
    """(probability, S) of every path: C(x) = S x exactly. Raises NotTraceable unless linear on every path."""
    size = subject.size(d)  # d entries of every worker's vector where the subject is a fleet's mean, else d

    def program(rng: np.random.Generator) -> object:
        x = np.empty(size, dtype=object)
        for j in range(size):
            x[j] = Form({j: Fraction(1)})
        x.flags.writeable = False
        return subject.program(x, rng)

    # The package's own code is known not to look behind the symbols; a user's trace has to pass
    # `traced.faithful` (it runs alike on symbols and on numbers), and its matrices `traced.agree` (real outputs
    # are those of the paths, as often as their probabilities say).
    own = traced.is_own(subject)
    real = traced.real_runs(subject, d)
    allowed = Allowance(*limits)

    def same(at: int, rng: np.random.Generator, output: object) -> bool:
        x = np.random.default_rng(53).normal(size=size) * traced.MAGNITUDES[at % len(traced.MAGNITUDES)]
        made, forms = (np.asarray(y, dtype=object) for y in (subject.program(x.copy(), rng), output))
        return made.shape == forms.shape and traced.is_among(
            made.astype(np.float64), np.array([_at(form, x) for form in forms.flat])[None]
        )

    found = leaves(program, limit, allowed) if own else traced.faithful(program, limit, allowed, real, same)
    out = []
    for leaf in found:
        result = np.asarray(leaf.output, dtype=object)
        if result.shape != (d,):
            raise NotTraceable("the output has another shape")
        rows = []
        for value in result:
            if isinstance(value, Form):
                rows.append(_row(value, size))
            elif isinstance(value, int | float | np.number | Fraction) and value == 0:
                rows.append([Fraction(0)] * size)
            else:
                raise NotTraceable("not linear in x")
        out.append((leaf.read, rows))
    if not own:
        traced.agree(subject, d, out)
    return out


def averages(paths: list[tuple[Fraction, Matrix]], d: int, size: int) -> tuple[Matrix, Matrix]:
    """E S (d x size) and E S'S (size x size)."""
    # E S and E S'S over the paths; rows are sparse (RandK keeps k of d entries), so only non-zero products
    # are summed.
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


Readings = tuple[tuple[Fraction, Fraction], ...]


def are_matrices(answer: object, subject: Subject, d: int, *_: object) -> bool:
    """True for Fractions in a (d, size) and a symmetric (size, size) matrix, and readings that are readings."""
    size = subject.size(d)
    if not isinstance(answer, tuple) or len(answer) != 3 or [len(m) for m in answer[:2]] != [d, size]:
        return False
    rows = [row for m in answer[:2] for row in m]
    exact = all(len(row) == size and all(isinstance(v, Fraction) for v in row) for row in rows)
    symmetric = exact and all(answer[1][i][j] == answer[1][j][i] for i in range(size) for j in range(i))
    return symmetric and all(isinstance(v, Fraction) and named(v) == q for v, q in answer[2])


@beside(are_matrices)
def mean_matrices(subject: Subject, d: int, limit: int, limits: Limits) -> tuple[Matrix, Matrix, Readings]:
    """E S and E S'S of a program that is linear on every path, and how its float constants were read."""
    with noting() as readings:
        paths = path_matrices(subject, d, limit, limits)
    return *averages(paths, d, subject.size(d)), tuple(readings.items())


def slack_matrices(claim: Claim, mean: Matrix, second: Matrix) -> list[tuple[str, Matrix]]:
    """Each inequality's slack as a quadratic form in x, by polarisation of the claim's own margins."""
    size = len(second)

    def slacks(x: list[Fraction]) -> list[tuple[str, Fraction]]:
        m = [sum((a * b for a, b in zip(row, x, strict=True) if a and b), start=Fraction(0)) for row in mean]
        sx = [
            sum((a * b for a, b in zip(row, x, strict=True) if a and b), start=Fraction(0)) for row in second
        ]
        square = sum((a * b for a, b in zip(x, sx, strict=True)), start=Fraction(0))
        return [(g.name, simple(g.bound) - simple(g.value)) for g in claim.margins(x, m, square)]

    # A quadratic form is determined by q(e_i) and q(e_i + e_j): 2 q_ij = q(e_i + e_j) - q(e_i) - q(e_j). The
    # slacks come from the claim's own `margins`, so the matrix states the claim that is printed and no copy
    # of its formula.
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


Verifier = Callable[[Claim], Answer]


def verifier(subject: Subject, d: int, limit: int, limits: Limits) -> Verifier:
    """claim -> whether it holds for all x, a failing inequality, a witness. Raises NotTraceable when not linear."""
    mean, second, readings = mean_matrices(subject, d, limit, limits)
    # ||x||^2 + E||C(x)||^2 at the coordinate vectors e_j, the largest of them: the size against which
    # rounding of constants is measured.
    scale = 1 + max((second[j][j] for j in range(len(second))), default=Fraction(0))

    def verify(claim: Claim) -> Answer:
        answer = settle(claim, lambda exact: slack_matrices(exact, mean, second), scale, bool(readings))
        return answer._replace(reading=(*noted("the program", readings), *answer.reading))

    return verify
