"""A bracket over a box of constants: cells on which parameters, both sides, V and multipliers are polynomials.

The box is a grid in mu and delta with L = 1. Parameters are given at its nodes and interpolated, so that the method is
one rule on the whole box. On a cell the certificate's matrix is a polynomial in the place (a, b) of [0, 1]^2 whose
Bernstein coefficients are linear in the corner values of V and multipliers: one semidefinite program asks that all of
them be positive. What it finds is rounded to fractions and holds by the check of `recheck_box.py`, or is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import sympy

from compth._shown import Shown
from compth.errors import InvalidParameter, Unsupported, require
from compth.methods.core.body import BodyMethod
from compth.methods.core.centre import without_invariants
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, STATE
from compth.studies.derivation import recheck_box
from compth.studies.derivation.box_program import Program, corners
from compth.studies.derivation.brackets import described, radii_of
from compth.studies.derivation.recheck import Data, Scalar
from compth.studies.derivation.recheck_box import BoxCell, never_negative, poly
from compth.studies.derivation.rounds import symbolic_round
from compth.worst_case.bodies import body_asked
from compth.worst_case.question import Question, program_of
from compth.worst_case.rational import sqrt_below
from compth.worst_case.traced import resting

RADII = 10**10
"""Denominator of a radius and of rho at a corner."""
SHARES = tuple(Fraction(k, 10**6) for k in (0, 10, 30, 100, 300, 1000, 3000, 10000))
"""Shares of 1 - radius by which a radius is rounded down until the instance's sign shows it."""
SLACKS = (0.003, 0.005, 0.007, 0.009)
"""Shares of 1 - radius^2 by which rho lies above it at the corners, tried in turn."""
WIDTHS = 10**4
"""Widths are rounded up to multiples of 1/WIDTHS."""
CURVATURES, ANGLES, LENGTHS, HALVINGS = 4, 13, 40, 10
"""Points of the grids on which the longest step is looked for, and halvings between them."""
LEAST, MOST = 5e-3, 4.0
"""Steps between which it lies."""

Rule = Callable[[Fraction, Fraction], Mapping[str, Fraction]]
"""(mu, delta) -> the parameters, gamma included."""


@dataclass(frozen=True)
class Node:
    """A corner of cells: its constants and the parameters there.

    params: rational values by name, gamma among them; delta is the compressor's, so that loss = 1 - delta.
    """

    mu: Fraction
    delta: Fraction
    params: Mapping[str, Fraction]


@dataclass(frozen=True)
class Instance:
    """f_i(x) = a |x|^2/2 with a = mu or L and C(v) = (1 + sign s) v; kind: its real root is "slow" or "alternating".

    The plain choice for the lower side: its matrix is real, and its largest real eigenvalue a root that a sign shows.
    """

    curvature: str = "mu"
    sign: int = 1
    kind: str = "slow"

    def to_dict(self) -> dict[str, str]:
        """As a file has it."""
        return {"curvature": self.curvature, "sign": str(self.sign), "kind": self.kind}


@dataclass(frozen=True)
class Box(Shown):
    """The worst rate at every (mu, delta) of a box between two polynomials of each cell, parameters by one rule.

    data: what `recheck_box.py` reads. check() repeats all of it in Fractions.
    """

    data: Data

    @cached_property
    def cells(self) -> tuple[BoxCell, ...]:
        """The cells' polynomials."""
        return tuple(BoxCell(self.data, cell) for cell in self.data["cells"])

    @property
    def width(self) -> Fraction:
        """The largest relative width in 1 - rho, a bound for every point of the box."""
        return Fraction(self.data["width"])

    def check(self) -> bool:
        """Both sides at all constants of every cell, that the cells leave no gap, and the width."""
        return recheck_box.holds(self.data)

    def at(self, mu: Fraction, delta: Fraction) -> tuple[Fraction, Fraction, dict[str, Fraction]]:
        """(lower, upper, parameters) at a point of the box; InvalidParameter outside."""
        for cell in self.cells:
            (m, far), (q, top) = ([Fraction(x) for x in cell.cell[k]] for k in ("mu", "loss"))
            # Closed cells: on an edge two of them hold, and either answer is a bracket.
            if m <= mu <= far and q <= 1 - delta <= top:
                place = (mu - m) / (far - m), (1 - delta - q) / (top - q)
                params = {k: p.at(*place) for k, p in cell.params.items()}
                return cell.radius.at(*place) ** 2, cell.rho.at(*place), params
        raise InvalidParameter(f"mu={mu}, delta={delta} lie outside the box")


