"""What is being certified: a Compressor, a Fleet or any callable, seen as program(x, rng) on 1-D float64 vectors.

Everything downstream sees a program R^size -> R^d and nothing else of the object, except `object` itself, of which only
what is the package's own code (`compth._own`) may be believed.
"""

from __future__ import annotations

import builtins
import inspect
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, cast

import numpy as np

from compth._door import is_whole
from compth._numbers import Number
from compth._own import different
from compth._types import Numbers
from compth.certification.arithmetic import as_numpy
from compth.certification.beside import Plain, Process, Program, accountable, beside, of_program
from compth.claims import JOINT, Claim, JointVariance
from compth.claims.declared import Declared
from compth.compressors import Compressor, Fleet
from compth.compressors.core.calling import GENERATORS, name_of, shown, takes_rng
from compth.compressors.core.function import Function
from compth.errors import InvalidParameter, NoValue, Unsupported

CALL_LIMIT = 5.0
"""Seconds of processor time that one call of the program may take."""
IDLE_LIMIT = 30.0
"""Seconds for which a call may sleep or wait without using the processor."""
TICK = 0.05
"""Seconds between two looks at a running call."""


class CallTooLong(Exception):
    """One call took longer than the limit."""


@contextmanager
def time_limit(seconds: float, idle: float = IDLE_LIMIT) -> Iterator[None]:
    """Raise CallTooLong in this block after so much processor time, or as much waiting (main thread of Unix only).

    Waiting is counted in looks that came while the processor was hardly used: a suspended or starved process is not
    looked at, so neither Ctrl-Z nor a busy machine makes a call too long.
    """
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not usable:
        yield
        return
    # An alarm every TICK looks at two clocks. Processor time of this thread is the program's own; a tick in
    # which the process used next to none was spent waiting, and only such ticks add up to the limit of
    # waiting.
    start, seen, waited = time.thread_time(), time.process_time(), 0.0

    def look(signum: int, frame: object) -> None:
        nonlocal seen, waited
        now = time.process_time()
        waited += TICK if now - seen < TICK / 20 else 0.0
        seen = now
        if time.thread_time() - start > seconds:
            raise CallTooLong(f"one call took more than {seconds:g} s of processor time")
        if waited > idle:
            raise CallTooLong(f"one call waited for more than {idle:g} s")

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Worker(Process, Protocol):
    """The process of a judged file, which can show the object's other programs, too (`supervisor.Worker`)."""

    def form(self, subject: Subject, name: str) -> Subject:
        """The subject whose calls are those of another program of the same object."""
        ...


class Adapter(Protocol):
    """An object that says itself how it is judged."""

    def subject(self) -> object:
        """A Subject, where it keeps its word."""
        ...


@dataclass(frozen=True)
class Subject:
    """program(x, rng) -> array; `size(d)` inputs give `d` outputs (fleets: n d inputs, the averaged message out).

    batch: the same on rows (N, d), where the object declares that its rows are independent. worker: the process in
    which the program lives, None for this one; what is not asked of `program` with floats goes through `beside`; form:
    which of its programs is meant there (`realised`), "" for the reference.
    raw: the program with its outputs as it returns them (torch's, ml_dtypes'), where `program` makes them numpy's.
    claims: d -> what a function declares (`compth.compressor`), None where nothing but a Compressor or Fleet does.
    bits: such a function with bits of its own, whose lengths are judged (`lengths`); None where there are none.
    """

    name: str
    program: Program
    deterministic: bool = False
    workers: int | None = None
    object: builtins.object = None
    batch: Program | None = None
    worker: Worker | None = None
    form: str = ""
    raw: Program | None = None
    claims: Callable[[int], Iterable[Claim]] | None = None
    bits: builtins.object = None

    def size(self, d: int) -> int:
        """Length of the input at dimension d."""
        return d * (self.workers or 1)

    def supports(self, d: int) -> bool:
        """True when the object has a meaning at d (callables: when a call on ones succeeds)."""
        if isinstance(self.object, Compressor):
            return self.object.supports(d)
        if isinstance(self.object, Fleet):
            return not self.object.why_not(self.workers or 1, d)
        return runs(self, d)

    def is_identity(self, d: int) -> bool:
        """True when two random inputs come back unchanged: nothing to learn at this d."""
        rng = np.random.default_rng(1)
        for _ in range(2):
            x = rng.normal(size=self.size(d))
            if self.workers or not np.array_equal(np.asarray(self.program(x.copy(), rng)), x):
                return False
        return True


