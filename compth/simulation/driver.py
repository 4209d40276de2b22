"""The one driver loop: replicates in blocks, one stream per block, bit-identical for any number of threads.

Every method runs through `_run_block`; an engine says how a round is made, never what is recorded. What others rely
on: a block has BLOCK replicates and the stream of its number, whatever the machine, and blocks are merged in their
order, so that means and errors are the same for one thread and for many. A replicate that diverges is recorded and
dropped, it stops no run. Nothing here knows a method, a theorem or a compressor by name.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from threading import Event

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from compth._door import a_method, a_problem, at_the_door, check_start, numbers, optional, real_type
from compth._earned import made
from compth._memory import require_fit
from compth._own import foreign
from compth._rng import check_seed
from compth._threads import one_blas_thread
from compth._types import Array
from compth.errors import InvalidParameter
from compth.methods import Method, Plan, State, Theorem, find_guarantee, plan_of
from compth.problems.interface import Problem
from compth.simulation.engines import Engine, engine_of
from compth.simulation.memory import predicted_bytes, state_bytes
from compth.simulation.trace import Trace

# large enough that a round is matrix products and not Python, small enough that the arrays of a round stay
# in the cache
BLOCK = 64
"""Replicates per block: fixed, so that results do not depend on the machine."""
# its square still fits into a float, so the means of a round with such a replicate are finite when it is
# dropped
ESCAPED = 1e120
"""A squared distance beyond this many times the problem's own (`_escape`) counts as divergence."""
MOST_RUNS = 10**8
"""Replicates of one call: a hundred times what halves the last standard error that anyone reads."""
MEAN_LIMIT = 20_000_000
"""E x_t is kept while (steps + 1) d stays below this many numbers."""


@dataclass(frozen=True)
class _Job:
    """One call of `simulate`: what all blocks share.

    theorem: its metric is recorded. steps: T. keep_mean: E x_t is recorded. limit: the squared distance beyond which a
    replicate is lost.
    """

    engine: Engine
    theorem: Theorem | None
    steps: int
    keep_mean: bool
    limit: float
    stop: Event = field(default_factory=Event)
    """Set when the call is given up, as by Ctrl-C: the blocks in flight end after their step."""


@dataclass
class _Tally:
    """Sums over the live replicates of one block: mean and squared deviations of each recorded quantity.

    count: live replicates at each t, (T+1,). mean, square: (T+1, 4), rows as `_measure` has them. x: (T+1, d). bits,
    heard: uplink and downlink bits of each round. diverged: (R,), -1 for none. drew: something was drawn.
    """

    count: NDArray[np.int64]
    mean: Array
    square: Array
    x: Array | None
    bits: Array
    heard: Array
    diverged: NDArray[np.int64]
    drew: bool = True

    def merge(self, other: _Tally) -> _Tally:
        """Pool two blocks (Chan's update), time by time."""
        # mean = (n1 m1 + n2 m2)/(n1 + n2) and M2 = M2_1 + M2_2 + delta^2 n1 n2/(n1 + n2): no difference of
        # large sums, which would lose the variance of a converged run to rounding
        n1, n2 = self.count[:, None], other.count[:, None]
        total = np.maximum(n1 + n2, 1)
        delta = other.mean - self.mean
        x = None if self.x is None or other.x is None else (self.x * n1 + other.x * n2) / total
        return _Tally(
            count=self.count + other.count,
            mean=self.mean + delta * n2 / total,
            square=self.square + other.square + delta**2 * n1 * n2 / total,
            x=x,
            bits=(self.bits * self.count + other.bits * other.count) / total[:, 0],
            heard=(self.heard * self.count + other.heard * other.count) / total[:, 0],
            diverged=np.concatenate([self.diverged, other.diverged]),
        )


