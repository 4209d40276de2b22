"""Exact laws of compressors at one input, for the papers: no sampling."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from compth.certification.oracle import enumerating, factored
from compth.certification.subject import as_subject
from compth.certification.tracer import NotTraceable


def relative_error(compressor: Any, x: Any) -> float:
    """E||C(x)-x||^2 / ||x||^2 by enumeration of every path, coordinate by coordinate where they do not interact."""
    data = np.asarray(x, dtype=np.float64)
    subject = as_subject(compressor)
    try:
        oracle = factored(subject, len(data))
    except NotTraceable:
        oracle = enumerating(subject, len(data), 50_000)
    return float(oracle(data).error.sum() / (data @ data))


def law(compressor: Any, x: Any) -> dict[tuple[float, ...], Fraction]:
    """Outcome -> probability at one input, by enumeration of every path."""
    data = np.asarray(x, dtype=np.float64)
    oracle = enumerating(as_subject(compressor), len(data), 50_000)
    assert oracle.law is not None
    found: dict[tuple[float, ...], Fraction] = {}
    for leaf in oracle.law(data):
        outcome = tuple(float(v) + 0.0 for v in leaf.output)
        found[outcome] = found.get(outcome, Fraction(0)) + leaf.probability
    return found
