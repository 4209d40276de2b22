"""Checks a certificate of selections: a claim for all x, by the sorted magnitudes; standard library only.

Let z_0 >= z_1 >= ... be the magnitudes of the entries, the first m of them positive. The cone of all such z is
spanned by the rays p_a = (1, ..., 1, 0, ..., 0), a ones, a <= m; a form in z is written by its values on them. The
entry of rank r is x = s z_r with a sign s (0 beyond m), and each of its laws says what y - x may be: outcomes with
constant probabilities, forms in z. What the claim allows is exceeded by a quadratic form; on the cone that is at most
0 where all its entries between rays are, and of several laws of an entry the larger one counts, ray by ray.

The other kind of certificate: of compressors that look at the order of the entries (top-k, say). `cells` reads the
file and calls `check`; the exact arithmetic is in integers here, since d entries have laws with d numbers each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any, Protocol

from compth.proof.algebra import NOUGHT, UNIT, Rational

Matrix = list[list[int]]
Certificate = dict[str, Any]
"""An object of a certificate as JSON gives it: each field is looked at where it is read, and refused there."""
Excess = Callable[[Rational, Rational], Rational]
"""q(bias, squared error) of one entry: by how much it exceeds what the claim allows."""


class Need(Protocol):
    """Raises where a condition does not hold, and says which."""

    def __call__(self, holds: bool, says: str, /) -> None: ...


def coefficients(q: Excess) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """(e, b^2, x^2, x b) in the excess q of one entry: read off its values at simple b and e.

    All six kinds of claims are of this form, so one check of quadratic forms serves them.
    """
    # The excess is e E(y - x)^2 + b^2 (E(y - x))^2 + x^2 .. + x b ..: four values of it at simple arguments
    # give all.
    base, with_e, with_b = q(NOUGHT, NOUGHT), q(NOUGHT, UNIT) - q(NOUGHT, NOUGHT), q(UNIT, NOUGHT)
    rest = (with_b - base).num
    square = base.num[2] if len(base.num) > 2 else Fraction(0)
    e = with_e.constant if with_e.constant is not None else Fraction(0)
    return e, rest[0] if rest else Fraction(0), square, rest[1] if len(rest) > 1 else Fraction(0)


def entry(rank: int, sign: int, m: int) -> list[int]:
    """x = s z_r on the rays: z_r is 1 on the rays with more than r ones."""
    return [sign if a >= rank else 0 for a in range(m)]


def excess(outcomes: list[tuple[int, list[int]]], x: list[int], by: tuple[int, ...], weight: int) -> Matrix:
    """The excess of one law between rays b <= a, times the common denominators of weights, forms and coefficients."""
    e, square, own, cross = by
    # The second moment is a sum over outcomes of weight * form_a * form_b; bias and x enter by products of
    # their own.
    bias = [sum(w * f[a] for w, f in outcomes) for a in range(len(x))]
    rows = []
    for a, (bias_a, x_a) in enumerate(zip(bias, x, strict=True)):
        held = [(e * weight * w * f[a], f) for w, f in outcomes if f[a]]
        row = []
        for b in range(a + 1):
            total = sum(v * f[b] for v, f in held) + square * bias_a * bias[b]
            row.append(total + weight * (own * weight * x_a * x[b] + cross * (x_a * bias[b] + x[b] * bias_a)))
        rows.append(row)
    return rows


def common(values: list[Fraction]) -> int:
    """The least common denominator."""
    return math.lcm(*(v.denominator for v in values)) if values else 1


def holds(case: Certificate, d: int, by: tuple[Fraction, ...], need: Need) -> bool:
    """True when the sum of the entries' excesses is at most 0 on every pair of rays.

    A quadratic form in z = sum_a c_a p_a, c >= 0, is sum c_a c_b M_ab: at most 0 on the whole cone where no M_ab is
    positive. In integers, over the common denominators.
    """
    # x b is a symmetric form with one half on either side of the diagonal.
    m, e, (own, half) = case["nonzero"], by[:2], (by[2], by[3] / 2)
    read = [[_law(law, m, need) for law in laws] for laws in case["entries"]]
    outcomes = [o for laws in read for law in laws for o in law[1]]
    weight, form = common([w for w, _ in outcomes]), common([v for _, f in outcomes for v in f])
    unit = common([*e, own, half])
    factors = tuple(int(c * unit) for c in (*e, own, half))
    total = [[0] * (a + 1) for a in range(m)]
    for rank, laws in enumerate(read):
        # A law and its mirror image exceed by the same, as do equal ones: each once.
        distinct = {
            (tuple((int(w * weight), tuple(int(v * form * (s or 1)) for v in f)) for w, f in o), s * s)
            for s, o in laws
        }
        found = [excess(list(o), [v * form for v in entry(rank, s, m)], factors, weight) for o, s in distinct]  # type: ignore[arg-type]
        # Which of its laws an entry follows is not known: the largest excess, pair of rays by pair of rays.
        total = [[t + max(f[a][b] for f in found) for b, t in enumerate(row)] for a, row in enumerate(total)]
    return all(v <= 0 for row in total for v in row)


def _law(law: Certificate, m: int, need: Need) -> tuple[int, list[tuple[Fraction, list[Fraction]]]]:
    """The sign and the outcomes; a law and its mirror image (x and y - x negated) exceed by the same."""
    outcomes = [(Fraction(o["weight"]), list(map(Fraction, o["error"]))) for o in law["outcomes"]]
    need(all(w >= 0 and len(f) == m for w, f in outcomes), "an outcome of another size")
    need(sum(w for w, _ in outcomes) == 1, "probabilities that do not sum to 1")
    stated = {"bias": law["bias"], "error": law["error"]}
    need(stated == moments(law["outcomes"], m), "another bias or error than its law has")
    return law["sign"], outcomes


def moments(outcomes: list[Certificate], m: int) -> dict[str, list[str]]:
    """E(y - x) and E(y - x)^2 of a law on every ray, as texts: what the certificate states, and is compared with."""
    read = [(Fraction(o["weight"]), list(map(Fraction, o["error"]))) for o in outcomes]
    bias = [sum((w * f[a] for w, f in read), start=Fraction(0)) for a in range(m)]
    error = [sum((w * f[a] ** 2 for w, f in read), start=Fraction(0)) for a in range(m)]
    return {"bias": list(map(str, bias)), "error": list(map(str, error))}


def check(data: Certificate, excesses: dict[str, Excess], need: Need) -> None:
    """Every case, every inequality; `need(condition, words)` raises.

    data: the certificate. Cases: how many entries are not 0, all of them or each number; every rank of a case has
    laws for both signs, and the number of laws is stated, so that none can be left out.
    """
    d, cases = data["d"], data["cases"]
    # Entries that are 0 have laws of their own (ties, signs): either the law is the same for any number of
    # them, or each number is a case.
    wanted = [d] if data["scale"]["nonzero"] == "any" else list(range(1, d + 1))
    need(data["scale"]["nonzero"] in ("any", "each"), "cases of another kind")
    need(
        [c["nonzero"] for c in cases] == wanted and all(b - a == 1 for a, b in pairwise(wanted)),
        "a case is missing",
    )
    for case in cases:
        need(len(case["entries"]) == d, "an entry without a law")
        need(sum(map(len, case["entries"])) == case["laws"], "a law too many or too few")
        for rank, laws in enumerate(case["entries"]):
            signs = {law["sign"] for law in laws}
            need(signs == ({1, -1} if rank < case["nonzero"] else {0}), "a sign without a law")
        for name, q in excesses.items():
            need(
                holds(case, d, coefficients(q), need), f"the {name} exceeds what is allowed on a pair of rays"
            )
