"""At the door of a public function: what its arguments must be, said in one line before anything runs.

A rule is a function of a value that returns what is wanted, or "" where the value will do. Rules look at what an
object offers, never at its class: problems and methods of other packages pass like our own.

A new rule is a function here that answers in words which continue "must be ..."; rules never raise, whatever a user's
object does when it is looked at, and never compute: what a value means is checked by whoever uses it.
"""

from __future__ import annotations

import functools
import inspect
import math
import operator
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, ParamSpec, TypeGuard, TypeVar, cast

from compth._numbers import uninherited
from compth._threads import one_blas_thread
from compth.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, DTypeLike

    from compth._numbers import Number


P = ParamSpec("P")
T = TypeVar("T")
Rule = Callable[[object], str]
"""A value -> what it must be, "" where it is."""


def at_the_door(**rules: Rule) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Hold the named arguments, where they are given, against their rules; then run it with one BLAS thread.

    Numbers of a class of others, which may compare and multiply as it likes, count for what they hold. Raises
    InvalidParameter.
    """

    def guarded(function: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def call(*given_args: P.args, **given_named: P.kwargs) -> T:
            # A subclass of float may add and compare as it likes, also differently at each call: past the
            # door only the number that it holds is left, so that what was checked is what is computed with.
            args, kwargs = uninherited(given_args), uninherited(given_named)
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError:
                return function(*args, **kwargs)  # Python's own message names the argument
            for name, value in given.items():
                answers(name, value)
                no_mask(name, value)
                if name in rules and (wanted := rules[name](value)):
                    raise InvalidParameter(f"{name}={_short(value)} must be {wanted}")
            with one_blas_thread:
                return function(*args, **kwargs)

        return call

    return guarded


ASKED = ("__class__", "compress", "decompress", "gradients", "init", "claims", "ndim")
"""What objects are asked for, whether they have it or not."""


def answers(name: str, value: object) -> None:
    """Raise InvalidParameter for an object whose class answers for its attributes itself, with errors or untruly."""
    kind = type(value)
    lookups = (vars(c).get("__getattribute__") for c in type.__dict__["__mro__"].__get__(kind))
    own = next(found for found in lookups if found is not None)
    spare = next((vars(c)["__getattr__"] for c in kind.__mro__ if "__getattr__" in vars(c)), None)
    hook = "__getattribute__" if isinstance(own, FunctionType) else "__getattr__"
    for asked in ASKED if any(isinstance(f, FunctionType) for f in (own, spare)) else ():
        said = f"{name}: {kind.__name__}.{hook}"
        try:
            found = getattr(value, asked, None)
        except Exception as problem:
            raise InvalidParameter(
                f"{said} raises {type(problem).__name__} when it is asked for {asked!r}: let it raise AttributeError"
                " for what it does not have"
            ) from None
        if asked == "__class__" and not isinstance(found, type):
            raise InvalidParameter(f"{said} gives no class as __class__: give the object's own")


def no_mask(name: str, value: object) -> None:
    """Raise InvalidParameter for a masked array of numpy that hides entries: computing would take them for numbers."""
    mask = getattr(value, "mask", None) if hasattr(type(value), "filled") else None
    if mask is None:
        return
    import numpy as np

    # `np.asarray` gives what lies below a mask, mostly the very entries that were masked for being wrong.
    hidden = np.asarray(mask)  # one truth value where none is masked
    if hidden.any():
        raise InvalidParameter(
            f"{name} is a masked array that hides {int(hidden.sum())} of its {hidden.size} entries: fill them first,"
            " with filled(0), or leave them out"
        )


def _short(value: object) -> str:
    """A value in an error's line: at most 60 characters."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a user's object may not even print
        text = type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."


def _axes(value: object) -> int:
    """Dimensions of an array, 0 for anything else."""
    found = getattr(value, "ndim", None)
    return found if isinstance(found, int) else 0


def a_method(value: object) -> str:
    """A method, not its class and not a compressor."""
    if isinstance(value, type):
        return "a method, not a class: call it, as in ct.DIANA(ct.RandK(k=2))"
    return "" if _offers(value, "init", "step", "check") else "a method such as ct.DIANA(ct.RandK(k=2))"


def methods(value: object) -> str:
    """A list of methods."""
    if not isinstance(value, list | tuple) or not value:
        return "a list of methods such as [ct.GD(), ct.DIANA(ct.RandK(k=2))]"
    return next((f"a list of methods, and {_short(m)} is none" for m in value if a_method(m)), "")


def a_problem(value: object) -> str:
    """Something with n workers, dimension d and gradients."""
    if (
        not isinstance(value, type)
        and _offers(value, "gradients")
        and hasattr(value, "n")
        and hasattr(value, "d")
    ):
        return ""
    return "a problem such as ct.problems.random_quadratic(n=3, d=5)"


def _offers(value: object, *names: str) -> bool:
    """True where the value has all these methods."""
    return all(callable(getattr(value, name, None)) for name in names)