def _measure(job: _Job, state: State) -> Array:
    """(4, R): squared distance, gap, squared gradient norm, theorem's metric."""
    values = job.engine.measures(state)
    # the theorem's metric is the squared distance where it says None, so that every run has four rows
    metric = None if job.theorem is None else job.engine.observe(job.theorem, state)
    return np.concatenate([values, (values[0] if metric is None else metric)[None]])


def _run_block(job: _Job, x0: Array, block: int) -> _Tally:
    """All steps of one block of replicates."""
    engine, times, d = job.engine, job.steps + 1, x0.shape[1]
    # a copy: engines may write into what they are given, and x0 is a view shared by all blocks
    state, drawn = engine.start(x0.copy(), block)
    tally = _Tally(
        count=np.zeros(times, dtype=np.int64),
        mean=np.zeros((times, 4)),
        square=np.zeros((times, 4)),
        x=np.zeros((times, d)) if job.keep_mean else None,
        bits=np.zeros(times),
        heard=np.zeros(times),
        diverged=np.full(len(x0), -1),
    )
    alive = np.arange(len(x0))
    for t in range(times):
        # looked at once a round: Ctrl-C must not wait for the rest of a long run
        if job.stop.is_set():
            break
        if t:
            state = engine.step(state, drawn, block, t - 1)
        values = _measure(job, state)
        # not (value < limit) rather than value >= limit: NaN is lost, too
        lost = ~(values[0] < job.limit)
        if lost.any():
            tally.diverged[alive[lost]] = t
            # lost replicates leave the batch, so that their infinities cost nothing and reach no mean;
            # their number of rounds is recorded
            alive, state, values = alive[~lost], engine.select(state, ~lost), values[:, ~lost]
            if not alive.size:
                break
        tally.count[t] = alive.size
        # centred before it is squared: two passes over a small array, and no cancellation
        mean = values.mean(axis=1)
        values -= mean[:, None]
        tally.mean[t] = mean
        tally.square[t] = np.einsum("ar,ar->a", values, values)
        if tally.x is not None:
            tally.x[t] = engine.mean(state)
        if t:
            tally.bits[t], tally.heard[t] = engine.sent(state), engine.heard(state)
    # whether the stream was touched at all: what draws nothing needs to be run once only
    tally.drew = not engine.untouched(drawn, block)
    return tally


def _one_for_all(job: _Job, start: Array, runs: int) -> _Tally | None:
    """What `runs` replicates give that start alike and draw nothing, from one of them; None where they may differ.

    Nobody's word counts: the stream of that one replicate is looked at after the first round, and after the last. A
    user's code, which may draw elsewhere, is run in full.
    """
    members = job.engine.method.fleet.members
    # cheap necessary conditions first, then the look at the stream itself: a compressor may call itself
    # deterministic and draw
    if runs == 1 or not all(m.deterministic for m in members) or (start != start[0]).any():
        return None
    # one round on one replicate shows most methods that draw, for instance coins; the whole run is looked
    # at again below
    if foreign((job.engine.method, job.engine.problem)) or _quiet(replace(job, steps=1), start[:1], 0).drew:
        return None
    one = _quiet(job, start[:1], 0)
    if one.drew:
        return None
    # means are those of the one replicate, deviations 0, and it stands for all of them
    return replace(one, count=one.count * runs, diverged=np.repeat(one.diverged, runs))


def _starts(problem: Problem, x0: ArrayLike | None, runs: int, dtype: DTypeLike) -> Array:
    """x_0 of every replicate, (R, d). Raises InvalidParameter for another shape, NaN or inf."""
    start = np.asarray(problem.start if x0 is None else x0, dtype=dtype)
    if start.shape not in ((problem.d,), (runs, problem.d)) or not np.isfinite(start).all():
        raise InvalidParameter(
            f"x0 has shape {start.shape}: need finite ({problem.d},) or ({runs}, {problem.d})"
        )
    return np.broadcast_to(start, (runs, problem.d))