@beside(lambda answer, subject, d: isinstance(answer, bool))
def runs(subject: Subject, d: int) -> bool:
    """True when a call on ones gives d numbers. Raises CallTooLong."""
    try:
        with time_limit(CALL_LIMIT):
            out = subject.program(np.ones(subject.size(d)), np.random.default_rng(0))
    except CallTooLong:
        raise
    except Exception as problem:
        if not of_program(problem):
            raise
        return False
    try:
        return np.shape(cast("Numbers", out)) == (d,)
    except ValueError:  # a list of unequal parts
        return False


def joint_workers(claims: object) -> int | None:
    """n of a joint claim among the claims, None when there is none."""
    listed = claims if isinstance(claims, list | tuple) else [claims]
    return next((c.n for c in listed if isinstance(c, JOINT)), None)


def as_subject(what: object, n: int | None = None, together: int | None = None) -> Subject:
    """Wrap a Compressor, Fleet or callable, each call accounted for. Raises InvalidParameter for anything else."""
    # From here on every call of the program is counted and what it raises is marked as its own: a failure of
    # ours is then never held against it.
    seen = _seen(what, n, together)
    if seen.worker is not None:
        return seen
    batch, raw = (None if f is None else accountable(f) for f in (seen.batch, seen.raw))
    return replace(seen, program=accountable(seen.program), batch=batch, raw=raw)


def _seen(what: object, n: int | None, together: int | None) -> Subject:
    """The subject before its calls are accounted for: each kind of object in its own way."""
    if isinstance(what, Function):  # judged as the plain function that it is
        bits = what if what.declares_bits else None
        return replace(_seen(what.function, n, together), claims=what.claims, bits=bits)
    if isinstance(what, Compressor):
        return Subject(repr(what), what._compress, what.deterministic, object=what, batch=what._compress)
    if isinstance(what, Fleet):
        workers = n or getattr(what, "n", None) or (len(what.members) if len(what.members) > 1 else 3)

        # A fleet is seen through its averaged message: one program R^(n d) -> R^d, to which every tool below
        # applies.
        def joint(x: Numbers, rng: np.random.Generator) -> Numbers:
            """The average of the messages of one draw."""
            rows = x.reshape(workers, -1)
            return np.asarray(what._compress(rows, rng).sum(axis=0) / workers)

        return Subject(repr(what), joint, workers=workers, object=what)
    if hasattr(type(what), "subject"):  # adapters say themselves how they are seen
        return _adapted(cast("Adapter", what))
    if isinstance(what, type) and issubclass(what, Compressor | Fleet):
        raise InvalidParameter(f"{what.__name__} is a class: make one, such as {what.__name__}(...)")
    if not callable(what):
        pair = any(all(hasattr(what, name) for name in names) for names in PAIRS)
        hint = f"; judge C = compth.adapt({type(what).__name__}()) in your file instead, or say --pair"
        hint = hint if pair else ""
        raise InvalidParameter(f"{shown(what)} is neither a Compressor nor a callable f(x, rng){hint}")
    name = name_of(what)
    _without_own_generator(what)
    if n is not None or together is not None:
        if getattr(what, "one_vector", False):
            raise InvalidParameter(
                f"{name}: an adapted program takes one vector, and n= speaks of rows (n, d): judge f(X, rng) on rows"
            )
        members = _members(name, n, together)

        def averaged(x: Numbers, rng: np.random.Generator) -> Numbers:
            """The average of the rows that a function gives. Raises Plain where it gives another shape."""
            rows = x.reshape(members, -1)
            out = what(rows, rng) if takes_rng(what) else what(rows)
            if np.shape(out) != rows.shape:
                raise Plain(f"returned shape {np.shape(out)} for n={members} rows of shape {rows.shape}")
            return np.asarray(np.asarray(out).sum(axis=0) / members)

        return Subject(name, averaged, not takes_rng(what), workers=members, object=what)
    random = takes_rng(what)
    if not random:
        _without_keyword(what, name)
    raw: Program = what if random else lambda x, rng: what(x)
    return Subject(name, lambda x, rng: as_numpy(raw(x, rng)), not random, object=what, raw=raw)


