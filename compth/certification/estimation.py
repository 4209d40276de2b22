"""Which omega (or delta, or Delta) should I declare? The class that a program seems to belong to, and its constant.

Exact moments give a sure bound, a symbolic certificate the exact value, samples a guess and an interval: `estimated`.

The exact constant is what `certify` proves: an estimate asks it like anybody else and has no proofs of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from compth._door import at_the_door, text, whole
from compth._earned import changed, made
from compth._rng import check_seed
from compth.certificates import Certificate, Report, Verdict
from compth.certification import contract, sampled_estimate
from compth.certification.adversary import Search, Worst
from compth.certification.arithmetic import grid_points
from compth.certification.estimated import Estimate, as_ratio
from compth.certification.oracle import Moments, Oracle
from compth.certification.pipeline import arithmetic_of, certify
from compth.certification.points import structured
from compth.certification.readings import simple
from compth.certification.realised import stranger
from compth.certification.run import BUDGETS, Run
from compth.certification.scales import Growth, directions, growth
from compth.certification.stages.case import readable
from compth.certification.stages.proofs import diagonal_moments, verifier_of
from compth.certification.stages.search import oracle_of
from compth.certification.subject import as_subject, dimensions
from compth.certification.tracer import NotTraceable
from compth.claims import (
    AbsoluteError,
    BiasVariance,
    Claim,
    Contractive,
    JointVariance,
    MaxNormError,
    Unbiased,
)
from compth.errors import InvalidParameter

if TYPE_CHECKING:
    from compth._numbers import Number
    from compth._types import Array


Holds = Callable[[Claim], str]
LEAST = Fraction(1, 10**30)
"""What an exact constant may be off."""
UNIT = 1.0
"""Claims with constant 1 (or 0): their ratios are the constants looked for."""
ALPHA = 1e-9
"""Error level of an estimate's intervals."""


@at_the_door(d=whole(1, 10**7), budget=text)
def estimate(
    C: object,
    d: int,
    *,
    budget: str = "normal",
    seed: int = 0,
    n: int | None = None,
    arithmetic: str | None = None,
) -> Estimate:
    """The class that C seems to belong to at d, and its constant: exact, a sure bound, or a guess with an interval.

    Contract, proofs, the largest ratios on the exact oracle, and only then samples. Arguments as in `certify`. Raises
    InvalidParameter as it does.
    """
    if budget not in BUDGETS:
        raise InvalidParameter(f"budget={budget!r} is not known: choose one of {', '.join(BUDGETS)}")
    subject = as_subject(C, n)
    (d,) = dimensions(subject, d)
    used = arithmetic_of(subject, [d], arithmetic)
    run = Run(
        subject,
        BUDGETS[budget],
        ALPHA,
        check_seed(seed),
        domain=used.domain,
        arithmetic=used,
        slack=used.slack(d),
    )
    broken = next(contract.breaches(subject, d, [AbsoluteError(UNIT)], run.domain), None)
    if broken is not None:
        witness = Certificate(
            subject.name, "contract", Verdict.REFUTED, "contract", witness=broken[1], technique=broken[0]
        )
        report = made(Report(subject.name, (witness,)))
        return made(Estimate(subject.name, d, "none", technique=broken[0], report=report))

    def holds(claim: Claim) -> str:
        """The technique that proves the claim for all x when it is certified as any other, "" where none does."""
        report = certify(C, d, claims=claim, budget=budget, seed=seed, n=n, arithmetic=used.name)
        return report.certificates[0].technique if report.verdict is Verdict.PROVED else ""

    found = _diagonal(run, d, holds)
    oracle = None if found else oracle_of(run, d)
    if oracle is not None:
        found = _fleet(run, d, oracle, holds) if subject.workers else _single(run, d, oracle, holds)
    return made(changed(found or sampled_estimate.estimate(run, d), arithmetic=used.name))


def _diagonal(run: Run, d: int, holds: Holds) -> Estimate | None:
    """The exact constant of the package's own diagonal sketch, from its inclusion probabilities."""
    diagonal = None if stranger(run.subject) else diagonal_moments(run.subject.object, d)
    if diagonal is None:
        return None
    pairs = list(zip(*diagonal, strict=True))
    # C(x) = w * x with E w_j = m_j, E w_j^2 = s_j: E||C(x) - x||^2 = sum (s_j - 2 m_j + 1) x_j^2, whose
    # largest ratio to ||x||^2 is attained at the unit vector of the largest coefficient.
    errors = [s - 2 * m + 1 for m, s in pairs]
    worst, unbiased = max(errors), all(m == 1 for m, _ in pairs)
    if not unbiased and worst >= 1:
        return None
    claim = Unbiased(worst) if unbiased else Contractive(1 - worst)
    return _proved(run, d, claim, worst, np.eye(1, d, errors.index(worst))[0], holds)


