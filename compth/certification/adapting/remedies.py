"""Why a program cannot be taken as it stands, and the adapter that takes it: only what was tried is named.

What may be changed: more adapters, in the order in which they are offered. What must not: an adapter is
offered only after the program worked with it, and nothing here says that a claim is true or false.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import numpy as np

from compth._types import Array
from compth.certification.adapters import Batched
from compth.certification.adapting.adapted import Adapted, adapt
from compth.certification.beside import accountable, beside
from compth.certification.subject import CALL_LIMIT, Subject, runs, time_limit
from compth.compressors import Compressor, Fleet
from compth.compressors.core.calling import name_of, takes_rng

Program = Callable[..., object]
"""f(x, rng) or f(x) on vectors."""
_TENSOR = """
abs add bernoulli_ cat ceil chunk clamp clone contiguous cpu cuda detach dim div double expand float floor gather half
index_select is_cuda log2 masked_fill masked_select mul narrow new_zeros norm numel pow requires_grad scatter scatter_
sign sqrt sub to topk uniform_ unsqueeze view_as
"""
TENSOR = frozenset(_TENSOR.split())
"""Methods of torch tensors that numpy's arrays have not."""
SEEDS_OF_THE_SYSTEM = ("urandom", "getrandom", "getrandbits", "token_bytes", "randbits")
CLOCKS = ("time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns")
OUTSIDE = (
    "what draws or remembers lies outside the object, in a closure, a module or a class: hand the given generator on, "
    "as f(x, rng), or hold it in an attribute"
)
"""Why an adapted object does not repeat itself."""
TRIES = 4
"""Calls that an adapted program must repeat, bit for bit, before its adapter is offered."""


@beside(lambda answer, *_: isinstance(answer, str) and answer.isprintable())
def remedy(subject: Subject, d: int) -> str:
    """What a function takes or gives instead of a numpy vector, with its adapter; "" where the plain call works.

    Several arrays, torch and jax where the file imported them, rows of a batch or of workers.
    """
    function = subject.object
    if isinstance(function, Adapted) and function.why_not(d):
        return f"needs {function.why_not(d)}, got d={d}"
    if isinstance(function, Compressor | Fleet | Batched | Adapted) or not callable(function):
        return ""
    if subject.workers or runs(subject, d):
        return ""
    name = _name(function)
    # what works with numpy's arrays is a program of theirs, whatever the file imported
    if _works(partial(adapt, function), d):
        return (
            f"returns {d} numbers, but not as one numpy vector: judge C = compth.adapt({name}) in your file "
            "instead, or say --adapt"
        )
    # Only libraries that the file imported: no program of numpy's is sent to another.
    for backend, what in (("torch", "torch tensors"), ("jax", "jax arrays")):
        if backend in sys.modules and _works(partial(adapt, function, backend), d):
            return (
                f"takes {what}: judge C = compth.adapt({name}, {backend!r}) in your file instead, or say "
                f"--backend {backend}"
            )
    # Rows are offered only to what gives no vector at all: a vector of another length is an error of its
    # own.
    if not _is_vector(subject, d) and _works(partial(Batched, function), d):
        judged = f"judge C = compth.Batched({name}) in your file instead"
        return (
            f"takes rows of shape (N, d): {judged}; where the rows are workers', say -n N (n=N) and "
            "claim JointVariance or JointContractive"
        )
    missing = _missing_method(function, d)
    if missing:
        return (
            f"asks its input for .{missing}, which no numpy vector has: judge a function of numpy vectors instead, for "
            f"torch C = compth.adapt({name}, 'torch') in your file"
        )
    return ""


@beside(lambda answer, *_: isinstance(answer, str) and answer.isprintable())
def remembered(subject: Subject, d: int) -> str:
    """At which state an adapted object with a memory is judged; "" for what has none."""
    if not isinstance(subject.object, Adapted):
        return ""
    try:
        with time_limit(CALL_LIMIT):
            return subject.object.remembers(d)
    except Exception:  # the contract says what it does
        return ""