def box_of(
    kind: type[BodyMethod],
    mu: Sequence[Fraction],
    delta: Sequence[Fraction],
    rule: Rule,
    instance: Instance,
    n: int = 1,
    window: int = 3,
    said: Callable[[Sequence[Scalar]], Scalar] = list,
) -> Box:
    """The bracket over the box whose grid has these edges, both rising.

    Unsupported where a cell has no certificate within SLACKS of what the instance attains: smaller cells may have one.
    said: told the list of cells, to show how far it is.
    """
    for name, edges in (("mu", mu), ("delta", delta)):
        require(
            len(edges) > 1 and list(edges) == sorted(set(edges)), f"{name}={edges} must rise, two at least"
        )
    losses = [1 - x for x in reversed(delta)]
    # The rule is asked at the nodes only; neighbours share theirs, so that the interpolated
    # parameters are continuous and the box has one rule and not one for each cell.
    nodes = [[Node(m, 1 - q, rule(m, 1 - q)) for q in losses] for m in mu]
    data: dict[str, Scalar] = {
        "method": kind.__name__,
        "n": str(n),
        "window": window,
        "program": program_in_symbols(kind, nodes[0][0], n),
        "edges": {"mu": [str(x) for x in mu], "loss": [str(x) for x in losses]},
    }
    places = [(i, j) for i in range(len(mu) - 1) for j in range(len(losses) - 1)]
    made = []
    for i, j in said(places):
        four = [line[j : j + 2] for line in nodes[i : i + 2]]
        made.append(certified_cell(cell_of(four, data, instance), data))
    width = max(width_of(BoxCell(data, cell)) for cell in made)
    return Box({**data, "width": str(width), "cells": made})


def certified_cell(cell: Data, data: Data) -> dict[str, Scalar]:
    """The cell with its certificate, of the least slack that has one.

    A cell is returned only after `recheck_box.py`'s own check of it has passed; Unsupported where no slack has one.
    """
    made = BoxCell(data, cell)
    program, square = Program(made), made.radius * made.radius
    for slack in SLACKS:
        # rho at the corners a little above what is attained: without any room between the sides the
        # semidefinite program has no interior, and rounding its solution would break it.
        wanted = square + Fraction(slack) * (1 - square)
        found = program.certified([[_up(x) for x in row] for row in _table(wanted.at)])
        if found is not None:
            return found
    raise Unsupported(
        f"{data['method']}: mu from {cell['mu'][0]} to {cell['mu'][1]}, loss from {cell['loss'][0]} to "
        f"{cell['loss'][1]}: no certificate within {max(SLACKS)} of 1 - rho: take smaller cells"
    )


def width_of(cell: BoxCell) -> Fraction:
    """A bound of its relative width in 1 - rho; 1 where there is none below.

    The least multiple of 1/WIDTHS that the Bernstein coefficients show, from below.
    """
    return next(
        (Fraction(k, WIDTHS) for k in range(1, WIDTHS) if cell.narrow(Fraction(k, WIDTHS))), Fraction(1)
    )


def asked(
    kind: type[BodyMethod], mu: Fraction, delta: Fraction, params: Mapping[str, Fraction], n: int = 1
) -> Question:
    """The question at a node, L = 1.

    BodyMethod questions take eta apart from the other parameters; the answer is in Fractions.
    """
    named: dict[str, Scalar] = {k: v for k, v in params.items() if k not in ("gamma", "eta")}
    return body_asked(kind, mu, 1, delta=delta, omega=None, eta=params.get("eta"), n=n, given=named)[
        0
    ].rational()


