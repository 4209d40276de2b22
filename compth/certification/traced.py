"""When a trace is a proof: the program cannot tell symbols from numbers, and real runs do what the trace says.

A program is run on every path of its draws. Its trace counts only if (1) it refused nowhere, not even in an exception
that the program caught; (2) everything executed keeps to the `vocabulary`, so that symbols and numbers take the same
way; (3) nothing that outlives a call has changed; (4) real runs (numpy's generators, arrays of other types, shapes,
memory layouts and magnitudes, later calls) follow a traced path; (5) their outputs are the predicted ones, with the
predicted frequencies, and every path makes them of numbers, too, however small its chance. The package's own code is
known and needs none of this.

All six together are what turns an enumeration into a proof for a user's program; weakening any of them needs an answer
to every program of tests/certification that it was written for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from compth._own import foreign, looker
from compth._types import Array
from compth.certification import evalues, row_counts, vocabulary
from compth.certification.allowance import Allowance
from compth.certification.points import DOMAIN, structured
from compth.certification.subject import CALL_LIMIT, CallTooLong, Subject, time_limit
from compth.certification.tracer import Again, Leaf, Path, Strange, TraceGenerator, leaves
from compth.certification.watch import Watch
from compth.compressors import Compressor, Fleet

if TYPE_CHECKING:
    from compth._types import Numbers
    from compth.certification.beside import Program


T = TypeVar("T")
Run = Callable[[], object]
AGREES = 1e-9
"""Relative tolerance between a real output and the predicted one: rounding of the program."""
RUNS = 600
"""Real runs whose frequencies are held against the traced probabilities."""
LEVEL = math.log(1e15)
"""Evidence for another law beyond which the trace is void: a false alarm in 1e15."""
MAGNITUDES = (1e-99, 1e-30, 1e-6, 0.02, 50.0, 3e4, 1e9, 1e30, 1e99)
"""Of real runs' inputs; the ends of the domain besides, where a factor on the way may overflow."""
ROWS, BATCHES = (1, 2, 3, 7), (*range(1, 18), 32, 64, 100, 128)
"""Numbers of rows at which a program is watched that is given more than one vector, and one that is declared for them.
"""
NAMED, LONG, LOOKED = 24, 20_000, 40_000
"""Numbers of rows, named by the code, whose law is looked at; entries of a batch that is called again and again; and
predictions that the rows of one batch are compared with."""
ASSUMPTIONS = (
    "draws are independent with their exact laws, uniforms continuous on [0, 1)",
    "numpy is unmodified, and the program reads no memory that it left unset",
    "the program is given one vector of numbers at a time, or where it is declared for rows as many as were tried, "
    "with the law that their frequencies show",
)
"""What no run can show, in the report of every proof by a trace."""


def is_own(subject: Subject) -> bool:
    """True for compressors and fleets of the package, and their methods: their code is known."""
    thing = subject.object
    if isinstance(thing, MethodType):
        return isinstance(thing.__self__, Compressor) and not foreign((thing.__self__, thing.__func__))
    return isinstance(thing, Compressor | Fleet) and not foreign(thing)


class Real(NamedTuple):
    """A run on numbers, and in words what it is on. whole: it must follow a traced path to its end, else every step.

    unless: a run whose own departure excuses this one's, such as that on a vector as long as there are rows here.
    """

    what: str
    run: Run
    whole: bool = True
    unless: Run | None = None


def faithful(
    program: Callable[[TraceGenerator], T],
    limit: int,
    allowed: Allowance,
    real: Iterable[Real],
    same: Callable[[int, TraceGenerator, T], bool],
) -> list[Leaf[T]]:
    """Every path of program(rng), whose trace is the program: conditions (1) to (4). Raises Strange where one fails.

    real: runs of the same program with real generators on real numbers. same: whether numbers become, with these draws,
    what the path of this number says.
    """
    paths: list[Path] = []

    def noted(rng: TraceGenerator) -> T:
        paths.append(rng.path)
        return program(rng)

    # The symbols are seen to be taken for numbers by elimination: nothing refused, nothing asked what a
    # symbol could answer otherwise, nothing remembered, and runs on numbers of every kind step where the
    # traced runs stepped.
    watch, look = Watch(), looker()
    found = list(leaves(watch.traced(noted), limit, allowed))
    if changes := look():
        raise Strange(f"{changes}, while the program ran")
    says = vocabulary.objection(watch) if watch.scopes else "runs no Python code that could be looked at"
    if says:
        raise Strange(says)
    for case in real:
        # More rows than the program was traced with are no new path where it merely counts entries: then a
        # vector of that length departs in the same way.
        departs = not _follows(watch, case.run, case.whole)
        if departs and (case.unless is None or _follows(watch, case.unless, case.whole)):
            raise Strange(f"a run on {case.what} takes a path that the trace did not")
        watch.unchanged()
    for at, (path, leaf) in enumerate(zip(paths, found, strict=True)):
        if not _repeated(partial(same, at, Again(path), leaf.output)):
            raise Strange("the draws of a path make something else of numbers than of symbols")
    return found


