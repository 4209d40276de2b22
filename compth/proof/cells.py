"""Checks a certificate of cells: a claim about a compressor for all x, in exact arithmetic of the standard library.

The certificate says into which cells the line falls, what one entry of the output does on each (outcomes with their
probabilities, rational functions of the cell's variable t), and by which multipliers the claim follows. Checked is that
the cells cover the line, that the laws are laws, and every inequality. What is not checked, and is said in the report:
that the program has these laws; that was traced. Run it with `python -m compth.proof.cells FILE`.

The scale says what t is. plain: x_i = t. octave: x_i = t 2^e for every integer e, and 0. lattice h, k: x_i = t up to
h k, beyond it h (t + K) for every integer K. norm p: x_i = t ||x||_p. Entries are alike within a group.
With q(t) the excess of one entry over what the claim allows, the claim says that the q(x_i) sum to at most 0:
    plain, octave, lattice    q <= 0 on every cell (of an absolute claim: q <= M, and the sum of the M at most 0)
    norm 1, 2                 q - lambda |t|^p <= M_g on every cell, sum n_g M_g + lambda <= 0, since sum |t_i|^p = 1
    order                     see `cones`
    norm inf                  q <= M_g, and for the entry with |t| = 1: q(+-1) - M_g + sum n_g M_g <= 0

Kept: whoever checks a certificate needs this file, `cones` and `algebra`, nothing else of the package, and no trust in
what made it. Every field is compared with what is computed here; a field that is missing, of another type or malformed
is a refusal. The three parts: reading, the claim as excesses q of one entry, and the cells with their laws.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from fractions import Fraction

from compth.proof import cones
from compth.proof.algebra import (
    INFINITY,
    MINUS_INFINITY,
    NOUGHT,
    UNIT,
    Rational,
    Root,
    compare,
    count,
    inner_roots,
    mul,
    non_negative,
    number,
    rational,
    roots,
    sign_at,
)
from compth.proof.cones import Certificate, Excess

FORMAT = "compth cells 1"
T = Rational((Fraction(0), Fraction(1)))


class Refused(Exception):
    """The certificate does not prove its claim; says where."""


def need(holds: bool, says: str) -> None:
    """Raise Refused unless this holds."""
    if not holds:
        raise Refused(says)


# reading


def read_fraction(text: object) -> Fraction:
    """p/q as written."""
    if not isinstance(text, str):
        raise Refused(f"{text!r} is no fraction")
    return Fraction(text)


def read_rational(data: object) -> Rational:
    """[[numerator], [denominator]], the constants first."""
    if not isinstance(data, list) or len(data) != 2:
        raise Refused("a rational function has a numerator and a denominator")
    top, bottom = (tuple(map(read_fraction, part)) for part in data)
    need(bool(bottom) and bottom[-1] != 0 and (not top or top[-1] != 0), "a polynomial with leading zeros")
    # Lowest terms are asked for and not made: a pole that cancels would hide, and two spellings of one
    # function differ.
    found = Rational.of(top, bottom)
    need((found.num, found.den) == (top, bottom), "a rational function that is not in lowest terms")
    return found


def read_root(data: str | Certificate) -> Root:
    """ "p/q", "inf", "-inf", or the root of a polynomial between two rationals."""
    if isinstance(data, str):
        return {"inf": INFINITY, "-inf": MINUS_INFINITY}.get(data) or number(read_fraction(data))
    of = tuple(map(read_fraction, data["of"]))
    low, high = read_fraction(data["low"]), read_fraction(data["high"])
    need(low < high and len(of) > 2 and of[-1] != 0, "an end of a cell is no root")
    # Exactly one root, by the list of roots and by Sturm: otherwise the end of a cell is not a number.
    inside = [r for r in roots(of) if compare(number(low), r) < 0 < compare(number(high), r)]
    need(len(inside) == 1 == count(of, low, high), "an end of a cell is not one root")
    return inside[0]


# claims: the excess of one entry, from bias b, squared error e and t


def excesses(claim: Certificate) -> dict[str, Excess]:
    """inequality -> (b, e) -> q, where b = E y - x, e = E(y - x)^2 of one entry.

    The claim holds for all x where each q sums to at most 0 over the entries (an absolute one: to at most Delta^2).
    """
    c = {k: rational(read_fraction(v)) for k, v in claim["constants"].items()}
    kind, square = claim["kind"], T * T

    def second(b: Rational, e: Rational) -> Rational:  # E y^2, with y = x + (y - x)
        return e + T * b * rational(2) + square

    def along(b: Rational) -> Rational:  # x E y
        return T * b + square

    def nothing(b: Rational, e: Rational) -> Rational:
        return b * b

    # Each claim as inequalities between E(y - x), E(y - x)^2 and t of one entry, all terms on one side.
    table: dict[str, dict[str, Excess]] = {
        "Unbiased": {"bias": nothing, "error": lambda b, e: e - c["omega"] * square},
        "Contractive": {"error": lambda b, e: e - (UNIT - c["delta"]) * square},
        "BiasVariance": {
            "bias": lambda b, e: b * b - c["eta"] * c["eta"] * square,
            "variance": lambda b, e: e - b * b - c["omega"] * square,
        },
        "AbsoluteError": {"error": lambda b, e: e},
        "B1": {
            "lower": lambda b, e: c["alpha"] * square - second(b, e),
            "upper": lambda b, e: second(b, e) - c["beta"] * along(b),
        },
        "B2": {
            "lower": lambda b, e: c["gamma"] * square - along(b),
            "upper": lambda b, e: second(b, e) - c["beta"] * along(b),
        },
    }
    need(kind in table, f"{kind} is no claim of entries")
    return table[kind]


# cells


def domains(scale: Certificate) -> list[tuple[Root, Root, bool, bool]]:
    """The ranges of t that must be covered: low, high, and whether the ends belong to it.

    By the scale: the whole line, one octave of each sign and 0, the first cells of a lattice and one period of each
    sign, or [-1, 1] in units of a norm.
    """
    half, one = number(Fraction(1, 2)), number(1)
    kind = scale["kind"]
    # |x_i| <= ||x||_p, so the whole line is [-1, 1] in units of the norm.
    if kind == "norm":
        need(scale["order"] in ("1", "2", "inf"), "a norm of another order")
        return [(number(-1), one, True, True)]
    if kind == "plain":
        return [(MINUS_INFINITY, INFINITY, False, False)]
    # One octave of each sign stands for all: the law is the same after doubling. 0 is by itself.
    if kind == "octave":
        nought = number(0)
        below = (number(-1), number(Fraction(-1, 2)), False, True)
        return [(half, one, True, False), below, (nought, nought, True, True)]
    need(kind == "lattice", "a scale of another kind")
    # Up to the reach cell by cell; beyond it the law repeats with the period h, once for each sign.
    reach = number(read_fraction(scale["step"]) * scale["least"])
    need(isinstance(scale["least"], int) and reach.low > 0, "a lattice without a step")
    return [
        (number(-reach.low), reach, True, True),
        (number(0), one, True, False),
        (number(0), one, True, False),
    ]


def covered(cells: list[tuple[Root, Root]], domain: tuple[Root, Root, bool, bool]) -> bool:
    """True when points and open intervals, one after another, fill the domain.

    cells: (low, high), equal for a point. Gaps, and borders that no cell has, make it False; overlaps do no harm.
    """
    low, high, with_low, with_high = domain
    # From the left: a point closes the place where the last interval ended, an open interval leads to its
    # other end. Every border has to be covered by itself, for programs branch there.
    at, closed = low, not with_low  # closed: whether `at` itself is covered
    while compare(at, high) < 0 or (not closed and with_high):
        if not closed:
            if not any(compare(a, at) == 0 == compare(b, at) for a, b in cells):
                return False
            closed = True
            continue
        following = [b for a, b in cells if compare(a, at) == 0 and compare(b, at) > 0]
        if not following:
            return False
        at, closed = following[0], False
        if compare(at, high) == 0 and not with_high:
            return True
    return compare(at, high) == 0


class Piece:
    """One law on one cell.

    low, high: the cell, a point where they are equal, else the open interval. bias, error: E(y - x) and E(y - x)^2
    there, computed from the outcomes and compared with what the certificate states. Raises Refused where the law is
    none.
    """

    def __init__(self, data: Certificate) -> None:
        self.low, self.high = read_root(data["low"]), read_root(data["high"])
        need(compare(self.low, self.high) <= 0, "a cell that ends before it begins")
        self.outcomes = [self._outcome(o) for o in data["outcomes"]]
        # Probabilities as rational functions of t: they sum to 1 identically.
        total = NOUGHT
        for weight, *_ in self.outcomes:
            total = total + weight
        need(total == UNIT, "probabilities that do not sum to 1")
        self.bias = sum((w * first for w, first, _ in self.outcomes), start=NOUGHT)
        self.error = sum((w * second for w, _, second in self.outcomes), start=NOUGHT)
        need(read_rational(data["bias"]) == self.bias, "another bias than its law has")
        need(read_rational(data["error"]) == self.error, "another error than its law has")

    @property
    def point(self) -> bool:
        """True where the cell is one number."""
        return compare(self.low, self.high) == 0

    def _outcome(self, data: Certificate) -> tuple[Rational, Rational, Rational]:
        """Probability, E(y - x) and E(y - x)^2 of an outcome y - x = a + b U with U uniform on an interval."""
        weight, a = read_rational(data["weight"]), read_rational(data["error"])
        self._defined(weight, a)
        need(self._at_least_nought(weight), "a negative probability")
        if "draw" not in data:
            return weight, a, a * a
        b, low, high = (read_rational(data[k]) for k in ("draw", "from", "to"))
        self._defined(b, low, high)
        ordered = (low, UNIT - high, high - low)
        need(all(map(self._at_least_nought, ordered)), "a uniform draw outside [0, 1]")
        # U uniform on [low, high]: E U and E U^2, which is all that y - x = a + b U needs.
        mean = (low + high) / rational(2)
        square = (low * low + low * high + high * high) / rational(3)
        return weight, a + b * mean, a * a + a * b * mean * rational(2) + b * b * square

    def _defined(self, *functions: Rational) -> None:
        """Refused where one of these functions has a pole on the cell."""
        for f in functions:
            pole = (
                sign_at(f.den, self.low) == 0 if self.point else bool(inner_roots(f.den, self.low, self.high))
            )
            need(not pole, "a pole on a cell")

    def _at_least_nought(self, f: Rational) -> bool:
        """f >= 0 on the cell: num * den has the sign of num/den where den is not 0."""
        return non_negative(mul(f.num, f.den), self.low, self.high)

    def at_most(self, q: Rational, bound: Rational) -> bool:
        """q <= bound on the cell."""
        return self._at_least_nought(bound - q)


class Group:
    """Entries that have one law: how many, and its pieces on every domain.

    Raises Refused where there are none, where a domain has no cells, or where the cells leave a gap.
    """

    def __init__(self, data: Certificate, scale: Certificate) -> None:
        self.count = data["count"]
        need(isinstance(self.count, int) and self.count > 0, "a group of no entries")
        wanted = domains(scale)
        need(len(data["charts"]) == len(wanted), "a domain without cells")
        self.charts = [[Piece(p) for p in chart] for chart in data["charts"]]
        for pieces, domain in zip(self.charts, wanted, strict=True):
            need(covered([(p.low, p.high) for p in pieces], domain), "cells that do not cover their domain")

    def pieces(self) -> Iterator[Piece]:
        """All of them."""
        for chart in self.charts:
            yield from chart


def inequality(
    name: str, q: Excess, groups: list[Group], proof: Certificate, scale: Certificate, allowed: Fraction
) -> None:
    """One inequality of the claim, by its multipliers: lambda of the constraint on the norm, a bound M_g for each
    group.

    Refused where the excess, lambda |t|^p taken off, is above the group's bound somewhere, or the bounds and lambda
    sum to more than the claim allows.
    """
    factor = read_fraction(proof["lambda"])
    bounds = [read_fraction(m) for m in proof["bounds"]]
    need(len(bounds) == len(groups), "a group without a bound")
    order = scale.get("order", "")
    for group, bound in zip(groups, bounds, strict=True):
        for piece in group.pieces():
            # With sum |t_i|^p = 1 a multiple of |t|^p may be moved from every entry to the sum, where it
            # counts lambda once.
            taken = NOUGHT if not factor else rational(factor) * _weight(order, piece)
            need(
                piece.at_most(q(piece.bias, piece.error) - taken, rational(bound)),
                f"the {name} exceeds its bound on the cell {piece.low} to {piece.high}",
            )
    total = sum((g.count * m for g, m in zip(groups, bounds, strict=True)), start=Fraction(0))
    if order == "inf":
        # One entry has |t| = 1; all others are at most their bounds, its own bound being taken off again.
        need(factor == 0, "a multiplier without its constraint")
        for group, bound in zip(groups, bounds, strict=True):
            for piece in _at_one(group):
                held = q(piece.bias, piece.error)(piece.low.low)
                need(held - bound + total <= 0, f"the {name} exceeds its bound where |x_i| is largest")
    elif order:
        need(total + factor <= 0, f"the bounds of the {name} do not sum to what is allowed")
    else:
        need(factor == 0, "a multiplier without its constraint")
        need(total <= allowed, f"the bounds of the {name} do not sum to what is allowed")


def _weight(order: str, piece: Piece) -> Rational:
    """|t|^p: what sums to 1 over the entries. For p = 1 the cell has to keep to one side of 0."""
    if order == "2":
        return T * T
    # |t| is a polynomial only where t keeps its sign.
    negative = sign_at((Fraction(0), Fraction(1)), piece.low) < 0
    within = negative or sign_at((Fraction(0), Fraction(1)), piece.low) >= 0
    need(order == "1" and within and (not negative or sign_at((Fraction(0), Fraction(1)), piece.high) <= 0),
         "a cell on both sides of 0")  # fmt: skip
    return -T if negative else T


def _at_one(group: Group) -> list[Piece]:
    """The cells t = 1 and t = -1 of the entry with the largest magnitude."""
    found = [p for p in group.pieces() if p.point and p.low.rational and abs(p.low.low) == 1]
    need({p.low.low for p in found} == {1, -1}, "no cell at the largest entry")
    return found


def digest(data: Certificate) -> str:
    """What a certificate is sealed with: any change of it is seen."""
    rest = {k: v for k, v in data.items() if k != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check(data: Certificate) -> str:
    """What the certificate proves, in words. Raises Refused.

    data: the JSON object of a file. Whatever is malformed in it is a refusal, too, with the kind of fault.
    """
    try:
        return _check(data)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ZeroDivisionError) as problem:
        raise Refused(f"not a certificate: {type(problem).__name__}: {problem}") from None


def _check(data: Certificate) -> str:
    """As `check`; malformed data raise whatever they raise."""
    need(data["format"] == FORMAT, "another format")
    need(data["digest"] == digest(data), "changed after it was made")
    scale, claim = data["scale"], data["claim"]
    if scale["kind"] == "order":
        need(claim["kind"] != "AbsoluteError", "an absolute claim with a scale")
        cones.check(data, excesses(claim), need)
        return _said(data)
    groups = [Group(g, scale) for g in data["groups"]]
    # Every entry has a law, and no law is counted for more entries than there are.
    need(sum(g.count for g in groups) == data["d"], "entries without a law")
    wanted, absolute = excesses(claim), claim["kind"] == "AbsoluteError"
    # Relative claims need a unit that grows with x; absolute ones must not have it.
    need(absolute or scale["kind"] != "lattice", "a relative claim without a scale")
    need(not absolute or scale["kind"] in ("plain", "lattice"), "an absolute claim with a scale")
    # All inequalities of the claim and no other: one that was left out would be proved by nothing.
    need(data["inequalities"].keys() == wanted.keys(), "an inequality without a proof")
    allowed = read_fraction(claim["constants"]["Delta"]) ** 2 if absolute else Fraction(0)
    for name, q in wanted.items():
        inequality(name, q, groups, data["inequalities"][name], scale, allowed)
    return _said(data)


def _said(data: Certificate) -> str:
    """The claim that was proved."""
    claim = data["claim"]
    constants = ", ".join(f"{k} = {v}" for k, v in claim["constants"].items())
    return f"{claim['kind']}({constants}) for all x of length {data['d']}"


def main(arguments: list[str]) -> int:
    """Check files; 0 when each proves its claim."""
    failed = 0
    for path in arguments:
        with open(path, encoding="utf-8") as file:
            # A refusal is one line and an exit status; other files are still looked at.
            try:
                said = check(json.load(file))
                sys.stdout.write(f"{path}: proved, {said}, of whatever has the laws in this file\n")
            except Refused as reason:
                failed = 1
                sys.stdout.write(f"{path}: REFUSED, {reason}\n")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