def _escape(problem: Problem, start: Array) -> float:
    """The squared distance at which a replicate is lost, relative to the nearest start and to the default one."""
    # a run that starts at x* may still diverge: the limit then takes the problem's own distance for its
    # unit
    default = float(problem.distance_squared(np.asarray(problem.start, dtype=float)))
    away = max(default, float(problem.distance_squared(start.astype(float)).min()))
    if not away < float("inf"):
        raise InvalidParameter(
            f"||x_0 - x*||^2 = {away:.3g} is beyond floating point: state the problem in larger units of x"
        )
    # beyond the largest float no comparison would tell a diverged replicate
    return min(ESCAPED * (away or 1.0), float(np.finfo(float).max))


def _check(steps: int, runs: int, threads: int) -> None:
    """Raise InvalidParameter, with the rule, unless the counts are integers >= 1 and runs at most MOST_RUNS."""
    for name, value in (("steps", steps), ("runs", runs), ("threads", threads)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise InvalidParameter(f"{name}={value!r} must be an integer >= 1")
    if runs > MOST_RUNS:
        raise InvalidParameter(f"runs={runs}: at most {MOST_RUNS}; standard errors fall as 1/sqrt(runs)")


@at_the_door(method=a_method, problem=a_problem, x0=optional(numbers), dtype=real_type)
def simulate(
    method: Method,
    problem: Problem,
    steps: int = 1000,
    runs: int = 64,
    seed: int = 0,
    x0: ArrayLike | None = None,
    *,
    theorem: str | Theorem | None = None,
    threads: int = 1,
    dtype: DTypeLike = np.float64,
    engine: str = "numpy",
) -> Trace:
    """Run `runs` replicates for `steps` rounds and average.

    The step size is the method's, or the planned one of `theorem` (default: the theorem of `guarantee` with
    horizon = steps), whose own metric is evaluated along the run. Replicates are independent given the seed; the
    result is bitwise the same for any number of threads. A replicate whose squared distance passes 1e120 times that of
    the nearest start is recorded in `diverged` and makes the means infinite from then on. x0: (d,) or (runs, d),
    default problem.start. Replicates that start alike and draw nothing are one run, made once.
    engine: "numpy", or "fast" (extra `fast`: numba loops with streams of their own, the same law; every linear body in
    fused rounds made from its trace, other methods by their own step on the loops' messages; raises Unsupported, naming
    them, for other compressors than the loops know and for workers that do not compress independently), or "torch" (the
    methods' and compressors' own code on torch tensors, on a GPU where there is one; "torch:cpu" names the device).
    Raises InvalidParameter before it starts when it needs more memory than is free.
    """
    _check(steps, runs, threads)
    check_start(x0, problem.d, runs)
    check_seed(seed)
    # without a theorem the best guarantee at T = steps plans the run; one start for all replicates may
    # sharpen it, as bounds depend on the start
    if theorem is None:
        plan, found, _ = plan_of(
            method, problem, horizon=steps, x0=None if x0 is None or np.ndim(x0) != 1 else x0
        )
    else:
        found = find_guarantee(method, problem, theorem, horizon=steps)
        plan = found.plan
    return simulate_planned(
        method,
        problem,
        plan,
        used=None if found is None else found.theorem,
        steps=steps,
        runs=runs,
        seed=seed,
        x0=x0,
        threads=threads,
        dtype=dtype,
        engine=engine,
    )


def simulate_planned(
    method: Method,
    problem: Problem,
    plan: Plan,
    used: Theorem | None,
    steps: int,
    runs: int,
    seed: int,
    *,
    x0: ArrayLike | None = None,
    threads: int = 1,
    dtype: DTypeLike = np.float64,
    engine: str = "numpy",
) -> Trace:
    """`simulate` of a run whose plan is known already: sweeps make one for all seeds."""
    # (T+1, d) numbers for every block: kept only where that is small
    keep_mean = (steps + 1) * problem.d <= MEAN_LIMIT
    start = _starts(problem, x0, runs, dtype)
    limit = _escape(problem, start)
    job = _Job(engine_of(engine, method, problem, plan, seed), used, steps, keep_mean, limit)
    # refused before any work, with the numbers that decide it: a process that is killed half way says
    # nothing
    require_fit(
        _predicted(job, start, runs, threads),
        f"runs={runs}, steps={steps}, n={problem.n}, d={problem.d}, threads={threads}",
    )
    # the number of a block, not of a thread, is the key of its stream
    blocks = [(start[i : i + BLOCK], i // BLOCK) for i in range(0, runs, BLOCK)]
    # threads run blocks side by side; BLAS with threads of its own would fight them for the cores and make
    # sums depend on the machine
    with one_blas_thread, ThreadPoolExecutor(threads) as pool:
        try:
            total = _one_for_all(job, start, runs) or _merged(pool, job, blocks, threads)
        except BaseException:
            job.stop.set()
            raise
    return _trace(job, total, runs)


def _merged(pool: ThreadPoolExecutor, job: _Job, blocks: list[tuple[Array, int]], threads: int) -> _Tally:
    """Blocks merged in their order, with at most `threads` of them in flight: records do not pile up."""
    # results are taken in the order of the blocks, so the merge is one fixed sequence of roundings for any
    # number of threads
    waiting = deque(pool.submit(_quiet, job, *block) for block in blocks[:threads])
    rest, total = iter(blocks[threads:]), None
    while waiting:
        tally = waiting.popleft().result()
        waiting.extend(pool.submit(_quiet, job, *block) for block in islice(rest, 1))
        total = tally if total is None else total.merge(tally)
    assert total is not None
    return total


def _predicted(job: _Job, start: Array, runs: int, threads: int) -> int:
    """Bytes of this run, from the size of the state of one replicate."""
    one = state_bytes(job.engine.method.init(job.engine.problem, start[:1].copy(), job.engine.plan))
    problem, width = job.engine.problem, start.itemsize
    kept = problem.gradient_bytes(width) if hasattr(problem, "gradient_bytes") else None
    sizes = (problem.n, problem.d, job.steps, runs, BLOCK, threads, width)
    return predicted_bytes(one, *sizes, job.keep_mean, kept)


def _quiet(job: _Job, x0: Array, block: int) -> _Tally:
    """A diverging replicate overflows on its way out: that is recorded, not warned about."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _run_block(job, x0, block)


def _trace(job: _Job, total: _Tally, runs: int) -> Trace:
    """Means with standard errors, sqrt(M2/(R-1)/R); NaN for a single run, inf from the first loss on."""
    # a mean over the survivors of a diverging run would look better than the run was: from the first loss
    # on means are infinite
    complete = total.count == runs
    mean = np.where(complete[:, None], total.mean, np.inf)
    error = np.sqrt(
        total.square / np.maximum(total.count - 1, 1)[:, None] / np.maximum(total.count, 1)[:, None]
    )
    error = np.where(complete[:, None], error, np.inf) if runs > 1 else np.full_like(mean, np.nan)
    # a metric that is the squared distance itself is not recorded twice
    own_metric = job.theorem is not None and not np.array_equal(total.mean[:, 3], total.mean[:, 0])
    found = Trace(
        label=job.engine.method.label,
        problem=repr(job.engine.problem),
        runs=runs,
        seed=job.engine.seed,
        mean_square=mean[:, 0],
        se_square=error[:, 0],
        mean_gap=mean[:, 1],
        se_gap=error[:, 1],
        mean_gradient_square=mean[:, 2],
        se_gradient_square=error[:, 2],
        mean_metric=mean[:, 3] if own_metric else None,
        se_metric=error[:, 3] if own_metric else None,
        mean=total.x,
        bits=np.cumsum(total.bits),
        downlink_bits=np.cumsum(total.heard),
        diverged=total.diverged,
        plan=job.engine.plan,
        theorem="" if job.theorem is None else job.theorem.id,
    )
    return made(found)