def _repeated(run: Callable[[], bool]) -> bool:
    """False also where numbers raise: symbols did not."""
    try:
        with time_limit(CALL_LIMIT):
            return run()
    except Exception:
        return False


def _follows(watch: Watch, run: Run, whole: bool) -> bool:
    """True when the run follows, or when the program does not take such an input at all."""
    try:
        with time_limit(CALL_LIMIT):
            return watch.follows(run, whole)
    except CallTooLong:
        return False
    except Exception:  # shapes and types that the program was not written for
        return True


def real_runs(subject: Subject, d: int) -> Iterator[Real]:
    """The program on numbers: vectors in the domain, later calls, other generators, memory, types and shapes."""
    size = subject.size(d)
    x = np.random.default_rng(29).normal(size=size)
    for at, y in enumerate(inputs(size)):
        yield Real("numbers", _call(subject.program, y, np.random.default_rng([at])))
    for rng in generators():
        yield Real(type(rng.bit_generator).__name__, _call(subject.program, x, rng))
    for what, y in _stored(x):
        for seed in range(4):
            yield Real(what, _call(subject.program, y, np.random.default_rng(seed)))
    if not subject.workers or rows_of(subject):
        yield from _on_rows(subject, x)


def rows_of(subject: Subject) -> Program | None:
    """The program on rows (..., size), one output for each; None where its object is not declared for them.

    Of a fleet a row is the vectors of all workers: its reference, kernel and compress take blocks (..., n, d).
    """
    if not subject.workers or not isinstance(subject.object, Fleet):
        return subject.batch
    workers, call = subject.workers, getattr(subject.object, subject.form or "_compress")
    return lambda x, rng: call(x.reshape(*x.shape[:-1], workers, -1), rng).sum(axis=-2) / workers


def _on_rows(subject: Subject, x: Array) -> Iterator[Real]:
    """Rows of vectors: every step must be a traced one, except where the program asks how long its input is."""
    rows = rows_of(subject)
    for n in BATCHES if rows else ROWS:
        for shape in ((n,), (1, n)):
            for seed in range(2):
                long = _call(subject.program, np.resize(x, shape[0]), np.random.default_rng(seed))
                run = _call(rows or subject.program, np.tile(x, (*shape, 1)), np.random.default_rng(seed))
                yield Real(f"{' x '.join(map(str, shape))} rows", run, False, None if rows else long)


def generators() -> Iterator[np.random.Generator]:
    """Generators on all of numpy's bit streams."""
    for bits in (np.random.PCG64, np.random.Philox, np.random.SFC64, np.random.MT19937):
        yield from (np.random.Generator(bits(seed)) for seed in range(8))


def _call(program: Program, x: Numbers, rng: np.random.Generator) -> Run:
    return lambda: program(x, rng)


def _stored(x: Array) -> Iterator[tuple[str, Numbers]]:
    """The same numbers stored otherwise, or more of them."""
    frozen = x.copy()
    frozen.flags.writeable = False
    yield "a read-only array", frozen
    yield "a slice of a larger array", np.concatenate([x, x])[: len(x)]
    yield "every second entry of an array", np.repeat(x, 2)[::2]
    yield "a reversed array", x[::-1].copy()[::-1]
    for dtype in (np.float32, np.longdouble, np.float16, np.int64, np.int32):
        yield f"{np.dtype(dtype)}", (3 * x).astype(dtype)
    yield "big-endian floats", x.astype(">f8")


