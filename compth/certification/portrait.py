"""A compressor on a unit circle: where its directions go and how far the outcomes are off, by the exact law.

The picture of a constant: E||C(x) - x||^2 in every direction of a plane beside omega or 1 - delta. At d = 2 the circle
is all directions; in more dimensions it is a section, through the worst input found or the flat vector. It is for
looking at: verdicts rest on the search and the proofs, not on it.

Nothing here enters a verdict, so it may fail silently; what is drawn is computed by the exact law or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from compth._earned import made
from compth._types import Array, Json
from compth.certificates import SEVERITY, Report
from compth.certification.oracle import Oracle
from compth.certification.run import BUDGETS, Run
from compth.certification.stages.search import oracle_of
from compth.certification.subject import as_subject, declared_claims, meant
from compth.claims import Claim, Contractive, Unbiased

DIRECTIONS = 120
"""Angles of the circle, the axes and diagonals among them."""
BESIDE = 1e-6
"""Angle beside an axis, where a limit is seen that the axis itself does not show: sign(0) is 0."""
EVERY = 5
"""The outcomes of every fifth direction are kept."""
PATHS = 300
"""Outcomes that a direction may have."""
MOST = 16
"""Outcomes of one direction that are kept at most."""
LARGEST = 64
"""Dimension up to which a section is drawn."""
BEYOND = 1e-7
"""Excess over the constant, relative, that is more than rounding."""


def plane(d: int, through: object = None) -> Array:
    """Two orthonormal vectors of R^d, (2, d): of the plane of an input (or all ones) and the axis it uses least."""
    if d == 2:
        return np.eye(2)
    # Gram-Schmidt with the axis that the first vector uses least: the second is then far from parallel to it.
    first = np.ones(d) if through is None else np.asarray(through, dtype=float)
    first = first / np.linalg.norm(first)
    axis = np.eye(d)[int(np.argmin(np.abs(first)))]
    second = axis - (axis @ first) * first
    return np.array([first, second / np.linalg.norm(second)])


def circle(basis: Array) -> tuple[Array, Array]:
    """(angles, unit vectors of R^d); cosines that are 0 but for rounding are 0."""
    axes = np.arange(4) * np.pi / 2
    # Axes themselves are special (zeros, ties), and so are points just beside them, where limits show that no
    # axis has.
    even = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    angles = np.sort(np.concatenate([even, axes + BESIDE, axes[1:] - BESIDE, [2 * np.pi - BESIDE]]))
    flat = np.column_stack([np.cos(angles), np.sin(angles)])
    flat[np.abs(flat) < 1e-15] = 0.0
    return angles, flat @ basis


def ring(claims: Sequence[Claim]) -> dict[str, object] | None:
    """The first declared bound of E||C(x) - x||^2 on ||x|| = 1: its name and value."""
    for claim in claims:
        if isinstance(claim, Unbiased):
            return {"claim": "Unbiased", "label": "omega", "value": float(claim.omega)}
        if isinstance(claim, Contractive):
            return {"claim": "Contractive", "label": "1 - delta", "value": 1 - float(claim.delta)}
    return None


def portrait(
    oracle: Oracle, d: int, claims: Sequence[Claim], through: object = None
) -> dict[str, object] | None:
    """Angles, E||C(x)-x||^2, E C(x) and some outcomes in the plane, and the ring; None where none is declared."""
    declared = ring(claims)
    if declared is None:
        return None
    basis = plane(d, through)
    angles, xs = circle(basis)
    seen = [oracle(x) for x in xs]
    return {
        "d": d,
        "through": "(1, ..., 1)" if through is None else "the worst input found",
        "basis": basis.tolist(),
        "angles": angles.tolist(),
        "error": [float(m.error.sum()) for m in seen],
        "mean": [(basis @ m.mean).tolist() for m in seen],
        "outcomes": _outcomes(oracle, basis, xs[::EVERY]),
        "ring": declared,
    }


def _outcomes(oracle: Oracle, basis: Array, xs: Array) -> list[list[float]]:
    """[u, v, largest probability] of some directions' outcomes, in the plane; none where one is not a number."""
    if oracle.law is None:
        return []
    found: dict[tuple[float, ...], float] = {}
    for x in xs:
        law = oracle.law(x)
        if len(law) > MOST or any(np.asarray(leaf.output).dtype == object for leaf in law):
            return []
        for leaf in law:
            # Outcomes that fall on one point of the plane are one dot, as likely as the likeliest of them; +
            # 0.0 makes -0.0 zero.
            at = tuple((np.round(basis @ np.asarray(leaf.output, dtype=float), 6) + 0.0).tolist())
            found[at] = max(found.get(at, 0.0), float(leaf.probability))
    return [[*at, p] for at, p in found.items()]


def portrait_of(
    C: object, d: int = 2, claims: object = None, params: object = None, through: object = None
) -> dict[str, object] | None:
    """The portrait of a compressor or a callable at d, None without an exact law, a constant or a value of it there."""
    subject = as_subject(C)
    if subject.workers or not 2 <= d <= LARGEST:
        return None
    meaning, _ = meant(declared_claims(subject, claims, cast("Mapping[str, object]", params or {})), d)
    if ring(meaning) is None:
        return None
    run = Run(subject, replace(BUDGETS["quick"], paths=PATHS), 1e-9, 0)
    oracle = oracle_of(run, d)
    return None if oracle is None else portrait(oracle, d, meaning, through)


def of_report(
    C: object, report: Report, claims: object = None, params: object = None
) -> dict[str, object] | None:
    """The portrait for a report: at the dimension of its worst certificate, through its witness.

    None as in `portrait_of`, and for what fails on the way: the report says of it what there is to say.
    """
    shown = [c for c in report.certificates if isinstance(d := c.scope.get("d"), int) and 2 <= d <= LARGEST]
    if not shown:
        return None
    # The picture shows the worst news of the report, in the smallest dimension that has it.
    worst = max(shown, key=lambda c: (SEVERITY[c.verdict], c.witness is not None, -c.scope["d"]))
    d = worst.scope["d"]
    try:
        return portrait_of(C, d, claims, params, _through(worst.witness, d))
    except Exception:  # whatever a user's program does on the way: there is no picture then
        return None


def _through(witness: object, d: int) -> Array | None:
    """The witness as an input of the plane; None where it is no vector of R^d but 0."""
    if witness is None or isinstance(witness, dict):
        return None
    found = np.asarray(witness, dtype=float).ravel()
    return found if found.size == d and np.any(found) and np.isfinite(found).all() else None


def with_portrait(report: Report, C: object, claims: object = None, params: object = None) -> Report:
    """The report with the portrait of what it speaks of, where there is one; a file's word stays as it is."""
    found = None if report.stored else of_report(C, report, claims, params)
    if found is None:
        return report
    report.info["portrait"] = found
    return made(report)


def beyond(data: Json) -> Array:
    """Directions in which the error lies outside the ring."""
    bound = data["ring"]["value"]
    outside: Array = np.array(data["error"]) > bound + BEYOND * max(1.0, abs(bound))
    return outside


def biased(data: Json) -> bool:
    """True where E C(x) leaves x although it is declared unbiased."""
    if data["ring"]["claim"] != "Unbiased":
        return False
    angles = np.array(data["angles"])
    x = np.column_stack([np.cos(angles), np.sin(angles)])
    return bool(np.abs(np.array(data["mean"]) - x).max() > BEYOND)
