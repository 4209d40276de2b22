"""Which programs realise an object's facts, and what of a user's own sketch is proved by its draw.

The claims of a Compressor or Fleet speak of whatever runs: the reference `_compress`, the `kernel` that `compress()`
and simulations call, and rows of a batch. For the package's own code these are one law (the catalogue's tests). For
anybody else's they are programs of their own, and each is judged: a proof holds only where it holds for all.

`stranger` is the border between code that the catalogue's tests have seen and all other: what is believed of the first
(one law in all forms, declared probabilities) is judged of the second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import DTypeLike

from compth._own import foreign
from compth._types import Array, Numbers
from compth.certificates import SEVERITY, Certificate, Verdict
from compth.certification import row_counts, traced
from compth.certification.allowance import Allowance, Limits
from compth.certification.beside import Program, beside
from compth.certification.points import DOMAIN, inside, scattered, structured
from compth.certification.readings import named, noting, simple
from compth.certification.statistics import draw_breach
from compth.certification.subject import Subject
from compth.certification.tracer import Leaf, NotTraceable
from compth.compressors import Compressor, DiagonalSketch, Fleet

SMALL_SKETCH = 8
"""Largest d at which a sketch's draw is compared with its declared inclusion probabilities by enumeration."""
ROUNDING: dict[object, float] = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-4}
"""How far rows of a precision may lie from the reference's outputs, relative to the largest of them."""
ROWS_DRAWN = 1200
"""Draws of each number of rows at which a user's draw is watched."""
ROWS_LEVEL = 1e-9
"""Chance of such frequencies, by a right draw, from which on they are none of its law."""
Law = Callable[[Array], list[Leaf[object]]]
"""x -> every outcome of the program there, with its probability."""
Moments = tuple[list[Fraction], list[Fraction]]
"""E w_j and E w_j^2 of a diagonal sketch C(x) = w * x."""


def stranger(subject: Subject) -> str:
    """ "" for the package's own compressors and fleets and for plain functions; else what is not the package's own."""
    if subject.worker is not None:
        return "a judged file" if isinstance(subject.object, Compressor | Fleet) else ""
    return foreign(subject.object) if isinstance(subject.object, Compressor | Fleet) else ""


def forms(subject: Subject) -> list[Subject]:
    """The other programs that run under a user's object: its kernel, its `compress` where it has one of its own."""
    if not stranger(subject):
        return []
    if subject.worker is not None:
        return [subject.worker.form(subject, name) for name in form_names(subject)]
    return [_form(subject, name) for name in form_names(subject)]


@beside(lambda answer, subject: isinstance(answer, list) and set(answer) <= {"kernel", "compress"})
def form_names(subject: Subject) -> list[str]:
    """Which of kernel and compress are programs of their own."""
    thing = cast("Compressor | Fleet", subject.object)
    base: type[Compressor | Fleet] = Compressor if isinstance(thing, Compressor) else Fleet
    kind, out = type(thing), []
    if not _one_law(thing):
        out.append("kernel")
    if kind.compress is not base.compress or "compress" in vars(thing):
        out.append("compress")
    return out


def _one_law(thing: Compressor | Fleet) -> bool:
    """True where kernel() calls _compress, or weights() that call draw as _compress does: one program, not two."""
    kind = type(thing)
    # An attribute of the instance hides the class's method: then nothing is known of what runs.
    if any(name in vars(thing) for name in ("kernel", "weights", "_compress", "draw")):
        return False
    if kind.kernel in (Compressor.kernel, Fleet.kernel):
        return True
    return isinstance(thing, DiagonalSketch) and _drawn(type(thing))


def _drawn(kind: type[DiagonalSketch]) -> bool:
    """True for w * x with the w of draw() and nothing else."""
    same = kind._compress is DiagonalSketch._compress and kind.weights is DiagonalSketch.weights
    return same and kind.kernel is DiagonalSketch.kernel


def formed(subject: Subject, name: str) -> Subject:
    """One of the programs of an object: "" its reference, "kernel", "compress", "row" of a batch."""
    if name == "row":
        return as_row(subject)
    return _form(subject, name) if name else subject