PAIRS = (
    ("compress", "decompress"),
    ("compress", "extract"),
    ("encode", "decode"),
    ("quantize", "dequantize"),
    ("pack", "unpack"),
)
"""How libraries call the two halves of a compressor: what makes a message, and what makes a vector of it."""


def _members(name: str, n: int | None, together: int | None) -> int:
    """The number of workers of f(X, rng). Raises InvalidParameter where nobody says it, or two say different ones."""
    if n is None and together == 1:
        raise InvalidParameter(f"{name}: a joint claim speaks of n workers: say how many, n=4 (-n 4)")
    found = n if n is not None else together
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise InvalidParameter(f"n={n!r} must be a whole number of workers, at least 1")
    if together not in (None, 1, found):
        raise InvalidParameter(f"n={n} but the claim speaks of {together} workers: give one of them")
    return found


def _adapted(adapter: Adapter) -> Subject:
    """The subject that an adapter makes; what one of others makes is a program of theirs, whatever object it names.

    Raises InvalidParameter for answers that no process of the referee's gave.
    """
    made = adapter.subject()
    # `object` decides what is believed of a program without a look at it (its declared probabilities, its own
    # code), so an adapter of others may not name one of ours; nor may its answer come with a worker that it
    # made up.
    ours = isinstance(made, Subject) and not different(adapter)
    if isinstance(made, Subject) and (made.worker is None or (ours and not different(made.worker))):
        return made if ours else replace(made, object=adapter, form="")
    raise InvalidParameter(
        f"{shown(adapter)}.subject() makes no program of this process: judge the program itself"
    )


def _without_own_generator(function: Callable[..., object]) -> None:
    """Raises InvalidParameter for partial(f, rng=...): it draws from the generator that it holds, not the given one."""
    if not isinstance(function, partial):
        return
    held = np.random.Generator | np.random.RandomState
    word = next((k for k, v in function.keywords.items() if isinstance(v, held)), "")
    first = ["rng" if isinstance(v, held) else repr(v) for v in function.args]
    if word or "rng" in first:
        again = _called_with(function, word) if word else f"lambda x, rng: {name_of(function.func)}"
        again += "" if word else f"({', '.join([*first, 'x'])})"
        said = f"{name_of(function)} binds a generator of its own"
        raise InvalidParameter(f"{said}: judge C = {again} in your file instead")


def _called_with(function: Callable[..., object], word: str) -> str:
    """The lambda that hands the generator on by this keyword, as one would write it."""
    inner = function.func if isinstance(function, partial) else function
    bound = function.keywords if isinstance(function, partial) else {}
    rest = "".join(f", {k}={v!r}" for k, v in bound.items() if k != word)
    return f"lambda x, rng: {name_of(inner)}(x{rest}, {word}=rng)"


def _without_keyword(function: Callable[..., object], name: str) -> None:
    """Raises InvalidParameter for f(x, *, rng): called as f(x) it would draw from a generator of its own, or fail."""
    try:
        listed = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    by_word = inspect.Parameter.KEYWORD_ONLY
    word = next((p.name for p in listed if p.kind is by_word and p.name in GENERATORS), "")
    if word and word not in getattr(function, "keywords", {}):
        raise InvalidParameter(
            f"{name} takes {word} by keyword alone: judge C = {_called_with(function, word)} in your file instead"
        )


def declared_claims(
    subject: Subject, claims: object, params: Mapping[str, object]
) -> list[Callable[[int], list[Claim]]]:
    """Functions d -> claims: those given, or the object's own."""
    if claims is not None:
        given = list(claims) if isinstance(claims, list | tuple) else [claims]
        if not all(isinstance(c, Claim) for c in given):
            raise InvalidParameter(f"claims={claims!r}: give Claim objects such as Unbiased('d/5 - 1')")
        listed = [_joint(c, subject) for c in given if isinstance(c, Claim)]
        return [lambda d, c=c: [Declared(c, params).at(d)] for c in listed]  # type: ignore[misc]
    if subject.claims is not None:
        own = subject.claims
        return [lambda d: list(own(d))]
    thing = subject.object
    if isinstance(thing, Compressor):
        return [lambda d: list(thing.claims(d))]
    if isinstance(thing, Fleet):
        n = subject.workers or 1
        return [lambda d: [c for c in thing.claims(n, d) if isinstance(c, JointVariance)]]
    return []


