"""Random paths as data: the draws of every path, so that a counterexample can be rerun with numpy alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from compth.certification.oracle import Oracle
from compth.certification.tracer import Affine

MOST = 400
"""Paths kept in a report."""


def concrete(draw: Any) -> Any:
    """One draw as plain numbers: the shape and the flat list of values (uniforms: a point of their final cell)."""
    if isinstance(draw, dict):  # a worker wrote it so
        return draw
    if isinstance(draw, tuple) and draw and draw[0] == "shuffle":
        return {"order": [int(i) for i in draw[1]]}
    if np.ndim(draw) == 0 and not isinstance(draw, np.ndarray):
        return {"value": _plain(draw)}
    values = np.asarray(draw)
    return {
        "shape": list(values.shape),
        "kind": values.dtype.kind,
        "values": [_plain(v) for v in values.reshape(-1)],
    }


def _plain(v: Any) -> Any:
    if isinstance(v, Affine):
        if v.u.rank is not None:
            order = v.u.rank
            u = (order.index(v.u) + 0.5) / (len(order) + 1)
        else:
            u = v.u.middle
        return float(float(v.a) * u + float(v.b)).hex()
    if isinstance(v, int | np.integer | bool | np.bool_):
        return int(v)
    return float(v).hex()


def replay_of(oracle: Oracle, x: Any) -> dict[str, Any]:
    """The paths of the program at x, or nothing when there are too many."""
    if oracle.law is None:
        return {"kind": "none"}
    paths: list[Any] = []
    found = oracle.law(x)
    if len(found) > MOST:
        return {"kind": "none"}
    for leaf in found:
        if np.asarray(leaf.output).dtype == object and any(
            isinstance(v, Affine) for v in np.asarray(leaf.output)
        ):
            return {"kind": "none"}
        paths.append([str(leaf.probability), [concrete(draw) for draw in leaf.draws]])
    return {"kind": "paths", "paths": paths}
