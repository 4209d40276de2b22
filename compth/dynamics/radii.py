"""The spectral radius of the second-moment map, enclosed from both sides, and that of the map of the means.

What is returned as an enclosure holds for T whatever the search found: low and high come from Collatz and Wielandt's
inequalities, from a checked upper bound, or from the means, never from a residual. A search that fails widens the
bracket and leaves `narrow` False; it never moves an end inward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from compth._numbers import Number
from compth._types import Numbers as Array
from compth.dynamics import joint, memories, stein
from compth.dynamics.cone import basis_of, blocks, collatz
from compth.dynamics.noise_free import NoiseFree
from compth.dynamics.parts import parts_of
from compth.dynamics.reduced import dynamics_data
from compth.dynamics.solvers import arnoldi, davidson, definite, upper_bound
from compth.dynamics.system import Data, Moments, Operator, System
from compth.dynamics.units import Packing
from compth.errors import Unsupported
from compth.methods import Method, plan_of
from compth.problems.interface import Problem

if TYPE_CHECKING:
    from compth.dynamics.traced import TracedSystem


WIDTH = 1e-2
"""A bracket wider than this, relative to |1 - rho|, counts as not converged."""
ACCURACIES = (1e-10, 1e-12, 1e-14)
"""Relative residuals asked for in turn, until the bracket is narrow."""
EASY, EASIER = 1e-8, 1e-6
"""The first of them where an enclosure narrower than usual is asked for, but none narrower than this."""
DENSE = 300
"""Largest number of moments among which a wide bracket is closed by resolvents of the written-out operator."""
ABOVE = (1e-4, 1e-6, 1e-8, 1e-10)
"""How far above a lower bound of rho such resolvents are taken, relative to the larger of rho and |1 - rho|."""
PERRON = 1e-3
"""How far outside the cone, on a unit diagonal, a Perron point may be that is not yet exact."""
LIMIT, LEFT = 200, 1e-13
"""Davidson steps after which a search among more moments than those is given to Arnoldi's, and its tolerance."""
ROUNDED = 1e-9
"""How far a Perron point is moved inside before it is looked at: less than this may be rounding."""
NEAR_ONE = 1e-4
"""How close to 1 a root makes its point's signs doubtful, so that an upper bound is asked whether it is the largest."""
CERTAIN = 1e-6
"""Relative residual from which on a point that is not inside the cone is none of its Perron points."""
FLOOR = 1e-15
"""Relative residual below which only rounding is left."""


Point = Moments | Array
"""A Perron point: moments, or for one compressed direction a matrix in A's eigenbasis."""


class Lens(Protocol):
    """The coordinates of a search, and its near inverse: what models of rho between steps see points through."""

    @property
    def target(self) -> float | None:
        """About where the root lies that the near inverse was taken for, less 1; None where it was not known."""

    def pack(self, point: Point) -> Array:
        """A point as a vector."""

    def unpack(self, v: Array) -> Point:
        """A vector as a point."""

    def solve(self, v: Array, /) -> Array:
        """About (id - T)^-1 v."""

    def after(self, system: Operator, point: Point) -> Point:
        """T of a system like the one searched, of a point."""


@dataclass(frozen=True)
class Radius:
    """r(T) - 1 of the linear part, the ends of its enclosure less 1, and its Perron point for the next search.

    parts: the same of each group of coordinates where the system falls apart. lens: the coordinates and the near
    inverse that it was searched with, None where none was needed. again: those to search a nearby system with.
    """

    value: float
    low: float
    high: float
    point: Point | None = None
    parts: tuple[Radius, ...] = ()
    lens: Lens | None = None
    again: Lens | None = None

    @property
    def narrow(self) -> bool:
        """True when the enclosure is narrow relative to |1 - rho|."""
        return is_narrow((1 + self.low, 1 + self.high))