@beside(
    lambda answer, *_: (
        isinstance(answer, tuple)
        and len(answer) == 2
        and all(isinstance(text, str) and text.isprintable() for text in answer)
    )
)
def cause(subject: Subject, d: int, breach: str) -> tuple[str, str]:
    """(what makes two equal calls differ, the adapter that controls it), each "" where it is not known.

    breach: the contract's words for what differed.
    """
    function = subject.object
    if isinstance(function, Compressor | Fleet | Batched) or not callable(function) or subject.workers:
        return "", ""
    # Why two equal calls differ: the system or the clock, the process's generators, or a state of the
    # object. Each is tried by the adapter that would control it.
    source, name = _outside(subject, d), _name(function)
    # The contract saw the process's own generators move.
    if breach.startswith("drew from"):
        backend = getattr(function, "backend", None)
        inside = f"{name}, {backend!r}" if backend else name
        again = f"judge C = compth.adapt({inside}, generators='global') in your file instead"
        again += ", or say --generators global"
        return source, again if _repeats(partial(adapt, function, generators="global"), d) else ""
    if source:
        return source, ""
    if isinstance(function, Adapted):
        return OUTSIDE, ""
    if not hasattr(function, "__dict__") or not _repeats(partial(adapt, function), d):
        return "", ""
    made = f"{name}()" if not hasattr(function, "__name__") else name
    known = adapt(function).recursion(d)
    said = "the object keeps state between calls" + (f"; {known}" if known else "")
    return said, f"judge C = compth.adapt({made}) in your file instead, or say --state copied"


def _name(function: object) -> str:
    plain = getattr(function, "func", function) if isinstance(function, partial) else function
    return (
        name_of(plain)
        if isinstance(plain, Adapted)
        else str(getattr(plain, "__name__", type(plain).__name__))
    )


def _outside(subject: Subject, d: int) -> str:
    """What one call asks of the system: randomness or the time of day; "" for nothing.

    Seeds of the system cannot be controlled by any adapter; the clock is no randomness that a claim could
    speak of.
    """
    asked: set[str] = set()

    # Python's profiler sees every call, of C functions too, without changing the program.
    def look(frame: FrameType, event: str, what: object) -> None:
        """Note what is called."""
        if event == "c_call":
            asked.add(f"{getattr(what, '__module__', '')}.{getattr(what, '__name__', '')}")
        elif event == "call":
            asked.add(f".{frame.f_code.co_name}")

    before = sys.getprofile()
    try:
        with time_limit(CALL_LIMIT):
            sys.setprofile(look)
            subject.program(np.ones(subject.size(d)), np.random.default_rng(0))
    except Exception:  # the contract says what it does
        return ""
    finally:
        sys.setprofile(before)
    names = {word.rpartition(".")[2] for word in asked}
    if names.intersection(SEEDS_OF_THE_SYSTEM):
        return (
            "it draws from a generator that the operating system seeds at every call (default_rng() without a seed, "
            "secrets, os.urandom): nothing can repeat it; hand the given generator on"
        )
    if any(word.startswith("time.") and word[5:] in CLOCKS for word in asked):
        return "it reads the clock"
    return ""


def _missing_method(function: Callable[..., object], d: int) -> str:
    """The method of tensors that a plain call asks of the numpy vector itself; "" where it fails otherwise."""
    x, call = np.ones(d), function if takes_rng(function) else lambda x, rng: function(x)
    try:
        with time_limit(CALL_LIMIT):
            accountable(call)(x, np.random.default_rng(0))
    except AttributeError as problem:
        # Only of the vector itself, and only a method that tensors have: other missing attributes are the
        # program's own.
        return problem.name if problem.obj is x and problem.name in TENSOR else ""
    except Exception:
        return ""
    return ""


def _is_vector(subject: Subject, d: int) -> bool:
    """True when a plain call on ones gives one vector of numbers: of another length, it is no matter of rows."""
    try:
        with time_limit(CALL_LIMIT):
            out = np.asarray(subject.program(np.ones(d), np.random.default_rng(0)), dtype=float)
    except Exception:
        return False
    return out.ndim == 1


def _works(make: Callable[[], Program], d: int) -> bool:
    """True when the adapted function gives d finite numbers for ones."""
    try:
        with time_limit(CALL_LIMIT):
            out = np.asarray(_call(make)(np.ones(d), 0), dtype=float)
    except Exception:
        return False
    return out.shape == (d,) and bool(np.isfinite(out).all())


def _repeats(make: Callable[[], Program], d: int) -> bool:
    """True when the adapted function gives the same for the same, whatever was called in between.

    The calls in between use other vectors and seeds: a hidden state would show.
    """
    x = np.linspace(-1.3, 2.1, d)
    try:
        with time_limit(CALL_LIMIT):
            # The first results with several seeds, then another call, then the same again.
            call = _call(make)
            first = [call(x, seed) for seed in range(TRIES)]
            call(-x[::-1], 77)
            return all(
                np.array_equal(np.asarray(call(x, seed)), np.asarray(y)) for seed, y in enumerate(first)
            )
    except Exception:
        return False


def _call(make: Callable[[], Program]) -> Callable[[Array, int], object]:
    """The adapted program as a function of a vector and a seed, that takes copies."""
    made = make()
    call = accountable(made if takes_rng(made) else lambda x, rng: made(x))
    return lambda x, seed: call(np.array(x), np.random.default_rng(seed))
