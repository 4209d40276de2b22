"""Recheck a bracket over a box of constants with Python's standard library alone: `python recheck_box.py FILE ...`.

A file holds a method's round, its parameters, and cells that cover a box: mu from mu_0 to mu_1 and loss = 1 - delta
from loss_0 to loss_1, L = 1. On a cell every quantity is a polynomial in a, b of [0, 1], where mu = mu_0 + a (mu_1 -
mu_0) and loss = loss_0 + b (loss_1 - loss_0), given by its Bernstein coefficients, rows by a: four of them are the
values at the corners, and the polynomial is then linear in a and in b.

upper, lower: the statements of `recheck.py`, which must lie beside this file, as polynomials. A polynomial matrix is
positive semidefinite on the cell where all its Bernstein coefficients are: it is a mean of them with weights >= 0.
lower: f_i(x) = mu |x|^2/2 or L |x|^2/2, C(v) = (1 + t) v with t^2 <= loss: at radius (or -radius) the round's
characteristic polynomial has the sign that it has not at infinity, so a real root lies at or beyond.
width: rho - radius^2 <= width (1 - radius^2) everywhere on the cell. The cells are those of the box's grid, no gap.
n > 1: nothing depends on how many workers there are, only on whether there is more than one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import comb
from os.path import abspath, dirname
from typing import Any

if __name__ == "__main__":  # the file that lies beside it, whatever is installed
    sys.path.insert(0, dirname(abspath(__file__)))
    import recheck  # type: ignore[import-not-found, unused-ignore]
else:
    from compth.studies.derivation import recheck

Data = Mapping[str, Any]
"""What a file holds, or a part of it."""
Scalar = Any
"""A fraction or a polynomial."""
ZERO, ONE = Fraction(0), Fraction(1)


class Poly:
    """A polynomial in a and b: {(power of a, power of b): coefficient}.

    Exact, with coefficients that are fractions; terms of 0 are dropped, so that equality is equality of dictionaries.
    Numbers may stand on either side of +, - and *; division is by numbers alone.
    """

    def __init__(self, terms: Mapping[tuple[int, int], Fraction]) -> None:
        self.terms = {k: c for k, c in terms.items() if c}

    def __add__(self, other: Scalar) -> Poly:
        out = dict(self.terms)
        for k, c in poly(other).terms.items():
            out[k] = out.get(k, ZERO) + c
        return Poly(out)

    def __mul__(self, other: Scalar) -> Poly:
        if isinstance(other, int | Fraction):
            return Poly({k: c * other for k, c in self.terms.items()})
        out: dict[tuple[int, int], Fraction] = {}
        for (i, j), c in self.terms.items():
            for (k, m), d in other.terms.items():
                out[i + k, j + m] = out.get((i + k, j + m), ZERO) + c * d
        return Poly(out)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Poly:
        return self * -1

    def __sub__(self, other: Scalar) -> Poly:
        return self + poly(other) * -1

    def __rsub__(self, other: Scalar) -> Poly:
        return poly(other) + self * -1

    def __truediv__(self, other: int | Fraction) -> Poly:
        return self * (ONE / other)

    def __pow__(self, power: int) -> Poly:
        out = poly(ONE)
        for _ in range(power):
            out = out * self
        return out

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | Fraction | Poly) and self.terms == poly(other).terms

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def at(self, a: Fraction, b: Fraction) -> Fraction:
        """Its value."""
        return sum((c * a**i * b**j for (i, j), c in self.terms.items()), ZERO)


def poly(x: Scalar) -> Poly:
    """A number as a polynomial; a polynomial as it is."""
    return x if isinstance(x, Poly) else Poly({(0, 0): Fraction(x)})


A, B = Poly({(1, 0): ONE}), Poly({(0, 1): ONE})


def between(table: Sequence[Sequence[Scalar]]) -> Poly:
    """The polynomial with these Bernstein coefficients, rows by a; four of them: its values at the corners.

    ValueError for a table that is ragged or has one row or column only. The degree is one less than the number of
    rows and columns.
    """
    rows, lines = len(table) - 1, len(table[0]) - 1
    if rows < 1 or lines < 1 or any(len(row) != lines + 1 for row in table):
        raise ValueError("a table needs two rows and two columns at least, all of one length")
    out = poly(ZERO)
    for i, row in enumerate(table):
        # sum_ij b_ij B_i(a) B_j(b) with B_i(a) = C(m, i) a^i (1 - a)^(m - i): the B_i are >= 0 on [0, 1] and
        # sum to 1, so that the polynomial lies between its smallest and its largest coefficient.
        left = A**i * (ONE - A) ** (rows - i) * comb(rows, i)
        for j, x in enumerate(row):
            out = out + left * (B**j * (ONE - B) ** (lines - j)) * (comb(lines, j) * Fraction(x))
    return out


def bernstein(p: Scalar, degrees: tuple[int, int]) -> list[Fraction]:
    """Its Bernstein coefficients of these degrees, which must not be below its own."""
    m, n = degrees
    out = []
    for i in range(m + 1):
        for j in range(n + 1):
            # a^k = sum over i >= k of C(i, k)/C(m, k) B_i(a): the
            # change of basis from powers, exact in fractions.
            parts = (
                c * Fraction(comb(i, k) * comb(j, q), comb(m, k) * comb(n, q))
                for (k, q), c in poly(p).terms.items()
                if k <= i and q <= j
            )
            out.append(sum(parts, ZERO))
    return out


def degrees_of(values: Scalar) -> tuple[int, int]:
    """The largest powers of a and of b."""
    powers = [(0, 0), *(k for p in values for k in poly(p).terms)]
    return max(i for i, _ in powers), max(j for _, j in powers)


def never_negative(p: Scalar) -> bool:
    """True where its Bernstein coefficients show it to be >= 0 on the cell.

    False does not mean that it is negative somewhere: coefficients are bounds of the values, tight at the corners
    only.
    """
    return min(bernstein(p, degrees_of([p]))) >= 0


def always_psd(matrix: Sequence[Sequence[Scalar]]) -> bool:
    """True where its Bernstein coefficients show a symmetric polynomial matrix to be >= 0 on the cell."""
    # All entries in one degree, the largest: then M(a, b) = sum of weights >= 0
    # times constant matrices, and it is enough that each of these is positive
    # semidefinite. Sufficient, not necessary; smaller cells come closer.
    size, degrees = len(matrix), degrees_of(p for row in matrix for p in row)
    entries = [[bernstein(p, degrees) for p in row] for row in matrix]
    layers = (degrees[0] + 1) * (degrees[1] + 1)
    return all(
        recheck.is_psd([[entries[i][j][k] for j in range(size)] for i in range(size)]) for k in range(layers)
    )


def positive(forms: recheck.Forms) -> bool:
    """True where the forms are shown never to be negative on the cell."""
    return (
        always_psd(forms.mean)
        and always_psd(forms.deviation)
        and all(never_negative(x) for x in forms.values.values())
    )


def valued(program: Data, params: Mapping[str, Poly]) -> dict[str, Scalar]:
    """The round with its coefficients as polynomials; in a file each is [[number, {parameter: power}], ...]."""

    def number(sums: Scalar) -> Scalar:
        out: Scalar = ZERO
        for c, powers in sums:
            term: Scalar = Fraction(c)
            for name, power in powers.items():
                # The parameters are polynomials on the cell, so that a coefficient of the round is one too,
                # and every statement is a statement about all constants of the cell at once.
                term = params[name] ** power * term
            out = out + term
        return out

    def terms(v: Scalar) -> list[list[Scalar]]:
        return [[scope, kind, i, number(c)] for scope, kind, i, c in v]

    return {
        "server": program["server"],
        "worker": program["worker"],
        "ops": [{"kind": op["kind"], "argument": terms(op["argument"])} for op in program["ops"]],
        "next": {k: terms(v) for k, v in program["next"].items()},
    }


def _sums(c: Scalar) -> bool:
    """True for a coefficient of a box: numbers times powers >= 0 of parameters."""
    # type(p) is int: True would pass isinstance and count as a power of
    # 1, a negative power would leave the polynomials.
    powers = [p for _, held in c for p in held.values()]
    return all(recheck.written(x) for x, _ in c) and all(type(p) is int and p >= 0 for p in powers)


class BoxCell:
    """A cell of a file: its constants and parameters as polynomials, the round with them.

    ValueError where the constants are no cell of the class or the program says what is not read. a and b run over [0,
    1]; `unrolled`, `rho` and `radius` are what both sides are made of.
    """

    def __init__(self, data: Data, cell: Data) -> None:
        self.data, self.cell = data, cell
        # A cell with its ends exchanged or outside the class would be a
        # statement about no constants, true of anything.
        (mu, far), (loss, top) = [[Fraction(x) for x in cell[k]] for k in ("mu", "loss")]
        if not (0 < mu < far < 1 and 0 <= loss < top < 1):
            raise ValueError("a cell needs 0 < mu_0 < mu_1 < 1 and 0 <= loss_0 < loss_1 < 1")
        n = Fraction(data["n"])
        if n < 1 or n.denominator != 1:
            raise ValueError("n must be a whole number of workers")
        self.constants: dict[str, Scalar] = {
            "mu": mu + A * (far - mu),
            "L": ONE,
            "loss": loss + B * (top - loss),
            "n": n,
        }
        # The round is the data's and not the cell's: one method on the whole box.
        recheck.check_program(data["program"], _sums)
        self.params = {k: between(v) for k, v in cell["parameters"].items()}
        self.program = valued(data["program"], self.params)
        self.unrolled = recheck.Unrolled({"program": self.program, "window": data["window"]})
        self.rho = between(cell["rho"])
        self.radius = between(cell["lower"]["radius"])

    def upper_holds(self) -> bool:
        """V decreases by rho and is at least scale |x|^2, at all constants of the cell."""
        v = {k: between(x) for k, x in self.cell["v"].items()}
        used = {k: between(x) for k, x in self.cell["multipliers"].items()}
        scale: Scalar = Fraction(self.cell["scale"])
        # As in `recheck.upper_holds`: only inequalities that are derived there, multipliers >= 0 all over
        # the cell, and a scale > 0, without which V = 0 would prove any rate.
        if not set(used) <= set(recheck.inequalities(self.unrolled)) or scale <= 0:
            return False
        if not all(never_negative(x) for x in (self.rho, *used.values())):
            return False
        decrease, bound = recheck.statement(self.unrolled, self.constants, self.rho, scale, v, used)
        return positive(decrease) and positive(bound)

    def lower_holds(self) -> bool:
        """The instance is of the class, and its round has a real eigenvalue beyond the radius, everywhere."""
        lower = self.cell["lower"]
        # Linear in b = the place between the losses: sqrt is concave, so that the chord between rational
        # values below it lies below sqrt(loss) on the cell, which the first test shows without a root.
        size = Fraction(lower["sign"]) * between([lower["size"], lower["size"]])
        if not never_negative(self.constants["loss"] - size * size) or not never_negative(self.radius):
            return False
        # det(z - M) is monic, hence positive at infinity: where it is <= 0 at the radius, a real root lies
        # at or beyond it. An eigenvalue of the round of that size bounds the rate from below by radius^2.
        return never_negative(-self.beyond(self.radius))

    def polynomial(self) -> list[Scalar]:
        """Coefficients of det(z - M) on the instance, the leading one first; of det(z + M) for alternating ones."""
        lower, messages = self.cell["lower"], sum(op["kind"] == "message" for op in self.program["ops"])
        size: Scalar = 1 + Fraction(lower["sign"]) * between([lower["size"], lower["size"]])
        curvature = self.constants[{"mu": "mu", "L": "L"}[lower["curvature"]]]
        turn = {"slow": ONE, "alternating": -ONE}[lower["kind"]]
        matrix = recheck.round_matrix(self.program, curvature, [(size, ZERO)] * messages)
        # det(z + M) has the roots with their signs turned: an alternating run becomes
        # a slow one. Factors are real, and so is the polynomial.
        return [c * turn**k for k, (c, _) in enumerate(recheck.characteristic(matrix))]

    def beyond(self, radius: Scalar) -> Scalar:
        """That polynomial at the radius: where it is not positive a real root lies at or beyond."""
        value: Scalar = ZERO
        for c in self.polynomial():
            # Horner's rule, with a polynomial in (a, b) for the radius.
            value = value * radius + c
        return value

    def narrow(self, width: Fraction) -> bool:
        """rho - radius^2 <= width (1 - radius^2) and rho < 1, everywhere.

        With width w: 1 - rho >= (1 - w)(1 - radius^2), the certified speed is at least the share 1 - w of what is
        attained.
        """
        square = self.radius * self.radius
        return never_negative((ONE - square) * width - self.rho + square) and never_negative(ONE - self.rho)


def covered(data: Data) -> bool:
    """True where the cells are those of a grid of the box without a gap.

    More cells than the grid's do no harm; a missing one does. Cells are compared by their ends, as fractions.
    """
    edges = {k: [Fraction(x) for x in data["edges"][k]] for k in ("mu", "loss")}
    # Edges must rise, or a cell of the grid would be empty and a gap be hidden behind it.
    if any(low >= up for line in edges.values() for low, up in pairwise(line)):
        return False
    wanted = {(m, n) for m in pairwise(edges["mu"]) for n in pairwise(edges["loss"])}
    there = {tuple(tuple(map(Fraction, cell[k])) for k in ("mu", "loss")) for cell in data["cells"]}
    return bool(wanted) and wanted <= there


def holds(data: Data) -> bool:
    """Every cell's two sides and width, and that the cells cover the box."""
    # Every cell is asked all three questions: one cell that fails
    # leaves constants of the box without a bracket.
    width = Fraction(data["width"])
    cells = [BoxCell(data, cell) for cell in data["cells"]]
    return covered(data) and all(c.upper_holds() and c.lower_holds() and c.narrow(width) for c in cells)


def _judged(data: Data) -> tuple[bool, list[str]]:
    good = holds(data)
    rounds = recheck.program_lines(data["program"], recheck.sums_shown)
    named = "  the name is the file's word; the round that is checked:"
    return good, [
        f"{_said(data)}: {'holds' if good else 'FAILS'}",
        named,
        *(f"    {line}" for line in rounds),
    ]


def main(paths: Sequence[str]) -> int:
    """Some lines a file; 1 when one fails or is none, 2 without a file."""
    failed: int = recheck.read_all(paths, "recheck_box.py BOX.json", "box", _judged)
    return failed


def _said(data: Data) -> str:
    mu, loss = ([Fraction(x) for x in data["edges"][k]] for k in ("mu", "loss"))
    return (
        f"{data['method']}: kappa from {1 / mu[-1]} to {1 / mu[0]}, delta from {1 - loss[-1]} to {1 - loss[0]}, "
        f"{len(data['cells'])} cells, width <= {float(Fraction(data['width'])):.4%} of 1 - rho"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
