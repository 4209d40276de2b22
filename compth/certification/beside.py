"""Questions about a program, answered beside it: in this process for an object, in the worker for a judged file.

`@beside(check)` marks a function of (subject, ...) that runs the program. Its answer must be made of numbers, text,
float arrays and the listed records; `check(answer, subject, *args)` says whether a worker's answer has the right shape.

A new question is a marked function whose check rejects everything that the referee would not know how to use: a judged
file controls the worker, so its answers are input, not results. Verdicts are never asked of a worker.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar, cast

import numpy as np

from compth.errors import InvalidParameter

if TYPE_CHECKING:
    from compth._types import Numbers


class Process(Protocol):
    """The process in which a judged program lives, as its questions see it (`supervisor.Worker`)."""

    def ask(
        self, name: str, arguments: tuple[object, ...], check: Callable[[object], bool], form: str = ""
    ) -> object:
        """The answer of the question of that name, once `check` accepts it."""
        ...


class Asked(Protocol):
    """What questions are asked about: worker None for a program of this process; form: which of its programs."""

    @property
    def worker(self) -> Process | None: ...
    @property
    def form(self) -> str: ...


P = ParamSpec("P")
T = TypeVar("T")
G = TypeVar("G")
S = TypeVar("S", bound=Asked)
Program = Callable[["Numbers", np.random.Generator], object]
"""program(x, rng): one call; what it returns is looked at by whoever calls it."""
QUESTIONS: dict[str, Callable[..., object]] = {}
"""Every marked function by its name."""


def beside(
    check: Callable[..., bool],
) -> Callable[[Callable[Concatenate[S, P], T]], Callable[Concatenate[S, P], T]]:
    """Mark a function of (subject, *args) as one that must run in the process of the program."""

    def decorate(function: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
        name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
        QUESTIONS[name] = function

        @wraps(function)
        def asked(subject: S, /, *args: P.args, **named: P.kwargs) -> T:
            if subject.worker is None:
                return function(subject, *args, **named)
            if named:
                raise TypeError(f"{name} is asked of another process: its arguments have no names there")
            # The worker runs code that a user wrote and may send anything: only `check` makes an answer of
            # this type.
            answer = subject.worker.ask(
                name, args, lambda answer: check(answer, subject, *args), subject.form
            )
            return cast("T", answer)

        return asked

    return decorate


class Calls:
    """Whether a call of the program is running, how many began, and whether the running one is traced.

    The worker puts these numbers into memory that its supervisor reads: so both know whose a failure is.
    """

    def __init__(self) -> None:
        self.state: array[int] | memoryview[int] = array("q", [0, 0, 0])
        self.caught: tuple[type[BaseException], ...] = (SystemExit, GeneratorExit)
        """What else than an Exception the program may not raise; in a worker also KeyboardInterrupt: nobody types."""


CALLS = Calls()


class Escaped(Exception):
    """The program raised what is no Exception, such as SystemExit."""


class Misfit(InvalidParameter):
    """An adapter cannot take the program: nothing is said of the program itself."""


class Plain(Exception):
    """A breach in words of its own."""


def drawn_by_numpy(rng: object) -> bool:
    """True for numpy's generator on bits of its own: symbols and chosen draws are our doing, and their cost ours."""
    return type(rng) is np.random.Generator and isinstance(rng.bit_generator, np.random.BitGenerator)


def accountable(program: Callable[[Numbers, G], T]) -> Callable[[Numbers, G], T]:
    """The same program; while it runs CALLS says so, and what it raises is marked as its own."""

    def called(x: Numbers, rng: G) -> T:
        state = CALLS.state
        # Written before and after the call, in memory that the supervisor shares: when the process dies or
        # hangs in between, state[0] says that it was inside the program, and state[2] that a trace (which is
        # slow) was running.
        state[1] += 1
        state[2] = int(not drawn_by_numpy(rng))
        state[0] = 1
        try:
            return program(x, rng)
        except Misfit:
            raise
        except Exception as problem:
            raise marked(problem, x) from None
        except CALLS.caught as problem:
            raise marked(Escaped(f"{type(problem).__name__}: {problem}"), x) from None
        finally:
            state[0] = 0

    return called


def marked(problem: Exception, x: object) -> Exception:
    """The same exception, known to come out of a call of the program at x."""
    object.__setattr__(problem, "compth_program", True)
    object.__setattr__(problem, "compth_input", x)
    return problem


def of_program(problem: BaseException) -> bool:
    """True for what the program raised: everything else is the machine's or the package's own failure."""
    return bool(getattr(problem, "compth_program", False))


def is_floats(value: object, shape: tuple[int, ...]) -> bool:
    """True for a float64 array of this shape."""
    return isinstance(value, np.ndarray) and value.dtype == np.float64 and value.shape == shape
