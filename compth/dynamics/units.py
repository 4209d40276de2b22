"""The natural size of what a recursion keeps, so that solvers see numbers of order 1 whatever the problem's units are.

Under f -> c f the memories and the server's estimates grow by c and the step by 1/c: T is similar to what it was. So
it is brought to the sizes that a unit of z gives everything else, and to each worker's own.

Scaling is exact where it is by powers of two (`rounded`), and similar otherwise: it may change how fast a search is and
how its digits are lost, never what is searched for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compth._types import Numbers as Array
from compth.dynamics.system import Moments, Operator


@dataclass(frozen=True)
class Units:
    """Sizes of the common vectors (K,), the first is 1, and of the workers' memories (n, M), None without memories."""

    common: Array
    memory: Array | None

    def rounded(self) -> Units:
        """The nearest powers of two: scaling by them is exact."""

        def near(a: Array) -> Array:
            """The nearest power of two of every entry."""
            return 2.0 ** np.round(np.log2(a))

        return Units(near(self.common), None if self.memory is None else near(self.memory))


def units_of(system: Operator) -> Units:
    """What E zz' = I leaves in every common vector and memory over the first rounds (root mean squares).

    system: a linear operator on Moments (System, or Blocks of a traced body). Its `copies`, common vectors that begin
    where x does, have at least that size: what reaches them later may be no more than rounding.
    """
    d, n, k, kinds = system.data.d, system.data.n, system.K, system.M
    first = np.isin(np.arange(k), (0, *getattr(system, "copies", ())))
    state = _seed(system)
    total, memory = np.zeros(k), np.zeros((n, kinds))
    # What E zz' = I reaches within K rounds is all that it ever reaches through the chain of vectors.
    for _ in range(k + 1):
        state = system(state)
        total += [abs(np.trace(state.C[system.slot(j), system.slot(j)])) for j in range(k)]
        if state.E is not None and kinds:
            memory += np.abs(np.einsum("ijj->ij", state.E)).reshape(n, kinds, d).sum(axis=2)
    common = np.sqrt((total + d * first) / d)
    if not kinds:
        common = _filled(common, common[0])
        return Units(common / common[0], None)
    own = np.stack([_filled(m, common[0]) for m in np.sqrt(memory / d).T], axis=1)
    # An averaged memory has the workers' natural size, not that of their sum in one run of rounds.
    for column, kind in system.averages.items():
        common[column] = np.sqrt((own[:, kind] ** 2).mean())
    common = _filled(common, common[0])
    return Units(common / common[0], own / common[0])


def _seed(system: Operator) -> Moments:
    """E zz' = I on range(A), nothing else."""
    d, n, tall = system.data.d, system.data.n, system.M * system.data.d
    c = np.zeros((system.size, system.size))
    c[:d, :d] = np.eye(d) if system.data.projector is None else system.data.projector
    if not system.M:
        return Moments(c)
    return Moments(c, np.zeros((n, tall, system.size)), np.zeros((n, tall, tall)))


def _filled(sizes: Array, other: float) -> Array:
    """What nothing reached gets the mean size of the rest."""
    # A vector that x never reaches has no natural size: one of the rest's keeps the scaling tame.
    reached = sizes > 1e-150 * sizes.max()
    return np.where(reached, sizes, sizes[reached].mean() if reached.any() else other)


class Packing:
    """Moments without the constant as one vector (full matrices), divided by their natural sizes."""

    def __init__(self, system: Operator, units: Units | None = None) -> None:
        """units: natural sizes to divide by, the system's own by default; a nearby search lends its own."""
        self.system = system
        self.units = units_of(system) if units is None else units
        d = system.data.d
        common = np.repeat(self.units.common, d)
        scales = [np.outer(common, common)]
        if self.units.memory is not None:
            own = np.repeat(self.units.memory, d, axis=1)
            scales += [own[:, :, None] * common, own[:, :, None] * own[:, None, :]]
        self.shapes = [s.shape for s in scales]
        self.scale = np.concatenate([s.ravel() for s in scales])
        self.inverse = 1 / self.scale
        self.size = self.scale.size
        self.cuts = np.cumsum([0, *(int(np.prod(s)) for s in self.shapes)])

    def pack(self, m: Moments) -> Array:
        """As a vector."""
        parts = [np.ravel(v) for v in (m.C, m.D, m.E) if v is not None]
        out = np.concatenate(parts)
        out *= self.inverse
        return out

    def unpack(self, v: Array) -> Moments:
        """From a vector."""
        v = v * self.scale
        parts = [v[a:b].reshape(s) for a, b, s in zip(self.cuts, self.cuts[1:], self.shapes, strict=False)]
        return Moments(*parts)

    def apply(self, v: Array) -> Array:
        """T on vectors."""
        return self.pack(self.system(self.unpack(v)))

    @property
    def inside(self) -> Array:
        """Independent standard normal vectors in these sizes: a point inside the cone."""
        return self.pack(self.system.interior(self.units.common, self.units.memory))