def _proved(
    run: Run, d: int, claim: Claim, ratio: Fraction, x: Array | None, holds: Holds
) -> Estimate | None:
    """The constant that is attained at x, where the claim with it holds for all x."""
    technique = holds(claim)
    if not technique:
        return None
    kind = "unbiased" if isinstance(claim, Unbiased) else "contractive"
    blank = Estimate(run.subject.name, d, kind, worst_x=x, technique=technique)
    value = as_ratio(blank.symbol, ratio)
    return changed(blank, exact=value, bound=value)


def _single(run: Run, d: int, oracle: Oracle, holds: Holds) -> Estimate:
    """Relative constants where the error scales with x, else the absolute one, else none."""
    proved = None if run.slack else _linear(run, d, oracle, holds)
    if proved is not None:
        return proved
    # Order of the classes: an unbiased program has an omega; a biased one whose error stays below ||x||^2 a
    # delta; one with a bias below ||x|| alone the pair (eta, omega). Which is asked only where the error
    # scales with x at all.
    search = _searched(run, d, oracle, [Unbiased(UNIT), BiasVariance(UNIT, UNIT)])
    grown = growth(lambda x: _mean_square_error(oracle, x), d, run.domain)
    error, biased = search.worst[0, "E||C(x)-x||^2"], search.worst[0, "||E C(x) - x||^2"].violated
    if grown is Growth.RELATIVE:
        ratio = _bound(oracle, error, _error, relative=True)
        if not biased:
            return _found(run, d, oracle, "unbiased", ratio, error.x)
        if ratio < 1:
            known = _found(run, d, oracle, "contractive", ratio, error.x)
            return changed(known, max_norm=_max_norm(run, d, oracle))
        bias = search.worst[1, "||E C(x) - x||^2"]
        eta = as_ratio("Delta", _bound(oracle, bias, _bias, relative=True))
        if eta < 1:
            spread = search.worst[1, "E||C(x)-E C(x)||^2"]
            omega = _bound(oracle, spread, _spread, relative=True)
            return changed(_found(run, d, oracle, "bias and variance", omega, spread.x), eta=(eta, None))
    if grown is Growth.ABSOLUTE:
        error = _searched(run, d, oracle, [AbsoluteError(UNIT)]).worst[0, "E||C(x)-x||^2"]
        square = _bound(oracle, error, _error, relative=False)
        return _found(run, d, oracle, "absolute error", square, error.x)
    if grown is Growth.NEITHER and (both := _both(run, d, oracle)) is not None:
        return both
    why = "biased, and the mean square error reaches ||x||^2" if grown is Growth.RELATIVE else grown.value
    return Estimate(run.subject.name, d, "none", worst_x=error.x, technique=f"{oracle.technique}: {why}")


def _max_norm(run: Run, d: int, oracle: Oracle) -> object:
    """The largest E||C(x) - x||^2 / (d ||x||_inf^2) found; None for what is random, which is dearer."""
    if not run.subject.deterministic:
        return None
    short = run.budget.audit().search
    search = Search(
        oracle, [MaxNormError(UNIT)], d, run.allowance(f"the max norm at d = {d}", short), run.domain
    )
    search.run([], run.seed, stop_early=False)
    m = oracle(search.worst[0, "E||C(x)-x||^2"].x)
    value = _sure(m, _error) / (d * float(np.abs(m.x).max()) ** 2)
    return value if m.slack else readable(value)


RUNGS = 41
"""Scales at which relative and absolute error are told apart."""


