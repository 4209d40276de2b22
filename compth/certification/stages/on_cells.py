"""Programs whose law is piecewise in x: proved on cells, or refuted at a number that the program names.

The proof itself, and its checker, are in `compth.certification.cells` and `compth.proof.cells`; here is when it is
tried and what becomes of its answers.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from compth._types import Array
from compth.certificates import Certificate, Verdict
from compth.certification import traced
from compth.certification.adversary import ALWAYS, Search
from compth.certification.cells import pointwise
from compth.certification.cells import question as cells
from compth.certification.oracle import Oracle
from compth.certification.run import Run, certificate_at
from compth.certification.stages.case import EXACT, UNSETTLED, Case, of_somebodys_making, sharp
from compth.certification.stages.search import refuted
from compth.claims import Claim
from compth.compressors import Compressor, Fleet
from compth.text.counts import counted

CELLS = "laws on cells"
FIRST, DEAR = 60, 4
"""Inputs of the program's own asking with which a search begins; how often its work the least inputs may take."""


def proved_on_cells(case: Case) -> Case:
    """Claims that are open for a plain function."""
    return replace(case, found=by_cells(case.run, case.d, case.claims, case.found, case.oracle))


def by_cells(
    run: Run, d: int, claims: list[Claim], merged: list[Certificate], oracle: Oracle | None
) -> list[Certificate]:
    """Claims that are left open, proved for all x by laws on cells, or refuted at a number that the program names."""
    start = time.perf_counter()
    unsettled = [k for k, m in enumerate(merged) if m.verdict in UNSETTLED]
    # What holds or fails within the rounding of its constant is no more than that with room for rounding.
    open_ones = [
        k for k in unsettled if (d, claims[k]) not in run.close and not of_somebodys_making(run, d, claims[k])
    ]
    # Cells are derived for functions of one vector. Objects with kernels or rows are several programs at
    # once.
    plain = not (
        isinstance(run.subject.object, Compressor | Fleet) or run.subject.workers or run.subject.batch
    )
    if not plain or not open_ones or any(at == d for at, _ in run.void):
        return merged
    answers = cells.ask(run.subject, d, [claims[k] for k in open_ones], run.budget.seconds, run.budget.search)
    out = list(merged)
    for k, found in zip(open_ones, answers.found, strict=True):
        if found.data is not None:
            out[k] = certificate_at(run, d, str(claims[k]), Verdict.PROVED, CELLS, inputs="all x", technique=CELLS,
                                  assumptions=(EXACT, *traced.ASSUMPTIONS, *found.lines),
                                  details={**sharp(claims[k]), "cells": found.data,
                                           "worst_entry": found.worst})  # fmt: skip
        elif found.says and found.says not in run.notes:
            run.notes.append(f"no proof of {claims[k]} at d = {d} by cells: {found.says}")
    run.stage(d, CELLS, start, f"{sum(f.data is not None for f in answers.found)} of {len(open_ones)} proved")
    # The comparisons that the program makes on x say where its law changes, and so which inputs are worth a
    # look that no list could know. What the exact oracle covers is refuted there; else the traced laws are
    # searched, and real runs confirm.
    out = at_suspects(run, d, claims, out, oracle, answers.points)
    return out if oracle is not None or not answers.law else by_trace(run, d, claims, out, answers.points)


def at_suspects(
    run: Run,
    d: int,
    claims: list[Claim],
    merged: list[Certificate],
    oracle: Oracle | None,
    points: list[Array],
) -> list[Certificate]:
    """What is still open, at inputs made of what the program asks for."""
    left = [k for k, m in enumerate(merged) if m.verdict in UNSETTLED]
    if not left or oracle is None or not points:
        return merged
    allowance = run.allowance(f"the program's own numbers at d = {d}", run.budget.search)
    # No portfolio here: these points were derived from the program's own thresholds, and each is looked at
    # once.
    search = Search(oracle, [claims[k] for k in left], run.subject.size(d), allowance, run.domain)
    for x in points:
        if not search.late:
            search.try_point(x)
    for at, k in enumerate(left):
        bad = search.any_violation(at)
        if bad is not None:
            merged[k] = refuted(run, d, claims[k], oracle, bad)
    return merged


def by_trace(
    run: Run, d: int, claims: list[Claim], merged: list[Certificate], points: list[Array]
) -> list[Certificate]:
    """What no oracle covered and is still open: searched by the traced laws, which real runs confirm."""
    left = [k for k, m in enumerate(merged) if m.verdict in UNSETTLED]
    if not left:
        return merged
    start = time.perf_counter()
    oracle = Oracle(
        pointwise.TECHNIQUE,
        lambda x: pointwise.traced_moments(run.subject, x, d),
        (pointwise.ASSUMPTION,),
        slack=run.granted,
    )
    allowance = run.allowance(f"the search by traced laws at d = {d}", run.budget.search)
    search = Search(oracle, [claims[k] for k in left], d, allowance, run.domain)
    m = search.try_point(np.random.default_rng(run.seed).normal(size=d))
    # One input tells what the whole portfolio would cost.
    if m is not None and ALWAYS * m.work < DEAR * run.budget.search:
        search.run(points[:FIRST], run.seed, stop_early=True)
    else:  # one input is dear: what is likely, as far as the work reaches
        for x in points:
            if not search.late:
                search.try_point(x)
    for at, k in enumerate(left):
        bad = search.any_violation(at)
        found = None if bad is None else refuted(run, d, claims[k], oracle, bad)
        # A traced law is not held against the whole program as a proof is, so its counterexample stands only
        # where real runs agree.
        if found is not None and pointwise.confirmed(run.subject, found.witness, d):
            merged[k] = found
    run.stage(d, pointwise.TECHNIQUE, start, counted(search.points, "input"))
    return merged
