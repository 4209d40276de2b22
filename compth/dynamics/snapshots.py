"""rho between the steps where it is known: T on the span of the Perron points found so far.

x_1..x_k found at gamma_1..gamma_k span V, and S is the near inverse of a search at one of them. The pencil
    V'S (T(gamma) - id) V c = theta V'S V c
has theta = rho(gamma) - 1 at every gamma_j, and nearly so between them: the error is about the product of the
distances to all of them, and where two eigenvalues nearly meet, points from either side hold both vectors. Without S,
T is too far from normal for the rightmost theta to mean much. T is a quadratic in gamma where no other parameter moves
with it, so that three steps, the anchors, say what it does to a point at every other. Nothing is believed that a model
says: it proposes a step and a vector to start from, and the rate is found there.

Others may take from here a step to ask next and a vector to start from, and nothing else: neither a value nor a bracket
of a model ever reaches an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import eig

from compth._types import Numbers as Array
from compth.dynamics.parts import parts_of
from compth.dynamics.radii import Lens, Radius, ends_of, kept_means
from compth.dynamics.system import System

if TYPE_CHECKING:
    from compth.dynamics.traced import TracedSystem


POINTS = 5
"""How many of the nearest points span a model."""
SAME = 1e-9
"""What a point adds to the span of the others by less than this, relative to it, is rounding."""
NEXT = 0.02
"""How far away in log gamma a search takes over the near inverse of another."""
BESIDE = 3
"""How many points are given beside a model's to a search that does not know which root it is to find."""
GRID, HALVINGS = 24, 40
"""How many places of a model are looked at for its least, and how often the slope there is halved in on."""
NUDGE = 1e-6
"""Differences in log gamma by which slopes of the means' factors are taken."""


@dataclass(eq=False)
class Snapshot:
    """A step where rho was asked: log gamma, its system, the groups of its coordinates and what was found of each."""

    u: float
    system: System | TracedSystem | None
    groups: list[System | TracedSystem]
    whole: Radius
    seen: dict[int, tuple[Array, Array, list[Array]]] = field(default_factory=dict)

    @property
    def found(self) -> tuple[Radius, ...]:
        """What was found of each group."""
        return self.whole.parts or (self.whole,)

    @property
    def operator(self) -> System | TracedSystem:
        """The system, which anchors keep and other steps forget."""
        assert self.system is not None
        return self.system

    def through(self, k: int, lens: Lens, anchors: Sequence[Snapshot]) -> tuple[Array, Array, list[Array]]:
        """x of group k as a unit vector, S x, and S (T - id) x at every anchor."""
        if k not in self.seen:
            point = self.found[k].point
            assert point is not None
            x = lens.pack(point)
            length = np.linalg.norm(x)
            images = [lens.pack(lens.after(a.groups[k], point)) for a in anchors]
            solved = [lens.solve((image - x) / length) for image in images]
            self.seen[k] = (x / length, lens.solve(x / length), solved)
        return self.seen[k]


class Snapshots:
    """The steps at which rho was found, and models of it between them."""

    def __init__(self, coupled: Callable[[float], bool]) -> None:
        """coupled: gamma -> whether the factor of the means enters rho, which models then follow too."""
        self.steps: list[Snapshot] = []
        self.coupled = coupled
        self.anchors: list[Snapshot] = []
        self.known: Model | None = None

    def add(self, u: float, system: System | TracedSystem, found: Radius) -> None:
        """rho was found at exp(u): the last that was found there counts, and nothing that took no search."""
        if any(r.lens is None for r in found.parts or (found,)):
            return
        self.steps = [s for s in self.steps if s.u != u]
        self.steps.append(Snapshot(u, system, parts_of(system) if found.parts else [system], found))
        self.known = None
        self._light()

    def _light(self) -> None:
        """Once the anchors are known, forget other steps' operators: n d^2 numbers each, which nothing asks for."""
        for s in self.steps if self.anchors else ():
            if s not in self.anchors:
                s.system, s.groups = None, []
            if s is not self.anchors[0] and s.found[0].lens is not None and s.found[0].lens.target is None:
                parts = tuple(replace(r, lens=None) for r in s.whole.parts)
                s.whole = replace(s.whole, lens=None, parts=parts)

    def settle(self, middle: float) -> bool:
        """Take the three steps nearest to this one for anchors; False where there are fewer."""
        self.anchors = sorted(self.steps, key=lambda s: abs(s.u - middle))[:3]
        self._light()
        return len(self.anchors) == 3

    @property
    def aimed(self) -> bool:
        """True where some search knew about where its root is, and so had a near inverse that models can trust."""
        lenses = [r.lens for s in self.steps for r in s.found if r.lens is not None]
        return any(lens.target is not None for lens in lenses)

    def near(self, u: float) -> list[Radius]:
        """Where a search at exp(u) starts: from a model, or from nothing."""
        if not self.anchors:
            return []
        told, near = self.model(u).predicted(u), sorted(self.steps, key=lambda s: abs(s.u - u))
        first = self.anchors[0].found[0].lens
        if told.parts or first is None or first.target is None:
            # these searches need a space to begin with: its rightmost root may be no more than a mixture of
            # others
            return [told, *(s.whole for s in near[:BESIDE])]
        return [replace(told, again=near[0].found[0].lens if abs(near[0].u - u) <= NEXT else None)]

    def model(self, u: float) -> Model:
        """The model of the points nearest to u; LinAlgError where they span none."""
        if self.known is None:
            near = sorted(self.steps, key=lambda s: abs(s.u - u))[:POINTS]
            groups = [self._group(k, near) for k in range(len(near[0].found))]
            coupled = self.coupled(float(np.exp(u)))
            means = [kept_means(s.operator) for s in self.anchors] if coupled else None
            plain = self.anchors[0].operator.K == 1
            self.known = Model(tuple(s.u for s in self.anchors), groups, means, plain)
        return self.known

    def _group(self, k: int, near: Sequence[Snapshot]) -> _Group:
        """The pencil of one group of coordinates at the anchors, through the near inverse of the middle one."""
        lens = self.anchors[0].found[k].lens
        assert lens is not None
        seen = [s.through(k, lens, self.anchors) for s in near]
        # the points as they were found, and their span as an orthonormal basis V' = turn points Points of
        # nearby steps are nearly parallel: directions that differ from them by rounding are dropped, and the
        # rest made orthonormal, or the small pencil would be as ill-conditioned as they are parallel.
        straight, mixed = np.linalg.qr(np.array([x for x, _, _ in seen]).T)
        left, weights, right = np.linalg.svd(mixed, full_matrices=False)
        kept = weights > SAME * weights[0]
        turn = right[kept] / weights[kept][:, None]
        basis = (straight @ left[:, kept]).T
        solved = turn @ np.array([s for _, s, _ in seen])
        pencils = [basis @ (turn @ np.array([p[j] for _, _, p in seen])).T for j in range(len(self.anchors))]
        if not np.isfinite(pencils).all():
            raise np.linalg.LinAlgError("points that T sends beyond floating point span no model")
        return _Group(pencils, np.linalg.inv(basis @ solved.T), basis, lens)


