"""A system whose coordinates fall apart: nothing that a step does mixes one group of them with another.

Hessians without entries between two groups, and sketches that act on coordinates (a M + Diag(c diag M)), leave each
group's moments to themselves. The moments of two groups together are at most the geometric mean of either's, so that
the spectral radius is the largest of the groups'. Whole, such a system has its Perron point on the boundary of the
cone, where no enclosure from inside is narrow; each group has its own inside its own cone.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import connected_components

from compth._types import Numbers as Array
from compth.compressors import MomentMap
from compth.dynamics.system import System

if TYPE_CHECKING:
    from compth.dynamics.traced import TracedSystem


def parts_of(system: System | TracedSystem) -> list[System | TracedSystem]:
    """The systems of the groups of coordinates, without repetitions; [system] where there is only one."""
    data, sketches = system.data, [m for m in (*system.own, system.cross, system.down) if m is not None]
    alone = all(float(m.b) == 0 for m in sketches) and system.noise is None and data.projector is None
    if not alone or system.rational or system.affine or getattr(system, "before", False):
        return [system]
    # Coordinates are tied where some worker's Hessian has an entry between them; a trace part would tie all.
    count, labels = connected_components(np.any(data.A != 0, axis=0), directed=False)
    if count == 1:
        return [system]
    found: dict[bytes, System | TracedSystem] = {}
    for label in range(count):
        group = np.flatnonzero(labels == label)
        part = _restricted(system, group)
        noise = [np.broadcast_to(np.asarray(m.c, dtype=float), data.d)[group] for m in sketches]
        # Groups that are equal to the bit have equal radii: each is searched once.
        found.setdefault(b"".join(np.ascontiguousarray(x).tobytes() for x in (part.data.A, *noise)), part)
    return list(found.values())


def _restricted(system: System | TracedSystem, group: Array) -> System | TracedSystem:
    """The same step on some of the coordinates."""
    data, inner = system.data, np.ix_(group, group)
    fewer = replace(
        data,
        A=np.ascontiguousarray(data.A[:, group][:, :, group]),
        s=data.s[:, group],
        mean=data.mean[inner],
        x_star=data.x_star[group],
        problem=None,
    )

    def cut(m: MomentMap) -> MomentMap:
        """A sketch's map on these coordinates alone."""
        return MomentMap(m.a, np.asarray(m.c)[group], m.b) if np.ndim(m.c) else m

    own = tuple(cut(m) for m in system.own)
    cross, down = (None if m is None else cut(m) for m in (system.cross, system.down))
    if isinstance(system, System):
        sketches = replace(system.sketches, own=own, cross=cross, down=down)
        return System(fewer, system.scheme, sketches, affine=False)
    out = copy(system)
    out.data, out.own, out.cross, out.down = fewer, own, cross, down
    out.size, out.applications, out._kept = system.K * len(group), 0, {}
    return out