def is_narrow(bracket: tuple[float, float], width: float = WIDTH) -> bool:
    """True when the ends of a bracket of rho agree, relative to |1 - rho|."""
    low, high = bracket
    return (
        bool(np.isfinite(high))
        and high - low <= width * max(min(abs(1 - low), abs(1 - high)), 1e-12) + 1e-10 * high
    )


def radius(
    system: System | TracedSystem, near: Sequence[Radius] = (), tol: float | None = None, width: float = WIDTH
) -> Radius:
    """Spectral radius of the linear part of a system.

    near: what was found of nearby systems. tol: a relative residual that is enough, without an enclosure then. width:
    how narrow an enclosure is looked for.
    """
    groups = parts_of(system)
    if len(groups) == 1:
        return _radius(system, near, tol, width)
    # Groups that do not touch one another have radii of their own: the largest is that of the whole, and no
    # search mixes the eigenvectors of two groups with nearly equal roots.
    found = tuple(_radius(g, [r.parts[k] for r in near], tol, width) for k, g in enumerate(groups))
    system.applications += sum(g.applications for g in groups)
    value, low = max(r.value for r in found), max(r.low for r in found)
    return Radius(value, low, max(r.high for r in found), parts=found)


def _radius(system: System | TracedSystem, near: Sequence[Radius], tol: float | None, width: float) -> Radius:
    """radius of one group of coordinates."""
    if stein.fits(system):
        known = [r.point for r in near if isinstance(r.point, np.ndarray)]
        found = stein.rate(system, near=known, tol=tol or 1e-9, bracketed=tol is None)
        return Radius(found.value, *found.bracket, found.matrix, lens=found.lens)
    # E yy' is never below (E y)(E y)', so second moments shrink no faster than the mean's square: a lower
    # bound of rho that costs an eigenvalue of the small map of the means.
    search, mean = Search(system, near), max(mean_radius(system), own_radius(system))
    least = mean * mean - 1
    if tol is not None:
        return Radius(max(search.run(tol), least), -np.inf, np.inf, search.moments, lens=search)
    basis, low, high, value = basis_of(system), least, np.inf, 0.0
    # The eigenvector is made more accurate until its enclosure (Collatz and Wielandt's, where T preserves the
    # cone) is narrow; an enclosure stays true however rough the vector is, so those of all rounds are
    # intersected.
    for accuracy in (EASY, *ACCURACIES) if EASIER < width < WIDTH else ACCURACIES:
        value = search.run(accuracy)
        if system.kept_cone:
            a, b = search.enclosure(basis)
            low, high = max(low, a), min(high, b)
        if is_narrow((1 + low, 1 + high), width):
            break
        if search.target is not None and system.kept_cone:
            # the near inverse still stands right of rho, where an upper bound is quickly checked
            high = min(high, search.above(basis))
        if search.target is not None and not is_narrow((1 + low, 1 + high)):
            search.anywhere()
    # Correlated workers with memories: T need not preserve this cone, but the joint moments of all memories
    # do theirs.
    if not system.kept_cone and joint.fits(system):
        whole = joint.Joint(system)
        _, (a, b) = whole.rate(search.packing.units)
        low, high = max(low, a), min(high, b)
        system.applications += whole.applications
    # Where eigenvectors coalesce no search finds one well: resolvents are wider but sure, first the
    # written-out ones of few moments, at last a checked upper bound alone.
    if system.kept_cone and not is_narrow((1 + low, 1 + high), width) and search.packing.size <= DENSE:
        low, high = search.closed(basis, max(low, -1.0), high)
    if system.kept_cone and not is_narrow((1 + low, 1 + high)):
        high = min(high, search.above(basis))
    low, high = max(low, -1.0), max(low, high)
    value = min(max(value, low), high) if is_narrow((1 + low, 1 + high)) else value
    return Radius(value, low, high, search.moments, lens=search)


