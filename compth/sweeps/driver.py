"""Run what is missing, on any concurrent.futures executor; workers commit, the driver checks and reruns.

The invariant: a row is a function of its task alone and is committed whole by whoever computed it, so that nothing
depends on how often workers or the driver were killed, or on who ran what.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from compth._door import a_table, at_the_door
from compth._earned import Computed, made
from compth._shown import Shown
from compth._types import Json
from compth.errors import CompthError, InvalidParameter
from compth.sweeps.store import Store
from compth.sweeps.tasks import attempt, canonical, error_row, expand, key_of

MAX_STRIKES = 3
"""A task during which this many workers died alone is given up, with a row that says so."""
WINDOW = 4
"""Batches in flight per worker."""
BATCH = 32
"""Tasks that a worker is given at once."""
SPELL = 0.5
"""Seconds after which a worker gives back the rest of its batch: reports stay frequent, long tasks are spread."""
Progress = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Sweep(Computed, Shown):
    """A finished sweep: rows in the grid's order and where they are kept.

    computed: rows that were not in the store before. given_up: keys of tasks that killed their workers.
    """

    rows: tuple[Json, ...]
    store: Path
    computed: int
    given_up: tuple[str, ...]


def _watch(parent: int) -> None:
    """End this worker when its parent is gone (the driver was killed)."""
    # A killed driver cannot tell its workers: they look whether they still have the parent that made them.
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def _start_worker(parent: int) -> None:
    """One thread of linear algebra a worker, and an end with its parent."""
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def work(path: str, tasks: list[tuple[str, dict[str, object]]]) -> list[str]:
    """In the worker: compute rows and commit each, for SPELL seconds. Returns the keys that have one now.

    tasks: (key, spec) each. A row that another driver has put there since is not computed again.
    """
    done, begun = [], time.monotonic()
    with Store(path, check=False) as store:
        for key, spec in tasks:
            # A row is one transaction: whatever is killed here, each row is there whole or not at all.
            if not store.has(key):
                store.put(key, canonical(spec), attempt(spec))
            done.append(key)
            if time.monotonic() - begun > SPELL:
                break
    return done


def _pool(workers: int) -> ProcessPoolExecutor:
    """Processes that start anew: a fork would copy locks in whatever state they are."""
    return ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (os.getpid(),))


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Processes started within ignore Ctrl-C: their parent ends them, without a traceback from each."""
    # Signals belong to the main thread; elsewhere there is nothing to hold back.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _ended(pool: ProcessPoolExecutor) -> Iterator[None]:
    """The pool's end: what is in flight finishes; on Ctrl-C its processes are stopped at once (rows are committed)."""
    try:
        yield
    except BaseException:
        # The executor has no way to stop what runs; rows are committed, so that ending the processes loses
        # none.
        for worker in list((pool._processes or {}).values()):
            worker.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


