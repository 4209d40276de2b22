"""Which compressor every method takes: by its claims and theorems, with the reason where it does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from compth._door import a_list, at_the_door, optional
from compth._earned import Computed, all_made
from compth._shown import Shown
from compth.compressors import Compressor, CompressorLike, Fleet
from compth.compressors.core.render import smallest_size
from compth.errors import CompthError
from compth.methods.core import Method
from compth.methods.core.catalogue import catalogue
from compth.problems import DistributedQuadratic, random_quadratic

HORIZON = 100
"""Run length at which theorems that need one are asked."""


@dataclass(frozen=True)
class Compatibility(Computed, Shown):
    """One method with one compressor or fleet.

    verdict: "theorem" when some theorem plans a run (`theorems` are their ids), "runs" when the method takes it but no
    theorem does, "no" when the method refuses. reason: why not, with the remedy where there is one ("" for "theorem").
    """

    method: str
    compressor: str
    example: str
    verdict: str
    theorems: tuple[str, ...]
    reason: str


def compatible(
    kind: type[Method], compressor: CompressorLike, problem: DistributedQuadratic
) -> Compatibility:
    """The method with the compressor on the problem, decided as a run would."""
    from compth.compressors import as_fleet

    name, example = type(compressor).__name__, repr(compressor)

    def row(verdict: str, theorems: tuple[str, ...] = (), reason: str = "") -> Compatibility:
        return Compatibility(kind.__name__, name, example, verdict, theorems, reason)

    try:
        # decided by doing what a run would do, up to the first round: no table of who takes what
        as_fleet(compressor)
        method = kind.examples(compressor)[0]
        c = method.check(problem)
    except CompthError as refusal:
        return row("no", (), str(refusal))
    planned, reasons = [], []
    for theorem in kind.theorems():
        reason = theorem.why_not(c)
        try:
            if not reason:
                theorem.plan(c, method.gamma, HORIZON)
                planned.append(theorem.id)
        except CompthError as refusal:
            reason = str(refusal)
        if reason:
            reasons.append(f"{theorem.id}: {reason}")
    if planned:
        return row("theorem", tuple(planned))
    try:
        method.default_params(c)
    except CompthError as refusal:
        return row("no", (), str(refusal))
    return row("runs", (), "; ".join(reasons) or "it has no theorem")


@at_the_door(compressors=optional(a_list))
def compatibility(compressors: Iterable[Compressor | Fleet] | None = None) -> tuple[Compatibility, ...]:
    """Every method that takes a compressor with every compressor and fleet (default: the catalogue's first examples).

    Each pair is asked on the most favourable quadratic, strongly convex workers with equal Hessians and different
    minimisers, at the smallest size with d >= 4 that the compressor supports.
    """
    from compth.compressors import catalogue as known

    things = [kind.examples()[0] for kind in known().values()] if compressors is None else list(compressors)
    # equal Hessians, strong convexity and different minimisers satisfy as many hypotheses as one problem
    # can, so that a "no" is about the compressor
    rows = []
    for thing in things:
        n, d = smallest_size(thing, 4)
        problem = random_quadratic(max(n, 2), d, 4, seed=1, hessians=0, minimisers=1.0)
        rows += [compatible(kind, thing, problem) for kind in catalogue().values() if kind.takes_compressor]
    return all_made(rows)