class Search:
    """The rightmost eigenvalue of T - id by Davidson steps.

    They are preconditioned by the inverse without noise, or by that of `Memories` where its form fits.
    """

    packing: Packing | memories.Memories
    helper: memories.Memories | None
    inverse: NoiseFree | None
    target: float | None

    def __init__(self, system: System | TracedSystem, near: Sequence[Radius] = ()) -> None:
        """Choose coordinates and near inverse by the system's form, and the vectors that the search starts from.

        near: what was found of nearby systems; where the first has `again`, its coordinates and near inverse are taken.
        """
        self.system, self.value = system, 0.0
        if near and near[0].again is not None:
            self._like(near[0].again)
            self.starts = [self.pack(r.point) for r in near]
            return
        if memories.fits(system):
            # One memory and independent workers have a near inverse just right of rho, which is sought first;
            # other systems are preconditioned by their noise-free part, at 1.
            self.packing = self.helper = known = memories.Memories(system)
            first = known.locate(near[0].value if near else 0.0)
            self.inverse, self.target = None, known.lam - 1
        else:
            self.packing, self.helper, self.target = Packing(system), None, None
            self.inverse = NoiseFree(system, self.packing.units)
            first = self.solve(self.packing.inside)
        inside = self.packing.inside
        if not np.any(first):  # the noise-free part has the eigenvalue 1
            first = inside
        # beside the points nearby one inside: an eigenvector may lie in an invariant subspace
        self.starts = [*(self.pack(r.point) for r in near), first]
        if not near and self.inverse is not None:
            # and one that T has drawn to its largest eigenvalue, which this inverse does not look for
            self.starts.append(self.packing.apply(self.packing.apply(inside)))
        if self.target is not None and not self._positive(first):
            # right of rho the resolvent keeps the cone: a point that leaves it was sent by a pole too far left
            self.anywhere()

    def _like(self, other: Lens) -> None:
        """Take the coordinates and the near inverse of a search for a nearby system."""
        assert isinstance(other, Search)
        self.inverse, self.helper, self.target = other.inverse, other.helper, other.target
        if self.helper is None:
            self.packing = Packing(self.system, other.packing.units)
        else:
            assert isinstance(self.system, System)
            assert isinstance(other.packing, memories.Memories)
            self.packing = own = memories.Memories(self.system, other.packing.units)
            own.weigh(*other.packing.weights)

    def change(self, v: Array) -> Array:
        """(T - id) v."""
        moved: Array = self.packing.apply(v) - v
        return moved

    def solve(self, v: Array) -> Array:
        """About (id - T)^-1 v."""
        if self.inverse is None:
            assert self.helper is not None  # a search has either a noise-free inverse or that of its memories
            return np.asarray(self.helper.solve(v))
        return np.asarray(self.packing.pack(self.inverse(self.packing.unpack(v))))

    def pack(self, point: Point | None) -> Array:
        """A point as a vector."""
        assert isinstance(point, Moments)
        return np.asarray(self.packing.pack(point))

    def unpack(self, v: Array) -> Moments:
        """A vector as a point."""
        return self.packing.unpack(v)

    @staticmethod
    def after(system: Operator, point: Point) -> Moments:
        """T of a system like this one, of a point."""
        assert isinstance(point, Moments)
        return system(point)

    def run(self, tol: float) -> float:
        """Go on until the relative residual is below tol; rho - 1."""
        self.value, vector = self._found(tol)
        if self._doubtful(tol, vector):
            self.starts = [vector]
            self.value, vector = self._found(CERTAIN)
        # another root than the largest
        if self.target is not None and not self._positive(vector) and not self._largest():
            self.anywhere()
            self.value, vector = self._found(tol)
        self.vector = vector * (np.sign(np.trace(self.packing.unpack(vector).C)) or 1.0)
        self.starts = [self.vector]
        return self.value

    def _doubtful(self, tol: float, vector: Array) -> bool:
        """True for a vector outside the cone that may be no more than a rough one of a Perron point."""
        return tol > CERTAIN and self.target is not None and self.value < 0 and not self._positive(vector)

    def _found(self, tol: float) -> tuple[float, Array]:
        """A Davidson search, and Arnoldi's where it ran to its limit among many moments."""
        before = self.system.applications
        found = davidson(
            self.change, self.solve, self.starts, tol=tol, floor=FLOOR, limit=LIMIT, target=self.target
        )
        if self.system.applications - before < LIMIT or self.packing.size <= DENSE or self.target is not None:
            return found
        return self._drawn(found)

    def _drawn(self, found: tuple[float, Array]) -> tuple[float, Array]:
        """The largest root by Arnoldi steps, where the near inverse is none: it draws Davidson's space away from it."""
        value, vector = arnoldi(self.packing.apply, self.packing.size, self.packing.inside, LEFT)
        other = value - 1, vector / (np.linalg.norm(vector) or 1.0)
        return min(found, other, key=lambda pair: np.linalg.norm(self.change(pair[1]) - pair[0] * pair[1]))

    def anywhere(self) -> None:
        """Look for the rightmost root wherever it is."""
        self.target, inside, grown, size = None, self.packing.inside, self.packing.inside, 0.0
        # A few power steps tell the size of the largest root, and give the search a vector that has it.
        for _ in range(6):  # towards the largest root, which may be far beyond 1
            grown = self.packing.apply(grown / np.linalg.norm(grown))
            size = float(np.linalg.norm(grown))
        if self.inverse is None:
            assert isinstance(self.packing, memories.Memories)
            self.helper = self.packing
            self.helper.prepare(max(1.0, 1.1 * size))
        self.starts = [inside, grown, *self.starts]

    def _positive(self, vector: Array) -> bool:
        """True when the moments are those of a Perron point, inside the cone but for rounding."""
        m = self.packing.unpack(vector * (np.sign(np.trace(self.packing.unpack(vector).C)) or 1.0))
        inside = self._as_large(m)
        basis = basis_of(self.system)
        for block, more in zip(
            blocks(self.system, m, basis), blocks(self.system, inside, basis), strict=True
        ):
            # entries far below the largest of their kind are rounding, and say nothing by their sign
            block += ROUNDED * more
            size = np.abs(np.diag(block))
            scale = 1 / np.sqrt(np.where(size > 0, size, 1.0))
            try:
                np.linalg.cholesky(
                    (block + block.T) / 2 * np.outer(scale, scale) + PERRON * np.eye(len(size))
                )
            except np.linalg.LinAlgError:
                return False
        return True

    def _largest(self) -> bool:
        """True where a checked upper bound lies just above the root: so near to 1 rounding alone spoils signs."""
        near = -NEAR_ONE < self.value < 0 and self.system.kept_cone
        return near and self.above(basis_of(self.system)) <= self.value + WIDTH * abs(self.value)

    def _as_large(self, m: Moments) -> Moments:
        """Moments inside the cone whose vectors are of the mean sizes that they have in m."""
        s = self.system
        size = np.abs(np.diag(m.C))
        common = np.sqrt([size[s.slot(k)].mean() for k in range(s.K)])
        if m.E is None:
            return s.interior(common)
        own = np.abs(np.einsum("ijj->ij", m.E)).reshape(len(m.E), s.M, -1).mean(axis=2)
        return s.interior(common, np.sqrt(own))

    @property
    def moments(self) -> Moments:
        """The eigenvector."""
        return self.packing.unpack(self.vector)

    def enclosure(self, basis: Array) -> tuple[float, float]:
        """Collatz-Wielandt at the eigenvector, moved a little inside where rounding has it outside the cone."""
        # For T that preserves the cone and X inside it, a X <= T X <= b X gives a <= rho <= b. At the Perron
        # point both are rho; that point may lie on the boundary, and then some of a point inside is added,
        # from little to more.
        inside = self.packing.inside / np.linalg.norm(self.packing.inside)
        for eta in (0.0, 1e-14, 1e-12, 1e-10, 1e-8):
            found = collatz(self.system, self.packing.unpack(self.vector + eta * inside), basis)
            if np.isfinite(found[1]):
                return found
        return -np.inf, np.inf

    def closed(self, basis: Array, low: float, high: float) -> tuple[float, float]:
        """A better enclosure of rho - 1 where eigenvectors coalesce, which no search for one of them resolves.

        R = (s - T)^-1 I lies inside the cone exactly where s > rho, and T R <= s R there. The nearer s is to rho, the
        nearer R is to the Perron point, and the better its lower end is.
        """
        # Few moments: the operator is written out and its resolvent solved, which no clustering disturbs.
        matrix = np.array([self.packing.apply(v) for v in np.eye(self.packing.size)]).T
        for margin in ABOVE:
            for bound in (low, self.value):
                point = self._resolvent(matrix, 1 + bound + margin * max(1 + bound, abs(bound)))
                a, b = collatz(self.system, self.packing.unpack(point), basis)
                low, high = (max(low, a), min(high, b)) if np.isfinite(b) else (low, high)
        return low, high

    def _resolvent(self, matrix: Array, s: float) -> Array:
        """(s - T)^-1 of a point inside the cone, to length 1."""
        point = np.linalg.lstsq(s * np.eye(len(matrix)) - matrix, self.packing.inside, rcond=None)[0]
        return np.asarray(point / (np.linalg.norm(point) or 1.0))

    def above(self, basis: Array) -> float:
        """A checked upper bound on rho - 1."""

        def positive(v: Array) -> bool:
            """True where every block is inside the cone beyond rounding."""
            return all(definite(b) for b in blocks(self.system, self.packing.unpack(v), basis))

        return upper_bound(self.change, self.solve, self.packing.inside, positive, self.value)