def _form(subject: Subject, name: str) -> Subject:
    """The subject whose program is the object's method of that name."""
    call: Callable[[Numbers, np.random.Generator], Numbers] = getattr(subject.object, name)
    program = _averaged(call, subject.workers) if subject.workers else call
    return replace(
        subject,
        name=f"{subject.name}.{name}",
        program=program,
        batch=None if subject.workers else call,
        form=name,
    )


def _averaged(call: Callable[[Numbers, np.random.Generator], Numbers], workers: int) -> Program:
    """A fleet's method as the average of its messages."""

    def joint(x: Numbers, rng: np.random.Generator) -> Numbers:
        return np.asarray(call(x.reshape(workers, -1), rng).sum(axis=0) / workers)

    return joint


def as_row(subject: Subject) -> Subject:
    """The subject on a batch of one row: what it does there must be what it does on a vector."""
    if subject.workers or subject.batch is None:
        return subject
    if subject.worker is not None:
        return subject.worker.form(subject, "row")
    batch = subject.batch

    def first_row(x: Numbers, rng: np.random.Generator) -> object:
        row: object = cast("Numbers", batch(x[None, :], rng))[0]
        return row

    return replace(subject, program=first_row, form="row")


def worse(first: list[Certificate], second: list[Certificate]) -> list[Certificate]:
    """Certificates of two forms of one object as one list: of each claim the worse, and what only one of them has."""
    other = {c.claim: c for c in second}
    out = []
    for c in first:
        twin = other.pop(c.claim, c)
        out.append(twin if SEVERITY[twin.verdict] > SEVERITY[c.verdict] else c)
    return [*out, *(c for c in other.values() if c.verdict is Verdict.REFUTED)]


