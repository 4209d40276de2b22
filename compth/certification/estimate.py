"""Which omega (or delta) should I declare? The class a compressor seems to belong to and the best bound found."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from compth._rng import check_seed
from compth.certificates import Certificate, Report, Verdict
from compth.certification import contract
from compth.certification.adversary import Search
from compth.certification.oracle import Oracle
from compth.certification.pipeline import (
    BUDGETS,
    Estimate,
    Run,
    _oracle,
    _verifier,
    diagonal_moments,
    readable,
)
from compth.certification.readings import simple
from compth.certification.subject import as_subject, dimensions
from compth.claims import AbsoluteError, Contractive, JointVariance, Unbiased
from compth.errors import InvalidParameter

UNIT = 1.0
"""Claims with constant 1 (or 0): their ratios are the constants looked for."""


def estimate(C: Any, d: int, *, budget: str = "normal", seed: int = 0, n: int | None = None) -> Estimate:
    """See compth.certification.estimate: contract, then the largest ratios on the exact oracle, then samples."""
    if budget not in BUDGETS:
        raise InvalidParameter(f"budget={budget!r} is not known: choose one of {', '.join(BUDGETS)}")
    subject = as_subject(C, n)
    (d,) = dimensions(subject, d)
    run = Run(subject, BUDGETS[budget], 1e-9, check_seed(seed))
    broken = next(contract.breaches(subject, d, [AbsoluteError(UNIT)]), None)
    if broken is not None:
        witness = Certificate(
            subject.name, "contract", Verdict.REFUTED, "contract", witness=broken[1], technique=broken[0]
        )
        return Estimate(subject.name, d, "none", technique=broken[0], report=Report(subject.name, (witness,)))
    oracle = _oracle(run, d)
    if oracle is None:
        return _sampled(run, d)
    if subject.workers:
        return _fleet(run, d, oracle)
    return _single(run, d, oracle)


def _exact(run: Run, d: int) -> tuple[Fraction | None, Fraction | None]:
    """(omega, delta) exactly, where the program is linear on every path and the value is a small Fraction."""
    diagonal = diagonal_moments(run.subject.object, d)
    if diagonal is not None:
        mean, second = diagonal
        error = max(s - 2 * m + 1 for m, s in zip(mean, second, strict=True))
        return (error if all(m == 1 for m in mean) else None), (1 - error if error < 1 else None)
    return None, None


def _confirmed(run: Run, d: int, omega: Any, delta: Any) -> tuple[Any, Any]:
    """The found constants, if the symbolic certificate proves them for all x."""
    _, verify = _verifier(run, d)
    if verify is None:
        return None, None
    proved_omega = omega if omega is not None and verify(Unbiased(simple(omega)))[0] else None
    proved_delta = delta if delta is not None and verify(Contractive(simple(delta)))[0] else None
    return proved_omega, proved_delta


def _single(run: Run, d: int, oracle: Oracle) -> Estimate:
    claims = [Unbiased(UNIT), Contractive(0.0), AbsoluteError(UNIT)]
    search = Search(oracle, claims, d, run.budget.search_seconds)
    search.run([], run.seed, stop_early=False)
    bias = search.worst[0, "||E C(x) - x||^2"]
    worst = search.worst[0, "E||C(x)-x||^2"]
    error = worst.ratio
    scales = [float(oracle(np.ones(d) * s).error.sum()) / (d * s * s) for s in (1e-6, 1.0, 1e6)]
    relative = max(scales) < 1e3 * (min(scales) + 1e-9) or error < 1
    unbiased = not bias.violated
    absolute = search.worst[2, "E||C(x)-x||^2"].margin.value if not relative else None
    exact_omega, exact_delta = _exact(run, d)
    omega = readable(error) if unbiased and relative else None
    delta = readable(1 - error) if error < 1 and relative else None
    if exact_omega is None and exact_delta is None:
        exact_omega, exact_delta = _confirmed(run, d, omega, delta)
    kind = "unbiased" if omega is not None else "contractive" if delta is not None else "none"
    if kind == "none" and absolute is not None:
        kind = "absolute error"
    return Estimate(
        run.subject.name, d, kind, omega=omega, delta=delta, exact=exact_omega if kind == "unbiased" else exact_delta,
        worst_x=worst.x, technique=oracle.technique,
    )  # fmt: skip


def _fleet(run: Run, d: int, oracle: Oracle) -> Estimate:
    """A from inputs with abar = 0, then the B that the others allow."""
    n = run.subject.workers or 1
    rng = np.random.default_rng(run.seed)
    inputs = [rng.normal(size=(n, d)) for _ in range(40)] + [np.outer(np.eye(n)[0], np.eye(d)[0])]
    spread: list[float] = []
    common: list[float] = []
    for a in inputs:
        bar = a.mean(axis=0)
        for rows, held in ((a - bar, spread), (np.tile(bar, (n, 1)), common)):
            norms = float((rows**2).sum()) / n
            if norms > 1e-12:
                held.append(float(oracle(rows.reshape(-1)).error.sum()) / norms)
    a_constant = max(spread, default=0.0)
    b_constant = a_constant - max(common, default=0.0)
    joint = JointVariance(readable(a_constant), readable(b_constant), n)
    _, verify = _verifier(run, d)
    exact = joint if verify is not None and verify(joint)[0] else None
    return Estimate(
        run.subject.name, d, "unbiased fleet", joint=joint, exact=exact, technique=oracle.technique
    )


def _sampled(run: Run, d: int) -> Estimate:
    """No exact oracle: the largest sampled mean is a rough lower bound, labelled so."""
    from compth.certification import evalues
    from compth.certification.points import structured

    worst, x_worst, bias = 0.0, None, 0.0
    for k, x in enumerate(structured(run.subject.size(d), run.seed)[:12]):
        out = evalues.sample(run.subject, x, np.random.default_rng([run.seed, k]), 400, d)
        if run.subject.workers:
            continue
        xx = float(x @ x)
        mean = float(((out - x) ** 2).sum(axis=1).mean()) / xx
        shift = np.linalg.norm(out.mean(axis=0) - x) / np.sqrt(xx)
        bias = max(bias, float(shift / (np.sqrt(mean / 400) + 1e-12)))
        if mean > worst:
            worst, x_worst = mean, x
    kind = "unbiased" if bias < 8 else "contractive" if worst < 1 else "none"
    omega, delta = (worst, None) if kind == "unbiased" else (None, 1 - worst if worst < 1 else None)
    return Estimate(
        run.subject.name, d, kind, omega=omega, delta=delta, worst_x=x_worst, technique="400 samples a point"
    )