def inputs(size: int) -> list[Array]:
    """Vectors at which real runs are compared with the trace: structured ones, and of every magnitude and sign."""
    # Magnitudes at both ends of the domain besides, since a factor on the way (a norm, a square) overflows
    # there first.
    rng = np.random.default_rng(31)
    listed = structured(size, 3)
    found = listed[:: max(1, len(listed) // 30)]
    found += [rng.normal(size=size) * m for m in MAGNITUDES]
    found += [np.where(rng.random(size) < 0.5, -m, m) for m in (*DOMAIN, *MAGNITUDES)]
    found += [rng.choice([-1.0, 1.0], size) * 2.0 ** rng.integers(-9, 10, size) for _ in range(6)]
    return [*found, np.zeros(size)]


def agree(subject: Subject, d: int, paths: list[tuple[Fraction, list[list[Fraction]]]]) -> None:
    """Condition (5): real outputs are S x of a path, as often as the paths' probabilities say. Raises Strange."""
    # On path i the output is S_i x. A real output must be one of these, and the frequency of each must be
    # that of its path: a program that is right in its values and wrong in its chances is caught by the second
    # condition alone.
    matrices = np.array([[[float(v) for v in row] for row in s] for _, s in paths])
    ends = [v for v in inputs(subject.size(d)) if np.abs(v).max() in DOMAIN]
    for at, x in enumerate([*inputs(subject.size(d)), *ends * 16]):
        real = np.asarray(subject.program(x.copy(), np.random.default_rng([at])), dtype=np.float64)
        if not is_among(real, matrices @ x):
            raise Strange("a real run disagrees with the trace")
    rows, p = rows_of(subject), np.array([float(p) for p, _ in paths])
    if rows is not None:
        _rows_agree(subject, rows, d, matrices)
    x = np.random.default_rng(37).normal(size=subject.size(d))
    if len(paths) > 1 and not _same_law(lambda rng, at: subject.program(x.copy(), rng), matrices @ x, p):
        raise Strange("real draws have another law than the traced ones")
    if rows is None or len(paths) == 1 or subject.form == "row":  # whose batches are those of the vector form
        return
    named = [lead[0] for lead in row_counts.named_leads(subject.object, len(x)) if len(lead) == 1]
    for n in dict.fromkeys((*BATCHES, *named[:NAMED])):
        if not _same_law(_row_of(rows, np.tile(x, (n, 1))), matrices @ x, p):
            raise Strange(f"{n} rows have another law than single vectors")


def _row_of(rows: Program, x: Array) -> Callable[[np.random.Generator, int], object]:
    """Rows of calls on x, one of each call; of a long x all of one call, whose rows are declared independent."""
    if x.size <= LONG:
        return partial(_one_row, rows, x)
    found = np.asarray(rows(x.copy(), np.random.default_rng(47)))
    return lambda rng, at: found[at]


def _one_row(rows: Program, x: Array, rng: np.random.Generator, at: int) -> object:
    """One row of a call, each in its turn: rows of one call may depend on each other."""
    row: object = np.asarray(rows(x.copy(), rng))[at % len(x)]
    return row


def _rows_agree(subject: Subject, rows: Program, d: int, matrices: Array) -> None:
    """Batches of every number of rows, blocks, and those that the code names: rows are what vectors become."""
    size, points = subject.size(d), np.array(inputs(subject.size(d)))
    few = {*((n,) for n in BATCHES), *row_counts.named_leads(subject.object, size)[:NAMED]}
    for lead in row_counts.leads(subject.object, size):
        if len(lead) > 1 and not isinstance(
            subject.object, Compressor | Fleet
        ):  # declared for rows (N, d) alone
            continue
        # Comparing every row of every batch would cost more than all else; the numbers of rows that the code
        # names are looked at closely, the others at their ends and at random.
        n, most = math.prod(lead), max(4, LOOKED // matrices[..., 0].size if lead in few else 6)
        rng = np.random.default_rng(n)
        x = np.resize(rng.permutation(points), (n, size))
        out = np.asarray(rows(x.reshape(*lead, size).copy(), np.random.default_rng(n)))
        looked = np.arange(n) if n <= most else np.unique([0, n - 1, *rng.integers(n, size=most - 2)])
        if out.shape != (*lead, d) or not all(
            is_among(y, matrices @ row)
            for y, row in zip(out.astype(np.float64).reshape(n, d)[looked], x[looked], strict=True)
        ):
            raise Strange(f"{' x '.join(map(str, lead))} rows are not what single vectors become")


def is_among(real: Array, predicted: Array) -> bool:
    """True when a real output is one of the predicted rows, up to rounding; never where it overflowed."""
    if not np.isfinite(real).all():
        return False
    # Relative to the largest entry of all, not to each: a sum of large terms that cancel is only so exact.
    scale = np.maximum(np.abs(predicted).max(), np.abs(real).max())
    near = np.abs(predicted - real) <= AGREES * scale
    return bool(scale == 0 or near.all(axis=1).any())


def _same_law(
    run: Callable[[np.random.Generator, int], object], predicted: Array, probabilities: Array
) -> bool:
    """True unless real runs, of which this is the number `at`, differ in frequency from the traced outcomes."""
    # Paths with one output count together. The Bayes factor against the traced chances is an e-value, so a
    # false alarm beyond LEVEL has a chance of at most 1e-15.
    outcomes, which = np.unique(np.round(predicted, 9), axis=0, return_inverse=True)
    p = np.bincount(which.ravel(), probabilities)
    if not 1 < len(p) <= RUNS:
        return True
    rng, counts = np.random.default_rng(41), np.zeros(len(p))
    for at in range(RUNS):
        real = np.asarray(run(rng, at), dtype=np.float64)
        counts[int(np.abs(outcomes - real).max(axis=1).argmin())] += 1
    return evalues.same_law(counts, p / p.sum()) <= LEVEL