def constant_step_inputs(method: Method, problem: Problem) -> tuple[Data, Number, Mapping[str, Number]]:
    """(data, gamma, parameters) of a run with a constant step; Unsupported for a schedule."""
    plan, _, _ = plan_of(method, problem)
    if plan.schedule is not None:
        raise Unsupported("the step size changes with t: a rate needs a constant step, pass gamma=...")
    return dynamics_data(method, problem), plan.gamma, plan.params


def own_radius(system: System | TracedSystem) -> float:
    """What memories that cancel in the average (or that nothing reads) keep of themselves, in the mean."""
    if not system.M or (system.data.n == 1 and system.averages):
        return 0.0
    return float(np.abs(np.linalg.eigvals(system.own_map())).max())


def mean_radius(linear: System | TracedSystem) -> float:
    """Spectral radius of the map of the means."""
    return max(mean_ends(linear))


def mean_ends(linear: System | TracedSystem) -> tuple[float, ...]:
    """What the spectral radius of the map of the means is the largest of: the ends of real roots, or one radius."""
    return ends_of(kept_means(linear), linear.K == 1)


def kept_means(linear: System | TracedSystem) -> Array:
    """The map of the means, on range(A) where A is singular."""
    mean_map: Array = linear.mean_map()
    if linear.data.projector is not None:
        keep = np.eye(len(mean_map))
        keep[linear.slot(0), linear.slot(0)] = linear.data.projector
        mean_map = keep @ mean_map @ keep
    return mean_map


def ends_of(mean_map: Array, symmetric: bool) -> tuple[float, ...]:
    """mean_ends of that map."""
    if symmetric:
        # One common vector: the map is a polynomial in the symmetric A, and its ends are smooth in the step.
        values = np.linalg.eigvalsh(mean_map)
        return float(values[-1]), float(-values[0])
    return (float(np.abs(np.linalg.eigvals(mean_map)).max()),)