def _both(run: Run, d: int, oracle: Oracle) -> Estimate | None:
    """delta from the upper half of the scales, then the Delta that the lower ones need; None for no delta > 0.

    The worst relative error of large inputs is r = 1 - delta, and Delta^2 the most by which E||C(x)-x||^2 exceeds r
    ||x||^2 anywhere: with this delta no smaller Delta holds.
    """
    # At large inputs Delta^2 is nothing beside r ||x||^2, so they show r alone; given r, small inputs show
    # what Delta must add.
    scales = np.geomspace(run.domain[0] * 10, run.domain[1] / 10, RUNGS)
    seen = [
        [(v, e) for v in directions(d, s) if (e := _mean_square_error(oracle, v)) is not None] for s in scales
    ]
    large = [e / float(v @ v) for row in seen[RUNGS // 2 :] for v, e in row]
    r = max(large, default=1.0)
    if r >= 1:
        return None
    worst, square = max(((v, e - r * float(v @ v)) for row in seen for v, e in row), key=lambda pair: pair[1])
    found = _found(run, d, oracle, "relative and absolute error", max(square, 0.0), worst)
    return changed(found, delta_beside=1 - r)


def _searched(run: Run, d: int, oracle: Oracle, claims: Sequence[Claim]) -> Search:
    """The adversary on claims with constant 1: the largest ratios that it finds are the constants looked for."""
    allowance = run.allowance(f"the search at d = {d}", run.budget.search)
    search = Search(oracle, list(claims), d, allowance, run.domain)
    search.run(grid_points(d, run.arithmetic.grid), run.seed, stop_early=False)
    return search


def _found(run: Run, d: int, oracle: Oracle, kind: str, ratio: Number, x: Array) -> Estimate:
    """An estimate whose constant is the sure bound at x."""
    blank = Estimate(run.subject.name, d, kind, worst_x=x, technique=oracle.technique)
    return changed(blank, bound=as_ratio(blank.symbol, ratio))


def _error(m: Moments) -> float:
    """E||C(x) - x||^2."""
    return float(m.error.sum())


def _bias(m: Moments) -> float:
    """||E C(x) - x||^2."""
    return float(((m.mean - m.x) ** 2).sum())


def _spread(m: Moments) -> float:
    """E||C(x) - E C(x)||^2, not below 0 for rounding."""
    return max(0.0, m.second - float(m.mean @ m.mean))


def _sure(m: Moments, of: Callable[[Moments], float]) -> float:
    """A mean square at least as small as the exact one: the rounding that the arithmetic is granted is deducted."""
    # Minkowski: the exact error's root is at least the seen one less what rounding may have moved the output
    # by.
    moved = m.slack * (m.second**0.5 + float(m.x @ m.x) ** 0.5)
    return max(0.0, of(m) ** 0.5 - moved) ** 2 if m.slack else of(m)


def _mean_square_error(oracle: Oracle, x: Array) -> float | None:
    """E||C(x) - x||^2, None where the program cannot be followed at x."""
    try:
        return _sure(oracle(x), _error)
    except NotTraceable:
        return None


def _bound(oracle: Oracle, worst: Worst, of: Callable[[Moments], float], relative: bool) -> Number:
    """The value at the worst input found, in units of ||x||^2 (relative) or of 1; a small fraction where it is one."""
    m = oracle(worst.x)
    value = _sure(m, of) / (float(m.x @ m.x) if relative else 1.0)
    return value if m.slack else readable(value)


def _linear(run: Run, d: int, oracle: Oracle, holds: Holds) -> Estimate | None:
    """The constant that is proved for all x: a program linear on every path, worst at one of the listed inputs.

    No constant that is smaller by LEAST holds: the listed ratio is a float, the constant a fraction near it.
    """
    _, verify = verifier_of(run, d)
    if verify is None:
        return None
    x, found = _worst_listed(oracle, structured(d, run.seed, run.domain))
    # The proof is of the fraction that the float names. That no smaller constant would do is proved likewise:
    # the same matrix inequality with the constant less LEAST must fail.
    ratio = simple(found)
    for make in (Unbiased, lambda r: Contractive(1 - r)):
        if (ratio < 1 or make is Unbiased) and verify(make(ratio)).holds:
            return (
                None if verify(make(ratio - LEAST)).holds else _proved(run, d, make(ratio), ratio, x, holds)
            )
    return None


def _worst_listed(oracle: Oracle, points: Sequence[Array]) -> tuple[Array | None, Number]:
    """(x, ratio) of the largest E||C(x) - x||^2 / ||x||^2 at the listed inputs."""
    worst: tuple[Array | None, float] = (None, 0.0)
    for x in points:
        with suppress(NotTraceable):
            ratio = _error(oracle(x)) / float(x @ x)
            worst = max(worst, (x, ratio), key=lambda pair: pair[1])
    return worst[0], readable(worst[1])


def _fleet(run: Run, d: int, oracle: Oracle, holds: Holds) -> Estimate:
    """A from inputs with abar = 0, then the B that the others allow; none where the average is biased."""
    n = run.subject.workers or 1
    rng = np.random.default_rng(run.seed)
    inputs = [rng.normal(size=(n, d)) for _ in range(40)] + [np.outer(np.eye(1, n)[0], np.eye(1, d)[0])]
    spread: list[float] = []
    common: list[float] = []
    for a in inputs:
        bar = a.mean(axis=0)
        for rows, held in ((a - bar, spread), (np.tile(bar, (n, 1)), common)):
            norms = float((rows**2).sum()) / n
            if norms > 1e-12:
                m = oracle(rows.reshape(-1))
                held.append(_error(m) / norms)
                if float(((m.mean - rows.mean(axis=0)) ** 2).sum()) > 1e-18 * (norms + m.second):
                    said = f"{oracle.technique}: the average of the messages is biased"
                    return Estimate(run.subject.name, d, "none", worst_x=m.x, technique=said)
    # E||.||^2 <= A mean||a_i||^2 - B||abar||^2: at abar = 0 only A acts, at equal a_i the two together give A
    # - B.
    a_constant = max(spread, default=0.0)
    b_constant = a_constant - max(common, default=0.0)
    joint = JointVariance(readable(a_constant), readable(b_constant), n)
    exact = joint if holds(joint) else None
    return Estimate(
        run.subject.name, d, "unbiased fleet", joint=joint, exact=exact, technique=oracle.technique
    )