def a_compressor(value: object) -> str:
    """A compressor, not its class."""
    # The commonest slip is the class in place of an object: ct.RandK for ct.RandK(k=2).
    made = not isinstance(value, type) and _offers(value, "compress", "claims", "bits")
    return "" if made else "a compressor such as ct.RandK(k=2)"


def a_fleet(value: object) -> str:
    """A fleet, not a compressor."""
    made = not isinstance(value, type) and hasattr(value, "members") and _offers(value, "claims")
    return "" if made else "a fleet such as ct.PermK(n=4) or ct.as_fleet(ct.RandK(k=2))"


def a_list(value: object) -> str:
    """Several things."""
    # A text is a sequence, too, of letters that nobody meant one by one.
    none = isinstance(value, str | bytes | type) or getattr(value, "ndim", 1) == 0
    return "a list" if none or not hasattr(value, "__iter__") else ""


def a_table(value: object) -> str:
    """Values by name."""
    return "" if isinstance(value, Mapping) else "a table of values by name"


def callable_(value: object) -> str:
    """A function."""
    return "" if callable(value) and not isinstance(value, type) else "a function"


def reals(value: object) -> str:
    """A list of real numbers."""
    fits = isinstance(value, list | tuple) or _axes(value) == 1
    fits = fits and not any(real(v) for v in cast("Iterable[object]", value))
    return "" if fits else "a list of real numbers"


def a_name_or_method(value: object) -> str:
    """A method's name, its class or an instance."""
    return (
        "" if isinstance(value, str | type) or not a_method(value) else 'a name such as "EF21", or a method'
    )


def arithmetic(value: object) -> str:
    """A real number, an expression as text, or a function of the constants."""
    fits = isinstance(value, str) or (callable(value) and not isinstance(value, type)) or not real(value)
    return "" if fits else "a number, an expression such as '1 - gamma*mu', or a function of the constants"


def a_theorem(value: object) -> str:
    """A theorem's id, or a theorem."""
    return (
        "" if isinstance(value, str) or _offers(value, "plan") else "a theorem's id such as 'diana.unified'"
    )


def optional(rule: Rule) -> Rule:
    """The same rule for a value that may be None."""
    return lambda value: "" if value is None else rule(value)


def whole(least: int, most: int | None = None) -> Rule:
    """An integer of a range; truth values are none."""
    said = f"an integer >= {least}" if most is None else f"an integer between {least} and {most}"

    def rule(value: object) -> str:
        fits = is_whole(value) and value >= least and (most is None or value <= most)
        return "" if fits else said

    return rule


def is_whole(value: object) -> TypeGuard[int]:
    """True for Python's and numpy's integers."""
    if isinstance(value, bool | type) or _axes(value):
        return False
    try:
        operator.index(cast("int", value))
    except TypeError:
        return False
    return True


def real(value: Number) -> str:
    """A number that is not NaN: int, float, Fraction, numpy's, or a symbol of sympy."""
    if hasattr(value, "free_symbols"):
        return ""
    if isinstance(value, bool | str | bytes | complex | type) or _axes(value):
        return "a real number"
    try:
        return "a real number" if math.isnan(float(value)) else ""
    except OverflowError:
        return "a number within the range of floats"
    except Exception:  # whatever a foreign object's conversion raises
        return "a real number"


def is_probability(value: Number) -> bool:
    """True for a real number in (0, 1]."""
    return not real(value) and bool(0 < value <= 1)


def finite(value: Number) -> str:
    """A real number that is not infinite."""
    said = real(value)
    return said or ("" if hasattr(value, "free_symbols") or math.isfinite(float(value)) else "finite")


def array(value: object) -> str:
    """An array, or nested lists, of real numbers, NaN and infinity included."""
    import numpy as np

    try:
        held = np.asarray(value)
        # Fractions and numbers of sympy become objects in numpy: they count where each is a real number.
        held = held.astype(np.float64) if held.dtype.kind == "O" else held
    except Exception:  # ragged lists, foreign objects
        return "an array of real numbers"
    return "" if held.dtype.kind in "biuf" and held.size else "an array of real numbers"


def numbers(value: object) -> str:
    """An array, or nested lists, of finite real numbers."""
    import numpy as np

    return array(value) or (
        "" if np.isfinite(np.asarray(value, dtype=np.float64)).all() else "finite in every entry"
    )


def real_type(value: object) -> str:
    """A numpy type of real numbers."""
    import numpy as np

    try:
        return (
            "" if np.dtype(cast("DTypeLike", value)).kind == "f" else "float64 or float32: iterates are real"
        )
    except Exception:  # whatever numpy says of what names no type
        return "float64 or float32"


def check_start(x0: object, d: int, runs: int | None = None) -> None:
    """A start has shape (d,), or (runs, d) where replicates may start apart. Raises InvalidParameter."""
    import numpy as np

    shapes = [(d,)] if runs is None else [(d,), (runs, d)]
    given = None if x0 is None else np.shape(cast("ArrayLike", x0))
    if given is not None and given not in shapes:
        raise InvalidParameter(f"x0 has shape {given}: need finite {' or '.join(map(str, shapes))}")


def text(value: object) -> str:
    """A string."""
    return "" if isinstance(value, str) else "a text"