def _joint(claim: Claim, subject: Subject) -> Claim:
    """The claim with the subject's number of workers. Raises InvalidParameter for what speaks of one vector there."""
    if not subject.workers:
        if isinstance(claim, JOINT) and subject.worker is None:
            said = f"{subject.name} takes one vector, and {type(claim).__name__} speaks of n workers: say n="
            raise InvalidParameter(said)
        return claim
    if not isinstance(claim, JOINT):
        raise InvalidParameter(
            f"{subject.name} has n = {subject.workers} workers, and {type(claim).__name__} speaks of one vector: claim "
            "JointVariance or JointContractive"
        )
    return replace(claim, n=subject.workers)


def meaningless(claim: Claim) -> str:
    """ "" for a claim that says something of something, else the constant: omega < 0, delta > 1, delta = 0 ..."""
    # Expressions in d may leave the range in which a claim means anything (delta = k/d > 1 below k): there
    # nothing is claimed, which is no counterexample.
    least = {"omega": 0.0, "eta": 0.0, "Delta": 0.0, "A": 0.0, "c": 0.0}
    for name, value in claim.constants.items():
        if name in least and float(value) < least[name]:
            return f"{name} = {value} < 0"
    delta = claim.constants.get("delta", 1)
    if not float(delta) > 0:  # C(x) = 0 would satisfy delta = 0: nothing contracts
        return f"delta = {delta}, and a contraction has 0 < delta <= 1"
    return f"delta = {delta} > 1" if float(delta) > 1 else ""


def meant(makers: list[Callable[[int], list[Claim]]], d: int) -> tuple[list[Claim], list[str]]:
    """(the claims at d, why others say nothing there): a constant without a value, or one that nothing has."""
    claims, notes = list[Claim](), list[str]()
    for make in makers:
        try:
            found = make(d)
        except NoValue as problem:
            notes.append(f"d = {d} is skipped: {problem}")
            continue
        for claim in found:
            why = meaningless(claim)
            if why:
                notes.append(f"{type(claim).__name__} is skipped at d = {d}, where it has no meaning: {why}")
            else:
                claims.append(claim)
    return claims, notes


LARGEST = 10**7
"""The largest dimension that is judged: beyond it a few vectors no longer fit."""


def dimensions(subject: Subject, d: object) -> list[int]:
    """The dimensions that the verdict will speak of: those asked for, or the smallest supported, 30, 200 and 1000."""
    only = getattr(subject.object, "only_d", None)
    if d is None and only is not None:
        return [int(only)]
    if d is not None:
        several = isinstance(d, list | tuple | range | np.ndarray) and np.shape(d) != ()
        asked: list[Number] = list(cast("Iterable[Number]", d)) if several else [d]
        if not asked:
            raise InvalidParameter("d=[] names no dimension: give one, or leave it out")
        for value in asked:
            if not is_whole(value) or not 1 <= value <= LARGEST:
                raise InvalidParameter(
                    f"d={value!r} must be an integer between 1 and {LARGEST}, or a list of them"
                )
            thing = subject.object
            if not isinstance(thing, Compressor | Fleet):
                continue
            if not subject.supports(value):
                why = thing.why_not(*((subject.workers, value) if subject.workers else (value,)))
                raise Unsupported(f"{subject.name} needs {why}, got d={value}")
        return [int(value) for value in asked]
    try:
        return _found(subject)
    except CallTooLong:
        return [1]  # the contract stage will say so


def _found(subject: Subject) -> list[int]:
    """The smallest dimensions that are supported and no identity, and 30, 200, 1000."""
    # Small d, where everything can be enumerated and proved, and three large ones, where constants that grow
    # with d show. A d at which the program is the identity (RandK(k=3) at d = 3) would waste the report on
    # omega = 0.
    small = [v for v in range(1, 9) if subject.supports(v) and not (v < 8 and subject.is_identity(v))][:4]
    if not small:
        small = [v for v in range(9, 65) if subject.supports(v)][:2]
    large = [v for v in (30, 200, 1000) if subject.supports(v)]
    if not small and not large and not isinstance(subject.object, Compressor | Fleet):
        return [3]  # nothing runs: the contract stage says why
    return list(dict.fromkeys(small + large))