def program_in_symbols(kind: type[BodyMethod], node: Node, n: int) -> dict[str, Scalar]:
    """The round, each coefficient a list of [number, {parameter: power}]; Unsupported for one that does not rest."""
    q = asked(kind, node.mu, node.delta, node.params, n)
    # `recheck_box.py` measures vectors from where they rest and
    # does not ask whether they do: it is asked here.
    resting(without_invariants(program_of(q, tuple(sorted(node.params.items()))))[0])
    found = symbolic_round(q, {}, tuple(k for k in node.params if k != "gamma"))
    kinds = {GRADIENT: "gradient", MESSAGE: "message", STATE: "state"}

    def number(c: Scalar) -> list[list[Scalar]]:
        return [
            [str(x), {str(k): int(p) for k, p in zip(found.unknowns, powers, strict=True) if p}]
            for powers, x in sympy.Poly(c, *found.unknowns).terms()
        ]

    def listed(v: Scalar) -> list[list[Scalar]]:
        return [
            ["common" if scope == COMMON else "own", kinds[of], i, number(c)]
            for (scope, of, i), c in v.terms.items()
        ]

    (leaf,) = found.program.leaves
    return {
        "server": list(found.program.server),
        "worker": list(found.program.worker),
        "ops": [{"kind": kinds[op.kind], "argument": listed(op.argument)} for op in found.program.ops],
        "next": {k: listed(v) for k, v in leaf.following.items()},
    }


def cell_of(nodes: Sequence[Sequence[Node]], data: Data, instance: Instance) -> dict[str, Scalar]:
    """A cell without its certificate: constants, parameters, and the instance with its radius at the corners.

    nodes[i][j] lies at mu_i and loss_j.
    """
    (first, second), (far, _) = nodes
    cell: dict[str, Scalar] = {
        "mu": [str(first.mu), str(far.mu)],
        "loss": [str(1 - first.delta), str(1 - second.delta)],
        "parameters": {k: corners(lambda i, j, k=k: nodes[i][j].params[k]) for k in first.params},
        "rho": corners(lambda i, j: 0),
    }
    # The instance must be of the class at every loss: its size is a chord of sqrt, from below.
    size = [str(sqrt_below(1 - x.delta)) for x in (first, second)]
    lower = {**instance.to_dict(), "size": size}
    table = _table(_root_of(BoxCell(data, {**cell, "lower": {**lower, "radius": cell["rho"]}})))
    # The interpolated root is in floats and only nearly a root: rounded down until the sign of the
    # characteristic polynomial at the radius is shown on all of the cell.
    for share in SHARES:
        radius = [[str(_down(x - share * (1 - x))) for x in row] for row in table]
        shown = {**cell, "lower": {**lower, "radius": radius}}
        if BoxCell(data, shown).lower_holds():
            return shown
    raise Unsupported(f"{data['method']}: {instance} has no real root of that kind all over a cell")


def _down(x: Fraction) -> Fraction:
    return Fraction(int(x * RADII), RADII)


def _up(x: Fraction) -> Fraction:
    return Fraction(int(x * RADII) + 1, RADII)


def _table(values: Callable[[Fraction, Fraction], Fraction]) -> list[list[Fraction]]:
    """Bernstein coefficients of the polynomial, quadratic in a and in b, with these values at ends and middles."""
    thirds = [Fraction(k, 2) for k in range(3)]
    # One direction after the other: the tensor product of two interpolations at 0, 1/2 and 1.
    rows = [_line([values(a, b) for b in thirds]) for a in thirds]
    return [list(row) for row in zip(*(_line(list(line)) for line in zip(*rows, strict=True)), strict=True)]


def _line(f: Sequence[Fraction]) -> list[Fraction]:
    """The same in one direction: (f_0 + 2 c + f_1)/4 is the value in the middle."""
    return [f[0], 2 * f[1] - (f[0] + f[2]) / 2, f[2]]


def _root_of(cell: BoxCell) -> Callable[[Fraction, Fraction], Fraction]:
    """(a, b) -> the largest real root of the instance's polynomial there, in floats."""
    polynomial = [poly(c) for c in cell.polynomial()]

    def at(a: Fraction, b: Fraction) -> Fraction:
        roots = np.roots([float(c.at(a, b)) for c in polynomial])
        return Fraction(max((float(z.real) for z in roots if abs(z.imag) < 1e-7), default=0.0))

    return at