@dataclass(frozen=True)
class _Group:
    """V'S (T - id) V at every anchor, the inverse of V'S V, V and the coordinates it is in."""

    pencils: list[Array]
    inverse: Array
    basis: Array
    lens: Lens

    def root(self, weights: Array) -> tuple[float, Array, Array]:
        """The rightmost root of the pencils mixed by these weights, with its left and right vectors."""
        mixed = sum(w * p for w, p in zip(weights, self.pencils, strict=True))
        values, left, right = eig(self.inverse @ mixed, left=True, right=True)
        first = int(np.argmax(values.real))
        return float(values[first].real), left[:, first].real, right[:, first].real


@dataclass(frozen=True)
class Model:
    """rho - 1 as a function of log gamma, from the pencils at the anchors."""

    anchors: tuple[float, ...]
    groups: list[_Group]
    means: list[Array] | None
    symmetric: bool

    def _weights(self, u: float) -> tuple[Array, Array]:
        """Lagrange's weights in gamma over the first anchor's, and their derivatives with respect to log gamma."""
        # T(gamma) is a parabola in gamma where no other parameter moves: three operators give all others.
        a, b, c = np.exp(np.array(self.anchors) - self.anchors[0])
        x = np.exp(u - self.anchors[0])
        below = np.array([(a - b) * (a - c), (b - a) * (b - c), (c - a) * (c - b)])
        value = np.array([(x - b) * (x - c), (x - a) * (x - c), (x - a) * (x - b)])
        return value / below, x * np.array([2 * x - b - c, 2 * x - a - c, 2 * x - a - b]) / below

    def noise(self, u: float) -> float:
        """The largest branch of the second moments alone."""
        weights, _ = self._weights(u)
        return max(g.root(weights)[0] for g in self.groups)

    def value(self, u: float) -> float:
        """The largest branch."""
        weights, _ = self._weights(u)
        return max(*(g.root(weights)[0] for g in self.groups), *(m - 1 for m in self._ends(u)), -1.0)

    def slope(self, u: float) -> float:
        """The slope of the largest branch."""
        weights, slopes = self._weights(u)
        out = [(-1.0, 0.0)]
        for group in self.groups:
            # d theta = left' dP right/(left' right): the slope costs no further application.
            value, left, right = group.root(weights)
            moved = sum(w * p for w, p in zip(slopes, group.pencils, strict=True))
            out.append((value, float(left @ group.inverse @ moved @ right) / (float(left @ right) or 1.0)))
        for low, middle, high in zip(*(self._ends(u + s) for s in (-NUDGE, 0, NUDGE)), strict=True):
            out.append((middle - 1, (high - low) / (2 * NUDGE)))
        return max(out)[1]

    def _ends(self, u: float) -> tuple[float, ...]:
        """The means' factors, where they matter."""
        if self.means is None:
            return ()
        mixed = sum(w * m for w, m in zip(self._weights(u)[0], self.means, strict=True))
        return ends_of(np.asarray(mixed), self.symmetric)

    def least(self, left: float, right: float) -> float:
        """Where the largest branch is least between two places: by its slope's sign, which also finds a crossing."""
        places = np.linspace(left, right, GRID)
        best = int(np.argmin([self.value(float(u)) for u in places]))
        low, high = float(places[max(best - 1, 0)]), float(places[min(best + 1, GRID - 1)])
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if self.slope(middle) > 0 else (middle, high)
            if high - low < 1e-10:
                break
        return (low + high) / 2

    def predicted(self, u: float) -> Radius:
        """What is expected at exp(u): rho - 1 and the Perron points, with no enclosure."""
        weights, _ = self._weights(u)
        parts = []
        for group in self.groups:
            value, _, right = group.root(weights)
            parts.append(Radius(value, -np.inf, np.inf, group.lens.unpack(right @ group.basis)))
        if len(parts) == 1:
            return parts[0]
        return Radius(max(r.value for r in parts), -np.inf, np.inf, parts=tuple(parts))