def draw_law(
    thing: object, d: int, limit: int, limits: Limits, counted: bool = True
) -> dict[bytes, Fraction] | None:
    """Weights (as bytes of d floats) -> probability, of a user's sketch, which must be one law for vectors and rows.

    C(x) = w * x by the package's own line, so the draw, which never sees x, is all there is to trace; None where that
    line is not the package's. counted: also with every number of rows, for a proof. Raises NotTraceable where the draw
    cannot be enumerated, or gives anything else for real.
    """
    if not isinstance(thing, DiagonalSketch) or not (_drawn(type(thing)) and _one_law(thing)):
        return None
    if type(thing).compress is not Compressor.compress or "compress" in vars(thing):
        return None
    # The draw of a vector and of one row must be one law, and rows of every number that the code could single
    # out must be outcomes of it: what a simulation draws is then what was traced.
    found = [_law(thing, shape, limit, limits) for shape in ((d,), (1, d))]
    if found[0] != found[1]:
        return None
    for n in traced.BATCHES:
        _rows_drawn(thing, (n, d), found[0], ROWS_DRAWN if n <= 17 else ROWS_DRAWN // 6)
        _rows_drawn(thing, (1, n, d), found[0], 1)
    if counted:
        _counts_drawn(thing, d, found[0])
    return found[0]


def _counts_drawn(thing: DiagonalSketch, d: int, law: dict[bytes, Fraction]) -> None:
    """Every number of rows, and those that the code names, these often. Raises NotTraceable."""
    for lead in row_counts.named_leads(thing, d)[: traced.NAMED // 4]:
        long = math.prod(lead) * d > traced.LONG // 4
        _rows_drawn(thing, (*lead, d), law, 1 if long else ROWS_DRAWN // 2)
    for lead in row_counts.leads(thing, d):
        _rows_drawn(thing, (*lead, d), law, 1)


def _rows_drawn(thing: DiagonalSketch, shape: tuple[int, ...], law: dict[bytes, Fraction], runs: int) -> None:
    """Rows of as many as this must be outcomes of the law, entries kept as often as it says. Raises NotTraceable.

    Of every call one row is counted: rows of one call may depend on each other.
    """
    from scipy.stats import binom

    rng, d = np.random.default_rng([43, *shape]), shape[-1]
    blocks = [_outcome_rows(thing.draw(shape, rng), shape) for _ in range(runs)]
    if not {w.tobytes() for block in blocks for w in block} <= law.keys():
        raise NotTraceable(f"a row of draw({shape}) is not among the enumerated ones")
    if runs == 1:
        return
    # One row of each call is an independent draw: its count at each entry is binomial under the law.
    # Endpoints p = 0, 1 are decided by the support already.
    kept = np.sum([block[at % len(block)] != 0 for at, block in enumerate(blocks)], axis=0)
    p = sum((float(q) * (np.frombuffer(w) != 0) for w, q in law.items()), start=np.zeros(d))
    inside = (p > 1e-12) & (p < 1 - 1e-12)
    tails = np.minimum(binom.cdf(kept, runs, p), binom.sf(kept - 1, runs, p))[inside]
    if len(tails) and float(tails.min()) < ROWS_LEVEL / d:
        raise NotTraceable(
            f"rows of draw({shape}) keep entries at other frequencies than the enumerated ones"
        )


def _outcome_rows(w: object, shape: tuple[int, ...]) -> Array:
    """The rows of a draw."""
    return np.frombuffer(_outcome(w, shape)).reshape(-1, shape[-1])


def independent_rows(thing: object, d: int, law: dict[bytes, Fraction], limit: int, limits: Limits) -> bool:
    """True when two rows of one draw have the product of the law with itself. Raises NotTraceable as `draw_law`."""
    # Simulations compress all replicates in one call; bounds on means over replicates need their independence.
    if len(law) ** 2 > limit:
        raise NotTraceable(f"{len(law)} outcomes of a row are too many for two")
    both = _law(cast("DiagonalSketch", thing), (2, d), limit, limits)
    return both == {a + b: p * q for a, p in law.items() for b, q in law.items()}


def draw_moments(thing: object, d: int, limit: int, limits: Limits, counted: bool = True) -> Moments | None:
    """E w_j and E w_j^2 from `draw_law`, exactly."""
    law = draw_law(thing, d, limit, limits, counted)
    if law is None:
        return None
    mean, second = [Fraction(0)] * d, [Fraction(0)] * d
    for w, p in law.items():
        exact = [simple(v) for v in np.frombuffer(w)]
        mean = [m + p * v for m, v in zip(mean, exact, strict=True)]
        second = [s + p * v * v for s, v in zip(second, exact, strict=True)]
    return mean, second


Drawn = tuple[list[Fraction], list[Fraction], tuple[tuple[Fraction, Fraction], ...]]
"""Moments of a draw, and how its floats were read."""


def _are_drawn(answer: object, subject: Subject, d: int, *_: object) -> bool:
    """True for None, or d exact means and second moments with readings that are readings."""
    if answer is None:
        return True
    if not isinstance(answer, tuple) or len(answer) != 3 or [len(part) for part in answer[:2]] != [d, d]:
        return False
    exact = all(isinstance(v, Fraction) for part in answer[:2] for v in part)
    return exact and all(isinstance(v, Fraction) and named(v) == q for v, q in answer[2])


@beside(_are_drawn)
def drawn_moments(subject: Subject, d: int, limit: int, limits: Limits) -> Drawn | None:
    """`draw_moments` of the subject's object, and how its floats were read."""
    with noting() as readings:
        found = draw_moments(subject.object, d, limit, limits)
    return None if found is None else (*found, tuple(readings.items()))


Finding = tuple[str, str, str, str]
"""A stage, what it says, the breach that it found or "", and its evidence."""


@beside(
    lambda answer, *_: (
        isinstance(answer, list) and all(len(f) == 4 and isinstance("".join(f), str) for f in answer)
    )
)
def draw_findings(
    subject: Subject, d: int, alpha: float, seed: int, paths: int, limits: Limits
) -> list[Finding]:
    """Sketches in the object that do not draw with their declared probabilities: many draws, and a user's traced."""
    thing, out = subject.object, list[Finding]()
    theirs = list(sketches(thing)) if stranger(subject) else []
    drawn = [thing] if isinstance(thing, DiagonalSketch) else theirs
    for sketch in drawn:
        breach = draw_breach(sketch, d, alpha / len(drawn), seed)
        out.append(("draw audit", breach or "as declared", breach, "statistical"))
        if breach:
            return out
    for sketch in theirs:
        same, breach = compared_draws(sketch, d, paths, limits)
        at = ", ".join(map(str, same))
        said = breach or (f"as declared at d = {at}" if same else "not traceable")
        out.append(("draw traced", said, breach, "symbolic trace"))
    return out


def _law(thing: DiagonalSketch, shape: tuple[int, ...], limit: int, limits: Limits) -> dict[bytes, Fraction]:
    """Outcome -> probability of draw(shape), real draws checked to be among the outcomes."""
    law: dict[bytes, Fraction] = {}
    real = (traced.Real("a generator", partial(thing.draw, shape, rng)) for rng in traced.generators())

    def same(_: int, rng: np.random.Generator, output: object) -> bool:
        return _outcome(thing.draw(shape, rng), shape) == _outcome(output, shape)

    for leaf in traced.faithful(lambda rng: thing.draw(shape, rng), limit, Allowance(*limits), real, same):
        w = _outcome(leaf.output, shape)
        law[w] = law.get(w, Fraction(0)) + leaf.read
    for seed in range(64):
        if _outcome(thing.draw(shape, np.random.default_rng([5, seed])), shape) not in law:
            raise NotTraceable("a real draw is not among the enumerated ones")
    return law


def _outcome(w: object, shape: tuple[int, ...]) -> bytes:
    """A draw's weights as bytes, -0.0 as 0.0. Raises NotTraceable where they are no array of numbers of this shape."""
    out = np.asarray(w)
    if out.shape != shape or out.dtype == object:
        raise NotTraceable("draw() gives no array of numbers of its shape")
    return bytes((out.astype(np.float64) + 0.0).tobytes())


def sketches(thing: object) -> Iterator[DiagonalSketch]:
    """The sketches of others in an object: itself, or members of a combinator or fleet at any depth."""
    if isinstance(thing, DiagonalSketch) and foreign(thing):
        yield thing
    members = isinstance(thing, Compressor | Fleet)
    parts = vars(thing).values() if members else cast("tuple[object, ...]", thing)
    for part in parts:
        if isinstance(part, Compressor | tuple):
            yield from sketches(part)


def compared_draws(thing: DiagonalSketch, d: int, limit: int, limits: Limits) -> tuple[list[int], str]:
    """(dimensions at which the traced draw has the declared inclusion probabilities, a breach or "").

    A user's sketch too large to trace at d is held against its declaration at small dimensions: evidence, no proof.
    """
    same: list[int] = []
    # Inclusion probabilities by enumeration take as many paths as the draw has outcomes: affordable for a few
    # entries only.
    for small in (v for v in range(1, min(d, SMALL_SKETCH) + 1) if thing.supports(v)):
        try:
            found = draw_moments(thing, small, limit, limits, counted=False)
            declared = thing.inclusion(small)
        except Exception:  # the user's draw refuses symbols, or its declaration does not cover this d
            continue
        if found is None:
            break
        p = [simple(q) for q in (declared if np.ndim(declared) else [declared] * small)]
        if found != ([Fraction(1)] * small, [1 / q for q in p]):
            return same, f"at d = {small} the traced draw() has not the declared inclusion probabilities"
        same.append(small)
    return same, ""


def row_breaches(subject: Subject, d: int, law: Law | None) -> Iterator[tuple[str, Array]]:
    """Where rows of a user's object are not what `_compress` does to that vector: many inputs, shapes and precisions.

    Deterministic objects are held to the reference's output, random ones to its outcomes where `law` lists them.
    """
    rows = subject.object.kernel if isinstance(subject.object, Compressor) else subject.batch
    if rows is None or subject.workers or not (subject.deterministic or law is not None):
        return
    rng = np.random.default_rng(17)
    points = _many(d)
    every = 1 + len(_outcomes(subject, points[0], law)) // 100  # enumeration is paid for at every input
    for at, x in enumerate(points[::every]):
        others = [points[int(i)] for i in rng.integers(len(points), size=5)]
        outcomes = _outcomes(subject, x, law)
        for shape, dtype in _shapes(at):
            block = np.stack([x, *others])[: int(np.prod(shape))].reshape(*shape, d).astype(dtype)
            if dtype == np.float32 and not inside(x, (1e-30, 1e30)):
                continue
            out = np.asarray(rows(block, np.random.default_rng([3, at])))
            if out.shape != block.shape:
                yield f"kernel() gives shape {out.shape} for rows of shape {block.shape}", x
            elif not _among(out.reshape(-1, d)[0], outcomes, np.dtype(dtype)):
                yield (
                    f"kernel() on shape {block.shape}, {np.dtype(dtype)}, gives what _compress never does",
                    x,
                )


def one_hot_breach(subject: Subject, d: int, alpha: float, seed: int) -> tuple[str, Array | None]:
    """("", None) unless kernel() keeps the entry of some unit vector at another frequency than _compress() does.

    For random objects with too many outcomes to list: exact two-sample tails of the counts, alpha split over entries.
    """
    from scipy.stats import hypergeom

    runs = min(2048, 20_000_000 // (d * d))
    if subject.batch is None or subject.workers or runs < 16:
        return "", None
    rows = np.tile(np.eye(d), (runs, 1))
    counts = []
    kernel: Program = cast("Compressor", subject.object).kernel
    for at, call in enumerate((subject.batch, kernel)):
        # diagonal of (d, d): what the message of e_j holds at j, kept or not
        out = np.asarray(call(rows.copy(), np.random.default_rng([seed, d, at]))).reshape(runs, d, d)
        counts.append(np.count_nonzero(np.einsum("rjj->rj", out), axis=0))
    # Given how often either keeps entry j, the number of the first is hypergeometric where both have one
    # chance of it: Fisher's exact test, which needs no knowledge of that chance.
    both = counts[0] + counts[1]
    law = hypergeom(2 * runs, both, runs)
    tail = np.minimum(law.cdf(counts[0]), law.sf(counts[0] - 1))
    j = int(tail.argmin())
    if tail[j] >= alpha / (4 * d):
        return "", None
    kept = f"{counts[0][j]} and {counts[1][j]} of {runs} runs"
    return f"_compress() and kernel() keep entry {j} of its unit vector in {kept}", np.eye(d)[j]


def _shapes(at: int) -> list[tuple[tuple[int, ...], DTypeLike]]:
    """A vector, rows and blocks; single precision too."""
    shapes = [(), (1,), (2,), (3,), (2, 3), (1, 1)]
    return [(shapes[0], np.float64), (shapes[1 + at % 5], np.float64), (shapes[at % 6], np.float32)]


def _outcomes(subject: Subject, x: Array, law: Law | None) -> Array:
    """The outputs that a row may have at x: the reference's one, or all of its law."""
    if subject.deterministic:
        return np.asarray(subject.program(x.copy(), np.random.default_rng(0)), dtype=np.float64)[None]
    assert law is not None
    return np.array([np.asarray(leaf.output, dtype=np.float64) for leaf in law(x)])


def _among(y: Array, outcomes: Array, dtype: DTypeLike) -> bool:
    """True when y is one of the outcomes up to rounding of its precision."""
    scale = max(float(np.abs(outcomes).max()), 1e-300)
    return bool((np.abs(outcomes - y).max(axis=1) <= ROUNDING[np.dtype(dtype)] * scale).any())


def _many(d: int) -> list[Array]:
    """Inputs of many magnitudes, sign patterns, ties and powers of two."""
    rng = np.random.default_rng(23)
    points = structured(d, 1)
    found = points[:: max(1, len(points) // 40)] + scattered(d, 2, 20)
    for scale in (DOMAIN[0] * 1e3, 1e-20, 1e-6, 1e-3, 50.0, 1e3, 1e9, 1e20):
        found.append(rng.normal(size=d) * scale)
    found += [s * 2.0 ** rng.integers(-6, 7, size=d) for s in rng.choice([-1.0, 1.0], size=(8, d))]
    found += [np.sign(rng.normal(size=d)) * rng.integers(1, 3, size=d) for _ in range(6)]
    return found