def longest_step(
    kind: type[BodyMethod], mu: Fraction, delta: Fraction, own: Mapping[str, Fraction], sign: int = 1
) -> float:
    """The longest step at which no other quadratic of a grid is slower than f = mu |x|^2/2 with C(v) = (1 + sign s) v.

    A choice and no claim: the grid has curvatures from mu to L = 1 and turned compressors of one angle.
    """
    s = float(1 - delta) ** 0.5
    # C(v) = c v with |c - 1| = s, a half circle: conjugate factors have the same moduli.
    turns = [1 + s * np.exp(1j * t) for t in np.linspace(0, np.pi, ANGLES)]
    others = [(a, c) for a in np.linspace(float(mu), 1, CURVATURES) for c in turns]
    others = [(a, c) for a, c in others if (a, c) != (float(mu), turns[0 if sign > 0 else -1])]

    def slowest(gamma: float) -> bool:
        params = {"gamma": Fraction(gamma), **own}
        q = asked(kind, mu, delta, params)
        program = without_invariants(program_of(q, tuple(sorted(params.items()))))[0]
        at = radii_of(described(q, program, params)["program"])
        top = at(float(mu), [complex(1 + sign * s)])
        return all(at(a, [complex(c)]) <= top * (1 + 1e-12) for a, c in others)

    steps = np.geomspace(LEAST, MOST, LENGTHS)
    good = [float(g) for g in reversed(steps) if slowest(float(g))][:1]
    require(bool(good), f"mu={mu}, delta={delta}: no step at which that quadratic is the slowest")
    # The longest of the grid's good steps and the next one: the crossing lies between, and is bisected.
    low, high = good[0], good[0] * (MOST / LEAST) ** (1 / (LENGTHS - 1))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slowest(middle) else (low, middle)
    return low


def better_by(cell: BoxCell, gain: Fraction) -> bool:
    """True where 1 - rho is shown to be at least 1 + gain times that of EF and EF21 at their best step, on the cell.

    Their tight factor is r^2 with r^2 - tau r - s = 0, tau = (1-s)(1-mu)/(1+mu). y = 1 - (1-rho)/(1+gain) <= r^2 is
    (y-s)^2 <= tau^2 y or y <= s; it follows with sigma <= s <= (loss/t + t)/2 for the chord sigma and any t > 0.

    Exact, by Bernstein coefficients; False says that it was not shown, not that the gain is smaller.
    """
    # s = sqrt(loss) and r are no polynomials on the cell, so y <= r^2 is asked as (y - s)^2
    # <= tau^2 y with bounds in the place of s: the chord, below s, on the left, where it
    # makes y - s larger; the tangent (loss/t + t)/2, above s by the arithmetic and the
    # geometric mean, in tau, where it makes the right side smaller.
    size = [Fraction(x) for x in cell.cell["lower"]["size"]]
    mu, loss, t = cell.constants["mu"], cell.constants["loss"], (size[0] + size[1]) / 2
    chord = recheck_box.between([size, size])
    above = (loss / t + t) / 2
    y = 1 - (1 - cell.rho) / (1 + gain)
    left, right = (y - chord) * (1 + mu), (1 - above) * (1 - mu)
    signs = (y, 1 - above, loss - chord * chord)
    return all(map(never_negative, signs)) and never_negative(right * right * y - left * left)


def slower(cell: BoxCell) -> bool:
    """True where what is attained is shown to be at least the tight factor of EF and EF21 at their best step.

    radius >= r where radius^2 - tau radius - s >= 0 (see `better_by`). The derivative in s is radius (1-mu)/(1+mu) - 1,
    below 0 for radius <= 1: a bound above s is put in its place.

    Then the method is at no constants of the cell faster than EF and EF21 at their best step.
    """
    # radius >= r exactly where radius^2 - tau radius - s >= 0, multiplied here by 1 + mu > 0.
    size = [Fraction(x) for x in cell.cell["lower"]["size"]]
    mu, loss, t = cell.constants["mu"], cell.constants["loss"], (size[0] + size[1]) / 2
    above = (loss / t + t) / 2
    kept = (cell.radius * cell.radius - above) * (1 + mu) - (1 - above) * (1 - mu) * cell.radius
    return never_negative(kept) and never_negative(1 - cell.radius)
