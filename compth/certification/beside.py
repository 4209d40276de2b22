"""Questions about a program, answered beside it: in this process for an object, in the worker for a judged file.

`@beside(check)` marks a function of (subject, ...) that runs the program. Its answer must be made of numbers, text,
float arrays and the listed records; `check(answer, subject, *args)` says whether a worker's answer has the right shape.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from compth.errors import InvalidParameter

if TYPE_CHECKING:
    from compth._types import Numbers


QUESTIONS: dict[str, Callable[..., Any]] = {}
"""Every marked function by its name."""


def beside(check: Callable[..., bool]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function of (subject, *args) as one that must run in the process of the program."""

    def decorate(function: Callable[..., Any]) -> Callable[..., object]:
        name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
        QUESTIONS[name] = function

        @wraps(function)
        def asked(subject: Any, *args: Any) -> Any:
            if subject.worker is None:
                return function(subject, *args)
            return subject.worker.ask(name, args, lambda answer: check(answer, subject, *args), subject.form)

        return asked

    return decorate


class Calls:
    """Whether a call of the program is running, how many began, and whether the running one is traced.

    The worker puts these numbers into memory that its supervisor reads: so both know whose a failure is.
    """

    def __init__(self) -> None:
        self.state: Any = array("q", [0, 0, 0])
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


def accountable(program: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The same program; while it runs CALLS says so, and what it raises is marked as its own."""

    def called(x: Numbers, rng: object) -> Any:
        state = CALLS.state
        state[1] += 1
        state[2] = not drawn_by_numpy(rng)
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
    problem.compth_program = True  # type: ignore[attr-defined]
    problem.compth_input = x  # type: ignore[attr-defined]
    return problem


def of_program(problem: BaseException) -> bool:
    """True for what the program raised: everything else is the machine's or the package's own failure."""
    return getattr(problem, "compth_program", False)


def is_floats(value: object, shape: tuple[int, ...]) -> bool:
    """True for a float64 array of this shape."""
    return isinstance(value, np.ndarray) and value.dtype == np.float64 and value.shape == shape