@at_the_door(grid=a_table)
def sweep(
    grid: Mapping[str, object],
    executor: Executor | None = None,
    store: str | Path = "sweep.sqlite",
    *,
    workers: int = 2,
    progress: Progress | None = None,
) -> Sweep:
    """Run every task of the grid that the store does not hold yet.

    executor: any concurrent.futures.Executor whose workers can reach the store (Dask: client.get_executor());
    default a pool of `workers` processes. Rows are bitwise the same however often workers or the driver were
    killed. progress(done, total, seconds left) is called as tasks finish. A task that kills its worker three times
    while it runs alone is given up with a row that says so.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InvalidParameter(f"workers={workers!r} must be an integer >= 1")
    # Keys hold the version of the package: rows of another one are other rows.
    tasks = {key_of(spec): spec for spec in expand(grid)}
    path = Path(store).absolute()
    with Store(path) as held:
        before = held.keys() & tasks.keys()
        run = _Run(tasks, held, str(path), workers, progress)
        if executor is None:
            run.own_pool()
        else:
            run.on(executor)
        rows = held.rows(tasks)
        given_up = tuple(k for k, count in held.strikes().items() if count >= MAX_STRIKES and k in tasks)
    return made(Sweep(tuple(rows), path, len(tasks) - len(before), given_up))


class _Run:
    """The state of one call: what is missing and how fast it goes.

    suspects: tasks in flight when a worker died.
    """

    def __init__(
        self, tasks: Mapping[str, Json], store: Store, path: str, workers: int, progress: Progress | None
    ) -> None:
        self.tasks, self.store, self.path, self.workers, self.progress = tasks, store, path, workers, progress
        self.done = store.keys() & tasks.keys()
        self.started, self.first = time.monotonic(), len(self.done)

    def missing(self) -> list[str]:
        """Keys without a row, fewest strikes first."""
        self.done, strikes = self.store.keys() & self.tasks.keys(), self.store.strikes()
        return sorted((k for k in self.tasks if k not in self.done), key=lambda k: strikes.get(k, 0))

    def report(self) -> None:
        """Tell the caller how far it is and how long it will take."""
        if self.progress is None:
            return
        done = len(self.done)
        # From what was done in this call: rows of earlier ones cost nothing now.
        pace = (time.monotonic() - self.started) / max(1, done - self.first)
        self.progress(done, len(self.tasks), pace * (len(self.tasks) - done))

    def on(self, executor: Executor) -> None:
        """One pass over what is missing on a foreign executor; its failures are raised after the others finished."""
        failure = self._drain(executor, self.missing())
        if failure is not None and self.missing():
            raise CompthError(f"{len(self.missing())} tasks did not finish: {failure}; run again to resume")

    def own_pool(self) -> None:
        """Rebuild the pool whenever a worker dies; suspects then run alone so that the killer is found."""
        # The pool does not say which task killed a worker: all in flight are suspects, and are run again one
        # by one.
        while missing := self.missing():
            pool = _pool(self.workers)
            with _ended(pool):
                # A pass over what is missing; it returns when all is done or something failed, with nothing
                # left in flight.
                failure = self._drain(pool, missing)
            if failure is None:
                return
            if not isinstance(failure, BrokenExecutor):
                raise failure
            self._one_by_one(sorted(self.suspects & set(self.missing())))

    def _one_by_one(self, keys: list[str]) -> None:
        """Suspects in a pool of one, one in flight: a death now has one culprit, and three are enough."""
        while left := sorted(set(keys) & set(self.missing())):
            pool = _pool(1)
            with _ended(pool):
                failure = self._drain(pool, left, alone=True)
            if failure is None:
                break
            if not isinstance(failure, BrokenExecutor):
                raise failure
            # Alone in its pool a death has one culprit. Three of them are no accident of the machine.
            for key in self.suspects & set(self.missing()):
                if self.store.strike(key) >= MAX_STRIKES:
                    row = error_row(self.tasks[key], f"killed its worker {MAX_STRIKES} times")
                    self.store.put(key, canonical(self.tasks[key]), canonical(row))

    def _drain(self, executor: Executor, keys: list[str], alone: bool = False) -> BaseException | None:
        """Submit with a bounded window; the first failure, after everything in flight has ended.

        alone: one task in flight and in a batch.
        """
        queue = list(reversed(keys))
        # A bounded window keeps memory flat on large grids, and few tasks in doubt when a worker dies.
        window = 1 if alone else WINDOW * self.workers
        size = 1 if alone else min(BATCH, max(1, len(keys) // window))
        flying: dict[Future[list[str]], list[str]] = {}
        failure: BaseException | None = None
        self.suspects: set[str] = set()
        while (queue and failure is None) or flying:
            while queue and failure is None and len(flying) < window:
                batch = [queue.pop() for _ in range(min(size, len(queue)))]
                try:
                    # The pool may start a process on submit: it inherits who listens to Ctrl-C.
                    with without_interrupts():
                        given = [(key, self.tasks[key]) for key in batch]
                        future: Future[list[str]] = executor.submit(work, self.path, given)
                except BrokenExecutor as broken:
                    failure = broken
                    self.suspects.update(batch)
                    break
                flying[future] = batch
            if not flying:
                break
            for future in wait(flying, return_when=FIRST_COMPLETED)[0]:
                batch = flying.pop(future)
                problem = future.exception()
                if problem is not None:
                    failure = failure or problem
                    self.suspects.update(batch)
                else:
                    self.done.update(future.result())
                    # A worker may give back part of its batch: what it did not come to is queued again.
                    queue += [key for key in reversed(batch) if key not in self.done]
            self.report()
        return failure
